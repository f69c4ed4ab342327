"""The tables of drop1, add1 and step, with R's columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl.infer.adjust import adjusted
from statdl.infer.anova import Step
from statdl.report.table import DataTable

FORMATS = {
    "Df": "integer",
    "Sum Sq": "number",
    "RSS": "number",
    "Deviance": "number",
    "Resid. Df": "integer",
    "Resid. Dev": "number",
    "AIC": "significant",
    "BIC": "significant",
    "Rao": "number",
    "F": "statistic",
    "Chisq": "statistic",
    "Pr(>F)": "p_value",
    "Pr(>Chisq)": "p_value",
}


@dataclass(frozen=True)
class Line:
    """A model one term away; NaN where there is nothing to say.

    ``change`` is by how much the deviance (residual sum of squares) of the smaller model of the two
    is above the larger one's.
    """

    name: str
    df: float
    change: float
    deviance: float
    aic: float
    score: float
    statistic: float
    p_value: float


def single_term_table(
    lines: Sequence[Line],
    linear: bool,
    test: str | None,
    title: str,
    model: str,
    adjust: str | None,
    criterion: str,
) -> DataTable:
    """Return the table of drop1 or add1."""
    columns: dict[str, Any] = {"Df": [_none(one.df) for one in lines]}
    if linear:
        columns["Sum Sq"] = [_none(one.change) for one in lines]
    columns["RSS" if linear else "Deviance"] = [one.deviance for one in lines]
    columns[criterion] = [one.aic for one in lines]
    if test is not None:
        name = "F" if test == "F" else "Chisq"
        p = [one.p_value for one in lines]
        p = p if adjust is None else adjusted(p, adjust).tolist()
        if test == "Rao":
            columns["Rao"] = [_none(one.score) for one in lines]
        columns[name] = [_none(one.statistic) for one in lines]
        columns[f"Pr(>{name})"] = [_none(value) for value in p]
    notes = (f"p-values are adjusted by {adjust}.",) if adjust and test is not None else ()
    return _table([one.name for one in lines], columns, title, (f"Model: {model}",), notes)


def path_table(
    steps: Sequence[Step], aic: Sequence[float], heading: Sequence[str], criterion: str
) -> DataTable:
    """Return the way of a stepwise search, with R's columns."""
    columns = {
        "Df": [_none(step.df) for step in steps],
        "Deviance": [_none(step.deviance) for step in steps],
        "Resid. Df": [step.residual_df for step in steps],
        "Resid. Dev": [step.residual_deviance for step in steps],
        criterion: list(aic),
    }
    notes = ("Standard errors and tests of the chosen model know nothing of the choice.",)
    names = [step.name or "start" for step in steps]
    return _table(names, columns, f"Stepwise search by {criterion}", heading, notes)


def _table(
    names: Sequence[str],
    columns: dict[str, Any],
    title: str,
    heading: Sequence[str],
    notes: Sequence[str],
) -> DataTable:
    formats = {name: FORMATS[name] for name in columns if name in FORMATS}
    return DataTable("", tuple(names), columns, title, tuple(heading), formats, tuple(notes))


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value
