"""The curvature of a loss in η, one small symmetric matrix a row."""

from __future__ import annotations

from dataclasses import dataclass

from statdl.backend.array import Array, namespace


@dataclass(frozen=True)
class RowCurvature:
    """H_i = diag(d_i) − u_i u_iᵀ for each row i.

    Every family here has this shape: a diagonal where outputs do not meet, and for the softmax
    d = u = μ. Keeping it avoids an (n, q, q) array.
    """

    diagonal: Array  # (n, q) d
    outer: Array | None = None  # (n, q) u
    unit: bool = False  # d is 1 everywhere, which a Gram matrix can do without

    def weighted(self, weights: Array) -> RowCurvature:
        """Return w_i H_i for weights of shape (n,), none negative."""
        column = weights[:, None]
        outer = None if self.outer is None else self.outer * namespace(weights).sqrt(column)
        return RowCurvature(self.diagonal * column, outer)

    def times(self, vectors: Array) -> Array:
        """Return H_i v_i for vectors of shape (…, n, q)."""
        product = self.diagonal * vectors
        if self.outer is None:
            return product
        inner = namespace(vectors).sum(self.outer * vectors, axis=-1, keepdims=True)
        return product - self.outer * inner

    def dense(self) -> Array:
        """Return H as (n, q, q)."""
        xp = namespace(self.diagonal)
        q = self.diagonal.shape[1]
        identity = xp.eye(q, dtype=self.diagonal.dtype, device=self.diagonal.device)
        H = self.diagonal[:, :, None] * identity
        return H if self.outer is None else H - self.outer[:, :, None] * self.outer[:, None, :]
