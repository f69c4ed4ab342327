"""The front door for arrays: X and y without a formula, on whatever device they are.

X is not copied when it is floating and complete: one sum certifies that all of it is finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array, is_array, namespace, to_numpy
from statdl.backend.array import like as on_device
from statdl.errors import DataError
from statdl.formula.design import Design, ModelFrame, NewData, Response, Term
from statdl.formula.evaluate import Evaluator, truth
from statdl.formula.frame import open_frame, read_array, read_series
from statdl.formula.recipe import argument, reserved
from statdl.formula.rows import (
    as_floating,
    as_vector,
    check_index,
    check_na_action,
    check_total,
    check_weights,
    complete_rows,
    mask_positions,
    refuse_infinite,
    selected,
)
from statdl.formula.suggest import count, listing
from statdl.formula.table import Table, as_series, from_frame, host, is_frame, read_table
from statdl.formula.values import Categorical, Logical, Value


@dataclass(frozen=True)
class ArrayRecipe:
    """How an array design encodes new data: the same columns, by position or by name."""

    names: tuple[str, ...]

    def encode(self, new: Any) -> NewData:
        """Return ``new`` as X: an array of the same width, or a frame that has the names."""
        p = len(self.names)
        table = read_table(new, "the new data", self.names)
        width = table.values.shape[1]
        if width != p:
            raise DataError(
                f"the new data have {count(width, 'column')}, and the model was fitted to {p}: "
                f"{listing(self.names)}."
            )
        return NewData(table.values, None, table.index, table.source)


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
        vector is one column. float32 stays float32, which is then the precision of the fit;
        integers and truth values become float64.
    y : (n,) numbers or truth values; text, a categorical or a series of them for a factor; or
        (n, K) counts. It is brought to the device and the precision of X.
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
    design = _design(_names(names, table.names, p, intercept), intercept)
    response = _response(y, n, table)
    vectors = {
        name: _aligned(given, n, table, name)
        for name, given in (("weights", weights), ("offset", offset))
        if given is not None
    }
    frame = ModelFrame(
        design=design,
        X=table.values,
        response=response,
        weights=vectors.get("weights"),
        offset=vectors.get("offset"),
        index=table.index,
        source=table.source,
    )
    frame = _subset(frame, subset, table)
    if frame.weights is not None:
        check_weights(frame.weights, frame.rows)
    frame = _complete(frame, na_action)
    if frame.weights is not None:
        check_total(frame.weights)
    return _trimmed(frame)


def _design(names: tuple[str, ...], intercept: bool) -> Design:
    terms = tuple(Term(name, frozenset([name]), (j,)) for j, name in enumerate(names))
    return Design(None, bool(intercept), terms, names, {}, ArrayRecipe(names))


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
        raise DataError(f"names has {len(names)} entries, and X has {p} columns.")
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    if twice:
        raise DataError(f"names repeats {listing(twice)}; each column needs a name of its own.")
    return names


def _response(y: Any, n: int, table: Table) -> Response:
    if y is None:
        raise DataError("y is missing; pass the response as y=.")
    check_index(y, table.index, "y")
    if is_frame(y):
        frame = open_frame(y, "y")
        if len(frame.names) > 1:
            counts = from_frame(y, "y", None).values
            return replace(_numeric_response("y", counts, n, table), levels=frame.names)
        name, value = frame.names[0], frame.column(frame.names[0])
    else:
        name, value = _one_column(y)
    if not isinstance(value, Categorical):
        values = value.values if isinstance(value, Logical) else value
        return _numeric_response(name, values, n, table)
    _same_length(len(value.codes), n)
    codes = on_device(value.codes, table.values, namespace(table.values).int64)
    return Response(name, "categorical", codes, value.levels)


def _one_column(y: Any) -> tuple[str, Value]:
    """Read a series, list or array; arrays of numbers stay as and where they are."""
    series = as_series(y)
    if series is not None:
        name = str(series.name) if series.name is not None and str(series.name) else "y"
        return name, read_series(series, name)
    if is_array(y) and not (isinstance(y, np.ndarray) and y.dtype.kind in "OUS"):
        return "y", y
    return "y", read_array(host(y, "y"), "y")


def _numeric_response(name: str, value: Array, n: int, table: Table) -> Response:
    values = as_floating(value, "y")
    if values.ndim not in (1, 2):
        raise DataError(f"y must be a vector or a matrix of counts, not {tuple(values.shape)}.")
    _same_length(values.shape[0], n)
    values = on_device(values, table.values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = namespace(values).reshape(values, (-1,))
    if values.ndim == 1:
        return Response(name, "numeric", values)
    return Response(name, "counts", values, tuple(f"y{k}" for k in range(1, values.shape[1] + 1)))


def _same_length(found: int, n: int) -> None:
    if found != n:
        raise DataError(f"y has {count(found)}, and X has {n}.")


def _aligned(given: Any, n: int, table: Table, name: str) -> Array:
    if isinstance(given, str):
        raise DataError(f"{name}={given!r}: without a formula {name} is a vector, not a name.")
    check_index(given, table.index, name)
    return on_device(as_vector(given, n, name), table.values)


def _subset(frame: ModelFrame, subset: Any, table: Table) -> ModelFrame:
    if subset is None:
        return frame
    n = table.values.shape[0]
    if not isinstance(subset, str):
        return _taken(frame, mask_positions(subset, n, table.index))
    if table.source is None:
        raise DataError("subset as text needs a frame for X; pass a mask with one entry a row.")
    data = open_frame(table.source)
    condition = argument(subset, data.names, "subset")
    columns = {name: data.column(name) for name in condition.columns}
    value = Evaluator(columns, n, {})(condition)
    return _taken(frame, selected(truth(value, f"subset={subset!r}", n) == 1))


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
    if not parts:
        return frame
    rows = frame.rows
    refuse_infinite(((k, np.isinf(v)) for k, v in parts.items() if np.isinf(v).any()), rows)
    n = int(frame.X.shape[0])
    kept = complete_rows({k: np.isnan(v) for k, v in parts.items()}, n, na_action, rows)
    return frame if kept is None else replace(_taken(frame, kept), dropped=n - len(kept))


def _unfinished(frame: ModelFrame) -> dict[str, Array]:
    """Return, on the host and by name, the columns that hold a NaN or an infinite value."""
    found: dict[str, Array] = {}
    if not _all_finite(frame.X):
        xp = namespace(frame.X)
        bad = to_numpy(xp.any(~xp.isfinite(frame.X), axis=0))
        for j in np.flatnonzero(bad):
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
    for name, values in (("weights", frame.weights), ("offset", frame.offset)):
        if values is not None and not _all_finite(values):
            found[name] = to_numpy(values)
    return found


def _all_finite(values: Array) -> bool:
    xp = namespace(values)
    # One reduction, no temporary: a sum is finite only if all its terms are. (A sum that
    # overflows is looked at term by term.)
    with np.errstate(all="ignore"):
        if bool(xp.isfinite(xp.sum(values))):
            return True
    return bool(xp.all(xp.isfinite(values)))


def _trimmed(frame: ModelFrame) -> ModelFrame:
    """Drop levels of the response that no row has."""
    response = frame.response
    if response.kind != "categorical":
        return frame
    factor = Categorical(to_numpy(response.values), response.levels).trimmed()
    if factor.levels == response.levels:
        return frame
    xp = namespace(frame.X)
    codes = on_device(factor.codes, frame.X, xp.int64)
    return replace(frame, response=replace(response, values=codes, levels=factor.levels))
