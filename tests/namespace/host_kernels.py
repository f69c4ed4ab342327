"""Kernels of a card from their own source, compiled for the host by the C++ compiler.

An elementwise kernel becomes a loop over its elements. A raw kernel becomes one block of a few
threads, which wait for each other at ``__syncthreads()`` as those of a card do; atomics, warps and
more than one block are not there.
"""

from __future__ import annotations

import ctypes
import itertools
import shutil
import subprocess
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.namespace import pretended_streams

COMPILER = shutil.which("c++")
#: Threads of a block, however many are asked for: a card's kernel must work with any number.
THREADS = 4
#: Bytes of dynamic shared memory.
SHARED = 232_448
TYPES = {"float32": "float", "float64": "double"}
#: Types of parameters of elementwise kernels that are not T.
FIXED = {"int32": "int", "int64": "long long", "uint16": "unsigned short", "float32": "float"}

ELEMENTWISE = """#include <cmath>
using namespace std;
typedef {type} T;
extern "C" void run(long n, {arguments}) {{
  for (long i = 0; i < n; i++) {{ {elements} {body} }}
}}
"""

#: The same for NVIDIA's compiler, whose mathematics needs no header.
ELEMENTWISE_CARD = """typedef {type} T;
extern "C" __global__ void run(long long n, {arguments}) {{
  long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) {{ {elements} {body} }}
}}
"""

BLOCK = """#include <cmath>
#include <pthread.h>
using namespace std;
struct Index {{ unsigned x, y, z; }};
static thread_local Index threadIdx;
static Index blockDim{{{threads}, 1, 1}};
static pthread_barrier_t gate;
static void** a;
#define __global__
#define __device__ static
#define __shared__
#define __forceinline__ inline
static void __syncthreads() {{ pthread_barrier_wait(&gate); }}
#line 1 "kernel.cu"
{code}
float shared[{shared} / 4];
static void* one(void* number) {{
  threadIdx = {{(unsigned)(size_t)number, 0, 0}};
  {name}({arguments});
  return nullptr;
}}
extern "C" void run(void** given) {{
  a = given;
  pthread_t block[{threads}];
  pthread_barrier_init(&gate, nullptr, {threads});
  for (size_t k = 0; k < {threads}; k++) pthread_create(block + k, nullptr, one, (void*)k);
  for (size_t k = 0; k < {threads}; k++) pthread_join(block[k], nullptr);
  pthread_barrier_destroy(&gate);
}}
"""


@cache
def folder() -> Path:
    """Where what is compiled in this process lies."""
    return Path(tempfile.mkdtemp(prefix="statdl-kernels-"))


_number = itertools.count()


def compiled(source: str) -> Any:
    """Return the function ``run`` of a source."""
    return opened(source).run


@cache
def opened(source: str) -> Any:
    """Return the library of a source."""
    return ctypes.CDLL(str(built(source)))


def built(source: str) -> Path:
    """Return the file of a library, compiled from a source."""
    assert COMPILER is not None, "there is no C++ compiler"
    path = folder() / f"kernel{next(_number)}.cpp"
    path.write_text(source)
    library = path.with_suffix(".so")
    command = [COMPILER, "-std=c++14", "-O2", "-shared", "-fPIC", "-pthread", path, "-o", library]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def _held(value: Any) -> Any:
    return getattr(value, "_held", value)


class Parameter(NamedTuple):
    """A parameter of an elementwise kernel."""

    raw: bool  # indexed by the kernel itself
    kind: str  # T, or a type of numbers
    name: str

    @classmethod
    def of(cls, text: str) -> Parameter:
        *raw, kind, name = text.split()
        return cls(raw == ["raw"], kind, name)


class Elementwise:
    """``cupy.ElementwiseKernel`` with arrays of one type, T, and numbers."""

    def __init__(self, taken: str, made: str, body: str, name: str, **_: Any) -> None:
        self.taken = [Parameter.of(one) for one in taken.split(",")]
        self.made = [Parameter.of(one) for one in made.split(",")]
        self.body, self.name = body, name

    def __call__(self, *given: Any, size: int | None = None) -> Any:
        """Compute; outputs that are not given are made."""
        from tests.namespace.pretended_cupy import LEDGER, ndarray

        captured = pretended_streams.capturing()
        LEDGER.launches += not captured
        parameters = self.taken + self.made
        assert not captured or len(given) == len(parameters), "an array is made in a graph"
        walked = [
            value
            for one, value in zip(parameters, given, strict=False)
            if not one.raw and isinstance(value, ndarray)
        ]
        assert (size is None) == bool(walked), "size is for kernels whose arrays are all raw"
        for one in given:  # CuPy's refusal of arrays of the host
            if isinstance(one, np.ndarray):
                raise TypeError(f"Unsupported type {type(one)}")
        kind = self._kind(given)
        shape = np.broadcast_shapes(*(one.shape for one in walked)) if size is None else (size,)
        made = [ndarray(np.empty(shape, self._own(one, kind))) for one in parameters[len(given) :]]
        pretended_streams.submit(partial(self._run, kind, shape), *given, *made)
        found = given[len(self.taken) :] or tuple(made)
        return found[0] if len(found) == 1 else found

    def _kind(self, given: Any) -> str:
        """Return what T is."""
        kinds: dict[str, set[str]] = {}
        for parameter, one in zip(self.taken + self.made, given, strict=False):
            if hasattr(one, "_held"):
                kinds.setdefault(parameter.kind, set()).add(one.dtype.name)
        for name, found in kinds.items():
            if found != ({name} if name in FIXED else found) or len(found) != 1:
                raise TypeError(f"type is mismatched: {name} is {sorted(found)}")
        return next(iter(kinds.get("T", {"float32"})))

    @staticmethod
    def _own(parameter: Parameter, kind: str) -> str:
        return kind if parameter.kind == "T" else parameter.kind

    def _run(self, kind: str, shape: tuple[int, ...], *given: Any) -> None:
        """Compute, of arrays that are all given."""
        arrays, outs = [], []
        for parameter, one in zip(self.taken + self.made, given, strict=True):
            value, wanted = _held(one), self._own(parameter, kind)
            if parameter in self.made:
                assert parameter.raw or value.shape == shape, "Out shape is mismatched"
                outs.append(value)
            if not parameter.raw:
                value = np.broadcast_to(np.asarray(value, dtype=wanted), shape)
            arrays.append(np.ascontiguousarray(value, dtype=wanted))
        compiled(self.source(TYPES[kind]))(
            ctypes.c_long(int(np.prod(shape))), *map(_pointer, arrays)
        )
        for out, done in zip(outs, arrays[len(self.taken) :], strict=True):
            out[...] = done

    def source(self, type_: str, frame: str = ELEMENTWISE) -> str:
        """Return the loop over elements of a type."""
        arguments, elements = [], []
        for one in self.taken + self.made:
            constant = "const " if one in self.taken else ""
            own = "T" if one.kind == "T" else FIXED[one.kind]
            name = one.name if one.raw else f"{one.name}_"
            arguments.append(f"{constant}{own}* {name}")
            if not one.raw:
                elements.append(f"{constant}{own}& {one.name} = {one.name}_[i];")
        return frame.format(
            type=type_, arguments=", ".join(arguments), elements=" ".join(elements), body=self.body
        )


def kinds_of(code: str, name: str) -> list[str]:
    """Return the types of a kernel's parameters."""
    head = code[code.index(f"{name}(") + len(name) + 1 :]
    return [one.strip().rsplit(maxsplit=1)[0] for one in head[: head.index(")")].split(",")]


def block_of(code: str, name: str, threads: int) -> str:
    """Return a source whose ``run`` is one block of a kernel."""
    casts = [
        f"({kind})a[{k}]" if kind.endswith("*") else f"*({kind}*)a[{k}]"
        for k, kind in enumerate(kinds_of(code, name))
    ]
    return BLOCK.format(
        code=code, name=name, threads=threads, shared=SHARED, arguments=", ".join(casts)
    )


def races(code: str, name: str, arguments: list[Any], folder: Path) -> str:
    """Return what the compiler's detector of races says of a block, "" where it finds none."""
    declared, pointers = [], []
    for k, value in enumerate(arguments):
        if value is None:
            pointers.append("nullptr")
            continue
        flat = np.asarray(value).reshape(-1)
        kind = {"float32": "float", "int32": "int", "int64": "long long"}[flat.dtype.name]
        numbers = ", ".join(f"({kind}){one!r}" for one in flat.tolist())
        declared.append(f"static {kind} a{k}[] = {{{numbers}}};")
        pointers.append(f"a{k}")
    main = f"int main() {{ void* all[] = {{{', '.join(pointers)}}}; run(all); }}"
    path = folder / "races.cpp"
    path.write_text("\n".join([block_of(code, name, THREADS), *declared, main]))
    options = ["-std=c++14", "-O1", "-g", "-fsanitize=thread", "-pthread"]
    subprocess.run([COMPILER, *options, path, "-o", path.with_suffix("")], check=True)
    done = subprocess.run([path.with_suffix("")], capture_output=True, text=True, check=False)
    return done.stderr


class Raw:
    """``cupy.RawModule``."""

    def __init__(self, *, code: str, options: tuple[str, ...] = (), **_: Any) -> None:
        self.code = code

    def get_function(self, name: str) -> RawFunction:
        """Return a kernel by its name."""
        return RawFunction(self.code, name)


class RawFunction:
    """``cupy.RawKernel``: arguments are arrays, None for no array, and NumPy's numbers."""

    def __init__(self, code: str, name: str) -> None:
        self.code, self.name = code, name
        self.max_dynamic_shared_size_bytes = 48 * 1024
        self.kinds = kinds_of(code, name)

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: Any, *, shared_mem: int = 0
    ) -> None:
        """Run one block."""
        from tests.namespace.pretended_cupy import LEDGER, ndarray

        pretended_streams.free("a block")  # not tried yet
        LEDGER.launches += 1
        assert grid == (1,), "the host has one block"
        assert block[0] <= 1024, "a block has 1024 threads at most"
        assert shared_mem <= self.max_dynamic_shared_size_bytes <= SHARED
        assert len(args) == len(self.kinds), "as many arguments as parameters"
        keep = []
        for place, (kind, value) in enumerate(zip(self.kinds, args, strict=True)):
            if kind.endswith("*"):
                assert value is None or isinstance(value, ndarray)
                if value is not None:
                    assert value.flags.c_contiguous, f"argument {place} is not contiguous"
                    self._check(kind, value)
                keep.append(None if value is None else _held(value))
            else:
                assert isinstance(value, {"int": np.int32, "float": np.float32}[kind])
                keep.append(np.asarray(value))
        pointers = [None if one is None else one.ctypes.data for one in keep]
        compiled(block_of(self.code, self.name, min(THREADS, block[0])))(
            (ctypes.c_void_p * len(pointers))(*pointers)
        )

    @staticmethod
    def _check(kind: str, value: Any) -> None:
        names = {"float": "float32", "int": "int32", "long long": "int64"}
        wanted = names[kind.removeprefix("const ").rstrip("* ").strip()]
        assert value.dtype.name == wanted, f"{kind} and {value.dtype}"
