"""Link functions: how the mean of a response follows from the linear predictor η.

Two kinds, because two things go wrong in the tails:

* :class:`Link` for means without an upper end (gaussian, poisson, gamma): μ, dμ/dη, and the
  *bend* (d²μ/dη²) / (dμ/dη), all that Newton's method asks of a link.
* :class:`Tolerance` for probabilities (Finney's tolerance distributions): log μ and log(1 − μ) are
  computed each in its own right, since 1 − μ is 0 in floating point long before it is 0.
"""

from __future__ import annotations

import math

from statdl.backend.array import Array, namespace
from statdl.backend.special import log_ndtr, logit_loss_and_score, ndtr, ndtri, sigmoid, softplus


class Link:
    """A differentiable, invertible map from η to the mean μ."""

    name: str
    formula: str

    def mean(self, eta: Array) -> Array:
        """Return μ(η)."""
        raise NotImplementedError

    def derivative(self, eta: Array) -> Array:
        """Return dμ/dη."""
        raise NotImplementedError

    def bend(self, eta: Array) -> Array:
        """Return (d²μ/dη²) / (dμ/dη)."""
        raise NotImplementedError

    def link(self, mean: Array) -> Array:
        """Return η(μ)."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))


class Identity(Link):
    """η = μ."""

    name = "identity"
    formula = "μ"

    def mean(self, eta: Array) -> Array:
        return eta

    def derivative(self, eta: Array) -> Array:
        return namespace(eta).ones_like(eta)

    def bend(self, eta: Array) -> Array:
        return namespace(eta).zeros_like(eta)

    def link(self, mean: Array) -> Array:
        return mean


class Log(Link):
    """η = log μ."""

    name = "log"
    formula = "log(μ)"

    def mean(self, eta: Array) -> Array:
        return namespace(eta).exp(eta)

    def derivative(self, eta: Array) -> Array:
        return namespace(eta).exp(eta)

    def bend(self, eta: Array) -> Array:
        return namespace(eta).ones_like(eta)

    def link(self, mean: Array) -> Array:
        return namespace(mean).log(mean)


class Sqrt(Link):
    """η = √μ; μ = η² is defined on the branch η > 0."""

    name = "sqrt"
    formula = "√μ"

    def mean(self, eta: Array) -> Array:
        xp = namespace(eta)
        return xp.where(eta > 0, eta * eta, xp.full_like(eta, -math.inf))

    def derivative(self, eta: Array) -> Array:
        return 2 * eta

    def bend(self, eta: Array) -> Array:
        return 1 / eta

    def link(self, mean: Array) -> Array:
        return namespace(mean).sqrt(mean)


class Inverse(Link):
    """η = 1/μ."""

    name = "inverse"
    formula = "1/μ"

    def mean(self, eta: Array) -> Array:
        return 1 / eta

    def derivative(self, eta: Array) -> Array:
        return -1 / (eta * eta)

    def bend(self, eta: Array) -> Array:
        return -2 / eta

    def link(self, mean: Array) -> Array:
        return 1 / mean


class Tolerance(Link):
    """A probability as the distribution function F of a tolerance: μ = F(η).

    Subclasses give log F, log(1 − F), log F′ and the bend F″/F′; the Bernoulli likelihood needs
    only the two hazards

        a = F′/F        (what a success adds to the score)
        b = F′/(1 − F)  (what a failure takes from it).
    """

    def log_mean(self, eta: Array) -> Array:
        """Return log μ."""
        raise NotImplementedError

    def log_complement(self, eta: Array) -> Array:
        """Return log(1 − μ)."""
        raise NotImplementedError

    def log_density(self, eta: Array) -> Array:
        """Return log dμ/dη."""
        raise NotImplementedError

    def mean(self, eta: Array) -> Array:
        return namespace(eta).exp(self.log_mean(eta))

    def derivative(self, eta: Array) -> Array:
        return namespace(eta).exp(self.log_density(eta))

    def hazards(self, eta: Array) -> tuple[Array, Array]:
        """Return a = μ′/μ and b = μ′/(1 − μ)."""
        xp = namespace(eta)
        log_density = self.log_density(eta)
        success = xp.exp(log_density - self.log_mean(eta))
        failure = xp.exp(log_density - self.log_complement(eta))
        return success, failure

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        """Return −y log μ − (1 − y) log(1 − μ) and y a − (1 − y) b."""
        success, failure = self.hazards(eta)
        loss = -(y * self.log_mean(eta) + (1 - y) * self.log_complement(eta))
        return loss, y * success - (1 - y) * failure

    def expected(self, eta: Array) -> Array:
        """Return the expected information μ′² / (μ(1 − μ)) = a b."""
        success, failure = self.hazards(eta)
        return success * failure

    def observed(self, eta: Array, y: Array) -> Array:
        """Return the observed information y (a² − c a) + (1 − y)(b² + c b), c = μ″/μ′."""
        success, failure = self.hazards(eta)
        bend = self.bend(eta)
        return y * success * (success - bend) + (1 - y) * failure * (failure + bend)


class Logit(Tolerance):
    """η = log(μ / (1 − μ)): the logistic distribution, canonical for the Bernoulli."""

    name = "logit"
    formula = "log(μ/(1-μ))"

    def log_mean(self, eta: Array) -> Array:
        return -softplus(-eta)

    def log_complement(self, eta: Array) -> Array:
        return -softplus(eta)

    def log_density(self, eta: Array) -> Array:
        return self.log_mean(eta) + self.log_complement(eta)

    def mean(self, eta: Array) -> Array:
        return sigmoid(eta)

    def bend(self, eta: Array) -> Array:
        return 1 - 2 * sigmoid(eta)

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        """Return softplus(η) − yη and y − μ."""
        return logit_loss_and_score(eta, y)

    def expected(self, eta: Array) -> Array:
        """Return μ(1 − μ) = t / (1 + t)² with t = e^−|η|."""
        xp = namespace(eta)
        tail = xp.exp(-xp.abs(eta))
        return tail / ((1 + tail) * (1 + tail))

    def observed(self, eta: Array, y: Array) -> Array:
        return self.expected(eta)

    def link(self, mean: Array) -> Array:
        xp = namespace(mean)
        return xp.log(mean) - xp.log1p(-mean)


class Probit(Tolerance):
    """η = Φ⁻¹(μ): the normal distribution."""

    name = "probit"
    formula = "Φ⁻¹(μ)"

    def log_mean(self, eta: Array) -> Array:
        return log_ndtr(eta)

    def log_complement(self, eta: Array) -> Array:
        return log_ndtr(-eta)

    def log_density(self, eta: Array) -> Array:
        return -0.5 * eta * eta - 0.5 * math.log(2 * math.pi)

    def mean(self, eta: Array) -> Array:
        return ndtr(eta)

    def bend(self, eta: Array) -> Array:
        return -eta

    def link(self, mean: Array) -> Array:
        return ndtri(mean)


class Cauchit(Tolerance):
    """η = tan(π(μ − ½)): the Cauchy distribution."""

    name = "cauchit"
    formula = "tan(π(μ-1/2))"

    def log_mean(self, eta: Array) -> Array:
        return namespace(eta).log(self.mean(eta))

    def log_complement(self, eta: Array) -> Array:
        return self.log_mean(-eta)

    def log_density(self, eta: Array) -> Array:
        return -namespace(eta).log1p(eta * eta) - math.log(math.pi)

    def mean(self, eta: Array) -> Array:
        """Return ½ + atan(η)/π as atan2(1, −η)/π, which keeps the lower tail's digits."""
        xp = namespace(eta)
        return xp.atan2(xp.ones_like(eta), -eta) / math.pi

    def bend(self, eta: Array) -> Array:
        return -2 * eta / (1 + eta * eta)

    def link(self, mean: Array) -> Array:
        return namespace(mean).tan(math.pi * (mean - 0.5))


class ComplementaryLogLog(Tolerance):
    """η = log(−log(1 − μ)): the Gumbel distribution of a smallest value."""

    name = "cloglog"
    formula = "log(-log(1-μ))"

    def log_mean(self, eta: Array) -> Array:
        xp = namespace(eta)
        return xp.log(-xp.expm1(-xp.exp(eta)))

    def log_complement(self, eta: Array) -> Array:
        return -namespace(eta).exp(eta)

    def log_density(self, eta: Array) -> Array:
        return eta - namespace(eta).exp(eta)

    def mean(self, eta: Array) -> Array:
        xp = namespace(eta)
        return -xp.expm1(-xp.exp(eta))

    def bend(self, eta: Array) -> Array:
        return 1 - namespace(eta).exp(eta)

    def link(self, mean: Array) -> Array:
        xp = namespace(mean)
        return xp.log(-xp.log1p(-mean))
