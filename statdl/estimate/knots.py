"""The knots of a gaussian lasso path: every λ at which a column comes in or leaves, exactly.

Between knots the coefficients are linear in λ, so that the knots are the path. They are followed on
the Gram matrix of a working set; at each knot the gradients of all other columns are looked at, and
where one exceeds λ its column joins and the walk is made again.

Reference: Efron, Hastie, Johnstone and Tibshirani (2004), Ann. Stat. 32, 407.
"""

from __future__ import annotations

from typing import Any

from statdl.errors import ModelError
from statdl.estimate.path import PathEstimate, starting_point
from statdl.lazy import lazy
from statdl.solve.homotopy import move

np = lazy("numpy")


def knots(path: PathEstimate, smallest: float) -> tuple[Any, Any]:
    """Return λ of the knots, decreasing, (M,), and the coefficients there, (M, p).

    The last λ is ``smallest``, whether or not it is a knot.

    Raises
    ------
    ModelError
        Where the path is not piecewise linear.
    """
    settings = path.penalties
    plain = settings.alpha == 1 and settings.groups is None
    if not (path.family.quadratic and plain and settings.lower is settings.upper is None):
        raise ModelError(
            "Knots are those of the gaussian lasso: alpha=1, without groups or limits. Other "
            "paths are not piecewise linear in lambda."
        )
    state = starting_point(path)
    working = np.any(path.coefficients[:, :, 0] != 0, axis=0) | state.shrinkage.free[:, 0]
    for _ in range(100):
        found, gradients = _walk(state, working, smallest)
        bound = found[0][:, None] * state.shrinkage.factors[:, 0]
        finite = np.isfinite(state.shrinkage.factors[:, 0])
        beyond = np.any(np.abs(gradients) > bound + 1e-9 * state.top, axis=0)
        outside = beyond & ~working & finite
        if not outside.any():
            return found[0], found[1] / path.scale
        working |= outside
    raise ModelError("The knots did not come to an end.")


def _walk(state: Any, working: Any, smallest: float) -> tuple[tuple[Any, Any], Any]:
    """Return λ and b at the knots of the path on the working set, and all gradients there."""
    (places,) = np.nonzero(working)
    p = len(working)
    H, c = state.gram(places), state.c[:, 0]
    factors = np.where(state.shrinkage.free[places, 0], 0.0, state.shrinkage.factors[places, 0])
    start = state.b[places, 0]
    top = state.top
    lambdas, points = [top], [start.copy()]

    def seen(tau: float, b: Any) -> None:
        lambdas.append(top + tau * (smallest - top))
        points.append(b.copy())

    last = move(H, (c[places], c[places]), (top * factors, smallest * factors), start, seen)
    seen(1.0, last)
    strengths, B = np.asarray(lambdas), np.zeros((len(lambdas), p))
    B[:, places] = np.asarray(points)
    distinct = np.append(np.diff(strengths) < -1e-12 * top, True)
    strengths, B = strengths[distinct], B[distinct]
    return (strengths, B), state.gradients(B)
