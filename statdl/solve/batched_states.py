"""What solvers of many problems have in common: who still runs, where to aim, who has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.stacked import factorise_each
from statdl.solve.batched import CROWDED, Minima, Status

#: How many times as far as foreseen the last step may lead.
CAUTION = 4.0
#: A ratio of distances below this is that of steps that square the distance.
QUADRATIC = 0.1


class States(Protocol):
    """Where some problems are; ``place`` says which of all problems each is."""

    place: Array  # (k,)
    parameters: Array  # (k, P)
    status: Array  # (k,) of :class:`~statdl.solve.batched.Status`

    def take(self, positions: Array) -> Any:
        """Return some of them."""
        ...


Some = TypeVar("Some", bound=States)


def aim(gradient: Array, curvature: Array) -> tuple[Array, Array, Array]:
    """Return Newton's direction, its distance, and the smallest pivot, of each problem."""
    xp = namespace(gradient)
    factors = factorise_each(curvature)
    direction = -factors.solve(gradient)
    square = -xp.sum(gradient * direction, axis=1)
    return direction, xp.sqrt(xp.maximum(square, xp.zeros_like(square))), factors.pivot


def coded(status: Array, said: Status) -> Array:
    """Return a status for all problems."""
    return namespace(status).full_like(status, int(said))


def running_of(status: Array) -> Array:
    """Tell which problems run."""
    return status == int(Status.RUNNING)


def until_ended(
    problems: Any, state: Some, tick: Callable[[Any, Some], Some], most: int
) -> tuple[list[Some], int]:
    """Tick until no problem runs, ``most`` times at most; return all states, and the ticks."""
    ended: list[Some] = []
    ticks = 0
    while ticks < most:
        problems, state = _without_ended(problems, state, ended)
        if not bool(namespace(state.status).any(running_of(state.status))):
            break
        state = tick(problems, state)
        ticks += 1
    ended.append(state)
    return ended, ticks


def _without_ended(problems: Any, state: Some, ended: list[Some]) -> tuple[Any, Some]:
    """Drop the problems that have ended, once they are many and not all."""
    xp = namespace(state.status)
    running = to_numpy(running_of(state.status))
    if running.mean() >= CROWDED or not running.any():
        return problems, state
    over, left = (like(part.nonzero()[0], state.status, xp.int64) for part in (~running, running))
    ended.append(state.take(over))
    return problems.take(left), state.take(left)


def minima_of(ended: list[Some], ticks: int) -> Minima:
    """Return all problems in their own order."""
    xp = namespace(ended[0].place)
    place, parameters, status = (
        xp.concat([getattr(one, name) for one in ended], axis=0)
        for name in ("place", "parameters", "status")
    )
    order = xp.argsort(place)
    found = tuple(Status(int(end)) for end in to_numpy(xp.take(status, order)))
    return Minima(xp.take(parameters, order, axis=0), None, found, ticks)
