"""Partial effects: against loops over predict(), differences in θ, and statsmodels."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm

import statdl as sd
from statdl.infer import partial
from statdl.infer.partial import partial_effect
from tests.agreement import agree


def draw(n=120, seed=5):
    """Numbers, a factor as text and as numbers, a truth value, counts with an exposure."""
    random = np.random.default_rng(seed)
    x, z, g = random.normal(size=n), random.uniform(1, 9, n), random.integers(0, 3, n)
    eta = 0.4 * x - 0.2 * np.log(z) + 0.3 * g
    chosen = np.argmax(np.stack([0 * eta, eta, -eta], 1) + random.gumbel(size=(n, 3)), axis=1)
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "g": np.array(["p", "q", "r"])[g],
            "k": random.choice([4, 6, 8], n),
            "b": random.random(n) < 0.5,
            "time": random.uniform(1, 4, n),
            "w": random.uniform(0.5, 2, n),
            "y": eta + 0.3 * random.normal(size=n),
            "count": random.poisson(np.exp(eta)),
            "hit": (random.random(n) < 1 / (1 + np.exp(-eta))) * 1,
            "class": np.array(["u", "v", "w"])[chosen],
        }
    )


FITS = {
    "lm": lambda data: sd.lm("y ~ poly(x, 2) + x:log(z) + g + factor(k):b", data=data),
    "weighted": lambda data: sd.lm("y ~ x*g + z", data=data, weights="w"),
    "poisson": lambda data: sd.glm(
        "count ~ x*g + z + offset(log(time))", data=data, family="poisson", offset=data["w"]
    ),
    "binomial": lambda data: sd.glm("hit ~ x + log(z) + b + factor(k)", data, family="binomial"),
    "multinom": lambda data: sd.multinom("class ~ x + g*z", data=data),
    "mlp": lambda data: sd.mlp("y ~ x + z + g", data=data, hidden=2, decay=0.02, seed=1),
    "mlp classes": lambda data: sd.mlp("class ~ x + z", data=data, hidden=2, decay=0.1, seed=1),
}
CASES = [
    ("lm", "x"), ("lm", "z"), ("lm", "g"), ("lm", "k"), ("lm", "b"),
    ("weighted", "x"), ("weighted", "g"),
    ("poisson", "x"), ("poisson", "time"),
    ("binomial", "z"), ("binomial", "k"), ("binomial", "b"),
    ("multinom", "z"), ("multinom", "g"),
    ("mlp", "z"), ("mlp", "g"), ("mlp classes", "x"),
]  # fmt: skip


@cache
def fitted(name):
    return FITS[name](draw())


@pytest.mark.parametrize(("name", "variable"), CASES)
def test_it_is_the_average_of_predictions_with_the_variable_set(name, variable):
    fit, data = fitted(name), draw()
    found = partial_effect(fit.estimate, variable, points=None if variable in "gkb" else 5)
    extra = {"offset": data["w"].to_numpy()} if name == "poisson" else {}
    weights = data["w"] if name == "weighted" else None
    for value, mean in zip(found.values, found.mean, strict=True):
        predicted = np.asarray(fit.predict(data.assign(**{variable: value}), **extra))
        agree(np.average(predicted, axis=0, weights=weights), mean.squeeze(), rtol=1e-12)


@pytest.mark.parametrize(("name", "variable"), CASES)
def test_errors_are_those_of_derivatives_by_differences(name, variable):
    """√(gᵀ C g) with g by central differences and C = vcov(): what marginaleffects does."""
    fit = fitted(name)
    points = None if variable in "gkb" else 3
    found = partial_effect(fit.estimate, variable, points=points)
    estimate, step = fit.estimate, 1e-5
    C = np.asarray(fit.vcov())
    g = []
    for j in range(len(estimate.parameters)):
        h = np.zeros(len(estimate.parameters))
        h[j] = step
        above, below = (
            partial_effect(replace(estimate, parameters=moved), variable, points=points).mean
            for moved in (estimate.parameters + h, estimate.parameters - h)
        )
        g.append((above - below) / (2 * step))
    g = np.stack(g, axis=-1)
    expected = np.sqrt(np.einsum("mkp,pq,mkq->mk", g, C, g))
    agree(found.standard_error, expected, rtol=2e-6)


def test_in_a_linear_regression_it_is_a_line_with_the_coefficient_as_its_slope():
    cars = sd.datasets.load("mtcars")
    fit = sd.lm("mpg ~ wt + hp + factor(cyl)", data=cars)
    found = partial_effect(fit.estimate, "wt")
    slopes = np.diff(found.mean[:, 0]) / np.diff(found.values)
    agree(slopes, np.full(49, fit.params["wt"]), rtol=1e-10)
    change = partial_effect(fit.estimate, "cyl").mean[:, 0]
    agree(change - change[0], [0, *fit.params[["factor(cyl)[T.6]", "factor(cyl)[T.8]"]]], rtol=1e-9)


def test_in_a_linear_regression_errors_are_those_of_statsmodels_at_the_average_row():
    cars = sd.datasets.load("mtcars")
    fit = sd.lm("mpg ~ wt + hp", data=cars)
    reference = sm.OLS(cars["mpg"], sm.add_constant(cars[["wt", "hp"]])).fit()
    found = partial_effect(fit.estimate, "wt", points=[2.0, 3.0, 5.0], level=0.9)
    for k, value in enumerate(found.values):
        test = reference.t_test(np.array([[1.0, value, cars["hp"].mean()]]))
        agree(found.mean[k, 0], test.effect[0], rtol=1e-10)
        agree(found.standard_error[k, 0], test.sd[0, 0], rtol=1e-10)
        agree((found.lower[k, 0], found.upper[k, 0]), test.conf_int(alpha=0.1)[0], rtol=1e-10)


def test_limits_are_around_the_mean_and_between_its_ends():
    """They are made on the scale of the link: a probability has none below 0 or above 1."""
    for name, variable in CASES:
        found = partial_effect(fitted(name).estimate, variable)
        assert np.all(found.lower <= found.mean)
        assert np.all(found.mean <= found.upper)
        if name in ("binomial", "multinom", "mlp classes"):
            assert found.lower.min() >= 0
            assert found.upper.max() <= 1
        if name == "poisson":
            assert found.lower.min() > 0


@pytest.mark.parametrize("name", ["lm", "binomial", "multinom", "mlp", "mlp classes"])
def test_for_a_single_row_the_limits_are_those_of_predict(name):
    fit, row = fitted(name), draw().iloc[[7]]
    found = partial_effect(fit.estimate, "x", row, points=[-0.5, 1.0], level=0.9)
    assert found.rows == 1
    for k, value in enumerate(found.values):
        expected = fit.predict(row.assign(x=value), interval="confidence", se_fit=True, level=0.9)
        parts = [expected.filter(regex=f"^{part}").to_numpy()[0] for part in ("fit", "lwr", "upr")]
        agree((found.mean[k], found.lower[k], found.upper[k]), parts, rtol=1e-9)
        agree(found.standard_error[k], expected.filter(regex="^se_fit").to_numpy()[0], rtol=1e-9)


def test_portions_change_nothing(monkeypatch):
    fit = fitted("poisson")
    whole = partial_effect(fit.estimate, "time")
    monkeypatch.setattr("statdl.infer.population.LEAST_ROWS", 1)
    monkeypatch.setattr("statdl.infer.population.block_rows", lambda *_: 7)
    monkeypatch.setattr(partial, "BLOCK", 14)
    portioned = partial_effect(fit.estimate, "time")
    agree(portioned.mean, whole.mean, rtol=1e-13)
    agree(portioned.standard_error, whole.standard_error, rtol=1e-12)


def test_arrays_have_their_columns_as_variables():
    data = draw()
    X = data[["x", "z"]].to_numpy()
    for options in ({"scaling": "minmax"}, {"scaling": "none"}):
        net = sd.mlp(X=X, y=data["y"], hidden=2, decay=0.05, seed=0, **options)
        found = partial_effect(net.estimate, "x2", points=4)
        for value, mean in zip(found.values, found.mean[:, 0], strict=True):
            changed = np.column_stack([X[:, 0], np.full(len(X), value)])
            agree(net.predict(changed).mean(), mean, rtol=1e-12)
    single = sd.lm(X=X.astype("float32"), y=data["y"])
    assert partial_effect(single.estimate, "x1").mean.shape == (50, 1)


def test_frames_of_other_libraries_give_the_same():
    own = partial_effect(fitted("binomial").estimate, "z").mean
    other = sd.glm("hit ~ x + log(z) + b + factor(k)", pl.from_pandas(draw()), family="binomial")
    agree(partial_effect(other.estimate, "z").mean, own, rtol=1e-10)


def test_values_are_a_grid_for_numbers_and_the_levels_otherwise():
    fit = fitted("lm")
    x = draw()["x"]
    numbers = partial_effect(fit.estimate, "x", points=11)
    assert numbers.values == tuple(np.linspace(x.min(), x.max(), 11))
    assert not numbers.discrete
    agree(numbers.support, np.unique(x))
    for variable, levels in {"g": ("p", "q", "r"), "k": (4, 6, 8), "b": (False, True)}.items():
        found = partial_effect(fit.estimate, variable)
        assert found.discrete
        assert found.values == levels
    two = sd.lm("mpg ~ am + wt", data=sd.datasets.load("mtcars"))
    assert partial_effect(two.estimate, "am").values == (0, 1)


def test_the_population_may_be_other_rows_and_those_with_gaps_are_left_out():
    fit, data = fitted("lm"), draw()
    few = data.head(9).copy()
    few.loc[[1, 4], "z"] = np.nan
    found = partial_effect(fit.estimate, "g", few)
    assert found.rows == 7
    expected = [fit.predict(few.dropna().assign(g=g)).mean() for g in "pqr"]
    agree(found.mean[:, 0], expected, rtol=1e-12)


def test_a_loaded_fit_takes_new_rows(tmp_path):
    fit, data = fitted("lm"), draw()
    fit.save(tmp_path / "fit.statdl")
    loaded = sd.load(tmp_path / "fit.statdl")
    agree(loaded.partial_effect("x", data)["Mean"], fit.partial_effect("x", data)["Mean"])
    with pytest.raises(sd.DataError, match="loaded from a file"):
        loaded.partial_effect("x")


def test_the_table_has_a_row_a_value_and_class():
    table = fitted("multinom").partial_effect("g", level=0.9)
    assert list(table.columns) == ["g", "Class", "Mean", "Std. Error", "5 %", "95 %"]
    assert table["g"].tolist() == [g for g in "pqr" for _ in range(3)]
    assert table["Class"].tolist() == ["u", "v", "w"] * 3
    agree(table["Mean"].reshape(3, 3).sum(axis=1), np.ones(3), rtol=1e-12)
    assert "Averages of 120 rows" in str(table)


def test_the_covariance_can_be_another():
    fit = fitted("lm")
    robust = fit.partial_effect("z", points=[2.0], vcov="HC0")["Std. Error"]
    assert robust != fit.partial_effect("z", points=[2.0])["Std. Error"]


# what is refused --------------------------------------------------------------------------------


def test_what_is_no_variable_is_refused_with_those_there_are():
    with pytest.raises(sd.ModelError, match=r"'tyme'.*Did you mean `time`\?.*x, g, z, time"):
        fitted("poisson").partial_effect("tyme")
    with pytest.raises(sd.ModelError, match="'y' is no variable of the model"):
        fitted("lm").partial_effect("y")


def test_points_that_make_no_sense_are_refused():
    fit = fitted("lm")
    for points in (1, 0, -3, 2.5):
        with pytest.raises(sd.ModelError, match="2 or more"):
            fit.partial_effect("x", points=points)
    for points in (["a"], [], [np.nan]):
        with pytest.raises(sd.ModelError, match="'x', which has finite numbers"):
            fit.partial_effect("x", points=points)
    with pytest.raises(sd.ModelError, match=r"\['s'\].*'g', which has 'p', 'q', 'r'"):
        fit.partial_effect("g", points=["s"])
    with pytest.raises(sd.ModelError, match="level must lie between"):
        fit.partial_effect("x", level=1.5)


def test_a_variable_that_does_not_vary_needs_values():
    data = draw().assign(z=3.0)
    with pytest.warns(sd.RankWarning):
        fit = sd.lm("y ~ x + z", data=data)
    with pytest.raises(sd.ModelError, match="'z' is not estimable"):
        fit.partial_effect("z")
    free = sd.lm("y ~ x + z - 1", data=data)
    with pytest.raises(sd.ModelError, match="'z' is 3 in every row; give the values"):
        free.partial_effect("z")
    assert len(free.partial_effect("z", points=[2, 3, 4])) == 3


def test_what_is_redundant_is_not_estimable():
    data = draw().assign(double=lambda frame: 2 * frame["x"])
    with pytest.warns(sd.RankWarning):
        fit = sd.lm("y ~ x + double", data=data)
    with pytest.raises(sd.ModelError, match="'double' is not estimable: double"):
        fit.partial_effect("double")


def test_data_that_were_changed_since_the_fit_are_refused():
    data = draw()
    fit = sd.lm("y ~ x + z", data=data)
    data["z"] = data["z"] + 1
    with pytest.raises(sd.DataError, match="the frame was changed"):
        fit.partial_effect("x")
    assert len(fit.partial_effect("x", draw())) == 50
