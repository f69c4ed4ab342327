"""The first pass: what a formula has to know of all rows before any of them can be encoded.

Levels of factors and of the response, how many rows there are, the ends of ranges, and what
transforms remember. All of it adds up over blocks, whatever their number and wherever they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from operator import add
from typing import Any

import numpy as np

from statdl.errors import DataError
from statdl.formula.evaluation import evaluated
from statdl.formula.suggest import count
from statdl.scan import transform
from statdl.scan.learned import Learned
from statdl.scan.passes import Ledger
from statdl.scan.request import Request
from statdl.scan.sample import Witnesses, joined
from statdl.scan.source import Scan
from statdl.scan.student import Student, read_columns
from statdl.scan.transform import Call, Moments


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
    columns, _ = read_columns(request, table)
    state = {key: dict(one) for key, one in known.items()}
    evaluated(call.expression, columns, state)
    return dict(state[call.key])


def _with_ends(table: Any, witnesses: Witnesses, place: tuple[str, str]) -> Any:
    from_, rows = witnesses.places, witnesses.table
    ends = rows.take([from_[(end, place)][1] for end in ("low", "high")])
    return joined(table, ends)


def light_head(scan: Scan, request: Request, rows: int) -> Any:
    """Return the first rows of a scan that are complete and selected; None where there are none."""
    few = min(scan.block_rows, 4 * rows)
    with closing(scan.source.blocks(request.columns, few)) as blocks:  # type: ignore[type-var]
        for block in blocks:
            try:
                table = request.chosen(request.leveled(block))
                if table.num_rows:
                    _columns, gone = read_columns(request, table)
                    kept = table if gone is None else table.filter(~gone)
                    if kept.num_rows:
                        # copied: a slice would hold, and send to workers, all of its block
                        return kept.take(np.arange(min(rows, kept.num_rows))).combine_chunks()
            except DataError as error:
                raise DataError(f"{block.origin}: {error}") from None
    return None
