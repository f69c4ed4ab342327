"""Simulated responses, and the likelihood ratio against them."""

import numpy as np
import pytest

import statdl as sd
from statdl.study.parametric import ratio_test, simulated_responses

CARS = sd.datasets.load("mtcars")


@pytest.mark.parametrize(
    ("formula", "front", "options"),
    [
        ("mpg ~ wt", sd.lm, {"weights": "cyl"}),
        ("carb ~ wt", sd.glm, {"family": "poisson"}),
        ("mpg ~ wt", sd.glm, {"family": "gamma", "link": "log"}),
        ("am ~ wt", sd.glm, {"family": "binomial"}),
        ("gear ~ wt", sd.multinom, {"weights": "cyl"}),
    ],
)
def test_simulated_responses_have_the_mean_and_variance_of_the_fit(formula, front, options):
    fit = front(formula, data=CARS, **options)
    estimate = fit.estimate
    drawn = simulated_responses(estimate, 4000, 0)
    mean = np.asarray(estimate.family.mean(estimate.eta))[:, -drawn.shape[2] :]
    variance = np.asarray(estimate.family.variance(estimate.eta))[:, -drawn.shape[2] :]
    weights = estimate.objective.rows.weights
    weights = np.ones(len(mean)) if weights is None else weights
    expected = estimate.dispersion * variance / weights[:, None]
    z = (drawn.mean(axis=0) - mean) / np.sqrt(expected / 4000)
    assert np.abs(z).max() < 5
    np.testing.assert_allclose(drawn.var(axis=0).mean(), expected.mean(), rtol=0.1)


def test_trials_that_are_no_whole_numbers_are_refused():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial", weights="wt")
    with pytest.raises(sd.DataError, match="whole numbers"):
        simulated_responses(fit.estimate, 2, 0)


def sines(n, seed, size):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, size=n)
    return x[:, None], x + size * np.sin(2 * x) + 0.5 * rng.normal(size=n)


@pytest.mark.parametrize(("size", "low", "high"), [(0.0, 0.05, 1.0), (2.0, 0.0, 0.05)])
def test_a_network_where_it_is_needed_and_where_not(size, low, high):
    X, y = sines(80, 5, size)
    line, net = sd.lm(X=X, y=y), sd.mlp(X=X, y=y, hidden=3, decay=0.01, restarts=3)
    table = sd.anova(line, net, B=39)
    assert low <= table["Pr(>LR)"][1] <= high
    assert "no χ² distribution" in table.notes[0]


def test_p_values_of_true_models_are_about_uniform():
    p = []
    for seed in range(20):
        X, y = sines(40, seed, 0.0)
        line, net = sd.lm(X=X, y=y), sd.mlp(X=X, y=y, hidden=2, decay=0.1, seed=seed)
        p.append(ratio_test(line.estimate, net.estimate, B=19, seed=seed).p_value)
    assert 0.3 < np.mean(p) < 0.7


def test_p_value_counts_the_data_as_one_more_response():
    line = sd.lm("mpg ~ wt", data=CARS)
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, decay=0.1)
    test = ratio_test(line.estimate, net.estimate, B=9)
    assert test.p_value * 10 == pytest.approx(1 + (test.simulated >= test.statistic).sum())


def test_classes():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial")
    net = sd.mlp("am ~ wt", data=CARS, family="binomial", hidden=2, decay=0.1)
    assert 0 < sd.anova(fit, net, B=9)["Pr(>LR)"][1] <= 1


def test_fits_that_do_not_compare_are_refused():
    line = sd.lm("mpg ~ wt", data=CARS)
    net = sd.mlp("mpg ~ hp", data=CARS, hidden=2, decay=0.1)
    with pytest.raises(sd.ModelError, match="not nested"):
        sd.anova(line, net)
    with pytest.raises(sd.ModelError, match="smaller model first"):
        sd.anova(net, line)
    with pytest.raises(sd.ModelError, match="different family"):
        sd.anova(sd.glm("carb ~ hp", data=CARS, family="poisson"), net)
    with pytest.raises(sd.DataError, match="different rows"):
        sd.anova(sd.lm("mpg ~ hp", data=CARS[:30]), net)
    with pytest.raises(sd.ModelError, match="one smaller fit at a time"):
        sd.anova(line, net, net)
    with pytest.raises(sd.ModelError, match=r"B must be a whole number of 1 or more .*'a'"):
        sd.anova(sd.lm("mpg ~ hp", data=CARS), net, B="a")


@pytest.mark.parametrize("what", ["weights", "offset"])
def test_fits_with_other_weights_or_offsets_are_refused(what):
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, decay=0.1)
    other = sd.lm("mpg ~ wt", data=CARS, **{what: "qsec"})
    with pytest.raises(sd.DataError, match=f"different {what}"):
        sd.anova(other, net, B=3)
    plain = {"weights": 1.0, "offset": 0.0}[what]  # what none at all comes to
    same = sd.lm("mpg ~ wt", data=CARS, **{what: np.full(len(CARS), plain)})
    assert 0 < sd.anova(same, net, B=3)["Pr(>LR)"][1] <= 1
