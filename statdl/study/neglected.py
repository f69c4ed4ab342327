"""Tests of neglected non-linearity, which ask whether a hidden layer would find something.

A hidden layer is a sum of functions of the inputs that the regression lacks. Near the regression
it is, by Taylor's theorem, a sum of their products of second and third degree (Teräsvirta, Lin &
Granger 1993), or it may be taken at random (White 1989). Either way the question is whether added
columns A belong into η = Xβ + Aδ, and δ = 0 has a score test, which needs no network at all:

    S = gᵀ I⁻¹ g / φ̂,   g and I the score and the information of (β, δ) at (β̂, 0).

S is χ² with as many degrees of freedom as A has columns of its own. In least squares S φ̂ is the
fall in the residual sum of squares, and the tests are

    F = ((RSS₀ − RSS₁)/m) / (RSS₁/(n − p − m)),   χ² = n log(RSS₀/RSS₁).

References: Teräsvirta, Lin & Granger (1993), J. Time Ser. Anal. 14, 209; White (1989), Proc. IJCNN
II, 451; Lee, White & Granger (1993), J. Econometrics 56, 269.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.backend.linalg import factorise
from statdl.backend.random import generator
from statdl.errors import DataError, ModelError, NotPositiveDefiniteError, NumericalError
from statdl.estimate import Estimate
from statdl.infer.distribution import chi2_tail, f_tail
from statdl.model.objective import Objective
from statdl.model.predictor import Linear
from statdl.report import DataTable

METHODS = ("terasvirta", "white")
TESTS = ("F", "Chisq")
#: A column that others explain up to this share of its square is one of them.
REDUNDANT = 1e-10


@dataclass(frozen=True)
class ScoreTest:
    """A score test: what it is, its statistic, degrees of freedom (df2 of F, else ∞), p-value."""

    method: str
    test: str
    statistic: float
    df: float
    df2: float

    @property
    def p_value(self) -> float:
        """P(F ≥ statistic) or P(χ² ≥ statistic)."""
        if self.test == "F":
            return f_tail(self.statistic, self.df, self.df2)
        return chi2_tail(self.statistic, self.df)


def score_test(
    estimate: Estimate,
    *,
    method: str = "terasvirta",
    test: str | None = None,
    degree: int = 3,
    units: int = 10,
    components: int = 2,
    span: float = 2.0,
    seed: int = 0,
) -> ScoreTest:
    """Test a regression for non-linearity that it neglects.

    Raises
    ------
    ModelError
        For a network, a penalised fit, or more added columns than the rows can bear.
    """
    _refuse(estimate, method, test)
    if method == "terasvirta":
        added = _products(estimate, degree)
    else:
        added = _random_units(estimate, units, components, span, seed)
    extended, m = _extended(estimate, added)
    if m == 0:
        raise ModelError(
            "No column is left to add: squares and products of the columns are combinations of "
            "them, as for a model of indicators only."
        )
    fall = _fall(estimate, extended)
    left = estimate.df_resid - m * estimate.outputs
    name = "Teräsvirta" if method == "terasvirta" else "White"
    return _tested(estimate, name, test, fall, float(m * estimate.outputs), left)


def _tested(
    estimate: Estimate, name: str, test: str | None, fall: float, df: float, left: float
) -> ScoreTest:
    """Refer the fall gᵀ I⁻¹ g, at unit dispersion, to F or χ²."""
    known = estimate.family.dispersion_known
    if test is None:
        test = "Chisq" if known else "F"
    if known:
        return ScoreTest(name, test, fall, df, math.inf)
    if left <= 0:
        raise ModelError(
            f"{df:g} added columns leave no degrees of freedom of {estimate.df_resid:g}; use "
            "degree=2, or method='white' with few units."
        )
    total = estimate.pearson
    rest = max(total - fall, 0.0)
    if test == "F":
        statistic = (fall / df) / (rest / left) if rest > 0 else math.inf
        return ScoreTest(name, test, statistic, df, left)
    if estimate.family.quadratic:
        statistic = estimate.nobs * math.log(total / rest) if rest > 0 else math.inf
    else:
        statistic = fall / estimate.dispersion
    return ScoreTest(name, test, statistic, df, math.inf)


# what is added ------------------------------------------------------------------------------


def _standard_columns(estimate: Estimate) -> Any:
    """Return the columns of X, centred and scaled, on the host."""
    X = to_numpy(estimate.objective.rows.X).astype(float)
    if X.shape[1] == 0:
        raise ModelError("The model has no predictors, so that there is nothing to be non-linear.")
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _products(estimate: Estimate, degree: int) -> Any:
    """Return all products of 2 to ``degree`` columns, Teräsvirta's Taylor expansion."""
    if degree not in (2, 3):
        raise ModelError(f"degree must be 2 or 3, not {degree!r}.")
    Z = _standard_columns(estimate)
    return np.stack(list(_each_product(Z, degree)), axis=1)


def _each_product(Z: Any, degree: int) -> Iterator[Any]:
    for size in range(2, degree + 1):
        for chosen in combinations_with_replacement(range(Z.shape[1]), size):
            yield np.prod(Z[:, chosen], axis=1)


def _random_units(estimate: Estimate, units: int, components: int, span: float, seed: int) -> Any:
    """Return the leading principal components of random logistic units, after the first.

    The units are nearly collinear with X and with each other, which the components avoid, as White
    proposes.
    """
    if int(units) != units or units < 2:
        raise ModelError(f"units must be a whole number of 2 or more, not {units!r}.")
    if int(components) != components or not 1 <= components < units:
        raise ModelError(
            f"components must be a whole number from 1 to units − 1 = {units - 1}, not "
            f"{components!r}."
        )
    Z = _standard_columns(estimate)
    gamma = generator(seed).uniform(-span, span, size=(Z.shape[1] + 1, int(units)))
    values = 1 / (1 + np.exp(-(gamma[0] + Z @ gamma[1:])))
    centred = values - values.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return (left * sizes)[:, 1 : 1 + int(components)]


# the test -------------------------------------------------------------------------------------


def _extended(estimate: Estimate, added: Any) -> tuple[Objective, int]:
    """Return the objective with those added columns that are not combinations of the others."""
    objective = estimate.objective
    rows = objective.rows
    X = to_numpy(rows.X).astype(float)
    base = np.column_stack([np.ones(len(X)), X]) if objective.intercept else X
    counted = np.ones(len(X)) if rows.weights is None else (to_numpy(rows.weights) > 0) * 1.0
    kept = _independent(base * counted[:, None], added * counted[:, None])
    basis = added[:, kept]
    wider = like(np.column_stack([X, basis]), rows.X)
    predictor = Linear(wider.shape[1], objective.predictor.outputs, objective.intercept)
    return replace(objective, predictor=predictor, rows=replace(rows, X=wider)), len(kept)


def _independent(base: Any, added: Any) -> list[int]:
    """Return the added columns that neither the base nor the ones before them explain."""
    Q, _ = np.linalg.qr(base)
    kept: list[int] = []
    for j in range(added.shape[1]):
        column = added[:, j]
        rest = column - Q @ (Q.T @ column)
        rest = rest - Q @ (Q.T @ rest)
        square = float(rest @ rest)
        if square > REDUNDANT * float(column @ column) and square > 0 and Q.shape[1] < len(Q):
            kept.append(j)
            Q = np.column_stack([Q, rest / math.sqrt(square)])
    return kept


def _fall(estimate: Estimate, extended: Objective) -> float:
    """Return gᵀ I⁻¹ g at (β̂, 0), at unit dispersion."""
    table = to_numpy(estimate.parameters).reshape(estimate.outputs, -1)
    more = extended.size // estimate.outputs - table.shape[1]
    theta = estimate.to_device(np.pad(table, ((0, 0), (0, more))).reshape(-1))
    _, gradient = extended.value_and_gradient(theta)
    try:
        factor = factorise(extended.curvature(theta, expected=True))
    except NotPositiveDefiniteError:
        raise NumericalError(
            "The information of the added columns is singular to working precision; use degree=2 "
            "or method='white'."
        ) from None
    whitened = factor.whiten(gradient)
    return float(whitened @ whitened)


def _refuse(estimate: Estimate, method: str, test: str | None) -> None:
    if method not in METHODS:
        raise ModelError(f"method={method!r} is not known; choose {' or '.join(METHODS)}.")
    if test is not None and test not in TESTS:
        raise ModelError(f"test={test!r} is not known; choose {' or '.join(TESTS)}.")
    if test == "F" and estimate.family.dispersion_known:
        raise ModelError(
            f"An F test needs an estimated dispersion, and the {estimate.family.name} family has "
            "none to estimate; use test='Chisq'."
        )
    if estimate.specification.plan is not None:
        raise ModelError(
            "The test asks whether a regression needs a hidden layer; this fit has one. Compare "
            "networks with anova(smaller, larger)."
        )
    if estimate.specification.penalty.active:
        raise ModelError("A penalised fit has no score of 0 to test from; fit without a penalty.")
    if estimate.remembered is not None:
        raise DataError("A model loaded from a file has no rows to test; fit it to its data first.")
    if not np.isfinite(estimate.root).all():
        raise ModelError(f"The fit is no maximum to test from: {estimate.convergence.message}")


def score_table(found: ScoreTest, name: str) -> DataTable:
    """Return the test as a table."""
    statistic = "F" if found.test == "F" else "Chisq"
    columns: dict[str, list[float]] = {"Df": [found.df]}
    if found.test == "F":
        columns["Resid. Df"] = [found.df2]
    columns |= {statistic: [found.statistic], f"Pr(>{statistic})": [found.p_value]}
    formats = {
        label: {"Df": "integer", "Resid. Df": "integer", statistic: "statistic"}.get(
            label, "p_value"
        )
        for label in columns
    }
    note = "Small values say that a hidden layer would find something that the regression lacks."
    return DataTable(
        "",
        (f"{found.method}'s score test",),
        columns,
        "Is a hidden layer needed?",
        (f"Model: {name}",),
        formats,
        (note,),
    )
