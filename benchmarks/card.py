"""A card: what it is, its two ceilings, and the fits that are measured on it.

Data are drawn on the card. Floors are the larger of two times: the bytes that must be read over the
card's bandwidth, and the operations of XᵀWX over its float64 rate, both measured in the same run.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import statdl as sd

cupy: Any = None


def open_card() -> None:
    """Import CuPy; nothing here works before."""
    global cupy
    cupy = importlib.import_module("cupy")


def facts() -> dict[str, Any]:
    """Return what the card is, and the versions beneath it."""
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(0)
    return {
        "name": properties["name"].decode(),
        "memory_gb": round(properties["totalGlobalMem"] / 1e9, 1),
        "multiprocessors": properties["multiProcessorCount"],
        "l2_mb": round(properties["l2CacheSize"] / 1e6, 1),
        "driver": _cuda(runtime.driverGetVersion()),
        "runtime": _cuda(runtime.runtimeGetVersion()),
        "cupy": cupy.__version__,
    }


def _cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def best_of(function: Callable[[], Any], runs: int = 5, warm: int = 1) -> float:
    """Return the least time of some runs, the card idle before and after each."""
    times = []
    for run in range(warm + runs):
        cupy.cuda.Device().synchronize()
        start = time.perf_counter()
        function()
        cupy.cuda.Device().synchronize()
        if run >= warm:
            times.append(time.perf_counter() - start)
    return min(times)


@dataclass(frozen=True)
class Ceilings:
    """Bytes a second that are copied (read and written), and float64 operations a second."""

    bandwidth: float
    rate: float

    def floor(self, n: int, p: int, equations: int = 1) -> float:
        """Return the seconds no pass over n × p can beat: reading X and y, or forming XᵀWX.

        Every pair of equations has a symmetric product of p + 1 columns, weighted by its own.
        """
        m, pairs = p + 1, equations * (equations + 1) // 2
        return max(8.0 * n * m / self.bandwidth, float(pairs) * n * m * (m + 1) / self.rate)


def ceilings(numbers: int = 2**28, order: int = 8192) -> Ceilings:
    """Measure both: a copy of 2 GB, and a product of matrices."""
    source = cupy.ones(numbers)
    target = cupy.empty_like(source)
    copied = best_of(lambda: cupy.copyto(target, source))
    square = cupy.random.default_rng(0).standard_normal((order, order))
    multiplied = best_of(lambda: square @ square)
    return Ceilings(16.0 * numbers / copied, 2.0 * order**3 / multiplied)


@dataclass
class Task:
    """A fit with full inference, data on the card.

    ``times_floor`` is for the whole fit, or with ``each_step`` for every full-data step, of which
    there may be ``most_steps``. ``part`` is how many rows the slow peers and the comparison with
    the CPU get.
    """

    title: str
    kind: str
    n: int
    p: int
    classes: int
    times_floor: float
    part: int
    each_step: bool = False
    most_steps: int | None = None
    seed: int = 0
    X: Any = field(default=None, repr=False)
    y: Any = field(default=None, repr=False)

    def smaller(self, share: float) -> Task:
        """Return the same with fewer rows; under 1 % with fewer columns, to see that all runs."""
        n, tiny = max(2_000, int(self.n * share)), share < 0.01
        p = min(self.p, 5) if tiny else self.p
        return replace(
            self,
            title=f"{self.kind}, {n:,} × {p}",
            n=n,
            p=p,
            classes=min(self.classes, 3) if tiny else self.classes,
            part=min(self.part, n),
        )

    def draw(self) -> None:
        """Draw the data on the card, in pieces: drawing takes memory of its own."""
        rng = cupy.random.default_rng(self.seed)
        slopes = cupy.asarray(
            np.random.default_rng(self.seed).standard_normal((self.p, max(self.classes, 1)))
            * (1.5 / np.sqrt(self.p))
        )
        self.X, self.y = cupy.empty((self.n, self.p)), cupy.empty((self.n,))
        for start in range(0, self.n, 1_000_000):
            rows = slice(start, min(start + 1_000_000, self.n))
            X = rng.standard_normal((rows.stop - rows.start, self.p))
            self.X[rows], self.y[rows] = X, self._response(rng, X @ slopes)

    def _response(self, rng: Any, eta: Any) -> Any:
        n = eta.shape[0]
        if self.kind == "lm":
            return 1.0 + eta[:, 0] + 2.0 * rng.standard_normal(n)
        if self.kind == "logit":
            return (rng.random(n) < 1 / (1 + cupy.exp(0.5 - eta[:, 0]))).astype(float)
        gumbel = -cupy.log(-cupy.log(rng.random(eta.shape)))
        return cupy.argmax(eta + gumbel, axis=1).astype(float)

    def release(self) -> None:
        """Give the memory back."""
        self.X = self.y = None
        cupy.get_default_memory_pool().free_all_blocks()

    def floor(self, known: Ceilings) -> float:
        """Return the floor of one pass."""
        return known.floor(self.n, self.p, max(self.classes - 1, 1))

    def fit(self, X: Any = None, y: Any = None) -> Any:
        """Fit, and ask for all that a reader looks at."""
        X, y = (self.X, self.y) if X is None else (X, y)
        fit = {
            "lm": lambda: sd.lm(X=X, y=y),
            "logit": lambda: sd.glm(X=X, y=y, family="binomial"),
            "softmax": lambda: sd.multinom(X=X, y=y),
        }[self.kind]()
        _ = fit.pvalues, fit.conf_int()
        return fit

    def host_part(self) -> tuple[Any, Any]:
        """Return the first rows on the host."""
        return cupy.asnumpy(self.X[: self.part]), cupy.asnumpy(self.y[: self.part])


TASKS = (
    Task("lm, 20,000,000 × 50", "lm", 20_000_000, 50, 0, 2.5, 1_000_000, seed=1),
    Task("logit, 10,000,000 × 50", "logit", 10_000_000, 50, 1, 3.0, 500_000, True, 4, seed=2),
    Task(
        "softmax, 2,000,000 × 50, K = 10", "softmax", 2_000_000, 50, 10, 3.0, 50_000, True, seed=3
    ),
)
