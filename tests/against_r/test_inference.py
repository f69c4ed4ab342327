"""Intervals and tests against R: every case of tests/reference/inference.json."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import statdl as sd
from tests.agreement import agree, agree_p
from tests.reference import arguments, frame, groups, in_our_words, numbers

GROUPS = groups("inference")
FRONTS = {"lm": sd.lm, "glm": sd.glm, "multinom": sd.multinom}


def each(group):
    return pytest.mark.parametrize("case", GROUPS[group], ids=lambda case: case.get("id", ""))


def fitted(case, formula=None):
    model = case.get("model", "glm" if case.get("family") else "multinom")
    options = arguments(case)
    if model == "glm":
        options |= {"family": case["family"].lower(), "link": case["link"]}
    return FRONTS[model](formula or case["formula"], data=frame(case), **options)


@each("profile")
def test_profile_limits(case):
    found = fitted(case).confint(method="profile")
    expected = case["result"]
    agree(found["2.5 %"], expected["lower"], rtol=1e-7)
    agree(found["97.5 %"], expected["upper"], rtol=1e-7)
    if case["family"] != "Gamma":  # there R interpolates a profile cut at the normal, we at t
        np.testing.assert_allclose(found, numbers(expected["interpolated"]), rtol=1e-3)


@each("multinom_profile")
def test_profile_limits_of_several_classes(case):
    found = fitted(case).confint(method="profile")
    agree(found["2.5 %"], case["result"]["lower"], rtol=1e-7)
    agree(found["97.5 %"], case["result"]["upper"], rtol=1e-7)


@each("rao")
def test_score_tests(case):
    small, large = fitted(case), fitted(case, case["larger"])
    expected = case["result"]
    table = small.anova(large, test="Rao")
    agree(table["Rao"][1], expected["rao"])
    agree(table["Chisq"][1], expected["rao"] / expected["dispersion"])
    agree_p(table["Pr(>Chisq)"][1], expected["p"])
    table = large.anova(test="Rao")
    # the weights of R's inner fits are those of the step before the last
    agree(table["Rao"], numbers(expected["sequence"]["rao"]), rtol=1e-7)
    agree_p(table["Pr(>Chisq)"], numbers(expected["sequence"]["p"]), rtol=1e-7)


@each("hypotheses")
def test_linear_hypotheses(case):
    fit, expected = fitted(case), case["result"]
    table = fit.wald(", ".join(case["hypotheses"]), vcov=case["vcov"])
    letter = "F" if case["model"] == "lm" else "Chisq"
    assert table["Df"][-1] == expected["df"]
    agree(table[letter][-1], expected["statistic"])
    agree_p(table[f"Pr(>{letter})"][-1], expected["p"])


@each("delta")
def test_delta_method(case):
    table = fitted(case).delta(case["expressions"])
    agree(table["Estimate"], case["result"]["estimate"])
    agree(table["Std. Error"], case["result"]["se"])


@each("adjust")
def test_adjusted_p_values(case):
    p = np.atleast_1d(numbers(case["p"]))
    for method, expected in case.items():
        if method != "p":
            agree(sd.adjust(p, method), np.atleast_1d(numbers(expected)), rtol=1e-12)


def _single(table, expected, test):
    assert [in_our_words(term) for term in expected["terms"]] == list(table.index)
    agree(table["Df"], numbers(expected["df"]))
    agree(table["AIC" if "AIC" in table.columns else "BIC"], expected["aic"])
    agree(table["F" if test == "F" else "Chisq"], numbers(expected["statistic"]))
    agree_p(table["Pr(>F)" if test == "F" else "Pr(>Chisq)"], numbers(expected["p"]))


@each("stepwise")
def test_single_terms(case):
    fit, expected = fitted(case), case["result"]
    options = {"test": case["test"], "k": case["k"]}
    if expected["drop1"]["terms"] != "<none>" and len(expected["drop1"]["terms"]) > 1:
        _single(fit.drop1(**options), expected["drop1"], case["test"])
    _single(fit.add1(case["scope"], **options), expected["add1"], case["test"])


@each("single_f")
def test_f_tests_of_single_terms_divide_by_the_mean_deviance(case):
    fit = fitted(case)
    for table, expected in (
        (fit.drop1(test="F"), case["result"]["drop1"]),
        (fit.add1(case["scope"], test="F"), case["result"]["add1"]),
    ):
        assert [in_our_words(term) for term in expected["terms"]] == list(table.index)
        agree(table["F"], numbers(expected["statistic"]))
        agree_p(table["Pr(>F)"], numbers(expected["p"]))


@each("stepwise")
def test_stepwise_searches(case):
    fit, expected = fitted(case), case["result"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = fit.step(case["scope"], case["direction"], k=case["k"])
        back = fit.step(k=case["k"])
    for found, way in ((chosen, expected["step"]), (back, expected["backward"])):
        steps = [step.replace("start", "") for step in found.table.index]
        assert steps == [
            in_our_words(s).replace("-", "- ").replace("+", "+ ") for s in way["steps"]
        ]
        agree(found.table["Df"], numbers(way["df"]))
        agree(found.table["Deviance"], numbers(way["deviance"]), scale=1.0)
        agree(found.table["Resid. Dev"], numbers(way["resid_dev"]))
        agree(found.table[list(found.table.columns)[-1]], numbers(way["aic"]))
        terms = {frozenset(in_our_words(term).split(":")) for term in way["terms"]}
        assert {term.factors for term in found.fit.estimate.frame.design.terms} == terms
