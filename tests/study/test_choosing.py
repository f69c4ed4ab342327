"""Fits side by side, and the choice of hidden units and inputs."""

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.study.crossvalidation import cross_validated_loss, fold_groups, fold_weights
from statdl.study.refits import refitted

CARS = sd.datasets.load("mtcars")
IRIS = sd.datasets.load("iris")


def test_compare_shows_what_the_fits_say():
    line = sd.lm("mpg ~ wt", data=CARS)
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, decay=0.1)
    table = sd.compare(line, net)
    assert table["AIC"].tolist() == [line.aic, net.aic]
    assert table["BIC"].tolist() == [line.bic, net.bic]
    assert table["NIC"].tolist() == pytest.approx([line.goodness.nic, net.goodness.nic])
    assert table["Loss"].tolist() == pytest.approx([-line.llf / 32, -net.llf / 32])
    assert "Accuracy" not in table.columns
    assert "hidden=(2,)" in str(table)
    assert "<table" in table.to_html()
    assert "tabular" in table.to_latex()


def test_training_data_as_validation_data_score_the_same():
    fits = [
        sd.multinom("Species ~ Sepal.Width", data=IRIS),
        sd.mlp("Species ~ Sepal.Width", data=IRIS, hidden=2, decay=0.1),
    ]
    table = sd.compare(*fits, data=IRIS)
    np.testing.assert_allclose(table["Loss"], table["Val. Loss"])
    np.testing.assert_allclose(table["Accuracy"], table["Val. Accuracy"])
    predicted = fits[0].predict(type="class")
    assert table["Accuracy"][0] == np.mean(np.asarray(predicted) == np.asarray(IRIS["Species"]))


@pytest.mark.parametrize(
    ("front", "formula", "options"),
    [
        (sd.lm, "log(mpg) ~ poly(wt, 2) + factor(cyl)", {}),
        (sd.glm, "am ~ wt", {"family": "binomial"}),
        (sd.glm, "carb ~ wt + offset(log(hp))", {"family": "poisson"}),
        (sd.multinom, "gear ~ wt", {}),
        (sd.glm, "mpg ~ wt", {"family": "gamma"}),
    ],
)
def test_new_rows_are_coded_as_in_training(front, formula, options):
    table = sd.compare(front(formula, data=CARS, **options), data=CARS)
    assert table["Val. Loss"][0] == pytest.approx(table["Loss"][0])


def test_arrays_and_missing_values():
    X, y = CARS[["wt", "hp"]].to_numpy(), CARS["mpg"].to_numpy()
    assert sd.compare(sd.lm(X=X, y=y), data=(X, y))["Val. Loss"][0] > 0
    holes = CARS.assign(wt=CARS["wt"].where(CARS["cyl"] != 6))
    fit = sd.lm("mpg ~ wt", data=CARS)
    kept = sd.compare(fit, data=CARS[CARS["cyl"] != 6])["Val. Loss"]
    assert sd.compare(fit, data=holes)["Val. Loss"] == pytest.approx(kept)


def test_unknown_classes_are_named():
    fit = sd.multinom("Species ~ Sepal.Width", data=IRIS[IRIS["Species"] != "setosa"])
    with pytest.raises(sd.DataError, match="setosa"):
        sd.compare(fit, data=IRIS)


def test_what_is_no_fit_is_refused():
    with pytest.raises(sd.ModelError, match="is none"):
        sd.compare(sd.lm("mpg ~ wt", data=CARS), CARS)
    with pytest.raises(sd.ModelError, match="one fit or more"):
        sd.compare()


def test_cross_validated_loss_of_least_squares_by_hand():
    fit = sd.lm("mpg ~ wt", data=CARS)
    found = cross_validated_loss(fit.estimate, folds=32)
    losses = []
    for k in range(32):
        one = sd.lm("mpg ~ wt", data=CARS.drop(CARS.index[k]))
        phi = one.deviance / 31
        error = CARS["mpg"].iloc[k] - float(one.predict(CARS.iloc[[k]]).iloc[0])
        losses.append(0.5 * np.log(2 * np.pi * phi) + error**2 / (2 * phi))
    assert found == pytest.approx(np.mean(losses), rel=1e-3)


def curve(n=120):
    rng = np.random.default_rng(0)
    x, noise = rng.uniform(-3, 3, size=(2, n))
    y = 2 * np.tanh(2 * x) + 0.3 * rng.normal(size=n)
    return pd.DataFrame({"x": x, "noise": noise, "y": y})


def test_a_step_needs_one_unit_and_one_input():
    found = sd.select_hidden("y ~ .", data=curve(), hidden=range(3), inputs=True, restarts=3)
    assert found.hidden == 1
    assert found.terms == ("x",)
    assert found.fit.formula == "y ~ x"
    assert found.table["BIC"].min() == pytest.approx(found.fit.bic)


def test_a_line_needs_no_unit():
    data = curve().assign(y=lambda d: d["x"] + 0.1 * d["noise"])
    found = sd.select_hidden("y ~ x", data=data, hidden=range(3), decay=0.1, restarts=2)
    assert found.hidden == 0
    assert isinstance(found.fit, sd.Fit)
    assert "regression" in str(found)


@pytest.mark.parametrize("criterion", ["aic", "nic", "cv"])
def test_criteria(criterion):
    found = sd.select_hidden(
        "y ~ x", data=curve(), hidden=(0, 1), criterion=criterion, folds=5, restarts=2
    )
    assert found.hidden == 1


def test_arrays_are_for_units_only():
    data = curve()
    X, y = data[["x"]].to_numpy(), data["y"].to_numpy()
    assert sd.select_hidden(X=X, y=y, hidden=(0, 1), restarts=2).hidden == 1
    with pytest.raises(sd.ModelError, match="formula"):
        sd.select_hidden(X=X, y=y, hidden=(0, 1), inputs=True)


@pytest.mark.parametrize("hidden", [(), (-1,), (1.5,)])
def test_impossible_units(hidden):
    with pytest.raises(sd.ModelError, match="hidden"):
        sd.select_hidden("y ~ x", data=curve(), hidden=hidden)


def test_unknown_criterion():
    with pytest.raises(sd.ModelError, match="criterion"):
        sd.select_hidden("y ~ x", data=curve(), criterion="bicc")


def test_a_choice_that_did_not_converge_is_announced():
    options = {"hidden": (1, 2), "decay": 0.1, "restarts": 1}
    cars = sd.datasets.load("mtcars")
    with pytest.warns(sd.ConvergenceWarning, match="The chosen fit: L-BFGS"):
        found = sd.select_hidden("mpg ~ wt", cars, method=sd.LBFGS(max_iterations=2), **options)
    assert "2 of 2 candidates did not converge" in str(found)


def test_loaded_fits_compare(tmp_path):
    cars = sd.datasets.load("mtcars")
    net, line = sd.mlp("mpg ~ wt", cars, hidden=2, decay=0.1), sd.lm("mpg ~ wt", cars)
    for name, fit in (("net", net), ("line", line)):
        fit.save(tmp_path / name)
    loaded = [sd.load(tmp_path / name) for name in ("net", "line")]
    for data in (None, cars):
        one, other = sd.compare(*loaded, data=data), sd.compare(net, line, data=data)
        for measure in ("Loss", "AIC", *(("Val. Loss",) if data is not None else ())):
            assert one[measure].tolist() == pytest.approx(other[measure].tolist(), rel=1e-12)


def test_the_rows_a_network_held_out_are_its_validation_rows():
    cars = sd.datasets.load("mtcars")
    method = sd.GradientDescent(sd.Adam(0.01), batch=8, epochs=20)
    net = sd.mlp("am ~ wt", cars, family="binomial", hidden=2, method=method, validation=0.25)
    table = sd.compare(net, sd.glm("am ~ wt", cars, family="binomial"))
    assert table["Val. Loss"][0] == pytest.approx(net.history["validation_loss"].iloc[-1])
    assert np.isnan(table["Val. Loss"][1])


def test_a_level_of_one_fold_alone_is_not_known_to_the_model_of_that_fold():
    data = CARS.assign(kind=np.where(np.arange(32) == 7, "solo", CARS["gear"].astype(str)))
    data.loc[data.index[7], "mpg"] = 500.0
    fit = sd.lm("mpg ~ wt + kind", data=data)
    groups = fold_groups(fit.estimate, 8, 0)
    weights = fold_weights(fit.estimate, groups, list(range(8)))
    found = refitted(fit.estimate, weights, 1e-8)
    for k in range(8):
        again = sd.lm("mpg ~ wt + kind", data=data[groups != k]).params
        ours = dict(zip(fit.params.index, found.parameters[k], strict=True))
        for name, value in ours.items():
            np.testing.assert_allclose(value, again.get(name, 0.0), atol=1e-8)
    assert cross_validated_loss(fit.estimate, 8) > 50
    assert fit.predict(method="cv+", level=0.8)["upr"].max() < 1000
