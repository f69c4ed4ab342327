"""Special functions that neither overflow nor lose their tails.

Functions the array API has not got come from SciPy for NumPy arrays and from CuPy's copy of
SciPy for CuPy arrays; an array of any other library makes a round trip through the host.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from statdl.backend.array import Array, is_cupy, is_numpy, like, namespace, to_numpy
from statdl.lazy import lazy

cupy = lazy("cupy")
scipy_special = lazy("scipy.special")
cupy_special = lazy("cupyx.scipy.special")


def _apply(name: str, *arrays: Array) -> Array:
    """Apply the special function ``name`` where the first array lives."""
    first = arrays[0]
    if is_numpy(first):
        return getattr(scipy_special, name)(*arrays)
    if is_cupy(first):
        return getattr(cupy_special, name)(*arrays)
    host = getattr(scipy_special, name)(*(to_numpy(array) for array in arrays))
    return like(host, first)


def between(x: Array, low: float, high: float) -> Array:
    """Return x brought into [low, high], NaN as it is, without the masks that ``clip`` may use."""
    xp = namespace(x)
    return xp.minimum(xp.maximum(x, xp.full_like(x, low)), xp.full_like(x, high))


def softplus(x: Array) -> Array:
    """Return log(1 + eˣ) = max(x, 0) + log1p(e^−|x|), which cannot overflow."""
    xp = namespace(x)
    return xp.maximum(x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x)))


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^−x), accurate in both tails.

    e^−|x| never overflows; the numerator is 1 for x ≥ 0 and e^x below, so small values keep
    their relative accuracy.
    """
    xp = namespace(x)
    tail = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(x), tail) / (1 + tail)


def logistic(x: Array) -> tuple[Array, Array]:
    """Return μ = 1 / (1 + e^−x) and μ(1 − μ), both accurate in both tails, by one exponential.

    Examples
    --------
    >>> import numpy as np
    >>> [part.tolist() for part in logistic(np.array([0.0, 800.0]))]
    [[0.5, 1.0], [0.25, 0.0]]
    """
    xp = namespace(x)
    tail = xp.exp(-xp.abs(x))
    larger = 1 / (1 + tail)
    smaller = tail * larger
    return xp.where(x >= 0, larger, smaller), larger * smaller


def logit_loss_and_score(eta: Array, y: Array) -> tuple[Array, Array]:
    """Return softplus(η) − yη and y − sigmoid(η), sharing one exponential."""
    if is_cupy(eta):
        return _logit_kernel()(eta, y)
    return plain_logit_loss_and_score(eta, y)


def plain_logit_loss_and_score(eta: Array, y: Array) -> tuple[Array, Array]:
    """Return the same, in whole-array operations."""
    xp = namespace(eta)
    tail = xp.exp(-xp.abs(eta))
    mean = xp.where(eta >= 0, xp.ones_like(eta), tail) / (1 + tail)
    loss = xp.log1p(tail) + xp.maximum(eta, xp.zeros_like(eta)) - y * eta
    return loss, y - mean


@cache
def _logit_kernel() -> Any:
    """Return the plain version as one kernel: fifteen passes over n numbers in one."""
    return cupy.ElementwiseKernel(
        "T eta, T y",
        "T loss, T score",
        """
        const T tail = exp(-fabs(eta));
        loss = log1p(tail) + (eta > 0 ? eta : T(0)) - y * eta;
        score = y - (eta >= 0 ? T(1) : tail) / (1 + tail);
        """,
        "statdl_logit",
    )


def log_ndtr(x: Array) -> Array:
    """Return the logarithm of the standard normal distribution function."""
    return _apply("log_ndtr", x)


def ndtr(x: Array) -> Array:
    """Return the standard normal distribution function."""
    return _apply("ndtr", x)


def ndtri(p: Array) -> Array:
    """Return the standard normal quantile."""
    return _apply("ndtri", p)


def gammaln(x: Array) -> Array:
    """Return log Γ(x)."""
    return _apply("gammaln", x)


def xlogy(x: Array, y: Array) -> Array:
    """Return x log y, which is 0 where x = 0 whatever y is."""
    xp = namespace(x, y)
    nothing = x == 0
    safe = xp.where(nothing, xp.ones_like(y), y)
    return xp.where(nothing, xp.zeros_like(x * safe), x * xp.log(safe))


def log_sum_exp(x: Array) -> Array:
    """Return log(1 + Σ_k e^{x_k}) over the last axis, kept: a softmax whose reference is 0.

    Shapes: (n, q) → (n, 1).
    """
    xp = namespace(x)
    top = xp.max(x, axis=-1, keepdims=True)
    top = xp.maximum(top, xp.zeros_like(top))
    return top + xp.log(xp.exp(-top) + xp.sum(xp.exp(x - top), axis=-1, keepdims=True))


def softmax_and_log_sum(x: Array) -> tuple[Array, Array]:
    """Return (e^{x_k} / (1 + Σ e^{x_j}), log(1 + Σ e^{x_j})) from one pass of exponentials.

    Shapes: (n, q) → (n, q), (n, 1).
    """
    xp = namespace(x)
    top = xp.max(x, axis=-1, keepdims=True)
    top = xp.maximum(top, xp.zeros_like(top))
    exponentials = xp.exp(x - top)
    total = xp.exp(-top) + xp.sum(exponentials, axis=-1, keepdims=True)
    return exponentials / total, top + xp.log(total)


def host(name: str) -> Any:
    """Return SciPy's special function ``name``, for distributions of host scalars."""
    return getattr(scipy_special, name)
