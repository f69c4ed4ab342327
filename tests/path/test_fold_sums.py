"""Folds of least squares: sums say what the rows say. Ridge paths, and workers."""

from __future__ import annotations

import numpy as np
import pytest

import statdl as sd
from statdl.study import path as study
from tests.path.test_path import drawn

RNG = np.random.default_rng(5)
OPTIONS = [
    {},
    {"alpha": 0.5, "standardize": False},
    {"alpha": 0.0},
    {"alpha": 0.0, "intercept": False, "standardize": False},
    {"intercept": False},
    {"penalty_factor": [0, 1, 2, np.inf, 1]},
    {"alpha": 0.0, "penalty_factor": [0.5, 1, 2, np.inf, 1]},
    {"lower": 0.0},
    {"groups": [0, 0, 1, 1, 1]},
]


@pytest.fixture(scope="module")
def rows():
    X = 3 + RNG.normal(size=(90, 5)) * [1, 10, 0.1, 1, 1]
    y = 50 + X[:, 0] - 0.2 * X[:, 1] + RNG.normal(size=90)
    return X, y


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("given", [False, True])
def test_sums_say_what_rows_say(rows, options, given):
    X, y = rows
    more = {"weights": RNG.uniform(0.5, 2, 90), "offset": RNG.normal(size=90)} if given else {}
    path = sd.path(X=X, y=y, n_lambda=20, **more, **options).estimate
    fold = np.arange(90) % 6
    sums = study._sums_of_folds(path, fold, 6)
    assert len(sums) == 6
    found = study.along(path, study._others(sums, 2, path))
    expected = study.along(path, path.sample.take(np.flatnonzero(fold != 2)))
    for name in ("coefficients", "intercepts"):
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6 * np.abs(other).max())


@pytest.mark.parametrize("far", [0.0, 1e6])
def test_a_column_that_does_not_vary_in_the_rest_stays_out(rows, far):
    X, y = rows
    X = np.column_stack([X, far + (np.arange(90) < 5)])
    path = sd.path(X=X, y=y, n_lambda=10).estimate
    fold = (np.arange(90) >= 10).astype(int)
    found = study.along(path, study._others(study._sums_of_folds(path, fold, 2), 0, path))
    assert (found.coefficients[:, 5] == 0).all()


def test_rows_stay_rows_where_folds_are_many_or_the_loss_is_another(rows):
    X, y = rows
    path = sd.path(X=X, y=y, n_lambda=5).estimate
    assert study._sums_of_folds(path, np.arange(90), 90) == []
    other = sd.path(X=X, y=RNG.poisson(3.0, 90), family="poisson", n_lambda=5).estimate
    assert study._sums_of_folds(other, np.arange(90) % 3, 3) == []


@pytest.mark.parametrize("shape", [(90, 5), (30, 45)])
def test_ridge_paths_are_the_minima(shape):
    """λ of the path for (X'WX/W + λ κ F) b = X'W y / W, solved by itself."""
    n, p = shape
    X, w = RNG.normal(size=shape), RNG.uniform(0.5, 2, n)
    y, factors = X[:, 0] + RNG.normal(size=n), RNG.uniform(0.5, 2, p)
    path = sd.path(X=X, y=y, weights=w, alpha=0.0, penalty_factor=factors, n_lambda=12)
    share = w / w.sum()
    centred, target = X - share @ X, y - share @ y
    scale = np.sqrt(share @ centred**2)
    centred = centred / scale
    bend = factors / factors.mean() / np.sqrt(share @ target**2)
    H, c = centred.T @ (share[:, None] * centred), centred.T @ (share * target)
    for strength, b in zip(path.lambdas, path.estimate.coefficients[:, :, 0], strict=True):
        expected = np.linalg.solve(H + strength * np.diag(bend), c) / scale
        np.testing.assert_allclose(b, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())
    assert path.kkt < 1e-10


def test_a_ridge_path_of_many_columns_needs_no_matrix_of_them():
    X = RNG.normal(size=(40, 3000))
    y = X[:, 0] + RNG.normal(size=40)
    path = sd.path(X=X, y=y, alpha=0.0, n_lambda=5)
    assert path.kkt < 1e-10
    cv = sd.cv_path(X=X, y=y, alpha=0.0, folds=4, n_lambda=5)
    assert np.isfinite(cv.validation.mean).all()


def test_workers_of_nested_change_no_number():
    X, y = drawn("gaussian")
    options = {"X": X, "y": y, "outer": 3, "folds": 4, "n_lambda": 20}
    one, two = (sd.nested_cv(**options, workers=workers) for workers in (1, 2))
    assert one.columns == two.columns
    with pytest.raises(sd.ModelError, match="workers"):
        sd.nested_cv(**options, workers=0)


def test_cross_validation_by_sums_is_that_by_rows(rows, monkeypatch):
    X, y = rows
    by_sums = sd.cv_path(X=X, y=y, folds=6, n_lambda=20).validation
    monkeypatch.setattr(study, "_sums_of_folds", lambda path, fold, count: [])
    by_rows = sd.cv_path(X=X, y=y, folds=6, n_lambda=20).validation
    np.testing.assert_allclose(by_sums.by_fold, by_rows.by_fold, rtol=1e-6)
