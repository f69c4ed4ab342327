"""Learning curves: what more rows are worth.

Errors of models learnt from m rows approach that of endless data from two sides, about as

    V(m) = a + b/m    on rows held out,
    T(m) = a − b/m    on the rows learnt from,

which for least squares with p parameters has b = σ² p (Amari & Murata 1993). The two lines in 1/m
through the larger sizes tell what doubling the rows would save, b/(2m), and where both curves end,
a. The errors on rows held out alone would tell it less well: those of few rows are too wild.

That T rises holds of fits at a minimum. Where training stopped before, more rows are more steps:
both errors fall together, and their distance tells nothing of more data.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.random import generator
from statdl.errors import DataError, ModelError, StatdlWarning
from statdl.formula import ModelFrame
from statdl.report import DataTable, page, plot
from statdl.report.reading import Reading
from statdl.report.table import Document, Printed
from statdl.solve.progress import shown
from statdl.study.heldout import Scheme, Split, split_of, targets
from statdl.study.learner import Learned, Learner
from statdl.study.verdict import mean, mean_error

#: Doubling the rows helps where it would save more than this share of the error.
WORTHWHILE = 0.05


@dataclass(frozen=True, repr=False)
class LearningCurve(Printed):
    """Errors by the number of rows learnt from.

    Attributes
    ----------
    sizes : tuple of int
        Rows learnt from.
    training, validation, standard_error : tuple of float
        Mean deviances, and the standard error of those of rows held out.
    limit : float
        a, the error of endless rows.
    saving : float
        b/(2m), what doubling the rows would save.

    Examples
    --------
    >>> import statdl as sd
    >>> line = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> curve = sd.learning_curve(line, sizes=(10, 15, 20, 25))
    >>> curve.limit <= curve.validation[-1] or not curve.helps
    True
    """

    label: str
    sizes: tuple[int, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    standard_error: tuple[float, ...]
    limit: float
    saving: float

    @property
    def helps(self) -> bool:
        """Whether more data would help."""
        return self.saving > WORTHWHILE * self.validation[-1]

    @property
    def unfinished(self) -> bool:
        """Whether both errors fall with the rows, so that the fits were not at their minimum."""
        half = len(self.sizes) // 2
        own, held = self.training[half], self.validation[half]
        return (
            own - self.training[-1] > WORTHWHILE * own
            and held - self.validation[-1] > self.standard_error[-1]
        )

    @property
    def reading(self) -> str:
        """What the curve says, in a sentence."""
        if self.unfinished:
            return (
                "Both errors fall with the rows, as more rows are more steps: the model is not yet "
                "trained to the end, and what more data would be worth cannot be told. Train "
                "longer, or with a larger learning rate, and ask again."
            )
        last, doubled = self.validation[-1], 2 * self.sizes[-1]
        saved = f"{self.saving / last:.0%}" if last else "0%"
        if self.helps:
            return (
                f"More data would help: {doubled:,} rows would lower the error of {last:.3g} by "
                f"about {saved}, and endless ones to about {self.limit:.3g}."
            )
        return (
            f"More data would not help: the error of {last:.3g} would fall by {saved} with "
            f"{doubled:,} rows. A better model, or other inputs, might do more."
        )

    @property
    def table(self) -> DataTable:
        """Errors by rows learnt from."""
        return DataTable(
            "Rows",
            tuple(f"{size:,}" for size in self.sizes),
            {
                "Training": self.training,
                "Validation": self.validation,
                "Std. Error": self.standard_error,
            },
            title=f"Learning curve of {self.label}",
            notes=(self.reading,),
        )

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def readings(self) -> tuple[Reading, ...]:
        """Return what the curve says."""
        return (Reading("More data", self.reading),)

    def sections(self) -> tuple[page.Section, ...]:
        """Return the picture."""
        picture = page.illustrated(
            lambda: page.drawn(self.plot, "Errors by the number of rows learnt from.")
        )
        return (page.Section("Picture", (picture,)),)

    def plot(self, ax: Any = None) -> Any:
        """Draw the errors over the rows learnt from."""
        return plot.draw_learning(
            self.sizes, self.training, self.validation, self.standard_error, self.limit,
            f"Learning curve: {self._verdict}", ax,
        )  # fmt: skip

    @property
    def _verdict(self) -> str:
        if self.unfinished:
            return "not trained to the end"
        return f"more data would {'' if self.helps else 'not '}help"


def learning_curve_of(
    learner: Learner,
    sizes: Sequence[float] | None,
    folds: int,
    seed: int,
    label: str,
    parameters: int,
) -> LearningCurve:
    """Learn from the first rows of every fold's shuffled training part, and judge on the fold.

    Sizes start, unless given, where there are two rows a parameter, or at a tenth of the rows.
    """
    frame = learner.frame
    split = split_of(frame, Scheme("kfold", folds, seed=seed))
    orders = [
        _shuffled(frame, np.setdiff1d(split.training, part), seed + k)
        for k, part in enumerate(split.folds)
    ]
    most = min(map(len, orders))
    if sizes is None:
        sizes = [
            float(share) for share in np.linspace(min(max(0.1, 2 * parameters / most), 0.7), 1, 10)
        ]
    counts = _counts(sizes, most)
    parts = [np.sort(order[:count]) for count in counts for order in orders]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatdlWarning)
        learnt = learner.learn(parts)
        rows = [_errors(learnt, split, count) for count in shown(counts, "rows")]
    training, validation, errors = zip(*rows, strict=True)
    limit, slope = _lines(counts, training, validation, errors)
    return LearningCurve(
        label, tuple(counts), training, validation, errors, limit, slope / (2 * counts[-1])
    )


def _errors(learnt: Iterator[Learned], split: Split, count: int) -> tuple[float, float, float]:
    """Return errors on rows learnt from and held out, and the standard error of the latter."""
    own, held = [], []
    try:
        for part, one in zip(split.folds, learnt, strict=False):
            own.append(mean(*one.own()))
            held.append(one.held(part))
    except DataError as error:  # of the rows held out a few may be like none that were learnt from
        reason = str(error).replace("the new data has", "the rows held out has")
        raise DataError(
            f"{count} rows are too few to learn from: {reason} Ask for larger parts by sizes=, or "
            "put rare levels together."
        ) from None
    deviance, weights = (np.concatenate(each) for each in zip(*held, strict=True))
    return float(np.mean(own)), mean(deviance, weights), mean_error(deviance, weights)


def thinned(frame: ModelFrame, rows: Any, share: float, seed: int) -> Any:
    """Return a share of rows, of every class alike."""
    if share >= 1:
        return rows
    return np.sort(_shuffled(frame, rows, seed)[: max(2, round(share * len(rows)))])


def _shuffled(frame: ModelFrame, rows: Any, seed: int) -> Any:
    """Return rows in random order, every class among the first in its share."""
    random = generator(seed)
    groups = targets(frame, rows)
    place = np.empty(len(rows))
    for group in np.unique(groups):
        own = random.permutation((groups == group).nonzero()[0])
        place[own] = (np.arange(len(own)) + random.uniform()) / len(own)
    return rows[np.argsort(place, kind="stable")]


def _counts(sizes: Sequence[float], most: int) -> list[int]:
    """Return sizes as numbers of rows: shares of what a fold leaves, or numbers."""
    try:
        given = np.asarray(list(sizes), dtype=float)
    except (TypeError, ValueError):
        given = np.asarray([])
    if not len(given) or not ((given > 0) & np.isfinite(given)).all():
        raise ModelError("sizes must be shares of the rows, or numbers of rows, above 0.")
    counts = np.rint(given * most if (given <= 1).all() else given).astype(int)
    if counts.max() < 1:
        raise DataError(f"sizes asks for no row: the folds leave {most} to learn from.")
    if counts.max() > most:
        raise DataError(
            f"sizes asks for {counts.max()} rows, and the folds leave {most} to learn from; use "
            "fewer, or more folds."
        )
    return sorted({int(count) for count in counts if count > 0})


def _lines(
    counts: Sequence[int],
    training: Sequence[float],
    validation: Sequence[float],
    standard_error: Sequence[float],
) -> tuple[float, float]:
    """Return a and b ≥ 0 of V(m) = a + b/m and T(m) = a − b/m through the larger half of the sizes.

    Least squares on both, a size weighing as much as its errors are certain: with x = 1/m for V and
    −1/m for T, a is the mean of all errors and b = Σ w x (V − T) / 2 Σ w x².
    """
    first = min(len(counts) // 2, max(len(counts) - 2, 0))
    larger = (np.asarray(each[first:], float) for each in (training, validation, standard_error))
    x = 1 / np.asarray(counts[first:], dtype=float)
    t, v, error = larger
    w = 1 / error**2 if (error > 0).all() else np.ones_like(x)
    return float(w @ (t + v) / (2 * w.sum())), max(0.0, float((w * x) @ (v - t) / (2 * w @ x**2)))
