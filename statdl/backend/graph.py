"""Work of a card that is captured once, as a graph, and then replayed.

A launch costs the host a few microseconds, and a small batch is a dozen of them: more than the card
needs for the batch. A graph holds them all, and is launched as one. What it holds is fixed: which
kernels, on which arrays, with which numbers of the host. So everything that differs from one replay
to the next has to be in the card's own memory, and the work itself has to change it there.

Capturing asks three things of the work:

* no array may be made in it: its memory would be given to others while the graph still writes
  there;
* the host may not wait, nor send or ask for anything;
* all that it calls has been called before, so that kernels are compiled and loaded, and libraries
  have taken their memory. So the first time work is simply done, and captured the second time.

References
----------
NVIDIA, CUDA C++ Programming Guide, "CUDA Graphs".
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from statdl.errors import DeviceError
from statdl.lazy import lazy

cupy = lazy("cupy")

Work = Callable[[], object]


@contextmanager
def _without_collection() -> Iterator[None]:
    """Let Python collect no garbage meanwhile.

    What is left of an earlier run may be among it, and its handle of cuBLAS waits for the card when
    it goes, which ends a capture.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Replay:
    """A stream of its own, on which some work is done over and over.

    The legacy default stream captures nothing, and a stream that blocks it would be waited for by
    all the rest, so that this one does neither; :meth:`beside` puts it in order with CuPy's current
    stream.
    """

    def __init__(self) -> None:
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self._graph: Any = None

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Let the block's work begin after what is under way, and end before what comes then.

        The card waits, not the host.
        """
        current = cupy.cuda.get_current_stream()
        self.stream.wait_event(current.record())
        try:
            with self.stream:
                yield
        finally:
            current.wait_event(self.stream.record())

    def run(self, work: Work, times: int) -> None:
        """Do work, the same every time, so many times in a row.

        The first time of all it is done call by call; then it is captured, and replayed.
        """
        if self._graph is None and times:
            work()
            times -= 1
            if times:
                self._graph = self._captured(work)
        for _ in range(times):
            self._graph.launch(self.stream)

    def _captured(self, work: Work) -> Any:
        """Return the graph of some work, which is not done yet.

        Raises
        ------
        DeviceError
            Where the card refuses.
        """
        try:
            with _without_collection():
                self.stream.begin_capture()
                work()
                return self.stream.end_capture()
        except BaseException as error:
            with suppress(Exception):  # what went wrong is told already
                self.stream.end_capture()
            if not isinstance(error, Exception):  # an interrupt is none of the card's
                raise
            raise DeviceError(
                f"A graph of a training step could not be captured ({type(error).__name__}: "
                f"{error}); leave launch='graph' out."
            ) from error
