"""Learning-rate schedules: the rate as a function of the iteration and the epoch.

Iterations and epochs count from 0. A schedule returns the factor on the rule's learning rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from statdl.errors import ModelError


class Schedule(Protocol):
    """A factor on the learning rate."""

    def factor(self, iteration: int, epoch: int) -> float:
        """Return the factor at an iteration, of an epoch."""
        ...


def _check(name: str, count: int) -> None:
    if not count > 0:
        raise ModelError(f"{name} must be 1 or more, not {count!r}.")


@dataclass(frozen=True)
class Constant:
    """The learning rate as it is.

    Examples
    --------
    >>> Constant().factor(1000, 10)
    1.0
    """

    def factor(self, iteration: int, epoch: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class Steps:
    """Multiply by ``rate`` after each of the epochs given.

    Examples
    --------
    >>> [round(Steps().factor(0, epoch), 4) for epoch in (29, 30, 60, 90)]
    [1.0, 0.1, 0.01, 0.001]
    """

    epochs: tuple[int, ...] = (30, 60, 90)
    rate: float = 0.1

    def factor(self, iteration: int, epoch: int) -> float:
        """Return rate^(number of the given epochs that are over)."""
        return self.rate ** sum(epoch >= milestone for milestone in self.epochs)


@dataclass(frozen=True)
class PowerOfTen:
    """η = η₀ · 10^(−t/n): a tenth after every n iterations, smoothly.

    Examples
    --------
    >>> round(PowerOfTen(100).factor(200, 0), 4)
    0.01
    """

    iterations: int

    def __post_init__(self) -> None:
        _check("iterations", self.iterations)

    def factor(self, iteration: int, epoch: int) -> float:
        """Return 10^(−t/n)."""
        return float(10.0 ** (-iteration / self.iterations))


@dataclass(frozen=True)
class Exponential:
    """Multiply by ``rate`` every ``every`` iterations; in steps unless ``smooth``.

    Examples
    --------
    >>> [f"{0.1 * Exponential().factor(t, 0):.4f}" for t in range(0, 6000, 1000)]
    ['0.1000', '0.0960', '0.0922', '0.0885', '0.0849', '0.0815']
    """

    rate: float = 0.96
    every: int = 1000
    smooth: bool = False

    def __post_init__(self) -> None:
        _check("every", self.every)

    def factor(self, iteration: int, epoch: int) -> float:
        """Return rate^(t/every), t/every rounded down unless smooth."""
        power = iteration / self.every if self.smooth else iteration // self.every
        return float(self.rate**power)


@dataclass(frozen=True)
class Cosine:
    """Fall along half a cosine to ``least`` in ``epochs``, after rising for those of ``warmup``.

    In the first k epochs, of warm-up, the factor is (epoch + 1)/(k + 1); then ``least`` +
    (1 − ``least``)(1 + cos(π t/T))/2 with t the epochs since and T = ``epochs`` − k; and then
    ``least``.

    References
    ----------
    Loshchilov & Hutter (2017), SGDR: stochastic gradient descent with warm restarts, ICLR.

    Examples
    --------
    >>> [round(Cosine(10).factor(0, epoch), 4) for epoch in (0, 5, 10, 20)]
    [1.0, 0.5, 0.0, 0.0]
    >>> [round(Cosine(10, warmup=3).factor(0, epoch), 2) for epoch in (0, 1, 2, 3)]
    [0.25, 0.5, 0.75, 1.0]
    """

    epochs: int
    least: float = 0.0
    warmup: int = 0

    def __post_init__(self) -> None:
        _check("epochs", self.epochs)
        if not 0 <= self.least <= 1:
            raise ModelError(f"least is a share of the learning rate, 0 to 1, not {self.least!r}.")
        if not 0 <= self.warmup < self.epochs:
            raise ModelError(
                f"warmup must be 0 or more, and less than the {self.epochs} epochs, not "
                f"{self.warmup!r}."
            )

    def factor(self, iteration: int, epoch: int) -> float:
        """Return the factor of the epoch."""
        if epoch < self.warmup:
            return (epoch + 1) / (self.warmup + 1)
        share = min((epoch - self.warmup) / (self.epochs - self.warmup), 1.0)
        return self.least + (1 - self.least) * (1 + math.cos(math.pi * share)) / 2
