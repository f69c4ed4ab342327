"""What a pass does to each block of a scan, where the block is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from statdl.backend.array import Array
from statdl.backend.rows import Rows, block_rows
from statdl.scan.block import Encoder
from statdl.scan.census import Census
from statdl.scan.source import Block, combined

Change = Callable[[Rows], Rows]


class Task(Protocol):
    """A function of a block whose results combine; it may travel to where the block is."""

    @property
    def encoder(self) -> Encoder:
        """What codes the block as rows."""
        ...

    def __call__(self, block: Block) -> Any:
        """Return the census of the block, None where it is not asked for, and the result."""
        ...

    def both(self, one: Any, other: Any) -> Any:
        """Return what two blocks give together."""
        ...


@dataclass(frozen=True)
class Reduction:
    """Code a block, change its rows, and reduce them.

    changes   what is made of the rows once they are coded, such as leaving columns out
    template  an array with the columns of X and no rows
    function  what is asked of some rows, with ``width`` numbers of working memory a row
    combine   makes one of two results
    census    what is also told of the rows in a first pass; else None
    """

    encoder: Encoder
    changes: tuple[Change, ...]
    template: Array
    function: Callable[[Rows], Any]
    width: int
    combine: Callable[[Any, Any], Any]
    census: Callable[[Rows], Census] | None = None

    def __call__(self, block: Block) -> Any:
        size = block_rows(self.template, max(self.width, self.template.shape[1]))
        parts = self.encoder.pieces(block, size)
        return combined((self._of_part(part) for part in parts), self.both)

    def _of_part(self, block: Block) -> Any:
        rows = self.encoder(block)
        if rows is None:
            return None
        rows = changed(rows, self.changes)
        found = (self.function(part) for part in rows.blocks(self.width))
        return self.counted(rows), combined(found, self.combine)

    def counted(self, rows: Rows) -> Census | None:
        """Return the census of rows, where it is asked for."""
        return None if self.census is None else self.census(rows)

    def both(self, one: Any, other: Any) -> Any:
        census = None if self.census is None else one[0] + other[0]
        return census, self.combine(one[1], other[1])


def changed(rows: Rows, changes: tuple[Change, ...]) -> Rows:
    """Return rows with changes made to them, one after the other."""
    for change in changes:
        rows = change(rows)
    return rows
