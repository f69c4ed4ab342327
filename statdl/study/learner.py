"""What is learnt from some rows and judged on others: a fit after the other, or many at once.

Regressions whose columns are those of all rows are learnt from parts of them as one batch
(:mod:`statdl.study.parts`), and networks of one architecture as another
(:mod:`statdl.study.networks`), of all parts and settings. A fit that fails is a value until
somebody asks for what it has learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.backend.rows import Rows
from statdl.errors import StatdlError
from statdl.estimate import Estimate
from statdl.formula import ModelFrame, taken
from statdl.study.heldout import Split, places_of
from statdl.study.parts import fits_to_parts, unit_deviances
from statdl.study.validation import new_rows
from statdl.study.verdict import Vector


class Fitter(Protocol):
    """Fits a model with some settings to the rows at some positions of the data."""

    def fit(self, setting: Any, positions: Any) -> Any:
        """Return a fit."""
        ...

    def fits(self, pairs: Sequence[tuple[Any, Any]]) -> Iterable[Any]:
        """Return the fit of each setting to its positions, or what it says if it fails."""
        ...


@dataclass(frozen=True)
class OneByOne:
    """Fits one after the other, by a function of a setting and positions."""

    function: Callable[[Any, Any], Any]

    def fit(self, setting: Any, positions: Any) -> Any:
        return self.function(setting, positions)

    def fits(self, pairs: Sequence[tuple[Any, Any]]) -> Iterator[Any]:
        for setting, positions in pairs:
            try:
                yield self.function(setting, positions)
            except StatdlError as said:
                yield said


def sound(found: Any) -> Any:
    """Return what was found; raise what was said in its place."""
    if isinstance(found, StatdlError):
        raise found
    return found


@dataclass(frozen=True)
class Learner:
    """A model to be learnt from some rows of the data and judged on others.

    fitter   fits it to the rows at some positions of the data
    setting  with which settings
    frame    the rows there are, and ``data`` where they are from
    model    what is fitted, on all of the rows: then parts of them are learnt from at once where
             that is the same (:mod:`statdl.study.parts`); None where it is not known
    """

    fitter: Fitter
    setting: Any
    frame: ModelFrame
    data: Any
    model: Estimate | None = None

    def fit(self, positions: Any) -> Any:
        """Return the fit to some rows."""
        return self.fitter.fit(self.setting, positions)

    def learn(self, parts: Sequence[Any]) -> Iterator[Learned]:
        """Yield what is learnt from each part, positions of rows in the data."""
        return map(sound, learnt([self], parts))


def learnt(learners: Sequence[Learner], parts: Sequence[Any]) -> Iterator[Learned | StatdlError]:
    """Yield what learners that share their fitter learn from each part, one after the other."""
    thetas = [_known(one, parts) for one in learners]
    left = [
        (one.setting, rows)
        for one, known in zip(learners, thetas, strict=True)
        for rows, theta in zip(parts, known, strict=True)
        if theta is None
    ]
    fitted = iter(learners[0].fitter.fits(left) if left else ())
    for one, known in zip(learners, thetas, strict=True):
        for rows, theta in zip(parts, known, strict=True):
            if theta is not None and one.model is not None:
                yield AtOnce(one, one.model, theta, rows)
                continue
            fit = next(fitted)
            yield fit if isinstance(fit, StatdlError) else ByItself(one, fit.estimate)


def _known(learner: Learner, parts: Sequence[Any]) -> list[Any]:
    """Return the coefficients of fits to parts that are those of one batch, None of the others."""
    nothing: list[Any] = [None] * len(parts)
    if learner.model is None:
        return nothing
    frame = learner.model.frame
    try:
        return fits_to_parts(learner.model, [places_of(frame, one) for one in parts])
    except StatdlError:  # fits by themselves say which of them it is
        return nothing


class Learned(Protocol):
    """What was learnt from some rows: unit deviances and weights."""

    def own(self) -> tuple[Vector, Vector]:
        """Return those of the rows learnt from."""
        ...

    def held(self, positions: Any) -> tuple[Vector, Vector]:
        """Return those of other rows of the data."""
        ...


@dataclass(frozen=True)
class ByItself:
    """A fit to some rows, which codes others as its own."""

    learner: Learner
    estimate: Estimate

    def own(self) -> tuple[Vector, Vector]:
        return deviances(self.estimate, self.estimate.objective.rows)

    def held(self, positions: Any) -> tuple[Vector, Vector]:
        return held_deviances(self.estimate, self.learner.data, positions, self.learner.frame)


@dataclass(frozen=True)
class AtOnce:
    """Coefficients from some rows of the model's, whose coding is that of all."""

    learner: Learner
    model: Estimate
    theta: Any
    rows: Any

    def own(self) -> tuple[Vector, Vector]:
        return self._of(self.rows)

    def held(self, positions: Any) -> tuple[Vector, Vector]:
        unit, weights = self._of(positions)
        frame = self.learner.frame
        return unit, weights if frame.weights is None else _given(frame, positions)

    def _of(self, positions: Any) -> tuple[Vector, Vector]:
        return unit_deviances(self.model, self.theta, places_of(self.model.frame, positions))


def cross_validated(
    learners: Sequence[Learner], split: Split, some: Callable[[Any], Any] = lambda rows: rows
) -> Iterator[tuple[Vector, Vector] | StatdlError]:
    """Yield unit deviances and weights of every row under fits of a learner that have not seen it.

    ``some`` takes the rows outside a fold and returns those to learn from. What a learner says that
    fails is in place of its deviances.
    """
    parts = [some(np.setdiff1d(split.training, part)) for part in split.folds]
    found = learnt(learners, parts)
    for _ in learners:
        yield _held([next(found) for _ in parts], split)


def _held(fits: Sequence[Any], split: Split) -> tuple[Vector, Vector] | StatdlError:
    """Return deviances and weights of all folds, in their order."""
    try:
        held = [sound(one).held(part) for one, part in zip(fits, split.folds, strict=True)]
    except StatdlError as said:
        return said
    deviance, weights = (np.concatenate(each) for each in zip(*held, strict=True))
    return deviance, weights


def _given(frame: ModelFrame, positions: Any) -> Vector:
    """Return the weights that the rows at some positions were given."""
    own: Vector = to_numpy(frame.weights)[places_of(frame, positions)].astype(float)
    return own


def deviances(estimate: Estimate, rows: Rows) -> tuple[Vector, Vector]:
    """Return unit deviances of rows in the coding of a fit, and their weights."""
    eta = estimate.objective.eta(estimate.device_parameters, rows)
    unit = to_numpy(estimate.family.unit_deviance(eta, rows.y)).astype(float)
    weights = np.ones(len(unit)) if rows.weights is None else to_numpy(rows.weights)
    return unit, weights.astype(float)


def held_deviances(
    estimate: Estimate, data: Any, positions: Any, frame: ModelFrame
) -> tuple[Vector, Vector]:
    """Return unit deviances and weights of rows of the data that the fit has not seen."""
    rows = new_rows(estimate, some_of(data, positions))
    if frame.offset is not None:  # an offset beside the formula is none of new data's
        own = to_numpy(frame.offset)[places_of(frame, positions)]
        rows = replace(rows, offset=like(own, rows.y)[:, None])
    unit, trials = deviances(estimate, rows)
    if frame.weights is None:
        return unit, trials
    return unit, _given(frame, positions)


def some_of(data: Any, positions: Any) -> Any:
    """Return some rows of the data: a frame, or a pair (X, y)."""
    if isinstance(data, tuple):
        return tuple(to_numpy(part)[positions] for part in data)
    return taken(data, positions)
