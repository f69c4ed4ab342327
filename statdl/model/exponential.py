"""Exponential dispersion families of one parameter: gaussian, poisson, gamma.

Each member is one class that states its variance function, loss, deviance and constant; the score
and the information follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.special import gammaln, xlogy
from statdl.errors import DataError
from statdl.model.curvature import RowCurvature
from statdl.model.family import (
    Encoded,
    Family,
    numeric_response,
    ones_like_rows,
    refuse,
    total,
    weighted_mean,
)
from statdl.model.link import Identity, Inverse, Link, Log, Sqrt


@dataclass(frozen=True)
class ExponentialFamily:
    """A one-parameter exponential dispersion family with any of its links.

    Formulas (McCullagh & Nelder 1989, ch. 2), with μ = μ(η), V = V(μ) and a prime for d/dη:

        score        (y − μ) μ′/V
        information  μ′²/V
        observed     μ′²/V − (y − μ) (μ″/V − μ′² V_μ/V²)

    A member states its variance function, loss, deviance and constant.
    """

    link: Link

    name: ClassVar[str]
    links: ClassVar[tuple[type[Link], ...]]
    canonical_link: ClassVar[type[Link]]
    dispersion_known: ClassVar[bool]
    has_classes: ClassVar[bool] = False
    outputs: ClassVar[int] = 1

    @property
    def canonical(self) -> bool:
        """Whether the link makes observed and expected information coincide."""
        return isinstance(self.link, self.canonical_link)

    @property
    def quadratic(self) -> bool:
        """Whether the loss is quadratic in η."""
        return False

    @property
    def ends(self) -> tuple[float, float]:
        """Without ends, unless a member says so."""
        return -math.inf, math.inf

    @property
    def edged(self) -> bool:
        """Whether η can lead the mean out of its domain."""
        return isinstance(self.link, Identity | Sqrt)

    # what a member states -------------------------------------------------------------------

    def variance_function(self, mean: Array) -> Array:
        """Return V(μ)."""
        raise NotImplementedError

    def variance_slope(self, mean: Array) -> Array:
        """Return dV/dμ."""
        raise NotImplementedError

    def mean_loss(self, mean: Array, y: Array) -> Array:
        """Return the loss in terms of μ."""
        raise NotImplementedError

    def mean_deviance(self, mean: Array, y: Array) -> Array:
        """Return the unit deviance in terms of μ."""
        raise NotImplementedError

    def constant(self, rows: Rows, dispersion: float) -> float:
        """Return the part of the log-likelihood without η."""
        raise NotImplementedError

    def noise(self, mean_loss: float) -> float:
        """Return 1: the loss is in units of log-likelihood, or near enough."""
        return 1.0

    def in_domain(self, mean: Array) -> Array:
        """Tell where μ is a possible mean."""
        return (mean > 0) & (mean < math.inf)

    # what follows from it -------------------------------------------------------------------

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        xp = namespace(eta)
        mean = self.link.mean(eta)
        possible = self.in_domain(mean)
        safe = xp.where(possible, mean, xp.ones_like(mean))
        loss = xp.where(possible, self.mean_loss(safe, y), xp.full_like(mean, math.inf))
        return loss[:, 0], (y - safe) * self.link.derivative(eta) / self.variance_function(safe)

    def information(self, eta: Array) -> RowCurvature:
        slope = self.link.derivative(eta)
        return RowCurvature(slope * slope / self.variance_function(self.link.mean(eta)))

    def observed(self, eta: Array, y: Array) -> RowCurvature:
        mean, slope = self.link.mean(eta), self.link.derivative(eta)
        variance = self.variance_function(mean)
        turn = slope * (self.link.bend(eta) - slope * self.variance_slope(mean) / variance)
        return RowCurvature(slope * slope / variance - (y - mean) * turn / variance)

    def information_turn(self, eta: Array, S: Array) -> Array:
        """Return S V′(μ) V(μ): with the canonical link the information is V, and dμ/dη = V."""
        mean = self.link.mean(eta)
        return S[:, :, 0] * self.variance_slope(mean) * self.variance_function(mean)

    def mean(self, eta: Array) -> Array:
        return self.link.mean(eta)

    def variance(self, eta: Array) -> Array:
        return self.variance_function(self.link.mean(eta))

    def unit_deviance(self, eta: Array, y: Array) -> Array:
        xp = namespace(eta)
        mean = self.link.mean(eta)
        possible = self.in_domain(mean)
        safe = xp.where(possible, mean, xp.ones_like(mean))
        return xp.where(possible, self.mean_deviance(safe, y), xp.full_like(mean, math.inf))[:, 0]

    def start(self, y: Array, weights: Array | None) -> Array:
        return self.link.link(self.start_mean(to_numpy(weighted_mean(y, weights))))

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        """Code the response."""
        raise NotImplementedError

    def for_levels(self, levels: tuple[Any, ...]) -> Family:
        return self

    def simulate(self, eta: Any, rows: Rows, dispersion: float, rng: Any) -> Any:
        """Draw a response on the host; a row of weight 0 counts for nothing and is its mean."""
        mean = self.link.mean(to_numpy(eta))
        if rows.weights is None:
            return self.draw(mean, namespace(mean).ones_like(mean), dispersion, rng)
        xp = namespace(mean)
        weights = to_numpy(rows.weights)[:, None]
        counted = weights > 0
        safe = xp.where(counted, weights, 1.0)
        return xp.where(counted, self.draw(mean, safe, dispersion, rng), mean)

    def draw(self, mean: Any, weights: Any, dispersion: float, rng: Any) -> Any:
        """Return draws with mean μ and variance φ V(μ) / w."""
        raise NotImplementedError

    def start_mean(self, mean: Array) -> Array:
        """Move a mean that lies on the edge of its domain inside."""
        xp = namespace(mean)
        return xp.where(self.in_domain(mean), mean, xp.full_like(mean, 0.1))


@dataclass(frozen=True)
class Gaussian(ExponentialFamily):
    """Normal errors: least squares as a likelihood.

    Domain: any number.  Links: identity, log, inverse.  Density: N(μ, φ/w).
    Loss ½(y − μ)², V(μ) = 1, deviance (y − μ)².  Reference: t with n − p degrees of freedom.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> fit = sd.glm("mpg ~ wt", data=cars, family=sd.families.Gaussian(link="log"))
    >>> fit.params.round(3).to_dict()
    {'Intercept': 3.905, 'wt': -0.294}
    """

    link: Link = field(default_factory=Identity)

    name: ClassVar[str] = "gaussian"
    links: ClassVar[tuple[type[Link], ...]] = (Identity, Log, Inverse)
    canonical_link: ClassVar[type[Link]] = Identity
    dispersion_known: ClassVar[bool] = False

    @property
    def quadratic(self) -> bool:
        """Whether this is least squares."""
        return self.canonical

    @property
    def edged(self) -> bool:
        """Any mean is possible."""
        return False

    def variance_function(self, mean: Array) -> Array:
        return namespace(mean).ones_like(mean)

    def variance_slope(self, mean: Array) -> Array:
        return namespace(mean).zeros_like(mean)

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        if not self.canonical:
            return super().loss_and_score(eta, y)
        residual = y - eta
        return 0.5 * (residual * residual)[:, 0], residual

    def information(self, eta: Array) -> RowCurvature:
        if not self.canonical:
            return super().information(eta)
        return RowCurvature(namespace(eta).ones_like(eta), unit=True)

    def mean_loss(self, mean: Array, y: Array) -> Array:
        return 0.5 * (y - mean) * (y - mean)

    def mean_deviance(self, mean: Array, y: Array) -> Array:
        return (y - mean) * (y - mean)

    def noise(self, mean_loss: float) -> float:
        """Return twice the mean loss, the maximum-likelihood estimate of φ."""
        return 2 * mean_loss

    def in_domain(self, mean: Array) -> Array:
        return namespace(mean).isfinite(mean)

    def start_mean(self, mean: Array) -> Array:
        """A log or inverse link needs a mean above zero to start from."""
        if self.canonical:
            return mean
        xp = namespace(mean)
        return xp.where(mean > 0, mean, xp.full_like(mean, 0.1))

    def constant(self, rows: Rows, dispersion: float) -> float:
        """Return −½ Σ log(2πφ/w) over rows with w > 0."""
        y, weights = rows.y, rows.weights
        xp = namespace(y)
        if weights is None:
            return -0.5 * y.shape[0] * math.log(2 * math.pi * dispersion)
        counted = weights > 0
        logs = xp.log(xp.where(counted, weights, xp.ones_like(weights)))
        count = int(xp.sum(xp.astype(counted, xp.int64)))
        return 0.5 * (float(xp.sum(logs)) - count * math.log(2 * math.pi * dispersion))

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        return Encoded(numeric_response(self.name, kind, values), weights)

    def draw(self, mean: Any, weights: Any, dispersion: float, rng: Any) -> Any:
        return rng.normal(mean, (dispersion / weights) ** 0.5)


@dataclass(frozen=True)
class Poisson(ExponentialFamily):
    """Counts.

    Domain: y ≥ 0.  Links: log, sqrt, identity.  Density: e^−μ μ^y / y!.
    Loss μ − y log μ, V(μ) = μ, deviance 2[y log(y/μ) − (y − μ)].  Reference: normal.

    Examples
    --------
    >>> import statdl as sd
    >>> warp = sd.datasets.load("warpbreaks")
    >>> sd.glm("breaks ~ wool", data=warp, family=sd.families.Poisson()).params.round(3).to_dict()
    {'Intercept': 3.435, 'wool[T.B]': -0.206}
    """

    link: Link = field(default_factory=Log)

    name: ClassVar[str] = "poisson"
    links: ClassVar[tuple[type[Link], ...]] = (Log, Sqrt, Identity)
    canonical_link: ClassVar[type[Link]] = Log
    dispersion_known: ClassVar[bool] = True

    @property
    def ends(self) -> tuple[float, float]:
        """A mean of 0 lies at log μ = −∞; the other links have it at a finite η."""
        return (0.0 if self.canonical else -math.inf), math.inf

    def variance_function(self, mean: Array) -> Array:
        return mean

    def variance_slope(self, mean: Array) -> Array:
        return namespace(mean).ones_like(mean)

    def mean_loss(self, mean: Array, y: Array) -> Array:
        return mean - xlogy(y, mean)

    def mean_deviance(self, mean: Array, y: Array) -> Array:
        return 2 * (xlogy(y, y / mean) - (y - mean))

    def constant(self, rows: Rows, dispersion: float) -> float:
        return -float(total(gammaln(rows.y[:, 0] + 1), rows.weights))

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        y = numeric_response(self.name, kind, values)
        refuse(y < 0, y, self.name, "of 0 or more")
        if not float(total(y[:, 0], weights)) > 0:
            raise DataError("Every count of the response is 0, so that there is no mean to model.")
        return Encoded(y, weights)

    def draw(self, mean: Any, weights: Any, dispersion: float, rng: Any) -> Any:
        return rng.poisson(weights * mean) / weights


@dataclass(frozen=True)
class Gamma(ExponentialFamily):
    """Positive responses whose standard deviation is proportional to their mean.

    Domain: y > 0.  Links: inverse, log, identity.  Density: gamma with shape w/φ and mean μ.
    Loss y/μ + log μ, V(μ) = μ², deviance 2[(y − μ)/μ − log(y/μ)].  Reference: t.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> fit = sd.glm("mpg ~ wt", data=cars, family=sd.families.Gamma(link="log"))
    >>> fit.params.round(3).to_dict()
    {'Intercept': 3.832, 'wt': -0.269}
    """

    link: Link = field(default_factory=Inverse)

    name: ClassVar[str] = "gamma"
    links: ClassVar[tuple[type[Link], ...]] = (Inverse, Log, Identity)
    canonical_link: ClassVar[type[Link]] = Inverse
    dispersion_known: ClassVar[bool] = False

    def variance_function(self, mean: Array) -> Array:
        return mean * mean

    def variance_slope(self, mean: Array) -> Array:
        return 2 * mean

    def mean_loss(self, mean: Array, y: Array) -> Array:
        return y / mean + namespace(mean).log(mean)

    def mean_deviance(self, mean: Array, y: Array) -> Array:
        return 2 * ((y - mean) / mean - namespace(mean).log(y / mean))

    def constant(self, rows: Rows, dispersion: float) -> float:
        """Return Σ [s log s − log Γ(s) + (s − 1) log y] with shape s = w/φ."""
        y, weights = rows.y, rows.weights
        xp = namespace(y)
        shape = (ones_like_rows(y) if weights is None else weights) / dispersion
        counted = shape > 0
        safe = xp.where(counted, shape, xp.ones_like(shape))
        terms = safe * xp.log(safe) - gammaln(safe) + (safe - 1) * xp.log(y[:, 0])
        return float(xp.sum(xp.where(counted, terms, xp.zeros_like(terms))))

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        y = numeric_response(self.name, kind, values)
        refuse(y <= 0, y, self.name, "above 0")
        return Encoded(y, weights)

    def draw(self, mean: Any, weights: Any, dispersion: float, rng: Any) -> Any:
        shape = weights / dispersion
        return rng.gamma(shape, mean / shape)
