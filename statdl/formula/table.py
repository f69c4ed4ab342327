"""Numbers in rows and columns, from arrays, frames, series and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array, is_array, namespace
from statdl.errors import DataError
from statdl.formula.frame import open_frame, read_series
from statdl.formula.rows import as_floating
from statdl.formula.suggest import listing, nearest
from statdl.formula.values import Categorical, Value, numeric
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
    if isinstance(value, Mapping):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype.names is not None
    rows = isinstance(value, Sequence) and len(value) and isinstance(value[0], Mapping)
    return bool(rows) or hasattr(value, "collect") or hasattr(value, "columns")


def read_table(value: Any, what: str, wanted: tuple[str, ...] | None = None) -> Table:
    """Read numbers in rows and columns; ``wanted`` picks columns of a frame by name."""
    if is_frame(value):
        return from_frame(value, what, wanted)
    series = as_series(value)
    if series is not None:
        name = str(series.name) if series.name is not None else "x1"
        column = np.asarray(_number(read_series(series, name), name, what))
        index = getattr(value, "index", None) if hasattr(value, "iloc") else None
        return Table(column[:, None], (name,), index)
    values = as_floating(value if is_array(value) else host(value, what), what)
    if values.ndim == 1 and (wanted is None or len(wanted) == 1):
        values = namespace(values).reshape(values, (-1, 1))
    if values.ndim != 2:
        hint = " Use reshape(1, -1) for one row." if values.ndim == 1 else ""
        raise DataError(
            f"{what} must have rows and columns, not the shape {tuple(values.shape)}.{hint}"
        )
    return Table(values)


def from_frame(value: Any, what: str, wanted: tuple[str, ...] | None) -> Table:
    """Read the columns of a frame, or the ``wanted`` ones; all must be numbers."""
    frame = open_frame(value, what)
    names = frame.names if wanted is None else wanted
    absent = [name for name in names if name not in frame]
    if absent:
        raise DataError(
            f"{what} lack the columns {listing(f'`{name}`' for name in absent)}."
            f"{nearest(absent[0], frame.names)} They have: {listing(frame.names)}."
        )
    values = np.empty((len(frame), len(names)), order="F")
    for j, name in enumerate(names):
        values[:, j] = _number(frame.column(name), name, what)
    return Table(values, tuple(names), frame.index, frame.native)


def _number(value: Value, name: str, what: str) -> Array:
    if isinstance(value, Categorical):
        raise DataError(
            f"column `{name}` of {what} is not numeric (its values are "
            f"{listing(map(repr, value.levels), 3)}). Use a formula, which codes factors, or "
            "leave the column out."
        )
    return numeric(value, name)


def host(value: Any, what: str) -> Array:
    """Return lists and the like as a NumPy array."""
    try:
        return np.asarray(value)
    except ValueError:
        raise DataError(f"the rows of {what} differ in length.") from None


def as_series(value: Any) -> Any:
    """Return a pandas, polars or pyarrow column as a narwhals series, None for other things."""
    if is_array(value) or isinstance(value, str | bytes | Sequence):
        return None
    if type(value).__module__.startswith("pandas") and not hasattr(value, "index"):
        value = pd.Series(value)
    series = nw.from_native(value, series_only=True, pass_through=True)
    return series if hasattr(series, "to_native") else None
