"""The numbers in printed summaries are statsmodels', to the digits that are printed."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.stats.stattools import durbin_watson, jarque_bera, omni_normtest

import statdl as sd
from tests.grid.problems import converged, prepared

pytestmark = pytest.mark.filterwarnings("ignore:The InversePower link function")


def shows(text: str, value: float) -> bool:
    """Tell whether a printed number is ``value``, rounded where the text ends."""
    if text.startswith("<"):
        return value < float(text[1:])
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return abs(float(text) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-9)


def head(summary) -> dict[str, str]:
    """Return the pairs above and below the coefficients."""
    blocks = [block for block in summary.blocks if hasattr(block, "left")]
    return {label: text for block in blocks for label, text in (*block.left, *block.right)}


def check_head(summary, expected: dict[str, float]) -> None:
    found = head(summary)
    for label, value in expected.items():
        assert shows(found[label], value), f"{label} {found[label]} is not {value}"


def check_table(block, columns: list) -> None:
    for row, values in zip(block.rows, np.column_stack(columns), strict=True):
        for text, value in zip(row[1:], values, strict=True):
            assert shows(text, value), f"{row[0]}: {text} is not {value}"


def columns_of(theirs, alpha: float = 0.05) -> list:
    limits = np.asarray(theirs.conf_int(alpha))
    return [theirs.params, theirs.bse, theirs.tvalues, theirs.pvalues, limits[:, 0], limits[:, 1]]


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(
    ("data", "formula"),
    [
        ("mtcars", "mpg ~ wt + hp"),
        ("mtcars", "mpg ~ wt + hp - 1"),
        ("swiss", "Fertility ~ Agriculture + Education + Catholic"),
        ("warpbreaks", "breaks ~ wool * tension"),
    ],
)
@pytest.mark.parametrize("level", [0.95, 0.9])
def test_least_squares(data, formula, weights, level):
    frame = prepared(data)
    summary = sd.lm(formula, data=frame, weights=weights).summary(level)
    w = frame["w"] if weights else np.ones(len(frame))
    theirs = smf.wls(formula, data=frame, weights=w).fit()
    check_table(summary.blocks[1], columns_of(theirs, 1 - level))
    uncentred = "" if theirs.model.k_constant else " (uncentered)"
    normal, jarque = omni_normtest(theirs.wresid), jarque_bera(theirs.wresid)
    check_head(
        summary,
        {
            "No. Observations:": theirs.nobs,
            "Df Residuals:": theirs.df_resid,
            "Df Model:": theirs.df_model,
            f"R-squared{uncentred}:": theirs.rsquared,
            f"Adj. R-squared{uncentred}:": theirs.rsquared_adj,
            "F-statistic:": theirs.fvalue,
            "Prob (F-statistic):": theirs.f_pvalue,
            "Log-Likelihood:": theirs.llf,
            "AIC:": theirs.aic,
            "BIC:": theirs.bic,
            "Omnibus:": normal.statistic,
            "Prob(Omnibus):": normal.pvalue,
            "Skew:": jarque[2],
            "Kurtosis:": jarque[3],
            "Durbin-Watson:": durbin_watson(theirs.wresid),
            "Jarque-Bera (JB):": jarque[0],
            "Prob(JB):": jarque[1],
            "Cond. No.": theirs.condition_number,
        },
    )


@pytest.mark.parametrize(
    ("data", "formula", "family", "theirs"),
    [
        ("infert", "case ~ spontaneous + induced", "binomial", sm.families.Binomial()),
        ("warpbreaks", "breaks ~ wool + tension", "poisson", sm.families.Poisson()),
        ("mtcars", "mpg ~ wt + hp", "gamma", sm.families.Gamma(sm.families.links.InversePower())),
    ],
)
def test_generalised(data, formula, family, theirs):
    frame = prepared(data)
    summary = sd.glm(formula, frame, family).summary()
    fit = converged(smf.glm(formula, data=frame, family=theirs), use_t=family == "gamma")
    check_table(summary.blocks[1], columns_of(fit))
    check_head(
        summary,
        {
            "No. Observations:": fit.nobs,
            "Df Residuals:": fit.df_resid,
            "Df Model:": fit.df_model,
            "Scale:": fit.scale,
            "Log-Likelihood:": fit.llf,
            "Deviance:": fit.deviance,
            "Null deviance:": fit.null_deviance,
            "Pearson chi2:": fit.pearson_chi2,
            "Pseudo R-squ. (CS):": fit.pseudo_rsquared("cs"),
            "AIC:": fit.aic,
        },
    )
    assert ("t" if family == "gamma" else "z") in summary.blocks[1].columns


def test_multinomial():
    frame = prepared("infert")
    levels = list(frame["education"].cat.categories)
    ours = sd.multinom("education ~ age + parity", data=frame)
    X = sm.add_constant(frame[["age", "parity"]].astype(float))
    theirs = sm.MNLogit(frame["education"].cat.codes, X).fit(disp=False, tol=1e-12)
    summary = ours.summary()
    tables = [block for block in summary.blocks if hasattr(block, "columns")]
    assert [table.columns[0] for table in tables] == [f"education={name}" for name in levels[1:]]
    limits = np.asarray(theirs.conf_int()).reshape(2, 3, 2)
    for k, table in enumerate(tables):
        four = (theirs.params, theirs.bse, theirs.tvalues, theirs.pvalues)
        columns = [np.asarray(values)[:, k] for values in four]
        check_table(table, [*columns, limits[k, :, 0], limits[k, :, 1]])
    check_head(
        summary,
        {
            "No. Observations:": theirs.nobs,
            "Df Residuals:": theirs.df_resid,
            "Df Model:": theirs.df_model,
            "Pseudo R-squ.:": theirs.prsquared,
            "Log-Likelihood:": theirs.llf,
            "LL-Null:": theirs.llnull,
            "LLR p-value:": theirs.llr_pvalue,
            "AIC:": theirs.aic,
        },
    )
