"""lm against statsmodels' OLS and WLS over the grid."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.stattools import durbin_watson, jarque_bera, omni_normtest

import statdl as sd
from statdl.infer import residual
from tests.agreement import agree, agree_in_size, agree_p
from tests.grid.problems import Both, Model, grid, least_squares

NEW = {
    "mtcars": {"wt": [2.0, 3.3, 5.0], "hp": [80, 150, 300], "cyl": [4, 8, 6], "am": [1, 0, 0]},
    "iris": {
        "Sepal_Width": [2.5, 3.5],
        "Petal_Length": [2.0, 5.5],
        "Species": ["virginica", "setosa"],
    },
    "warpbreaks": {"wool": ["A", "B"], "tension": ["H", "M"]},
    "swiss": {"Agriculture": [20, 60], "Education": [5, 30], "Catholic": [3, 90]},
    "ToothGrowth": {"supp": ["OJ", "VC"], "dose": [0.5, 2.0]},
    "stackloss": {"Air_Flow": [60, 70], "Water_Temp": [20, 24], "Acid_Conc": [85, 90]},
}
SUBSETS = {
    "mtcars": "qsec > 16.5",
    "iris": "Sepal_Width < 3.5",
    "warpbreaks": "breaks < 60",
    "swiss": "Catholic < 95",
    "ToothGrowth": "len > 6",
    "stackloss": "stack_loss < 40",
}
FORMULAS = {
    "mtcars": [
        "mpg ~ wt",
        "mpg ~ wt + hp",
        "mpg ~ wt + factor(cyl)",
        "mpg ~ wt * factor(am)",
        "mpg ~ (wt + hp + am)^2",
        "mpg ~ poly(hp, 3) + wt",
        "mpg ~ wt + I(wt^2)",
        "log(mpg) ~ log(wt) + sqrt(hp)",
        "mpg ~ wt + hp - 1",
        "mpg ~ 0 + factor(cyl) + wt",
    ],
    "iris": ["Petal_Length ~ Sepal_Width * Species", "Sepal_Length ~ Petal_Length + Species"],
    "warpbreaks": ["breaks ~ wool * tension", "breaks ~ wool + tension"],
    "swiss": ["Fertility ~ Agriculture + Education + Catholic", "Fertility ~ poly(Education, 2)"],
    "ToothGrowth": ["len ~ supp * dose", "len ~ supp * factor(dose)"],
    "stackloss": [
        "stack_loss ~ Air_Flow + Water_Temp + Acid_Conc",
        "stack_loss ~ Air_Flow:Water_Temp",
    ],
}
POLY = {"mpg ~ poly(hp, 3) + wt": ("hp", 3), "Fertility ~ poly(Education, 2)": ("Education", 2)}
MODELS = [
    Model(data, formula, NEW[data], SUBSETS[data], POLY.get(formula))
    for data, formulas in FORMULAS.items()
    for formula in formulas
]
PROBLEMS = grid(MODELS)
everywhere = pytest.mark.parametrize("name", PROBLEMS)


@cache
def both(name: str) -> Both:
    return least_squares(PROBLEMS[name])


@everywhere
def test_coefficients(name):
    pair = both(name)
    ours, theirs = pair.ours, pair.theirs
    agree(ours.params, pair.sorted(theirs.params), scale=ours.bse)
    agree(ours.bse, pair.sorted(theirs.bse))
    agree(ours.tvalues, pair.sorted(theirs.tvalues), scale=1.0)
    agree_p(ours.pvalues, pair.sorted(theirs.pvalues))


@everywhere
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_confidence_limits(name, alpha):
    pair = both(name)
    found, expected = pair.ours.conf_int(alpha), pair.theirs.conf_int(alpha)
    assert list(found.columns) == list(expected.columns) == [0, 1]
    size = np.abs(expected).max(axis=1).to_numpy()  # a limit near 0 is a difference
    agree(found, pair.sorted(expected), scale=pair.sorted(size)[:, None])


@everywhere
def test_covariance(name):
    pair = both(name)
    expected = pair.sorted(pair.sorted(pair.theirs.cov_params()).T)
    agree(pair.ours.cov_params(), expected, scale=np.outer(pair.ours.bse, pair.ours.bse))


@everywhere
def test_measures_of_fit(name):
    ours, theirs = both(name).ours, both(name).theirs
    assert (ours.nobs, ours.df_resid) == (theirs.nobs, theirs.df_resid)
    agree(ours.deviance, theirs.ssr)
    agree(ours.scale, theirs.scale)
    for attribute in ("llf", "aic", "bic"):
        agree(getattr(ours, attribute), getattr(theirs, attribute))
    agree(ours.goodness.condition_number, theirs.condition_number)


@everywhere
def test_r_squared_and_f(name):
    ours, theirs = both(name).ours, both(name).theirs
    problem = PROBLEMS[name]
    if "0 + factor" in name:
        # statsmodels sees that the indicators add up to an intercept and centres; R goes by the
        # formula, and so do we: without "1" in it, sums of squares are about 0.
        theirs = without_intercept(theirs)
    assert ours.df_model == theirs.df_model
    agree(ours.rsquared, theirs.rsquared)
    agree(ours.rsquared_adj, theirs.rsquared_adj)
    agree(ours.fvalue, theirs.fvalue)
    agree_p(ours.f_pvalue, theirs.f_pvalue)
    total = theirs.centered_tss if ours.estimate.objective.intercept else theirs.uncentered_tss
    if not problem.shifted:
        agree(ours.null_deviance, total)


def without_intercept(theirs: Any) -> Any:
    model = theirs.model
    if hasattr(model, "weights") and np.ptp(model.weights) > 0:
        return sm.WLS(model.endog, model.exog, model.weights, hasconst=False).fit()
    return sm.OLS(model.endog, model.exog, hasconst=False).fit()


@everywhere
def test_fitted_values_and_residuals(name):
    ours, theirs, problem = both(name).ours, both(name).theirs, PROBLEMS[name]
    agree(ours.fittedvalues, theirs.fittedvalues + problem.offset)
    assert list(ours.fittedvalues.index) == list(problem.chosen.index)
    agree_in_size(ours.resid, theirs.resid)
    agree_in_size(ours.residuals("working"), theirs.resid)
    agree_in_size(ours.residuals("pearson"), theirs.wresid)
    agree_in_size(ours.residuals("deviance"), theirs.wresid)


@everywhere
def test_leverage_and_influence(name):
    ours, theirs = both(name).ours, both(name).theirs
    # statsmodels forgets the weights of WLS in its hat matrix; OLS on √w (X, y) is the same fit
    whitened = sm.OLS(theirs.model.wendog, theirs.model.wexog).fit().get_influence()
    agree(ours.leverage(), whitened.hat_matrix_diag)
    agree_in_size(ours.cooks_distance(), whitened.cooks_distance[0])
    standardised = residual.standardised(ours.estimate, "pearson")
    agree_in_size(standardised, whitened.resid_studentized_internal)


@everywhere
def test_what_the_summary_says_of_residuals(name):
    ours, theirs = both(name).ours, both(name).theirs
    shape = residual.residual_shape(ours.estimate)
    agree(shape.durbin_watson, durbin_watson(theirs.wresid))
    statistic, p, skewness, kurtosis = jarque_bera(theirs.wresid)
    agree(residual.jarque_bera(shape)[0], statistic)
    agree_p(residual.jarque_bera(shape)[1], p)
    agree((shape.skewness, shape.kurtosis), (skewness, kurtosis), scale=1.0)
    omnibus = omni_normtest(theirs.wresid)
    agree(residual.omnibus(shape)[0], omnibus.statistic)
    agree_p(residual.omnibus(shape)[1], omnibus.pvalue)


@everywhere
@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_predictions_with_intervals(name, alpha):
    ours, theirs, problem = both(name).ours, both(name).theirs, PROBLEMS[name]
    table = theirs.get_prediction(problem.their_new).summary_frame(alpha)
    shift = problem.new_offset
    agree(ours.predict(problem.new), table["mean"] + shift)
    for kind, prefix in (("confidence", "mean_ci"), ("prediction", "obs_ci")):
        weights = 1 if kind == "prediction" else None
        found = ours.predict(
            problem.new, weights=weights, se_fit=True, interval=kind, level=1 - alpha
        )
        agree(found["fit"], table["mean"] + shift)
        agree(found["se_fit"], table["mean_se"])
        agree(found["lwr"], table[f"{prefix}_lower"] + shift, scale=table["mean_se"])
        agree(found["upr"], table[f"{prefix}_upper"] + shift, scale=table["mean_se"])


@everywhere
def test_predictions_of_the_fitted_rows(name):
    ours, theirs, problem = both(name).ours, both(name).theirs, PROBLEMS[name]
    table = theirs.get_prediction().summary_frame()
    found = ours.predict(se_fit=True, interval="confidence")
    agree(found["fit"], table["mean"] + problem.offset)
    agree(found["se_fit"], table["mean_se"])
    agree(found["lwr"], table["mean_ci_lower"] + problem.offset, scale=table["mean_se"])
    agree(sd.predict(ours, problem.chosen), found["fit"])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_frames_give_the_same_numbers(library):
    name = "mtcars: mpg ~ wt + factor(cyl) [together]"
    problem, pair = PROBLEMS[name], both(name)
    module = pytest.importorskip(library)
    convert = module.from_pandas if library == "polars" else module.Table.from_pandas
    ours = sd.lm(problem.model.formula, data=convert(problem.data), **problem.options)
    agree(ours.params, pair.ours.params)
    agree(ours.bse, pair.sorted(pair.theirs.bse))
    found = ours.predict(convert(problem.new), weights=1, interval="prediction")
    table = pair.theirs.get_prediction(problem.their_new).summary_frame()
    agree(np.asarray(found["lwr"]), table["obs_ci_lower"] + problem.new_offset)
