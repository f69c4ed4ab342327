"""A regression fitted again by scikit-learn, to be compared with: coefficients and means.

Its penalties are Σ over rows: Ridge(α = λ) and LogisticRegression(C = 1/λ) minimise what a ridge
penalty λ does here; PoissonRegressor and GammaRegressor divide the loss by Σ w, so that α = λ/Σw.
Of several classes it has a coefficient for each, whose differences from the reference's are ours;
under a penalty the two models differ.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from statdl.estimate import Estimate
from statdl.lazy import lazy
from statdl.model.penalty import Ridge
from statdl.study.statsmodels_peer import HostRows, Peer, host_rows

linear_model = lazy("sklearn.linear_model")

NAME = "scikit-learn"
TIGHT = {"tol": 1e-12, "max_iter": 10_000}


def sklearn_peer(estimate: Estimate) -> Peer:
    """Return what scikit-learn finds for the same rows."""
    rows = host_rows(estimate)
    reason = _reason(estimate, rows)
    if reason:
        return Peer(NAME, {}, (f"scikit-learn {reason}, so that nothing is compared with it.",))
    X = rows.X[:, int(estimate.objective.intercept) :]
    if not X.shape[1]:
        return Peer(NAME, {}, ("scikit-learn has no model without columns.",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if estimate.family.has_classes:
            return _classes(estimate, rows, X)
        return _numbers(estimate, rows, X)


def _reason(estimate: Estimate, rows: HostRows) -> str:
    """Return why there is nothing to compare with, "" where there is."""
    family, penalty = estimate.family, estimate.specification.penalty
    plain = {"gaussian": "identity", "poisson": "log", "gamma": "log", "binomial": "logit"}
    if family.name != "multinomial" and plain.get(family.name) != family.link.name:
        return f"has no {family.name} model with the {family.link.name} link"
    if rows.shifted and not family.quadratic:
        return "has no offset"
    if penalty.active and not isinstance(penalty, Ridge):
        return "has no penalty such as this"
    if penalty.active and family.name == "multinomial":
        return "penalises coefficients of every class and not their differences from a reference"
    return ""


def _strength(estimate: Estimate) -> float:
    penalty = estimate.specification.penalty
    return penalty.strength if isinstance(penalty, Ridge) else 0.0


def _numbers(estimate: Estimate, rows: HostRows, X: Any) -> Peer:
    strength, constant = _strength(estimate), bool(estimate.objective.intercept)
    shared = {"fit_intercept": constant}
    if estimate.family.quadratic and strength:
        model = linear_model.Ridge(alpha=strength, solver="cholesky", **shared)
    elif estimate.family.quadratic:
        model = linear_model.LinearRegression(**shared)
    else:
        kind = {"poisson": "PoissonRegressor", "gamma": "GammaRegressor"}[estimate.family.name]
        alpha = strength / rows.weights.sum()
        solver = {"solver": "newton-cholesky", **TIGHT}
        model = getattr(linear_model, kind)(alpha=alpha, **solver, **shared)
    found = model.fit(X, rows.y[:, 0] - rows.offset, sample_weight=rows.weights)
    coefficients = [found.intercept_, *found.coef_] if constant else found.coef_
    return Peer(NAME, {
        "Coefficients": np.asarray(coefficients, dtype=float),
        "Fitted values": found.predict(X) + rows.offset,
    })  # fmt: skip


def _classes(estimate: Estimate, rows: HostRows, X: Any) -> Peer:
    """Give every row once a class, weighted by its share."""
    strength, constant = _strength(estimate), bool(estimate.objective.intercept)
    shares = np.column_stack([1 - rows.y.sum(axis=1), rows.y])
    weights = rows.weights[:, None] * shares
    each, codes = np.nonzero(weights)
    model = linear_model.LogisticRegression(
        C=1 / strength if strength else np.inf,
        fit_intercept=constant,
        solver="newton-cholesky",
        **TIGHT,
    )
    found = model.fit(X[each], codes, sample_weight=weights[each, codes])
    table = np.column_stack([found.intercept_, found.coef_]) if constant else found.coef_
    several = shares.shape[1] > 2 or estimate.family.name == "multinomial"
    if len(table) > 1:
        table = table[1:] - table[:1]
    mean = found.predict_proba(X)
    values = {"Coefficients": table.reshape(-1), "Fitted values": mean if several else mean[:, 1]}
    return Peer(NAME, values)
