"""Scores of the rows in the coordinates of a sandwich's bread: z_i = Bᵀ s_i with B Bᵀ = H⁻¹.

They come block by block, (b, r), and no array of all rows' scores is ever made. Under a penalty
scores are taken about their mean, which is then not 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.linalg import factorise
from statdl.backend.rows import Rows, block_rows
from statdl.errors import NumericalError
from statdl.estimate import Estimate, determined_root


def bread_root(estimate: Estimate) -> Any:
    """Return B with B Bᵀ = H⁻¹, the penalty in H, on the host.

    A regression's H has all its directions, however far the columns are from 0 or near each other;
    a network's has those that are determined.
    """
    objective = estimate.objective
    if objective.penalised is None or not estimate.specification.penalty.shrinks:
        return estimate.root
    expected = objective.predictor.linear
    if expected:
        return factorise(objective.curvature(estimate.parameters, expected=True)).inverse_root()
    H = objective.curvature(estimate.device_parameters)
    return to_numpy(determined_root(objective.predictor, estimate.device_parameters, H))


@dataclass(frozen=True)
class Scores:
    """The rows' scores of an estimate in the coordinates of ``root``, (P, r), on the device.

    ``centre`` is their mean, taken from every row; None where it is 0.
    """

    estimate: Estimate
    root: Array
    centre: Array | None = None

    @classmethod
    def of(cls, estimate: Estimate) -> Scores:
        """Return the scores of an estimate, about their mean where a penalty moves it from 0."""
        own = cls(estimate, estimate.to_device(bread_root(estimate)))
        if estimate.objective.penalised is None:
            return own
        total = own.sum(lambda rows: column_sums(own.z(rows)))
        return cls(estimate, own.root, total / estimate.nobs)

    def blocks(self, order: Array | None = None) -> Iterator[Array]:
        """Yield z of blocks of rows, (b, r), in an order if one is given."""
        return (self.block(rows)[0] for rows in self.rows(order))

    def block(self, rows: Rows) -> tuple[Array, Array, Array]:
        """Return z (b, r), η (b, q) and J B (b, q, r) of some rows."""
        objective, theta = self.estimate.objective, self.estimate.device_parameters
        xp = namespace(rows.X)
        eta = objective.eta(theta, rows)
        _, score = objective.family.loss_and_score(eta, rows.y)
        if rows.weights is not None:
            some = rows.weights[:, None] > 0
            score = xp.where(some, score * rows.weights[:, None], xp.zeros_like(score))
        half = objective.predictor.jacobian_times(theta, rows.X, self.root)
        z = xp.sum(half * score[:, :, None], axis=1)
        if self.centre is not None:
            counted = xp.ones_like(z[:, 0]) if rows.weights is None else rows.weights > 0
            z = z - xp.astype(counted, z.dtype)[:, None] * self.centre[None, :]
        return z, eta, half

    @property
    def width(self) -> int:
        """Numbers of working memory that a row needs."""
        objective = self.estimate.objective
        return objective.predictor.outputs * (objective.size + self.root.shape[1])

    def z(self, rows: Rows) -> Array:
        """Return z of some rows, (b, r)."""
        return self.block(rows)[0]

    def sum(self, function: Callable[[Rows], Array]) -> Array:
        """Return the sum of what a function makes of each block of rows."""
        rows = self.estimate.objective.rows
        return rows.reduce(lambda block: (function(block),), self.width)[0]

    def rows(self, order: Array | None = None) -> Iterator[Rows]:
        """Yield blocks of rows, in an order if one is given."""
        rows = self.estimate.objective.rows
        if order is None:
            yield from rows.blocks(self.width)
            return
        size = block_rows(rows.template, self.width)
        for start in range(0, rows.n, size):
            yield rows.take(order[start : min(start + size, rows.n)])


def gram(z: Array) -> Array:
    """Return Σ z_i z_iᵀ, (r, r)."""
    return z.T @ z


def column_sums(z: Array) -> Array:
    """Return Σ z_i, (r,)."""
    return namespace(z).sum(z, axis=0)


def small_sample_factor(estimate: Estimate) -> float:
    """Return n/(n − p), which small samples are corrected by."""
    if not estimate.df_resid > 0:
        raise NumericalError("There are no residual degrees of freedom to correct for; use HC0.")
    return float(estimate.nobs / estimate.df_resid)
