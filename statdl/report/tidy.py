"""A fit as tables to compute with: its coefficients, itself in one row, its rows.

Columns are broom's, from :mod:`statdl.report.vocabulary`, and hold R's values.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.array import Array, namespace, to_numpy
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.distribution import check_level
from statdl.infer.effects import Effects
from statdl.infer.goodness import Goodness
from statdl.infer.influence import influence
from statdl.infer.predict import Prediction, check, classes
from statdl.infer.residual import residuals, response_matrix
from statdl.infer.wald import Coefficients, coefficients
from statdl.report.margins import inference_columns
from statdl.report.vocabulary import vetted

#: Columns of ``augment`` and R's measures of influence that they hold.
INFLUENCE = {
    ".hat": "hat",
    ".sigma": "sigma",
    ".cooksd": "cooks.distance",
    ".std.resid": "rstandard",
}


def tidy_columns(
    estimate: Estimate, level: float | None, exponentiate: bool = False
) -> dict[str, Any]:
    """Return one row a coefficient, class by class where there are several."""
    specification = estimate.specification
    names = specification.coefficient_names
    found = _turned(coefficients(estimate))
    columns: dict[str, Any] = {}
    if specification.tables > 1:
        outputs = [str(one) for one in specification.output_names]
        columns["y.level"] = [output for output in outputs for _ in names]
    columns["term"] = list(names) * specification.tables
    columns |= inference_columns(found, None if level is None else check_level(level))
    if exponentiate:
        for name in {"estimate", "conf.low", "conf.high"} & set(columns):
            columns[name] = np.exp(columns[name])
    return vetted(columns)


def _turned(table: Coefficients) -> Coefficients:
    """Return the coefficients one output after the other."""
    return Coefficients(table.estimate.T, table.standard_error.T, table.df, table.tested)


def effects_columns(effects: Effects, level: float | None) -> dict[str, Any]:
    """Return one row an effect: of a network, whose weights mean little one by one."""
    count = max(1, len(effects.labels))
    columns: dict[str, Any] = {"term": [name for name in effects.names for _ in range(count)]}
    if effects.labels:
        columns["group"] = list(effects.labels) * len(effects.names)
    columns |= inference_columns(effects.inference, None if level is None else check_level(level))
    return vetted(columns)


def glance_columns(goodness: Goodness) -> dict[str, Any]:
    """Return a fit in one row: broom's columns for its kind of model."""
    estimate = goodness.estimate
    likelihood = goodness.log_likelihood()
    criteria = {
        "logLik": likelihood.value,
        "AIC": -2 * likelihood.value + 2 * likelihood.df,
        "BIC": -2 * likelihood.value + math.log(likelihood.nobs) * likelihood.df,
    }
    left = {"deviance": estimate.deviance, "df.residual": float(estimate.df_resid)}
    if estimate.specification.least_squares:
        shown = {**_variance_explained(goodness), **criteria, **left}
    elif estimate.specification.plan is not None or estimate.outputs > 1:
        sigma = {} if estimate.family.dispersion_known else {"sigma": estimate.dispersion**0.5}
        shown = {"edf": goodness.parameters, **sigma, **criteria, **left}
    else:
        null = goodness.null
        free = float(estimate.nobs - estimate.outputs * estimate.objective.intercept)
        shown = {
            "null.deviance": null.estimate.deviance, "df.null": free, **criteria, **left
        }  # fmt: skip
    return vetted({name: [value] for name, value in {**shown, "nobs": estimate.nobs}.items()})


def _variance_explained(goodness: Goodness) -> dict[str, float]:
    return {
        "r.squared": goodness.rsquared,
        "adj.r.squared": goodness.rsquared_adj,
        "sigma": math.sqrt(goodness.estimate.dispersion),
        "statistic": goodness.fvalue,
        "p.value": goodness.f_pvalue,
        "df": goodness.df_model,
    }


def augment_columns(estimate: Estimate, found: Prediction, kind: str, own: bool) -> dict[str, Any]:
    """Return what a fit says of rows; of its ``own`` rows residuals and influence as well."""
    if found.fit.shape[1] > 1:
        return _of_classes(estimate, found.fit, own)
    columns = {
        ".fitted": found.fit,
        ".lower": found.lower,
        ".upper": found.upper,
        ".se.fit": found.standard_error,
    }
    shown = {name: to_numpy(part[:, 0]) for name, part in columns.items() if part is not None}
    if own:
        shown[".resid"] = to_numpy(residuals(estimate, kind)[:, 0])
        shown |= _influence(estimate)
    return vetted(shown)


def _influence(estimate: Estimate) -> dict[str, Any]:
    """Return measures of influence, where they are defined."""
    try:
        found = to_numpy(influence(estimate, tuple(INFLUENCE.values()), dfbetas=False))
    except ModelError:
        return {}
    return dict(zip(INFLUENCE, found, strict=True))


def _of_classes(estimate: Estimate, mean: Array, own: bool) -> dict[str, Any]:
    xp = namespace(mean)
    shown: dict[str, Any] = {
        ".class": [None if one is None else str(one) for one in classes(estimate, mean)],
        ".probability": to_numpy(xp.max(mean, axis=1)),
    }
    if own:
        fitted = to_numpy(xp.sum(mean * response_matrix(estimate), axis=1))
        shown |= {".fitted": fitted, ".resid": 1 - fitted}
    return vetted(shown)


def check_augment(estimate: Estimate, scale: str, se_fit: bool, interval: str | None) -> None:
    """Refuse what rows cannot be given."""
    check(estimate, scale, se_fit, interval)
    if scale not in ("response", "link"):
        raise ModelError(f"type_predict={scale!r} is not known; choose response or link.")
    classes_ = estimate.family.name == "multinomial"
    if classes_ and (se_fit or interval is not None or scale == "link"):
        raise ModelError(
            "augment() gives the most probable class and its probability; for errors and limits "
            "of every class use predict(se_fit=True) or predictions()."
        )
