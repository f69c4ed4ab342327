"""Proximal Newton steps with damping: a smooth loss and norms of groups of parameters.

    min_θ  J(θ) + μ Σ_g ‖θ_g‖

A step minimises the quadratic model of J, its curvature H plus τ diag(H), with the norms as they
are: the group lasso of a quadratic (:mod:`statdl.solve.grouped`), which makes whole groups exactly
0. τ falls where steps succeed and grows where they do not (Levenberg and Marquardt), so that the
objective falls on losses that are not convex either.

References: Lee, Sun and Saunders (2014), SIAM J. Optim. 24, 1420; Kanzow and Lechner (2021),
Comput. Optim. Appl. 78, 377.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import namespace
from statdl.solve.grouped import Blocks, minimise_grouped

#: The least size of a parameter in the damping, as a share of the largest.
SMALL = 1e-8

Smooth = Callable[[Any], tuple[float, Any]]


@dataclass(frozen=True)
class Proximal:
    """Where the steps ended: parameters, objective, how many steps, and whether they settled."""

    parameters: Any
    value: float
    iterations: int
    converged: bool


def minimise_proximal(
    smooth: Smooth,
    curvature: Callable[[Any], Any],
    groups: Sequence[Any],
    strength: float,
    start: Any,
    *,
    tolerance: float = 1e-7,
    most: int = 200,
) -> Proximal:
    """Return the minimum that is reached from a start.

    ``smooth`` gives J and its gradient, ``curvature`` a positive semi-definite (P, P). Steps have
    settled where the objective falls by less than ``tolerance``² times its size, or no step lowers
    it.

    Examples
    --------
    >>> import numpy as np
    >>> def smooth(theta):
    ...     return 0.5 * float((theta - 3) @ (theta - 3)), theta - 3
    >>> found = minimise_proximal(smooth, lambda t: np.eye(1), [np.arange(1)], 1.0, np.zeros(1))
    >>> found.parameters.round(6).tolist()
    [2.0]
    """
    xp = namespace(start)
    inside = xp.zeros(len(start), dtype=bool)
    for places in groups:
        inside[places] = True
    rest = xp.nonzero(~inside)[0]
    units = [*groups, rest] if len(rest) else list(groups)
    thresholds = xp.asarray([strength] * len(groups) + [0.0] * bool(len(rest)))

    def penalty(theta: Any) -> float:
        return strength * sum(float(xp.sqrt(xp.sum(theta[g] ** 2))) for g in groups)

    theta, (loss, slope) = start, smooth(start)
    value, damping = loss + penalty(start), 1e-3
    H, size = _scaled(curvature, theta)
    for iteration in range(most):
        damped = H + damping * xp.diag(size)
        c = damped @ theta - slope
        allowed = 1e-9 * max(float(xp.max(xp.abs(slope))), strength, 1e-300)
        moved, _ = minimise_grouped(Blocks(damped, units), c, thresholds, theta, allowed)
        loss, ahead = smooth(moved)
        now = loss + penalty(moved)
        if now < value:
            settled = value - now <= tolerance**2 * (1 + abs(value))
            theta, slope, value = moved, ahead, now
            damping = max(damping / 4, 1e-10)
            if settled:
                return Proximal(theta, value, iteration + 1, True)
            H, size = _scaled(curvature, theta)
        else:
            damping *= 8
            if damping > 1e12:
                return Proximal(theta, value, iteration, True)
    return Proximal(theta, value, most, False)


def _scaled(curvature: Callable[[Any], Any], theta: Any) -> tuple[Any, Any]:
    """Return the curvature and the size of every parameter, its diagonal (Marquardt 1963).

    As inputs shrink, the weights behind them grow, and one size for all would stop the small ones.
    """
    xp = namespace(theta)
    H = curvature(theta)
    own = xp.abs(xp.diagonal(H))
    return H, xp.maximum(own, max(SMALL * float(xp.max(own)), 1e-300))
