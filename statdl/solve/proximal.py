"""Descent with a proximal step: a smooth loss and norms of groups of parameters.

    min_θ  J(θ) + μ Σ_g ‖θ_g‖,    θ ← prox(θ − t ∇J(θ)),    prox(v)_g = max(0, 1 − t μ / ‖v_g‖) v_g

Steps are accelerated (Beck and Teboulle 2009) and start afresh where the objective would rise
(O'Donoghue and Candès 2015), so that it never does, on losses that are not convex either; the step
length is found by backtracking. The proximal step makes whole groups exactly 0.

References: Beck and Teboulle (2009), SIAM J. Imaging Sci. 2, 183; Li and Lin (2015), NIPS 28.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import namespace

Smooth = Callable[[Any], tuple[float, Any]]


@dataclass(frozen=True)
class Proximal:
    """Where descent ended: parameters, objective, and whether it had settled."""

    parameters: Any
    value: float
    iterations: int
    converged: bool


def shrunk(values: Any, groups: Sequence[Any], threshold: float) -> Any:
    """Return the proximal point: every group shorter by ``threshold``, or 0.

    Examples
    --------
    >>> import numpy as np
    >>> shrunk(np.array([3.0, 4.0, 0.5]), (np.array([0, 1]), np.array([2])), 1.0).tolist()
    [2.4000000000000004, 3.2, 0.0]
    """
    xp = namespace(values)
    result = xp.asarray(values, copy=True)
    for places in groups:
        length = float(xp.sqrt(xp.sum(values[places] ** 2)))
        share = max(0.0, 1.0 - threshold / length) if length > 0 else 0.0
        result[places] = values[places] * share
    return result


def descend_proximal(
    smooth: Smooth,
    groups: Sequence[Any],
    strength: float,
    start: Any,
    *,
    tolerance: float = 1e-6,
    most: int = 5000,
    length: float = 1.0,
) -> tuple[Proximal, float]:
    """Return the minimum from a start, and the step length that served last.

    It has settled where the proximal gradient, ‖θ − prox(θ − t ∇J)‖/t, is below ``tolerance``
    times 1 + |J|.
    """
    xp = namespace(start)

    def penalty(theta: Any) -> float:
        return strength * sum(float(xp.sqrt(xp.sum(theta[g] ** 2))) for g in groups)

    theta, ahead, momentum = start, start, 1.0
    value = smooth(theta)[0] + penalty(theta)
    for iteration in range(most):
        at, slope = smooth(ahead)
        moved, length = _step(smooth, groups, strength, ahead, at, slope, length)
        now = smooth(moved)[0] + penalty(moved)
        if not now <= value:
            if ahead is theta:  # rounding: no step lowers the objective any more
                return Proximal(theta, value, iteration, True), length
            ahead, momentum = theta, 1.0
            continue
        change = moved - ahead
        settled = float(xp.sqrt(xp.sum(change**2))) / length <= tolerance * (1 + abs(value))
        growth = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        previous, theta, value = theta, moved, now
        if settled:
            return Proximal(theta, value, iteration + 1, True), length
        ahead = theta + (momentum - 1) / growth * (theta - previous)
        momentum = growth
        length *= 1.1
    return Proximal(theta, value, most, False), length


def _step(
    smooth: Smooth, groups: Sequence[Any], strength: float, at: Any, value: float, slope: Any,
    length: float,
) -> tuple[Any, float]:  # fmt: skip
    """Return the proximal step that the quadratic bound of the loss allows, and its length."""
    xp = namespace(at)
    for _ in range(60):
        moved = shrunk(at - length * slope, groups, length * strength)
        change = moved - at
        bound = value + float(xp.sum(slope * change)) + float(xp.sum(change**2)) / (2 * length)
        if smooth(moved)[0] <= bound + 1e-12 * abs(value):
            break
        length /= 2
    return moved, length
