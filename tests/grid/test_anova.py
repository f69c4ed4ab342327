"""Analysis of variance and of deviance against statsmodels over the grid."""

from __future__ import annotations

import re
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import anova_lm

import statdl as sd
from tests.agreement import agree, agree_p
from tests.grid.problems import OPTIONS, Model, Problem, grid, in_patsy, prepared, their_glm

FORMULAS = {
    "mtcars": [
        "mpg ~ wt",
        "mpg ~ wt + hp + qsec",
        "mpg ~ factor(cyl) + wt",
        "mpg ~ factor(am) * wt",
        "mpg ~ factor(am) * factor(cyl)",
        "mpg ~ factor(gear) + wt + hp + wt:hp",
    ],
    "iris": ["Petal_Length ~ Species * Sepal_Width"],
    "warpbreaks": ["breaks ~ wool * tension", "breaks ~ wool + tension"],
    "ToothGrowth": ["len ~ supp * factor(dose)", "len ~ supp * dose"],
    "swiss": ["Fertility ~ Agriculture + Education"],
    "stackloss": ["stack_loss ~ Air_Flow * Water_Temp"],
}
CASES = [(data, formula) for data, formulas in FORMULAS.items() for formula in formulas]


def with_sums(formula: str) -> str:
    """Return the formula for patsy, factors coded by columns that add up to zero."""
    coded = re.sub(r"\b(Species|wool|tension|supp)\b", r"C(\1)", in_patsy(formula))
    return re.sub(r"C\((\w+)\)", r"C(\1, Sum)", coded)


def plain(label: str) -> str:
    """Return a term of statsmodels in our words."""
    found = re.sub(r"C\((Species|wool|tension|supp), Sum\)", r"\1", label)
    return re.sub(r"C\((\w+), Sum\)", r"factor(\1)", found).replace("Residual", "Residuals")


@pytest.mark.parametrize(("data", "formula"), CASES)
@pytest.mark.parametrize("typ", [1, 2, 3])
def test_tables_of_least_squares(data, formula, typ):
    frame = prepared(data)
    found = sd.lm(formula, data=frame).anova(typ=typ).to_frame()
    expected = anova_lm(smf.ols(with_sums(formula), data=frame).fit(), typ=typ).rename(plain)
    assert set(found.index) == set(expected.index)
    expected = expected.loc[list(found.index)]  # patsy puts factors before numbers
    agree(found["Df"], expected["df"])
    agree(found["Sum Sq"], expected["sum_sq"])
    agree(found["F"], expected["F"])
    agree_p(found["Pr(>F)"], expected["PR(>F)"])
    if typ == 1:
        agree(found["Mean Sq"], expected["mean_sq"])


SUBSETS = {"mtcars": "qsec > 16.5", "warpbreaks": "breaks < 60", "infert": "age < 40"}


def nested(data, left, *rights, **more):
    """Return models of one response, each within the next."""
    return [Model(data, f"{left} ~ {right}", {}, SUBSETS[data], **more) for right in rights]


WOOL = ("1", "wool", "wool + tension", "wool * tension")
LINEAR = {
    "mtcars": nested("mtcars", "mpg", "wt", "wt + hp", "wt * hp", "wt * hp + factor(cyl)"),
    "poly": nested("mtcars", "mpg", "1", "poly(hp, 2)", "poly(hp, 2) + am", poly=("hp", 2)),
    "without intercept": nested("mtcars", "mpg", "wt - 1", "wt + hp - 1"),
    "warpbreaks": nested("warpbreaks", "breaks", *WOOL),
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("chain", LINEAR)
def test_least_squares_compared(chain, option):
    problems = list(grid(LINEAR[chain], (option,)).values())
    ours, theirs = [], []
    for problem in problems:
        ours.append(sd.lm(problem.model.formula, data=problem.data, **problem.options))
        left, right = problem.model.theirs.split("~")
        data = problem.chosen.assign(shifted=lambda rows, y=left: rows[y.strip()])
        data["shifted"] -= problem.offset
        weights = data["w"] if problem.weighted else np.ones(len(data))
        theirs.append(smf.wls(f"shifted ~ {right}", data=data, weights=weights).fit())
    table = sd.anova(*ours).to_frame()
    expected = anova_lm(*theirs)
    agree(table["Resid. Df"], expected["df_resid"])
    agree(table["RSS"], expected["ssr"])
    agree(table["Sum Sq"], expected["ss_diff"])
    agree(table["F"], expected["F"])
    # F divides by the dispersion of the largest model, and so has that one's degrees of freedom, in
    # R and here. statsmodels takes the p-value with each row's own; they meet in the last row.
    df = theirs[-1].df_resid
    agree_p(table["Pr(>F)"], stats.f.sf(expected["F"], expected["df_diff"], df))
    agree_p(table["Pr(>F)"].iloc[-1], expected["Pr(>F)"].iloc[-1])
    steps = [theirs[k].compare_f_test(theirs[k - 1]) for k in range(1, len(theirs))]
    agree(table["Df"][1:], [step[2] for step in steps])
    falls = [theirs[k - 1].ssr - theirs[k].ssr for k in range(1, len(theirs))]
    agree(table["Sum Sq"][1:], falls)


def generalised(data, left, *rights, family, link):
    return nested(data, left, *rights, family=family, link=link)


ABORTIONS = ("spontaneous", "spontaneous + induced", "spontaneous * induced")
GENERALISED = {
    "logit": generalised("infert", "case", *ABORTIONS, family="binomial", link="logit"),
    "probit": generalised(
        "infert", "case", "1", "education", "education + age", family="binomial", link="probit"
    ),
    "warpbreaks": generalised("warpbreaks", "breaks", *WOOL, family="poisson", link="log"),
    "gamma": generalised(
        "mtcars", "mpg", "wt", "wt + factor(cyl)", "wt * factor(cyl)", family="gamma", link="log"
    ),
    "gaussian log": generalised("mtcars", "mpg", "wt", "wt + hp", family="gaussian", link="log"),
}


@cache
def chain_of(chain: str, option: str) -> tuple[list[sd.Fit], pd.DataFrame, list]:
    """Return our fits, the table of statsmodels' deviances, and statsmodels' fits."""
    ours, theirs = [], []
    for problem in grid(GENERALISED[chain], (option,)).values():
        model = problem.model
        family, link = model.family, model.link
        ours.append(sd.glm(model.formula, problem.data, family, link=link, **problem.options))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs.append(their_glm(problem, model.theirs))
    table = pd.DataFrame(
        {"deviance": [fit.deviance for fit in theirs], "df": [fit.df_resid for fit in theirs]}
    )
    table[["fall", "steps"]] = -table[["deviance", "df"]].diff()
    return ours, table, theirs


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("chain", GENERALISED)
def test_generalised_models_compared(chain, option):
    ours, table, theirs = chain_of(chain, option)
    largest = theirs[-1]
    found = sd.anova(*ours, test="Chisq").to_frame()
    agree(found["Resid. Df"], table["df"])
    agree(found["Resid. Dev"], table["deviance"])
    agree(found["Df"], table["steps"])
    agree(found["Deviance"], table["fall"], scale=table["deviance"])
    scaled = table["fall"] / largest.scale
    agree_p(found["Pr(>Chisq)"], stats.chi2.sf(scaled, table["steps"]))
    if not ours[0].family.dispersion_known:
        found = sd.anova(*ours).to_frame()
        agree(found["F"], scaled / table["steps"], scale=1.0)
        f = stats.f.sf(scaled / table["steps"], table["steps"], largest.df_resid)
        agree_p(found["Pr(>F)"], f)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("chain", ["warpbreaks"])
def test_the_sequential_table_is_the_chain_of_its_terms(chain, option):
    ours, table, _ = chain_of(chain, option)
    found = ours[-1].anova().to_frame()
    assert list(found.index) == ["NULL", "wool", "tension", "wool:tension"]
    agree(found["Df"], table["steps"])
    agree(found["Deviance"], table["fall"], scale=table["deviance"])
    agree(found["Resid. Dev"], table["deviance"])
    agree_p(found["Pr(>Chisq)"], stats.chi2.sf(table["fall"], table["steps"]))


@pytest.mark.parametrize("option", OPTIONS)
def test_type_two_and_three_of_a_weighted_linear_model_are_wald_tests(option):
    # anova_lm leaves weights out; the F test of a term's own coefficients does not
    model = LINEAR["warpbreaks"][-1]
    problem = Problem(model, option)
    data = problem.chosen.assign(shifted=lambda rows: rows["breaks"] - problem.offset)
    weights = data["w"] if problem.weighted else np.ones(len(data))
    theirs = smf.wls("shifted ~ C(wool, Sum) * C(tension, Sum)", data, weights=weights).fit()
    found = sd.lm(model.formula, data=problem.data, **problem.options).anova(typ=3).to_frame()
    parts = {
        "Intercept": ["Intercept"],
        "wool": ["C(wool, Sum)[S.A]"],
        "tension": [f"C(tension, Sum)[S.{level}]" for level in "LM"],
        "wool:tension": [f"C(wool, Sum)[S.A]:C(tension, Sum)[S.{level}]" for level in "LM"],
    }
    for term, names in parts.items():
        rows = np.eye(len(theirs.params))[[list(theirs.params.index).index(name) for name in names]]
        test = theirs.f_test(rows)
        agree(found.loc[term, "F"], float(test.fvalue))
        agree_p(found.loc[term, "Pr(>F)"], float(test.pvalue))
    additive = smf.wls("shifted ~ wool + tension", data, weights=weights).fit()
    full = sd.lm(model.formula, data=problem.data, **problem.options).anova(typ=2).to_frame()
    for term, other in (("wool", "tension"), ("tension", "wool")):
        smaller = smf.wls(f"shifted ~ {other}", data, weights=weights).fit()
        fall = smaller.ssr - additive.ssr
        agree(full.loc[term, "Sum Sq"], fall)
        agree(full.loc[term, "F"], fall / full.loc[term, "Df"] / theirs.scale)
