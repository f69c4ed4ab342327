"""The bootstrap of cases: rows drawn anew, the model fitted anew, a spread observed.

Each replicate draws n rows with replacement, which is a vector of multinomial counts; they multiply
the weights of the rows, so that all replicates share X and are fitted together. It assumes neither
the family's variance nor the information's inverse, and costs B refits.

    cov(θ̂) ≈ Σ_b (θ_b − θ̄)(θ_b − θ̄)ᵀ / (B − 1)

References: Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 6, 9 and 13.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, to_numpy
from statdl.backend.random import generator
from statdl.errors import ModelError, NumericalError, StatdlWarning, warn
from statdl.estimate import Estimate
from statdl.formula import Grouping
from statdl.infer.distribution import check_level
from statdl.infer.predict import Prediction, class_labels, output_labels
from statdl.kinds import is_whole
from statdl.study.many import FINE, ROUGH, Many, batch_of, fit_views
from statdl.study.repeatable import plain_linear, refuse_unbounded
from statdl.study.views import Resamples, Simulated

#: Fewest refits that a spread can be told from.
FEWEST = 2


def check_count(B: int) -> None:
    """Refuse numbers of refits that have no spread."""
    if not is_whole(B) or B < FEWEST:
        raise ModelError(f"B must be a whole number of {FEWEST} or more resamples, not {B!r}.")


def own_weights(estimate: Estimate) -> Any:
    """Return the weights of the rows on the host, (n,)."""
    weights = estimate.objective.rows.weights
    return np.ones(estimate.objective.n) if weights is None else to_numpy(weights)


def case_resamples(estimate: Estimate, B: int, seed: int) -> Resamples:
    """Return B resamples of the rows: how often each is drawn, times its weight."""
    check_count(B)
    return Resamples(own_weights(estimate), int(B), seed)


def cluster_resamples(estimate: Estimate, B: int, seed: int, group: Grouping) -> Resamples:
    """Return B resamples of clusters, whose rows come together."""
    check_count(B)
    return Resamples(own_weights(estimate), int(B), seed, to_numpy(group.codes))


def simulated_responses(estimate: Estimate, B: int, seed: int) -> Simulated:
    """Return B responses that are drawn from a fit when they are asked for."""
    rows, eta, phi = estimate.objective.rows, to_numpy(estimate.eta), estimate.dispersion
    family = estimate.family

    def draw(random: Any) -> Any:
        return family.simulate(eta, rows, phi, random)

    return Simulated(draw, B, rows.n * family.outputs, seed)


def case_weights(estimate: Estimate, B: int, seed: int) -> Any:
    """Return the weights of B resamples of the rows, (B, n)."""
    return next(case_resamples(estimate, B, seed).blocks(int(B))).weights


def resampled(
    estimate: Estimate, B: int = 200, seed: int = 0, group: Grouping | None = None
) -> Many:
    """Return B refits to resampled rows, or to resampled clusters, each from the estimate.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> resampled(fit.estimate, B=50).parameters.shape
    (50, 2)
    """
    refuse_unbounded(estimate)
    if group is None:
        views = case_resamples(estimate, B, seed)
    else:
        views = cluster_resamples(estimate, B, seed, group)
    found = fit_views(estimate, views, tolerance=spread_tolerance(estimate))
    sound = found.converged & np.isfinite(found.parameters).all(axis=1)
    if sound.sum() < FEWEST:
        raise NumericalError(
            f"Only {int(sound.sum())} of {B} bootstrap refits have a finite maximum; a penalty "
            "would give them one."
        )
    lost = int((~sound).sum())
    if lost > 0.05 * B:
        warn(
            f"{lost} of {B} bootstrap refits did not converge and are left out: the resampled rows "
            "may separate the response or leave weights undetermined. A penalty or fewer units "
            "would help.",
            StatdlWarning,
        )
    status = tuple(one for one, there in zip(found.status, sound, strict=True) if there)
    return Many(found.parameters[sound], status)


def spread_tolerance(estimate: Estimate) -> float:
    """Return how far from its minimum a refit may stop where only the spread is wanted."""
    return FINE if plain_linear(estimate.objective) else ROUGH


def bootstrap_prediction(
    estimate: Estimate,
    X: Array,
    offset: Array | None,
    *,
    scale: str = "response",
    interval: str | None = "confidence",
    level: float = 0.95,
    B: int = 200,
    seed: int = 0,
) -> Prediction:
    """Predict with the spread over resamples: standard errors, and percentile limits.

    Confidence limits are the (1 ± level)/2 quantiles of the B predictions. Prediction limits
    (normal errors) add to each a residual drawn at random, scaled by √(n/(n − p)) to make up for
    the fit.
    """
    tails = (1 - check_level(level)) / 2
    found = resampled(estimate, B, seed)
    theta = np.vstack([to_numpy(estimate.parameters)[None, :], found.parameters])
    eta = to_numpy(batch_of(estimate).eta(like(theta, X), X))
    if offset is not None:
        eta = eta + to_numpy(offset)[:, None]
    values = eta if scale == "link" else _means(estimate, eta, X)
    fit, spread = values[0], values[1:]
    error = np.std(spread, axis=0, ddof=1)
    if interval == "prediction":
        spread = spread + _residuals(estimate, spread.shape, seed)
    lower, upper = (np.quantile(spread, tail, axis=0) for tail in (tails, 1 - tails))
    labels = output_labels(estimate) if scale == "link" else class_labels(estimate)
    parts = [like(part, X) for part in (fit, error, lower, upper)]
    return Prediction(parts[0], parts[1], parts[2], parts[3], labels)


def _means(estimate: Estimate, eta: Any, X: Array) -> Any:
    """Return μ for η of shape (B, m, q)."""
    count, m, q = eta.shape
    mean = to_numpy(estimate.family.mean(like(eta.reshape(-1, q), X)))
    return mean.reshape(count, m, -1)


def _residuals(estimate: Estimate, shape: tuple[int, ...], seed: int) -> Any:
    rows = estimate.objective.rows
    residual = to_numpy(rows.y - estimate.eta)[:, 0]
    if rows.weights is not None:
        own = to_numpy(rows.weights)
        residual = (residual * np.sqrt(own))[own > 0]
    free = max(estimate.df_resid, 1.0)
    centred = (residual - residual.mean()) * math.sqrt(estimate.nobs / free)
    return generator(seed + 1).choice(centred, size=shape)
