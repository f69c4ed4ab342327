"""The arithmetic no method avoids, as NumPy does it.

Least squares: XᵀX, Xᵀy and Xβ, three calls. Newton's method: one weighted Gram matrix, or one for
each pair of equations, in blocks of rows that stay in cache; the fastest block size is the floor.
The constant column is left out, which makes the floor a little lower than a fit can reach.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.data import Data, Floats

BLOCKS = (1_024, 2_048, 4_096, 8_192, 16_384)


def fastest(forms: Sequence[Callable[[], Any]], tries: int = 3) -> Callable[[], Any]:
    """Return the form whose best time is least."""

    def best(form: Callable[[], Any]) -> float:
        times = []
        for _ in range(tries):
            start = time.perf_counter()
            form()
            times.append(time.perf_counter() - start)
        return min(times)

    return min(forms, key=best)


def least_squares(data: Data) -> Callable[[], Any]:
    """XᵀX and Xᵀy, and Xβ for the residuals."""
    X, y, b = data.X, data.y, np.ones(data.X.shape[1])
    return lambda: (X.T @ X, X.T @ y, X @ b)


def logistic(data: Data) -> Callable[[], Any]:
    """One Newton Hessian Xᵀ diag(w) X."""
    weight = np.full(len(data.X), 0.2)
    sizes = (*BLOCKS, 65_536)
    return fastest([partial(_weighted_gram, data.X, weight, rows) for rows in sizes])


def softmax(data: Data) -> Callable[[], Any]:
    """One Hessian: the K(K−1)/2 weighted cross-products of K−1 equations."""
    K = int(data.y.max()) + 1
    mean = np.random.default_rng(0).dirichlet(np.ones(K), len(data.X))[:, 1:].copy()
    return fastest([partial(_pair_by_pair, data.X, mean, rows) for rows in BLOCKS])


def _slices(n: int, rows: int) -> Iterator[slice]:
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


def _weighted_gram(X: Floats, weight: Floats, rows: int) -> Floats:
    n, p = X.shape
    gram, scratch = np.zeros((p, p)), np.empty((rows, p))
    for block in _slices(n, rows):
        part = X[block]
        scaled = np.multiply(part, weight[block, None], out=scratch[: len(part)])
        gram += part.T @ scaled
    return gram


def _pair_by_pair(X: Floats, mean: Floats, rows: int) -> Floats:
    """Block (j, k) is Xᵀ diag(μⱼ(1[j=k] − μₖ)) X."""
    n, p = X.shape
    q = mean.shape[1]
    hessian, scratch = np.zeros((q, q, p, p)), np.empty((rows, p))
    for block in _slices(n, rows):
        part, mu = X[block], mean[block]
        for j in range(q):
            for k in range(j, q):
                weight = mu[:, j] * ((j == k) - mu[:, k])
                scaled = np.multiply(part, weight[:, None], out=scratch[: len(part)])
                hessian[j, k] += part.T @ scaled
    return hessian
