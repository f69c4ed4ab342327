"""One code path for every array library, and blocks of rows.

Nothing else in the package decides between NumPy and CuPy: functions take their namespace from
their arguments with :func:`namespace`, so an array stays on the device it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import array_api_compat
import numpy as np

from statdl.errors import DataError, DeviceError
from statdl.lazy import lazy

cupy = lazy("cupy")

#: An array of any library that follows the array API standard.
Array = Any

#: Working memory of a block of rows: a part of the cache that cores share.
CACHE_BYTES = 4 * 1024 * 1024
#: Working memory of a block on an accelerator, where large blocks keep it busy.
ACCELERATOR_BYTES = 256 * 1024 * 1024

_DTYPES = ("float32", "float64")


def namespace(*arrays: Array | None) -> Any:
    """Return the array API namespace that the arrays share; ``None`` entries are ignored.

    NumPy 2 follows the standard itself; other libraries come through array-api-compat.
    """
    present = [array for array in arrays if array is not None]
    if all(isinstance(array, np.ndarray | np.generic) for array in present):
        return np
    return array_api_compat.array_namespace(*present)


def is_array(value: object) -> bool:
    """Tell whether ``value`` is an array of a library that follows the array API standard."""
    return bool(array_api_compat.is_array_api_obj(value))


def is_numpy(array: Array) -> bool:
    """Tell whether ``array`` lives in NumPy, where a few hot spots have a kernel of their own."""
    return isinstance(array, np.ndarray)


def is_cupy(array: Array) -> bool:
    """Tell whether ``array`` lives on a CUDA device."""
    return bool(array_api_compat.is_cupy_array(array))


def to_numpy(array: Array) -> Any:
    """Copy ``array`` to the host as a NumPy array (no copy when it is one already)."""
    if isinstance(array, np.ndarray):
        return array
    if is_cupy(array):
        return cupy.asnumpy(array)
    if is_array(array) and array_api_compat.is_array_api_strict_namespace(namespace(array)):
        array = array_api_compat.to_device(array, namespace(array).Device("CPU_DEVICE"))
    return np.asarray(array)


def like(values: Any, reference: Array, dtype: Any = None) -> Array:
    """Return ``values`` as an array of ``reference``'s library and device.

    ``dtype`` is ``reference``'s unless given.
    """
    xp = namespace(reference)
    kind = reference.dtype if dtype is None else dtype
    if xp is np:
        return np.asarray(values, dtype=kind)
    if is_array(values) and not isinstance(values, np.ndarray):
        values = to_numpy(values) if namespace(values) is not xp else values
    return xp.asarray(values, dtype=kind, device=array_api_compat.device(reference))


def place(array: Array, device: str | None, dtype: Any) -> Array:
    """Move ``array`` to ``device`` ("cpu", "cuda" or None: where it is) in ``dtype``.

    Raises
    ------
    DeviceError
        When a CUDA device is asked for and CuPy or the device is missing.
    DataError
        When ``dtype`` is not a floating type statdl computes in.
    """
    dtype = getattr(dtype, "__name__", dtype)  # np.float32 as well as "float32"
    if dtype is not None and str(dtype) not in _DTYPES:
        raise DataError(f"dtype={dtype!r} is not available; choose one of {', '.join(_DTYPES)}.")
    if device == "cpu":
        array = to_numpy(array)
    elif device in ("cuda", "gpu"):
        array = _to_cuda(array)
    elif device is not None:
        raise DeviceError(f"device={device!r} is not known; choose 'cpu' or 'cuda'.")
    if dtype is None:
        return array
    xp = namespace(array)
    return xp.astype(array, getattr(xp, str(dtype)), copy=False)


def _to_cuda(array: Array) -> Array:
    try:
        return cupy.asarray(array)
    except ImportError as error:
        raise DeviceError(
            "device='cuda' needs CuPy; install it with: pip install 'statdl[gpu]'."
        ) from error
    except Exception as error:  # CuPy raises its own types where no device or driver is found
        raise DeviceError(f"device='cuda' cannot be used here: {error}") from error


def epsilon(array: Array) -> float:
    """Return the machine epsilon of ``array``'s dtype."""
    return float(namespace(array).finfo(array.dtype).eps)


def overflow_allowed() -> AbstractContextManager[Any]:
    """Return a context in which numbers become infinite or NaN without a warning of NumPy's.

    It is for loops that look at what they get and say so in their own words.
    """
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


@dataclass(frozen=True)
class Rows:
    """Aligned rows of data: what every sum over observations runs over.

    Shapes
    ------
    X : (n, p), without a column of ones
    y : (n, q), in the coding of the family
    weights : (n,) or None, meaning ones
    offset : (n, 1) or (n, q) or None, meaning zeros
    trials : (n,) or None; the part of the weights that counts trials of a row, where known apart
    """

    X: Array
    y: Array
    weights: Array | None = None
    offset: Array | None = None
    trials: Array | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def template(self) -> Array:
        """An array whose library, device, precision and number of columns are X's."""
        return self.X

    def with_columns(self, positions: Sequence[int]) -> Rows:
        """Return the rows with some of the columns of X."""
        return replace(self, X=_columns(self.X, positions))

    def __getitem__(self, rows: slice) -> Rows:
        return self._map(lambda array: array[rows, ...])

    def take(self, positions: Array) -> Rows:
        """Return the rows at ``positions``, copied together."""
        xp = namespace(self.X)
        return self._map(lambda array: xp.take(array, positions, axis=0))

    def blocks(self, width: int) -> Iterator[Rows]:
        """Yield consecutive blocks whose work of ``width`` numbers a row fits the cache."""
        size = block_rows(self.X, width)
        if size >= self.n:
            yield self
            return
        for start in range(0, self.n, size):
            yield self[start : min(start + size, self.n)]

    def _map(self, function: Any) -> Rows:
        parts = (self.X, self.y, self.weights, self.offset, self.trials)
        return Rows(*(None if part is None else function(part) for part in parts))


class NoRows(Rows):
    """Stands where the rows of a fit were: it has their template, and asking for more is an error.

    Examples
    --------
    >>> NoRows(np.zeros((0, 3))).template.shape
    (0, 3)
    """

    def __init__(self, template: Array) -> None:
        object.__setattr__(self, "_template", template)

    @property
    def template(self) -> Array:
        """An array without rows, of the library, device, precision and columns of X."""
        return self._template  # type: ignore[attr-defined]

    def with_columns(self, positions: Sequence[int]) -> NoRows:
        return NoRows(_columns(self.template, positions))

    def _gone(self) -> Any:
        raise DataError(
            "This model was loaded from a file, which holds no rows of the data, and what was "
            "asked for needs them. Predictions for newdata=, coefficients, intervals and the "
            "summary are there; for the rest fit the model again."
        )

    def __getitem__(self, rows: slice) -> Rows:
        return self._gone()

    def take(self, positions: Array) -> Rows:
        return self._gone()

    def blocks(self, width: int) -> Iterator[Rows]:
        return self._gone()

    def __repr__(self) -> str:
        return "NoRows()"

    n = property(_gone, doc="Not known any more.")
    X = property(_gone)
    y = property(_gone)
    weights = property(_gone)
    offset = property(_gone)
    trials = property(_gone)


def _columns(X: Array, positions: Sequence[int]) -> Array:
    xp = namespace(X)
    chosen = xp.asarray(list(positions), dtype=xp.int64, device=X.device)
    return xp.take(X, chosen, axis=1)


def block_rows(array: Array, width: int) -> int:
    """Return how many rows of ``width`` numbers one block of rows holds."""
    room = CACHE_BYTES if is_numpy(array) else ACCELERATOR_BYTES
    return max(1024, room // (8 * max(width, 1)))


def is_finite(array: Array) -> bool:
    """Tell whether every entry is finite."""
    xp = namespace(array)
    return bool(xp.all(xp.isfinite(array)))


def widened(array: Array) -> Array:
    """Return ``array`` in extended precision where its library has it (NumPy)."""
    return array.astype(np.longdouble) if is_numpy(array) else array


def narrowed(array: Array, reference: Array) -> Array:
    """Return ``array`` in the precision of ``reference``."""
    return array.astype(reference.dtype) if is_numpy(reference) else array
