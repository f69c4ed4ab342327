"""k penalised likelihoods at once, which share their inputs.

    J_j(θ_j) = Σ_i w_ji ℓ(η_ji, y_ji) + penalty(θ_j),    η_j = predictor(θ_j, X) + offset

Restarts differ in nothing but where they start, bootstrap refits in their weights, fits to
simulated data in their responses. Computing them together costs the arithmetic of k fits and the
overhead of one. Blocks are cut through problems first and through rows only where one problem is
too large, so that working memory does not grow with k.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from statdl.backend.array import Array, block_rows, namespace
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.predictor import Linear, Predictor


@dataclass(frozen=True)
class Batch:
    """k objectives that differ from ``objective`` in weights, responses, or only in θ.

    Shapes
    ------
    weights : (k, n), or None for those of the objective
    y : (k, n, q), or None for that of the objective
    """

    objective: Objective
    weights: Array | None = None
    y: Array | None = None

    @property
    def size(self) -> int:
        """P, the number of parameters of one problem."""
        return self.objective.size

    def take(self, positions: Array) -> Batch:
        """Return some of the problems."""
        xp = namespace(self.objective.rows.X)
        weights, y = (
            None if part is None else xp.take(part, positions, axis=0)
            for part in (self.weights, self.y)
        )
        return replace(self, weights=weights, y=y)

    def unit(self, loss: Array) -> Array:
        """Return for each loss what one unit of log-likelihood is worth, (k,)."""
        xp = namespace(loss)
        weights = self.weights
        total = self.objective.total_weight() if weights is None else xp.sum(weights, axis=1)
        noise = self.objective.family.noise(loss / total) + xp.zeros_like(loss)
        return xp.maximum(noise, xp.full_like(noise, 1e-300))

    def value_and_gradient(self, parameters: Array) -> tuple[Array, Array]:
        """Return every J_j and ∂J_j/∂θ_j for θ of shape (k, P): (k,) and (k, P)."""
        xp = namespace(parameters)
        parts = [self._some(parameters, problems) for problems in self._problems(parameters)]
        if len(parts) == 1:
            loss, pulled = parts[0]
        else:
            loss, pulled = (xp.concat(list(part), axis=0) for part in zip(*parts, strict=True))
        penalised = self.objective.penalised
        if penalised is None:
            return loss, -pulled
        penalty = self.objective.penalty
        loss = loss + penalty.value(parameters, penalised)
        return loss, penalty.gradient(parameters, penalised) - pulled

    def inverse_curvature(self, parameters: Array, damping: float) -> Array:
        """Return (C_j + damping diag C_j)⁻¹ of every expected curvature C_j, (k, P, P)."""
        xp = namespace(parameters)
        problems = range(parameters.shape[0])
        C = xp.stack([self._one(j).curvature(parameters[j, :], expected=True) for j in problems])
        identity = xp.eye(C.shape[-1], dtype=C.dtype, device=C.device)
        diagonal = xp.sum(C * identity, axis=-1)
        floor = 1e-8 * xp.max(diagonal, axis=-1, keepdims=True) + 1e-300
        added = damping * xp.maximum(diagonal, floor) + floor
        return xp.linalg.inv(C + added[:, :, None] * identity)

    def _one(self, j: int) -> Objective:
        """Return the objective of one problem."""
        changes = {"weights": self.weights, "y": self.y}
        own = {name: part[j, ...] for name, part in changes.items() if part is not None}
        return replace(self.objective, rows=replace(self.objective.rows, **own))

    def eta(self, parameters: Array, X: Array) -> Array:
        """Return η of inputs X without offset, (k, m, q)."""
        return _stackable(self.objective.predictor).eta(parameters, X)

    # inside ---------------------------------------------------------------------------------

    def _problems(self, parameters: Array) -> Iterator[slice]:
        """Cut the problems so that those of one block fit the working memory with all rows."""
        k = int(parameters.shape[0])
        rows = self.objective.rows
        room = block_rows(rows.X, self.objective.predictor.width)
        together = max(1, room // max(rows.n, 1))
        return (slice(first, min(first + together, k)) for first in range(0, k, together))

    def _some(self, parameters: Array, problems: slice) -> tuple[Array, Array]:
        """Return the losses and pulled-back scores of some problems, summed over blocks of rows."""
        X = self.objective.rows.X
        count = problems.stop - problems.start
        size = block_rows(X, self.objective.predictor.width * count)
        n = int(X.shape[0])
        loss, pulled = self._block(parameters, problems, slice(0, min(size, n)))
        for first in range(size, n, size):
            rows = slice(first, min(first + size, n))
            more = self._block(parameters, problems, rows)
            loss, pulled = loss + more[0], pulled + more[1]
        return loss, pulled

    def _block(self, parameters: Array, problems: slice, rows: slice) -> tuple[Array, Array]:
        """Families know (n, q) only, so η of all problems goes below each other, (k n, q)."""
        data = self.objective.rows[rows]
        xp = namespace(data.X)
        predictor = _stackable(self.objective.predictor)
        eta, pullback = predictor.linearise(parameters[problems, :], data.X)
        if data.offset is not None:
            eta = eta + data.offset
        y = xp.broadcast_to(data.y, eta.shape) if self.y is None else self.y[problems, rows, :]
        flat = (-1, eta.shape[-1])
        loss, score = self.objective.family.loss_and_score(
            xp.reshape(eta, flat), xp.reshape(y, flat)
        )
        loss, score = xp.reshape(loss, eta.shape[:-1]), xp.reshape(score, eta.shape)
        weights = data.weights if self.weights is None else self.weights[problems, rows]
        if weights is not None:
            # a row of weight 0 counts for nothing, even where its loss is infinite
            loss = xp.where(weights > 0, weights * loss, xp.zeros_like(loss))
            score = score * weights[..., None]
        return xp.sum(loss, axis=-1), pullback(score)


def _stackable(predictor: Predictor) -> Predictor:
    """Return a predictor that takes θ of shape (k, P): a network without hidden layers for X β."""
    if isinstance(predictor, Linear):
        return Network(predictor.inputs, (), predictor.outputs, predictor.intercept)
    return predictor
