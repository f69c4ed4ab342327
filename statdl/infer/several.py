"""Influence where a row has several linear predictors, as in softmax regression.

With J_i the Jacobian of the q predictors of row i, W_i their information, s_i their score and
V = (Σ JᵀWJ)⁻¹ = B Bᵀ, all with the prior weight in them, a row has a matrix of leverages,

    M_i = J_i V J_iᵀ,    hat  h_i = tr(W_i M_i),    Σ h_i = P,

and one step of scoring from θ̂ without the row moves the coefficients by

    θ̂ − θ̂_(i) ≈ V J_iᵀ t_i,    t_i = (I − W_i M_i)⁻¹ s_i,

    cooks.distance   t_iᵀ M_i t_i / P,    dfbetas   (V J_iᵀ t_i)_j / √V_jj.

With q = 1 they are those of :mod:`statdl.infer.influence`, dfbetas with the Pearson residual. A row
that its own fitted values follow wherever they go has NaN.

Reference: Lesaffre & Albert (1989), Multiple-group logistic regression diagnostics, Appl. Statist.
38, 425.
"""

from __future__ import annotations

from collections.abc import Sequence

from statdl.backend.array import Array, epsilon, namespace
from statdl.backend.rows import Rows
from statdl.errors import ModelError
from statdl.estimate import Estimate

#: What there is of several predictors.
MEASURES = ("hat", "cooks.distance")


def influence_on_several(estimate: Estimate, measures: Sequence[str], *, dfbetas: bool) -> Array:
    """Return measures as rows of (measures, n), those of each coefficient after them.

    Raises
    ------
    ModelError
        For a measure that is of one linear predictor.
    """
    unknown = [name for name in measures if name not in MEASURES]
    if unknown:
        raise ModelError(
            f"{unknown[0]} is defined for models with one linear predictor; with several classes "
            "a row has a matrix of leverages, and there are leverage (its trace), Cook's distance "
            "and dfbetas."
        )
    root = estimate.to_device(estimate.root)
    xp = namespace(root)
    n, P, q = estimate.objective.rows.n, estimate.rank, estimate.outputs
    found = xp.empty((len(measures) + dfbetas * P, n), dtype=root.dtype, device=root.device)
    lengths = xp.sqrt(xp.sum(root * root, axis=1))
    start = 0
    for rows in estimate.objective.rows.blocks(2 * q * P + 4 * q * q):
        block = slice(start, start + rows.n)
        hat, cook, moved = _deleted(estimate, rows, root)
        here = {"hat": hat, "cooks.distance": cook}
        for k, name in enumerate(measures):
            found[k, block] = here[name]
        if dfbetas:
            found[len(measures) :, block] = (root / lengths[:, None]) @ moved
        start += rows.n
    return found


def _deleted(estimate: Estimate, rows: Rows, root: Array) -> tuple[Array, Array, Array]:
    """Return leverage and Cook's distance of each row, (n,), and Bᵀ J_iᵀ t_i, (P, n)."""
    objective, family, theta = estimate.objective, estimate.family, estimate.device_parameters
    xp = namespace(root)
    eta = objective.eta(theta, rows)
    score, information = family.loss_and_score(eta, rows.y)[1], family.information(eta)
    if rows.weights is not None:
        score = score * rows.weights[:, None]
        information = information.weighted(rows.weights)
    half = objective.predictor.jacobian_times(theta, rows.X, root)  # (n, q, P)
    M = half @ xp.matrix_transpose(half)
    WM = information.dense() @ M
    hat = xp.sum(WM * xp.eye(estimate.outputs, dtype=WM.dtype, device=WM.device), axis=(1, 2))
    t = _solved(WM, score)
    moved = xp.sum(half * t[:, :, None], axis=1)
    cook = xp.sum(moved * moved, axis=1) / estimate.rank
    return hat, cook, xp.matrix_transpose(moved)


def _solved(WM: Array, score: Array) -> Array:
    """Return (I − W M)⁻¹ s of each row, NaN where a leverage is 1."""
    xp = namespace(WM)
    one = xp.eye(WM.shape[-1], dtype=WM.dtype, device=WM.device)
    free = one - WM
    followed = xp.abs(xp.linalg.det(free)) <= epsilon(WM) ** 0.5
    free = xp.where(followed[:, None, None], one, free)
    solved = xp.linalg.solve(free, score[:, :, None])[:, :, 0]
    return xp.where(followed[:, None], xp.full_like(solved, xp.nan), solved)
