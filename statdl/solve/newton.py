"""Newton-Raphson, Fisher scoring, and least squares as the case that needs no iteration.

Each step solves H d = −g by a scaled Cholesky factor and moves to θ + t d, with t halved until the
loss falls (Armijo). The Newton decrement

    λ = √(gᵀ H⁻¹ g)

is the distance to the minimum in the norm of H. For a log-likelihood that is in standard errors, so
one tolerance means the same whatever the units of the columns (Boyd & Vandenberghe 2004, §9.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from statdl.backend.array import Array
from statdl.backend.linalg import Factor, factorise
from statdl.errors import NotPositiveDefiniteError
from statdl.solve.iterate import Outcome, Problem, State
from statdl.solve.line_search import close_enough, line_search, stalled
from statdl.solve.secant import Pair, remembered, two_loop

#: Steps with a kept factor contract better and better: how many of those expected are needed.
SECANT_SHARE = 0.6


@dataclass(frozen=True)
class Memory:
    """What Newton's method carries from step to step.

    factor     of H at the current θ where ``fresh``, else at an earlier one
    direction  −H⁻¹ g, the next step
    pairs      what the steps since the factor was made say of the curvature
    """

    factor: Factor
    direction: Array
    fresh: bool
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Newton:
    """Newton-Raphson; with ``expected=True``, Fisher scoring (IRLS in a generalised linear model).

    A factor is kept for further steps while it still contracts the distance fast enough that the
    steps it needs cost less than a new curvature (chord steps); on small problems, never.

    Parameters
    ----------
    expected : bool
        Use the expected information in place of the observed one.
    tolerance : float
        Largest distance λ, in standard errors, that counts as converged.
    max_iterations : int
        Most steps to take.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, §3.3 and §6.1.

    Examples
    --------
    >>> Newton(expected=True).name
    'Fisher scoring'
    """

    expected: bool = False
    tolerance: float = 1e-8
    max_iterations: int = 100
    first_factor: Factor | None = None

    averages: ClassVar[bool] = False
    #: Whether steps with a kept factor learn from the steps before (BFGS).
    secant: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """What the summary calls it."""
        return "Fisher scoring" if self.expected else "Newton-Raphson"

    def start(self, problem: Problem, parameters: Array) -> State:
        state = State.at(problem, parameters)
        if state.outcome is not None:
            return state
        if self.first_factor is None:
            return self._with_fresh_factor(problem, state)
        return self._with_factor(problem, state, self.first_factor, fresh=False, contraction=0.0)

    def step(self, problem: Problem, state: State) -> State:
        moved = line_search(problem, state, state.memory.direction, state.distance**2)
        if moved is None:
            return self._without_progress(problem, state)
        contraction = _contraction(moved, state)
        if self._worth_keeping(problem, contraction, state.distance):
            memory = state.memory
            pairs = remembered(memory.pairs, state, moved) if self.secant else ()
            return self._with_factor(problem, moved, memory.factor, False, contraction, pairs)
        return self._with_fresh_factor(problem, moved)

    def finish(self, problem: Problem, state: State) -> State:
        """Take the last step too: its direction is known, and it squares what distance is left."""
        if state.outcome is not Outcome.CONVERGED:
            return state
        return replace(state, parameters=state.parameters + state.memory.direction)

    def _with_fresh_factor(self, problem: Problem, state: State) -> State:
        """Factorise the curvature of the current point, and aim with it."""
        try:
            factor = self._factor(problem, state.parameters)
        except NotPositiveDefiniteError:
            return state.stop(Outcome.STALLED)
        return self._with_factor(problem, state, factor, fresh=True, contraction=0.0)

    def _factor(self, problem: Problem, parameters: Array) -> Factor:
        """Factorise the curvature; an indefinite observed one gives way to the expected one."""
        try:
            return factorise(problem.curvature(parameters, expected=self.expected))
        except NotPositiveDefiniteError:
            if self.expected:
                raise
            return factorise(problem.curvature(parameters, expected=True))

    def _with_factor(
        self,
        problem: Problem,
        state: State,
        factor: Factor,
        fresh: bool,
        contraction: float,
        pairs: tuple[Pair, ...] = (),
    ) -> State:
        """Set direction and distance from a factor, and see whether that is close enough."""
        direction = -two_loop(state.gradient, pairs, factor)
        distance = math.sqrt(max(-float(direction @ state.gradient), 0.0))
        # finish() takes one more step, which contracts as the last one did
        left = distance * contraction if contraction > 0 else distance
        close = close_enough(problem, state, left, self.tolerance)
        return replace(
            state,
            distance=distance,
            outcome=Outcome.CONVERGED if close else None,
            memory=Memory(factor, direction, fresh, pairs),
        )

    def _worth_keeping(self, problem: Problem, contraction: float, distance: float) -> bool:
        """Compare the chord steps still needed with what a new curvature costs, in gradients.

        Where it costs next to nothing, a fresh one converges at once.
        """
        price = problem.curvature_price
        if contraction == 0.0 or contraction >= 0.5:
            return contraction == 0.0
        needed = math.log(max(distance / self.tolerance, 2.0)) / -math.log(contraction)
        return SECANT_SHARE * needed <= price

    def _without_progress(self, problem: Problem, state: State) -> State:
        """Stop at working precision, try a fresh curvature, or admit the stall."""
        if not state.memory.fresh:
            return self._with_fresh_factor(problem, state)
        return stalled(state)


@dataclass(frozen=True)
class LeastSquares(Newton):
    """Least squares: one factor of XᵀWX, then corrections with residuals from X itself.

    The first step solves the normal equations. Each further one is a corrected semi-normal
    equation: the gradient Xᵀ(y − Xβ) is computed from the data, so the error shrinks by about
    κ(X)² ε a step (Björck 1987), and two steps give what QR gives while κ(X) < 1e5.

    References
    ----------
    Björck (1996), Numerical Methods for Least Squares Problems, §2.9 (corrected seminormal
    equations).

    Examples
    --------
    >>> LeastSquares().name
    'Least squares'
    """

    name: ClassVar[str] = "Least squares"
    secant: ClassVar[bool] = False  # the factor is exact but for rounding
    tolerance: float = 1e-14

    def _worth_keeping(self, problem: Problem, contraction: float, distance: float) -> bool:
        return contraction < 0.5

    def _with_fresh_factor(self, problem: Problem, state: State) -> State:
        """Factorise once; a step that no longer contracts has reached the residuals' rounding."""
        if state.step > 0:
            return state.stop(Outcome.PRECISION)
        return super()._with_fresh_factor(problem, state)


def _contraction(moved: State, before: State) -> float:
    """Return how much of the distance is left after a step, in the norm of the factor before."""
    whitened = before.memory.factor.whiten(moved.gradient)
    left = math.sqrt(float(whitened @ whitened))
    return left / before.distance if before.distance > 0 else 0.0
