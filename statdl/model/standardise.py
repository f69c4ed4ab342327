"""Standardised pre-activations: what batch and layer normalisation share.

    ẑ = (z − m) r,   r = 1/√(v + ε)

Layer normalisation takes m and v over the units of a row, batch normalisation over the rows of a
batch while training, and from running statistics at prediction, where the map is affine.
"""

from __future__ import annotations

from dataclasses import dataclass

from statdl.backend.array import Array, namespace

#: Added to variances, so that a constant unit does not divide by 0.
EPSILON = 1e-5


@dataclass(frozen=True)
class Standardised:
    """ẑ with what its derivatives need; ``axis`` is None where m and v are given numbers.

    Along ``axis``, with bars for means: ∂ẑ/∂z v = r (v − v̄ − ẑ mean(ẑ v)), a symmetric map.
    """

    values: Array  # ẑ
    rate: Array  # r
    axis: int | None
    mean: Array
    variance: Array

    @classmethod
    def of(cls, z: Array, axis: int) -> Standardised:
        """Standardise z by its own mean and variance along ``axis``."""
        xp = namespace(z)
        mean = xp.mean(z, axis=axis, keepdims=True)
        centred = z - mean
        variance = xp.mean(centred * centred, axis=axis, keepdims=True)
        rate = (variance + EPSILON) ** -0.5
        return cls(centred * rate, rate, axis, mean, variance)

    @classmethod
    def by(cls, z: Array, mean: Array, variance: Array) -> Standardised:
        """Standardise z by given statistics."""
        rate = (variance + EPSILON) ** -0.5
        return cls((z - mean) * rate, rate, None, mean, variance)

    def push(self, v: Array) -> Array:
        """Return the change of ẑ along the change v of z."""
        if self.axis is None:
            return self.rate * v
        return self.rate * (v - self._mean(v) - self.values * self._mean(self.values * v))

    def pull(self, g: Array) -> Array:
        """Return the gradient in z of a function whose gradient in ẑ is g."""
        return self.push(g)

    def bend(self, g: Array, v: Array) -> Array:
        """Return the change of ``pull(g)`` along the change v of z, with g held.

        dr = −r² mean(ẑ v), and the rest is the product rule.
        """
        if self.axis is None:
            return namespace(v).zeros_like(g * v)
        change = self.push(v)
        shrink = self._mean(self.values * v) * self.pull(g)
        turn = change * self._mean(self.values * g) + self.values * self._mean(change * g)
        return -self.rate * (shrink + turn)

    def _mean(self, values: Array) -> Array:
        assert self.axis is not None
        return namespace(values).mean(values, axis=self.axis, keepdims=True)
