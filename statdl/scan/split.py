"""A share of the rows of a scan, held out by a rule that every pass repeats.

A row is held out where a hash of the seed, its file or partition, and its number within that one is
below the share: the same rows whatever the size of blocks and the order in which they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.lazy import lazy
from statdl.scan.source import Block, Source

pa = lazy("pyarrow")

#: The increment and the multipliers of SplitMix64 (Steele, Lea & Flood 2014).
GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
WORD = (1 << 64) - 1


@dataclass(frozen=True)
class Split:
    """The rows of a source that are held out, or the others."""

    source: Source
    share: float
    seed: int
    held: bool

    @property
    def here(self) -> bool:
        return self.source.here

    @property
    def names(self) -> tuple[str, ...]:
        return self.source.names

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[Block]:
        return map(self._chosen, self.source.blocks(columns, rows))

    def mixed(self, columns: Sequence[str], rows: int, rng: Any) -> Iterator[Block]:
        return map(self._chosen, self.source.mixed(columns, rows, rng))

    def reduce(
        self,
        function: Callable[[Block], Any],
        combine: Callable[[Any, Any], Any],
        columns: Sequence[str],
        rows: int,
    ) -> Any:
        def chosen(block: Block) -> Any:
            return function(self._chosen(block))

        return self.source.reduce(chosen, combine, columns, rows)

    def _chosen(self, block: Block) -> Block:
        out = held_out(block.part, block.first, block.table.num_rows, self.share, self.seed)
        return block._replace(table=block.table.filter(pa.array(out == self.held)))

    def __str__(self) -> str:
        return f"the rows {'' if self.held else 'not '}held out of {self.source}"


def held_out(part: int, first: int, count: int, share: float, seed: int) -> Array:
    """Return which of ``count`` rows of a part, from the row ``first`` on, are held out.

    Examples
    --------
    >>> held_out(0, 0, 6, 0.5, seed=1)[4:].tolist() == held_out(0, 4, 2, 0.5, seed=1).tolist()
    True
    """
    stream = int(_mixed(np.asarray([seed & WORD], dtype=np.uint64))[0]) + part
    start = int(_mixed(np.asarray([stream & WORD], dtype=np.uint64))[0])
    numbers = np.arange(first, first + count, dtype=np.uint64)
    drawn = _mixed(numbers * np.uint64(GOLDEN) + np.uint64(start))  # the stream from its start on
    return (drawn >> np.uint64(11)) * 2.0**-53 < share


def _mixed(words: Array) -> Array:
    """Return what SplitMix64 makes of 64-bit states."""
    words = words + np.uint64(GOLDEN)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(FIRST)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(SECOND)
    return words ^ (words >> np.uint64(31))
