"""Margins: predictions, comparisons, slopes; by consequence, by marginaleffects, by statsmodels."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import statdl as sd
from statdl.infer.population import population
from tests.reference import HERE

CARS = sd.datasets.load("mtcars")
IRIS = sd.datasets.load("iris").rename(columns=lambda name: name.replace(".", "_"))
WARP = sd.datasets.load("warpbreaks")
INFERT = sd.datasets.load("infert")
HOUSING = sd.datasets.load("housing")
MARGINS = json.loads((HERE / "margins.json").read_text(encoding="utf-8"))["models"]
ROWS = {"comparisons rows": "spontaneous", "slopes rows": "wt"}
SET = {
    "set by wt": ({"wt": [2, 3, 4]}, "wt"),
    "set by cyl": ({"wt": [2, 3, 4]}, "cyl"),
    "set by both": ({"wt": [2, 3]}, ["wt", "cyl"]),
    "two set by one": ({"wt": [2, 3], "hp": [100, 200]}, "hp"),
    "set by Sepal_Width": ({"Sepal_Width": [2.5, 3.5]}, "Sepal_Width"),
}


def fitted(name):
    if name == "lm":
        return sd.lm("mpg ~ wt * hp + factor(cyl)", data=CARS)
    formula = MARGINS[name]["formula"]
    if name == "multinom":
        return sd.multinom(formula, data=IRIS.assign(kind=IRIS["Species"].cat.codes))
    family = {"logit": "binomial", "poisson": "poisson"}[name]
    return sd.glm(formula, data=sd.datasets.load(MARGINS[name]["data"]), family=family)


def centred(fit, data, **options):
    """The package for Python changes a number from x − ½ to x + ½, that for R from x to x + 1."""
    found = []
    for name in ("wt", "hp", "age", "spontaneous", "parity", "Sepal_Width"):
        if name in data.columns and name in fit.formula:
            rows = data.assign(**{name: data[name] - 0.5})
            found.append(fit.comparisons({name: 1}, rows, **options))
    for name in ("education", "cyl", "tension", "wool"):
        if name in data.columns and name in fit.formula:
            found.append(fit.comparisons(name, data, **options))
    return pd.concat(found)


def answer(fit, data, question):
    verb = {"avg_slopes": fit.avg_slopes, "avg_predictions": fit.avg_predictions}
    if question in verb:
        return verb[question]()
    if question == "avg_comparisons":
        return centred(fit, data, by=True)
    if question in ("eyex", "eydx", "dyex"):
        return fit.avg_slopes("wt", slope=question)
    if question in ("ratio", "lnor", "lift", "comparisons rows"):
        rows = data.assign(spontaneous=data["spontaneous"] - 0.5)
        if question == "comparisons rows":
            return fit.comparisons("spontaneous", rows.head(5))
        return fit.avg_comparisons("spontaneous", rows, comparison=question)
    if question == "avg_slopes by cyl":
        return fit.avg_slopes("wt", by="cyl")
    if question == "avg_predictions by wool":
        return fit.avg_predictions(by="wool")
    if question == "slopes rows":
        return fit.slopes("wt", data.head(5))
    change = question.removeprefix("comparisons ")
    return fit.avg_comparisons({"wt": (2, 4) if change == "pair" else change})


@pytest.mark.parametrize(
    ("name", "question"),
    [(name, one) for name, of in MARGINS.items() for one in of["answers"] if one not in SET],
)
def test_answers_are_those_of_marginaleffects(name, question):
    theirs = pd.DataFrame(MARGINS[name]["answers"][question])
    data = {"lm": CARS, "logit": INFERT, "poisson": WARP, "multinom": IRIS}[name]
    ours = answer(fitted(name), data, question)
    if question in ("ratio", "lnor", "lift"):
        theirs["contrast"] = ours["contrast"]
    keys = [key for key in ("term", "contrast", "group", "wool") if key in theirs]
    if question not in ROWS and "cyl" not in theirs:
        ours, theirs = (
            one.assign(**{k: one[k].astype(str) for k in keys}) for one in (ours, theirs)
        )
        ours, theirs = ours.sort_values(keys), theirs.sort_values(keys)
        for key in keys:
            assert ours[key].tolist() == theirs[key].tolist()
    scale = theirs["estimate"].abs().max()
    np.testing.assert_allclose(ours["estimate"], theirs["estimate"], rtol=2e-5, atol=2e-6 * scale)
    # their derivatives in θ are forward differences
    np.testing.assert_allclose(ours["std.error"], theirs["std_error"], rtol=1e-2)


@pytest.mark.parametrize(
    ("name", "question"),
    [(name, one) for name, of in MARGINS.items() for one in of["answers"] if one in SET],
)
def test_groups_are_of_the_rows_as_they_are_set(name, question):
    theirs = pd.DataFrame(MARGINS[name]["answers"][question])
    variables, by = SET[question]
    ours = fitted(name).predictions(variables=variables, by=by)
    keys = [key for key in ("wt", "hp", "cyl", "group", "Sepal_Width") if key in theirs]
    assert set(keys) == set(ours.columns[: len(keys)])
    for one in (ours, theirs):
        one[keys] = one[keys].astype({key: float for key in keys if key != "group"})
    order, theirs = ours.sort_values(keys), theirs.sort_values(keys)
    np.testing.assert_array_equal(order[keys].astype(str), theirs[keys].astype(str))
    np.testing.assert_allclose(order["estimate"], theirs["estimate"], rtol=2e-5)
    np.testing.assert_allclose(order["std.error"], theirs["std_error"], rtol=1e-2)


def test_a_value_set_is_a_group_of_its_own():
    fit = sd.glm("am ~ wt + hp", data=CARS, family="binomial")
    told = fit.predictions(variables={"wt": [2, 3]}, by="wt")
    pd.testing.assert_frame_equal(told, fit.avg_predictions(variables={"wt": [2, 3]}))
    each = fit.predictions(variables={"wt": [2, 3], "hp": [100, 200]}, by=["wt", "hp"])
    over = fit.predictions(variables={"wt": [2, 3], "hp": [100, 200]}, by="wt")
    np.testing.assert_allclose(over["estimate"], each.groupby("wt")["estimate"].mean())
    observed = fit.predictions(variables={"wt": [2, 3]}, by="gear")
    both = fit.predictions(variables={"wt": [2, 3]}, by=["gear", "wt"])
    np.testing.assert_allclose(observed["estimate"], both.groupby("gear")["estimate"].mean())
    assert len(both) == 6


SLOPED = {
    "logit": ("case ~ spontaneous + age", INFERT),
    "poisson": ("carb ~ wt + qsec", CARS),
    "mnlogit": ("kind ~ Sepal_Width + code", IRIS.assign(
        kind=IRIS["Species"].cat.codes, code=np.arange(150) % 7
    )),
}  # fmt: skip


@pytest.mark.parametrize("front", SLOPED)
@pytest.mark.parametrize("method", ["dydx", "eyex", "eydx", "dyex"])
def test_slopes_are_those_of_statsmodels(front, method):
    formula, data = SLOPED[front]
    if front == "mnlogit" and method != "dydx":
        pytest.skip("statsmodels has no elasticities of several classes")
    options = {"disp": 0, "method": "newton", "tol": 1e-14, "maxiter": 200}
    theirs = getattr(smf, front)(formula, data).fit(**options).get_margeff(method=method)
    if front == "mnlogit":
        ours = sd.multinom(formula, data=data)
    else:
        family = "binomial" if front == "logit" else "poisson"
        ours = sd.glm(formula, data=data, family=family, method="newton")
    table = ours.avg_slopes(slope=method)
    shape = theirs.margeff.shape
    np.testing.assert_allclose(table["estimate"].to_numpy().reshape(shape), theirs.margeff, 1e-7)
    errors = table["std.error"].to_numpy().reshape(shape)
    np.testing.assert_allclose(errors, theirs.margeff_se, rtol=1e-6)


def test_slopes_of_columns_are_their_marginal_effects():
    for fit in (
        sd.glm("am ~ wt + hp", data=CARS, family="binomial"),
        sd.multinom("gear ~ wt + hp", data=CARS),
        sd.mlp("mpg ~ wt + hp", data=CARS, hidden=2, decay=0.1),
    ):
        effects, table = fit.effects(), fit.avg_slopes()
        np.testing.assert_allclose(table["estimate"], effects["Effect"], rtol=1e-8)
        np.testing.assert_allclose(table["std.error"], effects["Std. Error"], rtol=1e-7)


def test_predictions_are_those_of_predict():
    for fit, options in (
        (sd.lm("mpg ~ bs(wt, df=4) + factor(cyl)", data=CARS), {}),
        (sd.glm("am ~ wt", data=CARS, family="binomial"), {}),
        (sd.glm("am ~ wt", data=CARS, family="binomial"), {"type": "link"}),
    ):
        known = fit.predict(se_fit=True, **options)
        table = fit.predictions(**options)
        np.testing.assert_allclose(table["estimate"], known["fit"], rtol=1e-12)
        np.testing.assert_allclose(table["std.error"], known["se_fit"], rtol=1e-10)
    fit = sd.multinom("gear ~ wt", data=CARS)
    known = fit.predict(se_fit=True)
    table = fit.predictions()
    for level in ("3", "4", "5"):
        one = table[table["group"] == level]
        np.testing.assert_allclose(one["estimate"], known[f"fit.{level}"], rtol=1e-12)
        np.testing.assert_allclose(one["std.error"], known[f"se_fit.{level}"], rtol=1e-10)


def test_errors_are_the_delta_method_by_differences():
    """The gradient of an average prediction, one coefficient of a refit network at a time."""
    fit = sd.multinom("gear ~ wt + hp", data=CARS)
    V = fit.vcov().to_numpy()
    theta = fit.params.to_numpy().T.reshape(-1)
    X = np.column_stack([np.ones(32), CARS["wt"], CARS["hp"]])
    X1 = np.column_stack([np.ones(32), CARS["wt"] + 1, CARS["hp"]])

    def average(theta, X):
        eta = np.column_stack([np.zeros(32), X @ theta.reshape(2, 3).T])
        p = np.exp(eta)
        return (p / p.sum(axis=1, keepdims=True)).mean(axis=0)

    def f(theta):
        return average(theta, X1) - average(theta, X)

    h = 1e-6 * np.maximum(np.abs(theta), 1e-3)
    steps = np.eye(6) * h
    J = np.column_stack([(f(theta + s) - f(theta - s)) / (2 * s.sum()) for s in steps])
    table = fit.avg_comparisons("wt")
    np.testing.assert_allclose(table["estimate"], f(theta), rtol=1e-12)
    np.testing.assert_allclose(table["std.error"], np.sqrt(np.diag(J @ V @ J.T)), rtol=1e-5)


def test_everything_made_of_a_variable_follows_it():
    fit = sd.lm("mpg ~ poly(wt, 2) + wt:hp", data=CARS)
    low, high = CARS.assign(wt=CARS["wt"] - 0.5), CARS.assign(wt=CARS["wt"] + 0.5)
    found = fit.comparisons({"wt": 1}, low)["estimate"]
    np.testing.assert_allclose(found, fit.predict(high) - fit.predict(low), rtol=1e-9)
    shifted = sd.glm("carb ~ wt + offset(log(hp))", data=CARS, family="poisson")
    doubled = CARS.assign(hp=2 * CARS["hp"])
    ours = shifted.avg_predictions(doubled)["estimate"][0]
    assert ours == pytest.approx(2 * shifted.avg_predictions(CARS)["estimate"][0])


def test_offsets_given_as_vectors_stay():
    exposure = np.log(CARS["hp"].to_numpy())
    fit = sd.glm("carb ~ wt", data=CARS, family="poisson", offset=exposure)
    assert fit.avg_predictions()["estimate"][0] == pytest.approx(CARS["carb"].mean())


def test_averages_weigh_rows_as_the_fit_did():
    fit = sd.multinom("Sat ~ Infl + Type", data=HOUSING, weights="Freq")
    long = HOUSING.loc[HOUSING.index.repeat(HOUSING["Freq"])]
    whole = sd.multinom("Sat ~ Infl + Type", data=long)
    for verb in ("avg_predictions", "avg_slopes"):
        ours, theirs = getattr(fit, verb)(), getattr(whole, verb)()
        np.testing.assert_allclose(ours["estimate"], theirs["estimate"], rtol=1e-7)
        np.testing.assert_allclose(ours["std.error"], theirs["std.error"], rtol=1e-6)
    plain = fit.avg_predictions(weights=False)["estimate"]
    np.testing.assert_allclose(plain, fit.predict().mean(axis=0), rtol=1e-10)
    named = fit.avg_predictions(HOUSING, weights="Freq")["estimate"]
    np.testing.assert_allclose(named, fit.avg_predictions()["estimate"], rtol=1e-10)


def test_groups_average_to_the_whole():
    fit = sd.glm("am ~ wt + hp", data=CARS, family="binomial")
    parts = fit.avg_slopes("wt", by=["cyl", "gear"])
    counts = CARS.groupby(["cyl", "gear"]).size()
    assert parts[["cyl", "gear"]].values.tolist() == [list(key) for key in counts.index]
    whole = float(np.average(parts["estimate"], weights=counts))
    assert whole == pytest.approx(fit.avg_slopes("wt")["estimate"][0], rel=1e-10)


def test_blocks_change_nothing(monkeypatch):
    fit = sd.multinom("gear ~ wt + factor(vs)", data=CARS)
    whole = [fit.avg_slopes(by="am"), fit.slopes("wt")]
    monkeypatch.setattr("statdl.infer.population.LEAST_ROWS", 5)
    monkeypatch.setattr("statdl.infer.population.block_rows", lambda *_: 5)
    monkeypatch.setattr("statdl.infer.margins.LARGEST", 5)
    for one, other in zip(whole, [fit.avg_slopes(by="am"), fit.slopes("wt")], strict=True):
        pd.testing.assert_frame_equal(one, other, rtol=1e-10)


def test_frames_come_back_in_their_kind():
    for make in (pl.from_pandas, pa.Table.from_pandas):
        data = make(CARS.reset_index(drop=True))
        fit = sd.lm("mpg ~ wt + factor(cyl)", data=data)
        for table in (fit.slopes(), fit.avg_predictions(by="cyl"), fit.datagrid(wt=[2, 3])):
            assert type(table) is type(data)
    known = sd.lm("mpg ~ wt + factor(cyl)", data=CARS).slopes()["estimate"]
    fit = sd.lm("mpg ~ wt + factor(cyl)", data=pl.from_pandas(CARS.reset_index(drop=True)))
    np.testing.assert_allclose(fit.slopes()["estimate"].to_numpy(), known)


def test_arrays_have_columns_as_variables():
    X, y = CARS[["wt", "hp"]].to_numpy(), CARS["mpg"].to_numpy()
    fit = sd.lm(X=X, y=y, names=["wt", "hp"])
    table = fit.avg_slopes()
    np.testing.assert_allclose(table["estimate"], fit.params[1:], rtol=1e-9)
    np.testing.assert_allclose(table["std.error"], fit.bse[1:], rtol=1e-8)
    assert fit.avg_predictions(X[:3])["estimate"][0] == pytest.approx(fit.predict(X[:3]).mean())


def test_the_covariance_is_any():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial")
    C = fit.vcov("HC0")
    scaled = fit.avg_slopes(vcov=4 * C)["std.error"][0] / fit.avg_slopes(vcov="HC0")["std.error"][0]
    assert scaled == pytest.approx(2)
    line = sd.lm("mpg ~ wt", data=CARS)
    robust = line.avg_slopes(vcov="HC3")["std.error"][0]
    assert robust == pytest.approx(line.with_covariance("HC3").bse["wt"])
    assert line.avg_slopes(cluster="gear")["std.error"][0] != pytest.approx(robust)


def test_intervals_refer_to_t_where_a_dispersion_is_estimated():
    fit = sd.lm("mpg ~ wt", data=CARS)
    row = fit.avg_slopes(level=0.9).iloc[0]
    low, high = fit.confint(0.9).loc["wt"]
    assert (row["conf.low"], row["conf.high"]) == pytest.approx((low, high), rel=1e-9)


def test_names_alone_are_all_levels_or_the_range():
    fit = sd.lm("mpg ~ wt + factor(cyl)", data=CARS)
    for names in ("cyl", ["cyl"], ("cyl",)):
        for by in (False, True, "cyl"):
            found = fit.predictions(variables=names, by=by)
            assert found.equals(fit.predictions(variables={"cyl": None}, by=by))
    quartiles = np.quantile(CARS["wt"], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(fit.predictions(variables="wt", by="wt")["wt"], quartiles)


def test_grids():
    fit = sd.lm("mpg ~ wt + factor(cyl) + hp", data=CARS)
    grid = fit.datagrid(hp=[100, 200], wt=np.median)
    assert grid["cyl"].tolist() == [8, 8]
    assert grid["wt"].tolist() == [CARS["wt"].median()] * 2
    assert len(fit.datagrid("balanced")) == 3
    counterfactual = fit.datagrid("counterfactual", cyl=[4, 8])
    assert len(counterfactual) == 64
    average = fit.avg_predictions(counterfactual, by="cyl")
    known = fit.avg_predictions(variables={"cyl": [4, 8]})
    np.testing.assert_allclose(average["estimate"], known["estimate"])
    mean = fit.predictions("mean")
    assert mean["wt"][0] == pytest.approx(CARS["wt"].mean())
    assert len(fit.predictions("balanced")) == 3


def test_rows_with_missing_values_are_left_out():
    fit = sd.lm("mpg ~ wt + factor(cyl)", data=CARS)
    holes = CARS.reset_index(drop=True)
    holes.loc[[0, 3], "wt"] = np.nan
    found = fit.predictions(holes)
    assert found["rowid"].tolist() == [k for k in range(32) if k not in (0, 3)]
    np.testing.assert_allclose(found["estimate"], fit.predict(holes).dropna())


def test_factors_change_as_asked():
    fit = sd.lm("mpg ~ factor(cyl)", data=CARS)
    labels = {
        "reference": ["6 - 4", "8 - 4"],
        "sequential": ["6 - 4", "8 - 6"],
        "pairwise": ["6 - 4", "8 - 4", "8 - 6"],
        (8, 4): ["4 - 8"],
    }
    for change, contrasts in labels.items():
        assert fit.avg_comparisons({"cyl": change})["contrast"].tolist() == contrasts
    flags = CARS.assign(heavy=CARS["wt"] > 3)
    found = sd.lm("mpg ~ heavy", data=flags).avg_slopes()
    assert found["contrast"].tolist() == ["True - False"]
    assert sd.lm("mpg ~ am", data=CARS).avg_comparisons()["contrast"].tolist() == ["1 - 0"]


def test_splines_are_not_asked_outside_of_the_data():
    fit = sd.lm("mpg ~ bs(wt, df=4)", data=CARS)
    h = 1e-5
    inner = CARS[(CARS["wt"] > CARS["wt"].min()) & (CARS["wt"] < CARS["wt"].max())]
    high, low = (fit.predict(inner.assign(wt=inner["wt"] + s)) for s in (h, -h))
    ours = fit.slopes("wt", inner)["estimate"]
    np.testing.assert_allclose(ours, (high - low) / (2 * h), rtol=1e-4)
    assert np.isfinite(fit.slopes("wt")["estimate"]).all()


def test_fits_from_files_answer_for_new_rows(tmp_path):
    fit = sd.glm("am ~ wt + factor(cyl)", data=CARS, family="binomial", penalty=0.1)
    fit.save(tmp_path / "fit.statdl")
    loaded = sd.load(tmp_path / "fit.statdl")
    pd.testing.assert_frame_equal(loaded.predictions(CARS), fit.predictions(CARS))
    pd.testing.assert_frame_equal(
        loaded.avg_comparisons("cyl", CARS), fit.avg_comparisons("cyl", CARS)
    )
    with pytest.raises(sd.DataError, match="file"):
        loaded.predictions()


def test_networks_have_margins():
    fit = sd.mlp(
        "gear ~ wt + hp", data=CARS.assign(gear=CARS["gear"].astype(str)), hidden=2, decay=0.1
    )
    changes = fit.avg_comparisons("wt")
    assert changes["estimate"].sum() == pytest.approx(0, abs=1e-12)
    moved = fit.predict(CARS.assign(wt=CARS["wt"] + 1)).mean() - fit.predict(CARS).mean()
    np.testing.assert_allclose(changes["estimate"], moved, rtol=1e-9)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit: fit.slopes("weight"), "no variable of the model"),
        (lambda fit: fit.slopes("cyl", slope="eyex"), "is a factor"),
        (lambda fit: fit.comparisons({"cyl": "sd"}), "a factor changes by"),
        (lambda fit: fit.comparisons({"cyl": (4, 5)}), "two of its levels"),
        (lambda fit: fit.comparisons({"wt": "big"}), "'sd', '2sd'"),
        (lambda fit: fit.comparisons({"wt": (1, 2, 3)}), "from one value to another"),
        (lambda fit: fit.comparisons("wt", comparison="quotient"), "choose one of difference"),
        (lambda fit: fit.slopes("wt", slope="dxdy"), "choose one of dydx"),
        (lambda fit: fit.predictions(type="class"), "choose response or link"),
        (lambda fit: fit.predictions("typical"), "choose mean or balanced"),
        (lambda fit: fit.avg_predictions(by="colour"), "lack the columns `colour`"),
        (lambda fit: fit.avg_predictions(weights=[1, 2]), "each of 32 rows"),
        (lambda fit: fit.datagrid(speed=3), "no variable of the model"),
        (lambda fit: fit.datagrid("all"), "choose mean_or_mode"),
        (lambda fit: fit.predictions(level=95), "between 0 and 1"),
    ],
)
def test_what_cannot_be_answered_is_refused(ask, message):
    fit = sd.lm("mpg ~ wt + factor(cyl)", data=CARS)
    with pytest.raises((sd.ModelError, sd.DataError), match=message):
        ask(fit)


def test_changed_data_are_refused():
    data = CARS.copy()
    fit = sd.lm("mpg ~ wt", data=data)
    data["wt"] = 0.0
    with pytest.raises(sd.DataError, match="changed"):
        fit.avg_slopes()


def test_a_poisson_average_by_hand():
    data = CARS.assign(one=1.0)
    fit = sd.glm("carb ~ wt", data=data, family="poisson")
    theirs = sm.GLM(CARS["carb"], sm.add_constant(CARS[["wt"]]), sm.families.Poisson()).fit(
        tol=1e-14
    )
    mu, X, V = theirs.mu, theirs.model.exog, theirs.cov_params().to_numpy()
    g = (mu[:, None] * X).mean(axis=0)
    row = fit.avg_predictions().iloc[0]
    assert row["estimate"] == pytest.approx(mu.mean())
    assert row["std.error"] == pytest.approx(np.sqrt(g @ V @ g), rel=1e-7)


def test_populations_know_their_rows():
    fit = sd.lm("mpg ~ wt", data=CARS, subset="cyl == 4")
    rows = population(fit.estimate)
    assert rows.n == 11
    assert rows.column("cyl").tolist() == [4] * 11
    assert len(fit.predictions(by="gear")) == 3


def test_marginal_means_and_their_differences_are_those_of_emmeans():
    # emmeans(f, ~ tension), and pairs(…, adjust = "none"), of an unbalanced table
    data = sd.datasets.load("warpbreaks").drop(index=[0, 4, 8, 21, 32])
    fit = sd.lm("breaks ~ wool*tension", data)
    means = fit.predictions(fit.datagrid("balanced"), by="tension")
    assert np.allclose(means["estimate"], [33.770833, 26.388889, 22.076389], atol=1e-6)
    assert np.allclose(means["std.error"], [2.620375, 2.287251, 2.357644], atol=1e-6)
    pairs = fit.avg_comparisons({"tension": "pairwise"}, newdata="balanced")
    assert np.allclose(pairs["estimate"], [-7.381944, -11.694444, -4.3125], atol=1e-6)
    assert np.allclose(pairs["p.value"], [0.0396, 0.0019, 0.1962], atol=1e-4)
