"""The infer suite: what is asked of a fit, measured by what the fit itself took.

The floor of a task is named in its title; a goal is a multiple of it, or seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import statdl as sd
from benchmarks import core, data, machine
from benchmarks.core import Task
from benchmarks.data import Data
from benchmarks.footprint import Footprint
from benchmarks.timing import race


def fit(drawn: Data) -> Callable[[], Any]:
    """``sd.lm`` on arrays."""
    return lambda: sd.lm(X=drawn.X, y=drawn.y)


def influence(drawn: Data) -> Callable[[], Any]:
    """Every measure of influence of every row, DFBETAS included."""
    fitted = sd.lm(X=drawn.X, y=drawn.y)
    return lambda: fitted.influence().shape


TASKS: tuple[Task | Footprint, ...] = (
    Task(
        title="influence, 1,000,000 × 20 (floor: lm)",
        draw=lambda: data.normal(1_000_000, 20),
        quick=lambda: data.normal(2_000, 20),
        ours=influence,
        peers=lambda drawn: [],
        floor=fit,
        times_floor=4.0,
    ),
    Footprint("average slopes of a multinom, 400,000 × 10, K = 5", "avg_slopes"),
    Footprint("a slope in every row of a multinom, 400,000 × 10, K = 5", "slopes"),
)


def suite(repeat: int, quick: bool, only: str, limit_s: float) -> Iterator[dict[str, Any]]:
    """Yield the machine's facts first, then a record for each task."""
    yield {"machine": machine.facts(), "quick": quick, "repeat": repeat}
    for task in TASKS:
        if only not in task.title:
            continue
        if isinstance(task, Footprint):
            yield task.measured(repeat, quick, limit_s)
        else:
            contenders = task.contenders(task.quick() if quick else task.draw())
            race(contenders, repeat, least_s=0.0, limit_s=limit_s)
            yield core.record(task.title, contenders, task.times_floor, task.seconds)
