"""Intervals and errors from many estimates: of resamples, of simulated data, of rows left out.

With θ* the B estimates, θ̂ that of all rows, z the normal quantile and α the error of one side:

    percentile   θ*_(α), θ*_(1−α)
    basic        2 θ̂ − θ*_(1−α), 2 θ̂ − θ*_(α)
    normal       θ̂ − (θ̄* − θ̂) ± z se*
    bca          θ*_(α₁), θ*_(α₂),  α₁ = Φ(z₀ + (z₀ + z_α) / (1 − a (z₀ + z_α)))

where Φ(z₀) is the share of θ* below θ̂, and a, the acceleration, comes from the jackknife:
a = Σ U_i³ / (6 (Σ U_i²)^{3/2}), U_i = θ̄_(·) − θ̂_(i). Quantiles interpolate linearly between
order statistics (R's type 7).

References
----------
Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 11, 13 and 14.
Davison & Hinkley (1997), Bootstrap Methods and their Application, ch. 5.
Efron (1987), JASA 82, 171 (BCa).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.infer.distribution import check_level, normal_cdf, normal_quantile

METHODS = ("percentile", "bca", "basic", "normal")

Limits = tuple[Any, Any]


@dataclass(frozen=True)
class Spread:
    """Estimates around one.

    Shapes
    ------
    estimate : (P,), θ̂
    drawn : (B, P), θ*; those that failed are left out
    left_out : (g, P), θ̂_(i) without each group of rows, or None
    """

    estimate: Any
    drawn: Any
    left_out: Any = None

    def limits(self, method: str, level: float) -> Limits:
        """Return lower and upper limits, (P,) each.

        Raises
        ------
        ModelError
            For a method that is not known, or a level that is none.
        """
        if method not in METHODS:
            raise ModelError(f"method={method!r} is not known; choose {', '.join(METHODS)}.")
        tail = (1 - check_level(level)) / 2
        if len(self.drawn) < 2:
            nothing = np.full(self.estimate.shape, math.nan)
            return nothing, nothing
        function = {
            "percentile": self._percentile,
            "basic": self._basic,
            "normal": self._normal,
            "bca": self._bca,
        }[method]
        return function(tail)

    @property
    def bias(self) -> Any:
        """θ̄* − θ̂, (P,)."""
        return self._mean - self.estimate

    @property
    def standard_error(self) -> Any:
        """The standard deviation of θ*, (P,)."""
        if len(self.drawn) < 2:
            return np.full(self.estimate.shape, math.nan)
        return self.drawn.std(axis=0, ddof=1)

    @property
    def _mean(self) -> Any:
        if not len(self.drawn):
            return np.full(self.estimate.shape, math.nan)
        return self.drawn.mean(axis=0)

    def _percentile(self, tail: float) -> Limits:
        return np.quantile(self.drawn, tail, axis=0), np.quantile(self.drawn, 1 - tail, axis=0)

    def _basic(self, tail: float) -> Limits:
        lower, upper = self._percentile(tail)
        return 2 * self.estimate - upper, 2 * self.estimate - lower

    def _normal(self, tail: float) -> Limits:
        reach = -normal_quantile(tail) * self.standard_error
        centre = self.estimate - self.bias
        return centre - reach, centre + reach

    def _bca(self, tail: float) -> Limits:
        below = (self.drawn < self.estimate).mean(axis=0) / 2
        shift = normal_quantile(below + (self.drawn <= self.estimate).mean(axis=0) / 2)
        acceleration = accelerated(self.left_out)
        return (
            self._at(_corrected(shift, acceleration, tail)),
            self._at(_corrected(shift, acceleration, 1 - tail)),
        )

    def _at(self, shares: Any) -> Any:
        """Return the quantile of each column at a share of its own."""
        found = [
            np.quantile(column, share) if math.isfinite(share) else math.nan
            for column, share in zip(self.drawn.T, shares, strict=True)
        ]
        return np.asarray(found)


def _corrected(shift: Any, acceleration: Any, tail: float) -> Any:
    """Return α₁, or α₂ for the upper tail; NaN where all θ* are on one side of θ̂."""
    moved = shift + normal_quantile(tail)
    with np.errstate(invalid="ignore"):
        return normal_cdf(shift + moved / (1 - acceleration * moved))


def accelerated(left_out: Any) -> Any:
    """Return a of each column, (P,), from the estimates without each group of rows.

    Examples
    --------
    >>> bool(accelerated(np.array([[1.0], [2.0], [3.0]]))[0] == 0)
    True
    """
    U = left_out.mean(axis=0) - left_out
    square = (U * U).sum(axis=0)
    safe = np.where(square > 0, square, 1.0)
    return np.where(square > 0, (U**3).sum(axis=0) / (6 * safe**1.5), 0.0)


def jackknife_error(left_out: Any) -> Any:
    """Return √((g − 1)/g Σ (θ̂_(i) − θ̄_(·))²) of each column, (P,)."""
    g = len(left_out)
    if g < 2:
        return np.full(left_out.shape[1:], math.nan)
    return np.sqrt((g - 1) / g * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))


def jackknife_bias(estimate: Any, left_out: Any) -> Any:
    """Return (g − 1)(θ̄_(·) − θ̂) of each column, (P,)."""
    return (len(left_out) - 1) * (left_out.mean(axis=0) - estimate)
