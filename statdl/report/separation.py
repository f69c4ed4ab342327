"""What separation was found: printed, and to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from statdl.estimate.separation import Separation
from statdl.report.table import DataTable, Document, Printed

ENDS = {-1: "−∞", 0: "finite", 1: "+∞"}


@dataclass(frozen=True, repr=False)
class SeparationReport(Printed):
    """Whether predictors separate the response, and where each coefficient then runs.

    It is true where there is separation: ``if fit.separation(): …``.

    Attributes
    ----------
    kind : {"none", "quasi-complete", "complete"}
    variables : tuple of str
        The coefficients that have no finite estimate.
    table : DataTable
        A row a coefficient, a column an output: "−∞", "finite" or "+∞".
    """

    kind: str
    variables: tuple[str, ...]
    table: DataTable

    def __bool__(self) -> bool:
        return self.kind != "none"

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()


def separation_report(
    found: Separation | None, names: Sequence[str], outputs: Sequence[str], model: str
) -> SeparationReport:
    """Return the report; ``names`` are those of the coefficients of one output."""
    kind = "none" if found is None else "complete" if found.complete else "quasi-complete"
    columns = {
        output: [ENDS[0 if found is None else int(found.towards[k, j])] for j in range(len(names))]
        for k, output in enumerate(outputs)
    }
    moving = () if found is None else tuple(names[j] for j in found.moving)
    title = f"Separation: {kind}"
    table = DataTable("", tuple(names), columns, title, (model,), notes=(_sentence(kind),))
    return SeparationReport(kind, moving, table)


def _sentence(kind: str) -> str:
    if kind == "none":
        return "No direction in the predictors tells the response apart: all estimates are finite."
    rows = "every row" if kind == "complete" else "some rows, the others lying on the border"
    return (
        f"A direction in the predictors tells the response apart in {rows}: the likelihood has no "
        "maximum, and coefficients at ±∞ have no estimate."
    )
