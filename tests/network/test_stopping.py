"""A run that stopped where it was told to is not called a minimum, and has no p-values of one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import statdl as sd
from statdl.estimate.distance import standard_errors_away, with_lasso
from statdl.model.objective import Objective
from statdl.solve.iterate import Outcome

CARS = sd.datasets.load("mtcars")


def adam(epochs, rate=0.01, batch=16):
    return sd.GradientDescent(sd.Adam(rate), batch=batch, epochs=epochs)


def trained(epochs=20, **options):
    return sd.mlp("mpg ~ wt + hp", CARS, hidden=2, decay=0.1, method=adam(epochs), **options)


def test_distance_of_a_line_is_the_root_of_raos_statistic():
    """Moved by k standard errors of a coefficient, the others at their best: k by definition."""
    fit = sd.lm("mpg ~ wt + hp", CARS)
    estimate = fit.estimate
    objective, theta = estimate.objective, np.asarray(estimate.parameters)
    covariance = np.asarray(estimate.covariance)
    direction = covariance[:, 1] / math.sqrt(covariance[1, 1])
    unit = objective.unit(objective.value(theta))
    for k in (0.0, 0.1, 2.0):
        moved = theta + k * direction * math.sqrt(unit)
        loss = objective.value(theta)  # the dispersion of the minimum
        assert_allclose(standard_errors_away(objective, moved, loss), k, atol=1e-5)


def test_half_the_squared_distance_is_what_is_left_to_gain():
    """In units of log-likelihood, and exactly so where the loss is quadratic, penalty included."""
    estimate = sd.lm("mpg ~ wt + hp", CARS, penalty=3.0).estimate
    objective, theta = estimate.objective, np.asarray(estimate.parameters)
    loss = objective.value(theta)
    for seed in range(3):
        moved = theta + 0.1 * np.random.default_rng(seed).normal(size=3) * [1, 0.1, 0.01]
        distance = standard_errors_away(objective, moved, loss)
        gained = (objective.value(moved) - loss) / objective.unit(loss)
        assert_allclose(0.5 * distance**2, gained, rtol=1e-7)


def test_a_minimum_is_no_distance_away():
    net = sd.mlp("mpg ~ wt + hp", CARS, hidden=2, decay=0.1)
    estimate = net.estimate
    theta = np.asarray(estimate.parameters)
    assert standard_errors_away(estimate.objective, theta, estimate.loss) < 1e-5
    assert estimate.distance == 0.0


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_distance_takes_the_information_that_is_there(decay, monkeypatch):
    net = sd.mlp("mpg ~ wt + hp", CARS, hidden=2, decay=decay, method=adam(20))
    estimate = net.estimate
    asked = []
    curvature = Objective.curvature

    def counted(self, parameters, *, expected=False):
        asked.append(expected)
        return curvature(self, parameters, expected=expected)

    monkeypatch.setattr(Objective, "curvature", counted)
    distance = estimate.distance
    assert asked == ([True] if decay else [True, False])  # the second is the exact one
    theta = np.asarray(estimate.parameters)
    again = standard_errors_away(estimate.objective, theta, estimate.loss)
    assert_allclose(distance, again, rtol=1e-9)


def test_shortest_subgradient():
    gradient, lasso = np.array([3.0, -0.5, 1.0, -1.0]), np.array([1.0, 1.0, 1.0, 1.0])
    parameters = np.array([0.0, 0.0, -2.0, 2.0])
    assert_allclose(with_lasso(gradient, parameters, lasso), [2.0, 0.0, 0.0, 0.0])


def test_a_summary_says_where_training_stopped_and_has_no_p_values():
    net = trained()
    assert net.convergence.outcome is Outcome.EPOCHS
    assert net.estimate.distance > 0.5
    said = " ".join(str(net.summary()).split())
    assert "Stopped: epochs done" in said
    assert "Converged: yes" not in said
    assert f"about {net.estimate.distance:.2g} standard errors from a minimum" in said
    assert "p-values are NA" in said
    table = net.effects().to_frame()
    assert table["Pr(>|t|)"].isna().all()
    assert np.isfinite(table[["Effect", "Std. Error"]].to_numpy()).all()
    assert np.isnan(np.asarray(net.pvalues)).all()
    assert net.input_tests().to_frame()["Pr(>F)"].isna().all()
    assert np.isnan(net.avg_slopes()["p.value"]).all()
    assert np.isfinite(net.predict(CARS, interval="confidence").to_numpy()).all()


def test_tests_of_weights_short_of_a_minimum_are_refused():
    net = trained()
    if net.identification.value == "singular":
        pytest.skip("there is no test of its weights anyway")
    with pytest.raises(sd.ModelError, match="standard errors from a minimum"):
        net.wald("`wt -> h1` = 0")


def test_training_that_arrives_has_its_tests():
    start = sd.mlp("mpg ~ wt + hp", CARS, hidden=2, decay=0.1, restarts=3)
    falling = adam(300, 1e-4)
    net = sd.mlp("mpg ~ wt + hp", CARS, hidden=2, decay=0.1, start=start, method=falling)
    assert net.estimate.distance < 0.5
    said = " ".join(str(net.summary()).split())
    assert "from a minimum, which errors and tests presume." in said
    assert "Stopped: epochs done" in said
    assert net.effects().to_frame()["Pr(>|t|)"].notna().all()


def test_early_stopping_names_its_epoch():
    net = sd.mlp(
        "mpg ~ wt + hp",
        CARS,
        hidden=8,
        decay=0.01,
        validation=0.3,
        early_stopping=3,
        method=adam(500, 0.05, 8),
    )
    assert net.convergence.outcome is Outcome.EARLY
    assert f"early stopping at epoch {net.convergence.iterations}" in str(net.summary())


def test_newton_says_converged():
    net = sd.mlp("mpg ~ wt + hp", CARS, hidden=2, decay=0.1, restarts=3)
    assert "Converged:" in str(net.summary())
    assert net.effects().to_frame()["Pr(>|t|)"].notna().all()


def test_a_loaded_fit_says_the_same(tmp_path):
    net = trained()
    net.save(tmp_path / "net.statdl")
    again = sd.load(tmp_path / "net.statdl")
    assert str(again.summary()) == str(net.summary())
    assert again.estimate.distance == net.estimate.distance
    assert again.effects().to_frame()["Pr(>|t|)"].isna().all()


def test_newton_in_single_precision_ends_at_what_rounding_leaves():
    random = np.random.default_rng(1)
    X = random.normal(size=(600, 6))
    y = np.sin(X[:, 0]) + X[:, 1] ** 2 + 0.3 * random.normal(size=600)
    options = {"hidden": 3, "decay": 0.01, "restarts": 2}
    double = sd.mlp(X=X, y=y, **options)
    start = {name: float(value) for name, value in double.params.items()}
    moved = {name: 1.01 * value for name, value in start.items()}
    single = sd.mlp(
        X=X.astype("f4"), y=y.astype("f4"), hidden=3, decay=0.01, start=moved, dtype="float32"
    )
    assert single.converged
    assert single.convergence.iterations < 100
    assert_allclose(single.llf, double.llf, rtol=1e-4)


def test_single_precision_stops_where_only_rounding_is_left():
    random = np.random.default_rng(1)
    X = random.normal(size=(2000, 6)).astype("float32")
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * random.normal(size=2000)
    options = {"hidden": 4, "decay": 0.01, "seed": 1, "method": "gauss-newton"}
    single = sd.mlp(X=X, y=y.astype("float32"), **options)
    double = sd.mlp(X=X.astype(float), y=y, **options)
    assert single.convergence.outcome is Outcome.PRECISION
    assert single.convergence.iterations < 300  # and not the limit of 1000, wandering in noise
    assert single.trace.loss[-1] <= double.trace.loss[-1] + 1e-3
