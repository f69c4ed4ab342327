"""Training: gradient descent by epochs, watched on rows held out.

A step of :class:`Training` is an epoch: every batch of rows once, in an order that the seed and the
epoch decide, so that a run that is taken up again goes on as if it had never stopped. After each
epoch the loss of the rows held out is looked at; with patience, training stops when it has not
fallen for so many epochs, and the best weights are the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from statdl.backend.array import Array, is_finite, namespace
from statdl.backend.linalg import largest_eigenvalue
from statdl.backend.random import fresh_seed
from statdl.errors import ModelError
from statdl.solve.checkpoint import Checkpoint
from statdl.solve.course import Best, Course, Lesson, batches
from statdl.solve.descent import GradientDescent, largest
from statdl.solve.iterate import Outcome, State
from statdl.solve.launch import learner_of, take_epoch
from statdl.solve.mover import mover_of
from statdl.solve.resumption import resumed, save_run

#: Epochs without a better validation loss before training stops, unless given.
PATIENCE = 10
#: The learning rate 1/L needs the curvature, which is too dear for more parameters than this.
CURVATURE_PARAMETERS = 2000


@dataclass(frozen=True)
class Training:
    """Gradient descent on a lesson.

    Parameters
    ----------
    descent : GradientDescent
        Rule, batch, epochs, schedule, clipping and seed.
    patience : int, optional
        Stop after so many epochs without a smaller validation loss, and keep the best weights;
        None runs all epochs and keeps the last.
    checkpoint : Checkpoint, optional
        Where to save the run.
    resume : str or Path, optional
        The checkpoint to go on from.
    exact : bool
        Work out the loss of all rows at the end; else the last epoch's is reported, which was seen
        on the way.

    Examples
    --------
    >>> Training(GradientDescent(batch=32, epochs=5)).max_iterations
    5
    """

    descent: GradientDescent = field(default_factory=GradientDescent)
    patience: int | None = None
    checkpoint: Checkpoint | None = None
    resume: str | Path | None = None
    exact: bool = True

    averages: ClassVar[bool] = True
    remembered: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """What the summary calls it."""
        return self.descent.name

    @property
    def max_iterations(self) -> int:
        """Its epochs."""
        return self.descent.most_epochs

    def start(self, problem: Any, parameters: Array) -> State:
        lesson: Lesson = problem
        rule = self.descent.used_rule
        decayed = lesson.slopes(namespace(parameters).ones_like(parameters))
        course = Course(
            learner=learner_of(self.descent, lesson, decayed),
            mover=mover_of(rule, rule.begin(parameters), decayed),
            rate=rule.learning_rate or _rate(lesson, parameters),
            seed=fresh_seed() if self.descent.seed is None else self.descent.seed,
        )
        course = replace(course, statistics=course.learner.statistics)
        # the start is not looked at: that would cost as much as an epoch
        state = State(parameters, math.nan, decayed * 0.0, math.inf, memory=course)
        if self.resume is None:
            return state
        return self._over(resumed(self.resume, self.descent, lesson, state))

    def step(self, problem: Any, state: State) -> State:
        """Take an epoch; its weights count only when it is complete and its loss finite."""
        lesson: Lesson = problem
        course: Course = state.memory
        parameters = state.parameters + 0.0  # a copy: it changes in place
        rate, gradient = take_epoch(self.descent, lesson, course, parameters)
        norms = _norms(lesson, gradient)
        seen = course.learner.seen()
        statistics = course.learner.statistics
        finite = math.isfinite(seen["loss"]) and is_finite(parameters)
        watched = lesson.watch(parameters, statistics) if finite else {}
        record = {"epoch": course.epoch + 1, **seen, **watched, "learning_rate": rate, **norms}
        course = replace(course, history=(*course.history, record))
        if not finite:
            return replace(state, memory=course).stop(Outcome.NON_FINITE)
        course = replace(
            course,
            epoch=course.epoch + 1,
            iteration=course.iteration + batches(lesson.n, self.descent.rows_of(lesson.n)),
            statistics=statistics,
            kept=((course.epoch, state.parameters), *course.kept[-1:]),
        )
        course = _with_best(course, parameters, watched)
        moved = replace(
            state, parameters=parameters, loss=seen["loss"], gradient=gradient, step=rate
        )
        moved = self._judged(lesson, replace(moved, memory=course, shown=_shown(record)))
        save_run(self.checkpoint, self.descent, lesson, moved)
        return moved

    def finish(self, problem: Any, state: State) -> State:
        """Return the best weights where there is patience, with the loss of all rows.

        The gradient stays the last batch's: that of all rows would cost as much as an epoch.
        """
        lesson: Lesson = problem
        course: Course = state.memory
        if self.patience is not None and course.best is not None:
            best = course.best
            course = replace(course, statistics=best.statistics)
            state = replace(state, parameters=best.parameters, memory=course)
        if state.outcome is Outcome.NON_FINITE:
            state = self._last_sound(lesson, state)
        weight = lesson.total_weight()
        loss = state.loss * weight
        if self.exact or not math.isfinite(loss):
            loss = lesson.reached(state.parameters, course.statistics)
        if self.descent.rounded is not None:
            state = self._with_effect(lesson, state)
        return replace(state, loss=loss, gradient=state.gradient * weight)

    def _with_effect(self, lesson: Lesson, state: State) -> State:
        """Return the state with a note of what rounded products do to the loss of all rows."""
        batch = self.descent.rows_of(lesson.n)
        share = lesson.rounded_by(state.parameters, batch, self.descent.products)
        note = (
            f"Products in training were of {self.descent.rounded}, which changes the loss here by "
            f"{share:.1g} of it."
        )
        return replace(state, note=f"{state.note} {note}".strip())

    def _last_sound(self, lesson: Lesson, state: State) -> State:
        """Return the last weights whose loss of all rows is finite."""
        course: Course = state.memory
        blown = course.epoch + 1
        for epoch, parameters in ((course.epoch, state.parameters), *course.kept):
            if math.isfinite(lesson.reached(parameters, course.statistics)):
                return replace(state, parameters=parameters, note=_blown_up(blown, epoch))
        return replace(state, note=_blown_up(blown, course.epoch))

    def _judged(self, lesson: Lesson, state: State) -> State:
        """Stop when patience or epochs are over, or nothing is left of the gradient."""
        whole = self.descent.batch in (None, lesson.n) and not lesson.stochastic
        if whole and lesson.lasso is None:
            size = largest(state.gradient)
            distance = size / math.sqrt(lesson.unit(state.loss * lesson.total_weight()))
            state = replace(state, distance=distance)
            if distance <= self.descent.tolerance:
                return state.stop(Outcome.CONVERGED)
        return self._over(state)

    def _over(self, state: State) -> State:
        """Stop when patience or epochs are over."""
        course: Course = state.memory
        best = course.best
        if self.patience is not None and best and course.epoch - best.epoch >= self.patience:
            return state.stop(
                Outcome.EARLY, f"Of {course.epoch} epochs, epoch {best.epoch} was the best."
            )
        return state.stop(Outcome.EPOCHS) if course.epoch >= self.max_iterations else state


def _norms(lesson: Lesson, gradient: Array) -> dict[str, float]:
    return {f"gradient_{name}": size for name, size in lesson.layer_norms(gradient).items()}


def _rate(lesson: Lesson, parameters: Array) -> float:
    """Return 1/L, L the largest curvature of the mean loss at the start."""
    if parameters.shape[0] > CURVATURE_PARAMETERS:
        raise ModelError(
            f"A rule without a learning rate finds its own from the curvature, which is too dear "
            f"for {parameters.shape[0]} weights; give one, such as sd.SGD(0.01)."
        )
    curvature = lesson.curvature(parameters, expected=True) / lesson.total_weight()
    return 1.0 / max(largest_eigenvalue(curvature), 1e-300)


def _with_best(course: Course, parameters: Array, watched: Mapping[str, float]) -> Course:
    loss = watched.get("validation_loss")
    if loss is None or (course.best is not None and not loss < course.best.loss):
        return course
    return replace(course, best=Best(course.epoch, loss, parameters, course.statistics))


def _blown_up(blown: int, epoch: int) -> str:
    kept = f"after epoch {epoch}" if epoch else "at the start"
    return (
        f"It happened in epoch {blown}; the weights are those {kept}. Use a smaller learning "
        "rate, clip=, or scaled inputs."
    )


def _shown(record: Mapping[str, float]) -> dict[str, float]:
    """Return what the progress bar shows."""
    names = {"loss": "loss", "validation_loss": "validation"}
    return {shown: record[name] for name, shown in names.items() if name in record}
