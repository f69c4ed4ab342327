"""Columns that many problems share, and the products of each two of them.

XᵀWX of one problem is Σ_i w_i x_i x_iᵀ. The products x_ij x_il are the same for all problems, so
that k weighted Gram matrices are one product of matrices, (k, n) by (n, m(m + 1)/2).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from statdl.backend.array import Array, namespace
from statdl.backend.linalg import design_matrix

#: Numbers that the products may take up for as long as a batch lives.
KEPT = 8_000_000
#: Numbers of products of a block of rows.
BLOCK = 1_000_000


class Strip(NamedTuple):
    """Some rows of the columns, (r, m), and of their products, (r, T)."""

    rows: slice
    columns: Array
    products: Array


class SharedColumns:
    """[1 X] or X, with the products of its columns by blocks of rows.

    Parameters
    ----------
    X : (n, p)
    intercept : bool
        Whether a column of ones comes first.

    Examples
    --------
    >>> import numpy as np
    >>> shared = SharedColumns(np.array([[2.0], [3.0]]), intercept=True)
    >>> next(shared.strips()).products.tolist()
    [[1.0, 2.0, 4.0], [1.0, 3.0, 9.0]]
    """

    def __init__(self, X: Array, intercept: bool) -> None:
        self.X, self.intercept = X, intercept
        self.m = int(X.shape[1]) + intercept
        xp = namespace(X)
        each = xp.arange(self.m, device=X.device)
        row = xp.broadcast_to(each[:, None], (self.m, self.m))
        column = xp.broadcast_to(each[None, :], (self.m, self.m))
        low, high = xp.minimum(row, column), xp.maximum(row, column)
        #: which product stands at each place of the Gram matrix, (m, m)
        self.number = low * self.m - low * (low - 1) // 2 + high - low
        self._first, self._second = xp.nonzero(row <= column)
        self._kept: list[Strip] | None = None
        if X.shape[0] * self.count <= KEPT:
            self._kept = list(self._made())

    @property
    def count(self) -> int:
        """T = m (m + 1) / 2."""
        return self.m * (self.m + 1) // 2

    def strips(self) -> Iterator[Strip]:
        """Yield blocks of rows."""
        return iter(self._made() if self._kept is None else self._kept)

    def _made(self) -> Iterator[Strip]:
        n = int(self.X.shape[0])
        size = min(n, max(1024, BLOCK // max(self.count, 1)))
        if n * self.count <= KEPT:
            size = n
        xp = namespace(self.X)
        for first in range(0, n, max(size, 1)):
            rows = slice(first, min(first + size, n))
            columns = design_matrix(self.X[rows, :], self.intercept)
            left, right = (
                xp.take(columns, places, axis=1) for places in (self._first, self._second)
            )
            yield Strip(rows, columns, left * right)
