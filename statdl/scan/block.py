"""From a block of a scan to rows of a fit, coded as a model frame in memory would be.

A block does not show what there is in the other blocks: levels of factors, both classes of a
response. So it is read together with its witnesses, a few rows of the data that show all of it,
which are taken off again afterwards. What reads it is what reads a frame in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.backend.rows import Rows
from statdl.errors import DataError
from statdl.formula import Design, ModelFrame, Response
from statdl.formula.rows import check_weights
from statdl.scan.request import Request
from statdl.scan.sample import joined
from statdl.scan.source import Block


@dataclass(frozen=True)
class Encoder:
    """Codes blocks of raw rows.

    ``witnesses`` is a table of rows that show every level; ``rows_of`` makes rows of a model frame,
    its response coded for the family.
    """

    request: Request
    witnesses: Any
    rows_of: Callable[[ModelFrame], Rows] | None = None

    @cached_property
    def frame(self) -> ModelFrame:
        """The model frame of the witnesses: the design, and every level of the response."""
        return self._built(self.witnesses)

    @cached_property
    def plain(self) -> Plain | None:
        """A shorter way for formulas of plain columns of numbers; None for others."""
        return Plain.of(self.request, self.frame, self.witnesses)

    def pieces(self, block: Block, rows: int) -> Iterator[Block]:
        """Yield a block in pieces that are worth coding alone."""
        if self.plain is None or block.table.num_rows <= rows:
            yield block
        else:
            yield from block.pieces(rows)

    def __call__(self, block: Block) -> Rows | None:
        """Return the rows of a block that the model uses; None where it uses none.

        Raises
        ------
        DataError
            Naming where the block is from.
        """
        found = self.placed(block)
        return None if found is None else found[0]

    def placed(self, block: Block) -> tuple[Rows, Any] | None:
        """Return the rows of a block that the model uses, and where in it they are."""
        assert self.rows_of is not None
        try:
            table = self.request.leveled(block)
            frame = self.plain.read(table) if self.plain is not None else None
            if frame is None:
                frame = self._built(joined(table, self.witnesses))
            rows = self.rows_of(frame)
        except DataError as error:
            raise DataError(f"{block.origin}: {error}") from None
        used = rows.n - self.witnesses.num_rows
        if not used:
            return None
        return rows[:used], slice(0, used) if frame.rows is None else frame.rows[:used]

    def values(self, block: Block, names: tuple[str, ...]) -> list[Any]:
        """Return columns of raw values at all rows of a block."""
        table = self.request.leveled(block)
        return [table.column(name).to_pandas().to_numpy() for name in names]

    def _built(self, table: Any) -> ModelFrame:
        request = self.request
        return request.builder(table).build(request.weights, request.offset, request.na_action)


@dataclass(frozen=True)
class Plain:
    """A formula of columns of numbers, whose X is filled column by column from Arrow's memory."""

    design: Design
    response: str
    weights: str | None
    offset: str | None
    names: tuple[str, ...]
    witnesses: dict[str, Any]
    na_action: str

    @classmethod
    def of(cls, request: Request, frame: ModelFrame, witnesses: Any) -> Plain | None:
        """Return the short way, where a request has nothing that it would not do."""
        parsed = request.parsed
        plain = (
            request.subset is None
            and not parsed.offsets
            and not parsed.counts
            and all(len(term) == 1 for term in parsed.terms)
            and all(one.code == "_0" for one in request.expressions)
            and frame.response.kind == "numeric"
            and len(frame.design.names) == len(parsed.terms)
        )
        named = [name for one in request.expressions for name in one.columns]
        values = {name: _numbers(witnesses, name) for name in named} if plain else {}
        if not plain or any(value is None for value in values.values()):
            return None
        right = tuple(one.columns[0] for one in parsed.predictors.values())
        weights, offset = (
            None if text is None else _column(request, text)
            for text in (request.weights, request.offset)
        )
        response = parsed.response.columns[0]
        return cls(frame.design, response, weights, offset, right, values, request.na_action)

    def read(self, table: Any) -> ModelFrame | None:
        """Return the model frame of a table and the witnesses; None where the long way is due."""
        n = table.num_rows
        w = len(self.witnesses[self.response])
        X = np.empty((n + w, len(self.names)), order="F")
        for j, name in enumerate(self.names):
            if not self._fill(X[:, j], table, name, n):
                return None
        beside: list[Any] = []
        for one in (self.response, self.weights, self.offset):
            beside.append(None if one is None else np.empty(n + w))
            if one is not None and not self._fill(beside[-1], table, one, n):
                return None
        gone, rows = _gone([X, *(one for one in beside if one is not None)]), None
        if gone is not None:
            if self.na_action == "raise" or _endless([X, *(b for b in beside if b is not None)]):
                return None  # the long way says what is wrong
            X, beside = X[~gone], [None if one is None else one[~gone] for one in beside]
            rows = np.flatnonzero(~gone)
        y, weights, offset = beside
        if weights is not None:
            check_weights(weights)
        response = Response(self.response, "numeric", y)
        return ModelFrame(self.design, X, response, weights, offset, rows)

    def _fill(self, target: Array, table: Any, name: str, n: int) -> bool:
        values = _numbers(table, name)
        if values is None:
            return False
        target[:n] = values
        target[n:] = self.witnesses[name]
        return True


def _column(request: Request, text: str) -> str | None:
    found = [one for one in request.expressions if one.text == text]
    return found[0].columns[0] if found else text


def _numbers(table: Any, name: str) -> Any:
    """Return a column of numbers as it is in memory, NaN where missing; None for other columns."""
    column = table.column(name)
    kind = str(column.type)
    if not kind.startswith(("double", "float", "int", "uint")):
        return None
    return column.to_numpy()


def _gone(arrays: list[Any]) -> Any:
    """Return the mask of the rows with a number that is missing or infinite; None for none."""
    ones = np.ones(len(arrays[0]))
    with np.errstate(all="ignore"):  # a product finds them more quickly than looking at each
        if all(np.isfinite(ones @ one).all() for one in arrays):
            return None
    masks = [~np.isfinite(one) for one in arrays]
    gone = np.logical_or.reduce([one if one.ndim == 1 else one.any(axis=1) for one in masks])
    return gone if gone.any() else None


def _endless(arrays: list[Any]) -> bool:
    return any(bool(np.isinf(one).any()) for one in arrays)


def with_contrast(encoder: Encoder, contrast: str) -> Encoder:
    """Return the encoder with factors coded by another contrast."""
    return replace(encoder, request=replace(encoder.request, contrast=contrast))
