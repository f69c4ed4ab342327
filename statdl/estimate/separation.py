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
from typing import Any, NamedTuple

import numpy as np

from statdl.backend.array import to_numpy
from statdl.backend.linalg import design_matrix
from statdl.backend.rows import Rows
from statdl.lazy import lazy
from statdl.model.objective import Objective

scipy_optimize = lazy("scipy.optimize")
scipy_sparse = lazy("scipy.sparse")

#: A direction component this far from 0, with columns scaled to a largest entry of 1, is one.
MOVES = 1e-7
#: How far below 0 the programme's solver may leave a constraint.
SLACK = 1e-7
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
    margins = _Margins.of(objective)
    direction = _separating_direction(margins)
    if direction is None:
        return None
    towards = np.where(np.abs(direction) > MOVES, np.sign(direction), 0.0)[1:]
    whole = _complete_direction(margins, direction)
    furthest = direction if whole is None else whole
    return Separation(towards.astype(int), whole is not None, furthest[1:] / margins.reader.scale)


@dataclass(frozen=True)
class _Reader:
    """Reads a block: its columns in units of ``scale``, and which classes each row has.

    For a family with one output the two classes are: short of the upper end, beyond the lower.
    Rows of weight 0 have none.
    """

    intercept: bool
    ends: tuple[float, float]
    scale: Any = 1.0

    def __call__(self, rows: Rows) -> tuple[Any, Any]:
        """Return A (n, m) and the classes (n, K)."""
        A = design_matrix(to_numpy(rows.X), self.intercept) / self.scale
        y, (lower, upper) = to_numpy(rows.y), self.ends
        present = np.column_stack([y.sum(axis=1) < upper - 1e-12, y > lower + 1e-12])
        if rows.weights is not None:
            present &= (to_numpy(rows.weights) > 0)[:, None]
        return A, present


@dataclass(frozen=True)
class _Totals:
    """The largest |A| of each column, and the sum of the rows of each class, of a block."""

    reader: _Reader

    def __call__(self, rows: Rows) -> tuple[Any, Any]:
        A, present = self.reader(rows)
        return np.abs(A).max(axis=0, initial=0.0), present.T.astype(float) @ A


def _totalled(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    return np.maximum(one[0], other[0]), one[1] + other[1]


class _Worst(NamedTuple):
    """The ends of the margins of a pair of classes, and the rows with the least."""

    largest: float
    smallest: float
    margins: Any
    rows: Any

    def cut(self, portion: int) -> _Worst:
        """Return the same with so many rows at most."""
        if len(self.margins) <= portion:
            return self
        least = np.argpartition(self.margins, portion - 1)[:portion]
        return self._replace(margins=self.margins[least], rows=self.rows[least])


@dataclass(frozen=True)
class _Look:
    """What a direction does to the rows of a block, for each pair of classes."""

    reader: _Reader
    direction: Any
    portion: int

    def __call__(self, rows: Rows) -> list[_Worst]:
        A, present = self.reader(rows)
        eta = A @ self.direction.T
        return [self._pair(A, present, eta, *pair) for pair in _pairs(present.shape[1])]

    def _pair(self, A: Any, present: Any, eta: Any, own: int, other: int) -> _Worst:
        members = np.flatnonzero(present[:, own])
        margins = eta[members, own] - eta[members, other]
        least = np.arange(len(margins))
        if len(margins) > self.portion:
            least = np.argpartition(margins, self.portion - 1)[: self.portion]
        ends = margins.max(initial=-math.inf), margins.min(initial=math.inf)
        return _Worst(*ends, margins[least], A[members[least]])

    def joined(self, one: list[_Worst], other: list[_Worst]) -> list[_Worst]:
        """Return what two blocks say together."""
        return [
            _Worst(
                max(left.largest, right.largest),
                min(left.smallest, right.smallest),
                np.concatenate([left.margins, right.margins]),
                np.concatenate([left.rows, right.rows]),
            ).cut(self.portion)
            for left, right in zip(one, other, strict=True)
        ]


def _pairs(classes: int) -> list[tuple[int, int]]:
    """Return every (c, k) with c ≠ k."""
    return [(own, other) for own in range(classes) for other in range(classes) if own != other]


@dataclass(frozen=True)
class _Margins:
    """The margins x_iᵀ(δ_c − δ_k) of every row i, each class c it has, and each other class k.

    δ is (K, m) with δ of the reference class 0. A row with successes and failures has margins of
    both signs, which hold its own direction still. They are computed from A δᵀ, by a pass over the
    rows, and written out as rows of a programme only where chosen.
    """

    rows: Rows
    reader: _Reader
    sums: Any  # (K, m) Σ x_i over the rows of each class

    @classmethod
    def of(cls, objective: Objective) -> _Margins:
        """Return the margins of an objective, columns scaled to a largest entry of 1."""
        reader = _Reader(objective.intercept, objective.family.ends)
        rows = objective.rows
        width = 3 * (rows.template.shape[1] + 1)
        largest, sums = rows.reduce(_Totals(reader), width, _totalled)
        scale = np.where(largest > 0, largest, 1.0)
        return cls(rows, replace(reader, scale=scale), sums / scale)

    @property
    def columns(self) -> int:
        """m."""
        return int(self.sums.shape[1])

    @property
    def unknowns(self) -> int:
        """The number of entries of δ without the reference."""
        return (len(self.sums) - 1) * self.columns

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Every (c, k) with c ≠ k."""
        return _pairs(len(self.sums))

    def total(self) -> Any:
        """Return the gradient of the sum of all margins in δ without the reference's, per row."""
        spread = self.sums * len(self.sums) - self.sums.sum(axis=0)
        return spread[1:].reshape(-1) / self.rows.n

    def some(self, portion: int) -> list[Any]:
        """Write out some margins of each pair, of rows that stand for all."""
        A, present = self.reader(self.rows.representatives())
        written = []
        for own, other in self.pairs:
            members = np.flatnonzero(present[:, own])
            step = max(1, len(members) // portion)
            written.append(self.written(A[members[::step]], own, other))
        return written

    def look(self, direction: Any, portion: int) -> list[_Worst]:
        """Return the ends of the margins of each pair, and the rows with the least of them."""
        look = _Look(self.reader, direction, portion)
        width = 3 * (self.columns + len(self.sums))
        found: list[_Worst] = self.rows.reduce(look, width, look.joined)
        return found

    def written(self, x: Any, own: int, other: int) -> Any:
        """Write out the margins of rows of class ``own`` as rows over δ."""
        table = np.zeros((len(x), len(self.sums), self.columns))
        table[:, own] = x
        table[:, other] = -x
        return scipy_sparse.csr_array(table[:, 1:].reshape(len(x), self.unknowns))

    def below(self, seen: list[_Worst], limit: float) -> list[Any]:
        """Write out the margins that were seen to be less than a limit."""
        return [
            self.written(worst.rows[worst.margins < limit], *pair)
            for pair, worst in zip(self.pairs, seen, strict=True)
        ]


def _separating_direction(margins: _Margins) -> Any:
    """Return δ, (K, m), with no margin below 0 and some above, or None.

    The programme is solved on some of its rows, and the rows that its solution violates most are
    added until none is left: a few hundred decide, however many there are.
    """
    total = margins.total()
    portion = 1 + (FIRST_ROWS + 10 * len(total)) // len(margins.pairs)
    written = margins.some(portion)
    while True:
        rows = scipy_sparse.vstack(written)
        solution = scipy_optimize.linprog(
            -total, A_ub=-rows, b_ub=np.zeros(rows.shape[0]), bounds=(-1, 1), method="highs"
        )
        if solution.status != 0 or -solution.fun < 1e-9:
            return None
        direction = _with_reference(solution.x, margins)
        seen = margins.look(direction, portion)
        largest = max(0.0, *(worst.largest for worst in seen))
        smallest = min(0.0, *(worst.smallest for worst in seen))
        added = margins.below(seen, -SLACK)
        if smallest >= -SLACK or _repeats(written, added):
            return direction if largest > 100 * max(SLACK, -smallest) else None
        written.extend(added)


def _with_reference(solution: Any, margins: _Margins) -> Any:
    """Return δ (K, m) from its entries without those of the reference."""
    m = margins.columns
    return np.concatenate([np.zeros((1, m)), solution.reshape(-1, m)])


def _complete_direction(margins: _Margins, direction: Any) -> Any:
    """Return δ with all margins above 0, by rows added as they are violated; None without one."""
    portion = max(FIRST_ROWS, 10 * margins.columns)
    seen = margins.look(direction, portion)
    if min(worst.smallest for worst in seen) > SLACK:
        return direction
    unknowns = margins.unknowns
    written: list[Any] = []
    smallest = 1.0
    while True:
        added = margins.below(seen, smallest - SLACK)
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
        direction = _with_reference(solution.x[:-1], margins)
        seen = margins.look(direction, portion)


def _repeats(written: list[Any], added: list[Any]) -> bool:
    """Tell whether there is nothing new, so that what is violated is the solver's own slack."""
    if not any(rows.shape[0] for rows in added):
        return True
    return sum(rows.shape[0] for rows in written) > MOST_ROWS
