"""What rows can be in: paths, datasets, lazy frames, relations, frames in memory, streams."""

from __future__ import annotations

from typing import Any

from statdl.errors import ModelError
from statdl.scan import arrow, files
from statdl.scan.cluster import Partitions
from statdl.scan.source import Scan, Source, paths_of, required, unreadable


def is_lazy(data: Any) -> bool:
    """Tell whether data are rows that are read when they are needed, and no frame in memory."""
    return isinstance(data, Scan) or _package(data) == "dask" or _kind(data) in (
        "LazyFrame", "DuckDBPyRelation"
    )  # fmt: skip


def as_scan(data: Any) -> Scan:
    """Return lazy data as a scan."""
    if isinstance(data, Scan):
        return data
    required("pyarrow", "scan()")
    return Scan(opened(data))


def opened(source: Any, where: Any = None, format: str | None = None) -> Source:
    """Return the source of rows that something is; ``where`` and ``format`` are for files.

    Raises
    ------
    DataError
        When there is no such file, or the rows are of no kind that can be read.
    ModelError
        When a filter is given of what is no file, or a stream that can be read once only.
    """
    paths = paths_of(source)
    if paths is not None:
        return files.files(paths, format, where)
    if isinstance(source, Scan):
        return source.source
    package, kind = _package(source), _kind(source)
    if package == "narwhals":
        return opened(source.to_native(), where, format)
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
