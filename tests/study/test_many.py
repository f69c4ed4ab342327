"""Many fits of one model: views, failures that are values, limits, and how they are seen."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statdl as sd
from statdl.infer.resampling import Spread
from statdl.study import room
from statdl.study.views import Resamples

CARS = sd.datasets.load("mtcars")


@pytest.fixture(scope="module")
def line():
    return sd.lm("mpg ~ wt + hp", data=CARS)


@pytest.fixture(scope="module")
def logit():
    return sd.glm("am ~ wt", data=CARS, family="binomial")


# views ---------------------------------------------------------------------------------------


def test_a_row_named_twice_counts_twice(line):
    rows = np.random.default_rng(0).integers(0, 32, size=(5, 32))
    found = sd.fit_many(line, rows=rows)
    for b, chosen in enumerate(rows):
        again = sd.lm("mpg ~ wt + hp", data=CARS.iloc[chosen].reset_index(drop=True))
        np.testing.assert_allclose(found.estimates[b], again.params, rtol=1e-10)


def test_views_are_of_all_data_where_the_fit_left_rows_out():
    cars = CARS.copy()
    cars.loc[cars.index[3], "wt"] = np.nan
    fit = sd.lm("mpg ~ wt", data=cars)
    weights = np.random.default_rng(1).random((3, 32))
    whole = sd.fit_many(fit, weights=weights)
    part = sd.fit_many(fit, weights=np.delete(weights, 3, axis=1))
    np.testing.assert_array_equal(whole.estimates, part.estimates)
    assert sd.fit_many(fit, rows=[range(32)]).estimates[0] == pytest.approx(fit.params, rel=1e-12)


def test_a_formula_is_fitted_first():
    found = sd.fit_many("am ~ wt", CARS, family="binomial", penalty=[1.0, 2.0])
    again = sd.glm("am ~ wt", data=CARS, family="binomial", penalty=sd.Ridge(2.0))
    np.testing.assert_allclose(found.estimates[1], again.params, rtol=1e-10)
    assert found.label == "glm(am ~ wt)"


def test_classes_come_by_their_names():
    iris = sd.datasets.load("iris")
    fit = sd.multinom("Species ~ Sepal.Width", data=iris)
    drawn = sd.simulate(fit, 3, seed=1)
    assert set(drawn["sim_1"]) == {"setosa", "versicolor", "virginica"}
    found = sd.fit_many(fit, y=drawn)
    again = sd.multinom("y ~ Sepal.Width", data=iris.assign(y=drawn["sim_2"]))
    assert found.names[0] == "versicolor: Intercept"
    np.testing.assert_allclose(found.estimates[1], again.params.to_numpy().T.ravel(), rtol=1e-8)


def test_parts_change_nothing(line, monkeypatch):
    whole = sd.bootstrap(line, 50, seed=3)
    monkeypatch.setattr(room, "ROOM", 400)
    parts = sd.bootstrap(line, 50, seed=3)
    np.testing.assert_allclose(whole.estimates, parts.estimates, rtol=1e-12)
    assert whole.failures == parts.failures


def test_the_block_changes_no_draw():
    views = Resamples(np.ones(10), 7, seed=1)
    whole = next(views.blocks(7)).weights
    parts = np.concatenate([one.weights for one in views.blocks(2)])
    np.testing.assert_array_equal(whole, parts)
    assert (whole.sum(axis=1) == 10).all()


def test_seeds_are_starts_that_repeat():
    net = sd.mlp("mpg ~ wt + hp", data=CARS, hidden=2, decay=0.5)
    found = sd.fit_many(net, seeds=range(8))
    again = sd.fit_many(net, seeds=[7])
    np.testing.assert_allclose(found.losses[7], again.losses[0], rtol=1e-10)
    assert found.losses[found.best] == np.nanmin(found.losses)
    assert found.losses[found.best] <= net.estimate.loss * (1 + 1e-9)


def test_starts_and_penalties_are_no_sample(line):
    net = sd.mlp("mpg ~ wt + hp", data=CARS, hidden=2, decay=0.1)
    starts = sd.fit_many(net, seeds=range(12))
    table = starts.table.to_frame()
    assert table["Starts"].sum() == 12 - sum(starts.failures.values())
    assert table["Loss"].is_monotonic_increasing
    np.testing.assert_allclose(table["Loss"].iloc[0], np.nanmin(starts.losses))
    np.testing.assert_array_equal(starts.losses[table["Lowest"].astype(int)], table["Loss"])
    assert table["Lowest"].iloc[0] == starts.best
    penalties = sd.fit_many(line, penalty=[0.5, 2.0])
    assert penalties.table.columns["λ"] == (0.5, 2.0)
    np.testing.assert_allclose(penalties.table.columns["Loss"], penalties.losses)
    for found in (starts, penalties):
        for ask in (found.confint, found.cov, lambda found=found: found.bse):
            with pytest.raises(sd.ModelError, match="their spread is no standard error"):
                ask()
    drawn = sd.fit_many(line, y=sd.simulate(line, 20, seed=1), penalty=[1.0] * 20)
    assert (drawn.bse > 0).all()


def test_firths_penalty_stays_in_every_fit():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial", bias_reduction=True)
    found = sd.bootstrap(fit, 5, seed=0)
    weights = next(Resamples(np.ones(32), 5, seed=0).blocks(5)).weights
    for b in range(5):
        again = sd.glm(
            "am ~ wt", data=CARS, family="binomial", bias_reduction=True, weights=weights[b]
        )
        np.testing.assert_allclose(found.estimates[b], again.params, rtol=1e-6)


def test_a_network_without_hidden_layers_is_the_regression():
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=(), decay=0.0)
    weights = np.random.default_rng(2).integers(0, 3, size=(3, 32)).astype(float)
    line = sd.lm("mpg ~ wt", data=CARS)
    one, other = (sd.fit_many(fit, weights=weights) for fit in (net, line))
    np.testing.assert_allclose(one.predict(), other.predict(), rtol=1e-10)


# failures ------------------------------------------------------------------------------------


def test_failures_are_named_and_stop_nothing():
    x = np.r_[np.linspace(-1, 1, 12), 5.0]
    other = np.r_[np.zeros(12), 1.0]
    y = np.r_[np.tile([0.0, 1.0], 6), 1.0]
    fit = sd.glm(X=np.column_stack([x, x**2]), y=y, family="binomial")
    weights = np.ones((3, 13))
    weights[1] = np.where((x < 0) == (y == 1), 0.0, 1.0)
    weights[2] = np.where(np.arange(13) < 2, 1.0, 0.0)
    found = sd.fit_many(fit, weights=weights)
    assert found.reasons[0] == ""
    assert found.reasons[1] == "separated"
    assert np.isnan(found.estimates[1:]).all()
    assert np.isnan(found.losses[1])
    np.testing.assert_allclose(found.estimates[0], fit.params, rtol=1e-10)
    singular = sd.fit_many(
        sd.lm(X=np.column_stack([x, other]), y=x + y), weights=np.vstack([np.ones(13), other < 1])
    )
    assert singular.reasons == ("", "singular")


def test_a_view_without_a_penalty_can_be_separated():
    ridge = sd.glm(X=np.arange(20.0)[:, None], y=np.arange(20) > 9, family="binomial", penalty=1.0)
    found = sd.fit_many(ridge, penalty=[0.0, 1.0])
    assert found.reasons == ("separated", "")
    np.testing.assert_allclose(found.estimates[1], ridge.params, rtol=1e-8)


@pytest.mark.parametrize("family", ["binomial", "poisson", "multinomial"])
def test_a_view_of_one_class_has_no_estimate_though_slopes_are_penalised(family):
    y = {"poisson": np.arange(20) % 4, "multinomial": np.arange(20) % 3}
    y = y.get(family, np.arange(20) % 2)
    front = sd.multinom if family == "multinomial" else sd.glm
    options = {} if family == "multinomial" else {"family": family}
    ridge = front(X=np.sin(np.arange(20.0))[:, None], y=y, penalty=1.0, **options)
    found = sd.fit_many(ridge, weights=np.stack([y == 0, y >= 0]))
    assert found.reasons == ("separated", "")


def test_columns_that_vanish_in_a_view_are_singular_whatever_rounding_leaves():
    random = np.random.default_rng(3)
    n = 89
    x, g = random.normal(size=n), random.choice(list("abcd"), n, p=[0.4, 0.4, 0.15, 0.05])
    data = pd.DataFrame({"x": x, "g": g, "y": random.random(n) < 1 / (1 + np.exp(-3 * x))})
    fit = sd.glm("y ~ x + g", data=data, family="binomial")
    for _ in range(3):
        views = [random.choice(n, random.integers(2, 14), replace=False) for _ in range(20)]
        found = sd.fit_many(fit, rows=views)
        assert set(found.failures) <= {"separated", "singular"}


def test_what_failed_is_said(logit):
    found = sd.bootstrap(logit, 100, seed=2)
    lost = found.failures["separated"]
    assert f"{lost} of 100 fits have no estimate: {lost} separated." in str(found)
    assert found.frame["wt"].isna().sum() == lost
    assert (found.to_frame()["failure"] == "separated").sum() == lost
    own = np.ones(32)
    weights = next(Resamples(own, 100, seed=2).blocks(100)).weights
    for b in (~found.converged).nonzero()[0]:
        with pytest.warns(sd.SeparationWarning):
            sd.glm("am ~ wt", data=CARS, family="binomial", weights=weights[b])


def test_a_separated_model_can_have_views_that_are_not():
    y = np.r_[np.zeros(8), np.ones(8)]
    x = np.arange(16.0)
    with pytest.warns(sd.SeparationWarning):
        fit = sd.glm(X=x[:, None], y=y, family="binomial")
    mixed = y.copy()
    mixed[[2, 12]] = mixed[[12, 2]]
    found = sd.fit_many(fit, y=np.stack([y, mixed]))
    assert found.reasons == ("separated", "")
    again = sd.glm(X=x[:, None], y=mixed, family="binomial")
    np.testing.assert_allclose(found.estimates[1], again.params, rtol=1e-9)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "multinomial"])
def test_an_intercept_alone_has_views_too(family):
    data = pd.DataFrame({"y": np.arange(20) % 3, "b": np.arange(20) % 2})
    response = "b" if family == "binomial" else "y"
    front = sd.multinom if family == "multinomial" else sd.glm
    options = {} if family == "multinomial" else {"family": family}
    fit = front(f"{response} ~ 1", data=data, **options)
    found = sd.fit_many(fit, rows=[range(20), range(7)], y=data[[response, response]])
    again = front(f"{response} ~ 1", data=data.iloc[:7], **options)
    np.testing.assert_allclose(found.estimates[0], fit.estimate.parameters, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.estimates[1], again.estimate.parameters, rtol=1e-8, atol=1e-12)
    assert np.isfinite(found.losses).all()
    assert found.predict().shape[:2] == (2, 20)


@pytest.mark.parametrize("empty", [4, 6, 8])
def test_clusters_without_weight_are_none(empty):
    own = (CARS["cyl"] != empty).to_numpy(float)
    fit = sd.lm("mpg ~ wt", data=CARS, weights=own)
    some = sd.lm("mpg ~ wt", data=CARS[own > 0])
    ours, theirs = (sd.jackknife(one, cluster="~ cyl") for one in (fit, some))
    assert ours.count == theirs.count == 2
    np.testing.assert_allclose(ours.bse, theirs.bse, rtol=1e-9)
    ours, theirs = (sd.bootstrap(one, 30, seed=1, cluster="~ cyl") for one in (fit, some))
    np.testing.assert_allclose(ours.estimates, theirs.estimates, rtol=1e-8)
    with pytest.raises(sd.DataError, match="one cluster"):
        sd.jackknife(fit, cluster=np.zeros(32))


# limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["percentile", "basic", "BCa"])
def test_limits_are_scipys(method):
    sample = np.random.default_rng(5).gamma(2.0, size=40)
    fit = sd.lm("y ~ 1", data=pd.DataFrame({"y": sample}))
    found = sd.bootstrap(fit, 999, seed=1)
    theirs = stats.bootstrap(
        (sample,), np.mean, n_resamples=0, method=method,
        bootstrap_result=_distribution(found.estimates[:, 0]),
    ).confidence_interval  # fmt: skip
    ours = found.confint(method=method.lower()).to_numpy()[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def _distribution(values):
    class Known:
        bootstrap_distribution = values

    return Known()


def test_normal_limits_take_the_bias_off():
    drawn = np.random.default_rng(0).normal(1.0, 2.0, size=(500, 1))
    lower, upper = Spread(np.asarray([0.0]), drawn).limits("normal", 0.9)
    assert (lower + upper)[0] / 2 == pytest.approx(-drawn.mean())
    assert (upper - lower)[0] / 2 == pytest.approx(1.6448536 * drawn.std(ddof=1))


def test_the_jackknife_is_that_of_the_deletions(line):
    found = sd.jackknife(line)
    kept = [np.arange(32) != i for i in range(32)]
    deleted = np.stack([sd.lm("mpg ~ wt + hp", data=CARS[one]).params for one in kept])
    np.testing.assert_allclose(found.estimates, deleted, rtol=1e-10)
    centred = deleted - deleted.mean(axis=0)
    np.testing.assert_allclose(found.bse, np.sqrt(31 / 32 * (centred**2).sum(axis=0)), rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(found.cov())), found.bse, rtol=1e-10)
    with pytest.raises(sd.ModelError, match="method='normal' only"):
        found.confint(method="bca")
    assert found.confint(method="normal").shape == (3, 2)


def test_clusters_are_left_out_together():
    fit = sd.lm("mpg ~ wt", data=CARS)
    found = sd.jackknife(fit, cluster="gear")
    assert found.count == 3
    again = sd.lm("mpg ~ wt", data=CARS[CARS["gear"] != sorted(CARS["gear"].unique())[0]])
    assert np.abs(found.estimates - again.params.to_numpy()).sum(axis=1).min() < 1e-9
    limits = sd.bootstrap(fit, 50, cluster="gear", seed=1).confint(method="bca")
    assert limits.notna().all(axis=None)


def test_the_parametric_bootstrap_has_the_models_spread(line):
    found = sd.bootstrap(line, 2000, scheme="parametric", seed=1)
    np.testing.assert_allclose(found.bse, line.bse, rtol=0.08)
    assert np.abs(found.bias / line.bse).max() < 0.1
    with pytest.raises(sd.ModelError, match="bootstrap of cases"):
        found.confint(method="bca")


def test_the_covariance_is_the_bootstraps(line):
    found = sd.bootstrap(line, 50, seed=4)
    np.testing.assert_allclose(found.cov(), line.vcov("bootstrap", B=50, seed=4), rtol=1e-10)


@pytest.mark.slow
def test_limits_cover():
    rng = np.random.default_rng(0)
    inside = dict.fromkeys(["percentile", "bca", "basic", "normal"], 0)
    for _ in range(300):
        x = rng.normal(size=60)
        y = 1 + 0.5 * x + rng.normal(size=60) * (0.5 + 0.5 * np.abs(x))
        found = sd.bootstrap(sd.lm(X=x[:, None], y=y), 400, seed=int(rng.integers(1 << 30)))
        for method in inside:
            lower, upper = found.confint(method=method).to_numpy()[1]
            inside[method] += lower <= 0.5 <= upper
    assert all(0.88 < count / 300 < 0.98 for count in inside.values()), inside


# how it is seen ------------------------------------------------------------------------------


def test_every_form_shows_the_same(line):
    found = sd.bootstrap(line, 40, seed=0)
    assert "bootstrap fits of lm(mpg ~ wt + hp)" in str(found)
    for text in (found.to_html(), found.to_latex(), found.to_markdown()):
        assert "wt" in text
        assert "Std. Error" in text
    assert found.summary(level=0.9).columns.keys() >= {"5 %", "95 %"}
    assert list(found.frame.columns) == ["Intercept", "wt", "hp"]


def test_the_picture_has_the_estimates(line):
    pytest.importorskip("matplotlib")
    found = sd.bootstrap(line, 60, seed=0)
    (axes,) = found.plot(["wt"])
    assert sum(patch.get_height() for patch in axes.patches) == 60
    drawn = sorted(line.get_xdata()[0] for line in axes.lines)
    lower, upper = found.confint().loc["wt"]
    assert drawn == pytest.approx([lower, found.estimate.parameters[1], upper])
    assert len(found.plot()) == 3
    with pytest.raises(sd.ModelError, match="'speed' is no coefficient"):
        found.plot(["speed"])


# what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("views", "error", "said"),
    [
        ({}, sd.ModelError, "Nothing varies"),
        ({"weights": np.ones((2, 5))}, sd.DataError, "5 columns, and the model has 32 rows"),
        ({"weights": -np.ones((2, 32))}, sd.DataError, "0 or more"),
        ({"weights": np.zeros((2, 32))}, sd.DataError, "without any row"),
        ({"rows": [[0, 40]]}, sd.DataError, "names row 40; the last one is 31"),
        ({"rows": [[0.5]]}, sd.DataError, "whole numbers"),
        ({"penalty": [1.0, -1.0]}, sd.ModelError, "0 or more"),
        ({"y": np.full((1, 32), np.nan)}, sd.DataError, "32 values that are not finite"),
        ({"starts": np.zeros((2, 7))}, sd.ModelError, "with 3 parameters"),
        ({"seeds": [1]}, sd.ModelError, "one maximum"),
        ({"penalty": [1.0], "weights": np.ones((2, 32))}, sd.DataError, "same number of fits"),
        ({"rows": [[1]], "weights": np.ones((1, 32))}, sd.ModelError, "not both"),
        ({"weights": "a"}, sd.DataError, "weights must be numbers"),
        ({"weights": [[1.0, 2.0], [3.0]]}, sd.DataError, "as many of them for each fit"),
        ({"weights": np.ones((0, 32))}, sd.DataError, "no fit"),
        ({"rows": []}, sd.DataError, "no fit"),
        ({"rows": [1, 2]}, sd.DataError, r"rows\[0\] must hold whole numbers"),
        ({"rows": 3}, sd.DataError, "rows must hold sequences"),
        ({"penalty": "a"}, sd.ModelError, "penalty needs a finite number"),
        ({"penalty": [sd.Ridge(1.0)]}, sd.ModelError, "penalty needs a finite number"),
        ({"y": [["a"] * 32]}, sd.DataError, "y must be numbers"),
        ({"y": [[1.0], [1.0, 2.0]]}, sd.DataError, "as many responses"),
        ({"starts": [[np.nan, 0.0, 0.0]]}, sd.ModelError, "finite"),
        ({"penalty": [1.0], "tolerance": "a"}, sd.ModelError, "tolerance='a'"),
        ({"penalty": [1.0], "tolerance": np.nan}, sd.ModelError, "tolerance=nan"),
    ],
)
def test_bad_views_are_named(line, views, error, said):
    with pytest.raises(error, match=said):
        sd.fit_many(line, **views)


@pytest.mark.parametrize("B", ["a", np.nan, None, 1, 2.5, True])
def test_numbers_of_resamples_are_whole(line, B):
    with pytest.raises(sd.ModelError, match="B must be a whole number"):
        sd.bootstrap(line, B)


@pytest.mark.parametrize("seeds", [["a"], 5, [1.5]])
def test_seeds_are_whole_numbers(seeds):
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=1, decay=1.0)
    with pytest.raises(sd.StatdlError, match="seeds must hold whole numbers"):
        sd.fit_many(net, seeds=seeds)


def test_pictures_and_predictions_say_what_they_need(line):
    found = sd.fit_many(line, penalty=[1.0, 2.0])
    assert len(found.plot("wt")) == 1
    with pytest.raises(sd.ModelError, match="no coefficient to draw"):
        found.plot([])
    with pytest.raises(sd.DataError, match="2 inputs"):
        found.predict(np.ones((3, 4)))


@pytest.mark.parametrize("kind", ["net", "array net", "line", "aliased", "counts"])
def test_new_rows_are_predicted_as_the_fit_itself_does(kind):
    X, y = CARS[["wt", "hp"]].to_numpy(), CARS["mpg"].to_numpy()
    fit, new = {
        "net": lambda: (sd.mlp("mpg ~ wt + factor(cyl)", CARS, hidden=2, decay=0.1), CARS[:7]),
        "array net": lambda: (sd.mlp(X=X, y=y, hidden=2, decay=0.1), X[:7]),
        "line": lambda: (sd.lm("mpg ~ poly(wt, 2)", CARS), CARS[:7]),
        "aliased": lambda: (sd.lm("mpg ~ wt + I(2 * wt) + hp", CARS), CARS[:7]),
        "counts": lambda: (
            sd.glm("carb ~ wt + offset(np.log(hp))", CARS, family="poisson"),
            CARS[:7],
        ),
    }[kind]()
    once = sd.fit_many(fit, weights=np.ones((1, 32)))
    np.testing.assert_allclose(once.predict(new)[0], np.asarray(fit.predict(new)), rtol=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_perfect_fits_have_an_estimate(offset):
    x = np.linspace(-1.0, 2.0, 32)
    data = pd.DataFrame({"x": x, "z": np.cos(5 * x), "y": offset + 2 * x})
    fit = sd.lm("y ~ x + z", data=data)
    for many in (sd.bootstrap(fit, 40), sd.jackknife(fit), sd.fit_many(fit, penalty=[0.0, 1e-9])):
        assert many.failures == {}
        np.testing.assert_allclose(many.frame["x"], 2.0, rtol=1e-8)
    gamma = sd.glm("np.exp(2 * x) ~ x + z", data=data, family="gamma", link="log")
    assert sd.bootstrap(gamma, 40).failures == {}


def test_new_rows_may_be_columns_as_they_are_coded(line):
    found = sd.fit_many(line, penalty=[0.0])
    coded = found.predict(CARS[["wt", "hp"]].to_numpy())
    np.testing.assert_allclose(coded, found.predict(), rtol=1e-12)
    turned = CARS[["hp", "wt"]]  # of a frame they go by their names
    np.testing.assert_allclose(found.predict(turned), found.predict(), rtol=1e-12)
    with pytest.raises(sd.ModelError, match="goes with a frame"):
        found.predict(np.ones((3, 2)), offset=np.ones(3))
    with pytest.raises(sd.ModelError, match="belongs to newdata"):
        found.predict(offset=np.ones(3))


def test_rows_are_those_of_the_data_though_the_last_was_left_out():
    data = CARS.copy()
    data.loc[data.index[-1], "wt"] = np.nan
    fit = sd.lm("mpg ~ wt", data=data)
    found = sd.fit_many(fit, rows=[[0, 1, 2, 3, 31]])
    again = sd.lm("mpg ~ wt", data=data.iloc[[0, 1, 2, 3, 31]])
    np.testing.assert_allclose(found.estimates[0], again.params, rtol=1e-10)


def test_responses_come_in_frames_of_any_library(line):
    polars = pytest.importorskip("polars")
    drawn = sd.simulate(line, 3, seed=1)
    ours, theirs = (sd.fit_many(line, y=y).estimates for y in (polars.from_pandas(drawn), drawn))
    np.testing.assert_array_equal(ours, theirs)


def test_the_covariance_leaves_out_what_has_no_estimate(logit):
    found = sd.bootstrap(logit, 200, seed=0)
    assert found.failures
    with pytest.warns(sd.StatdlWarning, match="left out"):
        covariance = logit.vcov("bootstrap", B=200, seed=0)
    np.testing.assert_allclose(covariance, found.cov(), rtol=1e-6)


def test_the_jackknife_of_a_perfect_line_has_limits_at_it():
    data = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [0.0, 0.0, 0.0, 0.0]})
    limits = sd.jackknife(sd.lm("y ~ x", data=data)).confint()
    np.testing.assert_allclose(limits, 0.0, atol=1e-12)


def test_what_cannot_be_refitted_is_refused(line, tmp_path):
    method = sd.GradientDescent(sd.Adam(0.01), batch=8, epochs=2)
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, method=method)
    with pytest.raises(sd.ModelError, match="gradient descent"):
        sd.bootstrap(net, 10)
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, dropout=0.1, method=method)
    with pytest.raises(sd.ModelError, match="this one has dropout"):
        sd.fit_many(net, seeds=[1])
    line.save(tmp_path / "line.statdl")
    with pytest.raises(sd.DataError, match="no rows to fit again"):
        sd.bootstrap(sd.load(tmp_path / "line.statdl"), 10)
    with pytest.raises(sd.ModelError, match="not known"):
        sd.bootstrap(line, 10, scheme="wild")
    with pytest.raises(sd.ModelError, match="goes with a formula"):
        sd.fit_many(line, CARS, penalty=[1.0])
    fit = sd.multinom("Species ~ Sepal.Width", data=sd.datasets.load("iris"))
    with pytest.raises(sd.DataError, match="class 'rose'"):
        sd.fit_many(fit, y=[["rose"] * 150])


def test_penalties_are_instead_of_the_fit_s_own():
    cars = sd.datasets.load("mtcars")
    ridge, plain = (
        sd.glm("am ~ wt", data=cars, family="binomial", penalty=penalty) for penalty in (5.0, None)
    )
    ours, theirs = (sd.fit_many(fit, penalty=[1.0, 5.0]).estimates for fit in (ridge, plain))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    np.testing.assert_allclose(ours[1], ridge.estimate.parameters, rtol=1e-7)
