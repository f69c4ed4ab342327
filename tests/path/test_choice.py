"""What a path says at a λ of one's choice, and of models that are chosen by it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import statdl as sd
from statdl.errors import DataError, ModelError


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


def test_criteria_do_not_choose_what_uses_the_rows_up():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 200))
    path = sd.path(X=X, y=2 * X[:, 0] + rng.standard_normal(60))
    assert path.df[-1] > 40  # where the residual variance is near 0, and so is every criterion
    assert int(np.argmin(path.criteria.bic)) == len(path.lambdas) - 1
    for name in ("aic", "bic", "ebic", "gcv"):
        place = int(np.flatnonzero(path.lambdas == path.lambda_by(name))[0])
        assert path.df[place] <= 30
    assert "parameters for half of the rows" in path.to_text()
    with pytest.raises(ModelError, match="criterion=None"):
        path.lambda_by(None)


def test_one_rule_for_the_fit_the_coefficients_and_the_predictions():
    X, responses = drawn()
    cv = sd.cv_path(X=X, y=responses["gaussian"], folds=5, progress=False)
    assert cv.lambda_min < cv.lambda_1se
    fit = cv.best()
    assert np.allclose(cv.coef()[fit.params.index], fit.params)
    assert np.allclose(cv.predict(X), fit.predict(X))
    assert np.allclose(cv.coef("min")[cv.best("min").params.index], cv.best("min").params)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_weight_zero_are_in_no_fold(family):
    X, responses = drawn()
    y, weights = responses[family], np.repeat([0.0, 1.0], (20, 40))
    options = {"family": family, "progress": False, "lambda_": (0.1, 0.05)}
    cv = sd.cv_path(X=X, y=y, weights=weights, folds=40, **options)
    own = sd.cv_path(X=X[20:], y=y[20:], folds=40, **options)
    assert (cv.folds[:20] == -1).all()
    assert np.allclose(cv.validation.mean, own.validation.mean, atol=1e-5)
    labels = np.repeat([0, 1, 2], 20)  # the first fold has no row that counts
    assert (
        len(sd.cv_path(X=X, y=y, weights=weights, folds=labels, **options).validation.by_fold) == 2
    )


@pytest.mark.parametrize("family", ["binomial", "poisson", "multinomial"])
def test_columns_with_nothing_to_tell(family):
    X, responses = drawn()
    y = responses[family]
    path = sd.path(X=np.ones((60, 3)), y=y, family=family, n_lambda=5)
    assert (path.estimate.coefficients == 0).all()
    tiny = sd.path(X=1e-9 * X, y=y, family=family, standardize=False, n_lambda=20)
    same = sd.path(X=X, y=y, family=family, standardize=False, n_lambda=20)
    assert np.allclose(tiny.lambdas, 1e-9 * same.lambdas[: len(tiny.lambdas)])
    count = min(len(tiny.lambdas), len(same.lambdas))
    found, known = (one.estimate.coefficients[:count] for one in (tiny, same))
    assert np.allclose(1e-9 * found, known, atol=1e-4)


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_a_constant_response_has_no_path(family):
    X, _ = drawn()
    with pytest.raises(DataError, match="The response is 3 in every row"):
        sd.path(X=X, y=np.full(60, 3.0), family=family)
    path = sd.path(X=X, y=np.full(60, 3.0), family=family, lambda_=0.1)
    assert (path.estimate.coefficients == 0).all()


def test_gamma_responses_of_a_wide_range():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 4))
    y = np.exp(X @ np.array([2.0, -1.0, 0.0, 0.5]) + rng.standard_normal(80))
    log = sd.families.Gamma(sd.links.Log())
    path = sd.path(X=X, y=y, family=log, lambda_=(1.0, 0.1, 0.0), tolerance=1e-9)
    assert path.kkt < 1e-9
    assert np.allclose(path.coef(0), sd.glm(X=X, y=y, family=log).params, atol=1e-5)
    with pytest.raises(ModelError, match="inverse, does not"):
        sd.path(X=X, y=y, family="gamma")


def test_columns_without_penalty_that_separate_are_named():
    X, _ = drawn()
    y = (X[:, 0] + X[:, 1] > 0).astype(float)
    for options in ({"lambda_": (0.1, 0.0)}, {"penalty_factor": (0, 0, 1, 1, 1, 1)}):
        with pytest.warns(sd.SeparationWarning, match="no finite maximum"):
            path = sd.path(X=X, y=y, family="binomial", **options)
        assert "separate the response" in " ".join(path.to_text().split())
    assert not sd.path(X=X, y=y, family="binomial").estimate.notes


def test_a_factor_may_be_named_for_its_columns():
    rows = pd.DataFrame(drawn()[0][:, :2], columns=["a", "b"])
    rows["f"] = np.array(list("uvw"))[np.arange(60) % 3]
    rows["y"] = rows.a + (rows.f == "v")
    options = {"formula": "y ~ a + b + f", "data": rows}
    found = sd.path(**options, penalty_factor={"f": 0, "a": 2})
    known = sd.path(**options, penalty_factor=(2, 1, 0, 0))
    assert np.allclose(found.coef(), known.coef())
    assert (sd.path(**options, upper={"f": 0.2}).coef().iloc[:, 3:] <= 0.2).all(axis=None)


def test_debiased_leaves_constant_columns_out_and_takes_one_name():
    X, responses = drawn()
    y = responses["gaussian"]
    table = sd.path(X=np.c_[X, np.ones(60)], y=y).debiased(0.1).to_frame()
    assert table.loc["x7"].isna().all()
    own = sd.path(X=X, y=y).debiased(0.1, "x1").to_frame()
    assert list(own.index) == ["x1"]
    assert np.isfinite(table.loc["x1"]).all()


def test_words_of_what_cannot_be():
    X, responses = drawn()
    y = np.array(["common"] * 59 + ["rare"])
    with pytest.raises(DataError, match="no row of class rare"):
        sd.cv_path(X=X, y=y, family="binomial", folds=5, progress=False)
    folds = np.r_[np.nan, np.arange(59) % 4]
    with pytest.raises(DataError, match="no label for 1 rows; the first is row 0"):
        sd.cv_path(X=X, y=responses["gaussian"], folds=folds, progress=False)
    path = sd.path(X=X, y=responses["gaussian"], offset=np.ones(60))
    with pytest.raises(DataError, match="offset has length 3, and the data have 2 rows"):
        path.predict(X[:2], 0.1, offset=(1, 2, 3))
    with pytest.raises(ModelError, match="penalty_factor must be numbers"):
        sd.path(X=X, y=responses["gaussian"], penalty_factor={"x1": "a"})


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("level", [3.1, 1e6, 1e8])
def test_full_columns_of_a_sparse_matrix_may_be_far_from_0(family, level):
    X, responses = drawn(n=200)
    X = np.where(np.abs(X) < 0.8, 0.0, X)
    y, k = responses[family], 25
    dense = np.c_[X, level + X[:, 0] + 0.5 * drawn(2, 200)[0][:, 0], np.full(200, level)]
    found = sd.path(X=sparse.csr_matrix(dense), y=y, family=family)
    known = sd.path(X=dense, y=y, family=family)
    assert np.allclose(found.lambdas[:k], known.lambdas[:k], rtol=1e-8)
    ours, theirs = (one.estimate.coefficients[:k] for one in (found, known))
    assert np.allclose(ours, theirs, atol=1e-6)
    assert found.estimate.notes == known.estimate.notes == ("Constant columns stay at 0: x8.",)
    strength = known.lambdas[20]
    assert np.allclose(
        found.predict(sparse.csr_matrix(dense), strength), known.predict(dense, strength), atol=1e-5
    )
    assert np.allclose(
        found.fit(strength).predict(dense), known.predict(dense, strength), atol=1e-5
    )


def test_groups_of_a_factor_say_that_their_coding_counts():
    data = sd.datasets.load("warpbreaks")
    first, other = (
        sd.path(f"breaks ~ wool + {term}", data, groups="terms", lambda_=[1.0])
        for term in ("tension", "relevel(tension, 'M')")
    )
    assert not np.allclose(first.predict(data, 1.0), other.predict(data, 1.0), rtol=1e-3)
    assert "the group of tension is shrunk depends on how it is coded" in str(first)
    single = sd.path("breaks ~ wool + tension", data, lambda_=[1.0])
    numbers = sd.path("breaks ~ poly(x, 2)", data.assign(x=range(54)), groups="terms")
    assert "is coded" not in str(single) + str(numbers)
