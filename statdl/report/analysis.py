"""The table that ``anova()`` returns."""

from __future__ import annotations

import math
from collections.abc import Sequence

from statdl.estimate import Estimate
from statdl.infer.anova import Analysis, Step
from statdl.report.table import DataTable

FORMATS = {
    "df": "integer",
    "Df": "integer",
    "Resid. Df": "integer",
    "Sum Sq": "number",
    "Mean Sq": "number",
    "RSS": "number",
    "Deviance": "number",
    "Resid. Dev": "number",
    "Rao": "number",
    "F": "statistic",
    "Chisq": "statistic",
    "Pr(>F)": "p_value",
    "Pr(>Chisq)": "p_value",
}


def term_table(analysis: Analysis, fit: Estimate, typ: int) -> DataTable:
    """Return the table of the terms of one fit."""
    linear = fit.family.quadratic
    unshown = "NULL" if linear else "Residuals"
    steps = [step for step in analysis.steps if step.name != unshown]
    if linear and typ == 1:
        steps.append(Step("Residuals", math.nan, math.nan, float(fit.df_resid), fit.deviance))
    columns = _linear(analysis, steps, typ) if linear else _deviance(analysis, steps, typ)
    kind = {1: "Type I, sequential", 2: "Type II", 3: "Type III, sum contrasts"}[typ]
    title = f"Analysis of {'variance' if linear else 'deviance'} ({kind})"
    heading = (f"Response: {fit.frame.response.name}",)
    return _table("", [step.name for step in steps], columns, title, heading)


def comparison_table(
    analysis: Analysis, fits: Sequence[Estimate], formulas: Sequence[str]
) -> DataTable:
    """Return the table that compares fits."""
    linear = fits[0].family.quadratic
    steps = analysis.steps
    columns: dict[str, list[float | None]] = {
        "Resid. Df": [step.residual_df for step in steps],
        ("RSS" if linear else "Resid. Dev"): [step.residual_deviance for step in steps],
        "Df": [_none(step.df) for step in steps],
        ("Sum Sq" if linear else "Deviance"): [_none(step.deviance) for step in steps],
        **_tests(analysis, steps),
    }
    title = f"Analysis of {'variance' if linear else 'deviance'}"
    heading = tuple(f"Model {k}: {text}" for k, text in enumerate(formulas, start=1))
    return _table("Model", [step.name for step in steps], columns, title, heading)


def _linear(analysis: Analysis, steps: Sequence[Step], typ: int) -> dict[str, list[float | None]]:
    """Return R's columns; the residual row carries its own degrees of freedom and sum."""
    residual = [step.name == "Residuals" for step in steps]
    df = [s.residual_df if last else s.df for s, last in zip(steps, residual, strict=True)]
    sums = [
        s.residual_deviance if last else s.deviance for s, last in zip(steps, residual, strict=True)
    ]
    columns: dict[str, list[float | None]] = {"Df": list(df), "Sum Sq": [_none(s) for s in sums]}
    if typ == 1:
        columns["Mean Sq"] = [s / d if d else None for s, d in zip(sums, df, strict=True)]
    return {**columns, **_tests(analysis, steps)}


def _deviance(analysis: Analysis, steps: Sequence[Step], typ: int) -> dict[str, list[float | None]]:
    columns: dict[str, list[float | None]] = {
        "Df": [_none(step.df) for step in steps],
        "Deviance": [_none(step.deviance) for step in steps],
    }
    if typ == 1:
        columns["Resid. Df"] = [step.residual_df for step in steps]
        columns["Resid. Dev"] = [step.residual_deviance for step in steps]
    return {**columns, **_tests(analysis, steps)}


def _tests(analysis: Analysis, steps: Sequence[Step]) -> dict[str, list[float | None]]:
    name = "F" if analysis.test == "F" else "Chisq"
    scores = {"Rao": [_none(step.score) for step in steps]} if analysis.test == "Rao" else {}
    return {
        **scores,
        name: [_none(analysis.statistic(step)) for step in steps],
        f"Pr(>{name})": [_none(analysis.p_value(step)) for step in steps],
    }


def _table(
    index_name: str,
    index: Sequence[str],
    columns: dict[str, list[float | None]],
    title: str,
    heading: tuple[str, ...],
) -> DataTable:
    formats = {name: FORMATS[name] for name in columns if name in FORMATS}
    return DataTable(index_name, tuple(index), columns, title, heading, formats)


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value
