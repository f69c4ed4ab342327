"""Bootstrap refits together, beside a loop over another package's fits."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

import statdl as sd
from benchmarks import data, peers
from benchmarks.core import STATDL
from benchmarks.data import Data
from benchmarks.timing import Contender, clocked, race
from statdl.study.bootstrap import resampled


@dataclass(frozen=True)
class Refits:
    """B refits of a logit to resampled rows; the loop is timed over ``looped`` of them.

    Refits stop within 0.05 standard errors of their maximum; ``agreement`` is how far the spread
    over resamples is from that of the loop, relative, which is noise of both.
    """

    title: str = "1,000 bootstrap refits of a logit, 2,000 × 5"
    n: int = 2_000
    p: int = 5
    B: int = 1_000
    looped: int = 100
    times: float = 20.0

    def measured(self, repeat: int, quick: bool, limit_s: float) -> dict[str, Any]:
        """Return the record of the task."""
        drawn = data.bernoulli(400 if quick else self.n, self.p)
        B, looped = (50, 10) if quick else (self.B, self.looped)
        contenders = [clocked(STATDL, _together(drawn, B)), *_loop(drawn, B, looped)]
        race(contenders, repeat, least_s=0.0, limit_s=limit_s)
        times = {contender.name: contender.summary for contender in contenders}
        theirs = times.get(peers.STATSMODELS)
        fast = theirs is None or theirs["min_s"] >= self.times * times[STATDL]["min_s"]
        spreads = [np.std(contender.result, axis=0, ddof=1) for contender in contenders]
        return {
            "task": self.title,
            "goal": {"peers": {peers.STATSMODELS: self.times}},
            "met": bool(fast),
            "times": times,
            "agreement": None,
            "spread": [np.round(spread, 4).tolist() for spread in spreads],
        }


def _together(drawn: Data, B: int) -> Any:
    fitted = sd.glm(X=drawn.X, y=drawn.y, family="binomial").estimate
    return lambda: resampled(fitted, B).parameters


def _loop(drawn: Data, B: int, looped: int) -> list[Contender]:
    """Return statsmodels' Logit in a loop, its time scaled to B refits."""
    if importlib.util.find_spec("statsmodels") is None:
        return []
    sm: Any = importlib.import_module("statsmodels.api")

    def sample() -> list[float]:
        random = np.random.default_rng(0)
        start = time.perf_counter()
        spread = []
        for _ in range(looped):
            rows = random.integers(0, len(drawn.y), len(drawn.y))
            spread.append(sm.Logit(drawn.y[rows], drawn.with_constant[rows]).fit(disp=0).params)
        contender.result = np.stack(spread)
        return [(time.perf_counter() - start) * B / looped]

    contender = Contender(peers.STATSMODELS, sample)
    return [contender]
