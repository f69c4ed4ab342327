"""The multilayer perceptron as a predictor.

    η = W_{L+1} a_L + b,   a_l = f_l(W_l a_{l−1} + b_l),   a_0 = x

θ is one flat vector. Each affine layer is an output-major table [b | W], after it the scales and
shifts of a normalised layer, so that a network without hidden layers has Linear's θ, and hands its
work to :class:`~statdl.model.predictor.Linear`.

Beside what every predictor answers there are exact second derivatives. With the score −∂loss/∂η,

    ∂²loss/∂θ∂θᵀ = curvature(θ, X, observed) − second(θ, X, score).

Every function takes θ of shape (P,), or (k, P) for k networks at once, and then its result has k in
front, (k, n, q) for η.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from statdl.backend.array import (
    ACCELERATOR_BYTES,
    CACHE_BYTES,
    Array,
    is_numpy,
    namespace,
)
from statdl.errors import ModelError
from statdl.model.curvature import RowCurvature
from statdl.model.initial import Initial, default_initial
from statdl.model.layer import Affine, Delta, Hidden, Layer, LayerPass, Tangent
from statdl.model.layout import Block, LayerRow, blocks, layer_rows, parameter_names, unit_names
from statdl.model.predictor import Linear
from statdl.model.rowroot import dense, root, rows_of
from statdl.model.second import structured_second
from statdl.model.symmetry import canonical
from statdl.model.training import (
    RunningStatistics,
    Training,
    dropout_masks,
    prediction_moments,
)


class Pass(NamedTuple):
    """A run of the network forwards: η, and all that a run backwards needs."""

    layers: tuple[LayerPass, ...]
    last: Array  # (…, n, inputs of the output layer)
    eta: Array  # (…, n, q)
    statistics: RunningStatistics | None = None  # the running ones after this batch


@dataclass(frozen=True)
class Network:
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
    >>> Network(30, (Hidden(10),)).size
    321
    """

    inputs: int
    hidden: tuple[Hidden, ...] = ()
    outputs: int = 1
    intercept: bool = True
    skip: bool = False
    statistics: RunningStatistics | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, least in (("inputs", 0), ("outputs", 1)):
            value = getattr(self, name)
            if value != int(value) or value < least:
                raise ModelError(
                    f"A network's {name} must be a whole number of {least} or more, not {value!r}."
                )

    # the shape of θ -------------------------------------------------------------------------

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The hidden layers at their places in θ."""
        placed: list[Layer] = []
        start, inputs = 0, self.inputs
        for hidden in self.hidden:
            placed.append(Layer(hidden, Affine(start, inputs, hidden.maps, self.intercept)))
            start, inputs = placed[-1].stop, hidden.units
        return tuple(placed)

    @cached_property
    def output(self) -> Affine:
        """The output layer at its place in θ."""
        if not self.layers:
            return Affine(0, self.inputs, self.outputs, self.intercept)
        inputs = self.hidden[-1].units + self.inputs * self.skip
        return Affine(self.layers[-1].stop, inputs, self.outputs, self.intercept)

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return self.output.stop

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

    def single(self) -> Network:
        return replace(self, outputs=1)

    def initial(self, rng: Any, rule: Initial | None = None) -> Any:
        """Return initial parameters as a host array (P,), drawn by a host generator.

        Biases and shifts are 0 and scales 1; ``rule`` replaces each layer's default.
        """
        parameters = 0.0 * rng.random(self.size)
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
        return parameters

    def canonical(self, parameters: Array) -> Array:
        """Return θ of the same network with its units in canonical order and of canonical sign.

        See :mod:`statdl.model.symmetry`. Where parameters are held at given values there is no
        such freedom, and this is not to be used.
        """
        return canonical(self.layers, self.output, parameters)

    # forwards and backwards -----------------------------------------------------------------

    def forward(self, parameters: Array, X: Array, training: Training | None = None) -> Pass:
        """Run the network on X, (n, p), and keep what a run backwards needs."""
        x, passed = X, []
        for index, layer in enumerate(self.layers):
            mask = None if training is None else training.masks[index]
            moments = None if training else prediction_moments(layer, index, self.statistics, X)
            passed.append(layer.forward(parameters, x, moments, mask))
            x = passed[-1].outputs
        last = self._with_inputs(x, X)
        eta = self.output.long_value(parameters, last)
        statistics = None if training is None else training.updated(self.layers, passed)
        return Pass(tuple(passed), last, eta, statistics)

    def backward(self, parameters: Array, passed: Pass, G: Array) -> Array:
        """Return Σ_i J_iᵀ G_i, (P,), from a run forwards: backpropagation."""
        gradient, G = self._empty(parameters, passed, G)
        self.output.write_gradient(gradient, passed.last, G)
        for layer, one, delta in self._deltas(parameters, passed, G):
            layer.write_gradient(gradient, one, delta)
        return gradient

    def eta(self, parameters: Array, X: Array) -> Array:
        if self._is_linear(parameters):
            return self._linear.eta(parameters, X)
        return self.forward(parameters, X).eta

    def pullback(self, parameters: Array, X: Array, G: Array) -> Array:
        if self._is_linear(parameters):
            return self._linear.pullback(parameters, X, G)
        return self.backward(parameters, self.forward(parameters, X), G)

    def input_gradient(self, parameters: Array, X: Array, G: Array) -> Array:
        """Return (∂η_i/∂x_i)ᵀ G_i for each row, (n, p): what marginal effects are made of."""
        passed = self.forward(parameters, X)
        G = self._empty(parameters, passed, G)[1]
        full = self.output.pull(parameters, G)
        delta = None
        for layer, _, found in self._deltas(parameters, passed, G):
            delta = layer.affine.pull(parameters, found.raw)
        if delta is None:
            return full
        return delta + full[..., self.hidden[-1].units :] if self.skip else delta

    def training(
        self,
        rng: Any,
        rows: int,
        reference: Array,
        statistics: RunningStatistics | None = None,
    ) -> Training:
        """Return what :meth:`forward` needs in training on ``rows`` rows: masks drawn on the host.

        Masks hold 0 with probability p and 1/(1 − p) otherwise, in ``reference``'s library.
        """
        return Training(dropout_masks(self.hidden, rng, rows, reference), statistics)

    # first derivatives ----------------------------------------------------------------------

    def jacobian(self, parameters: Array, X: Array) -> Array:
        """Return ∂η/∂θ of each row, (n, q, P)."""
        passed = self.forward(parameters, X)
        seeds = self._unit_seeds(parameters, passed)
        return namespace(X).moveaxis(self._seeded(parameters, passed, seeds), 0, -2)

    def pushforward(
        self, parameters: Array, X: Array, V: Array | None, U: Array | None = None
    ) -> Array:
        """Return J V, the change of η along V of θ and U of X: (m, P) and (m, n, p) → (m, n, q)."""
        return self._push(parameters, self.forward(parameters, X), V, U)[2]

    def curvature(self, parameters: Array, X: Array, H: RowCurvature) -> Array:
        """Return the Gauss-Newton matrix Σ_i J_iᵀ H_i J_i, (P, P).

        Where every d_i ≥ 0, H_i = C_iᵀ C_i, and it is a sum of squares: the product of a matrix
        with rows C_i J_i and its transpose.
        """
        if self._is_linear(parameters):
            return self._linear.curvature(parameters, X, H)
        total = 0.0
        for rows in self._blocks(X, 2 * self.outputs * self.size):
            total = total + self._block_curvature(parameters, X[rows, :], rows_of(H, rows))
        return total

    def _block_curvature(self, parameters: Array, X: Array, H: RowCurvature) -> Array:
        xp = namespace(X)
        passed = self.forward(parameters, X)
        if H.unit or bool(xp.all(H.diagonal >= 0)):
            half = self._stacked(parameters, passed, xp.moveaxis(root(H), -1, 0))
            return xp.matrix_transpose(half) @ half
        left = self._stacked(parameters, passed, self._unit_seeds(parameters, passed))
        right = self._stacked(parameters, passed, xp.moveaxis(dense(H), -1, 0))
        return xp.matrix_transpose(left) @ right

    # second derivatives ---------------------------------------------------------------------

    def second(self, parameters: Array, X: Array, S: Array) -> Array:
        """Return Σ_i Σ_k S_ik ∂²η_ik/∂θ∂θᵀ, (P, P)."""
        xp = namespace(X)
        if parameters.ndim > 1:
            networks = range(parameters.shape[0])
            scores = [S[k, ...] if S.ndim > 2 else S for k in networks]
            each = [self.second(parameters[k, ...], X, scores[k]) for k in networks]
            return xp.stack(each)
        if not self.hidden:
            return xp.zeros((self.size, self.size), dtype=X.dtype, device=X.device)
        plain = not any(layer.normalised for layer in self.layers)
        function = self._structured_second if plain else self.plain_second
        total = 0.0
        for rows in self._blocks(X, self._second_width(plain)):
            total = total + function(parameters, X[rows, :], S[rows, :])
        return total

    def plain_second(self, parameters: Array, X: Array, S: Array) -> Array:
        """Return the same by P Hessian-vector products: for every kind of layer."""
        xp = namespace(X)
        basis = xp.eye(self.size, dtype=parameters.dtype, device=parameters.device)
        return self.hessian_vector(parameters, X, S, basis)

    def hessian_vector(
        self,
        parameters: Array,
        X: Array,
        S: Array,
        V: Array | None,
        U: Array | None = None,
    ) -> Array:
        """Return the change of Σ_i J_iᵀ S_i along V of θ and U of X: (m, P), (m, n, p) → (m, P).

        This is Pearlmutter's (1994) R-operator. With V alone it is (Σ S_ik ∂²η_ik/∂θ∂θᵀ) V; with
        U alone it is how a slope in X changes with θ.
        """
        xp = namespace(X)
        passed = self.forward(parameters, X)
        tangents, last, eta = self._push(parameters, passed, V, U)
        _, S = self._empty(parameters, passed, S)
        kind = xp.result_type(parameters, eta)
        change = xp.empty((*eta.shape[:-2], self.size), dtype=kind, device=X.device)
        self.output.write_turn(change, passed.last, xp.zeros_like(eta), S, last)
        g, g_change = self._pull_output(parameters, V, S, eta)
        for k in reversed(range(len(self.layers))):
            layer, one = self.layers[k], passed.layers[k]
            delta = layer.delta(parameters, one, g)
            turn = layer.turn(parameters, one, tangents[k], V, g, g_change)
            layer.write_turn(change, one, delta, turn, tangents[k])
            if k:
                g, g_change = _pull_both(layer.affine, parameters, V, delta.raw, turn.raw)
        return change

    # inside ---------------------------------------------------------------------------------

    @cached_property
    def _linear(self) -> Linear:
        return Linear(self.inputs, self.outputs, self.intercept)

    def _is_linear(self, parameters: Array) -> bool:
        return not self.hidden and parameters.ndim == 1

    def _with_inputs(self, values: Array, X: Array | None) -> Array:
        """Return the output layer's inputs: the last values, and X behind them where it skips."""
        if not (self.skip and self.hidden):
            return values
        xp = namespace(values)
        shape = (*values.shape[:-1], self.inputs)
        if X is None:
            return xp.concat(
                [values, xp.zeros(shape, dtype=values.dtype, device=values.device)], axis=-1
            )
        return xp.concat([values, xp.broadcast_to(X, shape)], axis=-1)

    def _empty(self, parameters: Array, passed: Pass, G: Array) -> tuple[Array, Array]:
        """Return room for a gradient, and G with an axis for every axis of the result."""
        xp = namespace(G)
        if G.ndim < passed.eta.ndim:
            G = xp.broadcast_to(G, passed.eta.shape)
        kind = xp.result_type(passed.eta, G)
        return xp.empty((*G.shape[:-2], self.size), dtype=kind, device=G.device), G

    def _deltas(
        self, parameters: Array, passed: Pass, G: Array
    ) -> Iterator[tuple[Layer, LayerPass, Delta]]:
        """Walk the hidden layers from the last to the first with their gradients in z and u."""
        if not self.layers:
            return
        g = self._from_output(parameters, G)
        for k in reversed(range(len(self.layers))):
            layer, one = self.layers[k], passed.layers[k]
            delta = layer.delta(parameters, one, g)
            yield layer, one, delta
            if k:
                g = layer.affine.pull(parameters, delta.raw)

    def _from_output(self, parameters: Array, G: Array) -> Array:
        """Return the gradient in the last hidden values."""
        units = self.hidden[-1].units
        first = int(self.intercept)
        return G @ self.output.table(parameters)[..., first : first + units]

    def _pull_output(
        self, parameters: Array, V: Array | None, S: Array, eta_change: Array
    ) -> tuple[Array, Array]:
        """Return the gradient in the last hidden values, and its change along V."""
        xp = namespace(S)
        if not self.hidden:
            return S, S
        g = self._from_output(parameters, S)
        if V is not None:
            return g, self._from_output(V, S)
        shape = (*eta_change.shape[:-1], g.shape[-1])
        return g, xp.zeros(shape, dtype=g.dtype, device=g.device)

    def _push(
        self, parameters: Array, passed: Pass, V: Array | None, U: Array | None
    ) -> tuple[list[Tangent], Array | None, Array]:
        """Return the tangents of every layer, of the output layer's inputs, and of η."""
        if V is None and U is None:
            raise ModelError("A tangent needs a direction, of the parameters or of the inputs.")
        tangents: list[Tangent] = []
        change = U
        for layer, one in zip(self.layers, passed.layers, strict=True):
            tangent, change = layer.push(parameters, one, change, V)
            tangents.append(tangent)
        if self.layers:
            change = self._with_inputs(change, U)
        return tangents, change, self.output.push(parameters, passed.last, change, V)

    def _seeded(self, parameters: Array, passed: Pass, seeds: Array) -> Array:
        """Return G_iᵀ J_i of each row for each G of ``seeds``, (s, …, n, q) → (s, …, n, P)."""
        xp = namespace(seeds)
        kind = xp.result_type(passed.eta, seeds)
        shape = (*seeds.shape[:-1], self.size)
        jacobian = xp.empty(shape, dtype=kind, device=seeds.device)
        self.output.write_jacobian(jacobian, passed.last, seeds)
        for layer, one, delta in self._deltas(parameters, passed, seeds):
            layer.write_jacobian(jacobian, one, delta)
        return jacobian

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

    def _structured_second(self, parameters: Array, X: Array, S: Array) -> Array:
        passed = self.forward(parameters, X)
        skipped = self.inputs * self.skip
        return structured_second(
            self.layers, self.output, skipped, parameters, passed.layers, passed.last, S
        )

    def _second_width(self, plain: bool) -> int:
        maps = sum(hidden.maps for hidden in self.hidden)
        if not plain:
            return 6 * self.size * (maps + self.outputs)
        columns = max((*(layer.affine.columns for layer in self.layers), self.output.columns))
        return 4 * maps * (maps + columns) + columns * columns

    def _blocks(self, X: Array, width: int) -> Iterator[slice]:
        """Cut the rows so that ``width`` numbers a row stay within the working memory."""
        room = 8 * CACHE_BYTES if is_numpy(X) else ACCELERATOR_BYTES
        size = max(32, room // (8 * width))
        n = int(X.shape[0])
        return (slice(first, min(first + size, n)) for first in range(0, max(n, 1), size))


def _pull_both(
    affine: Affine, parameters: Array, V: Array | None, delta: Array, turn: Array
) -> tuple[Array, Array]:
    """Return δ W and its change."""
    change = affine.pull(parameters, turn)
    if V is not None:
        change = change + affine.pull(V, delta)
    return affine.pull(parameters, delta), change
