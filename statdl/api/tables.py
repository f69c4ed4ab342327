"""Fits as frames to compute with, as functions: each calls the method of the fit."""

from __future__ import annotations

from typing import Any

from statdl.api.verbs import as_fit
from statdl.results import Fit


def tidy(fit: Fit, **options: Any) -> Any:
    """Return one row a coefficient, in broom's columns; see :meth:`statdl.Fit.tidy`.

    Examples
    --------
    >>> import statdl as sd
    >>> table = sd.tidy(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")), conf_int=True)
    >>> table[["term", "estimate", "std.error"]].round(3).values.tolist()
    [['Intercept', 37.285, 1.878], ['wt', -5.344, 0.559]]
    """
    return as_fit(fit).tidy(**options)


def glance(fit: Fit, **options: Any) -> Any:
    """Return a fit in one row, in broom's columns; see :meth:`statdl.Fit.glance`.

    Examples
    --------
    >>> import statdl as sd
    >>> row = sd.glance(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    >>> row[["r.squared", "sigma", "AIC"]].round(3).values.tolist()
    [[0.753, 3.046, 166.029]]
    """
    return as_fit(fit).glance(**options)


def augment(fit: Fit, newdata: Any = None, **options: Any) -> Any:
    """Return the data with what a fit says of each row; see :meth:`statdl.Fit.augment`.

    Examples
    --------
    >>> import statdl as sd
    >>> rows = sd.augment(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    >>> rows[[".fitted", ".resid", ".hat"]].round(3).values[0].tolist()
    [23.283, -2.283, 0.043]
    """
    return as_fit(fit).augment(newdata, **options)
