"""Data drawn from the models, from fixed seeds.

Predictors are independent standard normal and coefficients moderate, which is what first-order
peers like best: nobody is slowed by scales or collinearity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Data:
    """Predictors X (n, p) without a constant column, the same with one, and the response y (n,)."""

    X: Floats
    with_constant: Floats
    y: Floats


def normal(n: int, p: int, seed: int = 1) -> Data:
    """y = 1 + Xβ + ε with β spread over ±1 and a standard deviation of 2 for ε."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = 1.0 + X @ rng.uniform(-1.0, 1.0, p) + 2.0 * rng.standard_normal(n)
    return with_constant(X, y)


def bernoulli(n: int, p: int, seed: int = 2) -> Data:
    """P(y = 1) = 1/(1 + e^−η) with a standard deviation of about 1.5 for η."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    eta = -0.5 + X @ slopes(rng, p, 1)[:, 0]
    return with_constant(X, (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(float))


def multinoulli(n: int, p: int, K: int, seed: int = 3) -> Data:
    """y in 0 … K−1 with probabilities softmax(η): the largest of η plus Gumbel noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    eta = np.linspace(0.0, 0.5, K) + X @ slopes(rng, p, K)
    return with_constant(X, np.argmax(eta + rng.gumbel(size=(n, K)), axis=1).astype(float))


def slopes(rng: np.random.Generator, p: int, K: int) -> Floats:
    """Slopes (p, K) that give η a standard deviation near 1.5 whatever p is."""
    return rng.standard_normal((p, K)) * (1.5 / np.sqrt(p))


def with_constant(X: Floats, y: Floats) -> Data:
    """Put a constant column in front, for the peers that want it there."""
    return Data(X, np.column_stack([np.ones(len(X)), X]), y)
