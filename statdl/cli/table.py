"""Tables in and out: CSV, Parquet, standard input and output."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import Any

import click

from statdl.cli.outcome import say
from statdl.cli.sniff import NAMES, Dialect, sniff_dialect, sniff_encoding
from statdl.errors import DataError, MissingPackageError
from statdl.files import write_whole
from statdl.lazy import lazy

pd = lazy("pandas")

#: What stands for standard input or output.
STREAM = "-"
PARQUET = (".parquet", ".pq")


def read_table(
    path: str,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
) -> Any:
    """Return a table as a pandas frame; what was guessed about a CSV file is said where unusual.

    Raises
    ------
    DataError
        Where it is no table.
    OSError
        Where there is no such file.
    """
    raw = _bytes(path)
    shown = "standard input" if path == STREAM else path
    if raw[:4] == b"PAR1":
        return _parquet(raw, shown)
    chosen = sniff_encoding(raw) if encoding is None else encoding
    try:
        text = raw.decode(chosen)
    except LookupError:
        raise DataError(
            f"--encoding {chosen!r} is not known; utf-8, cp949 and cp1252 are."
        ) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(
            f"{shown} is not {chosen} text: see line {line}; give --encoding."
        ) from None
    dialect = sniff_dialect(text, separator, decimal)
    _tell(shown, chosen, dialect)
    return _parsed(text, dialect, shown)


def _bytes(path: str) -> bytes:
    if path == STREAM:
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def _tell(shown: str, encoding: str, dialect: Dialect) -> None:
    """Say what was taken a CSV file for, where it is not the usual."""
    if encoding.startswith("utf-8") and dialect == Dialect(",", "."):
        return
    comma = ", decimal comma" if dialect.decimal == "," else ""
    name = NAMES.get(dialect.separator, repr(dialect.separator))
    say(f"{shown} was read as {encoding}, separated by {name}{comma}.")


def _parsed(text: str, dialect: Dialect, shown: str) -> Any:
    first = (
        text.lstrip("\ufeff").split("\n", 1)[0].split(dialect.separator, 1)[0].strip().strip('"')
    )
    options: dict[str, Any] = {"sep": dialect.separator, "decimal": dialect.decimal}
    if first == "" and dialect.separator != r"\s+":
        options["index_col"] = 0  # R's row names stand below a blank
    try:
        frame = pd.read_csv(io.StringIO(text.lstrip("\ufeff")), **options)
    except pd.errors.EmptyDataError:
        raise DataError(f"{shown} is empty: there is not even a line of column names.") from None
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(f"{shown} cannot be read as a table{_where(str(error))}.") from None
    if not len(frame):
        raise DataError(f"{shown} has column names and no rows.")
    return frame


def _where(message: str) -> str:
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if found is None:
        return ""
    return f": line {found[2]} has {found[3]} fields, where lines before it have {found[1]}"


def _parquet(raw: bytes, shown: str) -> Any:
    try:
        return pd.read_parquet(io.BytesIO(raw))
    except ImportError:
        raise MissingPackageError(
            "Parquet needs pyarrow; install it with: pip install 'statdl[parquet]'."
        ) from None
    except Exception as error:  # pyarrow has many, whatever bytes may bring about
        raise DataError(f"{shown} is a damaged Parquet file.") from error


def write_table(frame: Any, path: str | None) -> None:
    """Write a table as the ending of ``path`` says, in one piece; as CSV to standard output.

    Rows are labelled where the frame has labels of its own.
    """
    labelled = not isinstance(frame.index, pd.RangeIndex)
    if path is None or path == STREAM:
        click.echo(frame.to_csv(index=labelled), nl=False)
    elif path.lower().endswith(PARQUET):
        buffer = io.BytesIO()
        try:
            frame.to_parquet(buffer, index=labelled)
        except ImportError:
            raise MissingPackageError(
                "Parquet needs pyarrow; install it with: pip install 'statdl[parquet]'."
            ) from None
        write_whole(path, buffer.getbuffer())
    else:
        write_whole(path, frame.to_csv(index=labelled).encode())


def check_folder(path: str | None) -> None:
    """Refuse an output whose folder is not there, before anything is computed."""
    if path is None or path == STREAM:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise DataError(f"{path} cannot be written: there is no folder {folder}.")
    if os.path.isdir(path):
        raise DataError(f"{path} cannot be written: it is a folder.")
