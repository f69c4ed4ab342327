"""Gradient descent for k problems at once: a step of each at a time.

The rules of :mod:`statdl.solve.rule` are elementwise, so that a step of (k, P) is that of k runs,
each at its own rate. Rows come in the order of a run's seed, as in :mod:`statdl.solve.training`:
each run is the one that trains alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from statdl.backend.array import Array, like, namespace, overflow_allowed, to_numpy
from statdl.backend.random import permutation
from statdl.solve.batched import Minima, Status
from statdl.solve.descent import GradientDescent


class Learners(Protocol):
    """k problems that are learnt from batches of rows."""

    @property
    def rows(self) -> int:
        """n."""
        ...

    def mean_gradient(self, parameters: Array, positions: Array) -> Array:
        """Return the gradients of the mean losses of rows, (k, P): those at (b,), or (k, b)."""
        ...

    def value(self, parameters: Array) -> Array:
        """Return the losses of all rows, (k,)."""
        ...

    def unit(self, loss: Array) -> Array:
        """Return the losses worth one unit of log-likelihood, (k,)."""
        ...


@dataclass(frozen=True)
class DescentTogether:
    """How to train k problems at once.

    Parameters
    ----------
    descent : GradientDescent
        Rule, batch, epochs, schedule and clipping; the rule has a learning rate unless ``rates``
        are given.
    seed : int, or a sequence of k
        Of the order of rows.
    rates : (k,), optional
        Learning rates, in place of the rule's.

    Examples
    --------
    >>> from statdl.solve.rule import Adam
    >>> DescentTogether(GradientDescent(Adam(0.01), batch=32, epochs=5)).seed
    0
    """

    descent: GradientDescent
    seed: int | Sequence[int] = 0
    rates: Any = None

    def minimise(self, problems: Learners, parameters: Array, decayed: Array) -> Minima:
        """Train all problems from their rows of ``parameters``, (k, P).

        ``decayed`` is (P,), 1 where the rule's own weight decay acts.
        """
        descent, xp, n = self.descent, namespace(parameters), problems.rows
        rule, size = descent.used_rule, descent.rows_of(n)
        schedule = descent.used_schedule(descent.steps(n))
        memory, theta, iteration = rule.begin(parameters), parameters, 0
        rate, running = self._rate(parameters), xp.ones_like(parameters[:, :1], dtype=xp.bool)
        with overflow_allowed():
            for epoch in range(descent.most_epochs):
                order = self._order(n, epoch, parameters)
                for first in range(0, n, size):
                    some = order[..., first : min(first + size, n)]
                    gradient = problems.mean_gradient(theta, some)
                    now = rate * schedule.factor(iteration, epoch)
                    iteration += 1
                    step, memory = rule.move(
                        self._clipped(gradient), memory, now, iteration, theta * decayed
                    )
                    theta = theta + step if size < n else xp.where(running, theta + step, theta)
                if size == n:
                    running = running & ~self._reached(problems, theta, gradient)
                    if not bool(xp.any(running)):
                        break
            loss = problems.value(theta)
        finite = to_numpy(xp.isfinite(loss) & xp.all(xp.isfinite(theta), axis=1))
        status = tuple(Status.CONVERGED if one else Status.NON_FINITE for one in finite)
        return Minima(theta, loss, status, iteration)

    def _rate(self, parameters: Array) -> Any:
        """Return the learning rate, or those of the problems, (k, 1)."""
        if self.rates is not None:
            return like(self.rates, parameters)[:, None]
        rate = self.descent.used_rule.learning_rate
        assert rate is not None
        return rate

    def _order(self, n: int, epoch: int, parameters: Array) -> Array:
        """Return the order of the rows, (n,), or that of each problem's, (k, n)."""
        seeds = (self.seed,) if isinstance(self.seed, int) else self.seed
        known = {seed: permutation(n, seed, epoch) for seed in set(seeds)}
        order = known[seeds[0]]
        if len(known) > 1:
            order = namespace(order).stack([known[seed] for seed in seeds])
        return like(order, parameters, namespace(parameters).int64)

    def _reached(self, problems: Learners, theta: Array, gradient: Array) -> Array:
        """Tell which problems have nothing left of the gradient of all rows, (k, 1)."""
        xp = namespace(gradient)
        size = xp.max(xp.abs(gradient), axis=1, keepdims=True)
        near = size <= self.descent.tolerance
        if not bool(xp.any(near)):
            return near
        unit = xp.sqrt(problems.unit(problems.value(theta)))[:, None]
        return near & (size <= self.descent.tolerance * unit)

    def _clipped(self, gradient: Array) -> Array:
        longest = self.descent.clip
        if longest is None:
            return gradient
        xp = namespace(gradient)
        length = xp.sqrt(xp.sum(gradient * gradient, axis=1, keepdims=True))
        return gradient * (longest / xp.maximum(length, xp.full_like(length, longest)))
