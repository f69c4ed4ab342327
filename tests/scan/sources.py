"""The same rows from every kind of source, in blocks of a given size."""

import itertools
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

import statdl as sd

_number = itertools.count()


def parquet(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    """Several files, with small groups of rows."""
    place = folder / f"part{next(_number)}"
    place.mkdir()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    third = max(1, len(frame) // 3)
    for number, start in enumerate(range(0, len(frame), third)):
        part = table.slice(start, third)
        pq.write_table(part, place / f"{number:03}.parquet", row_group_size=max(1, third // 2))
    return sd.scan(place / "*.parquet", block_rows=rows)


def csv(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    path = folder / f"{next(_number)}.csv"
    frame.to_csv(path, index=False)
    return sd.scan(path, block_rows=rows)


def dataset(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return sd.scan(ds.dataset(table), block_rows=rows)


def reader(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return sd.scan(lambda: table.to_reader(max_chunksize=max(1, rows // 2)), block_rows=rows)


def lazy_polars(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    return sd.scan(pl.from_pandas(frame).lazy(), block_rows=rows)


def relation(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    path = folder / f"{next(_number)}.parquet"
    frame.to_parquet(path, index=False)
    return sd.scan(duckdb.sql(f"select * from '{path}'"), block_rows=rows)


def pandas(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    return sd.scan(frame, block_rows=rows)


def partitions(frame: pd.DataFrame, folder: Path, rows: int) -> sd.Scan:
    import dask.dataframe as dd

    return sd.scan(dd.from_pandas(frame, npartitions=3, sort=False), block_rows=rows)


SOURCES = (parquet, csv, dataset, reader, lazy_polars, relation, pandas, partitions)
