"""Regularization paths by consequence, and against scikit-learn."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import linear_model

import statdl as sd

FAMILIES = ("gaussian", "binomial", "poisson", "multinomial")


def drawn(family: str, n: int = 60, p: int = 8, seed: int = 0, rho: float = 0.5):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + rho * rng.standard_normal((n, 1))
    X = X * rng.uniform(0.2, 5, p) + rng.uniform(-3, 3, p)
    eta = 0.8 * (X[:, 0] - X[:, 0].mean()) / X[:, 0].std() - 0.5 * X[:, 1] / X[:, 1].std()
    if family == "gaussian":
        return X, eta + rng.standard_normal(n)
    if family == "binomial":
        y = (rng.random(n) < 1 / (1 + np.exp(-eta + eta.mean()))).astype(float)
        y[:2] = 0, 1
        return X, y
    if family == "poisson":
        return X, rng.poisson(np.exp((eta - eta.mean()) / 2)).astype(float)
    y = np.digitize(eta + rng.logistic(size=n), np.quantile(eta, [0.33, 0.67]))
    y[:3] = 0, 1, 2
    return X, y


def conditions(path: sd.Path, X, y, weights=None) -> float:
    """The largest violation of the conditions of a lasso, computed from the definition."""
    n = len(y)
    w = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    scale = np.sqrt(w @ (X - w @ X) ** 2)
    family = path.estimate.family.name
    target = np.eye(3)[y] if family == "multinomial" else np.asarray(y, float)[:, None]
    worst = 0.0
    for k, lambda_ in enumerate(path.lambdas):
        B, a = path.estimate.coefficients[k], path.estimate.intercepts[k]
        eta = X @ B + a
        powers = np.exp(eta - eta.max(axis=1, keepdims=True))
        mean = {
            "gaussian": lambda eta=eta: eta,
            "binomial": lambda eta=eta: 1 / (1 + np.exp(-eta)),
            "poisson": lambda eta=eta: np.exp(eta),
            "multinomial": lambda powers=powers: powers / powers.sum(axis=1, keepdims=True),
        }[family]()
        score = ((X - w @ X).T * w) @ (target - mean) / scale[:, None]
        off = np.where(B == 0, np.maximum(np.abs(score) - lambda_, 0), score - lambda_ * np.sign(B))
        heads = w @ (target - mean)
        worst = max(worst, np.abs(off).max(), np.abs(heads).max())
    return worst / path.lambdas[0]


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), rho=st.sampled_from([0.0, 1.0, 20.0]), wide=st.booleans())
@example(seed=2193, rho=20.0, wide=True)  # an active set that is singular but for rounding
def test_conditions_hold_everywhere(family, seed, rho, wide):
    X, y = drawn(family, n=30 if wide else 60, p=45 if wide else 7, seed=seed, rho=rho)
    path = sd.path(X=X, y=y, family=family, n_lambda=25, lambda_min_ratio=1e-3)
    assert path.kkt <= 1e-7
    if path.estimate.coefficients.shape[2] == 1:  # those of classes may be shifted
        assert conditions(path, X, y) <= 2e-7


@pytest.mark.parametrize("family", FAMILIES)
def test_weight_two_is_a_row_twice(family):
    X, y = drawn(family)
    weights = np.where(np.arange(len(y)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(y)), weights.astype(int))
    options = {"family": family, "n_lambda": 20, "tolerance": 1e-10}
    one = sd.path(X=X, y=y, weights=weights, **options)
    two = sd.path(X=X[twice], y=y[twice], **options)
    np.testing.assert_allclose(one.lambdas, two.lambdas, rtol=1e-10)
    np.testing.assert_allclose(one.coef(), two.coef(), atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_of_weight_zero_is_no_row(family):
    X, y = drawn(family)
    weights = np.ones(len(y))
    weights[10:20] = 0
    options = {"family": family, "lambda_": [0.1, 0.01], "tolerance": 1e-10}
    one = sd.path(X=X, y=y, weights=weights, **options)
    two = sd.path(X=X[weights > 0], y=y[weights > 0], **options)
    np.testing.assert_allclose(one.coef(), two.coef(), atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=6, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_units_of_columns_do_not_matter(family, scale, shift):
    X, y = drawn(family)
    options = {"family": family, "lambda_": [0.1, 0.02], "alpha": 0.7, "tolerance": 1e-11}
    one = sd.path(X=X, y=y, **options).estimate.coefficients
    other = X * 1.0
    other[:, 2] = other[:, 2] * scale + shift
    two = sd.path(X=other, y=y, **options).estimate.coefficients
    two[:, 2] *= scale
    np.testing.assert_allclose(one, two, atol=1e-7)


def test_the_path_does_not_depend_on_the_units_of_a_gaussian_response():
    X, y = drawn("gaussian")
    one, two = (sd.path(X=X, y=c * y, alpha=0.3, early_stop=False) for c in (1, 100))
    np.testing.assert_allclose(100 * one.lambdas, two.lambdas, rtol=1e-9)
    np.testing.assert_allclose(100 * one.coef().to_numpy(), two.coef().to_numpy(), atol=1e-6)


def test_alpha_zero_is_our_ridge_fit():
    X, y = drawn("gaussian")
    n = len(y)
    path = sd.path(X=X, y=y, alpha=0.0, standardize=False, lambda_=[0.5])
    ridge = sd.lm(X=X, y=y, penalty=0.5 * n / y.std())
    np.testing.assert_allclose(path.coef(0.5), ridge.params, rtol=1e-8)
    np.testing.assert_allclose(path.fit(0.5).params, ridge.params, rtol=1e-8)
    np.testing.assert_allclose(path.fit(0.5).bse, ridge.bse, rtol=1e-8)
    df = ridge.estimate.degrees_of_freedom - 1
    assert path.criteria.df[0] == pytest.approx(df, rel=1e-8)
    X, y = drawn("binomial")
    path = sd.path(X=X, y=y, family="binomial", alpha=0.0, standardize=False, lambda_=[0.5])
    ridge = sd.glm(X=X, y=y, family="binomial", penalty=0.5 * n)
    np.testing.assert_allclose(path.coef(0.5), ridge.params, atol=1e-6)
    assert path.criteria.df[0] == pytest.approx(ridge.estimate.degrees_of_freedom - 1, rel=1e-5)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_lambda_zero_is_maximum_likelihood(family):
    X, y = drawn(family)
    path = sd.path(X=X, y=y, family=family, lambda_=[0.1, 0.0], tolerance=1e-11)
    np.testing.assert_allclose(path.coef(0.0), sd.glm(X=X, y=y, family=family).params, atol=1e-6)


def test_multinomial_at_zero_is_multinom():
    X, y = drawn("multinomial")
    path = sd.path(X=X, y=y, family="multinomial", lambda_=[0.1, 0.0], tolerance=1e-11)
    B = path.coef(0.0).to_numpy()
    np.testing.assert_allclose(B[:, 1:] - B[:, :1], sd.multinom(X=X, y=y).params, atol=1e-5)


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_scikit_learn_gaussian(alpha):
    X, y = drawn("gaussian", n=80, p=12)
    path = sd.path(X=X, y=y, alpha=alpha, standardize=False, n_lambda=15, early_stop=False)
    for k, lambda_ in enumerate(path.lambdas):
        lasso, ridge = lambda_ * alpha, lambda_ * (1 - alpha) / y.std()
        theirs = linear_model.ElasticNet(
            alpha=lasso + ridge, l1_ratio=lasso / (lasso + ridge), tol=1e-14, max_iter=1_000_000
        ).fit(X, y)
        np.testing.assert_allclose(path.coef().iloc[k, 1:], theirs.coef_, atol=1e-6)


def test_scikit_learn_logistic():
    X, y = drawn("binomial")
    path = sd.path(X=X, y=y, family="binomial", standardize=False, lambda_=[0.05])
    theirs = linear_model.LogisticRegression(
        C=1 / (0.05 * len(y)), l1_ratio=1, solver="saga", tol=1e-12, max_iter=500_000
    ).fit(X, y)
    np.testing.assert_allclose(path.coef(0.05).iloc[1:], theirs.coef_[0], atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), wide=st.booleans())
def test_knots_are_the_dense_path(seed, wide):
    X, y = drawn("gaussian", n=25 if wide else 60, p=40 if wide else 9, seed=seed)
    path = sd.path(X=X, y=y, n_lambda=60, lambda_min_ratio=0.01, early_stop=False)
    knots = path.knots.to_frame()
    at, B = knots["lambda"].to_numpy(), np.zeros((len(knots), len(path.names)))
    for name in knots.columns[1:]:
        B[:, path.names.index(name)] = knots[name]
    assert at[0] == pytest.approx(path.lambdas[0], rel=1e-9)
    assert (np.diff(at) < 0).all()
    for j, name in enumerate(path.names):
        line = np.interp(path.lambdas[::-1], at[::-1], B[::-1, j])[::-1]
        np.testing.assert_allclose(line, path.coef()[name], atol=1e-7)


def test_knots_agree_with_lars():
    X, y = drawn("gaussian", n=60, p=9)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    path = sd.path(X=X, y=y, lambda_min_ratio=1e-3, early_stop=False)
    alphas, _, _ = linear_model.lars_path(X, y - y.mean(), method="lasso")
    ours = path.knots["lambda"]
    inside = alphas > ours[-1] * 1.001
    np.testing.assert_allclose(ours[: inside.sum()], alphas[inside], rtol=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_sparse_is_dense(family):
    X, y = drawn(family)
    X = np.where(np.abs(X) < np.quantile(np.abs(X), 0.6), 0, X)
    options = {"y": y, "family": family, "n_lambda": 20, "tolerance": 1e-10}
    one, two = sd.path(X=X, **options), sd.path(X=sparse.csr_matrix(X), **options)
    np.testing.assert_allclose(one.coef(), two.coef(), atol=1e-7)
    one, two = (p.predict(lambda_=float(one.lambdas[9])) for p in (one, two))
    np.testing.assert_allclose(one, two, atol=1e-7)


def test_sparse_and_wide_forms_no_square_of_columns():
    rng = np.random.default_rng(1)
    X = sparse.random(80, 20_000, 0.01, format="csc", random_state=1)
    y = X[:, :3].toarray().sum(axis=1) * 5 + rng.standard_normal(80)
    path = sd.path(X=X, y=y, n_lambda=20)
    assert path.kkt < 1e-7


def test_groups_enter_together():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "g": rng.choice(list("abcd"), 90),
            "h": rng.choice(list("xyz"), 90),
            "z": rng.normal(size=90),
        }
    )
    frame["y"] = (frame.g == "b") * 1.5 - (frame.g == "d") + 0.3 * frame.z + rng.normal(size=90)
    path = sd.path("y ~ g + h + z", data=frame, groups="terms", early_stop=False)
    B = path.coef().iloc[:, 1:].to_numpy() != 0
    assert path.kkt <= 1e-7
    for columns in ([0, 1, 2], [3, 4]):
        assert (B[:, columns].all(axis=1) | ~B[:, columns].any(axis=1)).all()
    assert B[:, :3].any()
    assert not B[:, :3].all()
    single = sd.path("y ~ g + h + z", data=frame, groups=list(range(6)))
    np.testing.assert_allclose(
        single.coef(), sd.path("y ~ g + h + z", data=frame).coef(), atol=1e-6
    )


def test_grouped_classes_enter_together():
    X, y = drawn("multinomial")
    path = sd.path(X=X, y=y, family="multinomial", grouped=True)
    used = path.estimate.coefficients != 0
    assert (used.all(axis=2) == used.any(axis=2)).all()
    assert path.kkt <= 1e-7


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_limits_hold_and_bind(family):
    X, y = drawn(family)
    path = sd.path(X=X, y=y, family=family, lower=0, upper={"x1": 0.05}, early_stop=False)
    B = path.coef().iloc[:, 1:]
    assert (B >= 0).all(axis=None)
    assert (B["x1"] <= 0.05).all()
    assert B["x1"].iloc[-1] == 0.05
    assert path.kkt <= 1e-7


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_limits_of_equal_columns(family):
    """Many shares of one effect are a minimum, and the steps among them did not come to an end."""
    for seed in (5, 21):
        rng = np.random.default_rng(seed)
        Z = rng.normal(size=(60, 3))
        X = np.column_stack([Z, Z[:, 0], Z[:, 1], Z[:, 0]])
        eta = Z @ [1, -1, 0.5] + rng.normal(size=60)
        counts = rng.poisson(np.exp(eta / 3))
        y = {"gaussian": eta, "binomial": 1.0 * (eta > 0), "poisson": counts}[family]
        upper = np.array([0.1, 0.2, 0.3, 0.1, 0.5, 0.2])
        path = sd.path(X=X, y=y, family=family, upper=upper)
        assert path.kkt <= 1e-7
        assert (path.coef().iloc[:, 1:] <= upper + 1e-12).all(axis=None)


def test_equal_columns():
    X, y = drawn("gaussian")
    X = np.column_stack([X, X[:, 0], np.ones(len(y))])
    path = sd.path(X=X, y=y)
    assert path.kkt <= 1e-7
    assert (path.coef()["x10"] == 0).all()
    np.testing.assert_allclose(path.predict(), sd.path(X=X[:, :8], y=y).predict(), atol=1e-6)


def test_interpolated_and_exact():
    X, y = drawn("gaussian")
    path = sd.path(X=X, y=y)
    one, two = path.lambdas[[10, 11]]
    middle = path.coef((one + two) / 2)
    halves = (path.coef().iloc[10] + path.coef().iloc[11]) / 2
    np.testing.assert_allclose(middle, halves, atol=1e-12)
    other = sd.path(X=X, y=y, lambda_=[(one + two) / 2])
    np.testing.assert_allclose(path.coef((one + two) / 2, exact=True), other.coef().iloc[0])


def test_penalty_factors():
    X, y = drawn("gaussian")
    path = sd.path(X=X, y=y, penalty_factor={"x2": 0, "x3": np.inf})
    assert (path.coef()["x2"] != 0).all()
    assert (path.coef()["x3"] == 0).all()
    start = sd.lm(X=X[:, [1]], y=y).params
    np.testing.assert_allclose(path.coef().iloc[0][["Intercept", "x2"]], start, rtol=1e-8)


def test_fits_of_a_path():
    X, y = drawn("binomial")
    path = sd.path(X=X, y=y, family="binomial", tolerance=1e-10)
    lambda_ = float(path.lambdas[20])
    fit, coef = path.fit(lambda_), path.coef(lambda_)
    np.testing.assert_allclose(fit.params, coef[coef != 0], atol=1e-6)
    np.testing.assert_allclose(fit.predict(X[:5]), path.predict(X[:5], lambda_), atol=1e-7)
    assert np.isnan(fit.bse).all()
    assert "no standard errors" in fit.summary().to_text().replace("\n    ", " ")
    refit = path.refit(lambda_)
    chosen = [path.names.index(name) for name in refit.params.index[1:]]
    np.testing.assert_allclose(
        refit.params, sd.glm(X=X[:, chosen], y=y, family="binomial").params, atol=1e-7
    )
    assert "ignore that selection" in refit.summary().to_text().replace("\n    ", " ")
    relaxed = path.relax()
    np.testing.assert_allclose(relaxed.coef(lambda_)[refit.params.index], refit.params, atol=1e-5)


def test_fit_of_several_classes():
    X, y = drawn("multinomial")
    path = sd.path(X=X, y=y, family="multinomial", tolerance=1e-10)
    lambda_ = float(path.lambdas[15])
    np.testing.assert_allclose(
        path.fit(lambda_).predict(X[:5]), path.predict(X[:5], lambda_), atol=1e-6
    )


def test_criteria_are_those_of_the_refit_at_zero():
    X, y = drawn("poisson")
    path = sd.path(X=X, y=y, family="poisson", lambda_=[0.2, 0.0], tolerance=1e-10)
    fit = sd.glm(X=X, y=y, family="poisson")
    assert path.criteria.aic[-1] == pytest.approx(fit.AIC(), rel=1e-8)
    assert path.criteria.bic[-1] == pytest.approx(fit.BIC(), rel=1e-8)
    X, y = drawn("gaussian")
    path = sd.path(X=X, y=y, lambda_=[0.2, 0.0], tolerance=1e-10)
    fit = sd.lm(X=X, y=y)
    assert path.criteria.aic[-1] == pytest.approx(fit.AIC(), rel=1e-8)
    assert path.explained[-1] == pytest.approx(fit.rsquared)


def test_table_and_pictures():
    cars = sd.datasets.load("mtcars")
    path = sd.path("mpg ~ wt + hp + qsec + drat", data=cars)
    assert list(path.table.columns)[:4] == ["lambda", "nonzero", "df", "explained"]
    assert len(path.table) == len(path.lambdas)
    for xvar in ("lambda", "norm", "deviance"):
        assert path.plot(xvar).lines
    assert sd.cv_path("mpg ~ wt + hp + qsec", data=cars, folds=4).plot().lines


def test_debiased_covers_columns_left_out():
    X, y = drawn("gaussian", n=200, p=6)
    path = sd.path(X=X, y=y)
    found = path.debiased(float(path.lambdas[25]))
    assert len(found) == 6
    assert (found["std err"] > 0).all()
    tight = path.debiased(
        float(path.lambdas[25]), node_lambda=0.0
    )  # Θ̂ is the inverse: least squares
    np.testing.assert_allclose(tight["coef"], sd.lm(X=X, y=y).params.iloc[1:], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lambda_": -0.1}, "0 or more"),
        ({"lambda_": [0.1, np.nan]}, "0 or more"),
        ({"lambda_": []}, "empty"),
        ({"alpha": 1.5}, "between 0"),
        ({"penalty_factor": [0] * 8}, "nothing to penalise"),
        ({"penalty_factor": [1, 2]}, "has 2 entries, and there are 8"),
        ({"penalty_factor": {"zz": 1}}, "no column"),
        ({"penalty_factor": [-1] * 8}, "0 or more"),
        ({"lower": 0.5}, "0 or less"),
        ({"upper": -0.5}, "0 or more"),
        ({"groups": "other"}, "not known"),
        ({"groups": [1, 2]}, "2 labels"),
        ({"groups": list(range(8)), "lower": 0}, "do not go with groups"),
        ({"grouped": True}, "multinomial"),
        ({"lambda_min_ratio": 2}, "between 0 and 1"),
        ({"n_lambda": 0}, "1 or more"),
        ({"tolerance": 0}, "positive"),
    ],
)
def test_bad_input(options, message):
    X, y = drawn("gaussian")
    with pytest.raises((sd.ModelError, sd.DataError), match=message):
        sd.path(X=X, y=y, **options)


def test_more_bad_input():
    X, y = drawn("gaussian")
    path = sd.path(X=X, y=y)
    with pytest.raises(sd.ModelError, match="0 or more"):
        path.coef(-1)
    with pytest.raises(sd.ModelError, match="not known"):
        path.predict(X, 0.1, type="probability")
    with pytest.raises(sd.ModelError, match="piecewise linear"):
        _ = sd.path(X=X, y=y, alpha=0.5).knots
    with pytest.raises(sd.DataError, match="infinite"):
        sd.path(X=np.where(X > 5, np.inf, X), y=y)
    with pytest.raises(sd.ModelError, match="intercept only"):
        sd.path("y ~ 1", data={"y": y})
    bad = sparse.csr_matrix(np.where(X > 5, np.nan, X))
    with pytest.raises(sd.DataError, match="missing or infinite"):
        sd.path(X=bad, y=y)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("device", ["CPU_DEVICE", "device1"])
def test_any_array_library(family, device):
    X, y = drawn(family)
    place = strict.Device(device)
    there = {name: strict.asarray(v, device=place) for name, v in (("X", X), ("y", y * 1.0))}
    options = {"family": family, "n_lambda": 15, "groups": [0, 0, 1, 1, 2, 3, 4, 5]}
    for chosen in (options, {**options, "groups": None, "alpha": 0.5}):
        path = sd.path(**there, **chosen)
        np.testing.assert_allclose(path.coef(), sd.path(X=X, y=y, **chosen).coef(), atol=1e-9)
        assert path.predict(lambda_=float(path.lambdas[5])).device == place


def test_a_fit_of_a_path_is_saved(tmp_path):
    cars = sd.datasets.load("mtcars")
    fit = sd.path("mpg ~ wt + hp + factor(cyl)", data=cars).fit(0.7)
    fit.save(tmp_path / "fit")
    np.testing.assert_allclose(sd.load(tmp_path / "fit").predict(cars), fit.predict(cars))


def test_there_is_no_analysis_of_deviance_of_a_choice():
    fit = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars")).fit(0.2)
    with pytest.raises(sd.ModelError, match="penalised fit is no maximum"):
        fit.anova()


def test_a_path_of_counts_ends_where_four_steps_explain_little():
    rng = np.random.default_rng(11)
    X = rng.standard_normal((70, 6))
    y = rng.poisson(np.exp(0.4 * X[:, 0]))
    ended = sd.path(X=X, y=y, family="poisson")
    whole = sd.path(X=X, y=y, family="poisson", early_stop=False).explained
    gain = (whole[4:] - whole[:-4]) / whole[4:]
    assert len(ended.lambdas) == int(np.flatnonzero(gain < 1e-4)[0]) + 5
