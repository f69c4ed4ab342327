"""L-BFGS for k problems at once, each with its own line search and its own end.

Every tick evaluates one trial point of every problem that is still running. A problem whose trial
lowers its loss enough moves, remembers the pair (s, y) and gets a new direction; one whose trial
does not shortens its step, by the minimum of the parabola through what it has seen. Nobody waits
for anybody, and problems that have ended are dropped once they are many.

    d_j = −H_j g_j   by the two-loop recursion (Nocedal 1980)

H_0 is B Bᵀ for all, or the inverse of each problem's own curvature, looked at again every few ticks
(then the pairs only carry what changes in between), or γ_j I.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Protocol

from statdl.backend.array import Array, epsilon, like, namespace, overflow_allowed, to_numpy
from statdl.solve.lbfgs import LBFGS
from statdl.solve.line_search import ARMIJO

#: Shortest step before a problem counts as stalled.
SHORTEST = 1e-12
#: Share of its diagonal that is added to a curvature before it is trusted for some ticks.
DAMPING = 0.1
#: Steps after which the few that still run are better off by themselves.
TICKS = 1000
#: Problems are dropped once those still running are fewer than this share.
CROWDED = 0.9


class Problems(Protocol):
    """k smooth functions of the same size."""

    def value_and_gradient(self, parameters: Array) -> tuple[Array, Array]:
        """Return the losses and gradients at (k, P): (k,) and (k, P)."""
        ...

    def unit(self, loss: Array) -> Array:
        """Return the losses worth one unit of log-likelihood, (k,)."""
        ...

    def inverse_curvature(self, parameters: Array, damping: float) -> Array:
        """Return the inverses of damped curvatures, (k, P, P), all positive definite."""
        ...

    def take(self, positions: Array) -> Problems:
        """Return some of the problems."""
        ...


class Status(IntEnum):
    """How one of many problems ended; still running where the ticks were over first."""

    RUNNING = 0
    CONVERGED = 1
    STALLED = 2
    NON_FINITE = 3
    SINGULAR = 4
    SEPARATED = 5


@dataclass(frozen=True)
class Minima:
    """Where k problems ended; ``status`` is on the host, ``loss`` None where not worked out."""

    parameters: Array  # (k, P)
    loss: Array | None  # (k,)
    status: tuple[Status, ...]
    iterations: int
    interrupted: bool = False

    @property
    def converged(self) -> tuple[bool, ...]:
        """Which problems reached their minimum."""
        return tuple(one is Status.CONVERGED for one in self.status)


@dataclass(frozen=True)
class Together:
    """How to minimise k problems at once.

    Parameters
    ----------
    memory : int
        Pairs of moves and gradient changes that are kept of each problem.
    tolerance : float
        Largest distance √(gᵀ H g), in standard errors, that counts as converged.
    max_iterations : int
        Most ticks, each of which evaluates every running problem once.
    root : (P, r) array, optional
        B with B Bᵀ the inverse of a curvature that all problems resemble, such as that at an
        optimum which all are near.
    refresh : int
        Ticks after which each problem looks at its own curvature again; 0 for never. Without a
        ``root`` it looks at the start as well.
    halving : bool
        Halve a step that does not lower the loss enough, in place of the parabola, and take the
        last direction too, as :class:`~statdl.solve.lbfgs.LBFGS` does.
    interruptible : bool
        Whether a KeyboardInterrupt between the first tick and the last ends the run with what had
        been reached.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, §3.5 and §7.2.

    Examples
    --------
    >>> Together(tolerance=1e-3).memory
    10
    """

    memory: int = 10
    tolerance: float = 1e-5
    max_iterations: int = 1000
    root: Array | None = None
    refresh: int = 0
    halving: bool = False
    interruptible: bool = False

    @classmethod
    def each(cls, solver: LBFGS) -> Together:
        """Return what takes the steps that ``solver`` would take on each problem by itself."""
        most = min(solver.max_iterations, TICKS)
        return cls(solver.memory, solver.tolerance, most, halving=True)

    def minimise(self, problems: Problems, parameters: Array) -> Minima:
        """Minimise all problems from their rows of ``parameters``, (k, P)."""
        with overflow_allowed():
            state = self._start(problems, parameters)
            ended = _Ended()
            ticks, broken_off = 0, False
            try:
                while ticks < self.max_iterations and not _all(state.done):
                    problems, state = self._without_ended(problems, state, ended)
                    if self.refresh and ticks % self.refresh == 0 and (ticks or self.root is None):
                        state = self._refreshed(problems, state)
                    state = self._tick(problems, state)
                    ticks += 1
            except KeyboardInterrupt:
                if not self.interruptible:
                    raise
                broken_off = True
            ended.note(state)
        return ended.minima(ticks, broken_off)

    def _without_ended(
        self, problems: Problems, state: _State, ended: _Ended
    ) -> tuple[Problems, _State]:
        """Drop the problems that have ended, once they are many."""
        running = ~to_numpy(state.done)
        if running.mean() >= CROWDED:
            return problems, state
        integers = namespace(state.loss).int64
        over = state.take(like((~running).nonzero()[0], state.loss, integers))
        left = like(running.nonzero()[0], state.loss, integers)
        remaining = problems.take(left), state.take(left)
        ended.note(over)
        return remaining

    # one tick -------------------------------------------------------------------------------

    def _start(self, problems: Problems, parameters: Array) -> _State:
        xp = namespace(parameters)
        loss, gradient = problems.value_and_gradient(parameters)
        k, size = parameters.shape
        kind = {"dtype": parameters.dtype, "device": parameters.device}
        none = xp.zeros((k, self.memory, size), **kind)
        state = _State(
            place=xp.arange(k, device=parameters.device),
            parameters=parameters,
            loss=loss,
            gradient=gradient,
            direction=gradient,
            slope=xp.zeros_like(loss),
            step=xp.ones_like(loss),
            moves=none,
            changes=none,
            inverses=xp.zeros((k, self.memory), **kind),
            scale=xp.zeros_like(loss),
            done=~_finite(loss, gradient),
            converged=xp.zeros((k,), dtype=xp.bool, device=parameters.device),
        )
        return self._aimed(problems, state, ~state.done)

    def _tick(self, problems: Problems, state: _State) -> _State:
        """Try every problem's step; move those whose loss falls, shorten the others'."""
        xp = namespace(state.loss)
        trial = state.parameters + state.step[:, None] * state.direction
        loss, gradient = problems.value_and_gradient(trial)
        finite = _finite(loss, gradient)
        rounding = 8 * epsilon(state.gradient) * xp.abs(state.loss)
        promised = ARMIJO * state.step * state.slope
        falls = finite & (loss <= state.loss - promised + rounding) & ~state.done
        if self.halving:
            shorter = state.step / 2
        else:
            shorter = _shortened(state, xp.where(finite, loss, xp.full_like(loss, xp.inf)))
        state = self._remembering(state, falls, trial, gradient)
        # at once, so that an interrupt finds the loss of the parameters it finds
        state.parameters, state.gradient, state.loss = (
            xp.where(falls[:, None], trial, state.parameters),
            xp.where(falls[:, None], gradient, state.gradient),
            xp.where(falls, loss, state.loss),
        )
        state.step = xp.where(falls, xp.ones_like(state.step), shorter)
        return self._aimed(problems, self._restarted(state), falls)

    def _refreshed(self, problems: Problems, state: _State) -> _State:
        """Look at every problem's curvature where it is now, and forget the pairs."""
        xp = namespace(state.loss)
        state.inverse = problems.inverse_curvature(state.parameters, DAMPING)
        state.inverses, state.pairs = xp.zeros_like(state.inverses), 0
        state.step = xp.ones_like(state.step)
        return self._aimed(problems, state, ~state.done)

    def _restarted(self, state: _State) -> _State:
        """Forget the pairs of a problem that gets nowhere; stop it if it had none."""
        xp = namespace(state.loss)
        stuck = (state.step < SHORTEST) & ~state.done
        if not bool(xp.any(stuck)):
            return state
        hopeless = stuck & ~xp.any(state.inverses > 0, axis=1)
        again = stuck & ~hopeless
        state.done = state.done | hopeless
        state.inverses = xp.where(again[:, None], xp.zeros_like(state.inverses), state.inverses)
        state.scale = xp.where(again, xp.zeros_like(state.scale), state.scale)
        state.step = xp.where(again, xp.ones_like(state.step), state.step)
        fresh = -self._first(state, state.gradient)
        state.direction = xp.where(again[:, None], fresh, state.direction)
        state.slope = -_dot(state.direction, state.gradient)
        return state

    def _remembering(self, state: _State, falls: Array, trial: Array, gradient: Array) -> _State:
        """Add the newest pair of every problem that moves and whose curvature is positive."""
        xp = namespace(trial)
        move, change = trial - state.parameters, gradient - state.gradient
        product, square = _dot(move, change), _dot(change, change)
        kept = falls & (product > 1e-3 * epsilon(trial) * square)
        one = xp.ones_like(product)
        inverse = 1 / xp.where(kept, product, one)
        if self.root is None and state.inverse is None:
            newest = product / xp.where(square > 0, square, one)
            state.scale = xp.where(kept, newest, state.scale)
        state.moves = _pushed(state.moves, move[:, None, :], kept)
        state.changes = _pushed(state.changes, change[:, None, :], kept)
        state.inverses = _pushed(state.inverses, inverse[:, None], kept)
        state.pairs = min(state.pairs + 1, self.memory)
        return state

    def _aimed(self, problems: Problems, state: _State, moved: Array) -> _State:
        """Give the problems that moved a direction, and see which are close enough."""
        xp = namespace(state.loss)
        direction = -self._two_loop(state)
        slope = -_dot(direction, state.gradient)
        state.direction = xp.where(moved[:, None], direction, state.direction)
        state.slope = xp.where(moved, slope, state.slope)
        tolerance = max(self.tolerance, 30 * epsilon(state.gradient)) ** 2
        close = moved & (state.slope <= tolerance * problems.unit(state.loss))
        if self.halving:
            last = (close & ~state.done)[:, None]
            state.parameters = xp.where(last, state.parameters + direction, state.parameters)
        state.converged = state.converged | (close & ~state.done)
        state.done = state.done | close
        return state

    def _two_loop(self, state: _State) -> Array:
        """Return H g of every problem; a slot without a pair has 1/(sᵀy) = 0 and does nothing."""
        left = state.gradient
        weights: list[Array] = []
        used = range(self.memory - state.pairs, self.memory)
        for slot in reversed(used):
            weight = state.inverses[:, slot] * _dot(state.moves[:, slot, :], left)
            left = left - weight[:, None] * state.changes[:, slot, :]
            weights.append(weight)
        left = self._first(state, left)
        for slot in used:
            back = state.inverses[:, slot] * _dot(state.changes[:, slot, :], left)
            left = left + (weights.pop() - back)[:, None] * state.moves[:, slot, :]
        return left

    def _first(self, state: _State, vectors: Array) -> Array:
        """Return H_0 times the vectors: a steepest descent of length 1 where nothing is known."""
        if state.inverse is not None:
            return (state.inverse @ vectors[:, :, None])[:, :, 0]
        if self.root is not None:
            return (vectors @ self.root) @ self.root.T
        xp = namespace(vectors)
        largest = xp.max(xp.abs(state.gradient), axis=1)
        first = 1 / xp.where(largest > 0, largest, xp.ones_like(largest))
        return xp.where(state.scale > 0, state.scale, first)[:, None] * vectors


@dataclass
class _State:
    """Where the running problems are; ``place`` says which of all problems each is."""

    place: Array  # (k,)
    parameters: Array  # (k, P)
    loss: Array  # (k,)
    gradient: Array  # (k, P)
    direction: Array  # (k, P)
    slope: Array  # (k,) gᵀ H g
    step: Array  # (k,)
    moves: Array  # (k, m, P) s
    changes: Array  # (k, m, P) y
    inverses: Array  # (k, m) 1/(sᵀy), 0 where there is no pair
    scale: Array  # (k,) γ, 0 before the first pair
    done: Array  # (k,)
    converged: Array  # (k,)
    inverse: Array | None = None  # (k, P, P) of each problem's own curvature
    pairs: int = 0  # the most that a problem has

    def take(self, positions: Array) -> _State:
        xp = namespace(self.loss)
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        some = {
            name: xp.take(part, positions, axis=0)
            for name, part in parts.items()
            if part is not None and name != "pairs"
        }
        return _State(**some, pairs=self.pairs)


class _Ended:
    """Where problems ended, in the order in which they left."""

    def __init__(self) -> None:
        self.left: list[tuple[Array, ...]] = []

    def note(self, state: _State) -> None:
        xp = namespace(state.loss)
        status = xp.zeros_like(state.place)
        for end, said in (
            (state.done, Status.STALLED),
            (~_finite(state.loss, state.gradient), Status.NON_FINITE),
            (state.converged, Status.CONVERGED),
        ):
            status = xp.where(end, xp.full_like(status, int(said)), status)
        self.left.append((state.place, state.parameters, state.loss, status))

    def minima(self, iterations: int, interrupted: bool) -> Minima:
        """Return all problems in their own order."""
        xp = namespace(self.left[0][0])
        place, *parts = (xp.concat(list(part), axis=0) for part in zip(*self.left, strict=True))
        order = xp.argsort(place)
        parameters, loss, status = (xp.take(part, order, axis=0) for part in parts)
        ends = tuple(Status(int(end)) for end in to_numpy(status))
        return Minima(parameters, loss, ends, iterations, interrupted)


def _dot(left: Array, right: Array) -> Array:
    return namespace(left).sum(left * right, axis=-1)


def _all(truths: Array) -> bool:
    return bool(namespace(truths).all(truths))


def _finite(loss: Array, gradient: Array) -> Array:
    xp = namespace(loss)
    return xp.isfinite(loss) & xp.all(xp.isfinite(gradient), axis=-1)


def _pushed(memory: Array, newest: Array, kept: Array) -> Array:
    """Return a memory with the newest entry last, where ``kept``."""
    xp = namespace(memory)
    moved = xp.concat([memory[:, 1:, ...], newest], axis=1)
    if bool(xp.all(kept)):
        return moved
    return xp.where(xp.reshape(kept, (-1,) + (1,) * (memory.ndim - 1)), moved, memory)


def _shortened(state: _State, loss: Array) -> Array:
    """Return the steps at the minimum of the parabola through J, its slope and the trial's loss."""
    xp = namespace(loss)
    bend = loss - state.loss + state.step * state.slope
    usable = xp.isfinite(bend) & (bend > 0)
    safe = xp.where(usable, bend, xp.ones_like(bend))
    least = state.slope * state.step * state.step / (2 * safe)
    share = xp.where(usable, least / state.step, xp.full_like(least, 0.1))
    return state.step * xp.clip(share, 0.1, 0.5)
