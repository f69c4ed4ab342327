"""Frames of every library through narwhals: their columns as values, and frames back.

pandas, polars and pyarrow are read alike. A column is converted when a formula needs it, and
only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.formula.suggest import count, listing
from statdl.formula.values import Categorical, Logical, Value
from statdl.lazy import lazy

nw = lazy("narwhals")
pd = lazy("pandas")

_ACCEPTED = "a pandas or polars DataFrame, a pyarrow Table, or a dict of columns"


@dataclass(frozen=True)
class Frame:
    """A table of any library.

    ``native`` is the table as given, ``table`` as narwhals sees it (pandas needs no translation,
    so it is the same there); ``labels`` are the library's own labels of the columns by name.
    """

    native: Any
    table: Any
    labels: Mapping[str, Any]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names as text, in the order of the data."""
        return tuple(self.labels)

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, name: object) -> bool:
        return name in self.labels

    @property
    def index(self) -> Any:
        """The row labels of a pandas frame, None for libraries without labels."""
        return self.native.index if is_pandas(self.native) else None

    def column(self, name: str) -> Value:
        """Return a column as numbers, truth values or a factor.

        Raises
        ------
        DataError
            For types that models cannot use: dates, complex numbers, mixed objects, lists.
        """
        label = self.labels[name]
        if not is_pandas(self.native):
            return read_series(self.table.get_column(label), name)
        series = self.native[label]
        if isinstance(series.dtype, np.dtype) and series.dtype.kind in "fiub":
            return _numbers(series.to_numpy(), series.dtype.kind == "b")
        return read_series(nw.from_native(series, series_only=True), name)


def is_pandas(native: Any) -> bool:
    """Tell whether ``native`` is a pandas object, without importing pandas."""
    return type(native).__module__.partition(".")[0] == "pandas"


def open_frame(data: Any, what: str = "data") -> Frame:
    """Return ``data`` as a :class:`Frame`; errors call it ``what``.

    Examples
    --------
    >>> open_frame({"a": [1, 2], "b": ["u", "v"]}).names
    ('a', 'b')
    """
    native = _native(data, what)
    if is_pandas(native) and hasattr(native, "columns"):
        table = native
    else:
        try:
            table = nw.from_native(native, eager_only=True)
        except (TypeError, ValueError, nw.exceptions.NarwhalsError):
            raise _unreadable(native, what) from None
    labels = {str(label): label for label in table.columns}
    if len(labels) < len(table.columns):
        raise _repeated([str(label) for label in table.columns], what)
    return Frame(native, table, labels)


def _native(data: Any, what: str) -> Any:
    if isinstance(data, Mapping):
        return _from_mapping(data, what)
    if isinstance(data, np.ndarray) and data.dtype.names:
        return pd.DataFrame(data)
    records = isinstance(data, Sequence) and not isinstance(data, str | bytes)
    if records and data and all(isinstance(row, Mapping) for row in data):
        return pd.DataFrame(list(data))
    return data


def _from_mapping(data: Mapping[Any, Any], what: str) -> Any:
    if data and all(np.ndim(column) == 0 for column in data.values()):
        return pd.DataFrame({name: [value] for name, value in data.items()})
    try:
        return pd.DataFrame(dict(data))
    except ValueError:
        lengths = {n: len(c) if np.ndim(c) else 1 for n, c in data.items()}
        raise DataError(
            f"the columns of {what} differ in length: "
            + listing(f"{name} has {length}" for name, length in lengths.items())
            + "."
        ) from None


def _unreadable(data: Any, what: str) -> DataError:
    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    if hasattr(data, "collect"):
        return DataError(f"{what}: a lazy {kind} has no rows yet; call .collect() on it first.")
    if isinstance(data, np.ndarray):
        return DataError(f"{what}: an array has no column names; pass arrays as X= and y=.")
    return DataError(f"{what} must be {_ACCEPTED}, not {kind}.")


def _repeated(columns: Sequence[str], what: str) -> DataError:
    twice = dict.fromkeys(name for name in columns if columns.count(name) > 1)
    return DataError(f"{what} must not repeat a column name, and {listing(twice)} is repeated.")


def read_series(series: Any, name: str) -> Value:
    """Return a narwhals series as numbers, truth values or a factor."""
    dtype = series.dtype
    if dtype.is_float() or dtype.is_integer():
        return _numbers(_float(series), False)
    if dtype.is_decimal():
        return _float(series.cast(nw.Float64))
    if dtype == nw.Boolean:
        return Logical(_float(series.cast(nw.Float64) if _is_whole(series) else series))
    if dtype == nw.Categorical or dtype == nw.Enum:
        return _factor(series)
    if dtype == nw.String:
        return _text(series.to_numpy())
    if dtype.is_temporal():
        raise DataError(
            f"column `{name}` holds {_type_name(series)} values, which models cannot use. "
            "Convert it to a number, such as days since a date, or to text for a factor."
        )
    if dtype == nw.Object or dtype == nw.Unknown:
        return _objects(series.to_numpy(), name)
    raise DataError(
        f"column `{name}` holds {_type_name(series)} values, which models cannot use. "
        "Numbers, truth values and text are."
    )


def read_array(values: Array, name: str) -> Value:
    """Return a host array as numbers, truth values or a factor."""
    if values.dtype.kind == "U":
        return _text(values)
    if values.dtype.kind in "OS":
        return _objects(values, name)
    return values


def _is_whole(series: Any) -> bool:
    return series.null_count() == 0


def _type_name(series: Any) -> str:
    return str(getattr(series.to_native(), "dtype", None) or series.dtype)


def _float(series: Any) -> Array:
    values = series.to_numpy()
    if values.dtype.kind == "O":
        return np.array([np.nan if _absent(v) else float(v) for v in values], dtype=np.float64)
    return values


def _absent(value: Any) -> bool:
    return value is None or value is pd.NA or bool(value != value)


def _numbers(values: Array, logical: bool) -> Value:
    numbers = np.asarray(values, dtype=np.float64)
    return Logical(numbers) if logical else numbers


def _text(values: Array) -> Categorical:
    codes, levels = pd.factorize(values, sort=True)
    return Categorical(np.asarray(codes, dtype=np.int64), tuple(str(level) for level in levels))


def _factor(series: Any) -> Categorical:
    native = series.to_native()
    if is_pandas(native) and hasattr(native, "cat"):
        levels = tuple(native.cat.categories.tolist())
        codes = native.cat.codes.to_numpy().astype(np.int64)
        return Categorical(codes, levels, bool(native.cat.ordered))
    if series.dtype == nw.Enum:
        place = {level: code for code, level in enumerate(series.dtype.categories)}
        found = series.to_numpy()
        codes = np.array([place.get(value, -1) for value in found], dtype=np.int64)
        return Categorical(codes, tuple(place), True)
    return _text(np.asarray(series.cast(nw.String).to_numpy(), dtype=object))


def _objects(values: Array, name: str) -> Value:
    """Read a column of Python objects: all text, all numbers, or all truth values."""
    if values.dtype.kind == "c":
        raise DataError(
            f"column `{name}` holds complex numbers, which models cannot use. "
            "Use its real and imaginary parts as two columns."
        )
    kinds = {_kind(value) for value in values if not _absent(value)}
    if kinds <= {"text"}:
        return _text(values)
    if kinds <= {"number"}:
        return np.array([np.nan if _absent(v) else float(v) for v in values])
    if kinds <= {"logical"}:
        return Logical(np.array([np.nan if _absent(v) else float(v) for v in values]))
    raise DataError(_mixture(values, name))


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | np.bool_):
        return "logical"
    if isinstance(value, complex | np.complexfloating) or not hasattr(value, "__float__"):
        return type(value).__name__
    return "number"


def _mixture(values: Array, name: str) -> str:
    counts: dict[str, tuple[int, int]] = {}
    for row, value in enumerate(values):
        if not _absent(value):
            kind = type(value).__name__
            seen, first = counts.get(kind, (0, row))
            counts[kind] = (seen + 1, first)
    found = listing(f"{kind} ({count(n)}, first at row {row})" for kind, (n, row) in counts.items())
    return (
        f"column `{name}` has object dtype and holds {found}. Convert it to numbers or to text "
        "before the fit."
    )


def like(source: Any, columns: Mapping[str, Any], index: Any = None) -> Any:
    """Return ``columns`` as a frame of the same library as ``source`` (pandas when None).

    ``index`` labels the rows where the library has labels.

    Examples
    --------
    >>> like(None, {"fit": [1.0, 2.0]}).shape
    (2, 1)
    """
    if source is None or isinstance(source, Mapping) or is_pandas(source):
        return pd.DataFrame(dict(columns), index=index)
    try:
        backend = nw.get_native_namespace(source)
    except TypeError:
        return pd.DataFrame(dict(columns), index=index)
    return nw.from_dict(dict(columns), backend=backend).to_native()
