"""The front door ``scan``: where rows are that do not fit into memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statdl.api.arguments import whole
from statdl.errors import ModelError
from statdl.formula.suggest import listing
from statdl.scan import arrow, files
from statdl.scan.cluster import Partitions
from statdl.scan.source import BLOCK_ROWS, Scan, Source, paths_of, required, unreadable


def scan(
    source: Any,
    *,
    filter: Any = None,
    levels: Mapping[str, Sequence[Any]] | None = None,
    format: str | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Scan:
    """Describe rows that are read in blocks, so that they need not fit into memory.

    Nothing is read yet. A fit reads only the columns that its formula names, block by block, and
    the next block while the last one is computed; of a Dask DataFrame, each worker reduces its
    partitions, and sums travel. Estimates, errors and tests are those of the same rows in memory.

    Parameters
    ----------
    source : str, sequence of str, or what holds rows
        Paths of Parquet, CSV or Arrow files, with ``*`` if wanted, or a folder of them, whose
        folders may be named by keys, such as ``year=2020``, which are columns then; a pyarrow
        dataset or table; a polars or narwhals LazyFrame; a DuckDB relation; a Dask DataFrame; a
        frame in memory; or a function that returns a new stream of Arrow batches at every call.
    filter : pyarrow expression, optional
        Rows to read from files, such as ``pc.field("year") > 2015``; row groups that have none are
        not read, and those that have some are in memory as a whole. What other sources are to leave
        out, leave out of the query.
    levels : dict, optional
        Levels of columns of text, in their order, ``{"hour": ["morning", "evening"]}``. Those that
        no row has are left out, as in memory, and a row with another one is an error.
    format : {"parquet", "csv", "ipc"}, optional
        Of files; by default by the ending of their names.
    block_rows : int
        Rows that are read at once.

    Returns
    -------
    Scan
        For ``data=`` of :func:`lm`, :func:`glm`, :func:`multinom`, :func:`mlp`, :func:`path` and
        :func:`cv_path`, ``validation=`` of :func:`mlp`, and ``newdata=`` of :meth:`Fit.predict`.

    Raises
    ------
    DataError
        When there is no such file, it is damaged, or the source is of no kind that can be read;
        or the filter does not go with its columns.
    ModelError
        When an argument means nothing.
    MissingPackageError
        Without pyarrow: ``pip install 'statdl[scan]'``.

    See Also
    --------
    lm : Fits it.
    Fit.predict : Writes predictions block by block.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import statdl as sd
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "cars.parquet"
    >>> cars = sd.datasets.load("mtcars")
    >>> cars.to_parquet(path)
    >>> fit = sd.lm("mpg ~ wt", data=sd.scan(path))
    >>> fit.params.round(4).to_dict(), fit.convergence.passes
    ({'Intercept': 37.2851, 'wt': -5.3445}, 1)
    """
    required("pyarrow", "scan()")
    rows = whole("block_rows", block_rows, 1)
    given = {name: _distinct(name, values) for name, values in (levels or {}).items()}
    return Scan(_opened(source, filter, format), given, rows)


def _distinct(name: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return levels, none of them twice."""
    found = tuple(values)
    if len({str(one) for one in found}) < len(found):
        raise ModelError(f"levels= of `{name}` names a level twice: {listing(map(repr, found))}.")
    return found


def is_lazy(data: Any) -> bool:
    """Tell whether data are rows that are read when they are needed, and no frame in memory."""
    return isinstance(data, Scan) or _package(data) == "dask" or _kind(data) in (
        "LazyFrame", "DuckDBPyRelation"
    )  # fmt: skip


def as_scan(data: Any) -> Scan:
    """Return lazy data as a scan."""
    return data if isinstance(data, Scan) else scan(data)


def _opened(source: Any, where: Any, format: str | None) -> Source:
    paths = paths_of(source)
    if paths is not None:
        return files.files(paths, format, where)
    if isinstance(source, Scan):
        return source.source
    package, kind = _package(source), _kind(source)
    if package == "narwhals":
        return _opened(source.to_native(), where, format)
    if package == "pyarrow" and hasattr(source, "get_fragments"):
        return arrow.arrow_dataset(source, where)
    if where is not None:
        raise ModelError(
            "filter= is for files and pyarrow datasets; filter other sources before, as by "
            "frame.filter(...)."
        )
    if package == "dask":
        return Partitions(source)
    if kind == "DuckDBPyRelation":
        return arrow.relation(source)
    if package == "polars" and kind == "LazyFrame":
        return arrow.polars(source)
    return _in_memory(source)


def _in_memory(source: Any) -> Source:
    package = _package(source)
    if package == "pandas" and hasattr(source, "columns"):
        return arrow.from_pandas(source)
    if hasattr(source, "read_next_batch"):
        raise ModelError(
            "scan() needs rows that can be read more than once, and a RecordBatchReader is used up "
            "by one pass; pass a function that returns a new one at every call."
        )
    if hasattr(source, "column_names") and package == "pyarrow":
        return arrow.table(source)
    if hasattr(source, "__arrow_c_stream__"):
        return arrow.exported(source)
    if callable(source):
        return arrow.factory(source)
    raise unreadable(source)


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _kind(value: Any) -> str:
    return type(value).__name__
