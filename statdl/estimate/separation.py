"""Separation: predictors that tell the classes apart perfectly, so that no estimate is finite.

There is separation when some direction δ satisfies x_iᵀ(δ_{y_i} − δ_k) ≥ 0 for every row and every
other class k, and > 0 for some (Albert & Anderson 1984). That is a linear programme (Konis 2007):

    maximise Σ x_iᵀ(δ_{y_i} − δ_k)  subject to  each ≥ 0 and −1 ≤ δ ≤ 1,

whose optimum is 0 without separation. The coefficients with δ ≠ 0 are those that run to infinity.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.backend.linalg import with_ones
from statdl.lazy import lazy
from statdl.model.objective import Objective

scipy_optimize = lazy("scipy.optimize")

#: A direction component this far from 0, with columns scaled to a largest entry of 1, is one.
MOVES = 1e-7


def separating_coefficients(objective: Objective) -> tuple[int, ...]:
    """Return the coefficients of one output that some separating direction moves; () if none."""
    A = _host_design(objective)
    scale = np.abs(A).max(axis=0)
    A = A / np.where(scale > 0, scale, 1.0)
    differences = _differences(A, _shares(objective))
    if not differences:
        return ()
    rows = np.unique(np.concatenate(differences), axis=0)
    solution = scipy_optimize.linprog(
        -rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs"
    )
    if solution.status != 0 or -solution.fun < 1e-6:
        return ()
    direction = solution.x.reshape(-1, A.shape[1])
    return tuple(int(j) for j in np.flatnonzero(np.abs(direction).max(axis=0) > MOVES))


def _host_design(objective: Objective) -> Any:
    X = to_numpy(objective.rows.X)
    return with_ones(X) if objective.intercept else X


def _shares(objective: Objective) -> Any:
    """Return which classes each row of positive weight has, (n, K)."""
    rows = objective.rows
    y = to_numpy(rows.y)
    present = np.column_stack([y.sum(axis=1) < 1 - 1e-12, y > 1e-12])
    if rows.weights is not None:
        present &= (to_numpy(rows.weights) > 0)[:, None]
    return present


def _differences(A: Any, present: Any) -> list[Any]:
    """Return x_i ⊗ (e_c − e_k) for each class c a row has and each other class k.

    δ of the reference class is 0. A row with successes and failures contributes both signs,
    which holds its own direction still.
    """
    classes = present.shape[1]
    m = A.shape[1]
    parts = []
    for own in range(classes):
        rows = A[present[:, own]]
        for other in range(classes):
            if other == own or not len(rows):
                continue
            block = np.zeros((len(rows), (classes - 1) * m))
            if own:
                block[:, (own - 1) * m : own * m] = rows
            if other:
                block[:, (other - 1) * m : other * m] = -rows
            parts.append(block)
    return parts
