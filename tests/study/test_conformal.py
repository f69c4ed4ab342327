"""Conformal limits cover whatever the model."""

import numpy as np
import pytest

import statdl as sd

CARS = sd.datasets.load("mtcars")


def wrong_model_data(n, seed):
    """A cubic with skewed noise whose spread grows, and a straight line for a model."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, size=n)
    return x[:, None], x**3 + (1 + x**2) * (rng.exponential(size=n) - 1)


@pytest.mark.parametrize("method", ["conformal", "cv+"])
def test_coverage_of_a_wrong_model(method):
    hits = []
    for seed in range(40):
        X, y = wrong_model_data(60, seed)
        new, target = wrong_model_data(50, 1000 + seed)
        fit = sd.lm(X=X, y=y)
        found = fit.predict(new, method=method, level=0.8, seed=seed)
        hits += [(found["lwr"] <= target) & (target <= found["upr"])]
    assert 0.76 < np.mean(hits) < 0.88


def test_split_limits_are_the_quantile_of_the_scores_left_out():
    X, y = wrong_model_data(41, 0)
    fit = sd.lm(X=X, y=y)
    found = fit.predict(X, method="conformal", level=0.9)
    half = np.asarray(found["upr"] - found["lwr"]) / 2
    assert np.ptp(half) < 1e-9
    centre = np.asarray(found["upr"] + found["lwr"]) / 2
    scores = np.abs(y - centre)
    assert np.isclose(scores, half[0], rtol=1e-4).any()


def test_a_network_has_them():
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, decay=0.1)
    for method in ("conformal", "cv+"):
        found = net.predict(CARS[:4], method=method, level=0.8)
        assert (found["lwr"] < found["upr"]).all()


def test_limits_of_counts_are_not_negative():
    fit = sd.glm("carb ~ wt", data=CARS, family="poisson")
    assert (fit.predict(CARS, method="cv+", level=0.9)["lwr"] >= 0).all()


def test_classes_are_refused():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial")
    with pytest.raises(sd.ModelError, match="numeric response"):
        fit.predict(method="conformal")


def test_too_few_rows_for_the_level():
    fit = sd.lm("mpg ~ wt", data=CARS)
    with pytest.raises(sd.DataError, match="it takes 19"):
        fit.predict(method="conformal", level=0.95)
    with pytest.raises(sd.DataError, match=r"method='cv\+'"):
        fit.predict(method="conformal", level=0.95)
    with pytest.raises(sd.DataError, match=r"it takes 99. Lower the level.$"):
        fit.predict(method="cv+", level=0.99)


def test_confidence_limits_are_another_thing():
    fit = sd.lm("mpg ~ wt", data=CARS)
    with pytest.raises(sd.ModelError, match="new response"):
        fit.predict(method="conformal", interval="confidence", level=0.8)


@pytest.mark.parametrize("folds", [1, 33, 2.5])
def test_impossible_folds(folds):
    fit = sd.lm("mpg ~ wt", data=CARS)
    with pytest.raises(sd.ModelError, match="folds"):
        fit.predict(method="cv+", folds=folds)
