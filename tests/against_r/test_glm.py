"""Generalised linear models against R's ``glm``: every number of ``tests/reference/glm.json``.

R's numbers come from fits that were iterated until nothing moved. What is left in some of them is
the rounding of R's own last steps, up to 2e-9 relative in what is small (residuals, leverages).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

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

CASES = {case["id"]: case for case in cases("glm")}
every_case = pytest.mark.parametrize("name", CASES)
with_dispersion = [name for name in CASES if CASES[name]["family"] in ("gaussian", "Gamma")]


@cache
def fitted(name: str) -> sd.Fit:
    case = CASES[name]
    family = case["family"].lower()
    return sd.glm(case["formula"], frame(case), family, link=case["link"], **arguments(case))


def reference(name: str) -> dict[str, Any]:
    return CASES[name]["result"]


@every_case
def test_coefficients(name):
    fit, expected = fitted(name), reference(name)["coefficients"]
    se = numbers(expected["se"])
    assert list(map(without_brackets, fit.params.index)) == list(
        map(in_our_words, expected["names"])
    )
    agree(fit.coef(), numbers(expected["estimate"]), scale=se)
    agree(fit.bse, se)
    agree(fit.tvalues, numbers(expected["statistic"]), scale=1.0)
    agree_p(fit.pvalues, numbers(expected["p"]))


@every_case
@pytest.mark.parametrize("level", ["0.95", "0.9"])
def test_confidence_limits(name, level):
    # R's confint.default takes normal quantiles for every family. Where the dispersion is
    # estimated, R's own tests (summary.glm) take t, and so do our tests and intervals.
    fit, expected = fitted(name), reference(name)["confint_default"][level]
    upper = 0.5 + float(level) / 2
    wider = 1.0
    if name in with_dispersion:
        wider = stats.t.ppf(upper, fit.df_residual()) / stats.norm.ppf(upper)
    estimate = numbers(reference(name)["coefficients"]["estimate"])
    se = numbers(reference(name)["coefficients"]["se"])
    found = fit.confint(float(level)).to_numpy()
    for column, side in enumerate(("lower", "upper")):
        limit = estimate + wider * (numbers(expected[side]) - estimate)
        agree(found[:, column], limit, scale=se)


@every_case
def test_covariance(name):
    expected = numbers(reference(name)["vcov"])
    root = np.sqrt(np.diag(expected))
    agree(fitted(name).vcov(), expected, scale=np.outer(root, root))


@every_case
def test_measures_of_fit(name):
    fit, expected = fitted(name), reference(name)["statistics"]
    assert fit.nobs == expected["nobs"]
    assert fit.df_residual() == expected["df_residual"]
    assert fit.logLik().df == expected["loglik_df"]
    agree(sd.deviance(fit), expected["deviance"])
    agree(fit.null_deviance, expected["null_deviance"])
    agree(fit.scale, expected["dispersion"])
    agree(fit.pearson_chi2, expected["pearson_chi2"])


@pytest.mark.parametrize("name", [name for name in CASES if name != "mtcars-gamma-weights"])
def test_log_likelihood_and_criteria(name):
    fit, expected = fitted(name), reference(name)["statistics"]
    agree(sd.logLik(fit).value, expected["loglik"])
    agree(sd.AIC(fit), expected["aic"])
    agree(sd.BIC(fit), expected["bic"])


def test_prior_weights_of_a_gamma_model_divide_its_dispersion():
    # R fits with variance φ μ²/w, yet its logLik takes the density of dispersion φ to the power w,
    # as if w were a count of rows, and so changes when all weights are doubled, which changes
    # nothing in the model. Ours is the density that was fitted, of shape w/φ, φ = deviance/n.
    name = "mtcars-gamma-weights"
    fit, expected = fitted(name), reference(name)["statistics"]
    data = frame(CASES[name])
    y, w, mean = data["disp"], data["gear"], np.asarray(fit.fitted())

    def log_density(shape):
        return stats.gamma.logpdf(y, a=shape, scale=mean / shape)

    as_counts = w @ log_density(w.sum() / fit.deviance)
    agree(as_counts, expected["loglik"])
    agree(fit.logLik().value, log_density(w * fit.nobs / fit.deviance).sum())
    doubled = fit.update(weights=2 * w)
    agree(doubled.logLik().value, fit.logLik().value)


@every_case
@pytest.mark.parametrize("kind", ["response", "pearson", "working", "deviance"])
def test_residuals(name, kind):
    found = np.asarray(sd.residuals(fitted(name), type=kind))[:20]
    agree_in_size(found, numbers(reference(name)["residuals"][kind]))


@every_case
def test_fitted_values_leverage_and_influence(name):
    fit, expected = fitted(name), reference(name)
    agree(np.asarray(fit.fitted())[:20], numbers(expected["fitted"]))
    link = np.asarray(fit.predict(type="link"))[:20]
    agree_in_size(link, numbers(expected["linear_predictor"]))
    agree(np.asarray(fit.leverage())[:20], numbers(expected["leverage"]))
    agree_in_size(np.asarray(fit.cooks_distance())[:20], numbers(expected["cooks_distance"]))
    for kind in ("deviance", "pearson"):
        theirs = numbers(expected["residuals"][f"standardized_{kind}"])
        agree_in_size(residual.standardised(fit.estimate, kind)[:20], theirs)


@every_case
@pytest.mark.parametrize("scale", ["link", "response"])
def test_predictions_with_standard_errors(name, scale):
    found = fitted(name).predict(new_frame(CASES[name]), scale, se_fit=True)
    expected = reference(name)["predict"][scale]
    se = numbers(expected["se"])
    agree(found["fit"], numbers(expected["fit"]), scale=se)
    agree(found["se_fit"], se)


@every_case
@pytest.mark.parametrize("level", [0.95, 0.9])
def test_confidence_limits_of_means_are_those_of_the_link(name, level):
    # R has no interval= for glm: limits are η ± c·se by its link predictions, carried to the mean.
    fit, case = fitted(name), CASES[name]
    link = reference(name)["predict"]["link"]
    df = fit.df_residual() if name in with_dispersion else np.inf
    half = stats.t.ppf(0.5 + level / 2, df) * numbers(link["se"])
    on_link = fit.predict(new_frame(case), "link", interval="confidence", level=level)
    agree(on_link["lwr"], numbers(link["fit"]) - half, scale=half)
    agree(on_link["upr"], numbers(link["fit"]) + half, scale=half)
    inverse = {
        "identity": lambda eta: eta,
        "log": np.exp,
        "inverse": lambda eta: 1 / eta,
        "sqrt": np.square,
        "logit": stats.logistic.cdf,
        "probit": stats.norm.cdf,
        "cauchit": stats.cauchy.cdf,
        "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    }[case["link"]]
    ends = np.sort([inverse(numbers(link["fit"]) + sign * half) for sign in (-1, 1)], axis=0)
    on_mean = fit.predict(new_frame(case), interval="confidence", level=level)
    agree(on_mean[["lwr", "upr"]].to_numpy().T, ends)


@every_case
def test_terms(name):
    fit, expected = fitted(name), reference(name)["predict"]["terms"]
    found = fit.predict(new_frame(CASES[name]), type="terms")
    values = numbers(expected["values"])
    assert list(map(in_our_words, found.columns)) == list(map(in_our_words, expected["names"]))
    agree_in_size(found.to_numpy(), values)
    X = fit.estimate.frame.design.encode(new_frame(CASES[name])).X
    (constant,) = terms.term_contributions(fit.estimate, X, se_fit=False).constant
    agree(constant, expected["constant"], scale=np.abs(values).max())


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name]["family"] == "binomial"])
def test_classes_are_cut_at_one_half(name):
    probability = numbers(reference(name)["predict"]["response"]["fit"])
    levels = fitted(name).levels
    found = list(fitted(name).predict(new_frame(CASES[name]), type="class"))
    assert found == [levels[int(p >= 0.5)] for p in probability]


#: R's column → ours. A gaussian model with the identity link has lm's table: the same numbers, with
#: sums of squares for deviances, a row of residuals, and no row for the model without terms.
COLUMNS = {
    "df": ("Df", "Df"),
    "deviance": ("Deviance", "Sum Sq"),
    "sum_sq": ("Deviance", "Sum Sq"),
    "df_residual": ("Resid. Df", None),
    "residual_deviance": ("Resid. Dev", None),
    "chi2": ("Chisq", "Chisq"),
    "f": ("F", "F"),
}
TABLES = [
    (name, test, typ) for name in CASES for test in reference(name)["anova"] for typ in (1, 2, 3)
]


@pytest.mark.parametrize(("name", "test", "typ"), TABLES)
def test_analysis_of_deviance(name, test, typ):
    expected = reference(name)["anova"][test][str(typ)]
    table = fitted(name).anova(typ=typ, test=test).to_frame()
    terms = [in_our_words(term) for term in expected["terms"]]
    linear = "Sum Sq" in table
    shown = [k for k, term in enumerate(terms) if term in set(map(in_our_words, table.index))]
    assert set(terms) - {terms[k] for k in shown} <= {"NULL" if linear else "Residuals"}
    ours = table.set_axis(list(map(in_our_words, table.index))).loc[[terms[k] for k in shown]]
    for theirs, names in COLUMNS.items():
        column = names[int(linear)]
        if theirs in expected and column is not None:
            agree(ours[column], numbers(expected[theirs])[shown], rtol=1e-8)
    agree_p(ours[f"Pr(>{test})"], numbers(expected["p"])[shown])
