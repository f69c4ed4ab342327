"""One model over a knob of its complexity: what each setting costs on rows it has not seen.

Candidates are fitted by the caller's learners to some of the rows, so that whatever the model
learns from data (levels, knots, scaling, polynomials) is learnt from those rows alone.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import StatdlWarning
from statdl.estimate import Estimate
from statdl.report import DataTable, page, plot, reading
from statdl.report.plot.complexity import Curves
from statdl.report.table import Document, Printed
from statdl.solve.progress import shown
from statdl.study.heldout import Scheme, Split, left_out
from statdl.study.learner import (
    Learner,
    cross_validated,
    deviances,
    held_deviances,
    sound,
)
from statdl.study.verdict import Errors, Judged, Judgement, Vector, judge, mean


@dataclass(frozen=True)
class Candidate:
    """A setting of the knob, its fit to all training rows, and its errors."""

    value: Any
    fit: Any
    errors: Errors
    test: float


@dataclass(frozen=True)
class Studied:
    """What came of a study: the candidates, and what is to be said of them."""

    candidates: tuple[Candidate, ...]
    judged: Judged


@dataclass(frozen=True, repr=False)
class Complexity(Printed):
    """A study of one model over a knob of its complexity.

    Attributes
    ----------
    knob : str
        What is turned.
    label : str
        The model.
    scheme : Scheme
        How rows were held out.
    studied : Studied
        By setting: the fit, errors by row, and the verdict with its reason.

    Examples
    --------
    >>> import statdl as sd
    >>> line = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    >>> study = sd.complexity(line, over={"lambda": (0, 1e5)})
    >>> study.best_value, study.table.columns["Verdict"]
    (0, ('low bias, low variance', 'underfitting (high bias)'))
    """

    knob: str
    label: str
    scheme: Scheme
    studied: Studied
    extra: tuple[tuple[str, tuple[float, ...]], ...] = ()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Fit and errors by setting."""
        return self.studied.candidates

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """Verdict and reason by setting."""
        return self.studied.judged.judgements

    @property
    def best(self) -> Any:
        """The fit of the simplest setting that is as good as the best."""
        return self.candidates[self.studied.judged.chosen].fit

    @property
    def best_value(self) -> Any:
        """Its setting."""
        return self.candidates[self.studied.judged.chosen].value

    @property
    def verdicts(self) -> dict[Any, str]:
        """The verdict on every setting, in words."""
        return {
            _key(one.value): judged.verdict.value
            for one, judged in zip(self.candidates, self.judgements, strict=True)
        }

    @property
    def table(self) -> DataTable:
        """Errors, criteria and verdict by setting."""
        columns: dict[str, Any] = {
            "Eff. df": [one.errors.df for one in self.candidates],
            "Training": [one.errors.training_error for one in self.candidates],
            "Validation": [one.errors.validation_error for one in self.candidates],
            "Std. Error": [one.errors.standard_error for one in self.candidates],
        }
        if any(math.isfinite(one.test) for one in self.candidates):
            columns["Test"] = [one.test for one in self.candidates]
        columns["AIC"] = [one.fit.aic for one in self.candidates]
        columns["BIC"] = [one.fit.bic for one in self.candidates]
        columns |= {name: list(values) for name, values in self.extra}
        columns["Verdict"] = [one.verdict.value for one in self.judgements]
        return DataTable(
            self.knob.capitalize(),
            tuple(_said(one.value) for one in self.candidates),
            columns,
            title=f"{self.label} over {self.knob}: {self.scheme.words}",
            notes=self._notes(),
        )

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def reasons(self) -> dict[Any, str]:
        """Return the reason of every verdict."""
        return {
            _key(one.value): judged.reason
            for one, judged in zip(self.candidates, self.judgements, strict=True)
        }

    def _notes(self) -> tuple[str, ...]:
        lowest = self.studied.judged.lowest
        notes = [
            f"Errors are {self.measure}.",
            f"Chosen: {self.knob} {_said(self.best_value)}, the simplest within one standard error "
            f"of the best ({_said(self.candidates[lowest].value)}): that of the difference, row "
            "by row.",
        ]
        ends = {0: "first", len(self.candidates) - 1: "last"}
        if len(self.candidates) > 1 and lowest in ends:
            notes.append(
                f"The smallest error is that of the {ends[lowest]} {self.knob} tried: a better one "
                "may lie beyond."
            )
        return tuple(notes)

    @property
    def measure(self) -> str:
        """What errors are, in words."""
        family = self.best.estimate.family
        if family.quadratic:
            return "mean squared errors"
        return "mean deviances: −2 log-likelihood a row" if family.has_classes else "mean deviances"

    def plot(self, ax: Any = None) -> Any:
        """Draw training, validation and test errors over the knob, and the choice."""
        return plot.draw_complexity(self.curves(), ax)

    def plot_curve(self, ax: Any = None) -> Any:
        """Draw the curve of errors over the knob: :meth:`plot` by another name."""
        return self.plot(ax)

    def readings(self) -> tuple[reading.Reading, ...]:
        """Return the verdict on every setting with its reason."""
        return tuple(
            reading.Reading(
                f"{self.knob} {_said(one.value)}", f"{judged.verdict.value}. {judged.reason}"
            )
            for one, judged in zip(self.candidates, self.judgements, strict=True)
        )

    def sections(self) -> tuple[page.Section, ...]:
        """Return the picture of the errors."""
        words = (
            f"Training and validation errors over {self.knob}; chosen is {_said(self.best_value)}."
        )
        picture = page.illustrated(lambda: page.drawn(self.plot, words))
        return (page.Section("Errors", (picture,)),)

    def curves(self) -> Curves:
        """Return what the picture shows."""
        errors = [one.errors for one in self.candidates]
        return Curves(
            self.knob,
            tuple(one.value for one in self.candidates),
            tuple(one.training_error for one in errors),
            tuple(one.validation_error for one in errors),
            tuple(one.standard_error for one in errors),
            tuple(one.test for one in self.candidates),
            tuple(one.verdict.value for one in self.judgements),
            self.studied.judged.chosen,
            f"{self.label}: {self.scheme.words}",
            self.measure.split(":")[0],
        )


def study_of(
    knob: str,
    values: Sequence[Any],
    learners: Sequence[Learner],
    scheme: Scheme,
    split: Split,
    sizes: Sequence[float] | None = None,
) -> Studied:
    """Fit every setting and judge it.

    Parameters
    ----------
    values : sequence
        Settings of the knob.
    learners : sequence of Learner
        One for each.
    sizes : sequence of float, optional
        Which settings count as simpler; by default effective parameters tell.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatdlWarning)  # the table says what came of a candidate
        whole = [one.fit(split.training) for one in shown(learners, knob)]
        learners = [
            replace(one, model=fit.estimate) for one, fit in zip(learners, whole, strict=True)
        ]
        held = _held_out(learners, split, scheme)
        candidates = tuple(
            _candidate(value, one, fit, sound(next(held)), split)
            for value, one, fit in zip(values, shown(learners, knob), whole, strict=True)
        )
    errors = [one.errors for one in candidates]
    family = candidates[0].fit.estimate.family
    order = [one.df for one in errors] if sizes is None else sizes
    noise = 1.0 if family.dispersion_known else None
    return Studied(candidates, judge(errors, order, noise, _rounding(candidates[0].fit.estimate)))


def _rounding(estimate: Estimate) -> float:
    """Return the squared error that rounding leaves of a perfect fit."""
    y = to_numpy(estimate.objective.rows.y)
    return 1e-24 * float(np.mean(y * y)) if estimate.family.quadratic else 0.0


def _held_out(learners: Sequence[Learner], split: Split, scheme: Scheme) -> Iterator[Any]:
    """Yield deviances and weights of the rows held out of each learner's fits."""
    if scheme.name == "kfold":
        yield from cross_validated(learners, split)
        return
    for one in learners:
        assert one.model is not None
        if scheme.name == "loo":
            yield left_out(one.model)
        else:
            yield held_deviances(one.model, one.data, split.folds[0], one.frame)


def _candidate(
    value: Any, learner: Learner, fit: Any, held: tuple[Vector, Vector], split: Split
) -> Candidate:
    whole = fit.estimate
    training = deviances(whole, whole.objective.rows)
    test = math.nan
    if len(split.test):
        test = mean(*held_deviances(whole, learner.data, split.test, learner.frame))
    errors = Errors(training[0], held[0], training[1], held[1], effective_df(whole))
    return Candidate(value, fit, errors, test)


def effective_df(estimate: Estimate) -> float:
    """Return the effective parameters; NaN where a network was trained, which does not tell."""
    plan = estimate.specification.plan
    if plan is not None and estimate.specification.solver.averages:
        return math.nan
    return float(estimate.effective)


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    several = isinstance(value, tuple | list)
    return ", ".join(map(str, value)) or "none" if several else str(value)
