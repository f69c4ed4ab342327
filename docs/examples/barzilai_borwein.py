"""The method of Barzilai and Borwein (1988): gradient descent whose rate the last step tells.

With the last move s and change of gradient y the rate is sᵀs/sᵀy, a curvature along s turned
round. The loss may rise for a few steps, so a step is accepted when it is below the highest of the
last ten losses (Grippo, Lampariello & Lucidi 1986). Coordinates are scaled by the diagonal of the
curvature at the start, so that the units of columns do not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statdl.backend.array import Array, epsilon, namespace
from statdl.solve.iterate import Outcome, Problem, State

REMEMBERED = 10  # losses that a new one is compared with
MOST_HALVINGS = 50


@dataclass(frozen=True)
class Walk:
    """What is carried from step to step: the scale of each parameter, the rate, the last losses."""

    scale: Array
    rate: float
    losses: tuple[float, ...]


@dataclass(frozen=True)
class BarzilaiBorwein:
    """Gradient descent by Barzilai and Borwein's rate."""

    tolerance: float = 1e-8  # distance to the minimum, in standard errors
    max_iterations: int = 5000

    name: ClassVar[str] = "Barzilai-Borwein"
    averages: ClassVar[bool] = False  # states hold the sum of the loss, and not its mean

    def start(self, problem: Problem, parameters: Array) -> State:
        loss, gradient = problem.value_and_gradient(parameters)
        H = problem.curvature(parameters, expected=True)
        scale = 1 / namespace(H).linalg.diagonal(H)
        state = State(parameters, loss, gradient, math.inf, memory=Walk(scale, 1.0, (loss,)))
        return self._judged(problem, state)

    def step(self, problem: Problem, state: State) -> State:
        walk: Walk = state.memory
        move = -walk.rate * walk.scale * state.gradient
        highest = max(walk.losses)
        slack = 10 * epsilon(move) * abs(highest)  # what rounding does to a loss
        loss, gradient = problem.value_and_gradient(state.parameters + move)
        halvings = 0
        while not loss <= highest + 1e-4 * float(move @ state.gradient) + slack:
            if halvings == MOST_HALVINGS:
                return state.stop(Outcome.STALLED)
            move, halvings = move / 2, halvings + 1
            loss, gradient = problem.value_and_gradient(state.parameters + move)
        memory = Walk(
            walk.scale,
            self._rate(walk.scale, move, gradient - state.gradient),
            (*walk.losses, loss)[-REMEMBERED:],
        )
        moved = State(
            state.parameters + move, loss, gradient, math.inf, walk.rate, halvings, memory=memory
        )
        return self._judged(problem, moved)

    def finish(self, problem: Problem, state: State) -> State:
        return state

    def _rate(self, scale: Array, move: Array, change: Array) -> float:
        """Return sᵀs/sᵀy in scaled coordinates; 1, a full scaled step, where that means nothing."""
        bent = float(move @ change)
        return float(move @ (move / scale)) / bent if bent > 0 else 1.0

    def _judged(self, problem: Problem, state: State) -> State:
        """Return the state with its distance from the minimum, and an outcome where it is near."""
        walk: Any = state.memory
        distance = math.sqrt(float(state.gradient @ (walk.scale * state.gradient)))
        near = distance <= self.tolerance * math.sqrt(problem.unit(state.loss))
        return replace(state, distance=distance, outcome=Outcome.CONVERGED if near else None)
