"""The lasso of a quadratic, on its Gram matrix: exchanges of whole blocks, and exact steps.

    min_b  ½ bᵀH b − cᵀb + Σ_j l_j |b_j|,    lower ≤ b ≤ upper,    lower ≤ 0 ≤ upper

On a set A of coordinates with signs s the minimiser solves H_AA b_A = c_A − l_A s_A. Where that
solution contradicts the signs or the conditions of the others, all that contradict are exchanged at
once, and H_AA⁻¹ is updated by blocks (:mod:`statdl.solve.inverse`): a few products of matrices lead
from the solution at one λ to that at the next. Exchanges may cycle, rarely, and know no limits.
Then the steps are safeguarded: one ends at the minimum of the (piecewise quadratic) objective along
the way, and coordinates that reach 0 or a limit there stay at it. Every such step lowers the
objective and there are finitely many sign patterns, so that the end is exact.

All arrays are small and on the host.

References: Kim and Park (2010), Proc. SIAM Int. Conf. Data Mining, 397 (block exchanges); Lee,
Battle, Raina and Ng (2007), NIPS 19; Bertsekas (1982), SIAM J. Control 20, 221.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from statdl.backend.array import namespace
from statdl.errors import NumericalError
from statdl.solve.homotopy import move
from statdl.solve.inverse import Inverse

#: Exchanges of what contradicts, and how many of them may contradict more than one before.
EXCHANGES, PATIENCE = 50, 4
#: Corrections of a solution by what is left of its equations, at most.
REFINEMENTS = 20
#: Steps that may contradict their signs before the walk of the homotopy is surer.
LEAPS = 3
SWEEPS = 5
MOST_STEPS = 2000


@dataclass
class Quadratic:
    """H (P, P) and the limits; it keeps an inverse, since active sets outlive steps."""

    H: Any
    lower: Any = None
    upper: Any = None
    inverse: Inverse = field(default_factory=Inverse, repr=False)

    def solve(self, active: Any, right: Any) -> Any:
        """Return H_AA⁻¹ right, of a matrix a touch better conditioned where that is singular."""
        full = namespace(right).zeros(len(self.H))
        full[active] = right
        self.inverse.follow(self.H, active)
        places = self.inverse.places
        full[places] = self.inverse.matrix @ full[places]
        return full[active]

    def stationary(self, active: Any, right: Any, slack: float) -> tuple[Any, Any]:
        """Return b that is 0 off A and solves H_AA b_A = right_A up to ``slack``, and H b."""
        xp = namespace(right)
        b = xp.zeros(len(self.H))
        self.inverse.follow(self.H, xp.nonzero(active)[0])
        places, K = self.inverse.places, self.inverse.matrix
        wanted = right[places]
        b[places] = K @ wanted
        for _ in range(REFINEMENTS):
            product = self.times(b)
            left = wanted - product[places]
            if float(xp.max(xp.abs(left), initial=0.0)) <= slack:
                return b, product
            b[places] += K @ left
        return b, self.times(b)

    def times(self, b: Any) -> Any:
        """Return H b, by the rows of H that matter."""
        xp = namespace(b)
        (active,) = xp.nonzero(b)
        if 3 * len(active) > len(b) or len(b) < 64:
            return self.H @ b
        return b[active] @ self.H[active]


def minimise_lasso(
    problem: Quadratic, c: Any, threshold: Any, b: Any, tolerance: float = 0.0
) -> tuple[Any, Any]:
    """Return the minimiser, and the gradient H b − c at it.

    Shapes: c, threshold, b (P,); ``b`` is where to start, and ``tolerance`` what a condition may be
    violated by.

    Raises
    ------
    NumericalError
        When the objective has no minimum, or rounding stops all progress.

    Examples
    --------
    >>> import numpy as np
    >>> b, _ = minimise_lasso(Quadratic(np.eye(2)), np.array([3.0, 0.5]), np.ones(2), np.zeros(2))
    >>> b.tolist()
    [2.0, 0.0]
    """
    xp = namespace(b)
    slack = tolerance + 1e-14 * float(xp.max(xp.abs(c), initial=0.0))
    if problem.lower is None:
        found = _pivoted(problem, c, threshold, b, slack)
        if found is not None:
            return found
    g = problem.times(b) - c
    value = _value(c, threshold, b, g)
    failures, walkable = 0, problem.lower is None
    for _ in range(MOST_STEPS):
        free, wants = _candidates(problem, g, threshold, b, slack)
        (active,) = xp.nonzero(free | wants)
        if not len(active):
            return b, g
        moved, consistent = _leap(problem, g, threshold, b, active)
        slope = problem.times(moved) - c
        now = _value(c, threshold, moved, slope)
        if consistent and _finished(problem, slope, threshold, moved, slack):
            return moved, slope
        if now < value - 1e-12 * abs(value) and failures < LEAPS:
            failures += not consistent
            b, g, value = moved, slope, now
            continue
        failures = 0
        if walkable:
            walkable = False  # ties may stop the walk; then sweeps go on
            moved = _walked(problem, c, threshold, b)
            slope = problem.times(moved) - c
            if _finished(problem, slope, threshold, moved, slack):
                return moved, slope
        b, g = _swept(problem, g, threshold, b, active)
        if _finished(problem, g, threshold, b, slack):  # of equal columns many shares are a minimum
            return b, g
        value = _value(c, threshold, b, g)
    raise NumericalError("The active-set steps of the lasso did not come to an end.")


def _pivoted(problem: Quadratic, c: Any, threshold: Any, b: Any, slack: float) -> Any:
    """Return the solution and its gradient by exchanging all that contradict; None if they cycle.

    Where the solution on A has coefficients of the wrong sign these leave A, and who violates its
    condition joins, all at once. There is no proof that this ends, and it nearly always does.
    """
    xp = namespace(b)
    signs = xp.sign(b) * (threshold > 0)
    active = (b != 0) | (threshold == 0)
    fewest, patience = len(b) + 1, PATIENCE
    for _ in range(EXCHANGES):
        right = c - xp.where(active, threshold, 0.0) * signs
        found, product = problem.stationary(active, right, 1e-2 * slack)
        g = product - c
        wrong = found * signs < 0
        fresh = ~active & (xp.abs(g) > threshold + slack)
        count = int(xp.sum(wrong | fresh))
        if not count:
            return found, g
        patience = PATIENCE if count < fewest else patience - 1
        fewest = min(count, fewest)
        if not patience:
            return None
        signs = xp.where(fresh, -xp.sign(g), xp.where(wrong, 0.0, signs))
        active = (active & ~wrong) | fresh
    return None


def _walked(problem: Quadratic, c: Any, threshold: Any, b: Any) -> Any:
    """Return the solution by homotopy, from the problem that b solves."""
    xp = namespace(b)
    product = problem.times(b)
    slope = xp.clip(product - c, -threshold, threshold)
    slope = xp.where(b != 0, -xp.where(b != 0, threshold, 0.0) * xp.sign(b), slope)
    try:
        return move(problem.H, (product - slope, c), (threshold, threshold), b)
    except NumericalError:
        return b


def _swept(problem: Quadratic, g: Any, threshold: Any, b: Any, active: Any) -> tuple[Any, Any]:
    """Return b and its gradient after sweeps of coordinate descent within the limits."""
    b, g, H = b.copy(), g.copy(), problem.H
    for _ in range(SWEEPS):
        for j in active.tolist():
            curve, own = float(H[j, j]), float(b[j])
            free = curve * own - float(g[j])
            shrunk = max(abs(free) - float(threshold[j]), 0.0) / curve
            target = shrunk if free > 0 else -shrunk
            if problem.lower is not None:
                target = min(max(target, float(problem.lower[j])), float(problem.upper[j]))
            if target != own:
                g += (target - own) * H[j]
                b[j] = target
    return b, g


def _value(c: Any, threshold: Any, b: Any, g: Any) -> float:
    """Return the objective, from the gradient H b − c."""
    used = b != 0
    own = b[used]
    return float(0.5 * own @ (g[used] - c[used]) + threshold[used] @ abs(own))


def _leap(problem: Quadratic, g: Any, threshold: Any, b: Any, active: Any) -> tuple[Any, bool]:
    """Return the minimum on the active set, what contradicts its sign at 0, and if nothing did."""
    xp = namespace(b)
    now, weight = b[active], threshold[active]
    signs = xp.where(now != 0, xp.sign(now), -xp.sign(g[active])) * (weight > 0)
    target = now + problem.solve(active, -g[active] - weight * signs)
    wrong = target * signs < 0
    consistent = not bool(wrong.any())
    if not consistent:
        target = xp.where(wrong, 0.0, target)
    if problem.lower is not None:
        inside = xp.minimum(xp.maximum(target, problem.lower[active]), problem.upper[active])
        consistent = consistent and bool((inside == target).all())
        target = inside
    moved = xp.zeros_like(b) if problem.lower is None else b.copy()
    moved[active] = target
    return moved, consistent


def _candidates(
    problem: Quadratic, g: Any, threshold: Any, b: Any, slack: float
) -> tuple[Any, Any]:
    """Return which coordinates are free to move, and which of those at 0 want to leave it."""
    xp = namespace(b)
    at_zero = b == 0
    wants = at_zero & (xp.abs(g) > threshold + slack)
    free = ~at_zero | (threshold == 0)
    if problem.lower is not None:
        slope = g + xp.where(at_zero, 0.0, threshold) * xp.sign(b)
        up, down = b >= problem.upper, b <= problem.lower
        wants &= xp.where(g < 0, problem.upper > 0, problem.lower < 0)
        pinned = (up & (slope <= slack)) | (down & (slope >= -slack))
        free &= ~(pinned & (~at_zero | (threshold == 0)))
    return free, wants


def _finished(problem: Quadratic, g: Any, threshold: Any, b: Any, slack: float) -> bool:
    """Tell whether nothing at 0, and nothing at a limit, wants to move."""
    xp = namespace(b)
    free, wants = _candidates(problem, g, threshold, b, slack)
    if bool(wants.any()):
        return False
    inner = b != 0
    if problem.lower is None:
        bound = xp.where(inner, threshold, 0.0) * xp.sign(b)
        return bool((xp.abs(g + bound)[inner] <= slack + 1e-9 * xp.abs(g)[inner]).all())
    loose = xp.abs(g + xp.where(inner, threshold, 0.0) * xp.sign(b)) > slack + 1e-9 * xp.abs(g)
    return not bool((free & (inner | (threshold == 0)) & loose).any())
