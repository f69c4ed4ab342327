"""Cross-validation of paths."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import statdl as sd
from statdl.study.path import area
from tests.path.test_path import drawn


def test_each_fold_is_predicted_by_the_others():
    X, y = drawn("gaussian")
    fold = np.arange(len(y)) % 4
    cv = sd.cv_path(X=X, y=y, folds=fold, measure="mse", n_lambda=12)
    for name in range(4):
        path = sd.path(X=X[fold != name], y=y[fold != name], lambda_=cv.path.lambdas)
        error = (y[fold == name][:, None] - path.predict(X[fold == name])) ** 2
        np.testing.assert_allclose(cv.validation.by_fold[name], error.mean(axis=0), rtol=1e-6)
    found = cv.validation
    np.testing.assert_allclose(found.mean, found.by_fold.mean(axis=0))
    spread = found.by_fold.std(axis=0, ddof=1) / 2
    np.testing.assert_allclose(found.standard_error, spread, rtol=1e-12)
    limit = found.mean.min() + found.standard_error[found.mean.argmin()]
    assert cv.lambda_1se == cv.path.lambdas[np.flatnonzero(found.mean <= limit)[0]]
    assert cv.lambda_min == cv.path.lambdas[found.mean.argmin()]


@pytest.mark.parametrize(
    ("family", "measure"),
    [("binomial", "auc"), ("binomial", "class"), ("multinomial", "class"),
     ("multinomial", "deviance"), ("poisson", "mae"), ("poisson", "deviance")],
)  # fmt: skip
def test_measures(family, measure):
    X, y = drawn(family, n=90)
    cv = sd.cv_path(X=X, y=y, family=family, folds=5, measure=measure, n_lambda=15)
    assert np.isfinite(cv.validation.mean).all()
    first, best = cv.validation.mean[0], cv.validation.mean[cv.validation.best]
    assert best >= first if measure == "auc" else best <= first
    if measure in ("class", "auc"):
        assert 0 <= best <= 1


def test_best_is_a_fit():
    cars = sd.datasets.load("mtcars")
    cv = sd.cv_path("mpg ~ wt + hp + qsec + factor(cyl)", data=cars, folds=5)
    fit = cv.best("min")
    assert isinstance(fit, sd.Fit)
    np.testing.assert_allclose(fit.predict(cars), cv.predict(cars, rule="min"), rtol=1e-9)
    assert "cross-validation" in cv.to_text()


def test_area_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    score, y, w = rng.integers(0, 9, 70), rng.integers(0, 2, 70), rng.random(70)
    assert area(score, y, w) == pytest.approx(roc_auc_score(y, score, sample_weight=w))


def test_nested():
    X, y = drawn("gaussian")
    found = sd.nested_cv(X=X, y=y, outer=3, folds=4, n_lambda=20, measure="mse")
    assert found["mse"][3] == pytest.approx(found["mse"][:3].mean())
    assert found.index[-2:] == ("mean", "std err")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "from 2 to"),
        ({"folds": 30}, "need 90 rows or more, and there are 60"),
        ({"folds": [0, 1]}, "2 entries"),
        ({"measure": "auc"}, "for classes"),
        ({"measure": "r2"}, "not known"),
    ],
)
def test_bad_input(options, message):
    X, y = drawn("gaussian")
    with pytest.raises((sd.ModelError, sd.DataError), match=message):
        sd.cv_path(X=X, y=y, **options)


def test_a_fold_that_loses_a_class():
    X, y = drawn("binomial")
    y = np.zeros(60)
    y[:5] = 1
    with pytest.raises(sd.DataError, match="no row of class 1"):
        sd.cv_path(X=X, y=y, family="binomial", folds=np.repeat(np.arange(12), 5))


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_threads_change_no_number(family):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((60, 12))
    y = X[:, 0] + rng.standard_normal(60)
    y = y if family == "gaussian" else (y > 0).astype(float)
    options = {"family": family, "folds": 5, "n_lambda": 20}
    one, two = (sd.cv_path(X=X, y=y, workers=workers, **options) for workers in (1, 3))
    np.testing.assert_array_equal(one.validation.by_fold, two.validation.by_fold)
    with pytest.raises(sd.errors.ModelError, match="workers"):
        sd.cv_path(X=X, y=y, workers=0, **options)


def test_a_lasso_fit_claims_no_errors_and_no_tests():
    cars = sd.datasets.load("mtcars")
    cv = sd.cv_path("mpg ~ wt + hp + qsec + drat", data=cars, folds=5)
    fit = cv.best("min")
    text = " ".join(str(fit.summary()).split())
    assert "they have no standard errors" in text
    assert "Degrees of freedom are effective ones (5)" in text
    assert "penalised covariance" not in text
    assert "p-values" not in text
    assert np.isnan(fit.fvalue)
    assert np.isnan(fit.f_pvalue)
    ridge = sd.path("mpg ~ wt + hp", data=cars, alpha=0.0).fit(1.0)
    assert "penalised covariance" in " ".join(str(ridge.summary()).split())


def test_reports_say_what_the_numbers_say(tmp_path):
    cars = sd.datasets.load("mtcars")
    cv = sd.cv_path("mpg ~ wt + hp + qsec + drat", data=cars, folds=5)
    cv.report(tmp_path / "cv.html")
    cv.path.report(tmp_path / "path.html")
    whole, chosen = (
        (tmp_path / name).read_text(encoding="utf-8") for name in ("path.html", "cv.html")
    )
    entries = {reading.subject: reading.text for reading in cv.path.readings()}
    assert "come in like this: wt, hp" in entries["Order of entry"]
    assert f"({int(cv.path.df[-1])} columns)" in entries["Criteria"]
    said = {reading.subject: reading.text for reading in cv.readings()}
    assert f"{cv.validation.mean[cv.validation.best]:.3g}" in said["lambda_min"]
    assert "within one standard error" in said["lambda_1se"]
    for text in (whole, chosen):
        assert 'alt="Coefficients of 4 columns' in text
    assert 'alt="Cross-validated deviance against log lambda' in chosen
