"""The front doors ``lm``, ``glm`` and ``multinom``, and the verbs.

Strings become objects here and nowhere else.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, TypeVar

from statdl.errors import ModelError
from statdl.estimate import estimate, specify
from statdl.formula import ModelFrame, array_frame, model_frame
from statdl.infer.goodness import LogLikelihood
from statdl.lazy import lazy
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.family import Family, Gamma, Gaussian, Poisson
from statdl.model.link import (
    Cauchit,
    ComplementaryLogLog,
    Identity,
    Inverse,
    Link,
    Log,
    Logit,
    Probit,
    Sqrt,
)
from statdl.model.penalty import Penalty, Ridge
from statdl.report import DataTable, Summary
from statdl.results import Call, Fit
from statdl.solve.descent import GradientDescent
from statdl.solve.iterate import Solver
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import LeastSquares, Newton

pd = lazy("pandas")

Named = TypeVar("Named")

FAMILIES: Mapping[str, Callable[..., Any]] = {
    "gaussian": Gaussian,
    "normal": Gaussian,
    "binomial": Binomial,
    "bernoulli": Binomial,
    "poisson": Poisson,
    "gamma": Gamma,
}
LINKS: Mapping[str, Callable[[], Link]] = {
    "identity": Identity,
    "log": Log,
    "sqrt": Sqrt,
    "inverse": Inverse,
    "logit": Logit,
    "probit": Probit,
    "cauchit": Cauchit,
    "cloglog": ComplementaryLogLog,
}
METHODS: Mapping[str, Callable[[], Solver]] = {
    "ls": LeastSquares,
    "newton": Newton,
    "irls": lambda: Newton(expected=True, tolerance=1e-10),
    "fisher": lambda: Newton(expected=True, tolerance=1e-10),
    "lbfgs": LBFGS,
    "gd": GradientDescent,
}
#: Above this many parameters times outputs, L-BFGS passes the data more cheaply than Newton.
NEWTON_SIZE = 200


def lm(
    formula: str | None = None,
    data: Any = None,
    *,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    method: str | Solver = "ls",
    penalty: float | Penalty | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Fit:
    """Fit a linear regression: normal errors, by least squares.

    y = Xβ + offset + ε with ε_i ~ N(0, σ²/w_i); β̂ minimises ½ Σ w_i (y_i − η_i)² (+ penalty).

    Parameters
    ----------
    formula : str, optional
        Such as ``"mpg ~ wt + factor(cyl)"``, in R's language.
    data : frame or dict, optional
        pandas, polars or pyarrow.
    X, y : arrays, optional
        (n, p) and (n,) in place of formula and data: NumPy, CuPy or any array API library.
    names : sequence of str, optional
        Names of the columns of X.
    intercept : bool
        Whether a model for arrays has an intercept; formulas say so with ``- 1``.
    weights : column name or (n,) array, optional
        Inverse variances up to a factor (R's prior weights).
    offset : column name or (n,) array, optional
        A part of η with coefficient 1; ``offset(...)`` in the formula adds to it.
    subset : mask or condition, optional
        Rows to use, such as ``"wt > 3 & cyl == 4"``.
    na_action : {"drop", "raise"}
        What to do with rows that have missing values.
    method : str or Solver
        "ls", "newton", "irls", "lbfgs" or "gd", or an object such as
        ``sd.GradientDescent(sd.Adam(0.01), batch=32)``.
    penalty : float or Penalty, optional
        Weight decay: ½ λ Σ β², intercept left alone.
    device : {"cpu", "cuda"}, optional
        Where to compute; by default where the data are.
    dtype : {"float32", "float64"}, optional
        Precision; by default that of the data.

    Returns
    -------
    Fit

    Raises
    ------
    FormulaError, DataError, ModelError
        When the formula, the data or the combination of arguments make no model.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> fit = sd.lm("mpg ~ wt + factor(cyl)", data=cars)
    >>> print(fit.params.round(3).to_string())
    Intercept         33.991
    wt                -3.206
    factor(cyl)[T.6]  -4.256
    factor(cyl)[T.8]  -6.071
    """
    arguments = locals()
    return _fit(lm, arguments, Gaussian(), method)


def glm(
    formula: str | None = None,
    data: Any = None,
    family: str | Family = "gaussian",
    *,
    link: str | Link | None = None,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    reference: Any = None,
    method: str | Solver | None = None,
    penalty: float | Penalty | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Fit:
    """Fit a generalised linear model by maximum likelihood.

    g(E y) = η = Xβ + offset, with y from the family and g its link.

    Parameters
    ----------
    family : str or Family
        "gaussian", "binomial" (= "bernoulli"), "poisson" or "gamma".
    link : str, optional
        binomial: logit, probit, cloglog, cauchit; poisson: log, sqrt, identity; gamma: inverse,
        log, identity; gaussian: identity, log, inverse. The first is the default.
    weights : column name or (n,) array, optional
        Prior weights; for a binomial response of proportions, the numbers of trials.
    reference : optional
        Which of two categories counts as 0.
    method : str or Solver, optional
        "irls" (Fisher scoring, the default), "newton" (observed information), "lbfgs", "gd", or
        "ls" for the gaussian family with the identity link.

    The other parameters, what is returned and what is raised are as for :func:`lm`. A binomial
    response may be 0/1, two categories, ``cbind(successes, failures)`` or proportions.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> print(fit.params.round(3).to_string())
    Intercept    12.040
    wt           -4.024
    """
    arguments = locals()
    chosen = _family(family, link)
    if method is None:
        method = "ls" if chosen.quadratic else "irls"
    return _fit(glm, arguments, chosen, method)


def multinom(
    formula: str | None = None,
    data: Any = None,
    *,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    reference: Any = None,
    method: str | Solver | None = None,
    penalty: float | Penalty | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Fit:
    """Fit a multinomial (softmax) regression by maximum likelihood.

    P(y = k) = e^{η_k} / (1 + Σ_j e^{η_j}) with η_k = Xβ_k + offset for every class but the
    reference, whose η is 0.

    Parameters
    ----------
    reference : optional
        The class that the others are compared with; by default the first level.
    method : str or Solver, optional
        "newton", "lbfgs" or "gd"; by default Newton's method, or L-BFGS for many parameters.

    The other parameters, what is returned and what is raised are as for :func:`lm`. The response
    may be a factor, text, integers, or ``cbind(a, b, c)`` of counts.

    Examples
    --------
    >>> import statdl as sd
    >>> housing = sd.datasets.load("housing")
    >>> fit = sd.multinom("Sat ~ Infl", data=housing, weights="Freq")
    >>> print(fit.params.round(3).to_string())
                    Medium   High
    Intercept       -0.506 -0.477
    Infl[T.Medium]   0.420  0.725
    Infl[T.High]     0.603  1.541
    """
    arguments = locals()
    return _fit(multinom, arguments, Multinomial(), method)


def _fit(
    front: Callable[..., Fit],
    arguments: Mapping[str, Any],
    family: Family,
    method: str | Solver | None,
) -> Fit:
    """Take the one way from a front door to a fit."""
    specification = specify(
        _frame(arguments),
        family,
        Newton() if method is None else _solver(method),
        penalty=_penalty(arguments["penalty"]),
        reference=arguments.get("reference"),
        device=arguments["device"],
        dtype=arguments["dtype"],
    )
    if method is None:
        size = specification.rows.X.shape[1] * specification.family.outputs**2
        many = (
            size > NEWTON_SIZE and specification.rows.n > 10 * size / specification.family.outputs
        )
        specification = replace(specification, solver=LBFGS() if many else Newton())
    return Fit(estimate(specification), Call(front, arguments))


def _frame(arguments: Mapping[str, Any]) -> ModelFrame:
    """Read formula and data, or X and y."""
    shared = {name: arguments[name] for name in ("weights", "offset", "subset", "na_action")}
    formula, data = arguments["formula"], arguments["data"]
    X, y = arguments["X"], arguments["y"]
    if (X is None) != (y is None):
        raise ModelError(f"X= and y= go together; {'X' if X is None else 'y'} is missing.")
    if X is not None:
        if formula is not None or data is not None:
            raise ModelError("Give a formula with data=, or X= with y=, not both.")
        own = {"names": arguments["names"], "intercept": arguments["intercept"]}
        return array_frame(X, y, **own, **shared)
    if formula is None:
        raise ModelError("Give a formula and data=, or X= and y=.")
    if data is None:
        raise ModelError(f"The formula {formula!r} needs data=: a frame with its columns.")
    if arguments["names"] is not None or not arguments["intercept"]:
        raise ModelError("names= and intercept= are for X= and y=; in a formula write '- 1'.")
    return model_frame(formula, data, **shared)


def _family(family: str | Family, link: str | Link | None) -> Family:
    """Return the family with its link, or say which links it has."""
    found = _named_family(family) if isinstance(family, str) else family
    if not hasattr(found, "loss_and_score"):
        raise ModelError(
            f"family={family!r} is neither a name ({', '.join(FAMILIES)}) nor a family."
        )
    if link is None:
        return found
    chosen = lookup(link, LINKS, "link")() if isinstance(link, str) else link
    if not isinstance(chosen, tuple(found.links)):
        known = ", ".join(kind.name for kind in found.links)
        raise ModelError(
            f"The {found.name} family has no {getattr(chosen, 'name', repr(chosen))} link here; "
            f"choose one of {known}."
        )
    return replace(found, link=chosen)  # type: ignore[type-var]


def _named_family(name: str) -> Family:
    if name.lower() in ("multinomial", "multinoulli", "softmax"):
        raise ModelError(f"family={name!r} is fitted by multinom().")
    return lookup(name.lower(), FAMILIES, "family")()


def _solver(method: str | Solver) -> Solver:
    if isinstance(method, str):
        return lookup(method, METHODS, "method")()
    if isinstance(method, type) or not hasattr(method, "step"):
        raise ModelError(
            f"method={method!r} is neither a name ({', '.join(METHODS)}) nor a solver such as "
            "sd.GradientDescent()."
        )
    return method


def _penalty(penalty: Any) -> Penalty | None:
    if isinstance(penalty, Real):
        return Ridge(float(penalty))
    if penalty is not None and not hasattr(penalty, "curvature"):
        raise ModelError(
            f"penalty={penalty!r} is neither a strength such as 1.0 nor a penalty such as "
            "sd.Ridge(1.0)."
        )
    return penalty


def lookup(name: str, table: Mapping[str, Named], what: str) -> Named:
    """Return an entry by name, or list the names with the nearest one."""
    if name in table:
        return table[name]
    near = difflib.get_close_matches(str(name), table, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ModelError(f"{what}={name!r} is not known; choose one of {', '.join(table)}.{hint}")


def summary(fit: Fit, level: float = 0.95) -> Summary:
    """Return the summary of a fit.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.summary(fit).title
    'Linear Regression Results'
    """
    return fit.summary(level)


def anova(fit: Fit, *others: Fit, typ: int = 1, test: str | None = None) -> DataTable:
    """Return the analysis of variance of a fit, or compare fits to the same rows.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> table = sd.anova(sd.lm("mpg ~ wt", data=cars), sd.lm("mpg ~ wt + hp", data=cars))
    >>> round(float(table["F"][1]), 3)
    12.381
    """
    return fit.anova(*others, typ=typ, test=test)


def predict(fit: Fit, newdata: Any = None, type: str = "response", **options: Any) -> Any:
    """Predict new rows; see :meth:`statdl.Fit.predict`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> [round(float(value), 2) for value in sd.predict(fit, {"wt": [3.0]})]
    [21.25]
    """
    return fit.predict(newdata, type, **options)


def coef(fit: Fit) -> Any:
    """Return the coefficients.

    Examples
    --------
    >>> import statdl as sd
    >>> round(float(sd.coef(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))["wt"]), 4)
    -5.3445
    """
    return fit.coef()


def confint(fit: Fit, level: float = 0.95) -> Any:
    """Return confidence limits of the coefficients.

    Examples
    --------
    >>> import statdl as sd
    >>> limits = sd.confint(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    >>> limits.loc["wt"].round(3).to_dict()
    {'2.5 %': -6.486, '97.5 %': -4.203}
    """
    return fit.confint(level)


def vcov(fit: Fit) -> Any:
    """Return the covariance matrix of the coefficients.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.vcov(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).shape
    (2, 2)
    """
    return fit.vcov()


def residuals(fit: Fit, type: str = "response") -> Any:
    """Return residuals: "response", "pearson", "deviance" or "working".

    Examples
    --------
    >>> import statdl as sd
    >>> round(float(sd.residuals(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).iloc[0]), 4)
    -2.2826
    """
    return fit.residuals(type)


def fitted(fit: Fit) -> Any:
    """Return the fitted means.

    Examples
    --------
    >>> import statdl as sd
    >>> round(float(sd.fitted(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).iloc[0]), 4)
    23.2826
    """
    return fit.fitted()


def deviance(fit: Fit) -> float:
    """Return the deviance.

    Examples
    --------
    >>> import statdl as sd
    >>> round(sd.deviance(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))), 3)
    278.322
    """
    return fit.deviance


def logLik(fit: Fit) -> LogLikelihood:
    """Return R's log-likelihood with its degrees of freedom.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.logLik(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    'log Lik.' -80.01471 (df=3)
    """
    return fit.logLik()


def AIC(fit: Fit, *others: Fit, k: float = 2.0) -> Any:
    """Return R's AIC; of several fits a frame with their degrees of freedom.

    Examples
    --------
    >>> import statdl as sd
    >>> round(sd.AIC(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))), 3)
    166.029
    """
    return _criterion("AIC", fit, others, lambda each: each.AIC(k))


def BIC(fit: Fit, *others: Fit) -> Any:
    """Return R's BIC; of several fits a frame with their degrees of freedom.

    Examples
    --------
    >>> import statdl as sd
    >>> round(sd.BIC(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))), 3)
    170.427
    """
    return _criterion("BIC", fit, others, lambda each: each.BIC())


def _criterion(name: str, fit: Fit, others: Sequence[Fit], value: Callable[[Fit], float]) -> Any:
    if not others:
        return value(fit)
    fits = (fit, *others)
    columns = {"df": [each.logLik().df for each in fits], name: [value(each) for each in fits]}
    return pd.DataFrame(columns, index=[each.describe() for each in fits])


def nobs(fit: Fit) -> int:
    """Return the number of rows with positive weight.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.nobs(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    32
    """
    return fit.nobs


def df_residual(fit: Fit) -> float:
    """Return the residual degrees of freedom.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.df_residual(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    30.0
    """
    return fit.df_residual()


def formula(fit: Fit) -> str | None:
    """Return the formula of a fit.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.formula(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    'mpg ~ wt'
    """
    return fit.formula


def model_matrix(fit: Fit) -> Any:
    """Return the design matrix, intercept included.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.model_matrix(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).shape
    (32, 2)
    """
    return fit.model_matrix()


def update(fit: Fit, formula: str | None = None, **changes: Any) -> Fit:
    """Fit again with another formula, data, weights or method.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.formula(sd.update(fit, ". ~ . + hp"))
    'mpg ~ wt + hp'
    """
    return fit.update(formula, **changes)
