"""The penalised negative log-likelihood as a sum over blocks of rows.

    J(θ) = Σ_i w_i ℓ(η_i, y_i) + penalty(θ),    η = predictor(θ, X) + offset

Every quantity below is a map over blocks and a sum, so that the same code serves rows in memory, a
mini-batch, and data that arrive in pieces.

Parameters may be on the host while the rows are on a device: what is asked for comes back to where
the parameters are, in one copy. What solvers do with it is then arithmetic of small host arrays, on
which a device would only spend time launching.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from statdl.backend.array import (
    Array,
    Rows,
    epsilon,
    host_zeros,
    like,
    namespace,
    overflow_allowed,
    returned,
)
from statdl.backend.linalg import factorise
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.penalty import NoPenalty, Penalty
from statdl.model.predictor import Predictor


@dataclass(frozen=True)
class Objective:
    """J, its gradient and its curvature, for any family, predictor and penalty.

    ``penalised`` is (P,), 1 where the penalty applies; None penalises nothing. ``share`` is the
    weight of a batch, its rows' share of all rows' weight; None for all rows.
    """

    family: Family
    predictor: Predictor
    rows: Rows
    penalty: Penalty = field(default_factory=NoPenalty)
    penalised: Array | None = None
    share: float | None = None

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return self.predictor.size

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.rows.n

    @property
    def intercept(self) -> bool:
        """Whether the predictor adds an intercept of its own."""
        return bool(getattr(self.predictor, "intercept", False))

    def total_weight(self) -> float:
        """Return Σ w, by which the mean loss divides."""
        if self.share is not None:
            return self.share
        return self.rows.weight

    def unit(self, loss: float) -> float:
        """Return the loss worth one unit of log-likelihood: φ, estimated where it is unknown.

        Bounded below by what rounding leaves of a perfect fit.
        """
        return max(self.family.noise(loss / max(self.total_weight(), 1e-300)), self._rounding)

    def value(self, parameters: Array) -> float:
        """Return J(θ)."""
        return self.value_and_gradient(parameters)[0]

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """Return J(θ) and ∂J/∂θ = −Σ J_iᵀ w_i score_i + ∂penalty/∂θ."""
        theta = self._there(parameters)

        def block(rows: Rows) -> tuple[Array, Array]:
            eta, pullback = self.predictor.linearise(theta, rows.X)
            loss, score = self.family.loss_and_score(_shifted(eta, rows), rows.y)
            xp = namespace(loss)
            if rows.weights is not None:
                # a row of weight 0 counts for nothing, even where its loss is infinite
                loss = xp.where(rows.weights > 0, rows.weights * loss, xp.zeros_like(loss))
                score = score * rows.weights[:, None]
            return xp.sum(loss), pullback(score)

        loss, pulled = returned(parameters, *self._sum(block))
        if self.penalised is None:
            return float(loss), -pulled
        penalty, slope = self.penalty.on(self, like(parameters, pulled))
        return float(loss) + penalty, slope - pulled

    def curvature(self, parameters: Array, *, expected: bool = False) -> Array:
        """Return ∂²J/∂θ∂θᵀ, exact, or expected: Jᵀ E[H] J, which is positive semi-definite.

        The exact one adds what the predictor's own second derivatives make of the score,
        Jᵀ H J − Σ_i Σ_k w_i score_ik ∇²η_ik.
        """
        theta = self._there(parameters)

        def block(rows: Rows) -> tuple[Array]:
            eta = self.eta(theta, rows)
            if expected or self.family.canonical:
                H = self.family.information(eta)
            else:
                H = self.family.observed(eta, rows.y)
            if rows.weights is not None:
                H = H.weighted(rows.weights)
            if expected or self.predictor.linear:
                return (self.predictor.curvature(theta, rows.X, H),)
            _, score = self.family.loss_and_score(eta, rows.y)
            if rows.weights is not None:
                score = score * rows.weights[:, None]
            return (self.predictor.hessian(theta, rows.X, -score, H),)

        (H,) = returned(parameters, *self._sum(block))
        if self.penalised is None:
            return H
        return H + _diagonal(self.penalty.curvature(parameters, like(self.penalised, H)))

    def eta(self, parameters: Array, rows: Rows) -> Array:
        """Return η of the given rows, offset included, (n, q)."""
        return _shifted(self.predictor.eta(parameters, rows.X), rows)

    def row_sum(self, parameters: Array, function: Callable[[Array, Rows], Array]) -> float:
        """Return Σ_i w_i f(η_i, row_i) for a per-row function f."""
        theta = self._there(parameters)

        def block(rows: Rows) -> tuple[Array]:
            values = function(self.eta(theta, rows), rows)
            xp = namespace(values)
            if rows.weights is not None:
                values = xp.where(rows.weights > 0, rows.weights * values, xp.zeros_like(values))
            return (xp.sum(values),)

        with overflow_allowed():  # a deviance may be infinite
            return float(self._sum(block)[0])

    def row_map(self, parameters: Array, function: Callable[[Array, Rows], Array]) -> Array:
        """Return f(η_i, row_i) for every row, stacked."""
        theta = self._there(parameters)
        return self.rows.stacked(
            lambda rows: function(self.eta(theta, rows), rows), self.predictor.width
        )

    def least_squares(self, working: Array) -> Array:
        """Return argmin Σ w ‖working_i − η_i(θ)‖² for a linear predictor: a start, not a fit.

        It is on the host.
        """
        gaussian = Objective(Gaussian(), self.predictor.single(), self.rows)
        quadratic = replace(gaussian, rows=replace(self.rows, y=working, offset=None))
        origin = host_zeros(quadratic.size, self.rows.template)
        _, gradient = quadratic.value_and_gradient(origin)
        return -factorise(quadratic.curvature(origin)).solve(gradient)

    def batch(self, positions: Array) -> Objective:
        """Return the objective on some rows, with their share of the penalty."""
        part = positions.shape[0] / self.n
        penalised = None if self.penalised is None else self.penalised * part
        weight = self.total_weight() * part  # not the batch's own: heavy rows must stay heavy
        return replace(self, rows=self.rows.take(positions), penalised=penalised, share=weight)

    def slopes(self, parameters: Array) -> Array:
        """Return the parameters with every intercept at 0."""
        return self.predictor.slopes(parameters)

    @cached_property
    def _rounding(self) -> float:
        """The mean square of y, at the square of its rounding error."""
        return max(self.rows.mean_square * (4 * epsilon(self.rows.template)) ** 2, 1e-300)

    def _there(self, parameters: Array) -> Array:
        """Return the parameters where the rows are summed."""
        return like(parameters, self.rows.template)

    def _sum(self, block: Callable[[Rows], tuple[Any, ...]]) -> Any:
        """Return the sum over blocks of rows of a tuple of quantities."""
        return self.rows.reduce(block, self.predictor.width)


def _shifted(eta: Array, rows: Rows) -> Array:
    return eta if rows.offset is None else eta + rows.offset


def _diagonal(values: Array) -> Array:
    xp = namespace(values)
    return values[:, None] * xp.eye(values.shape[0], dtype=values.dtype, device=values.device)
