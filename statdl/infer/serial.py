"""Tests of serial correlation: whether errors follow from those before them.

References
----------
Durbin & Watson (1950, 1951), Biometrika 37 and 38. Imhof (1961), Biometrika 48.
Breusch (1978), Australian Economic Papers 17; Godfrey (1978), Econometrica 46.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.special import host
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer import residual
from statdl.infer.auxiliary import Regression, own_regression, regression
from statdl.infer.distribution import chi2_tail, f_tail
from statdl.infer.hypothesis import HypothesisTest
from statdl.infer.specification import ALTERNATIVES
from statdl.lazy import lazy

scipy_integrate = lazy("scipy.integrate")

#: Rows up to which the exact p-value is the default.
EXACT_ROWS = 100
UNCORRELATED = "the errors are not correlated with those of the rows before"


def durbin_watson(
    estimate: Estimate, alternative: str = "greater", exact: bool | None = None
) -> HypothesisTest:
    """Return Σ (e_t − e_{t−1})² / Σ e_t², and its p-value given X.

    With M = I − X(XᵀX)⁻¹Xᵀ and A the matrix of squared differences, DW is a ratio of quadratic
    forms whose distribution under normal errors follows from the eigenvalues ν of M A M:

        P(DW < d) = P(Σ (ν_i − d) ξ_i² < 0),  ξ standard normal     (Imhof's integral),

    or approximately from its mean and variance, which need no n × n matrix. ``alternative`` is
    about the correlation: "greater" than 0 (small DW), "less" or "two.sided".
    """
    if alternative not in ALTERNATIVES:
        raise ModelError(
            f"alternative={alternative!r} is not known; choose one of {', '.join(ALTERNATIVES)}."
        )
    own = own_regression(estimate, "The Durbin-Watson test", weights=False)
    statistic = residual.durbin_watson(to_numpy(own.residuals))
    exactly = own.n < EXACT_ROWS if exact is None else exact
    below = _exact_below(statistic, own) if exactly else _normal_below(statistic, own)
    p_value = {"greater": below, "less": 1 - below, "two.sided": 2 * min(below, 1 - below)}
    return HypothesisTest(
        "Durbin-Watson test",
        "DW",
        statistic,
        {},
        p_value[alternative],
        f"{UNCORRELATED} (alternative: {_in_words(alternative)}).",
        ("The p-value is exact for normal errors." if exactly else "The p-value is approximate.",),
    )


def _in_words(alternative: str) -> str:
    words = {"greater": "positively", "less": "negatively", "two.sided": "in either direction"}
    return f"correlated {words[alternative]}"


def _exact_below(statistic: float, own: Regression) -> float:
    """Return P(DW < d) by Imhof's integral over the eigenvalues of M A M."""
    X = to_numpy(own.X)
    Q, _ = np.linalg.qr(X)
    differences = np.diff(np.eye(own.n), axis=0)
    residual_maker = np.eye(own.n) - Q @ Q.T
    half = differences @ residual_maker
    values = np.sort(np.linalg.eigvalsh(half.T @ half))[own.rank :]
    return 1 - _imhof(values - statistic)


def _imhof(weights: Any) -> float:
    """Return P(Σ λ_i ξ_i² > 0) = ½ + π⁻¹ ∫₀^∞ sin θ(u) / (u ρ(u)) du."""
    weights = weights / np.abs(weights).max()

    def integrand(u: float) -> float:
        if u == 0:
            return 0.5 * float(weights.sum())
        angle = 0.5 * np.arctan(weights * u).sum()
        length = math.exp(0.25 * float(np.log1p((weights * u) ** 2).sum()))
        return math.sin(angle) / (u * length)

    total, _ = scipy_integrate.quad(integrand, 0, np.inf, epsabs=1e-12, epsrel=1e-10, limit=500)
    return min(1.0, max(0.0, 0.5 + total / math.pi))


def _normal_below(statistic: float, own: Regression) -> float:
    """Return P(DW < d) from the mean and variance of DW.

    With P = tr MA and Q = tr (MA)², E = P/(n−k) and Var = 2 (Q − P E) / ((n−k)(n−k+2)).
    """
    Q, _ = namespace(own.X).linalg.qr(own.X, mode="reduced")
    once = _differenced(Q)
    crossed, squared = to_numpy(Q.T @ once), to_numpy(once.T @ once)
    n, free = own.n, own.n - own.rank
    first = 2 * (n - 1) - np.trace(crossed)
    second = 2 * (3 * n - 4) - 2 * np.trace(squared) + np.trace(crossed @ crossed)
    mean = first / free
    variance = 2 / (free * (free + 2)) * (second - first * mean)
    return float(host("ndtr")((statistic - mean) / math.sqrt(variance)))


def _differenced(Q: Array) -> Array:
    """Return A Q, A the tridiagonal matrix of eᵀ A e = Σ (e_t − e_{t−1})²."""
    xp = namespace(Q)
    steps = Q[1:, :] - Q[:-1, :]
    nothing = xp.zeros_like(Q[:1, :])
    return xp.concat([nothing, steps], axis=0) - xp.concat([steps, nothing], axis=0)


def breusch_godfrey(
    estimate: Estimate, order: int = 1, type: str = "Chisq", fill: float = 0.0
) -> HypothesisTest:
    """Return n R² of the residuals on X and their own lags 1 … order, or F of these.

    ``fill`` stands for residuals before the first; NaN leaves those rows out.
    """
    if type not in ("Chisq", "F"):
        raise ModelError(f"type={type!r} is not known; choose Chisq or F.")
    if order < 1 or order != int(order):
        raise ModelError(f"order={order!r} must be a whole number of lags from 1 on.")
    own = own_regression(estimate, "The Breusch-Godfrey test", weights=False)
    if own.n <= own.rank + 2 * order:
        raise DataError(f"{own.n} rows are too few for order={order}.")
    xp = namespace(own.X)
    e = own.residuals
    lags = [xp.concat([xp.full_like(e[:lag], fill), e[:-lag]]) for lag in range(1, order + 1)]
    first = order if math.isnan(fill) else 0
    Z = xp.concat([own.X, xp.stack(lags, axis=1)], axis=1)[first:, :]
    e = e[first:]
    fitted = regression(Z, e)
    total, n = float(e @ e), own.n - first
    if type == "Chisq":
        statistic = n * (1 - fitted.rss / total)
        parameters, p_value = {"df": order}, chi2_tail(statistic, order)
    else:
        df = n - fitted.rank
        statistic = ((total - fitted.rss) / order) / (fitted.rss / df)
        parameters, p_value = {"df1": order, "df2": df}, f_tail(statistic, order, df)
    return HypothesisTest(
        f"Breusch-Godfrey test for serial correlation of order up to {order}",
        "LM",
        statistic,
        parameters,
        p_value,
        f"{UNCORRELATED}, up to {order}.",
    )
