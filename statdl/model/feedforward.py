"""Runs of a network: forwards, backwards, and along a direction.

    forward      x → η, keeping what the layers computed
    backward     Σ_i J_iᵀ G_i from it, by backpropagation
    pushforward  J V, the change of η along a direction of θ
    hessian_vector   how ``backward`` changes along that direction (Pearlmutter 1994)

θ is (P,), or (k, P) for k networks at once; results then have k in front.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from statdl.backend.array import Array, namespace
from statdl.errors import ModelError
from statdl.model.layer import Affine, Delta, Hidden, Layer, LayerPass, Tangent
from statdl.model.training import RunningStatistics, TrainingMode, dropout_masks, prediction_moments
from statdl.model.weight_normalisation import Direction, directions, effective, pull, push, turn


class Pass(NamedTuple):
    """A run of the network forwards: η, and all that a run backwards needs."""

    layers: tuple[LayerPass, ...]
    last: Array  # (…, n, inputs of the output layer)
    eta: Array  # (…, n, q)
    plain: Array  # (…, P) θ with weights in place of directions
    statistics: RunningStatistics | None = None  # the running ones after this batch


@dataclass(frozen=True)
class Feedforward:
    """Layers in a row, each at its place in θ."""

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

    @cached_property
    def directed(self) -> tuple[Layer, ...]:
        """The layers with weight normalisation."""
        return tuple(layer for layer in self.layers if layer.directed)

    def plain(self, parameters: Array) -> Array:
        """Return θ with weights in place of directions: what the layers work with."""
        return effective(self.directed, parameters) if self.directed else parameters

    def plain_change(self, parameters: Array, direction: Array | None) -> Array | None:
        """Return the change of :meth:`plain` along a direction of θ."""
        if direction is None or not self.directed:
            return direction
        return push(self.directed, parameters, direction)

    def directions(self, parameters: Array) -> list[Direction]:
        """Return the directions of weight normalisation in θ, (P,)."""
        return directions(self.directed, parameters)

    def forward(self, parameters: Array, X: Array, training: TrainingMode | None = None) -> Pass:
        """Run the network on X, (n, p), and keep what a run backwards needs."""
        x, passed, plain = X, [], self.plain(parameters)
        for index, layer in enumerate(self.layers):
            mask = None if training is None else training.masks[index]
            moments = None
            if training is None:
                moments = prediction_moments(layer, index, self.statistics, X)
            passed.append(layer.forward(plain, x, moments, mask))
            x = passed[-1].outputs
        last = self._with_inputs(x, X)
        eta = self.output.long_value(plain, last)
        statistics = None if training is None else training.updated(self.layers, passed)
        return Pass(tuple(passed), last, eta, plain, statistics)

    def backward(self, parameters: Array, passed: Pass, G: Array) -> Array:
        """Return Σ_i J_iᵀ G_i, (P,), from a run forwards: backpropagation."""
        return pull(self.directed, parameters, self._plain_gradient(passed, G))

    def _plain_gradient(self, passed: Pass, G: Array) -> Array:
        """Return the gradient in the weights; where θ has scales of weights it holds anything."""
        gradient, G = self._empty(passed, G)
        self.output.write_gradient(gradient, passed.last, G)
        for layer, one, delta in self._deltas(passed, G):
            layer.write_gradient(gradient, one, delta)
        return gradient

    def input_gradient(self, parameters: Array, X: Array, G: Array) -> Array:
        """Return (∂η_i/∂x_i)ᵀ G_i for each row, (n, p): what marginal effects are made of."""
        passed = self.forward(parameters, X)
        G = self._empty(passed, G)[1]
        full = self.output.pull(passed.plain, G)
        if not self.layers:
            return full
        *_, (first, _, delta) = self._deltas(passed, G)
        slope = first.affine.pull(passed.plain, delta.raw)
        return slope + full[..., self.hidden[-1].units :] if self.skip else slope

    def training(
        self,
        rng: Any,
        rows: int,
        reference: Array,
        statistics: RunningStatistics | None = None,
    ) -> TrainingMode:
        """Return what :meth:`forward` needs in training on ``rows`` rows: masks drawn on the host.

        Masks hold 0 with probability p and 1/(1 − p) otherwise, in ``reference``'s library.
        """
        return TrainingMode(dropout_masks(self.hidden, rng, rows, reference), statistics)

    def pushforward(
        self, parameters: Array, X: Array, V: Array | None, U: Array | None = None
    ) -> Array:
        """Return J V, the change of η along V of θ and U of X: (m, P) and (m, n, p) → (m, n, q)."""
        return self._push(self.forward(parameters, X), self.plain_change(parameters, V), U)[2]

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
        passed = self.forward(parameters, X)
        change = self._turned(passed, S, self.plain_change(parameters, V), U)
        change = pull(self.directed, parameters, change)
        if V is None or not self.directed:
            return change
        return change + turn(self.directed, parameters, V, self._plain_gradient(passed, S))

    def _turned(self, passed: Pass, S: Array, V: Array | None, U: Array | None) -> Array:
        """Return the change of the gradient in the weights, along V of the weights and U of X."""
        xp, parameters = namespace(S), passed.plain
        tangents, last, eta = self._push(passed, V, U)
        _, S = self._empty(passed, S)
        kind = xp.result_type(parameters, eta)
        change = xp.empty((*eta.shape[:-2], self.size), dtype=kind, device=S.device)
        self.output.write_turn(change, passed.last, xp.zeros_like(eta), S, last)
        g, g_change = self._pull_output(parameters, V, S, eta)
        for k in reversed(range(len(self.layers))):
            layer, one = self.layers[k], passed.layers[k]
            delta = layer.delta(parameters, one, g)
            turned = layer.turn(parameters, one, tangents[k], V, g, g_change)
            layer.write_turn(change, one, delta, turned, tangents[k])
            if k:
                g, g_change = _pull_both(layer.affine, parameters, V, delta.raw, turned.raw)
        return change

    # inside ---------------------------------------------------------------------------------

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

    def _empty(self, passed: Pass, G: Array) -> tuple[Array, Array]:
        """Return room for a gradient, and G with an axis for every axis of the result."""
        xp = namespace(G)
        if G.ndim < passed.eta.ndim:
            G = xp.broadcast_to(G, passed.eta.shape)
        kind = xp.result_type(passed.eta, G)
        return xp.empty((*G.shape[:-2], self.size), dtype=kind, device=G.device), G

    def _deltas(self, passed: Pass, G: Array) -> Iterator[tuple[Layer, LayerPass, Delta]]:
        """Walk the hidden layers from the last to the first with their gradients in z and u."""
        if not self.layers:
            return
        parameters = passed.plain
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
        weights = self.output.table(parameters)[..., first : first + units]
        if self.outputs > 1:
            return G @ weights
        if parameters.ndim == 1:
            return G * weights
        turned = namespace(G).matrix_transpose  # columns together, as the values of many networks
        return turned(turned(G) * turned(weights))

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
        self, passed: Pass, V: Array | None, U: Array | None
    ) -> tuple[list[Tangent], Array | None, Array]:
        """Return the tangents of every layer, of the output layer's inputs, and of η."""
        parameters = passed.plain
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


def _pull_both(
    affine: Affine, parameters: Array, V: Array | None, delta: Array, turn: Array
) -> tuple[Array, Array]:
    """Return δ W and its change."""
    change = affine.pull(parameters, turn)
    if V is not None:
        change = change + affine.pull(V, delta)
    return affine.pull(parameters, delta), change
