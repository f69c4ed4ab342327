"""The negative binomial distribution with known θ: counts that vary more than Poisson's.

Var y = μ + μ²/θ. With log μ = η the part of −log density with η is (y + θ) log(μ + θ) − y log μ;
score and information follow from the mean and the variance, as for every exponential family.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import statdl as sd
from statdl.backend.array import Array, namespace
from statdl.backend.rows import Rows
from statdl.backend.special import gammaln, xlogy
from statdl.model.exponential import ExponentialFamily
from statdl.model.family import Encoded, numeric_response, refuse, total
from statdl.model.link import Link


@dataclass(frozen=True)
class NegativeBinomial(ExponentialFamily):
    """Counts with variance μ + μ²/θ."""

    link: Link = field(default_factory=sd.links.Log)
    theta: float = 1.0

    name: ClassVar[str] = "negative binomial"
    links: ClassVar[tuple[type[Link], ...]] = (sd.links.Log, sd.links.Sqrt, sd.links.Identity)
    canonical: ClassVar[bool] = False  # the canonical link is log(μ/(μ + θ))
    dispersion_known: ClassVar[bool] = True

    def variance_function(self, mean: Array) -> Array:
        return mean + mean * mean / self.theta

    def variance_slope(self, mean: Array) -> Array:
        return 1 + 2 * mean / self.theta

    def mean_loss(self, mean: Array, y: Array) -> Array:
        return (y + self.theta) * namespace(mean).log(mean + self.theta) - xlogy(y, mean)

    def mean_deviance(self, mean: Array, y: Array) -> Array:
        excess = namespace(mean).log((y + self.theta) / (mean + self.theta))
        return 2 * (xlogy(y, y / mean) - (y + self.theta) * excess)

    def constant(self, rows: Rows, dispersion: float) -> float:
        y, theta = rows.y[:, 0], self.theta
        logs = gammaln(y + theta) - gammaln(y + 1)
        return float(total(logs + theta * math.log(theta) - math.lgamma(theta), rows.weights))

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        y = numeric_response(self.name, kind, values)
        refuse(y < 0, y, self.name, "of 0 or more")
        return Encoded(y, weights)

    def draw(self, mean: Any, weights: Any, dispersion: float, rng: Any) -> Any:
        share = self.theta / (self.theta + mean)
        return rng.negative_binomial(weights * self.theta, share) / weights
