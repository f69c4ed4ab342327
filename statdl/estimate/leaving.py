"""Least squares along a path without some of the rows, from sums over all of them.

With z the columns and the response in units of all rows, and Σ the sums over all rows less those
over the rows that are out,

    W = Σ w,   μ = Σ w z / W,   C = Σ w z zᵀ / W − μ μᵀ,

and C has all that a path asks of its rows. A Gram matrix of n rows is formed once, and one of the
rows that are out for each fit, where each fit would have formed its own of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.columns import Counted, is_sparse, moments
from statdl.estimate.path import (
    MeanLoss,
    PathEstimate,
    Sample,
    in_own_units,
    path_of_sample,
    shrinkage_of,
)
from statdl.lazy import lazy
from statdl.solve.gram import whole_gram
from statdl.solve.path import begin
from statdl.solve.screening import Moments, Problem, follow

np = lazy("numpy")

#: Share of its variance below which a column of the rows left has lost too many digits.
OWN_VARIANCE = 1e-4


@dataclass(frozen=True)
class Sums:
    """Σ w, Σ w z and Σ w z zᵀ of the rows of Z (n, p + 1), on the host."""

    weight: float
    first: Any
    second: Any

    @classmethod
    def of(cls, Z: Array, weights: Array) -> Sums:
        """Return the sums over rows."""
        half = Z * namespace(Z).sqrt(weights)[:, None]
        total = float(namespace(weights).sum(weights))
        return cls(total, to_numpy(weights @ Z), to_numpy(half.T @ half))

    def less(self, other: Sums) -> Sums:
        """Return the sums over the rows that are not among the other's."""
        return Sums(
            self.weight - other.weight, self.first - other.first, self.second - other.second
        )


class Leaving:
    """Paths of a sample without some of its rows, on the grid of the path of all.

    Examples
    --------
    >>> import numpy as np
    >>> import statdl as sd
    >>> path = sd.path("mpg ~ wt + hp", data=sd.datasets.load("mtcars")).estimate
    >>> coefficients, intercepts = Leaving(path).without(np.arange(4))
    >>> coefficients.shape[1:], intercepts.shape[1:]
    ((2, 1), (1,))
    """

    def __init__(self, path: PathEstimate) -> None:
        self.path = path
        self.sums: Sums | None = None
        n, p = path.shape
        if path.family.quadratic and not is_sparse(path.sample.X) and n > p and whole_gram(n, p):
            self._sum()

    def without(self, out: Any) -> tuple[Any, Any]:
        """Return coefficients (L, p, q) and intercepts (L, q) without the rows at some places."""
        found = None if self.sums is None else self._from_sums(out)
        return self._from_rows(out) if found is None else found

    def _from_rows(self, out: Any) -> tuple[Any, Any]:
        path = self.path
        rest = path.sample.take(np.setdiff1d(np.arange(path.shape[0]), out))
        one = path_of_sample(path.specification, rest, path.family, path.penalties, path.same_grid)
        return one.coefficients, one.intercepts

    # by sums --------------------------------------------------------------------------------

    def _sum(self) -> None:
        sample: Sample = self.path.sample
        X, weights = sample.X, sample.weights
        xp = namespace(X)
        self.target = sample.y if sample.offset is None else sample.y - sample.offset
        share = weights / xp.sum(weights)
        mean, spread = moments(X, share)
        if not (spread > 1e-13 * np.abs(mean)).all():  # a constant column
            return
        self.intercept = self.path.specification.intercept
        self.centre = mean if self.intercept else np.zeros_like(mean)
        self.level = to_numpy(share @ self.target) if self.intercept else np.zeros(1)
        self.scale = spread
        parts = [
            (X - like(self.centre, X)) / like(self.scale, X),
            self.target - like(self.level, self.target),
        ]
        self.Z = xp.concat(parts, axis=1)
        self.sums = Sums.of(self.Z, weights)

    def _from_sums(self, out: Any) -> tuple[Any, Any] | None:
        """Return the solutions; None where a column hardly varies in the rows left."""
        path, weights = self.path, self.path.sample.weights
        places = like(out, weights, namespace(weights).int64)
        xp = namespace(weights)
        taken = Sums.of(xp.take(self.Z, places, axis=0), xp.take(weights, places))
        assert self.sums is not None
        left = self.sums.less(taken)
        mean = left.first / left.weight
        second = left.second / left.weight
        variance = np.diagonal(second) - mean**2
        if not (variance[:-1] > OWN_VARIANCE * np.diagonal(second)[:-1]).all():
            return None
        if self.intercept:
            second = second - mean[:, None] * mean
        problem, centre, scale = self._problem(second, mean, variance, path.shape[0] - len(out))
        state = begin(problem, len(path.strengths), path.grid.tolerance)
        strengths: Sequence[float] = path.strengths.tolist()
        found = follow(state, strengths, path.grid.tolerance)
        return in_own_units(found, path.specification, path.penalties, centre, scale)

    def _problem(self, C: Any, mean: Any, variance: Any, n: int) -> tuple[Problem, Any, Any]:
        """Return the problem of the rows left, and centre and scale of their columns."""
        path, sample = self.path, self.path.sample
        spread = np.sqrt(variance[:-1]) * self.scale
        scale = spread if path.penalties.standardize else np.ones_like(spread)
        units = self.scale / scale
        square = float(C[-1, -1])
        bend = square**-0.5 if square > 0 else 1.0
        level = self.level + mean[-1:] if self.intercept else self.level
        centre = self.centre + self.scale * mean[:-1] if self.intercept else self.centre
        found = Moments(
            level, square, (units * C[:-1, -1])[:, None], C[:-1, :-1] * units[:, None] * units
        )
        constant = np.zeros(len(scale), dtype=bool)
        shrinkage = shrinkage_of(path.penalties, 1, scale, constant, bend)
        loss = MeanLoss(path.family, sample.y, sample.weights, None)
        columns: Any = Counted((n, len(scale)))
        problem = Problem(columns, loss, shrinkage, 1, self.intercept, sample.y, None, found)
        return problem, centre, scale
