"""What is known of the rows seen so far; it adds up over blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import add
from typing import Any

from statdl.scan import transform
from statdl.scan.sample import Sample, Witnesses
from statdl.scan.transform import Moments


@dataclass(frozen=True)
class Learned:
    """What is known of the rows seen so far; two of them add up.

    orders         of categories that have one, None where blocks do not agree
    read, kept     rows that ``subset`` selects, and those of them without a missing value
    nobs, weight   rows of positive weight, and Σ w
    """

    read: int
    kept: int
    nobs: int
    weight: float
    witnesses: Witnesses
    sample: Sample
    moments: Mapping[tuple[str, str], Moments] = field(default_factory=dict)
    factors: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    orders: Mapping[str, tuple[Any, ...] | None] = field(default_factory=dict)

    def __add__(self, other: Learned) -> Learned:
        return Learned(
            self.read + other.read,
            self.kept + other.kept,
            self.nobs + other.nobs,
            self.weight + other.weight,
            self.witnesses + other.witnesses,
            self.sample + other.sample,
            _merged(self.moments, other.moments, add),
            _merged(self.factors, other.factors, transform.stacked_factor),
            self._orders(other),
        )

    def changed(self, change: Callable[[Any], Any]) -> Learned:
        """Return the same with tables changed, row by row."""
        sample = replace(self.sample, table=change(self.sample.table))
        witnesses = replace(self.witnesses, table=change(self.witnesses.table))
        return replace(self, sample=sample, witnesses=witnesses)

    def _orders(self, other: Learned) -> dict[str, tuple[Any, ...] | None]:
        """Return the orders of categories, None where blocks have different ones, or none."""
        return {
            name: self.orders[name] if self.orders.get(name) == other.orders.get(name) else None
            for name in {**self.orders, **other.orders}
        }


def _merged(one: Mapping[Any, Any], other: Mapping[Any, Any], combine: Any) -> dict[Any, Any]:
    both = {key: combine(one[key], other[key]) for key in one.keys() & other.keys()}
    return {**one, **other, **both}
