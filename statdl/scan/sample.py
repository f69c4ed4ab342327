"""Rows that stand for all: an even sample, and witnesses of what there is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.lazy import lazy

pa = lazy("pyarrow")

#: Bytes that the sample may take.
SAMPLE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """Every ``stride``-th of ``seen`` rows, as a table; the stride doubles when it is full."""

    seen: int
    stride: int
    table: Any

    @classmethod
    def of(cls, table: Any) -> Sample:
        """Return the sample of a block: all of it."""
        return cls(table.num_rows, 1, table)

    @property
    def room(self) -> int:
        """How many rows there may be."""
        return max(1000, SAMPLE_BYTES // (8 * max(1, self.table.num_columns)))

    def __add__(self, other: Sample) -> Sample:
        stride = max(self.stride, other.stride)
        ours = _every(self.table, stride // self.stride)
        theirs = _every(other.table, stride // other.stride, -self.seen % stride // other.stride)
        table = joined(ours, theirs)
        found = Sample(self.seen + other.seen, stride, table)
        while found.table.num_rows > found.room:
            thinner = _every(found.table, 2).combine_chunks()
            found = replace(found, stride=2 * found.stride, table=thinner)
        return found


def _every(table: Any, step: int, first: int = 0) -> Any:
    return table if step == 1 else table.take(np.arange(first, table.num_rows, step))


def joined(one: Any, other: Any) -> Any:
    """Return the rows of two tables, whose columns of numbers or text may differ in type."""
    if one.schema.equals(other.schema):
        return pa.concat_tables([one, other])
    one, other = _decoded(one, other), _decoded(other, one)
    return pa.concat_tables([one, other], promote_options="permissive")


def _decoded(table: Any, beside: Any) -> Any:
    """Return a table whose dictionaries are text where they are others, or text, in another one."""
    for place, field in enumerate(table.schema):
        theirs = beside.schema.field(field.name).type
        if pa.types.is_dictionary(field.type) and theirs != field.type:
            plain = table.column(place).cast(field.type.value_type)
            table = table.set_column(place, field.name, plain)
    return table


@dataclass(frozen=True)
class Witnesses:
    """Rows that show what there is in the data: each level, the ends of each range.

    ``places`` has for every finding a score, of which the lowest is kept, and a row of ``table``.
    """

    places: Mapping[Hashable, tuple[float, int]]
    table: Any

    @classmethod
    def of(cls, found: Mapping[Hashable, tuple[float, int]], table: Any) -> Witnesses:
        """Return the rows of a block at which something was found."""
        rows = list(dict.fromkeys(row for _, row in found.values()))
        place = {row: k for k, row in enumerate(rows)}
        where = {key: (score, place[row]) for key, (score, row) in found.items()}
        return cls(where, table.take(np.asarray(rows, dtype=np.int64)).combine_chunks())

    def __add__(self, other: Witnesses) -> Witnesses:
        new = {
            key: (score, row + self.table.num_rows)
            for key, (score, row) in other.places.items()
            if key not in self.places or score < self.places[key][0]
        }
        if not new:
            return self
        return Witnesses.of({**self.places, **new}, joined(self.table, other.table))

    def without(self, kinds: set[str]) -> Witnesses:
        """Return them less the findings of some kinds."""
        kept = {key: place for key, place in self.places.items() if key[0] not in kinds}  # type: ignore[index]
        return Witnesses.of(kept, self.table)
