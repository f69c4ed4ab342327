"""Activation functions: what a hidden unit makes of its pre-activation z.

A network needs four things of an activation a = f(z) over the units of a layer (the last axis):

    value(z)            a
    push(z, a, v)       (∂a/∂z) v           a tangent forwards
    pull(z, a, g)       (∂a/∂z)ᵀ g          a gradient backwards
    bend(z, a, g, v)    ∂(pull)/∂z · v      for exact Hessians

An :class:`Elementwise` activation has them all from f′ and f″; :class:`Softmax` and :class:`Maxout`
mix units and state them themselves. Nothing here overflows, in either tail. NumPy's complex numbers
pass wherever f is analytic, branches being chosen by the real part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from statdl.backend.array import Array, namespace
from statdl.backend.special import ndtr
from statdl.errors import ModelError


class Activation:
    """A map from the pre-activations of a layer to its values."""

    name: ClassVar[str]
    formula: ClassVar[str]
    #: c where f(−z) = 2c − f(z): units whose signs can be turned without changing the network.
    centre: ClassVar[float | None] = None
    #: Whether about half of the units are silent, which He's initial weights make up for.
    rectifier: ClassVar[bool] = False
    #: Whether f(c z) = c f(z) for c > 0: the scale of a unit can move to the weights that leave it.
    homogeneous: ClassVar[bool] = False
    #: Whether f′ jumps somewhere, so that a minimum may lie where there is no gradient.
    kinked: ClassVar[bool] = False

    @property
    def affine_maps(self) -> int:
        """Affine maps of the inputs a unit has: 1, but for maxout."""
        return 1

    def value(self, z: Array) -> Array:
        """Return a = f(z)."""
        raise NotImplementedError

    def push(self, z: Array, a: Array, v: Array) -> Array:
        """Return the change of a along the change v of z."""
        raise NotImplementedError

    def pull(self, z: Array, a: Array, g: Array) -> Array:
        """Return the gradient in z of a function whose gradient in a is g."""
        raise NotImplementedError

    def bend(self, z: Array, a: Array, g: Array, v: Array) -> Array:
        """Return the change of ``pull(z, a, g)`` along the change v of z, with g held."""
        raise NotImplementedError


class Elementwise(Activation):
    """An activation of each unit by itself: a_j = f(z_j)."""

    def derivative(self, z: Array) -> Array:
        """Return f′(z)."""
        raise NotImplementedError

    def second(self, z: Array) -> Array:
        """Return f″(z)."""
        raise NotImplementedError

    def derivative_from_value(self, a: Array) -> Array | None:
        """Return f′ as a function of a = f(z), a new array; None where a does not tell it."""
        return None

    def second_from_value(self, a: Array) -> Array | None:
        """Return f″ as a function of a = f(z); None where that is not quicker."""
        return None

    def push(self, z: Array, a: Array, v: Array) -> Array:
        return self._times_slope(z, a, v)

    def pull(self, z: Array, a: Array, g: Array) -> Array:
        return self._times_slope(z, a, g)

    def bend(self, z: Array, a: Array, g: Array, v: Array) -> Array:
        bend = self.second_from_value(a)
        if bend is None:
            bend = self.second(z)
        return bend * g * v

    def _times_slope(self, z: Array, a: Array, v: Array) -> Array:
        slope = self.derivative_from_value(a)
        if slope is None:
            slope = self.derivative(z)
        if slope.shape != v.shape or slope.dtype != v.dtype:
            return slope * v
        slope *= v  # fresh memory costs more than the multiplication
        return slope


class PiecewiseLinear(Elementwise):
    """An elementwise activation whose second derivative is 0, its kinks aside."""

    kinked: ClassVar[bool] = True

    def second(self, z: Array) -> Array:
        return namespace(z).zeros_like(z)

    def bend(self, z: Array, a: Array, g: Array, v: Array) -> Array:
        return namespace(v).zeros_like(v)


@dataclass(frozen=True)
class Identity(PiecewiseLinear):
    """f(z) = z, f′ = 1, f″ = 0: a linear layer."""

    name: ClassVar[str] = "identity"
    formula: ClassVar[str] = "z"
    homogeneous: ClassVar[bool] = True
    kinked: ClassVar[bool] = False
    centre: ClassVar[float | None] = 0.0

    def value(self, z: Array) -> Array:
        return z

    def derivative(self, z: Array) -> Array:
        return namespace(z).ones_like(z)

    def derivative_from_value(self, a: Array) -> Array:
        return namespace(a).ones_like(a)


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """f(z) = 1/(1 + e^−z), f′ = f(1 − f) ≤ 1/4, f″ = f′(1 − 2f).

    e^−|z| never overflows, and below 0 the numerator e^z keeps the digits of small values.
    """

    name: ClassVar[str] = "sigmoid"
    formula: ClassVar[str] = "1/(1 + exp(-z))"
    centre: ClassVar[float | None] = 0.5

    def value(self, z: Array) -> Array:
        xp = namespace(z)
        tail = xp.exp(-_size(z))
        return xp.where(_real(z) >= 0, xp.ones_like(z), tail) / (1 + tail)

    def derivative(self, z: Array) -> Array:
        """Return e^−|z| / (1 + e^−|z|)², which keeps its digits in both tails."""
        tail = namespace(z).exp(-_size(z))
        return tail / ((1 + tail) * (1 + tail))

    def second(self, z: Array) -> Array:
        return self.derivative(z) * (1 - 2 * self.value(z))

    def derivative_from_value(self, a: Array) -> Array:
        slope = 1 - a
        slope *= a
        return slope

    def second_from_value(self, a: Array) -> Array:
        return a * (1 - a) * (1 - 2 * a)


@dataclass(frozen=True)
class Tanh(Elementwise):
    """f(z) = tanh z, f′ = 1 − f² ≤ 1, f″ = −2 f f′."""

    name: ClassVar[str] = "tanh"
    formula: ClassVar[str] = "tanh(z)"
    centre: ClassVar[float | None] = 0.0

    def value(self, z: Array) -> Array:
        return namespace(z).tanh(z)

    def derivative(self, z: Array) -> Array:
        """Return 4 e^−2|z| / (1 + e^−2|z|)², which keeps its digits in both tails."""
        tail = namespace(z).exp(-2 * _size(z))
        return 4 * tail / ((1 + tail) * (1 + tail))

    def second(self, z: Array) -> Array:
        return -2 * self.value(z) * self.derivative(z)

    def derivative_from_value(self, a: Array) -> Array:
        slope = a * a
        slope *= -1
        slope += 1
        return slope

    def second_from_value(self, a: Array) -> Array:
        return 2 * a * (a * a - 1)


@dataclass(frozen=True)
class HardTanh(PiecewiseLinear):
    """f(z) = max(−1, min(1, z)), f′ = 1 inside (−1, 1) and 0 outside, f″ = 0."""

    name: ClassVar[str] = "hard_tanh"
    formula: ClassVar[str] = "max(-1, min(1, z))"
    centre: ClassVar[float | None] = 0.0

    def value(self, z: Array) -> Array:
        xp = namespace(z)
        real = _real(z)
        bounded = xp.where(real >= 1, xp.ones_like(z), z)
        return xp.where(real <= -1, -xp.ones_like(z), bounded)

    def derivative(self, z: Array) -> Array:
        return _indicator(namespace(z).abs(_real(z)) < 1, z)

    def derivative_from_value(self, a: Array) -> Array:
        return self.derivative(a)


@dataclass(frozen=True)
class Softsign(Elementwise):
    """f(z) = z/(1 + |z|), f′ = 1/(1 + |z|)² = (1 − |f|)², f″ = −2 sign(z)/(1 + |z|)³."""

    name: ClassVar[str] = "softsign"
    formula: ClassVar[str] = "z/(1 + |z|)"
    centre: ClassVar[float | None] = 0.0

    def value(self, z: Array) -> Array:
        return z / (1 + _size(z))

    def derivative(self, z: Array) -> Array:
        share = 1 / (1 + _size(z))
        return share * share

    def second(self, z: Array) -> Array:
        share = 1 / (1 + _size(z))
        return -2 * namespace(z).sign(_real(z)) * share * share * share

    def derivative_from_value(self, a: Array) -> Array:
        rest = 1 - _size(a)
        return rest * rest


@dataclass(frozen=True)
class ReLU(PiecewiseLinear):
    """f(z) = max(0, z), f′ = 1 where z > 0 and 0 elsewhere (0 at the kink too), f″ = 0."""

    name: ClassVar[str] = "relu"
    formula: ClassVar[str] = "max(0, z)"
    homogeneous: ClassVar[bool] = True
    rectifier: ClassVar[bool] = True

    def value(self, z: Array) -> Array:
        xp = namespace(z)
        return xp.maximum(z, xp.zeros((), dtype=z.dtype, device=z.device))

    def derivative(self, z: Array) -> Array:
        return _indicator(_real(z) > 0, z)

    def derivative_from_value(self, a: Array) -> Array:
        """Return sign(a): a is never below 0, and this is the quicker spelling of a > 0."""
        return namespace(a).sign(_real(a))


@dataclass(frozen=True)
class LeakyReLU(PiecewiseLinear):
    """f(z) = z where z > 0 and s z elsewhere; f′ is 1 or s, f″ = 0.

    Parameters
    ----------
    slope : float
        0 ≤ s < 1, the slope below 0; 0.01 is the usual one, 0.1 a stronger leak.
    """

    slope: float = 0.01

    name: ClassVar[str] = "leaky_relu"
    formula: ClassVar[str] = "max(slope z, z)"
    homogeneous: ClassVar[bool] = True
    rectifier: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.slope < 1:
            raise ModelError(
                f"A leaky ReLU needs a slope of at least 0 and below 1, not {self.slope!r}."
            )

    def value(self, z: Array) -> Array:
        return namespace(z).where(_real(z) > 0, z, self.slope * z)

    def derivative(self, z: Array) -> Array:
        return self.slope + (1 - self.slope) * _indicator(_real(z) > 0, z)

    def derivative_from_value(self, a: Array) -> Array | None:
        return self.derivative(a)


@dataclass(frozen=True)
class ELU(Elementwise):
    """f(z) = s z where z > 0 and s α (e^z − 1) elsewhere; f′ = s or f + s α, f″ = 0 or f′.

    Reference: Clevert, Unterthiner & Hochreiter (2016).

    Parameters
    ----------
    alpha : float
        α > 0: the value at −∞ is −s α.
    """

    alpha: float = 1.0

    name: ClassVar[str] = "elu"
    formula: ClassVar[str] = "z > 0: z, else alpha (exp(z) - 1)"
    rectifier: ClassVar[bool] = True
    scale: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise ModelError(f"An ELU needs a finite alpha above 0, not {self.alpha!r}.")

    def value(self, z: Array) -> Array:
        xp = namespace(z)
        below = self.scale * self.alpha * xp.expm1(_below_zero(z))
        return xp.where(_real(z) > 0, self.scale * z, below)

    def derivative(self, z: Array) -> Array:
        xp = namespace(z)
        below = self.scale * self.alpha * xp.exp(_below_zero(z))
        return xp.where(_real(z) > 0, xp.full_like(z, self.scale), below)

    def second(self, z: Array) -> Array:
        xp = namespace(z)
        return xp.where(_real(z) > 0, xp.zeros_like(z), self.derivative(z))

    def derivative_from_value(self, a: Array) -> Array:
        xp = namespace(a)
        return xp.where(_real(a) > 0, xp.full_like(a, self.scale), a + self.scale * self.alpha)


@dataclass(frozen=True)
class SELU(ELU):
    """ELU with s = 1.0507 and α = 1.6733, which keep mean 0 and variance 1 from layer to layer.

    Reference: Klambauer, Unterthiner, Mayr & Hochreiter (2017).
    """

    alpha: float = 1.6732632423543772

    name: ClassVar[str] = "selu"
    formula: ClassVar[str] = "1.0507 (z > 0: z, else 1.6733 (exp(z) - 1))"
    rectifier: ClassVar[bool] = False  # made for weights of variance 1/n
    scale: ClassVar[float] = 1.0507009873554805


@dataclass(frozen=True)
class GELU(Elementwise):
    """f(z) = z Φ(z), f′ = Φ + z φ, f″ = (2 − z²) φ, with the normal Φ itself.

    Reference: Hendrycks & Gimpel (2016).
    """

    name: ClassVar[str] = "gelu"
    formula: ClassVar[str] = "z Phi(z)"
    rectifier: ClassVar[bool] = True

    def value(self, z: Array) -> Array:
        return z * ndtr(z)

    def derivative(self, z: Array) -> Array:
        return ndtr(z) + z * _normal_density(z)

    def second(self, z: Array) -> Array:
        near = _bounded(z)
        return (2 - near * near) * _normal_density(z)


@dataclass(frozen=True)
class SiLU(Elementwise):
    """f(z) = z s, f′ = s + z s t, f″ = s t (2 + z (t − s)), with s = 1/(1 + e^−z), t = 1 − s.

    Also called swish.  References: Elfwing, Uchibe & Doya (2018), Neural Networks 107;
    Ramachandran, Zoph & Le (2017).
    """

    name: ClassVar[str] = "silu"
    formula: ClassVar[str] = "z/(1 + exp(-z))"
    rectifier: ClassVar[bool] = True

    def value(self, z: Array) -> Array:
        return z * Sigmoid().value(z)

    def derivative(self, z: Array) -> Array:
        return Sigmoid().value(z) * (1 + z * Sigmoid().value(-z))

    def second(self, z: Array) -> Array:
        s, t = Sigmoid().value(z), Sigmoid().value(-z)
        return s * t * (2 + z * (t - s))


@dataclass(frozen=True)
class Softplus(Elementwise):
    """f(z) = log(1 + e^z), f′ = 1/(1 + e^−z) = 1 − e^−f, f″ = f′(1 − f′)."""

    name: ClassVar[str] = "softplus"
    formula: ClassVar[str] = "log(1 + exp(z))"

    def value(self, z: Array) -> Array:
        xp = namespace(z)
        above = xp.where(_real(z) > 0, z, xp.zeros_like(z))
        return above + xp.log1p(xp.exp(-_size(z)))

    def derivative(self, z: Array) -> Array:
        return Sigmoid().value(z)

    def second(self, z: Array) -> Array:
        return Sigmoid().derivative(z)

    def derivative_from_value(self, a: Array) -> Array:
        return -namespace(a).expm1(-a)


@dataclass(frozen=True)
class Step(PiecewiseLinear):
    """f(z) = 1 where z > 0, else 0: Rosenblatt's perceptron.

    f′ is taken as 0 everywhere, so that no gradient passes: a layer of these is given its weights,
    or learns them by the perceptron rule, and not by descent.
    """

    name: ClassVar[str] = "step"
    formula: ClassVar[str] = "z > 0"

    def value(self, z: Array) -> Array:
        return _indicator(_real(z) > 0, z)

    def derivative(self, z: Array) -> Array:
        return namespace(z).zeros_like(z)

    def derivative_from_value(self, a: Array) -> Array:
        return namespace(a).zeros_like(a)


@dataclass(frozen=True)
class Softmax(Activation):
    """a_j = e^{z_j} / Σ e^{z_k} over the units of the layer: shares that compete.

    ∂a/∂z = diag(a) − a aᵀ, which is symmetric, so that push and pull are one function
    P(a) v = a ∘ (v − aᵀv), and bend is its change along ȧ = P(a) v.
    """

    name: ClassVar[str] = "softmax"
    formula: ClassVar[str] = "exp(z_j) / sum(exp(z))"

    def value(self, z: Array) -> Array:
        xp = namespace(z)
        exponentials = xp.exp(z - xp.max(_real(z), axis=-1, keepdims=True))
        return exponentials / _sum(exponentials)

    def push(self, z: Array, a: Array, v: Array) -> Array:
        return a * (v - _sum(a * v))

    def pull(self, z: Array, a: Array, g: Array) -> Array:
        return a * (g - _sum(a * g))

    def bend(self, z: Array, a: Array, g: Array, v: Array) -> Array:
        change = self.push(z, a, v)
        return change * (g - _sum(a * g)) - a * _sum(change * g)


@dataclass(frozen=True)
class Maxout(Activation):
    """a_j = max_k z_jk over k affine maps a unit has of its own: a convex piecewise linear unit.

    z holds the maps of the first unit, then those of the second, and so on. The gradient goes to
    the largest map, the first of equals.  Reference: Goodfellow et al. (2013).

    Parameters
    ----------
    pieces : int
        k ≥ 2, the number of maps a unit.
    """

    pieces: int = 2

    name: ClassVar[str] = "maxout"
    formula: ClassVar[str] = "max_k z_jk"
    homogeneous: ClassVar[bool] = True
    kinked: ClassVar[bool] = True
    rectifier: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.pieces != int(self.pieces) or self.pieces < 2:
            raise ModelError(f"Maxout needs two or more pieces a unit, not {self.pieces!r}.")

    @property
    def affine_maps(self) -> int:
        """Affine maps of the inputs a unit has."""
        return self.pieces

    def value(self, z: Array) -> Array:
        return _sum(self._winner(z) * self._by_unit(z))[..., 0]

    def push(self, z: Array, a: Array, v: Array) -> Array:
        return _sum(self._winner(z) * self._by_unit(v))[..., 0]

    def pull(self, z: Array, a: Array, g: Array) -> Array:
        spread = self._winner(z) * g[..., None]
        return namespace(z).reshape(spread, (*g.shape[:-1], z.shape[-1]))

    def bend(self, z: Array, a: Array, g: Array, v: Array) -> Array:
        return namespace(v).zeros_like(v)

    def _by_unit(self, z: Array) -> Array:
        return namespace(z).reshape(z, (*z.shape[:-1], -1, self.pieces))

    def _winner(self, z: Array) -> Array:
        """Return 1 at each unit's largest map and 0 at the others, (…, units, k)."""
        xp = namespace(z)
        maps = self._by_unit(_real(z))
        first = xp.argmax(maps, axis=-1, keepdims=True)
        places = xp.arange(self.pieces, dtype=first.dtype, device=z.device)
        return xp.astype(places == first, z.dtype)


#: The activations by name, as front doors take them.
ACTIVATIONS: Mapping[str, Callable[..., Activation]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Identity,
            Sigmoid,
            Tanh,
            HardTanh,
            Softsign,
            ReLU,
            LeakyReLU,
            ELU,
            SELU,
            GELU,
            SiLU,
            Softplus,
            Maxout,
            Step,
            Softmax,
        )
    }
)


def _is_complex(z: Array) -> bool:
    xp = namespace(z)
    return z.dtype in (xp.complex64, xp.complex128)


def _real(z: Array) -> Array:
    """Return the real part, which decides between branches; a real array is its own."""
    return namespace(z).real(z) if _is_complex(z) else z


def _size(z: Array) -> Array:
    """Return |z| for real z, and its analytic continuation ±z from either side for complex z."""
    xp = namespace(z)
    return xp.where(xp.real(z) >= 0, z, -z) if _is_complex(z) else xp.abs(z)


def _below_zero(z: Array) -> Array:
    """Return min(z, 0), where an exponential is safe."""
    xp = namespace(z)
    return xp.where(_real(z) > 0, xp.zeros_like(z), z)


def _bounded(z: Array) -> Array:
    """Return z within ±40, beyond which the normal density is 0 and z² might overflow."""
    xp = namespace(z)
    return xp.where(xp.abs(_real(z)) > 40, xp.full_like(z, 40.0), z)


def _normal_density(z: Array) -> Array:
    near = _bounded(z)
    return namespace(z).exp(-0.5 * near * near) / math.sqrt(2 * math.pi)


def _indicator(condition: Array, z: Array) -> Array:
    return namespace(z).astype(condition, z.dtype)


def _sum(values: Array) -> Array:
    return namespace(values).sum(values, axis=-1, keepdims=True)
