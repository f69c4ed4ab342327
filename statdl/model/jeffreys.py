"""Firth's penalty: the likelihood times Jeffreys' prior, whose maximum is always finite.

    J(θ) = −log L(θ) − ½ log |I(θ)|,

I the expected information. Its gradient adds to the score of row i

    ½ tr(S_i ∂H_i/∂η_k),   S_i = J_i I⁻¹ J_iᵀ,

which for the logit is h_i (½ − μ_i), h_i the leverage: every row counts for a bit of both classes.
In a model with a canonical link this takes away the bias of order 1/n (Firth 1993), and as |I| → 0
wherever the likelihood runs to infinity, separated classes have finite estimates (Heinze & Schemper
2002).

References
----------
Firth (1993), Bias reduction of maximum likelihood estimates, Biometrika 80.
Heinze & Schemper (2002), A solution to the problem of separation in logistic regression, Statist.
Med. 21. Kosmidis & Firth (2011), Multinomial logit bias reduction, Biometrika 98.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from statdl.backend.array import Array, like, namespace, returned, to_numpy
from statdl.backend.linalg import Factor, factorise
from statdl.errors import NotPositiveDefiniteError
from statdl.model.objective import Objective
from statdl.model.predictor import Predictor


@dataclass(frozen=True)
class Jeffreys:
    """−½ log |I(θ)|, for canonical links and known dispersion.

    Where some parameters are held at a value, as in a profile, I is still that of all.
    """

    active: ClassVar[bool] = True
    shrinks: ClassVar[bool] = False

    def on(self, objective: Objective, parameters: Array) -> tuple[float, Array]:
        rows = objective.rows
        theta = like(parameters, rows.template)
        whole, full = objective.predictor.whole(theta)
        factor = _information(objective, whole, full)
        if factor is None:
            return math.inf, namespace(parameters).zeros_like(parameters)
        root = like(factor.inverse_root(), rows.template)
        total = namespace(theta).zeros_like(theta)
        for block in rows.blocks(whole.width + whole.outputs * whole.size):
            eta = objective.eta(theta, block)
            half = whole.jacobian_times(full, block.X, root)  # (n, q, P): S_i = half halfᵀ
            S = half @ namespace(half).matrix_transpose(half)
            turn = objective.family.information_turn(eta, S)
            if block.weights is not None:
                turn = turn * block.weights[:, None]
            _, pullback = objective.predictor.linearise(theta, block.X)
            total = total - 0.5 * pullback(turn)
        (slope,) = returned(parameters, total)
        return -_half_log_determinant(factor), slope

    def value(self, parameters: Array, penalised: Array) -> Array:
        """Nothing: the penalty is one of the model, see :meth:`on`."""
        return namespace(parameters).sum(penalised) * 0.0

    def gradient(self, parameters: Array, penalised: Array) -> Array:
        """Nothing, as :meth:`value`."""
        return namespace(parameters).zeros_like(parameters)

    def curvature(self, parameters: Array, penalised: Array) -> Array:
        """Nothing: steps are by the information, which errors are from as well."""
        return namespace(parameters).zeros_like(parameters)


def _information(objective: Objective, whole: Predictor, full: Array) -> Factor | None:
    """Return the factor of I, None where that is singular."""
    plain = replace(objective, predictor=whole, penalised=None)
    try:
        return factorise(plain.curvature(full, expected=True))
    except NotPositiveDefiniteError:
        return None


def _half_log_determinant(factor: Factor) -> float:
    """Return ½ log |D L Lᵀ D| = Σ log D_j L_jj."""
    diagonal = to_numpy(namespace(factor.lower).linalg.diagonal(factor.lower))
    scale = to_numpy(factor.scale)
    return sum(math.log(d) + math.log(s) for d, s in zip(diagonal, scale, strict=True))
