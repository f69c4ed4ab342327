"""What is reported of training beside the loss: a value a row, averaged."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from statdl.backend.array import Array, namespace
from statdl.model.family import Family


class Metric(Protocol):
    """A value of each row."""

    name: ClassVar[str]
    #: The power of the response's unit that it is in.
    degree: ClassVar[int]

    def suits(self, family: Family) -> bool:
        """Tell whether it means something for this family."""
        ...

    def of_rows(self, family: Family, eta: Array, y: Array) -> Array:
        """Return the values, (n,)."""
        ...


class Accuracy:
    """1 where the likeliest class is the one observed, else 0."""

    name: ClassVar[str] = "accuracy"
    degree: ClassVar[int] = 0

    def suits(self, family: Family) -> bool:
        return family.has_classes

    def of_rows(self, family: Family, eta: Array, y: Array) -> Array:
        xp = namespace(eta)
        if family.name == "binomial":
            hit = (family.mean(eta)[:, 0] > 0.5) == (y[:, 0] > 0.5)
            return xp.astype(hit, eta.dtype)
        # the observed class is the likeliest where no other η, nor the reference's 0, is above it
        observed = xp.sum(y * eta, axis=1)
        top = xp.max(eta, axis=1)
        hit = observed >= xp.maximum(top, xp.zeros_like(top))
        return xp.astype(hit, eta.dtype)


class SquaredError:
    """(y − μ)²."""

    name: ClassVar[str] = "mse"
    degree: ClassVar[int] = 2

    def suits(self, family: Family) -> bool:
        return not family.has_classes

    def of_rows(self, family: Family, eta: Array, y: Array) -> Array:
        error = (y - family.mean(eta))[:, 0]
        return error * error


class AbsoluteError:
    """|y − μ|."""

    name: ClassVar[str] = "mae"
    degree: ClassVar[int] = 1

    def suits(self, family: Family) -> bool:
        return not family.has_classes

    def of_rows(self, family: Family, eta: Array, y: Array) -> Array:
        return namespace(eta).abs(y - family.mean(eta))[:, 0]


#: The metrics by name, as the front door takes them.
METRICS: Mapping[str, Any] = MappingProxyType(
    {kind.name: kind() for kind in (Accuracy, SquaredError, AbsoluteError)}
)
