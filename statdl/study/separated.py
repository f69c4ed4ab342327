"""Which of many fits have no maximum: separated responses, and classes that a view has not got."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.backend.array import Array, namespace, to_numpy
from statdl.estimate.separation import can_separate, separation
from statdl.model.batch import Batch
from statdl.solve.batched import Minima, Status
from statdl.study.repeatable import plain_linear


def without_maximum(batch: Batch, minima: Minima) -> tuple[Status, ...]:
    """Name the separation behind fits that ended with dependent columns, or nowhere."""
    status = list(minima.status)
    if not can_separate(batch.objective) or not plain_linear(batch.objective):
        return tuple(status)
    free = unpenalised(batch, len(status))
    doubtful = (Status.SINGULAR, Status.STALLED, Status.RUNNING, Status.NON_FINITE)
    for j, one in enumerate(status):
        if one in doubtful and free[j] and separation(batch.one(j)) is not None:
            status[j] = Status.SEPARATED
    for j in _one_sided(batch, len(status)).nonzero()[0]:
        status[j] = Status.SEPARATED
    return tuple(status)


def _one_sided(batch: Batch, count: int) -> Any:
    """Tell which problems lack a class, so that an intercept without penalty has no end, (k,).

    Of counts, those that are all 0.
    """
    objective = batch.objective
    if not objective.intercept or (objective.penalty.active and not objective.penalty.shrinks):
        return np.zeros(count, dtype=bool)
    strengths = objective.penalised if batch.penalised is None else batch.penalised
    bound = np.zeros(1, dtype=bool)
    if strengths is not None:
        kept = to_numpy(objective.predictor.slopes(np.ones(objective.size))) == 0
        bound = (to_numpy(strengths).reshape(-1, objective.size)[:, kept] > 0).any(axis=1)
    return ~bound & np.broadcast_to(to_numpy(_lacks_a_class(batch)), (count,))


def _lacks_a_class(batch: Batch) -> Array:
    rows, (lower, upper) = batch.objective.rows, batch.objective.family.ends
    y = rows.y[None, ...] if batch.y is None else batch.y
    weights = rows.weights if batch.weights is None else batch.weights
    xp = namespace(y)
    first = xp.sum(y, axis=2) < upper - 1e-12
    there = xp.astype(xp.concat([first[:, :, None], y > lower + 1e-12], axis=2), y.dtype)
    if weights is None:
        total = xp.sum(there, axis=1)
    elif batch.y is None:
        total = xp.reshape(weights, (-1, rows.n)) @ there[0, ...]
    else:
        total = (xp.reshape(weights, (-1, 1, rows.n)) @ there)[:, 0, :]
    return ~xp.all(total > 0, axis=1)


def unpenalised(batch: Batch, count: int) -> Any:
    """Tell which problems have no penalty, (k,): of a view with λ = 0 no more than of none."""
    if batch.objective.penalty.active and not batch.objective.penalty.shrinks:
        return np.zeros(count, dtype=bool)
    if batch.penalised is not None:
        return (to_numpy(batch.penalised) == 0).all(axis=1)
    bare = batch.objective.penalised is None and not batch.objective.penalty.active
    return np.full(count, bare)
