"""Contenders run in turns, so that whatever slows the machine slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

REST_S = 0.1
Sample = Callable[[], list[float]]


@dataclass
class Contender:
    """One way to do a task: a name, and a function that runs it and says how long that took.

    A sample may hold several timings, as when another process measures itself; ``at_most`` bounds
    the samples of such a process, which is slow to start. ``result`` is what the last run returned.
    """

    name: str
    sample: Sample
    at_most: int | None = None
    result: Any = None
    seconds: list[float] = field(default_factory=list)

    @property
    def summary(self) -> dict[str, float | int]:
        """The least and the middle of the times, and how many there are."""
        return {
            "min_s": round(min(self.seconds), 7),
            "median_s": round(statistics.median(self.seconds), 7),
            "runs": len(self.seconds),
        }


def clocked(name: str, function: Callable[[], Any]) -> Contender:
    """Return a contender that is timed from here, by the wall clock."""

    def sample() -> list[float]:
        start = time.perf_counter()
        contender.result = function()
        return [time.perf_counter() - start]

    contender = Contender(name, sample)
    return contender


def race(
    contenders: Sequence[Contender], repeat: int, least_s: float = 1.0, limit_s: float = 60.0
) -> None:
    """Run the contenders in turns and fill in their times.

    The first round warms up and is not counted, except for a contender that took longer than
    ``limit_s``: that one time is all it gets. Then come ``repeat`` rounds, or as many more (to 200)
    as fill ``least_s`` seconds, so that short tasks are measured often.
    """
    warm = {contender.name: contender.sample() for contender in contenders}
    running = [c for c in contenders if sum(warm[c.name]) <= limit_s]
    for contender in contenders:
        contender.seconds = [] if contender in running else warm[contender.name]
    round_s = sum(sum(warm[c.name]) for c in running if c.at_most is None)
    rounds = max(repeat, min(200, int(least_s / max(round_s, 1e-6))))
    for index in range(rounds):
        for contender in running:
            if contender.at_most is None:
                settle(contender, rest_s=min(REST_S, round_s))
                contender.seconds += contender.sample()
            elif index < contender.at_most:
                contender.seconds += contender.sample()


def settle(contender: Contender, rest_s: float) -> None:
    """Rest, then run once uncounted: let the last contender's threads go to sleep.

    Thread pools of linear algebra and OpenMP libraries spin for a while after their last work, and
    leave caches full of their own data; without this, the next in turn is up to twice as slow.
    """
    time.sleep(rest_s)
    contender.sample()
