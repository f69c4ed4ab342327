"""The core suite: lm, glm and multinom with full inference, and the cost of the import.

Every task says what must be reached, as a multiple of its floor or in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import data, floors, machine, ours, peers
from benchmarks.data import Data
from benchmarks.timing import Contender, clocked, race

FLOOR, STATDL = "floor", "statdl"
#: The package by itself, and with the first front door and all that it fits with.
IMPORTS = ("import statdl", "from statdl import lm")


@dataclass(frozen=True)
class Task:
    """One line of the table.

    ``draw`` makes the data, ``quick`` makes small data of the same kind; ``floor``, ``ours`` and
    ``peers`` turn data into contenders. The goal is ``times_floor`` or ``seconds``.
    """

    title: str
    draw: Callable[[], Data]
    quick: Callable[[], Data]
    ours: Callable[[Data], Callable[[], Any]]
    peers: Callable[[Data], list[Contender]]
    floor: Callable[[Data], Callable[[], Any]] | None = None
    times_floor: float | None = None
    seconds: float | None = None

    def contenders(self, drawn: Data) -> list[Contender]:
        """The floor, ourselves, and the peers that are installed."""
        first = [] if self.floor is None else [clocked(FLOOR, self.floor(drawn))]
        return [*first, clocked(STATDL, self.ours(drawn)), *self.peers(drawn)]


def _lm(n: int, p: int, times: float) -> Task:
    return Task(
        title=f"lm, {n:,} × {p}",
        draw=lambda: data.normal(n, p),
        quick=lambda: data.normal(2_000, p),
        ours=ours.lm,
        peers=peers.lm,
        floor=floors.least_squares,
        times_floor=times,
    )


def _logit(n: int, p: int, times: float) -> Task:
    return Task(
        title=f"logit, {n:,} × {p}",
        draw=lambda: data.bernoulli(n, p),
        quick=lambda: data.bernoulli(4_000, p),
        ours=ours.logit,
        peers=peers.logit,
        floor=floors.logistic,
        times_floor=times,
    )


def _softmax(n: int, p: int, K: int, times: float) -> Task:
    return Task(
        title=f"softmax, {n:,} × {p}, K = {K}",
        draw=lambda: data.multinoulli(n, p, K),
        quick=lambda: data.multinoulli(3_000, p, K),
        ours=ours.softmax,
        peers=peers.softmax,
        floor=floors.softmax,
        times_floor=times,
    )


TASKS = (
    _lm(1_000_000, 20, 2.0),
    _lm(200_000, 100, 2.0),
    Task(
        title="lm and summary text, 2,000 × 5",
        draw=lambda: data.normal(2_000, 5),
        quick=lambda: data.normal(2_000, 5),
        ours=ours.lm_text,
        peers=peers.lm_text,
        seconds=0.002,
    ),
    _logit(500_000, 20, 7.0),
    _logit(100_000, 100, 4.0),
    _softmax(100_000, 20, 5, 8.0),
    _softmax(20_000, 50, 10, 3.0),
)
IMPORT_GOAL_S = 0.15


def measure(repeat: int, quick: bool, only: str, limit_s: float) -> Iterator[dict[str, Any]]:
    """Yield a record for each task whose title contains ``only``, as soon as it is measured."""
    for task in TASKS:
        if only in task.title:
            contenders = task.contenders(task.quick() if quick else task.draw())
            race(contenders, repeat, least_s=0.0 if quick else 1.0, limit_s=limit_s)
            yield record(task.title, contenders, task.times_floor, task.seconds)
    for statement in IMPORTS:
        if only in statement:
            contenders = [peers.over_numpy(STATDL, statement), *peers.imports()]
            race(contenders, 1 if quick else max(repeat, 7), least_s=0.0)
            yield record(f"{statement}, over import numpy", contenders, None, IMPORT_GOAL_S)


def record(
    title: str, contenders: list[Contender], times_floor: float | None, seconds: float | None
) -> dict[str, Any]:
    """One task as it is written to JSON: times, the goal and whether it was met, agreement."""
    times = {contender.name: contender.summary for contender in contenders}
    mine = times[STATDL]["min_s"]
    goal = seconds if times_floor is None else times_floor * times[FLOOR]["min_s"]
    return {
        "task": title,
        "goal": {"times_floor": times_floor, "seconds": seconds},
        "met": bool(goal is not None and mine <= goal),
        "times": times,
        "agreement": agreement({contender.name: contender.result for contender in contenders}),
    }


def agreement(results: dict[str, Any]) -> dict[str, float] | None:
    """Largest differences from statsmodels: estimates, and standard errors.

    A difference of estimates is relative to the larger of the estimate and its standard error.
    """
    mine, theirs = results.get(STATDL), results.get(peers.STATSMODELS)
    if not (isinstance(mine, tuple) and isinstance(theirs, tuple)):
        return None
    params, errors = (like(value, theirs[0]) for value in mine)
    scale = np.maximum(np.abs(theirs[0]), theirs[1])
    return {
        "params": float(np.max(np.abs(params - theirs[0]) / scale)),
        "bse": float(np.max(np.abs(errors / theirs[1] - 1.0))),
    }


def like(value: Any, reference: Any) -> Any:
    """Turn a table of coefficients the way round that the reference has it."""
    if value.shape == reference.shape:
        return value
    return value.T if value.ndim == reference.ndim else value.reshape(reference.shape, order="F")


def suite(repeat: int, quick: bool, only: str, limit_s: float) -> Iterator[dict[str, Any]]:
    """Yield the machine's facts first, then a record for each task."""
    yield {"machine": machine.facts(), "quick": quick, "repeat": repeat}
    yield from measure(repeat, quick, only, limit_s)
