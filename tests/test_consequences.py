"""What must be true of a fit, whatever the data: each test states a consequence of the model."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

import statdl as sd
from tests import cases
from tests.cases import CANONICAL, MODELS, draw, draw_classes, few, seeds, some

METHODS = ("newton", "irls", "lbfgs", "gd")
#: Models whose −log L is convex in θ, so that every method must find the same minimum.
CONVEX = [
    ("gaussian", "identity"),
    ("binomial", "logit"),
    ("binomial", "probit"),
    ("binomial", "cloglog"),
    ("poisson", "log"),
    ("gamma", "log"),
    ("gamma", "inverse"),
]
models = pytest.mark.parametrize(("family", "link"), MODELS)


def numbers(table):
    """A series, frame or array as an array, whatever library it came from."""
    if isinstance(table, pl.DataFrame | pl.Series | pd.DataFrame | pd.Series):
        return table.to_numpy()
    if isinstance(table, pa.Table):
        return table.to_pandas().to_numpy()
    return np.asarray(table)


def assert_same_fit(one, other, rtol=1e-8, atol=1e-10, but=()):
    """Estimates, errors and measures of fit agree."""
    for name in ("params", "bse", "llf", "deviance", "nobs", "df_resid", "scale", "null_deviance"):
        if name not in but:
            ours, theirs = (numbers(getattr(fit, name)) for fit in (one, other))
            assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=name)


# the estimate is where the likelihood is flat --------------------------------------------------


@models
@few
@given(data=st.data())
def test_score_is_zero_at_the_estimate(family, link, data):
    case = data.draw(cases.cases(family, link))
    fit = case.fit()
    theta = fit.params.to_numpy()
    score = cases.gradient(case.log_likelihood, theta)
    errors = np.sqrt(np.diag(fit.estimate.covariance))
    assert fit.converged
    assert_allclose(score * errors, 0, atol=1e-7)


@models
@few
@given(data=st.data())
def test_information_is_minus_the_expected_hessian(family, link, data):
    case = data.draw(cases.cases(family, link))
    fit = case.fit()
    theta = fit.params.to_numpy()
    expected = -cases.hessian(case.at_its_mean(theta).log_likelihood, theta)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert_allclose(fit.estimate.information / scale, expected / scale, atol=1e-7)
    covariance = np.linalg.inv(expected) * fit.scale
    assert_allclose(fit.bse.to_numpy(), np.sqrt(np.diag(covariance)), rtol=1e-6)


@models
@few
@given(data=st.data())
def test_curvature_is_minus_the_hessian(family, link, data):
    case = data.draw(cases.cases(family, link))
    objective = case.fit().estimate.objective
    theta = case.fit().params.to_numpy() * 1.02  # not only at the minimum
    observed = -cases.hessian(case.log_likelihood, theta)
    scale = np.sqrt(np.abs(np.outer(np.diag(observed), np.diag(observed))))
    assert_allclose(objective.curvature(theta) / scale, observed / scale, atol=1e-6)
    if (family, link) in CANONICAL:
        assert_allclose(
            objective.curvature(theta, expected=True), objective.curvature(theta), rtol=1e-12
        )


@models
@few
@given(data=st.data())
def test_gradient_of_the_loss_anywhere(family, link, data):
    case = data.draw(cases.cases(family, link))
    objective = case.fit().estimate.objective
    theta = case.fit().params.to_numpy() * 1.03
    numerical = -cases.gradient(case.log_likelihood, theta)
    _, analytic = objective.value_and_gradient(theta)
    assert_allclose(analytic, numerical, rtol=1e-7, atol=1e-7 * np.abs(numerical).max())


@models
def test_log_likelihood_is_the_density_with_its_constants(family, link):
    case = draw(family, link, seed=3)
    fit = case.fit()
    dispersion = fit.deviance / fit.nobs if fit.family.quadratic else fit.scale
    direct = cases.full_log_likelihood(family, case.y, fit.fitted(), case.weights, dispersion)
    assert_allclose(fit.llf, direct, rtol=1e-12)


@few
@given(seed=seeds, classes=st.integers(2, 4), p=st.integers(1, 3))
def test_multinomial_score_and_information(seed, classes, p):
    X, codes = draw_classes(seed, n=150, p=p, classes=classes)
    present = np.unique(codes)
    codes = np.searchsorted(present, codes)
    weights = np.random.default_rng(seed).integers(1, 4, len(X)).astype(float)
    fit = sd.multinom(X=X, y=codes, weights=weights)
    theta = fit.params.to_numpy().T.ravel()

    def log_likelihood(theta):
        return cases.softmax_log_likelihood(theta, X, codes, len(present), weights)

    errors = fit.bse.to_numpy().T.ravel()
    assert_allclose(cases.gradient(log_likelihood, theta) * errors, 0, atol=1e-7)
    information = -cases.hessian(log_likelihood, theta)
    size = np.abs(information).max()
    assert_allclose(fit.estimate.information / size, information / size, atol=1e-7)
    assert_allclose(errors, np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-6)


# models that are the same model ----------------------------------------------------------------


@models
@few
@given(seed=seeds)
def test_a_weight_of_two_is_a_row_twice(family, link, seed):
    case = draw(family, link, seed)
    counts = case.weights.astype(int) if family != "binomial" else np.full(len(case.y), 2)
    twice = np.repeat(np.arange(len(case.y)), counts)
    y = case.y if family != "binomial" else (case.y > 0.5).astype(float)
    weighted = case.fit(y=y, weights=counts.astype(float))
    repeated = sd.glm(
        X=case.X[twice], y=y[twice], offset=case.offset[twice], family=family, link=link
    )
    assert_allclose(weighted.params, repeated.params, rtol=1e-7, atol=1e-9)
    assert_allclose(weighted.deviance, repeated.deviance, rtol=1e-9)
    assert_allclose(weighted.estimate.covariance, repeated.estimate.covariance, rtol=1e-6)
    if family in ("binomial", "poisson"):
        assert_allclose(weighted.bse, repeated.bse, rtol=1e-6)
        assert_allclose(weighted.llr, repeated.llr, rtol=1e-8)


def test_a_weight_of_two_is_a_row_twice_in_multinom():
    X, codes = draw_classes(1)
    weights = np.random.default_rng(1).integers(1, 4, len(X))
    twice = np.repeat(np.arange(len(X)), weights)
    weighted = sd.multinom(X=X, y=codes, weights=weights)
    repeated = sd.multinom(X=X[twice], y=codes[twice])
    assert_allclose(weighted.params, repeated.params, rtol=1e-8)
    assert_allclose(weighted.bse, repeated.bse, rtol=1e-8)
    assert_allclose(weighted.deviance, repeated.deviance, rtol=1e-10)


@some
@given(seed=seeds, p=st.integers(1, 4))
def test_two_classes_are_logistic_regression(seed, p):
    X, codes = draw_classes(seed, p=p, classes=2)
    logistic, softmax = sd.glm(X=X, y=codes, family="binomial"), sd.multinom(X=X, y=codes)
    assert softmax.params.shape == (p + 1, 1)
    for name in ("params", "bse", "tvalues", "pvalues"):
        theirs = getattr(softmax, name).to_numpy()[:, 0]
        assert_allclose(getattr(logistic, name), theirs, rtol=1e-7, atol=1e-12)
    for name in (
        "llf",
        "llnull",
        "deviance",
        "null_deviance",
        "pearson_chi2",
        "aic",
        "bic",
        "df_resid",
    ):
        assert_allclose(getattr(logistic, name), getattr(softmax, name), rtol=1e-10)
    assert_allclose(logistic.fitted(), softmax.fitted()[:, 1], rtol=1e-9)


@some
@given(seed=seeds, p=st.integers(1, 5), method=st.sampled_from(["ls", "newton", "irls", "lbfgs"]))
def test_lm_is_glm_with_normal_errors(seed, p, method):
    case = draw("gaussian", "identity", seed, p=p)
    linear = sd.lm(X=case.X, y=case.y, weights=case.weights, offset=case.offset)
    assert_same_fit(linear, case.fit(method=method))
    assert_allclose(linear.pvalues, case.fit(method=method).pvalues, rtol=1e-6)


@some
@given(seed=seeds, p=st.integers(1, 5))
def test_lm_is_the_textbook_formula(seed, p):
    case = draw("gaussian", "identity", seed, p=p)
    A = np.column_stack([np.ones(len(case.X)), case.X])
    root = np.sqrt(case.weights)
    y = case.y - case.offset
    beta, *_ = np.linalg.lstsq(A * root[:, None], y * root, rcond=None)
    rss = np.sum(case.weights * (y - A @ beta) ** 2)
    sigma2 = rss / (len(y) - p - 1)
    errors = np.sqrt(sigma2 * np.diag(np.linalg.inv(A.T @ (case.weights[:, None] * A))))
    fit = sd.lm(X=case.X, y=case.y, weights=case.weights, offset=case.offset)
    assert_allclose(fit.params, beta, rtol=1e-9, atol=1e-11)
    assert_allclose(fit.bse, errors, rtol=1e-9)
    tails = 2 * stats.t.sf(np.abs(beta / errors), len(y) - p - 1)
    assert_allclose(fit.pvalues, tails, rtol=1e-7)


def test_simple_regression_in_closed_form():
    hours = sd.datasets.load("hours")
    x, y = (hours[name].to_numpy(dtype=float) for name in hours.columns[:2])
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    fit = sd.lm(X=x, y=y)
    assert_allclose(fit.params, [y.mean() - slope * x.mean(), slope], rtol=1e-12)


def test_gradient_descent_walks_to_the_closed_form():
    hours = sd.datasets.load("hours")
    x, y = (hours[name].to_numpy(dtype=float) for name in hours.columns[:2])
    closed = sd.lm(X=x, y=y)
    walked = sd.lm(X=x, y=y, method=sd.GradientDescent(sd.SGD(0.1), epochs=3000))
    assert_allclose(walked.params, closed.params, rtol=1e-6)
    assert walked.trace.loss[0] > walked.trace.loss[1] > walked.trace.loss[-1]


@some
@given(seed=seeds)
def test_counts_of_two_are_their_rows_of_zero_and_one(seed):
    case = draw("binomial", "logit", seed)
    wins = np.round(case.weights * case.y)
    losses = case.weights - wins
    together = {"x": case.X[:, 0], "z": case.X[:, 1], "wins": wins, "losses": losses}
    rows = np.repeat(np.arange(len(wins)), case.weights.astype(int))
    ones = np.concatenate(
        [[1.0] * int(w) + [0.0] * int(m) for w, m in zip(wins, losses, strict=True)]
    )
    apart = {"x": case.X[rows, 0], "z": case.X[rows, 1], "y": ones}
    counts = sd.glm("cbind(wins, losses) ~ x + z", data=together, family="binomial")
    single = sd.glm("y ~ x + z", data=apart, family="binomial")
    assert_allclose(counts.params, single.params, rtol=1e-7, atol=1e-10)
    assert_allclose(counts.bse, single.bse, rtol=1e-7)
    assert_allclose(counts.llr, single.llr, rtol=1e-7, atol=1e-9)
    shares = together | {"share": case.y, "trials": case.weights}
    proportion = sd.glm("share ~ x + z", data=shares, family="binomial", weights="trials")
    assert_same_fit(counts, proportion)


def test_counts_of_classes_are_their_rows():
    X, codes = draw_classes(2, n=90, p=1)
    levels = np.round(X[:, 0])
    table = pd.crosstab(levels, codes)
    counts = sd.multinom(X=table.index.to_numpy(), y=table.to_numpy())
    single = sd.multinom(X=levels, y=codes)
    assert_allclose(counts.params, single.params, rtol=1e-7)
    assert_allclose(counts.bse, single.bse, rtol=1e-7)
    assert_allclose(counts.llr, single.llr, rtol=1e-8)


def test_an_offset_shifts_the_response_of_lm():
    case = draw("gaussian", "identity", 5)
    shifted = sd.lm(X=case.X, y=case.y - case.offset)
    given_offset = sd.lm(X=case.X, y=case.y, offset=case.offset)
    assert_same_fit(shifted, given_offset, but=("null_deviance",))
    assert_allclose(given_offset.fitted(), shifted.fitted() + case.offset, rtol=1e-12)
    assert_allclose(given_offset.residuals(), shifted.residuals(), atol=1e-12)


def test_a_constant_exposure_moves_only_the_intercept():
    case = draw("poisson", "log", 5)
    plain = sd.glm(X=case.X, y=case.y, family="poisson")
    exposed = sd.glm(X=case.X, y=case.y, offset=np.full(80, np.log(10.0)), family="poisson")
    moved = plain.params.to_numpy() - exposed.params.to_numpy()
    assert_allclose(moved, [np.log(10.0), 0, 0, 0], atol=1e-9)
    assert_same_fit(plain, exposed, but=("params",))


def test_offsets_in_the_formula_and_as_an_argument_add_up():
    cars = sd.datasets.load("mtcars")
    inside = sd.lm("mpg ~ hp + offset(-3 * wt)", data=cars)
    outside = sd.lm("mpg ~ hp", data=cars, offset=-3 * cars["wt"])
    halves = sd.lm("mpg ~ hp + offset(-2 * wt)", data=cars, offset=-cars["wt"])
    assert_same_fit(inside, outside)
    assert_same_fit(inside, halves)


# penalties ---------------------------------------------------------------------------------------


@some
@given(seed=seeds, strength=st.sampled_from([0.01, 0.3, 2.0, 50.0]))
def test_ridge_in_closed_form(seed, strength):
    case = draw("gaussian", "identity", seed, p=4)
    centred, y = case.X - case.X.mean(axis=0), case.y - case.y.mean()
    slopes = np.linalg.solve(centred.T @ centred + strength * np.eye(4), centred.T @ y)
    intercept = case.y.mean() - case.X.mean(axis=0) @ slopes
    for method in ("ls", "newton", "lbfgs", "gd"):
        fit = sd.lm(X=case.X, y=case.y, penalty=strength, method=method)
        assert_allclose(fit.params, [intercept, *slopes], rtol=1e-6, atol=1e-9)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred)
    effective = 1 + np.sum(eigenvalues / (eigenvalues + strength))
    assert_allclose(len(y) - fit.df_resid, effective, rtol=1e-8)


@pytest.mark.parametrize(("family", "link"), CONVEX)
def test_penalised_score_balances_the_penalty(family, link):
    case = draw(family, link, 11)
    fit = case.fit(penalty=sd.Ridge(0.7), method="newton")
    theta = fit.params.to_numpy()
    score = cases.gradient(case.log_likelihood, theta)
    assert_allclose(score, 0.7 * np.array([0, *theta[1:]]), atol=1e-6)


def test_ridge_tends_to_least_squares():
    case = draw("gaussian", "identity", 4)
    plain = sd.lm(X=case.X, y=case.y)
    gaps = [
        np.abs(sd.lm(X=case.X, y=case.y, penalty=10.0**-k).params - plain.params).max()
        for k in (2, 4, 6, 8)
    ]
    assert all(b < a / 50 for a, b in pairwise(gaps))
    assert gaps[-1] < 1e-9
    assert_same_fit(sd.lm(X=case.X, y=case.y, penalty=0.0), plain)


def test_ridge_tends_to_the_mean():
    case = draw("gaussian", "identity", 4)
    fit = sd.lm(X=case.X, y=case.y, penalty=1e12)
    assert_allclose(fit.params, [case.y.mean(), 0, 0, 0], atol=1e-9)


def test_ridge_needs_no_more_rows_than_columns():
    random = np.random.default_rng(0)
    X, y = random.standard_normal((8, 20)), random.standard_normal(8)
    fit = sd.lm(X=X, y=y, penalty=1.0)
    centred = X - X.mean(axis=0)
    dual = centred.T @ np.linalg.solve(centred @ centred.T + np.eye(8), y - y.mean())
    assert_allclose(fit.params[1:], dual, rtol=1e-8)


# the same data in another guise ------------------------------------------------------------------


@pytest.mark.parametrize(("family", "link"), CONVEX)
@few
@given(seed=seeds, scaling=cases.scalings(3))
def test_units_and_origins_of_columns_do_not_matter(family, link, seed, scaling):
    scale, shift = scaling
    case = draw(family, link, seed)
    plain, moved = case.fit(), case.fit(X=case.X * scale + shift)
    assert_allclose(moved.params[1:] * scale, plain.params[1:], rtol=1e-6, atol=1e-8)
    assert_allclose(moved.bse[1:] * np.abs(scale), plain.bse[1:], rtol=1e-6)
    assert_allclose(moved.fitted(), plain.fitted(), rtol=1e-7)
    assert_allclose(moved.llf, plain.llf, rtol=1e-9)


@models
def test_the_order_of_rows_and_columns_does_not_matter(family, link):
    case = draw(family, link, 8)
    order = np.random.default_rng(0).permutation(len(case.y))
    shuffled = case.fit(
        X=case.X[order], y=case.y[order], weights=case.weights[order], offset=case.offset[order]
    )
    assert_same_fit(case.fit(), shuffled, rtol=1e-7)
    assert_allclose(case.fit().fitted()[order], shuffled.fitted(), rtol=1e-7)
    turned = case.fit(X=case.X[:, ::-1])
    assert_allclose(turned.params.iloc[[0, 3, 2, 1]], case.fit().params, rtol=1e-7, atol=1e-9)


@models
def test_rows_of_weight_zero_change_nothing(family, link):
    case = draw(family, link, 9)
    extra = np.random.default_rng(0).integers(0, 80, 7)
    strange = case.X[extra] * 3
    padded = {
        "X": np.concatenate([case.X, strange]),
        "y": np.concatenate([case.y, case.y[extra]]),
        "weights": np.concatenate([case.weights, np.zeros(7)]),
        "offset": np.concatenate([case.offset, np.zeros(7)]),
    }
    assert_same_fit(case.fit(), case.fit(**padded), rtol=1e-7)


def test_rows_of_weight_zero_change_nothing_in_multinom():
    X, codes = draw_classes(3)
    weights = np.array([1.0] * 110 + [0.0] * 10)
    assert_same_fit(
        sd.multinom(X=X[:110], y=codes[:110]), sd.multinom(X=X, y=codes, weights=weights)
    )


@some
@given(seed=seeds, reference=st.integers(0, 3))
def test_the_reference_class_is_a_matter_of_words(seed, reference):
    X, codes = draw_classes(seed, n=200, classes=4)
    labels = np.array(["ash", "birch", "cedar", "date"])
    plain = sd.multinom(X=X, y=labels[codes])
    other = sd.multinom(X=X, y=labels[codes], reference=labels[reference])
    assert other.levels[0] == labels[reference]
    order = [plain.levels.index(level) for level in other.levels]
    assert_allclose(plain.fitted()[:, order], other.fitted(), rtol=1e-7, atol=1e-10)
    for name in ("llf", "deviance", "llr", "aic", "bic", "prsquared"):
        assert_allclose(getattr(plain, name), getattr(other, name), rtol=1e-9)
    table = np.column_stack([np.zeros(3), plain.params.to_numpy()])[:, order]
    assert_allclose(other.params, table[:, 1:] - table[:, :1], rtol=1e-6, atol=1e-8)
    errors = plain.predict(X[:5], se_fit=True), other.predict(X[:5], se_fit=True)
    for label in labels:
        assert_allclose(errors[0][f"se_fit.{label}"], errors[1][f"se_fit.{label}"], rtol=1e-7)


def test_the_reference_of_two_classes_turns_the_signs():
    cars = sd.datasets.load("mtcars")
    labels = np.where(cars["am"] == 1, "manual", "automatic")
    plain = sd.glm(X=cars[["wt"]], y=labels, family="binomial")
    turned = sd.glm(X=cars[["wt"]], y=labels, family="binomial", reference="manual")
    assert_allclose(plain.params, -turned.params, rtol=1e-8)
    assert_same_fit(plain, turned, but=("params",))


FORMULA = "mpg ~ wt + hp + factor(cyl)"


@pytest.mark.parametrize(
    ("convert", "kind"),
    [
        (lambda frame: frame, pd.Series),
        (pl.from_pandas, pl.Series),
        (pa.Table.from_pandas, pa.ChunkedArray | pa.Array),
    ],
    ids=["pandas", "polars", "pyarrow"],
)
def test_frames_of_every_library_give_the_same_and_get_their_own_back(convert, kind):
    cars = sd.datasets.load("mtcars").reset_index(drop=True)
    plain = sd.lm(FORMULA, data=cars)
    data = convert(cars)
    fit = sd.lm(FORMULA, data=data)
    assert_same_fit(plain, fit, rtol=1e-13)
    assert isinstance(fit.fitted(), kind)
    assert isinstance(fit.residuals(), kind)
    table = fit.predict(data, interval="prediction")
    assert type(table) is type(data)
    assert_allclose(numbers(table), numbers(plain.predict(cars, interval="prediction")), rtol=1e-12)
    species = sd.multinom("cyl ~ wt", data=data)
    probabilities = species.predict(data)
    assert type(probabilities) is type(data)
    direct = sd.multinom("cyl ~ wt", data=cars).predict(cars)
    assert_allclose(numbers(probabilities), numbers(direct), rtol=1e-10)


def test_dictionaries_and_lists_are_data_too():
    cars = sd.datasets.load("mtcars")
    plain = sd.lm("mpg ~ wt", data=cars)
    assert_same_fit(plain, sd.lm("mpg ~ wt", data={"mpg": list(cars["mpg"]), "wt": cars["wt"]}))


@pytest.mark.parametrize("front", ["lm", "glm", "multinom"])
def test_arrays_equal_the_formula(front):
    cars = sd.datasets.load("mtcars")
    X = cars[["wt", "hp"]].to_numpy()
    response, options = {
        "lm": ("mpg", {}),
        "glm": ("am", {"family": "binomial"}),
        "multinom": ("gear", {}),
    }[front]
    fit = getattr(sd, front)
    weights = np.linspace(1, 2, len(cars)) if front == "lm" else None
    formula = fit(f"{response} ~ wt + hp", data=cars, weights=weights, **options)
    y = cars[response].to_numpy()
    arrays = fit(X=X, y=y, names=["wt", "hp"], weights=weights, **options)
    framed = fit(X=cars[["wt", "hp"]], y=cars[response], weights=weights, **options)
    assert_same_fit(formula, arrays, rtol=1e-12)
    assert_same_fit(formula, framed, rtol=1e-12)
    assert list(arrays.params.index) == list(formula.params.index)
    through_zero = fit(f"{response} ~ wt + hp - 1", data=cars, **options)
    assert_same_fit(through_zero, fit(X=X, y=y, intercept=False, **options), rtol=1e-12)


def test_a_subset_is_its_rows():
    cars = sd.datasets.load("mtcars")
    light = cars[cars["wt"] < 3.4]
    by_mask = sd.lm("mpg ~ hp", data=cars, subset=cars["wt"] < 3.4)
    assert_same_fit(by_mask, sd.lm("mpg ~ hp", data=light), rtol=1e-13)
    assert_same_fit(by_mask, sd.lm("mpg ~ hp", data=cars, subset="wt < 3.4"), rtol=1e-13)
    weights = cars["qsec"]
    weighted = sd.lm("mpg ~ hp", data=cars, subset="wt < 3.4", weights=weights)
    assert_same_fit(weighted, sd.lm("mpg ~ hp", data=light, weights="qsec"), rtol=1e-13)


def test_missing_rows_are_left_out():
    cars = sd.datasets.load("mtcars")
    holes = cars.copy()
    holes.loc[holes.index[[2, 9]], "wt"] = np.nan
    with_holes = sd.lm("mpg ~ wt", data=holes)
    assert_same_fit(with_holes, sd.lm("mpg ~ wt", data=cars.drop(cars.index[[2, 9]])), rtol=1e-13)
    arrays = sd.lm(X=holes[["wt"]].to_numpy(), y=holes["mpg"].to_numpy())
    assert_same_fit(with_holes, arrays, rtol=1e-13)
    assert np.isnan(with_holes.predict(holes).iloc[2])


@pytest.mark.parametrize(
    ("front", "options"), [("lm", {}), ("glm", {"family": "binomial"}), ("multinom", {})]
)
def test_single_precision_costs_no_more_than_the_data(front, options):
    X, codes = draw_classes(6, n=400, p=4)
    y = {"lm": X @ np.arange(1.0, 5.0) + codes, "glm": (codes > 0) * 1.0, "multinom": codes}[front]
    fit = getattr(sd, front)
    double = fit(X=X, y=y, **options)
    asked = fit(X=X, y=y, dtype="float32", **options)
    given_single = fit(X=X.astype(np.float32), y=y, **options)
    for single in (asked, given_single):
        assert single.converged
        assert single.fitted().dtype == np.float64  # sums are carried in double
        assert_allclose(single.params, double.params, rtol=1e-5, atol=1e-6)
        assert_allclose(single.bse, double.bse, rtol=1e-5)
        assert_allclose(single.llf, double.llf, rtol=1e-6)
        assert "single precision" in str(single.summary())


# solvers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "link"), CONVEX)
@pytest.mark.parametrize("method", METHODS)
@few
@given(seed=seeds, scaling=cases.scalings(3))
def test_deterministic_methods_reach_the_same_estimate(family, link, method, seed, scaling):
    scale, shift = scaling
    case = draw(family, link, seed)
    X = case.X * scale + shift
    start = case.fit(X=X)
    fit = case.fit(X=X, method=method)
    assert fit.converged
    assert_allclose(fit.params * [1, *scale], start.params * [1, *scale], rtol=1e-6, atol=1e-7)
    assert_allclose(fit.bse, start.bse, rtol=1e-5)
    assert_allclose(fit.llf, start.llf, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@few
@given(seed=seeds, scaling=cases.scalings(2))
def test_deterministic_methods_reach_the_same_probabilities(method, seed, scaling):
    scale, shift = scaling
    X, codes = draw_classes(seed, n=200)
    plain, moved = (
        sd.multinom(X=X, y=codes),
        sd.multinom(X=X * scale + shift, y=codes, method=method),
    )
    assert moved.converged
    factors = np.array([*scale])[:, None]
    assert_allclose(moved.params[1:] * factors, plain.params[1:], rtol=1e-5, atol=1e-7)
    assert_allclose(moved.fitted(), plain.fitted(), rtol=1e-6, atol=1e-8)
    assert_allclose(moved.bse[1:] * np.abs(factors), plain.bse[1:], rtol=1e-5)


@pytest.mark.parametrize(
    "rule",
    [
        sd.SGD(0.3),
        sd.Momentum(0.03),
        sd.Momentum(0.3, dampened=True),
        sd.Nesterov(0.03),
        sd.AdaGrad(0.5),
        sd.RMSProp(0.1),
        sd.Adam(0.1),
        sd.AdamW(0.1, weight_decay=0.0),
    ],
    ids=lambda rule: type(rule).__name__,
)
@pytest.mark.parametrize("front", ["lm", "logit", "softmax"])
def test_stochastic_methods_come_near(rule, front):
    X, codes = draw_classes(1, n=400)
    y = {"lm": X @ [1.0, -2.0] + codes, "logit": codes > 0, "softmax": codes}[front]
    fit = {"lm": sd.lm, "logit": sd.glm, "softmax": sd.multinom}[front]
    options = {"family": "binomial"} if front == "logit" else {}
    method = sd.GradientDescent(rule, batch=32, epochs=40, schedule=sd.PowerOfTen(260), seed=0)
    near, exact = fit(X=X, y=y, method=method, **options), fit(X=X, y=y, **options)
    assert near.converged
    gap = np.abs(numbers(near.params) - numbers(exact.params)) / numbers(exact.bse)
    assert gap.max() < 0.3  # in standard errors
    assert near.llf > exact.llf - 0.2


# predictions -------------------------------------------------------------------------------------


@models
def test_predictions_for_the_data_are_the_fitted_values(family, link):
    case = draw(family, link, 12)
    fit = case.fit()
    fitted = fit.fitted()
    assert_allclose(fit.predict(), fitted, rtol=1e-13)
    assert_allclose(fit.predict(case.X, offset=case.offset), fitted, rtol=1e-12)
    assert_allclose(cases.MEANS[link](fit.predict(type="link")), fitted, rtol=1e-10)
    assert_allclose(fit.residuals(), case.y - fitted, rtol=1e-10, atol=1e-12)
    deviance = fit.residuals("deviance")
    assert_allclose(np.sum(deviance**2), fit.deviance, rtol=1e-10)
    assert_allclose(np.sum(fit.residuals("pearson") ** 2), fit.pearson_chi2, rtol=1e-10)
    assert_allclose(fit.leverage().sum(), 4, rtol=1e-8)


@models
def test_the_error_of_a_mean_follows_by_the_delta_method(family, link):
    case = draw(family, link, 13)
    fit = case.fit()
    covariance = fit.vcov().to_numpy()

    def mean_of_first(theta):
        return float(cases.MEANS[link](case.eta(theta))[0])

    slope = cases.gradient(mean_of_first, fit.params.to_numpy())
    table = fit.predict(se_fit=True)
    assert_allclose(table["se_fit"][0], np.sqrt(slope @ covariance @ slope), rtol=1e-7)
    bands = fit.predict(interval="confidence", level=0.9)
    assert (bands["lwr"] < bands["fit"]).all()
    assert (bands["fit"] < bands["upr"]).all()


def test_the_error_of_a_probability_follows_by_the_delta_method():
    X, codes = draw_classes(4)
    fit = sd.multinom(X=X, y=codes)
    covariance = fit.vcov().to_numpy()

    def probability(theta, k):
        table = theta.reshape(2, 3)
        eta = np.array([0.0, *(table[:, 0] + table[:, 1:] @ X[0])])
        return float(np.exp(eta[k]) / np.exp(eta).sum())

    table = fit.predict(X[:1], se_fit=True, interval="confidence")
    for k in range(3):
        slope = cases.gradient(
            lambda theta, k=k: probability(theta, k), fit.params.to_numpy().T.ravel()
        )
        assert_allclose(table[f"se_fit.{k}"][0], np.sqrt(slope @ covariance @ slope), rtol=1e-7)
        assert 0 < table[f"lwr.{k}"][0] < table[f"fit.{k}"][0] < table[f"upr.{k}"][0] < 1
    assert_allclose(fit.predict().sum(axis=1), 1, rtol=1e-12)


def test_terms_add_up_to_the_linear_predictor():
    cars = sd.datasets.load("mtcars")
    fit = sd.lm("mpg ~ wt * hp + factor(cyl) + poly(qsec, 2)", data=cars)
    terms = fit.predict(cars, type="terms")
    gap = fit.predict(cars, type="link") - terms.sum(axis=1)
    assert_allclose(gap, gap.iloc[0], rtol=1e-9)
    assert_allclose(gap.iloc[0], cars["mpg"].mean(), rtol=1e-9)


def test_classes_are_the_most_probable():
    iris = sd.datasets.load("iris")
    fit = sd.multinom("Species ~ Sepal.Length + Sepal.Width", data=iris)
    probabilities = fit.predict(iris)
    chosen = probabilities.columns.to_numpy()[probabilities.to_numpy().argmax(axis=1)]
    assert (fit.predict(iris, type="class").to_numpy() == chosen).all()


# analysis of variance ----------------------------------------------------------------------------


def column(table, name):
    return np.array(list(table[name]), dtype=float)


ANOVA = [
    ("lm", "mpg ~ wt + hp + factor(cyl)", {}),
    ("glm", "am ~ qsec + hp", {"family": "binomial"}),
    ("glm", "carb ~ wt + hp + factor(cyl)", {"family": "poisson"}),
    ("multinom", "gear ~ mpg + hp", {}),
]


@pytest.mark.parametrize(("front", "formula", "options"), ANOVA)
def test_the_types_agree_where_they_must(front, formula, options):
    cars = sd.datasets.load("mtcars")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.SeparationWarning)
        fit = getattr(sd, front)(formula, data=cars, **options)
    tables = {typ: sd.anova(fit, typ=typ) for typ in (1, 2, 3)}
    statistic = next(name for name in ("F", "LR Chisq", "Deviance") if name in tables[2].columns)
    first = column(tables[1], "F" if statistic == "F" else "Deviance")
    second = column(tables[2], statistic)
    third = column(tables[3], statistic)
    last = len(fit.estimate.frame.design.terms)
    assert_allclose(first[first.size - (front == "lm") - 1], second[last - 1], rtol=1e-6)
    skip = third.size - second.size  # the intercept's row
    assert_allclose(third[skip : skip + last], second[:last], rtol=1e-6)


@pytest.mark.parametrize(("front", "formula", "options"), ANOVA[1:])
def test_a_comparison_is_twice_the_gain_in_log_likelihood(front, formula, options):
    cars = sd.datasets.load("mtcars")
    large = getattr(sd, front)(formula, data=cars, **options)
    small = large.update(". ~ . - hp")
    table = sd.anova(small, large)
    name = next(name for name in ("Deviance", "Chisq", "LR stat.") if name in table.columns)
    gain = 2 * (large.logLik().value - small.logLik().value)
    assert_allclose(column(table, name)[1], gain, rtol=1e-7)


def test_sequential_sums_of_squares_add_up():
    cars = sd.datasets.load("mtcars")
    fit = sd.lm("mpg ~ wt * factor(cyl) + hp", data=cars)
    sums = column(sd.anova(fit), "Sum Sq")
    assert_allclose(sums.sum(), ((cars["mpg"] - cars["mpg"].mean()) ** 2).sum(), rtol=1e-10)
    assert_allclose(sums[-1], fit.deviance, rtol=1e-12)


def test_one_degree_of_freedom_is_a_squared_t():
    cars = sd.datasets.load("mtcars")
    fit = sd.lm("mpg ~ wt + hp + qsec", data=cars)
    found = column(sd.anova(fit, typ=2), "F")[:3]
    assert_allclose(found, fit.tvalues[1:] ** 2, rtol=1e-9)


# coverage ----------------------------------------------------------------------------------------


def test_intervals_of_lm_cover_as_often_as_they_say():
    random = np.random.default_rng(0)
    X = random.standard_normal((15, 2))
    mean = 1 + X @ [2.0, -1.0]
    repeats, slopes, means, rows = 400, 0, 0, 0
    for _ in range(repeats):
        fit = sd.lm(X=X, y=mean + random.standard_normal(15))
        low, high = fit.confint(0.9).to_numpy()[1]
        slopes += low < 2.0 < high
        band = fit.predict(X[:1], interval="confidence", level=0.9)
        means += band["lwr"][0] < mean[0] < band["upr"][0]
        band = fit.predict(X[:1], interval="prediction", level=0.9)
        rows += band["lwr"][0] < mean[0] + random.standard_normal() < band["upr"][0]
    for covered in (slopes, means, rows):
        assert abs(covered / repeats - 0.9) < 4 * np.sqrt(0.09 / repeats)


def test_intervals_of_logistic_and_softmax_cover_about_as_often_as_they_say():
    random = np.random.default_rng(1)
    X = random.standard_normal((200, 1))
    covered = np.zeros(2)
    repeats = 200
    for _ in range(repeats):
        noise = random.gumbel(size=(200, 3))
        codes = (np.column_stack([np.zeros(200), X[:, 0], -0.5 * X[:, 0]]) + noise).argmax(axis=1)
        two = sd.glm(X=X, y=noise[:, 1] + X[:, 0] > noise[:, 0], family="binomial")
        low, high = two.confint().to_numpy()[1]
        covered[0] += low < 1.0 < high
        low, high = sd.multinom(X=X, y=codes).confint().to_numpy()[1]
        covered[1] += low < 1.0 < high
    assert (np.abs(covered / repeats - 0.95) < 0.045).all()


# a start from some of the rows -------------------------------------------------------------------


def newton(log_likelihood_parts, theta):
    """Newton's method in four lines, from nothing: the independent answer for many rows."""
    for _ in range(50):
        score, information = log_likelihood_parts(theta)
        step = np.linalg.solve(information, score)
        theta = theta + step
        if np.abs(step).max() < 1e-13:
            break
    return theta


def logit_parts(A, y, weights, offset):
    def parts(theta):
        mean = 1 / (1 + np.exp(-(A @ theta + offset)))
        slope = weights * mean * (1 - mean)
        return A.T @ (weights * (y - mean)), A.T @ (slope[:, None] * A)

    return parts


def poisson_parts(A, y, weights, offset):
    def parts(theta):
        mean = np.exp(A @ theta + offset)
        return A.T @ (weights * (y - mean)), A.T @ ((weights * mean)[:, None] * A)

    return parts


def many_rows(arrangement, n=40_000):
    """Rows on which a fit to every k-th row goes well, or not at all."""
    random = np.random.default_rng(7)
    X = random.standard_normal((n, 3))
    eta = 0.3 + X @ [0.5, -0.4, 0.2]
    y = (random.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
    weights, offset = random.uniform(0.5, 2, n), random.uniform(-0.2, 0.2, n)
    if arrangement == "sorted":
        order = np.argsort(y, kind="stable")
        X, y, weights, offset = X[order], y[order], weights[order], offset[order]
    if arrangement == "a column that most strides miss":
        X[:, 2] = np.arange(n) % 2
    if arrangement == "a rare level":
        X[:, 2] = 0.0
        X[random.choice(n, 40, replace=False), 2] = 1.0
    if arrangement == "stride of weight zero":
        weights[::8] = 0.0
    if arrangement == "outlying stride":
        X[::8] *= 20
        y[::8] = 1 - y[::8]
    return X, y, weights, offset


ARRANGEMENTS = (
    "shuffled",
    "sorted",
    "a column that most strides miss",
    "a rare level",
    "stride of weight zero",
    "outlying stride",
)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("method", ["irls", "newton", "lbfgs"])
def test_many_rows_give_what_newton_gives_from_nothing(arrangement, method):
    X, y, weights, offset = many_rows(arrangement)
    A = np.column_stack([np.ones(len(X)), X])
    exact = newton(logit_parts(A, y, weights, offset), np.zeros(4))
    fit = sd.glm(X=X, y=y, weights=weights, offset=offset, family="binomial", method=method)
    assert fit.converged
    assert_allclose(fit.params, exact, rtol=1e-8, atol=1e-10)
    _, information = logit_parts(A, y, weights, offset)(exact)
    assert_allclose(fit.bse, np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-7)


def test_many_rows_of_counts():
    X, _, weights, offset = many_rows("shuffled")
    y = np.random.default_rng(0).poisson(np.exp(1 + X @ [0.3, 0.2, -0.1])).astype(float)
    A = np.column_stack([np.ones(len(X)), X])
    exact = newton(poisson_parts(A, y, weights, offset), np.array([np.log(y.mean()), 0, 0, 0]))
    fit = sd.glm(X=X, y=y, weights=weights, offset=offset, family="poisson")
    assert_allclose(fit.params, exact, rtol=1e-8)


def test_many_rows_of_classes():
    X, codes = draw_classes(5, n=40_000, p=3, classes=4)
    fit = sd.multinom(X=X, y=codes)
    theta = fit.params.to_numpy().T.ravel()
    A = np.column_stack([np.ones(len(X)), X])
    eta = np.column_stack([np.zeros(len(X)), A @ theta.reshape(3, 4).T])
    mean = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    score = (((codes[:, None] == np.arange(4)) - mean)[:, 1:].T @ A).ravel()
    assert_allclose(fit.estimate.covariance @ score, 0, atol=1e-9)
    assert_allclose(
        np.sqrt(np.diag(fit.estimate.covariance)), fit.bse.to_numpy().T.ravel(), rtol=1e-12
    )


def test_many_rows_that_are_separated_are_still_found_out():
    X = np.random.default_rng(0).standard_normal((40_000, 2))
    with pytest.warns(sd.SeparationWarning, match="x1"):
        fit = sd.glm(X=X, y=X[:, 0] > 0.1, family="binomial")
    assert np.isnan(fit.bse).all()


def test_many_rows_with_a_column_twice_are_still_found_out():
    X, y, *_ = many_rows("shuffled")
    with pytest.warns(sd.RankWarning, match="x4"):
        fit = sd.glm(X=np.column_stack([X, X[:, 0]]), y=y, family="binomial")
    assert_allclose(fit.params[:4], sd.glm(X=X, y=y, family="binomial").params, rtol=1e-8)


def test_terms_and_their_constant_add_up_for_every_class():
    housing = sd.datasets.load("housing")
    fit = sd.multinom("Sat ~ Infl + Type", data=housing, weights="Freq")
    terms, link = fit.predict(type="terms", se_fit=True), fit.predict(type="link")
    for constant, name in zip(terms.attrs["constant"], ("Medium", "High"), strict=True):
        total = constant + terms[f"fit.{name}: Infl"] + terms[f"fit.{name}: Type"]
        assert_allclose(total, link[name], rtol=1e-10)


def cbind_data():
    rng = np.random.default_rng(5)
    x = rng.normal(size=30)
    trials = rng.integers(3, 12, size=30)
    success = rng.binomial(trials, 1 / (1 + np.exp(-x)))
    weights = rng.integers(1, 4, size=30).astype(float)
    return pd.DataFrame({"s": success, "f": trials - success, "x": x, "w": weights})


@pytest.mark.parametrize("front", ["glm", "multinom"])
def test_weights_of_counts_are_duplicated_rows(front):
    """The likelihood too: a prior weight does not enter the binomial coefficient."""
    data = cbind_data()
    twice = data.loc[data.index.repeat(data["w"].astype(int))].reset_index(drop=True)
    more = {"family": "binomial"} if front == "glm" else {}
    weighted = getattr(sd, front)("cbind(s, f) ~ x", data, weights="w", **more)
    repeated = getattr(sd, front)("cbind(s, f) ~ x", twice, **more)
    assert_allclose(weighted.llf, repeated.llf, rtol=1e-12)
    assert_allclose(weighted.params, repeated.params, rtol=1e-8)


def test_reference_of_counts_is_what_successes_are_compared_with():
    data = cbind_data()
    plain = sd.glm("cbind(s, f) ~ x", data, family="binomial")
    same = sd.glm("cbind(s, f) ~ x", data, family="binomial", reference="f")
    turned = sd.glm("cbind(s, f) ~ x", data, family="binomial", reference="s")
    assert_allclose(same.params, plain.params)
    assert_allclose(turned.params, -plain.params, rtol=1e-7)
    assert plain.levels == ("f", "s")
    assert turned.levels == ("s", "f")


def test_penalised_fits_have_no_anova():
    data = cbind_data()
    fit = sd.lm("s ~ x + w", data, penalty=5.0)
    for typ in (1, 2, 3):
        with pytest.raises(sd.ModelError, match="penalised"):
            sd.anova(fit, typ=typ)


def test_an_offset_can_break_nesting():
    data = cbind_data()
    with pytest.raises(sd.ModelError, match="offset"):
        sd.anova(sd.lm("s ~ x + offset(w)", data), sd.lm("s ~ x + I(x^2)", data))
    table = sd.anova(sd.lm("s ~ x + offset(w)", data), sd.lm("s ~ x + w", data))
    assert table["F"][1] > 0


def test_a_constant_response_has_no_f():
    data = cbind_data().assign(k=3.0)
    assert np.isnan(sd.lm("k ~ x", data).anova()["F"][0])


@pytest.mark.parametrize("link", ["identity", "sqrt"])
def test_a_mean_at_the_edge_of_its_domain_is_no_fine_fit(link):
    data = pd.DataFrame({"y": [0, 0, 0, 4, 6, 5.0], "g": list("aaabbb")})
    with pytest.warns(sd.ConvergenceWarning):
        fit = sd.glm("y ~ g", data, family="poisson", link=link)
    assert not fit.converged


def test_strong_signals_are_not_searched_for_separation():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 10))
    eta = X @ (3 * rng.normal(size=(10, 4)))
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    fit = sd.multinom(X=X, y=y)
    assert fit.converged
    assert np.isfinite(fit.bse.to_numpy()).all()


def test_stochastic_fits_of_separated_data_say_so():
    x = np.linspace(-1, 1, 40)
    method = sd.GradientDescent(sd.Adam(0.01), batch=8, epochs=3, seed=0)
    with pytest.warns(sd.SeparationWarning):
        sd.glm(X=x[:, None], y=(x > 0.1) * 1.0, family="binomial", method=method)
