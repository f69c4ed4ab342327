"""Paths of more columns than rows: coordinate descent on the columns.

A Gram matrix of many columns costs more than it saves where rows are few. Each proximal Newton step
minimises the quadratic model of the loss by the compiled loop over the columns themselves, with
fresh weights, to a share of what the step before left. Where columns are so nearly collinear that
one coefficient at a time does not get on, the Gram matrix takes over for the rest of the path.
"""

from __future__ import annotations

from typing import Any

from statdl.backend.array import namespace
from statdl.backend.columns import DenseColumns
from statdl.errors import NumericalError
from statdl.lazy import lazy
from statdl.solve.compiled import available
from statdl.solve.proximal_newton import ProximalNewton
from statdl.solve.screening import Problem, Solution, State, rounding_of

loops = lazy("statdl.solve.loops")

#: To what share of the violation the quadratic model is minimised.
SHARE = 0.1
#: Steps, and sweeps of each, before columns are found too nearly collinear.
STEPS, SWEEPS = 20, 400


class ColumnDescent(State):
    """Coordinates are (output, column) pairs; the gradient is that of all columns at every step."""

    piecemeal = False

    @staticmethod
    def suits(problem: Problem, count: int) -> bool:
        """Tell whether there are more columns than rows, nothing grouped, and a compiled loop."""
        columns, units = problem.columns, problem.shrinkage.units
        n, p = columns.shape
        if n >= p or units is not None or not isinstance(columns, DenseColumns):
            return False
        return available(columns.rows, float(n) * p * count)

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        columns: Any = problem.columns
        self.rows = columns.rows
        xp = namespace(self.b)
        n, q = self.rows.shape[1], problem.outputs
        self.eta = xp.zeros((n, q)) if problem.offset is None else problem.offset + xp.zeros((n, q))
        self.twin: ProximalNewton | None = None
        self.past: Any = None  # λ, a, b and η of the value before
        self.ahead = False
        self.evaluate()

    def evaluate(self) -> None:
        """Set the loss, the score and the gradient."""
        self.value, self.score = self.problem.loss.value_and_score(self.eta)
        self.gradient = -self.problem.columns.inner(self.score)

    @property
    def rounding(self) -> float:
        return rounding_of(self.problem)

    def refresh_gradient(self) -> None:
        """It is that of all columns at every step."""

    def admit(self, wanted: Any) -> None:
        self.working = self.working | wanted

    def solve(self, strength: float, before: float, allowed: float) -> Solution:
        if self.twin is None:
            here = (before, self.a, self.b, self.eta)
            self.working = (self.b != 0) | self.shrinkage.free
            self._look_ahead(strength, before)
            self.past = here
            try:
                return super().solve(strength, before, allowed)
            except NumericalError:
                self.twin = ProximalNewton(self.problem)
                self.twin.go_on(self.a, self.b, self.top)
        return self.twin.solve(strength, before, allowed)

    def _look_ahead(self, strength: float, before: float) -> None:
        """Start where the path goes on to: between knots it is nearly linear in λ.

        What would change its sign stays at 0. The gradient is not computed before a step.
        """
        if self.past is None or not self.past[0] > before > strength:
            return
        earlier, a, b, eta = self.past
        share = (strength - before) / (before - earlier)
        xp = namespace(b)
        straight = self.b + share * (self.b - b)
        found = xp.where(straight * self.b > 0, straight, 0.0)
        if self.shrinkage.lower is not None:
            found = xp.clip(found, self.shrinkage.lower, self.shrinkage.upper)
        (bent,) = xp.nonzero((found != straight).any(axis=1))
        self.eta = self.eta + share * (self.eta - eta)
        self.eta = self.eta + self.rows[bent].T @ (found - straight)[bent]
        self.a, self.b = self.a + share * (self.a - a), found
        self.value, self.score = self.problem.loss.value_and_score(self.eta)
        self.ahead = True

    def solve_working(self, strength: float, allowed: float) -> int:
        for step in range(STEPS):
            worst = self._worst(strength)
            if worst <= allowed and not self.ahead:
                return step
            self.ahead = False
            a, b, change = self._proposal(strength, max(SHARE * worst, 0.3 * allowed))
            self._go(strength, a - self.a, b - self.b, change)
        raise NumericalError("One coefficient at a time does not come to an end.")

    def _go(self, strength: float, da: Any, db: Any, change: Any) -> None:
        """Go the way, or the part of it that lowers the objective."""
        a, b, eta = self.a, self.b, self.eta
        objective = self.value + self.shrinkage.value(strength, b)
        share = 1.0
        for _ in range(40):
            self.a, self.b, self.eta = a + share * da, b + share * db, eta + share * change
            self.value, self.score = self.problem.loss.value_and_score(self.eta)
            now = self.value + self.shrinkage.value(strength, self.b)
            if now <= objective + 1e-9 * abs(objective) + 1e-300:
                break
            share /= 2
        self.gradient = -self.problem.columns.inner(self.score)

    def _proposal(self, strength: float, allowed: float) -> tuple[Any, Any, Any]:
        """Return the minimum of the quadratic model, and the change of η to it."""
        xp = namespace(self.b)
        d, u = self.problem.loss.curvature(self.eta)
        outputs, places = xp.nonzero(self.working.T)
        pairs = (places, outputs)
        starts = xp.searchsorted(outputs, xp.arange(self.problem.outputs + 1))
        lower, upper = self.limits(pairs, 0)
        wide = xp.full(len(places), xp.inf)
        found, a = self.b[pairs], self.a.copy()
        change = xp.zeros((self.problem.outputs, len(self.eta)))
        loops.descend_columns(
            self.rows, places, starts, rowwise(self.score), rowwise(d),
            change[:0] if u is None else rowwise(u), found, a,
            self.shrinkage.lasso(strength)[pairs], self.shrinkage.ridge(strength)[pairs],
            -wide if lower is None else lower, wide if upper is None else upper,
            self.problem.intercept, change, allowed, SWEEPS,
        )  # fmt: skip
        b = xp.zeros_like(self.b)
        b[pairs] = found
        return a, b, change.T

    def _worst(self, strength: float) -> float:
        """Return the largest violation among intercepts and working coefficients."""
        xp = namespace(self.b)
        inside = self.shrinkage.violations(strength, self.b, self.gradient)[self.working]
        worst = float(xp.max(inside, initial=0.0))
        if not self.problem.intercept:
            return worst
        return max(worst, float(xp.max(xp.abs(xp.sum(self.score, axis=0)))))


def rowwise(values: Any) -> Any:
    """Return (n, q) as contiguous (q, n)."""
    return namespace(values).ascontiguousarray(values.T)
