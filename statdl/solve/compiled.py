"""The inner loops of coordinate descent, compiled by numba where it is installed (statdl[fast]).

Coordinate descent looks at one coefficient at a time,

    b_j ← S(a_j b_j − g_j, l_j) / (a_j + r_j),    S(z, l) = sign(z) max(|z| − l, 0),

with g the gradient of the smooth part, a_j its curvature, l_j and r_j the lasso and ridge parts,
and the limits last. It is a loop that no array library can do at once. Two of them are here: on a
Gram matrix, g being kept by its rows; and on the columns themselves, g_j = −x_jᵀ ρ, the residual ρ
being kept. All that they do is done as well in whole-array operations by their plain twins, which
say what they must return; nothing but time depends on numba.

References: Friedman, Hastie and Tibshirani (2010), J. Stat. Softw. 33(1), sections 2 and 4.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from statdl.backend.array import is_numpy
from statdl.lazy import lazy

numba = lazy("numba")

#: Loading numba costs half a second, which so many multiplications take.
WORTH_LOADING = 10**6
#: Sums may be taken in any order, so that they are taken several terms at a time.
FREEDOM = {"reassoc", "contract", "nsz", "arcp"}


def available(array: Any, work: float) -> bool:
    """Tell whether there is numba, arrays that it reads, and enough work for it."""
    if not is_numpy(array) or array.dtype != np.float64:
        return False
    if "numba" in sys.modules:
        return sys.modules["numba"] is not None
    return work >= WORTH_LOADING and importlib.util.find_spec("numba") is not None


@cache
def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loop compiled, from numba's cache where that can be written."""
    options = {"nogil": True, "fastmath": FREEDOM}
    try:
        return numba.njit(cache=True, **options)(loop)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder to keep it in
        return numba.njit(**options)(loop)  # type: ignore[no-any-return]


def descend_gram(
    H: Any,
    g: Any,
    b: Any,
    lasso: Any,
    ridge: Any,
    lower: Any,
    upper: Any,
    allowed: float,
    most: int,
) -> int:
    """Minimise ½ bᵀH b − cᵀb + Σ l_j |b_j| + ½ Σ r_j b_j² from b, where g = H b − c; both are kept.

    H is (P, P), all else (P,). After a look at all coefficients those that are not 0 are gone
    through until none would move its gradient by ``allowed``, and all are looked at again. Returns
    how often they were, or −1 where ``most`` times were not enough.
    """
    P, everything = len(b), True
    for sweep in range(most):
        worst = 0.0
        for j in range(P):
            if everything or b[j] != 0.0:
                own, curve = b[j], H[j, j]
                if curve + ridge[j] <= 0.0:
                    continue
                pull = curve * own - g[j]
                left = abs(pull) - lasso[j]
                new = 0.0
                if left > 0.0:
                    new = (left if pull > 0.0 else -left) / (curve + ridge[j])
                new = min(max(new, lower[j]), upper[j])
                change = new - own
                if change != 0.0:
                    b[j] = new
                    worst = max(worst, abs(change) * curve)
                    row = H[j]
                    for i in range(P):
                        g[i] += change * row[i]
        if worst <= allowed:
            if everything:
                return sweep + 1
            everything = True
        else:
            everything = False
    return -1


def descend_columns(
    X: Any, places: Any, starts: Any, score: Any, d: Any, u: Any, b: Any, a: Any, lasso: Any,
    ridge: Any, lower: Any, upper: Any, intercept: bool, change: Any, allowed: float, most: int,
) -> int:  # fmt: skip
    """Minimise a quadratic model of a loss over coefficients of some columns, and its penalty.

    min  Σ_i ½ v_iᵀ (diag(d_i) − u_i u_iᵀ) v_i − s_iᵀ v_i + Σ_j l_j |b_j| + ½ Σ_j r_j b_j²

    in the change v = X (b − b₀) + 1 (a − a₀)ᵀ of η, with s the score. X has columns as rows, (p, n);
    score, d, u and the ``change`` v, which is written, are (q, n), u of no rows where outputs do
    not meet; coefficients of output k are from ``starts[k]``, of the columns ``places``. Outputs
    take turns. With t = Σ_k u_k v_k, what the others leave of the score of one is s_k − d_k v_k +
    u_k t, and h_k = d_k − u_k² is its own curvature.
    """
    n, q = X.shape[1], len(starts) - 1
    met = len(u) > 0
    everything = True
    rest, moved, shared = np.empty(n), np.empty(n), np.zeros(n)
    h = d - u * u if met else d
    heads = np.zeros(q)
    curves = np.zeros(len(b))
    for k in range(q):
        heads[k] = h[k].sum()
        for c in range(starts[k], starts[k + 1]):
            x, total = X[places[c]], 0.0
            for i in range(n):
                total += x[i] * x[i] * h[k, i]
            curves[c] = total
    for sweep in range(most):
        worst = 0.0
        for k in range(q):
            own_h = h[k]
            for i in range(n):
                rest[i] = score[k, i] - d[k, i] * change[k, i]
                moved[i] = 0.0
            if met:
                for i in range(n):
                    rest[i] += u[k, i] * shared[i]
            if intercept and heads[k] > 0.0:
                step = rest.sum() / heads[k]
                a[k] += step
                worst = max(worst, abs(step) * heads[k])
                for i in range(n):
                    moved[i] += step
                    rest[i] -= step * own_h[i]
            for c in range(starts[k], starts[k + 1]):
                if everything or b[c] != 0.0:
                    curve = curves[c]
                    if curve + ridge[c] <= 0.0:
                        continue
                    x, pull = X[places[c]], 0.0
                    for i in range(n):
                        pull += x[i] * rest[i]
                    pull += curve * b[c]
                    left = abs(pull) - lasso[c]
                    new = 0.0
                    if left > 0.0:
                        new = (left if pull > 0.0 else -left) / (curve + ridge[c])
                    new = min(max(new, lower[c]), upper[c])
                    step = new - b[c]
                    if step != 0.0:
                        b[c] = new
                        worst = max(worst, abs(step) * curve)
                        for i in range(n):
                            moved[i] += step * x[i]
                            rest[i] -= step * own_h[i] * x[i]
            for i in range(n):
                change[k, i] += moved[i]
            if met:
                for i in range(n):
                    shared[i] += u[k, i] * moved[i]
        if worst <= allowed:
            if everything:
                return sweep + 1
            everything = True
        else:
            everything = False
    return -1
