"""Other losses than least squares along a path: proximal Newton steps on a Gram matrix."""

from __future__ import annotations

from typing import Any

from statdl.backend.array import like, namespace, to_numpy
from statdl.errors import NumericalError
from statdl.solve.inverse import Inverse
from statdl.solve.lasso import Quadratic
from statdl.solve.screening import Problem, State, rounding_of

#: A step that leaves more than this of the violation calls for a fresh curvature.
SLOW = 0.2
#: A working set of so many times the coefficients in use is made smaller.
MUCH = 2
STEPS = 200
#: What a proximal term adds to the curvature of classes, as a share.
PROXIMAL = 1e-5


class ProximalNewton(State):
    """Another loss: proximal Newton steps, with a curvature that is kept while it serves."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.first = problem.outputs if problem.intercept else 0
        self.stale = True
        self.known: Any = None
        self.pairs: Any = None
        self.part: Any = None
        self.columns: Any = None
        self.inverse = Inverse()
        self._arrange()
        self.evaluate()

    def go_on(self, a: Any, b: Any, top: float) -> None:
        """Start where another search has come to."""
        self.a, self.b, self.top = a.copy(), b.copy(), top
        self.working, self.part = (b != 0) | self.shrinkage.free, None
        self._arrange()
        self.evaluate()
        self.refresh_gradient()

    @property
    def rounding(self) -> float:
        return rounding_of(self.problem)

    def admit(self, wanted: Any) -> None:
        if not bool((wanted & ~self.working).any()):
            return
        xp = namespace(self.b)
        used = self.shrinkage.norms(self.b) > 0
        if int(xp.sum(self.working)) > MUCH * int(xp.sum(used)) + 200:
            self.working = used | self.shrinkage.free  # who has left long ago goes
            self.stale, self.part = True, None
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
        order = xp.argsort(now)
        places = order[xp.searchsorted(now[order], known)]  # where those known are now
        (new_at,) = xp.nonzero(new)
        outputs = xp.concat([xp.arange(self.first), self.pairs[1]])
        rows = xp.concat([xp.zeros(self.first, dtype=int), self.rows_of])
        some = [rows[new & (outputs == k)] for k in range(self.problem.outputs)]
        strip = to_numpy(self.part.across(some, self.parts, *self.weights))[:, self.order]
        size = len(now)
        total = xp.empty((size, size))
        total[places[:, None], places] = H
        total[new_at] = strip
        total[:, new_at] = strip.T
        if self.problem.outputs > 1:
            total[new_at, new_at] *= 1 + PROXIMAL
        self.H, self.stale, self.known = total, False, None
        if self.inverse.places is not None:
            self.inverse.places = places[self.inverse.places]

    def _arrange(self) -> None:
        """Lay the working set out: its columns once, and where each coefficient finds its own.

        Columns are in the order of their coming, so that none is copied twice.
        """
        xp, problem = namespace(self.b), self.problem
        ones = int(problem.intercept)
        wanted = self.working.any(axis=1)
        if self.part is None:
            (self.columns,) = xp.nonzero(wanted)
            self.part = problem.columns.taken(self.columns, ones=problem.intercept)
        else:
            wanted[self.columns] = False
            (fresh,) = xp.nonzero(wanted)
            self.columns = xp.concat([self.columns, fresh])
            self.part = problem.columns.joined(self.part, fresh) if len(fresh) else self.part
        outputs, rows = xp.nonzero(self.working[self.columns].T)
        self.pairs = (self.columns[rows], outputs)
        self.rows_of = rows + ones
        self.size = len(self.columns) + ones
        self.parts = [
            xp.concat([xp.zeros(ones, dtype=int), self.rows_of[outputs == k]])
            for k in range(problem.outputs)
        ]
        # coordinates: intercepts first, then pairs; the curvature has them output by output
        counts = [len(part) for part in self.parts]
        starts = xp.cumsum(xp.asarray([0, *counts[:-1]]))
        heads = starts if ones else xp.arange(0)
        tails = [xp.arange(starts[k] + ones, starts[k] + counts[k]) for k in range(len(counts))]
        self.order = xp.concat([heads, *tails]) if len(counts) else heads
        self.known = None

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
        self.fresh = False

    def slopes(self) -> Any:
        """Return the gradient of the loss in intercepts and working coefficients."""
        xp = namespace(self.b)
        if not self.size:
            return xp.zeros(0)
        if 2 * len(self.columns) > len(self.b):  # a little more, and it is known for all
            self.refresh_gradient()
            own = self.gradient[self.pairs]
            heads = -to_numpy(namespace(self.score).sum(self.score, axis=0))
        else:
            inner = -to_numpy(self.part.inner(self.score))
            own, heads = inner[self.rows_of, self.pairs[1]], inner[0]
        return xp.concat([heads, own]) if self.first else own

    def refresh_gradient(self) -> None:
        if not self.fresh:
            self.gradient = -to_numpy(self.problem.columns.inner(self.score))
            self.fresh = True

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
        self.inverse = Inverse()

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
                    self.stale, self.fresh = True, False
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
        self.fresh = False

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
                self.inverse = Inverse()
            limits = self.limits(self.pairs, self.first)
            self.known = (strength, Quadratic(H, *limits, self.inverse))
        return self.known[1].H, self.known[1]

    def _worst(self, strength: float, slopes: Any) -> float:
        """Return the largest violation among intercepts and working coefficients."""
        xp = namespace(self.b)
        gradient = xp.zeros_like(self.b)
        gradient[self.pairs] = slopes[self.first :]
        inside = self.shrinkage.violations(strength, self.b, gradient)[self.pairs]
        heads = xp.abs(slopes[: self.first])
        return float(xp.max(xp.concat([heads, inside]), initial=0.0))
