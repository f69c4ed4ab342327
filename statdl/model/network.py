"""The multilayer perceptron as a predictor.

    η = W_{L+1} a_L + b,   a_l = f_l(W_l a_{l−1} + b_l),   a_0 = x

θ is one flat vector. Each affine layer is an output-major table [b | W], after it the scales and
shifts of a normalised layer ([b | V] and scales with weight normalisation), so that a network
without hidden layers has Linear's θ, and hands its work to
:class:`~statdl.model.predictor.Linear`.

Every function takes θ of shape (P,), or (k, P) for k networks at once, and then its result has k in
front, (k, n, q) for η; X is (n, p), or (k, n, p) where each network has inputs of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from statdl.backend.array import ACCELERATOR_BYTES, CACHE_BYTES, Array, is_numpy, like, namespace
from statdl.backend.random import zeros
from statdl.errors import ModelError
from statdl.model.activation import Elementwise
from statdl.model.curvature import RowCurvature
from statdl.model.feedforward import Feedforward, Pass
from statdl.model.hessian import Bends, Table, features, gauss_newton, in_pairs, structured_hessian
from statdl.model.initial import Initial, default_initial
from statdl.model.layout import (
    Block,
    LayerRow,
    blocks,
    layer_rows,
    parameter_names,
    sizes,
    unit_names,
)
from statdl.model.predictor import Linear, Predictor
from statdl.model.rowroot import dense, root, rows_of
from statdl.model.symmetry import canonical
from statdl.model.training import RunningStatistics, TrainingMode
from statdl.model.weight_normalisation import polar, pull, turn


@dataclass(frozen=True)
class Network(Feedforward):
    """η from layers of units.

    Parameters
    ----------
    inputs : int
        p, the columns of X.
    hidden : tuple of Hidden
        The hidden layers from the input on; () is a linear predictor.
    outputs : int
        q, the columns of η.
    intercept : bool
        Whether layers have biases.
    skip : bool
        Whether the inputs also enter the output layer, as with R's ``nnet(skip = TRUE)``.
    statistics : RunningStatistics, optional
        What batch normalisation uses at prediction; means of 0 and variances of 1 unless given.

    Examples
    --------
    >>> from statdl.model.layer import Hidden
    >>> Network(30, (Hidden(10),)).size
    321
    """

    # θ ----------------------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """A row of X, of η and what the family makes of it, and of every layer's values."""
        return self.inputs + 4 * self.outputs + 4 * sum(hidden.maps for hidden in self.hidden)

    @cached_property
    def layout(self) -> tuple[Block, ...]:
        """Where each layer's biases, weights, scales and shifts are in θ."""
        return blocks(self.layers, self.output)

    def parameter_names(
        self, input_names: Sequence[str], output_names: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the names of θ's entries, such as ``wt -> h1``.

        Examples
        --------
        >>> from statdl.model.layer import Hidden
        >>> Network(1, (Hidden(2),)).parameter_names(["wt"], ["mpg"])
        ('bias -> h1', 'wt -> h1', 'bias -> h2', 'wt -> h2',
         'bias -> mpg', 'h1 -> mpg', 'h2 -> mpg')
        """
        skip = self.skip and bool(self.hidden)
        return parameter_names(self.layers, self.output, input_names, output_names, skip)

    def unit_names(self, layer: int) -> tuple[str, ...]:
        """Return the names of a hidden layer's units; the first layer is 0."""
        return unit_names(self.layers, layer)

    def table(self) -> tuple[LayerRow, ...]:
        """Return the layers with their numbers of units and parameters; the latter sum to P."""
        return layer_rows(self.layers, self.output)

    @property
    def linear(self) -> bool:
        """Whether there is no hidden layer."""
        return not self.hidden

    def whole(self, parameters: Array) -> tuple[Predictor, Array]:
        """Return the network and its parameters: none is held at a value."""
        return self, parameters

    def single(self) -> Network:
        return replace(self, outputs=1)

    def slopes(self, parameters: Array) -> Array:
        chosen = zeros(self.size)
        for block in sizes(self.layout):
            chosen[list(block.positions)] = 1.0
        return like(chosen, parameters) * parameters

    def initial(self, rng: Any, rule: Initial | None = None) -> Any:
        """Return initial parameters as a host array (P,), drawn by a host generator.

        Biases and shifts are 0 and scales 1; ``rule`` replaces each layer's default. With weight
        normalisation the weights are those drawn: their lengths are the scales.
        """
        rng.random(self.size - sum(layer.hidden.maps for layer in self.directed))
        parameters = zeros(self.size)
        activations = (*(hidden.activation for hidden in self.hidden), None)
        fans = (*(hidden.units for hidden in self.hidden), self.outputs)
        affine = (*(layer.affine for layer in self.layers), self.output)
        for part, activation, fan_out in zip(affine, activations, fans, strict=True):
            chosen = rule or default_initial(activation)
            target = part.table(parameters) if chosen.biases else part.weights(parameters)
            target[...] = chosen.draw(part.inputs, fan_out, rng, target.shape)
        for layer in self.layers:
            if layer.normalised:
                parameters[layer.scale_slice] = 1.0
        return self.with_scales(parameters)

    def with_scales(self, parameters: Any) -> Any:
        """Return host parameters with scales of directions at their lengths: g v/‖v‖ = v.

        Raises
        ------
        ModelError
            Where a unit's weights are all 0, which have no direction.
        """
        for layer in self.directed:
            weights = layer.affine.weights(parameters)
            if weights.shape[1] and not (weights != 0).any(axis=1).all():
                raise ModelError(
                    "Weights that are all 0 into a hidden unit have no direction, which "
                    "normalisation='weight' needs; start elsewhere."
                )
            parameters[layer.scale_slice] = polar(layer, parameters).length[:, 0]
        return parameters

    def canonical(self, parameters: Array) -> Array:
        """Return θ of the same network with its units in canonical order and of canonical sign.

        See :mod:`statdl.model.symmetry`. Where parameters are held at given values there is no
        such freedom, and this is not to be used.
        """
        return canonical(self.layers, self.output, parameters)

    # what every predictor answers -------------------------------------------------------------

    def eta(self, parameters: Array, X: Array) -> Array:
        if self._is_linear(parameters):
            return self._linear.eta(parameters, X)
        return self.forward(parameters, X).eta

    def pullback(self, parameters: Array, X: Array, G: Array) -> Array:
        if self._is_linear(parameters):
            return self._linear.pullback(parameters, X, G)
        return self.backward(parameters, self.forward(parameters, X), G)

    def linearise(self, parameters: Array, X: Array) -> tuple[Array, Callable[[Array], Array]]:
        if self._is_linear(parameters):
            return self._linear.linearise(parameters, X)
        passed = self.forward(parameters, X)
        return passed.eta, partial(self.backward, parameters, passed)

    def practise(
        self, parameters: Array, X: Array, training: TrainingMode
    ) -> tuple[Array, Callable[[Array], Array], RunningStatistics | None]:
        """Linearise as in training; return the moments after the batch as well."""
        passed = self.forward(parameters, X, training)
        return passed.eta, partial(self.backward, parameters, passed), passed.statistics

    def jacobian_times(self, parameters: Array, X: Array, V: Array) -> Array:
        """Return J_i V, (n, q, r), for V of shape (P, r)."""
        width = self.outputs * (self.size + V.shape[1])
        parts = [self.jacobian(parameters, X[rows, :]) @ V for rows in self._blocks(X, width)]
        return parts[0] if len(parts) == 1 else namespace(V).concat(parts, axis=0)

    def curvature(self, parameters: Array, X: Array, H: RowCurvature) -> Array:
        """Return the Gauss-Newton matrix Σ_i J_iᵀ H_i J_i, (P, P).

        Where every d_i ≥ 0, H_i = C_iᵀ C_i, and it is a sum of squares: the product of a matrix
        with rows C_i J_i and its transpose.
        """
        if self._is_linear(parameters):
            return self._linear.curvature(parameters, X, H)
        total = 0.0
        for rows in self._blocks(X, 2 * self.outputs * self.size):
            total = total + self._block_curvature(parameters, X[..., rows, :], rows_of(H, rows))
        return total

    def _block_curvature(self, parameters: Array, X: Array, H: RowCurvature) -> Array:
        xp = namespace(X)
        passed = self.forward(parameters, X)
        if H.unit or bool(xp.all(H.diagonal >= 0)):
            if self.stackable:
                return gauss_newton(self._tables(passed, xp.moveaxis(root(H), -1, 0)))
            half = self._stacked(parameters, passed, xp.moveaxis(root(H), -1, 0))
            if is_numpy(half) and half.ndim > 2:  # BLAS sees the symmetry of one product only
                return xp.stack([one.T @ one for one in half])
            return xp.matrix_transpose(half) @ half
        left = self._stacked(parameters, passed, self._unit_seeds(parameters, passed))
        right = self._stacked(parameters, passed, xp.moveaxis(dense(H), -1, 0))
        return xp.matrix_transpose(left) @ right

    def _tables(self, passed: Pass, seeds: Array) -> list[Table]:
        """Return the tables of all layers with what each seed is in their values."""
        last = Table(self.output, features(self.output, passed.last), seeds)
        others = [
            Table(layer.affine, features(layer.affine, one.inputs), delta.raw)
            for layer, one, delta in self._deltas(passed, seeds)
        ]
        return [*reversed(others), last]

    @property
    def _one_layer(self) -> bool:
        """Whether there is one hidden layer of units each on its own, and few pairs and outputs."""
        if len(self.layers) != 1 or self.directed:
            return False
        layer = self.layers[0]
        if 2 * self.outputs > max(layer.hidden.maps, 2):  # a seed each costs more than tangents
            return False
        return isinstance(layer.hidden.activation, Elementwise) and in_pairs(layer.affine)

    def _bends(self, passed: Pass, G: Array) -> Bends:
        """Return what makes a Gauss-Newton matrix of one hidden layer the Hessian."""
        xp, one, f = namespace(G), passed.layers[0], self.layers[0].hidden.activation
        G = xp.broadcast_to(G, passed.eta.shape)
        ones = xp.ones_like(one.scores)
        slope = f.push(one.scores, one.values, ones)
        bend = f.bend(one.scores, one.values, self._from_output(passed.plain, G), ones)
        ways = G[..., :, None] * slope[..., None, :]
        return Bends(bend, xp.reshape(ways, (*slope.shape[:-1], -1)))

    # further derivatives ----------------------------------------------------------------------

    def jacobian(self, parameters: Array, X: Array) -> Array:
        """Return ∂η/∂θ of each row, (n, q, P)."""
        passed = self.forward(parameters, X)
        seeds = self._unit_seeds(parameters, passed)
        return namespace(X).moveaxis(self._seeded(parameters, passed, seeds), 0, -2)

    def hessian(
        self, parameters: Array, X: Array, G: Array, H: RowCurvature | None = None
    ) -> Array:
        """Return Σ_i J_iᵀ H_i J_i + Σ_i Σ_k G_ik ∂²η_ik/∂θ∂θᵀ, (P, P).

        Of k networks at once, (k, P, P), where :attr:`stackable` says so.
        """
        if not self.hidden:
            return self._linear.hessian(parameters, X, G, H)
        plain = not any(layer.normalised for layer in self.layers)
        function = self._structured_hessian if plain else self.plain_hessian
        total = 0.0
        for rows in self._blocks(X, self._hessian_width(plain)):
            part = None if H is None else rows_of(H, rows)
            total = total + function(parameters, X[..., rows, :], G[..., rows, :], part)
        return total

    @property
    def stackable(self) -> bool:
        """Whether the Hessians of k networks can be had at once."""
        return bool(self.hidden) and not (
            self.directed or any(layer.normalised for layer in self.layers)
        )

    @property
    def hessian_width(self) -> int:
        """Numbers of working memory that a row of a Hessian needs."""
        return self._hessian_width(self.stackable)

    def plain_hessian(
        self, parameters: Array, X: Array, G: Array, H: RowCurvature | None = None
    ) -> Array:
        """Return the same by P Hessian-vector products: for every kind of layer."""
        xp = namespace(X)
        basis = xp.eye(self.size, dtype=parameters.dtype, device=parameters.device)
        second = self.hessian_vector(parameters, X, G, basis)
        return second if H is None else second + self.curvature(parameters, X, H)

    def input_turn(self, parameters: Array, X: Array, G: Array) -> Array:
        """Return how Σ_i G_iᵀ ∂η_i/∂x_j changes with θ, for every column j of X, (p, P)."""
        xp = namespace(X)
        if not self.hidden:
            return self._linear.input_turn(parameters, X, G)
        total = xp.zeros((self.inputs, self.size), dtype=X.dtype, device=X.device)
        units = xp.eye(self.inputs, dtype=X.dtype, device=X.device)[:, None, :]
        for rows in self._blocks(X, self.inputs * self.width):
            block = X[rows, :]
            moved = xp.broadcast_to(units, (self.inputs, *block.shape))
            total = total + self.hessian_vector(parameters, block, G[rows, :], None, moved)
        return total

    # inside ---------------------------------------------------------------------------------

    @cached_property
    def _linear(self) -> Linear:
        return Linear(self.inputs, self.outputs, self.intercept)

    def _is_linear(self, parameters: Array) -> bool:
        return not self.hidden and parameters.ndim == 1

    def _seeded(self, parameters: Array, passed: Pass, seeds: Array) -> Array:
        """Return G_iᵀ J_i of each row for each G of ``seeds``, (s, …, n, q) → (s, …, n, P)."""
        xp = namespace(seeds)
        kind = xp.result_type(passed.eta, seeds)
        shape = (*seeds.shape[:-1], self.size)
        jacobian = xp.empty(shape, dtype=kind, device=seeds.device)
        self.output.write_jacobian(jacobian, passed.last, seeds)
        for layer, one, delta in self._deltas(passed, seeds):
            layer.write_jacobian(jacobian, one, delta)
        return pull(self.directed, parameters[..., None, :], jacobian)

    def _stacked(self, parameters: Array, passed: Pass, seeds: Array) -> Array:
        """Return the rows G_iᵀ J_i of all seeds below each other, (…, s n, P)."""
        xp = namespace(seeds)
        seeds = xp.broadcast_to(seeds, (seeds.shape[0], *passed.eta.shape))
        rows = xp.moveaxis(self._seeded(parameters, passed, seeds), 0, -3)
        return xp.reshape(rows, (*rows.shape[:-3], -1, self.size))

    def _unit_seeds(self, parameters: Array, passed: Pass) -> Array:
        """Return the q seeds that give each output's own gradient, (q, …, n, q)."""
        xp = namespace(passed.eta)
        unit = xp.eye(self.outputs, dtype=passed.eta.dtype, device=passed.eta.device)
        shape = (self.outputs, *(1,) * (passed.eta.ndim - 1), self.outputs)
        return xp.broadcast_to(xp.reshape(unit, shape), (self.outputs, *passed.eta.shape))

    def _structured_hessian(
        self, parameters: Array, X: Array, G: Array, H: RowCurvature | None
    ) -> Array:
        passed = self.forward(parameters, X)
        if self._one_layer and H is not None and bool(namespace(X).all(H.diagonal >= 0)):
            seeds = namespace(X).moveaxis(root(H), -1, 0)
            return gauss_newton(self._tables(passed, seeds), self._bends(passed, G))
        skipped = self.inputs * self.skip
        hessian = structured_hessian(
            self.layers, self.output, skipped, passed.plain, passed.layers, passed.last, G, H
        )
        return self._in_directions(parameters, passed, G, hessian) if self.directed else hessian

    def _in_directions(self, parameters: Array, passed: Pass, G: Array, hessian: Array) -> Array:
        """Return the Hessian in directions and scales from that in weights."""
        xp = namespace(hessian)
        half = xp.permute_dims(pull(self.directed, parameters, hessian), (1, 0))
        basis = xp.eye(self.size, dtype=parameters.dtype, device=parameters.device)
        bent = turn(self.directed, parameters, basis, self._plain_gradient(passed, G))
        return pull(self.directed, parameters, xp.asarray(half, copy=True)) + bent

    def _hessian_width(self, plain: bool) -> int:
        maps = sum(hidden.maps for hidden in self.hidden)
        if not plain:
            return 6 * self.size * (maps + self.outputs)
        columns = max((*(layer.affine.columns for layer in self.layers), self.output.columns))
        return 4 * maps * (maps + columns) + columns * columns

    def _blocks(self, X: Array, width: int) -> Iterator[slice]:
        """Cut the rows so that ``width`` numbers a row stay within the working memory."""
        room = 8 * CACHE_BYTES if is_numpy(X) else ACCELERATOR_BYTES
        size = max(32, room // (8 * width))
        n = int(X.shape[-2])
        return (slice(first, min(first + size, n)) for first in range(0, max(n, 1), size))
