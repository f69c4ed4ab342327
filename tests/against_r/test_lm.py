"""Linear models against R's ``lm``: every number of every case of ``tests/reference/lm.json``."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

import statdl as sd
from statdl.infer import residual, terms
from tests.agreement import agree, agree_in_size, agree_p
from tests.reference import (
    arguments,
    cases,
    frame,
    in_our_words,
    new_frame,
    numbers,
    without_brackets,
)

CASES = {case["id"]: case for case in cases("lm")}
every_case = pytest.mark.parametrize("name", CASES)
LEVELS = ("0.95", "0.9")

#: Longley's columns are nearly dependent (κ = 5e9, 4e4 after scaling). R has 11 digits of the
#: coefficients by QR; a variance from XᵀX loses 2 log₁₀ κ of its 16 digits, which leaves 7 or 8.
LOOSER = {"longley": 1e-7}


@cache
def fitted(name: str) -> sd.Fit:
    case = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.RankWarning)
        return sd.lm(case["formula"], data=frame(case), **arguments(case))


def reference(name: str) -> dict[str, Any]:
    return CASES[name]["result"]


def rtol(name: str) -> float:
    return LOOSER.get(name, 1e-8)


@every_case
def test_coefficients(name):
    fit, expected = fitted(name), reference(name)["coefficients"]
    se = numbers(expected["se"])
    agree(fit.coef(), numbers(expected["estimate"]), scale=se)
    agree(fit.bse, se, rtol=rtol(name))
    agree(fit.tvalues, numbers(expected["statistic"]), rtol=rtol(name), scale=1.0)
    agree_p(fit.pvalues, numbers(expected["p"]), rtol=rtol(name))


@every_case
def test_coefficients_are_those_of_r_in_its_order(name):
    expected = [in_our_words(label) for label in reference(name)["coefficients"]["names"]]
    assert [without_brackets(label) for label in fitted(name).params.index] == expected


@every_case
@pytest.mark.parametrize("level", LEVELS)
def test_confidence_limits(name, level):
    found = fitted(name).confint(float(level))
    expected = reference(name)["confint"][level]
    se = numbers(reference(name)["coefficients"]["se"])
    tail = 100 * (1 - float(level)) / 2
    assert list(found.columns) == [f"{tail:g} %", f"{100 - tail:g} %"]
    agree(found.iloc[:, 0], numbers(expected["lower"]), rtol=rtol(name), scale=se)
    agree(found.iloc[:, 1], numbers(expected["upper"]), rtol=rtol(name), scale=se)


@every_case
def test_covariance(name):
    expected = numbers(reference(name)["vcov"])
    root = np.sqrt(np.diag(expected))
    agree(fitted(name).vcov(), expected, rtol=10 * rtol(name), scale=np.outer(root, root))


@every_case
def test_measures_of_fit(name):
    fit, expected = fitted(name), reference(name)["statistics"]
    log_likelihood = fit.logLik()
    assert fit.nobs == expected["nobs"] == log_likelihood.nobs
    assert fit.df_residual() == expected["df_residual"]
    assert fit.estimate.rank == expected["rank"]
    assert log_likelihood.df == expected["loglik_df"]
    agree(fit.sigma, expected["sigma"])
    agree(sd.deviance(fit), expected["deviance"])
    agree(log_likelihood.value, expected["loglik"])
    agree(fit.AIC(), expected["aic"])
    agree(fit.BIC(), expected["bic"])


@pytest.mark.parametrize("name", [name for name in CASES if "offset" not in name])
def test_r_squared_and_f(name):
    fit, expected = fitted(name), reference(name)["statistics"]
    agree(fit.rsquared, expected["rsquared"])
    agree(fit.rsquared_adj, expected["rsquared_adj"])
    agree(fit.fvalue, expected["fstatistic"]["value"])
    agree_p(fit.f_pvalue, expected["fstatistic"]["p"])


@pytest.mark.parametrize("name", [name for name in CASES if "offset" in name])
def test_an_offset_is_no_part_of_what_r_squared_explains(name):
    # summary.lm takes the fitted values, offset included, for what the model explains, so that its
    # F no longer compares the model with the intercept alone. Ours does, as anova shows; R's R² is
    # reproduced from its formula to show that nothing else differs.
    fit, expected = fitted(name), reference(name)["statistics"]
    rows = fit.estimate.objective.rows
    w = np.ones(fit.nobs) if rows.weights is None else rows.weights
    mean = np.asarray(fit.fittedvalues)
    explained = w @ (mean - w @ mean / w.sum()) ** 2
    agree(explained / (explained + fit.deviance), expected["rsquared"])
    smaller = fit.update(". ~ 1 + offset(qsec)" if "formula" in name else ". ~ 1")
    table = sd.anova(smaller, fit)
    agree(fit.fvalue, table["F"][1])
    agree_p(fit.f_pvalue, table["Pr(>F)"][1])
    agree(fit.rsquared, 1 - fit.deviance / smaller.deviance)


@every_case
@pytest.mark.parametrize("kind", ["response", "pearson", "working", "deviance"])
def test_residuals(name, kind):
    found = np.asarray(fitted(name).residuals(kind))[:20]
    agree_in_size(found, numbers(reference(name)["residuals"][kind]))


@every_case
def test_fitted_values_leverage_and_influence(name):
    fit, expected = fitted(name), reference(name)
    agree(np.asarray(sd.fitted(fit))[:20], numbers(expected["fitted"]))
    agree(np.asarray(fit.leverage())[:20], numbers(expected["leverage"]), rtol=rtol(name))
    found = np.asarray(fit.cooks_distance())[:20]
    agree_in_size(found, numbers(expected["cooks_distance"]), rtol=10 * rtol(name))
    standardized = residual.standardised(fit.estimate, "pearson")[:20]
    agree_in_size(standardized, numbers(expected["residuals"]["standardized"]), rtol=rtol(name))


@every_case
def test_predictions_with_standard_errors(name):
    found = fitted(name).predict(new_frame(CASES[name]), se_fit=True)
    expected = reference(name)["predict"]
    agree(found["fit"], numbers(expected["fit"]))
    agree(found["se_fit"], numbers(expected["se"]), rtol=rtol(name))
    agree(fitted(name).predict(new_frame(CASES[name])), numbers(expected["fit"]))


@every_case
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["confidence", "prediction"])
def test_prediction_intervals(name, kind, level):
    found = fitted(name).predict(new_frame(CASES[name]), interval=kind, level=float(level))
    expected = reference(name)["predict"][kind][level]
    agree(found["lwr"], numbers(expected["lower"]), rtol=rtol(name))
    agree(found["upr"], numbers(expected["upper"]), rtol=rtol(name))


@every_case
def test_terms(name):
    fit, expected = fitted(name), reference(name)["predict"]["terms"]
    found = fit.predict(new_frame(CASES[name]), type="terms")
    values = numbers(expected["values"])
    assert list(map(in_our_words, found.columns)) == list(map(in_our_words, expected["names"]))
    agree_in_size(found.to_numpy(), values)
    X = fit.estimate.frame.design.encode(new_frame(CASES[name])).X
    (constant,) = terms.term_contributions(fit.estimate, X, se_fit=False).constant
    if np.isfinite(constant) and expected["constant"] is not None:
        agree(constant, expected["constant"], scale=np.abs(values).max())


#: car has no table of type III for aliased coefficients
TABLES = [(name, typ) for name in CASES for typ in (1, 2, 3) if reference(name)["anova"][str(typ)]]


@pytest.mark.parametrize(("name", "typ"), TABLES)
def test_analysis_of_variance(name, typ):
    expected = reference(name)["anova"][str(typ)]
    found = fitted(name).anova(typ=typ)
    assert list(map(in_our_words, found.index)) == list(map(in_our_words, expected["terms"]))
    agree(found["Df"], numbers(expected["df"]))
    agree(found["Sum Sq"], numbers(expected["sum_sq"]), rtol=rtol(name))
    agree(found["F"], numbers(expected["f"]), rtol=rtol(name))
    agree_p(found["Pr(>F)"], numbers(expected["p"]), rtol=rtol(name))
    if typ == 1:
        agree(found["Mean Sq"], numbers(expected["mean_sq"]), rtol=rtol(name))
