"""Influence: against refits without a row, R's influence.measures and car, and statsmodels."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import statdl as sd
from tests.agreement import agree, agree_in_size, agree_p
from tests.cases import draw
from tests.reference import arguments, cases, frame, in_our_words, numbers, without_brackets

CASES = {case["id"]: case for case in cases("influence")}
every_case = pytest.mark.parametrize("name", CASES)
FRONTS = {"Gamma": "gamma"}


@cache
def fitted(name: str) -> sd.Fit:
    case = CASES[name]
    options = arguments(case)
    if case["model"] == "glm":
        options["family"] = FRONTS.get(case["family"], case["family"])
        options["link"] = case["link"]
    return getattr(sd, case["model"])(case["formula"], data=frame(case), **options)


def first(values) -> np.ndarray:
    return np.asarray(values)[:20]


@every_case
def test_measures_are_those_of_r(name):
    fit, expected = fitted(name), CASES[name]["result"]
    found = fit.influence()
    n = min(20, len(found))
    for measure in ("hat", "sigma", "rstandard", "rstudent", "dffits", "covratio"):
        agree_in_size(first(found[measure]), numbers(expected[measure])[:n])
    agree_in_size(first(found["cooks.distance"]), numbers(expected["cooks_distance"])[:n])
    ours = [without_brackets(column[4:]) for column in found if column.startswith("dfb.")]
    assert ours == [in_our_words(label) for label in expected["coefficients"]]
    agree_in_size(first(fit.dfbetas()), numbers(expected["dfbetas"]))


@every_case
def test_single_measures_are_columns_of_the_frame(name):
    fit = fitted(name)
    found = fit.influence()
    for measure in ("rstudent", "dffits", "covratio", "rstandard"):
        np.testing.assert_allclose(getattr(fit, measure)(), found[measure], rtol=1e-11)
    np.testing.assert_allclose(fit.hatvalues(), found["hat"], rtol=1e-12)
    np.testing.assert_allclose(fit.cooks_distance(), found["cooks.distance"], rtol=1e-11)
    np.testing.assert_array_equal(fit.residuals("studentised"), found["rstudent"])
    np.testing.assert_array_equal(fit.residuals("standardized"), found["rstandard"])


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case["model"] == "glm"])
def test_standardised_pearson_residuals_are_those_of_r(name):
    expected = numbers(CASES[name]["result"]["rstandard_pearson"])
    agree_in_size(first(fitted(name).rstandard(type="pearson")), expected)


@every_case
def test_partial_residuals_are_those_of_r(name):
    expected = CASES[name]["result"]["partial"]
    found = fitted(name).residuals("partial")
    assert [in_our_words(c) for c in found.columns] == [in_our_words(c) for c in expected["names"]]
    agree_in_size(first(found), numbers(expected["values"]))


@every_case
def test_outliers_are_those_of_car(name):
    fit, expected = fitted(name), CASES[name]["result"]["outliers"]
    found = fit.outlier_test(cutoff=np.inf, most=5)
    used = fit.influence().index
    assert list(found.index) == [str(used[row - 1]) for row in expected["row"]]
    agree(found["rstudent"], expected["rstudent"])
    agree_p(found["Unadjusted p"], expected["p"])
    agree_p(found["Bonferroni p"], np.minimum(expected["bonferroni"], 1))


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case["result"]["vif"]])
def test_variance_inflation_is_that_of_car(name):
    expected = CASES[name]["result"]["vif"]
    table = fitted(name).vif()
    assert [in_our_words(term) for term in table.index] == [
        in_our_words(term) for term in expected["terms"]
    ]
    agree(table["GVIF" if "GVIF" in table.columns else "VIF"], expected["gvif"])
    if "Df" in table.columns:
        agree(table["Df"], expected["df"])
        agree(table["GVIF^(1/(2*Df))"], expected["root"])


def test_least_squares_measures_are_those_of_a_fit_without_the_row():
    case = draw("gaussian", "identity", 1)
    fit = sd.lm(X=case.X, y=case.y, weights=case.weights)
    found = fit.influence()
    for row in (0, 5, 11):
        rest = np.arange(len(case.y)) != row
        weights = None if case.weights is None else case.weights[rest]
        without = sd.lm(X=case.X[rest], y=case.y[rest], weights=weights)
        agree(found["sigma"][row], without.sigma)
        scale = without.sigma * fit.bse / fit.sigma
        agree(found.filter(like="dfb.").loc[row], (fit.params - without.params) / scale)
        ratio = np.linalg.det(without.vcov()) / np.linalg.det(fit.vcov())
        agree(found["covratio"][row], ratio)
        moved = fit.params - without.params
        agree(
            found["cooks.distance"][row],
            moved @ np.linalg.solve(fit.vcov(), moved) / len(moved),
        )


def test_statsmodels_agrees_on_least_squares():
    cars = sd.datasets.load("mtcars")
    fit = sd.lm("mpg ~ wt + hp + qsec", data=cars)
    theirs = sm.OLS.from_formula("mpg ~ wt + hp + qsec", data=cars).fit().get_influence()
    found = fit.influence()
    agree(found["hat"], theirs.hat_matrix_diag)
    agree(found["rstandard"], theirs.resid_studentized_internal)
    agree(found["rstudent"], theirs.resid_studentized_external)
    agree(found["dffits"], theirs.dffits[0])
    agree(found["cooks.distance"], theirs.cooks_distance[0])
    agree(found["covratio"], theirs.cov_ratio)
    agree_in_size(fit.dfbetas(), theirs.dfbetas)


def test_statsmodels_agrees_on_logistic_regression():
    infert = sd.datasets.load("infert")
    fit = sd.glm("case ~ age + spontaneous", data=infert, family="binomial")
    theirs = (
        sm.GLM.from_formula("case ~ age + spontaneous", infert, family=sm.families.Binomial())
        .fit(tol=1e-14)
        .get_influence()
    )
    agree(fit.hatvalues(), theirs.hat_matrix_diag, rtol=1e-7)
    agree(fit.cooks_distance(), theirs.cooks_distance[0], rtol=1e-6)
    agree(fit.rstandard("pearson"), theirs.resid_studentized, rtol=1e-7)


def test_a_row_of_its_own_has_no_residual_to_judge():
    data = pd.DataFrame({"y": [1.0, 2, 4, 3, 9], "x": [1.0, 2, 3, 4, 5], "g": list("aaaab")})
    found = sd.lm("y ~ x + g", data=data).influence()
    assert found["hat"][4] == pytest.approx(1)
    assert found.loc[4].drop("hat").isna().all()
    assert found.loc[:3].notna().all(axis=None)


def test_a_row_of_weight_zero_moves_nothing():
    case = draw("gaussian", "identity", 1)
    weights = np.ones(len(case.y))
    weights[3] = 0
    fit = sd.lm(X=case.X, y=case.y, weights=weights)
    row = fit.influence().loc[3]
    assert row["hat"] == row["dffits"] == row["cooks.distance"] == 0
    assert row["covratio"] == pytest.approx(1)
    assert row["sigma"] == pytest.approx(fit.sigma)
    rest = np.arange(len(case.y)) != 3
    without = sd.lm(X=case.X[rest], y=case.y[rest])
    agree(fit.influence()["rstudent"][rest], without.influence()["rstudent"])
    assert fit.outlier_test()["Bonferroni p"][0] == pytest.approx(
        without.outlier_test()["Bonferroni p"][0]
    )


def test_blocks_make_no_difference():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40000, 3))
    fit = sd.lm(X=X, y=X.sum(axis=1) + rng.normal(size=40000))
    found = fit.influence()
    A = np.column_stack([np.ones(40000), X])
    hat = (A @ np.linalg.inv(A.T @ A) * A).sum(axis=1)
    np.testing.assert_allclose(found["hat"], hat, rtol=1e-10)
    e = np.asarray(fit.residuals())
    np.testing.assert_allclose(
        found["dffits"], e * np.sqrt(hat) / (found["sigma"] * (1 - hat)), rtol=1e-10
    )


def test_frames_are_of_the_kind_of_the_data():
    polars = pytest.importorskip("polars")
    fit = sd.lm("mpg ~ wt", data=polars.from_pandas(sd.datasets.load("mtcars")))
    assert isinstance(fit.influence(), polars.DataFrame)
    assert isinstance(fit.residuals("partial"), polars.DataFrame)


def test_what_has_no_influence_measures_says_so():
    iris = sd.datasets.load("iris")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        several = sd.multinom("Species ~ Sepal.Length", data=iris)
    with pytest.raises(sd.ModelError, match=r"one linear predictor.*matrix of leverages"):
        several.influence()
    ridge = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"), penalty=1.0)
    with pytest.raises(sd.ModelError, match="without a penalty"):
        ridge.rstudent()
    with pytest.raises(sd.ModelError, match=r"response, pearson.*studentised, partial"):
        ridge.residuals("student")


def test_inflation_refuses_what_it_cannot_compare():
    cars = sd.datasets.load("mtcars")
    with pytest.raises(sd.ModelError, match="fewer than two"):
        sd.lm("mpg ~ wt", data=cars).vif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.RankWarning)
        aliased = sd.lm("mpg ~ wt + hp + I(2*wt)", data=cars)
    with pytest.raises(sd.ModelError, match=r"I\(2 ?\* ?wt\) is not"):
        aliased.vif()
