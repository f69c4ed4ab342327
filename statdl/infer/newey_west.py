"""The middle of Newey and West's sandwich: rows in order of time, whose scores vary together.

References
----------
Newey & West (1987), Econometrica 55, 703; (1994), Review of Economic Studies 61, 631.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.shortage import device_errors
from statdl.estimate import Estimate
from statdl.infer.scores import Scores, gram, small_sample_factor


@device_errors()
def autocorrelated(estimate: Estimate, lags: int, correct: bool) -> Any:
    """Return M = Γ_0 + Σ_l (1 − l/(L + 1)) (Γ_l + Γ_lᵀ), Γ_l = Σ_t z_t z_{t−l}ᵀ, up to L lags.

    Rows are in the order of the data; Bartlett's weights keep M from being indefinite.
    """
    scores = Scores.of(estimate)
    parts = (gram(z) + _lagged(z, past, lags) for z, past in _with_past(scores, lags))
    total = to_numpy(reduce(add, parts))
    return total * (small_sample_factor(estimate) if correct else 1.0)


def _with_past(scores: Scores, lags: int) -> Iterator[tuple[Array, Array]]:
    """Yield z of each block after the rows before it, as many as there are lags (zeros first)."""
    X = scores.estimate.objective.rows.template
    xp = namespace(X)
    past = xp.zeros((lags, scores.root.shape[1]), dtype=X.dtype, device=X.device)
    for z in scores.blocks():
        together = xp.concat([past, z], axis=0)
        yield z, together
        past = together[together.shape[0] - lags :, :]


def _lagged(z: Array, together: Array, lags: int) -> Array:
    """Return zᵀ u + uᵀ z with u_t the weighted sum of the z before t."""
    if not lags:
        return 0 * gram(z)
    n = z.shape[0]
    u = reduce(
        add,
        (
            (1 - lag / (lags + 1)) * together[lags - lag : lags - lag + n, :]
            for lag in range(1, lags + 1)
        ),
    )
    product = z.T @ u
    return product + product.T


def usual_lags(n: int) -> int:
    """Return ⌊4 (n/100)^{2/9}⌋ lags, Newey and West's (1994) rule of thumb."""
    return int(4 * (n / 100) ** (2 / 9))


def chosen_lags(estimate: Estimate) -> int:
    """Return the lags that Newey and West (1994) choose from the data, without prewhitening.

    With c_l the autocovariances of Σ_j s_tj over the slopes j, up to ⌊4 (n/100)^{2/9}⌋ lags,
    s_0 = c_0 + 2 Σ c_l and s_1 = 2 Σ l c_l, it is ⌊1.1447 (n s_1²/s_0²)^{1/3}⌋.
    """
    scores = Scores.of(estimate)
    wide = usual_lags(estimate.objective.n)
    direction = scores.estimate.to_device(_slopes(estimate))
    xp = namespace(direction)
    raw = _unwhitened(scores, direction)
    v = xp.concat([z @ raw for z in scores.blocks()])
    n = v.shape[0]
    c = [float(v[lag:] @ v[: n - lag]) / n for lag in range(wide + 1)]
    s0 = c[0] + 2 * sum(c[1:])
    s1 = 2 * sum(lag * one for lag, one in enumerate(c))
    return min(int(1.1447 * (n * (s1 / s0) ** 2) ** (1 / 3)), n - 1)


def _slopes(estimate: Estimate) -> Any:
    """Return 1 for every slope and 0 for every intercept, (P,)."""
    ones = to_numpy(estimate.parameters) * 0 + 1
    device = estimate.objective.slopes(estimate.to_device(ones))
    return to_numpy(device if estimate.rank > estimate.outputs else estimate.to_device(ones))


def _unwhitened(scores: Scores, direction: Array) -> Array:
    """Return v with zᵀ v = sᵀ direction: v = B⁻¹ direction."""
    root = to_numpy(scores.root)  # small: no reason to factorise it on a device
    inverse = namespace(root).linalg.pinv(root)
    return like(inverse @ to_numpy(direction), direction)
