"""Weighted Gram matrices, where Newton's method spends its time.

    weighted_gram(X, d, u) = Σ_i (diag(d_i) − u_i u_iᵀ) ⊗ x_i x_iᵀ,    x_i = (1, X_i) or X_i

The plain version says it in whole-array operations for any library. The NumPy kernel walks
cache-sized blocks of rows through scratch memory that is allocated once, since fresh temporaries of
this size cost more in page faults than the multiplications do. On a card the blocks are larger, for
each is a few launches; the weighted copy is of one block, never of all of X. Tests hold both to the
plain version.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from statdl.backend.array import Array, is_cupy, is_numpy, namespace
from statdl.lazy import lazy

blas = lazy("scipy.linalg.blas")

#: Rows a block: few enough for a core's own cache, many enough for BLAS.
BLOCK_ROWS = 2048
#: From so many columns on, a square's one triangle costs less than a product of two matrices.
SYMMETRIC = 32
#: Scratch memory of a block on a card. ``make gpu-check`` measures others beside it.
CARD_BLOCK_BYTES = 128 * 1024 * 1024


def weighted_gram(X: Array, d: Array, u: Array | None = None, *, intercept: bool = True) -> Array:
    """Return Σ_i (diag(d_i) − u_i u_iᵀ) ⊗ x_i x_iᵀ, output-major.

    Shapes: X (n, p), d and u (n, q) → (q m, q m) with m = p + 1, or p without intercept.
    """
    if is_cupy(X):
        return blocked_weighted_gram(X, d, u, intercept=intercept)
    if not is_numpy(X) or X.shape[0] <= BLOCK_ROWS:
        return plain_weighted_gram(X, d, u, intercept=intercept)
    if u is d:
        return _softmax_gram(X, d, intercept)
    m, q = X.shape[1] + intercept, d.shape[1]
    total = np.zeros((q * m, q * m), dtype=X.dtype)
    for k in range(q):
        own = slice(k * m, (k + 1) * m)
        total[own, own] = _diagonal_gram(X, d[:, k], intercept)
    return total if u is None else total + _softmax_gram(X, u, intercept, diagonal=False)


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


def blocked_weighted_gram(
    X: Array,
    d: Array,
    u: Array | None = None,
    *,
    intercept: bool = True,
    room: int = CARD_BLOCK_BYTES,
) -> Array:
    """Return the same, by blocks of rows whose scratch memory is ``room`` bytes.

    With [w | w X] in the scratch of a block, one product with X gives all of [1 X]ᵀ diag(w) [1 X]
    but Σ w. It asks for functions that write to an array they are given (``out=``), which NumPy and
    CuPy have and the array API has not.
    """
    m, q = X.shape[1] + intercept, d.shape[1]
    xp = namespace(X)
    total = xp.zeros((q * m, q * m), dtype=X.dtype)
    if d is not u:
        for k in range(q):
            own = slice(k * m, (k + 1) * m)
            total[own, own] = _blocked_diagonal(X, d[:, k], intercept, room)
    if u is not None:
        _subtract_outer(total, X, u, intercept, room, diagonal=d is u)
    return total


def _blocked_diagonal(X: Array, w: Array, intercept: bool, room: int) -> Array:
    """Return [1 X]ᵀ diag(w) [1 X]."""
    xp = namespace(X)
    (n, p), first = X.shape, int(intercept)
    m = p + first
    size = min(n, max(1024, room // (8 * max(m, 1))))
    scratch = xp.empty((size, m), dtype=X.dtype)
    strip = xp.zeros((m, p), dtype=X.dtype)
    for rows in _blocks(n, size):
        x, scaled = X[rows], scratch[: rows.stop - rows.start]
        scaled[:, :first] = w[rows, None]
        xp.multiply(x, w[rows, None], out=scaled[:, first:])
        strip += scaled.T @ x
    if not intercept:
        return strip
    left = xp.concat([xp.reshape(xp.sum(w), (1, 1)), strip[:1, :].T], axis=0)
    return xp.concat([left, strip], axis=1)


def _subtract_outer(
    total: Array, X: Array, u: Array, intercept: bool, room: int, diagonal: bool
) -> None:
    """Take Σ u_i u_iᵀ ⊗ x_i x_iᵀ off ``total``, and with ``diagonal`` add Σ diag(u_i) ⊗ x_i x_iᵀ.

    The products u_i ⊗ x_i are formed once for both.
    """
    xp = namespace(X)
    (n, p), q, first = X.shape, u.shape[1], int(intercept)
    m = p + first
    size = min(n, max(1024, room // (8 * max(q * m, 1))))
    scratch = xp.empty((size, q, m), dtype=X.dtype)
    strip = xp.zeros((m, q * m), dtype=X.dtype)  # the diagonal blocks, side by side
    for rows in _blocks(n, size):
        x, shares = X[rows], u[rows]
        products = scratch[: rows.stop - rows.start]
        products[:, :, :first] = shares[:, :, None]
        xp.multiply(x[:, None, :], shares[:, :, None], out=products[:, :, first:])
        flat = xp.reshape(products, (products.shape[0], q * m))
        total -= flat.T @ flat
        if diagonal:
            strip[first:] += x.T @ flat
            strip[:first] += xp.sum(flat, axis=0)
    for k in range(q):
        own = slice(k * m, (k + 1) * m)
        total[own, own] += strip[:, own]


def gram(X: Array, *, intercept: bool = True) -> Array:
    """Return Σ_i x_i x_iᵀ, (m, m), at half the work of a weighted one: BLAS sees the symmetry."""
    slopes = X.T @ X
    if not intercept:
        return slopes
    xp = namespace(X)
    sums = xp.ones((1, X.shape[0]), dtype=X.dtype, device=X.device) @ X
    corner = xp.full((1, 1), X.shape[0], dtype=X.dtype, device=X.device)
    left = xp.concat([corner, sums.T], axis=0)
    return xp.concat([left, xp.concat([sums, slopes], axis=0)], axis=1)


def _blocks(n: int, size: int = BLOCK_ROWS) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _diagonal_gram(X: Array, d: Array, intercept: bool) -> Array:
    """Return [1 X]ᵀ diag(d) [1 X].

    As ZᵀZ with Z = diag(√d) X only one triangle is computed, at half the work.
    """
    p = X.shape[1]
    square = p >= SYMMETRIC and d.min() >= 0
    factor = np.sqrt(d) if square else d
    slopes = np.zeros((p, p), dtype=X.dtype, order="F")
    sums = np.zeros(p, dtype=X.dtype)
    scratch = np.empty((BLOCK_ROWS, p), dtype=X.dtype)
    add_square = blas.get_blas_funcs("syrk", (X,)) if square else None
    for rows in _blocks(X.shape[0]):
        x = X[rows]
        scaled = np.multiply(x, factor[rows, None], out=scratch[: len(x)])
        if add_square:  # to the upper triangle, in place
            slopes = add_square(1.0, scaled.T, beta=1.0, c=slopes, overwrite_c=True)
        else:
            slopes += scaled.T @ x
        if intercept:
            sums += d[rows] @ x
    if square:
        slopes = np.triu(slopes) + np.triu(slopes, 1).T
    if not intercept:
        return slopes
    return np.block([[d.sum(), sums[None, :]], [sums[:, None], slopes]])


def _softmax_gram(X: Array, u: Array, intercept: bool, diagonal: bool = True) -> Array:
    """Return Σ_i (diag(u_i) − u_i u_iᵀ) ⊗ x_i x_iᵀ, or the outer part only.

    The products u_i ⊗ x_i of the outer part, multiplied by x_i, are the diagonal part as well.
    """
    n, q = u.shape
    m = X.shape[1] + intercept
    total = np.zeros((q * m, q * m), dtype=X.dtype)
    strip = np.zeros((m, q * m), dtype=X.dtype)  # the diagonal blocks, side by side
    scratch = np.empty((q + 1) * m * BLOCK_ROWS, dtype=X.dtype)
    for rows in _blocks(n):
        x, shares = X[rows], u[rows]
        columns, *products = scratch[: (q + 1) * m * len(x)].reshape(q + 1, m, len(x))
        columns[:intercept] = 1
        columns[intercept:] = x.T
        for k, target in enumerate(products):
            np.multiply(columns, shares[:, k], out=target)
        stacked = scratch[m * len(x) : (q + 1) * m * len(x)].reshape(q * m, len(x))
        total -= stacked @ stacked.T
        if diagonal:
            strip += columns @ stacked.T
    for k in range(q):
        own = slice(k * m, (k + 1) * m)
        total[own, own] += strip[:, own]
    return total
