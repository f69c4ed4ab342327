"""Rao's score test: whether the smaller model's maximum is a slope in the larger one.

With U the score of the larger model and I its expected information, both at the smaller model's
estimate,

    S = Uᵀ I⁻¹ U,     S/φ̂ ~ χ² with as many degrees of freedom as parameters are added.

Only the smaller model has to be fitted. For a generalised linear model S is the sum of squares that
the larger model's columns explain of the smaller one's working residuals.

References: Rao (1948), Proceedings of the Cambridge Philosophical Society 44, 50; Pregibon (1982),
GLIM 82, Springer.
"""

from __future__ import annotations

from statdl.backend.array import Array, namespace
from statdl.backend.linalg import (
    design_matrix,
    factorise,
    orthogonal_triangular,
    solve_upper,
)
from statdl.backend.shortage import device_errors
from statdl.estimate import Estimate


@device_errors()
def score_statistic(small: Estimate, large: Estimate) -> float:
    """Return S, at unit dispersion; the smaller model must be nested in the larger one.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> small, large = (
    ...     sd.glm(f"am ~ {right}", data=cars, family="binomial").estimate
    ...     for right in ("wt", "wt + hp")
    ... )
    >>> round(score_statistic(small, large), 4)
    9.5498
    """
    theta = _embedded(small, large)
    _, gradient = large.objective.value_and_gradient(theta)
    information = large.objective.curvature(theta, expected=True)
    half = factorise(information).whiten(gradient)
    return float(half @ half)


def _shown(small: Estimate) -> Array:
    """Return η of the rows that represent all."""
    objective = small.objective
    return objective.eta(small.device_parameters, objective.rows.representatives())


def _embedded(small: Estimate, large: Estimate) -> Array:
    """Return the larger model's parameters that give the smaller model's η, (P,)."""
    rows = large.objective.rows.representatives()
    eta = small.eta if rows is large.objective.rows else _shown(small)
    rows = rows.gathered()
    eta = eta if rows.offset is None else eta - rows.offset
    Q, R = orthogonal_triangular(design_matrix(rows.X, large.objective.intercept))
    return namespace(eta).reshape(solve_upper(R, Q.T @ eta).T, (-1,))
