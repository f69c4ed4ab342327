"""The columns of a design matrix in units of their own, as paths of penalised fits read them.

    x̃_j = (x_j − m_j) / s_j

Only products are asked for, so that a sparse matrix stays sparse: centring is done to the product,
not to the columns. A dense matrix is copied once, its columns made rows where there are many of
them, since a working set of columns is then a working set of contiguous rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from statdl.backend.array import Array, is_cupy, is_numpy, like, namespace, to_numpy
from statdl.backend.room import roomy
from statdl.lazy import lazy

sparse = lazy("scipy.sparse")


class Columns(Protocol):
    """Standardised columns and their products; positions are host integers."""

    @property
    def shape(self) -> tuple[int, int]:
        """n and p."""
        ...

    def inner(self, R: Array) -> Array:
        """Return X̃ᵀ R for R (n, q): (p, q)."""
        ...

    def taken(self, positions: Any, ones: bool = False) -> Columns:
        """Return some of the columns, after a column of ones where that is asked for."""
        ...

    def joined(self, part: Any, positions: Any) -> Columns:
        """Return ``part``, which was made by this method, with more columns; None is no part."""
        ...

    def since(self, first: int) -> Columns:
        """Return the columns from a place on."""
        ...

    def until(self, end: int) -> Columns:
        """Return the columns before a place."""
        ...

    def outer(self, B: Array) -> Array:
        """Return X̃ B for B (p, q): (n, q)."""
        ...

    def cross(self, other: Any, weights: Array | None = None) -> Array:
        """Return X̃ᵀ diag(w) Z̃ for the columns Z̃ of another of the kind, (p, p')."""
        ...

    def curvature(self, parts: Sequence[Any], d: Array, u: Array | None) -> Array:
        """Return Σ_i (diag(d_i) − u_i u_iᵀ) ⊗ x̃_i x̃_iᵀ for some columns of every output.

        ``parts`` has the positions of the columns of each of the q outputs; d, u are (n, q).
        """
        ...

    def across(self, some: Sequence[Any], parts: Sequence[Any], d: Array, u: Array | None) -> Array:
        """Return the rows of the curvature of ``parts`` that belong to ``some``."""
        ...


@dataclass(frozen=True)
class DenseColumns:
    """Columns as the rows of an array, (p, n)."""

    rows: Array
    room: Any = None  # whose first rows they are, where more may come

    @property
    def shape(self) -> tuple[int, int]:
        p, n = self.rows.shape
        return int(n), int(p)

    def inner(self, R: Array) -> Array:
        return by_output(self.rows, R)

    def taken(self, positions: Any, ones: bool = False) -> DenseColumns:
        rows, xp = self.rows, namespace(self.rows)
        if len(positions) < rows.shape[0]:
            rows = xp.take(rows, like(positions, rows, xp.int64), axis=0)
        if not ones:
            return DenseColumns(rows)
        first = xp.ones((1, rows.shape[1]), dtype=rows.dtype, device=rows.device)
        return DenseColumns(xp.concat([first, rows], axis=0))

    def joined(self, part: DenseColumns | None, positions: Any) -> DenseColumns:
        rows, xp = self.rows, namespace(self.rows)
        a = 0 if part is None else part.rows.shape[0]
        both = a + len(positions)
        held, n = None, rows.shape[1]
        if part is not None:
            held = part.rows if part.room is None else part.room
        room = roomy(held, (a, n), (both, n), rows)
        room[a:both, :] = xp.take(rows, like(positions, rows, xp.int64), axis=0)
        return DenseColumns(room[:both, :], room)

    def since(self, first: int) -> DenseColumns:
        return DenseColumns(self.rows[first:, :])

    def until(self, end: int) -> DenseColumns:
        return DenseColumns(self.rows[:end, :])

    def outer(self, B: Array) -> Array:
        return by_output(self.rows.T, B)

    def cross(self, other: DenseColumns, weights: Array | None = None) -> Array:
        if weights is None:
            return self.rows @ other.rows.T
        if other is self:  # BLAS sees the symmetry, and does half the work
            half = self.rows * namespace(weights).sqrt(weights)
            return half @ half.T
        return (self.rows * weights) @ other.rows.T

    def curvature(self, parts: Sequence[Any], d: Array, u: Array | None) -> Array:
        chosen = [self.taken(part) for part in parts]
        blocks = [own.cross(own, d[:, k]) for k, own in enumerate(chosen)]
        if u is None and len(parts) == 1:
            return blocks[0]
        xp = namespace(self.rows)
        total = _block_diagonal(blocks)
        if u is None:
            return total
        scaled = xp.concat([own.rows * u[:, k] for k, own in enumerate(chosen)], axis=0)
        return total - scaled @ scaled.T

    def across(self, some: Sequence[Any], parts: Sequence[Any], d: Array, u: Array | None) -> Array:
        xp = namespace(self.rows)
        weighted = []
        for k, part in enumerate(some):
            own = self.taken(part).rows
            for m in range(len(parts)):
                weight = d[:, k] if m == k else None
                if u is not None:
                    shared = u[:, k] * u[:, m]
                    weight = -shared if weight is None else weight - shared
                weighted.append(xp.zeros_like(own) if weight is None else own * weight)
        # one product with all columns costs less than many with those of each output
        products = xp.concat(weighted, axis=0) @ self.rows.T
        strips, row = [], 0
        for part in some:
            blocks = []
            for other in parts:
                there = like(other, self.rows, xp.int64)
                blocks.append(xp.take(products[row : row + len(part), :], there, axis=1))
                row += len(part)
            strips.append(xp.concat(blocks, axis=1))
        return xp.concat(strips, axis=0)


@dataclass(frozen=True)
class SparseColumns:
    """Columns of a SciPy sparse matrix (CSC), centred and scaled in the products only."""

    matrix: Any
    centre: Any  # (p,)
    scale: Any  # (p,)

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.matrix.shape[0]), int(self.matrix.shape[1])

    def inner(self, R: Array) -> Array:
        total = R.sum(axis=0)
        return (self.matrix.T @ R - self.centre[:, None] * total) / self.scale[:, None]

    def taken(self, positions: Any, ones: bool = False) -> SparseColumns:
        matrix, centre, scale = (
            self.matrix[:, positions], self.centre[positions], self.scale[positions]
        )  # fmt: skip
        if not ones:
            return SparseColumns(matrix, centre, scale)
        xp = namespace(centre)
        first = sparse.csc_matrix(xp.ones((matrix.shape[0], 1)))
        matrix = sparse.hstack([first, matrix], format="csc")
        return SparseColumns(
            matrix, xp.concat([xp.zeros(1), centre]), xp.concat([xp.ones(1), scale])
        )

    def joined(self, part: SparseColumns | None, positions: Any) -> SparseColumns:
        more = self.taken(positions)
        if part is None:
            return more
        xp = namespace(self.centre)
        return SparseColumns(
            sparse.hstack([part.matrix, more.matrix], format="csc"),
            xp.concat([part.centre, more.centre]),
            xp.concat([part.scale, more.scale]),
        )

    def since(self, first: int) -> SparseColumns:
        return SparseColumns(self.matrix[:, first:], self.centre[first:], self.scale[first:])

    def until(self, end: int) -> SparseColumns:
        return SparseColumns(self.matrix[:, :end], self.centre[:end], self.scale[:end])

    def outer(self, B: Array) -> Array:
        scaled = B / self.scale[:, None]
        return self.matrix @ scaled - self.centre @ scaled

    def cross(self, other: SparseColumns, weights: Array | None = None) -> Array:
        n = self.matrix.shape[0]
        if weights is None:
            left, weight = self.matrix, float(n)
        else:
            left, weight = self.matrix.multiply(weights[:, None]).tocsc(), float(weights.sum())
        product = left.T @ other.matrix
        product = product.toarray() if hasattr(product, "toarray") else product
        xp = namespace(product)
        first = xp.asarray(left.sum(axis=0)).reshape(-1)
        ones = xp.ones(n) if weights is None else weights
        second = other.matrix.T @ ones
        centred = (
            product
            - first[:, None] * other.centre[None, :]
            - self.centre[:, None] * second[None, :]
            + weight * self.centre[:, None] * other.centre[None, :]
        )
        return centred / self.scale[:, None] / other.scale[None, :]

    def curvature(self, parts: Sequence[Any], d: Array, u: Array | None) -> Array:
        chosen = [self.taken(part) for part in parts]
        total = _block_diagonal([own.cross(own, d[:, k]) for k, own in enumerate(chosen)])
        if u is None:
            return total
        rows = []
        for k, one in enumerate(chosen):
            across = [one.cross(two, u[:, k] * u[:, m]) for m, two in enumerate(chosen)]
            rows.append(namespace(total).concat(across, axis=1))
        return total - namespace(total).concat(rows, axis=0)

    def across(self, some: Sequence[Any], parts: Sequence[Any], d: Array, u: Array | None) -> Array:
        left, right = ([self.taken(part) for part in each] for each in (some, parts))
        pairs = enumerate(zip(left, right, strict=True))
        total = _block_diagonal([a.cross(b, d[:, k]) for k, (a, b) in pairs])
        if u is None:
            return total
        xp = namespace(total)
        rows = []
        for k, a in enumerate(left):
            each = [a.cross(b, u[:, k] * u[:, m]) for m, b in enumerate(right)]
            rows.append(xp.concat(each, axis=1))
        return total - xp.concat(rows, axis=0)


def by_output(A: Array, B: Array) -> Array:
    """Return A B. A few columns one by one cost BLAS less than all at once."""
    q = B.shape[1]
    if not (is_numpy(A) and 1 < q <= 8):
        return A @ B
    product = namespace(A).empty((q, A.shape[0]), dtype=A.dtype)
    for k in range(q):
        product[k] = A @ B[:, k]
    return product.T


def _block_diagonal(blocks: Sequence[Array]) -> Array:
    """Return a matrix with blocks on its diagonal, which need not be square."""
    first = blocks[0]
    if len(blocks) == 1:
        return first
    xp = namespace(*blocks)
    shape = tuple(sum(block.shape[axis] for block in blocks) for axis in (0, 1))
    total = xp.zeros(shape, dtype=first.dtype, device=first.device)
    row = column = 0
    for block in blocks:
        below, right = row + block.shape[0], column + block.shape[1]
        total[row:below, column:right] = block
        row, column = below, right
    return total


def is_sparse(X: Any) -> bool:
    """Tell whether ``X`` is a sparse matrix or array of SciPy's."""
    return hasattr(X, "tocsc") and hasattr(X, "nnz")


def moments(X: Any, weights: Array) -> tuple[Any, Any]:
    """Return the means and standard deviations of the columns, on the host; weights sum to 1."""
    if is_sparse(X):
        X, shift = lowered(X.tocsc())
        rest = X.T @ weights
        square = X.multiply(X).T @ weights - rest**2
        spread = namespace(rest).sqrt(namespace(rest).maximum(square, 0 * square))
        return rest + shift, spread
    xp = namespace(X)
    mean = weights @ X
    return to_numpy(mean), to_numpy(xp.sqrt(weights @ (X - mean) ** 2))


def lowered(X: Any) -> tuple[Any, Any]:
    """Return a CSC matrix whose columns without a 0 are brought near 0, and by how much, (p,).

    A column that is 0 somewhere is at most √n standard deviations from 0; one that never is may be
    as far as it likes, and its centring in products would cost all digits.
    """
    xp = namespace(X.data)
    n, p = X.shape
    counts = xp.diff(X.indptr)
    shift = xp.zeros(p)
    (full,) = xp.nonzero(counts == n)
    for j in full.tolist():
        shift[j] = xp.mean(X.data[X.indptr[j] : X.indptr[j + 1]])
    if not shift.any():
        return X, shift
    data = X.data - xp.repeat(shift, counts)
    return type(X)((data, X.indices, X.indptr), shape=X.shape), shift


def standardised(X: Any, centre: Any, scale: Any) -> Columns:
    """Return the columns (x_j − m_j) / s_j of a dense or sparse X."""
    if is_sparse(X):
        X, shift = lowered(X.tocsc())
        return SparseColumns(X, centre - shift, scale)
    m, s = like(centre, X), like(scale, X)
    rows = ((X - m) / s).T
    if is_numpy(X) or is_cupy(X):
        rows = namespace(X).ascontiguousarray(rows)
    return DenseColumns(rows)
