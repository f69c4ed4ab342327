"""Words of other packages, and slips of the finger: the message says what may be meant."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import statdl as sd
from tests.test_bad_input import CARS, IRIS, refused

LINE = sd.lm("mpg ~ wt + factor(cyl)", data=CARS)
NET = sd.mlp("mpg ~ wt + hp", data=CARS, hidden=2, decay=0.1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sd.lm("mpg ~ wt", CARS, weight="hp"), "lm() takes no `weight=`; did you mean `we"),
        (lambda: sd.lm("mpg ~ wt", CARS, family="binomial"), "are fitted by glm()"),
        (lambda: sd.glm("am ~ wt", CARS, famly="binomial"), "did you mean `family=`?"),
        (lambda: sd.glm("am ~ wt", CARS, var_weights="hp"), "did you mean `weights=`?"),
        (lambda: sd.glm("am ~ wt", CARS, freq_weights="hp"), "here that is rows repeated"),
        (lambda: sd.glm("carb ~ wt", CARS, "poisson", exposure="hp"), "offset='log(exposure)'"),
        (lambda: sd.multinom("Species ~ .", IRIS, ref="setosa"), "did you mean `reference=`?"),
        (lambda: sd.mlp("mpg ~ wt", CARS, size=3), "did you mean `hidden=`?"),
        (lambda: sd.path("mpg ~ .", CARS, lamda=3), "did you mean `lambda_=`?"),
        (lambda: LINE.update(wieghts="hp"), "lm() takes no `wieghts=`"),
        (lambda: LINE.predict(CARS, se=True), "did you mean `se_fit=`?"),
        (lambda: LINE.predict(CARS, **{"se.fit": True}), "did you mean `se_fit=`?"),
        (lambda: LINE.anova(type=2), "did you mean `typ=`?"),
        (lambda: LINE.confint(alpha=0.05), "did you mean `level=`?"),
        (lambda: LINE.summary(cov_type="HC3"), "did you mean `vcov=`?"),
        (lambda: sd.confint(LINE, nonsense=1), "takes no `nonsense=`. It takes: level, parm,"),
    ],
)
def test_keywords(call, words):
    with pytest.raises(TypeError) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("quasipoisson", ("those of family='poisson'", "fit.pearson_chi2 / fit.df_resid")),
        ("quasi-binomial", ("those of family='binomial'",)),
        ("negative_binomial", ("known θ", "vcov='HC1'")),
        ("inverse.gaussian", ("docs/extending/family.md",)),
        ("logit", ("family='binomial'", "link=")),
        ("multinomial", ("multinom()",)),
        ("binomal", ("Did you mean 'binomial'?",)),
    ],
)
def test_families(family, words):
    refused(lambda: sd.glm("am ~ wt", CARS, family), sd.ModelError, *words)


def test_errors_of_a_quasi_poisson_model():
    # R: coef(summary(glm(carb ~ wt + hp, quasipoisson, mtcars)))[, 2]
    fit = sd.glm("carb ~ wt + hp", CARS, "poisson")
    quasi = fit.with_covariance(fit.vcov() * fit.pearson_chi2 / fit.df_resid)
    assert np.allclose(quasi.bse, R_QUASI, rtol=1e-6)


R_QUASI = (0.270246514722, 0.088782471299, 0.001114524311)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: LINE.predict(type="reponse"), ("one of response, link", "mean 'response'?")),
        (lambda: LINE.predict(interval="confidnce"), ("Did you mean 'confidence'?",)),
        (lambda: LINE.anova(test="chisq"), ("Did you mean 'Chisq'?",)),
        (lambda: LINE.predictions(type="lnk"), ("Did you mean 'link'?",)),
        (lambda: LINE.tidy(what="coef"), ("choose coefficients or effects", "'coefficients'?")),
        (lambda: sd.compare(LINE, what="coef"), ("choose coefficients or effects", "icients'?")),
        (lambda: NET.confint(what="weight"), ("Did you mean 'weights'?",)),
        (lambda: LINE.confint("wt"), ("it is 'wt'. A coefficient is chosen by parm='wt'.",)),
        (lambda: LINE.confint(95), ("it is 95. Write 0.95 for 95 %.",)),
        (lambda: LINE.wald("cyl"), ("Those of `cyl` are: factor(cyl)[T.6], ", "anova() tests")),
        (lambda: NET.wald("wt = 0"), ("Those of `wt` are: wt -> h1, wt -> h2.",)),
        (lambda: sd.compare({"A": LINE}), ("dict is none", "titles to names=")),
        (lambda: sd.lm(CARS, "mpg ~ wt"), ("The formula comes first, then the data",)),
        (lambda: sd.lm("mpg ~ wt", "cars.csv"), ("is a path or a text, and no frame",)),
        (lambda: sd.lm("mpg ~ wt", CARS.head(1)), ("1 row cannot determine 2",)),
        (lambda: sd.lm(X=CARS[["wt"]].to_numpy(), y=CARS["mpg"], names=["a", "b"]), ("2 names",)),
    ],
)
def test_words_of_verbs(ask, words):
    refused(ask, (sd.ModelError, sd.DataError, sd.FormulaError), *words)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("mpg ~ relevel(factor(cyl), ref='8')", ("asks for '8' among", "write 8.")),
        ("mpg ~ C(cyl, contr.summ)", ("unknown contrast `contr.summ`", "`contr.sum`?")),
        ("mpg ~ car weight", ("Write `car weight` in backticks",)),
        ("mpg ~ name", ("numbers that were read as text",)),
    ],
)
def test_formulas(formula, words):
    data = CARS.rename(columns={"wt": "car weight"})
    if "name" in formula:
        formula, data = "name ~ hp", CARS.assign(name=CARS["mpg"].astype(str))
    refused(lambda: sd.lm(formula, data), (sd.FormulaError, sd.DataError), *words)


def test_two_numbers_are_classes_where_they_are_made_a_factor():
    data = CARS.assign(sign=2 * CARS["am"] - 1)
    refused(lambda: sd.glm("sign ~ wt", data, "binomial"), sd.DataError, "(as factor(y))")
    signs = sd.glm("factor(sign) ~ wt", data, "binomial")
    assert np.allclose(signs.params, sd.glm("am ~ wt", CARS, "binomial").params)


def test_numbers_that_are_text_are_noticed():
    data = CARS.assign(text=CARS["wt"].astype(str), few=CARS["cyl"].astype(str))
    with pytest.warns(sd.StatdlWarning, match=r"`text` is text, and so a factor of 29 levels"):
        sd.lm("mpg ~ text", data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sd.lm("mpg ~ few", data)
        sd.lm("mpg ~ factor(text)", data)


def test_a_cluster_that_is_missing_once():
    data = CARS.assign(firm=[np.nan, *range(31)])
    refused(lambda: sd.lm("mpg ~ wt", data).vcov(cluster="firm"), sd.DataError, "(row 0)")


PATH = sd.path("mpg ~ wt + hp", data=CARS)
CV = sd.cv_path("mpg ~ wt + hp", data=CARS, folds=4, progress=False)


@pytest.mark.parametrize(
    ("thing", "name", "words"),
    [
        (LINE, "history", "a regression has none; networks do"),
        (LINE, "get_robustcov_results", "fit.with_covariance('HC3')"),
        (LINE, "HC1_se", "fit.with_covariance('HC1').bse"),
        (LINE, "t_test", "fit.wald('x1 = x2')"),
        (NET, "predict_proba", "fit.predict(new)"),
        (PATH, "summary", "path.fit(lambda_) and path.refit(lambda_) are fits"),
        (PATH, "pvalues", "path.debiased(lambda_)"),
        (CV, "params", "cv.coef()"),
        (LINE, "sumary", "'Fit' object has no attribute 'sumary'"),
        (sd.glm("am ~ wt", CARS, "binomial"), "rsquared", "rsquared is for least squares"),
    ],
)
def test_attributes(thing, name, words):
    with pytest.raises(AttributeError) as caught:
        getattr(thing, name)
    assert words in str(caught.value)
    assert not hasattr(thing, name)


def test_what_is_told_of_another_place_is_nowhere_here():
    for thing in (LINE, PATH, CV):
        assert not [name for name in type(thing)._elsewhere if name in dir(thing)]
    assert NET.history is not None
    for thing in (LINE, NET, PATH, CV):
        assert str(pickle.loads(pickle.dumps(thing))) == str(thing)
