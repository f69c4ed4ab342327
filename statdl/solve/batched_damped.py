"""Newton's method with Levenberg's damping for k problems at once, which need not be convex.

    (H_j + μ_j diag H_j) d_j = −g_j

Steps that lower the loss are taken and divide μ by 10, down to 0; others multiply it by 10. It is
for problems near their minima, which :class:`~statdl.solve.batched.Together` leads to.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from statdl.backend.array import Array, epsilon, like, namespace, overflow_allowed, to_numpy
from statdl.solve.batched import Minima, Status
from statdl.solve.batched_states import (
    CAUTION,
    QUADRATIC,
    aim,
    any_running,
    minima_of,
    running_of,
    without_ended,
)
from statdl.solve.newton import ARMIJO


@dataclass(frozen=True)
class DampedTogether:
    """How to minimise k problems at once from near their minima.

    Parameters
    ----------
    tolerance : float
        Largest distance √(gᵀ H⁻¹ g), in standard errors, that counts as converged.
    max_iterations : int
        Most ticks.

    References
    ----------
    Marquardt (1963), J. Soc. Ind. Appl. Math. 11, 431.

    Examples
    --------
    >>> DampedTogether().tolerance
    1e-08
    """

    tolerance: float = 1e-8
    max_iterations: int = 100

    def minimise(self, problems: Any, parameters: Array) -> Minima:
        """Minimise all problems from their rows of ``parameters``, (k, P)."""
        with overflow_allowed():
            state = self._start(problems, parameters)
            ended: list[_Damped] = []
            ticks = 0
            while ticks < self.max_iterations:
                problems, state = without_ended(problems, state, ended)
                if not any_running(state.status):
                    break
                state = self._tick(problems, state)
                ticks += 1
            ended.append(state)
        found = minima_of(ended, ticks)
        xp = namespace(parameters)
        place = xp.concat([one.place for one in ended])
        loss = xp.take(xp.concat([one.loss for one in ended]), xp.argsort(place))
        return replace(found, loss=loss)

    def _start(self, problems: Any, parameters: Array) -> _Damped:
        xp = namespace(parameters)
        loss, gradient = problems.value_and_gradient(parameters)
        finite = xp.isfinite(loss) & xp.all(xp.isfinite(gradient), axis=1)
        none = xp.zeros((parameters.shape[0],), dtype=xp.int64, device=parameters.device)
        return _Damped(
            place=xp.arange(parameters.shape[0], device=parameters.device),
            parameters=parameters,
            loss=loss,
            gradient=gradient,
            curvature=problems.curvature(parameters),
            damping=xp.zeros_like(loss),
            before=xp.full_like(loss, xp.inf),
            status=xp.where(finite, none, none + int(Status.NON_FINITE)),
        )

    def _tick(self, problems: Any, state: _Damped) -> _Damped:
        xp = namespace(state.loss)
        running = running_of(state.status)
        direction, distance, pivot = aim(state.gradient, _damped(state))
        definite = running & (pivot > 0)
        state = self._ended(problems, state, definite, direction, distance)
        running = running_of(state.status)
        trial = state.parameters + xp.where(definite[:, None], direction, 0 * direction)
        loss, gradient = problems.value_and_gradient(trial)
        rounding = 8 * epsilon(loss) * xp.abs(state.loss)
        promised = ARMIJO * distance * distance
        finite = xp.isfinite(loss) & xp.all(xp.isfinite(gradient), axis=1)
        taken = running & definite & finite & (loss <= state.loss - promised + rounding)
        state.before = xp.where(taken, distance, state.before)
        state.parameters = xp.where(taken[:, None], trial, state.parameters)
        state.loss = xp.where(taken, loss, state.loss)
        state.gradient = xp.where(taken[:, None], gradient, state.gradient)
        state.damping = _next_damping(state.damping, taken)
        stalled = running & (state.damping > 1e12)
        state.status = xp.where(stalled, state.status * 0 + int(Status.STALLED), state.status)
        return self._bent(problems, state, taken)

    def _ended(
        self, problems: Any, state: _Damped, definite: Array, direction: Array, distance: Array
    ) -> _Damped:
        """End the problems whose undamped step is within the tolerance, and take it."""
        xp = namespace(distance)
        tolerance = max(self.tolerance, 30 * epsilon(distance))
        known = xp.isfinite(state.before)
        ratio = xp.where(known, distance / state.before, xp.ones_like(distance))
        left = xp.where(ratio < QUADRATIC, CAUTION * distance * ratio * ratio, distance)
        close = left <= tolerance * xp.sqrt(problems.unit(state.loss))
        close = close & definite & (state.damping == 0)
        last = state.parameters + direction
        state.parameters = xp.where(close[:, None], last, state.parameters)
        state.status = xp.where(close, state.status * 0 + int(Status.CONVERGED), state.status)
        return state

    def _bent(self, problems: Any, state: _Damped, moved: Array) -> _Damped:
        """Look at the curvature of the problems that have moved."""
        xp = namespace(state.loss)
        chosen = to_numpy(moved & running_of(state.status)).nonzero()[0]
        if not len(chosen):
            return state
        places = like(chosen, state.loss, xp.int64)
        found = problems.take(places).curvature(xp.take(state.parameters, places, axis=0))
        where = like(_ranks(chosen, state.loss.shape[0]), state.loss, xp.int64)
        spread = xp.take(found, where, axis=0)
        state.curvature = xp.where(moved[:, None, None], spread, state.curvature)
        return state


@dataclass
class _Damped:
    """Where the running problems are."""

    place: Array  # (k,)
    parameters: Array  # (k, P)
    loss: Array  # (k,)
    gradient: Array  # (k, P)
    curvature: Array  # (k, P, P)
    damping: Array  # (k,) μ
    before: Array  # (k,) the distance of the last step taken
    status: Array  # (k,)

    def take(self, positions: Array) -> _Damped:
        xp = namespace(self.loss)
        return _Damped(*(xp.take(getattr(self, f.name), positions, axis=0) for f in fields(self)))


def _damped(state: _Damped) -> Array:
    xp = namespace(state.loss)
    H = state.curvature
    diagonal = xp.abs(xp.linalg.diagonal(H))
    floor = 1e-8 * xp.max(diagonal, axis=1, keepdims=True)
    added = state.damping[:, None] * xp.maximum(diagonal, floor)
    return H + added[:, :, None] * xp.eye(H.shape[-1], dtype=H.dtype, device=H.device)


def _next_damping(damping: Array, taken: Array) -> Array:
    xp = namespace(damping)
    lower = xp.where(damping > 1e-6, damping / 10, xp.zeros_like(damping))
    higher = xp.maximum(10 * damping, xp.full_like(damping, 1e-3))
    return xp.where(taken, lower, higher)


def _ranks(chosen: Any, size: int) -> Any:
    """Return for each of ``size`` problems its place among those chosen, 0 where it is not."""
    ranks = to_numpy(chosen)[:1].repeat(size) * 0
    ranks[chosen] = range(len(chosen))
    return ranks
