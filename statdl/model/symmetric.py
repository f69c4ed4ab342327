"""The multinomial with an η for every class: what a penalty that treats classes alike asks for.

Adding a number to all η of a row changes no probability. A penalty makes the coefficients unique,
but for the intercepts and what it leaves free; they are reported with mean zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from statdl.backend.array import Array, namespace
from statdl.backend.special import xlogy
from statdl.model.curvature import RowCurvature


@dataclass(frozen=True)
class SymmetricMultinomial:
    """One of K classes, with probabilities e^{η_k} / Σ_j e^{η_j}; η and y are (n, K).

    Loss log Σ e^{η_j} − Σ y_k η_k, score y − μ, information diag(μ) − μ μᵀ.
    """

    outputs: int

    name: ClassVar[str] = "multinomial"
    quadratic: ClassVar[bool] = False

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        xp = namespace(eta)
        top = xp.max(eta, axis=1, keepdims=True)
        powers = xp.exp(eta - top)
        total = xp.sum(powers, axis=1, keepdims=True)
        loss = (top + xp.log(total))[:, 0] - xp.sum(y * eta, axis=1)
        return loss, y - powers / total

    def mean(self, eta: Array) -> Array:
        xp = namespace(eta)
        powers = xp.exp(eta - xp.max(eta, axis=1, keepdims=True))
        return powers / xp.sum(powers, axis=1, keepdims=True)

    def information(self, eta: Array) -> RowCurvature:
        mean = self.mean(eta)
        return RowCurvature(diagonal=mean, outer=mean)

    def unit_deviance(self, eta: Array, y: Array) -> Array:
        loss, _ = self.loss_and_score(eta, y)
        return 2 * (loss + namespace(eta).sum(xlogy(y, y), axis=1))
