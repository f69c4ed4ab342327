"""What is inferred from a network: effects, covariances, tests, verdicts, and what does not matter.

Data are drawn from networks small enough to be identified, so that a fit's answers can be compared
with derivatives by differences, with other packages, and with themselves under a change of units.
"""

import math
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import statdl as sd
from statdl.estimate import Identification, determine
from statdl.infer.effects import average_effects
from statdl.infer.mean import mean_bend, mean_jacobian
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gamma, Gaussian, Poisson
from statdl.model.link import Inverse, Log, Probit, Sqrt
from tests.agreement import agree
from tests.reference import cases, frame, numbers

TRUTH = {
    "gaussian": lambda random, eta: eta + 0.3 * random.normal(size=len(eta)),
    "binomial": lambda random, eta: (random.random(len(eta)) < 1 / (1 + np.exp(-eta))) * 1.0,
    "poisson": lambda random, eta: random.poisson(np.exp(eta)) * 1.0,
    "gamma": lambda random, eta: np.exp(eta) * random.gamma(5.0, 0.2, len(eta)),
    "multinomial": lambda random, eta: np.array(["a", "b", "c"])[
        np.argmax(np.stack([0 * eta, eta, eta**2 - 1], 1) + random.gumbel(size=(len(eta), 3)), 1)
    ],
}
KINDS = {
    "plain": {},
    "skip, two layers": {"hidden": (2, 2), "skip": True, "decay": 0.1},
    "minmax, layer normalised": {
        "scaling": "minmax",
        "normalisation": "layer",
        "decay": 0.05,
        "hidden": 3,
        "method": sd.TrustRegion(max_iterations=2),
    },
    "held": {"fixed": {"x -> h1": 0.5}, "decay": 0.05},
}


def draw(family, n=160, seed=3):
    """Two numeric columns, one of them in large units, and a factor of three levels."""
    random = np.random.default_rng(seed)
    x, z, g = random.normal(size=n), random.uniform(-1.5, 1.5, n), random.integers(0, 3, n)
    eta = 1.2 * np.tanh(1.1 * x - 0.4 + 0.3 * g) - 0.8 * np.tanh(0.9 * z + 0.2 * x) + 0.3
    y = TRUTH[family](random, eta)
    return pd.DataFrame({"x": x, "z": 100 * z, "g": np.array(["p", "q", "r"])[g], "y": y})


@cache
def fitted(family, kind="plain"):
    options = {"hidden": 2, "decay": 0.02, "restarts": 3, "seed": 1} | KINDS[kind]
    link = "log" if family == "gamma" else None
    return sd.mlp("y ~ x + z + g", data=draw(family), family=family, link=link, **options)


def effect_values(estimate):
    rows = estimate.specification.rows
    return average_effects(estimate, rows.X).inference.estimate.reshape(-1)


# derivatives of the mean ---------------------------------------------------------------------


FAMILIES = [
    Gaussian(),
    Gaussian(Log()),
    Poisson(),
    Poisson(Sqrt()),
    Gamma(Inverse()),
    Binomial(),
    Binomial(Probit()),
    Multinomial(4),
]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: f"{family.name} {family.link.name}")
def test_mean_has_the_right_first_and_second_derivatives(family):
    random = np.random.default_rng(0)
    eta, d = random.uniform(0.4, 1.6, (5, family.outputs)), random.normal(size=(5, family.outputs))
    step = 1e-6 * np.eye(family.outputs)
    D = [(family.mean(eta + h) - family.mean(eta - h)) / 2e-6 for h in step]
    agree(mean_jacobian(family, eta), np.stack(D, axis=2), rtol=1e-7, scale=10)
    along = [
        np.einsum("ikc,ic->ik", mean_jacobian(family, eta + h) - mean_jacobian(family, eta - h), d)
        for h in step
    ]
    agree(mean_bend(family, eta, d), np.stack(along, axis=2) / 2e-6, rtol=1e-6, scale=100)


# effects -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::statdl.ConvergenceWarning")  # any θ will do
@pytest.mark.parametrize("family", TRUTH)
@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_effects_are_the_delta_method(family, kind):
    """At any θ and for any covariance R Rᵀ, so that all derivatives are tried alike."""
    estimate = fitted(family, kind).estimate
    random = np.random.default_rng(0)
    estimate = replace(estimate, parameters=random.normal(0, 0.7, estimate.rank))
    root = random.normal(size=(estimate.rank, 2))
    step = 1e-5 * np.maximum(1, np.abs(estimate.parameters))
    gradient = [
        (
            effect_values(replace(estimate, parameters=estimate.parameters + h))
            - effect_values(replace(estimate, parameters=estimate.parameters - h))
        )
        / (2 * np.max(h))
        for h in np.diag(step)
    ]
    half = np.stack(gradient, axis=1) @ root * math.sqrt(estimate.dispersion)
    found = average_effects(replace(estimate, root=root), estimate.specification.rows.X)
    agree(
        found.inference.standard_error.reshape(-1),
        np.sqrt(np.sum(half**2, axis=1)),
        rtol=1e-6,
        scale=np.sqrt(np.sum(half**2)),
    )


@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial"])
def test_slopes_are_in_raw_units_and_factors_change_from_the_reference(family):
    fit, data = fitted(family), draw(family)
    table = fit.effects().to_frame()
    mean = {
        name: np.asarray(fit.predict(changed)).mean(axis=0).reshape(-1)
        for name, changed in {
            "x+": data.assign(x=data.x + 1e-5),
            "x-": data.assign(x=data.x - 1e-5),
            "z+": data.assign(z=data.z + 1e-3),
            "z-": data.assign(z=data.z - 1e-3),
            "p": data.assign(g="p"),
            "q": data.assign(g="q"),
            "r": data.assign(g="r"),
        }.items()
    }
    agree(table.loc[["x"], "Effect"], (mean["x+"] - mean["x-"]) / 2e-5, rtol=1e-6, scale=1)
    agree(table.loc[["z"], "Effect"], (mean["z+"] - mean["z-"]) / 2e-3, rtol=1e-6, scale=1)
    agree(table.loc[["g[T.q]"], "Effect"], mean["q"] - mean["p"], rtol=1e-10)
    agree(table.loc[["g[T.r]"], "Effect"], mean["r"] - mean["p"], rtol=1e-10)


def test_effects_of_classes_add_up_to_nothing():
    table = fitted("multinomial").effects().to_frame()
    total = table.groupby(level=0)["Effect"].sum()
    np.testing.assert_allclose(total, 0, atol=1e-14)


def test_effects_of_linear_regression_are_its_coefficients():
    fit = sd.lm("y ~ x + z + g", data=draw("gaussian"))
    table = fit.effects().to_frame()
    for column, attribute in {"Effect": "params", "Std. Error": "bse"}.items():
        np.testing.assert_allclose(table[column], getattr(fit, attribute)[1:], rtol=1e-11)
    np.testing.assert_allclose(table.iloc[:, -2:], fit.confint()[1:], rtol=1e-10)


def test_effects_of_logistic_regression_are_statsmodels_margins():
    data = draw("binomial")
    theirs = sm.Logit(data.y, sm.add_constant(data[["x", "z"]])).fit(disp=0, tol=1e-14)
    margins = theirs.get_margeff().summary_frame()
    ours = sd.glm("y ~ x + z", data=data, family="binomial").effects().to_frame()
    agree(ours["Effect"], margins["dy/dx"], rtol=1e-9)
    agree(ours["Std. Error"], margins["Std. Err."], rtol=1e-8)


def test_effects_of_softmax_regression_are_statsmodels_margins():
    data = draw("multinomial")
    codes = pd.Categorical(data.y).codes
    theirs = sm.MNLogit(codes, sm.add_constant(data[["x", "z"]])).fit(disp=0, tol=1e-12)
    margins = theirs.get_margeff()
    ours = sd.multinom("y ~ x + z", data=data).effects().to_frame()
    agree(ours["Effect"].to_numpy().reshape(2, 3), margins.margeff, rtol=1e-6)
    agree(ours["Std. Error"].to_numpy().reshape(2, 3), margins.margeff_se, rtol=1e-6)


def test_effects_of_a_weighted_row_are_those_of_its_copies():
    data = draw("poisson")
    times = np.random.default_rng(0).integers(1, 4, len(data))
    copies = data.loc[data.index.repeat(times)]
    once = sd.glm("y ~ x + z + g", data=data, family="poisson", weights=times.astype(float))
    again = sd.glm("y ~ x + z + g", data=copies, family="poisson")
    one, other = once.effects().to_frame(), again.effects().to_frame()
    agree(one.to_numpy(), other.to_numpy(), rtol=1e-7, scale=1)


def test_effects_at_other_rows_leave_missing_ones_out():
    fit, data = fitted("gaussian"), draw("gaussian")
    some = data.head(50)
    holed = pd.concat([some, some.head(3).assign(x=np.nan)])
    agree(fit.effects(some)["Effect"], fit.effects(holed)["Effect"], rtol=1e-12)
    with pytest.raises(sd.DataError, match="missing"):
        fit.effects(holed.tail(3))


def test_a_column_that_is_not_estimable_has_no_effect():
    data = draw("gaussian").assign(twice=lambda frame: 2 * frame.x)
    with pytest.warns(sd.RankWarning):
        fit = sd.lm("y ~ x + twice + z", data=data)
    table = fit.effects().to_frame()
    assert table["Effect"].isna().tolist() == [False, True, False]
    agree(table["Std. Error"].dropna(), fit.bse[["x", "z"]], rtol=1e-11)


def test_limits_of_a_network_are_of_its_effects():
    fit = fitted("gaussian")
    table = fit.effects(level=0.9).to_frame()
    agree(fit.confint(0.9), table[["5 %", "95 %"]])
    assert fit.confint(what="weights").index.tolist() == fit.params.index.tolist()
    assert sd.confint(fitted("multinomial")).index.nlevels == 2
    with pytest.raises(sd.ModelError, match="effects or weights"):
        fit.confint(what="units")


# covariance ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "peer"), [("gaussian", None), ("binomial", None), ("poisson", None)]
)
def test_sandwich_of_a_regression_is_statsmodels_hc0(family, peer):
    data = draw(family)
    fit = sd.glm("y ~ x + z", data=data, family=family)
    kinds = {
        "gaussian": sm.families.Gaussian(),
        "binomial": sm.families.Binomial(),
        "poisson": sm.families.Poisson(),
    }
    X = sm.add_constant(data[["x", "z"]])
    theirs = sm.GLM(data.y, X, family=kinds[family]).fit(cov_type="HC0", tol=1e-14)
    expected = theirs.cov_params().to_numpy()
    root = np.sqrt(np.diag(expected))
    agree(fit.vcov("sandwich"), expected, rtol=1e-7, scale=np.outer(root, root))


def test_exact_and_expected_information_of_a_probit_regression():
    data = draw("binomial")
    fit = sd.glm("y ~ x + z", data=data, family="binomial", link="probit")
    X = sm.add_constant(data[["x", "z"]])
    exact = sm.Probit(data.y, X).fit(disp=0, tol=1e-13).cov_params()
    expected = sm.GLM(data.y, X, sm.families.Binomial(sm.families.links.Probit())).fit(tol=1e-14)
    agree(fit.vcov("hessian"), exact, rtol=1e-6, scale=1e-3)
    agree(fit.vcov("fisher"), expected.cov_params(), rtol=1e-6, scale=1e-3)
    agree(fit.vcov("fisher"), fit.vcov())


def test_expected_information_of_a_network_is_gauss_newton():
    fit = sd.mlp("y ~ x + z", data=draw("gaussian"), hidden=2, restarts=3, seed=1)
    estimate = fit.estimate
    J = estimate.objective.predictor.jacobian(
        estimate.device_parameters, estimate.objective.rows.X
    )[:, 0, :]
    expected = estimate.dispersion * np.linalg.inv(J.T @ J)
    root = np.sqrt(np.diag(expected))
    agree(fit.vcov("fisher"), expected, rtol=1e-7, scale=10 * np.outer(root, root))
    e = np.asarray(fit.resid)
    bread = np.linalg.inv(estimate.information)
    sandwich = bread @ (J.T * e**2) @ J @ bread
    root = np.sqrt(np.diag(sandwich))
    agree(fit.vcov("sandwich"), sandwich, rtol=1e-7, scale=10 * np.outer(root, root))


def test_covariance_under_decay():
    fit = fitted("binomial")
    estimate = fit.estimate
    total = estimate.information + np.diag(fit.plan.decay)
    expected = np.linalg.solve(total, estimate.information) @ np.linalg.inv(total)
    root = np.sqrt(np.diag(expected))
    agree(fit.vcov(), expected, rtol=1e-7, scale=10 * np.outer(root, root))
    assert fit.vcov("sandwich").notna().all(axis=None)


def test_unknown_covariance_is_refused():
    with pytest.raises(sd.ModelError, match="'robust' is no kind of covariance"):
        fitted("gaussian").vcov("robust")


# criteria ------------------------------------------------------------------------------------


def test_nic_of_linear_regression():
    fit = sd.lm("y ~ x + z", data=draw("gaussian"))
    e = np.asarray(fit.resid)
    trace = float(np.asarray(fit.leverage()) @ e**2) / np.mean(e**2)
    agree(fit.nic, -2 * fit.llf + 2 * trace, rtol=1e-10)
    assert abs(fit.nic - fit.aic) < 1.5


def test_nic_of_a_network_is_near_aic_where_the_model_is_true():
    fit = fitted("binomial")
    assert abs(fit.nic - fit.aic) < 4


# inputs --------------------------------------------------------------------------------------


def test_joint_test_of_an_input_is_the_quadratic_form_of_its_weights():
    fit = fitted("gaussian", "skip, two layers")
    names = ["z -> h1.1", "z -> h1.2", "z -> y"]
    theta, V = fit.params[names], fit.vcov().loc[names, names]
    F = theta @ np.linalg.solve(V, theta) / 3
    table = fit.input_tests().to_frame()
    agree(table.loc["z", "F"], F, rtol=1e-7)
    agree(table.loc["z", "Pr(>F)"], stats.f.sf(F, 3, fit.df_resid), rtol=1e-6)
    assert table.loc["g", "df"] == 6


def test_an_only_input_has_a_statistic_and_no_p_value():
    fit = sd.mlp("y ~ x", data=draw("gaussian"), hidden=1, restarts=3)
    table = fit.input_tests().to_frame()
    assert np.isfinite(table.loc["x", "F"])
    assert math.isnan(table.loc["x", "Pr(>F)"])
    assert "no reference distribution" in " ".join(fit.summary().notes)


# symmetry ------------------------------------------------------------------------------------


def turned(params, activation):
    """The same network: h1 and h2 exchanged, and the new h1 turned.

    tanh(−z) = −tanh z: all its weights change sign. σ(−z) = 1 − σ(z): they do too, and what leaves
    it is added to the biases it meets.
    """
    swapped = {
        re.sub(r"h([12])", lambda unit: f"h{3 - int(unit[1])}", name): value
        for name, value in params.items()
    }
    found = {name: -value if "h1" in name else value for name, value in swapped.items()}
    if activation == "sigmoid":
        for name, value in swapped.items():
            if name.startswith("h1 -> "):
                found[name.replace("h1", "bias")] += value
    return found


SUMMARIES = ["llf", "aic", "nic", "bic", "deviance", "scale", "df_resid", "sigma"]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial"])
def test_nothing_changes_when_units_are_exchanged_and_turned(family, activation):
    options = {"data": draw(family), "family": family, "hidden": 2, "activation": activation}
    first = sd.mlp("y ~ x + z + g", decay=0.02, restarts=3, **options)
    start = turned(first.params.to_dict(), activation)
    again = sd.mlp("y ~ x + z + g", decay=0.02, start=start, **options)
    theta = np.array([start[name] for name in first.params.index])
    objective = first.estimate.objective
    agree(objective.value(theta), first.estimate.loss, rtol=1e-12)  # it is the same function

    names = ["params", "bse", "tvalues", "pvalues"]
    for name in names:
        agree(getattr(again, name), getattr(first, name), rtol=1e-6, scale=1)
    known = [name for name in SUMMARIES if name != "sigma" or family == "gaussian"]
    agree([getattr(again, name) for name in known], [getattr(first, name) for name in known])
    agree(min(again.restarts), min(first.restarts))
    for table in ("effects", "input_tests"):
        one, other = (
            getattr(fit, table)().to_frame().select_dtypes("number") for fit in (again, first)
        )
        agree(one, other, rtol=1e-5, scale=1)
    for kind in (None, "hessian", "fisher", "sandwich"):
        V = first.vcov(kind)
        root = np.sqrt(np.diag(V))
        agree(again.vcov(kind), V, rtol=1e-5, scale=np.outer(root, root))
        assert again.vcov(kind).index.equals(V.index)
    for what in ("effects", "weights"):
        agree(again.confint(what=what), first.confint(what=what), rtol=1e-5, scale=1)
    intervals = ["confidence", "prediction"] if family == "gaussian" else ["confidence"]
    for interval in intervals:
        one, other = (
            np.asarray(fit.predict(interval=interval, se_fit=True)) for fit in (again, first)
        )
        agree(one, other, rtol=1e-6, scale=1)
    assert tables_of(again) == tables_of(first)


def test_refits_do_not_know_units_by_their_numbers():
    """Bootstrap and starts: the same seed gives the same spread to the same network."""
    options = {"data": draw("gaussian"), "hidden": 2, "decay": 0.02}
    first = sd.mlp("y ~ x + z", restarts=3, **options)
    again = sd.mlp("y ~ x + z", start=turned(first.params.to_dict(), "tanh"), **options)
    agree(again.vcov("bootstrap", B=20), first.vcov("bootstrap", B=20), rtol=1e-3, scale=1)
    other = sd.mlp("y ~ x + z", restarts=3, start=turned(first.params.to_dict(), "tanh"), **options)
    agree(other.params, first.params, rtol=1e-6, scale=1)
    agree(other.restarts[1:], first.restarts[1:], rtol=1e-6)


def tables_of(fit):
    """The tables of a summary without its head, where iterations and starts differ."""
    blocks = fit.summary(weights=True).blocks
    return [block.rows for block in blocks[1:]]


# identification ------------------------------------------------------------------------------


@cache
def duplicated():
    """A fit whose two units are one and the same."""
    random = np.random.default_rng(8)
    x, z = random.normal(size=(2, 200))
    data = pd.DataFrame({"x": x, "z": z})
    data["y"] = 2 * np.tanh(x + 0.5 * z) + 0.2 * random.normal(size=200)
    single = sd.mlp("y ~ x + z", data=data, hidden=1, restarts=3).params
    start = {name.replace("h1", f"h{k}"): single[name] for k in (1, 2) for name in single.index}
    start |= {f"h{k} -> y": single["h1 -> y"] / 2 for k in (1, 2)}
    return sd.mlp("y ~ x + z", data=data, hidden=2, start=start)


def test_duplicated_units_are_singular():
    fit = duplicated()
    assert fit.converged
    assert fit.identification is Identification.SINGULAR
    agree(fit.params["x -> h1"], fit.params["x -> h2"], rtol=1e-6)


def test_singular_weights_have_no_errors():
    fit = duplicated()
    assert fit.bse.isna().all()
    assert fit.pvalues.isna().all()
    assert fit.conf_int().isna().all(axis=None)
    for kind in (None, "hessian", "fisher", "sandwich"):
        assert fit.vcov(kind).isna().all(axis=None)
    assert math.isnan(fit.aic)
    assert math.isnan(fit.bic)
    assert math.isnan(fit.nic)
    assert math.isnan(fit.AIC())
    assert np.isnan(fit.input_tests()["F"]).all()


def test_functions_of_singular_weights_keep_their_errors():
    fit = duplicated()
    single = sd.mlp("y ~ x + z", data=fit.estimate.frame.source, hidden=1, restarts=3)
    agree(fit.predict(), single.predict(), rtol=1e-5, scale=1e4)
    ratio = np.asarray(fit.predict(se_fit=True)["se_fit"]) / single.predict(se_fit=True)["se_fit"]
    assert np.all((ratio > 0.9) & (ratio < 2.5))
    errors = fit.effects()["Std. Error"]
    assert np.all(np.isfinite(errors))
    agree(fit.effects()["Effect"], single.effects()["Effect"], rtol=1e-4)


def test_summary_of_a_singular_network_says_so():
    summary = duplicated().summary(weights=True)
    text = str(summary)
    assert "singular" in text
    assert text.count("not defined") == 5  # four criteria, and a note
    assert "x -> h1" not in text
    assert any("directions of the weights" in note for note in summary.notes)


def test_summary_names_weights_where_they_are_identified():
    text = str(fitted("gaussian").summary(weights=True))
    assert "x -> h1" in text
    assert "x -> h1" not in str(fitted("gaussian").summary())
    assert "4 → 2 tanh → 1" in text
    assert "identified" in text


# the regression it is without hidden layers -----------------------------------------------------


REGRESSIONS = {
    "gaussian": lambda data: sd.lm("y ~ x + z + g", data=data),
    "binomial": lambda data: sd.glm("y ~ x + z + g", data=data, family="binomial"),
    "poisson": lambda data: sd.glm("y ~ x + z + g", data=data, family="poisson"),
    "multinomial": lambda data: sd.multinom("y ~ x + z + g", data=data),
}


@pytest.mark.parametrize("family", REGRESSIONS)
def test_without_hidden_layers_a_network_is_the_regression(family):
    data = draw(family)
    net = sd.mlp("y ~ x + z + g", data=data, family=family, hidden=())
    fit = REGRESSIONS[family](data)
    for name in ("params", "bse", "tvalues", "pvalues", "fittedvalues", "resid"):
        np.testing.assert_array_equal(getattr(net, name), getattr(fit, name), err_msg=name)
    for name in ("llf", "aic", "bic", "nic", "deviance", "null_deviance", "df_resid", "scale"):
        assert getattr(net, name) == getattr(fit, name), name
    for kind in (None, "hessian", "fisher", "sandwich"):
        np.testing.assert_array_equal(net.vcov(kind), fit.vcov(kind))
    np.testing.assert_array_equal(net.confint(), fit.confint())
    np.testing.assert_array_equal(
        net.predict(data.head(9), interval="confidence", se_fit=True),
        fit.predict(data.head(9), interval="confidence", se_fit=True),
    )
    assert str(net.effects()) == str(fit.effects())
    assert str(net.summary()) == str(fit.summary())
    for typ in (1, 2, 3):
        assert str(net.anova(typ=typ)) == str(fit.anova(typ=typ))


# NIST StRD, Rat42 ------------------------------------------------------------------------------

# Ratkowsky (1983): y = b1 / (1 + exp(b2 − b3 x)), one logistic unit whose output has no bias.
RAT42 = {
    "y": [8.930, 10.800, 18.590, 22.330, 39.350, 56.110, 61.730, 64.620, 67.080],
    "x": [9.0, 14.0, 21.0, 28.0, 42.0, 57.0, 63.0, 70.0, 79.0],
}
CERTIFIED = {
    "h1 -> y": (7.2462237576e01, 1.7340283401e00),
    "bias -> h1": (-2.6180768402e00, 8.8295217536e-02),
    "x -> h1": (6.7359200066e-02, 3.4465663377e-03),
}


@pytest.mark.parametrize("method", ["newton", "gauss-newton"])
@pytest.mark.parametrize("b", [(100.0, 1.0, 0.1), (75.0, 2.5, 0.07)], ids=["start 1", "start 2"])
def test_nist_rat42(b, method):
    fit = sd.mlp(
        "y ~ x",
        data=RAT42,
        hidden=1,
        activation="sigmoid",
        scaling="none",
        fixed={"bias -> y": 0.0},
        start={"h1 -> y": b[0], "bias -> h1": -b[1], "x -> h1": b[2]},
        method=method,
    )
    assert fit.converged
    errors = np.sqrt(np.diag(fit.vcov("fisher")))
    table = pd.DataFrame({"estimate": fit.params, "error": errors}).loc[list(CERTIFIED)]
    np.testing.assert_allclose(table, list(CERTIFIED.values()), rtol=2e-10)
    np.testing.assert_allclose(fit.sigma, 1.1587725499, rtol=1e-10)
    np.testing.assert_allclose(fit.deviance, 8.0565229338, rtol=1e-10)
    assert fit.df_resid == 6
    assert math.isnan(fit.bse["bias -> y"])


# R's nnet --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("nnet"), ids=lambda case: case["id"])
def test_against_nnet(case):
    """The same optimum, found from R's weights cut to one decimal; R's errors are of the Hessian.

    So are R's effective parameters, and the dispersion with them, which differs from ours in decay.
    """
    options = {"hidden": case["size"], "activation": "sigmoid", "scaling": "none"}
    entropy = case["entropy"]
    options["family"] = "binomial" if entropy else "gaussian"
    options["decay"] = case["decay"] * (2 if entropy else 1)
    expected = case["result"]
    data = frame(case)
    blank = sd.mlp(case["formula"], data=data, **options)
    start = dict(zip(blank.params.index, np.round(expected["weights"], 1), strict=True))
    fit = sd.mlp(case["formula"], data=data, start=start, **options)
    assert fit.converged
    assert fit.identification is Identification.IDENTIFIED
    agree(fit.deviance, expected["deviance"])
    estimate = fit.estimate
    exact = determine(estimate.objective, estimate.device_parameters, expected=False)
    agree(exact.effective, expected["effective"])
    dispersion = 1.0 if entropy else fit.deviance / (len(data) - exact.effective)
    agree(dispersion, expected["dispersion"])
    if not case["decay"]:
        agree(estimate.degrees_of_freedom, expected["effective"])
    found = fit.predict(data, se_fit=True, vcov="hessian").head(len(expected["fitted"]))
    agree(found["fit"], numbers(expected["fitted"]), rtol=1e-7)
    se = found["se_fit"] * math.sqrt(dispersion / fit.scale)
    agree(se, numbers(expected["se"]), rtol=1e-7)


# networks too large to be examined ------------------------------------------------------------


def test_a_large_network_says_that_its_weights_were_not_examined():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60, 20)), random.normal(size=60)
    epoch = sd.GradientDescent(sd.Adam(), epochs=1)
    fit = sd.mlp(X=X, y=y, hidden=300, decay=0.1, method=epoch)
    text = str(fit.summary(weights=True))
    assert "not examined" in text
    assert "too many" in text
    assert math.isnan(fit.nic)
    assert np.isnan(fit.effects()["Std. Error"]).all()
    with pytest.raises(sd.NumericalError, match="6601 weights are too many"):
        fit.vcov()


# what decay may not be taken for ---------------------------------------------------------------


def gauss_newton(fit):
    """Σ J_iᵀ J_i and the decay, by the Jacobian alone."""
    estimate = fit.estimate
    J = estimate.objective.predictor.jacobian(
        estimate.device_parameters, estimate.objective.rows.X
    )[:, 0, :]
    return J.T @ J, np.diag(fit.plan.decay)


def test_the_scale_of_a_rectifier_is_known_through_the_penalty_only():
    """(c w, c b, v/c) is the same network: decay tells c, and the data do not."""
    random = np.random.default_rng(1)
    x = random.normal(size=(200, 2))
    y = 2 * np.maximum(0, x[:, 0] + x[:, 1] - 0.2) + 0.3 * random.normal(size=200)
    fit = sd.mlp(X=x, y=y, hidden=1, activation="relu", restarts=5, decay=1e-3)
    assert fit.converged
    assert fit.identification is Identification.THROUGH_PENALTY
    text = str(fit.summary())
    assert "4 of 5, condition inf" in text
    assert "scale of a relu unit" in text
    information, decay = gauss_newton(fit)
    total = np.linalg.inv(information + decay)
    agree(fit.estimate.degrees_of_freedom, np.trace(total @ information), rtol=1e-9)
    assert fit.estimate.degrees_of_freedom < 4
    agree(fit.vcov(), fit.scale * total @ information @ total, rtol=1e-5, scale=1e-3)
    agree(fit.vcov(), fit.vcov("fisher"))
    t = fit.effects()["Effect"] / fit.effects()["Std. Error"]
    F = fit.input_tests()["F"]
    assert np.all(t > 20)
    assert np.all(F > 400)


def test_an_identity_unit_is_a_straight_line_with_two_parameters():
    cars = sd.datasets.load("mtcars")
    line = sd.lm("mpg ~ wt", data=cars)
    fit = sd.mlp("mpg ~ wt", data=cars, hidden=1, activation="identity", decay=1e-6)
    agree(fit.estimate.degrees_of_freedom, 2.0, rtol=1e-7)
    assert fit.identification is Identification.SINGULAR  # no decay on the two biases
    agree(fit.scale, line.scale, rtol=1e-6)
    agree(fit.effects()["Std. Error"], line.bse[1:], rtol=1e-4)


def test_data_determine_no_more_than_rows():
    random = np.random.default_rng(3)
    data = pd.DataFrame(random.normal(size=(20, 4)), columns=list("abcd"))
    data["y"] = data.a + random.normal(size=20)
    fit = sd.mlp("y ~ a + b + c + d", data=data, hidden=4, decay=0.1, restarts=3)
    assert fit.identification is not Identification.IDENTIFIED
    assert "20 of 25" in str(fit.summary())
    assert 0 < fit.estimate.degrees_of_freedom < 20
    assert fit.scale > 0
    assert np.isfinite(fit.effects()["Std. Error"]).all()


def test_single_precision_determines_no_more_than_double():
    cars = sd.datasets.load("mtcars")
    options = {"data": cars, "hidden": 1, "activation": "identity", "decay": 1e-3}
    one, other = (sd.mlp("mpg ~ wt", dtype=d, **options) for d in ("float64", "float32"))
    assert one.identification is other.identification
    agree(other.estimate.degrees_of_freedom, one.estimate.degrees_of_freedom, rtol=1e-4)


def test_the_exact_information_says_its_formula_and_what_became_of_negative_curvature():
    iris = sd.datasets.load("iris")
    fit = sd.mlp("Species ~ .", data=iris, hidden=8, decay=1e-3, restarts=3, seed=0)
    H = determine(fit.estimate.objective, fit.estimate.device_parameters, expected=False)
    assert H.negative == np.sum(np.linalg.eigvalsh(H.information) < -1e-8) > 0
    note = fit.with_covariance("hessian").estimate.reported.note
    assert "(H + P)⁻¹ H (H + P)⁻¹" in note
    assert f"{H.negative} are negative" in note
    text = " ".join(str(fit.summary()).split())
    assert "(I + P)⁻¹ I (I + P)⁻¹" in text
    text = " ".join(str(fit.summary(vcov="hessian")).split())
    assert "(I + P)⁻¹ I (I + P)⁻¹" not in text
    assert "tr((I + P)⁻¹ I)" in text


def test_units_without_decay_that_are_only_scaled_are_not_called_redundant():
    random = np.random.default_rng(0)
    x = random.normal(size=200)
    y = np.maximum(0, x - 0.2) * 2 + 0.3 * random.normal(size=200)
    fit = sd.mlp(X=x[:, None], y=y, hidden=1, activation="relu", restarts=5)
    assert fit.identification is Identification.SINGULAR
    text = " ".join(str(fit.summary()).split())
    assert "decay= settles the scales." in text
    assert "redundant" not in text
    assert "Fewer units" not in text


# what has no error -----------------------------------------------------------------------------


def test_effects_that_nothing_estimated_moves_have_no_error():
    data = draw("gaussian")
    full = sd.mlp("y ~ x + z", data=data, hidden=1, restarts=3)
    held = {name: value for name, value in full.params.items() if name != "bias -> y"}
    fit = sd.mlp("y ~ x + z", data=data, hidden=1, fixed=held)
    assert np.isnan(fit.effects()["Std. Error"]).all()
    assert "inf" not in str(fit.summary()).split("Notes")[0].split("effect")[1]


def test_a_constant_response_has_no_tests():
    data = draw("gaussian").assign(y=5.0)
    fit = sd.mlp("y ~ x + z", data=data, hidden=1, decay=0.1)
    assert np.isnan(fit.effects()["Std. Error"]).all()
    assert "fits every row exactly" in " ".join(str(fit.summary()).split())


def test_singular_fits_have_effective_df_nowhere():
    cars = sd.datasets.load("mtcars")
    fit = sd.mlp("mpg ~ wt", data=cars, hidden=2, activation="relu", restarts=3)
    assert fit.identification is Identification.SINGULAR
    assert math.isnan(sd.compare(fit)["Eff. df"][0])


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_nic_counts_a_row_of_weight_w_as_w_rows(decay):
    """Where the dispersion is known, as AIC does; grouped trials are their trials."""
    housing = sd.datasets.load("housing")
    long = housing.loc[housing.index.repeat(housing.Freq)].reset_index(drop=True)
    options = {"hidden": 1 if decay else (), "decay": decay, "restarts": 3, "scaling": "none"}
    one = sd.mlp("Sat ~ Infl", data=housing, weights="Freq", **options)
    other = sd.mlp("Sat ~ Infl", data=long, **options)
    agree(one.nic, other.nic, rtol=1e-8)
    random = np.random.default_rng(0)
    x = random.normal(size=30)
    trials = random.integers(1, 6, size=30)
    hits = random.binomial(trials, 1 / (1 + np.exp(-x)))
    grouped = pd.DataFrame({"x": x, "a": hits, "b": trials - hits})
    each = [np.repeat([1.0, 0.0], [a, b]) for a, b in zip(grouped.a, grouped.b, strict=True)]
    single = pd.DataFrame({"x": np.repeat(x, trials), "y": np.concatenate(each)})
    fits = (
        sd.glm("cbind(a, b) ~ x", data=grouped, family="binomial"),
        sd.glm("y ~ x", data=single, family="binomial"),
    )
    agree(*(fit.nic + 2 * fit.llf for fit in fits), rtol=1e-8)


# a unit that decay has switched off ------------------------------------------------------------


def test_a_unit_that_decay_switches_off_is_no_parameter():
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 2))
    y = np.tanh(X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=80)
    one = sd.mlp(X=X, y=y, hidden=1, decay=0.1)
    off = {**dict(one.params), "* -> h2": 0.0, "h2 -> y": 0.0}
    two = sd.mlp(X=X, y=y, hidden=2, decay=0.1, start=off)
    assert abs(two.params["h2 -> y"]) < 1e-6
    assert two.identification is Identification.SINGULAR
    agree(two.estimate.degrees_of_freedom, one.estimate.degrees_of_freedom, rtol=0.01)
    for column in ("Effect", "Std. Error"):
        agree(two.effects()[column], one.effects()[column], rtol=1e-3)


def test_a_network_without_hidden_layers_can_be_updated():
    cars = sd.datasets.load("mtcars")
    net = sd.mlp("mpg ~ wt", data=cars, hidden=(), decay=2.0)
    larger = net.update(". ~ . + hp")
    assert larger.formula == "mpg ~ wt + hp"
    assert larger.llf == sd.lm("mpg ~ wt + hp", data=cars, penalty=2.0).llf
