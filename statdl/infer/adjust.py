"""p-values of many tests at once, adjusted so that their errors are bounded together.

With m p-values, p_(1) ≤ … ≤ p_(m):

    bonferroni  min(1, m p)
    holm        max over j ≤ i of (m − j + 1) p_(j)
    hochberg    min over j ≥ i of (m − j + 1) p_(j)
    hommel      closed testing with Simes' inequality
    BH, fdr     min over j ≥ i of (m/j) p_(j)
    BY          the same times 1 + 1/2 + … + 1/m, whatever the dependence

The first four bound the chance of any false rejection, the others the expected share of false ones.

References
----------
Holm (1979), Scandinavian Journal of Statistics 6, 65. Hochberg (1988), Biometrika 75, 800.
Hommel (1988), Biometrika 75, 383; Wright (1992), Biometrics 48, 1005, for the algorithm.
Benjamini & Hochberg (1995), JRSS B 57, 289. Benjamini & Yekutieli (2001), Ann. Statist. 29, 1165.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.errors import DataError, ModelError

METHODS = ("holm", "hochberg", "hommel", "bonferroni", "BH", "BY", "fdr", "none")


def adjusted(p: Any, method: str = "holm") -> Any:
    """Return adjusted p-values in the order and shape of ``p``; NaN are left out of the count.

    Examples
    --------
    >>> adjusted([0.01, 0.02, 0.04], "bonferroni").round(2).tolist()
    [0.03, 0.06, 0.12]
    """
    if method not in METHODS:
        raise ModelError(f"method={method!r} is not known; choose one of {', '.join(METHODS)}.")
    try:
        values = np.array(p, dtype=float)
    except (TypeError, ValueError):
        raise DataError("p must be numbers: the p-values to adjust.") from None
    known = ~np.isnan(values)
    some = values[known]
    if ((some < 0) | (some > 1)).any():
        raise DataError("p-values lie between 0 and 1, and some of these do not.")
    if len(some) > 1 and method != "none":
        values[known] = np.minimum(1.0, _rule(some, method))
    return values


def _rule(p: Any, method: str) -> Any:
    m = len(p)
    if method == "bonferroni":
        return m * p
    if method == "hommel":
        return _hommel(p)
    up = np.argsort(p, kind="stable")
    rank = np.arange(1, m + 1)
    if method == "holm":
        return _placed(np.maximum.accumulate((m + 1 - rank) * p[up]), up)
    share = float(np.sum(1 / rank)) if method == "BY" else 1.0
    factor = (m + 1 - rank) if method == "hochberg" else share * m / rank
    return _placed(np.minimum.accumulate((factor * p[up])[::-1])[::-1], up)


def _placed(ordered: Any, order: Any) -> Any:
    values = np.empty_like(ordered)
    values[order] = ordered
    return values


def _hommel(p: Any) -> Any:
    """Wright's (1992) algorithm: the largest of Simes' bounds over subsets of every size."""
    m = len(p)
    order = np.argsort(p, kind="stable")
    q = p[order]
    found = np.full(m, np.min(m * q / np.arange(1, m + 1)))
    for size in range(m - 1, 1, -1):
        first, last = np.arange(m - size + 1), np.arange(m - size + 1, m)
        bound = np.min(size * q[last] / np.arange(2, size + 1))
        here = np.empty(m)
        here[first] = np.minimum(size * q[first], bound)
        here[last] = here[m - size]
        found = np.maximum(found, here)
    return _placed(np.maximum(found, q), order)
