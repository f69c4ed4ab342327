"""glm against statsmodels' GLM over the grid: every family, every link."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

import statdl as sd
from statdl.infer import residual
from tests.agreement import agree, agree_in_size, agree_p
from tests.grid.problems import Both, Model, generalised, grid, their_glm

NEW = {
    "infert": {
        "age": [25, 38],
        "parity": [1, 4],
        "spontaneous": [0, 2],
        "induced": [1, 0],
        "education": ["12+ yrs", "6-11yrs"],
    },
    "warpbreaks": {"wool": ["A", "B"], "tension": ["H", "M"]},
    "InsectSprays": {"spray": ["A", "F"]},
    "insurance": {"District": ["1", "4"], "Group": ["<1l", ">2l"], "Holders": [50, 400]},
    "mtcars": {"wt": [2.0, 3.3, 5.0], "hp": [80, 150, 300], "cyl": [4, 8, 6], "am": [1, 0, 0]},
    "clotting": {"u": [7, 60], "lot2": [14, 40]},
}
SUBSETS = {
    "infert": "age < 40",
    "warpbreaks": "breaks < 60",
    "InsectSprays": "spray != 'D'",
    "insurance": "Holders > 10",
    "mtcars": "qsec > 16.5",
    "clotting": "u > 5",
}
TOLERANCES = "logit probit cloglog cauchit"
FORMULAS = [
    ("infert", "binomial", TOLERANCES, "case ~ spontaneous + induced + parity"),
    ("infert", "binomial", TOLERANCES, "case ~ spontaneous * education"),
    ("infert", "binomial", TOLERANCES, "case ~ spontaneous + induced - 1"),
    ("infert", "binomial", "logit", "case ~ poly(age, 2) + spontaneous"),
    ("infert", "binomial", "probit", "case ~ factor(induced) + age"),
    ("warpbreaks", "poisson", "log sqrt identity", "breaks ~ wool * tension"),
    ("warpbreaks", "poisson", "log sqrt", "breaks ~ wool + tension"),
    ("InsectSprays", "poisson", "log sqrt identity", "count ~ 0 + spray"),
    ("insurance", "poisson", "log", "Claims ~ District + Group + log(Holders)"),
    ("mtcars", "poisson", "log", "carb ~ poly(hp, 2) + wt"),
    ("clotting", "gamma", "inverse", "lot1 ~ log(u)"),
    ("clotting", "gamma", "log", "lot1 ~ log(u) + I(log(u)^2)"),
    ("clotting", "gamma", "identity", "lot1 ~ lot2"),
    ("mtcars", "gamma", "inverse", "mpg ~ wt + hp"),
    ("mtcars", "gamma", "log", "mpg ~ wt * factor(am)"),
    ("mtcars", "gamma", "identity", "mpg ~ wt + factor(cyl)"),
    ("mtcars", "gamma", "log", "mpg ~ wt + hp - 1"),
    ("mtcars", "gaussian", "identity log", "mpg ~ wt + factor(cyl)"),
    ("mtcars", "gaussian", "log", "mpg ~ poly(hp, 2)"),
    ("mtcars", "gaussian", "inverse", "mpg ~ wt + hp"),
]
POLY = {
    "case ~ poly(age, 2) + spontaneous": ("age", 2),
    "carb ~ poly(hp, 2) + wt": ("hp", 2),
    "mpg ~ poly(hp, 2)": ("hp", 2),
}
MODELS = [
    Model(
        data,
        formula,
        NEW[data],
        SUBSETS[data],
        POLY.get(formula),
        scale=0.01 if link == "inverse" else 1.0,  # there η is a hundredth of what it is elsewhere
        family=family,
        link=link,
    )
    for data, family, links, formula in FORMULAS
    for link in links.split()
]
PROBLEMS = grid(MODELS)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")
everywhere = pytest.mark.parametrize("name", PROBLEMS)


@cache
def both(name: str) -> Both:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of links that can leave the domain
        return generalised(PROBLEMS[name])


@everywhere
def test_coefficients(name):
    pair = both(name)
    ours, theirs = pair.ours, pair.theirs
    assert ours.converged
    agree(ours.params, pair.sorted(theirs.params), scale=ours.bse)
    agree(ours.bse, pair.sorted(theirs.bse))
    agree(ours.tvalues, pair.sorted(theirs.tvalues), scale=1.0)
    agree_p(ours.pvalues, pair.sorted(theirs.pvalues))


@everywhere
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_confidence_limits(name, alpha):
    pair = both(name)
    expected = pair.sorted(pair.theirs.conf_int(alpha))
    size = np.abs(expected).max(axis=1, keepdims=True)  # a limit near 0 is a difference
    agree(pair.ours.conf_int(alpha), expected, scale=size)


@everywhere
def test_covariance(name):
    pair = both(name)
    expected = pair.sorted(pair.sorted(pair.theirs.cov_params()).T)
    agree(pair.ours.cov_params(), expected, scale=np.outer(pair.ours.bse, pair.ours.bse))


@everywhere
def test_measures_of_fit(name):
    ours, theirs = both(name).ours, both(name).theirs
    assert (ours.nobs, ours.df_resid) == (theirs.nobs, theirs.df_resid)
    agree(ours.deviance, theirs.deviance)
    agree(ours.pearson_chi2, theirs.pearson_chi2)
    agree(ours.scale, theirs.scale)
    agree(ours.llf, theirs.llf)
    agree(ours.aic, theirs.aic)
    agree(ours.bic, theirs.bic_llf)


@everywhere
def test_the_model_without_terms(name):
    ours, theirs, problem = both(name).ours, both(name).theirs, PROBLEMS[name]
    if not ours.estimate.objective.intercept:
        # statsmodels compares with a constant even where the model has none; R, and we, with η = 0
        # (or the offset), which is the model without its terms
        if problem.model.link in ("sqrt", "identity") and np.any(problem.offset <= 0):
            assert ours.null_deviance == np.inf  # such an η is no mean of a count at all
            return
        mean = theirs.model.family.link.inverse(problem.offset)
        weights = theirs.model.var_weights
        agree(ours.null_deviance, theirs.model.family.deviance(theirs.model.endog, mean, weights))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        null = their_glm(problem, problem.model.theirs.split("~")[0] + "~ 1")
    agree(ours.null_deviance, null.deviance)
    if ours.family.quadratic:
        agree(ours.llnull, null.llf)  # statsmodels' own mixes the dispersions of both models
        return
    family = theirs.model.family
    weights = theirs.model.var_weights
    llnull = family.loglike(theirs.model.endog, null.mu, var_weights=weights, scale=theirs.scale)
    agree(ours.llnull, llnull)
    agree(ours.prsquared, 1 - theirs.llf / llnull, scale=1.0)
    agree(ours.goodness.cox_snell, -np.expm1(2 * (llnull - theirs.llf) / theirs.nobs), scale=1.0)


@everywhere
def test_fitted_values_and_residuals(name):
    ours, theirs, problem = both(name).ours, both(name).theirs, PROBLEMS[name]
    agree(ours.fittedvalues, theirs.fittedvalues)
    assert list(ours.fittedvalues.index) == list(problem.chosen.index)
    agree_in_size(ours.resid, theirs.resid_response)
    agree_in_size(ours.residuals("pearson"), theirs.resid_pearson)
    agree_in_size(ours.residuals("deviance"), theirs.resid_deviance)
    agree_in_size(ours.residuals("working"), theirs.resid_working)


@everywhere
def test_leverage_and_influence(name):
    ours, theirs = both(name).ours, both(name).theirs
    influence = theirs.get_influence(observed=False)
    agree(ours.leverage(), influence.hat_matrix_diag)
    agree_in_size(ours.cooks_distance(), influence.cooks_distance[0])
    standardised = residual.standardised(ours.estimate, "pearson")
    agree_in_size(standardised, influence.resid_studentized)


@everywhere
@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_predictions_with_intervals(name, alpha):
    ours, theirs, problem = both(name).ours, both(name).theirs, PROBLEMS[name]
    offset = problem.new_offset if problem.shifted else None
    table = theirs.get_prediction(problem.their_new, offset=offset).summary_frame(alpha)
    found = ours.predict(problem.new, se_fit=True, interval="confidence", level=1 - alpha)
    agree(found["fit"], table["mean"])
    agree(found["se_fit"], table["mean_se"])
    agree(found["lwr"], np.minimum(table["mean_ci_lower"], table["mean_ci_upper"]))
    agree(found["upr"], np.maximum(table["mean_ci_lower"], table["mean_ci_upper"]))
    agree(sd.predict(ours, problem.new), table["mean"])
    eta = theirs.predict(problem.their_new, which="linear", offset=offset)
    agree(ours.predict(problem.new, "link"), eta, scale=1.0)
