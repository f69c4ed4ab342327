"""Multinomial models against R: every number of every case of ``tests/reference/multinom.json``.

nnet stops short of the maximum, so R's numbers are of Newton's method from nnet's estimate. nnet
leaves the multinomial coefficients of a matrix of counts out of its log-likelihood and calls −2
times the rest the deviance; ours has them, and a deviance of 0 for a model that fits exactly.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit, xlogy

import statdl as sd
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

CASES = {case["id"]: case for case in cases("multinom")}
every_case = pytest.mark.parametrize("name", CASES)


@cache
def fitted(name: str) -> sd.Fit:
    case = CASES[name]
    return sd.multinom(case["formula"], data=frame(case), **arguments(case))


def reference(name: str) -> dict[str, Any]:
    return CASES[name]["result"]


@every_case
def test_coefficients(name):
    fit, expected = fitted(name), reference(name)["coefficients"]
    labels = list(map(in_our_words, expected["names"]))
    assert list(map(without_brackets, fit.params.index)) == labels
    assert list(fit.params.columns) == reference(name)["levels"][1:]
    se = numbers(expected["se"])
    agree(fit.coef().T, numbers(expected["estimate"]), scale=se)
    agree(fit.bse.T, se)
    agree(fit.tvalues.T, numbers(expected["statistic"]), scale=1.0)
    agree_p(fit.pvalues.T, numbers(expected["p"]))


@every_case
@pytest.mark.parametrize("level", ["0.95", "0.9"])
def test_confidence_limits(name, level):
    found = fitted(name).confint(float(level)).to_numpy().T
    expected = reference(name)["confint"][level]
    se = numbers(reference(name)["coefficients"]["se"]).ravel()
    agree(found[0], numbers(expected["lower"]).ravel(), scale=se)
    agree(found[1], numbers(expected["upper"]).ravel(), scale=se)


@every_case
def test_covariance(name):
    expected = numbers(reference(name)["vcov"])
    root = np.sqrt(np.diag(expected))
    agree(fitted(name).vcov(), expected, scale=np.outer(root, root))


@every_case
def test_log_likelihood_and_criteria(name):
    fit, expected = fitted(name), reference(name)["statistics"]
    log_likelihood = fit.logLik()
    constant = expected["loglik"] - expected["kernel"]
    assert fit.nobs == expected["rows"]
    assert log_likelihood.df == expected["edf"]
    assert log_likelihood.nobs == expected["total"]
    agree(log_likelihood.value, expected["loglik"])
    agree(fit.llnull, expected["null_kernel"] + constant)
    agree(sd.AIC(fit), expected["aic"] - 2 * constant)
    # BIC(multinom) in R: logLik has the number of trials for its attribute nobs
    agree(sd.BIC(fit), expected["edf"] * math.log(expected["total"]) - 2 * expected["loglik"])


@every_case
def test_deviance(name):
    fit, expected = fitted(name), reference(name)["statistics"]
    rows = fit.estimate.objective.rows
    shares = np.column_stack([1 - rows.y.sum(axis=1), rows.y])
    w = np.ones(fit.nobs) if rows.weights is None else rows.weights
    saturated = -2 * w @ xlogy(shares, shares).sum(axis=1)
    agree(fit.deviance, expected["deviance"] - saturated)


@every_case
def test_fitted_probabilities_and_residuals(name):
    fit, expected = fitted(name), reference(name)
    assert list(fit.fitted().columns) == expected["levels"]
    agree_in_size(fit.fitted()[:20], numbers(expected["fitted"]))
    agree_in_size(fit.residuals()[:20], numbers(expected["residuals"]["response"]))


@every_case
def test_predictions_with_standard_errors(name):
    fit, expected = fitted(name), reference(name)["predict"]
    new = new_frame(CASES[name])
    classes = len(fit.levels)
    found = fit.predict(new, se_fit=True).to_numpy()
    agree_in_size(found[:, :classes], numbers(expected["probability"]))
    agree(found[:, classes:], numbers(expected["probability_se"]))
    found = fit.predict(new, "link", se_fit=True).to_numpy()
    agree(found[:, : classes - 1], numbers(expected["link"]), scale=1.0)
    agree(found[:, classes - 1 :], numbers(expected["link_se"]))
    assert list(map(str, fit.predict(new, type="class"))) == expected["class"]


@every_case
@pytest.mark.parametrize("level", [0.95, 0.9])
def test_intervals_of_probabilities(name, level):
    # R has none. Each probability has its interval on its own log-odds, whose standard error
    # by the delta method is se / (p (1 − p)).
    fit, expected = fitted(name), reference(name)["predict"]
    p, se = numbers(expected["probability"]), numbers(expected["probability_se"])
    half = stats.norm.ppf(0.5 + level / 2) * se / (p * (1 - p))
    found = fit.predict(new_frame(CASES[name]), interval="confidence", level=level).to_numpy()
    classes = len(fit.levels)
    lower, upper = found[:, classes : 2 * classes], found[:, 2 * classes :]
    agree(lower, expit(logit(p) - half), scale=1.0)
    agree(upper, expit(logit(p) + half), scale=1.0)
    assert np.all((lower > 0) & (upper < 1))


@every_case
@pytest.mark.parametrize("typ", [1, 2, 3])
def test_analysis_of_deviance(name, typ):
    expected = reference(name)["anova"][str(typ)]
    table = fitted(name).anova(typ=typ).to_frame().drop(index="NULL", errors="ignore")
    assert list(map(in_our_words, table.index)) == list(map(in_our_words, expected["terms"]))
    agree(table["Df"], numbers(expected["df"]))
    agree(table["Chisq"], numbers(expected["chi2"]))
    agree(table["Deviance"], numbers(expected["chi2"]))
    agree_p(table["Pr(>Chisq)"], numbers(expected["p"]))
