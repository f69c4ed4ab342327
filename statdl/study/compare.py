"""Fits side by side: how well each fits, at what price, and how it does on data it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.goodness import Goodness
from statdl.model.family import Family
from statdl.report.regression import (
    RegressionTable,
    all_terms,
    as_stars,
    check_below,
    chosen_rows,
    column_names,
    regression_cells,
    regression_notes,
)

FORMATS = {
    "Rows": "integer",
    "Eff. df": "integer",
    "R-squared": "number",
    "Adj. R-squared": "number",
    "Log-Likelihood": "significant",
    "AIC": "significant",
    "BIC": "significant",
    "NIC": "significant",
    "Loss": "number",
    "Accuracy": "number",
    "Val. Loss": "number",
    "Val. Accuracy": "number",
}


@dataclass(frozen=True)
class Score:
    """Mean −log density of some rows under a fit, and the share of classes it gets right."""

    loss: float
    accuracy: float | None


def score(estimate: Estimate, rows: Rows | None = None) -> Score:
    """Return the score of rows in the coding of the fit; of its own rows unless given.

    The loss is −log L / Σw with every constant and the dispersion of the fit, so that it compares
    between models of one response.
    """
    if rows is None and estimate.remembered is not None:
        return Score(-Goodness(estimate).llf / estimate.total_weight, None)
    given = estimate.objective.rows if rows is None else rows
    family, dispersion = estimate.family, _dispersion(estimate)
    if rows is None and not given.passing:
        sums = _sums(family, dispersion, estimate.eta, given)
    else:
        objective, theta = estimate.objective, estimate.device_parameters
        sums = given.reduce(
            lambda block: _sums(family, dispersion, objective.eta(theta, block), block),
            objective.predictor.width,
        )
    total, log_likelihood, right = map(float, sums)
    accuracy = right / total if family.has_classes else None
    return Score(-log_likelihood / total, accuracy)


def _sums(family: Family, dispersion: float, eta: Array, rows: Rows) -> tuple[float, float, float]:
    """Return Σ w, log L at dispersion φ, and the weight that is in the likeliest class."""
    xp = namespace(eta)
    losses, _ = family.loss_and_score(eta, rows.y)
    weights = xp.ones_like(losses) if rows.weights is None else rows.weights
    losses = xp.where(weights > 0, weights * losses, xp.zeros_like(losses))
    log_likelihood = math.nan
    if dispersion > 0:
        log_likelihood = family.constant(rows, dispersion) - float(xp.sum(losses)) / dispersion
    return float(xp.sum(weights)), log_likelihood, _right(family, eta, rows)


def _dispersion(estimate: Estimate) -> float:
    """Return φ as the log-likelihood of the fit has it."""
    if estimate.family.dispersion_known:
        return 1.0
    if estimate.family.quadratic:
        return estimate.deviance / estimate.nobs
    return estimate.dispersion


def _right(family: Family, eta: Array, rows: Rows) -> float:
    """Return the weight of trials in the class that is most probable."""
    if not family.has_classes:
        return 0.0
    mean, y = to_numpy(family.mean(eta)), to_numpy(rows.y)
    if mean.shape[1] == 1:
        mean = np.concatenate([1 - mean, mean], axis=1)
    shares = np.concatenate([1 - y.sum(axis=1, keepdims=True), y], axis=1)
    weights = np.ones(len(y)) if rows.weights is None else to_numpy(rows.weights)
    likeliest = np.argmax(mean[:, 1:], axis=1) + 1
    chosen = np.where(np.max(mean[:, 1:], axis=1) >= mean[:, 0], likeliest, 0)
    right = shares[np.arange(len(y)), chosen]
    return float(weights @ right)


def comparison(
    estimates: Sequence[Estimate],
    labels: Sequence[str],
    validation: Sequence[Rows] | None = None,
    *,
    names: Sequence[str] | None = None,
    what: str | None = None,
    below: str = "std.error",
    stars: bool | Mapping[str, float] = False,
    level: float = 0.95,
    exponentiate: bool = False,
) -> RegressionTable:
    """Return the fits side by side: coefficients or effects over errors, and measures of fit."""
    check_below(below)
    heads, marks = column_names(names, len(estimates)), as_stars(stars)
    shown = "coefficients" if exponentiate and what is None else chosen_rows(what, estimates)
    if exponentiate and shown == "effects":
        raise ModelError("exponentiate=True is for coefficients; an effect is on the mean itself.")
    cells = [
        regression_cells(
            one, shown, below=below, stars=marks, level=level, exponentiate=exponentiate
        )
        for one in estimates
    ]
    columns = _measures(estimates, validation)
    between = " " if names is None else ": "
    terms = all_terms(cells)
    notes = (
        regression_notes(estimates, shown, heads, below, marks, level, exponentiate)
        if terms
        else []
    )
    return RegressionTable(
        "Model",
        heads,
        columns,
        "Comparison of fits",
        tuple(f"{head}{between}{label}" for head, label in zip(heads, labels, strict=True)),
        {name: FORMATS[name] for name in columns},
        (*notes, *_notes(estimates, validation is None)),
        terms,
        tuple(cells),
        not _unlike(estimates),
    )


def _measures(
    estimates: Sequence[Estimate], validation: Sequence[Rows] | None
) -> dict[str, list[float | None]]:
    """Return what is said of every fit; a measure that no fit has is left out."""
    goodness = [Goodness(estimate) for estimate in estimates]
    own = [score(estimate) for estimate in estimates]
    linear = [each if each.estimate.specification.least_squares else None for each in goodness]
    columns: dict[str, list[float | None]] = {
        "Rows": [estimate.nobs for estimate in estimates],
        "Eff. df": [each.parameters for each in goodness],
        "R-squared": [None if each is None else each.rsquared for each in linear],
        "Adj. R-squared": [None if each is None else each.rsquared_adj for each in linear],
        "Log-Likelihood": [each.llf for each in goodness],
        "AIC": [each.aic for each in goodness],
        "BIC": [each.bic for each in goodness],
        "NIC": [each.nic for each in goodness],
        "Loss": [each.loss for each in own],
        "Accuracy": [each.accuracy for each in own],
    }
    held: Sequence[Rows | None] = validation or [
        one.specification.practice.held_out for one in estimates
    ]
    new = [
        None if rows is None else score(one, rows)
        for one, rows in zip(estimates, held, strict=True)
    ]
    columns["Val. Loss"] = [None if each is None else each.loss for each in new]
    columns["Val. Accuracy"] = [None if each is None else each.accuracy for each in new]
    return {
        name: values
        for name, values in columns.items()
        if any(value is not None for value in values)
    }


def _notes(estimates: Sequence[Estimate], own: bool) -> tuple[str, ...]:
    notes = ["Loss is the mean of −log density over rows, constants included."]
    if own and any(one.specification.practice.held_out is not None for one in estimates):
        notes.append("Val. Loss is that of the rows that a fit itself held out of its training.")
    return (*notes, *_unlike(estimates))


def _unlike(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """Return why criteria of fits do not compare; nothing where they do."""
    notes = []
    if len({estimate.nobs for estimate in estimates}) > 1:
        notes.append("The fits have different rows: only losses a row compare, not criteria.")
    if len({estimate.frame.response.name for estimate in estimates}) > 1:
        notes.append("The fits have different responses, whose likelihoods do not compare.")
    return tuple(notes)
