"""Newton's method for k problems at once, each with its own steps and its own end.

    H_j d_j = −g_j,   λ_j = √(g_jᵀ H_j⁻¹ g_j),   θ_j ← θ_j + t_j d_j

One stacked factorisation a tick serves all problems. A step that at least halves the distance λ is
taken without a look at the loss, which most are: the losses are worked out only of problems whose
step does not, and those that do not fall have it halved. Problems that have ended are dropped.

A last step is taken without looking where it leads, once λ shows that it ends within the
tolerance: with exact curvatures the distance is squared, so that of the ratio r of two distances
the next one leaves λ r² (times :data:`CAUTION`), else λ r.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Protocol

from statdl.backend.array import Array, epsilon, like, namespace, overflow_allowed, to_numpy
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
from statdl.solve.line_search import ARMIJO

#: Smallest pivot of a curvature whose columns count as independent.
DEPENDENT = 1e-11
#: Shortest share of a step.
SHORTEST = 2.0**-30
#: Distance that rounding leaves, in its unit and that of the responses.
PRECISE = 100.0
#: So many steps that do not halve the distance are reason to look for separation.
PATIENCE = 5
#: Distance at which a problem without a minimum ends: its loss is as good as the supremum.
NEAR_SUPREMUM = 0.01


class Problems(Protocol):
    """k functions with positive semi-definite curvatures of the same size."""

    def value(self, parameters: Array) -> Array:
        """Return the losses at (k, P): (k,)."""
        ...

    def gradient_and_curvature(
        self, parameters: Array, *, common: bool = False
    ) -> tuple[Array, Array]:
        """Return gradients, (k, P), and curvatures, (k, P, P), at (k, P), or at one θ for all."""
        ...

    def unit(self, loss: Array) -> Array:
        """Return the losses worth one unit of log-likelihood, (k,)."""
        ...

    def take(self, positions: Array) -> Problems:
        """Return some of the problems."""
        ...


@dataclass(frozen=True)
class NewtonTogether:
    """How to minimise k convex problems at once.

    Parameters
    ----------
    tolerance : float
        Largest distance λ, in standard errors, that counts as converged.
    max_iterations : int
        Most ticks, each of which looks at every running problem once.
    exact : bool
        Whether the curvatures are the second derivatives, so that steps square the distance.
    scaled : bool
        Whether a unit of log-likelihood depends on the loss (an unknown dispersion).
    separated : function, optional
        Asked once of a problem whose distance falls too slowly, by its place among all: whether
        it has no minimum.

    References
    ----------
    Boyd & Vandenberghe (2004), Convex Optimization, §9.5.

    Examples
    --------
    >>> NewtonTogether().max_iterations
    100
    """

    tolerance: float = 1e-8
    max_iterations: int = 100
    exact: bool = True
    scaled: bool = False
    separated: Callable[[int], bool] | None = None

    def minimise(self, problems: Problems, parameters: Array, *, common: bool = False) -> Minima:
        """Minimise all problems from their rows of ``parameters``, (k, P).

        With ``common`` the rows are all the same.
        """
        with overflow_allowed():
            state = self._start(problems, parameters, common)
            ended, ticks = until_ended(problems, state, self._tick, self.max_iterations)
        return minima_of(ended, ticks)

    def _start(self, problems: Problems, parameters: Array, common: bool) -> _State:
        xp = namespace(parameters)
        k = parameters.shape[0]
        first = parameters[:1, :] if common else parameters
        direction, distance, pivot = aim(*problems.gradient_and_curvature(first, common=common))
        kind = {"device": parameters.device}
        none = xp.zeros((k,), dtype=xp.int64, **kind)
        state = _State(
            place=xp.arange(k, **kind),
            parameters=parameters,
            direction=direction,
            distance=distance,
            pivot=pivot,
            step=xp.ones_like(distance),
            status=none,
            slow=none,
            far=xp.zeros((k,), dtype=xp.bool, **kind),
        )
        return self._without_direction(state)

    def _without_direction(self, state: _State) -> _State:
        """End the problems that cannot be stepped from: not finite, or dependent columns."""
        xp = namespace(state.distance)
        running = running_of(state.status)
        finite = xp.isfinite(state.distance)
        status = xp.where(running & ~finite, coded(state.status, Status.NON_FINITE), state.status)
        dependent = running & finite & (state.pivot < self._dependent(state))
        state.status = xp.where(dependent, coded(state.status, Status.SINGULAR), status)
        return state

    def _dependent(self, state: _State) -> float:
        return max(DEPENDENT, 100 * epsilon(state.parameters))

    def _tick(self, problems: Problems, state: _State) -> _State:
        xp = namespace(state.parameters)
        trial = state.parameters + state.step[:, None] * state.direction
        direction, distance, pivot = aim(*problems.gradient_and_curvature(trial))
        ratio = distance / xp.where(state.distance > 0, state.distance, xp.ones_like(distance))
        running = running_of(state.status)
        sound = xp.isfinite(distance) & (pivot >= self._dependent(state))
        taken = running & sound & (ratio <= 0.5)
        precise = self._precise(problems, state, running & ~taken)
        state.status = xp.where(precise, coded(state.status, Status.CONVERGED), state.status)
        running = running & ~precise
        doubtful = running & ~taken & xp.all(xp.isfinite(trial), axis=1)
        taken = taken | self._falls(problems, state, trial, doubtful)
        full = taken & (state.step == 1)
        state.slow = xp.where(
            taken, xp.where(ratio > 0.5, state.slow + 1, 0 * state.slow), state.slow
        )
        state.parameters = xp.where(taken[:, None], trial, state.parameters)
        state.direction = xp.where(taken[:, None], direction, state.direction)
        state.distance = xp.where(taken, distance, state.distance)
        state.pivot = xp.where(taken, pivot, state.pivot)
        shorter = state.step / 2
        state.step = xp.where(taken, xp.ones_like(shorter), shorter)
        stalled = running & (state.step < SHORTEST)
        state.status = xp.where(stalled, coded(state.status, Status.STALLED), state.status)
        left = xp.where(full, self._left(distance, ratio), distance)
        state = self._judged(problems, state, taken & sound, left)
        return self._watched(self._without_direction(state))

    def _left(self, distance: Array, ratio: Array) -> Array:
        """Return how far from the minimum one more step would end."""
        xp = namespace(ratio)
        squared = CAUTION * ratio * ratio if self.exact else ratio
        return distance * xp.where(
            ratio < QUADRATIC, squared, xp.minimum(ratio, xp.ones_like(ratio))
        )

    def _falls(self, problems: Problems, state: _State, trial: Array, doubtful: Array) -> Array:
        """Tell which of the doubtful steps lower their loss (Armijo)."""
        xp = namespace(trial)
        chosen = to_numpy(doubtful).nonzero()[0]
        if not len(chosen):
            return doubtful
        places = like(chosen, trial, xp.int64)
        some = problems.take(places)
        before, after = (
            some.value(xp.take(where, places, axis=0)) for where in (state.parameters, trial)
        )
        step, distance = (xp.take(part, places) for part in (state.step, state.distance))
        promised = ARMIJO * step * distance * distance
        rounding = 8 * epsilon(trial) * xp.abs(before)
        falls = xp.isfinite(after) & (after <= before - promised + rounding)
        found = to_numpy(doubtful).copy()
        found[chosen] = to_numpy(falls)
        return like(found, trial, xp.bool)

    def _precise(self, problems: Problems, state: _State, slow: Array) -> Array:
        """Tell which of the slow are as near as rounding lets them come.

        Where a fit is perfect a unit of its log-likelihood is nothing, and so are standard errors;
        what a gradient can tell is of the size of the responses.
        """
        xp = namespace(slow)
        chosen = to_numpy(slow).nonzero()[0]
        if not self.scaled or not len(chosen):
            return slow & False
        places = like(chosen, slow, xp.int64)
        theta, distance = xp.take(state.parameters, places, axis=0), xp.take(state.distance, places)
        some = problems.take(places)
        size = xp.maximum(xp.abs(some.value(0.0 * theta)), xp.abs(some.value(theta)))
        found = to_numpy(slow).copy()
        found[chosen] = to_numpy(distance <= PRECISE * epsilon(theta) * xp.sqrt(2 * size))
        return like(found, slow, xp.bool)

    def _judged(self, problems: Problems, state: _State, moved: Array, left: Array) -> _State:
        """End the problems whose last step is known, and take it."""
        xp = namespace(left)
        tolerance = max(self.tolerance, 30 * epsilon(state.parameters))
        limit = xp.full_like(left, tolerance)
        if self.scaled:
            limit = limit * xp.sqrt(problems.unit(problems.value(state.parameters)))
        close = moved & (left <= limit)
        last = state.parameters + state.direction
        state.parameters = xp.where(close[:, None], last, state.parameters)
        state.status = xp.where(close, coded(state.status, Status.CONVERGED), state.status)
        lost = state.far & running_of(state.status) & (state.distance <= NEAR_SUPREMUM)
        lost = lost | (state.far & close)
        state.status = xp.where(lost, coded(state.status, Status.SEPARATED), state.status)
        return state

    def _watched(self, state: _State) -> _State:
        """Ask of problems that come near too slowly whether they have a minimum, once each."""
        if self.separated is None:
            return state
        xp = namespace(state.distance)
        asked = (state.slow == PATIENCE) & running_of(state.status)
        chosen = to_numpy(asked).nonzero()[0]
        if not len(chosen):
            return state
        places, far = to_numpy(state.place), to_numpy(state.far).copy()
        far[chosen] = [self.separated(int(places[j])) for j in chosen]
        state.far = like(far, state.distance, xp.bool)
        state.slow = xp.where(asked, state.slow + 1000, state.slow)
        return state


@dataclass
class _State:
    """Where the running problems are; ``place`` says which of all problems each is."""

    place: Array  # (k,)
    parameters: Array  # (k, P)
    direction: Array  # (k, P)
    distance: Array  # (k,) λ
    pivot: Array  # (k,) of the curvature
    step: Array  # (k,)
    status: Array  # (k,) of :class:`Status`
    slow: Array  # (k,) steps running that did not halve the distance
    far: Array  # (k,) whether there is no minimum

    def take(self, positions: Array) -> _State:
        xp = namespace(self.distance)
        return _State(*(xp.take(getattr(self, f.name), positions, axis=0) for f in fields(self)))
