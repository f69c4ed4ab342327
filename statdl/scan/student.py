"""What one block tells of its rows: levels, ends of ranges, and what transforms have to learn."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.formula.evaluation import evaluate
from statdl.formula.expression import Expression
from statdl.formula.rows import complete_rows, refuse_infinite
from statdl.formula.suggest import listing
from statdl.formula.values import Column, Factor, as_factor, endless, number
from statdl.lazy import lazy
from statdl.scan import transform
from statdl.scan.learned import Learned
from statdl.scan.request import Request, missing_rows
from statdl.scan.sample import Sample, Witnesses, orders
from statdl.scan.source import Block
from statdl.scan.transform import Call, Moments

pd = lazy("pandas")

#: Levels of one factor, or values of a response, beyond which it can only be a mistake.
MOST_LEVELS = 10_000
MOST_VALUES = 1_000


def read_columns(request: Request, table: Any) -> tuple[dict[str, Column], Array | None]:
    """Return the columns of a table, and the mask of the rows with a missing value."""
    frame = request.frame(table)
    used = [name for one in request.expressions for name in one.columns]
    columns = {name: frame.column(name) for name in dict.fromkeys(used)}
    return columns, missing_rows(columns)


@dataclass(frozen=True)
class Student:
    """Learns from one block; ``due`` are the calls of transforms that have to learn."""

    request: Request
    due: tuple[Call, ...]
    ranges: Mapping[tuple[str, str], Moments]

    def __call__(self, block: Block) -> Learned | None:
        """Return what a block tells; None where none of its rows is selected."""
        try:
            return self._learned(self.request.chosen(self.request.leveled(block)))
        except DataError as error:
            raise DataError(f"{block.origin}: {error}") from None

    def _learned(self, table: Any) -> Learned | None:
        if not table.num_rows:
            return None
        columns, gone = self._sound(table)
        kept = np.arange(table.num_rows) if gone is None else np.flatnonzero(~gone)
        weights = self._weights(columns, kept)
        moments, factors, ends = self._taught(columns)
        found = {**dict(self._found(columns, kept, weights)), **ends}
        return Learned(
            read=table.num_rows,
            kept=len(kept),
            nobs=len(kept) if weights is None else int((weights > 0).sum()),
            weight=float(len(kept)) if weights is None else float(weights.sum()),
            witnesses=Witnesses.of(found, table),
            sample=Sample.of(table),
            moments=moments,
            factors=factors,
            orders=orders(table),
        )

    def _sound(self, table: Any) -> tuple[dict[str, Column], Array | None]:
        """Return the columns and the mask of incomplete rows, or refuse what cannot be used."""
        columns, gone = read_columns(self.request, table)
        refuse_infinite((name, endless(one.value)) for name, one in columns.items())
        if gone is not None and self.request.na_action == "raise":
            absent = {n: c.missing for n, c in columns.items() if c.missing is not None}
            complete_rows(absent, "raise")
        return columns, gone

    def _taught(self, columns: Mapping[str, Column]) -> tuple[Any, Any, Any]:
        """Return moments and factors of what transforms are given, and the ends of its ranges."""
        moments, factors, ends = {}, {}, {}
        for call in self.due:
            values, rows = self._argument(call, columns)
            if not len(values):
                continue
            own = Moments.of(values)
            moments[call.place] = own
            ends[("low", call.place)] = (own.low, int(rows[int(np.argmin(values))]))
            ends[("high", call.place)] = (-own.high, int(rows[int(np.argmax(values))]))
            if call.name == "poly" and call.place in self.ranges:
                whole = self.ranges[call.place]
                factors[call.place] = transform.legendre_factor(values, whole, call.degree)
        return moments, factors, ends

    def _argument(self, call: Call, columns: Mapping[str, Column]) -> tuple[Any, Any]:
        """Return what a transform is given, and the rows of it."""
        used = [columns[name] for name in call.expression.columns]
        gone = [one.missing for one in used if one.missing is not None]
        n = len(used[0].value)
        rows = np.flatnonzero(~np.logical_or.reduce(gone)) if gone else np.arange(n)
        cut = {n: columns[n].value[rows] for n in call.expression.columns}
        known = {
            key: dict(one) for key, one in self.request.state.get(call.expression.text, {}).items()
        }
        if not len(rows):
            return rows, rows
        return number(evaluate(call.argument, cut, known)), rows

    def _weights(self, columns: Mapping[str, Column], kept: Array) -> Any:
        """Return the weights of the kept rows."""
        for one in self.request.weighing:
            values = number(self._value(one, columns, kept))
            if (values < 0).any():
                raise DataError(f"weights must not be negative, and one is {values.min():g}.")
            return values
        return None

    def _found(
        self, columns: Mapping[str, Column], kept: Array, weights: Any
    ) -> Iterator[tuple[Hashable, tuple[float, int]]]:
        """Yield what there is in the rows kept, each with a row that shows it."""
        if not len(kept):
            return
        heavy = int(np.argmax(weights > 0)) if weights is not None else 0
        light = 0.0 if weights is None or weights[heavy] > 0 else 1.0
        yield ("row",), (light, int(kept[heavy]))
        yield from self._response(columns, kept, weights)
        for name, one in self.request.parsed.predictors.items():
            if any(call.place[0] == name for call in transform.calls(one)):
                continue
            value = self._value(one, columns, kept)
            if isinstance(value, Factor) or getattr(value, "dtype", None) == np.bool_:
                for level, row in _first_rows(as_factor(value), name):
                    yield ("level", name, level), (0.0, int(kept[row]))

    def _response(
        self, columns: Mapping[str, Column], kept: Array, weights: Any
    ) -> Iterator[tuple[Hashable, tuple[float, int]]]:
        """Yield classes, counts, or distinct values and ends of a response of numbers."""
        parts = [self._value(one, columns, kept) for one in self.request.left]
        if len(parts) > 1:
            for k, part in enumerate(map(number, parts)):
                row = int(np.argmax(part if weights is None else part * weights))
                yield ("count", k), (0.0 if part[row] > 0 else 1.0, int(kept[row]))
        elif isinstance(parts[0], Factor):
            for level, row in _first_rows(parts[0], self.request.parsed.response.text, weights):
                yield ("class", level), (_light(weights, row), int(kept[row]))
        else:
            yield from _of_numbers(number(parts[0]), kept, weights)

    def _value(self, one: Expression, columns: Mapping[str, Column], kept: Array) -> Any:
        cut = {name: columns[name].value[kept] for name in one.columns}
        known = {key: dict(of) for key, of in self.request.state.get(one.text, {}).items()}
        return evaluate(transform.unordered(one), cut, known)


def _of_numbers(
    values: Any, kept: Array, weights: Any
) -> Iterator[tuple[Hashable, tuple[float, int]]]:
    """Yield the ends of a response of numbers, and its values where they are few."""
    low, high = int(np.argmin(values)), int(np.argmax(values))
    yield ("response low",), (float(values[low]), int(kept[low]))
    yield ("response high",), (-float(values[high]), int(kept[high]))
    distinct = _few(values)
    if distinct is None:
        yield ("many",), (0.0, int(kept[0]))
        return
    heavy = 1.0 if weights is None else 1.0 + (weights > 0)
    for one in distinct:
        row = int(np.argmax((values == one) * heavy))
        yield ("value", float(one)), (_light(weights, row), int(kept[row]))


def _light(weights: Any, row: int) -> float:
    """Return 0 for a row of positive weight, which is the better witness, else 1."""
    return 0.0 if weights is None or weights[row] > 0 else 1.0


def _first_rows(factor: Factor, name: str, weights: Any = None) -> Iterator[tuple[Any, int]]:
    """Yield each level that there is, with the first row that has it, of positive weight if any."""
    codes = factor.codes
    order = np.arange(len(codes))[::-1]
    if weights is not None:
        order = np.concatenate([order[weights[order] <= 0], order[weights[order] > 0]])
    first = np.full(len(factor.levels), -1)
    first[codes[order]] = order
    present = np.flatnonzero(first >= 0)
    if len(present) > MOST_LEVELS:
        raise DataError(
            f"`{name}` has more than {MOST_LEVELS:,} levels in one block, such as "
            f"{listing(factor.levels, 3)}: too many for a coefficient each."
        )
    return ((factor.levels[k], int(first[k])) for k in present)


def _few(values: Any) -> Any:
    """Return the distinct values; None where there are many."""
    some = pd.unique(values[: 4 * MOST_VALUES])
    if len(some) > MOST_VALUES:
        return None
    every = pd.unique(values)
    return None if len(every) > MOST_VALUES else every
