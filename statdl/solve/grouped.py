"""The group lasso of a quadratic, on its Gram matrix: block descent, then Newton on what is left.

    min_b  ½ bᵀH b − cᵀb + Σ_u l_u ‖b_u‖

Block descent minimises over one unit after the other: with H_uu = Q D Qᵀ and r what the other units
leave of c_u, b_u = 0 where ‖r‖ ≤ l_u, and else b_u = Q (D + l_u/t)⁻¹ Qᵀ r whose length t solves
Σ (qᵀr)² / (D t + l_u)² = 1. Where no unit is at 0 any more the objective is smooth, and Newton
steps on the active units end the search with quadratic convergence.

References: Yuan and Lin (2006), J. R. Stat. Soc. B 68, 49; Qin, Scheinberg and Goldfarb (2013),
Math. Program. Comput. 5, 143.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from statdl.backend.array import namespace
from statdl.errors import NumericalError

#: Sweeps of block descent between attempts at Newton's method.
SWEEPS = 3


@dataclass
class Blocks:
    """H (P, P), the coordinates of each unit, and their eigenvectors as they come to be needed."""

    H: Any
    units: Sequence[Any]
    _spectra: dict[int, tuple[Any, Any]] = field(default_factory=dict, repr=False)

    def spectrum(self, unit: int) -> tuple[Any, Any]:
        """Return the eigenvalues and eigenvectors of H_uu."""
        if unit not in self._spectra:
            places = self.units[unit]
            xp = namespace(self.H)
            values, vectors = xp.linalg.eigh(self.H[places[:, None], places])
            self._spectra[unit] = xp.maximum(values, 0.0), vectors
        return self._spectra[unit]


def minimise_grouped(
    problem: Blocks, c: Any, threshold: Any, b: Any, tolerance: float, most: int = 5000
) -> tuple[Any, Any]:
    """Return the minimiser, and the gradient H b − c at it.

    Shapes: c, b (P,); threshold (U,), one a unit; ``tolerance`` bounds the violation of conditions.

    Raises
    ------
    NumericalError
        When the conditions are not met after ``most`` sweeps.

    Examples
    --------
    >>> import numpy as np
    >>> blocks = Blocks(np.eye(2), (np.arange(2),))
    >>> b, _ = minimise_grouped(blocks, np.array([3.0, 4.0]), np.ones(1), np.zeros(2), 1e-12)
    >>> b.round(6).tolist()
    [2.4, 3.2]
    """
    b = b.copy()
    g = problem.H @ b - c
    everything = list(range(len(problem.units)))
    tolerance = max(tolerance, 1e-14 * float(namespace(c).max(namespace(c).abs(c))))
    for _ in range(most):
        worst, active = _violation(problem, g, threshold, b)
        if worst <= tolerance:
            return b, g
        b, g = _newton(problem, c, g, threshold, b, active)
        _sweep(problem, g, threshold, b, everything)
        for _ in range(SWEEPS):
            _sweep(problem, g, threshold, b, _used(problem, b))
        g = problem.H @ b - c
    raise NumericalError("The group lasso's block descent did not come to an end.")


def _used(problem: Blocks, b: Any) -> list[int]:
    return [u for u, places in enumerate(problem.units) if bool((b[places] != 0).any())]


def _violation(problem: Blocks, g: Any, threshold: Any, b: Any) -> tuple[float, list[int]]:
    """Return the largest violation of a condition, and the units that are not 0."""
    xp = namespace(b)
    worst, active = 0.0, []
    for u, places in enumerate(problem.units):
        own = b[places]
        length = float(xp.sqrt(own @ own))
        slope = g[places]
        if length > 0:
            active.append(u)
            slope = slope + threshold[u] * own / length
            worst = max(worst, float(xp.max(xp.abs(slope))))
        else:
            worst = max(worst, float(xp.sqrt(slope @ slope)) - float(threshold[u]))
    return worst, active


def _sweep(problem: Blocks, g: Any, threshold: Any, b: Any, units: Sequence[int]) -> None:
    """Minimise over one unit after the other, and keep the gradient."""
    for u in units:
        places = problem.units[u]
        own = b[places]
        values, vectors = problem.spectrum(u)
        rest = vectors.T @ -g[places] + values * (vectors.T @ own)
        change = vectors @ _block(values, rest, float(threshold[u])) - own
        if bool((change != 0).any()):
            b[places] = own + change
            g += change @ problem.H[places]


def _block(values: Any, rest: Any, threshold: float) -> Any:
    """Return argmin ½ zᵀ D z − restᵀ z + l ‖z‖."""
    xp = namespace(values)
    length = float(xp.sqrt(rest @ rest))
    if length <= threshold:
        return 0.0 * rest
    if threshold == 0:
        return rest / xp.maximum(values, 1e-14 * float(xp.max(values)))
    smallest = max(float(xp.min(values)), 1e-14 * float(xp.max(values)))
    t = (length - threshold) / float(xp.max(values))  # from below, where Newton is monotone
    for _ in range(100):
        scale = values * t + threshold
        ratio = rest / scale
        total = float(ratio @ ratio)
        # Newton on 1/‖·‖ − 1, which is nearly linear in t (Moré and Sorensen 1983)
        slope = float((ratio**2 / scale) @ values)
        change = (total**0.5 - 1) * total / slope if slope > 0 else 0.0
        t = min(t + change, (length - threshold) / smallest)
        if abs(change) <= 1e-15 * t:
            break
    return rest * t / (values * t + threshold)


def _newton(
    problem: Blocks, c: Any, g: Any, threshold: Any, b: Any, active: Sequence[int]
) -> tuple[Any, Any]:
    """Return Newton steps on the active units, as long as they keep their units and pay."""
    xp = namespace(b)
    if not active:
        return b, g
    places = xp.concat([problem.units[u] for u in active])
    for _ in range(20):
        step = _solved(*_model(problem, g, threshold, b, active, places))
        if step is None:
            return b, g
        moved = b.copy()
        moved[places] += step
        slope = problem.H @ moved - c
        _, left = _violation(problem, slope, threshold, moved)
        inside = _violation_of(problem, slope, threshold, moved, active)
        before = _violation_of(problem, g, threshold, b, active)
        if len(left) < len(active) or not inside < before / 2:
            return b, g
        b, g = moved, slope
        if inside <= 1e-15 * float(xp.max(xp.abs(c))):
            return b, g
    return b, g


def _model(
    problem: Blocks, g: Any, threshold: Any, b: Any, active: Sequence[int], places: Any
) -> tuple[Any, Any]:
    """Return curvature and minus the gradient of loss and norms in the active coefficients.

    Of τ ‖b‖ they are τ (I − u uᵀ) / ‖b‖ and −τ u, with u = b / ‖b‖.
    """
    xp = namespace(b)
    H, force = problem.H[places[:, None], places], -g[places]
    first = 0
    for u in active:
        own = b[problem.units[u]]
        part = slice(first, first + len(own))
        first = part.stop
        if threshold[u] > 0:
            length = float(xp.sqrt(own @ own))
            way = own / length
            force[part] -= threshold[u] * way
            H[part, part] += threshold[u] / length * (xp.eye(len(own)) - way[:, None] * way)
    return H, force


def _violation_of(problem: Blocks, g: Any, threshold: Any, b: Any, active: Sequence[int]) -> float:
    """Return the largest violation among some units."""
    part = Blocks(problem.H, [problem.units[u] for u in active])
    return _violation(part, g, threshold[list(active)], b)[0]


def _solved(H: Any, force: Any) -> Any:
    xp = namespace(H)
    try:
        return xp.linalg.solve(H, force)
    except Exception as error:  # each library has a LinAlgError of its own
        if "LinAlgError" not in type(error).__name__:
            raise
        return None
