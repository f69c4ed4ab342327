"""The grid: data sets × models × {plain, weights, offset, subset, all three}, in both languages.

A formula is written in R's language and spelled in patsy's for statsmodels. ``poly`` is unknown
there: its columns (q1, q2, …) are computed here from their definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property, reduce
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

import statdl as sd
from statdl import datasets

OPTIONS = ("plain", "weights", "offset", "subset", "together")


@cache
def prepared(name: str) -> pd.DataFrame:
    """Return a shipped set with plain column names, weights ``w`` and a small offset ``o``."""
    data = datasets.load(name)
    data.columns = [column.strip(".").replace(".", "_") for column in data.columns]
    rng = np.random.default_rng(len(data))
    data["w"] = rng.uniform(0.5, 3.0, len(data)).round(3)
    data["o"] = (0.02 * rng.normal(size=len(data))).round(4)
    return data


def poly_columns(trained: Any, values: Any, degree: int) -> np.ndarray:
    """Return R's ``poly(trained, degree)`` at ``values``: powers, orthonormal on ``trained``."""
    centre, scale = np.mean(trained), np.std(trained)
    powers = np.vander((np.asarray(trained) - centre) / scale, degree + 1, increasing=True)
    R = np.linalg.qr(powers, mode="r")
    new = np.vander((np.asarray(values) - centre) / scale, degree + 1, increasing=True)
    return np.linalg.solve((R * np.sign(np.diag(R))[:, None]).T, new.T).T[:, 1:]


def with_poly(data: pd.DataFrame, trained: pd.DataFrame, name: str, degree: int) -> pd.DataFrame:
    """Return ``data`` with columns q1, q2, … of ``poly(name, degree)``."""
    columns = poly_columns(trained[name], data[name], degree)
    return data.assign(**{f"q{k + 1}": columns[:, k] for k in range(degree)})


PATSY = {"factor(": "C(", "^": "**", "log(": "np.log(", "sqrt(": "np.sqrt("}


def in_patsy(formula: str, poly: tuple[str, int] | None = None) -> str:
    """Return a formula in patsy's spelling, a poly replaced by its columns."""
    if poly is not None:
        columns = " + ".join(f"q{k + 1}" for k in range(poly[1]))
        formula = formula.replace(f"poly({poly[0]}, {poly[1]})", columns)
    return reduce(lambda text, pair: text.replace(*pair), PATSY.items(), formula)


@dataclass(frozen=True)
class Model:
    """One model of one data set.

    ``poly`` is the column and degree of a poly in the formula; ``subset`` a condition, the same in
    R and in pandas; ``new`` the rows to predict; ``scale`` that of the offset.
    """

    data: str
    formula: str
    new: dict[str, list[Any]]
    subset: str
    poly: tuple[str, int] | None = None
    scale: float = 1.0
    family: str = "gaussian"
    link: str | None = None

    @property
    def name(self) -> str:
        shown = f"{self.data}: {self.formula}"
        return shown if self.link is None else f"{self.family} {self.link}, {shown}"

    @property
    def theirs(self) -> str:
        """The formula as statsmodels reads it."""
        return in_patsy(self.formula, self.poly)


@dataclass(frozen=True)
class Problem:
    """A model with one of :data:`OPTIONS`, fitted by both libraries."""

    model: Model
    option: str

    @property
    def name(self) -> str:
        return f"{self.model.name} [{self.option}]"

    @property
    def weighted(self) -> bool:
        return self.option in ("weights", "together")

    @property
    def shifted(self) -> bool:
        return self.option in ("offset", "together")

    @property
    def data(self) -> pd.DataFrame:
        data = prepared(self.model.data)
        return data.assign(o=data["o"] * self.model.scale)

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """The rows that are fitted, with the columns that statsmodels needs."""
        data = self.data
        if self.option in ("subset", "together"):
            data = data.query(self.model.subset)
            for name in data.select_dtypes("category"):  # levels that no row has any more
                data[name] = data[name].cat.remove_unused_categories()
        if self.model.poly is not None:
            data = with_poly(data, data, *self.model.poly)
        return data

    @cached_property
    def new(self) -> pd.DataFrame:
        """The rows that are predicted, offset included."""
        new = pd.DataFrame(self.model.new)
        new["o"] = self.model.scale * 0.01 * (1 + np.arange(len(new)))
        return new

    @cached_property
    def their_new(self) -> pd.DataFrame:
        if self.model.poly is None:
            return self.new
        return with_poly(self.new, self.chosen, *self.model.poly)

    @cached_property
    def options(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        if self.weighted:
            chosen["weights"] = "w"
        if self.shifted:
            chosen["offset"] = "o"
        if self.option in ("subset", "together"):
            chosen["subset"] = self.model.subset
        return chosen

    @cached_property
    def offset(self) -> Any:
        """The offset of the fitted rows, 0 where there is none."""
        return self.chosen["o"].to_numpy() if self.shifted else np.zeros(len(self.chosen))

    @cached_property
    def new_offset(self) -> Any:
        return self.new["o"].to_numpy() if self.shifted else np.zeros(len(self.new))


def grid(models: list[Model], options: tuple[str, ...] = OPTIONS) -> dict[str, Problem]:
    """Return every model with every option, by name."""
    problems = [Problem(model, option) for model in models for option in options]
    return {problem.name: problem for problem in problems}


@dataclass(frozen=True)
class Both:
    """The fits of both libraries to one problem."""

    ours: sd.Fit
    theirs: Any
    problem: Problem = field(repr=False)

    @cached_property
    def order(self) -> list[int]:
        """Where statsmodels has each of our coefficients: patsy puts factors before numbers."""
        poly = self.problem.model.poly
        theirs = [_key(name, poly) for name in self.theirs.model.exog_names]
        ours = [_key(name, None) for name in self.ours.estimate.specification.coefficient_names]
        assert sorted(ours) == sorted(theirs)
        return [theirs.index(key) for key in ours]

    def sorted(self, values: Any) -> Any:
        """Return statsmodels' values of coefficients in our order."""
        return np.asarray(values)[self.order]


def _key(name: str, poly: tuple[str, int] | None) -> tuple[str, ...]:
    """Return a coefficient's name in our spelling, the parts of an interaction in one order."""
    if poly is not None and name.startswith("q") and name[1:].isdigit():
        name = f"poly({poly[0]},{poly[1]})[{name[1:]}]"
    spelling = {" ": "", "np.": "", "**": "^", "C(": "factor(", ".0]": "]"}
    plain = reduce(lambda text, pair: text.replace(*pair), spelling.items(), name)
    return tuple(sorted(plain.split(":")))


def least_squares(problem: Problem) -> Both:
    """Fit by lm, and by OLS or WLS; statsmodels has no offset there, so takes y less the offset."""
    ours = sd.lm(problem.model.formula, data=problem.data, **problem.options)
    left, right = problem.model.theirs.split("~")
    data = problem.chosen
    formula = f"I({left} - o) ~ {right}" if problem.shifted else problem.model.theirs
    if problem.weighted:
        return Both(ours, smf.wls(formula, data=data, weights=data["w"]).fit(), problem)
    return Both(ours, smf.ols(formula, data=data).fit(), problem)


LINKS: dict[str, Callable[[], Any]] = {
    "identity": sm.families.links.Identity,
    "log": sm.families.links.Log,
    "inverse": sm.families.links.InversePower,
    "sqrt": sm.families.links.Sqrt,
    "logit": sm.families.links.Logit,
    "probit": sm.families.links.Probit,
    "cauchit": sm.families.links.Cauchy,
    "cloglog": sm.families.links.CLogLog,
}
FAMILIES = {
    "gaussian": sm.families.Gaussian,
    "binomial": sm.families.Binomial,
    "poisson": sm.families.Poisson,
    "gamma": sm.families.Gamma,
}


def generalised(problem: Problem) -> Both:
    """Fit by glm in both libraries.

    statsmodels stops when the deviance moves by less than 1e-8, which leaves half of the digits of
    the coefficients open. It is started again at its estimate until that does not move.
    """
    model = problem.model
    options = problem.options
    ours = sd.glm(model.formula, problem.data, model.family, link=model.link, **options)
    return Both(ours, their_glm(problem, model.theirs), problem)


def their_glm(problem: Problem, formula: str) -> Any:
    """Return statsmodels' fit of a formula to a problem's rows, iterated to the end."""
    model, data = problem.model, problem.chosen
    family = FAMILIES[model.family](LINKS[model.link or "identity"]())
    extra = {"var_weights": data["w"]} if problem.weighted else {}
    if problem.shifted:
        extra["offset"] = problem.offset
    their_model = smf.glm(formula, data=data, family=family, **extra)
    estimated = model.family in ("gaussian", "gamma")
    start = _start(their_model, model.link)
    return converged(their_model, estimated, start)


def _start(model: Any, link: str | None) -> Any:
    """Return a start inside the domain for links that do not keep η there."""
    if link != "identity" or isinstance(model.family, sm.families.Gaussian):
        return None
    return np.linalg.lstsq(model.exog, model.endog, rcond=None)[0]


def converged(model: Any, use_t: bool, start: Any = None) -> Any:
    """Return a fit by Fisher scoring whose last step changes no coefficient by 1e-13."""
    tight = {"tol": 1e-15, "tol_criterion": "params", "use_t": use_t}
    fit = model.fit(start_params=start, maxiter=25, **tight)
    for _ in range(40):
        again = model.fit(start_params=fit.params, maxiter=10, **tight)
        moved = np.abs(again.params - fit.params) / again.bse
        fit = again
        if moved.max() < 1e-13:
            break
    return fit
