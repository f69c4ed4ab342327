"""The paths suite: lasso paths of 100 values of λ, beside glmnet and scikit-learn.

The grid goes from λ_max to 1e-3 of it.

glmnet runs at its default tolerance, and at one that makes its solutions about as accurate as ours;
statdl at its default, there with numba's compiled loops and without, and at a tolerance that is the
largest violation of glmnet's solutions, so that both are as accurate: that time is to be met. Every
contender's largest violation of the optimality conditions, as a share of λ_max, is in the record.
glmnet and statdl end a path early by the same rules; scikit-learn has none.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import statdl as sd
from benchmarks import machine, peers
from benchmarks.timing import Contender, clocked, race

RATIO, COUNT = 1e-3, 100
GLMNET, ACCURATE = "glmnet", "glmnet, accurate"
OURS, PLAIN, LOOSE = "statdl", "statdl, no numba", "statdl, glmnet's accuracy"
#: Where there is no glmnet, its violations are about this.
ABOUT = 3e-4
#: glmnet's thresholds: its default, and one that brings its violations near 1e-7.
THRESHOLDS = {GLMNET: 1e-7, ACCURATE: 1e-12}


@dataclass(frozen=True)
class Task:
    """One line of the table: a family and a size; ``classes`` for the multinomial."""

    family: str
    n: int
    p: int
    classes: int = 1

    @property
    def title(self) -> str:
        """What is measured."""
        many = f", K = {self.classes}" if self.classes > 1 else ""
        return f"{self.family} path, {self.n:,} × {self.p:,}{many}"

    def draw(self, quick: bool) -> tuple[Any, Any]:
        """Independent columns of which some matter."""
        n, p = (min(self.n, 120), min(self.p, 60)) if quick else (self.n, self.p)
        rng = np.random.default_rng(7)
        X = rng.standard_normal((n, p))
        slopes = np.zeros((p, self.classes))
        for k in range(self.classes):
            chosen = rng.choice(p, max(5, min(p // 10, 50)), replace=False)
            slopes[chosen, k] = rng.standard_normal(len(chosen))
        eta = X @ slopes
        eta = 2 * eta / eta.std()
        if self.family == "gaussian":
            return X, eta[:, 0] + rng.standard_normal(n)
        if self.family == "binomial":
            return X, (rng.random(n) < 1 / (1 + np.exp(-eta[:, 0]))).astype(float)
        return X, np.argmax(eta + rng.gumbel(size=eta.shape), axis=1).astype(float)


TASKS = (
    Task("gaussian", 10_000, 500),
    Task("gaussian", 1_000, 5_000),
    Task("gaussian", 200, 50),
    Task("binomial", 10_000, 200),
    Task("binomial", 500, 2_000),
    Task("multinomial", 10_000, 200, 4),
    Task("multinomial", 500, 2_000, 4),
)

SCRIPT = """
suppressPackageStartupMessages(library(glmnet))
given <- commandArgs(TRUE)
n <- as.integer(given[2]); p <- as.integer(given[3]); family <- given[4]
values <- readBin(given[1], "double", n * (p + 1))
y <- values[1:n]; X <- matrix(values[-(1:n)], n, p)
once <- function() glmnet(X, y, family = family, lambda.min.ratio = as.numeric(given[5]),
                          nlambda = as.integer(given[6]), thresh = as.numeric(given[7]))
inner <- as.integer(given[8]); fit <- NULL
times <- replicate(as.integer(given[9]), { start <- proc.time()[["elapsed"]]
  for (i in 1:inner) fit <<- once()
  (proc.time()[["elapsed"]] - start) / inner })
tables <- coef(fit)
if (!is.list(tables)) tables <- list(tables)
writeBin(c(length(fit$lambda), fit$lambda, unlist(lapply(tables, function(t) as.numeric(t)))),
         given[10])
cat(times)
"""


def violation(task: Task, X: Any, y: Any, lambdas: Any, table: Any) -> float:
    """Return the largest violation of a condition as a share of λ_max; table (L, p + 1, q)."""
    n = len(y)
    spread = X.std(axis=0)
    centred = X - X.mean(axis=0)
    target = np.eye(task.classes)[y.astype(int)] if task.classes > 1 else y[:, None]
    worst = 0.0
    for lambda_, one in zip(lambdas, table, strict=True):
        eta = X @ one[1:] + one[0]
        if task.family == "gaussian":
            mean = eta
        elif task.family == "binomial":
            mean = 1 / (1 + np.exp(-eta))
        else:
            powers = np.exp(eta - eta.max(axis=1, keepdims=True))
            mean = powers / powers.sum(axis=1, keepdims=True)
        score = centred.T @ (target - mean) / n / spread[:, None]
        b = one[1:]
        if task.classes > 1:  # what is 0 for a class may be so by the choice of a shift
            off = np.maximum(np.abs(score) - lambda_, 0)
        else:
            out = np.maximum(np.abs(score) - lambda_, 0)
            off = np.where(b == 0, out, np.abs(score - lambda_ * np.sign(b)))
        worst = max(worst, float(off.max()))
    return worst / float(lambdas[0])


def ours(task: Task, X: Any, y: Any, **options: Any) -> Callable[[], Any]:
    """``sd.path`` at its defaults, or with options."""

    def run() -> Any:
        grid: dict[str, Any] = {"lambda_min_ratio": RATIO, "n_lambda": COUNT}
        return sd.path(X=X, y=y, family=task.family, **grid, **options).estimate

    return run


def without_numba(run: Callable[[], Any]) -> Callable[[], Any]:
    """Return the same as if numba were not installed."""

    def plain() -> Any:
        with mock.patch.dict(sys.modules, {"numba": None}):
            return run()

    return plain


def in_python(task: Task, X: Any, y: Any, tolerance: float) -> list[Contender]:
    """Ours: at the default tolerance, compiled and plain, and at glmnet's accuracy."""
    found = [clocked(OURS, ours(task, X, y))]
    if importlib.util.find_spec("numba") is not None:
        found.append(clocked(PLAIN, without_numba(ours(task, X, y))))
    return [*found, clocked(LOOSE, ours(task, X, y, tolerance=tolerance))]


def in_r(task: Task, X: Any, y: Any, quick: bool) -> list[Contender]:
    """glmnet in R, timed there."""
    rscript = shutil.which("Rscript")
    if rscript is None or not _has_glmnet(rscript):
        return []
    # for classes its accurate solutions take minutes, or do not come
    names = [GLMNET] if task.classes > 1 else list(THRESHOLDS)
    return [_glmnet(name, rscript, task, X, y, quick) for name in names]


def _has_glmnet(rscript: str) -> bool:
    probe = [rscript, "--vanilla", "-e", "q(status = !requireNamespace('glmnet', quietly = TRUE))"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def _glmnet(name: str, rscript: str, task: Task, X: Any, y: Any, quick: bool) -> Contender:
    n, p = X.shape
    short = n * p <= 20_000

    def sample() -> list[float]:
        with tempfile.TemporaryDirectory() as folder:
            values, script, out = (Path(folder, part) for part in ("values", "path.R", "out"))
            np.column_stack([y, X]).T.tofile(values)
            script.write_text(SCRIPT)
            sizes = (n, p, task.family, RATIO, COUNT, THRESHOLDS[name])
            often = (20 if short else 1, 1 if quick or name == ACCURATE else 3)
            command = [rscript, "--vanilla", script, values, *sizes, *often, out]
            run = subprocess.run(
                list(map(str, command)), check=True, capture_output=True, text=True
            )
            raw = np.fromfile(out)
        count = int(raw[0])
        table = raw[1 + count :].reshape(task.classes, count, p + 1).transpose(1, 2, 0)
        contender.result = raw[1 : 1 + count], table
        return [float(seconds) for seconds in run.stdout.split()]

    contender = Contender(name, sample, at_most=1 if name == ACCURATE else 2)
    return contender


def in_scikit_learn(task: Task, X: Any, y: Any) -> list[Contender]:
    """``lasso_path``, for the gaussian; there is none for the others."""
    if task.family != "gaussian" or task.p > 1_000:
        return []

    def path(sk: Any) -> Any:
        scaled = np.asfortranarray((X - X.mean(axis=0)) / X.std(axis=0))
        alphas, coefs, _ = sk.lasso_path(scaled, y - y.mean(), eps=RATIO, alphas=COUNT)
        b = coefs.T / X.std(axis=0)
        heads = y.mean() - b @ X.mean(axis=0)
        return alphas, np.concatenate([heads[:, None], b], axis=1)[:, :, None]

    return peers.installed(sklearn=path)


def solutions(contender: Contender) -> tuple[Any, Any]:
    """Return λ (L,) and the coefficients (L, p + 1, q) of a contender's last run."""
    found = contender.result
    if isinstance(found, tuple):
        return found
    table = np.concatenate([found.intercepts[:, None, :], found.coefficients], axis=1)
    return found.strengths, table


def _as_good(name: str, accuracy: dict[str, float]) -> bool:
    """Tell whether a time of ours is of solutions as accurate as glmnet's."""
    return name.startswith(OURS) and accuracy[name] <= 1.1 * accuracy.get(GLMNET, np.inf)


def record(task: Task, X: Any, y: Any, contenders: list[Contender]) -> dict[str, Any]:
    """One task as it is written to JSON: times, the goal, the accuracy of each."""
    times = {contender.name: contender.summary for contender in contenders}
    accuracy = {one.name: violation(task, X, y, *solutions(one)) for one in contenders}
    reached = [one["min_s"] for name, one in times.items() if _as_good(name, accuracy)]
    met = GLMNET not in times or min(reached) <= times[GLMNET]["min_s"]
    return {
        "task": task.title,
        "goal": {"peers": {GLMNET: 1.0}},
        "met": bool(met),
        "times": times,
        "violations": accuracy,
        "agreement": None,
    }


def suite(repeat: int, quick: bool, only: str, limit_s: float) -> Iterator[dict[str, Any]]:
    """Yield the machine's facts first, then a record for each task."""
    yield {"machine": machine.facts(), "quick": quick, "repeat": repeat}
    for task in TASKS:
        if only in task.title:
            X, y = task.draw(quick)
            rivals = in_r(task, X, y, quick)
            tolerance = ABOUT
            for rival in rivals[:1]:
                rival.sample()
                tolerance = violation(task, X, y, *rival.result)
            rivals += in_scikit_learn(task, X, y)
            contenders = [*in_python(task, X, y, tolerance), *rivals]
            race(contenders, repeat, least_s=0.0 if quick else 1.0, limit_s=limit_s)
            yield record(task, X, y, contenders)
