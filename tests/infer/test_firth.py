"""Separation and its way out: against brglm2, published numbers, and consequences."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

import statdl as sd
from tests.agreement import agree
from tests.cases import draw, draw_classes
from tests.reference import arguments, cases, frame, numbers

CASES = {case["id"]: case for case in cases("firth")}
BINARY = [name for name, case in CASES.items() if case["model"] == "glm"]
#: brglm2 and we stop where the rounding of log |I| hides the rest: in standard errors.
LOOSE = {"iris": 1e-6}


@cache
def fitted(name: str) -> sd.Fit:
    case = CASES[name]
    options = arguments(case) | ({"family": "binomial"} if case["model"] == "glm" else {})
    return getattr(sd, case["model"])(
        case["formula"], data=frame(case), bias_reduction=True, **options
    )


def in_r_order(table) -> np.ndarray:
    values = np.asarray(table)
    return values if values.ndim == 1 else values.T


@pytest.mark.parametrize("name", CASES)
def test_estimates_are_those_of_brglm2(name):
    fit, expected = fitted(name), CASES[name]["result"]
    assert fit.converged
    rtol = LOOSE.get(name, 1e-8)
    agree(in_r_order(fit.params), numbers(expected["estimate"]), rtol=rtol)
    agree(in_r_order(fit.bse), numbers(expected["se"]), rtol=rtol)


@pytest.mark.parametrize("name", BINARY)
def test_limits_are_those_of_the_penalised_profile(name):
    expected = CASES[name]["result"]["profile"]
    limits = fitted(name).confint(method="profile").to_numpy()
    agree(limits[:, 0], expected["lower"])
    agree(limits[:, 1], expected["upper"])


def test_endometrial_cancer_is_as_published():
    # Heinze & Schemper (2002), table III: neovasculation separates the grades
    fit = fitted("endometrial")
    assert fit.params.round(2).tolist() == [3.77, 2.93, -0.03, -2.60]
    limits = fit.confint(method="profile").round(2)
    assert limits.loc["NV"].tolist() == [0.61, 7.85]
    with pytest.warns(sd.SeparationWarning, match=r"quasi-completely by 'NV' \(to \+∞\)"):
        plain = sd.glm("HG ~ NV + PI + EH", data=frame(CASES["endometrial"]), family="binomial")
    assert np.isnan(plain.bse).all()


@pytest.mark.parametrize("front", ["glm", "multinom", "poisson"])
def test_the_gradient_is_that_of_the_penalised_likelihood(front):
    if front == "multinom":
        X, codes = draw_classes(4, n=60, p=2)
        fit = sd.multinom(
            X=X, y=codes, weights=np.linspace(0.5, 2, len(codes)), bias_reduction=True
        )
    elif front == "poisson":
        case = draw("poisson", "log", 1)
        fit = sd.glm(X=case.X, y=case.y, family="poisson", bias_reduction=True)
    else:
        case = draw("binomial", "logit", 2)
        fit = case.fit(bias_reduction=True)
    objective = fit.estimate.objective
    theta = np.asarray(fit.estimate.parameters) + 0.1
    _, gradient = objective.value_and_gradient(theta)
    numeric = approx_fprime(theta, objective.value, 1e-7)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4)
    bare = -fit.llf
    information = fit.estimate.information
    penalised = bare - 0.5 * np.linalg.slogdet(information)[1]
    constant = fit.estimate.totals.constant(1.0)
    assert fit.estimate.loss == pytest.approx(penalised + constant, rel=1e-9)


def test_two_classes_are_the_logit():
    case = draw("binomial", "logit", 1)
    y = (case.y > 0.5).astype(int)
    logit = sd.glm(X=case.X, y=y, family="binomial", bias_reduction=True)
    softmax = sd.multinom(X=case.X, y=y, bias_reduction=True)
    np.testing.assert_allclose(softmax.params.iloc[:, 0], logit.params, rtol=1e-7)
    np.testing.assert_allclose(softmax.bse.iloc[:, 0], logit.bse, rtol=1e-7)


def test_an_intercept_alone_adds_half_a_case_to_each_class():
    y = np.array([1.0] * 2 + [0.0] * 10)
    fit = sd.glm("y ~ 1", data=pd.DataFrame({"y": y}), family="binomial", bias_reduction=True)
    assert fit.params.iloc[0] == pytest.approx(np.log(2.5 / 10.5))


@pytest.mark.parametrize("method", ["newton", "irls", "lbfgs"])
def test_solvers_agree_and_columns_may_be_dependent(method):
    case = draw("binomial", "logit", 3)
    fit = case.fit(bias_reduction=True, method=method)
    reference = case.fit(bias_reduction=True)
    np.testing.assert_allclose(fit.params, reference.params, rtol=1e-5, atol=1e-6)
    doubled = np.column_stack([case.X, case.X[:, 0]])
    with pytest.warns(sd.RankWarning):
        aliased = sd.glm(
            X=doubled, y=case.y, weights=case.weights, offset=case.offset, family="binomial",
            bias_reduction=True, method=method,
        )  # fmt: skip
    assert np.isnan(aliased.params.iloc[-1])
    np.testing.assert_allclose(aliased.params[:-1], reference.params, rtol=1e-5, atol=1e-6)


def test_bias_is_reduced():
    rng = np.random.default_rng(1)
    truth = np.array([0.5, 1.5])
    found = {True: [], False: []}
    for _ in range(300):
        x = rng.normal(size=(30, 1))
        y = (rng.random(30) < 1 / (1 + np.exp(-truth[0] - truth[1] * x[:, 0]))).astype(float)
        for reduced in found:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fit = sd.glm(X=x, y=y, family="binomial", bias_reduction=reduced)
            if fit.converged:
                found[reduced].append(fit.params.to_numpy())
    plain, firth = (np.mean(found[reduced], axis=0)[1] - truth[1] for reduced in (False, True))
    assert len(found[True]) == 300
    assert abs(firth) < 0.12 < 0.15 < plain


def test_what_firth_is_not_for_is_refused():
    cars = sd.datasets.load("mtcars")
    with pytest.raises(sd.ModelError, match="not for binomial with the probit link"):
        sd.glm("am ~ wt", data=cars, family="binomial", link="probit", bias_reduction=True)
    with pytest.raises(sd.ModelError, match="is a penalty itself"):
        sd.glm("am ~ wt", data=cars, family="binomial", bias_reduction=True, penalty=1.0)
    with pytest.raises(sd.ModelError, match="all rows at every step"):
        sd.glm("am ~ wt", data=cars, family="binomial", bias_reduction=True, method="gd")


def test_the_summary_says_what_was_done():
    text = str(fitted("endometrial").summary())
    assert "Bias-reduced (Firth 1993)" in text
    assert "shrunk towards 0" not in text


def test_a_bias_reduced_fit_can_be_saved(tmp_path):
    fit = fitted("endometrial")
    fit.save(tmp_path / "fit.statdl")
    again = sd.load(tmp_path / "fit.statdl")
    np.testing.assert_array_equal(again.params, fit.params)
    np.testing.assert_array_equal(again.bse, fit.bse)


def test_complete_and_quasi_complete_separation_are_told_apart():
    x = np.arange(10.0)
    y = (x > 4.5).astype(float)
    with pytest.warns(sd.SeparationWarning, match=r"completely by 'x1' \(to \+∞\)") as caught:
        sd.glm(X=x[:, None], y=y, family="binomial")
    assert "quasi" not in str(caught[0].message)
    tied = np.append(x, [4.5, 4.5])
    with pytest.warns(sd.SeparationWarning, match=r"quasi-completely by 'x1' \(to −∞\)"):
        sd.glm(X=-tied[:, None], y=np.append(y, [0.0, 1.0]), family="binomial")


def test_separation_of_several_classes_says_which():
    iris = sd.datasets.load("iris")
    with pytest.warns(sd.SeparationWarning, match=r"'Petal.Length' \(to \+∞ for versicolor"):
        sd.multinom("Species ~ Petal.Length", data=iris)


def test_separation_of_many_rows_is_found_by_few():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 3))
    y = (X[:, 0] - X[:, 2] > 0).astype(float)
    with pytest.warns(sd.SeparationWarning, match=r" completely by .*'x1' \(to \+∞\)"):
        sd.glm(X=X, y=y, family="binomial")
