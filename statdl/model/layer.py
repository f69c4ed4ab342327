"""Layers: an affine map of the inputs, perhaps standardised, through an activation.

    z = W x + b,   u = γ ∘ ẑ + β (with batch or layer normalisation; else u = z),   a = f(u)

Each layer can be run four ways, and each way keeps what the next one needs:

    forward   x → z → u → a              the value, with a record of it
    delta     ∂/∂a → ∂/∂u → ∂/∂z         backpropagation
    push      ẋ, θ̇ → ż → u̇ → ȧ           a tangent along a direction of inputs and parameters
    turn      the change of ``delta`` along that tangent, for exact second derivatives

Arrays end in (n, units); axes before those (restarts, directions, outputs) broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

from statdl.backend.array import Array, is_numpy, namespace
from statdl.errors import ModelError
from statdl.model.activation import Activation, Tanh
from statdl.model.standardise import Standardised

#: The kinds of normalisation.
Normalisation = Literal["batch", "layer", "weight"]


@dataclass(frozen=True)
class Hidden:
    """What a hidden layer is, before it has a place in a network.

    Parameters
    ----------
    units : int
        One or more.
    activation : Activation
        f; tanh unless given.
    normalisation : "batch", "layer", "weight" or None
        "batch" and "layer" standardise the pre-activations, which then get a scale γ and a shift β
        a unit; "weight" splits a unit's weights into a direction v and a scale g, w = g v/‖v‖.
    dropout : float
        0 ≤ p < 1: the share of values set to 0 in training, the others growing by 1/(1 − p).

    Examples
    --------
    >>> Hidden(8).activation.name
    'tanh'
    """

    units: int
    activation: Activation = field(default_factory=Tanh)
    normalisation: Normalisation | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or self.units != int(self.units) or self.units < 1:
            raise ModelError(
                f"A hidden layer needs one unit or more, not {self.units!r}; for a regression "
                "without hidden layers give hidden=()."
            )
        if self.normalisation not in (None, *get_args(Normalisation)):
            raise ModelError(
                f"normalisation={self.normalisation!r} is not known; choose 'batch', 'layer', "
                "'weight' or None."
            )
        if not 0 <= self.dropout < 1:
            raise ModelError(
                f"dropout is the share of values set to 0, at least 0 and below 1, not "
                f"{self.dropout!r}."
            )

    @property
    def maps(self) -> int:
        """The number of affine maps, units or a multiple of them."""
        return self.units * self.activation.affine_maps


@dataclass(frozen=True)
class Affine:
    """x W' + b, where θ holds the table [b | W], (outputs, 1 + inputs), from ``start`` on."""

    start: int
    inputs: int
    outputs: int
    intercept: bool = True

    @property
    def columns(self) -> int:
        """Parameters an output."""
        return self.inputs + self.intercept

    @property
    def stop(self) -> int:
        """Where the next parameters start."""
        return self.start + self.outputs * self.columns

    def rows(self) -> list[list[int]]:
        """Return where θ has the weights of each output."""
        firsts = range(self.start + self.intercept, self.stop, self.columns) if self.columns else ()
        return [list(range(first, first + self.inputs)) for first in firsts]

    def table(self, parameters: Array) -> Array:
        """Return [b | W], (…, outputs, columns), a view."""
        flat = parameters[..., self.start : self.stop]
        return _reshaped(flat, (*flat.shape[:-1], self.outputs, self.columns))

    def weights(self, parameters: Array) -> Array:
        """Return W, (…, outputs, inputs), a view."""
        return self.table(parameters)[..., int(self.intercept) :]

    def value(self, parameters: Array, x: Array) -> Array:
        """Return x Wᵀ + b, (…, n, outputs), rows together in memory; columns of many networks."""
        if parameters.ndim > 1:
            return self.long_value(parameters, x)
        table = self.table(parameters)
        if not self.intercept:
            return x @ _transposed(table)
        z = x @ _transposed(table[..., 1:])
        z += table[..., None, :, 0]
        return z

    def long_value(self, parameters: Array, x: Array) -> Array:
        """Return the same with columns together in memory, as sums over few outputs like it."""
        table = self.table(parameters)
        weights = table[..., 1:] if self.intercept else table
        if weights.ndim == 3 and x.ndim == 2:  # what networks share is one product for all
            count = weights.shape[0]  # which −1 does not tell where there are no inputs
            flat = _reshaped(weights, (count * self.outputs, self.inputs)) @ _transposed(x)
            z = _reshaped(flat, (count, self.outputs, x.shape[0]))
        else:
            z = weights @ _transposed(x)
        if self.intercept:
            z += table[..., :1]
        return _transposed(z)

    def pull(self, parameters: Array, delta: Array) -> Array:
        """Return the gradient in x, δ W."""
        return delta @ self.weights(parameters)

    def push(
        self, parameters: Array, x: Array, x_change: Array | None, direction: Array | None
    ) -> Array:
        """Return the change of the value along changes of x and of the parameters."""
        if direction is None:
            return x_change @ _transposed(self.weights(parameters))
        change = self.value(direction, x)
        if x_change is not None:
            change = change + x_change @ _transposed(self.weights(parameters))
        return change

    def write_gradient(self, gradient: Array, x: Array, delta: Array) -> None:
        """Write Σ_i δ_i (1, x_i)ᵀ into its place in a gradient."""
        table = self.table(gradient)
        if self.intercept:
            table[..., 0] = _column_sums(delta)
        _write_product(table[..., int(self.intercept) :], _transposed(delta), x)

    def write_jacobian(self, jacobian: Array, x: Array, delta: Array) -> None:
        """Write δ_i (1, x_i)ᵀ of each row into its place in a Jacobian, (…, n, P)."""
        table = self.table(jacobian)
        if self.intercept:
            table[..., 0] = delta
        table[..., int(self.intercept) :] = delta[..., :, None] * x[..., None, :]

    def write_turn(
        self, gradient: Array, x: Array, turn: Array, delta: Array, x_change: Array | None
    ) -> None:
        """Write the change of the gradient: Σ_i δ̇_i (1, x_i)ᵀ + δ_i (0, ẋ_i)ᵀ."""
        self.write_gradient(gradient, x, turn)
        if x_change is not None:
            weights = self.weights(gradient)
            weights += _transposed(delta) @ x_change


class LayerPass(NamedTuple):
    """What a layer computed on the way forwards; it is all that backpropagation needs."""

    inputs: Array  # (…, n, inputs)   x
    scores: Array  # (…, n, maps)     u, what the activation sees
    values: Array  # (…, n, units)    a
    standardised: Standardised | None
    mask: Array | None  # (n, units) dropout: 0 or 1/(1 − p)

    @property
    def outputs(self) -> Array:
        """What the next layer sees."""
        return self.values if self.mask is None else self.values * self.mask


class Delta(NamedTuple):
    """The gradient in a layer's pre-activation z and in its score u (the same but for γ, β)."""

    raw: Array  # (…, n, maps) ∂/∂z
    score: Array  # (…, n, maps) ∂/∂u


class Tangent(NamedTuple):
    """Changes along a direction: of the inputs (None: none), of z, and of u."""

    inputs: Array | None
    raw: Array
    score: Array


@dataclass(frozen=True)
class Layer:
    """A hidden layer at its place in a network."""

    hidden: Hidden
    affine: Affine

    @property
    def normalised(self) -> bool:
        """Whether it standardises, and has scales and shifts."""
        return self.hidden.normalisation in ("batch", "layer")

    @property
    def directed(self) -> bool:
        """Whether θ has directions and scales in place of weights."""
        return self.hidden.normalisation == "weight"

    @property
    def stop(self) -> int:
        """Where the next layer's parameters start."""
        return self.affine.stop + self.hidden.maps * (2 * self.normalised + self.directed)

    @cached_property
    def scale_slice(self) -> slice:
        """Where θ holds γ, or g."""
        return slice(self.affine.stop, self.affine.stop + self.hidden.maps)

    @property
    def scale_places(self) -> range:
        """Where θ holds γ, or g, one by one."""
        return range(self.scale_slice.start, self.scale_slice.stop)

    @cached_property
    def shift_slice(self) -> slice:
        """Where θ holds β."""
        return slice(self.scale_slice.stop, self.scale_slice.stop + self.hidden.maps)

    def forward(
        self,
        parameters: Array,
        x: Array,
        statistics: tuple[Array, Array] | None = None,
        mask: Array | None = None,
    ) -> LayerPass:
        """Run the layer; batch normalisation uses ``statistics``, or the batch's own if None."""
        scores = self.affine.value(parameters, x)
        standardised = None
        if self.normalised:
            standardised = self._standardise(scores, statistics)
            scale, shift = self._scale_and_shift(parameters)
            scores = scale * standardised.values + shift
        values = self.hidden.activation.value(scores)
        return LayerPass(x, scores, values, standardised, mask)

    def _standardise(self, scores: Array, statistics: tuple[Array, Array] | None) -> Standardised:
        if self.hidden.normalisation == "layer":
            return Standardised.of(scores, axis=-1)
        if statistics is None:
            return Standardised.of(scores, axis=-2)
        return Standardised.by(scores, *statistics)

    def _scale_and_shift(self, parameters: Array) -> tuple[Array, Array]:
        """Return γ and β, (…, 1, maps)."""
        return (
            parameters[..., None, self.scale_slice],
            parameters[..., None, self.shift_slice],
        )

    def delta(self, parameters: Array, passed: LayerPass, gradient: Array) -> Delta:
        """Return the gradients in u and z from the gradient in the layer's outputs."""
        if passed.mask is not None:
            gradient = gradient * passed.mask
        score = self.hidden.activation.pull(passed.scores, passed.values, gradient)
        if passed.standardised is None:
            return Delta(score, score)
        scale, _ = self._scale_and_shift(parameters)
        return Delta(passed.standardised.pull(scale * score), score)

    def push(
        self,
        parameters: Array,
        passed: LayerPass,
        x_change: Array | None,
        direction: Array | None,
    ) -> tuple[Tangent, Array]:
        """Return the tangents, and the change of the layer's outputs."""
        raw = self.affine.push(parameters, passed.inputs, x_change, direction)
        score = raw
        if passed.standardised is not None:
            scale, _ = self._scale_and_shift(parameters)
            score = scale * passed.standardised.push(raw)
            if direction is not None:
                scale_change, shift_change = self._scale_and_shift(direction)
                score = score + scale_change * passed.standardised.values + shift_change
        return Tangent(x_change, raw, score), self._push_score(passed, score)

    def _push_score(self, passed: LayerPass, score: Array) -> Array:
        change = self.hidden.activation.push(passed.scores, passed.values, score)
        return change if passed.mask is None else change * passed.mask

    def turn(
        self,
        parameters: Array,
        passed: LayerPass,
        tangent: Tangent,
        direction: Array | None,
        gradient: Array,
        gradient_change: Array,
    ) -> Delta:
        """Return the change of :meth:`delta`, whose argument ``gradient`` changes as well."""
        if passed.mask is not None:
            gradient, gradient_change = gradient * passed.mask, gradient_change * passed.mask
        u, a, f = passed.scores, passed.values, self.hidden.activation
        score = f.pull(u, a, gradient_change) + f.bend(u, a, gradient, tangent.score)
        if passed.standardised is None:
            return Delta(score, score)
        scale, _ = self._scale_and_shift(parameters)
        still = f.pull(u, a, gradient)
        change = scale * score
        if direction is not None:
            change = change + self._scale_and_shift(direction)[0] * still
        raw = passed.standardised.pull(change)
        return Delta(raw + passed.standardised.bend(scale * still, tangent.raw), score)

    def write_gradient(self, gradient: Array, passed: LayerPass, delta: Delta) -> None:
        """Write the gradient in this layer's parameters into its place."""
        self.affine.write_gradient(gradient, passed.inputs, delta.raw)
        if passed.standardised is not None:
            product = delta.score * passed.standardised.values
            gradient[..., self.scale_slice] = _column_sums(product)
            gradient[..., self.shift_slice] = _column_sums(delta.score)

    def write_jacobian(self, jacobian: Array, passed: LayerPass, delta: Delta) -> None:
        """Write each row's gradient in this layer's parameters into its place."""
        self.affine.write_jacobian(jacobian, passed.inputs, delta.raw)
        if passed.standardised is not None:
            jacobian[..., self.scale_slice] = delta.score * passed.standardised.values
            jacobian[..., self.shift_slice] = delta.score

    def write_turn(
        self, gradient: Array, passed: LayerPass, delta: Delta, turn: Delta, tangent: Tangent
    ) -> None:
        """Write the change of the gradient in this layer's parameters into its place."""
        self.affine.write_turn(gradient, passed.inputs, turn.raw, delta.raw, tangent.inputs)
        if passed.standardised is not None:
            product = turn.score * passed.standardised.values
            product = product + delta.score * passed.standardised.push(tangent.raw)
            gradient[..., self.scale_slice] = _column_sums(product)
            gradient[..., self.shift_slice] = _column_sums(turn.score)


def _reshaped(array: Array, shape: tuple[int, ...]) -> Array:
    """Return a view of another shape; NumPy's method is quicker, which small networks notice."""
    return array.reshape(shape) if is_numpy(array) else namespace(array).reshape(array, shape)


def _transposed(matrices: Array) -> Array:
    """Return the matrices' transposes; the short way for one matrix, which is the frequent case."""
    return matrices.T if matrices.ndim == 2 else namespace(matrices).matrix_transpose(matrices)


def _column_sums(values: Array) -> Array:
    """Return Σ_i values_i, (…, n, u) → (…, u), at the speed of a matrix product."""
    xp = namespace(values)
    ones = xp.ones((1, values.shape[-2]), dtype=values.dtype, device=values.device)
    return (ones @ values)[..., 0, :]


def _write_product(target: Array, left: Array, right: Array) -> None:
    """Write left @ right into target, in NumPy without a temporary of its size."""
    xp: Any = namespace(left)
    if is_numpy(target):
        xp.matmul(left, right, out=target)
    else:
        target[...] = left @ right
