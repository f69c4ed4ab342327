"""Stacks of small symmetric matrices: factorised together, failures as values.

Each matrix is scaled to a unit diagonal first (:mod:`statdl.backend.linalg` says why), so that a
pivot L_jj² is the share of a column that those before it do not explain.
"""

from __future__ import annotations

from dataclasses import dataclass

from statdl.backend.array import Array, is_numpy, namespace
from statdl.backend.linalg import cholesky
from statdl.errors import NotPositiveDefiniteError
from statdl.lazy import lazy

scipy_linalg = lazy("scipy.linalg")


@dataclass(frozen=True)
class Factors:
    """k matrices A = D C D and how well each can be solved.

    Shapes
    ------
    scale : (k, P), the diagonals of D
    scaled : (k, P, P), C; the identity where A is not positive definite
    pivot : (k,), the smallest L_jj² of C = L Lᵀ, 0 where there is no such L
    """

    scale: Array
    scaled: Array
    pivot: Array

    def solve(self, b: Array) -> Array:
        """Return A⁻¹ b of each, (k, P); of no meaning where the pivot is 0."""
        xp = namespace(b)
        return xp.linalg.solve(self.scaled, (b / self.scale)[:, :, None])[:, :, 0] / self.scale


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
    identity = xp.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    diagonal = xp.linalg.diagonal(A)
    usable = xp.isfinite(diagonal) & (diagonal > 0)
    scale = xp.sqrt(xp.where(usable, diagonal, xp.ones_like(diagonal)))
    C = A / scale[:, :, None] / scale[:, None, :]
    sound = xp.all(usable, axis=1) & xp.all(xp.all(xp.isfinite(C), axis=2), axis=1)
    C = xp.where(sound[:, None, None], C, identity)
    pivots = xp.linalg.diagonal(_lower(C))
    least = xp.min(pivots, axis=1) ** 2 if A.shape[-1] else xp.ones_like(sound, dtype=A.dtype)
    pivot = xp.where(sound & xp.isfinite(least), least, xp.zeros_like(least))
    return Factors(scale, xp.where((pivot > 0)[:, None, None], C, identity), pivot)


def positive_inverses(A: Array) -> Array:
    """Return the inverses of positive definite matrices, (k, P, P).

    By Cholesky factors on the host, at half the work of the general inverse that serves elsewhere.
    """
    xp = namespace(A)
    if not is_numpy(A):
        return xp.linalg.inv(A)
    potrf, potri = scipy_linalg.get_lapack_funcs(("potrf", "potri"), (A,))
    inverses = xp.empty_like(A)
    for one, inverse in zip(A, inverses, strict=True):
        factor, failed = potrf(one, lower=True)
        inverse[...] = potri(factor, lower=True)[0] if not failed else xp.linalg.inv(one)
    lower = xp.tril(inverses)
    return lower + xp.matrix_transpose(xp.tril(lower, k=-1))


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
