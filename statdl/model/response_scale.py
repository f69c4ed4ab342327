"""The response in units of its own spread: what a network with normal errors is fitted in.

    y = a + s z,    η = a + s ζ,    θ = shift + scale ∘ φ,    J(θ) = s² J_z(φ)

with ``shift`` a at the output's bias and ``scale`` s in the output layer, 1 in the others. Nothing
on the way of φ depends on the location or the unit of y: neither where it starts nor its steps, its
tolerances and its learning rates. The network that comes out is that of θ, in the units of y.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from statdl.backend.array import Array, like
from statdl.backend.random import zeros
from statdl.backend.rows import Rows
from statdl.model.network import Network


@dataclass(frozen=True)
class ResponseScale:
    """Location a and unit s of a response, and of the parameters, (P,) on the host."""

    centre: float
    spread: float
    shift: Any
    scale: Any

    @classmethod
    def of(cls, network: Network, centre: float, spread: float) -> ResponseScale:
        """Return the scale of a network's parameters; without a bias a must be 0."""
        shift, scale = zeros(network.size), zeros(network.size) + 1.0
        network.output.table(scale)[...] = spread
        if network.intercept:
            network.output.table(shift)[..., 0] = centre
        return cls(centre, spread, shift, scale)

    def at(self, places: Any) -> ResponseScale:
        """Return the same for some of the parameters."""
        return replace(self, shift=self.shift[places], scale=self.scale[places])

    def inside(self, parameters: Array) -> Array:
        """Return φ from θ, (…, P)."""
        return (parameters - like(self.shift, parameters)) / like(self.scale, parameters)

    def outside(self, parameters: Array) -> Array:
        """Return θ from φ, (…, P)."""
        return like(self.shift, parameters) + like(self.scale, parameters) * parameters

    def response(self, y: Array) -> Array:
        """Return z."""
        return (y - self.centre) / self.spread

    def rows(self, rows: Rows) -> Rows:
        """Return rows with z in place of y, and offsets in its unit."""
        return rows.mapped(self._inside_of, response=True)

    def _inside_of(self, rows: Rows) -> Rows:
        offset = None if rows.offset is None else rows.offset / self.spread
        return replace(rows, y=self.response(rows.y), offset=offset)

    @property
    def squares(self) -> Any:
        """What λ of ½ Σ λ θ² is multiplied with to be that of ½ Σ λ φ², (P,)."""
        return self.scale**2 / self.spread**2

    @property
    def lengths(self) -> Any:
        """What λ of Σ λ |θ| is multiplied with to be that of Σ λ |φ|, (P,)."""
        return self.scale / self.spread**2
