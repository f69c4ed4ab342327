"""Gradient descent for k problems at once: the same batches of rows, a step of each at a time.

The rules of :mod:`statdl.solve.rule` are elementwise, so that a step of (k, P) is that of k runs.
Rows come in the order of the seed, as in :mod:`statdl.solve.training`: each run is the one that
trains alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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
        """Return the gradients of the mean losses of some rows, (k, P)."""
        ...

    def value(self, parameters: Array) -> Array:
        """Return the losses of all rows, (k,)."""
        ...


@dataclass(frozen=True)
class DescentTogether:
    """How to train k problems at once.

    Parameters
    ----------
    descent : GradientDescent
        Rule, batch, epochs, schedule and clipping; the rule has a learning rate.
    seed : int
        Of the order of rows, the same for all.

    Examples
    --------
    >>> from statdl.solve.rule import Adam
    >>> DescentTogether(GradientDescent(Adam(0.01), batch=32, epochs=5)).seed
    0
    """

    descent: GradientDescent
    seed: int = 0

    def minimise(self, problems: Learners, parameters: Array, decayed: Array) -> Minima:
        """Train all problems from their rows of ``parameters``, (k, P).

        ``decayed`` is (P,), 1 where the rule's own weight decay acts.
        """
        descent, xp, n = self.descent, namespace(parameters), problems.rows
        rule, size = descent.used_rule, descent.rows_of(n)
        schedule = descent.used_schedule(descent.steps(n))
        memory, theta, iteration = rule.begin(parameters), parameters, 0
        rate = rule.learning_rate
        assert rate is not None
        with overflow_allowed():
            for epoch in range(descent.most_epochs):
                order = like(permutation(n, self.seed, epoch), parameters, xp.int64)
                for first in range(0, n, size):
                    gradient = problems.mean_gradient(theta, order[first : min(first + size, n)])
                    gradient = self._clipped(gradient)
                    now = rate * schedule.factor(iteration, epoch)
                    iteration += 1
                    step, memory = rule.move(gradient, memory, now, iteration, theta * decayed)
                    theta = theta + step
            loss = problems.value(theta)
        finite = to_numpy(xp.isfinite(loss) & xp.all(xp.isfinite(theta), axis=1))
        status = tuple(Status.CONVERGED if one else Status.NON_FINITE for one in finite)
        return Minima(theta, loss, status, iteration)

    def _clipped(self, gradient: Array) -> Array:
        longest = self.descent.clip
        if longest is None:
            return gradient
        xp = namespace(gradient)
        length = xp.sqrt(xp.sum(gradient * gradient, axis=1, keepdims=True))
        return gradient * (longest / xp.maximum(length, xp.full_like(length, longest)))
