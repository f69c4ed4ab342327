"""Average marginal effects of the inputs on the mean response, for every model.

With weights w_i that sum to W, the effect of column j on mean k (a class's probability, where there
are classes) is an average over the rows given,

    slope     (1/W) Σ_i w_i ∂μ_k(x_i)/∂x_j
    change    (1/W) Σ_i w_i (μ_k(x_i with level j) − μ_k(x_i with the reference level))

the first for every numeric column, in its own units, whatever the model scales inside; the second
for the columns of a factor that is coded as indicators against a reference level. Other columns are
held, so that columns made from one variable (``poly(x, 2)``, ``a:b``) each have an effect of their
own, which is rarely what one asks of the variable.

Standard errors are the delta method's, √(gᵀ C g) with g the exact derivative of the effect in θ:

    g = (1/W) Σ_i w_i Σ_c [D_ikc ∂²η_ic/∂x_j∂θ + Σ_a (∂D_ikc/∂η_a)(∂η_ic/∂x_j) J_ia],   D = ∂μ/∂η.

They take the rows as given: what is estimated is the average effect in these rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import add

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.estimate import Estimate, Identification
from statdl.infer.covariance import covariance_root
from statdl.infer.mean import mean_bend, mean_jacobian
from statdl.infer.predict import class_labels, estimable
from statdl.infer.wald import Coefficients, reference_df

#: Rows × parameters × columns × means up to which effects are worked out unasked (some seconds).
MOST_WORK = 2e9


@dataclass(frozen=True)
class Effects:
    """Effects of p columns on K means, with their inference as arrays of shape (p, K).

    ``labels`` are the classes, () for one mean; ``discrete`` tells which columns were changed from
    one level to another. A column that is not estimable has NaN.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    discrete: tuple[bool, ...]
    inference: Coefficients


@dataclass(frozen=True)
class Averages:
    """Weighted sums over rows and their derivatives in θ: (m,) and (m, P)."""

    values: Array
    gradients: Array

    def __add__(self, other: Averages) -> Averages:
        return Averages(self.values + other.values, self.gradients + other.gradients)

    def __sub__(self, other: Averages) -> Averages:
        return Averages(self.values - other.values, self.gradients - other.gradients)

    def __truediv__(self, units: Array) -> Averages:
        return Averages(self.values / units, self.gradients / units[:, None])


@device_errors()
def average_effects(
    estimate: Estimate,
    X: Array,
    offset: Array | None = None,
    weights: Array | None = None,
    *,
    kind: str | None = None,
) -> Effects:
    """Return the average marginal effects over rows X (m, p), in the predictor's units.

    ``kind`` is the covariance of :func:`~statdl.infer.covariance.covariance_root`. An effect that
    nothing estimated moves, or a fit without scatter, has no error: it is NaN and not 0.
    """
    rows = _rows(estimate, estimable(estimate, X), offset, weights)
    return _effects_over(estimate, rows, kind)


def _effects_over(estimate: Estimate, rows: Rows, kind: str | None) -> Effects:
    """Return the effects averaged over rows, in estimable columns, whose weights sum to 1."""
    kept = kept_columns(estimate)
    root = covariance_root(estimate, kind)
    count = mean_count(estimate)
    values = np.full((len(estimate.frame.design.names), count), math.nan)
    errors = np.full_like(values, math.nan)
    changed = indicator_terms(estimate, kept)
    for places, found in _pieces(estimate, rows, kept, changed):
        where = [kept[place] for place in places]
        values[where, :] = to_numpy(found.values).reshape(-1, count)
        if not _examined(estimate):
            continue
        half = to_numpy(found.gradients) @ root
        found_errors = np.sqrt(np.sum(half * half, axis=1)).reshape(-1, count)
        errors[where, :] = np.where(found_errors > 0, found_errors, math.nan)
    discrete = {kept[place] for term in changed for place in term}
    return Effects(
        estimate.frame.design.names,
        class_labels(estimate),
        tuple(j in discrete for j in range(len(values))),
        Coefficients(values, errors, reference_df(estimate), estimate.at_minimum),
    )


@device_errors()
def own_effects(estimate: Estimate, *, kind: str | None = None) -> Effects:
    """Return the average marginal effects over the rows of the fit, by weight."""
    known = estimate.recall("effects")
    if known is not None and kind is None and estimate.reported is estimate.recall("reported"):
        return known
    rows = estimate.specification.rows
    if rows.passing:
        return _effects_over(estimate, _shares(estimate), kind)
    offset = None if rows.offset is None else rows.offset[:, 0]
    return average_effects(estimate, rows.X, offset, rows.weights, kind=kind)


def affordable(estimate: Estimate) -> bool:
    """Tell whether effects with their errors are a matter of seconds at most."""
    means = max(2, estimate.outputs + 1) - 1
    work = float(estimate.nobs) * len(estimate.kept) * len(estimate.frame.design.names) * means
    return work <= MOST_WORK and (estimate.root.size > 0 or not estimate.rank)


def at_hand(estimate: Estimate) -> bool:
    """Tell whether effects can be shown unasked: a fit from a file has those it was saved with."""
    if estimate.remembered is not None:
        return estimate.recall("effects") is not None
    return affordable(estimate)


def _shares(estimate: Estimate) -> Rows:
    """Return the rows of a scan in their estimable columns, with weights that sum to 1."""
    rows, whole = estimate.objective.rows, estimate.total_weight

    def shared(block: Rows) -> Rows:
        xp = namespace(block.y)
        weights = xp.ones_like(block.y[:, 0]) if block.weights is None else block.weights
        return Rows(block.X, block.y[:, :0], weights / whole, block.offset)

    return rows.mapped(shared)


def kept_columns(estimate: Estimate) -> list[int]:
    """Return the columns of X that were estimated."""
    count = len(estimate.frame.design.names)
    if estimate.specification.plan is not None:
        return list(range(count))
    first = int(estimate.specification.intercept)
    return [j for j in range(count) if estimate.kept[j + first]]


def _examined(estimate: Estimate) -> bool:
    """Tell whether there are errors to ask for: derivatives in θ cost more than all else."""
    return estimate.identification is not Identification.UNEXAMINED


def mean_count(estimate: Estimate) -> int:
    """Return K, the number of columns of the mean."""
    return max(1, len(class_labels(estimate)))


def indicator_terms(estimate: Estimate, kept: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the places among ``kept`` of every factor coded as indicators against a reference."""
    design = estimate.frame.design
    found = []
    for term in design.terms:
        names = [design.names[j].removeprefix(term.name) for j in term.columns]
        if term.name in design.levels and all(name.startswith("[T.") for name in names):
            found.append(tuple(kept.index(j) for j in term.columns if j in kept))
    return [places for places in found if places]


def _rows(estimate: Estimate, X: Array, offset: Array | None, weights: Array | None) -> Rows:
    """Return inputs as rows without a response, with weights that sum to 1."""
    y = like(X[:, :0], estimate.specification.rows.template)
    xp = namespace(y)
    if weights is None:
        weights = xp.ones((X.shape[0],), dtype=y.dtype, device=y.device)
    weights = weights / xp.sum(weights)
    return Rows(X, y, weights, None if offset is None else offset[:, None])


def _pieces(
    estimate: Estimate, rows: Rows, kept: Sequence[int], changed: Sequence[tuple[int, ...]]
) -> Iterator[tuple[list[int], Averages]]:
    """Yield places of columns with their averages: all slopes at once, then each factor."""
    factors = {place for term in changed for place in term}
    slopes = [place for place in range(len(kept)) if place not in factors]
    if slopes:
        found = _over_blocks(estimate, rows, partial(average_slopes, places=slopes))
        yield slopes, found / _units(estimate, kept, slopes, rows.template)
    for term in changed:
        off, on = _levels(estimate, kept, term)
        base = rows.mapped(partial(_set, places=term, values=off))
        reference = _over_blocks(estimate, base, average_means)
        others = (
            base.mapped(partial(_set, places=(place,), values=(one,)))
            for place, one in zip(term, on, strict=True)
        )
        changes = [_over_blocks(estimate, other, average_means) - reference for other in others]
        yield list(term), _joined(changes)


def _units(
    estimate: Estimate, kept: Sequence[int], places: Sequence[int], reference: Array
) -> Array:
    """Return the spread by which a network divides each column, once for every mean."""
    plan = estimate.specification.plan
    spread = np.ones(len(estimate.frame.design.names))
    if plan is not None and plan.spread is not None:
        spread = plan.spread
    each = np.repeat(spread[[kept[place] for place in places]], mean_count(estimate))
    return like(each, reference)


def _levels(
    estimate: Estimate, kept: Sequence[int], term: Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what 0 and 1 are in the predictor's units, for each column of a factor."""
    plan = estimate.specification.plan
    if plan is None or plan.centre is None:
        return (0.0,) * len(term), (1.0,) * len(term)
    columns = [kept[place] for place in term]
    centre, spread = plan.centre[columns], plan.spread[columns]
    return tuple((0 - centre) / spread), tuple((1 - centre) / spread)


def _set(rows: Rows, places: Sequence[int], values: Sequence[float]) -> Rows:
    """Return rows with some columns at given values."""
    xp = namespace(rows.X)
    X = xp.asarray(rows.X, copy=True)
    for place, value in zip(places, values, strict=True):
        X[:, place] = float(value)
    return Rows(X, rows.y, rows.weights, rows.offset)


def _joined(parts: Sequence[Averages]) -> Averages:
    xp = namespace(parts[0].values)
    return Averages(
        xp.concat([part.values for part in parts]),
        xp.concat([part.gradients for part in parts], axis=0),
    )


def _over_blocks(
    estimate: Estimate, rows: Rows, function: Callable[[Estimate, Rows], Averages]
) -> Averages:
    """Return the sum of what a function makes of each block of rows."""
    p = rows.template.shape[1]
    width = estimate.objective.predictor.width + p * (1 + 2 * estimate.outputs)
    return rows.reduce(partial(function, estimate), width, add)


def average_means(estimate: Estimate, rows: Rows) -> Averages:
    """Return Σ_i w_i μ_k(x_i), (K,), with its derivatives."""
    eta, pullback = _linearised(estimate, rows)
    mean = estimate.family.mean(eta)
    if not _examined(estimate):
        xp = namespace(mean)
        return _without_gradients(xp.sum(mean * _column(rows), axis=0))
    D = mean_jacobian(estimate.family, eta) * _column(rows)[:, :, None]
    gradients = [pullback(D[:, k, :]) for k in range(mean.shape[1])]
    xp = namespace(mean)
    return Averages(xp.sum(mean * _column(rows), axis=0), xp.stack(gradients))


def average_slopes(estimate: Estimate, rows: Rows, places: Sequence[int]) -> Averages:
    """Return Σ_i w_i ∂μ_k(x_i)/∂x_j, (m K,), of the columns at ``places``, with derivatives."""
    eta, pullback = _linearised(estimate, rows)
    xp = namespace(eta)
    family, weights = estimate.family, _column(rows)[:, :, None]
    D, d = mean_jacobian(family, eta) * weights, _input_jacobian(estimate, rows.X, eta)
    values = xp.sum(xp.matmul(D, d), axis=0)
    if not _examined(estimate):
        places = like(places, eta, xp.int64)
        chosen = xp.take(xp.permute_dims(values, (1, 0)), places, axis=0)
        return _without_gradients(xp.reshape(chosen, (-1,)))
    predictor, theta = estimate.objective.predictor, estimate.device_parameters
    turns = [predictor.input_turn(theta, rows.X, D[:, k, :]) for k in range(D.shape[1])]
    found, gradients = [], []
    for j in places:
        bend = None if family.quadratic else mean_bend(family, eta, d[:, :, j]) * weights
        for k, turn in enumerate(turns):
            found.append(values[k, j])
            bent = 0.0 if bend is None else pullback(bend[:, k, :])
            gradients.append(turn[j, :] + bent)
    return Averages(xp.stack(found), xp.stack(gradients))


def _without_gradients(values: Array) -> Averages:
    return Averages(values, values[:, None][:, :0])


def _linearised(estimate: Estimate, rows: Rows) -> tuple[Array, Callable[[Array], Array]]:
    eta, pullback = estimate.objective.predictor.linearise(estimate.device_parameters, rows.X)
    return (eta if rows.offset is None else eta + rows.offset), pullback


def _column(rows: Rows) -> Array:
    """Return the weights, (n, 1)."""
    assert rows.weights is not None
    return rows.weights[:, None]


def _input_jacobian(estimate: Estimate, X: Array, eta: Array) -> Array:
    """Return ∂η_c/∂x_j of each row, (n, q, p)."""
    xp = namespace(eta)
    predictor, theta = estimate.objective.predictor, estimate.device_parameters
    slopes = []
    for c in range(eta.shape[1]):
        seed = xp.zeros_like(eta)
        seed[:, c] = 1.0
        slopes.append(predictor.input_gradient(theta, X, seed))
    return xp.stack(slopes, axis=1)
