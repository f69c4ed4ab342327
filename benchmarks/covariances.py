"""``python -m benchmarks.covariances``: what each covariance is worth, on the data it is made for.

Samples are drawn from models whose slopes are known: with errors of one variance, with variances
that grow with a skewed regressor, with errors that clusters share (few clusters, many, two ways),
with autocorrelated errors, and for counts, a 0/1 response and three classes with more variance than
the family has or with clusters. Under each covariance two things are counted: how often the 95 %
interval of the first slope covers the truth, and how often the Wald test of both slopes rejects the
truth at 5 %. A covariance that fits its data has 0.95 and 0.05; the others show what it costs to
take them where they do not belong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import statdl as sd
from benchmarks.machine import facts
from benchmarks.readme import RESULTS

LEVEL = 0.95
#: Refits of the bootstraps.
REFITS = 199
HC = ("HC0", "HC1", "HC2", "HC3", "HC4")


@dataclass(frozen=True)
class Sample:
    """A sample with its true slopes, and what rows belong together."""

    front: Callable[..., Any]
    X: Any
    y: Any
    slopes: Any
    options: dict[str, Any]
    cluster: Any = None


@dataclass(frozen=True)
class Design:
    """A name, a way to draw samples, and the covariances to try."""

    name: str
    draw: Callable[[np.random.Generator], Sample]
    kinds: tuple[str, ...]


def skewed(random: np.random.Generator, n: int) -> Any:
    """Return regressors of which the first has a long tail, so that some rows have leverage."""
    return np.column_stack([random.lognormal(0, 0.8, n), random.normal(size=n)])


def linear(random: np.random.Generator, X: Any, errors: Any, cluster: Any = None) -> Sample:
    """Return a linear response with slopes 1 and −0.5."""
    slopes = np.array([1.0, -0.5])
    return Sample(sd.lm, X, 1 + X @ slopes + errors, slopes, {}, cluster)


def equal(random: np.random.Generator, n: int) -> Sample:
    """Return errors of one variance."""
    return linear(random, skewed(random, n), random.normal(size=n))


def unequal(random: np.random.Generator, n: int) -> Sample:
    """Return errors whose standard deviation is the first regressor."""
    X = skewed(random, n)
    return linear(random, X, X[:, 0] * random.normal(size=n))


def grouped(random: np.random.Generator, groups: int, size: int) -> Sample:
    """Return regressors and errors that share half of their variance within clusters."""
    codes = np.repeat(np.arange(groups), size)
    n = groups * size
    shared = random.normal(size=(groups, 3))[codes]
    own = random.normal(size=(n, 3))
    values = (shared + own) / np.sqrt(2)
    return linear(random, values[:, :2], values[:, 2], codes)


def crossed(random: np.random.Generator, groups: int, n: int) -> Sample:
    """Return the same with clusters of two ways."""
    codes = random.integers(0, groups, size=(n, 2))
    values = random.normal(size=(n, 3))
    for way in (0, 1):
        values = values + random.normal(size=(groups, 3))[codes[:, way]]
    return linear(random, values[:, :2], values[:, 2], codes)


def serial(random: np.random.Generator, n: int) -> Sample:
    """Return regressors and errors that each follow an autoregression of 0.6."""
    values = random.normal(size=(n + 50, 3))
    for t in range(1, n + 50):
        values[t] += 0.6 * values[t - 1]
    values = values[50:]
    return linear(random, values[:, :2], values[:, 2])


def overdispersed(random: np.random.Generator, n: int) -> Sample:
    """Return counts with twice to four times a Poisson's variance."""
    X = random.normal(size=(n, 2))
    slopes = np.array([0.4, -0.2])
    mean = np.exp(1 + X @ slopes)
    y = random.poisson(mean * random.gamma(1.5, 1 / 1.5, n))
    return Sample(sd.glm, X, y.astype(float), slopes, {"family": "poisson"})


def grouped_classes(random: np.random.Generator, classes: int) -> Sample:
    """Return classes without slopes whose log odds clusters share, as they do the regressors."""
    groups, size = 40, 15
    codes = np.repeat(np.arange(groups), size)
    n = groups * size
    X = (random.normal(size=(groups, 2))[codes] + random.normal(size=(n, 2))) / np.sqrt(2)
    eta = random.normal(size=(groups, classes))[codes] + random.gumbel(size=(n, classes))
    y = eta.argmax(axis=1)
    if classes == 2:
        return Sample(sd.glm, X, y, np.zeros(2), {"family": "binomial"}, codes)
    return Sample(sd.multinom, X, y, np.zeros(2 * (classes - 1)), {}, codes)


DESIGNS = (
    Design("linear, one variance, n = 60", lambda r: equal(r, 60), ("classical", *HC)),
    Design("linear, unequal variances, n = 60", lambda r: unequal(r, 60),
           ("classical", *HC, "bootstrap", "wild")),
    Design("linear, unequal variances, n = 500", lambda r: unequal(r, 500), ("classical", *HC)),
    Design("linear, 12 clusters of 20", lambda r: grouped(r, 12, 20),
           ("classical", "HC3", "cluster", "cluster, none", "cluster bootstrap", "wild clusters")),
    Design("linear, 60 clusters of 10", lambda r: grouped(r, 60, 10),
           ("classical", "HC3", "cluster", "cluster, none")),
    Design("linear, 40 × 40 clusters, n = 800", lambda r: crossed(r, 40, 800),
           ("classical", "HC3", "one way", "two ways")),
    Design("linear, autocorrelated, n = 400", lambda r: serial(r, 400),
           ("classical", "HC3", "HAC", "HAC, chosen lags")),
    Design("counts, overdispersed, n = 200", lambda r: overdispersed(r, 200),
           ("classical", "HC0", "HC1", "HC3", "bootstrap")),
    Design("0/1, 40 clusters of 15", lambda r: grouped_classes(r, 2),
           ("classical", "HC1", "cluster", "cluster bootstrap")),
    Design("three classes, 40 clusters of 15", lambda r: grouped_classes(r, 3),
           ("classical", "HC1", "cluster", "cluster bootstrap")),
)  # fmt: skip


def covariance(kind: str, sample: Sample, seed: int) -> sd.Covariance:
    """Return a covariance by its name in the table."""
    codes, boot = sample.cluster, partial(sd.Covariance, "bootstrap", B=REFITS, seed=seed)
    special: dict[str, Callable[[], sd.Covariance]] = {
        "bootstrap": boot,
        "wild": lambda: boot(scheme="wild"),
        "cluster": lambda: sd.Covariance("cluster", codes),
        "cluster, none": lambda: sd.Covariance("cluster", codes, "none"),
        "cluster bootstrap": lambda: boot(cluster=codes),
        "wild clusters": lambda: boot(cluster=codes, scheme="wild"),
        "one way": lambda: sd.Covariance("cluster", codes[:, 0]),
        "two ways": lambda: sd.Covariance("cluster", codes),
        "HAC, chosen lags": lambda: sd.Covariance("HAC", maxlags="auto"),
    }
    return special[kind]() if kind in special else sd.Covariance(kind)


def judged(fit: sd.Fit, sample: Sample, kind: str, seed: int) -> tuple[bool, bool]:
    """Tell whether the interval of the first slope covers, and whether the joint test rejects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        under = fit.with_covariance(covariance(kind, sample, seed))
        classes = sample.front is sd.multinom
        labels = [f"{k}: {name}" for k in under.levels[1:] for name in ("x1", "x2")]
        names = labels if classes else ["x1", "x2"]
        limits = under.confint(LEVEL, parm=names[0]).to_numpy()[0]
        words = [f"{name} = {slope:.17g}" for name, slope in zip(names, sample.slopes, strict=True)]
        table = under.wald(words)
    p = table[list(table.columns)[-1]][-1]
    return bool(limits[0] <= sample.slopes[0] <= limits[1]), bool(p < 1 - LEVEL)


def measured(design: Design, count: int) -> dict[str, Any]:
    """Return coverage and size of each covariance in ``count`` samples."""
    start = time.perf_counter()
    found: dict[str, list[tuple[bool, bool]]] = {kind: [] for kind in design.kinds}
    for seed in range(count):
        sample = design.draw(np.random.default_rng([seed, count]))
        fit = sample.front(X=sample.X, y=sample.y, **sample.options)
        for kind in design.kinds:
            found[kind].append(judged(fit, sample, kind, seed))
    return {
        "design": design.name,
        "samples": count,
        "covariances": {
            kind: {
                "coverage": round(float(np.mean([covers for covers, _ in rows])), 4),
                "size": round(float(np.mean([rejects for _, rejects in rows])), 4),
            }
            for kind, rows in found.items()
        },
        "seconds": round(time.perf_counter() - start, 1),
    }


def report(settings: Sequence[dict[str, Any]]) -> str:
    """Return the results as a table."""
    lines = [f"{'':38}{'coverage':>10}{'size':>8}"]
    for setting in settings:
        lines.append(setting["design"])
        for kind, rates in setting["covariances"].items():
            lines.append(f"    {kind:34}{rates['coverage']:10.3f}{rates['size']:8.3f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.covariances", description=__doc__)
    parser.add_argument("--samples", type=int, default=1000, help="samples of a design")
    parser.add_argument("--only", default="", help="designs whose name contains this text")
    parser.add_argument("--output", type=Path, default=RESULTS / "covariances.json")
    options = parser.parse_args(arguments)
    settings = []
    for design in DESIGNS:
        if options.only in design.name:
            settings.append(measured(design, options.samples))
            print(f"{design.name}: {settings[-1]['seconds']} s", file=sys.stderr)
    print(report(settings))
    document = {
        "level": LEVEL, "refits": REFITS, "settings": settings, "machine": facts(),
    }  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
