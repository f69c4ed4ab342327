"""The bootstrap of cases: refits are fits, and their spread is a covariance."""

import numpy as np
import pytest

import statdl as sd
from statdl.study.bootstrap import case_weights, resampled
from statdl.study.many import fit_views
from statdl.study.views import Views

CARS = sd.datasets.load("mtcars")


@pytest.fixture(scope="module")
def line():
    return sd.lm("mpg ~ wt + hp", data=CARS)


def test_every_resample_has_as_many_rows(line):
    assert (case_weights(line.estimate, 20, 0).sum(axis=1) == 32).all()


def test_rows_of_weight_zero_are_never_drawn():
    weights = np.ones(32)
    weights[[0, 5]] = 0
    fit = sd.lm("mpg ~ wt", data=CARS, weights=weights)
    drawn = case_weights(fit.estimate, 50, 0)
    assert not drawn[:, [0, 5]].any()
    assert (drawn.sum(axis=1) == 30).all()


@pytest.mark.parametrize(
    ("front", "formula", "options"),
    [
        (sd.lm, "mpg ~ wt + hp", {}),
        (sd.glm, "carb ~ wt + hp", {"family": "poisson"}),
        (sd.glm, "mpg ~ wt", {"family": "gamma", "link": "log"}),
        (sd.multinom, "gear ~ qsec", {"penalty": 0.1}),
    ],
)
def test_refits_are_the_fits_to_the_same_weights(front, formula, options):
    fit = front(formula, data=CARS, **options)
    weights = case_weights(fit.estimate, 4, 1)
    found = fit_views(fit.estimate, Views(weights=weights))
    for k in range(4):
        again = front(formula, data=CARS, weights=weights[k], **options)
        np.testing.assert_allclose(found.parameters[k], again.estimate.parameters, rtol=1e-5)


def test_network_refits_are_minima():
    net = sd.mlp("mpg ~ wt + hp", data=CARS, hidden=2, decay=0.5, restarts=3)
    weights = case_weights(net.estimate, 5, 0)
    found = fit_views(net.estimate, Views(weights=weights), losses=True)
    assert found.converged.all()
    for k in range(5):
        again = sd.mlp(
            "mpg ~ wt + hp", data=CARS, hidden=2, decay=0.5, weights=weights[k], start=net,
            scaling="standard",
        )  # fmt: skip
        assert found.loss[k] <= again.estimate.loss * (1 + 1e-2)


def test_spread_is_near_the_sandwich_in_large_samples():
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    y = 1 + x + rng.normal(size=2000) * (0.5 + np.abs(x))
    fit = sd.lm(X=x[:, None], y=y)
    bootstrap = np.diag(fit.vcov("bootstrap", B=800, seed=1))
    np.testing.assert_allclose(bootstrap, np.diag(fit.vcov("sandwich")), rtol=0.15)
    assert bootstrap[1] > 1.5 * np.diag(fit.vcov())[1]


def test_covariance_repeats_with_its_seed(line):
    one, other, third = (line.vcov("bootstrap", B=50, seed=seed) for seed in (1, 1, 2))
    assert (one == other).all(axis=None)
    assert (one != third).any(axis=None)


def test_percentile_limits_surround_the_fit_and_need_no_errors(line):
    found = line.predict(CARS[:5], interval="confidence", method="bootstrap")
    assert (found["lwr"] < found["fit"]).all()
    assert (found["fit"] < found["upr"]).all()
    assert list(found) == ["fit", "lwr", "upr"]


def test_prediction_limits_are_wider(line):
    inner, outer = (
        line.predict(CARS[:5], interval=kind, method="bootstrap")
        for kind in ("confidence", "prediction")
    )
    assert (outer["upr"] > inner["upr"]).all()
    assert (outer["lwr"] < inner["lwr"]).all()


def test_limits_of_several_classes():
    iris = sd.datasets.load("iris")
    fit = sd.multinom("Species ~ Sepal.Width", data=iris)
    found = fit.predict(iris[:3], interval="confidence", method="bootstrap", B=50)
    for level in ("setosa", "versicolor", "virginica"):
        assert (found[f"lwr.{level}"] <= found[f"upr.{level}"]).all()
        assert found[f"lwr.{level}"].between(0, 1).all()


def test_standard_errors_alone(line):
    found = line.predict(CARS[:2], se_fit=True, method="bootstrap")
    assert list(found) == ["fit", "se_fit"]


@pytest.mark.parametrize("B", [1, 2.5, -3])
def test_too_few_resamples_are_refused(line, B):
    with pytest.raises(sd.ModelError, match="resamples"):
        line.vcov("bootstrap", B=B)


def test_a_separated_fit_is_refused():
    with pytest.warns(sd.SeparationWarning):
        fit = sd.glm(X=np.arange(8.0)[:, None], y=np.arange(8) > 3, family="binomial")
    with pytest.raises(sd.ModelError, match="no finite maximum"):
        fit.vcov("bootstrap")


def test_a_network_trained_by_descent_is_refused():
    with pytest.warns(sd.ConvergenceWarning):
        net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, method=sd.GradientDescent(epochs=3))
    with pytest.raises(sd.ModelError, match="gradient descent"):
        resampled(net.estimate)


def test_unknown_methods_are_refused(line):
    with pytest.raises(sd.ModelError, match="jackknife"):
        line.predict(CARS[:1], method="jackknife")
    with pytest.raises(sd.ModelError, match="prediction"):
        sd.glm("am ~ wt", data=CARS, family="binomial").predict(
            interval="prediction", method="bootstrap"
        )
