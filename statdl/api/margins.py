"""Margins of a fit, as functions: each calls the method of the fit."""

from __future__ import annotations

from typing import Any

from statdl.api.verbs import as_fit
from statdl.results import Fit


def predictions(fit: Fit, newdata: Any = None, **options: Any) -> Any:
    """Return predictions with standard errors; see :meth:`statdl.Fit.predictions`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> sd.predictions(fit, sd.datagrid(fit, wt=[2, 3]))["estimate"].round(3).tolist()
    [0.982, 0.492]
    """
    return as_fit(fit).predictions(newdata, **options)


def avg_predictions(fit: Fit, newdata: Any = None, **options: Any) -> Any:
    """Return average predictions; see :meth:`statdl.Fit.predictions`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt + factor(cyl)", data=sd.datasets.load("mtcars"))
    >>> sd.avg_predictions(fit, variables={"cyl": None})["estimate"].round(2).tolist()
    [23.68, 19.42, 17.61]
    """
    return as_fit(fit).avg_predictions(newdata, **options)


def comparisons(fit: Fit, variables: Any = None, newdata: Any = None, **options: Any) -> Any:
    """Return how predictions change with a variable; see :meth:`statdl.Fit.comparisons`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> found = sd.comparisons(fit, {"wt": (2, 3)}, "mean")
    >>> found[["contrast", "estimate"]].round(3).values.tolist()
    [['3 - 2', -0.49]]
    """
    return as_fit(fit).comparisons(variables, newdata, **options)


def avg_comparisons(fit: Fit, variables: Any = None, newdata: Any = None, **options: Any) -> Any:
    """Return average comparisons; see :meth:`statdl.Fit.comparisons`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.multinom("Sat ~ Infl", data=sd.datasets.load("housing"), weights="Freq")
    >>> found = sd.avg_comparisons(fit, {"Infl": ("Low", "High")})
    >>> found[["group", "estimate"]].round(3).values.tolist()
    [['Low', -0.25], ['Medium', -0.051], ['High', 0.301]]
    """
    return as_fit(fit).avg_comparisons(variables, newdata, **options)


def slopes(fit: Fit, variables: Any = None, newdata: Any = None, **options: Any) -> Any:
    """Return the derivatives of predictions in the variables; see :meth:`statdl.Fit.slopes`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ poly(wt, 2)", data=sd.datasets.load("mtcars"))
    >>> sd.slopes(fit, "wt", sd.datagrid(fit, wt=[2, 4]))["estimate"].round(3).tolist()
    [-8.696, -4.012]
    """
    return as_fit(fit).slopes(variables, newdata, **options)


def avg_slopes(fit: Fit, variables: Any = None, newdata: Any = None, **options: Any) -> Any:
    """Return average slopes, the average marginal effects; see :meth:`statdl.Fit.slopes`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt + hp", data=sd.datasets.load("mtcars"), family="binomial")
    >>> sd.avg_slopes(fit)[["term", "estimate"]].round(4).values.tolist()
    [['wt', -0.3596], ['hp', 0.0016]]
    """
    return as_fit(fit).avg_slopes(variables, newdata, **options)


def datagrid(fit: Fit, grid: str = "mean_or_mode", **values: Any) -> Any:
    """Return rows to ask a fit about; see :meth:`statdl.Fit.datagrid`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt + factor(cyl)", data=sd.datasets.load("mtcars"))
    >>> sd.datagrid(fit, cyl=[4, 8]).round(3).values.tolist()
    [[3.217, 4.0], [3.217, 8.0]]
    """
    return as_fit(fit).datagrid(grid, **values)
