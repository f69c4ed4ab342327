"""Training: gradient descent by epochs, watched on rows held out.

A step of :class:`Training` is an epoch: every batch of rows once, in an order that the seed and the
epoch decide, so that a run that is taken up again goes on as if it had never stopped. After each
epoch the loss of the rows held out is looked at; with patience, training stops when it has not
fallen for so many epochs, and the best weights are the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

from statdl.backend.array import (
    Array,
    is_cupy,
    is_finite,
    is_numpy,
    like,
    namespace,
    precision,
    to_numpy,
)
from statdl.backend.linalg import largest_eigenvalue
from statdl.backend.products import rounded_products
from statdl.backend.random import fresh_seed
from statdl.errors import ModelError
from statdl.solve.checkpoint import Checkpoint, load, save
from statdl.solve.descent import GradientDescent, largest
from statdl.solve.iterate import Outcome, Problem, State, norm
from statdl.solve.mover import KERNELS, Mover, mover_of, numbers_of
from statdl.solve.schedule import Schedule

#: Epochs without a better validation loss before training stops, unless given.
PATIENCE = 10
#: The learning rate 1/L needs the curvature, which is too dear for more parameters than this.
CURVATURE_PARAMETERS = 2000


class Learner(Protocol):
    """Gradients of the batches of an epoch."""

    statistics: Any

    def open(self, parameters: Array, seed: int, epoch: int) -> None:
        """Open an epoch on parameters that will change in place."""
        ...

    def gradient(self, first: int, stop: int) -> Array:
        """Return the gradient of the mean loss of some rows of the order, for the caller to use."""
        ...

    def seen(self) -> dict[str, float]:
        """Return mean loss and metrics of the epoch's rows, each as it was when it was used."""
        ...


class WholeLearner(Learner, Protocol):
    """Whole epochs, in one launch each."""

    def whole(self, memory: Sequence[Array], numbers: Any) -> Array:
        """Take all batches by the numbers of each step; return the gradient of the last."""
        ...


class Lesson(Problem, Protocol):
    """A problem that can be trained."""

    @property
    def lasso(self) -> Array | None:
        """λ of the absolute value of each parameter, (P,)."""
        ...

    @property
    def stochastic(self) -> bool:
        """Whether a gradient is a draw, even of all rows."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, in values that JSON has."""
        ...

    def learner(self, batch: int) -> Learner:
        """Return what walks through batches of so many rows."""
        ...

    def whole_learner(self, batch: int, rule: str, decayed: Array) -> WholeLearner:
        """Return what takes all batches of an epoch in one launch, by a rule of kernels."""
        ...

    @property
    def launch_obstacle(self) -> str | None:
        """Why an epoch cannot be one launch; None where it can."""
        ...

    def reached(self, parameters: Array, statistics: Any) -> float:
        """Return the loss of all rows, penalties included."""
        ...

    def watch(self, parameters: Array, statistics: Any) -> dict[str, float]:
        """Return loss and metrics of the rows held out."""
        ...

    def layer_norms(self, gradient: Array) -> dict[str, float]:
        """Return the length of each layer's part of a gradient."""
        ...

    def pack(self, statistics: Any) -> dict[str, Array]:
        """Return the moments of normalised layers as named arrays."""
        ...

    def unpack(self, arrays: Mapping[str, Any]) -> Any:
        """Return the moments from named arrays."""
        ...


@dataclass(frozen=True)
class Best:
    """The epoch with the smallest validation loss, and what was then."""

    epoch: int
    loss: float
    parameters: Array
    statistics: Any


@dataclass(frozen=True)
class Course:
    """What training carries from epoch to epoch."""

    learner: Learner
    mover: Mover
    rate: float
    seed: int
    epoch: int = 0
    iteration: int = 0
    statistics: Any = None
    best: Best | None = None
    kept: tuple[tuple[int, Array], ...] = ()  # weights before, newest first, should these explode
    history: tuple[Mapping[str, float], ...] = ()


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
        batch = self._batch(lesson)
        rule = self.descent.used_rule
        decayed = lesson.slopes(namespace(parameters).ones_like(parameters))
        course = Course(
            learner=self._learner(lesson, batch, parameters, decayed),
            mover=mover_of(rule, rule.begin(parameters), decayed),
            rate=rule.learning_rate or _rate(lesson, parameters),
            seed=fresh_seed() if self.descent.seed is None else self.descent.seed,
        )
        course = replace(course, statistics=course.learner.statistics)
        # the start is not looked at: that would cost as much as an epoch
        state = State(parameters, math.nan, decayed * 0.0, math.inf, memory=course)
        return self._resumed(lesson, state) if self.resume is not None else state

    def step(self, problem: Any, state: State) -> State:
        """Take an epoch; its weights count only when it is complete and its loss finite."""
        lesson: Lesson = problem
        course: Course = state.memory
        parameters = state.parameters + 0.0  # a copy: it changes in place
        with self._products():
            rates, gradient, norms = self._epoch(lesson, course, parameters)
        seen = course.learner.seen()
        statistics = course.learner.statistics
        finite = math.isfinite(seen["loss"]) and is_finite(parameters)
        watched = lesson.watch(parameters, statistics) if finite else {}
        record = {"epoch": course.epoch + 1, **seen, **watched, "learning_rate": rates, **norms}
        course = replace(course, history=(*course.history, record))
        if not finite:
            return replace(state, memory=course).stop(Outcome.NON_FINITE)
        course = replace(
            course,
            epoch=course.epoch + 1,
            iteration=course.iteration + _batches(lesson.n, self._batch(lesson)),
            statistics=statistics,
            kept=((course.epoch, state.parameters), *course.kept[-1:]),
        )
        course = _with_best(course, parameters, watched)
        moved = replace(
            state, parameters=parameters, loss=seen["loss"], gradient=gradient, step=rates
        )
        moved = self._judged(lesson, replace(moved, memory=course, shown=_shown(record)))
        self._save(lesson, moved)
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
        if self.descent.tf32:
            state = self._with_effect(lesson, state)
        return replace(state, loss=loss, gradient=state.gradient * weight)

    def _products(self) -> AbstractContextManager[None]:
        return rounded_products() if self.descent.tf32 else nullcontext()

    def _with_effect(self, lesson: Lesson, state: State) -> State:
        """Return the state with a note of what rounded products do to the loss of all rows."""
        course: Course = state.memory
        full = lesson.reached(state.parameters, course.statistics)
        with self._products():
            rounded = lesson.reached(state.parameters, course.statistics)
        share = abs(rounded - full) / max(abs(full), 1e-300)
        note = (
            f"Products in training were of TF32, which changes the loss here by {share:.1g} of it."
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

    # an epoch ---------------------------------------------------------------------------------

    def _epoch(
        self, lesson: Lesson, course: Course, parameters: Array
    ) -> tuple[float, Array, dict[str, float]]:
        """Move ``parameters`` through an epoch; return the last rate and the last gradient."""
        size, n, learner = self._batch(lesson), lesson.n, course.learner
        schedule = self.descent.used_schedule(self.descent.most_epochs * _batches(n, size))
        learner.open(parameters, course.seed, course.epoch)
        if self.descent.fused:
            return self._whole_epoch(lesson, course, schedule)
        iteration, rate = course.iteration, course.rate
        last = range(0, n, size)[-1]
        for first in range(0, n, size):
            gradient = learner.gradient(first, min(first + size, n))
            if first == last:
                kept = gradient + 0.0  # movers use gradients up
            if self.descent.clip is not None:
                _clip(gradient, self.descent.clip)
            rate = course.rate * schedule.factor(iteration, course.epoch)
            iteration += 1
            course.mover.move(parameters, gradient, rate, iteration)
            if lesson.lasso is not None:
                _shrink(lesson, course.mover, parameters, rate, iteration)
        return rate, kept, _norms(lesson, kept)

    def _whole_epoch(
        self, lesson: Lesson, course: Course, schedule: Schedule
    ) -> tuple[float, Array, dict[str, float]]:
        """Move the learner's parameters through an epoch in one launch."""
        learner: Any = course.learner
        rule, first = self.descent.used_rule, course.iteration
        iterations = range(first, first + _batches(lesson.n, self._batch(lesson)))
        rates = [course.rate * schedule.factor(k, course.epoch) for k in iterations]
        numbers = [numbers_of(rule, rate, k + 1) for rate, k in zip(rates, iterations, strict=True)]
        kept = learner.whole(course.mover.memory, numbers)
        return rates[-1], kept, _norms(lesson, kept)

    def _learner(self, lesson: Lesson, batch: int, parameters: Array, decayed: Array) -> Learner:
        """Return what walks through an epoch, or refuse what a card is asked for in vain."""
        if self.descent.tf32:
            _refuse("tf32", self._tf32_obstacle(parameters))
        if not self.descent.fused:
            return lesson.learner(batch)
        name = KERNELS.get(type(self.descent.used_rule))
        obstacle = lesson.launch_obstacle
        if self.descent.clip is not None or name is None:
            obstacle = "clipped gradients and rules of your own are left to the usual way"
        _refuse("fused", obstacle)
        return lesson.whole_learner(batch, str(name), decayed)

    def _tf32_obstacle(self, parameters: Array) -> str | None:
        if not is_cupy(parameters):
            return "the data are not on a card"
        if precision(parameters.dtype) != "float32":
            return "the data are not in single precision (dtype='float32')"
        return "fused=True has no products of matrices to round" if self.descent.fused else None

    def _batch(self, lesson: Lesson) -> int:
        return self.descent.rows_of(lesson.n)

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

    # checkpoints ------------------------------------------------------------------------------

    def _settings(self, lesson: Lesson, course: Course) -> dict[str, Any]:
        descent = self.descent
        return {
            **lesson.settings,
            "rule": repr(descent.used_rule),
            "batch": descent.batch,
            "schedule": repr(descent.schedule),
            "clip": descent.clip,
            "seed": course.seed,
        }

    def _save(self, lesson: Lesson, state: State) -> None:
        course: Course = state.memory
        if self.checkpoint is None:
            return
        if not self.checkpoint.due(course.epoch, last=state.outcome is not None):
            return
        arrays = {"parameters": state.parameters, **lesson.pack(course.statistics)}
        arrays |= {f"memory.{k}": values for k, values in enumerate(course.mover.memory)}
        facts: dict[str, Any] = {
            "settings": self._settings(lesson, course),
            "epoch": course.epoch,
            "iteration": course.iteration,
            "history": course.history,
        }
        if course.best is not None:
            best = course.best
            facts["best"] = {"epoch": best.epoch, "loss": best.loss}
            packed = {"parameters": best.parameters, **lesson.pack(best.statistics)}
            arrays |= {f"best.{name}": values for name, values in packed.items()}
        save(self.checkpoint.path, {k: to_numpy(v) for k, v in arrays.items()}, facts)

    def _resumed(self, lesson: Lesson, state: State) -> State:
        """Return the state that a checkpoint holds."""
        assert self.resume is not None
        course: Course = state.memory
        arrays, facts = load(self.resume, self._settings(lesson, course))
        if facts["epoch"] > self.max_iterations:
            raise ModelError(
                f"{str(self.resume)!r} was saved after {facts['epoch']} epochs, more than epochs="
                f"{self.max_iterations}; ask for more epochs, or start anew without resume=."
            )
        arrays = {k: like(v, state.parameters) for k, v in arrays.items()}
        memory = tuple(arrays[f"memory.{k}"] for k in range(len(course.mover.memory)))
        best = facts.get("best")
        if best is not None:
            part = {k.removeprefix("best."): v for k, v in arrays.items() if k.startswith("best.")}
            best = Best(best["epoch"], best["loss"], part["parameters"], lesson.unpack(part))
        statistics = lesson.unpack(arrays)
        course.learner.statistics = statistics
        decayed = lesson.slopes(namespace(state.parameters).ones_like(state.parameters))
        course = replace(
            course,
            mover=mover_of(self.descent.used_rule, memory, decayed),
            epoch=facts["epoch"],
            iteration=facts["iteration"],
            statistics=statistics,
            best=best,
            history=tuple(facts["history"]),
        )
        return self._over(replace(state, parameters=arrays["parameters"], memory=course))


def _refuse(option: str, obstacle: str | None) -> None:
    if obstacle is not None:
        raise ModelError(f"{option}=True cannot be used here: {obstacle}. Leave {option}= out.")


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


def _batches(n: int, size: int) -> int:
    return -(-n // size)


def _clip(gradient: Array, longest: float) -> None:
    """Shorten a gradient in place; a device is not asked for its length."""
    if not is_numpy(gradient):
        xp = namespace(gradient)
        length = xp.sqrt(xp.sum(gradient * gradient))
        gradient *= longest / xp.maximum(length, xp.full_like(length, longest))
        return
    length = norm(gradient)
    if length > longest:
        gradient *= longest / length


def _shrink(lesson: Lesson, mover: Mover, parameters: Array, rate: float, iteration: int) -> None:
    """Take the proximal step of Σ λ|θ|: towards 0, and no further.

    It goes as far as the rule would go for a slope of λ that stayed the same, so that a weight
    rests at 0 exactly where the likelihood's slope is below λ.
    """
    xp = namespace(parameters)
    reach = mover.rule.reach(mover.memory, rate, iteration)
    threshold = reach * lesson.lasso / max(lesson.total_weight(), 1e-300)
    left = xp.abs(parameters) - threshold
    parameters[...] = xp.sign(parameters) * xp.where(left > 0, left, xp.zeros_like(left))


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
