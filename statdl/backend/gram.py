"""Weighted Gram matrices, where Newton's method spends its time.

    weighted_gram(X, d, u) = Σ_i (diag(d_i) − u_i u_iᵀ) ⊗ x_i x_iᵀ,    x_i = (1, X_i) or X_i

The plain version says it in whole-array operations for any library. The NumPy kernel walks
cache-sized blocks of rows through scratch memory that is allocated once, since fresh temporaries of
this size cost more in page faults than the multiplications do; tests hold it to the plain version.
"""

from __future__ import annotations

import numpy as np

from statdl.backend.array import Array, is_numpy, namespace

#: Working memory of a block of rows: a core's own (second-level) cache.
CORE_CACHE_BYTES = 640 * 1024
#: Below this many rows the cost of a call outweighs the cache.
SMALLEST_BLOCK = 1024


def weighted_gram(X: Array, d: Array, u: Array | None = None, *, intercept: bool = True) -> Array:
    """Return Σ_i (diag(d_i) − u_i u_iᵀ) ⊗ x_i x_iᵀ, output-major.

    Shapes: X (n, p), d and u (n, q) → (q m, q m) with m = p + 1, or p without intercept.
    """
    if is_numpy(X) and X.shape[0] > SMALLEST_BLOCK:
        return _by_blocks(X, d, u, intercept)
    return plain_weighted_gram(X, d, u, intercept=intercept)


def plain_weighted_gram(
    X: Array, d: Array, u: Array | None = None, *, intercept: bool = True
) -> Array:
    """Return the same, in whole-array operations."""
    xp = namespace(X)
    columns = X.T
    if intercept:
        ones = xp.ones((1, X.shape[0]), dtype=X.dtype, device=X.device)
        columns = xp.concat([ones, columns], axis=0)
    m, q = columns.shape[0], d.shape[1]
    total = xp.zeros((q * m, q * m), dtype=X.dtype, device=X.device)
    for k in range(q):
        own = slice(k * m, (k + 1) * m)
        total[own, own] = (columns * d[:, k]) @ columns.T
    if u is None:
        return total
    products = xp.reshape(u.T[:, None, :] * columns[None, :, :], (q * m, X.shape[0]))
    return total - products @ products.T


def gram(X: Array, *, intercept: bool = True) -> Array:
    """Return Σ_i x_i x_iᵀ, (m, m): half the work of a weighted one, since BLAS sees the symmetry."""
    slopes = X.T @ X
    if not intercept:
        return slopes
    xp = namespace(X)
    sums = xp.ones((1, X.shape[0]), dtype=X.dtype, device=X.device) @ X
    corner = xp.full((1, 1), X.shape[0], dtype=X.dtype, device=X.device)
    left = xp.concat([corner, sums.T], axis=0)
    return xp.concat([left, xp.concat([sums, slopes], axis=0)], axis=1)


def _by_blocks(X: Array, d: Array, u: Array | None, intercept: bool) -> Array:
    """Sum over blocks of rows; columns lie along memory so that products run at full speed."""
    n, q = d.shape
    m = X.shape[1] + intercept
    size = max(SMALLEST_BLOCK, CORE_CACHE_BYTES // (8 * 2 * m))
    outputs = q if u is not None else 0
    scratch = np.empty((2 + outputs) * m * size, dtype=X.dtype)
    total = np.zeros((q * m, q * m), dtype=X.dtype)
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        length = rows.stop - start
        columns, product, *products = scratch[: (2 + outputs) * m * length].reshape(-1, m, length)
        columns[:intercept] = 1
        columns[intercept:] = X[rows].T
        for k in range(q):
            own = slice(k * m, (k + 1) * m)
            np.multiply(columns, d[rows, k], out=product)
            total[own, own] += product @ columns.T
        if u is not None:
            for k, target in enumerate(products):
                np.multiply(columns, u[rows, k], out=target)
            stacked = scratch[2 * m * length : (2 + q) * m * length].reshape(q * m, length)
            total -= stacked @ stacked.T
    return total
