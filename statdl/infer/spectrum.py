"""What the eigenvalues of a network's information say of its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from statdl.estimate import (
    Estimate,
    Redundancy,
    determined_rank,
    eigenvalues,
    filled,
    free_directions,
)


@dataclass(frozen=True)
class Spectrum:
    """Numerical rank and condition number of the information, scaled to a unit diagonal.

    ``condition`` is the largest eigenvalue over the smallest, infinite where the rank is not full.
    """

    rank: int
    size: int
    condition: float


def lengths(estimate: Estimate) -> int:
    """Return how many free parameters are but lengths of directions, which nothing knows."""
    found = free_directions(estimate.objective.predictor, np.asarray(estimate.parameters))
    return sum(not one.known for one in found)


def spectrum(estimate: Estimate) -> Spectrum:
    """Return rank and condition of the information, without the penalty and free lengths."""
    H = np.asarray(estimate.information)
    if not H.size or not np.all(np.isfinite(H)):
        return Spectrum(0, len(H), math.inf)
    predictor = estimate.objective.predictor
    apart = Redundancy.of(predictor, np.asarray(estimate.parameters))
    values = eigenvalues(predictor, apart, filled(predictor, apart, H))
    assert values is not None
    found, size = determined_rank(predictor, apart, H), len(H) - apart.count
    condition = float(values[-1]) / float(values[0]) if found == size else math.inf
    return Spectrum(found, size, condition)
