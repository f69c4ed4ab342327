"""Separation: predictors that tell the classes apart perfectly, so that no estimate is finite.

There is separation when some direction δ satisfies x_iᵀ(δ_{y_i} − δ_k) ≥ 0 for every row and every
other class k, and > 0 for some (Albert & Anderson 1984). That is a linear programme (Konis 2007):

    maximise Σ x_iᵀ(δ_{y_i} − δ_k)  subject to  each ≥ 0 and −1 ≤ δ ≤ 1,

whose optimum is 0 without separation. The coefficients with δ ≠ 0 are those that run to infinity,
with the sign of δ. Separation is complete where every margin can be above 0 at once, the smallest
margin t of the programme  maximise t  with each margin ≥ t, and quasi-complete otherwise.

Counts with a log link are the same with one end only: a row with a count of 0 draws η to −∞, and
one with any other count holds it still (Correia, Guimarães & Zylkin 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from statdl.backend.array import Rows, to_numpy
from statdl.backend.linalg import design_matrix
from statdl.lazy import lazy
from statdl.model.objective import Objective
from statdl.scan.rows import joined_rows

scipy_optimize = lazy("scipy.optimize")
scipy_sparse = lazy("scipy.sparse")

#: A direction component this far from 0, with columns scaled to a largest entry of 1, is one.
MOVES = 1e-7
#: How far below 0 the programme's solver may leave a constraint.
SLACK = 1e-7
#: Passes over rows that are not in memory, and rows that each adds to the sample, at most.
MOST_PASSES, MOST_VIOLATING = 30, 1000
#: Rows of the first programme, besides some for each coefficient.
FIRST_ROWS = 200
#: Where the programme stops to grow: by then what is violated is its solver's slack.
MOST_ROWS = 200_000


def can_separate(objective: Objective) -> bool:
    """Tell whether the family has a mean that only an infinite η reaches."""
    return any(map(math.isfinite, objective.family.ends))


@dataclass(frozen=True)
class Separation:
    """How predictors tell the classes apart.

    towards    (q, m) −1, 0 or 1: where the coefficient of each output runs to −∞, stays, or +∞
    complete   whether every row is told apart, or only some with others on the border
    direction  (q, m) the coefficients along which the likelihood rises for ever
    """

    towards: Any
    complete: bool
    direction: Any

    @property
    def moving(self) -> tuple[int, ...]:
        """The coefficients of one output that run to infinity in some output."""
        return tuple(int(j) for j in np.flatnonzero(np.abs(self.towards).max(axis=0)))


def separation(objective: Objective) -> Separation | None:
    """Return the separation of the classes by the columns, None where there is none."""
    if objective.rows.passing:
        return _by_passes(objective)
    A = _host_design(objective)
    scale = np.abs(A).max(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    margins = _Margins(A / scale, _shares(objective))
    direction = _separating_direction(margins)
    if direction is None:
        return None
    towards = np.where(np.abs(direction) > MOVES, np.sign(direction), 0.0)[1:]
    whole = _complete_direction(margins, direction)
    furthest = direction if whole is None else whole
    return Separation(towards.astype(int), whole is not None, furthest[1:] / scale)


def _by_passes(objective: Objective) -> Separation | None:
    """Return the same of rows that are read anew for every sum.

    What separates all rows separates a sample of them. What separates the sample is held against
    all rows, and those on the wrong side of it join the sample, until there are none.
    """
    rows = objective.rows.representatives().on_host()
    for _ in range(MOST_PASSES):
        found = separation(replace(objective, rows=rows))
        if found is None:
            return None
        wrong = partial(_violating, objective, found.direction)
        others = objective.rows.reduce(wrong, objective.predictor.width, _some_of_both)
        if not others.n:
            return found
        rows = joined_rows([rows, others])
    return None


def _violating(objective: Objective, direction: Any, rows: Rows) -> Rows:
    """Return the rows that are furthest on the wrong side of a direction, (q, m)."""
    part = replace(objective, rows=rows.on_host())
    margins = _Margins(_host_design(part), _shares(part))
    whole = np.concatenate([np.zeros_like(direction[:1]), direction])
    least = np.zeros(len(margins.A))
    for own, other in margins.pairs:
        members = margins.members(own)
        least[members] = np.minimum(least[members], margins.of(whole, own, other))
    worst = np.argsort(least)[:MOST_VIOLATING]
    return part.rows.take(worst[least[worst] < -SLACK])


def _some_of_both(one: Rows, other: Rows) -> Rows:
    return joined_rows([one, other])[:MOST_VIOLATING]


@dataclass(frozen=True)
class _Margins:
    """The margins x_iᵀ(δ_c − δ_k) of every row i, each class c it has, and each other class k.

    δ is (K, m) with δ of the reference class 0. A row with successes and failures has margins of
    both signs, which hold its own direction still. They are computed from A δᵀ, and written out as
    rows of a programme only where chosen.
    """

    A: Any  # (n, m)
    present: Any  # (n, K) which classes each row has

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Every (c, k) with c ≠ k."""
        classes = range(self.present.shape[1])
        return [(own, other) for own in classes for other in classes if own != other]

    def members(self, own: int) -> Any:
        """Return the positions of the rows that have a class."""
        return np.flatnonzero(self.present[:, own])

    def total(self) -> Any:
        """Return the gradient of the sum of all margins in δ without the reference's, per row."""
        sums = self.present.T.astype(float) @ self.A
        spread = sums * len(sums) - sums.sum(axis=0)
        return spread[1:].reshape(-1) / len(self.A)

    def of(self, direction: Any, own: int, other: int) -> Any:
        """Return the margins of one pair of classes."""
        return self.A[self.members(own)] @ (direction[own] - direction[other])

    def rows(self, chosen: Any, own: int, other: int) -> Any:
        """Write out the margins of some members of ``own`` as rows over δ."""
        x = self.A[self.members(own)[chosen]]
        table = np.zeros((len(x), self.present.shape[1], x.shape[1]))
        table[:, own] = x
        table[:, other] = -x
        unknowns = (self.present.shape[1] - 1) * x.shape[1]
        return scipy_sparse.csr_array(table[:, 1:].reshape(len(x), unknowns))


def _separating_direction(margins: _Margins) -> Any:
    """Return δ, (K, m), with no margin below 0 and some above, or None.

    The programme is solved on some of its rows, and the rows that its solution violates most are
    added until none is left: a few hundred decide, however many there are.
    """
    pairs, total = margins.pairs, margins.total()
    portion = 1 + (FIRST_ROWS + 10 * len(total)) // len(pairs)
    written = [
        margins.rows(slice(None, None, max(1, len(margins.members(own)) // portion)), own, other)
        for own, other in pairs
    ]
    while True:
        rows = scipy_sparse.vstack(written)
        solution = scipy_optimize.linprog(
            -total, A_ub=-rows, b_ub=np.zeros(rows.shape[0]), bounds=(-1, 1), method="highs"
        )
        if solution.status != 0 or -solution.fun < 1e-9:
            return None
        direction = np.concatenate(
            [np.zeros((1, margins.A.shape[1])), solution.x.reshape(-1, margins.A.shape[1])]
        )
        added, largest, smallest = [], 0.0, 0.0
        for own, other in pairs:
            margin = margins.of(direction, own, other)
            if not len(margin):
                continue
            largest, smallest = max(largest, margin.max()), min(smallest, margin.min())
            worst = np.argpartition(margin, min(portion, len(margin) - 1))[:portion]
            added.append(margins.rows(worst[margin[worst] < -SLACK], own, other))
        if smallest >= -SLACK or _repeats(written, added):
            return direction if largest > 100 * max(SLACK, -smallest) else None
        written.extend(added)


def _complete_direction(margins: _Margins, direction: Any) -> Any:
    """Return δ with all margins above 0, by rows added as they are violated; None without one."""
    pairs, m = margins.pairs, margins.A.shape[1]
    if all((margins.of(direction, *pair) > SLACK).all() for pair in pairs):
        return direction
    unknowns = (margins.present.shape[1] - 1) * m
    written: list[Any] = []
    smallest = 1.0
    while True:
        added = []
        for own, other in pairs:
            margin = margins.of(direction, own, other)
            if len(margin):
                worst = np.argsort(margin)[: max(FIRST_ROWS, 10 * m)]
                added.append(margins.rows(worst[margin[worst] < smallest - SLACK], own, other))
        if written and _repeats(written, added):
            return direction
        written.extend(added)
        rows = scipy_sparse.vstack(written)
        t = scipy_sparse.csr_array(np.ones((rows.shape[0], 1)))
        solution = scipy_optimize.linprog(
            np.append(np.zeros(unknowns), -1.0),
            A_ub=scipy_sparse.hstack([-rows, t]),
            b_ub=np.zeros(rows.shape[0]),
            bounds=[(-1, 1)] * unknowns + [(0, 1)],
            method="highs",
        )
        if solution.status != 0 or -solution.fun <= 100 * SLACK:
            return None
        smallest = -solution.fun
        direction = np.concatenate([np.zeros((1, m)), solution.x[:-1].reshape(-1, m)])


def _repeats(written: list[Any], added: list[Any]) -> bool:
    """Tell whether there is nothing new, so that what is violated is the solver's own slack."""
    if not any(rows.shape[0] for rows in added):
        return True
    return sum(rows.shape[0] for rows in written) > MOST_ROWS


def _host_design(objective: Objective) -> Any:
    return design_matrix(to_numpy(objective.rows.X), objective.intercept)


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
