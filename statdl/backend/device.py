"""Where arrays are computed on, and what is in the way of a place that was asked for.

A fit runs where its data are, unless ``device=`` or :func:`device` says otherwise. Nothing here
computes: it finds the devices, moves arrays, and turns what CuPy and CUDA have to say into one
sentence of ours.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import array_api_compat

from statdl.backend.array import Array, is_cupy, is_numpy, namespace, supports, to_numpy
from statdl.backend.shortage import device_errors
from statdl.errors import DataError, DeviceError
from statdl.lazy import lazy

cupy = lazy("cupy")

#: The precisions that statdl computes in.
PRECISIONS = ("float32", "float64")
#: Share of a device's free memory that a design matrix may take; the rest is to work in.
SHARE = 0.6

_preferred: ContextVar[str | None] = ContextVar("statdl device", default=None)


@contextmanager
def device(name: str) -> Iterator[None]:
    """Let every fit inside a ``with`` block run on a device, unless it has a ``device=`` itself.

    Parameters
    ----------
    name : {"cpu", "cuda"}
        The innermost block decides. Each thread and each task has its own.

    Raises
    ------
    DeviceError
        When the device cannot be used; :func:`statdl.devices` says why.

    See Also
    --------
    Fit.device : The attribute.

    Examples
    --------
    >>> import statdl as sd
    >>> with sd.device("cpu"):
    ...     fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> fit.device
    'cpu'
    """
    if _known(name) == "cuda":
        _require_cuda()
    token = _preferred.set(name)
    try:
        yield
    finally:
        _preferred.reset(token)


def preferred(name: str | None) -> str | None:
    """Return the device that was asked for, else that of the ``with`` block, else None."""
    return _preferred.get() if name is None else name


def place(array: Array, name: str | None, dtype: Any) -> Array:
    """Move ``array`` to a device ("cpu", "cuda" or None: where it is) in ``dtype``.

    Raises
    ------
    DeviceError
        When a CUDA device is asked for and cannot be used.
    DataError
        When ``dtype`` is not a floating type statdl computes in.
    """
    precision = _precision(dtype)
    if name is not None and _known(name) == "cpu":
        array = to_numpy(array)
    elif name is not None and not is_cupy(array):
        array = _to_cuda(array)
    if precision is None:
        return array
    xp = namespace(array)
    return xp.astype(array, getattr(xp, precision), copy=False)


def settle(X: Array, name: str | None, dtype: Any, sums: str | None = None) -> tuple[Array, Array]:
    """Return X where it is to stay, and an array without rows from where rows are summed.

    X in host memory that is too large for the device stays there, and its blocks go to the device
    one by one. ``sums`` is the precision that sums are carried in, by default that of the data; a
    device without it does without.

    Raises
    ------
    DeviceError
        When X is on a card that is not CuPy's current one, on which new arrays would be made.
    """
    _require_current(X)
    X = place(X, None, dtype)
    home = place(X[:0, ...], name, None)
    if sums is not None and supports(home, sums):
        home = place(home, None, sums)
    if name is None or (is_numpy(X) and not is_numpy(home) and too_large(X, home)):
        return X, home
    return place(X, name, None), home


def too_large(array: Array, home: Array) -> bool:
    """Tell whether a copy of ``array`` would leave too little memory where ``home`` is."""
    return math.prod(array.shape) * array.itemsize > SHARE * free_bytes(home)


def free_bytes(array: Array) -> float:
    """Return how much memory is free on the device of ``array``; ∞ where nobody says."""
    if not is_cupy(array):
        return math.inf
    with array.device:
        free, _ = cupy.cuda.runtime.memGetInfo()
        return float(free + cupy.get_default_memory_pool().free_bytes())


def where(array: Array) -> str:
    """Return the name of the device of ``array``, such as "cpu" or "cuda:0 NVIDIA H200"."""
    if is_numpy(array):
        return "cpu"
    if is_cupy(array):
        return f"cuda:{array.device.id} {_card(array.device.id)}"
    return str(array_api_compat.device(array))


@dataclass(frozen=True)
class Device:
    """A device: whether it can be used, and what it is, or why not."""

    name: str
    usable: bool
    description: str


def find_devices() -> tuple[Device, ...]:
    """Return what fits can run on here, and what they could not."""
    host = Device("cpu", True, "NumPy")
    obstacle = cuda_obstacle()
    if obstacle is not None:
        return host, Device("cuda", False, obstacle)
    cards = range(cupy.cuda.runtime.getDeviceCount())
    return host, *(Device(f"cuda:{k}", True, _described(k)) for k in cards)


def cuda_obstacle() -> str | None:
    """Return why no CUDA device can be used, as a sentence that says what to do; None if one can.

    It looks at what is needed in the order in which it is needed: CuPy, a driver that is new
    enough, a card, CUDA's libraries.
    """
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed; install it with: pip install 'statdl[gpu]'."
    try:
        driver = cupy.cuda.runtime.driverGetVersion()
    except ImportError as error:
        return f"CuPy is installed and cannot be loaded ({_first_line(error)}); install it again."
    return _driver_obstacle(driver) or _library_obstacle()


def _driver_obstacle(driver: int) -> str | None:
    built = cupy.cuda.runtime.runtimeGetVersion()
    if driver == 0:
        return "This machine has no NVIDIA driver; install one, or use device='cpu'."
    if driver // 1000 < built // 1000:
        return (
            f"CuPy is built for CUDA {_version(built)} and the driver knows CUDA "
            f"{_version(driver)}; install cupy-cuda{driver // 1000}x in place of it, or a newer "
            "driver."
        )
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy has types of its own for each of CUDA's refusals
        if "NoDevice" in str(error):
            count = 0
        else:
            return f"CUDA cannot be started: {_first_line(error)}."
    if not count:
        return (
            "The NVIDIA driver finds no card; look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use "
            "device='cpu'."
        )
    return None


@cache
def _library_obstacle() -> str | None:
    """Compute a little, so that what is missing is missed here."""
    try:
        values = cupy.arange(4.0)
        if float((values[None, :] @ (values + 1.0))[0]) == 20.0:
            return None
        return "The card computes wrongly; use device='cpu'."
    except Exception as error:  # a compiler, cuBLAS, or a card that they do not know
        return (
            f"CUDA's libraries are not complete ({_first_line(error)}); install them with: pip "
            "install 'cupy-cuda13x[ctk]'."
        )


def _known(name: str) -> str:
    """Return "cpu" or "cuda", or say that there is no such device."""
    if name in ("cpu", "cuda"):
        return name
    raise DeviceError(f"device={name!r} is not known; choose 'cpu' or 'cuda'.")


def _precision(dtype: Any) -> str | None:
    """Return the name of a dtype, given as a name or as NumPy's."""
    if dtype is None:
        return None
    name = str(getattr(dtype, "__name__", dtype))  # np.float32 as well as "float32"
    if name not in PRECISIONS:
        raise DataError(f"dtype={name!r} is not available; choose one of {', '.join(PRECISIONS)}.")
    return name


@device_errors()
def _to_cuda(array: Array) -> Array:
    _require_cuda()
    return cupy.asarray(to_numpy(array))


def _require_cuda() -> None:
    obstacle = cuda_obstacle()
    if obstacle is not None:
        raise DeviceError(f"device='cuda' cannot be used here. {obstacle}")


def _require_current(array: Array) -> None:
    if not is_cupy(array) or array.device == cupy.cuda.Device():
        return
    there, here = array.device.id, cupy.cuda.Device().id
    raise DeviceError(
        f"X is on card {there} while CuPy works on card {here}; put `with "
        f"cupy.cuda.Device({there}):` around the fit and what is asked of it."
    )


def _described(k: int) -> str:
    memory = cupy.cuda.runtime.getDeviceProperties(k)["totalGlobalMem"]
    return f"{_card(k)}, {memory / 1e9:.0f} GB"


def _card(k: int) -> str:
    name = cupy.cuda.runtime.getDeviceProperties(k)["name"]
    return name.decode() if isinstance(name, bytes) else str(name)


def _version(number: int) -> str:
    """Return CUDA's 13020 as 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
