"""Dask DataFrames: sums are taken where the partitions are, and only sums travel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from statdl.lazy import lazy
from statdl.scan.arrow import pandas_table
from statdl.scan.source import Block, combined

cloudpickle = lazy("cloudpickle")
dask = lazy("dask")

#: Sums that one task adds up: a tree of them keeps what each worker holds small.
BRANCHES = 8


@dataclass(frozen=True)
class Partitions:
    """The partitions of a Dask DataFrame, by whatever scheduler Dask has: threads or a cluster.

    The tree of sums is the same in every pass and on every number of workers, so that a sum that is
    taken again, as after the loss of a worker, is the same to the last bit.
    """

    frame: Any

    here: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.frame.columns)

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[Block]:
        for number, partition in enumerate(self._partitions(columns)):
            yield from _blocks(partition.compute(), number, rows)

    def mixed(self, columns: Sequence[str], rows: int, rng: Any) -> Iterator[Block]:
        partitions = self._partitions(columns)
        for number in rng.permutation(len(partitions)):
            yield from _blocks(partitions[number].compute(), int(number), rows)

    def reduce(
        self,
        function: Callable[[Block], Any],
        combine: Callable[[Any, Any], Any],
        columns: Sequence[str],
        rows: int,
    ) -> Any:
        work = cloudpickle.dumps((function, combine))  # once, and as what it is
        parts = [
            dask.delayed(_part)(partition, number, work, rows)
            for number, partition in enumerate(self._partitions(columns))
        ]
        while len(parts) > 1:
            parts = [
                dask.delayed(_together)(parts[start : start + BRANCHES], work)
                for start in range(0, len(parts), BRANCHES)
            ]
        return dask.compute(parts[0])[0]

    def _partitions(self, columns: Sequence[str]) -> Any:
        wanted = [name for name in self.frame.columns if name in set(columns)]
        whole = len(wanted) == len(self.frame.columns)
        return (self.frame if whole else self.frame[wanted]).to_delayed()

    def __str__(self) -> str:
        return f"{self.frame.npartitions} partitions"


def _part(partition: Any, number: int, work: bytes, rows: int) -> Any:
    """Return what a worker makes of one partition."""
    function, combine = cloudpickle.loads(work)
    return combined(map(function, _blocks(partition, number, rows)), combine)


def _together(parts: list[Any], work: bytes) -> Any:
    return combined(parts, cloudpickle.loads(work)[1])


def _blocks(partition: Any, number: int, rows: int) -> Iterator[Block]:
    table = pandas_table(partition)
    yield from Block(table, f"partition {number}", number).pieces(rows)
