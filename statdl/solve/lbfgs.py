"""L-BFGS, preconditioned by a curvature where one is known.

The direction is −H_k g with H_k the limited-memory BFGS update of H_0 (two-loop recursion, Nocedal
1980). H_0 is the inverse of a curvature at or near the start: on a convex likelihood that makes the
first direction a Newton step, and the updates absorb what changes on the way.
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

#: Above this many parameters the start is not preconditioned: a factor would cost too much.
PRECONDITIONED = 3000


@dataclass(frozen=True)
class Memory:
    """The last pairs of moves and changes of the gradient, and the factor behind H_0."""

    pairs: tuple[Pair, ...]
    factor: Factor | None
    direction: Array


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS.

    Parameters
    ----------
    memory : int
        Pairs of moves and gradient changes that are kept.
    tolerance : float
        Largest distance √(gᵀ H_k g), in standard errors, that counts as converged.
    max_iterations : int
        Most steps to take.
    preconditioned : bool, optional
        Aim all steps with the curvature at the start. By default a regression's are; a network's
        curvature at a random start says nothing of the way to a minimum, and slows it down.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, §7.2.

    Examples
    --------
    >>> LBFGS(memory=5).name
    'L-BFGS'
    """

    memory: int = 20
    tolerance: float = 1e-8
    max_iterations: int = 1000
    first_factor: Factor | None = None
    preconditioned: bool | None = None

    averages: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What the summary calls it."""
        return "L-BFGS"

    def start(self, problem: Problem, parameters: Array) -> State:
        state = State.at(problem, parameters)
        if state.outcome is not None:
            return state
        return self._aimed(problem, state, (), self._first_curvature(problem, parameters))

    def step(self, problem: Problem, state: State) -> State:
        moved = line_search(problem, state, state.memory.direction, state.distance**2)
        if moved is None:
            return self._without_progress(problem, state)
        pairs = remembered(state.memory.pairs, state, moved)[-self.memory :]
        return self._aimed(problem, moved, pairs, state.memory.factor)

    def finish(self, problem: Problem, state: State) -> State:
        """Take the last known direction too."""
        if state.outcome is not Outcome.CONVERGED:
            return state
        return replace(state, parameters=state.parameters + state.memory.direction)

    def _first_curvature(self, problem: Problem, parameters: Array) -> Factor | None:
        if self.first_factor is not None:
            return self.first_factor
        if self.preconditioned is False or problem.size > PRECONDITIONED:
            return None
        try:
            return factorise(problem.curvature(parameters, expected=True))
        except NotPositiveDefiniteError:
            return None

    def _aimed(
        self,
        problem: Problem,
        state: State,
        pairs: tuple[Pair, ...],
        factor: Factor | None,
    ) -> State:
        """Set direction and distance, and see whether that is close enough."""
        direction = -two_loop(state.gradient, pairs, factor)
        distance = math.sqrt(max(-float(direction @ state.gradient), 0.0))
        close = close_enough(problem, state, distance, self.tolerance)
        outcome = Outcome.CONVERGED if close else None
        memory = Memory(pairs, factor, direction)
        return replace(state, distance=distance, outcome=outcome, memory=memory)

    def _without_progress(self, problem: Problem, state: State) -> State:
        """Forget the pairs once; if even that does not help, say so."""
        if state.memory.pairs:
            return self._aimed(problem, state, (), state.memory.factor)
        return stalled(state)
