"""Class probabilities beside the classes observed, in the rows of a fit or in new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.formula import NewData, Response, array_frame, model_frame, warn_without_offset
from statdl.formula.rows import check_index
from statdl.infer import residual
from statdl.infer.population import encoded
from statdl.infer.predict import predict


@dataclass(frozen=True)
class Trials:
    """Probabilities with the successes and failures behind them, (n,) each, on the host."""

    probability: Any
    successes: Any
    failures: Any


@dataclass(frozen=True)
class Outcomes:
    """Probabilities of K classes, and how often each was observed, (n, K) on the host.

    Rows of counts are as many single trials; a row counts by its weight.
    """

    levels: tuple[Any, ...]
    probability: Any
    counts: Any

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes as text."""
        return tuple(map(str, self.levels))

    def against_rest(self, event: Any = None, what: str = "This") -> Trials:
        """Return one class against the others: of two the second, unless ``event`` says which.

        Raises
        ------
        ModelError
            For an unknown class, or none of several.
        """
        if event is None and len(self.levels) > 2:
            raise ModelError(
                f"{what} is of one class against the others, and there are {len(self.levels)}: "
                f"say which by event=, one of {', '.join(self.labels)}."
            )
        if event is not None and str(event) not in self.labels:
            raise ModelError(
                f"event={event!r} is no class of the response; it has {', '.join(self.labels)}."
            )
        k = len(self.levels) - 1 if event is None else self.labels.index(str(event))
        cases = self.counts[:, k]
        return Trials(self.probability[:, k], cases, self.counts.sum(axis=1) - cases)


def outcomes(estimate: Estimate, what: str, newdata: Any = None) -> Outcomes:
    """Return what a fit predicts, and what happened.

    ``newdata`` is a frame with predictors and response or, for a fit to arrays, (X, y). Rows with
    missing values are left out; each of the others counts once, or by its counts.

    Raises
    ------
    ModelError
        For a response that is not of classes.
    DataError
        For new data that lack the response, or have classes that the fit does not know.
    """
    family = estimate.family
    if not family.has_classes:
        raise ModelError(f"{what} is for a response of classes (binomial or multinomial).")
    levels = estimate.specification.levels
    if newdata is not None:
        return Outcomes(levels, *_new(estimate, newdata))
    rows = estimate.objective.rows
    y = to_numpy(rows.y)
    counts = np.column_stack([1 - y.sum(axis=1), y])
    if rows.weights is not None:
        counts = counts * to_numpy(rows.weights)[:, None]
    return Outcomes(levels, of_all(to_numpy(residual.fitted(estimate))), counts)


def trials(estimate: Estimate, what: str, newdata: Any = None, event: Any = None) -> Trials:
    """Return one class against the others: of two the second, of several ``event``."""
    return outcomes(estimate, what, newdata).against_rest(event, what)


def of_all(mean: Any) -> Any:
    """Return the probabilities of every class, also where the mean is that of the second."""
    return np.column_stack([1 - mean, mean]) if mean.shape[1] == 1 else mean


def _new(estimate: Estimate, newdata: Any) -> tuple[Any, Any]:
    """Return probabilities and counts of the complete rows of new data."""
    new, response = _read(estimate, newdata)
    X, offset = encoded(estimate, new)
    mean = of_all(to_numpy(predict(estimate, X, offset).fit))
    counts = _counts(estimate, response)
    complete = np.isfinite(mean).all(axis=1)
    if not complete.any():
        raise DataError("newdata has no row without missing values.")
    return mean[complete], counts[complete]


def _read(estimate: Estimate, newdata: Any) -> tuple[NewData, Response]:
    """Return predictors and response of the rows that have a response."""
    design = estimate.frame.design
    warn_without_offset(estimate.frame)
    if design.formula is None:
        if not (isinstance(newdata, tuple | list) and len(newdata) == 2):
            raise DataError("newdata is (X, y) for a fit to X and y.")
        new = design.encode(newdata[0])  # by the names of columns, where they have any
        check_index(newdata[1], new.index, "y")
        frame = array_frame(new.X, newdata[1], names=design.names)
        return NewData(frame.X), frame.response
    if isinstance(newdata, tuple | list):
        raise DataError("newdata is a frame with predictors and response, for a fit to a formula.")
    frame = model_frame(f"{design.formula.partition('~')[0]} ~ 1", newdata)
    new = design.encode(newdata)
    if frame.rows is None:
        return new, frame.response
    X, offset = new.X[frame.rows], new.offset
    return NewData(X, None if offset is None else offset[frame.rows]), frame.response


def _counts(estimate: Estimate, response: Response) -> Any:
    """Return how often each class of the fit was observed in each row, (m, K)."""
    values = to_numpy(response.values)
    labels = list(map(str, estimate.specification.levels))
    if response.kind == "counts":
        return values[:, _places(list(map(str, response.levels)), labels, response.name)]
    if response.kind == "numeric" and labels == ["0", "1"]:
        if ((values < 0) | (values > 1)).any():
            raise DataError(f"The response '{response.name}' of newdata must be 0, 1 or between.")
        return np.column_stack([1 - values, values])
    levels, codes = response.levels, values
    if response.kind == "numeric":
        found, codes = np.unique(values, return_inverse=True)
        levels = tuple(int(one) if one == int(one) else float(one) for one in found)
    places = _places(labels, list(map(str, levels)), response.name)
    return np.eye(len(labels))[np.asarray(places)[codes.astype(int)]]


def _places(known: list[str], given: list[str], name: str) -> list[int]:
    """Return where in ``known`` each of ``given`` is."""
    unseen = [label for label in given if label not in known]
    if unseen:
        raise DataError(
            f"The response '{name}' of newdata and that of the fit do not fit each other: one has "
            f"{', '.join(unseen)}, the other {', '.join(known)}."
        )
    return [known.index(label) for label in given]
