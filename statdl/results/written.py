"""Predictions of more rows than fit into memory, written block by block."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from statdl.backend.array import is_array
from statdl.errors import DataError, ModelError
from statdl.files import whole_file
from statdl.formula import Design
from statdl.lazy import lazy
from statdl.scan.files import Files
from statdl.scan.opening import as_scan, is_lazy
from statdl.scan.reader import ahead
from statdl.scan.request import arrow_frame
from statdl.scan.source import Block, Scan

csv = lazy("pyarrow.csv")
ipc = lazy("pyarrow.ipc")
pa = lazy("pyarrow")
parquet = lazy("pyarrow.parquet")


def streamed(newdata: Any, to: Any) -> bool:
    """Tell whether predictions are written as they are made, or new rows are not in memory."""
    return to is not None or is_lazy(newdata)


def destined(newdata: Any, to: Any, offset: Any) -> tuple[Scan, str | os.PathLike[str]]:
    """Return the rows whose predictions are written and their path, or say what is missing."""
    if to is None:
        raise ModelError(
            "Rows that are read in blocks are predicted in blocks, and their predictions written "
            "as they are made: predict(newdata=..., to='predictions.parquet'). If the rows fit "
            "into memory, bring them there first, as a frame."
        )
    if newdata is None:
        raise ModelError("to= writes predictions of new rows; say by newdata= where they are.")
    if offset is not None:
        raise ModelError(
            "Predictions are written block by block, and offset= is one vector of all rows; write "
            "the offset in the formula, or leave out to=."
        )
    if isinstance(newdata, Mapping) or is_array(newdata) or not isinstance(to, str | os.PathLike):
        raise ModelError(
            f"to={to!r} is the path of a file for the predictions of a frame, of paths, or of what "
            f"sd.scan() reads; newdata= is a {type(newdata).__name__}."
        )
    return as_scan(newdata), to


def write_predictions(
    predict: Callable[[Any], Any], design: Design, scan: Scan, path: str | os.PathLike[str]
) -> str:
    """Write what ``predict`` makes of each block to a file, and return its path.

    It is Parquet, or as the path ends CSV or Arrow.

    The file is there when all of it is written, and an older one stays until then.

    Raises
    ------
    DataError
        For what is wrong with a block, naming the file that it is from; or where the path is that
        of a file which the scan reads.
    OSError
        Where the file cannot be written, as on a full disk; nothing of it is left.
    """
    target = os.fspath(path)
    _not_read(target, scan)
    writer = _writer(target)
    try:
        with whole_file(target) as beside, ahead(_blocks(design, scan)) as blocks:
            _write(partial(writer, str(beside)), (_predicted(predict, one) for one in blocks))
    except OSError as error:
        raise OSError(
            error.errno,
            f"The predictions could not be written, and nothing of them is left "
            f"({error.strerror or error})",
            target,
        ) from None
    return target


def _not_read(target: str, scan: Scan) -> None:
    """Refuse to write over a file whose rows are read."""
    read = scan.source.stamps if isinstance(scan.source, Files) else ()
    if os.path.realpath(target) in map(os.path.realpath, read):
        raise DataError(
            f"to='{target}' is one of the files that newdata= reads, and would be lost; write the "
            "predictions to another file."
        )


def _blocks(design: Design, scan: Scan) -> Iterator[Block]:
    """Return the columns that the model needs, block by block."""
    wanted = list(design.recipe.needed())
    empty = pa.table({name: pa.array([], pa.float64()) for name in scan.names})
    arrow_frame(empty).check_has(wanted, "the new data")
    return scan.source.blocks(wanted or scan.names[:1], scan.block_rows)


def _predicted(predict: Callable[[Any], Any], block: Block) -> Any:
    """Return the predictions of a block as a table."""
    try:
        found = predict(block.table)
    except DataError as error:
        raise DataError(f"{block.origin}: {error}") from None
    return found if isinstance(found, pa.Table) else pa.table({"fit": found})


def _writer(path: str) -> Callable[[str, Any], Any]:
    """Return what opens a file of the format that a path ends with, for tables of a schema."""
    ending = os.path.splitext(path)[1].lower()
    if ending in ("", ".parquet", ".pq"):
        return lambda place, schema: parquet.ParquetWriter(place, schema)
    if ending == ".csv":
        return lambda place, schema: csv.CSVWriter(place, schema)
    if ending in (".arrow", ".feather", ".ipc"):
        return lambda place, schema: ipc.new_file(place, schema)
    raise ModelError(
        f"to='{path}' ends with {ending}; predictions are written as .parquet, .csv or .arrow."
    )


def _write(opened: Callable[[Any], Any], tables: Iterator[Any]) -> None:
    first = next(tables, None)
    if first is None:
        raise DataError("The scan has no rows to predict.")
    with opened(first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table.cast(first.schema))
