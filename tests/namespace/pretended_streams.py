"""Pretended streams, events and graphs of a card, on which work is done at once or captured.

A stream that captures does nothing: its graph notes each call with the memory of its arrays, and
with the numbers of the host as they are then. A launch does all of it again, in that memory. So
what was frozen by mistake shows as a wrong number, and these are errors:

* memory that was given back while the graph still uses it;
* an array that is made, a number that is asked for or sent, or waiting, while a stream captures;
* work on memory that another stream has touched, where no event puts one after the other.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

Work = Callable[..., Any]
_pointers = itertools.count(1)


class Event:
    """``cupy.cuda.Event``: what was done on streams when it was recorded."""

    def __init__(self) -> None:
        self.done: dict[int, int] = {}


class Stream:
    """``cupy.cuda.Stream``."""

    null: ClassVar[Stream]
    known: ClassVar[weakref.WeakValueDictionary[int, Stream]] = weakref.WeakValueDictionary()
    current: ClassVar[list[Stream]] = []

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        assert null or non_blocking, "a blocking stream waits for the legacy one, and it for that"
        self.ptr = 0 if null else next(_pointers)
        self.graph: Graph | None = None
        self.ticks = 0
        self.seen: dict[int, int] = {}  # what of other streams comes before
        Stream.known[self.ptr] = self

    def __enter__(self) -> Stream:
        Stream.current.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        Stream.current.pop()

    def record(self, event: Event | None = None) -> Event:
        assert self.graph is None, "an event of a stream that captures is for that graph only"
        event = event or Event()
        event.done = self.seen | {self.ptr: self.ticks}
        return event

    def wait_event(self, event: Event) -> None:
        assert self.graph is None, "a graph would wait for what is outside of it"
        for ptr, ticks in event.done.items():
            self.seen[ptr] = max(ticks, self.seen.get(ptr, 0))

    def begin_capture(self, mode: Any = None) -> None:
        if not self.ptr:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        self.graph = Graph()

    def end_capture(self) -> Graph:
        assert self.graph is not None, "cudaErrorIllegalState"
        graph, self.graph = self.graph, None
        return graph

    def is_capturing(self) -> bool:
        return self.graph is not None

    def synchronize(self) -> None:
        from tests.namespace.pretended_cupy import LEDGER

        free("waiting")
        LEDGER.waits += 1
        for other in list(Stream.known.values()):
            other.wait_event(SimpleNamespace(done=self.seen | {self.ptr: self.ticks}))


Stream.null = Stream(null=True)
Stream.current.append(Stream.null)


def get_current_stream() -> Stream:
    """``cupy.cuda.get_current_stream``."""
    return Stream.current[-1]


def capturing() -> bool:
    """Tell whether the current stream captures."""
    return get_current_stream().graph is not None


def free(what: str) -> None:
    """Refuse what cannot be captured."""
    assert not capturing(), f"{what} cannot be captured"


def submit(work: Work, *given: Any, stream: Stream | None = None) -> Any:
    """Do some work on arrays, and return what it does; a graph that is captured notes it.

    Of a graph nothing is returned.
    """
    stream = stream or get_current_stream()
    if stream.graph is not None:
        stream.graph.calls.append(Call(work, given))
        return None
    Order.noted(stream, list(_owners(given)))
    return work(*given)


class Call:
    """Some work in a graph: on memory, not on the arrays whose it was."""

    def __init__(self, work: Work, given: tuple[Any, ...]) -> None:
        self.work = work
        self.owners = [weakref.ref(one) for one in _owners(given)]
        self.given = tuple(map(_memory, given))

    def do(self, stream: Stream) -> None:
        owners = [one() for one in self.owners]
        assert all(one is not None for one in owners), "its memory was given back"
        Order.noted(stream, owners)
        self.work(*self.given)


class Graph:
    """``cupy.cuda.Graph``."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def launch(self, stream: Stream | None = None) -> None:
        from tests.namespace.pretended_cupy import LEDGER

        free("a graph")
        LEDGER.launches += 1
        for call in self.calls:
            call.do(stream or get_current_stream())


class Order:
    """Which stream touched memory last, while there is more than one."""

    last: ClassVar[dict[int, tuple[Any, int, int]]] = {}

    @classmethod
    def noted(cls, stream: Stream, owners: list[Any]) -> None:
        """Note that a stream touches memory; refuse what no event has put in order."""
        if len(Stream.known) == 1:
            cls.last.clear()
            return
        stream.ticks += 1
        for owner in owners:
            held, ptr, ticks = cls.last.get(id(owner), (None, stream.ptr, 0))
            if held is not None and held() is owner and ptr != stream.ptr:
                assert stream.seen.get(ptr, 0) >= ticks, "no event puts two streams in order"
            cls.last[id(owner)] = (weakref.ref(owner), stream.ptr, stream.ticks)


def _owners(given: Any) -> Iterator[np.ndarray]:
    """Yield the arrays whose memory these are."""
    for one in given:
        if isinstance(one, list | tuple):
            yield from _owners(one)
        held = getattr(one, "_held", None)
        while isinstance(held, np.ndarray):
            if not isinstance(held.base, np.ndarray):
                yield held
            held = held.base


def _memory(one: Any) -> Any:
    """Return an array of the same memory that does not keep it, and other things as they are."""
    if isinstance(one, list | tuple):
        return type(one)(map(_memory, one))
    if not hasattr(one, "_held"):
        return one
    interface = dict(one._held.__array_interface__, strides=one._held.strides)
    return type(one)(np.asarray(SimpleNamespace(__array_interface__=interface)))
