"""Conformal prediction intervals: coverage that holds for any model, right or wrong.

Fit on some rows, and look at how far off the other rows are. With m held-out rows and the scores

    R_i = |y_i − μ̂(x_i)| √(w_i / V(μ̂(x_i))),    q = the ⌈(m + 1)(1 − α)⌉-th smallest,

a new row exchangeable with them lies in μ̂(x) ± q √V(μ̂(x)) with probability of at least 1 − α, in
finite samples, whatever the model (split conformal). CV+ holds each row out once: from K folds it
uses all rows for both, and guarantees 1 − 2α (in practice about 1 − α).

References: Vovk, Gammerman & Shafer (2005); Lei et al. (2018), JASA 113, 1094; Barber, Candès,
Ramdas & Tibshirani (2021), Ann. Statist. 49, 486.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, to_numpy
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer.distribution import check_level
from statdl.infer.predict import Prediction, linear_predictor
from statdl.model.batch import Batch
from statdl.model.exponential import ExponentialFamily, Gaussian
from statdl.study.crossvalidation import fold_groups, fold_weights
from statdl.study.many import batch_of
from statdl.study.refits import refitted, refuse_unlearnable

#: Distance from its maximum, in standard errors, that a refit may stop at.
TOLERANCE = 1e-2
#: Numbers that the limits of all held-out rows for some new rows may take up.
ROOM = 4_000_000
KINDS = ("split", "cv+")


@dataclass(frozen=True)
class HeldOut:
    """Models that have not seen some rows, and how far off they are there.

    theta   (K, P) parameters of each model
    model   (m,) which model has not seen the row
    score   (m,) R
    """

    theta: Any
    model: Any
    score: Any


def conformal_prediction(
    estimate: Estimate,
    X: Array,
    offset: Array | None,
    *,
    kind: str = "split",
    level: float = 0.95,
    seed: int = 0,
    folds: int = 10,
) -> Prediction:
    """Predict inputs X, (m, p), with conformal limits of a new response.

    Raises
    ------
    ModelError
        For a model of classes, whose prediction is a set and no interval.
    DataError
        When there are too few rows to hold out for the level.
    """
    check_level(level)
    if estimate.family.has_classes:
        raise ModelError(
            "Conformal limits are for a numeric response; of classes use type='response' for "
            "their probabilities, with interval='confidence'."
        )
    if kind not in KINDS:
        raise ModelError(f"kind={kind!r} is not known; choose {' or '.join(KINDS)}.")
    groups = 2 if kind == "split" else folds
    found = _held_out(estimate, fold_groups(estimate, groups, seed), only_last=kind == "split")
    centre = to_numpy(estimate.family.mean(linear_predictor(estimate, X, offset)))
    limits = _split_limits if kind == "split" else _jackknife_limits
    lower, upper = limits(estimate, found, X, offset, 1 - level)
    parts = (like(part, X) for part in (lower, upper))
    return Prediction(like(centre, X), None, *parts)


def _held_out(estimate: Estimate, groups: Any, only_last: bool) -> HeldOut:
    """Fit without each group (or without the last), and score the rows left out."""
    names = [int(groups.max())] if only_last else list(range(int(groups.max()) + 1))
    rows = estimate.objective.rows
    own = np.ones(rows.n) if rows.weights is None else to_numpy(rows.weights)
    weights = fold_weights(estimate, groups, names)
    refuse_unlearnable(estimate)
    found = refitted(estimate, weights, TOLERANCE)
    offset = None if rows.offset is None else rows.offset[:, 0]
    mean, spread = _means(estimate, batch_of(estimate), found.parameters, rows.X, offset)
    y = to_numpy(rows.y)[:, 0]
    model, score = [], []
    for k, name in enumerate(names):
        out = groups == name
        model.append(np.full(int(out.sum()), k))
        score.append(np.abs(y - mean[k])[out] * np.sqrt(own[out]) / spread[k][out])
    return HeldOut(found.parameters, np.concatenate(model), np.concatenate(score))


def _means(
    estimate: Estimate, batch: Batch, theta: Any, X: Array, offset: Array | None
) -> tuple[Any, Any]:
    """Return μ and √V(μ) of each model, (K, m)."""
    eta = batch.eta(like(theta, X), X)[:, :, 0]
    flat = eta if offset is None else eta + offset
    column = flat.reshape(-1)[:, None]
    shape = tuple(eta.shape)
    mean = to_numpy(estimate.family.mean(column)).reshape(shape)
    return mean, np.sqrt(to_numpy(estimate.family.variance(column)).reshape(shape))


def _split_limits(
    estimate: Estimate, found: HeldOut, X: Array, offset: Array | None, alpha: float
) -> tuple[Any, Any]:
    m = len(found.score)
    place = _place(m, alpha, ", or use method='cv+', which holds every row out once")
    q = np.sort(found.score)[place - 1]
    mean, spread = _means(estimate, batch_of(estimate), found.theta, X, offset)
    return _inside(estimate, (mean - q * spread)[0]), (mean + q * spread)[0][:, None]


def _jackknife_limits(
    estimate: Estimate, found: HeldOut, X: Array, offset: Array | None, alpha: float
) -> tuple[Any, Any]:
    """Return the quantiles of what each row, left out by its model, says of every new row."""
    m = len(found.score)
    place = _place(m, alpha)
    mean, spread = _means(estimate, batch_of(estimate), found.theta, X, offset)
    lower, upper = np.empty(mean.shape[1]), np.empty(mean.shape[1])
    size = max(1, ROOM // m)
    for first in range(0, mean.shape[1], size):
        some = slice(first, first + size)
        centre, reach = (part[:, some][found.model] for part in (mean, spread))
        half = found.score[:, None] * reach
        lower[some] = np.sort(centre - half, axis=0)[m - place]
        upper[some] = np.sort(centre + half, axis=0)[place - 1]
    return _inside(estimate, lower), upper[:, None]


def _place(m: int, alpha: float, instead: str = "") -> int:
    """Return ⌈(m + 1)(1 − α)⌉; ``instead`` is other advice where there are too few rows."""
    place = math.ceil((m + 1) * (1 - alpha) * (1 - 1e-12))
    if place > m:
        raise DataError(
            f"{m} held-out rows are too few for a level of {1 - alpha:g}: it takes "
            f"{math.ceil((1 - alpha) / alpha * (1 - 1e-12))}. Lower the level{instead}."
        )
    return place


def _inside(estimate: Estimate, lower: Any) -> Any:
    """Return lower limits, (m, 1), 0 where they are below the values the response can have."""
    family = estimate.family
    positive = isinstance(family, ExponentialFamily) and not isinstance(family, Gaussian)
    return np.maximum(lower, 0.0)[:, None] if positive else lower[:, None]
