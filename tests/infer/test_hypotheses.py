"""Tests of hypotheses, profiles, the delta method and stepwise search: consequences, bad input."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

import statdl as sd
from statdl.backend.segments import plain_segment_sums, segment_starts, segment_sums
from statdl.infer.profile import profile
from tests.agreement import agree, agree_p
from tests.cases import draw, draw_classes

CARS = sd.datasets.load("mtcars")
IRIS = sd.datasets.load("iris")


@pytest.fixture(scope="module")
def line():
    return sd.lm("mpg ~ wt*hp + factor(cyl)", data=CARS)


@pytest.fixture(scope="module")
def logit():
    return sd.glm("am ~ wt + hp", data=CARS, family="binomial")


@pytest.fixture(scope="module")
def classes():
    return sd.multinom("Species ~ Sepal.Width", data=IRIS)


# Wald -----------------------------------------------------------------------------------------


def test_words_and_matrices_are_one(line):
    labels = list(line.params.index)
    by_matrix = np.zeros((2, len(labels)))
    by_matrix[0, labels.index("wt")], by_matrix[0, labels.index("hp")] = 2, -1
    by_matrix[1, labels.index("factor(cyl)[T.6]")] = 1
    words = line.wald("2*wt = hp + 3, factor(cyl)[T.6] = -1")
    agree(words["F"], line.wald(by_matrix, [3, -1])["F"])
    agree(words["F"], line.wald(["3 + hp = wt*2", "-`factor(cyl)[T.6]` = 1"])["F"])
    agree(words["F"], line.wald(" 2 * wt=hp+3 ,factor( cyl )[ T.6 ]+1")["F"])


def test_one_hypothesis_is_the_t_test_squared(line):
    for name in line.params.index:
        table = line.wald(name)
        agree(table["F"][0], line.tvalues[name] ** 2)
        agree_p(table["Pr(>F)"][0], line.pvalues[name])


def test_chains_are_several_hypotheses(line):
    agree(line.wald("wt = hp = wt:hp")["F"], line.wald("wt = hp, hp = wt:hp")["F"])


def test_statsmodels_reads_the_same_hypotheses():
    X = sm.add_constant(CARS[["wt", "hp", "qsec"]])
    theirs = sm.OLS(CARS["mpg"], X).fit(cov_type="HC1", use_t=True)
    expected = theirs.f_test("wt = 2*hp, qsec = 0.5")
    table = sd.lm("mpg ~ wt + hp + qsec", data=CARS).wald("wt = 2*hp, qsec = 0.5", vcov="HC1")
    agree(table["F"][-1], expected.fvalue)
    agree_p(table["Pr(>F)"][-1], expected.pvalue)


def test_classes_have_names_of_their_own(classes):
    table = classes.wald("versicolor: Sepal.Width = virginica: Sepal.Width")
    V, b = classes.vcov().to_numpy(), classes.params.to_numpy().T.reshape(-1)
    d = np.array([0, 1, 0, -1])
    agree(table["Chisq"][0], (d @ b) ** 2 / (d @ V @ d))
    assert table.index == ("versicolor: Sepal.Width - virginica: Sepal.Width = 0",)


def test_other_reference_by_name(line):
    table = line.wald("wt, hp", test="Chisq")
    assert "Chisq" in table.columns
    agree_p(table["Pr(>Chisq)"], stats.chi2.sf(table["Chisq"], [1, 1, 2]))


def test_adjusting_leaves_the_joint_test_alone(line):
    plain, holm = line.wald("wt, hp"), line.wald("wt, hp", adjust="holm")
    agree(holm["Pr(>F)"][:2], sd.adjust(plain["Pr(>F)"][:2], "holm"))
    agree(holm["Pr(>F)"][2], plain["Pr(>F)"][2])


@pytest.mark.parametrize(
    ("hypotheses", "message"),
    [
        ("weight = 0", "no coefficient is called `weight`.*Did you mean `wt`|no coefficient"),
        ("wt*hp = 0", "not linear"),
        ("1/wt = 0", "not linear"),
        ("wt^2 = 1", "not linear"),
        ("1 = 1", "no coefficient in it"),
        ("wt = ", "not complete"),
        ("wt = 0, 2*wt = 0", "follow from the others"),
        ("wt = 0, wt = 1", "contradict"),
        ("exp(wt) = 1", r"cannot call exp\(\)"),
        ("__import__('os')", "no coefficient|cannot|not allowed"),
        ("wt.__class__ = 0", "no coefficient|not allowed"),
        ("wt = `gear`", "no coefficient is called `gear`"),
    ],
)
def test_what_hypotheses_cannot_say(line, hypotheses, message):
    with pytest.raises(sd.StatdlError, match=message):
        line.wald(hypotheses)


def test_matrices_of_another_shape(line):
    with pytest.raises(sd.ModelError, match="column for each of the 6"):
        line.wald(np.eye(3))
    with pytest.raises(sd.ModelError, match="r has 2 values for the 1 rows"):
        line.wald(np.eye(6)[:1], [1, 2])
    with pytest.raises(sd.ModelError, match="in the words"):
        line.wald("wt = 0", [1])


def test_too_few_clusters_for_a_joint_test(line):
    with pytest.raises(sd.NumericalError, match="too few clusters"):
        line.wald("wt, hp, wt:hp", cluster="gear")


def test_what_is_not_estimable_is_not_tested():
    with pytest.warns(sd.RankWarning):
        fit = sd.lm("mpg ~ wt + I(2*wt)", data=CARS)
    with pytest.raises(sd.ModelError, match="not estimable"):
        fit.wald("I(2*wt) = 0")
    agree(fit.wald("wt")["F"][0], fit.tvalues["wt"] ** 2)


# terms under a covariance -----------------------------------------------------------------------


@pytest.mark.parametrize("typ", [1, 2, 3])
def test_wald_tests_of_terms_are_the_usual_ones(line, typ):
    usual, wald = line.anova(typ=typ).to_frame(), line.anova(typ=typ, vcov="classical").to_frame()
    agree(wald["F"], usual.loc[wald.index, "F"], rtol=1e-7)
    agree_p(wald["Pr(>F)"], usual.loc[wald.index, "Pr(>F)"], rtol=1e-7)


def test_nested_models_under_a_covariance(line):
    small = sd.lm("mpg ~ I(wt + hp)", data=CARS)
    agree(small.anova(line, vcov="classical")["F"][1], small.anova(line)["F"][1], rtol=1e-7)
    without = sd.lm("mpg ~ wt + hp", data=CARS)
    table = without.anova(line, vcov="HC3")
    joint = line.wald("factor(cyl)[T.6], factor(cyl)[T.8], wt:hp", vcov="HC3")
    agree(table["F"][1], joint["F"][-1], rtol=1e-7)


def test_nested_models_of_classes(classes):
    large = sd.multinom("Species ~ Sepal.Width + I(Sepal.Width^2)", data=IRIS)
    name = "I(Sepal.Width^2)"
    joint = large.wald([f"versicolor: {name}", f"virginica: {name}"], vcov="HC0")
    agree(classes.anova(large, vcov="HC0")["Chisq"][1], joint["Chisq"][-1], rtol=1e-7)


def test_score_test_of_a_linear_model_is_its_f_test_at_the_smaller_variance():
    small, large = (sd.lm(f"mpg ~ {right}", data=CARS) for right in ("wt", "wt + hp"))
    table = small.anova(large, test="Rao")
    agree(table["Rao"][1], small.deviance - large.deviance)


def test_score_test_of_classes_is_near_the_likelihood_ratio():
    X, codes = draw_classes(4, n=5000, p=2)
    data = {"y": codes.astype(str), "a": X[:, 0], "b": np.cos(37 * X[:, 1])}
    small, large = (sd.multinom(f"y ~ {right}", data=data) for right in ("a", "a + b"))
    score = small.anova(large, test="Rao")["Chisq"][1]
    ratio = small.anova(large, test="LRT")["Chisq"][1]
    np.testing.assert_allclose(score, ratio, rtol=0.05)


# profile --------------------------------------------------------------------------------------


def test_profile_of_a_linear_model_is_wald(line):
    agree(line.confint(method="profile"), line.confint())


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_limits_are_where_the_likelihood_has_fallen(logit, level):
    limits = logit.confint(level, method="profile", parm="wt").to_numpy()[0]
    for value in limits:
        held = sd.glm("am ~ hp", data=CARS, family="binomial", offset=value * CARS["wt"].to_numpy())
        agree(2 * (logit.llf - held.llf), stats.chi2.ppf(level, 1), rtol=1e-7)


def test_limits_far_out():
    flat = sd.glm("y ~ x", data={"y": [0, 0, 1, 0], "x": [0, 1, 2, 3]}, family="binomial")
    lower, upper = flat.confint(0.999, method="profile").loc["x"]
    assert -np.inf < lower < flat.params["x"] < upper < np.inf
    assert upper - flat.params["x"] > flat.confint(0.999).loc["x"].iloc[1] - flat.params["x"]


def test_no_maximum_no_profile():
    data = {"y": [0, 0, 0, 1, 0, 1, 0, 1], "d": [0, 0, 0, 0, 0, 1, 0, 1]}
    with pytest.warns(sd.SeparationWarning):
        fit = sd.glm("y ~ d", data={**data, "y": data["d"]}, family="binomial")
    with pytest.raises(sd.ModelError, match="no finite maximum"):
        fit.confint(method="profile")


def test_a_chosen_coefficient(classes):
    name = "virginica: Sepal.Width"
    [row] = classes.confint(method="profile", parm=name).to_numpy()
    agree(row, classes.confint(method="profile").to_numpy()[3])
    agree(classes.confint(parm=[name]).to_numpy(), classes.confint().to_numpy()[3:])
    with pytest.raises(sd.ModelError, match="'width' is no coefficient"):
        classes.confint(parm="width")


@pytest.mark.parametrize("family", ["gamma", "poisson"])
def test_profiles_stay_in_the_domain(family):
    case = draw(family, {"gamma": "inverse", "poisson": "identity"}[family], 3)
    fit = case.fit()
    limits = fit.confint(method="profile")
    assert np.isfinite(limits.to_numpy()).all()
    assert (limits.iloc[:, 0] < fit.params).all()
    assert (limits.iloc[:, 1] > fit.params).all()


def test_profiles_that_there_are_not(line, logit):
    with pytest.raises(sd.ModelError, match="'exact' is not known"):
        line.confint(method="exact")
    with pytest.raises(sd.ModelError, match="no covariance to choose"):
        logit.confint(method="profile", vcov="HC0")
    with pytest.raises(sd.ModelError, match="penalised fit"):
        sd.glm("am ~ wt", data=CARS, family="binomial", penalty=1.0).confint(method="profile")
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=1, decay=0.1)
    with pytest.raises(sd.ModelError, match="networks have no profile"):
        net.confint(method="profile")


def test_the_picture_of_a_profile(logit):
    pytest.importorskip("matplotlib")
    axes = logit.plot_profile("hp")
    assert axes.get_xlabel() == "hp"
    curve, parabola = axes.get_lines()[:2]
    assert curve.get_ydata().min() == 0
    inside = np.interp(logit.confint(method="profile").loc["hp"], *curve.get_data())
    np.testing.assert_allclose(inside, 3.84, rtol=0.03)
    assert logit.plot_profile("wt", ax=axes) is axes
    assert parabola.get_label() == "Wald"


def test_tau_has_the_slope_it_says(logit):
    one = profile(logit.estimate, 1)
    here, there = (one.at(one.centre + step, one.start) for step in (1.0, 1.0 + 1e-5))
    np.testing.assert_allclose((there.tau - here.tau) / 1e-5, here.slope, rtol=1e-4)


# delta ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "wt/hp", "exp(wt)*hp^2", "log(-wt) - sqrt(Intercept)", "2^wt", "abs(wt)",
        "Intercept^wt*0 + wt:hp",
        "tanh(wt) + sin(hp)*cos(wt) - arctan(hp)", "-(wt - 3)/(1 + exp(-hp))", "log10(Intercept)",
        "log1p(hp) + expm1(wt)", "(-wt)**0.5", "square(wt) + sinh(hp) + cosh(hp) + tan(hp)",
    ],
)  # fmt: skip
def test_gradients_are_those_of_differences(line, expression):
    V, names = line.vcov().to_numpy(), list(line.params.index)
    theta = line.params.to_numpy()
    values = {
        **{name: getattr(np, name) for name in (
            "exp", "log", "sqrt", "abs", "tanh", "sin", "cos", "arctan", "log10", "log1p", "expm1",
            "square", "sinh", "cosh", "tan",
        )},
    }  # fmt: skip
    code = expression.replace("wt:hp", "cross").replace("^", "**")

    def at(point):
        own = dict(zip([n.replace("wt:hp", "cross") for n in names], point, strict=True))
        return eval(code, {"__builtins__": {}}, {**values, **own})

    steps = 1e-6 * np.maximum(np.abs(theta), 1e-3)
    gradient = np.array([(at(theta + h) - at(theta - h)) / (2 * h.sum()) for h in np.diag(steps)])
    table = line.delta(expression)
    agree(table["Estimate"][0], at(theta))
    np.testing.assert_allclose(table["Std. Error"][0], np.sqrt(gradient @ V @ gradient), rtol=1e-5)


def test_delta_of_a_coefficient_is_the_coefficient(classes):
    table = classes.delta("versicolor: Sepal.Width", vcov="HC0")
    agree(
        table["Std. Error"][0], classes.with_covariance("HC0").bse.loc["Sepal.Width", "versicolor"]
    )
    agree(
        [table["2.5 %"][0], table["97.5 %"][0]],
        classes.confint(vcov="HC0").loc[("versicolor", "Sepal.Width")],
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("log(wt)", "no value, or no slope"),
        ("wt/0", "no value"),
        ("1 + 2", "no coefficient in it"),
        ("floor(wt)", r"cannot call floor\(\)"),
        ("eval('1')", "cannot|not allowed|no coefficient"),
        ("wt if hp else 1", "no coefficient|not allowed|not complete"),
        ("[wt, hp]", "must be made of|not complete|cannot read"),
        ("wt +", "not complete"),
        ("10^10^10*wt", "power"),
    ],
)
def test_what_delta_cannot_say(line, expression, message):
    with pytest.raises(sd.StatdlError, match=message):
        line.delta(expression)


# adjustment -----------------------------------------------------------------------------------


def test_tables_are_adjusted(line):
    plain = line.anova(typ=2)
    for table in (sd.adjust(plain, "BH"), line.anova(typ=2, adjust="BH")):
        agree(table["Pr(>F)"], sd.adjust(plain["Pr(>F)"], "BH"))
        assert "adjusted by BH" in str(table)
    agree(line.drop1(adjust="holm")["Pr(>F)"], sd.adjust(line.drop1()["Pr(>F)"], "holm"))


def test_what_cannot_be_adjusted(line):
    with pytest.raises(sd.ModelError, match="method='sidak'"):
        sd.adjust([0.1], "sidak")
    with pytest.raises(sd.DataError, match="between 0 and 1"):
        sd.adjust([0.1, 1.2])
    with pytest.raises(sd.DataError, match="numbers"):
        sd.adjust(["a"])
    with pytest.raises(sd.ModelError, match="no column of p-values"):
        sd.adjust(line.step().table)


# stepwise -------------------------------------------------------------------------------------


def test_marginality_is_respected(line):
    assert line.drop1().index == ("<none>", "factor(cyl)", "wt:hp")
    small = sd.lm("mpg ~ wt", data=CARS)
    assert small.add1("~ wt*hp").index == ("<none>", "hp")


def test_a_list_of_terms_means_those_terms(line):
    for scope in (["am", "qsec"], ("am", "qsec")):
        table = line.add1(scope)
        assert table.index == ("<none>", "am", "qsec")
        assert table["AIC"].tolist() == line.add1("~ . + am + qsec")["AIC"].tolist()
    assert line.add1(["am"]).index == ("<none>", "am")
    assert line.step(["qsec", "am"]).table.index == line.step("~ . + qsec + am").table.index
    with pytest.raises(sd.ModelError, match="names `wt`, which has nothing that the model lacks"):
        line.add1(["am", "wt"])
    with pytest.raises(sd.ModelError, match=r"a list of terms to add.*It is 3"):
        line.add1(3)


def test_the_price_of_a_parameter_may_be_a_word(line):
    assert line.drop1(k="BIC")["BIC"].tolist() == line.drop1(k=np.log(32))["BIC"].tolist()
    assert line.drop1(k="AIC")["AIC"].tolist() == line.drop1()["AIC"].tolist()
    found = line.step(k="BIC")
    assert found.table.index == line.step(k=np.log(32)).table.index
    assert "Stepwise search by BIC" in str(found)
    counts = sd.datasets.load("budworm")
    fit = sd.glm("cbind(dead, alive) ~ sex + ldose", data=counts, family="binomial")
    assert fit.drop1(k="BIC")["BIC"][0] == pytest.approx(sd.BIC(fit))


def test_a_step_lowers_the_criterion_each_time(line):
    found = line.step("~ . + qsec + am", k=2)
    aic = found.table["AIC"]
    assert (np.diff(aic) < 0).all()
    again = found.fit.step("~ wt*hp + factor(cyl) + qsec + am")
    assert len(again.table) == 1


def test_terms_that_repeat_others_go_first():
    # R: step(lm(mpg ~ wt + hp + I(wt + hp) + qsec + drat, mtcars)) drops I(wt + hp) at 0 Df
    with pytest.warns(sd.RankWarning):
        last = sd.lm("mpg ~ wt + hp + I(wt + hp) + qsec + drat", data=CARS)
    with pytest.warns(sd.RankWarning):
        first = sd.lm("mpg ~ I(wt + hp) + wt + qsec + hp + drat", data=CARS)
    found, scattered = last.step(), first.step()
    alone = sd.lm("mpg ~ wt + hp + qsec + drat", data=CARS).step()
    assert found.table.index[:2] == ("start", "- I(wt + hp)")
    assert (found.table["Df"][1], found.table["Deviance"][1]) == (0, 0)
    assert found.fit.formula == alone.fit.formula == R_STEP
    assert found.table["AIC"][-1] == pytest.approx(alone.table["AIC"][-1])
    assert "- hp" in scattered.table.index[:2]


R_STEP = "mpg ~ wt + qsec + drat"


def test_the_smallest_model_stays(line):
    found = sd.lm("mpg ~ qsec + wt + hp", data=CARS).step(("~ qsec", "~ ."))
    assert "qsec" in found.fit.formula


def test_multinomial_search():
    fit = sd.multinom(
        "Species ~ Sepal.Width + noise", data=IRIS.assign(noise=np.tile([0.0, 1.0], 75))
    )
    found = fit.step()
    assert found.fit.formula == "Species ~ Sepal.Width"
    assert found.table.index == ("start", "- noise")
    agree(found.table["AIC"], [fit.AIC(), found.fit.AIC()])


def test_weights_and_offsets_stay(logit):
    fit = sd.glm("carb ~ wt + qsec + offset(log(hp))", data=CARS, family="poisson", weights="gear")
    found = fit.step()
    if len(found.table) > 1:
        assert "offset(log(hp))" in found.fit.formula
    table = fit.drop1()
    direct = sd.glm("carb ~ qsec + offset(log(hp))", data=CARS, family="poisson", weights="gear")
    agree(table["Deviance"][1], direct.deviance)


def test_rows_that_come_and_go_with_a_term():
    data = CARS.assign(hp=CARS["hp"].where(CARS["hp"] > 70))
    with pytest.raises(sd.DataError, match="same rows"):
        sd.lm("mpg ~ wt", data=data).add1("~ . + hp")


def test_searches_that_there_are_not(line):
    with pytest.raises(sd.ModelError, match="sideways"):
        line.step(direction="sideways")
    with pytest.raises(sd.ModelError, match="scope="):
        line.step(scope=3)
    arrays = sd.lm(X=CARS[["wt", "hp"]].to_numpy(), y=CARS["mpg"].to_numpy())
    assert arrays.drop1().index == ("<none>", "x1", "x2")
    with pytest.raises(sd.ModelError, match="no formula"):
        arrays.step()
    with pytest.raises(sd.ModelError, match="penalised"):
        sd.lm("mpg ~ wt", data=CARS, penalty=1.0).drop1()


# devices --------------------------------------------------------------------------------------


def there(values):
    values = np.asarray(values)
    kind = strict.int64 if values.dtype.kind in "iu" else strict.float64
    return strict.asarray(values, dtype=kind, device=strict.Device("device1"))


KINDS = [
    {"type": "HC0"}, {"type": "HC1"}, {"type": "HC3"}, {"type": "HAC"},
    {"type": "HAC", "maxlags": "auto"}, {"type": "cluster", "cluster": np.arange(80) % 9},
    {"type": "bootstrap", "B": 20}, {"type": "bootstrap", "B": 20, "scheme": "wild"},
    {"type": "bootstrap", "B": 20, "scheme": "residual"},
]  # fmt: skip


@pytest.mark.parametrize("words", KINDS, ids=lambda words: "-".join(map(str, words.values()))[:24])
def test_covariances_are_the_same_on_a_device(words):
    case = draw("gaussian", "identity", 1)
    names = ("X", "y", "weights", "offset")
    here = sd.lm(**{name: getattr(case, name) for name in names})
    other = sd.lm(**{name: there(getattr(case, name)) for name in names})
    agree(other.vcov(**words), here.vcov(**words), rtol=1e-7)
    if "cluster" in words:
        agree(other.vcov("cluster", cluster=there(words["cluster"])), here.vcov(**words), rtol=1e-8)


def test_tests_are_the_same_on_a_device():
    X, codes = draw_classes(3, n=90, p=2)
    here, other = sd.multinom(X=X, y=codes), sd.multinom(X=there(X), y=there(codes))
    agree(other.confint(method="profile"), here.confint(method="profile"), rtol=1e-7)
    agree(other.anova(test="Rao")["Rao"], here.anova(test="Rao")["Rao"], rtol=1e-8)
    agree(
        other.anova(vcov="HC0", typ=3)["Chisq"], here.anova(vcov="HC0", typ=3)["Chisq"], rtol=1e-8
    )
    assert str(other.wald("1: x1 = 2: x1")) == str(here.wald("1: x1 = 2: x1"))
    assert str(other.drop1()) == str(here.drop1())


def test_segments_are_summed_alike():
    rng = np.random.default_rng(0)
    codes = np.sort(rng.integers(0, 40, 500))
    values = rng.normal(size=(500, 3))
    starts = segment_starts(codes)
    agree(plain_segment_sums(values, starts), segment_sums(values, starts), scale=1.0)
