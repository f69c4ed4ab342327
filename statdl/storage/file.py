"""Fits to files and back."""

from __future__ import annotations

import json
import os

from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer.goodness import Goodness
from statdl.storage.container import read_container, write_container
from statdl.storage.describe import describe
from statdl.storage.document import Document, codec
from statdl.storage.restore import restore

Path = str | os.PathLike[str]


def write_fit(path: Path, front: str, goodness: Goodness) -> None:
    """Write the fit behind ``goodness``, made by the front door called ``front``.

    Raises
    ------
    ModelError
        Where the fit has parts of the user's own making, such as a family.
    OSError
        Where the file cannot be written; an older file is then as it was.
    """
    _refuse_no_path(path)
    writer = codec()
    document = writer.write(describe(front, goodness), Document, "model")
    write_container(path, json.dumps(document, allow_nan=False), writer.arrays)


def read_fit(path: Path) -> tuple[str, Estimate]:
    """Return the name of the front door and the estimate.

    Raises
    ------
    DataError
        Where the file is no saved model, is damaged, altered, or newer than this version.
    OSError
        Where there is no such file.
    """
    _refuse_no_path(path)
    found, arrays = read_container(path)
    try:
        document: Document = codec(arrays).read(found, Document, "model")
        return document.front, restore(document)
    except DataError as error:
        raise DataError(f"{os.fspath(path)!r} cannot be loaded: {error}") from error
    except Exception as error:  # constructors and the formula gate say what they refuse
        raise DataError(
            f"{os.fspath(path)!r} cannot be loaded, since its model makes no sense: {error}"
        ) from error


def _refuse_no_path(path: object) -> None:
    if not isinstance(path, str | os.PathLike):
        raise ModelError(
            f"A file is named by a text or a path such as 'model.statdl', not {path!r:.60}."
        )
