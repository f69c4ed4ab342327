"""The front door ``scan``: where rows are that do not fit into memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statdl.api.arguments import whole
from statdl.errors import ModelError
from statdl.formula.suggest import listing
from statdl.scan.opening import opened
from statdl.scan.source import BLOCK_ROWS, Scan, required


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
        Paths of Parquet, CSV (its first line tells whether commas, semicolons or tabs separate
        columns) or Arrow files, with ``*`` if wanted, or a folder of them, whose
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
    return Scan(opened(source, filter, format), given, rows)


def _distinct(name: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return levels, none of them twice."""
    found = tuple(values)
    if len({str(one) for one in found}) < len(found):
        raise ModelError(f"levels= of `{name}` names a level twice: {listing(map(repr, found))}.")
    return found
