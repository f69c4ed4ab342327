"""Twice the precision: against rational arithmetic, on NumPy and on array-api-strict."""

from __future__ import annotations

from fractions import Fraction

import array_api_strict
import numpy as np
import pytest

import statdl as sd
from statdl.backend.doubledouble import DoubleDouble, times, transposed_times, two_product, two_sum
from statdl.backend.linalg import orthogonal_triangular, refined_inverse, refined_least_squares
from tests.agreement import digits, exact_least_squares

every_namespace = pytest.mark.parametrize("xp", [np, array_api_strict], ids=["numpy", "strict"])


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) * 10.0 ** rng.integers(-8, 8, size=shape)


def exactly(pair: DoubleDouble, at: tuple[int, ...] = ()) -> Fraction:
    return Fraction(float(pair.high[at])) + Fraction(float(pair.low[at]))


@every_namespace
def test_sums_and_products_are_exact(xp):
    a, b = draw(200), draw(200, seed=1)
    for function, truth in (
        (two_sum, lambda x, y: x + y),
        (two_product, lambda x, y: x * y),
    ):
        high, low = function(xp.asarray(a), xp.asarray(b))
        for k in range(200):
            exact = truth(Fraction(a[k]), Fraction(b[k]))
            assert Fraction(float(high[k])) + Fraction(float(low[k])) == exact


def test_a_float_has_its_own_split():
    a, b = (draw(50, seed=seed).astype(np.float32) for seed in (0, 1))
    high, low = two_product(a, b)
    for k in range(50):
        assert Fraction(float(high[k])) + Fraction(float(low[k])) == Fraction(
            float(a[k])
        ) * Fraction(float(b[k]))


@every_namespace
@pytest.mark.parametrize("rows", [1, 2, 7, 4001])
def test_products_with_a_matrix_keep_thirty_digits(xp, rows):
    A, x, r = draw(rows, 5), draw(5, seed=1), draw(rows, seed=2)
    ours = times(xp.asarray(A), DoubleDouble.of(xp.asarray(x)))
    terms = [Fraction(A[rows - 1, j]) * Fraction(x[j]) for j in range(5)]
    allowed = Fraction(1, 10**30) * sum(map(abs, terms))
    assert abs(exactly(ours, (rows - 1,)) - sum(terms)) <= allowed
    back = transposed_times(xp.asarray(A), DoubleDouble.of(xp.asarray(r)))
    terms = [Fraction(A[i, 3]) * Fraction(r[i]) for i in range(rows)]
    allowed = Fraction(1, 10**29) * sum(map(abs, terms))
    assert abs(exactly(back, (3,)) - sum(terms)) <= allowed


def hilbert(n: int = 30, p: int = 7) -> np.ndarray:
    return 1 / (np.arange(n)[:, None] + np.arange(p)[None, :] + 1.0)


@every_namespace
def test_least_squares_of_a_hilbert_matrix_are_right_to_the_last_digits(xp):
    A = hilbert()
    y = A.sum(axis=1) + np.random.default_rng(0).normal(size=30)
    ours = refined_least_squares(xp.asarray(A), xp.asarray(y)).parameters
    exact = exact_least_squares(A, y)
    assert digits(np.linalg.lstsq(A, y, rcond=None)[0], exact) < 11
    assert digits(np.asarray(ours), exact) >= 14


@every_namespace
def test_the_inverse_of_a_hilbert_matrix_is_right_to_the_last_digits(xp):
    A = hilbert()
    _, R = orthogonal_triangular(xp.asarray(A))
    B = np.asarray(refined_inverse(xp.asarray(A), R))
    columns = range(A.shape[1])
    exact = []
    for j in columns:  # 1 / V_jj is what the other columns leave of column j
        others = A[:, [k for k in columns if k != j]]
        beta = exact_least_squares(others, A[:, j])
        exact.append(1 / _exact_rest(others, beta, A[:, j]))
    assert digits(np.linalg.inv(A.T @ A).diagonal(), exact) < 8
    assert digits((B * B).sum(axis=1), exact) >= 14


def _exact_rest(A: np.ndarray, beta: np.ndarray, y: np.ndarray) -> float:
    """Return yᵀ(y − A β), which is flat in what rounding leaves of β."""
    rest = [
        Fraction(b) - sum(Fraction(a) * Fraction(c) for a, c in zip(row, beta, strict=True))
        for row, b in zip(A, y, strict=True)
    ]
    return float(sum(part * part for part in rest))


def test_columns_in_impossible_units_are_named():
    x = np.random.default_rng(0).normal(size=(50, 2))
    y = x @ [1.0, 2.0] + 0.1
    for size in (1e160, 1e-160, 1e-170, 1e200):
        with pytest.raises(sd.DataError, match=r"Column 'x1' has values up to .*other units"):
            sd.lm(X=x * [size, 1], y=y)
        with pytest.raises(sd.DataError, match="The response has values up to"):
            sd.lm(X=x, y=y * size)
    with pytest.raises(sd.DataError, match="Column 'x2'"):
        sd.glm(X=x * [1, 1e170], y=(y > 0).astype(float), family="binomial")


@pytest.mark.parametrize("size", [1e140, 1e-140])
def test_columns_in_unlikely_units_are_fitted(size):
    x = np.random.default_rng(0).normal(size=(50, 2))
    y = x @ [1.0, 2.0] + np.random.default_rng(1).normal(size=50)
    plain, scaled = sd.lm(X=x, y=y), sd.lm(X=x * [size, 1], y=y)
    np.testing.assert_allclose(scaled.params * [1, size, 1], plain.params, rtol=1e-13)
    np.testing.assert_allclose(scaled.tvalues, plain.tvalues, rtol=1e-12)


def test_numerics_say_what_was_done():
    cars = sd.datasets.load("mtcars")
    plain = sd.lm("mpg ~ wt", data=cars).numerics
    A = np.column_stack([np.ones(32), cars["wt"]])
    A = A / np.sqrt((A * A).sum(axis=0))
    assert plain.condition == pytest.approx(np.linalg.cond(A), rel=1e-12)
    assert str(plain) == "Cholesky; condition 6.8; 15.1 digits trusted (float64)"
    longley = sd.lm(
        "y ~ x1 + x2 + x3 + x4 + x5 + x6", data=sd.datasets.load("nist_longley")
    ).numerics
    assert longley.method == "QR, refined"
    assert longley.condition == pytest.approx(43275, rel=1e-3)
    assert 11 < longley.digits < 12
