"""Columns that the names of folders tell, such as ``year=2020/part.parquet``."""

from __future__ import annotations

import os
from typing import Any

from statdl.lazy import lazy

pa = lazy("pyarrow")
dataset = lazy("pyarrow.dataset")

#: What a folder is called in place of a missing value.
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def folders_of(path: str) -> dict[str, str]:
    """Return what the names of folders tell of a file, {'year': '2020'} of year=2020/a.parquet."""
    folders = os.path.normpath(path).split(os.sep)[:-1]
    named = (name.partition("=") for name in folders if "=" in name)
    return {key: value for key, _, value in named if key}


def folder_keys(found: list[str], given: list[str]) -> set[str]:
    """Return the keys that the folders of all files have, less those that all given paths name."""
    keys = set.intersection(*(set(folders_of(path)) for path in found))
    named = set.intersection(*(set(os.path.normpath(path).split(os.sep)) for path in given))
    return {key for key in keys if f"{key}={folders_of(found[0])[key]}" not in named}


def hive(paths: list[str], keys: set[str]) -> Any:
    """Return how to read keys from folders: numbers where all of a key's values are whole."""
    order = [key for key in folders_of(paths[0]) if key in keys]
    known = {key: {folders_of(path)[key] for path in paths} - {NO_VALUE} for key in order}
    fields = [(key, pa.int64() if all(map(_whole, known[key])) else pa.string()) for key in order]
    return dataset.partitioning(pa.schema(fields), flavor="hive")


def _whole(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()


def values_of(fragment: Any) -> dict[str, Any]:
    """Return what the folders of a file say."""
    return dict(dataset.get_partition_keys(fragment.partition_expression))


def with_keys(batch: Any, keys: list[Any], values: dict[str, Any]) -> Any:
    """Return a batch with columns of one value each beside it."""
    for key in keys:
        value = pa.scalar(values[key.name], key.type)
        batch = batch.append_column(key, pa.repeat(value, batch.num_rows))
    return batch
