"""The kernel of NumPy arrays, by blocks and by one triangle, says what the plain version says."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from statdl.backend.gram import SYMMETRIC, plain_weighted_gram, weighted_gram

ROWS = 5_000  # more than a block


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("p", [1, 3, SYMMETRIC - 1, SYMMETRIC, 40])
@pytest.mark.parametrize("low", [0.0, -0.5])  # a negative weight has no root
def test_one_output(p, low, intercept):
    random = np.random.default_rng(p)
    X, d = random.standard_normal((ROWS, p)), random.uniform(low, 1.0, (ROWS, 1))
    found = weighted_gram(X, d, intercept=intercept)
    assert_allclose(found, plain_weighted_gram(X, d, intercept=intercept), rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("p", [3, 40])
def test_several_outputs(p, intercept):
    random = np.random.default_rng(p)
    X, d = random.standard_normal((ROWS, p)), random.random((ROWS, 2))
    u = random.dirichlet(np.ones(3), ROWS)[:, 1:]
    for diagonal, outer in ((d, None), (u, u), (d, u)):
        found = weighted_gram(X, diagonal, outer, intercept=intercept)
        plain = plain_weighted_gram(X, diagonal, outer, intercept=intercept)
        assert_allclose(found, plain, rtol=1e-12, atol=1e-10)


def test_single_precision_and_columns_of_columns():
    random = np.random.default_rng(0)
    X, d = random.standard_normal((ROWS, 40)), random.random((ROWS, 1))
    single = weighted_gram(X.astype(np.float32), d.astype(np.float32))
    assert single.dtype == np.float32
    assert_allclose(single, plain_weighted_gram(X, d), rtol=1e-3, atol=1e-1)
    assert_allclose(weighted_gram(np.asfortranarray(X), d), plain_weighted_gram(X, d), rtol=1e-11)
