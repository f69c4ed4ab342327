"""Predictions of more rows than fit into memory, written block by block."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from statdl.errors import DataError, ModelError
from statdl.files import whole_file
from statdl.formula import Design
from statdl.lazy import lazy
from statdl.scan.files import Files
from statdl.scan.reader import ahead
from statdl.scan.request import arrow_frame
from statdl.scan.source import Block, Scan

pa = lazy("pyarrow")
parquet = lazy("pyarrow.parquet")


def destined(newdata: Any, to: Any, offset: Any) -> tuple[Scan, str | os.PathLike[str]]:
    """Return the scan whose predictions are written and their path, or say what is missing."""
    if to is None or not isinstance(newdata, Scan) or offset is not None:
        raise ModelError(
            "Predictions of a scan are written as they are made: predict(newdata=sd.scan(...), "
            "to='predictions.parquet'), with offsets in the formula."
        )
    return newdata, to


def write_predictions(
    predict: Callable[[Any], Any], design: Design, scan: Scan, path: str | os.PathLike[str]
) -> str:
    """Write what ``predict`` makes of each block to a Parquet file, and return its path.

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
    try:
        with whole_file(target) as beside, ahead(_blocks(design, scan)) as blocks:
            _write(str(beside), (_predicted(predict, block) for block in blocks))
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
    names = [name for one in design.recipe.expressions() for name in one.columns]  # type: ignore[attr-defined]
    wanted = list(dict.fromkeys(names))
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


def _write(path: str, tables: Iterator[Any]) -> None:
    first = next(tables, None)
    if first is None:
        raise DataError("The scan has no rows to predict.")
    with parquet.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table.cast(first.schema))
