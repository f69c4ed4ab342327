"""What weight normalisation does to an information: lengths no data know, and decay's curvature.

With w = g v/‖v‖ nothing depends on ‖v‖, so the information H at a minimum has H v = 0 for every
such unit, whatever the data. That is a matter of coordinates and not of identification: held at its
length, v is determined as w is. So these directions are set apart, N with orthonormal columns
v/‖v‖: the verdict is on the others, the covariance is that of v at its length,

    B Bᵀ = P (P H P + N diag(c) Nᵀ)⁻¹ P,     P = I − N Nᵀ,

which is the pseudo-inverse of P H P for any c > 0, and they are not counted as parameters.

Under decay the loss alone is not at its minimum, and there a second derivative depends on the
coordinates. That of the penalty ½ λ g² = ½ λ ‖w‖² is λ I in w, which in (v, g) is λ for g and
λ (g/‖v‖)² (I − u uᵀ) for v; the latter is taken from the information of the loss. Effective degrees
of freedom and covariances are then those of the plain network.
"""

from __future__ import annotations

from dataclasses import dataclass

from statdl import model
from statdl.backend.array import Array, like, namespace
from statdl.model.predictor import Predictor


@dataclass(frozen=True)
class Free:
    """A direction among the free parameters.

    ``known`` tells whether an entry is held at other than 0, which tells the length.
    """

    places: slice  # of v: what is free of a row stays together
    unit: Array  # u there
    scale: int | None  # position of g, None where it is held
    rate: float  # g/‖v‖
    known: bool


@dataclass(frozen=True)
class Redundancy:
    """The directions of weight normalisation at θ, of which N has those of unknown length."""

    directions: tuple[Free, ...]
    basis: Array  # (P, m) N

    @classmethod
    def of(cls, predictor: Predictor, parameters: Array) -> Redundancy:
        """Return the directions of a predictor at its free parameters, (P,)."""
        xp = namespace(parameters)
        found = tuple(free_directions(predictor, parameters))
        unknown = [one for one in found if not one.known]
        shape = (parameters.shape[0], len(unknown))
        basis = xp.zeros(shape, dtype=parameters.dtype, device=parameters.device)
        for column, one in enumerate(unknown):
            basis[one.places, column] = one.unit
        return cls(found, basis)

    @property
    def count(self) -> int:
        """m, the number of lengths that no data know."""
        return int(self.basis.shape[1])

    def across(self, root: Array) -> Array:
        """Return P root."""
        return root - self.basis @ (self.basis.T @ root) if self.count else root

    def apart(self, H: Array) -> Array:
        """Return P H P."""
        return self.across(self.across(H).T) if self.count else H

    def filled(self, H: Array, least: float) -> Array:
        """Return P H P + N diag(c) Nᵀ, c a unit's mean curvature and no less than ``least``."""
        if not self.count:
            return H
        xp = namespace(H)
        bare = self.apart(H)
        diagonal = xp.linalg.diagonal(bare)
        unknown = [one.places for one in self.directions if not one.known]
        means = [float(xp.mean(diagonal[places])) for places in unknown]
        c = like([mean if mean > least else least or 1.0 for mean in means], H)
        return bare + (self.basis * c) @ self.basis.T

    def decay_curvature(self, penalised: Array) -> Array | None:
        """Return λ (g/‖v‖)² (I − u uᵀ) of every direction, (P, P); None where it is 0."""
        xp = namespace(penalised)
        curvature = None
        for one in self.directions:
            strength = 0.0 if one.scale is None else float(penalised[one.scale])
            if strength == 0:
                continue
            if curvature is None:
                size = penalised.shape[0]
                curvature = xp.zeros((size, size), dtype=penalised.dtype, device=penalised.device)
            identity = xp.eye(one.unit.shape[0], dtype=curvature.dtype, device=curvature.device)
            block = strength * one.rate**2 * (identity - one.unit[:, None] * one.unit[None, :])
            curvature[one.places, one.places] = block
        return curvature


def free_directions(predictor: Predictor, parameters: Array) -> list[Free]:
    """Return the directions of weight normalisation among free parameters, (P,)."""
    if isinstance(predictor, model.Network):
        everywhere = dict(zip(range(predictor.size), range(predictor.size), strict=True))
        return _among(predictor.directions(parameters), everywhere, parameters)
    if isinstance(predictor, model.Frozen) and isinstance(predictor.predictor, model.Network):
        place = {int(j): k for k, j in enumerate(predictor.free)}
        found = predictor.predictor.directions(predictor.full(parameters))
        return _among(found, place, parameters)
    return []


def _among(found: list[model.Direction], place: dict[int, int], like_this: Array) -> list[Free]:
    xp = namespace(like_this)
    directions = []
    for one in found:
        kept = [k for k, j in enumerate(one.places) if j in place]
        if not kept:
            continue
        held = [k for k, j in enumerate(one.places) if j not in place]
        first = place[one.places[kept[0]]]
        directions.append(
            Free(
                slice(first, first + len(kept)),
                xp.take(one.unit, like(kept, like_this, xp.int64)),
                place.get(one.scale),
                one.rate,
                any(float(one.unit[k]) != 0 for k in held),
            )
        )
    return directions
