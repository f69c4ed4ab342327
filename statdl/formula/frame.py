"""Frames of every library through narwhals: their columns as values, and frames back.

pandas, polars and pyarrow are read alike. A column is converted when a formula needs it, and
only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.formula.suggest import count, listing, nearest
from statdl.formula.values import Column, Factor, column
from statdl.lazy import lazy

nw = lazy("narwhals")
pd = lazy("pandas")

_ACCEPTED = "a pandas or polars DataFrame, a pyarrow Table, or a dict of columns"


@dataclass(frozen=True)
class Frame:
    """A table of any library.

    ``native`` is the table as given, ``table`` as narwhals sees it; ``labels`` are the library's
    own labels of the columns by name.
    """

    native: Any
    table: Any
    labels: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names as text, in the order of the data."""
        return tuple(self.labels)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def index(self) -> Any:
        """The row labels of a pandas frame, None for libraries without labels."""
        return self.native.index if is_pandas(self.native) else None

    def column(self, name: str) -> Column:
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
            return read_array(series.to_numpy(), name)
        return read_series(nw.from_native(series, series_only=True), name)

    def check_has(self, names: Iterable[str], what: str) -> None:
        """Refuse a frame, called ``what``, that lacks some of the columns ``names``."""
        absent = [name for name in names if name not in self.labels]
        if absent:
            raise DataError(
                f"{what} lack the columns {listing(f'`{name}`' for name in absent)}."
                f"{nearest(absent[0], self.names)} They have: {listing(self.names)}."
            )


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
    names = [str(label) for label in table.columns]
    if len(set(names)) < len(names):
        twice = dict.fromkeys(name for name in names if names.count(name) > 1)
        raise DataError(f"{what} must not repeat a column name, and {listing(twice)} is repeated.")
    return Frame(native, table, dict(zip(names, table.columns, strict=True)))


def _native(data: Any, what: str) -> Any:
    if isinstance(data, Mapping):
        return _from_mapping(data, what)
    if isinstance(data, np.ndarray) and data.dtype.names:
        return pd.DataFrame(data)
    if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
        return pd.DataFrame(list(data))
    return data


def _from_mapping(data: Mapping[str, Any], what: str) -> Any:
    """Return a dict of columns, or of the values of one row, as a frame."""
    scalars = all(np.ndim(value) == 0 for value in data.values())
    try:
        return pd.DataFrame(dict(data), index=[0] if scalars else None)
    except ValueError:
        lengths = (f"{name} has {np.size(value)}" for name, value in data.items())
        raise DataError(f"the columns of {what} differ in length: {listing(lengths)}.") from None


def kind_of(data: Any) -> str:
    """Return the name of a type with its package, where that is not Python itself.

    Examples
    --------
    >>> kind_of(3), kind_of(np.float64(3))
    ('int', 'numpy.float64')
    """
    module = type(data).__module__
    return f"{'' if module == 'builtins' else module + '.'}{type(data).__qualname__}"


def _unreadable(data: Any, what: str) -> DataError:
    kind = kind_of(data)
    if hasattr(data, "collect"):
        return DataError(f"{what}: a lazy {kind} has no rows yet; call .collect() on it first.")
    if isinstance(data, np.ndarray):
        return DataError(f"{what}: an array has no column names; pass arrays as X= and y=.")
    return DataError(f"{what} must be {_ACCEPTED}, not {kind}.")


def read_series(series: Any, name: str) -> Column:
    """Return a narwhals series as numbers, truth values or a factor."""
    dtype, native = series.dtype, series.to_native()
    if dtype.is_numeric():
        return column(np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64))
    if dtype == nw.Boolean:
        missing = series.is_null().to_numpy()
        values = series.fill_null(False).to_numpy().astype(bool)
        return Column(values, missing if missing.any() else None)
    if dtype == nw.Categorical and is_pandas(native):
        if not isinstance(
            native.dtype, pd.CategoricalDtype
        ):  # Arrow's dictionary in a pandas frame
            return read_series(
                nw.from_native(native.array.__arrow_array__(), series_only=True), name
            )
        return column(Factor(pd.Categorical(native)))
    if getattr(getattr(native, "type", None), "ordered", False):  # of a dictionary, Arrow says
        return column(Factor(pd.Categorical(native.to_pandas())))
    if dtype == nw.Enum:
        levels = list(dtype.categories)
        return column(Factor(pd.Categorical(series.to_numpy(), levels, ordered=True)))
    if dtype in (nw.String, nw.Categorical):
        return _text(series.cast(nw.String).to_numpy())
    if dtype in (nw.Object, nw.Unknown):
        return read_array(series.to_numpy(), name)
    held = getattr(native, "dtype", None) or dtype
    hint = "Numbers, truth values and text are."
    if dtype.is_temporal():
        hint = "Convert it to a number, such as days since a date, or to text for a factor."
    raise DataError(f"column `{name}` holds {held} values, which models cannot use. {hint}")


def read_array(values: Array, name: str) -> Column:
    """Return a host array, also of Python objects, as numbers, truth values or a factor."""
    kind = values.dtype.kind
    if kind == "b":
        return Column(values)
    if kind in "fiu":
        return column(values.astype(np.float64, copy=False))
    if kind == "U":
        return _text(values)
    if kind == "c":
        raise DataError(
            f"column `{name}` holds complex numbers, which models cannot use. "
            "Use its real and imaginary parts as two columns."
        )
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred in ("string", "empty"):
        return _text(values)
    missing = np.asarray(pd.isna(values))
    if inferred == "boolean":
        return Column(np.where(missing, False, values).astype(bool), missing)[slice(None)]
    if inferred in ("integer", "floating", "mixed-integer-float", "decimal"):
        return column(np.where(missing, np.nan, values).astype(np.float64))
    raise DataError(_mixture(values[~missing], np.flatnonzero(~missing), name))


def _text(values: Array) -> Column:
    return column(Factor(pd.Categorical(values)))


def _mixture(values: Array, rows: Array, name: str) -> str:
    kinds = [type(value).__name__ for value in values]
    found = listing(
        f"{kind} ({count(kinds.count(kind))}, first at row {rows[kinds.index(kind)]})"
        for kind in dict.fromkeys(kinds)
    )
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
    if source is None or isinstance(source, Mapping | Sequence | np.ndarray) or is_pandas(source):
        return pd.DataFrame(dict(columns), index=index)
    backend = nw.get_native_namespace(source)
    return nw.from_dict(dict(columns), backend=backend).to_native()


def taken(source: Any, rows: Any) -> Any:
    """Return some rows of a frame, by position: a slice, or an array of integers.

    Examples
    --------
    >>> taken(pd.DataFrame({"a": [1, 2, 3]}), np.asarray([2, 0]))["a"].tolist()
    [3, 1]
    """
    if is_pandas(source):
        return source.iloc[rows]
    table = nw.from_native(source, eager_only=True)
    return table[rows if isinstance(rows, slice) else [int(row) for row in rows]].to_native()


def beside(source: Any, columns: Mapping[str, Any]) -> Any:
    """Return a frame with columns added, or put in the place of those of the same name.

    A column is a vector with one entry a row, or one value for all rows.

    Examples
    --------
    >>> beside(pd.DataFrame({"a": [1, 2]}), {"b": "u"})["b"].tolist()
    ['u', 'u']
    """
    if is_pandas(source):
        return source.assign(**columns)
    table = nw.from_native(source, eager_only=True)
    backend = nw.get_native_namespace(source)
    n = len(table)
    added = [
        nw.new_series(name, _listed(values, n), backend=backend) for name, values in columns.items()
    ]
    return table.with_columns(*added).to_native()


def joined(left: Any, right: Any) -> Any:
    """Return two frames of one library side by side; names that ``left`` has are not repeated.

    Examples
    --------
    >>> joined(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2], "b": [3]})).columns.tolist()
    ['a', 'b']
    """
    if is_pandas(left):
        known = {str(label) for label in left.columns}
        others = [label for label in right.columns if str(label) not in known]
        return pd.concat([left, right[others].set_axis(left.index)], axis=1)
    tables = [nw.from_native(one, eager_only=True) for one in (left, right)]
    others = [name for name in tables[1].columns if name not in tables[0].columns]
    return nw.concat([tables[0], tables[1].select(others)], how="horizontal").to_native()


def _listed(values: Any, n: int) -> Any:
    """Return a column's values, one a row: arrays of numbers as they are, all else as a list."""
    if np.ndim(values) == 0:
        return [values.item() if isinstance(values, np.generic) else values] * n
    plain = isinstance(values, np.ndarray) and values.dtype.kind in "fiub"
    return values if plain else list(values)
