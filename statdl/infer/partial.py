"""Partial effects: the average mean response as one variable runs through its values.

With weights w_i that sum to W, and everything that the model makes of the variable following it,

    m_k(v) = (1/W) Σ_i w_i μ_k(x_i with the variable at v)

is the partial dependence of Friedman (2001), the predictive margin of Graubard and Korn (1999).
In a linear regression it is a line with the coefficient as its slope. Standard errors are the delta
method's, √(gᵀ C g) with g the exact derivative of m_k(v) in θ,

    g = (1/W) Σ_i w_i Σ_c (∂μ_k/∂η_c) ∂η_ic/∂θ,

and C the covariance of θ̂. The rows are taken as given. Limits are made where a mean has no ends and
carried back, by the link for one mean and by the log odds for several classes, so that for a single
row they are those of ``predict(interval="confidence")``.

Rows × values are worked through in portions, so that memory does not grow with either.

References
----------
Friedman (2001), Greedy function approximation: a gradient boosting machine, Annals of Statistics
29, section 8.2.
Graubard & Korn (1999), Predictive margins with survey data, Biometrics 55.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.special import sigmoid
from statdl.errors import ModelError
from statdl.estimate import Estimate, Identification
from statdl.formula.settable import Observed
from statdl.formula.suggest import listing
from statdl.infer.covariance import covariance_root, reference_df
from statdl.infer.distribution import critical
from statdl.infer.effects import Averages, average_means
from statdl.infer.population import Population, check_estimable, encoded, observed, population
from statdl.infer.predict import class_labels, estimable

#: Values that a numeric variable runs through, unless given.
POINTS = 50
#: Rows × values that are encoded at once.
BLOCK = 16_384
#: Observed values that are kept to be shown beside a curve.
SHOWN = 200


@dataclass(frozen=True)
class PartialEffect:
    """Average means with a variable at each of m values, as arrays of shape (m, K).

    ``discrete`` tells that the values are all there are, and not points on a curve; ``labels`` are
    the classes, () for one mean; ``support`` are observed values of a numeric variable, thinned out
    to quantiles where there are many; ``rows`` were averaged over.
    """

    variable: str
    values: tuple[Any, ...]
    discrete: bool
    labels: tuple[str, ...]
    mean: Any
    standard_error: Any
    lower: Any
    upper: Any
    level: float
    rows: int
    support: Any


def partial_effect(
    estimate: Estimate,
    variable: str,
    newdata: Any = None,
    *,
    points: int | Sequence[Any] | None = None,
    level: float = 0.95,
) -> PartialEffect:
    """Return the average means over the rows of the fit, or of newdata, by values of a variable.

    ``points`` is how many values a numeric variable runs through between its extremes in the fit,
    or the values themselves; a factor has its levels.
    """
    check_estimable(estimate, variable)
    c = critical(level, reference_df(estimate))
    rows = population(estimate, newdata)
    seen = _two_levels(observed(estimate, variable, rows))
    values = _grid(variable, seen, points)
    root = _root(estimate)
    means, errors = [], []
    for found in _averages(rows, variable, values):
        means.append(to_numpy(found.values))
        half = np.full((len(means[-1]), 1), math.nan)
        if root is not None:
            half = to_numpy(found.gradients) @ root
        errors.append(np.sqrt(np.sum(half * half, axis=1)))
    mean, error = np.stack(means), np.stack(errors)
    lower, upper = limits(estimate, mean, error, c)
    return PartialEffect(
        variable=variable,
        values=tuple(values),
        discrete=bool(seen.levels),
        labels=class_labels(estimate),
        mean=mean,
        standard_error=error,
        lower=lower,
        upper=upper,
        level=level,
        rows=rows.n,
        support=_support(seen),
    )


def _root(estimate: Estimate) -> Any:
    """Return a root of the covariance; None for a network too large to have one."""
    if estimate.identification is Identification.UNEXAMINED:
        return None
    return covariance_root(estimate)


def limits(estimate: Estimate, mean: Any, error: Any, c: float) -> tuple[Any, Any]:
    """Return limits of averages of means, (m, K), made where these have no ends."""
    family = estimate.family
    if family.quadratic:
        return mean - c * error, mean + c * error
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if mean.shape[1] == 1:
            eta = family.link.link(mean)
            half = c * error / np.abs(family.link.derivative(eta))
            one, other = family.mean(eta - half), family.mean(eta + half)
        else:
            eta, half = np.log(mean) - np.log1p(-mean), c * error / (mean * (1 - mean))
            one, other = sigmoid(eta - half), sigmoid(eta + half)
    ends = np.isfinite(eta)  # a saturated mean has its limits at itself
    one, other = np.where(ends, one, mean), np.where(ends, other, mean)
    return np.minimum(one, other), np.maximum(one, other)


# values ---------------------------------------------------------------------------------------


def _two_levels(seen: Observed) -> Observed:
    """Return a variable that has two values as one that has no others."""
    if seen.levels:
        return seen
    values = np.unique(seen.values)
    return Observed(levels=tuple(values.tolist())) if len(values) == 2 else seen


def _grid(variable: str, seen: Observed, points: int | Sequence[Any] | None) -> list[Any]:
    if points is not None and np.ndim(points) > 0:
        return _given(variable, seen, points)
    count = POINTS if points is None else points
    if not isinstance(count, int) or count < 2:
        raise ModelError(f"points={points!r} must be 2 or more, or the values themselves.")
    if seen.levels:
        return list(seen.levels)
    low, high = float(seen.values.min()), float(seen.values.max())
    if not low < high:
        raise ModelError(
            f"{variable!r} is {low:g} in every row; give the values that it should have as points=."
        )
    return [float(value) for value in np.linspace(low, high, count)]


def _given(variable: str, seen: Observed, points: Any) -> list[Any]:
    """Return the values asked for, checked."""
    values = points.tolist() if hasattr(points, "tolist") else list(points)
    if any(isinstance(level, str) for level in seen.levels):
        wrong, known = set(values) - set(seen.levels), listing(map(repr, seen.levels))
    else:
        wrong = {value for value in values if not _is_number(value)}
        known = "finite numbers"
    if wrong or not values:
        raise ModelError(f"points={points!r} are no values of {variable!r}, which has {known}.")
    return values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _support(seen: Observed) -> Any:
    if seen.levels:
        return np.zeros(0)
    values = np.unique(seen.values)
    if len(values) <= SHOWN:
        return values
    return np.quantile(seen.values, np.linspace(0, 1, SHOWN))


# averages -------------------------------------------------------------------------------------


def _averages(rows: Population, variable: str, values: Sequence[Any]) -> Iterator[Averages]:
    """Yield the average means of each value; small data are encoded for many values at once."""
    shares = _shares(rows)
    most = max(part.stop - part.start for part in rows.blocks())
    together = max(1, BLOCK // most) if most == rows.n else 1
    for first in range(0, len(values), together):
        chosen = values[first : first + together]
        totals: list[Averages] = []
        for part in rows.blocks():
            found = list(_of_rows(rows, part, shares[part], variable, chosen))
            totals = [a + b for a, b in zip(totals, found, strict=True)] if totals else found
        yield from totals


def _shares(rows: Population) -> Any:
    """Return what each row counts for, 1 in all."""
    if rows.weights is None:
        return np.full(rows.n, 1 / rows.n)
    return rows.weights / rows.weights.sum()


def _of_rows(
    rows: Population, part: slice, shares: Any, variable: str, values: Sequence[Any]
) -> Iterator[Averages]:
    """Yield what some rows add to the average means of each value."""
    estimate = rows.estimate
    X, offset = encoded(estimate, rows.data.encode(part, variable, values))
    X = estimable(estimate, X)
    own = like(shares, X)
    beyond = None if rows.offset is None else rows.offset[part]
    m = own.shape[0]
    width = estimate.objective.predictor.width + X.shape[1]
    for k in range(len(values)):
        here = slice(k * m, (k + 1) * m)
        shift = beyond
        if offset is not None:
            shift = offset[here] if beyond is None else offset[here] + beyond
        one = Rows(X[here, :], X[here, :0], own, None if shift is None else shift[:, None])
        yield reduce(add, (average_means(estimate, block) for block in one.blocks(width)))
