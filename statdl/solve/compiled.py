"""Whether loops can be compiled: numba, where it is installed (``pip install statdl[fast]``)."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from statdl.backend.array import is_numpy
from statdl.lazy import lazy

numba = lazy("numba")

#: Loading numba and its compiled loops costs half a second: about so many multiplications.
WORTH_LOADING = 10**6
#: Sums may be taken in any order, so that they are taken several terms at a time.
FREEDOM = {"reassoc", "contract", "nsz", "arcp"}


def available(array: Any, work: float) -> bool:
    """Tell whether there is numba, an array that its loops read, and enough work for them."""
    if not (is_numpy(array) and array.dtype.name == "float64" and array.flags.c_contiguous):
        return False
    if "numba" in sys.modules:
        return sys.modules["numba"] is not None
    return work >= WORTH_LOADING and importlib.util.find_spec("numba") is not None


def compiled(loop: Callable[..., Any]) -> Any:
    """Have numba compile a loop at its first call, and keep it where a folder can be written.

    Without numba it stays a loop of Python's: right, slow, and called by nobody.
    """
    if importlib.util.find_spec("numba") is None:
        return loop
    options = {"nogil": True, "fastmath": FREEDOM}
    try:
        return numba.njit(cache=True, **options)(loop)
    except RuntimeError:  # no folder to keep it in
        return numba.njit(**options)(loop)
