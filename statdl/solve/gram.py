"""Least squares along a path: on the Gram matrix of a working set of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.room import roomy
from statdl.lazy import lazy
from statdl.solve.compiled import available
from statdl.solve.inverse import Inverse
from statdl.solve.lasso import Quadratic
from statdl.solve.screening import Problem, Solution, State

loops = lazy("statdl.solve.loops")

#: Up to so many columns, or as many as there are rows, a whole Gram matrix is formed.
WHOLE_GRAM = 500
LARGEST_GRAM = 5000
#: Values of λ that the compiled loop takes at once, to this share of what is allowed, with so many
#: sweeps at most; it is meant for a path of so many.
STRETCH, SHARPER, SWEEPS, COUNT = 34, 1e-5, 1000, 100


class Gram(State):
    """Least squares: c = X̃ᵀ W y and the Gram matrix of the working set say all.

    Columns and response are centred where there is an intercept, which then stays where it is.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        xp = namespace(self.b)
        n, p = problem.columns.shape
        loss: Any = problem.loss
        self.weights = loss.weights
        found = moments_of(problem)
        self.a, self.square, self.c, self.target = (
            found.intercept, found.square, found.slopes, found.target
        )  # fmt: skip
        self.whole = whole_gram(n, p)
        self.places = xp.arange(0)
        self.room: Any = None
        self.H = xp.zeros((0, 0))
        self.part: Any = None
        self.inverse = Inverse()
        self.quadratics: tuple[Any, Any] = (None, None)
        single = self.whole and problem.shrinkage.units is None and problem.shrinkage.alpha > 0
        self.loops = single and available(self.H, n * p * COUNT)
        self.admit(problem.shrinkage.allowed if self.whole else self.working)

    def admit(self, wanted: Any) -> None:
        xp = namespace(self.b)
        new = wanted[:, 0].copy()
        new[self.places] = False
        (fresh,) = xp.nonzero(new)
        if not len(fresh):
            return
        a, both = len(self.places), len(self.places) + len(fresh)
        self.places = xp.concat([self.places, fresh])
        self.part = self.problem.columns.joined(self.part, fresh)
        self.room = roomy(self.room, (a, a), (both, both), self.b)
        self.room[a:both, :both] = self._strip(a)
        self.room[:a, a:both] = self.room[a:both, :a].T
        self.H = self.room[:both, :both]
        self.working[fresh] = True
        self.quadratics = (None, None)

    def stretch(self, strengths: Sequence[float], before: float, allowed: float) -> list[Solution]:
        if not self.loops:
            return super().stretch(strengths, before, allowed)
        xp = namespace(self.b)
        here, c = self.places, self.c[self.places, 0]
        lasso, ridge = (part(1.0)[here, 0] for part in (self.shrinkage.lasso, self.shrinkage.ridge))
        ends = [xp.full(len(here), end) for end in (-xp.inf, xp.inf)]
        if self.shrinkage.lower is not None:
            ends = [end[here, 0] for end in (self.shrinkage.lower, self.shrinkage.upper)]
        grid = xp.asarray(strengths[:STRETCH])
        least = SHARPER * self.shrinkage.alpha * allowed
        least = max(least, 1e-14 * float(xp.max(xp.abs(c), initial=0.0)))  # what rounding leaves
        B, G, violations, done = loops.follow_gram(
            self.H,
            c,
            self.b[here, 0],
            grid,
            lasso,
            ridge,
            *ends,
            least,
            SWEEPS,
        )
        self.loops = done > 0
        if not done:  # too nearly collinear for one coefficient at a time
            return super().stretch(strengths, before, allowed)
        full = xp.zeros((done, *self.b.shape))
        B, G = B[:done], G[:done]
        full[:, here, 0] = B
        values = 0.5 * xp.maximum(self.square + xp.sum(B * (G - c), axis=1), 0.0)
        self.b, self.value = full[-1], float(values[done - 1])
        self.gradient = xp.zeros_like(self.b)
        self.gradient[here, 0] = G[done - 1]
        rows = zip(strengths, full, values.tolist(), violations.tolist(), strict=False)
        return [Solution(at, b, self.a, value, off, 1) for at, b, value, off in rows]

    def _strip(self, first: int) -> Any:
        """Return the rows of the Gram matrix of the columns from ``first``."""
        weights = None if self.problem.loss.even else self.weights  # type: ignore[attr-defined]
        late = self.part.since(first)
        own = late.cross(late, weights)
        if first:
            across = late.cross(self.part.until(first), weights)
            own = namespace(own).concat([across, own], axis=1)
        return _host(own, self.problem.loss.even)  # type: ignore[attr-defined]

    def solve_working(self, strength: float, allowed: float) -> int:
        if not len(self.places):
            return 0
        xp = namespace(self.b)
        pairs = (self.places, 0 * self.places)
        H, quadratic = self._curved(strength, pairs)
        start, c = self.b[pairs], self.c[pairs]
        found, _ = self.minimise(H, quadratic, c, strength, pairs, start, allowed / 4)
        self.b = xp.zeros_like(self.b)
        self.b[pairs] = found
        return 1

    def _curved(self, strength: float, pairs: Any) -> tuple[Any, Any]:
        """Return H with the ridge part, and the solver that keeps its factors."""
        xp = namespace(self.b)
        held, quadratic = self.quadratics
        if held is not None and (self.shrinkage.alpha == 1 or held == strength):
            return quadratic.H, quadratic
        H = self.H
        if self.shrinkage.alpha < 1:
            H = H + xp.diag(self.shrinkage.ridge(strength)[pairs])
            self.inverse = Inverse()
        quadratic = Quadratic(H, *self.limits(pairs, 0), self.inverse)
        self.quadratics = (strength, quadratic)
        return H, quadratic

    def refresh_gradient(self) -> None:
        xp = namespace(self.b)
        own = self.b[self.places, 0]
        slope = Quadratic(self.H).times(own) - self.c[self.places, 0]
        if self.whole:
            self.gradient = xp.zeros_like(self.b)
            self.gradient[self.places, 0] = slope
        else:
            fitted = (
                self.problem.columns.outer(like(self.b, self.target))
                if self.part is None
                else (self.part.outer(like(own[:, None], self.target)))
            )
            rest = (self.target - fitted) * self.weights[:, None]
            self.gradient = -to_numpy(self.problem.columns.inner(rest))
        self.value = 0.5 * max(self.square + float(own @ (slope - self.c[self.places, 0])), 0.0)

    def gram(self, places: Any) -> Any:
        """Return the Gram matrix of some columns."""
        columns = self.problem.columns.taken(places)
        even = self.problem.loss.even  # type: ignore[attr-defined]
        return _host(columns.cross(columns, self.weights if even is None else None), even)

    def gradients(self, B: Any) -> Any:
        """Return the gradients at coefficients B (M, p), (M, p)."""
        rest = self.target - self.problem.columns.outer(like(B.T, self.target))
        return -to_numpy(self.problem.columns.inner(rest * self.weights[:, None])).T


def whole_gram(n: int, p: int) -> bool:
    """Tell whether all of a Gram matrix is worth its price."""
    return p <= max(WHOLE_GRAM, min(n, LARGEST_GRAM))


@dataclass(frozen=True)
class Moments:
    """What least squares asks of its rows besides a Gram matrix, as weighted means.

    Columns and response are centred where there is an intercept, which then stays where it is.

    intercept  (1,) a, on the host
    square     mean of t², t = y − η₀ − a
    slopes     (p, 1) c = X̃ᵀ W t, on the host
    target     (n, 1) t
    """

    intercept: Any
    square: float
    slopes: Any
    target: Array


def moments_of(problem: Problem) -> Moments:
    """Return the moments of the rows."""
    loss: Any = problem.loss
    target = loss.y if problem.offset is None else loss.y - problem.offset
    intercept = namespace(problem.shrinkage.factors).zeros(1)
    if problem.intercept:
        intercept = to_numpy(loss.weights @ target)
        target = target - like(intercept, target)
    square = float(loss.weights @ target[:, 0] ** 2)
    slopes = to_numpy(problem.columns.inner(target * loss.weights[:, None]))
    return Moments(intercept, square, slopes, target)


def _host(gram: Array, even: float | None) -> Any:
    """Return a Gram matrix on the host, times the weight that all rows have."""
    return to_numpy(gram) if even is None else to_numpy(gram) * even
