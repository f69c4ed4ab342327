"""The triangle R of √W [1 X y], which is all that least squares asks of the rows.

    RᵀR = [1 X y]ᵀ W [1 X y]

It adds up over blocks, and holds every regression of y on some of the columns: what is left of R
without the other columns, made a triangle again. It comes in two ways, the fast one first:

* from sums of products about the means, as accurate as one XᵀX of centred columns; and where its
  smallest pivot says that this costs digits,
* from Householder's QR of R so far and the next rows, which is as stable as one factorisation of
  all rows (Demmel, Grigori, Hoemmen & Langou 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import add
from typing import Any

from statdl.backend.array import Array, epsilon, like, namespace, to_numpy
from statdl.backend.doubledouble import DoubleDouble, times, transposed_times
from statdl.backend.linalg import (
    design_matrix,
    factorise,
    orthogonal_triangular,
    solve_upper,
    with_ones,
)
from statdl.backend.rows import Rows
from statdl.errors import NotPositiveDefiniteError

#: The smallest pivot, 1 − R² of a column on those before it, at which sums of products are as good.
SOUND = 1e-3
#: The same of the columns alone, below which the coefficients are refined from the rows.
REFINED = 1e-5
#: Passes of refinement at most.
STEPS = 8


@dataclass(frozen=True)
class Triangle:
    """R of √W [1 X y], (p + 2, p + 2), on the host; y without the offset.

    ``pivot`` is the smallest share of a column of [1 X] that those before it leave, after shifts.
    """

    R: Any
    pivot: float = 1.0

    def columns(self, positions: tuple[int, ...], intercept: bool = True) -> Triangle:
        """Return the triangle of y and some columns of X, with or without the ones."""
        places = [*([0] if intercept else []), *(j + 1 for j in positions), self.R.shape[1] - 1]
        return Triangle(_square(self.R[:, places]), self.pivot)

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


def _square(A: Any) -> Any:
    """Return the triangle of a matrix, square even where that has few rows."""
    _, R = orthogonal_triangular(A)
    xp = namespace(R)
    missing = R.shape[1] - R.shape[0]
    if missing > 0:
        R = xp.concat([R, xp.zeros((missing, R.shape[1]), dtype=R.dtype)])
    signs = xp.where(xp.linalg.diagonal(R) < 0, -xp.ones(R.shape[0]), xp.ones(R.shape[0]))
    return R * signs[:, None]


@dataclass(frozen=True)
class Centred:
    """Σ w, the means and Σ w (z − z̄)(z − z̄)ᵀ of the rows z of [X y] − c; two add up.

    Sums about the means of blocks are joined by the update of Chan, Golub & LeVeque (1983), which
    loses no digits however far from 0, or apart, the means are. Shapes: weight (); mean (p + 1,);
    products (p + 1, p + 1); ``shift`` c (p + 1,) is the same for all blocks, and on the host.
    """

    shift: Any
    weight: Array
    mean: Array
    products: Array

    def __add__(self, other: Centred) -> Centred:
        weight = self.weight + other.weight
        if not float(weight) > 0:
            return self
        gap, share = other.mean - self.mean, other.weight / weight
        between = (self.weight * share) * gap[:, None] * gap[None, :]
        products = self.products + other.products + between
        return Centred(self.shift, weight, self.mean + share * gap, products)

    def on_host(self) -> Centred:
        """Return the same in NumPy."""
        parts = (to_numpy(one) for one in (self.weight, self.mean, self.products))
        return Centred(self.shift, *parts)

    @property
    def means(self) -> Any:
        """The means of [X y], (p + 1,)."""
        return self.mean + like(self.shift, self.mean)

    def triangle(self) -> Triangle | None:
        """Return the triangle of the rows; None where products lose digits."""
        here = self.on_host()
        try:
            factor = factorise(here.products)
        except NotPositiveDefiniteError:
            return None
        if not factor.smallest_pivot() > SOUND:
            return None
        xp, root = namespace(here.mean), float(here.weight) ** 0.5
        first = xp.concat([xp.ones(1), here.means]) * root
        rest = factor.lower.T * factor.scale[None, :]
        below = xp.concat([xp.zeros((rest.shape[0], 1)), rest], axis=1)
        return Triangle(xp.concat([first[None, :], below], axis=0))


@dataclass(frozen=True)
class Centring:
    """Sums about the means of a block, as a function of it."""

    shift: Any

    def __call__(self, rows: Rows) -> Centred:
        """Return the sums."""
        xp = namespace(rows.X)
        Z = xp.concat([rows.X, _response(rows)], axis=1)
        Z -= like(self.shift, Z)
        if rows.weights is None:
            weight = xp.asarray(float(rows.n), dtype=Z.dtype, device=Z.device)
            mean = xp.mean(Z, axis=0)
        else:
            weight = xp.sum(rows.weights)
            mean = (rows.weights @ Z) / xp.where(weight > 0, weight, xp.ones_like(weight))
        Z -= mean
        if rows.weights is not None:
            Z *= xp.sqrt(rows.weights)[:, None]
        return Centred(self.shift, weight, mean, Z.T @ Z)


def unshifted(shift: Any) -> Any:
    """Return S with [1 X y] = [1 X−c y−c] S."""
    xp = namespace(shift)
    S = xp.eye(shift.shape[0] + 1)
    S[0, 1:] = shift
    return S


@dataclass(frozen=True)
class Factors:
    """R of √W [1 X−c y−c] of a block, as a function of it."""

    shift: Any

    def __call__(self, rows: Rows) -> Array:
        """Return R."""
        xp = namespace(rows.X)
        c = like(self.shift, rows.X)
        A = with_ones(xp.concat([rows.X - c[:-1], _response(rows) - c[-1:]], axis=1))
        if rows.weights is not None:
            A = A * xp.sqrt(rows.weights)[:, None]
        return orthogonal_triangular(A)[1]

    def triangle(self, R: Array) -> Triangle:
        """Return the triangle from R of all rows."""
        R = _square(to_numpy(R))
        return Triangle(R @ unshifted(self.shift), _smallest_pivot(R[:-1, :-1]))


def _smallest_pivot(R: Any) -> float:
    xp = namespace(R)
    lengths = xp.sqrt(xp.sum(R * R, axis=0))
    some = lengths > 0
    shares = xp.abs(xp.linalg.diagonal(R)) / xp.where(some, lengths, xp.ones_like(lengths))
    return float(xp.min(shares)) ** 2


def stacked_factor(one: Array, other: Array) -> Array:
    """Return R of the rows of both."""
    return orthogonal_triangular(namespace(one).concat([one, other], axis=0))[1]


def _response(rows: Rows) -> Array:
    return rows.y if rows.offset is None else rows.y - rows.offset


def centred(rows: Rows, shift: Any) -> Centred:
    """Return the sums about the means of all rows by one pass, on the host."""
    found: Centred = rows.reduce(Centring(shift), 3 * (rows.template.shape[1] + 2), add)
    return found.on_host()


def triangle_of(rows: Rows, sums: Centred) -> Triangle:
    """Return the triangle from sums of the rows, or by a pass where their columns nearly depend."""
    factors = Factors(sums.means)
    width = 3 * (rows.template.shape[1] + 2)
    return sums.triangle() or factors.triangle(rows.reduce(factors, width, stacked_factor))


def refined(rows: Rows, triangle: Triangle, intercept: bool) -> tuple[Any, float]:
    """Return the coefficients to the last digit, and Σ w r².

    Each step solves RᵀR δ = Xᵀ W (y − Xβ) with β, the residuals and their products in twice the
    precision, so that the error falls by κ² ε a step, whatever was lost before: corrected
    seminormal equations (Björck 1987). A step that changes nothing, or no longer halves, is the
    last.
    """
    R = triangle.design
    beta = DoubleDouble.of(triangle.parameters)
    smallest, squares = float("inf"), triangle.squares
    width = 8 * (rows.template.shape[1] + 2)
    for _ in range(STEPS):
        high, low, square = rows.reduce(_Gradient(beta, intercept), width, _added)
        gradient = to_numpy(high + low)
        change = solve_upper(R, solve_upper(R, gradient, transposed=True))
        xp = namespace(change)
        size = float(xp.sqrt(xp.sum((R @ change) ** 2)))
        squares = float(square)
        if not size < smallest / 2:
            break
        smallest = size
        beta = beta.plus(change)
        share = xp.abs(change) <= epsilon(change) / 4 * xp.abs(beta.high)
        if bool(xp.all(share)):
            break
    return beta.high, squares


@dataclass(frozen=True)
class _Gradient:
    """Xᵀ W r in twice the precision, and Σ w r², of a block."""

    beta: DoubleDouble
    intercept: bool

    def __call__(self, rows: Rows) -> tuple[Array, Array, Array]:
        xp = namespace(rows.X)
        A, r = design_matrix(rows.X, self.intercept), DoubleDouble.of(rows.y[:, 0])
        if rows.offset is not None:
            r = r - DoubleDouble.of(rows.offset[:, 0])
        r = r - times(A, self.beta)
        weights = xp.ones_like(r.high) if rows.weights is None else rows.weights
        root = xp.sqrt(weights)
        square = xp.sum((root * r.high) ** 2)
        product = transposed_times(A * weights[:, None], r)
        return product.high, product.low, square


def _added(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    both = DoubleDouble(one[0], one[1]) + DoubleDouble(other[0], other[1])
    return both.high, both.low, one[2] + other[2]
