"""Gradient descent: batch, stochastic and mini-batch, under any rule and schedule.

It works on the *mean* loss J/Σw, so that a learning rate means the same for any number of rows.
A batch of all rows is deterministic and stops at a small gradient; smaller batches are drawn
without replacement, each epoch in a new order, and stop when the epochs are over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from statdl.backend.array import Array, epsilon, is_finite, namespace
from statdl.backend.linalg import largest_eigenvalue
from statdl.backend.random import fresh_seed
from statdl.errors import DataError, ModelError
from statdl.solve.iterate import Outcome, Problem, State, norm
from statdl.solve.rule import SGD, Adam, Rule
from statdl.solve.schedule import Constant, PowerOfTen, Schedule

#: How batches get to a card; the usual way first.
LAUNCHES = ("plain", "graph", "epoch")
#: What products round their factors to, by the names of options; the usual, nothing, first.
PRODUCTS = {"full": None, "tf32": "TF32", "bf16": "bfloat16"}
#: Epochs when none are asked for: of all rows at once, and of mini-batches.
BATCH_EPOCHS = 20_000
STOCHASTIC_EPOCHS = 100


@dataclass(frozen=True)
class Walk:
    """What gradient descent carries: the rule's memory, the rate, and what is left of the epoch.

    A gradient as small as ``rounding`` is what is left of the first one in working precision.
    """

    memory: Any
    rate: float
    iteration: int
    seed: int
    rounding: float = 0.0
    batches: Iterator[Problem] = field(default_factory=lambda: iter(()))
    first_loss: float = math.inf


@dataclass(frozen=True)
class GradientDescent:
    """Gradient descent on the mean loss.

    Parameters
    ----------
    rule : Rule, optional
        SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam or AdamW. By default, for all rows at once,
        accelerated gradient descent, which finds its own rate (1/L, halved when the loss rises)
        and restarts its momentum when the loss rises (Nesterov 1983; O'Donoghue & Candès 2015);
        for batches, Adam(0.01) with a rate that falls to a hundredth.
    batch : int, optional
        Rows a batch, no more than there are; None takes all rows (batch gradient descent), 1 is
        stochastic.
    epochs : int, optional
        Passes through the data, at most. 20,000 for all rows at once, 100 for batches.
    schedule : Schedule, optional
        How the learning rate changes; it stays as it is unless given.
    clip : float, optional
        Largest norm of a gradient; longer ones are shortened to it.
    scale : bool
        Standardise the columns inside; the estimate is reported for the columns as given.
    seed : int, optional
        Seed of the order of rows.
    tolerance : float
        Largest entry of the mean gradient, relative to the noise of one row, that counts as
        converged (all rows at once only).
    launch : {"plain", "graph", "epoch"}
        For networks on a card: how batches get there. "plain" calls one kernel after the other.
        "graph" captures the calls of a batch once, as a CUDA graph, and replays it for every batch.
        "epoch" takes all batches of an epoch in one launch of a kernel of its own, for dense
        networks of some ten thousand weights in single precision. Numbers are the same to
        rounding, and what a launch cannot do is refused. The last two have not been measured on a
        card, so that they are never chosen by themselves.
    products : {"full", "tf32", "bf16"}
        For networks in single precision on a card: round the factors of matrix products in
        training, which tensor cores multiply faster, to TF32 (10 bits in place of 23) or bfloat16
        (7 bits). Sums, weights and what the rule remembers stay in single precision. The loss that
        is reported at the end is of full products, and a note of the fit says what rounding does
        to it. Not yet measured on a card either.

    Examples
    --------
    >>> from statdl.solve.rule import Adam
    >>> GradientDescent(rule=Adam(0.01), batch=32).name
    'Gradient descent (Adam, batches of 32)'
    """

    rule: Rule | None = None
    batch: int | None = None
    epochs: int | None = None
    schedule: Schedule | None = None
    clip: float | None = None
    scale: bool = True
    seed: int | None = None
    tolerance: float = 1e-9
    launch: str = "plain"
    products: str = "full"

    averages: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("batch", "epochs"):
            value = getattr(self, name)
            if value is not None and (value != int(value) or value < 1):
                raise ModelError(f"{name} must be a whole number of 1 or more, not {value!r}.")
        for name, known in (("launch", LAUNCHES), ("products", PRODUCTS)):
            if getattr(self, name) not in known:
                raise ModelError(
                    f"{name} must be one of {', '.join(map(repr, known))}, not "
                    f"{getattr(self, name)!r}."
                )
        if self.clip is not None and not self.clip > 0:
            raise ModelError(f"clip must be above 0, not {self.clip!r}.")
        self._check_object("rule", "move", "sd.Adam(0.01)")
        self._check_object("schedule", "factor", "sd.Steps()")
        if self.rule is None and self.batch is None and self.schedule is not None:
            raise ModelError(
                "Without a rule gradient descent finds its own learning rate, which no schedule "
                "changes; name a rule, such as rule=sd.SGD(0.1)."
            )

    def _check_object(self, name: str, method: str, example: str) -> None:
        value = getattr(self, name)
        if value is not None and (isinstance(value, type) or not hasattr(value, method)):
            raise ModelError(f"{name}={value!r} is not a {name} such as {example}.")

    @property
    def name(self) -> str:
        """What the summary calls it."""
        rule = "accelerated" if self.accelerated else type(self.used_rule).__name__
        if self.batch is None:
            return f"Gradient descent ({rule})"
        return f"Gradient descent ({rule}, batches of {self.batch})"

    @property
    def rounded(self) -> str | None:
        """What the factors of products are rounded to; None where they are not."""
        return PRODUCTS[self.products]

    @property
    def stochastic(self) -> bool:
        """Whether rows come in batches."""
        return self.batch is not None

    @property
    def accelerated(self) -> bool:
        """Whether it finds its own rate on all rows at once."""
        return self.rule is None and self.batch is None

    @property
    def used_rule(self) -> Rule:
        """The rule given, or the default."""
        return self.rule or (Adam(0.01) if self.stochastic else SGD())

    def used_schedule(self, iterations: int) -> Schedule:
        """Return the schedule for a run of so many iterations."""
        if self.schedule is not None:
            return self.schedule
        falling = self.rule is None and self.stochastic
        return PowerOfTen(max(1, iterations // 2)) if falling else Constant()

    @property
    def max_iterations(self) -> int:
        """Without a bound of its own in batches: epochs end the run."""
        return self.most_epochs if not self.stochastic else 2**62

    @property
    def most_epochs(self) -> int:
        """Passes through the data, at most."""
        if self.epochs is not None:
            return self.epochs
        return STOCHASTIC_EPOCHS if self.stochastic else BATCH_EPOCHS

    def rows_of(self, n: int) -> int:
        """Return how many of n rows a batch takes.

        Raises
        ------
        DataError
            When a batch is larger than the data.
        """
        if self.batch is not None and self.batch > n:
            raise DataError(
                f"batch={self.batch} is more than the {n} rows there are to learn from; use a "
                "smaller batch, or batch=None for all rows at once."
            )
        return self.batch or n

    def steps(self, n: int) -> int:
        """Return the steps of all epochs on n rows."""
        return self.most_epochs * -(-n // self.rows_of(n))

    def start(self, problem: Problem, parameters: Array) -> State:
        for name, usual in (("launch", "plain"), ("products", "full")):
            if (value := getattr(self, name)) != usual:
                raise ModelError(
                    f"{name}={value!r} is for networks in training on a card; leave it out."
                )
        self.rows_of(problem.n)
        rule = self.used_rule
        loss, gradient = mean_loss(problem, parameters)
        rate = rule.learning_rate
        if rate is None:
            curvature = problem.curvature(parameters, expected=True) / problem.total_weight()
            rate = 1.0 / max(largest_eigenvalue(curvature), 1e-300)
        memory = (parameters, 1.0) if self.accelerated else rule.begin(parameters)
        seed = fresh_seed() if self.seed is None else self.seed
        walk = Walk(
            memory, rate, 0, seed, 30 * epsilon(gradient) * largest(gradient), first_loss=loss
        )
        state = State(parameters, loss, gradient, math.inf, memory=walk)
        return self._judge(problem, state)

    def step(self, problem: Problem, state: State) -> State:
        if self.stochastic:
            return self._stochastic_step(problem, state)
        if self.accelerated:
            return self._judge(problem, self._accelerated_step(problem, state))
        moved = self._move(problem, state, state.gradient, epoch=state.memory.iteration)
        loss, gradient = mean_loss(problem, moved.parameters)
        return self._judge(problem, replace(moved, loss=loss, gradient=gradient))

    def finish(self, problem: Problem, state: State) -> State:
        """Report the loss in the problem's own units, of all rows."""
        loss, gradient = problem.value_and_gradient(state.parameters)
        reported = replace(state, loss=loss, gradient=gradient)
        if state.outcome is not Outcome.ITERATION_LIMIT:
            return reported
        rose = state.loss > state.memory.first_loss
        return reported.stop(Outcome.DIVERGED if rose else Outcome.EPOCH_LIMIT)

    def _move(self, problem: Problem, state: State, gradient: Array, epoch: int) -> State:
        """Apply the rule to a gradient."""
        walk: Walk = state.memory
        schedule = self.used_schedule(self.steps(problem.n))
        rate = walk.rate * schedule.factor(walk.iteration, epoch)
        slopes = problem.slopes(state.parameters)
        step, memory = self.used_rule.move(
            self._clipped(gradient), walk.memory, rate, walk.iteration + 1, slopes
        )
        walk = replace(walk, memory=memory, iteration=walk.iteration + 1)
        return replace(state, parameters=state.parameters + step, step=rate, memory=walk)

    def _clipped(self, gradient: Array) -> Array:
        length = norm(gradient) if self.clip is not None else 0.0
        return gradient * (self.clip / length) if self.clip and length > self.clip else gradient

    def _judge(self, problem: Problem, state: State) -> State:
        """Stop when the mean gradient is small beside the noise of one row."""
        if not (math.isfinite(state.loss) and is_finite(state.gradient)):
            return state.stop(Outcome.NON_FINITE)
        if self.stochastic:
            return state
        size = largest(state.gradient)
        distance = size / math.sqrt(problem.unit(state.loss * problem.total_weight()))
        judged = replace(state, distance=distance, outcome=None)
        if distance <= max(self.tolerance, 30 * epsilon(state.gradient)):
            return judged.stop(Outcome.CONVERGED)
        return judged.stop(Outcome.PRECISION) if size <= state.memory.rounding else judged

    def _accelerated_step(self, problem: Problem, state: State) -> State:
        """Take Nesterov's step with t-momentum; halve the rate or restart when the loss rises."""
        walk: Walk = state.memory
        previous, t = walk.memory
        rate = walk.rate
        advanced = state.parameters - rate * self._clipped(state.gradient)
        t_next = (1 + (1 + 4 * t * t) ** 0.5) / 2
        parameters = advanced + (t - 1) / t_next * (advanced - previous)
        loss, gradient = mean_loss(problem, parameters)
        if loss > state.loss or not math.isfinite(loss):
            return self._restart(problem, state, advanced)
        walk = replace(walk, memory=(advanced, t_next), iteration=walk.iteration + 1)
        return State(parameters, loss, gradient, state.distance, rate, memory=walk)

    def _restart(self, problem: Problem, state: State, advanced: Array) -> State:
        """Forget the momentum; where even the plain step does not help, halve the rate."""
        walk: Walk = state.memory
        loss, gradient = mean_loss(problem, advanced)
        rounding = 8 * epsilon(gradient) * abs(state.loss)
        if loss <= state.loss + rounding:
            walk = replace(walk, memory=(advanced, 1.0), iteration=walk.iteration + 1)
            return State(advanced, loss, gradient, state.distance, walk.rate, memory=walk)
        walk = replace(walk, memory=(state.parameters, 1.0), rate=walk.rate / 2)
        return replace(state, memory=walk, step=walk.rate)

    def _stochastic_step(self, problem: Problem, state: State) -> State:
        """Take one step on the next batch of the epoch's order."""
        walk: Walk = state.memory
        size = self.rows_of(problem.n)
        per_epoch = -(-problem.n // size)
        epoch, place = divmod(walk.iteration, per_epoch)
        if place == 0:
            walk = replace(walk, batches=problem.batches(size, walk.seed, epoch))
            state = replace(state, memory=walk)
        loss, gradient = mean_loss(next(walk.batches), state.parameters)
        moved = self._move(problem, state, gradient, epoch)
        moved = replace(moved, loss=loss, gradient=gradient)
        over = walk.iteration + 1 >= self.most_epochs * per_epoch
        return moved.stop(Outcome.EPOCHS) if over else moved


def largest(vector: Array) -> float:
    """Return the largest absolute entry, 0 where there is none."""
    xp = namespace(vector)
    return float(xp.max(xp.abs(vector))) if vector.shape[0] else 0.0


def mean_loss(problem: Problem, parameters: Array) -> tuple[float, Array]:
    """Return the loss and its gradient per unit of weight."""
    loss, gradient = problem.value_and_gradient(parameters)
    weight = max(problem.total_weight(), 1e-300)
    return loss / weight, gradient / weight
