"""Specification tests against lmtest, ROC against pROC, and statsmodels' diagnostics."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats import diagnostic, stattools

import statdl as sd
from tests.agreement import agree, agree_in_size, agree_p
from tests.cases import draw
from tests.reference import arguments, cases, frame

CASES = {case["id"]: case for case in cases("specification")}
LINEAR = [name for name, case in CASES.items() if case["model"] == "lm"]
BINARY = [name for name, case in CASES.items() if case["model"] == "glm"]
linear = pytest.mark.parametrize("name", LINEAR)
binary = pytest.mark.parametrize("name", BINARY)

#: How each of R's results is asked for here; the first column of X orders rows where asked.
ASKED = {
    "bp": lambda fit, first: fit.breusch_pagan_test(),
    "bp_plain": lambda fit, first: fit.breusch_pagan_test(studentised=False),
    "white": lambda fit, first: fit.white_test(),
    "gq": lambda fit, first: fit.goldfeld_quandt_test(),
    "gq_ordered": lambda fit, first: fit.goldfeld_quandt_test(
        first, fraction=0.2, alternative="two.sided"
    ),
    "gq_rows": lambda fit, first: fit.goldfeld_quandt_test(
        point=14, fraction=4, alternative="less"
    ),
    "reset": lambda fit, first: fit.reset_test(),
    "reset_regressor": lambda fit, first: fit.reset_test((2,), type="regressor"),
    "rainbow": lambda fit, first: fit.rainbow_test(),
    "rainbow_ordered": lambda fit, first: fit.rainbow_test(0.6, order_by=first),
    "rainbow_mahalanobis": lambda fit, first: fit.rainbow_test(order_by="mahalanobis"),
    "dw": lambda fit, first: fit.durbin_watson_test(exact=True),
    "dw_normal": lambda fit, first: fit.durbin_watson_test("two.sided", exact=False),
    "bg": lambda fit, first: fit.breusch_godfrey_test(),
    "bg_f": lambda fit, first: fit.breusch_godfrey_test(3, type="F"),
    "bg_short": lambda fit, first: fit.breusch_godfrey_test(2, fill=np.nan),
    "jb": lambda fit, first: fit.jarque_bera_test(),
}

#: Where the columns of a part of the rows, or of the larger model, are dependent.
SINGULAR = ("reset_regressor", "gq_ordered", "rainbow_mahalanobis")


@cache
def fitted(name: str) -> sd.Fit:
    case = CASES[name]
    options = arguments(case)
    if case["model"] == "glm":
        options |= {"family": case["family"], "link": case["link"]}
    return getattr(sd, case["model"])(case["formula"], data=frame(case), **options)


@linear
@pytest.mark.parametrize("test", ASKED)
def test_numbers_are_those_of_lmtest(name, test):
    expected = CASES[name]["result"][test]
    fit = fitted(name)
    first = fit.estimate.frame.design.names[0]
    if expected is None:
        pytest.skip("lmtest refuses")
    if name == "mtcars-factor" and test in SINGULAR:
        pytest.skip("lmtest counts columns that are combinations of others")
    found = ASKED[test](fit, first)
    agree(found.statistic, expected["statistic"], rtol=1e-8)
    if expected["df"]:
        agree(np.atleast_1d(found.df), expected["df"])
    # R's own exact p-value of Durbin and Watson is by a rule of 50 steps
    agree_p(found.p_value, expected["p"], rtol=1e-5 if test == "dw" else 1e-8)


def test_a_part_of_the_rows_may_lack_a_level():
    fit = fitted("mtcars-factor")
    cars = sd.datasets.load("mtcars").sort_values("wt", kind="stable")
    light = sd.lm("mpg ~ wt + factor(cyl)", data=cars.iloc[:12])  # no car of eight cylinders
    assert set(cars["cyl"].iloc[:12]) == {4, 6}
    found = fit.goldfeld_quandt_test("wt", fraction=0.25)
    assert found.df == (12 - 3, 12 - 3)
    heavy = sd.lm("mpg ~ wt + factor(cyl)", data=cars.iloc[20:])
    assert found.df == (heavy.df_resid, light.df_resid)
    agree(found.statistic, heavy.scale / light.scale)


def test_statsmodels_agrees():
    cars = sd.datasets.load("mtcars")
    fit = sd.lm("mpg ~ wt + hp", data=cars)
    theirs = sm.OLS.from_formula("mpg ~ wt + hp", data=cars).fit()
    exog = theirs.model.exog
    for found, (statistic, p_value) in (
        (fit.breusch_pagan_test(), diagnostic.het_breuschpagan(theirs.resid, exog)[:2]),
        (fit.white_test(), diagnostic.het_white(theirs.resid, exog)[:2]),
        (fit.breusch_godfrey_test(2), diagnostic.acorr_breusch_godfrey(theirs, 2)[:2]),
        (fit.jarque_bera_test(), stattools.jarque_bera(theirs.resid)[:2]),
    ):
        agree(found.statistic, statistic)
        agree_p(found.p_value, p_value)
    agree(fit.durbin_watson_test().statistic, stattools.durbin_watson(theirs.resid))
    reset = diagnostic.linear_reset(theirs, power=3, use_f=True)
    agree(fit.reset_test().statistic, float(reset.statistic))


def test_the_exact_durbin_watson_distribution_is_that_of_simulated_errors():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(15, 2))
    A = np.column_stack([np.ones(15), X])
    maker = np.eye(15) - A @ np.linalg.pinv(A)
    e = rng.normal(size=(200_000, 15)) @ maker
    drawn = (np.diff(e, axis=1) ** 2).sum(axis=1) / (e**2).sum(axis=1)
    fit = sd.lm(X=X, y=np.sin(np.arange(15.0)))
    found = fit.durbin_watson_test()
    share = (drawn < found.statistic).mean()
    assert found.p_value == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 200_000))
    assert found.p_value + fit.durbin_watson_test("less").p_value == pytest.approx(1)


@pytest.mark.parametrize("test", ["breusch_pagan_test", "white_test", "reset_test", "rainbow_test",
                                  "durbin_watson_test", "goldfeld_quandt_test",
                                  "breusch_godfrey_test"])  # fmt: skip
def test_tests_reject_at_about_their_level(test):
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(400):
        X = rng.normal(size=(60, 2))
        fit = sd.lm(X=X, y=X.sum(axis=1) + rng.normal(size=60))
        p_values.append(getattr(fit, test)().p_value)
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.085
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_weights_are_used_or_refused():
    case = draw("gaussian", "identity", 1)
    root = np.sqrt(case.weights)
    fit = sd.lm(X=case.X, y=case.y, weights=case.weights)
    scaled = sd.lm(
        X=np.column_stack([root, case.X * root[:, None]]), y=case.y * root, intercept=False
    )
    for test in ("goldfeld_quandt_test", "rainbow_test", "jarque_bera_test"):
        agree(getattr(fit, test)().statistic, getattr(scaled, test)().statistic)
    A = np.column_stack([np.ones(len(case.y)), case.X])
    f = np.asarray(fit.fittedvalues)
    larger = sm.WLS(case.y, np.column_stack([A, f**2, f**3]), weights=case.weights).fit()
    smaller = sm.WLS(case.y, A, weights=case.weights).fit()
    agree(fit.reset_test().statistic, larger.compare_f_test(smaller)[0], rtol=1e-6)
    for test in ("breusch_pagan_test", "white_test", "durbin_watson_test", "breusch_godfrey_test"):
        with pytest.raises(sd.ModelError, match="equal weights only"):
            getattr(fit, test)()


def test_an_offset_is_taken_from_the_response():
    case = draw("gaussian", "identity", 1)
    fit = sd.lm(X=case.X, y=case.y, offset=case.offset)
    plain = sd.lm(X=case.X, y=case.y - case.offset)
    for test in ("breusch_pagan_test", "reset_test", "rainbow_test", "breusch_godfrey_test"):
        agree(getattr(fit, test)().statistic, getattr(plain, test)().statistic)


def test_what_a_test_is_not_made_for_is_refused():
    cars = sd.datasets.load("mtcars")
    logit = sd.glm("am ~ wt", data=cars, family="binomial")
    lm = sd.lm("mpg ~ wt", data=cars)
    with pytest.raises(sd.ModelError, match="errors of a linear regression"):
        logit.white_test()
    with pytest.raises(sd.ModelError, match="errors of a linear regression"):
        sd.lm("mpg ~ wt", data=cars, penalty=1.0).reset_test()
    with pytest.raises(sd.ModelError, match="response of classes"):
        lm.roc()
    with pytest.raises(sd.ModelError, match=r"least squares have fit\.rsquared"):
        lm.pseudo_rsquared()
    with pytest.raises(sd.ModelError, match="response of classes"):
        lm.confusion()
    with pytest.raises(sd.DataError, match="no column of the model; they are wt"):
        lm.goldfeld_quandt_test(order_by="hp")
    with pytest.raises(sd.DataError, match="3 values for the 32 rows"):
        lm.rainbow_test(order_by=[1, 2, 3])
    with pytest.raises(sd.ModelError, match=r"choose one of greater, less, two\.sided"):
        lm.durbin_watson_test(alternative="both")
    with pytest.raises(sd.DataError, match="combinations of the columns"):
        sd.lm("mpg ~ am", data=cars).reset_test(type="regressor")


def test_a_test_prints_like_r_and_says_its_null():
    fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    assert str(fit.breusch_pagan_test()) == (
        "Studentised Breusch-Pagan test\n"
        "data:  mpg ~ wt + hp\n"
        "BP = 0.88072, df = 2, p-value = 0.6438\n"
        "H0: the variance of the errors is the same for all rows, whatever the regressors."
    )
    assert "BP" in fit.breusch_pagan_test().to_html()
    assert "toprule" in fit.breusch_pagan_test().to_latex()


@binary
def test_hosmer_and_lemeshow(name):
    expected = CASES[name]["result"]["hosmer_lemeshow"]
    found = fitted(name).hosmer_lemeshow_test()
    agree(found.statistic, expected["statistic"], rtol=1e-7)
    agree(found.df, expected["df"][0])
    agree_p(found.p_value, expected["p"], rtol=1e-7)
    table = fitted(name).calibration()
    agree(table["Predicted"], expected["predicted"])
    agree(table["Observed"], expected["observed"])


def test_reset_takes_one_power():
    fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    assert fit.reset_test(powers=2).statistic == fit.reset_test(powers=[2]).statistic


def test_no_group_of_probabilities_is_without_rows():
    infert = sd.datasets.load("infert")
    fit = sd.glm("case ~ factor(induced) + factor(spontaneous)", data=infert, family="binomial")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for groups in range(6, 249, 11):  # there are 9 different probabilities
            found = fit.hosmer_lemeshow_test(groups)
            assert np.isfinite(found.statistic)
            assert found.df <= 7
    with pytest.raises(sd.ModelError, match="groups=249 is more than the 248 rows"):
        fit.hosmer_lemeshow_test(249)


@binary
def test_roc_is_that_of_proc(name):
    expected = CASES[name]["result"]["auc"]
    found = fitted(name).roc()
    agree(found.auc, expected["estimate"])
    agree(found.standard_error, expected["se"])
    agree([found.lower, found.upper], [expected["lower"], expected["upper"]])
    agree(found.sensitivity, expected["sensitivity"])
    agree(found.specificity, expected["specificity"])


@binary
def test_confusion_and_pseudo_rsquared(name):
    fit, expected = fitted(name), CASES[name]["result"]
    table = fit.confusion()
    agree(np.stack([table["0"], table["1"]], axis=1), expected["confusion"])
    pseudo = fit.pseudo_rsquared()
    agree(pseudo["McFadden"], expected["pseudo"]["mcfadden"])
    agree(pseudo["Cox-Snell"], expected["pseudo"]["cox_snell"])
    agree(pseudo["Nagelkerke"], expected["pseudo"]["nagelkerke"])
    y = np.asarray(fit.estimate.objective.rows.y)[:, 0]
    p = np.asarray(fit.fittedvalues)
    agree(pseudo["Tjur"], p[y == 1].mean() - p[y == 0].mean())
    agree(pseudo["Efron"], 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    latent = {"logit": np.pi**2 / 3, "probit": 1.0}[CASES[name]["link"]]
    spread = np.asarray(fit.predict(type="link")).var()
    agree(pseudo["McKelvey-Zavoina"], spread / (spread + latent))


def test_rows_of_counts_are_their_single_trials():
    moths = sd.datasets.load("budworm")
    counts = sd.glm("cbind(dead, alive) ~ ldose", data=moths, family="binomial")
    rows = [
        (dose, outcome)
        for dose, dead, alive in zip(moths["ldose"], moths["dead"], moths["alive"], strict=True)
        for outcome in [1.0] * dead + [0.0] * alive
    ]
    X, y = np.array(rows).T
    single = sd.glm(X=X[:, None], y=y, family="binomial")
    assert counts.roc().auc == pytest.approx(single.roc().auc)
    assert counts.roc().standard_error == pytest.approx(single.roc().standard_error)
    agree_in_size(counts.roc().sensitivity, single.roc().sensitivity)
    assert dict(counts.pseudo_rsquared()) == pytest.approx(dict(single.pseudo_rsquared()))
    softmax = sd.multinom("cbind(alive, dead) ~ ldose", data=moths).pseudo_rsquared()
    assert dict(softmax) == pytest.approx(
        {name: single.pseudo_rsquared()[name] for name in softmax}
    )
    np.testing.assert_allclose(
        np.stack([counts.confusion()[c] for c in counts.confusion().index]),
        np.stack([single.confusion()[c] for c in single.confusion().index]),
    )


def test_pseudo_rsquared_counts_weights_as_observations():
    housing = sd.datasets.load("housing")
    fit = sd.multinom("Sat ~ Infl + Cont", data=housing, weights="Freq")
    rows = housing.loc[housing.index.repeat(housing["Freq"])].reset_index(drop=True)
    single = sd.multinom("Sat ~ Infl + Cont", data=rows)
    assert dict(fit.pseudo_rsquared()) == pytest.approx(dict(single.pseudo_rsquared()))
    cars = sd.datasets.load("mtcars")
    twice = sd.glm("carb ~ wt", cars, family="poisson", weights=np.full(32, 2.0))
    once = sd.glm("carb ~ wt", cars, family="poisson")
    both = twice.pseudo_rsquared()
    assert both["McFadden"] == pytest.approx(once.pseudo_rsquared()["McFadden"])
    assert both["Cox-Snell"] == pytest.approx(once.pseudo_rsquared()["Cox-Snell"])


@pytest.mark.parametrize("value", [0.1, 3.0, 1e-8, 123456.7, 0.0])
@pytest.mark.parametrize("n", [12, 120, 20000])
def test_a_constant_response_has_no_rsquared(value, n):
    x = np.random.default_rng(1).normal(size=n)
    weights = np.arange(n) % 3 + 0.7
    for options in ({}, {"weights": weights}):
        fit = sd.lm(X=x, y=np.full(n, value), **options)
        assert np.isnan([fit.rsquared, fit.rsquared_adj, fit.fvalue]).all()
    assert sd.lm(X=x, y=value + 1e-6 * (value or 1.0) * x).rsquared == pytest.approx(1.0)


def test_confusion_of_several_classes():
    iris = sd.datasets.load("iris")
    fit = sd.multinom("Species ~ Sepal.Length + Sepal.Width", data=iris)
    table = fit.confusion().to_frame()
    guess = np.asarray(fit.predict(type="class"))
    for observed in table.index:
        for predicted in table.index:
            both = (iris["Species"] == observed) & (guess == predicted)
            assert table.loc[observed, predicted] == both.sum()
    assert table["Recall"].mean() == pytest.approx(
        (guess == iris["Species"].to_numpy()).mean()
    )  # the classes have 50 rows each
    assert set(fit.pseudo_rsquared()) == {
        "McFadden",
        "McFadden adjusted",
        "Cox-Snell",
        "Nagelkerke",
    }
