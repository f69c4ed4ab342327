"""``python -m benchmarks.coverage``: how often 95 % intervals of networks cover the truth.

Data are drawn from networks of one hidden layer with two tanh units, for a normal and for a 0/1
response, and networks of the same shape are fitted to them from random starts. Two kinds of
intervals are counted: of the mean response at given inputs, and of the average marginal effect of
each input. An effect is an average over the rows at hand, and so is its truth.

``coverage_of_mean`` and ``coverage_of_effect`` count every sample whose fit gives an interval. For
a 0/1 response maximum likelihood often has no finite maximum at this size, since a unit turned into
a step gains without end: such a fit is separated and gives none, does not converge or is singular.
``regular`` counts those that are none of that, and the settings without decay show what becomes of
the intervals. A little decay makes samples regular.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import statdl as sd
from benchmarks.machine import facts
from benchmarks.readme import RESULTS
from statdl.estimate import Identification

LEVEL = 0.95
#: Where the mean response is asked for: the middle, and about one standard deviation around it.
POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.5], [0.5, 1.0], [-0.5, -1.0]])
SIGMA = 0.5


@dataclass(frozen=True)
class Truth:
    """μ = g⁻¹(b + Σ_u v_u tanh(a_u + x·w_u)), and its slopes."""

    family: str
    W: Any
    a: Any
    v: Any
    b: float
    decay: float = 0.0

    def mean(self, X: Any) -> Any:
        """Return μ at the rows of X."""
        eta = self.b + np.tanh(X @ self.W + self.a) @ self.v
        return eta if self.family == "gaussian" else 1 / (1 + np.exp(-eta))

    def effects(self, X: Any) -> Any:
        """Return the average of ∂μ/∂x over the rows of X."""
        h = np.tanh(X @ self.W + self.a)
        slope = ((1 - h**2) * self.v) @ self.W.T
        if self.family == "gaussian":
            return slope.mean(axis=0)
        mean = self.mean(X)
        return (slope * (mean * (1 - mean))[:, None]).mean(axis=0)

    def draw(self, random: np.random.Generator, X: Any) -> Any:
        """Return a response to the rows of X."""
        mean = self.mean(X)
        if self.family == "gaussian":
            return mean + SIGMA * random.normal(size=len(X))
        return (random.random(len(X)) < mean).astype(float)


NORMAL = Truth(
    "gaussian",
    np.array([[1.5, 0.4], [-0.5, 1.2]]),
    np.array([0.3, -0.6]),
    np.array([1.5, 1.0]),
    0.5,
)
CLASSES = replace(NORMAL, family="binomial", v=np.array([2.5, 2.0]), b=0.2)
TRUTHS = (NORMAL, replace(CLASSES, decay=0.2), CLASSES)


@dataclass(frozen=True)
class Replicate:
    """Which intervals covered in one sample, and whether its fit is what theory speaks of."""

    regular: bool
    mean: Any  # (points,) 1, 0, or NaN without an interval
    effect: Any  # (inputs,)


def replicate(truth: Truth, n: int, seed: int, restarts: int) -> Replicate:
    """Draw a sample, fit it, and see which intervals cover."""
    random = np.random.default_rng([seed, n])
    X = random.normal(size=(n, 2))
    y = truth.draw(random, X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sd.mlp(
            X=X,
            y=y,
            family=truth.family,
            hidden=2,
            decay=truth.decay,
            restarts=restarts,
            seed=seed,
        )
        at = fit.predict(POINTS, interval="confidence", level=LEVEL)
        effects = fit.effects(level=LEVEL)
    lower, upper = effects["2.5 %"], effects["97.5 %"]
    there, own = truth.mean(POINTS), truth.effects(X)
    return Replicate(
        fit.converged and fit.estimate.identification is not Identification.SINGULAR,
        _covered(np.asarray(at["lwr"]), there, np.asarray(at["upr"])),
        _covered(lower, own, upper),
    )


def _covered(lower: Any, truth: Any, upper: Any) -> Any:
    """Return 1 where an interval holds the truth, 0 where not, NaN where there is none."""
    inside = (lower <= truth) & (truth <= upper)
    return np.where(np.isnan(lower) | np.isnan(upper), np.nan, inside)


def setting(truth: Truth, n: int, count: int, restarts: int) -> dict[str, Any]:
    """Return the coverage in ``count`` samples of n rows."""
    start = time.perf_counter()
    found = [replicate(truth, n, seed, restarts) for seed in range(count)]
    return {
        "family": truth.family,
        "n": n,
        "decay": truth.decay,
        "samples": count,
        "regular": sum(one.regular for one in found),
        "coverage_of_mean": _share([one.mean for one in found]),
        "coverage_of_effect": _share([one.effect for one in found]),
        "coverage_by_point": _shares([one.mean for one in found]),
        "coverage_by_input": _shares([one.effect for one in found]),
        "seconds": round(time.perf_counter() - start, 1),
    }


def _share(covered: Sequence[Any]) -> float:
    return round(float(np.nanmean(np.stack(covered))), 4)


def _shares(covered: Sequence[Any]) -> list[float]:
    return [round(float(share), 4) for share in np.nanmean(np.stack(covered), axis=0)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--samples", type=int, default=500, help="samples a setting")
    parser.add_argument("--restarts", type=int, default=6, help="random starts of a fit")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000], help="rows")
    parser.add_argument("--output", type=Path, default=RESULTS / "coverage.json")
    options = parser.parse_args(arguments)
    settings = []
    for truth in TRUTHS:
        for n in options.sizes:
            settings.append(setting(truth, n, options.samples, options.restarts))
            print(json.dumps(settings[-1]), file=sys.stderr)
    document = {
        "level": LEVEL,
        "restarts": options.restarts,
        "settings": settings,
        "machine": facts(),
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
