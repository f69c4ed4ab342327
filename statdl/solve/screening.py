"""The minimisers of a loss with a lasso-like penalty along a path of strengths λ.

    min  L(1aᵀ + X̃ b + η₀) + λ Σ_u f_u ( α ‖b_u‖ + ½ (1 − α) ‖b_u‖² )

At every λ the solution before is where the search starts, and only a working set of coefficients
is looked at: those that the sequential strong rule does not expect to stay at 0, for whom the
gradient at the last λ' is at least α f (2 λ − λ'). The rule may err, so that the conditions of all
others are looked at afterwards, and who violates them joins. A quadratic loss is minimised on the
Gram matrix of the working set; another by proximal Newton steps, each the minimum of a quadratic.
The curvature is kept over steps and values of λ while it serves: the gradient is exact, so that an
old curvature costs steps and no accuracy.

References: Tibshirani et al. (2012), J. R. Stat. Soc. B 74, 245; Friedman, Hastie and Tibshirani
(2010), J. Stat. Softw. 33(1); Lee, Sun and Saunders (2014), SIAM J. Optim. 24, 1420.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from statdl.backend.array import Array, namespace
from statdl.backend.columns import Columns
from statdl.errors import NumericalError
from statdl.solve.grouped import Blocks, minimise_grouped
from statdl.solve.lasso import minimise_lasso
from statdl.solve.shrinkage import Shrinkage


class Loss(Protocol):
    """A mean loss of rows: what is minimised besides the penalty."""

    @property
    def quadratic(self) -> bool:
        """Whether the loss is ½ (y − η)²."""
        ...

    def value_and_score(self, eta: Array) -> tuple[float, Array]:
        """Return the loss, and minus its derivative in η, (n, q)."""
        ...

    def curvature(self, eta: Array) -> tuple[Array, Array | None]:
        """Return d and u, (n, q), of the curvature diag(d_i) − u_i u_iᵀ of each row."""
        ...


class Solution(NamedTuple):
    """The minimiser at one λ: b (p, q) and a (q,) on the host, the loss, the largest violation."""

    strength: float
    coefficients: Any
    intercept: Any
    loss: float
    violation: float
    steps: int


@dataclass
class Problem:
    """The loss, the columns and the penalty of a path; η₀ is (n, q), or None for 0."""

    columns: Columns
    loss: Loss
    shrinkage: Shrinkage
    outputs: int
    intercept: bool
    template: Array
    offset: Array | None = None


def follow(
    state: State,
    strengths: Sequence[float],
    tolerance: float,
    enough: Callable[[Sequence[Solution]], bool] = lambda found: False,
) -> list[Solution]:
    """Return the solutions of a path that has begun, for decreasing λ.

    A condition may be violated by ``tolerance`` times λ_max; ``enough`` ends the path early.
    """
    allowed = tolerance * (state.top or float(abs(state.gradient).max(initial=1e-300)))
    allowed = max(allowed, state.rounding)
    grid = [float(value) for value in strengths]
    found: list[Solution] = []
    before = max([state.top, *grid[:1]])
    while len(found) < len(grid):
        for one in state.stretch(grid[len(found) :], before, allowed):
            found.append(one)
            before = one.strength
            if enough(found):
                return found
    return found


def rounding_of(problem: Problem) -> float:
    """Return what rounding leaves of a mean score: some last places of responses and means."""
    xp = namespace(problem.template)
    return 4e-15 * (1.0 + float(xp.mean(xp.abs(problem.template))))


class State:
    """Where a path is: coefficients, the gradient of the loss at them, and the working set."""

    #: Whether the working set is everything.
    whole = False
    #: Whether products are with few columns at a time, which several threads only wait for.
    piecemeal = True

    def __init__(self, problem: Problem) -> None:
        xp = namespace(problem.shrinkage.factors)
        self.problem, self.shrinkage = problem, problem.shrinkage
        p, q = problem.columns.shape[1], problem.outputs
        self.b, self.a = xp.zeros((p, q)), xp.zeros(q)
        self.gradient = xp.zeros((p, q))
        self.working = self.shrinkage.free.copy()
        self.value, self.top = 0.0, 0.0

    @property
    def rounding(self) -> float:
        """What rounding leaves of the slope of an intercept; 0 where none is iterated for."""
        return 0.0

    def begin(self) -> None:
        """Fit what is not penalised: where the path starts."""
        xp = namespace(self.b)
        scale = 0.0
        for _ in range(2):  # the scale of the gradient is known only once there is one
            allowed = max(1e-12 * scale, self.rounding) if scale else 1e-9
            self.solve_working(float("inf"), allowed)
            self.refresh_gradient()
            scale = float(xp.max(xp.abs(self.gradient), initial=0.0))
        self.top = self.shrinkage.largest(self.gradient)

    def stretch(self, strengths: Sequence[float], before: float, allowed: float) -> list[Solution]:
        """Return the solutions at the next λ, or at a few."""
        return [self.solve(strengths[0], before, allowed)]

    def solve(self, strength: float, before: float, allowed: float) -> Solution:
        """Return the solution at λ."""
        xp = namespace(self.b)
        steps = 0
        if not self.whole:
            pull = self.shrinkage.norms(self.gradient)
            expected = self.shrinkage.lasso(max(2 * strength - before, 0.0))
            self.admit((pull >= expected) & self.shrinkage.allowed)
        for _ in range(100):
            steps += self.solve_working(strength, allowed)
            self.refresh_gradient()
            violation = self.shrinkage.violations(strength, self.b, self.gradient)
            outside = (violation > allowed) & ~self.working
            if not bool(outside.any()):
                worst = float(xp.max(violation, initial=0.0))
                return Solution(strength, self.b.copy(), self.a.copy(), self.value, worst, steps)
            self.admit(outside)
        raise NumericalError("The working set of the path did not come to an end.")

    def admit(self, wanted: Any) -> None:
        raise NotImplementedError

    def solve_working(self, strength: float, allowed: float) -> int:
        raise NotImplementedError

    def refresh_gradient(self) -> None:
        raise NotImplementedError

    def minimise(
        self,
        H: Any,
        quadratic: Any,
        c: Any,
        strength: float,
        pairs: Any,
        start: Any,
        allowed: float,
    ) -> tuple[Any, Any]:
        """Minimise ½ bᵀH b − cᵀb + the lasso part over the coefficients at ``pairs``."""
        xp = namespace(start)
        first = len(start) - len(pairs[0])
        lasso = self.shrinkage.lasso(strength)[pairs]
        if self.shrinkage.units is None:
            full = xp.concat([xp.zeros(first), lasso]) if first else lasso
            return minimise_lasso(quadratic, c, full, start, allowed)
        units = self.shrinkage.units[pairs]
        names, lead = xp.unique(units, return_index=True)
        blocks = [first + xp.nonzero(units == name)[0] for name in names]
        thresholds = lasso[lead]
        if first:
            blocks.append(xp.arange(first))
            thresholds = xp.concat([thresholds, xp.zeros(1)])
        return minimise_grouped(Blocks(H, blocks), c, thresholds, start, allowed)

    def limits(self, pairs: Any, first: int) -> tuple[Any, Any]:
        """Return the limits of the coefficients at ``pairs``, after those of intercepts."""
        xp = namespace(self.b)
        if self.shrinkage.lower is None:
            return None, None
        ends = (self.shrinkage.lower[pairs], self.shrinkage.upper[pairs])
        wide = xp.full(first, xp.inf)
        return xp.concat([-wide, ends[0]]), xp.concat([wide, ends[1]])
