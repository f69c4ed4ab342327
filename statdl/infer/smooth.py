"""A curve through a scatter: locally weighted lines, robust to outliers (Cleveland 1979).

At x the line is fitted by weighted least squares to the k = ⌈share · n⌉ nearest rows, with weights
(1 − (|x_i − x|/h)³)³, h the distance of the farthest of them. Then rows are weighted down by their
residuals, (1 − (e_i / 6 s)²)² with s the median |e_i|, and the lines are fitted again.

References
----------
Cleveland (1979), Robust locally weighted regression and smoothing scatterplots, Journal of the
American Statistical Association 74.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Lines are fitted at no more places than this, and to no more rows.
PLACES, ROWS = 200, 5_000


def lowess(x: Any, y: Any, share: float = 2 / 3, rounds: int = 3) -> tuple[Any, Any]:
    """Return places in order, and the curve there.

    ``rounds`` is how often rows are weighted down by their residuals. With many rows the lines are
    fitted at some places, evenly among the rows, and the curve is straight between them.

    Examples
    --------
    >>> places, curve = lowess(np.arange(5.0), 2 * np.arange(5.0))
    >>> curve.round(12).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    order = np.argsort(x, kind="stable")
    x, y = _thinned(np.asarray(x, dtype=float)[order], ROWS), np.asarray(y, dtype=float)[order]
    y = _thinned(y, ROWS)
    n = len(x)
    k = min(n, max(2, round(share * n + 1e-9)))
    places = np.unique(_thinned(x, PLACES))
    trust = np.ones(n)
    curve = _lines(x, y, trust, places, k)
    for _ in range(rounds):
        residuals = np.abs(y - np.interp(x, places, curve))
        scale = 6 * np.median(residuals)
        if not scale > 1e-12 * np.abs(y).max(initial=0.0):
            break
        trust = (1 - np.minimum(residuals / scale, 1) ** 2) ** 2
        curve = _lines(x, y, trust, places, k)
    return places, curve


def _thinned(values: Any, most: int) -> Any:
    """Return no more than so many of sorted rows, evenly, with the first and the last."""
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(int)]


def _lines(x: Any, y: Any, trust: Any, places: Any, k: int) -> Any:
    first, least = _nearest(x, places, k), (1e-3 * np.ptp(x)) ** 2
    return np.asarray(
        [
            _line(x[a : a + k], y[a : a + k], trust[a : a + k], place, least)
            for a, place in zip(first, places, strict=True)
        ]
    )


def _nearest(x: Any, places: Any, k: int) -> list[int]:
    """Return where the k nearest rows of each place start; both are sorted."""
    starts, a = [], 0
    for place in places:
        while a + k < len(x) and x[a + k] - place < place - x[a]:
            a += 1
        starts.append(a)
    return starts


def _line(x: Any, y: Any, trust: Any, place: float, least: float) -> float:
    """Return the value at a place of the line through rows near it; their mean without spread."""
    away = np.abs(x - place)
    reach = away.max()
    weights = trust
    if reach > 0:
        share = away / reach
        weights = 1 - share * share * share
        weights = trust * (weights * weights * weights)
    total = weights.sum()
    if not total > 0:
        return float(np.mean(y))
    weights = weights / total
    centre, level = weights @ x, weights @ y
    spread = weights @ (x - centre) ** 2
    if spread <= least:
        return float(level)
    return float(level + (place - centre) * (weights @ ((x - centre) * y)) / spread)
