"""k-fold cross-validation: every row predicted by a model that has not seen it."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.backend.array import like, namespace, to_numpy
from statdl.backend.random import generator
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.study.many import ROUGH, batch_of
from statdl.study.refits import refitted, refuse_unlearnable


def fold_groups(estimate: Estimate, folds: int, seed: int) -> Any:
    """Return the fold of each row, 0 to folds − 1 in parts of equal size; −1 for rows of weight 0.

    Raises
    ------
    ModelError
        When there are fewer than two folds, or more than rows.
    """
    weights = estimate.objective.rows.weights
    n = estimate.objective.n
    counted = np.ones(n, dtype=bool) if weights is None else to_numpy(weights) > 0
    rows = int(counted.sum())
    if int(folds) != folds or not 2 <= folds <= rows:
        raise ModelError(f"folds must be a whole number from 2 to the {rows} rows, not {folds!r}.")
    groups = np.full(n, -1)
    groups[counted] = generator(seed).permutation(np.arange(rows) % int(folds))
    return groups


def fold_weights(estimate: Estimate, groups: Any, names: list[int]) -> Any:
    """Return the weights of the rows outside each named group, (K, n): 0 inside."""
    weights = estimate.objective.rows.weights
    own = np.ones(estimate.objective.n) if weights is None else to_numpy(weights)
    return np.stack([np.where(groups == name, 0.0, own) for name in names])


def cross_validated_loss(estimate: Estimate, folds: int = 10, seed: int = 0) -> float:
    """Return the mean −log density of rows under models fitted without them.

    Each fold's model brings its own dispersion where the loss tells it (least squares).

    Reference: Stone (1974), J. R. Stat. Soc. B 36, 111.
    """
    groups = fold_groups(estimate, folds, seed)
    names = list(range(int(groups.max()) + 1))
    weights = fold_weights(estimate, groups, names)
    refuse_unlearnable(estimate)
    found = refitted(estimate, weights, ROUGH)
    rows = estimate.objective.rows
    xp = namespace(rows.X)
    eta = batch_of(estimate).eta(like(found.parameters, rows.X), rows.X)
    total, counted = 0.0, 0.0
    for k, name in enumerate(names):
        shifted = eta[k, ...] if rows.offset is None else eta[k, ...] + rows.offset
        loss = to_numpy(estimate.family.loss_and_score(shifted, rows.y)[0])
        held = (groups == name).nonzero()[0]
        out = rows.take(like(held, rows.X, xp.int64))
        own = np.ones(len(held)) if out.weights is None else to_numpy(out.weights)
        phi = _dispersion(estimate, float(weights[k] @ loss), float((weights[k] > 0).sum()))
        constant = estimate.family.constant(out, phi)
        total += float(own @ loss[held]) / phi - constant
        counted += float(own.sum())
    return total / counted


def _dispersion(estimate: Estimate, loss: float, rows: float) -> float:
    """Return φ of a model whose training rows have this loss."""
    if estimate.family.dispersion_known:
        return 1.0
    return 2 * loss / rows if estimate.family.quadratic else estimate.dispersion
