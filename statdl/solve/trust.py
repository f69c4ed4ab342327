"""Newton's method for losses that are not convex: Levenberg's damping with a gain test.

Each step solves (H + μD) d = −g, D the diagonal of |H|, and compares the fall of the loss with what
the quadratic model promised:

    ρ = (J(θ) − J(θ + d)) / −(gᵀd + ½ dᵀHd).

A step with ρ > 0 is taken; μ falls where ρ is near 1 and rises where it is not (Nielsen 1999). Near
a minimum with positive definite H the damping vanishes and convergence is Newton's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from statdl.backend.array import Array, epsilon, is_finite, namespace
from statdl.backend.linalg import Factor, factorise
from statdl.errors import NotPositiveDefiniteError
from statdl.solve.iterate import Outcome, Problem, State

#: Damping of the first step, relative to the diagonal of H.
FIRST_DAMPING = 1e-2
#: Damping below which it is left out altogether.
NO_DAMPING = 1e-10
#: Damping beyond which no step will lower the loss.
MOST_DAMPING = 1e14
#: Steps in turn without progress, after which only rounding is left.
PATIENCE = 12


@dataclass(frozen=True)
class Damping:
    """The curvature here, the damping μ, and the factor by which it rises next.

    ``best`` is where the loss last fell beyond rounding or the gradient by half, and ``idle`` how
    many steps ago that was.
    """

    curvature: Array
    mu: float
    rise: float = 2.0
    best: State | None = None
    idle: int = 0


@dataclass(frozen=True)
class TrustRegion:
    """Damped Newton-Raphson for networks.

    Parameters
    ----------
    expected : bool
        Use the expected (Gauss-Newton) curvature in place of the exact one.
    tolerance : float
        Largest entry of the gradient, relative to the noise of one row, that counts as converged.
    max_iterations : int
        Most steps to try.

    References
    ----------
    Nielsen (1999), Damping parameter in Marquardt's method, IMM-REP-1999-05.
    Nocedal & Wright (2006), Numerical Optimization, §4.1 and §10.3.

    Examples
    --------
    >>> TrustRegion().name
    'Newton-Raphson (trust region)'
    """

    expected: bool = False
    tolerance: float = 1e-8
    max_iterations: int = 1000

    averages: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What the summary calls it."""
        return f"{'Gauss-Newton' if self.expected else 'Newton-Raphson'} (trust region)"

    def start(self, problem: Problem, parameters: Array) -> State:
        state = State.at(problem, parameters)
        if state.outcome is not None:
            return state
        curvature = problem.curvature(parameters, expected=self.expected)
        return self._judge(problem, replace(state, memory=Damping(curvature, FIRST_DAMPING)))

    def step(self, problem: Problem, state: State) -> State:
        """Try damped steps until one lowers the loss."""
        damping: Damping = state.memory
        halvings = 0
        while damping.mu < MOST_DAMPING:
            moved, gain = self._try(problem, state, damping)
            if moved is not None and gain > 1e-4:
                curvature = problem.curvature(moved.parameters, expected=self.expected)
                kept = Damping(curvature, _lowered(damping.mu, gain))
                judged = self._judge(problem, replace(moved, memory=kept, halvings=halvings))
                return self._without_progress(state, judged)
            damping = replace(damping, mu=_raised(damping), rise=2 * damping.rise)
            halvings += 1
        precise = state.distance <= 1e4 * self._reachable(state)
        return state.stop(Outcome.PRECISION if precise else Outcome.STALLED)

    def finish(self, problem: Problem, state: State) -> State:
        """Report the state as it is."""
        return state

    def _try(self, problem: Problem, state: State, damping: Damping) -> tuple[State | None, float]:
        """Return the state after a damped step and the gain ratio; None where there is no step."""
        factor = _damped_factor(damping)
        if factor is None:
            return None, 0.0
        step = -factor.solve(state.gradient)
        promised = -float(state.gradient @ step + 0.5 * (step @ (damping.curvature @ step)))
        parameters = state.parameters + step
        loss, gradient = problem.value_and_gradient(parameters)
        if not (promised > 0 and math.isfinite(loss) and is_finite(gradient)):
            return None, 0.0
        rounding = _rounding(state)
        gain = (state.loss - loss + rounding) / (promised + rounding)
        return State(parameters, loss, gradient, state.distance, 1 / (1 + damping.mu)), gain

    def _judge(self, problem: Problem, state: State) -> State:
        xp = namespace(state.gradient)
        largest = float(xp.max(xp.abs(state.gradient)))
        distance = largest / math.sqrt(problem.unit(state.loss))
        outcome = Outcome.CONVERGED if distance <= self._reachable(state) else None
        return replace(state, distance=distance, outcome=outcome)

    def _reachable(self, state: State) -> float:
        """Return the tolerance, no smaller than the precision of the data allows."""
        return max(self.tolerance, 100 * epsilon(state.gradient))

    def _without_progress(self, before: State, after: State) -> State:
        """Stop where neither loss nor gradient fall beyond rounding: at once, close to the minimum.

        In single precision the gradient's own rounding, which grows with the rows, may be above any
        tolerance. Where the loss itself is noise, steps wander without end.
        """
        if after.outcome is not None:
            return after
        close = after.distance <= 1e4 * self._reachable(after)
        if not _falls(before, after) and close:
            best = after if after.distance < before.distance else before
            return replace(best, halvings=after.halvings).stop(Outcome.PRECISION)
        return self._wandering(before, after)

    def _wandering(self, before: State, after: State) -> State:
        """Count the steps since the best state, and stop there when they were many."""
        best = before.memory.best or before
        if _falls(best, after):
            return replace(after, memory=replace(after.memory, best=None))
        idle = before.memory.idle + 1
        if idle < PATIENCE:
            return replace(after, memory=replace(after.memory, best=best, idle=idle))
        least = min((best, before, after), key=lambda state: state.distance)
        precise = self._promised(least) <= _rounding(least)
        outcome = Outcome.PRECISION if precise else Outcome.STALLED
        return replace(least, halvings=after.halvings).stop(outcome)

    def _promised(self, state: State) -> float:
        """Return by how much a Newton step would lower the loss, ½ gᵀH⁻¹g."""
        factor = _damped_factor(Damping(state.memory.curvature, 0.0))
        if factor is None:
            return math.inf
        return 0.5 * float(state.gradient @ factor.solve(state.gradient))


def _rounding(state: State) -> float:
    """Return how much of the loss may be rounding."""
    return 16 * epsilon(state.gradient) * abs(state.loss)


def _falls(before: State, after: State) -> bool:
    """Tell whether the loss falls beyond rounding, or the gradient by half."""
    lower = before.loss - after.loss > _rounding(before)
    return lower or after.distance <= 0.5 * before.distance


def _damped_factor(damping: Damping) -> Factor | None:
    """Factorise H + μD; None where that is not positive definite."""
    H = damping.curvature
    xp = namespace(H)
    diagonal = xp.abs(xp.linalg.diagonal(H))
    floor = float(xp.max(diagonal)) * 1e-8 + 1e-300
    added = damping.mu * xp.maximum(diagonal, xp.full_like(diagonal, floor))
    identity = xp.eye(H.shape[0], dtype=H.dtype, device=H.device)
    try:
        return factorise(H + added[:, None] * identity)
    except NotPositiveDefiniteError:
        return None


def _lowered(mu: float, gain: float) -> float:
    """Return the damping after a step that was taken: less, the better the model foretold it."""
    lowered = mu * max(0.1, 1 - (2 * gain - 1) ** 3)
    return lowered if lowered > NO_DAMPING else 0.0


def _raised(damping: Damping) -> float:
    return max(damping.mu * damping.rise, 1e-6)
