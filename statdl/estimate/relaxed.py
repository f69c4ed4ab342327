"""Relaxed paths: coefficients between the penalised ones and those of refits without a penalty.

Reference: Meinshausen (2007), Relaxed Lasso, Computational Statistics & Data Analysis 52, 374.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from statdl.estimate.path import PathEstimate, path_of_sample
from statdl.lazy import lazy

np = lazy("numpy")

#: Violation that a refit without a penalty may have: little is gained by less than the optimum.
REFIT = 1e-11


def relaxed(path: PathEstimate, gamma: float) -> PathEstimate:
    """Return the path with coefficients between the penalised and those of refits."""
    full = path.shape[0] - path.specification.intercept
    active = np.any(path.coefficients != 0, axis=2)
    (many,) = np.nonzero(active.sum(axis=1) >= max(full, 1))
    count = int(many[0]) if len(many) else len(active)
    refits: dict[bytes, tuple[Any, Any]] = {}
    for k, used in enumerate(active[:count]):
        if used.tobytes() not in refits:
            own = (path.coefficients[k], path.intercepts[k])
            refits[used.tobytes()] = _unpenalised(path, used) if used.any() else own
    chosen = [refits[used.tobytes()] for used in active[:count]]
    share, rest = gamma * path.coefficients[:count], gamma * path.intercepts[:count]
    if chosen:
        share = share + (1 - gamma) * np.stack([one[0] for one in chosen])
        rest = rest + (1 - gamma) * np.stack([one[1] for one in chosen])
    return replace(
        path,
        strengths=path.strengths[:count],
        coefficients=share,
        intercepts=rest,
        losses=path.sample.losses(path.family, share, rest),
        violations=path.violations[:count],
        notes=(*path.notes, f"Relaxed: gamma = {gamma:g}; conditions are those before refits."),
    )


def _unpenalised(path: PathEstimate, used: Any) -> tuple[Any, Any]:
    """Return coefficients and intercepts of the fit to some columns without a penalty."""
    factors = np.where(used, 1.0, np.inf)
    settings = replace(path.penalties, alpha=0.0, factors=factors, groups=None)
    grid = replace(path.grid, given=(0.0,), tolerance=min(path.grid.tolerance, REFIT))
    one = path_of_sample(path.specification, path.sample, path.family, settings, grid)
    return one.coefficients[0], one.intercepts[0]
