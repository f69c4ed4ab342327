"""What a path says at a λ of one's choice, and of models that are chosen by it."""

from __future__ import annotations

import numpy as np
import pytest

import statdl as sd
from statdl.errors import ModelError


def drawn(seed=1, n=60, p=6):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    eta = X[:, :5] @ np.array([2.0, -1.0, 0.0, 0.0, 0.5])
    return X, {
        "gaussian": eta + rng.standard_normal(n),
        "binomial": (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float),
        "poisson": rng.poisson(np.exp(0.3 * eta)).astype(float),
        "multinomial": rng.integers(0, 3, n),
    }


FAMILIES = ("gaussian", "binomial", "poisson", "multinomial")


@pytest.mark.parametrize("family", FAMILIES)
def test_beyond_the_grid_the_model_is_that_of_the_lambda_asked_for(family):
    X, responses = drawn()
    y = responses[family]
    one = sd.path(X=X, y=y, family=family, lambda_=0.1)
    both = sd.path(X=X, y=y, family=family, lambda_=(0.1, 0.01))
    assert np.allclose(one.coef(0.01), both.coef(0.01), atol=1e-5)
    assert np.abs(np.asarray(one.coef(0.01)) - np.asarray(one.coef(0.1))).max() > 0.01
    none = np.asarray(one.coef(1e3)).reshape(X.shape[1] + 1, -1)[1:]
    assert (none == 0).all()
    assert np.allclose(one.predict(X, 0.01), both.predict(X, 0.01), atol=1e-5)


def test_a_path_that_ended_early_goes_on_to_least_squares():
    X, responses = drawn()
    path = sd.path(X=X, y=responses["gaussian"])
    assert path.lambdas[-1] > 0
    assert np.allclose(path.coef(0), sd.lm(X=X, y=responses["gaussian"]).params, atol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_relaxed_path_is_relaxed_whatever_is_asked(family):
    X, responses = drawn()
    path = sd.path(X=X, y=responses[family], family=family)
    relaxed = path.relax()
    for strength in (path.lambdas[10], 0.5 * (path.lambdas[10] + path.lambdas[11])):
        refit = path.refit(strength)
        assert np.allclose(relaxed.fit(strength).predict(X), refit.predict(X))
        found = relaxed.predict(X, strength, exact=True)
        assert np.allclose(found, refit.predict(X), atol=1e-6)
    half = np.asarray(path.relax(0.5).coef(path.lambdas[10]))
    ends = (np.asarray(one.coef(path.lambdas[10])) for one in (path, relaxed))
    assert np.allclose(half, sum(ends) / 2, atol=1e-9)
    again = relaxed.relax(1.0)
    assert np.allclose(
        again.estimate.coefficients, path.estimate.coefficients[: len(again.lambdas)]
    )
    assert "Relaxed lasso" in relaxed.to_text()


def test_what_is_no_question_to_a_relaxed_path():
    X, responses = drawn()
    path = sd.path(X=X, y=responses["gaussian"])
    for ask in (lambda one: one.knots, lambda one: one.debiased(0.1)):
        with pytest.raises(ModelError, match="before relax"):
            ask(path.relax())
    with pytest.raises(ModelError, match=r"gamma=0\.5 is no maximum"):
        path.relax(0.5).fit(0.1)
    with pytest.raises(ModelError, match="gamma is between"):
        path.relax("a")
