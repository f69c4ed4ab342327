"""Factorisations with typed failures, and least squares to the last digit.

A positive definite matrix A is factorised after scaling to a unit diagonal,

    A = D C D,   D = diag(A)^½,   C = L Lᵀ,

because D removes the units of the columns (van der Sluis 1969: within a factor of √p this is the
best diagonal scaling), and because L_jj² then reads as 1 − R²_j: the share of column j that the
columns before it do not explain.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, epsilon, is_cupy, is_numpy, namespace
from statdl.backend.doubledouble import DoubleDouble, times, transposed_times
from statdl.errors import NotPositiveDefiniteError
from statdl.lazy import lazy

scipy_linalg = lazy("scipy.linalg")
cupyx = lazy("cupyx")
cupy_linalg = lazy("cupyx.scipy.linalg")


@dataclass(frozen=True)
class Factor:
    """A = D L Lᵀ D for a positive definite A of shape (P, P)."""

    scale: Array  # (P,)   the diagonal of D
    lower: Array  # (P, P) L

    def solve(self, b: Array) -> Array:
        """Return A⁻¹ b for b of shape (P,) or (P, k)."""
        return self.from_whitened(self.whiten(b))

    def whiten(self, b: Array) -> Array:
        """Return L⁻¹ D⁻¹ b, whose squared length is bᵀ A⁻¹ b."""
        return triangular_solve(self.lower, _divide_rows(b, self.scale))

    def from_whitened(self, z: Array) -> Array:
        """Return D⁻¹ L⁻ᵀ z: the inverse walk of :meth:`whiten` to a solution."""
        return _divide_rows(triangular_solve(self.lower, z, transposed=True), self.scale)

    def inverse_root(self) -> Array:
        """Return B = D⁻¹ L⁻ᵀ, for which A⁻¹ = B Bᵀ."""
        xp = namespace(self.lower)
        size = self.lower.shape[0]
        identity = xp.eye(size, dtype=self.lower.dtype, device=self.lower.device)
        return (triangular_solve(self.lower, identity) / self.scale[None, :]).T

    def scaled(self, factor: float) -> Factor:
        """Return the factor of ``factor · A``."""
        return Factor(self.scale * factor**0.5, self.lower)

    def smallest_pivot(self) -> float:
        """Return min_j L_jj²: how much of the most dependent column is its own."""
        xp = namespace(self.lower)
        if not self.lower.shape[0]:
            return 1.0
        return float(xp.min(xp.linalg.diagonal(self.lower))) ** 2


def _divide_rows(b: Array, scale: Array) -> Array:
    return b / scale if b.ndim == 1 else b / scale[:, None]


def factorise(A: Array) -> Factor:
    """Factorise a positive definite A, or say at which column that failed.

    Raises
    ------
    NotPositiveDefiniteError
        When A is not finite, has a non-positive diagonal, or is singular to working precision.
    """
    xp = namespace(A)
    diagonal = xp.linalg.diagonal(A)
    usable = xp.isfinite(diagonal) & (diagonal > 0)
    if not bool(xp.all(usable)):
        column = int(xp.argmin(xp.astype(usable, xp.int8)))
        raise NotPositiveDefiniteError(f"Column {column} of the matrix carries nothing.", column)
    scale = xp.sqrt(diagonal)
    return Factor(scale, cholesky(A / scale[:, None] / scale[None, :]))


def cholesky(C: Array) -> Array:
    """Return the lower Cholesky factor of C with a typed failure on every library."""
    xp = namespace(C)
    try:
        with _failures_told(C):
            lower = xp.linalg.cholesky(C)
    except Exception as error:  # each library has a LinAlgError of its own
        if "LinAlgError" not in type(error).__name__:
            raise
        raise NotPositiveDefiniteError("The matrix is not positive definite.") from None
    if not bool(xp.all(xp.isfinite(xp.linalg.diagonal(lower)))):
        raise NotPositiveDefiniteError("The matrix is not positive definite.")
    return lower


def _failures_told(array: Array) -> AbstractContextManager[Any]:
    """Return a context in which a factorisation that fails says so, as CuPy's do not by themselves.

    What they leave is finite, so that nothing else would tell.
    """
    return cupyx.errstate(linalg="raise") if is_cupy(array) else nullcontext()


def triangular_solve(lower: Array, b: Array, *, transposed: bool = False) -> Array:
    """Solve L x = b, or Lᵀ x = b when ``transposed``."""
    if is_numpy(lower):
        return scipy_linalg.solve_triangular(
            lower, b, lower=True, trans=int(transposed), check_finite=False
        )
    if is_cupy(lower):
        return cupy_linalg.solve_triangular(lower, b, lower=True, trans=int(transposed))
    return namespace(lower).linalg.solve(lower.T if transposed else lower, b)


def shrunken_root(factor: Factor, information: Array) -> tuple[Array, float]:
    """Return B with B Bᵀ = H⁻¹ I H⁻¹, and tr(H⁻¹ I), for the factor of H = I + Λ.

    B Bᵀ is the covariance of a penalised estimate, the trace its effective number of parameters.
    In the coordinates in which H is the identity, the eigenvalues of I are what each direction
    keeps of itself under the penalty, at most 1. An exact I can be indefinite where H is not: a
    direction of negative curvature keeps nothing, and counts as 0.
    """
    xp = namespace(information)
    kept, vectors = xp.linalg.eigh(factor.whiten(factor.whiten(information).T))
    kept = xp.maximum(kept, xp.zeros_like(kept))
    return factor.from_whitened(vectors * xp.sqrt(kept)), float(xp.sum(kept))


def largest_eigenvalue(A: Array) -> float:
    """Return the largest eigenvalue of a symmetric matrix."""
    return float(namespace(A).max(namespace(A).linalg.eigvalsh(A)))


def with_ones(X: Array) -> Array:
    """Return [1 X], (n, p + 1)."""
    xp = namespace(X)
    ones = xp.ones((X.shape[0], 1), dtype=X.dtype, device=X.device)
    return xp.concat([ones, X], axis=1)


def design_matrix(X: Array, intercept: bool) -> Array:
    """Return [1 X], or X without an intercept."""
    return with_ones(X) if intercept else X


def orthogonal_triangular(A: Array) -> tuple[Array, Array]:
    """Return Q (n, p) with orthonormal columns and upper triangular R (p, p), A = Q R."""
    return tuple(namespace(A).linalg.qr(A, mode="reduced"))


def solve_upper(R: Array, b: Array, *, transposed: bool = False) -> Array:
    """Solve R x = b, or Rᵀ x = b when ``transposed``, for upper triangular R."""
    return triangular_solve(R.T, b, transposed=not transposed)


def independent_columns(R: Array, tolerance: float) -> tuple[int, ...]:
    """Return the columns of R that are not combinations of columns before them.

    Gram-Schmidt in order, twice for orthogonality (Giraud et al. 2005): column j is kept when what
    the kept ones leave of it is longer than ``tolerance`` times its length. As in R, the later of
    two equal columns goes.
    """
    xp = namespace(R)
    kept: list[int] = []
    basis = xp.zeros_like(R)
    for j in range(R.shape[1]):
        column = R[:, j]
        length = float(xp.linalg.vector_norm(column))
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        left = float(xp.linalg.vector_norm(rest))
        if length > 0 and left > tolerance * length:
            basis[:, len(kept)] = rest / left
            kept.append(j)
    return tuple(kept)


@dataclass(frozen=True)
class LeastSquaresSolution:
    """argmin ‖y − A β‖, its residuals (before β is rounded), and R of A = Q R."""

    parameters: Array  # (p,)
    residuals: Array  # (n,)
    triangle: Array  # (p, p)


def refined_least_squares(A: Array, y: Array, steps: int = 12) -> LeastSquaresSolution:
    """Return argmin ‖y − A β‖ to the last digit.

    QR, then Björck's (1967) refinement of the augmented system

        r + A β = y,   Aᵀ r = 0,

    which corrects r and β together. Both are carried in twice the precision, so that β is right to
    about working precision while κ(A) ε < 1, however large r is. Steps end where the change, in
    the units of the columns, is rounding of β or no longer halves.
    """
    xp = namespace(A)
    Q, R = orthogonal_triangular(A)
    lengths = xp.sqrt(xp.sum(R * R, axis=0))
    beta = DoubleDouble.of(solve_upper(R, Q.T @ y))
    wide_y = DoubleDouble.of(y)
    r = wide_y - times(A, beta)
    smallest = float("inf")
    for _ in range(steps):
        f = (wide_y - r - times(A, beta)).high
        h = solve_upper(R, -transposed_times(A, r).high, transposed=True)
        across = Q.T @ f - h
        change = solve_upper(R, across)
        relative = xp.abs(change) / xp.maximum(xp.abs(beta.high), xp.abs(change))
        size = float(xp.max(xp.abs(change) * lengths))
        if not size < smallest / 2:
            break
        smallest = size
        r = r.plus(f - Q @ across)
        beta = beta.plus(change)
        if not bool(xp.any(relative > epsilon(A) / 4)):  # NaN where both are 0: nothing moves
            break
    return LeastSquaresSolution(beta.high, r.high, R)


def refined_inverse(A: Array, R: Array) -> Array:
    """Return upper triangular B with B Bᵀ = (AᵀA)⁻¹ to working precision, for A = Q R.

    R⁻¹ is off by κ ε. But whatever B₀ holds, (AᵀA)⁻¹ = B₀ (I + F)⁻¹ B₀ᵀ with I + F = (A B₀)ᵀ A B₀,
    so that B = B₀ L⁻ᵀ with L Lᵀ = I + F is right where A B₀, a basis that is orthonormal but for
    rounding, is formed in twice the precision.
    """
    xp = namespace(A)
    B = solve_upper(R, xp.eye(R.shape[0], dtype=R.dtype, device=R.device))
    columns = [times(A, DoubleDouble.of(B[:, j])).high for j in range(B.shape[1])]
    basis = xp.stack(columns, axis=1)
    return triangular_solve(cholesky(basis.T @ basis), B.T).T
