"""Natural cubic splines in R's basis, which is that of ``splines::ns``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError
from statdl.lazy import lazy

interpolate = lazy("scipy.interpolate")


def natural_spline(
    x: Array,
    df: int | None = None,
    knots: Sequence[float] | None = None,
    include_intercept: bool = False,
    *,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
    _state: dict[str, Any],
) -> Array:
    """Return a basis of the cubic splines that are straight lines beyond the bounds, (n, df).

    Cubic B-splines B over the knots, restricted to those whose second derivatives C at the bounds
    are 0: B Q₂, with Q₂ the columns of Q beyond the first two in Cᵀ = Q R. The inner knots are
    df − 1 quantiles of x (df − 2 with an intercept), of all its values; formulaic's ``cr`` takes
    those of the distinct ones. Without an intercept the first B-spline is left out.

    References
    ----------
    Hastie (1992), Generalized additive models, in Chambers & Hastie, Statistical Models in S.

    Examples
    --------
    >>> state = {}
    >>> natural_spline(np.arange(5.0), 2, _state=state).shape, state["knots"]
    ((5, 2), [2.0])
    """
    if not _state:
        _state.update(_learned(x, df, knots, include_intercept, lower_bound, upper_bound))
    low, high = _state["lower_bound"], _state["upper_bound"]
    t = np.concatenate([[low] * 4, _state["knots"], [high] * 4])
    splines = interpolate.BSpline(t, np.eye(len(t) - 4), 3)
    inside = np.clip(x, low, high)
    # Beyond a bound: the value there, and the slope there times the distance.
    basis = splines(inside) + splines(inside, nu=1) * (x - inside)[:, None]
    C = splines(np.array([low, high]), nu=2)
    first = 0 if include_intercept else 1
    Q = np.linalg.qr(C[:, first:].T, mode="complete")[0]
    return basis[:, first:] @ Q[:, 2:]


def _learned(
    x: Array, df: Any, knots: Any, intercept: bool, low: float | None, high: float | None
) -> dict[str, Any]:
    """Return bounds and inner knots."""
    bounds = [float(np.min(x) if low is None else low), float(np.max(x) if high is None else high)]
    if not bounds[0] < bounds[1]:
        raise DataError(f"needs a range, and it is from {bounds[0]:g} to {bounds[1]:g}.")
    if knots is None:
        least = 1 + int(intercept)
        df = least if df is None else df
        if not isinstance(df, int) or df < least:
            raise FormulaError(f"needs as its df a whole number from {least}, not {df!r}.")
        inner = x[(x >= bounds[0]) & (x <= bounds[1])]
        places = np.quantile(inner, np.linspace(0, 1, df - least + 2)[1:-1])
    else:
        places = np.sort(np.asarray(knots, dtype=float).reshape(-1))
    every = [bounds[0], *map(float, places), bounds[1]]
    if (np.diff(every) <= 0).any():
        raise DataError(
            "needs knots that differ, within its bounds, and they are "
            f"{', '.join(f'{one:g}' for one in every)}: where many values are equal quantiles "
            "are too; take a smaller df, or give knots=(...)."
        )
    return {"lower_bound": bounds[0], "upper_bound": bounds[1], "knots": every[1:-1]}
