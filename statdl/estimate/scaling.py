"""Centre and spread of the columns of a network's inputs, of the rows that count."""

from __future__ import annotations

from typing import Any, NamedTuple

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.model.family import weighted_mean


def scaling_of(rows: Rows, scaling: str | None) -> tuple[Any, Any]:
    """Return them from the rows, by their weights; a constant column has spread 1."""
    p = rows.template.shape[1]
    if scaling in (None, "none") or p == 0:
        return None, None
    if scaling == "minmax":
        low, high = (to_numpy(end) for end in rows.reduce(_ends, 3 * p, _wider))
        centre, spread = low, high - low
    else:
        found = rows.reduce(Moments.of, 3 * p, Moments.with_more)
        centre, spread = to_numpy(found.mean), to_numpy(found.variance) ** 0.5
    spread[spread == 0] = 1.0
    return centre, spread


class Moments(NamedTuple):
    """Weighted mean and variance of each column of some rows, and their weight."""

    weight: float
    mean: Array
    variance: Array

    @classmethod
    def of(cls, rows: Rows) -> Moments:
        """Return those of rows in memory."""
        weight, xp = rows.weight, namespace(rows.X)
        if not weight > 0:
            nothing = xp.zeros_like(xp.sum(rows.X, axis=0))
            return cls(0.0, nothing, nothing)
        mean = weighted_mean(rows.X, rows.weights)
        return cls(weight, mean, weighted_mean((rows.X - mean) ** 2, rows.weights))

    def with_more(self, other: Moments) -> Moments:
        """Return those of both (Chan, Golub & LeVeque 1983)."""
        if not (self.weight > 0 and other.weight > 0):
            return self if self.weight > 0 else other
        weight = self.weight + other.weight
        share, gap = other.weight / weight, other.mean - self.mean
        variance = (1 - share) * self.variance + share * (other.variance + (1 - share) * gap**2)
        return Moments(weight, self.mean + share * gap, variance)


def _ends(rows: Rows) -> tuple[Array, Array]:
    """Return the smallest and the largest value of each column, of rows that count."""
    X, xp = rows.X, namespace(rows.X)
    low, high = (_counted(X, rows.weights, end) for end in (xp.inf, -xp.inf))
    return xp.min(low, axis=0), xp.max(high, axis=0)


def _wider(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    xp = namespace(one[0])
    return xp.minimum(one[0], other[0]), xp.maximum(one[1], other[1])


def _counted(X: Array, weights: Array | None, other: float) -> Array:
    """Return X with ``other`` in rows of weight 0, which are no observations."""
    if weights is None:
        return X
    xp = namespace(X)
    return xp.where(weights[:, None] > 0, X, xp.asarray(other, dtype=X.dtype, device=X.device))
