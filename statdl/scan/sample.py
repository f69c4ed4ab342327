"""Rows that stand for all: an even sample, and witnesses of what there is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.errors import DataError
from statdl.lazy import lazy
from statdl.scan.files import kind_of

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
    if one.schema.equals(other.schema) and not _reordered(one, other):
        return pa.concat_tables([one, other])
    one, other = _decoded(one, other), _decoded(other, one)
    try:
        return pa.concat_tables([one, other], promote_options="permissive")
    except pa.ArrowException:
        raise _unlike(one, other) from None


def orders(table: Any) -> dict[str, tuple[Any, ...] | None]:
    """Return the categories of columns that say to have an order; None for those with several."""
    found: dict[str, tuple[Any, ...] | None] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_dictionary(field.type) and field.type.ordered:
            every = {tuple(chunk.dictionary.to_pylist()) for chunk in column.chunks}
            found[field.name] = every.pop() if len(every) == 1 else None
    return found


def _reordered(one: Any, other: Any) -> list[str]:
    """Return the columns with an order of categories that is another one in another table."""
    ours, theirs = orders(one), orders(other)
    both = [name for name in ours if name in theirs]
    return [name for name in both if ours[name] is None or ours[name] != theirs[name]]


def _unlike(one: Any, other: Any) -> DataError:
    """Return what to say of tables whose columns hold different things."""
    for field in one.schema:
        if field.name not in other.column_names:
            continue
        kinds = [kind_of(table.schema.field(field.name).type) for table in (one, other)]
        if kinds[0] != kinds[1] and all(kinds):
            return DataError(
                f"The column `{field.name}` holds {kinds[0]} in some rows and {kinds[1]} in "
                "others; write it with one type everywhere."
            )
    return DataError("The columns have other types in some rows than in others.")


def _decoded(table: Any, beside: Any) -> Any:
    """Return a table whose dictionaries are text where they are others, or text, in another one."""
    for place, field in enumerate(table.schema):
        if not pa.types.is_dictionary(field.type) or field.name not in beside.column_names:
            continue
        theirs = beside.schema.field(field.name).type
        if theirs != field.type or field.name in _reordered(table, beside):
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
