"""Bad input, read by its message: what was wrong is named, and the error is one of ours."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import statdl as sd
from statdl.solve.iterate import Outcome

CARS = sd.datasets.load("mtcars")
IRIS = sd.datasets.load("iris")
X = CARS[["wt", "hp"]].to_numpy()
MPG, AM, GEAR = (CARS[name].to_numpy() for name in ("mpg", "am", "gear"))

#: Traces of other libraries that a message must not show.
FOREIGN = ("LinAlg", "numpy", "formulaic", "patsy", "narwhals", "Singular matrix", "ufunc", "eval(")

#: A front door with a response it can fit, and the options that go with it.
FRONTS = {
    "lm": ("mpg", MPG, {}),
    "glm": ("am", AM, {"family": "binomial"}),
    "multinom": ("gear", GEAR, {}),
}
fronts = pytest.mark.parametrize("front", FRONTS)


def by_formula(front, right="wt", data=CARS, **options):
    response, _, own = FRONTS[front]
    formula = right if "~" in right else f"{response} ~ {right}"
    return getattr(sd, front)(formula, data=data, **own | options)


def by_arrays(front, **options):
    _, y, own = FRONTS[front]
    return getattr(sd, front)(**{"X": X, "y": y} | own | options)


def refused(call, kind, *words):
    """Assert that ``call`` raises an error of ours whose message has all the words."""
    with pytest.raises(sd.StatdlError) as caught:
        call()
    message = str(caught.value)
    assert isinstance(caught.value, kind)
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    assert not [word for word in FOREIGN if word in message], message
    assert message[-1] in ".?" or "\n" in message, message


def warned(call, kind, *words):
    """Assert that ``call`` warns in our words; return its value."""
    with pytest.warns(kind) as caught:
        value = call()
    message = next(str(one.message) for one in caught if issubclass(one.category, kind))
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    return value


def quietly(call):
    """Return a value while any warning from outside our own tree is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", sd.StatdlWarning)
        return call()


# formulas ----------------------------------------------------------------------------------------


@fronts
def test_unknown_column(front):
    refused(lambda: by_formula(front, "wtt"), sd.FormulaError, "`wtt`", "Did you mean `wt`")
    refused(lambda: by_formula(front, "colour ~ wt"), sd.FormulaError, "`colour`")


@fronts
@pytest.mark.parametrize(
    ("formula", "word"),
    [
        ("mpg ~ wt +", "missing at the end"),
        ("mpg ~ (wt", "never closed"),
        ("mpg ~ wt)", ")"),
        ("mpg ~ wt * * hp", "*"),
        ("mpg wt", "response ~ predictors"),
        ("", "response ~ predictors"),
        ("mpg ~ wt ~ hp", "second"),
    ],
)
def test_formula_syntax(front, formula, word):
    refused(lambda: getattr(sd, front)(formula, data=CARS), sd.FormulaError, word)


@fronts
@pytest.mark.parametrize(
    ("factor", "word"),
    [
        ("__import__('os')", "__import__"),
        ("__import__('os').system('true')", "__import__"),
        ("wt.values", "attribute"),
        ("wt.__class__", "wt.__class__"),
        ("(lambda: 1)()", "lambda"),
        ("wt[0]", "subscript"),
        ("I(wt * 10**10**10)", "power"),
        ("10**10**10", "term"),
        ("open('/etc/passwd')", "open"),
        ("exec('1')", "exec"),
        ("np.load('x')", "np.load"),
        ("getattr(wt, 'values')", "getattr"),
        ("[w for w in wt]", "["),
        ("I(wt if hp else qsec)", "if"),
    ],
)
def test_calls_outside_the_allow_list(front, factor, word):
    refused(lambda: by_formula(front, factor), sd.FormulaError, word)


def test_a_formula_that_is_no_text():
    refused(lambda: sd.lm(3, data=CARS), sd.FormulaError, "text", "3")
    refused(lambda: sd.lm(["mpg", "wt"], data=CARS), sd.FormulaError, "text", "list")


def test_arguments_that_do_not_go_together():
    refused(lambda: sd.lm(), sd.ModelError, "formula", "X=")
    refused(lambda: sd.lm("mpg ~ wt"), sd.ModelError, "data=", "mpg ~ wt")
    refused(lambda: sd.lm(X=X), sd.ModelError, "y is missing")
    refused(lambda: sd.lm(y=MPG), sd.ModelError, "X is missing")
    refused(lambda: sd.lm("mpg ~ wt", CARS, X=X, y=MPG), sd.ModelError, "not both")
    refused(lambda: sd.lm("mpg ~ wt", CARS, names=["a"]), sd.ModelError, "names=")
    refused(lambda: sd.lm("mpg ~ wt", CARS, intercept=False), sd.ModelError, "- 1")
    refused(lambda: sd.lm("mpg ~ wt", [1, 2]), sd.DataError, "data", "list")


# rows --------------------------------------------------------------------------------------------


@fronts
def test_no_rows(front):
    refused(lambda: by_formula(front, data=CARS.iloc[:0]), sd.DataError, "no rows")
    _, y, _ = FRONTS[front]
    refused(lambda: by_arrays(front, X=X[:0], y=y[:0]), sd.DataError, "no rows")


@fronts
def test_all_rows_dropped(front):
    empty = CARS.assign(wt=np.nan)
    refused(lambda: by_formula(front, data=empty), sd.DataError, "all 32 rows", "`wt`")
    refused(lambda: by_arrays(front, X=X * np.nan), sd.DataError, "all 32 rows", "`x1`")
    refused(lambda: by_formula(front, subset=CARS["wt"] > 99), sd.DataError, "subset", "32 rows")


@fronts
def test_missing_and_infinite_values(front):
    holes = CARS.assign(wt=CARS["wt"].where(CARS["wt"] < 5))
    refused(
        lambda: by_formula(front, data=holes, na_action="raise"),
        sd.DataError,
        "`wt`",
        "3 rows",
        "row 14",
    )
    refused(
        lambda: by_arrays(front, X=holes[["wt"]].to_numpy(), na_action="raise"),
        sd.DataError,
        "`x1`",
        "3 rows",
    )
    infinite = CARS.assign(wt=CARS["wt"].where(CARS["wt"] < 5, np.inf))
    for action in ("raise", "drop"):
        refused(
            lambda action=action: by_formula(front, data=infinite, na_action=action),
            sd.DataError,
            "`wt` is infinite",
            "3 rows",
        )
        refused(
            lambda action=action: by_arrays(front, X=infinite[["wt"]].to_numpy(), na_action=action),
            sd.DataError,
            "`x1` is infinite",
            "3 rows",
        )
    refused(lambda: by_formula(front, na_action="omit"), sd.DataError, "na_action='omit'", "drop")


def test_logarithms_of_what_has_none():
    refused(lambda: sd.lm("mpg ~ log(vs)", CARS), sd.DataError, "`log(vs)` is infinite", "18 rows")
    refused(lambda: sd.lm("log(y) ~ wt", CARS.assign(y=-1.0)), sd.DataError, "`log(y)`", "32 rows")


@fronts
def test_fewer_rows_than_coefficients(front):
    few = CARS.iloc[[0, 3, 20]]
    words = ("3 rows", "5 coefficients", "penalty")
    refused(lambda: by_formula(front, "wt + hp + qsec + drat", few), sd.DataError, *words)
    _, y, _ = FRONTS[front]
    wide = CARS[["wt", "hp", "qsec", "drat"]].to_numpy()[[0, 3, 20]]
    refused(lambda: by_arrays(front, X=wide, y=y[[0, 3, 20]]), sd.DataError, *words)


@fronts
def test_weights(front):
    refused(
        lambda: by_formula(front, weights=CARS["wt"] - 3),
        sd.DataError,
        "weights",
        "negative",
        "12 rows",
    )
    refused(lambda: by_formula(front, weights=[1.0, 2.0]), sd.DataError, "weights", "2", "32 rows")
    refused(lambda: by_formula(front, weights="wtt"), sd.FormulaError, "weights='wtt'", "`wtt`")
    refused(lambda: by_formula(front, weights=np.zeros(32)), sd.DataError, "weights", "zero")
    refused(lambda: by_arrays(front, weights=-np.ones(32)), sd.DataError, "weights", "negative")
    refused(lambda: by_arrays(front, weights=np.ones(31)), sd.DataError, "weights", "31", "32")
    refused(lambda: by_arrays(front, weights="wt"), sd.DataError, "weights='wt'", "vector")


@fronts
def test_offsets_and_subsets(front):
    refused(lambda: by_formula(front, offset=[1.0]), sd.DataError, "offset", "32 rows")
    refused(lambda: by_formula(front, offset="expo"), sd.FormulaError, "offset='expo'", "`expo`")
    refused(lambda: by_arrays(front, offset=np.ones(3)), sd.DataError, "offset", "3", "32")
    refused(lambda: by_formula(front, subset=[True]), sd.DataError, "subset", "32 rows")
    refused(lambda: by_formula(front, subset="zz > 3"), sd.FormulaError, "subset='zz > 3'", "`zz`")
    refused(lambda: by_formula(front, subset="wt >"), sd.FormulaError, "subset='wt >'")
    refused(lambda: by_formula(front, subset=[3, 4]), sd.DataError, "subset", "mask")


@fronts
def test_types_that_are_no_numbers(front):
    refused(lambda: by_arrays(front, X=X.astype(complex)), sd.DataError, "X is complex")
    refused(lambda: by_arrays(front, X=X.astype(object)), sd.DataError, "X", "object")
    refused(lambda: by_arrays(front, y=MPG.astype(complex)), sd.DataError, "y is complex")
    refused(lambda: by_arrays(front, X=X[:, :, None]), sd.DataError, "X", "(32, 2, 1)")
    strange = CARS.assign(
        z=CARS["wt"].astype(complex), o=[object()] * 32, m=[1, "a"] * 16, d=pd.Timestamp("2020")
    )
    refused(lambda: by_formula(front, "z", strange), sd.DataError, "`z`", "complex")
    refused(lambda: by_formula(front, "o", strange), sd.DataError, "`o`", "object", "32 rows")
    refused(lambda: by_formula(front, "m", strange), sd.DataError, "`m`", "int", "str")
    refused(lambda: by_formula(front, "d", strange), sd.DataError, "`d`", "datetime")


@fronts
def test_lengths_and_names(front):
    refused(lambda: by_arrays(front, y=MPG[:5]), sd.DataError, "y has 5 rows", "32")
    refused(lambda: by_arrays(front, names=["wt"]), sd.DataError, "names", "2 columns")
    refused(lambda: by_arrays(front, names=["wt", "wt"]), sd.DataError, "names repeats wt")


# responses ---------------------------------------------------------------------------------------


def test_a_response_with_one_class():
    one = CARS.assign(am=1, kind="a")
    binomial = {"family": "binomial"}
    refused(lambda: sd.glm("am ~ wt", one, **binomial), sd.DataError, "one class")
    refused(lambda: sd.glm("kind ~ wt", one, **binomial), sd.DataError, "two categories", "(a)")
    refused(lambda: sd.glm(X=X, y=np.ones(32), **binomial), sd.DataError, "one class")
    refused(lambda: sd.multinom("am ~ wt", one), sd.DataError, "one class", "1")
    refused(lambda: sd.multinom("kind ~ wt", one), sd.DataError, "one class", "'a'")
    refused(lambda: sd.multinom(X=X, y=np.zeros(32, int)), sd.DataError, "one class", "0")
    one_left = {"subset": CARS["gear"] == 4}
    refused(lambda: sd.multinom("gear ~ wt", CARS, **one_left), sd.DataError, "one class", "4")
    refused(lambda: sd.glm("carb ~ wt", CARS.assign(carb=0), "poisson"), sd.DataError, "is 0")


def test_a_response_outside_the_domain():
    signs, negative = CARS.assign(am=2 * CARS["am"] - 1), CARS.assign(carb=-CARS["carb"])
    words = ("0/1", "19 of 32", "-1", "row 3")
    refused(lambda: sd.glm("am ~ wt", signs, "binomial"), sd.DataError, *words)
    refused(lambda: sd.glm(X=X, y=2 * AM - 1, family="binomial"), sd.DataError, *words)
    refused(lambda: sd.glm("cyl ~ wt", CARS, "binomial"), sd.DataError, "0/1", "32 of 32", "6")
    refused(lambda: sd.glm("carb ~ wt", negative, "poisson"), sd.DataError, "0 or more", "-4")
    refused(lambda: sd.glm(X=X, y=-GEAR, family="poisson"), sd.DataError, "0 or more", "32 of 32")
    refused(lambda: sd.glm("am ~ wt", CARS, "gamma"), sd.DataError, "above 0", "19 of 32")
    refused(lambda: sd.multinom("mpg ~ wt", CARS), sd.DataError, "22.8", "row 2", "factor")
    counts = CARS.assign(a=-1, b=2, c=3)
    refused(lambda: sd.multinom("cbind(a, b, c) ~ wt", counts), sd.DataError, "negative", "row 0")
    refused(lambda: sd.glm("cbind(a, b) ~ wt", counts, "binomial"), sd.DataError, "negative")


def test_a_response_of_the_wrong_kind():
    text = CARS.assign(cyl=CARS["cyl"].astype(str), a=1, b=2, c=3)
    refused(lambda: sd.lm("cyl ~ wt", text), sd.DataError, "numeric", "multinom")
    refused(lambda: sd.lm("cbind(a, b) ~ wt", text), sd.DataError, "one response column")
    refused(lambda: sd.glm("factor(cyl) ~ wt", CARS, "poisson"), sd.DataError, "categories")
    refused(lambda: sd.glm("cyl ~ wt", text, "binomial"), sd.DataError, "3", "4, 6, 8", "multinom")
    refused(lambda: sd.glm("cbind(a, b, c) ~ wt", text, "binomial"), sd.DataError, "two columns")


def test_an_unknown_reference():
    refused(
        lambda: sd.multinom("gear ~ wt", CARS, reference="9"),
        sd.DataError,
        "reference='9'",
        "'gear'",
        "3, 4, 5",
    )
    refused(
        lambda: sd.glm("am ~ wt", CARS, "binomial", reference="x"),
        sd.DataError,
        "reference='x'",
        "'am'",
        "0, 1",
    )


# combinations ------------------------------------------------------------------------------------


def test_unknown_families_links_and_methods():
    def glm(**options):
        return lambda: sd.glm("am ~ wt", CARS, **{"family": "binomial"} | options)

    refused(glm(family="binom"), sd.ModelError, "family='binom'", "Did you mean 'binomial'?")
    refused(glm(family=None), sd.ModelError, "family=None", "binomial")
    refused(glm(family="multinomial"), sd.ModelError, "multinom()")
    refused(glm(link="log"), sd.ModelError, "binomial", "log", "probit")
    refused(glm(link="lgit"), sd.ModelError, "link='lgit'", "Did you mean 'logit'?")
    refused(glm(link=3), sd.ModelError, "binomial", "3", "logit")
    refused(glm(method="newtn"), sd.ModelError, "method='newtn'", "Did you mean 'newton'?")
    refused(glm(method=3), sd.ModelError, "method=3", "lbfgs")
    refused(glm(method=sd.Newton), sd.ModelError, "method=", "sd.GradientDescent()")
    refused(glm(method="ls"), sd.ModelError, "least squares", "binomial", "method='newton'")
    refused(glm(family="gaussian", link="log", method="ls"), sd.ModelError, "log link")
    refused(lambda: by_formula("multinom", method="ls"), sd.ModelError, "multinomial")


@fronts
def test_unknown_devices_types_and_penalties(front):
    refused(lambda: by_formula(front, device="tpu"), sd.DeviceError, "device='tpu'", "cuda")
    refused(lambda: by_formula(front, dtype="float16"), sd.DataError, "dtype='float16'", "float32")
    refused(lambda: by_formula(front, dtype=float), sd.DataError, "dtype=", "float32")
    refused(lambda: by_formula(front, penalty=-1), sd.ModelError, "-1", "0 or more")
    refused(lambda: by_formula(front, penalty=np.nan), sd.ModelError, "nan")
    refused(lambda: by_formula(front, penalty="l1"), sd.ModelError, "penalty='l1'", "Ridge")


@fronts
def test_a_gpu_without_cupy(front):
    try:
        import cupy
    except ImportError:
        refused(lambda: by_formula(front, device="cuda"), sd.DeviceError, "CuPy", "statdl[gpu]")
        refused(lambda: by_arrays(front, device="cuda"), sd.DeviceError, "CuPy", "statdl[gpu]")
    else:
        if not cupy.cuda.is_available():
            refused(lambda: by_formula(front, device="cuda"), sd.DeviceError, "device='cuda'")


# columns that say nothing new --------------------------------------------------------------------


ALIASED = CARS.assign(k=3.0, twice=2 * CARS["wt"], sum=CARS["wt"] + CARS["hp"])
ALIASED["third"] = np.where(np.arange(32) % 3, "a", "b")
ALIASED["again"] = np.where(np.arange(32) % 3, "no", "yes")
REPEATED = {"k", "twice", "sum", "again"}


def estimates(fit):
    """Coefficients as a table with a column for each output."""
    return pd.DataFrame(fit.params)


@fronts
@pytest.mark.parametrize(
    ("right", "names"),
    [
        ("wt + k", ["k"]),
        ("k + wt", ["k"]),
        ("wt + twice", ["twice"]),
        ("wt + hp + sum", ["sum"]),
        ("wt + k + twice", ["k", "twice"]),
        ("wt + third + again", ["again[T.yes]"]),
    ],
)
def test_columns_that_repeat_others(front, right, names):
    """The fit goes on without them: NaN for the coefficient, the same predictions."""
    plain = " + ".join(term for term in right.split(" + ") if term not in REPEATED)
    words = [f"'{name}'" for name in names]
    fit = warned(lambda: by_formula(front, right, ALIASED), sd.RankWarning, *words)
    reference = by_formula(front, plain, ALIASED)
    assert estimates(fit).loc[names].isna().to_numpy().all()
    assert pd.DataFrame(fit.bse).loc[names].isna().to_numpy().all()
    assert_allclose(estimates(fit).drop(index=names), estimates(reference), rtol=1e-6)
    assert_allclose(pd.DataFrame(fit.bse).drop(index=names), pd.DataFrame(reference.bse), rtol=1e-6)
    assert_allclose(fit.predict(ALIASED), reference.predict(ALIASED), rtol=1e-7)
    assert fit.df_resid == reference.df_resid
    assert_allclose([fit.llf, fit.aic], [reference.llf, reference.aic], rtol=1e-10)
    bands = fit.predict(ALIASED, interval="confidence")
    assert_allclose(bands, reference.predict(ALIASED, interval="confidence"), rtol=1e-5)
    text = str(fit.summary())
    assert names[0] in text
    quietly(fit.anova)


@fronts
def test_arrays_that_repeat_columns(front):
    wide = np.column_stack([X, np.ones(32), X[:, 0] - X[:, 1]])
    fit = warned(lambda: by_arrays(front, X=wide), sd.RankWarning, "'x3'", "'x4'")
    assert estimates(fit).iloc[3:].isna().to_numpy().all()
    assert_allclose(fit.fitted(), by_arrays(front).fitted(), rtol=1e-7)


@pytest.mark.parametrize("method", ["ls", "newton", "lbfgs", "gd"])
def test_every_method_leaves_repeated_columns_out(method):
    fit = warned(
        lambda: sd.lm("mpg ~ wt + twice", ALIASED, method=method), sd.RankWarning, "'twice'"
    )
    assert_allclose(fit.params.iloc[:2], sd.lm("mpg ~ wt", CARS).params, rtol=1e-6)


def test_nearly_repeated_columns_are_not_repeated():
    """A column that differs by 1e-5 of itself can be told apart, and is."""
    near = CARS.assign(near=CARS["wt"] * (1 + 1e-5 * np.sin(np.arange(32))))
    fit = quietly(lambda: sd.lm("mpg ~ wt + near", near))
    assert not fit.params.isna().any()
    assert fit.convergence.digits < 14


# separation --------------------------------------------------------------------------------------


def assert_says_separation(fit, *names):
    assert fit.convergence.outcome is Outcome.SEPARATION
    assert not fit.converged
    assert np.isnan(np.asarray(fit.bse)).all()
    assert np.isnan(np.asarray(fit.pvalues)).all()
    text = " ".join(quietly(lambda: str(fit.summary())).split())
    assert "separate" in text
    for name in names:
        assert f"'{name}'" in text


@pytest.mark.parametrize("method", ["newton", "irls", "lbfgs", sd.GradientDescent(epochs=3000)])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "cauchit"])
def test_separation_names_the_variables(method, link):
    data = CARS.assign(heavy=(CARS["wt"] > 3.2).astype(int))
    fit = warned(
        lambda: sd.glm("heavy ~ wt", data, "binomial", link=link, method=method),
        sd.SeparationWarning,
        "'wt'",
        "Ridge",
    )
    assert_says_separation(fit, "wt")


def test_separation_by_one_level_only():
    """Quasi-separation: all four-cylinder cars are 1; the other levels overlap."""
    data = CARS.assign(y=((CARS["cyl"] == 4) | (CARS["carb"] > 2)).astype(int))
    fit = warned(
        lambda: sd.glm("y ~ C(cyl, contr.treatment(6)) + qsec", data, "binomial"),
        sd.SeparationWarning,
        "cyl",
        "T.4",
    )
    assert "qsec" not in fit.convergence.notes[0]
    assert_says_separation(fit)


def test_separation_in_multinom():
    fit = warned(
        lambda: sd.multinom("Species ~ Petal.Length + Petal.Width", IRIS),
        sd.SeparationWarning,
        "'Petal.Length'",
    )
    assert_says_separation(fit, "Petal.Length")
    probabilities = fit.fitted().to_numpy()
    assert_allclose(probabilities.sum(axis=1), 1)
    assert np.isfinite(probabilities).all()


def test_separation_of_counts():
    data = CARS.assign(k=np.where(CARS["cyl"] == 4, 0, CARS["carb"]))
    fit = warned(
        lambda: sd.glm("k ~ factor(cyl)", data, "poisson"), sd.SeparationWarning, "factor(cyl)"
    )
    assert_says_separation(fit)


@pytest.mark.parametrize("rare", [40, 400, 20_000])
def test_separation_in_many_rows(rare):
    """A level with one outcome only, in more rows than one fit to a part of them may see."""
    random = np.random.default_rng(0)
    level, other = np.zeros(40_000), random.standard_normal(40_000)
    level[random.choice(40_000, rare, replace=False)] = 1.0
    y = np.where(level == 1, 1, random.integers(0, 2, 40_000))
    fit = warned(
        lambda: sd.glm(X=np.column_stack([level, other]), y=y, family="binomial"),
        sd.SeparationWarning,
        "'x1'",
    )
    assert "'x2'" not in fit.convergence.notes[0]
    assert_says_separation(fit, "x1")


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("strays", [0, 1])
def test_separation_is_found_exactly_where_it_is(classes, strays):
    """Rows on their side of a plane are separated, and one stray row among them undoes it."""
    random = np.random.default_rng(classes)
    points = random.standard_normal((3000, 3))
    scores = points @ random.standard_normal((3, classes))
    codes = scores.argmax(axis=1)
    if strays:
        codes[scores.min(axis=1).argmin()] = scores[scores.min(axis=1).argmin()].argmin()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.StatdlWarning)
        fit = sd.multinom(X=points, y=codes)
    assert (fit.convergence.outcome is Outcome.SEPARATION) is (strays == 0)
    assert np.isnan(np.asarray(fit.bse)).all() == (strays == 0)


def test_no_separation_is_no_separation():
    """Extreme but finite estimates keep their standard errors."""
    wide = np.linspace(-50, 50, 400)
    y = (wide > 0).astype(float)
    y[[195, 204]] = 1, 0
    fit = quietly(lambda: sd.glm(X=wide, y=y, family="binomial"))
    assert fit.converged
    assert np.isfinite(fit.bse).all()


def test_a_penalty_makes_separated_data_estimable():
    data = CARS.assign(heavy=(CARS["wt"] > 3.2).astype(int))
    fit = quietly(lambda: sd.glm("heavy ~ wt", data, "binomial", penalty=sd.Ridge(1.0)))
    assert fit.converged
    assert np.isfinite(fit.bse).all()


@fronts
def test_the_iteration_limit(front):
    method = sd.LBFGS(max_iterations=0) if front == "lm" else sd.Newton(max_iterations=1)
    fit = warned(
        lambda: by_formula(front, "wt + hp", method=method),
        sd.ConvergenceWarning,
        "iteration limit",
        "max_iterations",
    )
    assert not fit.converged
    assert fit.convergence.outcome is Outcome.ITERATION_LIMIT
    assert "iteration limit" in " ".join(str(fit.summary()).split())


# predictions and verbs ---------------------------------------------------------------------------


def test_new_data():
    fit = sd.lm("mpg ~ wt + factor(cyl)", CARS)
    new = {"wt": [3.0], "cyl": [5]}
    refused(lambda: fit.predict(new), sd.DataError, "cyl", "5", "4, 6, 8")
    refused(lambda: fit.predict({"wt": [3.0]}), sd.DataError, "`cyl`", "wt")
    refused(lambda: fit.predict({"wt": ["a"], "cyl": [4]}), sd.DataError, "`wt`", "text")
    many = CARS.assign(cyl=np.where(CARS["cyl"] == 8, 12, CARS["cyl"]))
    refused(lambda: fit.predict(many), sd.DataError, "12")
    refused(lambda: fit.predict(CARS, offset=[1.0]), sd.StatdlError, "offset", "32")
    refused(lambda: fit.predict(offset=np.ones(32)), sd.ModelError, "newdata")
    arrays = sd.lm(X=X, y=MPG)
    refused(lambda: arrays.predict(X[:, :1]), sd.DataError, "1 column", "2")
    refused(lambda: arrays.predict(X.astype(complex)), sd.DataError, "complex")
    refused(lambda: arrays.predict(pd.DataFrame({"a": [1.0]})), sd.DataError, "x1")


def test_kinds_of_prediction():
    linear, binary, classes = (by_formula(front) for front in FRONTS)
    refused(lambda: linear.predict(type="prob"), sd.ModelError, "type='prob'", "response")
    refused(lambda: linear.predict(type="class"), sd.ModelError, "class", "multinomial")
    for fit in (linear, binary, classes):
        refused(lambda fit=fit: fit.predict(interval="pred"), sd.ModelError, "interval='pred'")
        refused(lambda fit=fit: fit.predict(interval="confidence", level=95), sd.ModelError, "95")
        refused(lambda fit=fit: fit.predict(interval="confidence", level=0.0), sd.ModelError, "0")
    for fit in (binary, classes):
        refused(lambda fit=fit: fit.predict(interval="prediction"), sd.ModelError, "confidence")


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, 95])
def test_levels_outside_the_unit_interval(level):
    fit = by_formula("lm")
    for call in (fit.confint, fit.summary):
        refused(lambda call=call: call(level), sd.ModelError, "level", str(level))


def test_residuals_and_leverage():
    classes = by_formula("multinom")
    refused(lambda: by_formula("lm").residuals("raw"), sd.ModelError, "type='raw'", "pearson")
    refused(lambda: classes.residuals("deviance"), sd.ModelError, "deviance", "pearson")
    refused(lambda: classes.rstudent(), sd.ModelError, "rstudent", "one linear predictor")


def test_analysis_of_variance():
    linear, binary = by_formula("lm"), by_formula("glm")
    hp, hp_twice = by_formula("lm", "hp"), sd.lm("hp ~ wt + qsec", CARS)
    part = sd.lm("mpg ~ wt + hp", CARS.iloc[:20])
    refused(lambda: sd.anova(linear, typ=4), sd.ModelError, "typ=4")
    refused(lambda: sd.anova(linear, test="wald"), sd.ModelError, "test='wald'", "Chisq")
    refused(lambda: sd.anova(binary, test="F"), sd.ModelError, "binomial", "Chisq")
    refused(lambda: sd.anova(linear, hp), sd.ModelError, "not nested")
    refused(lambda: sd.anova(linear, hp_twice), sd.DataError, "different responses")
    refused(lambda: sd.anova(linear, part), sd.DataError, "32 and 20")
    refused(lambda: sd.anova(linear, binary), sd.ModelError, "gaussian", "binomial")
    weighted = sd.lm("mpg ~ wt + hp", CARS, weights="qsec")
    refused(lambda: sd.anova(linear, weighted), sd.DataError, "different weights")
    ridge = sd.lm("mpg ~ wt + hp", CARS, penalty=1.0)
    refused(lambda: sd.anova(linear, ridge), sd.ModelError, "enalised")


def test_update():
    refused(lambda: sd.lm(X=X, y=MPG).update(". ~ . - x1"), sd.ModelError, "arrays", "formula")
    refused(lambda: by_formula("lm").update(". ~ . + wtt"), sd.FormulaError, "`wtt`")


# the edge of what can be fitted: never a warning of another library's ----------------------------


EDGES = {
    "as many rows as coefficients": lambda: sd.lm(X=X[:3], y=MPG[:3]),
    "a constant response": lambda: sd.lm("k ~ wt", ALIASED),
    "a perfect fit": lambda: sd.lm(X=X, y=X[:, 0] * 3 + 1),
    "the mean only": lambda: sd.lm("mpg ~ 1", CARS),
    "no intercept, inverse link": lambda: sd.glm("mpg ~ wt - 1", CARS, "gamma"),
    "no intercept, identity link": lambda: sd.glm(
        "carb ~ wt - 1", CARS, "poisson", link="identity"
    ),
    "rows of weight zero": lambda: sd.glm(
        "mpg ~ wt", CARS, "gamma", weights=[0.0] * 5 + [1.0] * 27
    ),
    "rows without trials": lambda: sd.glm("cbind(vs, am) ~ wt", CARS, "binomial"),
    "columns in huge units": lambda: sd.lm(X=X * 1e140, y=MPG),
    "columns in tiny units": lambda: sd.glm(X=X * 1e-140, y=AM, family="binomial"),
    "columns far from 0": lambda: sd.lm(X=X + 1e6, y=MPG),
    "separated": lambda: sd.glm(X=X[:, 0], y=X[:, 0] > 3.2, family="binomial"),
    "diverged": lambda: sd.lm(X=X, y=MPG, method=sd.GradientDescent(sd.SGD(9.0), scale=False)),
}
VERBS = {
    "summary": lambda fit: str(fit.summary()),
    "html": lambda fit: fit.summary().to_html(),
    "anova": lambda fit: str(fit.anova()),
    "predict": lambda fit: fit.predict(interval="confidence"),
    "residuals": lambda fit: [fit.residuals(kind) for kind in ("response", "deviance")],
    "confint": lambda fit: fit.confint(),
    "measures": lambda fit: (fit.llf, fit.aic, fit.BIC(), fit.llr_pvalue, fit.null_deviance),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("edge", EDGES)
def test_the_edges_stay_quiet(edge, verb):
    fit = quietly(EDGES[edge])
    quietly(lambda: VERBS[verb](fit))


# where warnings point ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda cars: sd.lm("mpg ~ wt + I(2 * wt)", data=cars),
        lambda cars: sd.lm("mpg ~ wt**2", data=cars),
        lambda cars: sd.glm("vs ~ I(1.0 * vs)", data=cars, family="binomial"),
        lambda cars: sd.mlp("mpg ~ wt", data=cars, hidden=20),
        lambda cars: sd.lm("mpg ~ bs(wt, df=4)", data=cars).predict(cars.assign(wt=20.0)),
    ],
    ids=["aliased", "crossed", "separated", "many weights", "extrapolated"],
)
def test_a_warning_shows_the_line_of_the_caller(ask):
    with pytest.warns(sd.StatdlWarning) as caught:
        ask(sd.datasets.load("mtcars"))
    assert {Path(warning.filename).name for warning in caught} == {Path(__file__).name}


LINE = sd.lm("mpg ~ wt + factor(cyl)", data=CARS)
LISTS = CARS.assign(lists=[[1, 2]] * 32)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda: LINE.summary(vcov={"a": 1}),
            ("vcov={'a': 1} is no covariance", "HC3", "a matrix"),
        ),
        (lambda: LINE.summary(vcov=np.cov), ("is no covariance", "'~ firm'")),
        (lambda: LINE.summary(vcov=3), ("vcov=3 is no covariance",)),
        (lambda: LINE.vcov("HAC", maxlags="two"), ("maxlags", "'auto'", "'two'")),
        (lambda: LINE.vcov("HAC", maxlags=np.nan), ("maxlags", "nan")),
        (lambda: LINE.vcov("bootstrap", seed=-1), ("seed=-1", "0 or more")),
        (lambda: LINE.vcov("bootstrap", seed="a"), ("seed='a'", "whole number")),
        (lambda: LINE.vcov("bootstrap", B="many"), ("B must be a whole number", "'many'")),
        (
            lambda: sd.lm("mpg ~ wt", LISTS).vcov(cluster="lists"),
            ("`lists`", "(list)", "one plain"),
        ),
        (lambda: sd.compare(LINE, LINE, vcov=["HC2"]), ("1 covariances for 2 fits",)),
        (lambda: LINE.predictions(variables=3), ("variables=3", "['wt', 'hp']")),
        (lambda: LINE.predictions(variables="weight"), ("'weight' is no variable", "wt")),
        (lambda: LINE.step(k="DIC"), ("k='DIC'", "'BIC'")),
        (lambda: LINE.drop1(k=None), ("k=None", "'AIC'")),
        (lambda: LINE.confint("0.9"), ("level", "'0.9'")),
        (lambda: LINE.confint(parm=1), ("parm=1 is no coefficient", "Intercept, ")),
        (lambda: LINE.wald(None), ("hypotheses=None", "= 0'", "matrix R")),
        (lambda: LINE.wald(1), ("hypotheses=1", "4 coefficients (Intercept, ")),
        (lambda: LINE.wald([["a", "b", "c"]]), ("hypotheses=[['a', 'b', 'c']]", "matrix R")),
        (lambda: LINE.wald([[1], [1, 2]]), ("hypotheses=[[1], [1, 2]]",)),
        (lambda: LINE.wald(np.eye(4)[:2], [1, np.nan]), ("r=[1, nan]", "finite")),
        (lambda: LINE.wald(np.eye(4)[:2], ["a", "b"]), ("r has 0 values for the 2 rows",)),
        (lambda: LINE.reset_test(powers="a"), ("powers='a'", "(2, 3)")),
        (lambda: LINE.reset_test(powers=1.5), ("powers=1.5", "whole numbers")),
        (lambda: LINE.residuals(None), ("type=None", "response, pearson")),
    ],
)
def test_arguments_of_verbs(ask, words):
    refused(ask, (sd.ModelError, sd.DataError), *words)


@pytest.mark.filterwarnings("ignore::statdl.SeparationWarning", "ignore::RuntimeWarning")
def test_fits_without_residuals_have_no_pictures_of_them():
    two = pd.DataFrame({"x": [1.0, 2.0], "y": [1.0, 3.0]})
    refused(sd.lm("y ~ x", two).plot, sd.ModelError, "2 coefficients for 2 rows", "more rows")
    apart = pd.DataFrame({"x": [1, 2, 3, 4, 5, 6.0], "y": [0, 0, 0, 1, 1, 1]})
    separated = sd.glm("y ~ x", apart, family="binomial")
    refused(separated.plot, sd.ModelError, "no residuals to draw", "separate the response")
