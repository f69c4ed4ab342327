"""Parquet, CSV and Arrow files, read in blocks."""

from __future__ import annotations

import glob
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from statdl.errors import DataError, ModelError
from statdl.formula.suggest import listing
from statdl.lazy import lazy
from statdl.scan.folders import folder_keys, hive, values_of, with_keys
from statdl.scan.source import Block, Read, required

csv = lazy("pyarrow.csv")
pa = lazy("pyarrow")
dataset = lazy("pyarrow.dataset")
parquet = lazy("pyarrow.parquet")

#: Batches of a file that Arrow decodes before they are asked for.
BATCHES_AHEAD = 2
#: Endings of CSV files that are compressed.
PACKED = (".gz", ".bz2", ".zst", ".lz4")
#: Endings of files of text in columns.
TEXT = (".csv", ".tsv", ".tab", ".txt")
#: What separates columns, the first that the line of names has.
SEPARATORS = (",", ";", "\t", "|")
#: Formats of files.
FORMATS = ("parquet", "csv", "ipc")


class _Part(NamedTuple):
    """A file, or a row group of it, from the row ``first`` on."""

    fragment: Any
    number: int
    first: int = 0
    row_group: int | None = None


@dataclass(frozen=True)
class Files(Read):
    """Files of a pyarrow dataset, which must stay as they are while they are read.

    ``stamps`` are size and time of change of each file when it was first looked at.
    """

    dataset: Any
    where: Any = None
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, found: Any, where: Any) -> Files:
        """Return the files of a dataset as they are now."""
        return cls(found, where, {path: _stamp(path) for path in found.files})

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.dataset.schema.names)

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[Block]:
        return self._read(list(self._parts()), columns, rows)

    def mixed(self, columns: Sequence[str], rows: int, rng: Any) -> Iterator[Block]:
        """Yield the blocks with files, and the row groups of Parquet files, in a drawn order."""
        parts = [one for part in self._parts() for one in self._row_groups(part)]
        return self._read([parts[place] for place in rng.permutation(len(parts))], columns, rows)

    def _parts(self) -> Iterator[_Part]:
        fragments = self.dataset.get_fragments(filter=self.where)
        return (_Part(fragment, number) for number, fragment in enumerate(fragments))

    def _row_groups(self, part: _Part) -> Iterator[_Part]:
        """Yield the row groups of a file; a filter leaves nobody knows how many rows of each."""
        if not self._as_it_is(part.fragment):
            yield part
            return
        try:
            first = 0
            for group in part.fragment.row_groups:
                yield part._replace(first=first, row_group=group.id)
                first += group.num_rows
        except (pa.ArrowException, OSError) as error:
            self._unchanged(part.fragment.path)
            raise _broken(part.fragment.path, error) from None

    def _read(self, parts: list[_Part], columns: Sequence[str], rows: int) -> Iterator[Block]:
        kinds: dict[str, tuple[str, str]] = {}
        for part in parts:
            yield from self._file(part, columns, rows, kinds)

    def _file(
        self, part: _Part, columns: Sequence[str], rows: int, kinds: dict[str, tuple[str, str]]
    ) -> Iterator[Block]:
        fragment, first = part.fragment, part.first
        path = fragment.path
        self._unchanged(path)
        try:
            schema = self._schema(fragment)
            check_kinds(schema, columns, kinds, path)
            with closing(self._batches(part, schema, list(columns), rows)) as batches:
                for batch in batches:
                    if batch.num_rows:
                        yield Block(pa.Table.from_batches([batch]), path, part.number, first)
                        first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            self._unchanged(path)
            raise _broken(path, error) from None
        self._unchanged(path)

    def _batches(
        self, part: _Part, schema: Any, columns: list[str], rows: int
    ) -> Generator[Any, None, None]:
        """Yield what a file holds; of Parquet no more at once than the rows of a batch."""
        fragment = part.fragment
        if self._as_it_is(fragment):
            groups = None if part.row_group is None else [part.row_group]
            keys = [field for field in self._keys(fragment) if field.name in columns]
            inside = [name for name in columns if name not in {field.name for field in keys}]
            with fragment.open() as opened, parquet.ParquetFile(opened, pre_buffer=False) as file:
                for batch in file.iter_batches(rows, row_groups=groups, columns=inside):
                    yield with_keys(batch, keys, values_of(fragment)) if keys else batch
            return
        yield from fragment.to_batches(
            schema=schema,
            columns=columns,
            filter=self.where,
            batch_size=rows,
            batch_readahead=BATCHES_AHEAD,
            fragment_scan_options=_frugal(fragment),
        )

    def _schema(self, fragment: Any) -> Any:
        """Return the types of the columns of a file, and of those that its folders name."""
        inside = _wide(fragment)
        return pa.schema([*inside, *self._keys(fragment)], inside.metadata)

    def _keys(self, fragment: Any) -> list[Any]:
        """Return the columns that only the names of folders tell, such as year=2020."""
        inside = fragment.physical_schema.names
        return [self.dataset.schema.field(key) for key in values_of(fragment) if key not in inside]

    def _as_it_is(self, fragment: Any) -> bool:
        """Tell whether a file is of Parquet, without a filter and options of its own."""
        return self.where is None and fragment.format == dataset.ParquetFileFormat()

    def _unchanged(self, path: str) -> None:
        if path in self.stamps and _stamp(path) != self.stamps[path]:
            raise DataError(
                f"The file '{path}' has changed since it was scanned, so that its rows are not "
                "those of the passes before; scan and fit again."
            )

    def __str__(self) -> str:
        files = self.dataset.files
        return files[0] if len(files) == 1 else f"{len(files)} files, {files[0]} first"


def files(paths: list[str], format: str | None, where: Any) -> Files:
    """Return the files that paths, folders and patterns name."""
    required("pyarrow", "Reading files in blocks")
    found = [path for pattern in paths for path in _named(pattern)]
    kind = format or _format(found[0])
    if kind not in FORMATS:
        raise ModelError(f"format must be 'parquet', 'csv' or 'ipc', not {kind!r}.")
    try:
        read = _read_as(kind, found[0])
        opened = dataset.dataset(found, format=read)
        keys = folder_keys(found, paths) - set(opened.schema.names)
        if keys:
            opened = dataset.dataset(found, format=read, partitioning=hive(found, keys))
    except (pa.ArrowException, OSError) as error:
        raise _broken(found[0], error) from None
    check_filter(opened, where)
    return Files.of(opened, where)


def _read_as(kind: str, path: str) -> Any:
    """Return a format by its name; in CSV an empty text is a missing one, as a number would be."""
    if kind != "csv":
        return kind
    return dataset.CsvFileFormat(
        parse_options=csv.ParseOptions(delimiter=_separator(path)),
        convert_options=csv.ConvertOptions(strings_can_be_null=True),
    )


def _separator(path: str) -> str:
    """Return what separates the columns of a text, by its first line, which names them."""
    with pa.input_stream(path) as stream:  # unpacks by the ending
        line = stream.read(1 << 16).partition(b"\n")[0]
    return next((one for one in SEPARATORS if one.encode() in line), ",")


def check_filter(found: Any, where: Any) -> None:
    """Refuse a filter that is no expression, or does not go with the columns of a dataset."""
    if where is None:
        return
    if not isinstance(where, dataset.Expression):
        raise ModelError(
            "filter= is an expression of pyarrow, such as pyarrow.compute.field('year') > 2015; "
            f"not {type(where).__name__}."
        )
    try:
        any(found.get_fragments(filter=where))
    except pa.ArrowException as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise DataError(
            f"filter= cannot be applied to the columns {listing(found.schema.names)}: {reason}."
        ) from None


def _named(pattern: str) -> list[str]:
    """Return the files of a path, a folder or a pattern, in order of their names."""
    if os.path.isdir(pattern):
        inside = sorted(glob.glob(os.path.join(glob.escape(pattern), "**"), recursive=True))
        found = [path for path in inside if os.path.isfile(path) and _known(path)]
    else:
        found = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern]
    if not found or not os.path.exists(found[0]):
        raise DataError(f"scan(): there is no file '{pattern}'.")
    return found


def _known(path: str) -> bool:
    name = os.path.basename(path)
    packed = (f"{text}{one}" for text in (".csv", ".tsv") for one in PACKED)
    endings = (".parquet", ".csv", ".tsv", ".arrow", ".feather", *packed)
    return name[0] not in "._" and name.lower().endswith(endings)


def _format(path: str) -> str:
    name = path.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    ending = os.path.splitext(name)[1]
    if ending in TEXT:
        return "csv"
    return {".arrow": "ipc", ".feather": "ipc"}.get(ending, "parquet")


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (-1, -1)
    return found.st_size, found.st_mtime_ns


def _wide(fragment: Any) -> Any:
    """Return the types to read a file with: whole numbers of CSV may have decimals further on."""
    schema = fragment.physical_schema
    if getattr(fragment.format, "default_extname", "") != "csv":
        return schema
    fields = [
        one.with_type(pa.float64()) if pa.types.is_integer(one.type) else one for one in schema
    ]
    return pa.schema(fields)


def _frugal(fragment: Any) -> Any:
    """Return how to read a file without holding all of it: as its parts are asked for."""
    if isinstance(fragment, dataset.ParquetFileFragment):
        return dataset.ParquetFragmentScanOptions(pre_buffer=False)
    return None


def _broken(path: str, error: BaseException) -> DataError:
    first = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "no reason"
    return DataError(
        f"The file '{path}' cannot be read: it is damaged, not complete, or of another format "
        f"than its name says ({first[:200]})."
    )


def kind_of(type_: Any) -> str:
    """Return what a column of an Arrow type holds, in the words of the messages."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if pa.types.is_null(type_):
        return ""
    if pa.types.is_boolean(type_):
        return "truth values"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "numbers"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "text"
    return str(type_)


def check_kinds(
    schema: Any, columns: Sequence[str], kinds: dict[str, tuple[str, str]], path: str
) -> None:
    """Refuse a file that lacks a column, or has it of another type than the files before."""
    for name in columns:
        place = schema.get_field_index(name)
        if place < 0:
            raise DataError(f"The file '{path}' has no column `{name}`, which others have.")
        kind = kind_of(schema.field(place).type)
        before, first = kinds.setdefault(name, (kind, path)) if kind else ("", "")
        if before != kind:
            raise DataError(
                f"The column `{name}` holds {kind} in the file '{path}' and {before} in "
                f"'{first}'; write it with one type in all files."
            )
