"""Rows held out of a fit, to watch it on: a share of the rows, or data of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.random import generator
from statdl.backend.rows import Rows
from statdl.errors import DataError
from statdl.estimate.specification import Specification
from statdl.formula import ModelFrame, Response
from statdl.scan.rows import ScannedRows
from statdl.scan.source import Scan


def hold_out_share(
    specification: Specification, share: float, seed: int
) -> tuple[Specification, Rows]:
    """Return the specification of the other rows, and a random share of the rows.

    The share is taken of each class by itself, so that both parts have the classes in proportion.

    Raises
    ------
    DataError
        When a part would be empty, or without one of the classes.
    """
    check_share(share)
    rows = specification.rows
    order = generator(seed).permutation(rows.n)
    xp = namespace(order)
    classes = _classes(specification)
    held = xp.zeros(rows.n, dtype=bool)
    for k in range(int(classes.max()) + 1):
        members = order[classes[order] == k]
        count = round(share * len(members))
        if len(members) and count in (0, len(members)):
            raise _left_out(specification, share, k, len(members), "training" if count else "")
        held[members[:count]] = True
    learned, watched = xp.flatnonzero(~held), xp.flatnonzero(held)
    return _kept(specification, learned), rows.take(watched)


def hold_out_of_scan(
    specification: Specification, share: float, seed: int
) -> tuple[Specification, Rows]:
    """Return the same of a scan, whose rows are held out by :mod:`statdl.scan.split`.

    Of each class that is the share in expectation. Rows to watch are in memory where they are few.

    Raises
    ------
    DataError
        When a part would be empty, or without one of the classes.
    """
    check_share(share)
    rows = specification.rows
    assert isinstance(rows, ScannedRows)
    learned, held = rows.split(share, int(seed))
    watched = _some(held, specification, share, "validation").at_hand()
    return replace(specification, rows=_some(learned, specification, share, "training")), watched


def check_share(share: float) -> None:
    """Raise for what is no share of the rows."""
    if not 0 < share < 1:
        raise DataError(
            f"validation={share!r} is no share of the rows: it must be above 0 and below 1."
        )


def _some(rows: ScannedRows, specification: Specification, share: float, part: str) -> ScannedRows:
    """Return rows of a scan, or raise where there are none, or none of some class."""
    missing = rows.lacking_class() if specification.family.has_classes else None
    if missing is None and rows.n:
        return rows
    raise DataError(
        f"validation={share:g} leaves the {part} rows without class "
        f"{specification.levels[missing or 0]!r}; use another share or seed, or give data of their "
        "own."
    )


def rows_elsewhere(rows: Rows, scan: Scan) -> Rows:
    """Return the rows of another scan, coded as those of a fit to a scan.

    Raises
    ------
    DataError
        When the fit is to rows in memory, or the scan lacks a column.
    """
    if not isinstance(rows, ScannedRows):
        raise DataError(
            "validation= of rows in memory is a share of them, or a frame; rows that are read in "
            "blocks are for data=sd.scan(...)."
        )
    absent = [name for name in rows.columns_read if name not in scan.names]
    if absent:
        raise DataError(
            f"The validation rows lack the columns {', '.join(f'`{name}`' for name in absent)}; "
            f"they have: {', '.join(scan.names)}."
        )
    return rows.elsewhere(scan).at_hand()


def _classes(specification: Specification) -> Any:
    """Return the class of each row on the host; all 0 where rows have no class of their own."""
    y = to_numpy(specification.rows.y)
    xp = namespace(y)
    whole = specification.family.has_classes and bool(((y == 0) | (y == 1)).all())
    if not whole:
        return xp.zeros(y.shape[0], dtype=xp.int64)
    return (y * xp.arange(1, y.shape[1] + 1)).sum(axis=1).astype(xp.int64)


def _left_out(
    specification: Specification, share: float, k: int, count: int, part: str
) -> DataError:
    where = f"the {part or 'validation'} rows"
    levels = specification.levels
    if not specification.family.has_classes or k >= len(levels):
        return DataError(
            f"validation={share:g} of {count} rows leaves none for {where}; use another share, or "
            "give data of their own as validation=(X, y)."
        )
    return DataError(
        f"validation={share:g} leaves class {levels[k]!r}, which has {count} "
        f"row{'' if count == 1 else 's'}, out of {where}; use another share, or give data of "
        "their own as validation=(X, y)."
    )


def _kept(specification: Specification, positions: Any) -> Specification:
    """Return the specification of some rows."""
    frame, rows = specification.frame, specification.rows

    def part(values: Array | None) -> Array | None:
        if values is None:
            return None
        return namespace(values).take(values, _there(positions, values), axis=0)

    rows = rows.take(positions)
    taken = replace(
        frame,
        X=rows.X,
        response=replace(frame.response, values=part(frame.response.values)),
        weights=part(frame.weights),
        offset=part(frame.offset),
        rows=positions if frame.rows is None else to_numpy(frame.rows)[positions],
        index=None if frame.index is None else frame.index[positions],
        recoder=None,
    )
    return replace(specification, frame=taken, rows=rows)


def _there(positions: Any, reference: Array) -> Array:
    return like(positions, reference, namespace(reference).int64)


def hold_out_data(specification: Specification, given: ModelFrame) -> Rows:
    """Return data of their own, a model frame of the same columns, in the coding of the fit.

    Raises
    ------
    DataError
        When the response is of another kind, or has a class that the rows of the fit lack.
    """
    known, family = specification.frame.response, specification.family
    response = _recoded(given.response, known)
    xp = namespace(known.values)
    n = known.values.shape[0]
    both = xp.concat([known.values, like(response.values, known.values)], axis=0)
    weights = None
    if given.weights is not None:
        own = like(given.weights, known.values, xp.float64)
        weights = xp.concat([xp.ones((n,), dtype=own.dtype, device=own.device), own])
    encoded = family.encode(known.kind, both, known.levels, weights)
    template = specification.rows.template
    y = like(encoded.y, template)
    if y.shape[1] != family.outputs:
        raise DataError(
            "The validation rows have classes that the rows of the fit lack: "
            f"{', '.join(str(k) for k in encoded.levels if k not in specification.levels)}."
        )
    X = like(given.X, template)
    offset = None if given.offset is None else like(given.offset, X)[:, None]
    weights = None if encoded.weights is None else like(encoded.weights, X)[n:]
    return Rows(X=X, y=y[n:, ...], weights=weights, offset=offset)


def _recoded(given: Response, known: Response) -> Response:
    """Return a response with the codes of the training data."""
    if given.kind != known.kind:
        raise DataError(
            f"The validation response is {given.kind}, and that of the fit is {known.kind}."
        )
    if known.kind != "categorical":
        return given
    code = {str(level): k for k, level in enumerate(known.levels)}
    unseen = [str(level) for level in given.levels if str(level) not in code]
    if unseen:
        raise DataError(
            f"The validation rows have classes that the rows of the fit lack: {', '.join(unseen)}."
        )
    host = to_numpy(given.values)
    table = namespace(host).asarray([code[str(level)] for level in given.levels])
    return replace(given, values=table[host])
