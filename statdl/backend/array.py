"""One code path for every array library.

Nothing else in the package decides between NumPy and CuPy: functions take their namespace from
their arguments with :func:`namespace`, so an array stays on the device it came from.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import array_api_compat
import numpy as np

from statdl.lazy import lazy

cupy = lazy("cupy")

#: An array of any library that follows the array API standard.
Array = Any

#: Working memory of a block of rows: a part of the cache that cores share.
CACHE_BYTES = 4 * 1024 * 1024
#: Working memory of a block on a device whose own memory nobody tells.
ACCELERATOR_BYTES = 256 * 1024 * 1024
#: A block's share of a card's memory: each block costs launches, so that few large ones are best.
CARD_SHARE = 1 / 16


def namespace(*arrays: Array | None) -> Any:
    """Return the array API namespace that the arrays share; ``None`` entries are ignored.

    NumPy 2 follows the standard itself; other libraries come through array-api-compat.
    """
    if len(arrays) == 1 and type(arrays[0]) is np.ndarray:
        return np
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

    ``dtype`` is ``reference``'s unless given. A host array is converted on that side of the way on
    which it is narrower.
    """
    xp = namespace(reference)
    kind = reference.dtype if dtype is None else dtype
    if xp is np:
        return np.asarray(to_numpy(values) if is_array(values) else values, dtype=kind)
    there = array_api_compat.device(reference)
    if not is_array(values):
        return xp.asarray(values, dtype=kind, device=there)
    if namespace(values) is not xp:
        values = to_numpy(values)
        on_host = np.dtype(precision(kind))
        if values.dtype.itemsize > on_host.itemsize:
            values = values.astype(on_host)
    return xp.astype(xp.asarray(values, device=there), kind, copy=False)


def precision(dtype: Any) -> str:
    """Return the name of a dtype of any library, such as "float64".

    Examples
    --------
    >>> precision(np.dtype("float32")), precision(np.int64)  # CuPy's names are NumPy's classes
    ('float32', 'int64')
    """
    name = dtype.__name__ if isinstance(dtype, type) else getattr(dtype, "name", dtype)
    return str(name).rsplit(".", maxsplit=1)[-1]


def own_precision(values: Array, reference: Array) -> Any:
    """Return the dtype of ``values`` in ``reference``'s library; its dtype if there is no such."""
    name = precision(values.dtype)
    return getattr(namespace(reference), name) if supports(reference, name) else reference.dtype


def supports(array: Array, name: str) -> bool:
    """Tell whether the device of ``array`` has a type of numbers: some have no doubles."""
    if is_numpy(array) or is_cupy(array):
        return True
    information = namespace(array).__array_namespace_info__()
    return name in information.dtypes(device=array_api_compat.device(array))


def host_zeros(size: int, reference: Array) -> Any:
    """Return a host vector of zeros in the precision of ``reference``, for parameters."""
    return np.zeros(size, dtype=precision(reference.dtype))


def beside(array: Array, reference: Array) -> bool:
    """Tell whether an array is where another is, and of its precision."""
    here = [isinstance(one, np.ndarray | np.generic) for one in (array, reference)]
    if any(here):
        return all(here) and bool(array.dtype == reference.dtype)
    same = array_api_compat.device(array) == array_api_compat.device(reference)
    return same and bool(array.dtype == reference.dtype)


def returned(reference: Array, *arrays: Array) -> tuple[Array, ...]:
    """Return arrays where ``reference`` is, and in its precision, by one copy for all of them."""
    if all(beside(array, reference) for array in arrays):
        return arrays
    xp = namespace(*arrays)
    flat = arrays[0] if len(arrays) == 1 else xp.concat([xp.reshape(a, (-1,)) for a in arrays])
    there = like(flat, reference)
    if len(arrays) == 1:
        return (there,)
    parts, first = [], 0
    for array in arrays:
        last = first + math.prod(array.shape)
        parts.append(namespace(there).reshape(there[first:last], array.shape))
        first = last
    return tuple(parts)


def epsilon(array: Array) -> float:
    """Return the machine epsilon of ``array``'s dtype."""
    return float(namespace(array).finfo(array.dtype).eps)


def overflow_allowed() -> AbstractContextManager[Any]:
    """Return a context in which numbers become infinite or NaN without a warning of NumPy's.

    It is for loops that look at what they get and say so in their own words.
    """
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def block_bytes(array: Array) -> int:
    """Return the working memory that a block of rows may have where ``array`` is."""
    if is_numpy(array):
        return CACHE_BYTES
    return _card_room(array.device.id) if is_cupy(array) else ACCELERATOR_BYTES


@cache
def _card_room(card: int) -> int:
    return int(cupy.cuda.runtime.getDeviceProperties(card)["totalGlobalMem"] * CARD_SHARE)


def is_finite(array: Array) -> bool:
    """Tell whether every entry is finite."""
    xp = namespace(array)
    return bool(xp.all(xp.isfinite(array)))
