"""The arithmetic no method avoids, in the fastest NumPy we know.

Each floor is tried in a few forms (whole, or in blocks of rows that stay in cache) and the fastest
form is the floor: ``fastest`` picks it, and it then runs in turns with the contenders. The constant
column is left out, which makes the floor a little lower than a fit with an intercept can reach.
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
    blocked = [partial(_normal_equations, X, y, b, rows) for rows in BLOCKS]
    return fastest([lambda: (X.T @ X, X.T @ y, X @ b), *blocked])


def logistic(data: Data) -> Callable[[], Any]:
    """One Newton Hessian Xᵀ diag(w) X."""
    weight = np.full(len(data.X), 0.2)
    sizes = (*BLOCKS, 65_536)
    return fastest(
        [partial(_weighted_gram, data.X, weight, rows) for rows in sizes]
        + [partial(_rooted_gram, data.X, weight, rows) for rows in sizes]
    )


def softmax(data: Data) -> Callable[[], Any]:
    """One Hessian: the K(K−1)/2 weighted cross-products of K−1 equations."""
    K = int(data.y.max()) + 1
    mean = np.random.default_rng(0).dirichlet(np.ones(K), len(data.X))[:, 1:].copy()
    return fastest(
        [partial(_pair_by_pair, data.X, mean, rows) for rows in BLOCKS]
        + [partial(_all_at_once, data.X, mean, rows) for rows in BLOCKS]
    )


def _slices(n: int, rows: int) -> Iterator[slice]:
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


def _normal_equations(X: Floats, y: Floats, b: Floats, rows: int) -> Any:
    n, p = X.shape
    gram, cross, fitted = np.zeros((p, p)), np.zeros(p), np.empty(n)
    for block in _slices(n, rows):
        part = X[block]
        gram += part.T @ part
        cross += part.T @ y[block]
        np.dot(part, b, out=fitted[block])
    return gram, cross, fitted


def _weighted_gram(X: Floats, weight: Floats, rows: int) -> Floats:
    n, p = X.shape
    gram, scratch = np.zeros((p, p)), np.empty((rows, p))
    for block in _slices(n, rows):
        part = X[block]
        scaled = np.multiply(part, weight[block, None], out=scratch[: len(part)])
        gram += part.T @ scaled
    return gram


def _rooted_gram(X: Floats, weight: Floats, rows: int) -> Floats:
    n, p = X.shape
    gram, scratch, root = np.zeros((p, p)), np.empty((rows, p)), np.sqrt(weight)
    for block in _slices(n, rows):
        part = X[block]
        scaled = np.multiply(part, root[block, None], out=scratch[: len(part)])
        gram += scaled.T @ scaled
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


def _all_at_once(X: Floats, mean: Floats, rows: int) -> Floats:
    """The rows μ ⊗ x give all μⱼμₖ blocks in one product; the diagonal adds Xᵀ diag(μⱼ) X."""
    n, p = X.shape
    q = mean.shape[1]
    hessian, scratch = np.zeros((q * p, q * p)), np.empty((rows, q, p))
    diagonal = np.zeros((p, q * p))
    for block in _slices(n, rows):
        part = X[block]
        wide = np.multiply(part[:, None, :], mean[block, :, None], out=scratch[: len(part)])
        flat = wide.reshape(len(part), -1)
        hessian -= flat.T @ flat
        diagonal += part.T @ flat
    for j in range(q):
        span = slice(j * p, (j + 1) * p)
        hessian[span, span] += diagonal[:, span]
    return hessian
