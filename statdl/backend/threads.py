"""How many threads the linear algebra library uses, where its own choice costs more than it gives.

A product of some million multiplications takes less than a millisecond, and sharing it among
threads takes as long as doing it; where other programs keep the cores busy, threads that wait for
one another make it ten times as long. Thousands of such products, as along a path or of many fits,
are done by one thread. What is large is left to the library.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, cast

from statdl.lazy import lazy

threadpoolctl = lazy("threadpoolctl")

#: Up to so many entries, the products of a matrix with vectors are done by one thread.
FEW_ENTRIES = 8_000_000


def one_thread(wanted: bool = True) -> AbstractContextManager[Any]:
    """Return a context in which linear algebra is done by one thread, if that is wanted.

    Threads of Python share the library: the first of several that ask decides when it ends.

    Examples
    --------
    >>> with one_thread():
    ...     pass
    """
    if not wanted:
        return nullcontext()
    limit = _libraries("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")
    return cast("AbstractContextManager[Any]", limit)


@cache
def _libraries(scipy: bool) -> Any:
    """Return what controls the libraries that are loaded; SciPy brings one of its own."""
    return threadpoolctl.ThreadpoolController()
