"""Reading ahead: the next blocks are read while the last one is computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

#: Blocks that wait for the arithmetic.
WAITING = 2
#: How often, in seconds, a reader looks whether anybody still waits for its blocks.
GLANCE = 0.1


class _Failed:
    """An error of the reader, on its way to whoever waits for blocks."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


@contextmanager
def ahead(blocks: Iterable[Any], waiting: int = WAITING) -> Iterator[Iterator[Any]]:
    """Yield an iterator over ``blocks`` that a thread of its own reads.

    An error of the reader is raised where the block would have come, and the thread ends with the
    ``with`` block, whatever happened in it.

    Examples
    --------
    >>> with ahead(range(3)) as numbers:
    ...     print(list(numbers))
    [0, 1, 2]
    """
    line: queue.Queue[Any] = queue.Queue(waiting)
    stop = threading.Event()
    thread = threading.Thread(target=_read, args=(blocks, line, stop), daemon=True)
    thread.start()
    try:
        yield _taken(line)
    finally:
        stop.set()
        thread.join()


def _read(blocks: Iterable[Any], line: queue.Queue[Any], stop: threading.Event) -> None:
    try:
        for block in blocks:
            if not _put(line, block, stop):
                return
        _put(line, _END, stop)
    except BaseException as error:  # also an interrupt: it belongs to who waits
        _put(line, _Failed(error), stop)


def _put(line: queue.Queue[Any], item: Any, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            line.put(item, timeout=GLANCE)
            return True
        except queue.Full:
            continue
    return False


def _taken(line: queue.Queue[Any]) -> Iterator[Any]:
    while True:
        item = line.get()
        if item is _END:
            return
        if isinstance(item, _Failed):
            raise item.error
        yield item
