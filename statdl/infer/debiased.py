"""De-biased lasso: estimates with a normal limit after an L1 penalty, and their intervals.

With Σ̂ = X̃ᵀ W X̃ / n at the lasso solution and Θ̂ an approximate inverse of it,

    b̂ = β̂ + Θ̂ X̃ᵀ (y − μ̂) / n,    b̂_j − β_j ≈ N(0, φ (Θ̂ Σ̂ Θ̂ᵀ)_jj / n),

also where there are more columns than rows, as long as few coefficients matter. Row j of Θ̂ is from
the lasso of column j on the others: (1, −γ̂_j) / τ̂²_j, τ̂²_j = Σ̂_jj − Σ̂_{j,−j} γ̂_j. Its strength is
√(2 log p / n) /2 in units of standardised columns.

Reference: van de Geer, Bühlmann, Ritov and Dezeure (2014), Ann. Stat. 42, 1166.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.estimate.nodewise import nodewise_problem
from statdl.estimate.path import PathEstimate
from statdl.solve.lasso import Quadratic, minimise_lasso
from statdl.solve.progress import shown

#: A column in units of its standard deviation with less curvature than this is constant.
CONSTANT = 1e-14


@dataclass(frozen=True)
class Debiased:
    """Estimates and standard errors of the columns at ``places``, in their own units."""

    places: tuple[int, ...]
    estimate: Any
    standard_error: Any
    dispersion: float


def debiased(
    path: PathEstimate,
    B: Any,
    a: Any,
    places: Sequence[int] | None = None,
    strength: float | None = None,
) -> Debiased:
    """Return the de-biased lasso from the solution B (p, 1), a (1,).

    ``strength`` is that of the lassos of columns on each other.

    Raises
    ------
    ModelError
        For several classes, groups or limits, for which there is no such theory here.
    """
    settings = path.penalties
    if B.shape[1] > 1 or settings.groups is not None or settings.lower is not settings.upper:
        raise ModelError(
            "debiased() is for a single response without groups or limits; for classes fit each "
            "against the rest with family='binomial'."
        )
    n, p = path.shape
    found = nodewise_problem(path, B, a)
    chosen = tuple(range(p)) if places is None else tuple(places)
    weight = math.sqrt(2 * math.log(max(p, 2)) / n) / 2 if strength is None else strength
    H, score = found.gram, found.score
    estimates, errors = np.empty(len(chosen)), np.empty(len(chosen))
    quadratic = Quadratic(H)
    for k, j in enumerate(shown(chosen, "columns")):
        if not H[j, j] > CONSTANT:
            estimates[k] = errors[k] = np.nan
            continue
        row = _inverse_row(quadratic, H, j, weight)
        estimates[k] = B[j, 0] * found.scale[j] + float(row @ score)
        errors[k] = math.sqrt(float(row @ H @ row) / path.total_weight)
    phi = _dispersion(path, found.deviance, int(np.sum(B != 0)))
    scale = found.scale[list(chosen)]
    return Debiased(chosen, estimates / scale, errors * math.sqrt(phi) / scale, phi)


def _inverse_row(quadratic: Quadratic, H: Any, j: int, weight: float) -> Any:
    """Return row j of Θ̂, (p,)."""
    size = float(H[j, j])
    threshold = np.full(len(H), weight * size)
    threshold[j] = np.inf
    gamma, _ = minimise_lasso(quadratic, H[:, j].copy(), threshold, np.zeros(len(H)), 1e-8 * size)
    row = -gamma
    row[j] = 1.0
    return row / (size - float(H[j] @ gamma))


def _dispersion(path: PathEstimate, deviance: float, used: int) -> float:
    if path.specification.family.dispersion_known:
        return 1.0
    n = path.shape[0]
    left = n - used - int(path.specification.intercept)
    if left <= 0:
        raise ModelError(
            f"{used} columns are in at this lambda, and {n} rows leave nothing to estimate the "
            "noise from; choose a larger lambda."
        )
    return deviance / left
