"""What reports say of results, as it is read."""

from __future__ import annotations

import re

import numpy as np
import pytest

import statdl as sd
from statdl.infer.hypothesis import HypothesisTest
from statdl.report.reading import comparison_readings, fit_readings, read_test
from statdl.report.reading.words import factor, p_words

CARS = sd.datasets.load("mtcars")


def said(fit, level=0.95):
    return {one.subject: one.text for one in fit_readings(fit.goodness, level)}


def printed(fit):
    return "\n".join(f"{one.subject}: {one.text}" for one in fit_readings(fit.goodness))


def test_golden(golden):
    golden("reading-linear.txt", printed(sd.lm("mpg ~ wt + hp + factor(cyl)", data=CARS)))
    binary = sd.glm("am ~ wt + hp", data=CARS, family="binomial")
    golden("reading-logistic.txt", printed(binary))
    housing = sd.datasets.load("housing")
    tenants = sd.multinom("Sat ~ Infl + Cont", data=housing, weights="Freq")
    golden("reading-multinomial.txt", printed(tenants))


def test_numbers_are_those_of_the_fit():
    fit = sd.lm("mpg ~ wt + hp", data=CARS)
    text = said(fit)["wt"]
    low, high = fit.conf_int().loc["wt"]
    assert f"lower by {abs(fit.params['wt']):.3g}" in text
    assert f"{low:.3g} to {high:.3g}".replace("-", "−") in text
    assert "p < 0.001" in text


def test_what_is_not_significant_is_not_said_to_be_absent():
    text = said(sd.lm("mpg ~ wt + hp + factor(cyl)", data=CARS))["hp"]
    assert "includes 0 (p = 0.064)" in text
    assert "compatible with no difference" in text
    assert "no effect" not in text


def test_the_level_decides_what_is_claimed():
    fit = sd.lm("mpg ~ wt + hp + factor(cyl)", data=CARS)
    assert "includes 0" not in said(fit, 0.9)["hp"]
    assert "90 % interval" in said(fit, 0.9)["hp"]


def test_likelihood_ratios_are_believed_before_wald_tests():
    fit = sd.glm("am ~ poly(wt, 2) + hp", data=CARS, family="binomial")
    readings = said(fit)
    assert f"likelihood ratio, χ²(3) = {fit.llr:.3g}, p < 0.001" in readings["All terms"]
    assert "Hauck" in readings["Wald tests"]
    assert "Wald tests" not in said(sd.glm("am ~ wt + hp", data=CARS, family="binomial"))
    assert "Wald" in said(fit.with_covariance("HC0"))["All terms"]


def test_odds_ratios_are_ratios():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial")
    ratio = np.exp(fit.params["wt"])
    text = said(fit)["wt"]
    assert f"the odds that am is 1 are multiplied by {ratio:.3g}" in text


def test_rate_ratios_near_1_keep_the_digits_that_matter():
    text = said(sd.glm("carb ~ hp", data=CARS, family="poisson"))["hp"]
    assert re.search(r"the mean of carb is multiplied by 1\.00\d\d", text)
    assert factor(1.0) == "1.00"


def test_coefficients_of_an_interaction_are_not_read_one_by_one():
    readings = said(sd.lm("mpg ~ wt * hp", data=CARS))
    assert "additional unit" not in readings["wt"]
    assert readings["wt"].startswith("wt enters by wt and wt:hp")
    assert "F(2, 28)" in readings["wt"]
    assert "wt:hp" not in readings


def test_a_polynomial_is_tested_as_a_whole():
    fit = sd.lm("mpg ~ poly(wt, 2) + hp", data=CARS)
    expected = fit.wald("poly(wt, 2)[1] = 0, poly(wt, 2)[2] = 0")["F"][-1]
    assert f"F(2, 28) = {expected:.3g}" in said(fit)["wt"]


def test_a_factor_names_both_levels_and_is_tested_as_a_whole():
    readings = said(sd.lm("mpg ~ factor(cyl)", data=CARS))
    assert readings["factor(cyl)[T.8]"].startswith("Where factor(cyl) is 8 rather than 4")
    assert "F(2, 29) = 39.7" in readings["factor(cyl)"]


def test_shrunken_estimates_have_no_tests():
    readings = said(sd.lm("mpg ~ wt + hp", data=CARS, penalty=10.0))
    assert readings["wt"].endswith("after shrinkage.")
    assert not any("p =" in text or "p <" in text for text in readings.values())
    assert "2.63 effective degrees of freedom" in readings["Penalty"]


def test_a_robust_covariance_is_named():
    fit = sd.lm("mpg ~ wt", data=CARS).with_covariance("HC3")
    assert "HC3" in said(fit)["Standard errors"]


@pytest.mark.filterwarnings("ignore::statdl.SeparationWarning")
def test_a_fit_without_a_maximum_is_not_read():
    fit = sd.glm("am ~ I(wt < 3.3) + gear", data=CARS, family="binomial")
    readings = said(fit)
    assert set(readings) == {"Model", "Not an estimate"}
    assert "separated" in readings["Not an estimate"]


@pytest.mark.filterwarnings("ignore::statdl.RankWarning")
def test_what_is_not_estimable_is_said():
    readings = said(sd.lm("mpg ~ wt + I(2 * wt)", data=CARS))
    assert readings["Not estimable"].startswith("I(2 * wt) is a combination")
    assert "F(1, 30)" in readings["wt"]


def test_no_sentence_says_cause():
    text = printed(sd.lm("mpg ~ wt + hp", data=CARS))
    assert text.count("cause") == 1
    assert "none of them says that one thing causes another" in text


def test_networks_are_read_by_effects():
    net = sd.mlp("mpg ~ wt + hp", data=CARS, hidden=1, restarts=3)
    readings = said(net)
    effect = net.effects()["Effect"][0]
    assert f"the mean of mpg is lower by {abs(effect):.3g}" in readings["wt"]
    assert "tell all weights apart" in readings["Weights"]
    assert readings["Starts"].startswith("Of 3 random starts")
    assert "guide" in readings["wt as a whole"]


def test_networks_with_decay_have_intervals_and_no_tests():
    readings = said(sd.mlp("mpg ~ wt + hp", data=CARS, hidden=2, decay=0.1))
    assert "without the bias of shrinkage" in readings["wt"]
    assert not any("p =" in text or "p <" in text for text in readings.values())


def test_training_that_is_no_minimum_has_effects_without_errors():
    method = sd.GradientDescent(sd.Adam(0.1), batch=8, epochs=5, seed=0)
    readings = said(sd.mlp("mpg ~ wt", data=CARS, hidden=2, method=method, seed=0))
    assert "interval" not in readings["wt"]
    assert "not a minimum" in readings["Training"]


def test_a_singular_network_says_how_much_is_determined():
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, restarts=5)
    assert net.identification.value == "singular"
    readings = said(net)
    assert re.match(r"The data determine \d of 7 directions", readings["Weights"])
    assert "wt as a whole" not in readings
    assert "lower by" in readings["wt"]


def test_a_test_reads_both_ways():
    null = "the errors are normal."
    kept = read_test(HypothesisTest("Jarque-Bera test", "JB", 1.9, {"df": 2}, 0.39, null))
    assert kept.text.startswith("At the 5 % level the data are compatible with the hypothesis that")
    rejected = read_test(HypothesisTest("Jarque-Bera test", "JB", 9.9, {"df": 2}, 0.007, null))
    assert rejected.text == (
        "The data speak against the hypothesis that the errors are normal (JB = 9.90, df = 2, "
        "p = 0.007)."
    )


def test_fits_to_other_rows_are_not_ranked():
    [only] = comparison_readings(("(1)", "(2)"), {"AIC": (1.0, 2.0)}, False)
    assert "no sentence ranks them" in only.text
    line = sd.lm("mpg ~ wt", data=CARS)
    fewer = sd.lm("mpg ~ wt", data=CARS.head(20))
    assert not sd.compare(line, fewer).comparable


def test_a_fit_without_a_criterion_is_named():
    found = comparison_readings(("a", "b", "c"), {"AIC": (3.0, float("nan"), 1.0)}, True)
    assert found[0].text.startswith("AIC is lowest for c, 1.000; a is higher by 2.00. b has none.")


@pytest.mark.parametrize(
    ("p", "text"), [(0.04999, "p = 0.050"), (0.0996, "p = 0.10"), (1.0, "p = 1.00")]
)
def test_p_values_as_words(p, text):
    assert p_words(p) == text
