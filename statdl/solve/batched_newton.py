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
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from statdl.backend.array import Array, epsilon, like, namespace, overflow_allowed, to_numpy
from statdl.backend.stacked import factorise_each
from statdl.solve.batched import CROWDED, Minima, Status
from statdl.solve.newton import ARMIJO

#: Smallest pivot of a curvature whose columns count as independent.
DEPENDENT = 1e-11
#: Shortest share of a step.
SHORTEST = 2.0**-30
#: How many times as far as foreseen the last step may lead.
CAUTION = 4.0
#: A ratio of distances below this is that of steps that square the distance.
QUADRATIC = 0.1
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
            ended: list[_State] = []
            ticks = 0
            while True:
                problems, state = _without_ended(problems, state, ended)
                if state is None or ticks == self.max_iterations:
                    break
                state = self._tick(problems, state)
                ticks += 1
        if state is not None:
            ended.append(state)
        return _minima(ended, ticks)

    def _start(self, problems: Problems, parameters: Array, common: bool) -> _State:
        xp = namespace(parameters)
        k = parameters.shape[0]
        first = parameters[:1, :] if common else parameters
        direction, distance, pivot = _aim(*problems.gradient_and_curvature(first, common=common))
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
        running = _running(state)
        finite = xp.isfinite(state.distance)
        status = xp.where(running & ~finite, _code(state, Status.NON_FINITE), state.status)
        dependent = running & finite & (state.pivot < self._dependent(state))
        state.status = xp.where(dependent, _code(state, Status.SINGULAR), status)
        return state

    def _dependent(self, state: _State) -> float:
        return max(DEPENDENT, 100 * epsilon(state.parameters))

    def _tick(self, problems: Problems, state: _State) -> _State:
        xp = namespace(state.parameters)
        trial = state.parameters + state.step[:, None] * state.direction
        direction, distance, pivot = _aim(*problems.gradient_and_curvature(trial))
        ratio = distance / xp.where(state.distance > 0, state.distance, xp.ones_like(distance))
        running = _running(state)
        sound = xp.isfinite(distance) & (pivot >= self._dependent(state))
        taken = running & sound & (ratio <= 0.5)
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
        state.status = xp.where(stalled, _code(state, Status.STALLED), state.status)
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
        state.status = xp.where(close, _code(state, Status.CONVERGED), state.status)
        lost = state.far & _running(state) & (state.distance <= NEAR_SUPREMUM)
        lost = lost | (state.far & close)
        state.status = xp.where(lost, _code(state, Status.SEPARATED), state.status)
        return state

    def _watched(self, state: _State) -> _State:
        """Ask of problems that come near too slowly whether they have a minimum, once each."""
        if self.separated is None:
            return state
        xp = namespace(state.distance)
        asked = (state.slow == PATIENCE) & _running(state)
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


def _aim(gradient: Array, curvature: Array) -> tuple[Array, Array, Array]:
    """Return Newton's direction, its distance, and the smallest pivot, of each problem."""
    xp = namespace(gradient)
    factors = factorise_each(curvature)
    direction = -factors.solve(gradient)
    square = -xp.sum(gradient * direction, axis=1)
    return direction, xp.sqrt(xp.maximum(square, xp.zeros_like(square))), factors.pivot


def _running(state: _State | _Damped) -> Array:
    return state.status == int(Status.RUNNING)


def _code(state: _State, status: Status) -> Array:
    return namespace(state.status).full_like(state.status, int(status))


def _without_ended(problems: Any, state: _State, ended: list[_State]) -> tuple[Any, _State | None]:
    """Drop the problems that have ended, once they are many or all."""
    xp = namespace(state.status)
    running = to_numpy(_running(state))
    if running.mean() >= CROWDED:
        return problems, state
    over, left = (like(part.nonzero()[0], state.status, xp.int64) for part in (~running, running))
    ended.append(state.take(over))
    if not running.any():
        return problems, None
    return problems.take(left), state.take(left)


def _minima(ended: list[_State], ticks: int) -> Minima:
    """Return all problems in their own order."""
    xp = namespace(ended[0].place)
    place, parameters, status = (
        xp.concat([getattr(one, name) for one in ended], axis=0)
        for name in ("place", "parameters", "status")
    )
    order = xp.argsort(place)
    ends = to_numpy(xp.take(status, order))
    found = tuple(Status(int(end)) for end in ends)
    return Minima(xp.take(parameters, order, axis=0), None, found, ticks)


@dataclass(frozen=True)
class DampedTogether:
    """Newton's method with Levenberg's damping for k problems that need not be convex.

        (H_j + μ_j diag H_j) d_j = −g_j

    Steps that lower the loss are taken and divide μ by 10, down to 0; others multiply it by 10.
    It is for problems near their minima, which :class:`~statdl.solve.batched.Together` leads to.

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
            while True:
                problems, state = _without_ended(problems, state, ended)
                if state is None or ticks == self.max_iterations:
                    break
                state = self._tick(problems, state)
                ticks += 1
        if state is not None:
            ended.append(state)
        found = _minima(ended, ticks)
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
        running = _running(state)
        direction, distance, pivot = _aim(state.gradient, _damped(state))
        definite = running & (pivot > 0)
        state = self._ended(problems, state, definite, direction, distance)
        running = _running(state)
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
        ratio = distance / state.before
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
        chosen = to_numpy(moved & _running(state)).nonzero()[0]
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
