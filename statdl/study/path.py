"""Cross-validation of a path: which λ predicts rows that the fit has not seen.

Every fold's path is on the grid of λ of all rows, each solution the start of the next. Folds can
run side by side in threads: linear algebra and compiled loops run without Python's lock. Measures
are means over rows by weight within a fold, then over folds by weight; the standard error is that
of the mean over folds, as in glmnet. The rule of one standard error takes the largest λ whose error
is within one of the least (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.columns import is_sparse
from statdl.backend.random import generator
from statdl.errors import DataError, ModelError
from statdl.estimate.path import PathEstimate, Sample, path_of_sample
from statdl.solve.progress import shown

MEASURES = ("deviance", "mse", "mae", "class", "auc")
#: Measures of which more is better.
GAINS = ("auc",)


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


def fold_of_rows(
    sample: Sample, family: Any, folds: Any, seed: int, levels: Sequence[Any] = ()
) -> Any:
    """Return the fold of each row, numbered from 0; −1 for rows of weight 0.

    Raises
    ------
    ModelError, DataError
        For too few rows or folds, or where a class is only in one fold.
    """
    counted = to_numpy(sample.weights) > 0
    rows, n = int(counted.sum()), len(counted)
    fold = np.full(n, -1)
    if np.ndim(folds) == 0:
        if int(folds) != folds or not 2 <= folds <= rows:
            raise ModelError(
                f"folds must be a whole number from 2 to the {rows} rows, not {folds!r}."
            )
        if rows < 3 * folds and folds != rows:
            raise ModelError(
                f"{folds} folds need {3 * int(folds)} rows or more, and there are {rows}; use "
                f"fewer folds, or folds={rows} to leave out one row at a time."
            )
        fold[counted] = generator(seed).permutation(np.arange(rows) % int(folds))
    else:
        given = to_numpy(folds)
        if len(given) != n:
            raise DataError(f"folds has {len(given)} entries, and {n} rows are used.")
        lost = [k for k, label in enumerate(given.tolist()) if label is None or label != label]
        if lost:
            raise DataError(f"folds has no label for {len(lost)} rows; the first is row {lost[0]}.")
        fold[counted] = np.unique(given[counted], return_inverse=True)[1].reshape(-1)
        if fold.max() < 1:
            raise ModelError("folds names one fold only; two or more are needed.")
    _refuse_lost_classes(sample, family, fold, levels)
    return fold


def _refuse_lost_classes(sample: Sample, family: Any, fold: Any, levels: Sequence[Any]) -> None:
    if family.name not in ("binomial", "multinomial"):
        return
    y, weights = to_numpy(sample.y), to_numpy(sample.weights)
    parts = np.concatenate([1 - y, y], axis=1) if y.shape[1] == 1 else y
    for name in range(int(fold.max()) + 1):
        kept = (fold != name) & (weights > 0)
        lost = np.flatnonzero((parts[kept] > 0).sum(axis=0) == 0)
        if len(lost):
            named = levels[int(lost[0])] if len(levels) else int(lost[0])
            raise DataError(
                f"Without fold {name} there is no row of class {named}, so that nothing can "
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
    fold = fold_of_rows(path.sample, path.family, folds, seed, path.specification.levels)
    count = int(fold.max()) + 1
    weights = to_numpy(path.sample.weights)
    share = np.asarray([weights[fold == name].sum() for name in range(count)])

    def held(name: int) -> Any:
        trained = along(path, np.flatnonzero(fold != name))
        return measured(trained, path.sample.take(np.flatnonzero(fold == name)), measure)

    found = np.stack(list(each(held, range(count), workers, progress)))
    mean = np.average(found, axis=0, weights=share)
    spread = np.average((found - mean) ** 2, axis=0, weights=share)
    return Validation(measure, path.strengths, mean, np.sqrt(spread / (count - 1)), found, fold)


def each(
    function: Callable[[int], Any], names: Sequence[int], workers: int, progress: bool
) -> Iterator[Any]:
    """Yield what a function makes of folds, in their order, with so many threads at work."""
    watched = shown(names, "folds") if progress else iter(names)
    if workers == 1:
        yield from map(function, watched)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _, found in zip(watched, pool.map(function, names), strict=True):
            yield found


def along(path: PathEstimate, rows: Any) -> PathEstimate:
    """Return the path of some rows on the same grid."""
    grid = replace(path.grid, given=tuple(float(value) for value in path.strengths))
    sample = path.sample.take(rows)
    return path_of_sample(path.specification, sample, path.family, path.penalties, grid)


def eta_of(path: PathEstimate, sample: Sample, place: int) -> Array:
    """Return η of rows at one λ, (n, q)."""
    B, a = path.coefficients[place], path.intercepts[place]
    if is_sparse(sample.X):
        eta = sample.X @ B + a
    else:
        eta = sample.X @ like(B, sample.y) + like(a, sample.y)
    return eta if sample.offset is None else eta + sample.offset


def measured(path: PathEstimate, sample: Sample, measure: str) -> Any:
    """Return the measure on some rows at every λ, (L,)."""
    return np.asarray(
        [
            _measure(path, sample, eta_of(path, sample, k), measure)
            for k in range(len(path.strengths))
        ]
    )


def _measure(path: PathEstimate, sample: Sample, eta: Array, measure: str) -> float:
    family, y = path.family, sample.y
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
