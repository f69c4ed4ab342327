"""A lookout for separation while a solver runs.

Where predictors separate the response, the loss along the separating direction is e^{-h(t)} with h
rising, and a Newton step along it is 1/h': every step divides that loss by e, and the Newton
decrement λ by √e, step after step, whatever the link. Where there is a maximum, λ falls faster and
faster. So λ that has kept more than half of itself for some steps running is the sign to look for;
it costs nothing to see. The solver then pauses, the linear programme decides, and either way it
need not be asked again.

What is left of the likelihood is then taken in one leap: along the separating direction the loss of
the rows told apart falls without end, and far out the rows on the border remain, which a few damped
steps settle. The log-likelihood is then that of the supremum, so that likelihood ratios hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from statdl.backend.array import Array, like, namespace, overflow_allowed
from statdl.backend.linalg import Factor, factorise
from statdl.estimate.separation import Separation, can_separate, separation
from statdl.model.objective import Objective
from statdl.solve.iterate import Minimum, Outcome, Problem, Solver, State, Trace, minimise
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import LeastSquares, Newton

#: A step that leaves more than this of the distance is slow.
SLOW = 0.5
#: So many slow steps running are reason to look.
PATIENCE = 5
#: Programmes of more unknowns take long, and have to wait until more speaks for them.
SMALL_PROGRAMME = 200
LONG_PATIENCE = 15
#: How far from its supremum the log-likelihood may stay.
SETTLED = 1e-7
#: Doublings of the leap, and steps after it, at most.
DOUBLINGS, STEPS = 60, 30
#: What these steps add to the curvature, of its diagonal at the pause: rows far out have none left.
DAMPING = 1e-8


@dataclass
class Lookout:
    """Watches the steps of one run; ``found`` is what the programme said, once ``asked``."""

    objective: Objective
    patience: int
    slow: int = 0
    distance: float = math.inf
    asked: bool = False
    found: Separation | None = None

    def __call__(self, state: State) -> State:
        """Return the state, with a reason to stop where the response is separated."""
        if self.asked:
            return state
        self.slow = self.slow + 1 if state.distance > SLOW * self.distance else 0
        self.distance = state.distance
        if self.slow < self.patience:
            return state
        self.asked, self.found = True, separation(self.objective)
        return state if self.found is None else state.stop(Outcome.SEPARATION)


def lookout(objective: Objective, solver: Solver) -> Lookout | None:
    """Return a lookout where the likelihood may have no maximum and the solver tells distances."""
    if objective.penalty.active or not can_separate(objective):
        return None
    if not isinstance(solver, Newton | LBFGS) or isinstance(solver, LeastSquares):
        return None
    patience = PATIENCE if objective.size <= SMALL_PROGRAMME else LONG_PATIENCE
    return Lookout(objective, patience * (1 if isinstance(solver, Newton) else 2))


@dataclass(frozen=True)
class Damped(Newton):
    """Newton's method where the curvature vanishes in some directions."""

    damping: Any = None

    def _factor(self, problem: Problem, parameters: Array) -> Factor:
        return factorise(problem.curvature(parameters, expected=True) + self.damping)


def settled(objective: Objective, minimum: Minimum, found: Separation) -> Minimum:
    """Return the run carried on to where the log-likelihood is that of its supremum."""
    with overflow_allowed():
        curvature = objective.curvature(minimum.parameters, expected=True)
        start = _leap(objective, minimum.parameters, found)
    xp = namespace(curvature)
    one = xp.eye(objective.size, dtype=curvature.dtype, device=curvature.device)
    damping = DAMPING * curvature * one
    solver = Damped(tolerance=SETTLED**0.5, max_iterations=STEPS, damping=damping)
    rest = minimise(objective, solver, start)
    if not rest.loss <= minimum.loss:
        return minimum
    return replace(
        rest,
        outcome=Outcome.SEPARATION,
        iterations=minimum.iterations + 1 + rest.iterations,
        halvings=minimum.halvings + rest.halvings,
        seconds=minimum.seconds + rest.seconds,
        solver=minimum.solver,
        trace=_joined(minimum.trace, rest.trace),
        memory=None,
    )


def _leap(objective: Objective, parameters: Array, found: Separation) -> Array:
    """Return θ + t δ with t doubled while that still lowers the loss."""
    xp = namespace(parameters)
    direction = xp.reshape(like(found.direction, parameters), (-1,))
    length = 1.0
    best, loss = parameters, objective.value(parameters)
    for _ in range(DOUBLINGS):
        further = parameters + length * direction
        value = objective.value(further)
        if not value < loss - SETTLED * objective.unit(loss):
            break
        best, loss, length = further, value, 2 * length
    return best


def _joined(first: Trace, second: Trace) -> Trace:
    return Trace(
        [*first.loss, *second.loss],
        [*first.gradient_norm, *second.gradient_norm],
        [*first.step, *second.step],
        [*first.parameters, *second.parameters],
        first.weight,
    )
