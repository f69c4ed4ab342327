"""Update rules of gradient descent: how a gradient becomes a move.

Each rule holds its constants and is a pure function of (gradient, memory, iteration): the loop owns
the state. ``learning_rate=None`` asks for 1/L, L the largest curvature of the mean loss.
Formulas are those of the source lectures, with g the gradient of the mean loss and η the rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from statdl.backend.array import Array, namespace
from statdl.errors import ModelError
from statdl.kinds import is_number

Memory = tuple[Array, ...]


class Rule(Protocol):
    """Turn a gradient into a move."""

    @property
    def learning_rate(self) -> float | None:
        """η; None asks for 1/L."""
        ...

    def begin(self, parameters: Array) -> Memory:
        """Return the memory before the first move."""
        ...

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        """Return what to add to the parameters, and the new memory; iteration counts from 1.

        ``slopes`` are the parameters with the intercepts at 0: what weight decay acts on.
        """
        ...

    def reach(self, memory: Memory, rate: float, iteration: int) -> Any:
        """Return how far a step goes in the end per unit of a gradient that stays the same.

        A number, or one a parameter; the proximal step of an L1 penalty goes as far.
        """
        ...


def _check(learning_rate: float | None, adaptive: bool = False, **shares: float) -> None:
    if adaptive and learning_rate is None:
        raise ModelError("This rule sets its own pace and needs a learning rate, such as 0.01.")
    if learning_rate is not None and not _within(learning_rate, 0, float("inf"), open_end=True):
        raise ModelError(f"A learning rate must be a number above 0, not {learning_rate!r}.")
    for name, share in shares.items():
        if not _within(share, 0, 1):
            raise ModelError(f"{name} must be at least 0 and below 1, not {share!r}.")


def _within(value: Any, least: float, most: float, open_end: bool = False) -> bool:
    """Tell whether something is a number below ``most`` and from ``least`` on, or above it."""
    if not is_number(value):
        return False
    return bool((least < value if open_end else least <= value) and value < most)


@dataclass(frozen=True)
class SGD:
    """Plain gradient descent: w ← w − η g.

    Examples
    --------
    >>> SGD(0.1).learning_rate
    0.1
    """

    learning_rate: float | None = None

    def __post_init__(self) -> None:
        _check(self.learning_rate)

    def begin(self, parameters: Array) -> Memory:
        return ()

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        return -rate * gradient, ()

    def reach(self, memory: Memory, rate: float, iteration: int) -> Any:
        return rate


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with momentum, in either of its two conventions.

    ``dampened=False``: m ← βm + ηg, w ← w − m, which approaches a rate of η/(1 − β).
    ``dampened=True``:  m ← βm + (1 − β)g, w ← w − ηm, which keeps the rate at η.

    References
    ----------
    Polyak (1964), USSR Computational Mathematics and Mathematical Physics 4.

    Examples
    --------
    >>> Momentum(0.01, beta=0.9, dampened=True).dampened
    True
    """

    learning_rate: float | None = None
    beta: float = 0.9
    dampened: bool = False

    def __post_init__(self) -> None:
        _check(self.learning_rate, beta=self.beta)

    def begin(self, parameters: Array) -> Memory:
        return (namespace(parameters).zeros_like(parameters),)

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        if self.dampened:
            m = self.beta * memory[0] + (1 - self.beta) * gradient
            return -rate * m, (m,)
        m = self.beta * memory[0] + rate * gradient
        return -m, (m,)

    def reach(self, memory: Memory, rate: float, iteration: int) -> Any:
        return rate if self.dampened else rate / (1 - self.beta)


@dataclass(frozen=True)
class Nesterov:
    """Nesterov's accelerated gradient: the momentum looks ahead.

    m ← βm + ηg, w ← w − (βm + ηg): the gradient is taken where momentum is about to lead
    (Sutskever et al. 2013, rewritten for the parameters after the look ahead).

    References
    ----------
    Nesterov (1983), Soviet Mathematics Doklady 27.

    Examples
    --------
    >>> Nesterov(0.01).beta
    0.9
    """

    learning_rate: float | None = None
    beta: float = 0.9

    def __post_init__(self) -> None:
        _check(self.learning_rate, beta=self.beta)

    def begin(self, parameters: Array) -> Memory:
        return (namespace(parameters).zeros_like(parameters),)

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        m = self.beta * memory[0] + rate * gradient
        return -(self.beta * m + rate * gradient), (m,)

    def reach(self, memory: Memory, rate: float, iteration: int) -> Any:
        return rate / (1 - self.beta)


@dataclass(frozen=True)
class AdaGrad:
    """A rate of its own for each parameter: s ← s + g², w ← w − η g / √(s + ε).

    References
    ----------
    Duchi, Hazan & Singer (2011), Journal of Machine Learning Research 12.

    Examples
    --------
    >>> AdaGrad(0.1).epsilon
    1e-10
    """

    learning_rate: float | None = 0.01
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        _check(self.learning_rate, adaptive=True)

    def begin(self, parameters: Array) -> Memory:
        return (namespace(parameters).zeros_like(parameters),)

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        s = memory[0] + gradient * gradient
        return -rate * gradient / namespace(s).sqrt(s + self.epsilon), (s,)

    def reach(self, memory: Memory, rate: float, iteration: int) -> Any:
        return rate / namespace(memory[0]).sqrt(memory[0] + self.epsilon)


@dataclass(frozen=True)
class RMSProp:
    """AdaGrad that forgets: s ← αs + (1 − α)g², w ← w − η g / √(s + ε).

    References
    ----------
    Tieleman & Hinton (2012), Lecture 6.5, Neural Networks for Machine Learning.

    Examples
    --------
    >>> RMSProp(0.001).alpha
    0.9
    """

    learning_rate: float | None = 0.001
    alpha: float = 0.9
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        _check(self.learning_rate, adaptive=True, alpha=self.alpha)

    def begin(self, parameters: Array) -> Memory:
        return (namespace(parameters).zeros_like(parameters),)

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        s = self.alpha * memory[0] + (1 - self.alpha) * gradient * gradient
        return -rate * gradient / namespace(s).sqrt(s + self.epsilon), (s,)

    def reach(self, memory: Memory, rate: float, iteration: int) -> Any:
        return rate / namespace(memory[0]).sqrt(memory[0] + self.epsilon)


@dataclass(frozen=True)
class Adam:
    """Momentum and a rate of its own for each parameter (Kingma & Ba 2015).

    m ← β₁m + (1 − β₁)g, s ← β₂s + (1 − β₂)g², w ← w − η m̂ / (√ŝ + ε) with the bias-corrected
    m̂ = m/(1 − β₁ᵗ), ŝ = s/(1 − β₂ᵗ); ``corrected=False`` leaves the correction out.

    References
    ----------
    Kingma & Ba (2015), arXiv:1412.6980.

    Examples
    --------
    >>> Adam(0.01).beta2
    0.999
    """

    learning_rate: float | None = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    corrected: bool = True

    def __post_init__(self) -> None:
        _check(self.learning_rate, adaptive=True, beta1=self.beta1, beta2=self.beta2)

    def begin(self, parameters: Array) -> Memory:
        zeros = namespace(parameters).zeros_like(parameters)
        return (zeros, zeros)

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        m = self.beta1 * memory[0] + (1 - self.beta1) * gradient
        s = self.beta2 * memory[1] + (1 - self.beta2) * gradient * gradient
        first, second = m, s
        if self.corrected:
            first = m / (1 - self.beta1**iteration)
            second = s / (1 - self.beta2**iteration)
        return -rate * first / (namespace(s).sqrt(second) + self.epsilon), (m, s)

    def reach(self, memory: Memory, rate: float, iteration: int) -> Any:
        second = memory[1] / (1 - self.beta2**iteration) if self.corrected else memory[1]
        return rate / (namespace(second).sqrt(second) + self.epsilon)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: w ← w − η (Adam's move + δ w) (Loshchilov & Hutter 2019).

    References
    ----------
    Loshchilov & Hutter (2019), arXiv:1711.05101.

    Examples
    --------
    >>> AdamW(0.01, weight_decay=0.1).weight_decay
    0.1
    """

    weight_decay: float = 0.01

    def move(
        self, gradient: Array, memory: Memory, rate: float, iteration: int, slopes: Array
    ) -> tuple[Array, Memory]:
        step, memory = super().move(gradient, memory, rate, iteration, slopes)
        return step - rate * self.weight_decay * slopes, memory
