"""The inverse that follows a changing set, and the exchanges that rest on it, by consequence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statdl.errors import NumericalError
from statdl.solve import lasso
from statdl.solve.inverse import Inverse, inverted


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_inverse_follows_every_change(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 30))
    H = X.T @ X
    held = Inverse()
    inside = rng.random(30) < 0.5
    for _ in range(8):
        (active,) = np.nonzero(inside)
        held.follow(H, active)
        assert sorted(held.places.tolist()) == active.tolist()
        part = H[held.places[:, None], held.places]
        np.testing.assert_allclose(held.matrix @ part, np.eye(len(active)), atol=1e-9)
        inside ^= rng.random(30) < rng.choice([0.05, 0.3])


def test_a_column_that_joins_its_copy_is_borne():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 10))
    X[:, 9] = X[:, 0]
    H = X.T @ X
    held = Inverse()
    held.follow(H, np.arange(9))
    held.follow(H, np.arange(10))
    c = X.T @ X[:, 0]
    b = np.empty(10)
    b[held.places] = held.matrix @ c[held.places]
    np.testing.assert_allclose(X @ b, X[:, 0], atol=1e-4)


def test_no_inverse_of_what_is_not_positive():
    with pytest.raises(NumericalError, match="not positive"):
        inverted(np.array([[1.0, 2.0], [2.0, 1.0]]), 0.0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), rho=st.sampled_from([0.0, 1.0, 10.0]))
def test_exchanges_and_steps_end_at_one_solution(seed, rho):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 15)) + rho * rng.standard_normal((40, 1))
    H, c = X.T @ X / 40, X.T @ rng.standard_normal(40) / 4
    bound = np.full(15, 0.3 * np.abs(c).max())
    wide = np.full(15, np.inf)  # limits that are none: the safeguarded steps
    fast, _ = lasso.minimise_lasso(lasso.Quadratic(H), c, bound, np.zeros(15), 1e-13)
    slow, g = lasso.minimise_lasso(lasso.Quadratic(H, -wide, wide), c, bound, np.zeros(15), 1e-13)
    np.testing.assert_allclose(fast, slow, atol=1e-9)
    assert (np.abs(g) <= bound + 1e-9).all()
