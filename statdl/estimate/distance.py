"""How far an estimate is from the minimum, in standard errors.

A run that ends with its epochs, by early stopping or by an interrupt need not have reached a
minimum, which standard errors and tests presume. With g the gradient of the penalised loss over all
rows, F the expected information and P the curvature of the penalty,

    distance = √(gᵀ (F + P)⁺ g / u),    u the loss that is worth one unit of log-likelihood:

no function of the parameters is further from its value at the minimum, as the quadratic model has
it, than so many of its standard errors. Its square is Rao's score statistic, which is 0 at the
maximum. F, unlike the exact curvature, is never indefinite, wherever the run has stopped.

Reference: Rao (1948), Proc. Camb. Phil. Soc. 44, 50.
"""

from __future__ import annotations

import math

from statdl.backend.array import Array, namespace, to_numpy
from statdl.estimate.identify import determined_root
from statdl.model.objective import Objective


def standard_errors_away(
    objective: Objective,
    parameters: Array,
    loss: float,
    lasso: Array | None = None,
    information: Array | None = None,
) -> float:
    """Return the distance; NaN where the loss is not finite.

    ``lasso``, (P,), has λ of Σ λ |θ|; ``information`` is F, if it is known.
    """
    _, gradient = objective.value_and_gradient(parameters)
    if lasso is not None:
        gradient = with_lasso(gradient, parameters, lasso)
    if information is None:
        H = objective.curvature(parameters, expected=True)
    else:
        H = objective.with_curvature_of_penalty(parameters, information)
    half = to_numpy(determined_root(objective.predictor, parameters, H).T @ gradient)
    unit = objective.unit(loss)
    if not (unit > 0 and math.isfinite(unit)):
        return math.nan
    return math.sqrt(float(half @ half) / unit)


def with_lasso(gradient: Array, parameters: Array, lasso: Array) -> Array:
    """Return the shortest subgradient of J + Σ λ |θ|: 0 for a weight that rests at 0."""
    xp = namespace(gradient)
    beyond = xp.abs(gradient) - lasso
    resting = xp.sign(gradient) * xp.where(beyond > 0, beyond, xp.zeros_like(beyond))
    return xp.where(parameters == 0, resting, gradient + lasso * xp.sign(parameters))
