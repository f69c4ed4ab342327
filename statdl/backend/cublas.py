"""Products of matrices by cuBLAS itself, on a stream and with a workspace of one's own.

CuPy's products cannot be captured in a graph (cupy#6290: it refuses cuBLAS there), and know no
factors in bfloat16 whose products are summed in float32. NVIDIA's library does both, and captures
as long as its workspace is given before (cuBLAS documentation, "CUDA Graphs Support"). So it is
called here as C would call it, in the library that CuPy has loaded.

cuBLAS walks down columns, and arrays here along rows: what it reads of an array is its transpose.
C = A B is therefore asked for as Cᵀ = Bᵀ Aᵀ, and a transposed view needs no copy.
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from statdl.backend.array import Array, namespace
from statdl.backend.kernels import rounding_kernel
from statdl.errors import DeviceError
from statdl.lazy import lazy

cupy = lazy("cupy")

#: cudaDataType of what factors and products hold; bfloat16 is held as its 16 bits.
KINDS: Mapping[str, int] = MappingProxyType({"float32": 0, "float64": 1, "uint16": 14})
#: cublasComputeType_t: CUBLAS_COMPUTE_64F, _32F, and _32F_FAST_TF32.
DOUBLE, SINGLE, SINGLE_TF32 = 70, 68, 77
#: cublasOperation_t: as it lies, and transposed.
AS_IT_LIES, TRANSPOSED = 0, 1
#: cublasGemmAlgo_t: whatever the library finds best.
DEFAULT_ALGORITHM = -1
#: Bytes of workspace, which NVIDIA recommends for Hopper; 4 MiB for earlier cards.
WORKSPACE = 32 << 20
#: Rows of bfloat16 begin at multiples of so many numbers, 16 bytes, as tensor cores read them.
ALIGNED = 8

_pointer, _integer, _bytes = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
#: The functions that are called, by their names in the library, and what they take.
SIGNATURES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "cublasCreate_v2": (ctypes.POINTER(_pointer),),
        "cublasDestroy_v2": (_pointer,),
        "cublasSetStream_v2": (_pointer, _pointer),
        "cublasSetWorkspace_v2": (_pointer, _pointer, _bytes),
        "cublasGemmEx": (
            _pointer, _integer, _integer, _integer, _integer, _integer,
            _pointer, _pointer, _integer, _integer, _pointer, _integer, _integer,
            _pointer, _pointer, _integer, _integer, _integer, _integer,
        ),
    }
)  # fmt: skip


def current_stream() -> Any:
    """Return the stream that CuPy computes on."""
    return cupy.cuda.get_current_stream()


def candidates(major: int) -> Iterator[str]:
    """Yield where the library of a CUDA version may be: by its name, then in NVIDIA's wheels.

    Of a library that is loaded already the name alone finds that one, wherever it lies.

    Examples
    --------
    >>> next(candidates(13))
    'libcublas.so.13'
    """
    yield f"libcublas.so.{major}"
    yield f"cublas64_{major}.dll"
    for folder in filter(None, sys.path):
        yield from map(str, sorted(Path(folder).glob(f"nvidia/*/lib/libcublas.so.{major}")))


@cache
def library() -> Any:
    """Return cuBLAS of CuPy's own CUDA version, with the types of what its functions take."""
    cupy.cuda.get_cublas_handle()  # CuPy loads the library when it first needs it
    return opened(cupy.cuda.runtime.runtimeGetVersion() // 1000)


def opened(major: int) -> Any:
    """Open the library of a CUDA version.

    Raises
    ------
    DeviceError
        Where it is not found.
    """
    for name in candidates(major):
        try:
            found = ctypes.CDLL(name)
        except OSError:
            continue
        for function, taken in SIGNATURES.items():
            getattr(found, function).argtypes = taken
        return found
    raise DeviceError(
        f"cuBLAS of CUDA {major} was not found; install it with CuPy: pip install "
        f"'cupy-cuda{major}x[ctk]'."
    )


def layout(matrix: Array) -> tuple[int, int]:
    """Return the operation that a matrix (r, c) needs, and the numbers from line to line.

    Lines are rows, or columns where the operation transposes.

    Raises
    ------
    ValueError
        Where neither lie together.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.zeros((3, 5))
    >>> layout(table), layout(table[:, 1:3]), layout(table.T)
    ((0, 5), (0, 5), (1, 5))
    """
    (rows, columns), (down, along), size = matrix.shape, matrix.strides, matrix.itemsize
    for operation, lines, length, between, within in (
        (AS_IT_LIES, rows, columns, down, along),
        (TRANSPOSED, columns, rows, along, down),
    ):
        together = within == size or length == 1
        if together and (between >= length * size or lines == 1):
            return operation, between // size if lines > 1 else length
    raise ValueError(f"cuBLAS reads no matrix of shape {matrix.shape} and strides {matrix.strides}")


class Products:
    """Products of matrices on a stream: ``products(a, b, out=c)`` fills c with a b.

    Parameters
    ----------
    precision : {"full", "tf32", "bf16"}
        Of the factors, where they are float32; sums are float32. TF32 keeps 10 bits after the
        leading one, bfloat16 7; numbers are rounded to bfloat16 in a room of their own, by one
        launch a factor.
    stream : cupy.cuda.Stream
        Where they are computed, whatever CuPy's current one. Room is made on the current one.
    like : Array
        An array of the card.

    References
    ----------
    NVIDIA, cuBLAS Library User Guide: cublasGemmEx, cublasSetWorkspace.
    """

    def __init__(self, precision: str, stream: Any, like: Array) -> None:
        self._xp = namespace(like)
        self._library = library()
        self._handle = ctypes.c_void_p()
        self._checked("cublasCreate_v2", ctypes.byref(self._handle))
        end = weakref.finalize(self, self._library.cublasDestroy_v2, self._handle)
        end.atexit = False  # the card may be gone by then
        self._workspace = self._xp.empty((WORKSPACE,), dtype=self._xp.uint8)
        # a new stream takes the workspace away, so that it comes second
        self._checked("cublasSetStream_v2", self._handle, stream.ptr)
        self._checked("cublasSetWorkspace_v2", self._handle, self._workspace.data.ptr, WORKSPACE)
        self._rounds = precision == "bf16"
        self._compute = {"float64": DOUBLE, "float32": SINGLE}[like.dtype.name]
        if precision == "tf32":
            self._compute = SINGLE_TF32
        number = ctypes.c_double if self._compute == DOUBLE else ctypes.c_float
        self._one, self._zero = number(1.0), number(0.0)
        self._rooms: dict[str, Array] = {}

    def __call__(self, a: Array, b: Array, out: Array) -> Array:
        """Fill ``out``, whose rows lie together, with the product of ``a`` and ``b``."""
        if self._rounds:
            a, b = self._rounded(a, "a"), self._rounded(b, "b")
        (rows, inner), columns = a.shape, b.shape[1]
        (a_turned, a_leading), (b_turned, b_leading) = layout(a), layout(b)
        out_turned, out_leading = layout(out)
        fits = (b.shape[0], out.shape, out_turned) == (inner, (rows, columns), AS_IT_LIES)
        if not fits:
            raise ValueError(f"{a.shape} times {b.shape} does not fill {out.shape}")
        kinds = [KINDS[one.dtype.name] for one in (a, b, out)]
        self._checked(
            "cublasGemmEx", self._handle, b_turned, a_turned, columns, rows, inner,
            ctypes.byref(self._one), b.data.ptr, kinds[1], b_leading,
            a.data.ptr, kinds[0], a_leading,
            ctypes.byref(self._zero), out.data.ptr, kinds[2], out_leading,
            self._compute, DEFAULT_ALGORITHM,
        )  # fmt: skip
        return out

    def _rounded(self, factor: Array, which: str) -> Array:
        """Return a factor in bfloat16, which lies as the factor does, until the next product.

        Work on a stream is done in order, so that all products share the room.
        """
        turned = layout(factor)[0] == TRANSPOSED
        source = factor.T if turned else factor
        rows, columns = source.shape
        width = -(-columns // ALIGNED) * ALIGNED
        room = self._rooms.get(which)
        if room is None or room.shape[0] < rows * width:
            room = self._rooms[which] = self._xp.empty((rows * width,), dtype=self._xp.uint16)
        target = room[: rows * width].reshape(rows, width)[:, :columns]
        rounding_kernel()(source, target)
        return target.T if turned else target

    def _checked(self, name: str, *given: Any) -> None:
        """Call a function of the library.

        Raises
        ------
        DeviceError
            With its status, where it did not do what it was asked for.
        """
        status = getattr(self._library, name)(*given)
        if status:
            raise DeviceError(
                f"cuBLAS refused {name} with status {status}; leave launch= and products= out of "
                "GradientDescent to have CuPy's own products."
            )
