"""The one loop that every solver runs in, and the record it leaves.

A solver turns a problem and a state into the next state; :func:`minimise` repeats that, keeps the
trace, and stops with an :class:`Outcome` whose value is the sentence users read.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Protocol

from statdl.backend.array import Array, is_finite, overflow_allowed, to_numpy
from statdl.lazy import lazy

tqdm = lazy("tqdm")

#: Parameter vectors longer than this are not copied into the trace.
TRACED_PARAMETERS = 50
#: A run is announced with a progress bar once it has lasted this many seconds.
PATIENCE_SECONDS = 1.0


class Outcome(Enum):
    """Why a solver stopped."""

    CONVERGED = "Converged."
    PRECISION = "Converged to working precision: no further step lowers the loss."
    EPOCHS = "Ran all its epochs; a stochastic estimate varies with its batches and seed."
    EARLY = (
        "Stopped early, where the validation loss no longer fell; the weights are the best epoch's."
    )
    INTERRUPTED = "Interrupted; the estimate is what had been reached."
    ITERATION_LIMIT = (
        "Stopped at the iteration limit before convergence; raise max_iterations or choose "
        "another method."
    )
    NON_FINITE = (
        "Stopped because the loss is no longer finite; a smaller learning rate, scaled columns or "
        "another method may help."
    )
    STALLED = "Stopped because no step lowers the loss, short of convergence."
    EPOCH_LIMIT = (
        "Stopped at the iteration limit, its epochs, before convergence; use more epochs=, another "
        "learning rate or another method."
    )
    DIVERGED = (
        "Stopped with a higher loss than it started from: the learning rate is too large; use a "
        "smaller one."
    )
    BOUNDARY = (
        "Stopped where the mean of some rows reaches the end of its domain: the likelihood has no "
        "maximum inside, and there are no standard errors. Use another link."
    )
    SEPARATION = (
        "Stopped because predictors separate the response perfectly: the likelihood has no "
        "finite maximum."
    )

    @property
    def converged(self) -> bool:
        """Whether the run ended as it was asked to: at a minimum, or where training was to stop."""
        return self.at_minimum or self in (Outcome.EPOCHS, Outcome.EARLY)

    @property
    def at_minimum(self) -> bool:
        """Whether the solver saw that it had reached a minimum."""
        return self in (Outcome.CONVERGED, Outcome.PRECISION)


class Problem(Protocol):
    """A smooth function to minimise, as a sum over rows."""

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        ...

    @property
    def n(self) -> int:
        """The number of rows."""
        ...

    def total_weight(self) -> float:
        """Return Σ w."""
        ...

    @property
    def curvature_price(self) -> float:
        """What a curvature costs, in gradients; 0 where it costs next to nothing more."""
        ...

    def unit(self, loss: float) -> float:
        """Return the loss that is worth one unit of log-likelihood, which tolerances refer to."""
        ...

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """Return the loss and its gradient, (P,)."""
        ...

    def curvature(self, parameters: Array, *, expected: bool = False) -> Array:
        """Return the second derivative, (P, P)."""
        ...

    def batches(self, size: int, seed: int, epoch: int) -> Iterator[Problem]:
        """Yield the same problem on the batches of an epoch, each with its share of the weight."""
        ...

    def slopes(self, parameters: Array) -> Array:
        """Return the parameters with every intercept at 0: what weight decay acts on."""
        ...


@dataclass(frozen=True)
class State:
    """Where a solver is.

    ``distance`` is the solver's own measure of how far the minimum is (for Newton's method the
    decrement, in standard errors); ``memory`` is whatever it carries from step to step. ``note``
    adds to the outcome what only this run can say; ``shown`` is for the progress bar.
    """

    parameters: Array
    loss: float
    gradient: Array
    distance: float
    step: float = 0.0
    halvings: int = 0
    outcome: Outcome | None = None
    memory: Any = None
    note: str = ""
    shown: Mapping[str, float] | None = None

    @classmethod
    def at(cls, problem: Problem, parameters: Array) -> State:
        """Return the state at parameters, stopped where loss or gradient are not finite."""
        loss, gradient = problem.value_and_gradient(parameters)
        state = cls(parameters, loss, gradient, math.inf)
        finite = math.isfinite(loss) and is_finite(gradient)
        return state if finite else state.stop(Outcome.NON_FINITE)

    def stop(self, outcome: Outcome, note: str = "") -> State:
        """Return this state with a reason to stop."""
        return replace(self, outcome=outcome, note=note or self.note)


class Solver(Protocol):
    """An algorithm: a start, a step, and a last touch."""

    @property
    def name(self) -> str:
        """What the summary calls it."""
        ...

    @property
    def max_iterations(self) -> int:
        """How many steps to take at most."""
        ...

    @property
    def averages(self) -> bool:
        """Whether its states hold the mean loss and not the sum."""
        ...

    def start(self, problem: Problem, parameters: Array) -> State:
        """Return the state at the starting values."""
        ...

    def step(self, problem: Problem, state: State) -> State:
        """Return the next state."""
        ...

    def finish(self, problem: Problem, state: State) -> State:
        """Return the last state as it should be reported."""
        ...


@dataclass
class Trace:
    """Mean loss, norm of its gradient, and step of every iteration, the start included.

    Losses are J(θ)/Σw for every solver, so that they compare; the gradient is in the coordinates
    the solver works in (standardised columns for gradient descent with ``scale``). A step is a
    learning rate in gradient descent and a fraction of the full step elsewhere. In mini-batches
    loss and gradient are those of the batch that the step was taken from.

    ``parameters`` holds the parameter vectors of small problems, so that a walk down the slope can
    be drawn; for larger ones it stays empty.
    """

    loss: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    weight: float = field(default=1.0, repr=False)

    def add(self, state: State) -> None:
        """Append a state, whose loss is ``weight`` times the mean."""
        self.loss.append(state.loss / self.weight)
        self.gradient_norm.append(norm(state.gradient) / self.weight)
        self.step.append(state.step)
        if state.parameters.shape[0] <= TRACED_PARAMETERS:
            self.parameters.append(to_numpy(state.parameters).copy())

    def __len__(self) -> int:
        return len(self.loss)


@dataclass(frozen=True)
class Minimum:
    """What a solver found, in the same words for every solver."""

    parameters: Array
    loss: float
    gradient_norm: float
    outcome: Outcome
    iterations: int
    halvings: int
    seconds: float
    solver: str
    trace: Trace
    note: str = ""
    memory: Any = None


def norm(vector: Array) -> float:
    """Return the Euclidean norm of a small vector."""
    host = to_numpy(vector)
    return math.sqrt(float(host @ host))


def minimise(
    problem: Problem,
    solver: Solver,
    parameters: Array,
    watch: Callable[[State], State] | None = None,
) -> Minimum:
    """Run ``solver`` on ``problem`` from ``parameters`` until it has a reason to stop.

    ``watch`` sees every state that the solver would go on from, and may give it a reason to stop.
    A KeyboardInterrupt is such a reason too: what had been reached is returned.
    """
    begun = time.perf_counter()
    trace = Trace(weight=1.0 if solver.averages else max(problem.total_weight(), 1e-300))
    with overflow_allowed():
        try:
            state = solver.start(problem, parameters)
        except KeyboardInterrupt:
            return interrupted(problem, solver, parameters, _steps_taken(0))
        state, halvings = _run(problem, solver, state, trace, watch)
        try:
            state = solver.finish(problem, state)
        except KeyboardInterrupt:  # what is reported has to be worked out: a second one ends that
            state = solver.finish(problem, _broken_off(state, trace))
        gradient_norm = norm(state.gradient)
    return Minimum(
        parameters=state.parameters,
        loss=state.loss,
        gradient_norm=gradient_norm,
        outcome=state.outcome or Outcome.ITERATION_LIMIT,
        iterations=len(trace) - 1,
        halvings=halvings,
        seconds=time.perf_counter() - begun,
        solver=solver.name,
        trace=trace,
        note=state.note,
        memory=state.memory if getattr(solver, "remembered", False) else None,
    )


def interrupted(problem: Problem, solver: Solver, parameters: Array, note: str) -> Minimum:
    """Return parameters as what a run had reached when it was interrupted."""
    begun = time.perf_counter()
    loss, gradient = problem.value_and_gradient(parameters)
    trace = Trace(weight=max(problem.total_weight(), 1e-300))
    trace.add(State(parameters, loss, gradient, math.inf))
    return Minimum(
        parameters=parameters,
        loss=loss,
        gradient_norm=norm(gradient),
        outcome=Outcome.INTERRUPTED,
        iterations=0,
        halvings=0,
        seconds=time.perf_counter() - begun,
        solver=solver.name,
        trace=trace,
        note=note,
    )


def _run(
    problem: Problem,
    solver: Solver,
    state: State,
    trace: Trace,
    watch: Callable[[State], State] | None,
) -> tuple[State, int]:
    """Step until there is an outcome; return the last state and the number of halvings."""
    trace.add(state)
    halvings = 0
    with _progress(solver, problem, state) as tick:
        while state.outcome is None:
            if len(trace) > solver.max_iterations:
                return state.stop(Outcome.ITERATION_LIMIT), halvings
            try:
                moved = solver.step(problem, state)
                if not (math.isfinite(moved.loss) and is_finite(moved.gradient)):
                    moved = moved.stop(Outcome.NON_FINITE)
                if watch is not None and moved.outcome is None:
                    moved = watch(moved)
            except KeyboardInterrupt:
                return _broken_off(state, trace), halvings
            state = moved
            halvings += state.halvings
            trace.add(state)
            tick(state)
    return state, halvings


def _broken_off(state: State, trace: Trace) -> State:
    """Return a state as the one that an interrupt ended the run at."""
    return state.stop(Outcome.INTERRUPTED, _steps_taken(len(trace) - 1))


def most_steps(solver: Solver, problem: Problem) -> int:
    """Return how many steps a run takes at most: of batches, those of all epochs."""
    counted = getattr(solver, "steps", None)
    return solver.max_iterations if counted is None else counted(problem.n)


def _steps_taken(steps: int) -> str:
    return f"{steps} step{'' if steps == 1 else 's'} had been taken."


@contextmanager
def _progress(solver: Solver, problem: Problem, start: State) -> Iterator[Any]:
    """Yield a function to call after each step; it shows a bar to a person who has to wait."""
    begun = time.perf_counter()
    bar: Any = None
    done = getattr(start.memory, "epoch", 0)  # epochs of a run that is taken up again
    written = 0.0

    def tick(state: State) -> None:
        nonlocal bar, done, written
        done += 1
        now = time.perf_counter()
        if bar is None and now - begun > PATIENCE_SECONDS and sys.stderr.isatty():
            total = most_steps(solver, problem)
            bar = tqdm.tqdm(desc=solver.name, total=total, initial=done - 1, leave=False)
        if bar is None:
            return
        if now - written > 0.1:
            written = now
            shown = state.shown or {"loss": state.loss}
            bar.set_postfix({k: f"{v:.6g}" for k, v in shown.items()}, refresh=False)
        bar.update(1)

    try:
        yield tick
    finally:
        if bar is not None:
            bar.close()
