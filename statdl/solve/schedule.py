"""Learning-rate schedules: the rate as a function of the iteration and the epoch.

Iterations and epochs count from 0. A schedule returns the factor on the rule's learning rate.
"""

from __future__ import annotations

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
