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


# several classes ----------------------------------------------------------------------------------


def several():
    random = np.random.default_rng(3)
    X = random.normal(size=(120, 2))
    eta = np.column_stack([np.zeros(120), X @ [1.0, -0.5], 0.5 - X[:, 0]])
    p = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    y = np.array([random.choice(3, p=row) for row in p])
    return pd.DataFrame({"y": np.array(["a", "b", "c"])[y], "x": X[:, 0], "z": X[:, 1]})


def test_one_step_without_a_row_of_several_classes():
    """The formulas are one Newton step from θ̂ on the data without the row, taken here in full."""
    data = several()
    fit = sd.multinom("y ~ x + z", data=data)
    found = fit.influence()
    A = np.column_stack([np.ones(120), data["x"], data["z"]])
    Y = np.column_stack([data["y"] == "b", data["y"] == "c"]).astype(float)
    theta = np.asarray(fit.estimate.parameters).reshape(2, 3)
    P = np.exp(A @ theta.T)
    P /= 1 + P.sum(axis=1, keepdims=True)
    W = P[:, :, None] * np.eye(2) - P[:, :, None] * P[:, None, :]
    each = np.einsum("ni,nkl,nj->nkilj", A, W, A).reshape(120, 6, 6)
    scores = ((Y - P)[:, :, None] * A[:, None, :]).reshape(120, 6)
    V = np.linalg.inv(each.sum(axis=0))
    moved = np.stack([np.linalg.solve(each.sum(axis=0) - each[i], scores[i]) for i in range(120)])
    agree(found["hat"], np.einsum("nij,ji->n", each, V), rtol=1e-9)
    agree(found["cooks.distance"], np.einsum("ni,ij,nj->n", moved, np.linalg.inv(V), moved) / 6)
    agree(found.iloc[:, 2:], moved / np.sqrt(np.diag(V)))
    assert list(found.columns[2:4]) == ["dfb.b: Intercept", "dfb.b: x"]
    agree(fit.leverage().sum(), 6.0)
    agree(fit.cooks_distance(), found["cooks.distance"])
    agree(fit.dfbetas(), found.iloc[:, 2:])


def test_rows_of_several_classes_move_the_fit_as_said():
    data = several()
    fit = sd.multinom("y ~ x + z", data=data)
    most = int(fit.cooks_distance().to_numpy().argmax())
    without = sd.multinom("y ~ x + z", data=data.drop(index=most))
    exact = (fit.params.to_numpy() - without.params.to_numpy()) / fit.bse.to_numpy()
    said = fit.dfbetas().iloc[most].to_numpy()
    assert np.corrcoef(exact.ravel(order="F"), said)[0, 1] > 0.99


def test_two_classes_are_the_binomial_ones():
    cars = sd.datasets.load("mtcars")
    two = sd.multinom("am ~ wt", data=cars)
    one = sd.glm("am ~ wt", data=cars, family="binomial")
    agree(two.leverage(), one.leverage(), rtol=1e-6)
    agree(two.cooks_distance(), one.cooks_distance(), rtol=1e-6)


def test_weights_of_several_classes_count_rows():
    data = several()
    twice = pd.concat([data, data.head(10)], ignore_index=True)
    weights = np.r_[np.full(10, 2.0), np.ones(110)]
    counted = sd.multinom("y ~ x + z", data=data, weights=weights)
    listed = sd.multinom("y ~ x + z", data=twice)
    both = listed.leverage().to_numpy()
    agree(counted.leverage()[:10], both[:10] + both[120:], rtol=1e-6)


def test_what_has_no_influence_measures_says_so():
    with pytest.raises(sd.ModelError, match=r"rstudent is defined.*one linear predictor"):
        sd.multinom("y ~ x", data=several()).rstudent()
    with pytest.raises(sd.ModelError, match=r"one linear predictor.*matrix of leverages"):
        sd.multinom("y ~ x", data=several()).rstandard()
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
