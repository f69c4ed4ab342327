"""What de-biasing asks of a solution: weighted products of all columns, and their score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from statdl.backend.array import like, to_numpy
from statdl.estimate.path import PathEstimate, scaled_problem
from statdl.lazy import lazy

np = lazy("numpy")


@dataclass(frozen=True)
class Nodewise:
    """Weighted Gram matrix X̃ᵀ W X̃ and score X̃ᵀ W (y − μ̂) at a solution; weights sum to 1."""

    gram: Any
    score: Any
    scale: Any
    deviance: float


def nodewise_problem(path: PathEstimate, B: Any, a: Any) -> Nodewise:
    """Return what de-biasing asks of a solution B (p, 1), a (1,).

    Columns are in units of their standard deviations, and what the intercept explains of them, by
    the weights of the information, is taken off.
    """
    settings = replace(path.penalties, standardize=True)
    scaled = scaled_problem(replace(path, penalties=settings))
    problem, scale = scaled.problem, scaled.scale
    intercept, p = problem.intercept, len(scale)
    columns = problem.columns.taken(np.arange(p), ones=intercept)
    heads = a + scaled.centre @ B if intercept else a
    b = B * scale[:, None]
    full = np.concatenate([heads[None, :], b]) if intercept else b
    eta = columns.outer(like(full, problem.template))
    eta = eta if problem.offset is None else eta + problem.offset
    value, score = scaled.loss.value_and_score(eta)
    d, u = scaled.loss.curvature(eta)
    H = to_numpy(columns.curvature([np.arange(len(full))], d, u))
    slope = to_numpy(columns.inner(score))[:, 0]
    if intercept:
        across = H[1:, 0] / H[0, 0]
        H = H[1:, 1:] - across[:, None] * H[0, 1:]
        slope = slope[1:] - across * slope[0]
    deviance = 2 * path.total_weight * (value - path.saturated)
    return Nodewise(H, slope, scale, deviance)
