"""Networks fitted to their optimum, as inference needs it: the diabetes network of the mlp suite.

265 rows, 10 inputs, 10 and 5 logistic units, one output, weight decay 0.01, inputs as they come.
Each of five random starts is taken to a stationary point, by statdl's Newton method to a gradient
of 1e-8 and by scikit-learn's L-BFGS as far as it goes. Then 20 starts at once, and 200 bootstrap
refits, beside a single fit.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import statdl as sd
from benchmarks.timing import Contender, clocked

STATDL, SKLEARN, ONE_FIT = "statdl", "scikit-learn", "one fit"
DECAY, SEEDS, ROWS = 0.01, 5, 265
STARTS, REFITS = 20, 200
NETWORK = "diabetes 10 → 10 → 5 → 1"


@dataclass(frozen=True)
class Optimum:
    """One task: who takes part, and either multiples that peers must take or may be taken."""

    title: str
    contenders: Callable[[bool], list[Contender]]
    peers: Mapping[str, float] = field(default_factory=dict)
    times_one_fit: float | None = None

    def record(self, contenders: list[Contender]) -> dict[str, Any]:
        """The task as it is written to JSON: times, goal and whether it was met, accuracy."""
        found = {one.name: one.result for one in contenders if isinstance(one.result, float)}
        return {
            "task": self.title,
            **judged(contenders, self.peers, self.times_one_fit),
            "loss": {name: round(loss, 3) for name, loss in found.items()},
            "agreement": None,
        }


def judged(
    contenders: list[Contender], peers: Mapping[str, float], times_one_fit: float | None
) -> dict[str, Any]:
    """The goal of a task, whether the peers that took part leave it met, and all times."""
    times = {contender.name: contender.summary for contender in contenders}
    mine = times[STATDL]["min_s"]
    goal: dict[str, Any] = {"peers": dict(peers)}
    there = {name: least for name, least in peers.items() if name in times}
    met = all(times[name]["min_s"] >= least * mine for name, least in there.items())
    if times_one_fit is not None:
        goal = {"times_floor": times_one_fit, "seconds": None}
        met = mine <= times_one_fit * times[ONE_FIT]["min_s"]
    return {"goal": goal, "met": bool(met), "times": times}


def diabetes() -> tuple[Any, Any]:
    """Return the training rows, columns of length 1, and whether progression is 140 or more."""
    data = importlib.import_module("sklearn.datasets").load_diabetes()
    split = importlib.import_module("sklearn.model_selection").train_test_split
    X, _, y, _ = split(data.data, data.target >= 140, test_size=0.4, random_state=42)
    return X[:ROWS], y[:ROWS].astype(int)


def ours(seed: int, **options: Any) -> Any:
    """``sd.mlp`` to the optimum."""
    X, y = diabetes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights that the penalty alone identifies
        return sd.mlp(
            X=X, y=y, family="binomial", hidden=(10, 5), activation="sigmoid", decay=DECAY,
            scaling="none", method="newton", seed=seed, **options,
        )  # fmt: skip


def theirs(seed: int) -> float:
    """scikit-learn's MLPClassifier until its L-BFGS ends by itself; return its loss."""
    X, y = diabetes()
    network = importlib.import_module("sklearn.neural_network").MLPClassifier(
        (10, 5), "logistic", solver="lbfgs", alpha=DECAY, max_iter=100_000, random_state=seed
    )
    return float(network.fit(X, y).loss_) * len(y)


def to_the_optimum(quick: bool) -> list[Contender]:
    """Both from as many random starts, one after the other; the result is the mean loss."""
    seeds = range(1 if quick else SEEDS)
    return [
        clocked(STATDL, lambda: float(np.mean([ours(seed).estimate.loss for seed in seeds]))),
        clocked(SKLEARN, lambda: float(np.mean([theirs(seed) for seed in seeds]))),
    ]


def starts_at_once(quick: bool) -> list[Contender]:
    """A fit from one start, and the best of many."""
    starts = 3 if quick else STARTS
    return [
        clocked(ONE_FIT, lambda: ours(0).estimate.loss),
        clocked(STATDL, lambda: ours(0, restarts=starts).estimate.loss),
    ]


def refits_at_once(quick: bool) -> list[Contender]:
    """A fit, and the bootstrap covariance from its refits."""
    fit = ours(0)
    refits = 5 if quick else REFITS
    return [
        clocked(ONE_FIT, lambda: ours(0).estimate.loss),
        clocked(STATDL, lambda: fit.vcov("bootstrap", B=refits)),
    ]


TASKS = (
    Optimum(f"{NETWORK} to the optimum, {SEEDS} starts", to_the_optimum, {SKLEARN: 3.0}),
    Optimum(f"{NETWORK}, {STARTS} starts at once", starts_at_once, times_one_fit=4.0),
    Optimum(f"{NETWORK}, {REFITS} bootstrap refits", refits_at_once, times_one_fit=20.0),
)
