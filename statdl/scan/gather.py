"""Rows that come in blocks, put together in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from statdl.backend.array import namespace
from statdl.backend.rows import Rows


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """Return blocks as rows in one piece, each row of X in one place."""
    names = ("X", "y", "weights", "offset", "trials")
    return Rows(*(_stacked([getattr(part, name) for part in parts]) for name in names))


def _stacked(values: Sequence[Any]) -> Any:
    if values[0] is None:
        return None
    first, n = values[0], sum(one.shape[0] for one in values)
    shape = (n, *first.shape[1:])
    target = namespace(first).empty(shape, dtype=first.dtype, device=first.device)
    place = 0
    for one in values:
        target[place : place + one.shape[0], ...] = one
        place += one.shape[0]
    return target


def in_portions(blocks: Iterable[Rows], most: int) -> Iterator[Rows]:
    """Yield rows in pieces of ``most``, the last one with what is left when all are read."""
    waiting: list[Rows] = []
    count = 0
    for rows in blocks:
        first = 0
        while first < rows.n:
            if count == most:
                yield joined_rows(waiting)
                waiting, count = [], 0
            stop = min(first + most - count, rows.n)
            waiting.append(rows[first:stop])
            first, count = stop, count + stop - first
    if waiting:
        yield joined_rows(waiting)
