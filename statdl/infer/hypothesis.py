"""A test of a hypothesis: what was computed, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class HypothesisTest:
    """One test, in the parts that R's htest prints.

    symbol     what the statistic is called, such as "BP"
    parameters degrees of freedom and the like, by name
    null       the null hypothesis, as a sentence
    """

    method: str
    symbol: str
    statistic: float
    parameters: Mapping[str, float]
    p_value: float
    null: str
    notes: tuple[str, ...] = ()
    estimates: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
