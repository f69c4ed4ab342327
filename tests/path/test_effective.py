"""Effective degrees of freedom: the derivative of the fit in its response, and between models."""

from __future__ import annotations

import numpy as np
import pytest

import statdl as sd
from tests.path.test_choice import drawn


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.0},
        {"alpha": 0.4},
        {"alpha": 0.4, "penalty_factor": (0, 1, 2, 1, 1, 1)},
        {"groups": (0, 0, 1, 1, 1, 2)},
        {"groups": (0, 0, 1, 1, 1, 2), "alpha": 0.5},
        {"groups": (0, 0, 1, 1, 1, 2), "standardize": False, "intercept": False},
    ],
)
def test_it_is_the_divergence_of_the_fit(options):
    X, responses = drawn()
    y, h = responses["gaussian"], 1e-5
    total = 0.0
    for i in range(len(y)):
        step = np.where(np.arange(len(y)) == i, h, 0.0)
        above, below = (fitted(X, y + one, y, 0.3, options) for one in (step, -step))
        total += (above[i] - below[i]) / (2 * h)
    path = sd.path(X=X, y=y, lambda_=0.3, tolerance=1e-13, **options)
    assert path.criteria.df[0] == pytest.approx(total - options.get("intercept", True), abs=1e-4)


def fitted(X, y, first, strength, options):
    """Return fitted means where the ridge part keeps the units of the first response.

    It is λ(1 − α)/sd(y), which a step in y is not to change.
    """
    alpha = options.get("alpha", 1.0)
    lasso, ridge = strength * alpha, strength * (1 - alpha) * np.std(y) / np.std(first)
    own = {**options, "alpha": lasso / (lasso + ridge)}
    path = sd.path(X=X, y=y, lambda_=lasso + ridge, tolerance=1e-13, **own)
    return np.asarray(path.predict(X, path.lambdas[0]))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_two_classes_have_those_of_the_logistic_regression(alpha):
    X, responses = drawn()
    y = responses["binomial"]
    several = sd.path(X=X, y=y, family="multinomial", alpha=alpha, tolerance=1e-10)
    # b and −b cost 2λ|b| or λb², their difference 2b costs 2λ'|b| or 2λ'b²
    share = 1.0 if alpha else 0.5
    for place in (10, 25):
        strength = share * several.lambdas[place]
        one = sd.path(X=X, y=y, family="binomial", alpha=alpha, tolerance=1e-10, lambda_=strength)
        for name in ("df", "aic", "bic", "ebic", "gcv"):
            own = getattr(several.criteria, name)[place]
            assert own == pytest.approx(getattr(one.criteria, name)[0], abs=1e-4)


@pytest.mark.parametrize("options", [{"alpha": 0}, {"alpha": 0.5}, {"grouped": True}])
def test_several_classes_have_at_most_those_of_no_penalty_and_less_with_more_of_it(options):
    X, responses = drawn(n=90)
    path = sd.path(X=X, y=responses["multinomial"], family="multinomial", n_lambda=30, **options)
    df = path.criteria.df
    assert df[0] < 0.5
    assert (df <= 12 + 1e-6).all()
    assert df[-1] > 6
    if options == {"alpha": 0}:
        assert (np.diff(df) > 0).all()
    place = len(df) // 2
    fit = path.fit(path.lambdas[place])
    assert fit.estimate.effective == pytest.approx(df[place] + 2, abs=1e-6)
    assert fit.aic == pytest.approx(path.criteria.aic[place], abs=1e-3)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_rows_and_columns_give_one_trace(family):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 60))
    y = X[:, 0] + rng.standard_normal(40)
    y = y if family == "gaussian" else (y > 0).astype(float)
    weights = rng.uniform(0.5, 2, 40)
    path = sd.path(X=X, y=y, family=family, alpha=0, weights=weights, n_lambda=5)
    w = weights / weights.sum()
    Z = (X - w @ X) / np.sqrt(w @ (X - w @ X) ** 2)
    for k, strength in enumerate(path.lambdas):
        mean = np.asarray(path.predict(X, strength))
        spread = np.sqrt(w @ (y - w @ y) ** 2)
        d = w if family == "gaussian" else w * mean * (1 - mean)
        C = Z - d @ Z / d.sum()
        H = (C * d[:, None]).T @ C
        ridge = strength / spread if family == "gaussian" else strength
        own = np.trace(np.linalg.solve(H + ridge * np.eye(60), H))
        assert path.criteria.df[k] == pytest.approx(own, rel=1e-6)


def test_an_offset_is_of_every_class_but_the_first():
    X, _ = drawn(n=200)
    rng = np.random.default_rng(2)
    y, offset = rng.integers(0, 3, 200), rng.uniform(-1, 1, 200)
    path = sd.path(
        X=X, y=y, family="multinomial", offset=offset, lambda_=(0.02, 0.0), tolerance=1e-10
    )
    full = sd.multinom(X=X, y=y, offset=offset)
    assert path.criteria.log_likelihood[1] == pytest.approx(full.llf, abs=1e-6)
    one = path.fit(0.02)
    assert np.allclose(one.predict(X), path.predict(X, 0.02), atol=1e-6)
    shifted = np.asarray(path.predict(X, 0.02, offset=offset))
    assert np.allclose(shifted, np.asarray(path.predict(None, 0.02)))
    assert one.llf == pytest.approx(path.criteria.log_likelihood[0], abs=1e-6)


@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_coefficients_of_a_column_without_penalty_sum_to_0(alpha):
    X, _ = drawn(n=200)
    y = np.random.default_rng(2).integers(0, 3, 200)
    options = {"family": "multinomial", "alpha": alpha, "penalty_factor": (0, 1, 1, 1, 1, 1)}
    found = sd.path(X=X, y=y, n_lambda=20, **options).estimate.coefficients
    assert np.abs(found[:, 0].sum(axis=1)).max() < 1e-12
    assert np.abs(found[:, 0]).max() > 0.01


@pytest.mark.parametrize("family", ["binomial", "poisson", "multinomial"])
@pytest.mark.parametrize("unit", [1e-7, 1e7])
def test_columns_in_small_and_large_units(family, unit):
    X, responses = drawn()
    y = responses[family]
    options = {"family": family, "standardize": False}
    known = sd.path(X=X, y=y, lambda_=(0.1, 0.01), **options)
    found = sd.path(X=unit * X, y=y, lambda_=(unit * 0.1, unit * 0.01), **options)
    assert np.allclose(unit * found.estimate.coefficients, known.estimate.coefficients, atol=1e-5)
    assert found.kkt < 1e-7
    net = sd.path(X=unit * X, y=y, n_lambda=5, alpha=0.5, **options)
    strength, heads = net.lambdas[-1], 2 if family == "multinomial" else 1
    fit = net.fit(strength)
    assert np.allclose(fit.predict(unit * X), net.predict(unit * X, strength), atol=1e-5)
    assert fit.estimate.effective == pytest.approx(net.criteria.df[-1] + heads, abs=1e-3)


def test_pictures_in_standard_deviations_whatever_is_penalised():
    X, responses = drawn()
    path = sd.path(X=X * (1, 2, 3, 4, 5, 6), y=responses["gaussian"], standardize=False)
    [line] = [one for one in path.plot(standardized=True).lines if len(one.get_xdata()) > 2][-1:]
    known = path.estimate.coefficients[:, :, 0] * X.std(axis=0) * (1, 2, 3, 4, 5, 6)
    assert any(np.allclose(line.get_ydata(), known[:, j]) for j in range(6))
