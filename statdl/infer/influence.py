"""Influence: what each row does to the fit, from one pass over blocks of rows.

With W the weights of the last step of scoring, V = (XᵀWX)⁻¹ = B Bᵀ and p coefficients,

    hat             h_i = w_i x_iᵀ V x_i = w_i ‖Bᵀ x_i‖²
    sigma           s_(i)² = (D − d_i² / (1 − h_i)) / (n − p − 1), D the deviance, Σ d_i²
    rstandard       d_i / √(φ (1 − h_i))
    rstudent        d_i / (s_(i) √(1 − h_i)) for least squares; otherwise
                    sign(d_i) √(d_i² + h_i r_i²/(1 − h_i)), divided by s_(i) where the dispersion is
                    estimated (Williams 1987)
    dffits          d_i √h_i / (s_(i) (1 − h_i))
    covratio        (s_(i)² / s²)^p / (1 − h_i)
    cooks.distance  (r_i / (1 − h_i))² h_i / (φ p)
    dfbetas         V x_i √w_i d_i / ((1 − h_i) s_(i) √V_jj), one a coefficient

with r_i Pearson's and d_i the deviance residual, both with the prior weight in them. For least
squares d = r and all are exact: what a fit without row i gives. For other families they are one
step of scoring from θ̂, with R's choice of residual for each. Nothing is n × n.

A row that its own fitted value follows wherever it goes, h_i = 1, has NaN. Classes are in
:mod:`statdl.infer.several`.

References
----------
Belsley, Kuh & Welsch (1980), Regression Diagnostics. Pregibon (1981), Logistic regression
diagnostics, Ann. Statist. 9. Williams (1987), Generalized linear model diagnostics using the
deviance and single case deletions, Appl. Statist. 36.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, namespace, overflow_allowed, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.distribution import two_sided
from statdl.infer.residual import freedom, residuals_of
from statdl.infer.several import MEASURES as SEVERAL
from statdl.infer.several import influence_on_several

#: R's functions of these names, in the order of the frame that holds them all.
MEASURES = ("hat", "sigma", "rstandard", "rstudent", "dffits", "covratio", "cooks.distance")


@device_errors()
def influence(estimate: Estimate, measures: Sequence[str] = MEASURES, *, dfbetas: bool) -> Array:
    """Return measures of influence as rows of (measures, n), those of each coefficient after them.

    Raises
    ------
    ModelError
        For networks and penalised fits, and for measures that several predictors do not have.
    """
    _check_regression(estimate)
    if estimate.multinomial:
        return influence_on_several(estimate, measures, dfbetas=dfbetas)
    one = _Deletion.of(estimate)
    estimate.objective.rows.require_memory()
    n, size = estimate.objective.rows.n, len(measures) + dfbetas * estimate.rank
    xp = namespace(one.root)
    found = xp.empty((size, n), dtype=one.root.dtype, device=one.root.device)
    start = 0
    for rows in estimate.objective.rows.blocks(3 * estimate.rank + 16):
        block = slice(start, start + rows.n)
        with overflow_allowed():  # a fit without residuals has NaN
            here = one.block(rows)
        for k, name in enumerate(measures):
            found[k, block] = here[name]
        if dfbetas:
            found[len(measures) :, block] = one.scaled_root @ here["half"] * here["push"][None, :]
        start += rows.n
    return found


def measures_of(estimate: Estimate) -> tuple[str, ...]:
    """Return the measures that a fit has, in the order of the frame that holds them all."""
    return SEVERAL if estimate.multinomial else MEASURES


def check(estimate: Estimate) -> None:
    """Raise where a row has no single leverage and residual."""
    _check_regression(estimate)
    if estimate.multinomial:
        raise ModelError(
            "This is defined for models with one linear predictor; with several classes a row has "
            "a matrix of leverages. There are leverage(), cooks_distance(), dfbetas() and "
            "influence(), or glm(..., family='binomial') on the rows of two classes."
        )


def _check_regression(estimate: Estimate) -> None:
    if estimate.specification.plan is not None:
        raise ModelError("Influence measures are for regressions; a network has none.")
    if estimate.specification.penalty.active:
        raise ModelError(
            "Influence measures hold for fits without a penalty: leaving a row out of this one "
            "would change how far it shrinks."
        )


@dataclass(frozen=True)
class _Deletion:
    """What leaving out any one row starts from: totals, and the root of V."""

    estimate: Estimate
    root: Array  # (p, p) B
    scaled_root: Array  # (p, p) B with its rows divided by √V_jj

    @classmethod
    def of(cls, estimate: Estimate) -> _Deletion:
        root = estimate.root
        lengths = namespace(root).sqrt((root * root).sum(axis=1))
        return cls(estimate, estimate.to_device(root), estimate.to_device(root / lengths[:, None]))

    def block(self, rows: Rows) -> dict[str, Array]:
        """Return every measure of some rows, (n,) each, with what DFBETAS are made of."""
        estimate, family = self.estimate, self.estimate.family
        objective, theta = estimate.objective, estimate.device_parameters
        xp = namespace(self.root)
        eta = objective.eta(theta, rows)
        pearson = residuals_of(family, eta, rows, "pearson")[:, 0]
        own = pearson if family.quadratic else residuals_of(family, eta, rows, "deviance")[:, 0]
        weight = family.information(eta).diagonal[:, 0]
        if rows.weights is not None:
            weight = weight * rows.weights
        half = self._half(rows.X)
        hat = weight * xp.sum(half * half, axis=0)
        free = freedom(hat)
        root_free = xp.sqrt(free)
        sigma = self._sigma(own, free, rows)
        bare = family.dispersion_known
        student = own / root_free
        if not family.quadratic:
            student = xp.sign(own) * xp.sqrt(own * own + hat * pearson * pearson / free)
        scale = estimate.dispersion
        return {
            "hat": hat,
            "sigma": sigma,
            "rstandard": own / (root_free * math.sqrt(scale)),
            "rstudent": student if bare else student / sigma,
            "dffits": own * xp.sqrt(hat) / (sigma * free),
            "covratio": (sigma / self._spread) ** (2 * estimate.rank) / free,
            "cooks.distance": (pearson / free) ** 2 * hat / _or_nan(scale * estimate.rank),
            "half": half,
            "push": xp.sqrt(weight) * own / (free * sigma),
        }

    def _half(self, X: Array) -> Array:
        """Return Bᵀ x_i of some rows as (p, n): sums over coefficients then run along the rows."""
        if not self.estimate.objective.intercept:
            return self.root.T @ X.T
        return self.root[1:, :].T @ X.T + self.root[0, :][:, None]

    def _sigma(self, own: Array, free: Array, rows: Rows) -> Array:
        """Return s_(i); a row of weight 0 leaves s as it is."""
        xp = namespace(own)
        left = self.estimate.deviance - own * own / free
        sigma = xp.sqrt(xp.maximum(left, xp.zeros_like(left)) / _or_nan(self._df - 1))
        if rows.weights is None:
            return sigma
        return xp.where(rows.weights > 0, sigma, xp.full_like(sigma, self._spread))

    @property
    def _df(self) -> float:
        return self.estimate.df_resid

    @property
    def _spread(self) -> float:
        """√(D / (n − p)): σ̂ for least squares."""
        return math.sqrt(self.estimate.deviance / _or_nan(self._df))


def _or_nan(positive: float) -> float:
    return positive if positive > 0 else math.nan


@dataclass(frozen=True)
class Outliers:
    """The rows with the largest studentised residuals, and their p-values.

    row is the position among the rows that were used; the Bonferroni p-value is n times the other,
    at most 1.
    """

    row: Any
    rstudent: Any
    p_value: Any
    bonferroni: Any
    rows: int


def outliers(estimate: Estimate, cutoff: float = 0.05, most: int = 10) -> Outliers:
    """Test whether the largest studentised residuals are outliers (Bonferroni).

    The residual of a row that fits like the others has a t distribution with n − p − 1 degrees of
    freedom in least squares, and nearly a normal one otherwise; there are n of them to choose from.
    The rows with a p-value of at most ``cutoff``, or else the first of all.
    """
    values = to_numpy(influence(estimate, ("rstudent",), dfbetas=False)[0, :])
    xp = namespace(values)
    usable = xp.nonzero(xp.isfinite(values) & _counted(estimate, values))[0]
    df = estimate.df_resid - 1 if estimate.family.quadratic else math.inf
    order = usable[xp.argsort(-xp.abs(values[usable]), stable=True)][:most]
    p_value = two_sided(values[order], df)
    bonferroni = len(usable) * p_value
    kept = max(1, int(xp.sum(bonferroni <= cutoff)))
    return Outliers(
        order[:kept],
        values[order[:kept]],
        p_value[:kept],
        xp.minimum(bonferroni[:kept], 1.0),
        len(usable),
    )


def _counted(estimate: Estimate, values: Any) -> Any:
    weights = estimate.objective.rows.weights
    return values == values if weights is None else to_numpy(weights) > 0
