"""What a fit asks of a scan: a formula, and arguments in quotes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.formula.evaluation import condition_mask
from statdl.formula.expression import Expression, argument
from statdl.formula.frame import Frame, open_frame
from statdl.formula.model_frame import Builder
from statdl.formula.rows import check_na_action
from statdl.formula.suggest import listing
from statdl.formula.terms import Parsed, parse
from statdl.formula.values import Column, column
from statdl.lazy import lazy
from statdl.scan.source import Block

pa = lazy("pyarrow")
pc = lazy("pyarrow.compute")


@dataclass(frozen=True)
class ArrowFrame(Frame):
    """An Arrow table whose columns of numbers are read without a detour."""

    @property
    def index(self) -> Any:
        return None

    def column(self, name: str) -> Column:
        found = self.native.column(name)
        if pa.types.is_floating(found.type) or pa.types.is_integer(found.type):
            return column(np.asarray(found.to_numpy(), dtype=np.float64))
        return super().column(name)


def arrow_frame(table: Any) -> Frame:
    """Return an Arrow table as a frame."""
    seen = open_frame(table)
    return ArrowFrame(seen.native, seen.table, seen.labels)


@dataclass(frozen=True)
class Request:
    """A formula over the columns of a scan, and what else was asked for, in quotes.

    ``state`` is what transforms have learned so far; ``levels`` those that were given, and those
    of columns whose categories have one order in all blocks; ``texts`` are columns with several.
    """

    formula: str
    names: tuple[str, ...]
    weights: str | None = None
    offset: str | None = None
    subset: str | None = None
    na_action: str = "drop"
    levels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    contrast: str = "treatment"
    extra: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_na_action(self.na_action)
        for name in ("weights", "offset", "subset"):
            given = getattr(self, name)
            if given is not None and not isinstance(given, str):
                raise DataError(
                    f"{name}= of a scan is a column or an expression in quotes: a vector would "
                    "have to fit into memory. Write it beside the other columns first."
                )
        unknown = [name for name in self.levels if name not in self.names]
        if unknown:
            raise DataError(
                f"levels= names the columns {listing(unknown)}, which the scan has not; it has: "
                f"{listing(self.names)}."
            )

    @cached_property
    def parsed(self) -> Parsed:
        """The formula, read."""
        return parse(self.formula, self.names)

    @cached_property
    def weighing(self) -> tuple[Expression, ...]:
        """The weights, if there are any."""
        if self.weights is None:
            return ()
        return (argument(self.weights, self.names, "weights"),)

    @property
    def left(self) -> tuple[Expression, ...]:
        """The response, or the columns of its counts."""
        return self.parsed.counts or (self.parsed.response,)

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that is evaluated, row by row."""
        shift = () if self.offset is None else (argument(self.offset, self.names, "offset"),)
        right = (*self.parsed.predictors.values(), *self.parsed.offsets)
        return (*self.left, *right, *self.weighing, *shift)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that have to be read, and no others."""
        chosen = () if self.subset is None else (argument(self.subset, self.names, "subset"),)
        named = [name for one in (*self.expressions, *chosen) for name in one.columns]
        return tuple(dict.fromkeys((*named, *self.extra)))

    def leveled(self, block: Block) -> Any:
        """Return the table of a block with the levels that were given as such."""
        return self.coded(block.table)

    def coded(self, table: Any) -> Any:
        """Return a table whose columns have the levels that are known, in their order."""
        table = self.as_text(table)
        for name, levels in self.levels.items():
            if name in self.columns:
                place = table.schema.get_field_index(name)
                table = table.set_column(place, name, _coded(table.column(name), levels, name))
        return table

    def as_text(self, table: Any) -> Any:
        """Return a table whose categories are text where their order is not the same everywhere."""
        for name in self.texts:
            place = table.schema.get_field_index(name)
            if place >= 0 and pa.types.is_dictionary(table.schema.field(place).type):
                plain = table.column(place).cast(table.schema.field(place).type.value_type)
                table = table.set_column(place, name, plain)
        return table

    def with_orders(self, found: Mapping[str, tuple[Any, ...] | None]) -> Request:
        """Return the request with orders of categories as found: levels where there is one."""
        texts = tuple(name for name, order in found.items() if order is None)
        levels = {
            name: order
            for name, order in found.items()
            if order is not None and all(isinstance(level, str) for level in order)
        }
        return replace(self, levels={**levels, **self.levels}, texts=texts)

    def frame(self, table: Any) -> ArrowFrame:
        """Return a table as the frame that a model is read from."""
        found = arrow_frame(table)
        return ArrowFrame(found.native, found.table, {name: name for name in self.names})

    def chosen(self, table: Any) -> Any:
        """Return the rows of a table that ``subset`` selects."""
        if self.subset is None or not table.num_rows:
            return table
        return table.filter(pa.array(condition_mask(self.subset, self.frame(table))))

    def builder(self, table: Any) -> Builder:
        """Return what builds the model frame of a table with rows."""
        return Builder(
            self.formula, self.frame(table), self.parsed, self.subset, self.state, self.contrast
        )

    def with_state(self, state: Mapping[str, dict[str, Any]]) -> Request:
        """Return the request with what the transforms have learned."""
        return replace(self, state={name: dict(calls) for name, calls in state.items()})


def _coded(column: Any, levels: tuple[Any, ...], name: str) -> Any:
    """Return a column of text as an ordered dictionary of the given levels."""
    values = column.cast(pa.string()) if not pa.types.is_string(column.type) else column
    known = pa.array([str(level) for level in levels], pa.string())
    codes = pc.index_in(values, value_set=known)
    unseen = pc.and_(pc.is_null(codes), pc.is_valid(values))
    if pc.any(unseen).as_py():
        found = pc.unique(values.filter(unseen)).to_pylist()
        raise DataError(
            f"the column `{name}` has the levels {listing(map(repr, found))}, which are not among "
            f"those that scan(levels=) gives: {listing(map(repr, levels))}."
        )
    flat = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    return pa.DictionaryArray.from_arrays(flat, known, ordered=True)


def missing_rows(columns: Mapping[str, Column]) -> Array | None:
    """Return the mask of rows in which some column is missing; None where none is."""
    gone = [one.missing for one in columns.values() if one.missing is not None]
    return np.logical_or.reduce(gone) if gone else None
