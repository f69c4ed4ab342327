"""Covariances by refits, and the one place where every kind of covariance is had.

    pairs     rows are drawn with replacement, the model fitted to them
    cluster   clusters are, with all their rows
    residual  y* = η̂ + e*, e* drawn from the residuals (linear regression, equal variances)
    wild      y* = η̂ + v e with random signs v, of a row or of its cluster (linear regression)

Linear regression is linear in y, so that residual and wild refits are one product,

    θ* − θ̂ = B Σ_i (J_i B)ᵀ w_i e*_i,    B Bᵀ = (XᵀWX)⁻¹.

Residuals are centred and multiplied by √(n/(n − p)) for "residual"; for "wild" they are as they
are, so that the spread over all signs is HC0 (with clusters, the clustered one without correction).

References
----------
Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 6 and 9.
Wu (1986), Annals of Statistics 14, 1261; Liu (1988), Annals of Statistics 16, 1696 (wild).
Cameron, Gelbach & Miller (2008), Review of Economics and Statistics 90, 414 (clusters).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.random import generator
from statdl.backend.rows import Rows
from statdl.errors import ModelError
from statdl.estimate import Estimate, Identification, Reported
from statdl.formula import Grouping
from statdl.infer.covariance import (
    cluster_df,
    clusters,
    model_df,
    refuse_rowless,
    refuse_unexamined,
    report,
)
from statdl.infer.covariance_choice import Covariance, as_covariance
from statdl.infer.covariance_given import given
from statdl.infer.meat import group_count
from statdl.solve.progress import shown
from statdl.study.bootstrap import check_count, resampled

#: Numbers that the responses drawn at once may take up.
ROOM = 8_000_000


def under(estimate: Estimate, vcov: Any = None, cluster: Any = None) -> Estimate:
    """Return an estimate whose errors and tests are from the covariance asked for.

    ``vcov`` is a name of :data:`~statdl.infer.covariance_choice.KINDS`, a formula of clusters, a
    :class:`~statdl.infer.covariance_choice.Covariance`, or a matrix; None without clusters changes
    nothing.
    """
    if vcov is None and cluster is None:
        return estimate
    if vcov is not None and not isinstance(vcov, str | Covariance):
        if cluster is not None:
            raise ModelError("vcov= is a matrix, which clusters can add nothing to.")
        return estimate.reporting(given(estimate, vcov))
    choice = as_covariance(vcov, cluster)
    found = resampling(estimate, choice) if choice.type == "bootstrap" else report(estimate, choice)
    return estimate.reporting(found)


def resampling(estimate: Estimate, choice: Covariance) -> Reported:
    """Return the covariance of θ̂ over refits."""
    scheme = choice.scheme or ("pairs" if choice.cluster is None else "cluster")
    check_count(choice.B)
    refuse_rowless(estimate, choice.type)
    refuse_unexamined(estimate)
    group = _group(estimate, choice, scheme)
    if scheme in ("residual", "wild"):
        _refuse_nonlinear(estimate, scheme)
        drawn = _redrawn(estimate, choice, scheme, group)
    else:
        drawn = resampled(estimate, choice.B, choice.seed, group).parameters
    df = model_df(estimate)
    if group is not None:
        df = cluster_df(estimate, [group_count(estimate, group)])
    what = f"{scheme}, clusters of `{group.name}`" if group is not None else scheme
    note = f"Standard errors are the spread of {choice.B} bootstrap refits ({what})."
    root = (drawn - drawn.mean(axis=0)).T / math.sqrt(len(drawn) - 1)
    if estimate.identification is Identification.SINGULAR:
        root = np.full_like(root, math.nan)
    return Reported("bootstrap", _narrow(root), df, note)


def _narrow(root: Any) -> Any:
    """Return a square R with the same R Rᵀ as a wide one."""
    if root.shape[1] <= root.shape[0] or not np.isfinite(root).all():
        return root
    triangle: Any = np.linalg.qr(root.T, mode="r")
    return triangle.T


def _group(estimate: Estimate, choice: Covariance, scheme: str) -> Grouping | None:
    if choice.cluster is None:
        return None
    if scheme not in ("cluster", "wild"):
        raise ModelError(f"scheme={scheme!r} has no clusters; choose 'cluster' or 'wild'.")
    groups = clusters(estimate, choice.cluster)
    if len(groups) > 1:
        raise ModelError("The bootstrap draws clusters of one way; for two ways use 'cluster'.")
    return groups[0]


def _refuse_nonlinear(estimate: Estimate, scheme: str) -> None:
    specification = estimate.specification
    if not specification.least_squares or specification.penalty.active:
        raise ModelError(
            f"scheme={scheme!r} makes responses of any value, which only linear regression "
            "(without a penalty) takes; use scheme='pairs' or clusters."
        )


def _redrawn(estimate: Estimate, choice: Covariance, scheme: str, group: Grouping | None) -> Any:
    """Return θ* of B responses, (B, P)."""
    rows = estimate.objective.rows
    residual = to_numpy(rows.y - estimate.eta)[:, 0]
    own = np.ones(rows.n) if rows.weights is None else to_numpy(rows.weights)
    rng = generator(choice.seed)
    together = max(1, ROOM // rows.n)
    sizes = [min(together, choice.B - first) for first in range(0, choice.B, together)]
    parts = []
    for size in shown(sizes, "bootstrap"):
        if scheme == "wild":
            drawn = _signs(rng, size, rows.n, group) * residual
        else:
            drawn = _exchanged(rng, size, residual, own, estimate)
        parts.append(_moved(estimate, drawn * own))
    return to_numpy(estimate.parameters) + np.concatenate(parts)


def _signs(rng: Any, count: int, n: int, group: Grouping | None) -> Any:
    """Return −1 and 1 with equal chances, (count, n), the same for all rows of a cluster."""
    if group is None:
        return 2.0 * rng.integers(0, 2, size=(count, n)) - 1.0
    codes = to_numpy(group.codes)
    return (2.0 * rng.integers(0, 2, size=(count, int(codes.max()) + 1)) - 1.0)[:, codes]


def _exchanged(rng: Any, count: int, residual: Any, own: Any, estimate: Estimate) -> Any:
    """Return residuals of other rows, (count, n), at the variance of the row they come to."""
    counted = own > 0
    standard = (residual * np.sqrt(own))[counted]
    standard = (standard - standard.mean()) * math.sqrt(estimate.nobs / estimate.df_resid)
    scale = np.where(counted, 1 / np.sqrt(np.where(counted, own, 1.0)), 0.0)
    return rng.choice(standard, size=(count, len(own))) * scale


def _moved(estimate: Estimate, weighted: Any) -> Any:
    """Return θ* − θ̂ for weighted errors w e*, (B, n) → (B, P)."""
    objective = estimate.objective
    root = estimate.to_device(estimate.root)
    total: Array = 0.0
    first = 0
    for rows in objective.rows.blocks(objective.size + weighted.shape[0]):
        half = _half(estimate, rows, root)
        total = total + like(weighted[:, first : first + rows.n], half) @ half
        first += rows.n
    return to_numpy(total @ root.T)


def _half(estimate: Estimate, rows: Rows, root: Array) -> Array:
    theta = estimate.device_parameters
    half = estimate.objective.predictor.jacobian_times(theta, rows.X, root)
    return namespace(half).reshape(half, (rows.n, -1))
