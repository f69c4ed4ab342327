"""The front door for arrays: X and y without a formula, on whatever device they are.

X is not copied when it is floating and complete: one sum certifies that all of it is finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array, namespace, own_precision, to_numpy
from statdl.backend.array import like as on_device
from statdl.backend.shortage import device_errors
from statdl.errors import DataError
from statdl.formula.design import Design, ModelFrame, NewData, Response, Term
from statdl.formula.evaluation import condition_rows
from statdl.formula.frame import open_frame
from statdl.formula.recipe import reserved
from statdl.formula.rows import (
    as_floating,
    as_vector,
    check_index,
    check_na_action,
    check_weights,
    complete_rows,
    mask_positions,
    refuse_infinite,
)
from statdl.formula.suggest import count, listing
from statdl.formula.table import Answer, Table, read_response, read_table
from statdl.formula.values import Factor


@dataclass(frozen=True)
class ArrayRecipe:
    """How an array design encodes new data: the same columns, by position or by name."""

    names: tuple[str, ...]

    def needed(self) -> tuple[str, ...]:
        """Return all of the columns."""
        return self.names

    def encode(self, new: Any) -> NewData:
        """Return ``new`` as X: an array of the same width, or a frame that has the names."""
        table = read_table(new, "the new data", self.names)
        width = table.values.shape[1]
        if width != len(self.names):
            raise DataError(
                f"the new data have {count(width, 'column')}, and the model was fitted to "
                f"{len(self.names)}: {listing(self.names)}."
            )
        return NewData(table.values, None, table.index, table.source)

    def check(self, design: Design) -> None:
        """Raise unless the names are those of the design."""
        if self.names != design.names or design.formula is not None:
            raise DataError("the names of its columns do not fit each other.")


@device_errors()
def array_frame(
    X: Any,
    y: Any,
    *,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
) -> ModelFrame:
    """Return arrays ready for a fit.

    Parameters
    ----------
    X : (n, p) numbers: an array of any library, or a frame whose column names are then used; a
        vector is one column. float32 stays float32 (sums over rows are carried in double);
        integers and truth values become float64.
    y : (n,) numbers or truth values; text, a categorical or a series of them for a factor; or
        (n, K) counts. It is brought to the device of X.
    names : names of the columns, x1 to xp unless given
    intercept : whether the model has one; no column of ones is added to X
    weights, offset : (n,) vectors
    subset : mask with one entry a row; with a frame for X also a condition in quotes
    na_action : "drop" leaves rows with NaN out, "raise" refuses them. Infinite values are
        always refused.

    Raises
    ------
    DataError
        For shapes, lengths, types or values that no fit can use.

    Examples
    --------
    >>> frame = array_frame(np.array([[1.0, 2.0], [3.0, 5.0]]), np.array(["u", "v"]))
    >>> frame.design.names, frame.response.levels
    (('x1', 'x2'), ('u', 'v'))
    """
    check_na_action(na_action)
    table = read_table(X, "X")
    n, p = table.values.shape
    if not n:
        raise DataError("X has no rows.")
    names = _names(names, table.names, p, intercept)
    terms = tuple(Term(name, frozenset([name]), (j,)) for j, name in enumerate(names))
    frame = ModelFrame(
        design=Design(None, bool(intercept), terms, names, {}, ArrayRecipe(names)),
        X=table.values,
        response=_response(y, n, table),
        weights=_aligned(weights, n, table, "weights"),
        offset=_aligned(offset, n, table, "offset"),
        index=table.index,
        source=table.source,
    )
    frame = _complete(_subset(frame, subset, table), na_action)
    if frame.weights is not None:
        check_weights(frame.weights, frame.rows)
    return replace(frame, response=_trimmed(frame.response, frame.X))


def _names(
    given: Sequence[str] | None, own: tuple[str, ...] | None, p: int, intercept: bool
) -> tuple[str, ...]:
    if given is None:
        names = own or tuple(f"x{j}" for j in range(1, p + 1))
    else:
        names = (given,) if isinstance(given, str) else tuple(str(name) for name in given)
    if intercept and "Intercept" in names:
        raise reserved("Intercept")
    if len(names) != p:
        raise DataError(f"names has {count(len(names), 'name')}, and X has {count(p, 'column')}.")
    if len(set(names)) < p:
        twice = dict.fromkeys(name for name in names if names.count(name) > 1)
        raise DataError(f"names repeats {listing(twice)}; each column needs a name of its own.")
    return names


def _response(y: Any, n: int, table: Table) -> Response:
    if y is None:
        raise DataError("y is missing; pass the response as y=.")
    check_index(y, table.index, "y")
    given = read_response(y)
    if isinstance(given.values, Factor):
        codes = on_device(given.values.codes, table.values, namespace(table.values).int64)
        response = Response(given.name, "categorical", codes, given.values.levels)
    else:
        response = _numeric(given, table)
    if response.values.shape[0] != n:
        raise DataError(f"y has {count(response.values.shape[0])}, and X has {n}.")
    return response


def _numeric(given: Answer, table: Table) -> Response:
    values = _beside(as_floating(given.values, "y"), table)
    if values.ndim not in (1, 2):
        raise DataError(f"y must be a vector or a matrix of counts, not {tuple(values.shape)}.")
    if values.ndim == 2 and values.shape[1] == 1:
        values = namespace(values).reshape(values, (-1,))
    if values.ndim == 1:
        return Response(given.name, "numeric", values, truth=given.truth)
    labels = given.labels or tuple(f"y{k}" for k in range(1, values.shape[1] + 1))
    return Response(given.name, "counts", values, labels)


def _aligned(given: Any, n: int, table: Table, name: str) -> Array | None:
    if given is None:
        return None
    if isinstance(given, str):
        raise DataError(f"{name}={given!r}: without a formula {name} is a vector, not a name.")
    check_index(given, table.index, name)
    return _beside(as_vector(given, n, name), table)


def _beside(values: Array, table: Table) -> Array:
    """Return values where X is, in their own precision."""
    return on_device(values, table.values, own_precision(values, table.values))


def _subset(frame: ModelFrame, subset: Any, table: Table) -> ModelFrame:
    if subset is None:
        return frame
    if not isinstance(subset, str):
        return _taken(frame, mask_positions(subset, table.values.shape[0], table.index))
    if table.source is None:
        raise DataError("subset as text needs a frame for X; pass a mask with one entry a row.")
    return _taken(frame, condition_rows(subset, open_frame(table.source)))


def _taken(frame: ModelFrame, positions: Array) -> ModelFrame:
    """Return the rows of ``frame`` at the host positions, composed with earlier choices."""
    xp = namespace(frame.X)
    there = on_device(positions, frame.X, xp.int64)

    def take(array: Array | None) -> Array | None:
        return None if array is None else xp.take(array, there, axis=0)

    return replace(
        frame,
        X=take(frame.X),
        response=replace(frame.response, values=take(frame.response.values)),
        weights=take(frame.weights),
        offset=take(frame.offset),
        rows=positions if frame.rows is None else frame.rows[positions],
        index=None if frame.index is None else frame.index[positions],
    )


def _complete(frame: ModelFrame, na_action: str) -> ModelFrame:
    """Drop or refuse rows with NaN; refuse infinite values; touch nothing when all is finite."""
    parts = _unfinished(frame)
    endless = ((name, np.isinf(values)) for name, values in parts.items() if name != "weights")
    refuse_infinite(endless, frame.rows)
    absent = {name: np.isnan(values) for name, values in parts.items() if np.isnan(values).any()}
    kept = complete_rows(absent, na_action, frame.rows)
    if kept is None:
        return frame
    return replace(_taken(frame, np.flatnonzero(kept)), dropped=int(np.sum(~kept)))


def _unfinished(frame: ModelFrame) -> dict[str, Array]:
    """Return, on the host and by name, the columns that hold a NaN or an infinite value."""
    found: dict[str, Array] = {}
    if not _all_finite(frame.X):
        xp = namespace(frame.X)
        for j in np.flatnonzero(to_numpy(xp.any(~xp.isfinite(frame.X), axis=0))):
            found[frame.design.names[j]] = to_numpy(frame.X[:, int(j)])
    response = frame.response
    if response.kind == "categorical":
        codes = to_numpy(response.values)
        if (codes < 0).any():
            found[response.name] = np.where(codes < 0, np.nan, 0.0)
    elif not _all_finite(response.values):
        # A row of counts is as missing or as infinite as its worst entry.
        values = to_numpy(response.values)
        found[response.name] = values if values.ndim == 1 else np.abs(values).sum(axis=1)
    for name, vector in (("weights", frame.weights), ("offset", frame.offset)):
        if vector is not None and not _all_finite(vector):
            found[name] = to_numpy(vector)
    return found


def _all_finite(values: Array) -> bool:
    xp = namespace(values)
    # One reduction, no temporary: a sum is finite only if all its terms are. (A sum that
    # overflows is looked at term by term.)
    with np.errstate(all="ignore"):
        if bool(xp.isfinite(xp.sum(values))):
            return True
    return bool(xp.all(xp.isfinite(values)))


def _trimmed(response: Response, X: Array) -> Response:
    """Drop levels of the response that no row has."""
    if response.kind != "categorical":
        return response
    present, codes = np.unique(to_numpy(response.values), return_inverse=True)
    levels = tuple(response.levels[k] for k in present)
    return replace(response, values=on_device(codes, X, namespace(X).int64), levels=levels)
