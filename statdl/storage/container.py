"""The file itself: a zip of a manifest, a JSON text and arrays in NumPy's format.

    manifest.json   the format and its version, package versions, and size and SHA-256 of the others
    model.json      what the model is
    <name>.npy      an array each, so that ``np.load`` shows them too

Members are stored and not compressed: a small file cannot unfold into a large one. Each is held
against the manifest before it is used, arrays by their dtype and shape as well. Nothing is unpacked
to disk, and a new file takes the place of an old one only when it is complete.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.files import write_whole
from statdl.lazy import lazy

hashlib = lazy("hashlib")
metadata = lazy("importlib.metadata")
zipfile = lazy("zipfile")

FORMAT = "statdl model"
VERSION = 1
MANIFEST, MODEL, SUFFIX = "manifest.json", "model.json", ".npy"
PACKAGES = ("statdl", "numpy", "scipy", "pandas", "formulaic")
DTYPES = ("float64", "float32", "int64", "int32", "bool")
#: No model has more members, longer texts, or arrays of more dimensions.
MOST_MEMBERS = 10_000
MOST_TEXT = 256 * 1024 * 1024
MOST_DIMENSIONS = 8

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")


def write_container(path: str | os.PathLike[str], text: str, arrays: Mapping[str, Array]) -> None:
    """Write a model's JSON text and arrays to ``path``, in one piece or not at all."""
    members = {MODEL: text.encode()}
    members |= {name + SUFFIX: _array_bytes(values) for name, values in arrays.items()}
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "packages": _versions(),
        "members": {name: _fingerprint(content) for name, content in members.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {MANIFEST: json.dumps(manifest, indent=1).encode(), **members}.items():
            # a fixed date: the same fit gives the same file
            archive.writestr(zipfile.ZipInfo(name), content)
    write_whole(path, buffer.getbuffer())


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from its sources
            found[name] = "unknown"
    return found


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _array_bytes(values: Array) -> bytes:
    if values.dtype.name not in DTYPES:
        raise DataError(f"an array of {values.dtype} cannot be saved.")
    buffer = io.BytesIO()
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    np.lib.format.write_array(buffer, little, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def read_container(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Array]]:
    """Return the JSON document and the arrays of a file, all of them checked.

    Raises
    ------
    DataError
        Where the file is no model, is damaged or altered, or is of a newer format.
    """
    with open(path, "rb") as file:
        try:
            return _read(file)
        except DataError as error:
            raise DataError(f"{os.fspath(path)!r} cannot be loaded: {error}") from error
        except Exception as error:  # zipfile and json have many, whatever bytes may bring about
            raise DataError(
                f"{os.fspath(path)!r} cannot be loaded: it is no statdl model, or it is damaged."
            ) from error


def _read(file: io.BufferedReader) -> tuple[Any, dict[str, Array]]:
    with zipfile.ZipFile(file) as archive:
        infos = _checked_members(archive, os.fstat(file.fileno()).st_size)
        manifest = _checked_manifest(json.loads(archive.read(infos[MANIFEST])), set(infos))
        contents = {name: archive.read(infos[name]) for name in manifest}
    for name, expected in manifest.items():
        if _fingerprint(contents[name]) != expected:
            raise DataError(f"its part {name!r} has been altered or damaged.")
    document = json.loads(contents.pop(MODEL))
    return document, {
        name.removesuffix(SUFFIX): _array(name, content) for name, content in contents.items()
    }


def _checked_members(archive: Any, size: int) -> dict[str, Any]:
    """Return the members of a zip by name, none of them compressed, none larger than the file."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > size:
        raise DataError("it claims to hold more than it can.")
    for member in members:
        known = member.filename in (MANIFEST, MODEL) or member.filename.endswith(SUFFIX)
        if not known or not _NAME.fullmatch(member.filename):
            raise DataError(f"it has a part {member.filename!r}, which no statdl model has.")
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise DataError(f"its part {member.filename!r} is compressed, which no model's is.")
    infos = {member.filename: member for member in members}
    if len(infos) < len(members) or not {MANIFEST, MODEL} <= set(infos):
        raise DataError("it is no statdl model: its parts are not those of one.")
    if max(infos[name].file_size for name in (MANIFEST, MODEL)) > MOST_TEXT:
        raise DataError("its texts are larger than any model's.")
    return infos


def _checked_manifest(manifest: Any, present: set[str]) -> dict[str, Any]:
    """Return what the manifest says of each member, or refuse its format."""
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError("it is no statdl model.")
    found = manifest.get("version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise DataError(f"its format version {found!r:.40} is not known.")
    if found > VERSION:
        raise DataError(
            f"it is of format {found}, and this version of statdl reads up to format {VERSION}; "
            "upgrade with: pip install --upgrade statdl."
        )
    members: dict[str, Any] = manifest["members"]
    if {MANIFEST, *members} != present:
        raise DataError("its parts are not those that its manifest lists.")
    return members


def _array(name: str, content: bytes) -> Array:
    """Return an array whose header is as good as its bytes."""
    buffer = io.BytesIO(content)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise DataError(f"its array {name!r} is of an unknown format.")
    shape, _, dtype = np.lib.format.read_array_header_1_0(buffer)
    if dtype.hasobject or dtype.name not in DTYPES or len(shape) > MOST_DIMENSIONS:
        raise DataError(f"its array {name!r} holds {dtype!s:.40}, which no model's does.")
    if math.prod(shape) * dtype.itemsize != len(content) - buffer.tell():
        raise DataError(f"its array {name!r} is not of the size it claims.")
    buffer.seek(0)
    values = np.lib.format.read_array(buffer, allow_pickle=False)
    return values.astype(dtype.newbyteorder("="), copy=False)
