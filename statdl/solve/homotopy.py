"""The lasso of a quadratic as its data move in a straight line: exact, one event after the other.

    min_b  ½ bᵀH b − c(τ)ᵀb + Σ_j l_j(τ) |b_j|,    c and l linear in τ from 0 to 1

While the active set A and its signs s last, b_A moves along H_AA⁻¹ (c' − s l') and the gradient of
the others along H b' − c'. An event is a coefficient that reaches 0, and leaves, or a gradient that
reaches its bound l_j, and whose coefficient enters. With c fixed and l falling to 0 the events are
the knots of the lasso path (the LARS algorithm); with l fixed it goes from one problem, whose
solution is known, to the next.

References: Osborne, Presnell and Turlach (2000), IMA J. Numer. Anal. 20, 389; Efron, Hastie,
Johnstone and Tibshirani (2004), Ann. Stat. 32, 407; Ferreau, Bock and Diehl (2008), Int. J. Robust
Nonlinear Control 18, 816.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import namespace
from statdl.errors import NumericalError
from statdl.lazy import lazy

lapack = lazy("scipy.linalg.lapack")

#: A column of which less than this share is its own is refused the cheap update of the inverse.
OWN_SHARE = 1e-7
JITTER = 1e-11


def move(
    H: Any,
    c: tuple[Any, Any],
    threshold: tuple[Any, Any],
    b: Any,
    seen: Callable[[float, Any], None] = lambda tau, b: None,
) -> Any:
    """Return the solution at τ = 1 from that at τ = 0; ``seen`` is told of every event.

    Shapes: H (P, P); c and threshold pairs of (P,) at τ = 0 and 1; b (P,).

    Raises
    ------
    NumericalError
        When there is no end to the events.
    """
    xp = namespace(b)
    walk = _Walk(H, b.copy())
    inactive = threshold[0] < xp.inf  # what has no bound on its gradient stays where it is
    threshold = tuple(xp.where(inactive, one, 0.0) for one in threshold)
    dc, dl = c[1] - c[0], threshold[1] - threshold[0]
    g = H @ b - c[0]
    free = inactive & (threshold[0] == 0) & (threshold[1] == 0)
    active = (b != 0) | free
    inactive = inactive & ~active
    walk.reset(xp.nonzero(active)[0], xp.where(free, 0.0, xp.sign(b)))
    tau = 0.0
    for _ in range(50 * len(b) + 200):
        active, signs = walk.active, walk.signs
        way = walk.inverse @ (dc[active] - dl[active] * signs)
        slope = way @ H[active] - dc if len(active) else -dc
        bound = threshold[0] + tau * dl
        rest = 1.0 - tau
        leaving = (way * signs < 0) & ~free[active]
        times = xp.where(leaving, -walk.b[active] / xp.where(leaving, way, 1.0), xp.inf)
        above, below = slope - dl, -slope - dl
        up = xp.where(inactive & (above > 0), (bound - g) / xp.where(above > 0, above, 1.0), xp.inf)
        down = xp.where(
            inactive & (below > 0), (bound + g) / xp.where(below > 0, below, 1.0), xp.inf
        )
        enter = xp.minimum(up, down)
        first = max(float(xp.min(times, initial=xp.inf)), 0.0)
        next_ = max(float(xp.min(enter, initial=xp.inf)), 0.0)
        share = min(first, next_, rest)
        walk.b[active] += share * way
        g = g + share * slope
        tau += share
        if share >= rest:
            return walk.refined(c[1], threshold[1])
        if first <= next_:
            place = int(xp.argmin(times))
            inactive[active[place]] = True
            walk.b[active[place]] = 0.0
            walk.leave(place)
        else:
            j = int(xp.argmin(enter))
            inactive[j] = False
            walk.enter(j, -1.0 if up[j] <= down[j] else 1.0)
        seen(tau, walk.b)
    raise NumericalError("The events of the lasso's path did not come to an end.")


@dataclass
class _Walk:
    """Where the walk is: b, the active coordinates in the order they came, H_AA⁻¹."""

    H: Any
    b: Any
    active: Any = None
    signs: Any = None
    inverse: Any = None

    def reset(self, active: Any, signs: Any) -> None:
        """Set the active coordinates, with the inverse from scratch."""
        self.active, self.signs = active, signs[active]
        self.inverse = self._inverted()

    def enter(self, j: int, sign: float) -> None:
        """Border the inverse by a coordinate."""
        xp = namespace(self.b)
        row = self.H[j, self.active]
        across = self.inverse @ row
        own = float(self.H[j, j]) - float(row @ across)
        self.active = xp.concat([self.active, xp.asarray([j])])
        self.signs = xp.concat([self.signs, xp.asarray([sign])])
        if own <= OWN_SHARE * float(self.H[j, j]):
            self.inverse = self._inverted()
            return
        size = len(self.active)
        grown = xp.empty((size, size))
        grown[:-1, :-1] = self.inverse + across[:, None] * (across / own)
        grown[-1, :-1] = grown[:-1, -1] = -across / own
        grown[-1, -1] = 1 / own
        self.inverse = grown

    def leave(self, place: int) -> None:
        """Take a coordinate out of the inverse."""
        xp = namespace(self.b)
        kept = xp.arange(len(self.active)) != place
        column = self.inverse[kept, place]
        pivot = float(self.inverse[place, place])
        own = float(self.H[self.active[place], self.active[place]])
        self.active, self.signs = self.active[kept], self.signs[kept]
        if pivot * own * OWN_SHARE > 1:
            self.inverse = self._inverted()
        else:
            rest = self.inverse[kept][:, kept]
            self.inverse = rest - column[:, None] * (column / pivot)

    def refined(self, c: Any, threshold: Any) -> Any:
        """Return b, after a step of the inverse on what rounding left."""
        rest = c[self.active] - threshold[self.active] * self.signs
        for _ in range(2):
            left = rest - (self.b[self.active] @ self.H[self.active])[self.active]
            self.b[self.active] += self.inverse @ left
        wrong = self.b * _spread(self.b, self.active, self.signs) < 0
        self.b[wrong] = 0.0
        return self.b

    def _inverted(self) -> Any:
        xp = namespace(self.H)
        part = self.H[self.active[:, None], self.active]
        if not len(part):
            return part
        size = float(xp.max(xp.diagonal(part), initial=0.0)) or 1.0
        jitter = 0.0
        while jitter < size:
            factor, failed = lapack.dpotrf(part + jitter * xp.eye(len(part)), lower=0, clean=1)
            if not failed and float(xp.min(xp.diagonal(factor), initial=1.0)) ** 2 > JITTER * size:
                inverse, _ = lapack.dpotri(factor, lower=0)
                return xp.triu(inverse) + xp.triu(inverse, 1).T
            jitter = 10 * jitter or 4 * JITTER * size
        raise NumericalError("The curvature of the lasso's quadratic is not positive.")


def _spread(b: Any, active: Any, values: Any) -> Any:
    full = 0.0 * b
    full[active] = values
    return full
