"""The penalised negative log-likelihood as a sum over blocks of rows.

    J(θ) = Σ_i w_i ℓ(η_i, y_i) + penalty(θ),    η = predictor(θ, X) + offset

Every quantity below is a map over blocks and a sum, so that the same code serves rows in memory, a
mini-batch, and data that arrive in pieces.

Parameters may be on the host while the rows are on a device: what is asked for comes back to where
the parameters are, in one copy. What solvers do with it is then arithmetic of small host arrays, on
which a device would only spend time launching.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from statdl.backend.array import (
    Array,
    epsilon,
    host_zeros,
    like,
    namespace,
    overflow_allowed,
    returned,
)
from statdl.backend.linalg import factorise
from statdl.backend.rows import Rows
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

    @property
    def curvature_price(self) -> float:
        """What a curvature costs, in gradients: next to nothing where rows are few."""
        return 3 + self.size / 15 if self.n > 50 * self.size + 5000 else 0.0

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
        theta = self._beside_rows(parameters)
        sums = self._sum(lambda rows: self._loss_and_score(theta, rows))
        return self._penalised_gradient(parameters, *returned(parameters, *sums))

    def _loss_and_score(self, theta: Array, rows: Rows) -> tuple[Array, Array]:
        """Return Σ w ℓ and the score of θ, Σ J_iᵀ w_i score_i, of some rows."""
        eta, pullback = self.predictor.linearise(theta, rows.X)
        loss, score = self.family.loss_and_score(_with_offset(eta, rows), rows.y)
        if rows.weights is not None:
            score = score * rows.weights[:, None]
        return _weighted_sum(loss, rows), pullback(score)

    def _penalised_gradient(
        self, parameters: Array, loss: Array, score: Array
    ) -> tuple[float, Array]:
        """Return J(θ) and its gradient from the sums over the rows."""
        if self.penalised is None:
            return float(loss), -score
        penalty, slope = self.penalty.on(self, like(parameters, score))
        return float(loss) + penalty, slope - score

    def curvature(self, parameters: Array, *, expected: bool = False) -> Array:
        """Return ∂²J/∂θ∂θᵀ, exact, or expected: Jᵀ E[H] J, which is positive semi-definite.

        The exact one adds what the predictor's own second derivatives make of the score,
        Jᵀ H J − Σ_i Σ_k w_i score_ik ∇²η_ik.
        """
        theta = self._beside_rows(parameters)
        (H,) = returned(
            parameters, *self._sum(lambda rows: (self._curvature_of(theta, rows, expected),))
        )
        return self.with_curvature_of_penalty(parameters, H)

    def _curvature_of(self, theta: Array, rows: Rows, expected: bool) -> Array:
        """Return the curvature of Σ w ℓ of some rows."""
        eta = self.eta(theta, rows)
        if expected or self.family.canonical:
            H = self.family.information(eta)
        else:
            H = self.family.observed(eta, rows.y)
        if rows.weights is not None:
            H = H.weighted(rows.weights)
        if expected or self.predictor.linear:
            return self.predictor.curvature(theta, rows.X, H)
        _, score = self.family.loss_and_score(eta, rows.y)
        if rows.weights is not None:
            score = score * rows.weights[:, None]
        return self.predictor.hessian(theta, rows.X, -score, H)

    def with_curvature_of_penalty(self, parameters: Array, H: Array) -> Array:
        """Return the curvature of J from H, that of the sum over the rows."""
        if self.penalised is None:
            return H
        return H + _diagonal(self.penalty.curvature(parameters, like(self.penalised, H)))

    def eta(self, parameters: Array, rows: Rows) -> Array:
        """Return η of the given rows, offset included, (n, q)."""
        return _with_offset(self.predictor.eta(parameters, rows.X), rows)

    def row_sum(self, parameters: Array, function: Callable[[Array, Rows], Array]) -> float:
        """Return Σ_i w_i f(η_i, row_i) for a per-row function f."""
        return self.row_sums(parameters, function)[0]

    def row_sums(
        self, parameters: Array, *functions: Callable[[Array, Rows], Array]
    ) -> tuple[float, ...]:
        """Return Σ_i w_i f(η_i, row_i) for each of some per-row functions f, in one pass."""
        theta = self._beside_rows(parameters)

        def block(rows: Rows) -> tuple[Array, ...]:
            eta = self.eta(theta, rows)
            return tuple(_weighted_sum(function(eta, rows), rows) for function in functions)

        with overflow_allowed():  # a deviance may be infinite
            return tuple(map(float, self._sum(block)))

    def row_map(self, parameters: Array, function: Callable[[Array, Rows], Array]) -> Array:
        """Return f(η_i, row_i) for every row, stacked."""
        theta = self._beside_rows(parameters)
        return self.rows.stacked(
            lambda rows: function(self.eta(theta, rows), rows), self.predictor.width
        )

    def least_squares(self, working: Callable[[Rows], Array]) -> Array:
        """Return argmin Σ w ‖working_i − η_i(θ)‖² for a linear predictor: a start, not a fit.

        It is on the host.
        """
        quadratic = Objective(Gaussian(), self.predictor.single(), self.rows.with_response(working))
        origin = host_zeros(quadratic.size, self.rows.template)
        _, gradient = quadratic.value_and_gradient(origin)
        return -factorise(quadratic.curvature(origin)).solve(gradient)

    def batch(self, positions: Array) -> Objective:
        """Return the objective on some rows, with their share of the penalty."""
        return self.part(self.rows.take(positions))

    def part(self, rows: Rows) -> Self:
        """Return the objective on rows that are a part of all, with their share of the penalty."""
        part = rows.n / self.n
        penalised = None if self.penalised is None else self.penalised * part
        weight = self.total_weight() * part  # not the part's own: heavy rows must stay heavy
        return replace(self, rows=rows, penalised=penalised, share=weight)

    def batches(self, size: int, seed: int, epoch: int) -> Iterator[Objective]:
        """Yield the objectives on the batches of an epoch, in an order that the seed decides."""
        for rows, order in self.rows.portions(size, seed, epoch):
            for first in range(0, rows.n, size):
                yield self.part(rows.take(order[first : first + size]))

    def slopes(self, parameters: Array) -> Array:
        """Return the parameters with every intercept at 0."""
        return self.predictor.slopes(parameters)

    @cached_property
    def _rounding(self) -> float:
        """The mean square of y, at the square of its rounding error."""
        return max(self.rows.mean_square * (4 * epsilon(self.rows.template)) ** 2, 1e-300)

    def _beside_rows(self, parameters: Array) -> Array:
        """Return the parameters where the rows are summed."""
        return like(parameters, self.rows.template)

    def _sum(self, block: Callable[[Rows], tuple[Any, ...]]) -> Any:
        """Return the sum over blocks of rows of a tuple of quantities."""
        return self.rows.reduce(block, self.predictor.width)


def _weighted_sum(values: Array, rows: Rows) -> Array:
    xp = namespace(values)
    if rows.weights is None:
        return xp.sum(values)
    # a row of weight 0 counts for nothing, even where its value is infinite
    return xp.sum(xp.where(rows.weights > 0, rows.weights * values, xp.zeros_like(values)))


def _with_offset(eta: Array, rows: Rows) -> Array:
    return eta if rows.offset is None else eta + rows.offset


def _diagonal(values: Array) -> Array:
    xp = namespace(values)
    return values[:, None] * xp.eye(values.shape[0], dtype=values.dtype, device=values.device)
