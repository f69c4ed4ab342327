"""The triangle R of √W [1 X y], which is all that least squares asks of the rows.

    RᵀR = [1 X y]ᵀ W [1 X y]

It adds up over blocks, and holds every regression of y on some of the columns: what is left of R
without the other columns, made a triangle again. It comes in two ways, the fast one first:

* from the sum of products of columns that are shifted to be near 0, as accurate as one XᵀX; and
  where its smallest pivot says that this costs digits,
* from Householder's QR of R so far and the next rows (Demmel, Grigori, Hoemmen & Langou 2012), which
  is as stable as one factorisation of all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from statdl.backend.array import Array, Rows, like, namespace, to_numpy
from statdl.backend.linalg import factorise, orthogonal_triangular, solve_upper, with_ones
from statdl.errors import NotPositiveDefiniteError

#: The smallest pivot, 1 − R² of a column on those before it, at which sums of products are as good.
SOUND = 1e-3


@dataclass(frozen=True)
class Triangle:
    """R of √W [1 X y], (p + 2, p + 2), on the host; y without the offset."""

    R: Any

    def columns(self, positions: tuple[int, ...], intercept: bool = True) -> Triangle:
        """Return the triangle of y and some columns of X, with or without the ones."""
        places = [*([0] if intercept else []), *(j + 1 for j in positions), self.R.shape[1] - 1]
        return Triangle(_again(self.R[:, places]))

    @property
    def design(self) -> Any:
        """R of the columns without y, (m, m)."""
        return self.R[:-1, :-1]

    @cached_property
    def parameters(self) -> Any:
        """The least-squares coefficients, (m,)."""
        return solve_upper(self.design, self.R[:-1, -1])

    @property
    def squares(self) -> float:
        """The residual sum of squares."""
        return float(self.R[-1, -1]) ** 2


def _again(A: Any) -> Any:
    """Return the triangle of a matrix, square even where it has few rows."""
    _, R = orthogonal_triangular(A)
    xp = namespace(R)
    missing = R.shape[1] - R.shape[0]
    if missing > 0:
        R = xp.concat([R, xp.zeros((missing, R.shape[1]), dtype=R.dtype)])
    signs = xp.where(xp.linalg.diagonal(R) < 0, -xp.ones(R.shape[0]), xp.ones(R.shape[0]))
    return R * signs[:, None]


@dataclass(frozen=True)
class Products:
    """[1 X−c y−c]ᵀ W [1 X−c y−c] of some rows, as a function of them: c (p + 1,) is on the host."""

    shift: Any

    def __call__(self, rows: Rows) -> tuple[Array]:
        """Return the products of a block."""
        xp, c = namespace(rows.X), like(self.shift, rows.X)
        Z, v = rows.X - c[:-1], (_response(rows) - c[-1:])[:, 0]
        ones = xp.ones_like(v)
        if rows.weights is not None:
            ones = xp.sqrt(rows.weights)
            Z, v = Z * ones[:, None], v * ones
        p = Z.shape[1]
        total = xp.zeros((p + 2, p + 2), dtype=Z.dtype, device=Z.device)
        total[1:-1, 1:-1] = Z.T @ Z
        total[0, 1:-1], total[-1, 1:-1] = ones @ Z, v @ Z
        total[0, 0], total[0, -1], total[-1, -1] = ones @ ones, ones @ v, v @ v
        total[1:, 0], total[1:-1, -1] = total[0, 1:], total[-1, 1:-1]
        return (total,)

    def triangle(self, total: Array) -> Triangle | None:
        """Return the triangle of the sum; None where products of this kind lose digits."""
        total = to_numpy(total)
        try:
            factor = factorise(total)
        except NotPositiveDefiniteError:
            return None
        if not factor.smallest_pivot() > SOUND:
            return None
        xp = namespace(total)
        back = xp.eye(total.shape[0])
        back[0, 1:] = self.shift
        return Triangle((factor.lower.T * factor.scale[None, :]) @ back)


def factor_of(rows: Rows) -> Array:
    """Return R of √W [1 X y] of a block."""
    xp = namespace(rows.X)
    A = with_ones(xp.concat([rows.X, _response(rows)], axis=1))
    if rows.weights is not None:
        A = A * xp.sqrt(rows.weights)[:, None]
    return orthogonal_triangular(A)[1]


def stacked_factor(one: Array, other: Array) -> Array:
    """Return R of the rows of both."""
    return orthogonal_triangular(namespace(one).concat([one, other], axis=0))[1]


def _response(rows: Rows) -> Array:
    return rows.y if rows.offset is None else rows.y - rows.offset


def triangle_of(rows: Rows, shift: Any) -> Triangle:
    """Return the triangle of rows by one pass, or by two where their columns nearly depend."""
    width = 3 * (rows.template.shape[1] + 2)
    products = Products(shift)
    (total,) = rows.reduce(products, width)
    found = products.triangle(total)
    if found is not None:
        return found
    return Triangle(_again(to_numpy(rows.reduce(factor_of, width, stacked_factor))))


