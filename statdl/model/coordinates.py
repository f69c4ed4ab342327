"""Other coordinates for the same parameters, in which a problem is easier.

Gradient descent is as fast as its worst-scaled column, so it works on standardised columns. They
are never formed: with γ_k = (b_k + mᵀw_k, s∘w_k), the η of the standardised columns is the η of the
given ones, and only parameters and gradients are translated. A profile of the likelihood holds one
parameter and works in coordinates in which the information about the others is the identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from statdl.backend.array import Array, like, namespace
from statdl.backend.rows import Rows
from statdl.model.objective import Objective
from statdl.model.predictor import Linear


class Coordinates(Protocol):
    """Parameters θ as a linear function of others, γ."""

    def outer(self, inner: Array) -> Array:
        """Return θ from γ."""
        ...

    def gradient(self, gradient: Array) -> Array:
        """Return ∂J/∂γ from ∂J/∂θ."""
        ...

    def curvature(self, H: Array) -> Array:
        """Return ∂²J/∂γ∂γᵀ from ∂²J/∂θ∂θᵀ."""
        ...


@dataclass(frozen=True)
class Plane:
    """θ = o + A γ: the parameters on a plane through o, which γ (r,) may be fewer than."""

    origin: Array  # (P,) o
    axes: Array  # (P, r) A

    def outer(self, inner: Array) -> Array:
        """Return θ from γ."""
        return self.origin + self.axes @ inner

    def gradient(self, gradient: Array) -> Array:
        """Return Aᵀ ∂J/∂θ."""
        return self.axes.T @ gradient

    def curvature(self, H: Array) -> Array:
        """Return Aᵀ H A."""
        return self.axes.T @ H @ self.axes


@dataclass(frozen=True)
class Standardised:
    """γ_k = T (b_k, w_k) with T = [[1, mᵀ], [0, diag(s)]]: mean m and spread s of the columns."""

    predictor: Linear
    transform: Array  # (m, m) T

    @classmethod
    def of(cls, predictor: Linear, rows: Rows) -> Standardised:
        """Return the coordinates in which the columns have mean 0 and standard deviation 1.

        They are on the host, as the parameters are.
        """
        centre = rows.column_means() * int(predictor.intercept)
        spread = rows.column_means(lambda X: (X - like(centre, X)) ** 2) ** 0.5
        xp = namespace(spread)
        spread = xp.where(spread > 0, spread, xp.ones_like(spread))
        first = int(predictor.intercept)
        diagonal = xp.eye(predictor.columns, dtype=spread.dtype)
        scales = xp.concat([xp.ones((first,), dtype=spread.dtype), spread])
        transform = diagonal * scales[None, :]
        if predictor.intercept:
            transform[0, 1:] = centre
        return cls(predictor, transform)

    def inner(self, parameters: Array) -> Array:
        """Return γ from θ."""
        return self._each(parameters, self.transform.T)

    def outer(self, inner: Array) -> Array:
        """Return θ from γ."""
        return self._each(inner, self._inverse.T)

    def gradient(self, gradient: Array) -> Array:
        """Return ∂J/∂γ = T⁻ᵀ ∂J/∂θ."""
        return self._each(gradient, self._inverse)

    def curvature(self, H: Array) -> Array:
        """Return T⁻ᵀ H T⁻¹, block by block."""
        xp = namespace(H)
        half = self._rows(H)
        return self._rows(xp.permute_dims(half, (1, 0)))

    @property
    def _inverse(self) -> Array:
        return namespace(self.transform).linalg.inv(self.transform)

    def _each(self, vector: Array, matrix: Array) -> Array:
        """Multiply each output's parameters, as a row, by a matrix."""
        xp = namespace(vector)
        table = xp.reshape(vector, (self.predictor.outputs, self.predictor.columns))
        return xp.reshape(table @ matrix, (-1,))

    def _rows(self, H: Array) -> Array:
        """Multiply H from the left by T⁻ᵀ in each output's block of rows."""
        xp = namespace(H)
        q, m = self.predictor.outputs, self.predictor.columns
        blocks = xp.reshape(H, (q, m, q * m))
        return xp.reshape(xp.matmul(self._inverse.T[None, :, :], blocks), (q * m, q * m))


@dataclass(frozen=True)
class Reparametrised:
    """An objective as a function of γ."""

    objective: Objective
    coordinates: Coordinates

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return self.objective.size

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.objective.n

    def total_weight(self) -> float:
        """Return Σ w."""
        return self.objective.total_weight()

    @property
    def curvature_price(self) -> float:
        """What a curvature costs, in gradients."""
        return self.objective.curvature_price

    def unit(self, loss: float) -> float:
        """Return the loss worth one unit of log-likelihood."""
        return self.objective.unit(loss)

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """Return J and ∂J/∂γ."""
        loss, gradient = self.objective.value_and_gradient(self.coordinates.outer(parameters))
        return loss, self.coordinates.gradient(gradient)

    def curvature(self, parameters: Array, *, expected: bool = False) -> Array:
        """Return ∂²J/∂γ∂γᵀ."""
        H = self.objective.curvature(self.coordinates.outer(parameters), expected=expected)
        return self.coordinates.curvature(H)

    def slopes(self, parameters: Array) -> Array:
        """Return the coordinates with every intercept at 0."""
        return self.objective.slopes(parameters)

    def batches(self, size: int, seed: int, epoch: int) -> Iterator[Reparametrised]:
        """Yield the same on the batches of an epoch."""
        for batch in self.objective.batches(size, seed, epoch):
            yield Reparametrised(batch, self.coordinates)
