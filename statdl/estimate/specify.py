"""From a model frame to what is fitted: the response coded, arrays in one place and precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.device import preferred, settle
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.errors import DataError, ModelError
from statdl.estimate.specification import Specification
from statdl.formula import ModelFrame, Response
from statdl.model.family import Family
from statdl.model.jeffreys import Jeffreys
from statdl.model.penalty import NoPenalty, Penalty
from statdl.scan.frame import ScanFrame
from statdl.solve.iterate import Solver
from statdl.solve.newton import LeastSquares


@device_errors()
def specify(
    frame: ModelFrame,
    family: Family,
    solver: Solver,
    *,
    penalty: Penalty | None = None,
    reference: Any = None,
    device: str | None = None,
    dtype: str | None = None,
    sums: str | None = None,
) -> Specification:
    """Return the specification of a fit of ``family`` to ``frame``.

    ``device`` is by default that of the ``with`` block, else where the data are. ``sums`` is the
    precision in which sums over rows are carried, by default that of the data.

    Raises
    ------
    DataError
        When the response does not fit the family.
    ModelError
        When the solver cannot fit the family.
    """
    if isinstance(solver, LeastSquares) and not family.quadratic:
        raise ModelError(
            f"method='ls' is least squares, for the gaussian family with the identity link; use "
            f"method='newton' for {family.name} with the {family.link.name} link."
        )
    if isinstance(penalty, Jeffreys):
        _refuse_biased(family, solver)
    code = partial(_coded, family=family, reference=reference, place=(device, dtype, sums))
    if isinstance(frame, ScanFrame):
        return _scanned(frame, code, solver, penalty)
    coded = code(frame)
    return Specification(
        frame=replace(frame, X=coded.rows.X, response=coded.response),
        family=coded.family,
        rows=coded.rows,
        solver=solver,
        penalty=penalty or NoPenalty(),
        levels=coded.levels,
    )


@dataclass(frozen=True)
class Coded:
    """Rows with their response in the coding of the family, and what that knows of its classes."""

    rows: Rows
    response: Response
    family: Family
    levels: tuple[Any, ...]


def _coded(
    frame: ModelFrame, family: Family, reference: Any, place: tuple[str | None, ...]
) -> Coded:
    """Return the rows of a frame in memory, where they are to be and in their precision."""
    response = frame.response if reference is None else _referred(frame.response, family, reference)
    encoded = family.encode(response.kind, response.values, response.levels, frame.weights)
    device, dtype, sums = place
    X, home = settle(frame.X, preferred(device), dtype, sums)
    offset = frame.offset
    rows = Rows(
        X=X,
        y=like(encoded.y, home),
        weights=None if encoded.weights is None else like(encoded.weights, home),
        offset=None if offset is None else like(offset, home)[:, None],
        trials=None if encoded.trials is None else like(encoded.trials, home),
    )
    return Coded(rows, response, family.for_levels(encoded.levels), encoded.levels)


def _scanned(
    frame: ScanFrame, code: Callable[[ModelFrame], Coded], solver: Solver, penalty: Penalty | None
) -> Specification:
    """Return the specification of a fit to rows that are read in blocks."""
    shown = code(frame.encoder.frame)
    family = shown.family
    fixed = family.dispersion_known or family.quadratic  # the normal's differs by n log φ / 2

    def constant(rows: Rows) -> float:
        return family.constant(rows, 1.0) if fixed else 0.0

    return Specification(
        frame=replace(frame, response=shown.response),
        family=family,
        rows=frame.rows_by(lambda part: code(part).rows, constant),
        solver=solver,
        penalty=penalty or NoPenalty(),
        levels=shown.levels,
    )


def _refuse_biased(family: Family, solver: Solver) -> None:
    """Raise where Firth's penalty is not the one that takes the bias away, or is not summed."""
    if not (family.canonical and family.dispersion_known):
        raise ModelError(
            "bias_reduction=True is Firth's penalised likelihood, which takes the bias away for "
            "the logit (binomial, multinomial) and the log link of counts; not for "
            f"{family.name} with the {family.link.name} link."
        )
    if hasattr(solver, "batch"):
        raise ModelError(
            "bias_reduction=True needs the information of all rows at every step; use "
            "method='newton', 'irls' or 'lbfgs'."
        )


def _referred(response: Response, family: Family, reference: Any) -> Response:
    """Return the response with its reference where the family looks for it.

    Classes have it first; the two columns of binomial counts are successes and failures, and the
    failures are what successes are compared with.
    """
    if not family.has_classes:
        raise ModelError(
            f"reference= names the category that others are compared with, and the {family.name} "
            "family has none."
        )
    found = releveled(response, reference)
    if family.name == "binomial" and found.kind == "counts" and len(found.levels) == 2:
        return releveled(found, found.levels[1])
    return found


def releveled(response: Response, reference: Any) -> Response:
    """Return the response with ``reference`` as its first level.

    Raises
    ------
    DataError
        When it has no such level.
    """
    response = _as_categories(response)
    labels = [str(level) for level in response.levels]
    if str(reference) not in labels:
        raise DataError(
            f"reference={reference!r} is no level of the response '{response.name}'; its levels "
            f"are {', '.join(labels)}."
        )
    first = labels.index(str(reference))
    order = [first, *(k for k in range(len(labels)) if k != first)]
    levels = tuple(response.levels[k] for k in order)
    xp = namespace(response.values)
    if response.kind == "counts":
        chosen = xp.asarray(order, dtype=xp.int64, device=response.values.device)
        return replace(response, values=xp.take(response.values, chosen, axis=1), levels=levels)
    place_of = xp.asarray(
        [order.index(k) for k in range(len(order))], dtype=xp.int64, device=response.values.device
    )
    return replace(response, values=xp.take(place_of, response.values), levels=levels)


def _as_categories(response: Response) -> Response:
    """Return a numeric response as categories, its distinct values in order."""
    if response.kind != "numeric":
        return response
    values = to_numpy(response.values)
    levels = tuple(sorted({float(value) for value in values}))
    if len(levels) > 100:
        raise DataError(
            f"reference= needs a response of categories; '{response.name}' has {len(levels)} "
            "different numbers."
        )
    codes = namespace(values).searchsorted(namespace(values).asarray(levels), values)
    shown = tuple(int(level) if level == int(level) else level for level in levels)
    return Response(response.name, "categorical", _codes_like(codes, response.values), shown)


def _codes_like(codes: Any, reference: Array) -> Array:
    return like(codes, reference, namespace(reference).int64)
