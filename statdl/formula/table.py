"""Numbers in rows and columns, from arrays, frames, series and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from statdl.backend.array import Array, is_array, namespace
from statdl.backend.columns import is_sparse
from statdl.errors import DataError
from statdl.formula.frame import open_frame, read_array, read_series
from statdl.formula.rows import as_floating, detached, unreadable_array
from statdl.formula.suggest import listing
from statdl.formula.values import Column, Factor
from statdl.lazy import lazy

nw = lazy("narwhals")
pd = lazy("pandas")


@dataclass(frozen=True)
class Table:
    """Columns of numbers with what is known of their origin."""

    values: Array
    names: tuple[str, ...] | None = None
    index: Any = None
    source: Any = None


def is_frame(value: Any) -> bool:
    """Tell whether ``value`` has named columns."""
    if isinstance(value, np.ndarray):
        return value.dtype.names is not None
    records = isinstance(value, list | tuple) and len(value) and isinstance(value[0], Mapping)
    return bool(records) or isinstance(value, Mapping) or _has_columns(value)


def _has_columns(value: Any) -> bool:
    return hasattr(value, "collect") or hasattr(value, "columns")


def read_table(value: Any, what: str, wanted: tuple[str, ...] | None = None) -> Table:
    """Read numbers in rows and columns; ``wanted`` picks columns of a frame by name."""
    if is_frame(value):
        return from_frame(value, what, wanted)
    if (series := as_series(value)) is not None:
        name = "x1" if series.name is None else str(series.name)
        index = getattr(value, "index", None) if hasattr(value, "iloc") else None
        return Table(_number(read_series(series, name), name, what)[:, None], (name,), index)
    value = detached(value)
    values = as_floating(value if is_array(value) else host(value, what), what)
    if values.ndim == 1 and (wanted is None or len(wanted) == 1):
        values = namespace(values).reshape(values, (-1, 1))
    if values.ndim != 2:
        hint = " Use reshape(1, -1) for one row." if values.ndim == 1 else ""
        raise DataError(
            f"{what} must have rows and columns, not the shape {tuple(values.shape)}.{hint}"
        )
    return Table(values)


def from_frame(value: Any, what: str, wanted: tuple[str, ...] | None = None) -> Table:
    """Read the columns of a frame, or the ``wanted`` ones; all must be numbers."""
    frame = open_frame(value, what)
    names = frame.names if wanted is None else wanted
    frame.check_has(names, what)
    values = np.empty((len(frame), len(names)), order="F")
    for j, name in enumerate(names):
        values[:, j] = _number(frame.column(name), name, what)
    return Table(values, tuple(names), frame.index, frame.native)


def _number(column: Column, name: str, what: str) -> Array:
    if isinstance(column.value, Factor):
        raise DataError(
            f"column `{name}` of {what} is not numeric (its values are "
            f"{listing(map(repr, column.value.levels), 3)}). Use a formula, which codes factors, "
            "or leave the column out."
        )
    return column.floating


class Answer(NamedTuple):
    """A response as it was given: numbers or a factor, and the labels of several columns."""

    name: str
    values: Array | Factor
    labels: tuple[str, ...] = ()
    truth: bool = False


def read_response(y: Any) -> Answer:
    """Return what a response is made of; arrays of numbers stay as and where they are."""
    if is_frame(y):
        frame = open_frame(y, "y")
        if len(frame.names) > 1:
            return Answer("y", from_frame(y, "y").values, frame.names)
        name, column = frame.names[0], frame.column(frame.names[0])
    elif (series := as_series(y)) is not None:
        name = "y" if series.name in (None, "") else str(series.name)
        column = read_series(series, name)
    else:
        y = detached(y)
        values = y if is_array(y) else host(y, "y")
        if getattr(values.dtype, "kind", "f") not in "OUS":
            return Answer("y", values, truth=namespace(values).isdtype(values.dtype, "bool"))
        name, column = "y", read_array(values, "y")
    if isinstance(column.value, Factor):
        return Answer(name, column.value)
    return Answer(name, column.floating, truth=column.kind == "truth values")


def host(value: Any, what: str) -> Array:
    """Return lists and the like as a NumPy array."""
    if is_sparse(value):
        raise DataError(
            f"{what} is a sparse matrix, which only path() and cv_path() take as it is; elsewhere "
            "pass toarray() of it."
        )
    try:
        return np.asarray(value)
    except ValueError:
        raise DataError(f"the rows of {what} differ in length.") from None
    except (RuntimeError, TypeError):
        raise unreadable_array(value, what) from None


def as_series(value: Any) -> Any:
    """Return a pandas, polars or pyarrow column as a narwhals series, None for other things."""
    if is_array(value) or isinstance(value, Sequence):
        return None
    if type(value).__module__.startswith("pandas") and not hasattr(value, "index"):
        value = pd.Series(value)
    series = nw.from_native(value, series_only=True, pass_through=True)
    return series if hasattr(series, "to_native") else None
