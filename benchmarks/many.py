"""The many suite: thousands of fits of one model, beside a loop over fits.

A loop over another package's fits is timed over some of them, and its time is in proportion.
Refits of a network are measured beside one fit of its own, and its cross-validation beside the loop
over its folds and decays that it stands for.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import statdl as sd
from benchmarks import data, machine, peers
from benchmarks.core import STATDL
from benchmarks.data import Data
from benchmarks.optimum import ONE_FIT, judged
from benchmarks.timing import Contender, clocked, race
from statdl.study.bootstrap import case_weights
from statdl.study.heldout import Scheme, split_of

#: Distance of a refit from its maximum in the tasks that ask for all digits.
EXACT = 1e-10
#: Folds and decays of a network's cross-validation.
FOLDS, DECAYS = 10, tuple(np.geomspace(0.3, 30, 8))
CROSSED = f"{FOLDS} folds × {len(DECAYS)} decays of that mlp"
ADAM = sd.GradientDescent(sd.Adam(0.01), batch=32, epochs=50)


@dataclass(frozen=True)
class Task:
    """Many fits: who takes part, and a multiple that a peer must take or one fit may be taken."""

    title: str
    contenders: Callable[[bool], list[Contender]]
    peers: Mapping[str, float] = field(default_factory=dict)
    times_one_fit: float | None = None

    def record(self, contenders: list[Contender]) -> dict[str, Any]:
        """The task as it is written to JSON: times, goal and whether it was met."""
        return {
            "task": self.title,
            **judged(contenders, self.peers, self.times_one_fit),
            "agreement": None,
            "difference": _difference(contenders),
        }


@dataclass(frozen=True)
class Loop:
    """Fits of another package, one after the other, to the resamples that statdl has."""

    fit: Callable[[Any, Any, Any], Any]
    fits: int
    looped: int

    def contender(self, name: str, drawn: Data, weights: Any) -> Contender:
        """Return the loop over some of the resamples, its time that of all of them."""
        rows = [np.repeat(np.arange(len(drawn.y)), one.astype(int)) for one in weights]

        def sample() -> list[float]:
            start = time.perf_counter()
            found = [self.fit(drawn.y, drawn.with_constant, one) for one in rows]
            contender.result = np.stack(found)
            return [(time.perf_counter() - start) * self.fits / self.looped]

        contender = Contender(name, sample)
        return contender


def logit(tolerance: float | None) -> Callable[[bool], list[Contender]]:
    """Bootstrap refits of a logit, 2,000 × 5, beside statsmodels' Logit."""

    def contenders(quick: bool) -> list[Contender]:
        drawn = data.bernoulli(400 if quick else 2_000, 5)
        B, looped = (50, 10) if quick else (1_000, 100)
        fit = sd.glm(X=drawn.X, y=drawn.y, family="binomial")
        ours = clocked(STATDL, lambda: sd.bootstrap(fit, B, tolerance=tolerance).estimates)
        weights = case_weights(fit.estimate, looped, 0)
        return [ours, *_beside(drawn, weights, Loop(statsmodels_logit, B, looped))]

    return contenders


def line(quick: bool) -> list[Contender]:
    """Bootstrap refits of a linear regression, 2,000 × 5, beside statsmodels' OLS."""
    drawn = data.normal(400 if quick else 2_000, 5)
    B, looped = (50, 10) if quick else (1_000, 100)
    fit = sd.lm(X=drawn.X, y=drawn.y)
    ours = clocked(STATDL, lambda: sd.bootstrap(fit, B, tolerance=EXACT).estimates)
    weights = case_weights(fit.estimate, looped, 0)
    return [ours, *_beside(drawn, weights, Loop(_statsmodels_ols, B, looped))]


def softmax(quick: bool) -> list[Contender]:
    """Bootstrap refits of a softmax regression, 1,000 × 4, K = 3, beside statsmodels' MNLogit."""
    drawn = data.multinoulli(300 if quick else 1_000, 4, 3)
    B, looped = (20, 5) if quick else (1_000, 50)
    fit = sd.multinom(X=drawn.X, y=drawn.y)
    ours = clocked(STATDL, lambda: sd.bootstrap(fit, B, tolerance=EXACT).estimates)
    weights = case_weights(fit.estimate, looped, 0)
    return [ours, *_beside(drawn, weights, Loop(_statsmodels_mnlogit, B, looped))]


def _small_network(**options: Any) -> Any:
    """Return a network 10 → 8 → 1 of 500 rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 10))
    y = np.tanh(X @ rng.standard_normal(10) * 0.4) + 0.3 * rng.standard_normal(500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights that the penalty alone identifies
        return sd.mlp(X=X, y=y, hidden=8, decay=1.0, seed=0, **options)


def network(quick: bool) -> list[Contender]:
    """A network 10 → 8 → 1 of 500 rows, and its bootstrap refits from the optimum."""
    fit = _small_network()
    B = 5 if quick else 200
    return [
        clocked(ONE_FIT, lambda: _small_network().estimate.loss),
        clocked(STATDL, lambda: sd.bootstrap(fit, B).estimates),
    ]


def folds(**options: Any) -> Callable[[bool], list[Contender]]:
    """Cross-validation of that network over decays: all fits at once, and one after the other."""

    def contenders(quick: bool) -> list[Contender]:
        fit = _small_network(**options)
        decays = DECAYS[-2:] if quick else DECAYS
        scheme = Scheme("kfold", 3 if quick else FOLDS)
        parts = split_of(fit.estimate.frame, scheme).folds

        def at_once() -> Any:
            study = sd.complexity(fit, over={"decay": decays}, folds=scheme.folds)
            return np.asarray([one.errors.validation_error for one in study.candidates])

        def looped() -> Any:
            return np.asarray([_cross_validated(fit, decay, parts) for decay in decays])

        return [clocked(STATDL, at_once), clocked(peers.LOOP, looped)]

    return contenders


def _cross_validated(fit: Any, decay: float, parts: Any) -> float:
    """Return the mean squared error of rows under networks that have not seen them."""
    X, y = (fit.call.arguments[name] for name in ("X", "y"))
    squares = np.empty(len(y))
    fit.update(decay=decay)  # the one of all rows, which is to be chosen
    for part in parts:
        net = fit.update(decay=decay, subset=~np.isin(np.arange(len(y)), part))
        squares[part] = (y[part] - net.predict(X[part])) ** 2
    return float(np.mean(squares))


TASKS = (
    Task("1,000 bootstrap refits of a logit, 2,000 × 5", logit(None), {peers.STATSMODELS: 20.0}),
    Task("1,000 bootstrap refits of that logit, each to 1e-10", logit(EXACT)),
    Task("1,000 bootstrap refits of lm, 2,000 × 5, to 1e-10", line),
    Task("1,000 bootstrap refits of a multinom, 1,000 × 4, K = 3, to 1e-10", softmax),
    Task("200 bootstrap refits of mlp 10 → 8 → 1, n = 500", network, times_one_fit=20.0),
    Task(f"{CROSSED}, Newton", folds()),
    Task(f"{CROSSED}, 5 starts", folds(restarts=5)),
    Task(f"{CROSSED}, L-BFGS", folds(method="lbfgs")),
    Task(f"{CROSSED}, Adam, 50 epochs", folds(method=ADAM)),
)


def suite(repeat: int, quick: bool, only: str, limit_s: float) -> Iterator[dict[str, Any]]:
    """Yield the machine's facts first, then a record for each task."""
    yield {"machine": machine.facts(), "quick": quick, "repeat": repeat}
    for task in TASKS:
        if only in task.title:
            contenders = task.contenders(quick)
            race(contenders, repeat, least_s=0.0, limit_s=limit_s)
            yield task.record(contenders)


def _beside(drawn: Data, weights: Any, loop: Loop) -> list[Contender]:
    if importlib.util.find_spec("statsmodels") is None:
        return []
    return [loop.contender(peers.STATSMODELS, drawn, weights)]


def statsmodels_logit(y: Any, X: Any, rows: Any) -> Any:
    """Return statsmodels' estimates of a logit of some rows."""
    sm: Any = importlib.import_module("statsmodels.api")
    return sm.Logit(y[rows], X[rows]).fit(disp=0).params


def _statsmodels_ols(y: Any, X: Any, rows: Any) -> Any:
    sm: Any = importlib.import_module("statsmodels.api")
    return sm.OLS(y[rows], X[rows]).fit().params


def _statsmodels_mnlogit(y: Any, X: Any, rows: Any) -> Any:
    sm: Any = importlib.import_module("statsmodels.api")
    return sm.MNLogit(y[rows], X[rows]).fit(disp=0).params.T.reshape(-1)


def _difference(contenders: list[Contender]) -> float | None:
    """Return the largest difference from the loop's fits, relative to the largest number."""
    ours = next(one.result for one in contenders if one.name == STATDL)
    for one in contenders:
        if isinstance(one.result, np.ndarray) and one.result is not ours:
            there = one.result
            return float(np.abs(ours[: len(there)] - there).max() / np.abs(there).max())
    return None
