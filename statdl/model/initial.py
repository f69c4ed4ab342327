"""Initial weights: where training starts.

Weights are drawn on the host, so that a seed means the same on every device; biases start at 0. The
scale matters: too small and all units stay alike, too large and they saturate. Xavier's and He's
rules keep the variance of values and gradients about constant from layer to layer, for activations
that are about the identity near 0 and for those that silence half of their units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from statdl.errors import ModelError
from statdl.model.activation import Activation


@dataclass(frozen=True)
class Initial:
    """A distribution of initial weights with mean 0."""

    name: ClassVar[str]
    uniform: ClassVar[bool] = False
    #: Whether biases are drawn like weights; they start at 0 otherwise.
    biases: ClassVar[bool] = False

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return the variance of a weight in a layer of ``fan_in`` inputs and ``fan_out`` units."""
        raise NotImplementedError

    def draw(self, fan_in: int, fan_out: int, rng: Any, shape: tuple[int, ...]) -> Any:
        """Return weights of ``shape`` drawn by a host generator, as a host array."""
        deviation = math.sqrt(self.variance(fan_in, fan_out))
        if self.uniform:
            bound = math.sqrt(3.0) * deviation
            return rng.uniform(-bound, bound, shape)
        return deviation * rng.standard_normal(shape)


@dataclass(frozen=True)
class Normal(Initial):
    """N(0, sd²) whatever the layer: the oldest rule, with small sd.

    Examples
    --------
    >>> Normal(0.1).variance(30, 10)
    0.010000000000000002
    """

    sd: float = 0.01

    name: ClassVar[str] = "normal"

    def __post_init__(self) -> None:
        _refuse_negative("A standard deviation of initial weights", self.sd)

    def variance(self, fan_in: int, fan_out: int) -> float:
        return self.sd**2


@dataclass(frozen=True)
class Zeros(Initial):
    """All 0: every unit of a layer then has the same gradient, and stays like every other."""

    name: ClassVar[str] = "zeros"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 0.0


@dataclass(frozen=True)
class XavierNormal(Initial):
    """N(0, 2/(n_in + n_out)).  Reference: Glorot & Bengio (2010)."""

    name: ClassVar[str] = "xavier_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 / (fan_in + fan_out)


@dataclass(frozen=True)
class XavierUniform(XavierNormal):
    """Uniform within ±√(6/(n_in + n_out)).  Reference: Glorot & Bengio (2010)."""

    name: ClassVar[str] = "xavier_uniform"
    uniform: ClassVar[bool] = True


@dataclass(frozen=True)
class HeNormal(Initial):
    """N(0, 2/n_in).  Reference: He, Zhang, Ren & Sun (2015)."""

    name: ClassVar[str] = "he_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2 / max(fan_in, 1)


@dataclass(frozen=True)
class HeUniform(HeNormal):
    """Uniform within ±√(6/n_in).  Reference: He, Zhang, Ren & Sun (2015)."""

    name: ClassVar[str] = "he_uniform"
    uniform: ClassVar[bool] = True


@dataclass(frozen=True)
class HeAverage(Initial):
    """N(0, 4/(n_in + n_out)): He's rule with the mean of both fans."""

    name: ClassVar[str] = "he_average"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 4 / (fan_in + fan_out)


@dataclass(frozen=True)
class Uniform(Initial):
    """Uniform within ±range, biases as well: how R's nnet starts (its ``rang``)."""

    range: float = 0.7

    name: ClassVar[str] = "uniform"
    uniform: ClassVar[bool] = True
    biases: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _refuse_negative("A range of initial weights", self.range)

    def variance(self, fan_in: int, fan_out: int) -> float:
        return self.range**2 / 3


#: The rules by name, as front doors take them.
INITIALS: Mapping[str, Callable[..., Initial]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Normal,
            Zeros,
            XavierNormal,
            XavierUniform,
            HeNormal,
            HeUniform,
            HeAverage,
            Uniform,
        )
    }
)


def default_initial(activation: Activation | None) -> Initial:
    """Return He's rule for the ReLU family, Xavier's for other activations and for outputs.

    Examples
    --------
    >>> from statdl.model.activation import ReLU, Tanh
    >>> default_initial(ReLU()).name, default_initial(Tanh()).name
    ('he_uniform', 'xavier_uniform')
    """
    rectifies = activation is not None and activation.rectifier
    return HeUniform() if rectifies else XavierUniform()


def _refuse_negative(what: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ModelError(f"{what} must be finite and not negative, not {value!r}.")
