"""Tables of diagnostics: outliers, variance inflation, calibration and confusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statdl.infer.collinearity import Inflation
from statdl.infer.discrimination import Areas, Calibration, Confusion
from statdl.infer.influence import Outliers
from statdl.report.table import DataTable


def outlier_table(found: Outliers, labels: Sequence[str], cutoff: float) -> DataTable:
    """Return the rows with the largest studentised residuals."""
    columns = {
        "rstudent": found.rstudent,
        "Unadjusted p": found.p_value,
        "Bonferroni p": found.bonferroni,
    }
    formats = {"rstudent": "statistic", "Unadjusted p": "p_value", "Bonferroni p": "p_value"}
    none = float(found.bonferroni[0]) > cutoff if len(found.bonferroni) else True
    said = f"No Bonferroni p-value is below {cutoff:g}; the largest |rstudent| is shown."
    return DataTable(
        "Row",
        tuple(labels),
        columns,
        "Outlier test",
        ("H0: the row is drawn from the fitted model, like the others.",),
        formats,
        (said,) if none else (),
    )


def inflation_table(found: Inflation) -> DataTable:
    """Return variance inflation factors; of single columns one number, else car's three."""
    formats = {"VIF": "number", "GVIF": "number", "Df": "integer", "GVIF^(1/(2*Df))": "number"}
    if all(df == 1 for df in found.df):
        columns = {"VIF": found.gvif}
    else:
        columns = {
            "GVIF": found.gvif,
            "Df": found.df,
            "GVIF^(1/(2*Df))": found.per_coefficient,
        }
    shown = {name: formats[name] for name in columns}
    return DataTable("", found.terms, columns, "Variance inflation factors", formats=shown)


def _counted(values: Any) -> list[Any]:
    """Return counts as whole numbers, where weights leave them whole."""
    whole = all(float(value).is_integer() for value in values)
    return [int(value) if whole else float(value) for value in values]


def calibration_table(found: Calibration) -> DataTable:
    """Return groups of rows by predicted probability, and what happened in them."""
    columns = {
        "n": _counted(found.n),
        "Predicted": found.predicted,
        "Observed": found.observed,
        "Lower": found.lower,
        "Upper": found.upper,
    }
    formats = {name: "number" for name in columns if name != "n"}
    return DataTable("Probability", found.label, columns, "Calibration", formats=formats)


def areas_table(found: Areas) -> DataTable:
    """Return the area under the curve of each class against the rest, and of all together."""
    several = len(found.labels) > 1
    last = ("Hand and Till's M",) if several else ()
    columns = {
        "AUC": [*(one.auc for one in found.curves), *([found.together] if several else [])],
        "Std. Error": [*(one.standard_error for one in found.curves), *(None for _ in last)],
        "Lower": [*(one.lower for one in found.curves), *(None for _ in last)],
        "Upper": [*(one.upper for one in found.curves), *(None for _ in last)],
    }
    against = "each class against the rest" if several else "of one class against the other"
    return DataTable(
        "Class",
        (*found.labels, *last),
        columns,
        f"Areas under ROC curves, {against}" if several else f"Area under the ROC curve, {against}",
        formats=dict.fromkeys(columns, "number"),
        notes=(f"Limits: DeLong, level {found.curves[0].level:g}.",),
    )


def confusion_table(found: Confusion) -> DataTable:
    """Return observed against predicted classes, what is found of each, and the accuracy."""
    columns = {label: found.counts[:, k] for k, label in enumerate(found.labels)}
    columns |= {"Recall": found.recall, "Precision": found.precision}
    return DataTable(
        "Observed",
        found.labels,
        columns,
        "Confusion table",
        ("Columns: the class predicted.",),
        {**dict.fromkeys(found.labels, "integer"), "Recall": "number", "Precision": "number"},
        (f"Accuracy {found.accuracy:.4f}.",),
    )
