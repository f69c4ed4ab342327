"""Files that are complete or not there."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Content = bytes | bytearray | memoryview


def write_whole(path: str | os.PathLike[str], content: Content) -> None:
    """Write a file in one piece or not at all.

    The content goes to a file beside the target and then takes its place, which is one step for
    whoever reads it; a link keeps pointing where it points. What is no file of its own, such as
    ``/dev/stdout`` or a pipe, is written to directly.

    Raises
    ------
    OSError
        Where the file cannot be written; an older one is then as it was.
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as stream:
            stream.write(content)
        return
    with whole_file(target) as beside, beside.open("wb") as file:
        file.write(content)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path of a file to write, which takes the place of ``path`` when all went well.

    Otherwise nothing of it is left, and an older file is as it was.
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"There is no folder '{target.parent}' to write to", str(path)
        )
    try:
        beside.open("xb").close()
        if mode is not None:
            os.chmod(beside, stat.S_IMODE(mode))
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _mode(target: Path) -> int | None:
    """Return the type and permissions of a file; None where there is none."""
    try:
        return target.stat().st_mode
    except FileNotFoundError:
        return None
