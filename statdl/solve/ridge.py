"""Ridge paths of least squares: one eigendecomposition has the solutions at all λ.

With F the diagonal matrix of the factors, A = X̃ F^(−½) and Aᵀ W A = V diag(e) Vᵀ,

    b(λ) = F^(−½) V diag(1/(e + λκ)) Vᵀ F^(−½) c,

and with fewer rows than columns, W^(½) A Aᵀ W^(½) = U diag(e) Uᵀ,

    b(λ) = F^(−½) Aᵀ W^(½) U diag(1/(e + λκ)) Uᵀ W^(½) t.

Reference: Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, sections
3.4.1 and 18.3.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statdl.backend.array import like, namespace, to_numpy
from statdl.backend.columns import DenseColumns
from statdl.solve.gram import moments_of, whole_gram
from statdl.solve.screening import Problem, Solution, State

#: Share of the largest eigenvalue below which a direction counts for nothing, where λ is 0.
NOTHING = 1e-14


class Ridge(State):
    """All coefficients of a path without a lasso part."""

    @staticmethod
    def suits(problem: Problem) -> bool:
        """Tell whether everything is penalised, without limits, and one matrix is small enough."""
        shrinkage, (n, p) = problem.shrinkage, problem.columns.shape
        if shrinkage.alpha > 0 or shrinkage.lower is not None or bool(shrinkage.free.any()):
            return False
        if not (problem.loss.quadratic and bool(shrinkage.allowed.any())):
            return False
        return isinstance(problem.columns, DenseColumns) and whole_gram(max(n, p), min(n, p))

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        xp = namespace(self.b)
        self.moments = moments_of(problem)
        self.a = self.moments.intercept
        factors = self.shrinkage.factors[:, 0]
        allowed = factors < xp.inf
        self.root = xp.where(allowed, 1 / xp.sqrt(xp.where(allowed, factors, 1.0)), 0.0)
        self.few = problem.columns.shape[0] < problem.columns.shape[1]
        matrix, right = self._dual() if self.few else self._primal()
        self.values, vectors = xp.linalg.eigh(matrix)
        self.values = xp.maximum(self.values, 0.0)
        self.turned, self.back = vectors.T @ right, vectors

    def _primal(self) -> tuple[Any, Any]:
        """Return F^(−½) H F^(−½) and F^(−½) c."""
        columns, loss = self.problem.columns, self.problem.loss
        even: Any = loss.even  # type: ignore[attr-defined]
        weights = None if even else loss.weights  # type: ignore[attr-defined]
        self.H = to_numpy(columns.cross(columns, weights)) * (even or 1.0)
        scaled = self.H * self.root[:, None] * self.root
        return scaled, self.root * self.moments.slopes[:, 0]

    def _dual(self) -> tuple[Any, Any]:
        """Return W^(½) A Aᵀ W^(½) and W^(½) t."""
        columns: Any = self.problem.columns
        rows = columns.rows
        xp = namespace(rows)
        half = xp.sqrt(self.problem.loss.weights)  # type: ignore[attr-defined]
        A = rows * like(self.root, rows)[:, None] * half
        right = to_numpy(half * self.moments.target[:, 0])
        return to_numpy(A.T @ A), right

    def stretch(self, strengths: Sequence[float], before: float, allowed: float) -> list[Solution]:
        """Return the solutions at all λ."""
        xp = namespace(self.b)
        added = xp.asarray(strengths) * self.shrinkage.ridge_factor
        total = self.values[:, None] + added
        counts = total > NOTHING * float(xp.max(self.values, initial=0.0))
        turned = xp.where(counts, self.turned[:, None] / xp.where(counts, total, 1.0), 0.0)
        B, G = self._coefficients(self.back @ turned)
        bends = self.shrinkage.ridge(1.0)[:, 0]
        off = xp.max(xp.abs((G + bends[:, None] * (B * strengths))[self.root > 0]), axis=0)
        c = self.moments.slopes
        losses = 0.5 * xp.maximum(self.moments.square + xp.sum(B * (G - c), axis=0), 0.0)
        found = zip(strengths, B.T, losses.tolist(), off.tolist(), strict=True)
        return [Solution(at, b[:, None], self.a, loss, worst, 1) for at, b, loss, worst in found]

    def _coefficients(self, solved: Any) -> tuple[Any, Any]:
        """Return b and the gradient of the loss at it, (p, L)."""
        if not self.few:
            B = self.root[:, None] * solved
            return B, self.H @ B - self.moments.slopes
        columns, weights = self.problem.columns, self.problem.loss.weights  # type: ignore[attr-defined]
        xp, target = namespace(weights), self.moments.target
        seen = columns.inner(like(solved, weights) * xp.sqrt(weights)[:, None])
        B = self.root[:, None] ** 2 * to_numpy(seen)
        rest = target - columns.outer(like(B, weights))
        return B, -to_numpy(columns.inner(rest * weights[:, None]))

    def solve_working(self, strength: float, allowed: float) -> int:
        """Nothing is without a penalty."""
        return 0

    def refresh_gradient(self) -> None:
        """Set the gradient of the path's start, where all is 0."""
        self.gradient = -self.moments.slopes
        self.value = 0.5 * self.moments.square
