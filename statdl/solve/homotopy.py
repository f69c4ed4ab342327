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
from typing import Any

from statdl.backend.array import namespace
from statdl.errors import NumericalError
from statdl.solve.inverse import inverted

#: A column of which less than this share is its own is refused the cheap update of the inverse.
OWN_SHARE = 1e-7


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
    walk = Walk(H)
    free = (threshold[0] == 0) & (threshold[1] == 0)
    walk.begin(b, free)
    return walk.advance(c, tuple(xp.asarray(one) for one in threshold), seen)


class Walk:
    """A walk: b, the active coordinates, their rows of H, and H_AA⁻¹.

    Rows and inverse are kept in room that grows by doubling; who leaves changes places with the
    last.
    """

    def __init__(self, H: Any) -> None:
        xp = namespace(H)
        self.H, self.size = H, 0
        self.b = xp.zeros(len(H))
        self.free = xp.zeros(len(H), dtype=bool)
        self.places: Any = xp.zeros(0, dtype=int)
        self.signs: Any = xp.zeros(0)
        self.rows: Any = xp.zeros((0, len(H)))
        self.inverse: Any = xp.zeros((0, 0))
        self._room(min(len(H), 64))

    def _room(self, capacity: int) -> None:
        """Make room for so many active coordinates."""
        xp, a = namespace(self.H), self.size
        places, signs = xp.zeros(capacity, dtype=int), xp.zeros(capacity)
        rows, inverse = xp.empty((capacity, len(self.H))), xp.empty((capacity, capacity))
        if a:
            places[:a], signs[:a] = self.places[:a], self.signs[:a]
            rows[:a, : self.rows.shape[1]] = self.rows[:a]
            inverse[:a, :a] = self.inverse[:a, :a]
        self.places, self.signs, self.rows, self.inverse = places, signs, rows, inverse
        self.scratch = xp.empty(capacity * capacity)  # fresh memory costs more than arithmetic

    def begin(self, b: Any, free: Any) -> None:
        """Set b and what is not penalised; the inverse is from scratch."""
        xp = namespace(b)
        self.b, self.free = b.copy(), free
        (active,) = xp.nonzero((b != 0) | free)
        self.size = 0
        self._room(max(2 * len(active), min(len(b), 64)))
        self.size = len(active)
        self.places[: self.size] = active
        self.signs[: self.size] = xp.where(free, 0.0, xp.sign(b))[active]
        self.rows[: self.size] = self.H[active]
        self._invert()

    def advance(
        self,
        c: tuple[Any, Any],
        threshold: tuple[Any, Any],
        seen: Callable[[float, Any], None] = lambda tau, b: None,
    ) -> Any:
        """Return the solution at τ = 1, where b is that at τ = 0."""
        xp = namespace(self.b)
        inactive = threshold[0] < xp.inf  # what has no bound on its gradient stays where it is
        start, end = (xp.where(inactive, one, 0.0) for one in threshold)
        dc, dl = c[1] - c[0], end - start
        inactive[self.places[: self.size]] = False
        g = self.b[self.places[: self.size]] @ self.rows[: self.size] - c[0]
        tau = 0.0
        for _ in range(50 * len(self.b) + 200):
            a = self.size
            active, signs = self.places[:a], self.signs[:a]
            way = self.inverse[:a, :a] @ (dc[active] - dl[active] * signs)
            slope = way @ self.rows[:a] - dc
            leaves, place = self._leaving(way)
            enters, j, sign = _entering(g, slope, start + tau * dl, dl, inactive)
            share = min(leaves, enters, 1.0 - tau)
            self.b[active] += share * way
            g += share * slope
            if share >= 1.0 - tau:
                return self._refined(c[1], end)
            tau += share
            if leaves <= enters:
                inactive[active[place]] = True
                self._leave(place)
            else:
                inactive[j] = False
                self._enter(j, sign)
            seen(tau, self.b)
        raise NumericalError("The events of the lasso's path did not come to an end.")

    def _leaving(self, way: Any) -> tuple[float, int]:
        """Return when the first active coordinate reaches 0, and its place."""
        xp = namespace(way)
        active, signs = self.places[: self.size], self.signs[: self.size]
        towards = way * signs < 0
        if not bool(towards.any()):
            return float("inf"), -1
        times = xp.where(towards, -self.b[active] / xp.where(towards, way, 1.0), xp.inf)
        place = int(xp.argmin(times))
        return max(float(times[place]), 0.0), place

    def _enter(self, j: int, sign: float) -> None:
        """Border the inverse by a coordinate."""
        xp, a = namespace(self.H), self.size
        row = self.H[j]
        part = row[self.places[:a]]
        across = self.inverse[:a, :a] @ part
        own = float(row[j]) - float(part @ across)
        if a == len(self.places):
            self._room(2 * a)
        self.places[a], self.signs[a], self.rows[a] = j, sign, row
        self.size = a + 1
        if own <= OWN_SHARE * float(row[j]):
            self._invert()
            return
        self.inverse[:a, :a] += xp.multiply(
            across[:, None], across / own, out=self.scratch[: a * a].reshape(a, a)
        )
        self.inverse[a, :a] = self.inverse[:a, a] = -across / own
        self.inverse[a, a] = 1 / own

    def _leave(self, place: int) -> None:
        """Take a coordinate out: it is 0."""
        last = self.size - 1
        gone = int(self.places[place])
        self.b[gone] = 0.0
        if place != last:
            for held in (self.places, self.signs, self.rows):
                held[place] = held[last]
            column = self.inverse[: last + 1, place].copy()
            pivot, corner = column[place], float(column[last])
            moved = self.inverse[: last + 1, last].copy()
            self.inverse[: last + 1, place] = moved
            self.inverse[place, : last + 1] = moved
            self.inverse[place, place] = moved[last]
            column[place] = corner
        else:
            column = self.inverse[: last + 1, last].copy()
            pivot = column[last]
        self.size = last
        if float(pivot) * float(self.H[gone, gone]) * OWN_SHARE > 1:
            self._invert()
        else:
            rest = column[:last]
            self.inverse[:last, :last] -= namespace(rest).multiply(
                rest[:, None], rest / pivot, out=self.scratch[: last * last].reshape(last, last)
            )

    def _refined(self, c: Any, threshold: Any) -> Any:
        """Return b, after steps of the inverse on what rounding left."""
        xp = namespace(self.b)
        a = self.size
        active, signs = self.places[:a], self.signs[:a]
        rest = c[active] - threshold[active] * signs
        for _ in range(2):
            left = rest - (self.b[active] @ self.rows[:a])[active]
            self.b[active] += self.inverse[:a, :a] @ left
        found = self.b.copy()
        found[active] = xp.where(self.b[active] * signs < 0, 0.0, self.b[active])
        return found

    def _invert(self) -> None:
        """Compute the inverse from scratch."""
        a = self.size
        active = self.places[:a]
        self.inverse[:a, :a] = inverted(self.rows[:a][:, active])


def _entering(g: Any, slope: Any, bound: Any, dl: Any, inactive: Any) -> tuple[float, int, float]:
    """Return when the first gradient reaches its bound, whose, and the sign of its coefficient."""
    xp = namespace(g)
    (rest,) = xp.nonzero(inactive)
    if not len(rest):
        return float("inf"), -1, 0.0
    g, slope, bound, dl = g[rest], slope[rest], bound[rest], dl[rest]
    above, below = slope - dl, -slope - dl
    up = xp.where(above > 0, (bound - g) / xp.where(above > 0, above, 1.0), xp.inf)
    down = xp.where(below > 0, (bound + g) / xp.where(below > 0, below, 1.0), xp.inf)
    first = xp.minimum(up, down)
    k = int(xp.argmin(first))
    return max(float(first[k]), 0.0), int(rest[k]), -1.0 if up[k] <= down[k] else 1.0
