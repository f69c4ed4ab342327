"""Newton's method with Levenberg's damping for k problems at once, which need not be convex.

    (H_j + μ_j diag H_j) d_j = −g_j

It is :class:`~statdl.solve.trust.TrustRegion` for stacks: the same gain test, damping and ends.
From near a minimum it ends a step earlier, with the last step of
:mod:`~statdl.solve.batched_newton`, where the damping has vanished; :meth:`DampedTogether.each`
takes the very steps that each problem would take by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from statdl.backend.array import Array, epsilon, like, namespace, overflow_allowed, to_numpy
from statdl.backend.stacked import add_to_diagonals
from statdl.solve import trust
from statdl.solve.batched import Minima, Status
from statdl.solve.batched_states import (
    CAUTION,
    QUADRATIC,
    aim,
    coded,
    minima_of,
    running_of,
    until_ended,
)
from statdl.solve.trust import MOST_DAMPING, NO_DAMPING, TrustRegion

#: Damping of the first step, relative to the diagonal of H: the start is near a minimum.
FIRST_DAMPING = 1e-3
#: Steps after which the few that still run are better off by themselves.
TICKS = 400


@dataclass(frozen=True)
class DampedTogether:
    """How to minimise k problems at once, from near their minima unless told otherwise.

    Parameters
    ----------
    tolerance : float
        Largest distance √(gᵀ H⁻¹ g), in standard errors, that counts as converged.
    max_iterations : int
        Most ticks.
    first_damping : float
        μ of the first step, relative to the diagonal of H.
    expected : bool
        Use the expected (Gauss-Newton) curvature in place of the exact one.
    foreseeing : bool
        Take the last step without looking where it led, once it is sure to end within the
        tolerance; else only a gradient of 0, to the tolerance, ends a problem.

    References
    ----------
    Marquardt (1963), J. Soc. Ind. Appl. Math. 11, 431.

    Examples
    --------
    >>> DampedTogether().tolerance
    1e-08
    """

    tolerance: float = 1e-8
    max_iterations: int = 200
    first_damping: float = FIRST_DAMPING
    expected: bool = False
    foreseeing: bool = True

    @classmethod
    def each(cls, solver: TrustRegion) -> DampedTogether:
        """Return what takes the steps that ``solver`` would take on each problem by itself."""
        return cls(
            solver.tolerance,
            min(solver.max_iterations, TICKS),
            first_damping=trust.FIRST_DAMPING,
            expected=solver.expected,
            foreseeing=False,
        )

    def minimise(self, problems: Any, parameters: Array) -> Minima:
        """Minimise all problems from their rows of ``parameters``, (k, P)."""
        with overflow_allowed():
            state = self._start(problems, parameters)
            ended, ticks = until_ended(problems, state, self._tick, self.max_iterations)
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
        state = _Damped(
            place=xp.arange(parameters.shape[0], device=parameters.device),
            parameters=parameters,
            loss=loss,
            gradient=gradient,
            curvature=problems.curvature(parameters, expected=self.expected),
            damping=xp.full_like(loss, self.first_damping),
            rise=xp.full_like(loss, 2.0),
            before=xp.full_like(loss, xp.inf),
            status=xp.where(finite, none, none + int(Status.NON_FINITE)),
        )
        return self._flat(problems, state, finite)

    def _tick(self, problems: Any, state: _Damped) -> _Damped:
        xp = namespace(state.loss)
        direction, distance, pivot = aim(state.gradient, _damped(state))
        definite = running_of(state.status) & (pivot > 0)
        if self.foreseeing:
            state = self._ended(problems, state, definite, direction, distance)
        running = running_of(state.status)
        trial = state.parameters + xp.where(definite[:, None], direction, 0 * direction)
        loss, gradient = problems.value_and_gradient(trial)
        rounding = 16 * epsilon(loss) * xp.abs(state.loss)
        promised = _promised(state, direction)
        gain = (state.loss - loss + rounding) / (promised + rounding)
        finite = xp.isfinite(loss) & xp.all(xp.isfinite(gradient), axis=1)
        taken = running & definite & finite & (promised > 0) & (gain > 1e-4)
        fallen = state.loss - loss > rounding
        nearer = _largest(gradient) <= 0.5 * _largest(state.gradient)
        state.before = xp.where(taken & (state.damping == 0), distance, xp.inf)
        state.parameters = xp.where(taken[:, None], trial, state.parameters)
        state.loss = xp.where(taken, loss, state.loss)
        state.gradient = xp.where(taken[:, None], gradient, state.gradient)
        state = _redamped(state, taken, gain)
        state = self._flat(problems, state, taken)
        state = self._at_rounding(problems, state, taken & ~fallen & ~nearer)
        return self._bent(problems, state, taken)

    def _flat(self, problems: Any, state: _Damped, moved: Array) -> _Damped:
        """End the problems whose gradient is nothing: directions that nothing decides stay."""
        unit = namespace(state.loss).sqrt(problems.unit(state.loss))
        close = moved & (_largest(state.gradient) <= self._reachable(state) * unit)
        return _closed(state, close & running_of(state.status), Status.CONVERGED)

    def _at_rounding(self, problems: Any, state: _Damped, idle: Array) -> _Damped:
        """End the problems whose loss and gradient fall no more, near enough to a minimum."""
        unit = namespace(state.loss).sqrt(problems.unit(state.loss))
        near = _largest(state.gradient) <= 1e4 * self._reachable(state) * unit
        over = running_of(state.status) & (state.damping > MOST_DAMPING)
        state = _closed(state, (idle | over) & near & running_of(state.status), Status.CONVERGED)
        return _closed(state, over & running_of(state.status), Status.STALLED)

    def _reachable(self, state: _Damped) -> float:
        return max(self.tolerance, 100 * epsilon(state.gradient))

    def _ended(
        self, problems: Any, state: _Damped, definite: Array, direction: Array, distance: Array
    ) -> _Damped:
        """End the problems whose undamped step is within the tolerance, and take it."""
        xp = namespace(distance)
        known = xp.isfinite(state.before)
        ratio = xp.where(known, distance / state.before, xp.ones_like(distance))
        left = xp.where(ratio < QUADRATIC, CAUTION * distance * ratio * ratio, distance)
        tolerance = max(self.tolerance, 30 * epsilon(distance))
        close = left <= tolerance * xp.sqrt(problems.unit(state.loss))
        close = close & definite & (state.damping == 0)
        last = state.parameters + direction
        state.parameters = xp.where(close[:, None], last, state.parameters)
        return _closed(state, close, Status.CONVERGED)

    def _bent(self, problems: Any, state: _Damped, moved: Array) -> _Damped:
        """Look at the curvature of the problems that have moved."""
        xp = namespace(state.loss)
        chosen = to_numpy(moved & running_of(state.status)).nonzero()[0]
        if not len(chosen):
            return state
        if len(chosen) == state.loss.shape[0]:
            state.curvature = problems.curvature(state.parameters, expected=self.expected)
            return state
        places = like(chosen, state.loss, xp.int64)
        theta = xp.take(state.parameters, places, axis=0)
        found = problems.take(places).curvature(theta, expected=self.expected)
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
    rise: Array  # (k,) the factor by which μ rises next
    before: Array  # (k,) the distance of the last step, if it was undamped
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
    return add_to_diagonals(xp.asarray(H, copy=True), added)


def _redamped(state: _Damped, taken: Array, gain: Array) -> _Damped:
    """Damp less where steps were taken, the more so the better they were foretold (Nielsen)."""
    xp = namespace(gain)
    share = xp.where(taken, 1 - (2 * gain - 1) ** 3, xp.ones_like(gain))
    lowered = state.damping * xp.maximum(share, xp.full_like(share, 0.1))
    lowered = xp.where(lowered > NO_DAMPING, lowered, xp.zeros_like(lowered))
    raised = xp.maximum(state.damping * state.rise, xp.full_like(gain, 1e-6))
    state.damping = xp.where(taken, lowered, raised)
    state.rise = xp.where(taken, xp.full_like(gain, 2.0), 2 * state.rise)
    return state


def _promised(state: _Damped, direction: Array) -> Array:
    """Return what the quadratic model lets the loss fall, −(gᵀd + ½ dᵀHd)."""
    xp = namespace(direction)
    bent = (state.curvature @ direction[:, :, None])[:, :, 0]
    return -xp.sum((state.gradient + 0.5 * bent) * direction, axis=1)


def _largest(gradient: Array) -> Array:
    xp = namespace(gradient)
    return xp.max(xp.abs(gradient), axis=1)


def _closed(state: _Damped, close: Array, said: Status) -> _Damped:
    xp = namespace(state.status)
    state.status = xp.where(close, coded(state.status, said), state.status)
    return state


def _ranks(chosen: Any, size: int) -> Any:
    """Return for each of ``size`` problems its place among those chosen, 0 where it is not."""
    ranks = to_numpy(chosen)[:1].repeat(size) * 0
    ranks[chosen] = range(len(chosen))
    return ranks
