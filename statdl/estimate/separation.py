"""Separation: predictors that tell the classes apart perfectly, so that no estimate is finite.

There is separation when some direction δ satisfies x_iᵀ(δ_{y_i} − δ_k) ≥ 0 for every row and every
other class k, and > 0 for some (Albert & Anderson 1984). That is a linear programme (Konis 2007):

    maximise Σ x_iᵀ(δ_{y_i} − δ_k)  subject to  each ≥ 0 and −1 ≤ δ ≤ 1,

whose optimum is 0 without separation. The coefficients with δ ≠ 0 are those that run to infinity.

Counts with a log link are the same with one end only: a row with a count of 0 draws η to −∞, and
one with any other count holds it still (Correia, Guimarães & Zylkin 2019).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.backend.linalg import with_ones
from statdl.lazy import lazy
from statdl.model.objective import Objective

scipy_optimize = lazy("scipy.optimize")

#: A direction component this far from 0, with columns scaled to a largest entry of 1, is one.
MOVES = 1e-7
#: How far below 0 the programme's solver may leave a constraint.
SLACK = 1e-7
#: Rows of the first programme, besides some for each coefficient.
FIRST_ROWS = 200


def can_separate(objective: Objective) -> bool:
    """Tell whether the family has a mean that only an infinite η reaches."""
    return any(map(math.isfinite, objective.family.ends))


def separating_coefficients(objective: Objective) -> tuple[int, ...]:
    """Return the coefficients of one output that some separating direction moves; () if none."""
    A = _host_design(objective)
    scale = np.abs(A).max(axis=0)
    A = A / np.where(scale > 0, scale, 1.0)
    differences = _differences(A, _shares(objective))
    if not differences:
        return ()
    direction = _separating_direction(np.unique(np.concatenate(differences), axis=0))
    if direction is None:
        return ()
    table = np.abs(direction.reshape(-1, A.shape[1]))
    return tuple(int(j) for j in np.flatnonzero(table.max(axis=0) > MOVES))


def _separating_direction(rows: Any) -> Any:
    """Return δ with rows·δ ≥ 0, some > 0, or None.

    The programme is solved on some of its rows, and the rows that its solution violates most are
    added until none is left: a few hundred decide, however many there are.
    """
    total = rows.sum(axis=0)
    portion = FIRST_ROWS + 10 * rows.shape[1]
    used = np.zeros(len(rows), dtype=bool)
    used[:: max(1, len(rows) // portion)] = True
    while True:
        solution = scipy_optimize.linprog(
            -total, A_ub=-rows[used], b_ub=np.zeros(used.sum()), bounds=(-1, 1), method="highs"
        )
        if solution.status != 0 or -solution.fun < 1e-6:
            return None
        margin = rows @ solution.x
        worst = np.argsort(margin)[:portion]
        violated = worst[(margin[worst] < -SLACK) & ~used[worst]]
        if not len(violated):
            return solution.x if margin.max() > 100 * max(SLACK, -margin.min()) else None
        used[violated] = True


def _host_design(objective: Objective) -> Any:
    X = to_numpy(objective.rows.X)
    return with_ones(X) if objective.intercept else X


def _shares(objective: Objective) -> Any:
    """Return which classes each row of positive weight has, (n, K).

    For a family with one output the two classes are: short of the upper end, beyond the lower.
    """
    rows = objective.rows
    y = to_numpy(rows.y)
    lower, upper = objective.family.ends
    present = np.column_stack([y.sum(axis=1) < upper - 1e-12, y > lower + 1e-12])
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
