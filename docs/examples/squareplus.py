"""Squareplus, (z + √(z² + 4))/2, as an activation: softplus without an exponential.

f′ = (1 + z/√(z² + 4))/2 and f″ = 2 (z² + 4)^(−3/2) (Barron 2021, arXiv:2112.11687).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from statdl.backend.array import Array, namespace
from statdl.model.activation import Elementwise


@dataclass(frozen=True)
class Squareplus(Elementwise):
    """f(z) = (z + √(z² + 4))/2: near 0 for very negative z, near z for large z."""

    name: ClassVar[str] = "squareplus"
    formula: ClassVar[str] = "(z + sqrt(z**2 + 4))/2"
    rectifier: ClassVar[bool] = True  # so that initial weights are He's

    def value(self, z: Array) -> Array:
        """2/(√(z² + 4) − z) where z < 0: the sum above would cancel there."""
        xp = namespace(z)
        root = xp.sqrt(z * z + 4)
        below = xp.where(z < 0, z, xp.zeros_like(z))
        return xp.where(z < 0, 2 / (xp.sqrt(below * below + 4) - below), (z + root) / 2)

    def derivative(self, z: Array) -> Array:
        return self.value(z) / namespace(z).sqrt(z * z + 4)

    def second(self, z: Array) -> Array:
        return 2 / (z * z + 4) ** 1.5
