"""Sums by label, such as clusters, over rows that are read in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from statdl.backend.rows import Rows, block_rows
from statdl.scan.block import Encoder
from statdl.scan.rows import ScannedRows
from statdl.scan.source import Block, combined
from statdl.scan.task import Reduction, changed


class Labels(Protocol):
    """Labels of rows: from columns of the scan, or from where the rows are."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that have to be read for them."""
        ...

    def of(self, block: Block, encoder: Encoder) -> list[Any]:
        """Return vectors with a label for each row of a block."""
        ...


@dataclass(frozen=True)
class ColumnLabels:
    """The values of columns as labels."""

    columns: tuple[str, ...]

    def of(self, block: Block, encoder: Encoder) -> list[Any]:
        """Return the columns of a block."""
        return encoder.values(block, self.columns)


@dataclass(frozen=True)
class LabelledReduction:
    """The same with a function of rows and their labels."""

    reduction: Reduction
    labels: Labels
    function: Callable[[Rows, list[Any]], Any]

    @property
    def encoder(self) -> Encoder:
        return self.reduction.encoder

    def __call__(self, block: Block) -> Any:
        size = block_rows(self.reduction.template, 8 * self.reduction.template.shape[1] + 8)
        return combined((self._of_part(part) for part in block.pieces(size)), self.both)

    def _of_part(self, block: Block) -> Any:
        found = self.encoder.placed(block)
        if found is None:
            return None
        rows, kept = found
        rows = changed(rows, self.reduction.changes)
        labels = [one[kept] for one in self.labels.of(block, self.encoder)]
        return self.reduction.counted(rows), self.function(rows, labels)

    def both(self, one: Any, other: Any) -> Any:
        return self.reduction.both(one, other)


def reduce_labelled(
    rows: ScannedRows,
    labels: Labels,
    function: Callable[[Rows, list[Any]], Any],
    combine: Callable[[Any, Any], Any],
) -> Any:
    """Return what ``function`` makes of each block and the labels of its rows, combined."""
    encoder = rows.held.encoder
    extra = (*encoder.request.extra, *labels.columns)
    encoder = replace(encoder, request=replace(encoder.request, extra=extra))
    reduction = replace(rows.reduction(None, 1, combine), encoder=encoder)
    return rows.told(LabelledReduction(reduction, labels, function), "sums by label")
