"""Where tests/namespace runs: NumPy, array-api-strict's devices, a pretended CuPy, a card.

A test takes the fixture ``place`` (tests/conftest.py), passes its arrays through it, and compares
with the same on NumPy. It then runs on all of them, CuPy where there is a card. array-api-strict
has nothing in it but the array API standard, and refuses arrays of two devices in one expression
and implicit copies to the host: so a stray ``np.`` call or transfer fails where there is no GPU.
The pretended CuPy (tests/namespace/pretended_cupy.py) has what CuPy has and refuses what CuPy
refuses, and takes the ways that only a card takes; it is left out where CuPy is installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import array_api_strict as strict
import numpy as np

from statdl.backend.array import is_cupy, is_numpy
from statdl.backend.device import cuda_obstacle
from statdl.backend.device import place as moved
from tests.namespace import pretended_cupy

#: Why no test runs on a card here; None where they do.
NO_CARD = cuda_obstacle()
#: Why nothing runs on the pretended CuPy; None where it does.
NOT_PRETENDED = "CuPy itself is installed" if importlib.util.find_spec("cupy") is not None else None
#: The places whose arrays are CuPy's.
CUPY = ("cupy", "pretended")


@dataclass(frozen=True)
class Place:
    """A library and one of its devices: called with host values, it returns them there."""

    name: str
    device: Any = None

    def __call__(self, values: Any, dtype: str | None = None) -> Any:
        """Put values there, integers as int64 and the rest as float64 (None stays None)."""
        if values is None:
            return None
        host = np.asarray(values)
        host = host.astype(dtype or ("int64" if host.dtype.kind in "iu" else "float64"))
        if self.name == "numpy":
            return host
        if self.name in CUPY:
            return moved(host, "cuda", None)
        return strict.asarray(host, device=self.device)

    def holds(self, array: Any) -> bool:
        """Tell whether an array is there."""
        if self.name == "numpy":
            return is_numpy(array)
        if self.name in CUPY:
            return is_cupy(array)
        return getattr(array, "device", None) == self.device

    @contextmanager
    def there(self) -> Iterator[None]:
        """Let the library of the place be the one that is imported, for a test."""
        if self.name != "pretended":
            yield
            return
        with pretended_cupy.installed():
            yield


PLACES = (
    Place("numpy"),
    *(Place(name, strict.Device(name)) for name in ("CPU_DEVICE", "device1", "device2")),
    Place("pretended"),
    Place("cupy"),
)
#: A device without doubles, on which numbers agree to single precision.
NARROW = Place("no_float64", strict.Device("no_float64"))
