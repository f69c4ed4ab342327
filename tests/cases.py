"""Data for every family and link, its log-likelihood written a second time, and derivatives.

The log-likelihoods here know nothing of statdl's: plain NumPy and SciPy, one line each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats

import statdl as sd

#: The same cases on every machine and in every run.
few = settings(derandomize=True, deadline=None, max_examples=6)
some = settings(derandomize=True, deadline=None, max_examples=15)

MEANS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "sqrt": np.square,
    "inverse": lambda eta: 1 / eta,
    "logit": lambda eta: 1 / (1 + np.exp(-eta)),
    "probit": stats.norm.cdf,
    "cauchit": stats.cauchy.cdf,
    "cloglog": lambda eta: 1 - np.exp(-np.exp(eta)),
}
LINKS = {
    "gaussian": ("identity", "log", "inverse"),
    "binomial": ("logit", "probit", "cauchit", "cloglog"),
    "poisson": ("log", "sqrt", "identity"),
    "gamma": ("inverse", "log", "identity"),
}
MODELS = [(family, link) for family, links in LINKS.items() for link in links]
CANONICAL = {(family, links[0]) for family, links in LINKS.items()}
#: Links on which any η is a mean, and around which η may be centred at 0.
UNBOUNDED = {"logit", "probit", "cauchit", "cloglog"}


@dataclass(frozen=True)
class Case:
    """Rows of a model: X (n, p), y (n,), weights and offset (n,)."""

    family: str
    link: str
    X: Any
    y: Any
    weights: Any
    offset: Any

    def fit(self, **options: Any) -> sd.Fit:
        """Fit by the front door for arrays."""
        rows = {"X": self.X, "y": self.y, "weights": self.weights, "offset": self.offset}
        return sd.glm(family=self.family, link=self.link, **{**rows, **options})

    def eta(self, theta: Any) -> Any:
        return theta[0] + self.X @ theta[1:] + self.offset

    def log_likelihood(self, theta: Any) -> float:
        """Σ w log-density at dispersion 1, but for what does not depend on θ."""
        mean = MEANS[self.link](self.eta(theta))
        return float(np.sum(self.weights * LOG_DENSITIES[self.family](self.y, mean)))

    def at_its_mean(self, theta: Any) -> Case:
        """The same rows with y = μ, where −∂² log L/∂θ² is the expected information."""
        return replace(self, y=MEANS[self.link](self.eta(theta)))


LOG_DENSITIES: dict[str, Callable[[Any, Any], Any]] = {
    "gaussian": lambda y, mean: -0.5 * (y - mean) ** 2,
    "binomial": lambda y, mean: y * np.log(mean) + (1 - y) * np.log(1 - mean),
    "poisson": lambda y, mean: y * np.log(mean) - mean,
    "gamma": lambda y, mean: -y / mean - np.log(mean),
}


def full_log_likelihood(family: str, y: Any, mean: Any, weights: Any, dispersion: float) -> float:
    """The log-likelihood with all its constants, by SciPy's densities."""
    scale = dispersion / weights
    if family == "gaussian":
        return float(np.sum(stats.norm.logpdf(y, mean, np.sqrt(scale))))
    if family == "gamma":
        return float(np.sum(stats.gamma.logpdf(y, 1 / scale, scale=mean * scale)))
    if family == "poisson":
        return float(np.sum(weights * stats.poisson.logpmf(y, mean)))
    return float(np.sum(stats.binom.logpmf(np.round(weights * y), weights, mean)))


def draw(family: str, link: str, seed: int = 0, n: int = 80, p: int = 3) -> Case:
    """Draw a case with whole weights and a small offset; η stays where the link is defined."""
    random = np.random.default_rng([seed, n, p])
    X = random.uniform(-1, 1, (n, p))
    slopes = random.uniform(-0.4, 0.4, p)
    offset = random.uniform(-0.2, 0.2, n)
    centre = 0.0 if link in UNBOUNDED else (1.0 if link == "log" else 2.5)
    mean = MEANS[link](centre + X @ slopes + offset)
    weights = random.integers(1, 5, n).astype(float)
    y = _response(random, family, mean, weights)
    return Case(family, link, X, y, weights, offset)


def _response(random: np.random.Generator, family: str, mean: Any, weights: Any) -> Any:
    if family == "gaussian":
        return mean * (1 + 0.1 * random.standard_normal(len(mean)))
    if family == "binomial":
        return random.binomial(weights.astype(int), mean) / weights
    if family == "poisson":
        return random.poisson(mean).astype(float)
    return mean * random.gamma(8.0, 1 / 8.0, len(mean))


def draw_classes(seed: int = 0, n: int = 120, p: int = 2, classes: int = 3) -> tuple[Any, Any]:
    """Draw X and integer classes 0, 1, … from a softmax of X."""
    random = np.random.default_rng([seed, n, p, classes])
    X = random.standard_normal((n, p))
    eta = X @ random.normal(0, 0.7, (p, classes)) + random.gumbel(size=(n, classes))
    return X, eta.argmax(axis=1)


def softmax_log_likelihood(theta: Any, X: Any, codes: Any, classes: int, weights: Any) -> float:
    """Σ w log P(y), with θ a row (b, w) for each class but the first."""
    table = np.asarray(theta).reshape(classes - 1, -1)
    eta = np.column_stack([np.zeros(len(X)), table[:, 0] + X @ table[:, 1:].T])
    chosen = eta[np.arange(len(X)), codes]
    return float(np.sum(weights * (chosen - np.log(np.exp(eta).sum(axis=1)))))


def gradient(function: Callable[[Any], float], theta: Any, step: float = 1e-3) -> Any:
    """∂f/∂θ by central differences of fourth order."""
    theta = np.asarray(theta, dtype=float)
    moves = step * np.eye(len(theta))
    return np.array(
        [
            (
                8 * (function(theta + h) - function(theta - h))
                - function(theta + 2 * h)
                + function(theta - 2 * h)
            )
            / (12 * step)
            for h in moves
        ]
    )


def hessian(function: Callable[[Any], float], theta: Any, step: float = 3e-3) -> Any:
    """∂²f/∂θ∂θᵀ by differences of differences."""
    theta = np.asarray(theta, dtype=float)
    moves = step * np.eye(len(theta))
    columns = [
        (
            8 * (gradient(function, theta + h, step) - gradient(function, theta - h, step))
            - gradient(function, theta + 2 * h, step)
            + gradient(function, theta - 2 * h, step)
        )
        / (12 * step)
        for h in moves
    ]
    return np.array(columns)


seeds = st.integers(0, 2**16)


@st.composite
def cases(draws: st.DrawFn, family: str, link: str) -> Case:
    """Cases of a model in many sizes."""
    return draw(family, link, draws(seeds), draws(st.integers(40, 120)), draws(st.integers(1, 4)))


@st.composite
def scalings(draws: st.DrawFn, p: int) -> tuple[Any, Any]:
    """Units and origins of p columns: factors between 1e-4 and 1e4 of either sign, and shifts."""
    powers = draws(st.lists(st.integers(-4, 4), min_size=p, max_size=p))
    signs = draws(st.lists(st.sampled_from([-1.0, 1.0]), min_size=p, max_size=p))
    shifts = draws(st.lists(st.integers(-3, 3), min_size=p, max_size=p))
    scale = np.array(signs) * 10.0 ** np.array(powers)
    return scale, np.array(shifts) * np.abs(scale)
