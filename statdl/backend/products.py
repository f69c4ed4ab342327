"""The precision of a card's products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from statdl.lazy import lazy

cupy = lazy("cupy")
# CuPy has no public name for what CUPY_TF32=1 sets once for a process
cupy_core: Any = lazy("cupy._core")
routines: Any = lazy("cupy._core._routines_linalg")


@contextmanager
def rounded_products() -> Iterator[None]:
    """Let a card round the factors of single-precision products to TF32.

    They keep 10 bits after the leading one, about 3 decimal digits, and their products are summed
    in float32: several times as fast on tensor cores. Cards before Ampere have no TF32, and compute
    as always.

    References
    ----------
    NVIDIA (2020), A100 Tensor Core GPU Architecture.
    """
    kind = cupy.dtype("float32")
    before = cupy_core.get_compute_type(kind)
    cupy_core.set_compute_type(kind, routines.COMPUTE_TYPE_TF32)
    try:
        yield
    finally:
        cupy_core.set_compute_type(kind, before)
