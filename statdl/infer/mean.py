"""Derivatives of the mean response in the linear predictors, for every family.

    D_ikc = ∂μ_k/∂η_c,      and how D d changes with η for a fixed direction d.

A mean of one column has D = dμ/dη and its link's bend. Class probabilities p_k, whose reference has
η = 0, have ∂p_k/∂η_c = p_k (1[k = c] − p_c); along d they change by p_k (d_k − d̄), d̄ = Σ p_c d_c.
"""

from __future__ import annotations

from statdl.backend.array import Array, namespace
from statdl.model.family import Family


def mean_jacobian(family: Family, eta: Array) -> Array:
    """Return ∂μ_k/∂η_c of each row, (n, K, q)."""
    mean = family.mean(eta)
    if mean.shape[1] == 1:
        return family.link.derivative(eta)[:, :, None]
    return softmax_jacobian(mean)


def mean_bend(family: Family, eta: Array, direction: Array) -> Array:
    """Return Σ_c ∂²μ_k/∂η_a∂η_c d_c of each row, (n, K, q), for d of shape (n, q)."""
    mean = family.mean(eta)
    if mean.shape[1] == 1:
        slope = family.link.derivative(eta)
        some = slope != 0  # a saturated mean has no slope, and may have no bend that is a number
        xp = namespace(eta)
        bend = xp.where(some, family.link.bend(eta), xp.zeros_like(eta))
        return (slope * bend * direction)[:, :, None]
    xp = namespace(mean)
    own = xp.concat([xp.zeros_like(direction[:, :1]), direction], axis=1)
    centred = own - xp.sum(mean * own, axis=1, keepdims=True)
    turned = mean[:, :, None] * (mean * centred)[:, None, 1:]
    return softmax_jacobian(mean) * centred[:, :, None] - turned


def softmax_jacobian(mean: Array) -> Array:
    """Return ∂p_k/∂η_j = p_k (1[k = j] − p_j) for the classes k and the non-reference j."""
    xp = namespace(mean)
    identity = xp.eye(mean.shape[1], dtype=mean.dtype, device=mean.device)[:, 1:]
    return mean[:, :, None] * (identity[None, :, :] - mean[:, None, 1:])
