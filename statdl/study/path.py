"""Cross-validation of a path: which λ predicts rows that the fit has not seen.

Every fold's path is on the grid of λ of all rows, each solution the start of the next. Of many rows
least squares asks sums only, which are formed once for each fold and added up for the others. Folds
can run side by side in threads: linear algebra and compiled loops run without Python's lock.
Measures are means over rows by weight within a fold, then over folds by weight; the standard error
is that of the mean over folds, as in glmnet. The rule of one standard error takes the largest λ
whose error is within one of the least (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.columns import is_sparse
from statdl.backend.random import generator
from statdl.backend.rows import Rows
from statdl.backend.threads import one_thread
from statdl.backend.triangle import Centred, Centring
from statdl.errors import DataError, ModelError
from statdl.estimate.path import PathEstimate, path_of_sample
from statdl.estimate.sample import PathSample, Sample, SummedSample
from statdl.solve.progress import shown

#: Measures that sums of products tell.
OF_SUMS = ("deviance", "mse")
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
    fold = np.full(len(counted), -1)
    if np.ndim(folds) == 0:
        fold[counted] = _drawn_folds(folds, int(counted.sum()), seed)
    else:
        fold[counted] = _named_folds(to_numpy(folds), counted)
    _refuse_lost_classes(sample, family, fold, levels)
    return fold


def _drawn_folds(folds: Any, rows: int, seed: int) -> Any:
    """Return a fold for each of some rows, all of nearly one size, in an order that is drawn."""
    if int(folds) != folds or not 2 <= folds <= rows:
        raise ModelError(f"folds must be a whole number from 2 to the {rows} rows, not {folds!r}.")
    if rows < 3 * folds and folds != rows:
        raise ModelError(
            f"{folds} folds need {3 * int(folds)} rows or more, and there are {rows}; use "
            f"fewer folds, or folds={rows} to leave out one row at a time."
        )
    return generator(seed).permutation(np.arange(rows) % int(folds))


def _named_folds(labels: Any, counted: Any) -> Any:
    """Return the number of the label of each row that counts."""
    if len(labels) != len(counted):
        raise DataError(f"folds has {len(labels)} entries, and {len(counted)} rows are used.")
    lost = [k for k, label in enumerate(labels.tolist()) if label is None or label != label]
    if lost:
        raise DataError(f"folds has no label for {len(lost)} rows; the first is row {lost[0]}.")
    fold = np.unique(labels[counted], return_inverse=True)[1].reshape(-1)
    if fold.max() < 1:
        raise ModelError("folds names one fold only; two or more are needed.")
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
    check_measure(measure, path.family.name)
    sample = path.sample
    assert isinstance(sample, Sample)
    fold = fold_of_rows(sample, path.family, folds, seed, path.specification.levels)
    count = int(fold.max()) + 1
    weights = to_numpy(sample.weights)
    share = np.asarray([weights[fold == name].sum() for name in range(count)])
    sums = _sums_of_folds(path, fold, count)

    def held(name: int) -> Any:
        rest: PathSample = (
            _others(sums, name, path) if sums else sample.take(np.flatnonzero(fold != name))
        )
        return measured(along(path, rest), sample.take(np.flatnonzero(fold == name)), measure)

    found = np.stack(list(each(held, range(count), workers, "folds" if progress else "")))
    return _over_folds(path, measure, found, share, fold)


def _sums_of_folds(path: PathEstimate, fold: Any, count: int) -> list[Centred]:
    """Return the sums of each fold, or none: where they are as many numbers as the rows have."""
    sample, (n, p) = path.sample, path.shape
    assert isinstance(sample, Sample)
    if not path.family.quadratic or is_sparse(sample.X) or count * (p + 1) > n:
        return []
    parts = [sample.take(np.flatnonzero(fold == name)) for name in range(count)]
    shift = to_numpy(namespace(sample.y).mean(sample.y, axis=0))
    centring = Centring(np.concatenate([sample.moments()[0], shift]))
    return [centring(Rows(one.X, one.y, one.weights, one.offset)).on_host() for one in parts]


def _others(sums: Sequence[Centred], out: int, path: PathEstimate) -> SummedSample:
    """Return the sums of all folds but one, in place of their rows."""
    joined = reduce(add, (one for k, one in enumerate(sums) if k != out))
    return SummedSample(joined, path.shape[0], path.sample.nobs)


def _over_folds(
    path: PathEstimate, measure: str, found: Any, share: Any, fold: Any = None
) -> Validation:
    """Return means and standard errors from what each fold had, (F, L), and its weight, (F,)."""
    mean = np.average(found, axis=0, weights=share)
    spread = np.average((found - mean) ** 2, axis=0, weights=share)
    error = np.sqrt(spread / (len(share) - 1))
    return Validation(measure, path.strengths, mean, error, found, fold)


def check_measure(measure: str, family: str) -> None:
    """Refuse a measure that there is not, or not for the family."""
    if measure not in MEASURES:
        raise ModelError(f"measure={measure!r} is not known; choose from {', '.join(MEASURES)}.")
    if measure in ("class", "auc") and family not in ("binomial", "multinomial"):
        raise ModelError(f"measure={measure!r} is for classes, and the family is {family}.")
    if measure == "auc" and family != "binomial":
        raise ModelError("measure='auc' is for two classes; use 'class' or 'deviance'.")


def validate_sums(path: PathEstimate, parts: Sequence[Centred], measure: str) -> Validation:
    """Return the cross-validation of a least-squares path from the sums of each fold.

    The others' sums make the path of a fold, and its own tell the mean of (y − ŷ)², which is the
    deviance too: (yᵀy − 2 bᵀXᵀy + bᵀXᵀXb) / n, about the means.
    """
    found = []
    for k, own in enumerate(parts):
        others = _others(parts, k, path)
        trained = along(path, others)
        B, a = trained.coefficients[:, :, 0], trained.intercepts[:, 0]
        found.append(replace(others, sums=own).mean_squares(B, a))
    share = np.asarray([float(one.weight) for one in parts])
    return _over_folds(path, measure, np.stack(found), share)


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
    with one_thread(), ThreadPoolExecutor(workers) as pool:  # a core for each worker
        for _, found in zip(watched, pool.map(function, names), strict=True):
            yield found


def along(path: PathEstimate, sample: PathSample) -> PathEstimate:
    """Return the path of other rows on the same grid."""
    grid = replace(path.grid, given=tuple(float(value) for value in path.strengths))
    return path_of_sample(path.specification, sample, path.family, path.penalties, grid)


def measured(path: PathEstimate, sample: Sample, measure: str) -> Any:
    """Return the measure on some rows at every λ, (L,)."""
    length, p, q = path.coefficients.shape
    together = max(1, ROOM // (max(sample.shape[0], 1) * q))
    found = []
    for first in range(0, length, together):
        B, a = (part[first : first + together] for part in (path.coefficients, path.intercepts))
        flat = replace(sample, offset=None).eta(np.moveaxis(B, 0, 1).reshape(p, -1), a.reshape(-1))
        eta = namespace(sample.y).reshape(flat, (flat.shape[0], len(B), q))
        if sample.offset is not None:
            eta = eta + sample.offset[:, None, :]
        found += [_measure(path.family, sample, eta[:, k, :], measure) for k in range(len(B))]
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
