"""What the eigenvalues of a network's information say of its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from statdl.estimate import DETERMINED, Estimate, scaled


@dataclass(frozen=True)
class Spectrum:
    """Numerical rank and condition number of the information, scaled to a unit diagonal.

    ``condition`` is the largest eigenvalue over the smallest, infinite where that is not positive.
    """

    rank: int
    size: int
    condition: float


def spectrum(estimate: Estimate) -> Spectrum:
    """Return rank and condition of the information, the penalty left out."""
    H = np.asarray(estimate.information)
    if not H.size or not np.all(np.isfinite(H)):
        return Spectrum(0, len(H), math.inf)
    values = np.linalg.eigvalsh(scaled(estimate.objective.predictor, H)[0])
    rank = int(np.sum(values > DETERMINED * values[-1]))
    smallest = float(values[0])
    return Spectrum(rank, len(H), float(values[-1]) / smallest if smallest > 0 else math.inf)
