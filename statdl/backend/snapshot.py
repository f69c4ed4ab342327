"""A file of arrays and facts, written whole or not at all.

The file is NumPy's npz, with the facts as JSON in an array of bytes: nothing in it is ever executed
when it is read.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from statdl.errors import DataError

FACTS = "facts.json"


def write_snapshot(path: Path, arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write arrays and facts to ``path``, whose former content stays until the new is complete.

    Raises
    ------
    DataError
        When the file cannot be written.
    """
    text = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, **{FACTS: text, **arrays})
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise DataError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def read_snapshot(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the facts of a file.

    Raises
    ------
    DataError
        When there is no such file, or it is cut short or not one of these.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop(FACTS).tobytes())
    except FileNotFoundError:
        raise DataError(f"There is no file {str(path)!r}.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{str(path)!r} is not a checkpoint, or it is damaged: {error}") from error
    return arrays, facts
