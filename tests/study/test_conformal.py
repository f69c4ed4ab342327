"""Conformal limits cover whatever the model."""

import numpy as np
import pytest

import statdl as sd
from statdl.study import refits
from statdl.study.crossvalidation import cross_validated_loss, fold_groups

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


ADAM = sd.GradientDescent(sd.Adam(0.02), batch=16, epochs=40)
OPTIONS = {"hidden": 3, "decay": 1e-3, "method": ADAM}


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
@pytest.mark.parametrize("more", [{}, {"dropout": 0.1}, {"restarts": 2}])
def test_a_trained_network_is_trained_again_without_the_rows_left_out(scaling, more):
    X, y = wrong_model_data(80, 0)
    net = sd.mlp(X=X, y=y, scaling=scaling, **OPTIONS, **more)
    found = net.predict(X, method="conformal", level=0.9, seed=3)
    learnt = fold_groups(net.estimate, 2, 3) == 0
    half = sd.mlp(X=X[learnt], y=y[learnt], scaling=scaling, **OPTIONS, **more)
    mean = np.asarray(half.predict(X))
    scores = np.sort(np.abs(y - mean)[~learnt])
    reach = scores[int(np.ceil((len(scores) + 1) * 0.9)) - 1]
    assert np.allclose(found["lwr"], mean - reach, atol=1e-8)
    assert np.allclose(found["upr"], mean + reach, atol=1e-8)


def test_coverage_of_a_trained_network():
    hits = []
    for seed in range(12):
        X, y = wrong_model_data(80, seed)
        new, target = wrong_model_data(100, 1000 + seed)
        found = sd.mlp(X=X, y=y, **OPTIONS).predict(new, method="cv+", level=0.8, folds=5)
        hits += [(found["lwr"] <= target) & (target <= found["upr"])]
    assert 0.74 < np.mean(hits) < 0.92


def test_rows_that_are_watched_are_watched_again():
    X, y = wrong_model_data(120, 0)
    watched = X[:40], y[:40]
    stopping = {**OPTIONS, "validation": watched, "early_stopping": 2}
    net = sd.mlp(X=X[40:], y=y[40:], **stopping)
    found = net.predict(X, method="conformal", level=0.9, seed=3)
    learnt = fold_groups(net.estimate, 2, 3) == 0
    half = sd.mlp(X=X[40:][learnt], y=y[40:][learnt], **stopping)
    middle = np.asarray(found["lwr"] + found["upr"]) / 2
    assert np.allclose(middle, half.predict(X), atol=1e-8)
    share = sd.mlp(X=X, y=y, **OPTIONS, validation=0.25, early_stopping=True)
    assert (share.predict(X, method="cv+", level=0.8)["upr"] > y).mean() > 0.8


def test_a_fit_that_fails_without_some_rows_says_so(monkeypatch):
    X, y = wrong_model_data(80, 0)
    net = sd.mlp(X=X, y=y, **OPTIONS)
    said = sd.NumericalError("The loss is not finite from any start.")
    monkeypatch.setattr(refits, "estimates_of", lambda chosen: [said] * len(chosen))
    words = "A fit without some of the rows has failed: The loss is not finite"
    for ask in (lambda: net.predict(X, method="cv+", level=0.8), lambda: loss_of(net)):
        with pytest.raises(sd.NumericalError, match=words):
            ask()


def loss_of(net):
    return cross_validated_loss(net.estimate, folds=4)


def test_normalised_layers_have_none():
    X, y = wrong_model_data(80, 0)
    net = sd.mlp(X=X, y=y, **OPTIONS, normalisation="batch")
    with pytest.raises(sd.ModelError, match="trained again without some of its rows"):
        net.predict(X, method="conformal", level=0.8)
