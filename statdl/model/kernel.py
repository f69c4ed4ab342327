"""A network's batches, fast: forwards and backwards in buffers that are made once.

What :class:`~statdl.model.feedforward.Feedforward` computes, for the case that training repeats
millions of times: one network, nothing standardised, NumPy or CuPy. Every product is written where
it is needed, biases ride along as a column of ones, and the tables [b | W] are views of θ, so that
a small batch costs little more than its matrix products. Nothing in a batch asks a card for a
number. The plain path is the oracle of its tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statdl.backend.array import Array, is_cupy, is_numpy, namespace
from statdl.backend.kernels import derivative_kernel, head_kernel, sigmoid_kernel, softmax_kernel
from statdl.model.activation import Activation, Identity, ReLU, Sigmoid, Tanh
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.layer import Affine, Layer
from statdl.model.network import Network
from statdl.model.predictor import Predictor

#: Dropout masks, one a hidden layer or None.
Masks = tuple[Array | None, ...]
#: What fills ``out=`` with the product of two matrices.
Matmul = Callable[..., Any]


def supported(predictor: Predictor, X: Array) -> bool:
    """Tell whether there is a kernel for this predictor and these inputs."""
    buffered = is_numpy(X) or is_cupy(X)
    if not (buffered and isinstance(predictor, Network) and predictor.hidden):
        return False
    return all(hidden.normalisation in (None, "weight") for hidden in predictor.hidden)


class Kernel:
    """Gradients of a network on batches of ``rows`` rows.

    ``inputs`` given to :meth:`run` have a column of ones in front where there are biases;
    ``gradient`` is (P,), and every run writes all of it. Of layers with weight normalisation it is
    the gradient in the weights, and the parameters are :meth:`Network.plain`'s. ``matmul`` takes
    its products, the namespace's own unless given.
    """

    def __init__(
        self,
        network: Network,
        family: Family,
        rows: int,
        gradient: Array,
        matmul: Matmul | None = None,
    ) -> None:
        xp = namespace(gradient)
        self.network, self.gradient = network, gradient
        self._matmul = matmul or xp.matmul
        self._first = int(network.intercept)
        self._stages = [Stage(layer, rows, gradient, self._matmul) for layer in network.layers]
        self._skips = network.skip
        width = network.output.columns
        # the last stage writes its values straight into the output layer's inputs
        self._last = xp.ones((rows, width), dtype=gradient.dtype)
        units = network.hidden[-1].units
        self._tail = self._last[:, self._first + units :]
        for stage, after in zip(self._stages, self._stages[1:], strict=False):
            stage.write_to(after.inputs[:, after.first :])
        self._stages[-1].write_to(self._last[:, self._first : self._first + units])
        self._output_gradient = network.output.table(gradient)
        self._head = head_of(family, rows, network.outputs, gradient)

    def bind(self, parameters: Array) -> None:
        """Take the parameters from here on from ``parameters``, which may change in place."""
        output = self.network.output.table(parameters)
        units = self.network.hidden[-1].units
        self._forward = output.T
        self._back = output[:, self._first : self._first + units]
        for stage in self._stages:
            stage.bind(parameters)

    def run(
        self,
        inputs: Array,
        y: Array,
        eta: Array,
        weights: Array | None = None,
        offset: Array | None = None,
        masks: Masks | None = None,
    ) -> Array:
        """Return the gradient of the mean loss; ``eta``, (n, q), is filled on the way.

        Weights are relative ones, with mean 1 over all rows.
        """
        matmul, stages = self._matmul, self._stages
        self.forward(inputs, eta, offset, masks)
        slope = self._head(eta, y, weights)
        matmul(slope.T, self._last, out=self._output_gradient)
        matmul(slope, self._back, out=stages[-1].slope)
        for index in range(len(stages) - 1, -1, -1):
            stages[index].backward(
                None if masks is None else masks[index],
                stages[index - 1].slope if index else None,
            )
        return self.gradient

    def forward(
        self, inputs: Array, eta: Array, offset: Array | None = None, masks: Masks | None = None
    ) -> None:
        """Fill ``eta``, keeping what the way back needs."""
        stages = self._stages
        stages[0].take(inputs)
        for index, stage in enumerate(stages):
            stage.forward(None if masks is None else masks[index])
        if self._skips:
            self._tail[...] = inputs[:, self._first :]
        self._matmul(self._last, self._forward, out=eta)
        if offset is not None:
            eta += offset


class Stage:
    """A hidden layer on a batch: z = x Wᵀ + b, a = f(z), and back."""

    def __init__(self, layer: Layer, rows: int, gradient: Array, matmul: Matmul) -> None:
        xp = namespace(gradient)
        affine: Affine = layer.affine
        self._xp, self._affine, self._matmul = xp, affine, matmul
        self.first = int(affine.intercept)
        kind = gradient.dtype
        self.inputs = xp.ones((rows, affine.columns), dtype=kind)
        self.slope = xp.empty((rows, layer.hidden.units), dtype=kind)  # ∂loss/∂a
        self._gradient = affine.table(gradient)
        self._scores = xp.empty((rows, affine.outputs), dtype=kind)
        self._dropped = layer.hidden.dropout > 0
        self._values = xp.empty((rows, layer.hidden.units), dtype=kind)
        self._activation = layer.hidden.activation
        self._unit = unit_of(self._activation, gradient)(self._activation, xp)

    def write_to(self, target: Array) -> None:
        """Say where the values go: a part of the next layer's inputs."""
        self._target = target
        if not self._dropped:
            self._values = target  # no need to keep them apart

    def bind(self, parameters: Array) -> None:
        """Take the weights from here."""
        table = self._affine.table(parameters)
        self._forward, self._back = table.T, table[:, self.first :]

    def take(self, inputs: Array) -> None:
        """Use these inputs in place of the layer's own."""
        self.inputs = inputs

    def forward(self, mask: Array | None) -> None:
        """Fill scores and values."""
        self._matmul(self.inputs, self._forward, out=self._scores)
        self._unit.forward(self._scores, self._values)
        if mask is not None:
            self._xp.multiply(self._values, mask, out=self._target)
        elif self._dropped:  # in training only
            self._target[...] = self._values

    def backward(self, mask: Array | None, before: Array | None) -> None:
        """Turn ``slope`` into the gradient of this layer and, where asked, the one before."""
        if mask is not None:
            self._xp.multiply(self.slope, mask, out=self.slope)
        delta = self._unit.backward(self._scores, self._values, self.slope)
        self._matmul(delta.T, self.inputs, out=self._gradient)
        if before is not None:
            self._matmul(delta, self._back, out=before)


class Unit:
    """An activation in given buffers; ``backward`` may spend the scores and the slope."""

    def __init__(self, activation: Activation, xp: Any) -> None:
        self.activation, self._xp = activation, xp

    def forward(self, z: Array, a: Array) -> None:
        """Write f(z) into a."""
        a[...] = self.activation.value(z)

    def backward(self, z: Array, a: Array, g: Array) -> Array:
        """Return the gradient in z from g, the one in a."""
        return self.activation.pull(z, a, g)


class IdentityUnit(Unit):
    """a = z."""

    def backward(self, z: Array, a: Array, g: Array) -> Array:
        return g


class RectifiedUnit(Unit):
    """a = max(z, 0): the gradient passes where z > 0."""

    def forward(self, z: Array, a: Array) -> None:
        self._xp.maximum(z, 0.0, out=a)

    def backward(self, z: Array, a: Array, g: Array) -> Array:
        self._xp.greater(z, 0.0, out=z, casting="unsafe")
        return self._xp.multiply(g, z, out=g)


class TanhUnit(Unit):
    """a = tanh z: the gradient passes times 1 − a²."""

    def forward(self, z: Array, a: Array) -> None:
        self._xp.tanh(z, out=a)

    def backward(self, z: Array, a: Array, g: Array) -> Array:
        xp = self._xp
        xp.multiply(a, a, out=z)
        xp.subtract(1.0, z, out=z)
        return xp.multiply(g, z, out=g)


class SigmoidUnit(Unit):
    """a = 1/(1 + e^−z), where an overflow of e^−z rightly ends as 0: times a (1 − a)."""

    def forward(self, z: Array, a: Array) -> None:
        xp = self._xp
        xp.negative(z, out=z)
        xp.exp(z, out=z)
        xp.add(z, 1.0, out=z)
        xp.reciprocal(z, out=a)

    def backward(self, z: Array, a: Array, g: Array) -> Array:
        xp = self._xp
        xp.subtract(1.0, a, out=z)
        xp.multiply(z, a, out=z)
        return xp.multiply(g, z, out=g)


class CardUnit(Unit):
    """A unit of a card: its derivative, times the gradient, in one kernel."""

    def __init__(self, activation: Activation, xp: Any) -> None:
        super().__init__(activation, xp)
        self._slope = derivative_kernel(activation.name)

    def backward(self, z: Array, a: Array, g: Array) -> Array:
        self._slope(a, g)
        return g


class CardRectified(CardUnit, RectifiedUnit):
    """a = max(z, 0), which is above 0 where z is."""


class CardTanh(CardUnit, TanhUnit):
    """a = tanh z."""


class CardSigmoid(CardUnit):
    """a = 1/(1 + e^−z), in one kernel."""

    def forward(self, z: Array, a: Array) -> None:
        sigmoid_kernel()(z, a)


UNITS: dict[type[Activation], type[Unit]] = {
    Identity: IdentityUnit,
    ReLU: RectifiedUnit,
    Tanh: TanhUnit,
    Sigmoid: SigmoidUnit,
}
CARD_UNITS: dict[type[Activation], type[Unit]] = {
    **UNITS,
    ReLU: CardRectified,
    Tanh: CardTanh,
    Sigmoid: CardSigmoid,
}

#: From η, y and weights of a batch to ∂(mean loss)/∂η.
Head = Callable[[Array, Array, Array | None], Array]


def unit_of(activation: Activation, like: Array) -> type[Unit]:
    """Return the buffered form of an activation, or the one that serves all."""
    return (CARD_UNITS if is_cupy(like) else UNITS).get(type(activation), Unit)


def head_of(family: Family, rows: int, outputs: int, like: Array) -> Head:
    """Return the slope of the mean loss of a family, quick for the usual three."""
    if isinstance(family, Multinomial):
        kind = SoftmaxHead if is_numpy(like) else CardSoftmaxHead
        return kind(family, rows, outputs, like)
    if isinstance(family, Gaussian | Binomial) and family.canonical:
        if is_cupy(like):
            return CardHead(family, rows, outputs, like)
        usual = GaussianHead if isinstance(family, Gaussian) else LogitHead
        return usual(family, rows, outputs, like)
    return AnyHead(family, rows, outputs, like)


class AnyHead:
    """−w score / n, from the family itself."""

    def __init__(self, family: Family, rows: int, outputs: int, like: Array) -> None:
        xp = namespace(like)
        self._family, self._xp = family, xp
        self._share = 1.0 / rows
        self._slope = xp.empty((rows, outputs), dtype=like.dtype)

    def __call__(self, eta: Array, y: Array, weights: Array | None) -> Array:
        _, score = self._family.loss_and_score(eta, y)
        if weights is not None:
            score = score * weights[:, None]
        return self._xp.multiply(score, -self._share, out=self._slope)


class GaussianHead(AnyHead):
    """(η − y) / n."""

    def __call__(self, eta: Array, y: Array, weights: Array | None) -> Array:
        if weights is not None:
            return super().__call__(eta, y, weights)
        self._xp.subtract(eta, y, out=self._slope)
        return self._xp.multiply(self._slope, self._share, out=self._slope)


class LogitHead(AnyHead):
    """(1/(1 + e^−η) − y) / n, with the hyperbolic tangent, which has no tails to lose."""

    def __call__(self, eta: Array, y: Array, weights: Array | None) -> Array:
        if weights is not None:
            return super().__call__(eta, y, weights)
        xp, slope = self._xp, self._slope
        xp.multiply(eta, 0.5, out=slope)
        xp.tanh(slope, out=slope)
        xp.add(slope, 1.0, out=slope)
        xp.multiply(slope, 0.5, out=slope)
        xp.subtract(slope, y, out=slope)
        return xp.multiply(slope, self._share, out=slope)


class SoftmaxHead(AnyHead):
    """(e^η_k / (1 + Σ e^η_j) − y_k) / n.

    The reference's own e⁰ keeps the sum away from 0, so the largest η has to be subtracted only
    where an exponential overflows; the sum of the sums tells.
    """

    def __init__(self, family: Family, rows: int, outputs: int, like: Array) -> None:
        super().__init__(family, rows, outputs, like)
        xp = self._xp
        self._ones = xp.ones((outputs,), dtype=like.dtype)
        self._total = xp.empty((rows,), dtype=like.dtype)
        self._column = self._total[:, None]
        self._each = xp.ones((rows,), dtype=like.dtype)

    def __call__(self, eta: Array, y: Array, weights: Array | None) -> Array:
        if weights is not None:
            return super().__call__(eta, y, weights)
        xp, slope, total = self._xp, self._slope, self._total
        xp.exp(eta, out=slope)
        xp.dot(slope, self._ones, out=total)
        if not xp.dot(total, self._each) < float("inf"):
            return super().__call__(eta, y, weights)
        xp.add(total, 1.0, out=total)
        xp.divide(slope, self._column, out=slope)
        xp.subtract(slope, y, out=slope)
        return xp.multiply(slope, self._share, out=slope)


class CardHead(AnyHead):
    """Those of a normal and a binomial response on a card, in one kernel."""

    def __init__(self, family: Family, rows: int, outputs: int, like: Array) -> None:
        super().__init__(family, rows, outputs, like)
        self._kernel = head_kernel("gaussian" if isinstance(family, Gaussian) else "binomial")

    def __call__(self, eta: Array, y: Array, weights: Array | None) -> Array:
        weight = 1.0 if weights is None else weights[:, None]
        self._kernel(eta, y, weight, self._share, self._slope)
        return self._slope


class CardSoftmaxHead(AnyHead):
    """The softmax on a card, in one kernel; the largest η is always subtracted.

    A card need not be asked for an overflow.
    """

    def __init__(self, family: Family, rows: int, outputs: int, like: Array) -> None:
        super().__init__(family, rows, outputs, like)
        self._one = self._xp.ones((1,), dtype=like.dtype)
        self._rows, self._outputs = rows, outputs

    def __call__(self, eta: Array, y: Array, weights: Array | None) -> Array:
        weight = self._one if weights is None else weights
        softmax_kernel()(
            eta, y, weight, int(weights is not None), self._share, self._outputs, self._slope,
            size=self._rows,
        )  # fmt: skip
        return self._slope
