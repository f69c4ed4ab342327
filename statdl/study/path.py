"""Cross-validation of a path: which λ predicts rows that the fit has not seen.

Every fold's path is on the grid of λ of all rows, each solution the start of the next; least
squares has its rows as sums, from which a fold's are taken off (:mod:`statdl.estimate.leaving`).
Folds can run side by side in threads: linear algebra and compiled loops run without Python's lock.
Measures
are means over rows by weight within a fold, then over folds by weight; the standard error is that
of the mean over folds, as in glmnet. The rule of one standard error takes the largest λ whose error
is within one of the least (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.columns import is_sparse
from statdl.backend.random import generator
from statdl.errors import DataError, ModelError
from statdl.estimate.leaving import Leaving
from statdl.estimate.path import PathEstimate, Sample
from statdl.solve.progress import shown

MEASURES = ("deviance", "mse", "mae", "class", "auc")
#: Measures of which more is better.
GAINS = ("auc",)
#: Numbers η that are worked out at once.
ROOM = 4_000_000


@dataclass(frozen=True)
class Validation:
    """Means and standard errors of a measure along a path, (L,), and what each fold had, (F, L)."""

    measure: str
    strengths: Any
    mean: Any
    standard_error: Any
    by_fold: Any
    fold: Any

    @property
    def best(self) -> int:
        """The place of the best mean, of equals that with the largest λ."""
        return int(np.argmin(self._errors))

    @property
    def simplest(self) -> int:
        """The first place whose mean is within one standard error of the best."""
        limit = self._errors[self.best] + self.standard_error[self.best]
        return int(np.flatnonzero(self._errors <= limit)[0])

    @property
    def _errors(self) -> Any:
        return -self.mean if self.measure in GAINS else self.mean


def fold_of_rows(sample: Sample, family: Any, folds: Any, seed: int) -> Any:
    """Return the fold of each row, numbered from 0.

    Raises
    ------
    ModelError, DataError
        For too few rows or folds, or where a class is only in one fold.
    """
    n = int(sample.X.shape[0])
    if np.ndim(folds) == 0:
        if int(folds) != folds or not 2 <= folds <= n:
            raise ModelError(f"folds must be a whole number from 2 to the {n} rows, not {folds!r}.")
        if n < 3 * folds and folds != n:
            raise ModelError(
                f"{folds} folds need {3 * int(folds)} rows or more, and there are {n}; use fewer "
                f"folds, or folds={n} to leave out one row at a time."
            )
        fold = generator(seed).permutation(np.arange(n) % int(folds))
    else:
        fold = np.unique(to_numpy(folds), return_inverse=True)[1].reshape(-1)
        if len(fold) != n:
            raise DataError(f"folds has {len(fold)} entries, and {n} rows are used.")
        if fold.max() < 1:
            raise ModelError("folds names one fold only; two or more are needed.")
    _refuse_lost_classes(sample, family, fold)
    return fold


def _refuse_lost_classes(sample: Sample, family: Any, fold: Any) -> None:
    if family.name not in ("binomial", "multinomial"):
        return
    y, weights = to_numpy(sample.y), to_numpy(sample.weights)
    parts = np.concatenate([1 - y, y], axis=1) if y.shape[1] == 1 else y
    for name in range(int(fold.max()) + 1):
        kept = (fold != name) & (weights > 0)
        lost = np.flatnonzero((parts[kept] > 0).sum(axis=0) == 0)
        if len(lost):
            raise DataError(
                f"Without fold {name} there is no row of class {int(lost[0])}, so that nothing can "
                "be learned of it; use fewer folds, or fold numbers that spread the classes."
            )


def validate(
    path: PathEstimate, measure: str, folds: Any, seed: int, progress: bool, workers: int = 1
) -> Validation:
    """Return the cross-validation of a path, with ``workers`` folds at a time."""
    if measure not in MEASURES:
        raise ModelError(f"measure={measure!r} is not known; choose from {', '.join(MEASURES)}.")
    classes = path.family.name in ("binomial", "multinomial")
    if measure in ("class", "auc") and not classes:
        raise ModelError(
            f"measure={measure!r} is for classes, and the family is {path.family.name}."
        )
    if measure == "auc" and path.family.name != "binomial":
        raise ModelError("measure='auc' is for two classes; use 'class' or 'deviance'.")
    fold = fold_of_rows(path.sample, path.family, folds, seed)
    count = int(fold.max()) + 1
    weights = to_numpy(path.sample.weights)
    share = np.asarray([weights[fold == name].sum() for name in range(count)])
    leaving = Leaving(path)

    def held(name: int) -> Any:
        out = np.flatnonzero(fold == name)
        return measured(path.family, leaving.without(out), path.sample.take(out), measure)

    found = np.stack(list(each(held, range(count), workers, "folds" if progress else "")))
    mean = np.average(found, axis=0, weights=share)
    spread = np.average((found - mean) ** 2, axis=0, weights=share)
    return Validation(measure, path.strengths, mean, np.sqrt(spread / (count - 1)), found, fold)


def each(
    function: Callable[[int], Any], names: Sequence[int], workers: int, bar: str
) -> Iterator[Any]:
    """Yield what a function makes of folds, in their order, with so many threads at work.

    ``bar`` is the name of a progress bar; empty for none.
    """
    watched = shown(names, bar) if bar else iter(names)
    if workers == 1:
        yield from map(function, watched)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _, found in zip(watched, pool.map(function, names), strict=True):
            yield found


def measured(family: Any, line: tuple[Any, Any], sample: Sample, measure: str) -> Any:
    """Return the measure on some rows along coefficients (L, p, q) and intercepts (L, q), (L,)."""
    B, a = line
    length, p, q = B.shape
    together = max(1, ROOM // (max(int(sample.X.shape[0]), 1) * q))
    found = []
    for first in range(0, length, together):
        some = slice(first, first + together)
        flat = np.moveaxis(B[some], 0, 1).reshape(p, -1)
        eta = sample.X @ (flat if is_sparse(sample.X) else like(flat, sample.y))
        eta = namespace(sample.y).reshape(eta, (eta.shape[0], -1, q)) + like(a[some], sample.y)
        if sample.offset is not None:
            eta = eta + sample.offset[:, None, :]
        found += [_measure(family, sample, eta[:, k, :], measure) for k in range(eta.shape[1])]
    return np.asarray(found)


def _measure(family: Any, sample: Sample, eta: Array, measure: str) -> float:
    y = sample.y
    xp = namespace(y)
    total = float(xp.sum(sample.weights))
    if measure == "auc":
        return area(to_numpy(eta)[:, 0], to_numpy(y)[:, 0], to_numpy(sample.weights))
    if measure == "deviance":
        each = family.unit_deviance(eta, y)
    elif measure == "class":
        each = _wrong(eta, y)
    else:
        off = y - family.mean(eta)
        each = xp.sum(off * off if measure == "mse" else xp.abs(off), axis=1)
    each = xp.where(sample.weights > 0, each, xp.zeros_like(each))
    return float(xp.sum(sample.weights * each)) / total


def _wrong(eta: Array, y: Array) -> Array:
    """Return the share of a row that is not in the class with the largest η."""
    xp = namespace(eta)
    if eta.shape[1] == 1:
        return xp.where(eta[:, 0] > 0, 1 - y[:, 0], y[:, 0])
    places = xp.argmax(eta, axis=1)
    labels = xp.arange(eta.shape[1], dtype=places.dtype, device=eta.device)
    return 1 - xp.sum(xp.where(places[:, None] == labels, y, xp.zeros_like(y)), axis=1)


def area(score: Any, y: Any, weights: Any) -> float:
    """Return the area under the ROC curve: P(score of a 1 > score of a 0), ties count half."""
    values, place = np.unique(score, return_inverse=True)
    ones = np.bincount(place, weights=weights * y, minlength=len(values))
    zeros = np.bincount(place, weights=weights * (1 - y), minlength=len(values))
    if not (ones.sum() > 0 and zeros.sum() > 0):
        raise DataError("A fold has one class only, and no AUC; use fewer folds.")
    below = np.cumsum(zeros) - zeros / 2
    return float(ones @ below / ones.sum() / zeros.sum())
