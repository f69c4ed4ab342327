"""Covariance matrices of the estimated parameters, by what one is ready to assume.

With H the curvature of the penalised loss at θ̂, I that of the loss alone, φ the dispersion and s_i
the score of row i:

    hessian   φ H⁻¹ I H⁻¹, I the exact second derivative
    fisher    φ H⁻¹ I H⁻¹, I the expected information (Gauss-Newton): never negative
    sandwich  H⁻¹ (Σ s_i s_iᵀ) H⁻¹, which holds when the variance is misspecified (White 1982)

Without a penalty H = I, and the first two are φ I⁻¹. By default networks have the exact information
and regressions the expected one, as in R. The sandwich's bread is the default's, so that R's
``sandwich`` agrees; under a penalty its scores are taken about their mean, which is then not 0.
Prior weights enter a score once: a row of weight 2 is one observation here and not two.

Each comes as a root R with R Rᵀ the covariance, which is all that a standard error asks for.

References
----------
White (1982), Maximum likelihood estimation of misspecified models, Econometrica 50.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.array import namespace, to_numpy
from statdl.errors import ModelError, NumericalError
from statdl.estimate import (
    EXAMINED_WEIGHTS,
    Estimate,
    Identification,
    determine,
    determined_root,
)

KINDS = ("hessian", "fisher", "sandwich")


def covariance_root(estimate: Estimate, kind: str | None = None) -> Any:
    """Return R, (P, r), with R Rᵀ the covariance of θ̂, of a kind or the fit's own."""
    if kind is not None and kind not in KINDS:
        raise ModelError(
            f"type={kind!r} is no kind of covariance; choose one of {', '.join(KINDS)}."
        )
    if kind == "sandwich":
        return _sandwich_root(estimate)
    root = estimate.root
    if kind is not None and not _is_own(estimate, kind):
        found = determine(estimate.objective, estimate.device_parameters, expected=kind == "fisher")
        root = to_numpy(found.root)
    return root * math.sqrt(estimate.dispersion)


def covariance(estimate: Estimate, kind: str | None = None) -> Any:
    """Return the covariance of the estimable coefficients, (P, P).

    It is NaN where the weights are not identified: there is no such matrix, though what the network
    predicts has its errors.
    """
    if estimate.identification is Identification.UNEXAMINED:
        raise NumericalError(
            f"{len(estimate.parameters)} weights are too many for their covariance matrix "
            f"(more than {EXAMINED_WEIGHTS}); fit a smaller network."
        )
    root = covariance_root(estimate, kind)
    matrix = root @ root.T
    singular = estimate.identification is Identification.SINGULAR
    return np.full_like(matrix, math.nan) if singular else matrix


def _is_own(estimate: Estimate, kind: str) -> bool:
    """Tell whether a kind is what the estimate has: all are one where η and the link are plain."""
    if estimate.objective.predictor.linear:
        return kind == "fisher" or estimate.family.canonical
    return kind == "hessian"


def _bread_root(estimate: Estimate) -> Any:
    """Return B with B Bᵀ = H⁻¹, the penalty in H."""
    objective = estimate.objective
    if objective.penalised is None:
        return estimate.root
    expected = objective.predictor.linear
    H = objective.curvature(estimate.device_parameters, expected=expected)
    return to_numpy(determined_root(objective.predictor, H))


def whitened_scores(estimate: Estimate) -> Any:
    """Return Σ z_i z_iᵀ over the rows, z_i = Bᵀ s_i with B Bᵀ = H⁻¹ at unit dispersion, (r, r).

    A row's score is s_i = w_i J_iᵀ (score in η); J B is what predictors are asked for anyway.
    """
    objective, theta = estimate.objective, estimate.device_parameters
    root = estimate.to_device(_bread_root(estimate))
    width = objective.predictor.outputs * (objective.size + root.shape[1])
    squares = np.zeros((root.shape[1], root.shape[1]))
    total = np.zeros(root.shape[1])
    for rows in objective.rows.blocks(width):
        _, score = estimate.family.loss_and_score(objective.eta(theta, rows), rows.y)
        if rows.weights is not None:
            score = score * rows.weights[:, None]
        half = objective.predictor.jacobian_times(theta, rows.X, root)
        z = to_numpy(namespace(half).sum(half * score[:, :, None], axis=1))
        squares += z.T @ z
        total += z.sum(axis=0)
    if objective.penalised is not None:
        squares -= np.outer(total, total) / estimate.nobs
    return squares


def score_trace(estimate: Estimate) -> float:
    """Return tr(H⁻¹ Σ s_i s_iᵀ) at unit dispersion: the parameters that the scores count."""
    known = estimate.recall("score_trace")
    return float(np.trace(whitened_scores(estimate))) if known is None else known


def _sandwich_root(estimate: Estimate) -> Any:
    values, vectors = np.linalg.eigh(whitened_scores(estimate))
    half = vectors * np.sqrt(np.maximum(values, 0.0))
    return _bread_root(estimate) @ half
