"""k penalised likelihoods at once.

    J_j(θ_j) = Σ_i w_ji ℓ(η_ji, y_ji) + ½ Σ_p λ_jp θ_jp²,    η_j = predictor(θ_j, X) + offset

Restarts differ in nothing but where they start, bootstrap refits in their weights, fits to
simulated data in their responses, a path in its penalties: they share X. Networks that standardise
by their own rows, such as those of folds, have X and offsets of their own. Computing them together
costs the arithmetic of k fits and the overhead of one. Blocks are cut through problems and through
rows, so that working memory does not grow with k.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from statdl.backend.array import Array, is_numpy, like, namespace, returned
from statdl.backend.rows import Rows, block_rows
from statdl.backend.stacked import add_to_diagonals, positive_inverses
from statdl.model.curvature import RowCurvature
from statdl.model.family import score_and_curvature
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.predictor import Linear, Predictor
from statdl.model.shared import SharedColumns, Strip

#: Multiplications of a product of matrices below which OpenBLAS does it on one core.
ONE_CORE = 250_000
#: Problems of a block that are worth that.
FEW = 4

#: What rows a problem may have of its own, and what else.
OWN_ROWS = ("X", "y", "weights", "offset")
OWN = (*OWN_ROWS, "penalised")

#: Gradients, (k, P), and curvatures, (k, P, P).
Pair = tuple[Array, Array]


@dataclass(frozen=True)
class Batch:
    """k objectives that differ from ``objective`` in their rows, penalties, or only in θ.

    Shapes
    ------
    weights : (k, n), or None for those of the objective
    y : (k, n, q), or None for that of the objective
    penalised : (k, P), where the penalty applies and how much, or None for that of the objective
    X : (k, n, p), of networks, or None for that of the objective
    offset : (k, n, 1) or (k, n, q), or None for that of the objective
    """

    objective: Objective
    weights: Array | None = None
    y: Array | None = None
    penalised: Array | None = None
    X: Array | None = None
    offset: Array | None = None
    _shared: list[SharedColumns] = field(default_factory=list, compare=False, repr=False)

    @property
    def size(self) -> int:
        """P, the number of parameters of one problem."""
        return self.objective.size

    def count(self, unless: int) -> int:
        """Return k, or ``unless`` where the problems differ in θ only."""
        return next((int(part.shape[0]) for part in self._own(OWN).values()), unless)

    def take(self, positions: Array) -> Batch:
        """Return some of the problems."""
        xp = namespace(self.objective.rows.template)
        parts = {name: xp.take(part, positions, axis=0) for name, part in self._own(OWN).items()}
        return replace(self, **parts)

    def _own(self, names: Iterable[str]) -> dict[str, Array]:
        """Return by name what problems have of their own."""
        found = {name: getattr(self, name) for name in names}
        return {name: part for name, part in found.items() if part is not None}

    def unit(self, loss: Array) -> Array:
        """Return for each loss what one unit of log-likelihood is worth, (k,)."""
        xp = namespace(loss)
        weights = self.weights
        total = self.objective.total_weight() if weights is None else xp.sum(weights, axis=1)
        noise = self.objective.family.noise(loss / total) + xp.zeros_like(loss)
        return xp.maximum(noise, xp.full_like(noise, self.objective.unit(0.0)))

    def value_and_gradient(self, parameters: Array) -> tuple[Array, Array]:
        """Return every J_j and ∂J_j/∂θ_j for θ of shape (k, P): (k,) and (k, P)."""
        xp = namespace(parameters)
        parts = [self._some(parameters, problems) for problems in self._problems(parameters)]
        if len(parts) == 1:
            loss, pulled = parts[0]
        else:
            loss, pulled = (xp.concat(list(part), axis=0) for part in zip(*parts, strict=True))
        penalised = self._strengths(parameters)
        if penalised is None:
            return loss, -pulled
        penalty = self.objective.penalty
        loss = loss + penalty.value(parameters, penalised)
        return loss, penalty.gradient(parameters, penalised) - pulled

    @property
    def rows(self) -> int:
        """n, the number of rows."""
        return self.objective.n

    def mean_gradient(self, parameters: Array, positions: Array) -> Array:
        """Return the gradients of the mean losses of some rows, (k, P), as training sees them.

        ``positions`` is (b,), or (k, b) where each problem has rows of its own. A batch has its
        share of the penalty, and weights count relative to their mean.
        """
        xp, first = namespace(parameters), positions if positions.ndim == 1 else positions[0, :]
        own = {name: _rows_at(part, positions) for name, part in self._own(OWN_ROWS).items()}
        share = first.shape[0] / self.rows
        penalised = None if self.penalised is None else self.penalised * share
        batch = Batch(self.objective.batch(first), penalised=penalised, **own)
        _, gradient = batch.value_and_gradient(parameters)
        if self.weights is None:
            total = xp.full_like(gradient[:, :1], self.objective.total_weight())
        else:
            total = xp.sum(self.weights, axis=1, keepdims=True)
        return gradient / (share * total)

    def value(self, parameters: Array) -> Array:
        """Return every J_j, (k,)."""
        return self.value_and_gradient(parameters)[0]

    def gradient_and_curvature(self, parameters: Array, *, common: bool = False) -> Pair:
        """Return every ∂J_j/∂θ_j and a positive semi-definite ∂²J_j/∂θ_j², for a linear predictor.

        With ``common`` all rows of θ are the same, (1, P), and what the problems share is worked
        out once. See :func:`~statdl.model.family.score_and_curvature` for the curvature.
        """
        if not self._shared:
            rows = self.objective.rows
            self._shared.append(SharedColumns(rows.X, self.objective.intercept))
        gradient, curvature = self._linear_pass(parameters, common)
        penalised = self._strengths(parameters)
        if penalised is None:
            return gradient, curvature
        penalty = self.objective.penalty
        bend = penalty.curvature(parameters, penalised)
        identity = namespace(bend).eye(self.size, dtype=bend.dtype, device=bend.device)
        gradient = gradient + penalty.gradient(parameters, penalised)
        return gradient, curvature + bend[..., None] * identity

    def curvature(self, parameters: Array, *, expected: bool = False) -> Array:
        """Return every ∂²J_j/∂θ_j², exact or expected, (k, P, P)."""
        xp, predictor = namespace(parameters), self.objective.predictor
        k = int(parameters.shape[0])
        if not (isinstance(predictor, Network) and predictor.stackable):
            each = [self.one(j).curvature(parameters[j, :], expected=expected) for j in range(k)]
            return xp.stack(each)
        width = 2 * predictor.size * predictor.outputs
        width = width if expected else max(predictor.hessian_width, width)
        together = max(1, block_rows(self.objective.rows.X, width) // max(self.objective.n, 1))
        kind = {"dtype": parameters.dtype, "device": parameters.device}
        curvature = xp.empty((k, self.size, self.size), **kind)
        for first in range(0, k, together):
            some = slice(first, min(first + together, k))
            curvature[some, :, :] = self._stacked(parameters, some, expected)
        penalised = self._strengths(parameters)
        if penalised is None:
            return curvature
        return add_to_diagonals(curvature, self.objective.penalty.curvature(parameters, penalised))

    @property
    def _network(self) -> Network:
        assert isinstance(self.objective.predictor, Network)
        return self.objective.predictor

    def _stacked(self, parameters: Array, problems: slice, expected: bool) -> Array:
        """Return the curvatures of some networks without the penalty."""
        theta, family, network = parameters[problems, :], self.objective.family, self._network
        rows = self._rows(problems, slice(None))
        xp = namespace(theta)
        eta = network.eta(theta, rows.X)
        eta = eta if rows.offset is None else eta + rows.offset
        y = xp.broadcast_to(rows.y, eta.shape)
        flat = [xp.reshape(part, (-1, eta.shape[-1])) for part in (eta, y)]
        score = xp.reshape(family.loss_and_score(*flat)[1], eta.shape)
        exact = not (expected or family.canonical)
        H = _shaped(family.observed(*flat) if exact else family.information(flat[0]), eta.shape)
        if rows.weights is not None:
            outer = None if H.outer is None else H.outer * xp.sqrt(rows.weights)[..., None]
            H = RowCurvature(H.diagonal * rows.weights[..., None], outer)
            score = score * rows.weights[..., None]
        if expected:
            return network.curvature(theta, rows.X, H)
        return network.hessian(theta, rows.X, -score, H)

    def inverse_curvature(self, parameters: Array, damping: float) -> Array:
        """Return (C_j + damping diag C_j)⁻¹ of every expected curvature C_j, (k, P, P)."""
        xp = namespace(parameters)
        C = self.curvature(parameters, expected=True)
        diagonal = xp.linalg.diagonal(C)
        floor = 1e-8 * xp.max(diagonal, axis=-1, keepdims=True) + 1e-300
        added = damping * xp.maximum(diagonal, floor) + floor
        return positive_inverses(add_to_diagonals(C, added))

    def one(self, j: int) -> Objective:
        """Return the objective of one problem."""
        own = {name: part[j, ...] for name, part in self._own(OWN_ROWS).items()}
        objective = replace(self.objective, rows=replace(self.objective.rows, **own))
        if self.penalised is None:
            return objective
        return replace(objective, penalised=self.penalised[j, :])

    def eta(self, parameters: Array, X: Array) -> Array:
        """Return η of inputs X without offset, (k, m, q)."""
        return _stackable(self.objective.predictor).eta(parameters, X)

    # inside ---------------------------------------------------------------------------------

    def _strengths(self, parameters: Array) -> Array | None:
        """Return λ of the parameters, (P,) or (k, P); None where nothing is penalised."""
        if self.penalised is not None:
            return self.penalised
        shared = self.objective.penalised
        return None if shared is None else like(shared, parameters)

    def _problems(self, parameters: Array) -> Iterator[slice]:
        """Cut the problems so that those of one block fit the working memory with all rows."""
        k = int(parameters.shape[0])
        rows = self.objective.rows
        if rows.passing:  # one pass for all
            return iter((slice(0, k),))
        room = block_rows(rows.X, self.objective.predictor.width)
        together = max(1, room // max(rows.n, 1))
        return (slice(first, min(first + together, k)) for first in range(0, k, together))

    def _some(self, parameters: Array, problems: slice) -> tuple[Array, Array]:
        """Return the losses and pulled-back scores of some problems, summed over blocks of rows."""
        if self.objective.rows.passing:
            return self._passed(parameters)
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

    def _passed(self, parameters: Array) -> tuple[Array, Array]:
        """Return them for problems that share rows which are read anew for every sum."""
        objective = self.objective
        theta = like(parameters, objective.rows.template)
        width = objective.predictor.width * int(parameters.shape[0])
        sums = objective.rows.reduce(lambda data: self._of_data(theta, data), width)
        loss, pulled = returned(parameters, *sums)
        return loss, pulled

    def _block(self, parameters: Array, problems: slice, rows: slice) -> tuple[Array, Array]:
        return self._of_data(parameters[problems, :], self._rows(problems, rows))

    def _rows(self, problems: slice, rows: slice) -> Rows:
        """Return some rows of some problems: (k, n, …) of what each has of its own."""
        own = {name: part[problems, rows, ...] for name, part in self._own(OWN_ROWS).items()}
        return replace(self.objective.rows[rows], **own)

    def _of_data(self, theta: Array, data: Rows) -> tuple[Array, Array]:
        """Families know (n, q) only, so η of all problems goes below each other, (k n, q)."""
        xp = namespace(data.X)
        predictor = _stackable(self.objective.predictor)
        eta, pullback = predictor.linearise(theta, data.X)
        if data.offset is not None:
            eta = eta + data.offset
        y, weights = xp.broadcast_to(data.y, eta.shape), data.weights
        flat = (-1, eta.shape[-1])
        loss, score = self.objective.family.loss_and_score(
            xp.reshape(eta, flat), xp.reshape(y, flat)
        )
        loss, score = xp.reshape(loss, eta.shape[:-1]), xp.reshape(score, eta.shape)
        if weights is not None:
            # a row of weight 0 counts for nothing, even where its loss is infinite
            loss = xp.where(weights > 0, weights * loss, xp.zeros_like(loss))
            score = score * weights[..., None]
        return xp.sum(loss, axis=-1), pullback(score)

    # a linear predictor ---------------------------------------------------------------------

    def _linear_pass(self, parameters: Array, common: bool) -> Pair:
        """Return gradients and curvatures without the penalty."""
        xp, shared = namespace(parameters), self._shared[0]
        q, m = self.objective.predictor.outputs, shared.m
        k = self.count(int(parameters.shape[0]))
        kind = {"dtype": parameters.dtype, "device": parameters.device}
        gradient = xp.zeros((k, q, m), **kind)
        products = xp.zeros((k, q * (q + 1) // 2, shared.count), **kind)
        for strip in shared.strips():
            together = _together(strip, m + 4 * q)
            if common and self.y is None:
                y = self.objective.rows.y[strip.rows, :]
                self._add(gradient, products, parameters, slice(0, k), strip, y)
                continue
            shared_y = None if self.y is not None else self._repeated(strip.rows, together)
            for first in range(0, k, together):
                problems = slice(first, min(first + together, k))
                own = parameters if common else parameters[problems, :]
                y = self._responses(problems, strip.rows, shared_y)
                self._add(gradient, products, own, problems, strip, y)
        places = xp.reshape(_places(shared.number, q), (-1,))
        flat = xp.take(xp.reshape(products, (k, -1)), places, axis=1)
        return xp.reshape(gradient, (k, q * m)), xp.reshape(flat, (k, q * m, q * m))

    def _repeated(self, rows: slice, times: int) -> Array:
        """Return the responses of some rows so many times below each other."""
        y = self.objective.rows.y[rows, :]
        return namespace(y).tile(y, (times, 1))

    def _responses(self, problems: slice, rows: slice, shared: Array | None) -> Array:
        """Return responses of some problems below each other, (k r, q)."""
        if shared is not None:
            return shared[: (problems.stop - problems.start) * (rows.stop - rows.start), :]
        y = self.y[problems, rows, :]  # type: ignore[index]
        return namespace(y).reshape(y, (-1, y.shape[-1]))

    def _add(
        self,
        gradient: Array,
        products: Array,
        theta: Array,
        problems: slice,
        strip: Strip,
        y: Array,
    ) -> None:
        """Add what some rows give some problems: −Σ w s xᵀ, and Σ w h of each pair of outputs."""
        rows = strip.rows
        score, d, u = self._of_rows(theta, strip, y)
        weights = self.weights
        w = self.objective.rows.weights if weights is None else weights[problems, :]
        w = None if w is None else w[..., rows]
        q = score.shape[1]
        pair = 0
        for a in range(q):
            gradient[problems, a, :] -= _summed(score[:, a, :], w, strip.columns)
            for b in range(a, q):
                h = None if u is None else -u[:, a, :] * u[:, b, :]
                if a == b:
                    h = d[:, a, :] if h is None else d[:, a, :] + h
                if h is not None:
                    products[problems, pair, :] += _summed(h, w, strip.products)
                pair += 1

    def _of_rows(self, theta: Array, strip: Strip, y: Array) -> tuple[Array, Array, Array | None]:
        """Return scores and curvatures in η, (k, q, r): families know (rows, q) only."""
        xp, rows, data = namespace(theta), strip.rows, self.objective.rows
        k, q = theta.shape[0], self.objective.predictor.outputs
        r = strip.columns.shape[0]
        eta = xp.reshape(theta, (k * q, -1)) @ strip.columns.T
        eta = xp.permute_dims(xp.reshape(eta, (k, q, r)), (0, 2, 1))
        if data.offset is not None:
            eta = eta + data.offset[rows, :]
        shape = (y.shape[0] // max(r, 1), r, q)
        if shape[0] > k:  # one θ, and responses of many problems
            eta = xp.broadcast_to(eta, shape)
        eta = xp.reshape(eta, (-1, q))
        score, H = score_and_curvature(self.objective.family, eta, y)
        parts = (score, H.diagonal, H.outer)
        score, d, u = (
            None if part is None else xp.permute_dims(xp.reshape(part, shape), (0, 2, 1))
            for part in parts
        )
        return score, d, u


def _rows_at(part: Array, positions: Array) -> Array:
    """Return rows of every problem, (k, b, …): the same of all, or at (k, b) of each."""
    xp = namespace(part)
    if positions.ndim == 1:
        return xp.take(part, positions, axis=1)
    k, n, *rest = part.shape
    first = n * xp.arange(k, dtype=positions.dtype, device=positions.device)
    flat = xp.reshape(positions + first[:, None], (-1,))
    taken = xp.take(xp.reshape(part, (k * n, *rest)), flat, axis=0)
    return xp.reshape(taken, (*positions.shape, *rest))


def _shaped(H: RowCurvature, shape: tuple[int, ...]) -> RowCurvature:
    """Return a curvature of rows below each other in the shape that they have."""
    xp = namespace(H.diagonal)
    outer = None if H.outer is None else xp.reshape(H.outer, shape)
    return RowCurvature(xp.reshape(H.diagonal, shape), outer, H.unit)


def _together(strip: Strip, width: int) -> int:
    """Return how many problems share a block: those that fit the working memory.

    On the host no more than keep a product of matrices on one core, where that is a few: threads
    that wait for each other after every small product cost more than they save.
    """
    rows, products = strip.products.shape
    together = block_rows(strip.columns, width) // max(rows, 1)
    quiet = ONE_CORE // max(rows * products, 1)
    if is_numpy(strip.columns) and quiet >= FEW:
        together = min(together, quiet)
    return max(1, together)


def _summed(values: Array, weights: Array | None, columns: Array) -> Array:
    """Return Σ_i w_i v_i c_i of every problem, for values (k or 1, r) and weights (k, r) or (r,).

    What all problems share goes to the columns, so that one product of matrices is left.
    """
    if weights is None:
        return values @ columns
    if weights.ndim == 2 and values.shape[0] == 1:
        return weights @ (values[0, :][:, None] * columns)
    return (values * weights) @ columns


def _places(number: Array, q: int) -> Array:
    """Return where the entries of a curvature are among the products of each pair of outputs.

    Shapes: (m, m) → (q m, q m), in rows of q (q + 1)/2 pairs times T products.
    """
    xp = namespace(number)
    m = number.shape[0]
    count = m * (m + 1) // 2
    blocks = [
        [number + count * (min(a, b) * q - min(a, b) * (min(a, b) - 1) // 2 + abs(a - b))
         for b in range(q)]
        for a in range(q)
    ]  # fmt: skip
    return xp.concat([xp.concat(row, axis=1) for row in blocks], axis=0)


def _stackable(predictor: Predictor) -> Predictor:
    """Return a predictor that takes θ of shape (k, P): a network without hidden layers for X β."""
    if isinstance(predictor, Linear):
        return Network(predictor.inputs, (), predictor.outputs, predictor.intercept)
    return predictor
