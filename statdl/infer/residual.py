"""Residuals of every kind, leverage, and what a summary says of least-squares residuals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import add

from statdl.backend.array import Array, epsilon, namespace
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.distribution import chi2_tail
from statdl.model.family import Family

#: Of the mean, one a row; and those that need the leverage, or the terms, as well.
KINDS = ("response", "pearson", "deviance", "working")
FURTHER_KINDS = ("standardised", "studentised", "partial")


@device_errors()
def fitted(estimate: Estimate) -> Array:
    """Return the mean response: (n, 1), or (n, K) probabilities."""
    return estimate.family.mean(estimate.eta)


@device_errors()
def residuals(estimate: Estimate, kind: str = "response") -> Array:
    """Return residuals, (n, 1), or (n, K) for K classes (response and pearson only).

    response  y − μ̂
    pearson   (y − μ̂) √(w / V(μ̂))
    deviance  sign(y − μ̂) √(w d)
    working   (y − μ̂) dη/dμ
    """
    if kind not in KINDS:
        known = ", ".join((*KINDS, *FURTHER_KINDS))
        raise ModelError(f"type={kind!r} is no kind of residual; choose one of {known}.")
    if estimate.multinomial and kind in ("deviance", "working"):
        raise ModelError(
            f"{kind} residuals are not defined for several classes; choose response or pearson."
        )
    return residuals_of(estimate.family, estimate.eta, estimate.objective.rows, kind)


def residuals_of(family: Family, eta: Array, rows: Rows, kind: str) -> Array:
    """Return the residuals of some rows at η, in one of ``KINDS``."""
    xp = namespace(eta)
    difference = _whole(family, rows.y) - family.mean(eta)
    if kind == "response":
        return difference
    weights = xp.ones_like(eta[:, :1]) if rows.weights is None else rows.weights[:, None]
    if kind == "pearson":
        if family.quadratic:
            return difference if rows.weights is None else difference * xp.sqrt(weights)
        return difference * xp.sqrt(_divided(weights, family.variance(eta)))
    if kind == "deviance":
        unit = xp.maximum(family.unit_deviance(eta, rows.y)[:, None], xp.zeros_like(weights))
        return xp.sign(difference) * xp.sqrt(weights * unit)
    return _divided(difference, family.link.derivative(eta))


def _divided(part: Array, whole: Array) -> Array:
    """Return part / whole, infinite where a fitted mean at its very end leaves no variance."""
    xp = namespace(whole)
    some = whole != 0
    ratio = part / xp.where(some, whole, xp.ones_like(whole))
    return xp.where(some, ratio, xp.full_like(ratio, math.inf))


def response_matrix(estimate: Estimate) -> Array:
    """Return y in the shape of the mean: with the reference category's share, if there is one."""
    return _whole(estimate.family, estimate.objective.rows.y)


def _whole(family: Family, y: Array) -> Array:
    if family.name != "multinomial":
        return y
    xp = namespace(y)
    return xp.concat([1 - xp.sum(y, axis=1, keepdims=True), y], axis=1)


@device_errors()
def leverage(estimate: Estimate) -> Array:
    """Return the diagonal of the hat matrix W^½ X (XᵀWX)⁻¹ Xᵀ W^½, (n,)."""
    if estimate.multinomial:
        raise ModelError("A single leverage is defined for models with one linear predictor.")
    objective = estimate.objective
    root = estimate.to_device(estimate.root)

    def block(eta: Array, rows: Rows) -> Array:
        weight = estimate.family.information(eta).diagonal[:, 0]
        if rows.weights is not None:
            weight = weight * rows.weights
        half = objective.predictor.jacobian_times(estimate.device_parameters, rows.X, root)
        return weight * namespace(half).sum(half[:, 0, :] ** 2, axis=1)

    return objective.row_map(estimate.device_parameters, block)


def freedom(leverage: Array) -> Array:
    """Return 1 − leverage, NaN for a row that its fitted value follows wherever it goes.

    Such a row has no residual of its own, and what is left of 1 − leverage is rounding.
    """
    xp = namespace(leverage)
    free = 1 - leverage
    return xp.where(free > epsilon(leverage) ** 0.5, free, xp.full_like(free, math.nan))


def standardised(estimate: Estimate, kind: str = "deviance") -> Array:
    """Return residuals divided by √(φ̂ (1 − leverage)); R's rstandard."""
    scale = (estimate.dispersion * freedom(leverage(estimate))) ** 0.5
    return residuals(estimate, kind)[:, 0] / scale


def cooks_distance(estimate: Estimate) -> Array:
    """Return Cook's distance: how far each row moves the estimate; NaN where its leverage is 1."""
    h = leverage(estimate)
    pearson = residuals(estimate, "pearson")[:, 0]
    scale = estimate.dispersion * estimate.rank
    return (pearson / freedom(h)) ** 2 * h / (scale if scale > 0 else math.nan)


def weighted_residuals(estimate: Estimate) -> Array:
    """Return √w (y − μ̂) as a vector, which the tests below are about."""
    return residuals(estimate, "pearson")[:, 0]


@dataclass(frozen=True)
class ResidualShape:
    """What a summary says of n least-squares residuals, in the order of the data."""

    n: int
    skewness: float
    kurtosis: float
    durbin_watson: float


@device_errors()
def residual_shape(estimate: Estimate) -> ResidualShape:
    """Return what the summary's tests of least-squares residuals are made of."""
    known = estimate.recall("residual_shape")
    if known is not None:
        return known
    if estimate.objective.rows.passing:
        return _shape_by_sums(estimate)
    e = weighted_residuals(estimate)
    return ResidualShape(e.shape[0], *moments(e), durbin_watson(e))


def _shape_by_sums(estimate: Estimate) -> ResidualShape:
    """Return the same from Σ e, Σ e², Σ e³, Σ e⁴ and Σ (e_t − e_{t−1})², in units of their size."""
    rows, theta = estimate.objective.rows, estimate.device_parameters
    size = math.sqrt(estimate.deviance / rows.n)
    if not size > 0:
        return ResidualShape(rows.n, math.nan, math.nan, math.nan)

    def sums(block: Rows) -> Stretch:
        eta = estimate.objective.eta(theta, block)
        e = residuals_of(estimate.family, eta, block, "pearson")[:, 0] / size
        xp = namespace(e)
        steps = float(xp.sum((e[1:] - e[:-1]) ** 2))
        powers = tuple(float(xp.sum(e**k)) for k in range(5))
        return Stretch(powers, steps, float(e[0]), float(e[-1]))

    found = rows.reduce(sums, estimate.objective.predictor.width, Stretch.followed)
    n, first, second, third, fourth = found.powers
    m = first / n
    square = second / n - m * m
    cube = third / n - 3 * m * second / n + 2 * m**3
    quartic = fourth / n - 4 * m * third / n + 6 * m * m * second / n - 3 * m**4
    return ResidualShape(int(n), cube / square**1.5, quartic / square**2, found.steps / second)


@dataclass(frozen=True)
class Stretch:
    """Sums over rows in a stretch: powers 0 to 4, squares of steps; and its first and last."""

    powers: tuple[float, ...]
    steps: float
    first: float
    last: float

    def followed(self, by: Stretch) -> Stretch:
        """Return the sums over this stretch and the one after it."""
        powers = tuple(map(add, self.powers, by.powers))
        steps = self.steps + by.steps + (by.first - self.last) ** 2
        return Stretch(powers, steps, self.first, by.last)


def durbin_watson(e: Array) -> float:
    """Return Σ (e_t − e_{t−1})² / Σ e_t²: about 2 without serial correlation."""
    total = float(e @ e)
    steps = e[1:] - e[:-1]
    return float(steps @ steps) / total if total > 0 else math.nan


def moments(e: Array) -> tuple[float, float]:
    """Return the skewness and kurtosis (3 for the normal) of the residuals."""
    xp = namespace(e)
    centred = e - xp.mean(e)
    largest = float(xp.max(xp.abs(centred)))
    if not largest > 0:
        return math.nan, math.nan
    scaled = centred / largest  # so that fourth powers neither overflow nor vanish
    spread = math.sqrt(float(xp.mean(scaled**2)))
    return float(xp.mean((scaled / spread) ** 3)), float(xp.mean((scaled / spread) ** 4))


def jarque_bera(shape: ResidualShape) -> tuple[float, float]:
    """Return n/6 (S² + (K − 3)²/4) and its χ²₂ p-value (Jarque & Bera 1980)."""
    statistic = shape.n / 6 * (shape.skewness**2 + (shape.kurtosis - 3) ** 2 / 4)
    return statistic, chi2_tail(statistic, 2)


def omnibus(shape: ResidualShape) -> tuple[float, float]:
    """Return D'Agostino and Pearson's (1973) K² and its χ²₂ p-value; NaN below 8 rows."""
    n = shape.n
    if n < 8 or math.isnan(shape.skewness):
        return math.nan, math.nan
    skewness, kurtosis = _skewness_score(shape.skewness, n), _kurtosis_score(shape.kurtosis, n)
    statistic = skewness**2 + kurtosis**2
    return statistic, chi2_tail(statistic, 2)


def _skewness_score(skewness: float, n: int) -> float:
    """Return D'Agostino's (1970) normal score of a skewness."""
    y = skewness * math.sqrt((n + 1) * (n + 3) / (6.0 * (n - 2)))
    beta = 3.0 * (n * n + 27 * n - 70) * (n + 1) * (n + 3)
    beta /= (n - 2.0) * (n + 5) * (n + 7) * (n + 9)
    w2 = -1 + math.sqrt(2 * (beta - 1))
    alpha = math.sqrt(2.0 / (w2 - 1))
    return math.asinh(y / alpha) / math.sqrt(0.5 * math.log(w2))


def _kurtosis_score(kurtosis: float, n: int) -> float:
    """Return Anscombe and Glynn's (1983) normal score of a kurtosis."""
    expected = 3.0 * (n - 1) / (n + 1)
    variance = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3.0) * (n + 5))
    x = (kurtosis - expected) / math.sqrt(variance)
    skew = 6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9))
    skew *= math.sqrt(6.0 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6.0 + 8.0 / skew * (2.0 / skew + math.sqrt(1 + 4.0 / skew**2))
    ratio = (1 - 2.0 / a) / (1 + x * math.sqrt(2.0 / (a - 4.0)))
    cube = math.copysign(abs(ratio) ** (1 / 3), ratio)
    return (1 - 2.0 / (9.0 * a) - cube) / math.sqrt(2.0 / (9.0 * a))
