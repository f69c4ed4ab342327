"""The inner loops of coordinate descent, compiled. Nothing imports this where numba is missing.

Coordinate descent minimises over one coefficient after the other,

    b_j ← S(a_j b_j − g_j, l_j) / (a_j + r_j),    S(z, l) = sign(z) max(|z| − l, 0),

with g the gradient of the smooth part, a_j its curvature, l_j and r_j the lasso and ridge parts,
and the limits last: a loop that no array library does at once. After a look at all coefficients,
those that are not 0 are gone through until none moves its gradient by more than is allowed, and
all are looked at again. All that is done here is done in whole-array operations by the plain
twins, :func:`statdl.solve.lasso.minimise_lasso` and :class:`statdl.solve.proximal_newton`, which
say what must come out; nothing but time depends on numba.

References: Friedman, Hastie and Tibshirani (2010), J. Stat. Softw. 33(1); Bertrand and Massias
(2021), AISTATS 130, 1288 (extrapolation).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.solve.compiled import compiled

#: Sweeps between extrapolations.
MEMORY = 5


@compiled
def target(pull: float, lasso: float, curve: float, lower: float, upper: float) -> float:
    """Return the best value of a coefficient; ``curve`` is a + r."""
    left = abs(pull) - lasso
    if left <= 0.0:
        return 0.0
    return min(max((left if pull > 0.0 else -left) / curve, lower), upper)


@compiled
def descend_gram(
    H: Any, g: Any, b: Any, lasso: Any, ridge: Any, lower: Any, upper: Any, least: float, most: int
) -> bool:
    """Minimise ½ bᵀH b − cᵀb + Σ l_j |b_j| + ½ Σ r_j b_j²; b and g = H b − c are kept.

    H is (P, P), all else (P,). Returns whether ``most`` sweeps were enough.
    """
    P, everything = len(b), True
    for _ in range(most):
        worst = 0.0
        for j in range(P):
            curve = H[j, j]
            if (everything or b[j] != 0.0) and curve + ridge[j] > 0.0:
                pull = curve * b[j] - g[j]
                step = target(pull, lasso[j], curve + ridge[j], lower[j], upper[j]) - b[j]
                if step != 0.0:
                    b[j] += step
                    worst = max(worst, abs(step) * curve)
                    row = H[j]
                    for i in range(P):
                        g[i] += step * row[i]
        if worst <= least and everything:
            return True
        everything = worst <= least
    return False


@compiled
def violation_of(
    g: Any, b: Any, lasso: Any, ridge: Any, lower: Any, upper: Any
) -> float:  # fmt: skip
    """Return the largest violation of a condition of the minimum."""
    worst = 0.0
    for j in range(len(b)):
        slope = g[j] + ridge[j] * b[j]
        if b[j] == 0.0:
            free = upper[j] > 0.0 if slope < 0.0 else lower[j] < 0.0
            worst = max(worst, abs(slope) - lasso[j] if free else 0.0)
        else:
            slope += lasso[j] if b[j] > 0.0 else -lasso[j]
            stuck = (b[j] >= upper[j] and slope < 0.0) or (b[j] <= lower[j] and slope > 0.0)
            worst = max(worst, 0.0 if stuck else abs(slope))
    return worst


@compiled
def follow_gram(
    H: Any, c: Any, b: Any, strengths: Any, lasso: Any, ridge: Any, lower: Any, upper: Any,
    allowed: float, most: int,
) -> Any:  # fmt: skip
    """Return b (L, P) along a path, its gradients (L, P), violations (L,), and how many are done.

    ``lasso`` and ``ridge`` are those of λ = 1; b is where to start.
    """
    L, P = len(strengths), len(b)
    B, G, worst = np.empty((L, P)), np.empty((L, P)), np.empty(L)
    g = H @ b - c
    for k in range(L):
        if k > 1:  # between knots a lasso is linear in λ: where it goes on to
            share = (strengths[k] - strengths[k - 1]) / (strengths[k - 1] - strengths[k - 2])
            for j in range(P):
                ahead = b[j] + share * (b[j] - B[k - 2, j])
                b[j] = min(max(ahead, lower[j]), upper[j]) if ahead * b[j] > 0.0 else 0.0
            g = H @ b - c
        bound, bend = strengths[k] * lasso, strengths[k] * ridge
        if not descend_gram(H, g, b, bound, bend, lower, upper, allowed, most):
            return B, G, worst, k
        g = H @ b - c  # without what rounding left
        B[k], G[k], worst[k] = b, g, violation_of(g, b, bound, bend, lower, upper)
    return B, G, worst, L


@compiled
def sweep_columns(
    X: Any, places: Any, first: int, end: int, everything: bool, rest: Any, moved: Any, h: Any,
    b: Any, curves: Any, lasso: Any, ridge: Any, lower: Any, upper: Any,
) -> float:  # fmt: skip
    """Go once through the coefficients of an output; return by how much a gradient has moved.

    The gradient of a coefficient is −x_jᵀ ρ, and ρ (n,), ``rest``, is kept: a step takes step h ∘
    x_j off; ``moved`` (n,) gathers what η moves by.
    """
    n, worst = X.shape[1], 0.0
    for c in range(first, end):
        curve = curves[c]
        if (everything or b[c] != 0.0) and curve + ridge[c] > 0.0:
            x, pull = X[places[c]], curve * b[c]
            for i in range(n):
                pull += x[i] * rest[i]
            step = target(pull, lasso[c], curve + ridge[c], lower[c], upper[c]) - b[c]
            if step != 0.0:
                b[c] += step
                worst = max(worst, abs(step) * curve)
                for i in range(n):
                    moved[i] += step * x[i]
                    rest[i] -= step * h[i] * x[i]
    return worst


@compiled
def model_value(
    v: Any, t: Any, score: Any, d: Any, b: Any, lasso: Any, ridge: Any
) -> float:  # fmt: skip
    """Return ½ Σ d v² − ½ Σ t² − Σ s v + Σ l |b| + ½ Σ r b²."""
    total = 0.0
    for k in range(v.shape[0]):
        for i in range(v.shape[1]):
            total += v[k, i] * (0.5 * d[k, i] * v[k, i] - score[k, i])
    for i in range(len(t)):
        total -= 0.5 * t[i] * t[i]
    for c in range(len(b)):
        if b[c] != 0.0:
            total += lasso[c] * abs(b[c]) + 0.5 * ridge[c] * b[c] * b[c]
    return total


@compiled
def mixture(history: Any) -> Any:
    """Return weights of sum 1 of the last iterates x_1 … x_M that make Σ w (x_m − x_{m−1}) least.

    ``history`` is (M + 1, P): Anderson's extrapolation of a linear iteration.
    """
    M = len(history) - 1
    U = history[1:] - history[:-1]
    gram = U @ U.T
    gram += 1e-12 * np.trace(gram) * np.eye(M) + 1e-300 * np.eye(M)
    w = np.linalg.solve(gram, np.ones(M))
    return w / w.sum()


@compiled
def descend_columns(
    X: Any, places: Any, starts: Any, score: Any, d: Any, u: Any, b: Any, a: Any, lasso: Any,
    ridge: Any, lower: Any, upper: Any, intercept: bool, change: Any, least: float, most: int,
) -> int:  # fmt: skip
    """Minimise a quadratic model of a loss, and its penalty, over coefficients of some columns.

    min  Σ_i ½ v_iᵀ (diag(d_i) − u_i u_iᵀ) v_i − s_iᵀ v_i + Σ_j l_j |b_j| + ½ Σ_j r_j b_j²

    in the change v = X (b − b₀) + 1 (a − a₀)ᵀ of η, with s the score. X has columns as rows,
    (p, n); score, d, u and ``change``, where v is written, are (q, n), u of no rows where outputs
    do not meet; the coefficients of output k are from ``starts[k]``, of the columns ``places``.
    Outputs take turns: with t = Σ_k u_k v_k, what the others leave of the score of one is
    s_k − d_k v_k + u_k t, and its own curvature h_k = d_k − u_k². Returns the number of sweeps.
    """
    n, q, P = X.shape[1], len(starts) - 1, len(b)
    met = len(u) > 0
    h = d - u * u if met else d
    t, curves = np.zeros(n), np.empty(P)
    for k in range(q):
        for c in range(starts[k], starts[k + 1]):
            x, curves[c] = X[places[c]], 0.0
            for i in range(n):
                curves[c] += x[i] * x[i] * h[k, i]
    past, past_v = np.empty((MEMORY + 1, P + q)), np.empty((MEMORY + 1, q, n))
    held, everything = 0, True
    for sweep in range(most):
        worst = 0.0
        for k in range(q):
            rest, moved = score[k] - d[k] * change[k], np.zeros(n)
            if met:
                rest += u[k] * t
            if intercept and h[k].sum() > 0.0:
                step = rest.sum() / h[k].sum()
                a[k] += step
                worst = max(worst, abs(step) * h[k].sum())
                moved += step
                rest -= step * h[k]
            worst = max(worst, sweep_columns(
                X, places, starts[k], starts[k + 1], everything, rest, moved, h[k], b, curves,
                lasso, ridge, lower, upper,
            ))  # fmt: skip
            change[k] += moved
            if met:
                t += u[k] * moved
        if worst <= least and everything:
            return sweep + 1
        everything, held = worst <= least, 0 if everything else held
        past[held, :P], past[held, P:], past_v[held] = b, a, change
        held += 1
        if held > MEMORY:
            held = 0
            w = mixture(past)
            v, both = np.zeros_like(change), np.zeros(P + q)
            for m in range(MEMORY):
                v += w[m] * past_v[m + 1]
                both += w[m] * past[m + 1]
            far = np.zeros(n)
            if met:
                for k in range(q):
                    far += u[k] * v[k]
            inside = np.all(both[:P] >= lower) and np.all(both[:P] <= upper)
            if inside and model_value(v, far, score, d, both[:P], lasso, ridge) < model_value(
                change, t, score, d, b, lasso, ridge
            ):
                b[:], a[:], change[:], t[:] = both[:P], both[P:], v, far
    return -1
