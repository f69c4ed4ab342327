"""Twice the precision, by error-free transformations in plain array operations.

A number is the unevaluated sum of two, high + low with |low| ≤ ½ ulp(high): about 32 digits where
the library has doubles. The sum and the product of two doubles are such pairs exactly,

    a + b = s + e,   s = fl(a + b),   e = (a − (s − t)) + (b − t),   t = s − a       (Knuth 1969)
    a · b = p + e,   p = fl(a b),     e from the halves of a and b by Veltkamp's split (Dekker 1971)

so that sums of products can be carried without rounding that matters. Nothing but +, − and × of
arrays is asked for; each must round once, as IEEE arithmetic does, which whole-array operations do
and a fused kernel would not.

References
----------
Dekker (1971), A floating-point technique for extending the available precision, Numer. Math. 18.
Ogita, Rump & Oishi (2005), Accurate sum and dot product, SIAM J. Sci. Comput. 26.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

from statdl.backend.array import Array, epsilon, namespace
from statdl.backend.rows import block_rows

#: Arrays of the size of A that a product in twice the precision has in hand at once.
TEMPORARIES = 8


@dataclass(frozen=True)
class DoubleDouble:
    """An array of unevaluated sums high + low."""

    high: Array
    low: Array

    @classmethod
    def of(cls, values: Array) -> DoubleDouble:
        """Return plain numbers as pairs."""
        return cls(values, namespace(values).zeros_like(values))

    def __add__(self, other: DoubleDouble) -> DoubleDouble:
        high, error = two_sum(self.high, other.high)
        return _renormalised(high, error + (self.low + other.low))

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.high, -self.low)

    def __sub__(self, other: DoubleDouble) -> DoubleDouble:
        return self + -other

    def plus(self, values: Array) -> DoubleDouble:
        """Return the sum with plain numbers."""
        high, error = two_sum(self.high, values)
        return _renormalised(high, error + self.low)

    def summed(self, axis: int) -> DoubleDouble:
        """Return the sum along an axis, by halves: the error grows with the log of its length."""
        high, low = (namespace(part).moveaxis(part, axis, 0) for part in (self.high, self.low))
        total = DoubleDouble(high, low)
        while total.high.shape[0] > 1:
            half = total.high.shape[0] // 2
            rest = total[2 * half :]
            total = total[:half] + total[half : 2 * half]
            if rest.high.shape[0]:
                total = total._with_first(total[:1] + rest)
        return DoubleDouble(total.high[0, ...], total.low[0, ...])

    def __getitem__(self, rows: slice) -> DoubleDouble:
        return DoubleDouble(self.high[rows, ...], self.low[rows, ...])

    def _with_first(self, first: DoubleDouble) -> DoubleDouble:
        xp = namespace(self.high)
        return DoubleDouble(
            xp.concat([first.high, self.high[1:, ...]], axis=0),
            xp.concat([first.low, self.low[1:, ...]], axis=0),
        )


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return s and e with a + b = s + e exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return p and e with a b = p + e exactly, short of overflow and underflow."""
    p = a * b
    (a1, a2), (b1, b2) = split(a), split(b)
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def split(a: Array) -> tuple[Array, Array]:
    """Return the leading and the trailing half of the digits of a."""
    shifted = _splitter(a) * a
    high = shifted - (shifted - a)
    return high, a - high


def _splitter(a: Array) -> float:
    """Return 2^⌈t/2⌉ + 1 for t binary digits: 2²⁷ + 1 for doubles."""
    return 134217729.0 if epsilon(a) < 1e-10 else 4097.0


def _renormalised(high: Array, low: Array) -> DoubleDouble:
    s = high + low
    return DoubleDouble(s, low - (s - high))


def times(A: Array, x: DoubleDouble) -> DoubleDouble:
    """Return A x, (n,), for A (n, p) and x (p,)."""
    xp = namespace(A)
    parts = [_times(A[rows, :], x) for rows in _blocks(A)]
    if len(parts) == 1:
        return parts[0]
    return DoubleDouble(
        xp.concat([part.high for part in parts]), xp.concat([part.low for part in parts])
    )


def transposed_times(A: Array, r: DoubleDouble) -> DoubleDouble:
    """Return Aᵀ r, (p,), for A (n, p) and r (n,)."""
    return reduce(add, (_transposed_times(A[rows, :], r[rows]) for rows in _blocks(A)))


def _times(A: Array, x: DoubleDouble) -> DoubleDouble:
    products = DoubleDouble(*two_product(A, x.high[None, :])).summed(axis=1)
    return products.plus(A @ x.low)


def _transposed_times(A: Array, r: DoubleDouble) -> DoubleDouble:
    products = DoubleDouble(*two_product(A, r.high[:, None])).summed(axis=0)
    return products.plus(A.T @ r.low)


def _blocks(A: Array) -> Iterator[slice]:
    """Yield blocks of rows whose temporaries fit the cache."""
    size = block_rows(A, TEMPORARIES * A.shape[1])
    return (slice(start, min(start + size, A.shape[0])) for start in range(0, A.shape[0], size))
