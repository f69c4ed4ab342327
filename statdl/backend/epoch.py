"""An epoch of training of a small network in one launch: the kernel in ``epoch.cu``.

A launch costs a card as much as thousands of products, so that a small network, whose batch is nine
of them, waits for launches most of its time. Here one block of threads walks through all batches of
an epoch by itself. How fast that is has not been measured, so that it is used only where it is
asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from statdl.backend.array import Array, like, namespace
from statdl.backend.kernels import HEADS, NUMBERS, RULES
from statdl.lazy import lazy

cupy = lazy("cupy")

SOURCE = Path(__file__).with_name("epoch.cu")
NAME = "statdl_epoch"
#: The activations that the kernel knows, by their numbers there.
ACTIVATIONS = ("identity", "relu", "tanh", "sigmoid")
#: The heads that it knows.
FAMILIES = (*HEADS, "multinomial")
#: Threads of its block. ``make gpu-check`` measures others beside it.
THREADS = 512
#: Parameters beyond which a multiprocessor is too small for a network.
MOST_PARAMETERS = 1 << 16
#: The compiler's: the same arithmetic as elsewhere, but for sums that it fuses.
OPTIONS = ("-std=c++17",)

HEADER = """typedef float T;
#define NUMBERS {count}
#define SOFTMAX {softmax}
__device__ __forceinline__ T slope_of(const T eta, const T y) {{ return {head}; }}
__device__ __forceinline__ void take_step(
    T& w, T& m, T& s, const T g, const T decayed, const T* const number)
{{
    const T {numbers};
    {rule}
}}
#line 1 "epoch.cu"
"""


@dataclass(frozen=True)
class Dense:
    """A layer: where its table [b | W] starts in θ, its sizes, and its activation."""

    start: int
    inputs: int
    outputs: int
    activation: str = "identity"


def source_of(rule: str, family: str) -> str:
    """Return the kernel's source for a rule and a head.

    Examples
    --------
    >>> "SOFTMAX 1" in source_of("adam", "multinomial")
    True
    """
    header = HEADER.format(
        count=len(NUMBERS),
        softmax=int(family not in HEADS),
        head=HEADS.get(family, "eta - y"),
        numbers=", ".join(f"{name} = number[{k}]" for k, name in enumerate(NUMBERS)),
        rule=RULES[rule],
    )
    return header + SOURCE.read_text(encoding="utf-8")


@cache
def _kernel(rule: str, family: str) -> Any:
    return cupy.RawModule(code=source_of(rule, family), options=OPTIONS).get_function(NAME)


def room_of(layers: Sequence[Dense], size: int, batch: int) -> tuple[list[list[int]], int]:
    """Return the kernel's table of layers, and how many numbers its room has.

    Parameters come first, then the inputs of each layer, then the slopes of the outputs of each.

    Examples
    --------
    >>> table, numbers = room_of([Dense(0, 2, 3, "tanh"), Dense(9, 3, 1)], 13, 4)
    >>> table, numbers
    ([[0, 2, 3, 2, 13, 33], [9, 3, 1, 0, 21, 45]], 49)
    """
    places, at = [], size
    for width in (*(one.inputs for one in layers), *(one.outputs for one in layers)):
        places.append(at)
        at += batch * width
    table = [
        [one.start, one.inputs, one.outputs, ACTIVATIONS.index(one.activation), inside, slopes]
        for one, inside, slopes in zip(
            layers, places[: len(layers)], places[len(layers) :], strict=True
        )
    ]
    return table, at


@dataclass(frozen=True)
class Data:
    """Rows as the kernel reads them, float32 and contiguous: as in Rows, weights relative."""

    X: Array
    y: Array
    weights: Array | None = None
    offset: Array | None = None


class WholeEpoch:
    """Epochs of a network, each in one launch.

    ``gradient`` (P,) and ``eta`` (n, q) are filled by every run: with the gradient of the last
    batch, and with η in the order of the epoch.
    """

    def __init__(
        self,
        layers: Sequence[Dense],
        intercept: bool,
        data: Data,
        batch: int,
        *,
        rule: str,
        family: str,
        penalty: Array | None,
        decayed: Array,
    ) -> None:
        xp = namespace(data.X)
        self._data, self._penalty, self._decayed = data, penalty, decayed
        self._rows, self._size = data.X.shape[0], decayed.shape[0]
        self.gradient = xp.zeros((self._size,), dtype=xp.float32)
        self.eta = xp.empty((self._rows, layers[-1].outputs), dtype=xp.float32)
        table, numbers = room_of(layers, self._size, batch)
        self._layers = like(table, data.X, xp.int32)
        self._shared, self._scratch = _memory(4 * numbers, data.X)
        self._kernel = _kernel(rule, family)
        offsets = 0 if data.offset is None else data.offset.shape[1]
        counts = (len(layers), int(intercept), self._size, self._rows, batch, offsets)
        self._counts = tuple(map(xp.int32, counts))

    def run(self, parameters: Array, memory: Sequence[Array], order: Array, numbers: Any) -> None:
        """Move parameters and memory in place; ``numbers`` (batches, 7) are those of the steps."""
        first, second = (*memory, None, None)[:2]
        data = self._data
        if self._shared:
            self._kernel.max_dynamic_shared_size_bytes = self._shared
        self._kernel(
            (1,),
            (THREADS,),
            (
                parameters, first, second, self.gradient,
                data.X, data.y, data.weights, data.offset,
                order, self._decayed, self._penalty, like(numbers, data.X),
                self.eta, self._scratch, self._layers, *self._counts,
            ),
            shared_mem=self._shared,
        )  # fmt: skip


def _memory(size: int, like: Array) -> tuple[int, Array | None]:
    """Return the bytes of shared memory, and room in the card's where it is too small."""
    if size <= like.device.attributes["MaxSharedMemoryPerBlockOptin"]:
        return size, None
    xp = namespace(like)
    return 0, xp.empty((-(-size // 4),), dtype=xp.float32)
