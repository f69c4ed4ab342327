"""The score test of a hidden layer, against R's tseries and by its level and power."""

import numpy as np
import pytest

import statdl as sd
from tests.reference import cases, ids

CARS = sd.datasets.load("mtcars")


@pytest.mark.parametrize("case", cases("terasvirta"), ids=ids("terasvirta"))
def test_least_squares_agrees_with_tseries(case):
    data = sd.datasets.load(case["data"])
    fit = sd.lm(f"{case['response']} ~ {' + '.join(case['predictors'])}", data=data)
    expected = case["result"]["Chisq"]
    found = sd.hidden_layer_test(fit, test="Chisq")
    assert found["Chisq"][0] == pytest.approx(expected["statistic"], rel=1e-8)
    assert found["Df"][0] == expected["df"][0]
    assert found["Pr(>Chisq)"][0] == pytest.approx(expected["p"], rel=1e-5)
    # tseries does not count the intercept among the coefficients
    expected = case["result"]["F"]
    found = sd.hidden_layer_test(fit)
    df = expected["df"][1]
    assert found["F"][0] == pytest.approx(expected["statistic"] * (df - 1) / df, rel=1e-8)
    assert found["Resid. Df"][0] == df - 1


def test_score_of_least_squares_is_the_fall_of_the_larger_regression():
    fit = sd.lm("mpg ~ wt", data=CARS)
    larger = sd.lm("mpg ~ poly(wt, 3)", data=CARS)
    assert sd.hidden_layer_test(fit)["F"][0] == pytest.approx(sd.anova(fit, larger)["F"][1])


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_score_is_near_the_likelihood_ratio(family):
    rng = np.random.default_rng(1)
    x = rng.normal(size=4000)
    eta = 0.3 * x + 0.05 * x**2
    share = 1 / (1 + np.exp(-eta))
    y = rng.poisson(np.exp(eta)) if family == "poisson" else rng.binomial(1, share)
    small = sd.glm(X=x[:, None], y=y, family=family)
    large = sd.glm(X=np.column_stack([x, x**2, x**3]), y=y, family=family)
    score = sd.hidden_layer_test(small)["Chisq"][0]
    assert score == pytest.approx(small.deviance - large.deviance, rel=0.1)


@pytest.mark.parametrize("method", ["terasvirta", "white"])
def test_level_and_power(method):
    rng = np.random.default_rng(3)
    rejected = {0.0: [], 1.0: []}
    for size, found in rejected.items():
        for seed in range(60):
            x = rng.normal(size=(150, 2))
            y = x @ [1.0, 0.5] + size * np.tanh(2 * x[:, 0] * x[:, 1]) + rng.normal(size=150)
            table = sd.hidden_layer_test(sd.lm(X=x, y=y), method=method, seed=seed)
            found.append(table["Pr(>F)"][0] < 0.05)
    assert np.mean(rejected[0.0]) < 0.15
    assert np.mean(rejected[1.0]) > (0.9 if method == "terasvirta" else 0.3)


def test_products_of_indicators_are_left_out():
    fit = sd.lm("mpg ~ factor(cyl) + wt", data=CARS)
    table = sd.hidden_layer_test(fit, degree=2)
    assert table["Df"][0] == 3  # wt², wt × each indicator


def test_several_classes_count_each_column_once_an_output():
    iris = sd.datasets.load("iris")
    fit = sd.multinom("Species ~ Sepal.Width", data=iris)
    assert sd.hidden_layer_test(fit)["Df"][0] == 4


def test_what_has_no_such_test_is_refused():
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, decay=0.1)
    with pytest.raises(sd.ModelError, match="this fit has one"):
        sd.hidden_layer_test(net)
    with pytest.raises(sd.ModelError, match="penalised"):
        sd.hidden_layer_test(sd.lm("mpg ~ wt", data=CARS, penalty=1.0))
    with pytest.raises(sd.ModelError, match="no predictors"):
        sd.hidden_layer_test(sd.lm("mpg ~ 1", data=CARS))
    with pytest.raises(sd.ModelError, match="No column is left"):
        sd.hidden_layer_test(sd.lm("mpg ~ am", data=CARS))
    with pytest.raises(sd.ModelError, match="degrees of freedom"):
        sd.hidden_layer_test(sd.lm("mpg ~ wt + hp + disp + qsec + drat", data=CARS))
    with pytest.raises(sd.ModelError, match="F test"):
        sd.hidden_layer_test(sd.glm("am ~ wt", data=CARS, family="binomial"), test="F")
