"""The first pass: what a formula has to know of all rows before any of them can be encoded.

Levels of factors and of the response, how many rows there are, the ends of ranges, and what
transforms remember. All of it adds up over blocks, whatever their number and wherever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from operator import add
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.formula.evaluation import evaluate, evaluated
from statdl.formula.expression import Expression
from statdl.formula.rows import complete_rows, refuse_infinite
from statdl.formula.suggest import count, listing
from statdl.formula.values import Column, Factor, as_factor, endless, number
from statdl.lazy import lazy
from statdl.scan import transform
from statdl.scan.passes import Ledger
from statdl.scan.request import Request, missing_rows
from statdl.scan.sample import Sample, Witnesses, joined, orders
from statdl.scan.source import Block, Scan
from statdl.scan.transform import Call, Moments

pd = lazy("pandas")

#: Levels of one factor, or values of a response, beyond which it can only be a mistake.
MOST_LEVELS = 10_000
MOST_VALUES = 1_000


@dataclass(frozen=True)
class Learned:
    """What is known of the rows seen so far; two of them add up.

    orders         of categories that have one, None where blocks do not agree
    read, kept     rows that ``subset`` selects, and those of them without a missing value
    nobs, weight   rows of positive weight, and Σ w
    """

    read: int
    kept: int
    nobs: int
    weight: float
    witnesses: Witnesses
    sample: Sample
    moments: Mapping[tuple[str, str], Moments] = field(default_factory=dict)
    factors: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    orders: Mapping[str, tuple[Any, ...] | None] = field(default_factory=dict)

    def __add__(self, other: Learned) -> Learned:
        return Learned(
            self.read + other.read,
            self.kept + other.kept,
            self.nobs + other.nobs,
            self.weight + other.weight,
            self.witnesses + other.witnesses,
            self.sample + other.sample,
            _merged(self.moments, other.moments, add),
            _merged(self.factors, other.factors, transform.stacked_factor),
            self._orders(other),
        )

    def changed(self, change: Callable[[Any], Any]) -> Learned:
        """Return the same with tables changed, row by row."""
        sample = replace(self.sample, table=change(self.sample.table))
        witnesses = replace(self.witnesses, table=change(self.witnesses.table))
        return replace(self, sample=sample, witnesses=witnesses)

    def _orders(self, other: Learned) -> dict[str, tuple[Any, ...] | None]:
        """Return the orders of categories, None where blocks have different ones, or none."""
        return {
            name: self.orders[name] if self.orders.get(name) == other.orders.get(name) else None
            for name in {**self.orders, **other.orders}
        }


def _merged(one: Mapping[Any, Any], other: Mapping[Any, Any], combine: Any) -> dict[Any, Any]:
    both = {key: combine(one[key], other[key]) for key in one.keys() & other.keys()}
    return {**one, **other, **both}


def learn(scan: Scan, request: Request, ledger: Ledger) -> tuple[Request, Learned]:
    """Return the request with the state of its transforms, and what else the rows told.

    One pass, and one more for ``poly`` and for each transform of what another one returns.
    """
    found: Learned | None = None
    ranges: dict[tuple[str, str], Moments] = {}
    while True:
        due = _due(request)
        student = Student(request, tuple(due), {**ranges})
        new = ledger.reduce(scan, request.columns, student, add, "reading levels and ranges")
        if new is None or not new.kept:
            raise _nothing(new)
        ranges |= new.moments
        found = new if found is None else found
        request = request.with_state(_settled(request, due, ranges, new))
        if not _due(request):
            request = request.with_orders(found.orders)
            return request, found.changed(request.coded)


def _nothing(found: Learned | None) -> DataError:
    if found is None or not found.read:
        return DataError("The scan has no rows: all files or partitions are empty, or none of "
                         "their rows is selected.")  # fmt: skip
    return DataError(
        f"no row is left: all {count(found.read)} of the scan have a missing value in a column "
        "that the formula needs."
    )


def _due(request: Request) -> list[Call]:
    """Return the calls that have no state yet, and whose arguments have theirs."""
    waiting = [call for one in request.expressions for call in transform.calls(one)]
    open_ = [call for call in waiting if not _known(request, call)]
    inner = {(one.expression.text, id(one.node)): one for one in open_}
    return [call for call in open_ if not _holds_another(call, list(inner.values()))]


def _known(request: Request, call: Call) -> bool:
    return bool(request.state.get(call.expression.text, {}).get(call.key))


def _holds_another(call: Call, others: list[Call]) -> bool:
    mine = {other.key for other in transform.calls(call.argument)}
    return any(
        other.expression.text == call.expression.text and other.key in mine for other in others
    )


def _settled(
    request: Request,
    due: list[Call],
    ranges: Mapping[tuple[str, str], Moments],
    found: Learned,
) -> dict[str, dict[str, Any]]:
    """Return the states with those that this pass has completed."""
    state = {name: dict(calls) for name, calls in request.state.items()}
    for call in due:
        own = state.setdefault(call.expression.text, {})
        if call.name in transform.SCALES:
            own[call.key] = transform.scaled_state(call, ranges[call.place])
        elif call.name == "poly" and call.place in found.factors:
            _refuse_degree(call, found.factors[call.place])
            own[call.key] = transform.polynomial_state(
                found.factors[call.place], ranges[call.place], call.degree
            )
        elif call.name != "poly":
            own[call.key] = _from_sample(request, call, found, own)
    return state


def _refuse_degree(call: Call, R: Any) -> None:
    size = np.abs(np.diag(R)) / np.sqrt((R * R).sum(axis=0))
    if R.shape[0] <= call.degree or size.min() < 1e-12:
        raise DataError(
            f"`{call.expression.text}` needs a degree less than the number of distinct values."
        )


def _from_sample(
    request: Request, call: Call, found: Learned, known: dict[str, Any]
) -> dict[str, Any]:
    """Return what a transform learns from the sample, with the ends of the range of all rows."""
    table = found.sample.table
    if found.sample.stride > 1:
        table = _with_ends(table, found.witnesses, call.place)
    columns, _ = _read(request, table)
    state = {key: dict(one) for key, one in known.items()}
    evaluated(call.expression, columns, state)
    return dict(state[call.key])


def _with_ends(table: Any, witnesses: Witnesses, place: tuple[str, str]) -> Any:
    from_, rows = witnesses.places, witnesses.table
    ends = rows.take([from_[(end, place)][1] for end in ("low", "high")])
    return joined(table, ends)


def _read(request: Request, table: Any) -> tuple[dict[str, Column], Array | None]:
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
        columns, gone = _read(self.request, table)
        refuse_infinite((name, endless(one.value)) for name, one in columns.items())
        if gone is not None and self.request.na_action == "raise":
            absent = {n: c.missing for n, c in columns.items() if c.missing is not None}
            complete_rows(absent, "raise")
        kept = np.arange(table.num_rows) if gone is None else np.flatnonzero(~gone)
        weights = self._weights(columns, kept)
        found = dict(self._found(columns, kept, weights))
        moments, factors = {}, {}
        for call in self.due:
            values, rows = self._argument(call, columns)
            if not len(values):
                continue
            own = Moments.of(values)
            moments[call.place] = own
            found[("low", call.place)] = (own.low, int(rows[int(np.argmin(values))]))
            found[("high", call.place)] = (-own.high, int(rows[int(np.argmax(values))]))
            if call.name == "poly" and call.place in self.ranges:
                whole = self.ranges[call.place]
                factors[call.place] = transform.legendre_factor(values, whole, call.degree)
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
        parts = [self._value(one, columns, kept) for one in self.request.left]
        if len(parts) > 1:
            for k, part in enumerate(map(number, parts)):
                row = int(np.argmax(part if weights is None else part * weights))
                yield ("count", k), (0.0 if part[row] > 0 else 1.0, int(kept[row]))
            return
        (value,) = parts
        if isinstance(value, Factor):
            for level, row in _first_rows(value, self.request.parsed.response.text, weights):
                yield ("class", level), (_light(weights, row), int(kept[row]))
            return
        values = number(value)
        for end, row in (("low", int(np.argmin(values))), ("high", int(np.argmax(values)))):
            sign = 1.0 if end == "low" else -1.0
            yield (f"response {end}",), (sign * float(values[row]), int(kept[row]))
        distinct = _few(values)
        if distinct is None:
            yield ("many",), (0.0, int(kept[0]))
            return
        for one in distinct:
            row = int(
                np.argmax((values == one) * (1.0 if weights is None else 1.0 + (weights > 0)))
            )
            yield ("value", float(one)), (_light(weights, row), int(kept[row]))

    def _value(self, one: Expression, columns: Mapping[str, Column], kept: Array) -> Any:
        cut = {name: columns[name].value[kept] for name in one.columns}
        known = {key: dict(of) for key, of in self.request.state.get(one.text, {}).items()}
        return evaluate(transform.unordered(one), cut, known)


def _light(weights: Any, row: int) -> float:
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


def light_head(scan: Scan, request: Request, rows: int) -> Any:
    """Return the first rows of a scan that are complete and selected; None where there are none."""
    few = min(scan.block_rows, 4 * rows)
    with closing(scan.source.blocks(request.columns, few)) as blocks:  # type: ignore[type-var]
        for block in blocks:
            try:
                table = request.chosen(request.leveled(block))
                if table.num_rows:
                    _columns, gone = _read(request, table)
                    kept = table if gone is None else table.filter(~gone)
                    if kept.num_rows:
                        # copied: a slice would hold, and send to workers, all of its block
                        return kept.take(np.arange(min(rows, kept.num_rows))).combine_chunks()
            except DataError as error:
                raise DataError(f"{block.origin}: {error}") from None
    return None
