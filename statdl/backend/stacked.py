"""Stacks of small symmetric matrices: factorised together, failures as values.

Each matrix is scaled to a unit diagonal first (:mod:`statdl.backend.linalg` says why), so that a
pivot L_jj² is the share of a column that those before it do not explain.
"""

from __future__ import annotations

from dataclasses import dataclass

from statdl.backend.array import Array, epsilon, is_numpy, namespace
from statdl.backend.linalg import cholesky
from statdl.errors import NotPositiveDefiniteError
from statdl.lazy import lazy

scipy_linalg = lazy("scipy.linalg")

#: Matrices of so many rows are factorised one after the other on the host.
LARGE = 16


@dataclass(frozen=True)
class Factors:
    """k matrices A = D C D and how well each can be solved.

    Shapes
    ------
    scale : (k, P), the diagonals of D
    scaled : (k, P, P), C; the identity where A is not positive definite
    pivot : (k,), the smallest L_jj² of C = L Lᵀ, 0 where there is no such L, or where it is
        rounding, P ε or less
    lower : (k, P, P), L transposed where it is kept, and then ``scaled`` is not
    """

    scale: Array
    scaled: Array | None
    pivot: Array
    lower: Array | None = None

    def solve(self, b: Array) -> Array:
        """Return A⁻¹ b of each, (k, P); of no meaning where the pivot is 0."""
        right = b / self.scale
        if self.lower is not None:
            return _substituted(self.lower, right, self.pivot) / self.scale
        return namespace(b).linalg.solve(self.scaled, right[:, :, None])[:, :, 0] / self.scale


def factorise_each(A: Array) -> Factors:
    """Return what solves each of k symmetric matrices, (k, P, P).

    Examples
    --------
    >>> import numpy as np
    >>> stack = np.array([[[4.0, 0.0], [0.0, 9.0]], [[1.0, 1.0], [1.0, 1.0]]])
    >>> factorise_each(stack).pivot.tolist()
    [1.0, 0.0]
    """
    xp = namespace(A)
    diagonal = xp.linalg.diagonal(A)
    usable = xp.isfinite(diagonal) & (diagonal > 0)
    scale = xp.sqrt(xp.where(usable, diagonal, xp.ones_like(diagonal)))
    C = A / scale[:, :, None]
    C /= scale[:, None, :]
    sound = xp.all(usable, axis=1) & xp.isfinite(xp.sum(C, axis=(1, 2)))
    if is_numpy(A) and A.shape[-1] >= LARGE:
        return _factorised(C, scale, sound)
    C = _or_identity(C, sound)
    pivots = xp.linalg.diagonal(_lower(C))
    least = xp.min(pivots, axis=1) ** 2 if A.shape[-1] else xp.ones_like(sound, dtype=A.dtype)
    rounding = A.shape[-1] * epsilon(A)  # elimination may meet an exact 0 where Cholesky did not
    sound = sound & xp.isfinite(least) & (least > rounding)
    pivot = xp.where(sound, least, xp.zeros_like(least))
    return Factors(scale, _or_identity(C, pivot > 0), pivot)


def _factorised(C: Array, scale: Array, sound: Array) -> Factors:
    """Return what solves matrices on the host, one after the other: those that fail end early."""
    xp = namespace(C)
    (potrf,) = scipy_linalg.get_lapack_funcs(("potrf",), (C,))
    pivot = xp.zeros(C.shape[0], dtype=C.dtype)
    for j in sound.nonzero()[0]:  # C is symmetric, and LAPACK works in its transpose
        _, failed = potrf(C[j].T, lower=True, clean=False, overwrite_a=True)
        least = 0.0 if failed else float(xp.min(xp.linalg.diagonal(C[j])) ** 2)
        pivot[j] = least if least > C.shape[-1] * epsilon(C) else 0.0
    return Factors(scale, None, pivot, C)


def _substituted(lower: Array, right: Array, pivot: Array) -> Array:
    """Return the solutions for right-hand sides, (k, P), in place, where there is a factor."""
    (potrs,) = scipy_linalg.get_lapack_funcs(("potrs",), (lower,))
    for j in (pivot > 0).nonzero()[0]:
        right[j], _ = potrs(lower[j].T, right[j], lower=True)
    return right


def _or_identity(C: Array, sound: Array) -> Array:
    """Return the matrices, the identity in place of those that are not sound."""
    xp = namespace(C)
    if bool(xp.all(sound)):
        return C
    identity = xp.eye(C.shape[-1], dtype=C.dtype, device=C.device)
    return xp.where(sound[:, None, None], C, identity)


def add_to_diagonals(A: Array, values: Array) -> Array:
    """Add to the diagonals of k matrices, (k, P, P), in place, and return them.

    Shapes: ``values`` (P,) or (k, P).

    Examples
    --------
    >>> import numpy as np
    >>> add_to_diagonals(np.zeros((1, 2, 2)), np.array([1.0, 2.0])).tolist()
    [[[1.0, 0.0], [0.0, 2.0]]]
    """
    xp, size = namespace(A), A.shape[-1]
    flat = xp.reshape(A, (A.shape[0], size * size), copy=False)
    flat[:, :: size + 1] += values
    return A


def positive_inverses(A: Array) -> Array:
    """Return the inverses of positive definite matrices, (k, P, P).

    By Cholesky factors on the host, at half the work of the general inverse that serves elsewhere.
    """
    xp = namespace(A)
    if not is_numpy(A):
        return xp.linalg.inv(A)
    potrf, potri = scipy_linalg.get_lapack_funcs(("potrf", "potri"), (A,))
    inverses = xp.asarray(A, copy=True, order="C")
    for one, inverse in zip(A, inverses, strict=True):  # whose transpose LAPACK works in
        factor, failed = potrf(inverse.T, lower=True, clean=False, overwrite_a=True)
        if failed:
            inverse[...] = xp.linalg.inv(one)
        else:
            potri(factor, lower=True, overwrite_c=True)
    below = xp.tri(A.shape[-1], k=-1, dtype=bool)
    xp.copyto(inverses, xp.matrix_transpose(inverses), where=below)
    return inverses


def _lower(C: Array) -> Array:
    """Return the Cholesky factors of a stack, 0 for those that have none: found by halving."""
    xp = namespace(C)
    try:
        return cholesky(C)
    except NotPositiveDefiniteError:
        if C.shape[0] == 1:
            return xp.zeros_like(C)
        middle = C.shape[0] // 2
        return xp.concat([_lower(C[:middle, ...]), _lower(C[middle:, ...])], axis=0)
