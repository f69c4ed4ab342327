"""A pretended CuPy: its functions, its refusals and its waiting, by NumPy.

What runs on it walks the ways that only a card takes (``is_cupy``), through array-api-compat's own
wrappers of CuPy. It has the functions, parameters and array attributes that CuPy 14 has
(``cupy_names.json``) and no others, and

* refuses arrays of NumPy in every function but ``asarray`` and ``array``, and to become one but by
  ``get`` and ``asnumpy``;
* returns arrays where NumPy returns scalars, and has no ``__index__``;
* fails silently in linear algebra, unless ``cupyx.errstate(linalg="raise")`` is set;
* counts what crosses between host and card, and what the host has to wait for (:data:`LEDGER`).

Elementwise and raw kernels are compiled for the host from their own source, by the C++ compiler.
Streams and graphs are in ``pretended_streams.py``, and cuBLAS in ``pretended_cublas.py``.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
import scipy.special

from tests.namespace import cupy_names, host_kernels, pretended_cublas
from tests.namespace import pretended_streams as streams

KNOWN = cupy_names.known()
#: Functions whose result has a size that only the card knows.
WAITING = {"nonzero", "flatnonzero", "argwhere", "unique", "extract", "compress", "isin",
           "intersect1d", "union1d", "setdiff1d", "array_equal"}  # fmt: skip
#: What calls cuBLAS, or takes room for a sum: no graph captures it.
UNCAPTURED = {"matmul", "dot", "vdot", "inner", "tensordot", "einsum", "sum", "mean", "max", "min"}
#: What would be a singular value decomposition, and is not to be used on a card.
DEAR = {"svd", "pinv", "lstsq", "matrix_rank", "cond"}
MEMORY = 10**9
PROPERTIES = {
    "name": b"Pretended", "totalGlobalMem": MEMORY, "multiProcessorCount": 1,
    "l2CacheSize": 10**6,
}  # fmt: skip


@dataclass
class Room:
    """The largest array, in bytes, that there is memory for."""

    largest: float = math.inf


ROOM = Room()


@dataclass
class Ledger:
    """What crossed, and what was launched, since the last look."""

    up: list[int] = field(default_factory=list)  # numbers sent to the card at once
    down: list[int] = field(default_factory=list)  # numbers brought to the host at once
    waits: int = 0  # times the host waited for the card and got no number
    launches: int = 0

    def taken(self) -> Ledger:
        """Return what is noted, and begin anew."""
        found = Ledger(self.up, self.down, self.waits, self.launches)
        self.up, self.down, self.waits, self.launches = [], [], 0, 0
        return found

    @property
    def stops(self) -> int:
        """How often the host waited for the card."""
        return len(self.down) + self.waits


LEDGER = Ledger()


class Device:
    """``cupy.cuda.Device``; the current one is 0."""

    def __init__(self, device: Any = None) -> None:
        self.id = device.id if isinstance(device, Device) else int(device or 0)

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    attributes: ClassVar[dict[str, int]] = {"MaxSharedMemoryPerBlockOptin": 232_448}

    def synchronize(self) -> None:
        LEDGER.waits += 1


def _here(value: Any) -> Any:
    """Return what NumPy computes with in place of an argument; NumPy's own arrays are refused."""
    if isinstance(value, ndarray):
        return value._held
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, list | tuple):
        return type(value)(map(_here, value))
    return value


def _there(value: Any) -> Any:
    """Return a result of NumPy's as CuPy would: numbers as arrays of no dimension."""
    if isinstance(value, np.ndarray | np.generic):
        if value.nbytes > ROOM.largest:
            raise OutOfMemoryError(value.nbytes)
        return ndarray(np.asarray(value))
    if isinstance(value, list | tuple):
        parts = [_there(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def _sent(numbers: int) -> None:
    """Note numbers of the host that are sent."""
    streams.free("a number of the host")
    LEDGER.up.append(numbers)


def _set(array: ndarray, key: Any, value: Any) -> None:
    array._held[_indices(key)] = _here(value)


def _indices(key: Any) -> Any:
    """Return an index; those in lists and arrays of the host are sent, masks are waited for."""
    if isinstance(key, tuple):
        return tuple(map(_indices, key))
    if isinstance(key, ndarray):
        LEDGER.waits += key.dtype == bool
        return key._held
    if isinstance(key, list | np.ndarray):
        _sent(np.size(key))
        return np.asarray(key, dtype=None if np.size(key) else np.int32)
    if isinstance(key, slice) and any(
        isinstance(end, ndarray) for end in (key.start, key.stop, key.step)
    ):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return key


class ndarray:  # noqa: N801  (CuPy's name)
    """``cupy.ndarray``."""

    __slots__ = ("__weakref__", "_held")
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, held: np.ndarray) -> None:
        self._held = held

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in KNOWN["ndarray"]:
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        found = getattr(self._held, name)
        return _counted(name, found, None, self) if callable(found) else _there(found)

    @property
    def device(self) -> Device:
        return Device()

    @property
    def dtype(self) -> Any:
        return self._held.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self._held.shape

    @shape.setter
    def shape(self, shape: tuple[int, ...]) -> None:
        self._held = np.reshape(self._held, shape, copy=False)

    @property
    def flags(self) -> Any:
        held = self._held.flags
        return SimpleNamespace(
            c_contiguous=held.c_contiguous, f_contiguous=held.f_contiguous, owndata=held.owndata
        )

    # to the host

    def get(self, *_: Any, **__: Any) -> np.ndarray:
        streams.free("a number for the host")
        LEDGER.down.append(self._held.size)
        return streams.submit(lambda one: one._held.copy(), self)

    def item(self, *place: int) -> Any:
        return self.get().item(*place)

    def tolist(self) -> Any:
        return self.get().tolist()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to "
            "construct a NumPy array explicitly."
        )

    def __bool__(self) -> bool:
        assert self._held.size, "the truth value of an empty array is ambiguous"
        return bool(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __complex__(self) -> complex:
        return complex(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get(), spec)

    def __repr__(self) -> str:
        return repr(self.get())

    # on the card

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[ndarray]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Any:
        return _there(self._held[_indices(key)])

    @property
    def data(self) -> Any:
        return SimpleNamespace(ptr=self._held.ctypes.data)

    def __setitem__(self, key: Any, value: Any) -> None:
        LEDGER.launches += not streams.capturing()
        if isinstance(value, np.ndarray | list):
            _sent(np.size(value))
            if isinstance(key, slice) and key == slice(None):
                assert (value.shape, value.dtype) == (self.shape, self.dtype)
            self._held[_indices(key)] = value
        else:
            streams.submit(_set, self, key, value)

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **named: Any) -> Any:
        if "out" in named:
            (named["out"],) = named["out"]
        if method != "__call__":
            return NotImplemented
        return getattr(sys.modules["cupy"], ufunc.__name__)(*given, **named)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function.__module__ not in ("numpy", "numpy.linalg"):
            return NotImplemented
        module = sys.modules[function.__module__.replace("numpy", "cupy")]
        return getattr(module, function.__name__)(*args, **kwargs)


def _operators() -> None:
    """Give arrays the operators of NumPy's functions, in place and reflected as well."""
    names = {
        "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide",
        "floordiv": "floor_divide", "mod": "remainder", "pow": "power", "matmul": "matmul",
        "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
        "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal",
        "gt": "greater", "ge": "greater_equal",
    }  # fmt: skip

    def forward(function: Any) -> Any:
        return lambda self, other: _binary(function, self, other)

    def backward(function: Any) -> Any:
        return lambda self, other: _binary(function, other, self)

    def in_place(function: Any) -> Any:
        return lambda self, other: function(self, other, out=self)

    for operator, name in names.items():
        function = _counted(name, getattr(np, name), None)
        setattr(ndarray, f"__{operator}__", forward(function))
        if operator not in ("eq", "ne", "lt", "le", "gt", "ge"):
            setattr(ndarray, f"__r{operator}__", backward(function))
        if f"__i{operator}__" in KNOWN["ndarray"]:
            setattr(ndarray, f"__i{operator}__", in_place(function))
    for operator, name in {"neg": "negative", "abs": "abs", "invert": "invert"}.items():
        setattr(ndarray, f"__{operator}__", _method(_counted(name, getattr(np, name), None)))


def _method(function: Any) -> Any:
    return lambda self: function(self)


def _binary(function: Any, one: Any, other: Any) -> Any:
    known = ndarray | np.ndarray | np.generic | bool | int | float | complex
    if not (isinstance(one, known) and isinstance(other, known)):
        return NotImplemented
    return function(one, other)


def _counted(
    name: str, function: Any, parameters: list[str] | None, of: ndarray | None = None
) -> Any:
    """Return a function of NumPy's, or a method of an array's, as one of CuPy's."""

    def call(*args: Any, **named: Any) -> Any:
        strange = set(named) - set(parameters or named)
        if strange:
            raise TypeError(f"cupy.{name}() got unexpected keyword arguments {sorted(strange)}")
        LEDGER.launches += not streams.capturing()
        LEDGER.waits += name in WAITING
        out, names, many = named.get("out"), tuple(named), len(args)

        def work(*given: Any) -> Any:  # keeps no array: a graph's memory is for others to keep
            options = dict(zip(names, map(_here, given[many:-1]), strict=True))
            with np.errstate(all="ignore"):
                return function(*map(_here, given[:many]), **options)

        if name in UNCAPTURED:
            streams.free(name)
        if out is None and streams.capturing():
            found = work(*args, *named.values(), of)
            given = [one._held for one in (*args, of) if isinstance(one, ndarray)]
            assert any(np.may_share_memory(found, one) for one in given), f"{name} makes an array"
            return _there(found)
        found = streams.submit(work, *args, *named.values(), of)
        return out if out is not None else _there(found)

    call.__name__ = name
    return call


# functions that are not NumPy's -------------------------------------------------------------


def _asarray(obj: Any, dtype: Any = None, order: Any = None, **_: Any) -> ndarray:
    if isinstance(obj, ndarray):
        held = np.asarray(obj._held, dtype=dtype, order=order)
        return obj if held is obj._held else ndarray(held)
    return _array(obj, dtype)


def _array(obj: Any, dtype: Any = None, copy: Any = True, order: Any = "K", **_: Any) -> ndarray:
    if isinstance(obj, ndarray):
        return ndarray(np.array(obj._held, dtype=dtype, copy=copy, order=order))
    if isinstance(obj, list | tuple) and any(isinstance(one, ndarray) for one in obj):
        return _array(sys.modules["cupy"].stack([_asarray(one) for one in obj]), dtype)
    held = np.array(obj, dtype=dtype)
    assert held.dtype.kind in "biufc", f"CuPy has no arrays of {held.dtype}"
    if held.ndim:
        _sent(held.size)
    return ndarray(held)


def _asnumpy(array: Any, *_: Any, **__: Any) -> Any:
    return array.get() if isinstance(array, ndarray) else np.asarray(array)


_state = threading.local()


@contextmanager
def errstate(*, linalg: str | None = None) -> Iterator[None]:
    """``cupyx.errstate``."""
    before = getattr(_state, "linalg", "ignore")
    _state.linalg = linalg or before
    try:
        yield
    finally:
        _state.linalg = before


def _checked(name: str, function: Any, failed: Any) -> Any:
    """Return a function of linear algebra that fails in silence unless told otherwise."""

    def call(*args: Any, **named: Any) -> Any:
        if name in DEAR:
            raise AssertionError(f"cupy.linalg.{name} decomposes in singular values")
        raising = getattr(_state, "linalg", "ignore") == "raise"
        LEDGER.waits += raising
        try:
            return function(*args, **named)
        except np.linalg.LinAlgError:
            if raising:
                raise
            return failed(*args)

    return call


def _solve_triangular(a: Any, b: Any, trans: int = 0, lower: bool = False, **_: Any) -> ndarray:
    LEDGER.launches += 1
    held = scipy.linalg.solve_triangular(
        _here(a), _here(b), trans=trans, lower=lower, check_finite=False
    )
    return _there(held)


def _unfinished(a: ndarray) -> ndarray:
    """Return what is left of a matrix that is not positive definite: numbers like any others."""
    return ndarray(np.tril(a._held))


def _nothing(a: ndarray, b: ndarray | None = None) -> ndarray:
    return ndarray(np.full_like((a if b is None else b)._held, np.nan))


class OutOfMemoryError(MemoryError):
    """``cupy.cuda.memory.OutOfMemoryError``."""

    def __init__(self, size: int) -> None:
        super().__init__(f"Out of memory allocating {size:,} bytes")
        self._size = size


# the modules --------------------------------------------------------------------------------


class Generator:
    """``cupy.random.Generator``, as far as the benchmarks draw from it."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def standard_normal(self, size: Any) -> ndarray:
        return ndarray(self._random.standard_normal(size))

    def random(self, size: Any) -> ndarray:
        return ndarray(self._random.random(size))


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    module.__path__ = []
    module.__dict__.update(members)
    return module


def _functions(name: str, source: Any) -> dict[str, Any]:
    """Return what a module of CuPy's has, by NumPy or SciPy where they have it."""
    found = {}
    for one, (kind, parameters) in KNOWN[name].items():
        original = getattr(source, one, None)
        if original is None:
            continue
        if kind == "type" or isinstance(original, type):
            found[one] = original
            continue
        known = ["out", "dtype", "casting"] if kind == "ufunc" else parameters
        found[one] = _counted(one, original, known)
    return found


def build() -> dict[str, ModuleType]:
    """Return the modules, by name."""
    _operators()
    linalg = _functions("cupy.linalg", np.linalg)
    failing = {"cholesky": _unfinished, "solve": _nothing, "inv": _nothing}
    for name in {*failing, *DEAR} & linalg.keys():
        linalg[name] = _checked(name, linalg[name], failing.get(name))
    runtime = SimpleNamespace(
        driverGetVersion=lambda: 13020,
        runtimeGetVersion=lambda: 13020,
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda _: PROPERTIES,
        memGetInfo=lambda: (MEMORY, MEMORY),
    )
    pool = SimpleNamespace(free_bytes=lambda: 0, free_all_blocks=lambda: None)
    device = _module("cupy.cuda.device", Device=Device)
    cuda = _module(
        "cupy.cuda", Device=Device, device=device, runtime=runtime, Stream=streams.Stream,
        Event=streams.Event, get_current_stream=streams.get_current_stream,
    )  # fmt: skip
    modules = {
        "cupy.linalg": _module("cupy.linalg", __all__=sorted(linalg), **linalg),
        "cupy.fft": _module("cupy.fft", **_functions("cupy.fft", np.fft)),
        "cupy.cuda": cuda,
        "cupy.cuda.device": device,
    }
    constants = {name: getattr(np, name) for name in ("pi", "e", "inf", "nan", "newaxis")}
    own = {
        "ndarray": ndarray, "dtype": np.dtype, "asarray": _asarray, "array": _array,
        "asnumpy": _asnumpy, "ElementwiseKernel": host_kernels.Elementwise,
        "RawModule": host_kernels.Raw, "get_default_memory_pool": lambda: pool,
        "random": SimpleNamespace(default_rng=Generator),
        "matmul": _counted("matmul", np.matmul, KNOWN["cupy"]["matmul"][1]),
        "__version__": KNOWN["version"],
    }  # fmt: skip
    cupy = _module("cupy", **{**_functions("cupy", np), **constants, **own})
    cupy.__dict__.update(
        {name[5:]: module for name, module in modules.items() if name.count(".") == 1}
    )
    special = _functions("cupyx.scipy.special", scipy.special)
    return {
        "cupy": cupy,
        **modules,
        "cupyx": _module("cupyx", errstate=errstate),
        "cupyx.scipy": _module("cupyx.scipy"),
        "cupyx.scipy.special": _module("cupyx.scipy.special", **special),
        "cupyx.scipy.linalg": _module("cupyx.scipy.linalg", solve_triangular=_solve_triangular),
    }


MODULES: dict[str, ModuleType] = {}


@contextmanager
def installed() -> Iterator[Any]:
    """Let the pretended CuPy be the one that is imported; without effect on a real one."""
    if not MODULES:
        MODULES.update(build())
    sys.modules.update(MODULES)
    try:
        with pretended_cublas.installed():
            yield MODULES["cupy"]
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)
