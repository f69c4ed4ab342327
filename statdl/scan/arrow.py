"""Arrow streams and tables, and what gives them: DuckDB, polars, pandas, functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from statdl.errors import DataError
from statdl.formula.suggest import listing
from statdl.lazy import lazy
from statdl.scan.files import Files, check_filter
from statdl.scan.source import Block, Read

pa = lazy("pyarrow")
dataset = lazy("pyarrow.dataset")


@dataclass(frozen=True)
class Streams(Read):
    """Batches from a function that opens a new stream for every pass.

    ``open`` takes the columns and the rows of a batch, and returns batches or tables.
    """

    title: str
    names: tuple[str, ...]
    open: Callable[[Sequence[str], int], Any]

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[Block]:
        first = 0
        for number, batch in enumerate(self.open(columns, rows)):
            table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
            origin = f"{self.title}, batch {number + 1}"
            yield from Block(table.select(list(columns)), origin, first=first).pieces(rows)
            first += table.num_rows

    def __str__(self) -> str:
        return self.title


def table(given: Any) -> Streams:
    """Return the rows of a table in memory."""
    names = list(given.column_names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"The table has more than one column of the name {listing(twice)}.")
    return Streams("a table", tuple(given.column_names), lambda columns, rows: [given])


def arrow_dataset(given: Any, where: Any) -> Files | Streams:
    """Return the rows of a pyarrow dataset; of files, with watch over them."""
    check_filter(given, where)
    if hasattr(given, "files"):
        return Files.of(given, where)

    def opened(columns: Sequence[str], rows: int) -> Any:
        return given.to_batches(columns=list(columns), filter=where, batch_size=rows)

    return Streams("a dataset", tuple(given.schema.names), opened)


def factory(given: Callable[[], Any]) -> Streams:
    """Return the rows of a function that returns a new stream of Arrow batches at every call."""
    before = given()
    names = tuple(_stream(before).schema.names)

    def opened(columns: Sequence[str], rows: int) -> Any:
        new = given()
        if new is before and hasattr(new, "read_next_batch"):
            raise DataError(
                "The function that scan() was given returns the same stream at every call, and a "
                "stream is used up by one pass; open a new one inside of the function."
            )
        return _stream(new)

    return Streams("a stream", names, opened)


def _stream(given: Any) -> Any:
    if hasattr(given, "read_next_batch"):
        return given
    if hasattr(given, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(given)
    raise DataError(
        "scan() was given a function, which must return a new stream of Arrow batches at every "
        f"call (a pyarrow.RecordBatchReader); it returned {type(given).__name__}."
    )


def relation(given: Any) -> Streams:
    """Return the rows of a DuckDB relation, whose query runs at every pass."""

    def opened(columns: Sequence[str], rows: int) -> Any:
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        chosen = given.project(quoted)
        read = getattr(chosen, "to_arrow_reader", None) or chosen.fetch_record_batch
        named = [name for name in columns if name in enums]
        return (in_order(pa.Table.from_batches([one]), named) for one in read(rows))

    kinds = zip(given.columns, given.types, strict=True)
    enums = {name for name, kind in kinds if str(kind).upper().startswith("ENUM")}

    return Streams("a DuckDB relation", tuple(given.columns), opened)


def polars(given: Any) -> Streams:
    """Return the rows of a polars LazyFrame, whose plan runs at every pass."""

    def opened(columns: Sequence[str], rows: int) -> Iterator[Any]:
        chosen = given.select(list(columns))
        batches = (
            chosen.collect_batches(chunk_size=rows)
            if hasattr(chosen, "collect_batches")
            else [chosen.collect(engine="streaming")]
        )
        return (batch.to_arrow() for batch in batches)

    return Streams("a polars LazyFrame", tuple(given.collect_schema().names()), opened)


def exported(given: Any) -> Streams:
    """Return the rows of anything in memory that has Arrow's stream interface."""
    return table(pa.table(given))


def from_pandas(given: Any) -> Streams:
    """Return the rows of a pandas frame."""
    return table(pandas_table(given))


def pandas_table(frame: Any) -> Any:
    """Return a pandas frame as an Arrow table; categories keep their order, as in memory."""
    found = pa.Table.from_pandas(frame, preserve_index=False)
    return in_order(found, [str(name) for name in frame.columns[frame.dtypes == "category"]])


def in_order(given: Any, names: Sequence[str]) -> Any:
    """Return a table in which the dictionaries of some columns say that they have an order."""
    for name in names:
        place = given.schema.get_field_index(name)
        type_ = given.schema.field(place).type
        if pa.types.is_dictionary(type_) and not type_.ordered:
            ordered = pa.dictionary(type_.index_type, type_.value_type, ordered=True)
            given = given.set_column(place, name, _as_ordered(given.column(place), ordered))
    return given


def _as_ordered(column: Any, type_: Any) -> Any:
    chunks = [
        pa.DictionaryArray.from_arrays(one.indices, one.dictionary, ordered=True)
        for one in column.chunks
    ]
    return pa.chunked_array(chunks, type_)
