"""Along a direction until the loss falls, and what to say where it does not.

A direction d with slope gᵀd < 0 is followed with t = 1, ½, ¼, … until the loss has fallen by a
share of what the slope promises (Armijo 1966; Nocedal & Wright 2006, section 3.1).
"""

from __future__ import annotations

import math

from statdl.backend.array import Array, epsilon, is_finite, namespace
from statdl.solve.iterate import Outcome, Problem, State

#: A step must achieve this share of the decrease its slope promises.
ARMIJO = 1e-4
#: A step that has been halved this often is not going to lower the loss.
MOST_HALVINGS = 40


def line_search(problem: Problem, state: State, direction: Array, slope: float) -> State | None:
    """Move along ``direction``, halving until the loss falls; None when it will not.

    ``slope`` is −gᵀd > 0, the rate at which the loss falls at first. Near the minimum a loss
    cannot show a fall smaller than its own rounding, which the test allows for.
    """
    rounding = 8 * epsilon(state.gradient) * abs(state.loss)
    fraction = 1.0
    for halvings in range(MOST_HALVINGS):
        parameters = state.parameters + fraction * direction
        loss, gradient = problem.value_and_gradient(parameters)
        if loss <= state.loss - ARMIJO * fraction * slope + rounding and is_finite(gradient):
            if not _moved(parameters, state.parameters):
                return None
            return State(parameters, loss, gradient, state.distance, fraction, halvings)
        fraction /= 2
    return None


def _moved(after: Array, before: Array) -> bool:
    return bool(namespace(after).any(after != before))


def close_enough(problem: Problem, state: State, distance: float, tolerance: float) -> bool:
    """Tell whether a distance, in standard errors, is within what precision lets one reach."""
    reachable = max(tolerance, 30 * epsilon(state.gradient))
    return distance <= reachable * math.sqrt(problem.unit(state.loss))


def stalled(state: State) -> State:
    """Return a state from which no step lowers the loss, as precise as it can be or short of it."""
    precise = state.distance**2 <= 1e3 * epsilon(state.gradient) * max(abs(state.loss), 1e-300)
    return state.stop(Outcome.PRECISION if precise else Outcome.STALLED)
