"""Inference as functions: each calls the method of the fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statdl.api.verbs import as_fit
from statdl.infer.adjust import adjusted
from statdl.report import DataTable
from statdl.report.wald import adjusted_table
from statdl.results.choice import Stepwise
from statdl.results.fit import Fit


def wald(fit: Fit, hypotheses: Any, r: Any = None, **options: Any) -> DataTable:
    """Test linear hypotheses of coefficients, by words or by a matrix; see :meth:`Fit.wald`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    >>> sd.wald(fit, "wt = 0, hp = 0", vcov="HC3")["F"].round(2).tolist()
    [25.46, 11.46, 35.73]
    """
    return as_fit(fit).wald(hypotheses, r, **options)


def delta(fit: Fit, expressions: str | Sequence[str], **options: Any) -> DataTable:
    """Return what is made of coefficients, with errors by the delta method; see :meth:`Fit.delta`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    >>> sd.delta(fit, "wt/hp")["Estimate"].round(2).tolist()
    [122.05]
    """
    return as_fit(fit).delta(expressions, **options)


def drop1(fit: Fit, **options: Any) -> DataTable:
    """Return what each term is worth: the fit without it; see :meth:`Fit.drop1`.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.drop1(sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))).index
    ('<none>', 'wt', 'hp')
    """
    return as_fit(fit).drop1(**options)


def add1(fit: Fit, scope: str | Sequence[str], **options: Any) -> DataTable:
    """Return what each further term would be worth; see :meth:`Fit.add1`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.add1(fit, "~ . + hp").index
    ('<none>', 'hp')
    """
    return as_fit(fit).add1(scope, **options)


def step(
    fit: Fit,
    scope: Any = None,
    direction: str | None = None,
    *,
    k: float | str = 2.0,
    **options: Any,
) -> Stepwise:
    """Leave out and add terms while that lowers AIC; see :meth:`Fit.step`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
    >>> sd.step(fit).fit.formula
    'mpg ~ wt + hp'
    """
    return as_fit(fit).step(scope, direction, k=k, **options)


def adjust(p: Any, method: str = "holm") -> Any:
    """Return p-values adjusted for their number, or a table with its p-values adjusted.

    Parameters
    ----------
    p : vector of p-values, or DataTable
        NaN are left as they are and not counted.
    method : {"holm", "hochberg", "hommel", "bonferroni", "BH" (= "fdr"), "BY", "none"}
        The first four bound the chance of any false rejection, BH and BY their expected share
        (Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001).

    Examples
    --------
    >>> import statdl as sd
    >>> sd.adjust([0.01, 0.02, 0.04], "BH").round(3).tolist()
    [0.03, 0.03, 0.04]
    """
    return adjusted_table(p, method) if isinstance(p, DataTable) else adjusted(p, method)
