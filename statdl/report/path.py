"""A path as a table: what glmnet prints, and what one chooses λ by."""

from __future__ import annotations

from statdl.estimate.path import PathEstimate
from statdl.infer.path import Criteria
from statdl.report.table import DataTable


def path_table(path: PathEstimate, found: Criteria, title: str) -> DataTable:
    """Return one line a λ."""
    marks = {"AIC": found.aic, "BIC": found.bic, "EBIC": found.ebic, "GCV": found.gcv}
    best = ", ".join(f"{name} {path.strengths[found.least(name.lower())]:.4g}" for name in marks)
    if not found.sensible.all():
        best += " (among those with parameters for half of the rows at most)"
    labels = tuple(f"{k}" for k in range(len(path.strengths)))
    columns = {
        "lambda": path.strengths,
        "nonzero": path.df.tolist(),
        "df": found.df,
        "explained": path.explained,
        **marks,
    }
    worst = float(path.violations.max(initial=0.0))
    notes = (
        f"lambda of the least: {best}.",
        f"Optimality conditions hold to {worst:.1e} of lambda_max.",
        *path.notes,
    )
    return DataTable("", labels, columns, title=title, notes=notes)
