"""Predictions with standard errors and intervals, on every scale, for every model.

For a row x the predictors η(θ̂, x) have covariance V = φ J C Jᵀ with J = ∂η/∂θ; in a regression
J is (I_q ⊗ x)ᵀ and this is exact, in a network it is the delta method.

* Means μ(η) have covariance D V Dᵀ with D = ∂μ/∂η (the delta method).
* Confidence intervals of a single mean are those of η, carried through the inverse link.
* For several classes each probability has its interval on its own log-odds scale,
  logit p ± c · se(p) / (p (1 − p)), so that it stays between 0 and 1.
* Prediction intervals (for the normal) add the variance of a new row, φ / w, w its weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.backend.special import between, sigmoid
from statdl.errors import ModelError, StatdlWarning, unknown_word, warn
from statdl.estimate import EXAMINED_WEIGHTS, Estimate, Identification
from statdl.infer.aliased import warn_undetermined
from statdl.infer.covariance import covariance_root, reference_df
from statdl.infer.distribution import critical
from statdl.infer.mean import softmax_jacobian

SCALES = ("response", "link", "class", "terms")
INTERVALS = ("confidence", "prediction")


@dataclass(frozen=True)
class Prediction:
    """Predictions of shape (m, k), with what was asked for beside them.

    ``labels`` name the k columns: classes, linear predictors or terms; empty for a single one.
    ``constant`` is what terms add up from, one number an output.
    """

    fit: Array
    standard_error: Array | None = None
    lower: Array | None = None
    upper: Array | None = None
    labels: tuple[str, ...] = ()
    constant: tuple[float, ...] = ()


@device_errors()
def predict(
    estimate: Estimate,
    X: Array,
    offset: Array | None,
    *,
    scale: str = "response",
    se_fit: bool = False,
    interval: str | None = None,
    level: float = 0.95,
    weights: Array | None = None,
) -> Prediction:
    """Predict at inputs X (m, p), in the columns of the design, with an offset of (m,).

    ``weights``, (m,), are those of new observations in prediction intervals, 1 by default. Rows
    are taken in blocks, since J R has as many numbers a row as there are parameters.
    """
    check(estimate, scale, se_fit, interval)
    if (se_fit or interval) and estimate.identification is Identification.UNEXAMINED:
        _warn_unexamined(estimate)
    warn_undetermined(estimate, X)
    X = estimable(estimate, X)
    width = estimate.outputs * (X.shape[1] + estimate.rank)
    parts = [
        _predicted(estimate, rows, scale, se_fit, interval, level)
        for rows in _rows(estimate, X, offset, weights).blocks(width)
    ]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _rows(estimate: Estimate, X: Array, offset: Array | None, weights: Array | None) -> Rows:
    """Return inputs as rows without a response, to be brought to where θ̂ is."""
    y = like(X[:, :0], estimate.specification.rows.template)
    weights = None if weights is None else like(weights, y)
    return Rows(X, y, weights, None if offset is None else like(offset, y)[:, None])


def _joined(parts: Sequence[Prediction]) -> Prediction:
    """Return the predictions of blocks of rows as one."""

    def joined(name: str) -> Array | None:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else namespace(values[0]).concat(values, axis=0)

    return replace(
        parts[0],
        fit=joined("fit"),
        standard_error=joined("standard_error"),
        lower=joined("lower"),
        upper=joined("upper"),
    )


def _predicted(
    estimate: Estimate, rows: Rows, scale: str, se_fit: bool, interval: str | None, level: float
) -> Prediction:
    """Predict at some rows."""
    X = rows.X
    eta = estimate.objective.eta(estimate.device_parameters, rows)
    uncertain = se_fit or interval is not None
    if scale == "link":
        labels = output_labels(estimate)
        if not uncertain:
            return Prediction(eta, labels=labels)
        errors = standard_errors(estimate, X)
        return _with_interval(estimate, eta, errors, se_fit, interval, level, labels, rows.weights)
    mean = estimate.family.mean(eta)
    labels = class_labels(estimate)
    if not uncertain:
        return Prediction(mean, labels=labels)
    errors = mean_errors(estimate, X, eta, mean)
    return _mean_interval(
        estimate, X, eta, mean, errors, se_fit, interval, level, labels, rows.weights
    )


def check(estimate: Estimate, scale: str, se_fit: bool, interval: str | None) -> None:
    """Refuse combinations that have no meaning."""
    if scale not in SCALES:
        raise unknown_word("type", scale, SCALES)
    if interval is not None and interval not in INTERVALS:
        raise unknown_word("interval", interval, INTERVALS)
    if interval is not None and scale == "terms":
        raise ModelError("Intervals of terms are not available; use se_fit=True.")
    if interval == "prediction" and not estimate.family.quadratic:
        raise ModelError(
            "interval='prediction' is for normal errors with the identity link; for the "
            f"{estimate.family.name} family use interval='confidence' (of the mean)."
        )
    if scale == "class":
        if not estimate.family.has_classes:
            raise ModelError("type='class' needs a model of classes (binomial or multinomial).")
        if se_fit or interval is not None:
            raise ModelError("A predicted class has no standard error; use type='response'.")


def _warn_unexamined(estimate: Estimate) -> None:
    other = "" if estimate.family.has_classes else ", as method='conformal' does without them"
    warn(
        f"{len(estimate.parameters)} weights are too many for standard errors (more than "
        f"{EXAMINED_WEIGHTS}), which are NaN, and limits with them; a smaller network has them"
        f"{other}.",
        StatdlWarning,
    )


def estimable(estimate: Estimate, X: Array) -> Array:
    """Return the columns of X that were estimated, (m, kept)."""
    if estimate.specification.plan is not None:
        return X
    first = int(estimate.specification.intercept)
    kept = [j - first for j, keep in enumerate(estimate.kept) if keep and j >= first]
    if len(kept) == X.shape[1]:
        return X
    xp = namespace(X)
    return xp.take(X, xp.asarray(kept, dtype=xp.int64, device=X.device), axis=1)


def linear_predictor(estimate: Estimate, X: Array, offset: Array | None) -> Array:
    """Return η(θ̂, X) + offset, (m, q)."""
    eta = estimate.objective.predictor.eta(estimate.device_parameters, X)
    return eta if offset is None else eta + offset[:, None]


def _halves(estimate: Estimate, X: Array) -> Array:
    """Return J R of every row, (m, q, r), R Rᵀ being the covariance of θ̂."""
    if estimate.identification is Identification.UNEXAMINED:  # J alone would take minutes
        xp = namespace(X)
        shape = (X.shape[0], estimate.outputs, 1)
        return xp.full(shape, math.nan, dtype=X.dtype, device=X.device)
    root = estimate.to_device(covariance_root(estimate))
    return estimate.objective.predictor.jacobian_times(estimate.device_parameters, X, root)


def linear_covariance(estimate: Estimate, X: Array) -> Array:
    """Return the covariance of the q linear predictors of each row, (m, q, q)."""
    xp = namespace(X)
    halves = _halves(estimate, X)
    return xp.matmul(halves, xp.permute_dims(halves, (0, 2, 1)))


def standard_errors(estimate: Estimate, X: Array) -> Array:
    """Return the standard error of each linear predictor, (m, q)."""
    xp = namespace(X)
    halves = _halves(estimate, X)
    return xp.sqrt(xp.sum(halves * halves, axis=2))


def mean_errors(estimate: Estimate, X: Array, eta: Array, mean: Array) -> Array:
    """Return the standard error of each mean by the delta method, in ``mean``'s shape."""
    xp = namespace(mean)
    if mean.shape[1] == 1:
        return xp.abs(estimate.family.link.derivative(eta)) * standard_errors(estimate, X)
    V = linear_covariance(estimate, X)
    D = softmax_jacobian(mean)
    return xp.sqrt(xp.sum(xp.matmul(D, V) * D, axis=2))


def _with_interval(
    estimate: Estimate,
    fit: Array,
    errors: Array,
    se_fit: bool,
    interval: str | None,
    level: float,
    labels: tuple[str, ...],
    weights: Array | None,
) -> Prediction:
    """Return fit ± c · error, the error of a new row for prediction intervals."""
    shown = errors if se_fit else None
    if interval is None:
        return Prediction(fit, shown, labels=labels)
    if interval == "prediction":
        own = 1.0 if weights is None else 1 / weights[:, None]
        errors = (errors * errors + estimate.dispersion * own) ** 0.5
    half = critical(level, reference_df(estimate)) * errors
    return Prediction(fit, shown, fit - half, fit + half, labels)


def _mean_interval(
    estimate: Estimate,
    X: Array,
    eta: Array,
    mean: Array,
    errors: Array,
    se_fit: bool,
    interval: str | None,
    level: float,
    labels: tuple[str, ...],
    weights: Array | None,
) -> Prediction:
    """Return the interval of a mean, made where it is symmetric and carried back."""
    shown = errors if se_fit else None
    if interval is None or estimate.family.quadratic:
        return _with_interval(estimate, mean, errors, se_fit, interval, level, labels, weights)
    xp = namespace(mean)
    c = critical(level, reference_df(estimate))
    if mean.shape[1] == 1:
        half = c * standard_errors(estimate, X)
        one, other = estimate.family.mean(eta - half), estimate.family.mean(eta + half)
        return Prediction(mean, shown, xp.minimum(one, other), xp.maximum(one, other), labels)
    tiny = xp.finfo(mean.dtype).smallest_normal  # a saturated probability has its limits at itself
    inside = between(mean, float(tiny), 1 - float(xp.finfo(mean.dtype).eps))
    log_odds = xp.log(inside) - xp.log1p(-inside)
    half = c * errors / (inside * (1 - inside))
    return Prediction(mean, shown, sigmoid(log_odds - half), sigmoid(log_odds + half), labels)


def classes(estimate: Estimate, fit: Array) -> list[Any]:
    """Return the most probable class of each row from its fitted means; None where they are NaN."""
    xp = namespace(fit)
    levels = estimate.specification.levels
    if fit.shape[1] == 1:
        codes = xp.astype(fit[:, 0] >= 0.5, xp.int64)
    else:
        codes = xp.argmax(xp.where(xp.isnan(fit), xp.zeros_like(fit), fit), axis=1)
    known = to_numpy(xp.isfinite(fit[:, 0])).tolist()
    pairs = zip(to_numpy(codes).tolist(), known, strict=True)
    return [levels[code] if sure else None for code, sure in pairs]


def class_labels(estimate: Estimate) -> tuple[str, ...]:
    """Return the labels of the columns of the mean: the classes, or none."""
    if estimate.family.name != "multinomial":
        return ()
    return tuple(str(level) for level in estimate.specification.levels)


def output_labels(estimate: Estimate) -> tuple[str, ...]:
    """Return the labels of the linear predictors: the classes but the reference, or none."""
    return class_labels(estimate)[1:]
