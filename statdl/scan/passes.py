"""Passes over all rows: each is counted, and shown to a person who has to wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from statdl.errors import DataError
from statdl.lazy import lazy
from statdl.scan.reader import ahead
from statdl.scan.source import Block, Scan

tqdm = lazy("tqdm")

#: A pass is shown once it has lasted this many seconds.
PATIENCE_SECONDS = 1.0

#: Counts rows on a bar.
Tick = Callable[[int], None]


@dataclass
class Ledger:
    """How often all rows have been read, and how many there were the first time."""

    passes: int = 0
    rows: int | None = None

    def reduce(
        self,
        scan: Scan,
        columns: Sequence[str],
        function: Callable[[Block], Any],
        combine: Callable[[Any, Any], Any],
        title: str,
    ) -> Any:
        """Return what ``function`` makes of each block, combined, and count the pass.

        Raises
        ------
        DataError
            Where a pass has other rows than the first one.
        """
        with self._shown(scan, title) as tick:
            found = scan.source.reduce(
                WithRows(function, tick), BothWithRows(combine), columns, scan.block_rows
            )
        rows, result = (0, None) if found is None else found
        self._over(rows)
        return result

    def blocks(
        self, scan: Scan, columns: Sequence[str], title: str, rng: Any = None
    ) -> Iterator[Block]:
        """Yield the blocks, in an order of parts that ``rng`` draws if given; count the pass."""
        source, size, rows = scan.source, scan.block_rows, 0
        found = source.blocks(columns, size) if rng is None else source.mixed(columns, size, rng)
        with self._shown(scan, title) as tick, ahead(found) as blocks:
            for block in blocks:
                rows += block.table.num_rows
                if tick is not None:
                    tick(block.table.num_rows)
                yield block
        self._over(rows)

    def _shown(self, scan: Scan, title: str) -> AbstractContextManager[Tick | None]:
        return _shown(scan, f"pass {self.passes + 1}: {title}", self.rows)

    def _over(self, rows: int) -> None:
        """Count a pass that has seen so many rows."""
        self.passes += 1
        if self.rows is not None and rows != self.rows:
            raise DataError(
                f"The scan had {self.rows} rows in its first pass and {rows} now: the data have "
                "changed, or the query does not always give the same rows. Fit again."
            )
        self.rows = rows


@dataclass(frozen=True)
class WithRows:
    """A function of blocks that also counts their rows."""

    function: Callable[[Block], Any]
    tick: Callable[[int], None] | None = None

    def __call__(self, block: Block) -> tuple[int, Any]:
        """Return the number of rows, and what the function makes of them."""
        rows = block.table.num_rows
        found = self.function(block)
        if self.tick is not None:
            self.tick(rows)
        return rows, found


@dataclass(frozen=True)
class BothWithRows:
    """Adds up numbers of rows, and combines what was made of them."""

    combine: Callable[[Any, Any], Any]

    def __call__(self, one: tuple[int, Any], other: tuple[int, Any]) -> tuple[int, Any]:
        """Return both together; None is nothing."""
        left, right = one[1], other[1]
        if left is None or right is None:
            return one[0] + other[0], right if left is None else left
        return one[0] + other[0], self.combine(left, right)


@contextmanager
def _shown(scan: Scan, title: str, rows: int | None) -> Iterator[Tick | None]:
    """Yield what counts rows on a bar; None where blocks are read elsewhere, or nobody looks."""
    if not (scan.source.here and sys.stderr.isatty()):
        yield None
        return
    begun, done = time.perf_counter(), 0
    bar: Any = None

    def tick(number: int) -> None:
        nonlocal done, bar
        done += number
        if bar is None and time.perf_counter() - begun > PATIENCE_SECONDS:
            bar = tqdm.tqdm(
                desc=title, total=rows, initial=done - number, leave=False, unit=" rows",
                unit_scale=True,
            )  # fmt: skip
        if bar is not None:
            bar.update(number)

    try:
        yield tick
    finally:
        if bar is not None:
            bar.close()
