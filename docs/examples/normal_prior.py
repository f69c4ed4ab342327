"""A normal prior around a value of one's own, as a penalty: ½ λ Σ (β − m)².

A ridge draws slopes to 0; this draws them to m, what an earlier study found, say. The estimate is
the mode of the posterior under β ~ N(m, 1/λ).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, like, namespace


@dataclass(frozen=True)
class NormalPrior:
    """½ λ Σ (β − m)² over the slopes; intercepts are left alone."""

    mean: float
    strength: float

    @property
    def active(self) -> bool:
        """Whether it changes the estimate."""
        return self.strength > 0

    @property
    def shrinks(self) -> bool:
        """Whether it biases estimates, so that the summary says "penalised"."""
        return self.active

    @property
    def towards(self) -> str:
        """Where it draws, as summaries say it."""
        return f"{self.mean:g}"

    def on(self, objective: Any, parameters: Array) -> tuple[float, Array]:
        penalised = like(objective.penalised, parameters)  # 1 for slopes, 0 for intercepts
        return float(self.value(parameters, penalised)), self.gradient(parameters, penalised)

    def value(self, parameters: Array, penalised: Array) -> Array:
        distance = parameters - self.mean
        return 0.5 * self.strength * namespace(distance).sum(penalised * distance**2, axis=-1)

    def gradient(self, parameters: Array, penalised: Array) -> Array:
        return self.strength * penalised * (parameters - self.mean)

    def curvature(self, parameters: Array, penalised: Array) -> Array:
        return self.strength * penalised
