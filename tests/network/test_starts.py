"""Where networks start: in the response's unit, inside its domain, or from another network."""

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.solve.iterate import Outcome
from tests.agreement import agree

ADAM = sd.GradientDescent(sd.Adam(1e-2), batch=32, epochs=60)


def waves(n=300, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] ** 2 / 2 + 0.2 * random.normal(size=n)


def rsquared(fit, y):
    return 1 - fit.deviance / np.sum((y - y.mean()) ** 2)


# location and unit of the response --------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "unit"), [(1000.0, 1.0), (2e5, 5e4), (0.0, 1e6), (-3.0, 1e-4)]
)
@pytest.mark.parametrize("method", ["newton", ADAM], ids=["newton", "adam"])
def test_nothing_depends_on_the_unit_of_the_response(location, unit, method):
    X, y = waves()
    options = {"X": X, "hidden": 4, "restarts": 4, "method": method}
    plain, moved = sd.mlp(y=y, **options), sd.mlp(y=location + unit * y, **options)
    assert rsquared(plain, y) > (0.75 if method is ADAM else 0.95)
    agree(rsquared(moved, location + unit * y), rsquared(plain, y), rtol=1e-6)
    agree(moved.effects()["Effect"] / unit, plain.effects()["Effect"], rtol=1e-4)


def test_decay_in_other_units_is_the_decay_asked_for():
    """J = ½ RSS + ½ λ Σ w² of the weights of y itself: hidden ones count as much in any unit."""
    X, y = waves()
    y = 50.0 + 20.0 * y
    fit = sd.mlp(X=X, y=y, hidden=3, decay=0.5, restarts=4)
    weights = [value for name, value in fit.params.items() if not name.startswith("bias")]
    agree(fit.estimate.loss, fit.deviance / 2 + 0.25 * np.sum(np.square(weights)), rtol=1e-9)
    smooth = sd.mlp(X=X, y=y, hidden=3, decay=0.5, start=fit)
    agree(smooth.estimate.loss, fit.estimate.loss, rtol=1e-8)


def test_what_training_reports_is_in_the_unit_of_the_response():
    X, y = waves()
    options = {"X": X, "hidden": 4, "method": ADAM, "metrics": ["mse", "mae"], "validation": 0.2}
    plain, moved = sd.mlp(y=y, **options), sd.mlp(y=7 + 100 * y, **options)
    for column, power in {"loss": 2, "validation_loss": 2, "mse": 2, "mae": 1}.items():
        agree(moved.history[column], plain.history[column] * 100.0**power, rtol=1e-8)


def test_inputs_as_given_leave_the_response_as_given():
    X, y = waves()
    fit = sd.mlp(X=X, y=y, hidden=2, scaling="none", fixed={"bias -> y": 0.0}, restarts=3)
    assert fit.params["bias -> y"] == 0.0


def test_counts_of_a_million_are_fitted():
    X, _ = waves()
    y = np.random.default_rng(0).poisson(1e6 * np.exp(0.3 * np.sin(2 * X[:, 0])))
    fit = sd.mlp(X=X, y=y, family="poisson", hidden=3, restarts=4)
    assert fit.deviance < 5 * len(y) < 1e-3 * fit.null_deviance


# links whose mean has a domain --------------------------------------------------------------------

LINKS = [
    ("gamma", "inverse"), ("gamma", "identity"), ("gamma", "log"), ("poisson", "identity"),
    ("poisson", "sqrt"), ("poisson", "log"), ("gaussian", "inverse"), ("gaussian", "log"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "link"), LINKS)
def test_every_family_and_link_has_a_start_inside_its_domain(family, link):
    random = np.random.default_rng(1)
    x = random.normal(size=200)
    mean = np.exp(0.5 * np.sin(2 * x))
    y = random.poisson(3 * mean) if family == "poisson" else random.gamma(3, mean / 3)
    options = {"X": x[:, None], "y": y, "family": family, "link": link}
    line = sd.glm(**options) if family != "gaussian" else None
    for method in ("newton", ADAM):
        fit = sd.mlp(**options, hidden=3, decay=0.01, method=method, restarts=2)
        assert np.isfinite(fit.deviance)
        assert line is None or fit.deviance < line.deviance


# rows of weight 0, and weights that count rows ---------------------------------------------------


def test_rows_of_weight_0_are_no_rows():
    X, y = waves(120)
    X[100:] *= 50
    whole = sd.mlp(X=X, y=y, weights=np.r_[np.ones(100), np.zeros(20)], hidden=2, decay=0.1)
    part = sd.mlp(X=X[:100], y=y[:100], hidden=2, decay=0.1)
    for scaling in ("standard", "minmax"):
        options = {"hidden": 2, "decay": 0.1, "scaling": scaling}
        whole = sd.mlp(X=X, y=y, weights=np.r_[np.ones(100), np.zeros(20)], **options)
        part = sd.mlp(X=X[:100], y=y[:100], **options)
        agree(whole.params, part.params, rtol=1e-8)


def test_a_row_of_weight_2_is_two_rows():
    X, y = waves(60)
    twice = np.r_[np.arange(60), np.arange(20)]
    counted = sd.mlp(X=X, y=y, weights=np.r_[np.full(20, 2.0), np.ones(40)], hidden=2, decay=0.1)
    listed = sd.mlp(X=X[twice], y=y[twice], hidden=2, decay=0.1)
    agree(counted.estimate.loss, listed.estimate.loss, rtol=1e-8)
    agree(counted.fitted(), listed.fitted()[:60], rtol=1e-5)


# from another network -----------------------------------------------------------------------------


def data_of(seed, centre, spread, n=150):
    random = np.random.default_rng(seed)
    x = centre + spread * random.normal(size=n)
    z = random.normal(size=n)
    return pd.DataFrame({"x": x, "z": z, "y": np.tanh(x) + 0.3 * z + 0.05 * random.normal(size=n)})


def test_a_network_that_starts_from_another_is_that_function():
    source, other = data_of(0, 0.0, 1.0), data_of(1, 2.0, 0.3)
    first = sd.mlp("y ~ x + z", source, hidden=3, decay=1e-3, restarts=3)
    inner = {name: value for name, value in first.params.items() if "-> h" in name}
    second = sd.mlp("y ~ x + z", other, hidden=3, start=first, fixed=inner)
    expected = other["y"] - first.predict(other)
    assert np.sqrt(np.mean(second.resid**2)) <= np.sqrt(np.mean(expected**2))
    agree(second.plan.centre, first.plan.centre)
    agree(second.plan.spread, first.plan.spread)


def test_columns_the_other_network_does_not_have_are_scaled_by_their_rows():
    source, other = data_of(0, 5.0, 2.0), data_of(1, 2.0, 0.3)
    first = sd.mlp("y ~ x", source, hidden=2, decay=0.01)
    second = sd.mlp("y ~ x + z", other, hidden=2, decay=0.01, start=first)
    agree(second.plan.centre, [source["x"].mean(), other["z"].mean()])


def test_a_network_of_inputs_as_given_passes_that_on():
    source, other = data_of(0, 0.0, 1.0), data_of(1, 2.0, 0.3)
    first = sd.mlp("y ~ x + z", source, hidden=2, decay=0.01, scaling="none")
    second = sd.mlp("y ~ x + z", other, hidden=2, decay=0.01, start=first)
    assert second.plan.centre is None


def test_no_scaling_does_not_go_with_weights_of_scaled_inputs():
    source, other = data_of(0, 0.0, 1.0), data_of(1, 2.0, 0.3)
    first = sd.mlp("y ~ x + z", source, hidden=2, decay=0.01)
    with pytest.raises(sd.ModelError, match="Leave scaling= out"):
        sd.mlp("y ~ x + z", other, hidden=2, scaling="none", start=first)


# separation by the units --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["newton", "lbfgs"])
def test_units_that_separate_the_classes_are_announced(method):
    iris = sd.datasets.load("iris").head(100)
    iris = iris.assign(Species=iris.Species.astype(str))
    with pytest.warns(sd.SeparationWarning, match="completely: the likelihood has no finite"):
        fit = sd.mlp("Species ~ Petal.Length", iris, hidden=2, method=method)
    assert fit.convergence.outcome is Outcome.SEPARATION
    assert not fit.converged
    assert np.isnan(fit.effects()["Std. Error"]).all()
    limits = fit.predict(iris.head(2), interval="confidence")
    assert limits[["lwr", "upr"]].isna().all(axis=None)
    text = str(fit.summary())
    assert text.count("no finite") == 1
    assert "keep their errors" not in text


def test_some_rows_told_apart_are_announced_as_well():
    iris = sd.datasets.load("iris")
    with pytest.warns(sd.SeparationWarning, match="quasi-completely"):
        sd.mlp("Species ~ .", iris, hidden=2, restarts=3)


def test_decay_is_the_way_out_and_overlap_is_none(recwarn):
    iris = sd.datasets.load("iris")
    assert sd.mlp("Species ~ .", iris, hidden=2, decay=0.01).converged
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 2))
    y = random.binomial(1, 1 / (1 + np.exp(-2 * np.tanh(x[:, 0]))))
    assert sd.mlp(X=x, y=y, family="binomial", hidden=1, restarts=3).converged
    assert not [w for w in recwarn if issubclass(w.category, sd.SeparationWarning)]


def test_an_output_layer_that_is_held_cannot_separate():
    x = np.linspace(-1, 1, 40)
    y = (x > 0).astype(float)
    fit = sd.mlp(
        X=x[:, None], y=y, family="binomial", hidden=1, fixed={"h1 -> y": 9.0, "bias -> y": 0.0}
    )
    assert fit.convergence.outcome is not Outcome.SEPARATION


# kinks ------------------------------------------------------------------------------------------


def test_a_run_that_ends_on_a_kink_says_so():
    X, y = waves(100)
    with pytest.warns(sd.ConvergenceWarning, match="kinks where hard_tanh units turn"):
        sd.mlp(X=X, y=y, hidden=6, activation="hard_tanh", method=sd.TrustRegion(max_iterations=5))


@pytest.mark.parametrize("method", [None, sd.GradientDescent(sd.Adam(0.01), batch=8, epochs=3)])
def test_names_alone_hold_weights_where_the_other_network_has_them(method):
    cars = sd.datasets.load("mtcars")
    first = sd.mlp("mpg ~ wt + hp", cars, hidden=2, decay=0.1)
    other = sd.mlp(
        "qsec ~ wt + hp", cars, hidden=2, decay=0.1, start=first, fixed=["* -> h*"], method=method
    )
    inner = [name for name in first.params.index if "-> h" in name]
    np.testing.assert_array_equal(other.params[inner], first.params[inner])
    by_value = sd.mlp(
        "qsec ~ wt + hp", cars, hidden=2, decay=0.1, start=first,
        fixed=first.params[inner].to_dict(), method=method,
    )  # fmt: skip
    np.testing.assert_array_equal(other.params.to_numpy(), by_value.params.to_numpy())
    assert (
        sd.mlp("mpg ~ wt", cars, hidden=1, start={"wt -> h1": 0.5}, fixed="wt -> h1").params[
            "wt -> h1"
        ]
        == 0.5
    )
