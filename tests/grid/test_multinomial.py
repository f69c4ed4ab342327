"""multinom against statsmodels' MNLogit over the grid.

MNLogit has neither weights nor an offset. Weights that are counts are repeated rows, which is how
it is given them here; an offset only shifts what Newton's method, written out below, maximises.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
from scipy import stats

import statdl as sd
from tests.agreement import agree, agree_in_size, agree_p
from tests.grid.problems import OPTIONS, in_patsy, prepared, with_poly


@dataclass(frozen=True)
class Model:
    """One model: a formula, the rows to predict, a subset, the column and degree of a poly."""

    data: str
    formula: str
    new: dict[str, list[Any]]
    subset: str
    poly: tuple[str, int] | None = None

    @property
    def name(self) -> str:
        return f"{self.data}: {self.formula}"


def anes96() -> pd.DataFrame:
    data = sm.datasets.anes96.load_pandas().data[["PID", "age", "educ", "vote", "income"]]
    return data.assign(w=1.0 + np.arange(len(data)) % 3, o=0.01 * (np.arange(len(data)) % 7))


def data_of(name: str) -> pd.DataFrame:
    if name == "anes96":
        return anes96()
    data = prepared(name)
    return data.assign(w=1.0 + np.arange(len(data)) % 3)


NEW = {
    "iris": {"Sepal_Length": [5.0, 6.5], "Sepal_Width": [2.5, 3.4]},
    "mtcars": {"drat": [3.0, 4.0], "qsec": [16.0, 19.0], "am": [0, 1]},
    "infert": {"age": [25, 40], "parity": [1, 3], "induced": [0, 2], "case": [0, 1]},
    "anes96": {"age": [30, 60], "educ": [3, 6], "vote": [0.0, 1.0], "income": [10.0, 20.0]},
}
SUBSETS = {
    "iris": "Petal_Width < 2.4",
    "mtcars": "hp < 250",
    "infert": "age < 42",
    "anes96": "age < 80",
}
FORMULAS = {
    "iris": ["Species ~ Sepal_Width"],
    "mtcars": ["factor(gear) ~ drat", "factor(cyl) ~ poly(qsec, 2)"],
    "infert": [
        "education ~ age + parity + induced",
        "education ~ age * factor(case)",
        "education ~ age + parity + induced - 1",
    ],
    "anes96": ["PID ~ age + educ + vote", "PID ~ log(income + 1) + factor(vote)"],
}
MODELS = [
    Model(data, formula, NEW[data], SUBSETS[data], ("qsec", 2) if "poly" in formula else None)
    for data, formulas in FORMULAS.items()
    for formula in formulas
]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")
CASES = {f"{model.name} [{option}]": (model, option) for model in MODELS for option in OPTIONS}
everywhere = pytest.mark.parametrize("name", CASES)


@dataclass(frozen=True)
class Both:
    """Our fit, and statsmodels' model of the repeated rows with the maximum of its likelihood."""

    ours: sd.Fit
    theirs: Any
    X: Any
    new_rows: Any
    repeats: Any
    offset: Any
    order: list[int]


@cache
def both(name: str) -> Both:
    model, option = CASES[name]
    data = data_of(model.data)
    weighted, shifted = option in ("weights", "together"), option in ("offset", "together")
    options = {"weights": "w"} if weighted else {}
    options |= {"offset": "o"} if shifted else {}
    options |= {"subset": model.subset} if option in ("subset", "together") else {}
    ours = sd.multinom(model.formula, data=data, **options)
    chosen = data.query(model.subset) if option in ("subset", "together") else data
    left = model.formula.split("~")[0].strip().removeprefix("factor(").removesuffix(")")
    new = pd.DataFrame(model.new)
    if model.poly is not None:
        new = with_poly(new, chosen, *model.poly)
        chosen = with_poly(chosen, chosen, *model.poly)
    right = in_patsy(model.formula, model.poly).split("~")[1]
    X = patsy.dmatrix(right, chosen, return_type="dataframe")
    new_rows = np.asarray(patsy.build_design_matrices([X.design_info], new)[0])
    codes = pd.Categorical(chosen[left]).codes
    repeats = chosen["w"].to_numpy().astype(int) if weighted else np.ones(len(chosen), int)
    offset = chosen["o"].to_numpy() if shifted else np.zeros(len(chosen))
    theirs = maximum(np.repeat(codes, repeats), np.repeat(X.to_numpy(), repeats, axis=0),
                     np.repeat(offset, repeats))  # fmt: skip
    spelling = {"C(": "factor(", "np.": "", "q1": "poly(qsec, 2)[1]", "q2": "poly(qsec, 2)[2]"}
    names = list(X.columns)
    for old, here in spelling.items():
        names = [column.replace(old, here) for column in names]
    keys = [sorted(column.replace(".0]", "]").split(":")) for column in names]
    order = [keys.index(sorted(label.split(":"))) for label in ours.params.index]
    return Both(ours, theirs, X.to_numpy(), new_rows, repeats, offset, order)


@dataclass(frozen=True)
class Maximum:
    """θ (m, q) where the likelihood of all rows is largest, and what follows from it."""

    params: Any
    covariance: Any
    llf: float
    llnull: float


def maximum(codes: Any, X: Any, offset: Any) -> Maximum:
    """Maximise with statsmodels' MNLogit, and where there is an offset by Newton's method."""
    model = sm.MNLogit(codes, X)
    with np.errstate(all="ignore"):
        start = model.fit(disp=False, method="newton", maxiter=100, tol=1e-10)
    ones = np.ones((len(codes), 1))
    indicator = np.eye(codes.max() + 1)[codes][:, 1:]
    if not offset.any():
        # one more Newton step with MNLogit's own score and Hessian, where its tol stops short
        theta = np.asarray(start.params)
        for _ in range(3):
            flat = theta.ravel(order="F")
            step = np.linalg.solve(model.hessian(flat), model.score(flat))
            theta = theta - step.reshape(theta.shape, order="F")
        flat = theta.ravel(order="F")
        null = newton(indicator, ones, offset, np.zeros((1, indicator.shape[1])))
        return Maximum(theta, -np.linalg.inv(model.hessian(flat)), model.loglike(flat), null.llf)
    found = newton(indicator, X, offset, np.asarray(start.params))
    null = newton(indicator, ones, offset, np.zeros((1, indicator.shape[1])))
    return Maximum(found.params, found.covariance, found.llf, null.llf)


def newton(indicator: Any, X: Any, offset: Any, theta: Any) -> Maximum:
    for _ in range(30):
        p, log_sum = probabilities(X @ theta + offset[:, None])
        gradient = (X.T @ (indicator - p)).ravel(order="F")
        weights = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
        q, m = p.shape[1], X.shape[1]
        H = np.einsum("ij,iab,ik->ajbk", X, weights, X).reshape(q * m, q * m)
        theta = theta + np.linalg.solve(H, gradient).reshape(theta.shape, order="F")
    llf = float(np.sum(indicator * (X @ theta + offset[:, None])) - np.sum(log_sum))
    return Maximum(theta, np.linalg.inv(H), llf, np.nan)


def probabilities(eta: Any) -> tuple[Any, Any]:
    """Return the probabilities of all but the reference, and log(1 + Σ e^η)."""
    log_sum = np.logaddexp.reduce(np.column_stack([np.zeros(len(eta)), eta]), axis=1)
    return np.exp(eta - log_sum[:, None]), log_sum


def reference(name: str) -> dict[str, Any]:
    """Return the reference's table in our order of coefficients, (m, q)."""
    pair = both(name)
    theta = pair.theirs.params
    se = np.sqrt(np.diag(pair.theirs.covariance)).reshape(theta.shape, order="F")
    z = theta / se
    table = {"params": theta, "bse": se, "tvalues": z, "pvalues": 2 * stats.norm.sf(np.abs(z))}
    return {key: values[pair.order] for key, values in table.items()}


@everywhere
def test_coefficients(name):
    ours, table = both(name).ours, reference(name)
    assert ours.converged
    agree(ours.params, table["params"], scale=table["bse"])
    agree(ours.bse, table["bse"])
    agree(ours.tvalues, table["tvalues"], scale=1.0)
    agree_p(ours.pvalues, table["pvalues"])


@everywhere
def test_covariance_and_confidence_limits(name):
    pair, table = both(name), reference(name)
    m, q = pair.theirs.params.shape
    where = [k * m + j for k in range(q) for j in pair.order]
    expected = pair.theirs.covariance[np.ix_(where, where)]
    root = np.sqrt(np.diag(expected))
    agree(pair.ours.cov_params(), expected, scale=np.outer(root, root))
    half = stats.norm.ppf(0.9) * table["bse"].ravel(order="F")
    centre = table["params"].ravel(order="F")
    limits = np.column_stack([centre - half, centre + half])
    agree(pair.ours.conf_int(0.2), limits, scale=np.abs(limits).max(axis=1, keepdims=True))


@everywhere
def test_measures_of_fit(name):
    pair = both(name)
    ours, theirs = pair.ours, pair.theirs
    m, q = theirs.params.shape
    rows = len(pair.X)
    assert (ours.nobs, ours.df_resid) == (rows, rows - m * q)
    agree(ours.llf, theirs.llf)
    agree(ours.deviance, -2 * theirs.llf)
    agree(ours.aic, 2 * m * q - 2 * theirs.llf)
    agree(ours.bic, m * q * np.log(rows) - 2 * theirs.llf)
    if not ours.estimate.objective.intercept:
        # MNLogit compares with a constant that the model does not have; we with η = offset
        equal = np.broadcast_to(pair.offset[:, None], (rows, q))
        y = ours.estimate.objective.rows.y
        log_sum = probabilities(equal)[1]
        expected = pair.repeats @ ((y * equal).sum(axis=1) - log_sum)
        agree(ours.llnull, expected)
        assert ours.df_model == m * q
        return
    assert ours.df_model == (m - 1) * q
    agree(ours.llnull, theirs.llnull)
    agree(ours.llr, 2 * (theirs.llf - theirs.llnull))
    agree(ours.prsquared, 1 - theirs.llf / theirs.llnull, scale=1.0)
    agree_p(ours.llr_pvalue, stats.chi2.sf(2 * (theirs.llf - theirs.llnull), (m - 1) * q))


@pytest.mark.parametrize("name", [name for name in CASES if "plain" in name and "- 1" not in name])
def test_attributes_of_statsmodels_own_results(name):
    pair = both(name)
    left = pair.ours.estimate.objective.rows.y @ np.arange(1, pair.ours.estimate.outputs + 1)
    theirs = sm.MNLogit(left, pd.DataFrame(pair.X).rename(columns={0: "const"})).fit(
        disp=False, method="newton", maxiter=100, tol=1e-12
    )
    ours = pair.ours
    for attribute in ("nobs", "llf", "llnull", "aic", "bic", "df_model", "df_resid", "llr"):
        agree(getattr(ours, attribute), getattr(theirs, attribute))
    agree(ours.prsquared, theirs.prsquared, scale=1.0)
    agree_p(ours.llr_pvalue, theirs.llr_pvalue)
    agree_in_size(ours.fittedvalues, theirs.predict())
    agree(ours.params, np.asarray(theirs.params)[pair.order], scale=ours.bse)
    agree(ours.bse, np.asarray(theirs.bse)[pair.order])


@everywhere
def test_fitted_probabilities_and_residuals(name):
    pair = both(name)
    p, _ = probabilities(pair.X @ pair.theirs.params + pair.offset[:, None])
    full = np.column_stack([1 - p.sum(axis=1), p])
    y = pair.ours.estimate.objective.rows.y
    shares = np.column_stack([1 - y.sum(axis=1), y])
    agree_in_size(pair.ours.fittedvalues, full)
    agree_in_size(pair.ours.resid, shares - full)
    scaled = np.sqrt(pair.repeats[:, None] / (full * (1 - full))) * (shares - full)
    agree_in_size(pair.ours.residuals("pearson"), scaled)


@everywhere
def test_pearson_chi2_adds_up_all_classes(name):
    pair = both(name)
    p, _ = probabilities(pair.X @ pair.theirs.params + pair.offset[:, None])
    full = np.column_stack([1 - p.sum(axis=1), p])
    y = pair.ours.estimate.objective.rows.y
    shares = np.column_stack([1 - y.sum(axis=1), y])
    agree(pair.ours.pearson_chi2, pair.repeats @ ((shares - full) ** 2 / full).sum(axis=1))


@everywhere
def test_predictions_with_standard_errors(name):
    pair = both(name)
    model, option = CASES[name]
    new = pd.DataFrame(model.new)
    shift = np.array([0.05, 0.1]) * (option in ("offset", "together"))
    new["o"] = shift
    theta, V = pair.theirs.params, pair.theirs.covariance
    q = theta.shape[1]
    p, _ = probabilities(pair.new_rows @ theta + shift[:, None])
    full = np.column_stack([1 - p.sum(axis=1), p])
    se = np.empty_like(full)
    for i, (x, own) in enumerate(zip(pair.new_rows, full, strict=True)):
        slope = own[:, None] * (np.eye(q + 1)[:, 1:] - own[None, 1:])
        J = np.kron(slope, x[None, :])
        se[i] = np.sqrt(np.diag(J @ V @ J.T))
    found = pair.ours.predict(new, se_fit=True).to_numpy()
    agree_in_size(found[:, : q + 1], full)
    agree(found[:, q + 1 :], se)
    agree_in_size(pair.ours.predict(new), full)
    best = [pair.ours.levels[k] for k in full.argmax(axis=1)]
    assert list(pair.ours.predict(new, type="class")) == best
