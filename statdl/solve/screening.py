"""The minimisers of a loss with a lasso-like penalty along a path of strengths λ.

    min  L(1aᵀ + X̃ b + η₀) + λ Σ_u f_u ( α ‖b_u‖ + ½ (1 − α) ‖b_u‖² )

At every λ the solution before is where the search starts, and only a working set of coefficients
is looked at: those that the sequential strong rule does not expect to stay at 0, for whom the
gradient at the last λ' is at least α f (2 λ − λ'). The rule may err, so that the conditions of all
others are looked at afterwards, and who violates them joins. A quadratic loss is minimised on the
Gram matrix of the working set; another by proximal Newton steps, each the minimum of a quadratic.
The curvature is kept over steps and values of λ while it serves: the gradient is exact, so that an
old curvature costs steps and no accuracy.

References: Tibshirani et al. (2012), J. R. Stat. Soc. B 74, 245; Friedman, Hastie and Tibshirani
(2010), J. Stat. Softw. 33(1); Lee, Sun and Saunders (2014), SIAM J. Optim. 24, 1420.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.columns import Columns
from statdl.backend.room import roomy
from statdl.errors import NumericalError
from statdl.solve.grouped import Blocks, minimise_grouped
from statdl.solve.inverse import Inverse
from statdl.solve.lasso import Quadratic, minimise_lasso
from statdl.solve.shrinkage import Shrinkage

#: Up to so many columns, or as many as there are rows, a whole Gram matrix is formed.
WHOLE_GRAM = 500
LARGEST_GRAM = 5000
#: A step that leaves more than this of the violation calls for a fresh curvature.
SLOW = 0.2
#: A working set of so many times the coefficients in use is made smaller.
MUCH = 2
STEPS = 200
#: What a proximal term adds to the curvature of classes, as a share.
PROXIMAL = 1e-5


class Loss(Protocol):
    """A mean loss of rows: what is minimised besides the penalty."""

    @property
    def quadratic(self) -> bool:
        """Whether the loss is ½ (y − η)²."""
        ...

    def value_and_score(self, eta: Array) -> tuple[float, Array]:
        """Return the loss, and minus its derivative in η, (n, q)."""
        ...

    def curvature(self, eta: Array) -> tuple[Array, Array | None]:
        """Return d and u, (n, q), of the curvature diag(d_i) − u_i u_iᵀ of each row."""
        ...


@dataclass(frozen=True)
class Solution:
    """The minimiser at one λ: b (p, q) and a (q,) on the host, the loss, the largest violation."""

    strength: float
    coefficients: Any
    intercept: Any
    loss: float
    violation: float
    steps: int


@dataclass
class Problem:
    """The loss, the columns and the penalty of a path; η₀ is (n, q), or None for 0."""

    columns: Columns
    loss: Loss
    shrinkage: Shrinkage
    outputs: int
    intercept: bool
    template: Array
    offset: Array | None = None


def begin(problem: Problem) -> _State:
    """Return the start of a path: what is not penalised is fitted, and all else is 0."""
    state = (_Gram if problem.loss.quadratic else _Newton)(problem)
    state.begin()
    return state


def follow(
    state: _State,
    strengths: Sequence[float],
    tolerance: float,
    enough: Callable[[Sequence[Solution]], bool] = lambda found: False,
) -> list[Solution]:
    """Return the solutions of a path that has begun, for decreasing λ.

    A condition may be violated by ``tolerance`` times λ_max; ``enough`` ends the path early.
    """
    allowed = tolerance * (state.top or float(abs(state.gradient).max(initial=1e-300)))
    grid = [float(value) for value in strengths]
    found: list[Solution] = []
    before = max([state.top, *grid[:1]])
    for strength in grid:
        found.append(state.solve(strength, before, allowed))
        before = strength
        if enough(found):
            break
    return found


class _State:
    """Where a path is: coefficients, the gradient of the loss at them, and the working set."""

    #: Whether the working set is everything.
    whole = False

    def __init__(self, problem: Problem) -> None:
        xp = namespace(problem.shrinkage.factors)
        self.problem, self.shrinkage = problem, problem.shrinkage
        p, q = problem.columns.shape[1], problem.outputs
        self.b, self.a = xp.zeros((p, q)), xp.zeros(q)
        self.gradient = xp.zeros((p, q))
        self.working = self.shrinkage.free.copy()
        self.value, self.top = 0.0, 0.0

    def begin(self) -> None:
        """Fit what is not penalised: where the path starts."""
        xp = namespace(self.b)
        scale = 0.0
        for _ in range(2):  # the scale of the gradient is known only once there is one
            self.solve_working(float("inf"), 1e-12 * scale if scale else 1e-9)
            self.refresh_gradient()
            scale = float(xp.max(xp.abs(self.gradient), initial=0.0))
        self.top = self.shrinkage.largest(self.gradient)

    def solve(self, strength: float, before: float, allowed: float) -> Solution:
        """Return the solution at λ."""
        xp = namespace(self.b)
        steps = 0
        if not self.whole:
            pull = self.shrinkage.norms(self.gradient)
            expected = self.shrinkage.lasso(max(2 * strength - before, 0.0))
            self.admit((pull >= expected) & self.shrinkage.allowed)
        for _ in range(100):
            steps += self.solve_working(strength, allowed)
            self.refresh_gradient()
            violation = self.shrinkage.violations(strength, self.b, self.gradient)
            outside = (violation > allowed) & ~self.working
            if not bool(outside.any()):
                worst = float(xp.max(violation, initial=0.0))
                return Solution(strength, self.b.copy(), self.a.copy(), self.value, worst, steps)
            self.admit(outside)
        raise NumericalError("The working set of the path did not come to an end.")

    def admit(self, wanted: Any) -> None:
        raise NotImplementedError

    def solve_working(self, strength: float, allowed: float) -> int:
        raise NotImplementedError

    def refresh_gradient(self) -> None:
        raise NotImplementedError

    def minimise(
        self,
        H: Any,
        quadratic: Any,
        c: Any,
        strength: float,
        pairs: Any,
        start: Any,
        allowed: float,
    ) -> tuple[Any, Any]:
        """Minimise ½ bᵀH b − cᵀb + the lasso part over the coefficients at ``pairs``."""
        xp = namespace(start)
        first = len(start) - len(pairs[0])
        lasso = self.shrinkage.lasso(strength)[pairs]
        if self.shrinkage.units is None:
            full = xp.concat([xp.zeros(first), lasso]) if first else lasso
            return minimise_lasso(quadratic, c, full, start, allowed)
        units = self.shrinkage.units[pairs]
        names, lead = xp.unique(units, return_index=True)
        blocks = [first + xp.nonzero(units == name)[0] for name in names]
        thresholds = lasso[lead]
        if first:
            blocks.append(xp.arange(first))
            thresholds = xp.concat([thresholds, xp.zeros(1)])
        return minimise_grouped(Blocks(H, blocks), c, thresholds, start, allowed)

    def limits(self, pairs: Any, first: int) -> tuple[Any, Any]:
        """Return the limits of the coefficients at ``pairs``, after those of intercepts."""
        xp = namespace(self.b)
        if self.shrinkage.lower is None:
            return None, None
        ends = (self.shrinkage.lower[pairs], self.shrinkage.upper[pairs])
        wide = xp.full(first, xp.inf)
        return xp.concat([-wide, ends[0]]), xp.concat([wide, ends[1]])


class _Gram(_State):
    """Least squares: c = X̃ᵀ W y and the Gram matrix of the working set say all.

    Columns and response are centred where there is an intercept, which then stays where it is.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        xp = namespace(self.b)
        n, p = problem.columns.shape
        loss: Any = problem.loss
        self.weights = loss.weights
        eta = problem.template[:, :1] * 0.0 if problem.offset is None else problem.offset
        target = loss.y - eta
        if problem.intercept:
            self.a = to_numpy(loss.weights @ target)
            target = target - like(self.a, target)
        self.target = target
        self.square = float(loss.weights @ target[:, 0] ** 2)
        self.c = to_numpy(problem.columns.inner(target * loss.weights[:, None]))
        self.whole = p <= max(WHOLE_GRAM, min(n, LARGEST_GRAM))
        self.places = xp.arange(0)
        self.room: Any = None
        self.H = xp.zeros((0, 0))
        self.part: Any = None
        self.inverse = Inverse()
        self.quadratics: tuple[Any, Any] = (None, None)
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
        found, slope = self.minimise(H, quadratic, c, strength, pairs, start, allowed / 4)
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


def _host(gram: Array, even: float | None) -> Any:
    """Return a Gram matrix on the host, times the weight that all rows have."""
    return to_numpy(gram) if even is None else to_numpy(gram) * even


class _Newton(_State):
    """Another loss: proximal Newton steps, with a curvature that is kept while it serves."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.first = problem.outputs if problem.intercept else 0
        self.stale = True
        self.known: Any = None
        self.pairs: Any = None
        self._arrange()
        self.evaluate()

    def admit(self, wanted: Any) -> None:
        new = wanted & ~self.working
        if not bool(new.any()):
            return
        xp = namespace(self.b)
        used = self.shrinkage.norms(self.b) > 0
        if int(xp.sum(self.working)) > MUCH * int(xp.sum(used)) + 200:
            self.working = used | self.shrinkage.free  # who has left long ago goes
            self.stale = True
        held = None if self.stale else (self.H, self.coordinates())
        self.working = self.working | wanted
        self._arrange()
        if held is not None:
            self._enlarge(*held)

    def coordinates(self) -> Any:
        """Return a number for every coordinate, its own; intercepts have −1, −2."""
        xp = namespace(self.b)
        heads = -1 - xp.arange(self.first)
        return xp.concat([heads, self.pairs[1] * self.b.shape[0] + self.pairs[0]])

    def _enlarge(self, H: Any, known: Any) -> None:
        """Add to the curvature what new coefficients bring, at the weights it was made with."""
        xp = namespace(H)
        now = self.coordinates()
        new = ~xp.isin(now, known)
        order = xp.argsort(known)
        places = order[xp.searchsorted(known[order], now[~new])]
        (old_at,), (new_at,) = xp.nonzero(~new), xp.nonzero(new)
        outputs = xp.concat([xp.arange(self.first), self.pairs[1]])
        ones = xp.zeros(self.first, dtype=int)
        rows = xp.concat([ones, self.rows_of])
        some = [rows[new & (outputs == k)] for k in range(self.problem.outputs)]
        strip = to_numpy(self.part.across(some, self.parts, *self.weights))[:, self.order]
        strip = strip[xp.argsort(xp.argsort(outputs[new_at], kind="stable"), kind="stable")]
        size = len(now)
        total = xp.empty((size, size))
        total[old_at[:, None], old_at] = H[places[:, None], places]
        total[new_at] = strip
        total[:, new_at] = strip.T
        if self.problem.outputs > 1:
            total[new_at, new_at] *= 1 + PROXIMAL
        self.H, self.stale, self.known = total, False, None

    def _arrange(self) -> None:
        """Lay the working set out: its columns once, and where each coefficient finds its own."""
        xp = namespace(self.b)
        outputs, places = xp.nonzero(self.working.T)
        self.pairs = (places, outputs)
        columns = xp.nonzero(self.working.any(axis=1))[0]
        self.part = self.problem.columns.taken(columns, ones=self.problem.intercept)
        ones = int(self.problem.intercept)
        self.rows_of = xp.searchsorted(columns, places) + ones
        self.size = len(columns) + ones
        self.parts = [
            xp.concat([xp.zeros(ones, dtype=int), self.rows_of[outputs == k]])
            for k in range(self.problem.outputs)
        ]
        # coordinates: intercepts first, then pairs; the curvature has them output by output
        counts = [len(part) for part in self.parts]
        starts = xp.cumsum(xp.asarray([0, *counts[:-1]]))
        heads = starts if ones else xp.arange(0)
        tails = [xp.arange(starts[k] + ones, starts[k] + counts[k]) for k in range(len(counts))]
        self.order = xp.concat([heads, *tails]) if len(counts) else heads
        self.stale, self.known = True, None

    def evaluate(self) -> None:
        """Set η, the loss and the score."""
        problem = self.problem
        xp = namespace(self.b)
        B = xp.zeros((self.size, problem.outputs))
        if self.first:
            B[0] = self.a
        B[self.rows_of, self.pairs[1]] = self.b[self.pairs]
        eta = (
            self.part.outer(like(B, problem.template))
            if self.size
            else (problem.template[:, :1] * xp.zeros(problem.outputs))
        )
        self.eta = eta if problem.offset is None else eta + problem.offset
        self.value, self.score = problem.loss.value_and_score(self.eta)

    def slopes(self) -> Any:
        """Return the gradient of the loss in intercepts and working coefficients."""
        xp = namespace(self.b)
        if not self.size:
            return xp.zeros(0)
        inner = -to_numpy(self.part.inner(self.score))
        own = inner[self.rows_of, self.pairs[1]]
        return xp.concat([inner[0], own]) if self.first else own

    def refresh_gradient(self) -> None:
        self.gradient = -to_numpy(self.problem.columns.inner(self.score))

    def refresh_curvature(self) -> None:
        """Compute the curvature at where we are."""
        self.weights = self.problem.loss.curvature(self.eta)
        H = to_numpy(self.part.curvature(self.parts, *self.weights))
        xp = namespace(H)
        H = H[self.order[:, None], self.order]
        if self.problem.outputs > 1:
            # Coefficients of all classes can be shifted together. A proximal term keeps a step in
            # that direction from mattering, and leaves the solution where it is.
            H = H + PROXIMAL * xp.diag(xp.diag(H))
        if self.first > 1:  # a shift of all intercepts changes nothing, and must not be singular
            H[: self.first, : self.first] += xp.mean(xp.diag(H)[: self.first])
        self.H, self.stale, self.known = H, False, None

    def solve_working(self, strength: float, allowed: float) -> int:
        """Take proximal Newton steps until the working conditions hold; return how many."""
        if not self.first + len(self.pairs[0]):
            return 0
        slopes = self.slopes()
        worst = self._worst(strength, slopes)
        kept = 0  # steps since the curvature was computed
        for step in range(STEPS):
            if worst <= allowed:
                return step
            if self.stale:
                self.refresh_curvature()
                kept = 0
            held = (self.a.copy(), self.b.copy(), self.eta, self.value, self.score)
            objective = self.value + self.shrinkage.value(strength, self.b)
            a, b = self._proposal(strength, slopes, min(0.05 * worst, max(allowed, 0.01 * worst)))
            self.a, self.b = a, b
            self.evaluate()
            now = self.value + self.shrinkage.value(strength, b)
            if not now <= objective + 1e-9 * abs(objective) + 1e-300:
                if kept:
                    self.a, self.b, self.eta, self.value, self.score = held
                    self.stale = True
                    continue
                self._back(strength, held, a, b, objective)
            slopes = self.slopes()
            left = self._worst(strength, slopes)
            kept += 1
            if left > SLOW * worst and left > allowed:
                self.stale = True
            worst = left
        raise NumericalError(
            f"The penalised fit at lambda = {strength:.6g} did not converge in {STEPS} steps."
        )

    def _back(self, strength: float, held: Any, a: Any, b: Any, objective: float) -> None:
        """Go a smaller part of the way, until the objective falls."""
        share = 1.0
        for _ in range(40):
            share /= 2
            self.a, self.b = held[0] + share * (a - held[0]), held[1] + share * (b - held[1])
            self.evaluate()
            now = self.value + self.shrinkage.value(strength, self.b)
            if now <= objective + 1e-14 * abs(objective):
                return
        self.a, self.b, self.eta, self.value, self.score = held

    def _proposal(self, strength: float, slopes: Any, allowed: float) -> tuple[Any, Any]:
        """Return the minimum of the quadratic model."""
        xp = namespace(self.b)
        start = xp.concat([self.a, self.b[self.pairs]]) if self.first else self.b[self.pairs]
        H, quadratic = self._curved(strength)
        c = self.H @ start - slopes
        found, _ = self.minimise(H, quadratic, c, strength, self.pairs, start, allowed)
        b = xp.zeros_like(self.b)
        b[self.pairs] = found[self.first :]
        return (found[: self.first] if self.first else self.a), b

    def _curved(self, strength: float) -> tuple[Any, Any]:
        xp = namespace(self.b)
        ridged = self.shrinkage.alpha < 1
        if self.known is None or (ridged and self.known[0] != strength):
            H = self.H
            if ridged:
                own = self.shrinkage.ridge(strength)[self.pairs]
                H = H + xp.diag(xp.concat([xp.zeros(self.first), own]))
            self.known = (strength, Quadratic(H, *self.limits(self.pairs, self.first)))
        return self.known[1].H, self.known[1]

    def _worst(self, strength: float, slopes: Any) -> float:
        """Return the largest violation among intercepts and working coefficients."""
        xp = namespace(self.b)
        gradient = xp.zeros_like(self.b)
        gradient[self.pairs] = slopes[self.first :]
        inside = self.shrinkage.violations(strength, self.b, gradient)[self.pairs]
        heads = xp.abs(slopes[: self.first])
        return float(xp.max(xp.concat([heads, inside]), initial=0.0))
