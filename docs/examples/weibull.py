"""The Weibull distribution with a known shape, as a family: times until something happens.

With shape k, mean μ = e^η and c = Γ(1 + 1/k), the density of y > 0 is
(k/y) z e^−z where z = (c y e^−η)^k. Then

    loss         kη + z          the part of −log density with η
    score        k (z − 1)       −∂loss/∂η
    observed     k² z            ∂²loss/∂η²
    information  k²              its expectation, since E z = 1

It is no exponential family in y, so that this is the whole protocol of a family and inherits
nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import statdl as sd
from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.model.curvature import RowCurvature
from statdl.model.family import Encoded, numeric_response, refuse, total
from statdl.model.link import Link, Log


@dataclass(frozen=True)
class Weibull:
    """Positive times whose hazard grows as time to the power of shape − 1."""

    shape: float = 1.0
    link: Link = field(default_factory=Log)

    name: ClassVar[str] = "weibull"
    links: ClassVar[tuple[type[Link], ...]] = (Log,)
    dispersion_known: ClassVar[bool] = True  # tests refer to the normal
    ends: ClassVar[tuple[float, float]] = (-math.inf, math.inf)  # no response lies at η = ±∞
    edged: ClassVar[bool] = False  # every η has a mean
    has_classes: ClassVar[bool] = False
    quadratic: ClassVar[bool] = False
    canonical: ClassVar[bool] = False  # observed and expected information differ
    outputs: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not 0 < self.shape < math.inf:
            raise sd.ModelError(f"A Weibull shape is a number above 0, not {self.shape!r}.")

    def _power(self, eta: Array, y: Array) -> Array:
        """Return z, (n, 1), by logarithms: η may be large."""
        xp = namespace(eta)
        return xp.exp(self.shape * (math.lgamma(1 + 1 / self.shape) + xp.log(y) - eta))

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        z = self._power(eta, y)
        return (self.shape * eta + z)[:, 0], self.shape * (z - 1)

    def information(self, eta: Array) -> RowCurvature:
        return RowCurvature(namespace(eta).full_like(eta, self.shape**2))

    def observed(self, eta: Array, y: Array) -> RowCurvature:
        return RowCurvature(self.shape**2 * self._power(eta, y))

    def information_turn(self, eta: Array, S: Array) -> Array:
        return namespace(eta).zeros_like(eta)  # the information does not depend on η

    def mean(self, eta: Array) -> Array:
        return namespace(eta).exp(eta)

    def variance(self, eta: Array) -> Array:
        first, second = math.gamma(1 + 1 / self.shape), math.gamma(1 + 2 / self.shape)
        return (second / first**2 - 1) * namespace(eta).exp(2 * eta)

    def unit_deviance(self, eta: Array, y: Array) -> Array:
        """Twice the loss above its least, which is where z = 1."""
        xp = namespace(eta)
        z = self._power(eta, y)
        return 2 * (z - 1 - xp.log(z))[:, 0]

    def constant(self, rows: Rows, dispersion: float) -> float:
        """Σ w [log k + k log c + (k − 1) log y]."""
        log_c = math.lgamma(1 + 1 / self.shape)
        logs = (self.shape - 1) * namespace(rows.y).log(rows.y[:, 0])
        return float(total(logs + math.log(self.shape) + self.shape * log_c, rows.weights))

    def noise(self, mean_loss: float) -> float:
        return 1.0

    def start(self, y: Array, weights: Array | None) -> Array:
        rows = y.shape[0] if weights is None else namespace(y).sum(weights)
        mean = to_numpy(total(y, weights) / rows)
        return namespace(mean).log(mean)

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        y = numeric_response(self.name, kind, values)
        refuse(y <= 0, y, self.name, "above 0")
        return Encoded(y, weights)

    def for_levels(self, levels: tuple[Any, ...]) -> Weibull:
        return self

    def simulate(self, eta: Any, rows: Rows, dispersion: float, rng: Any) -> Any:
        scale = self.mean(to_numpy(eta)) / math.gamma(1 + 1 / self.shape)
        return scale * rng.weibull(self.shape, scale.shape)
