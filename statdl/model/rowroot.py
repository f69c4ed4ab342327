"""Square roots of row curvatures, by which a Gauss-Newton matrix is a sum of squares."""

from __future__ import annotations

from statdl.backend.array import Array, namespace
from statdl.model.curvature import RowCurvature


def rows_of(H: RowCurvature, rows: slice) -> RowCurvature:
    """Return the curvature of some of the rows."""
    outer = None if H.outer is None else H.outer[..., rows, :]
    return RowCurvature(H.diagonal[..., rows, :], outer, H.unit)


def dense(H: RowCurvature) -> Array:
    """Return H_i as (…, n, q, q)."""
    full = _diagonals(H.diagonal)
    return full if H.outer is None else full - H.outer[..., :, None] * H.outer[..., None, :]


def root(H: RowCurvature) -> Array:
    """Return C_i with C_iᵀ C_i = H_i, for d_i ≥ 0.

    With r = u/√d and R = rᵀr, C = (I − s r rᵀ) diag(√d) where s = (1 − √(1 − R))/R. The seeds of
    a run backwards are the rows of C, which is why the last axis of the result numbers them.
    """
    xp = namespace(H.diagonal)
    half = xp.sqrt(H.diagonal)
    if H.outer is None:
        return _diagonals(half)
    some = half > 0
    r = xp.where(some, H.outer / xp.where(some, half, xp.ones_like(half)), xp.zeros_like(half))
    square = xp.sum(r * r, axis=-1, keepdims=True)
    rest = xp.sqrt(xp.maximum(1 - square, xp.zeros_like(square)))
    s = 1 / (1 + rest)  # (1 − √(1 − R))/R without its cancellation
    return _diagonals(half) - (half * r)[..., :, None] * (s * r)[..., None, :]


def _diagonals(d: Array) -> Array:
    xp = namespace(d)
    return d[..., :, None] * xp.eye(d.shape[-1], dtype=d.dtype, device=d.device)
