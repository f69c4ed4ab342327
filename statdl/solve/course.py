"""What training works on and carries along: the lesson, its learner, and the course so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from statdl.backend.array import Array
from statdl.solve.iterate import Problem
from statdl.solve.mover import Mover


class Learner(Protocol):
    """Gradients of the batches of an epoch."""

    statistics: Any

    def open(self, parameters: Array, seed: int, epoch: int) -> None:
        """Open an epoch on parameters that will change in place."""
        ...

    def gradient(self, first: int, stop: int) -> Array:
        """Return the gradient of the mean loss of some rows of the order, for the caller to use."""
        ...

    def seen(self) -> dict[str, float]:
        """Return mean loss and metrics of the epoch's rows, each as it was when it was used."""
        ...


class WholeLearner(Learner, Protocol):
    """Whole epochs at once."""

    def whole(self, memory: Sequence[Array], numbers: Any) -> Array:
        """Take all batches by the numbers of each step; return the gradient of the last."""
        ...


class Lesson(Problem, Protocol):
    """A problem that can be trained."""

    @property
    def lasso(self) -> Array | None:
        """λ of the absolute value of each parameter, (P,)."""
        ...

    @property
    def stochastic(self) -> bool:
        """Whether a gradient is a draw, even of all rows."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, in values that JSON has."""
        ...

    def learner(self, batch: int, products: str = "full") -> Learner:
        """Return what walks through batches of so many rows, by products of a precision."""
        ...

    def whole_learner(
        self, launch: str, batch: int, rule: str, decayed: Array, products: str
    ) -> WholeLearner:
        """Return what takes all batches of an epoch by itself, by a rule of kernels."""
        ...

    def launch_obstacle(self, launch: str) -> str | None:
        """Return why epochs cannot be launched this way; None where they can."""
        ...

    def products_obstacle(self, launch: str) -> str | None:
        """Return why products cannot be rounded; None where they can."""
        ...

    def rounded_by(self, parameters: Array, batch: int, products: str) -> float:
        """Return by what share products of a precision change the loss of all rows."""
        ...

    def reached(self, parameters: Array, statistics: Any) -> float:
        """Return the loss of all rows, penalties included."""
        ...

    def watch(self, parameters: Array, statistics: Any) -> dict[str, float]:
        """Return loss and metrics of the rows held out."""
        ...

    def layer_norms(self, gradient: Array) -> dict[str, float]:
        """Return the length of each layer's part of a gradient."""
        ...

    def pack(self, statistics: Any) -> dict[str, Array]:
        """Return the moments of normalised layers as named arrays."""
        ...

    def unpack(self, arrays: Mapping[str, Any]) -> Any:
        """Return the moments from named arrays."""
        ...


@dataclass(frozen=True)
class Best:
    """The epoch with the smallest validation loss, and what was then."""

    epoch: int
    loss: float
    parameters: Array
    statistics: Any


@dataclass(frozen=True)
class Course:
    """What training carries from epoch to epoch."""

    learner: Learner
    mover: Mover
    rate: float
    seed: int
    epoch: int = 0
    iteration: int = 0
    statistics: Any = None
    best: Best | None = None
    kept: tuple[tuple[int, Array], ...] = ()  # weights before, newest first, should these explode
    history: tuple[Mapping[str, float], ...] = ()


def batches(n: int, size: int) -> int:
    """Return how many batches n rows make."""
    return -(-n // size)
