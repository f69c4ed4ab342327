"""Which rows belong together: columns of the data, or vectors beside them, as codes of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array, is_array, namespace, to_numpy
from statdl.errors import DataError, FormulaError
from statdl.formula.design import ModelFrame
from statdl.formula.frame import Frame, is_pandas, open_frame
from statdl.formula.rows import check_index
from statdl.formula.suggest import count, listing
from statdl.formula.syntax import scan, split_at
from statdl.lazy import lazy

pd = lazy("pandas")


@dataclass(frozen=True)
class Grouping:
    """Groups of the rows of a fit: codes 0 … G − 1, (n,), and what they are called."""

    name: str
    codes: Array

    def crossed(self, other: Grouping) -> Grouping:
        """Return the groups of rows that are together in both."""
        xp = namespace(self.codes, other.codes)
        pairs = self.codes * (xp.max(other.codes) + 1) + other.codes
        codes = xp.unique_inverse(pairs).inverse_indices
        return Grouping(f"{self.name}:{other.name}", xp.reshape(codes, (-1,)))


def groupings(frame: ModelFrame, by: Any) -> tuple[Grouping, ...]:
    """Return the groups of the rows that a fit used.

    Parameters
    ----------
    frame : the data of the fit; rows that it left out are left out of the groups too
    by : the name of a column, names in a list, a formula such as ``"~ firm + year"`` (two ways)
        or ``"~ firm:year"`` (one way, by both), a vector with one entry a row of the data or of the
        rows used, or several of these as the columns of a frame or of a two-dimensional array.

    Raises
    ------
    DataError
        For an unknown column, a wrong length, or a missing value in a row that the fit used.

    Examples
    --------
    >>> from statdl.formula import model_frame
    >>> data = {"y": [1, 2, 4, 3], "x": [1, 2, 3, 5], "firm": ["u", "v", "u", "v"]}
    >>> [one] = groupings(model_frame("y ~ x", data), "firm")
    >>> one.codes.tolist()
    [0, 1, 0, 1]
    """
    names = _names(by, frame)
    if names is None:
        return tuple(_coded(name, values, frame) for name, values in _vectors(by))
    source = _source(frame)
    source.check_has([name for way in names for name in way], "the data")
    return tuple(_crossed(way, source, frame) for way in names)


def _names(by: Any, frame: ModelFrame) -> list[list[str]] | None:
    """Return the columns of every way, None where vectors are given."""
    vector = isinstance(by, list | tuple) and len(by) == len(frame.X)
    return None if vector else ways(by)


def ways(by: Any) -> list[list[str]] | None:
    """Return the columns of every way that ``by`` names, None where it names none.

    Examples
    --------
    >>> ways("~ firm + year:month")
    [['firm'], ['year', 'month']]
    """
    if isinstance(by, str):
        return _read(by) if by.lstrip().startswith("~") else [[by]]
    if isinstance(by, list | tuple) and len(by) and all(isinstance(one, str) for one in by):
        return [[one] for one in by]
    return None


def _read(formula: str) -> list[list[str]]:
    """Read ``~ a + b:c`` as [[a], [b, c]]."""
    _, *tokens = scan(formula)
    ways = [split_at(way, ":") for way in split_at(tokens, "+")]
    if not all(len(part) == 1 and part[0].kind in ("name", "quoted") for w in ways for part in w):
        raise FormulaError(
            f"clusters are columns joined by + (several ways) or : (one way by both), such as "
            f"'~ firm + year', not {formula!r}."
        )
    return [[part[0].name for part in way] for way in ways]


def _source(frame: ModelFrame) -> Frame:
    if frame.source is None:
        raise DataError(
            "A fit to arrays has no columns to take clusters from; pass a vector with one entry a "
            "row."
        )
    source = open_frame(frame.source)
    used = len(source) if frame.rows is None else int(frame.rows[-1]) + 1
    index = source.index
    if index is not None and used <= len(source):
        index = index if frame.rows is None else index[frame.rows]
    moved = index is not None and frame.index is not None and not index.equals(frame.index)
    if used > len(source) or (frame.rows is None and len(source) != len(frame.X)) or moved:
        raise DataError(
            "The data have changed since the fit, so that their rows are not those of the fit any "
            "more; fit again."
        )
    return source


def _crossed(names: Sequence[str], source: Frame, frame: ModelFrame) -> Grouping:
    first, *others = (_coded(name, _column(source, name), frame) for name in names)
    for other in others:
        first = first.crossed(other)
    return first


def _column(source: Frame, name: str) -> Any:
    label = source.labels[name]
    if is_pandas(source.native):
        return source.native[label]
    return source.table.get_column(label).to_numpy()


def _vectors(by: Any) -> list[tuple[str, Any]]:
    if hasattr(by, "columns") or isinstance(by, Mapping):
        table = open_frame(by, "cluster=")
        return [(name, _column(table, name)) for name in table.names]
    if hasattr(by, "index") and is_pandas(by):
        name = by.name if isinstance(by.name, str) else "cluster"
        return [(name, by)]
    if isinstance(by, list | tuple) and len(by) and np.ndim(by[0]):
        return [(f"cluster {k}", one) for k, one in enumerate(by, start=1)]
    values = by if is_array(by) else np.asarray(by)
    if values.ndim == 2:
        ways = [values[:, k] for k in range(values.shape[1])]
        return [(f"cluster {k}", one) for k, one in enumerate(ways, start=1)]
    if values.ndim != 1:
        raise DataError("cluster= must be a column name, a formula such as '~ firm', or a vector.")
    return [("cluster", values)]


def _coded(name: str, values: Any, frame: ModelFrame) -> Grouping:
    """Return the codes of a vector at the rows that the fit used."""
    n = int(frame.X.shape[0])
    length = int(values.shape[0]) if hasattr(values, "shape") else len(values)
    rows = None if frame.rows is None else to_numpy(frame.rows)
    if is_pandas(values) and frame.source is not None and is_pandas(frame.source):
        check_index(values, frame.index if length == n else frame.source.index, "cluster")
    if length != n or rows is None:
        _check_length(name, length, frame)
    chosen = None if length == n else rows  # values may be of all rows, or of those used
    if is_array(values) and not isinstance(values, np.ndarray):
        codes, gone = _device_codes(values, chosen)
    else:
        codes, gone = _host_codes(name, values, chosen)
    _refuse_missing(name, gone, rows)
    return Grouping(name, codes)


def _device_codes(values: Array, chosen: Array | None) -> tuple[Array, Array]:
    """Return the number of each value at the chosen rows, and where it is missing."""
    xp = namespace(values)
    if chosen is not None:
        values = xp.take(values, xp.asarray(chosen, device=values.device))
    return xp.reshape(xp.unique_inverse(values).inverse_indices, (-1,)), ~(values == values)


def _host_codes(name: str, values: Any, chosen: Any) -> tuple[Any, Any]:
    """Return the same of values on the host: numbers, text or dates."""
    try:
        codes, _ = pd.factorize(values if is_pandas(values) else np.asarray(values))
    except TypeError as error:
        raise DataError(
            f"`{name}` cannot name clusters: its values are no numbers, text or dates "
            f"({_kinds(values)}). cluster= needs one plain value a row."
        ) from error
    codes = codes if chosen is None else codes[chosen]
    return np.unique(codes, return_inverse=True)[1], codes < 0


def _kinds(values: Any) -> str:
    return ", ".join(sorted({type(value).__name__ for value in values}))


def _check_length(name: str, length: int, frame: ModelFrame) -> None:
    n, rows = int(frame.X.shape[0]), frame.rows
    whole = n if frame.source is None else len(open_frame(frame.source))
    enough = length >= int(rows[-1]) + 1 if rows is not None and frame.source is None else False
    if length not in (n, whole) and not enough:
        data = f" and the data {count(whole)}" if whole != n else ""
        raise DataError(
            f"`{name}` has {count(length, 'value')}, but the fit has {count(n)}{data}; cluster= "
            "needs one value a row."
        )


def _refuse_missing(name: str, gone: Array, rows: Array | None) -> None:
    xp = namespace(gone)
    if not bool(xp.any(gone)):
        return
    places = [int(place) for place in xp.nonzero(gone)[0]]
    numbers = [place if rows is None else int(rows[place]) for place in places]
    raise DataError(
        f"`{name}` is missing in {count(len(places))} that the fit used "
        f"(row{'s' * (len(places) > 1)} {listing(numbers)}), so that their clusters are not known. "
        "Fill in the values, or fit with subset= to leave those rows out."
    )
