"""What a path penalises: the units that enter together, and the conditions of an optimum.

    λ Σ_u f_u ( α ‖b_u‖ + ½ (1 − α) κ ‖b_u‖² )

A unit u is one coefficient, so that ‖b_u‖ = |b_u|, or a group of them. At the minimum, with g the
gradient of everything smooth,

    ‖g_u‖ ≤ λ α f_u where b_u = 0,    g_u = −λ α f_u b_u / ‖b_u‖ elsewhere,

which is what certifies a solution (Karush, Kuhn and Tucker).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from statdl.backend.array import namespace

#: λ_max is finite for α > 0 only; as in glmnet, that of a ridge path is that of this α.
SMALLEST_ALPHA = 1e-3


@dataclass(frozen=True)
class Shrinkage:
    """The penalty of coefficients b (p, q); all arrays are on the host.

    factors       (p, q) f of each coefficient, that of its unit; ∞ keeps a coefficient at 0
    units         (p, q) the unit of each coefficient, 0, 1, …; None where every one is its own
    lower         (p, q) ≤ 0 ≤ upper (p, q), in the units of b; None without limits
    ridge_factor  κ, what the ridge part is multiplied by
    """

    alpha: float
    factors: Any
    units: Any = None
    lower: Any = None
    upper: Any = None
    ridge_factor: float = 1.0

    @cached_property
    def free(self) -> Any:
        """Which coefficients are not penalised, (p, q)."""
        return self.factors == 0

    @cached_property
    def allowed(self) -> Any:
        """Which coefficients may leave 0, (p, q)."""
        return self.factors < namespace(self.factors).inf

    def lasso(self, strength: float) -> Any:
        """Return λ α f, (p, q); for λ = ∞ all that is penalised stays at 0."""
        xp = namespace(self.factors)
        if strength == xp.inf:
            return xp.where(self.free, 0.0, xp.inf)
        return xp.where(self.allowed, strength * self.alpha * self._finite, xp.inf)

    def ridge(self, strength: float) -> Any:
        """Return λ (1 − α) κ f, (p, q)."""
        xp = namespace(self.factors)
        if strength == xp.inf:
            return xp.zeros_like(self.factors)
        return strength * (1 - self.alpha) * self.ridge_factor * self._finite

    @cached_property
    def _finite(self) -> Any:
        return namespace(self.factors).where(self.allowed, self.factors, 0.0)

    def norms(self, values: Any) -> Any:
        """Return ‖v_u‖ of the unit of each coefficient, (p, q)."""
        xp = namespace(values)
        if self.units is None:
            return xp.abs(values)
        flat = self.units.reshape(-1)
        squares = xp.bincount(flat, weights=values.reshape(-1) ** 2)
        return xp.sqrt(squares)[self.units]

    def largest(self, gradient: Any) -> float:
        """Return the smallest λ at which all that is penalised is 0, from the gradient there.

        A little more, by which rounding leaves nothing in.
        """
        xp = namespace(gradient)
        inside = ~self.free & self.allowed
        if not bool(inside.any()):
            return 0.0
        pull = self._pull(gradient)
        ratio = pull[inside] / self.factors[inside]
        return float(xp.max(ratio)) / max(self.alpha, SMALLEST_ALPHA) * (1 + 1e-14)

    def _pull(self, gradient: Any) -> Any:
        """Return the length of the gradient of units at 0, as far as limits let them follow it."""
        xp = namespace(gradient)
        if self.lower is None:
            return self.norms(gradient)
        allowed = xp.where(gradient < 0, self.upper > 0, self.lower < 0)
        return self.norms(gradient) * allowed

    def value(self, strength: float, b: Any) -> float:
        """Return the penalty of b."""
        xp = namespace(b)
        norms = self.norms(b)
        used = (b != 0) & ~self.free
        if not bool(used.any()):
            return 0.0
        share = self.factors[used]
        squares = 0.5 * (1 - self.alpha) * self.ridge_factor * float(share @ b[used] ** 2)
        if self.units is not None:  # each norm once
            _, first = xp.unique(self.units[used], return_index=True)
            return strength * (self.alpha * float(share[first] @ norms[used][first]) + squares)
        return strength * (self.alpha * float(share @ norms[used]) + squares)

    def violations(self, strength: float, b: Any, gradient: Any) -> Any:
        """Return by how much each coefficient violates its condition, (p, q).

        ``gradient`` is that of the loss; the ridge part is added here.
        """
        xp = namespace(b)
        used = b != 0
        lasso = self.lasso(strength)
        smooth = gradient + self.ridge(strength) * b if self.alpha < 1 else gradient
        outside = xp.maximum(self._pull(smooth) - lasso, 0.0)
        if self.units is None:
            inside = smooth + xp.where(used, lasso, 0.0) * xp.sign(b)
        else:
            norms = self.norms(b)
            used = norms > 0
            inside = smooth + xp.where(used, lasso, 0.0) * b / xp.where(used, norms, 1.0)
        if self.lower is not None:
            inside = xp.where((b >= self.upper) & (inside < 0), 0.0, inside)
            inside = xp.where((b <= self.lower) & (inside > 0), 0.0, inside)
        return xp.where(used, xp.abs(inside), outside)
