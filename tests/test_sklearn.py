"""The scikit-learn estimators: scikit-learn's own checks, and what they are for."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import statdl as sd
from statdl.sklearn import LinearModel, LogisticModel, MLPClassifier, MLPRegressor, SoftmaxModel

CARS = sd.datasets.load("mtcars")
IRIS = sd.datasets.load("iris")
X_CARS = CARS[["wt", "hp", "qsec"]]

WIDE = (
    "the check has more columns than rows, where the likelihood has no maximum of its own; the fit "
    "is refused, with a sentence that offers a penalty"
)
EXPECTED = {
    LinearModel: {"check_sample_weight_equivalence_on_dense_data": WIDE},
    LogisticModel: {"check_sample_weight_equivalence_on_dense_data": WIDE},
    SoftmaxModel: {"check_sample_weight_equivalence_on_dense_data": WIDE},
}
ESTIMATORS = [
    LinearModel(),
    LinearModel(penalty=1.0),
    LogisticModel(),
    LogisticModel(penalty=1.0),
    SoftmaxModel(),
    SoftmaxModel(penalty=1.0),
    MLPRegressor(hidden=3),
    MLPClassifier(hidden=3),
]


def expected_failures(estimator):
    """A penalty takes away what a regression fails for."""
    return {} if getattr(estimator, "penalty", None) else EXPECTED.get(type(estimator), {})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures, xfail_strict=True)
def test_scikit_learn_s_checks(estimator, check):
    check(estimator)


def test_coefficients_are_those_of_scikit_learn():
    ours, theirs = LinearModel(penalty=2.0), Ridge(alpha=2.0)
    ours, theirs = ours.fit(X_CARS, CARS["mpg"]), theirs.fit(X_CARS, CARS["mpg"])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    assert ours.intercept_ == pytest.approx(theirs.intercept_)
    tight = {"tol": 1e-12, "max_iter": 1000, "solver": "newton-cholesky"}
    ours = LogisticModel(penalty=0.5).fit(CARS[["wt", "hp"]], CARS["am"])
    theirs = LogisticRegression(C=2.0, **tight).fit(CARS[["wt", "hp"]], CARS["am"])
    np.testing.assert_allclose(ours.coef_, theirs.coef_[0], rtol=1e-7)
    np.testing.assert_allclose(
        ours.predict_proba(CARS[["wt", "hp"]]), theirs.predict_proba(CARS[["wt", "hp"]]), rtol=1e-6
    )


def test_the_fit_is_statdl_s():
    model = SoftmaxModel().fit(IRIS[["Sepal.Width"]], IRIS["Species"])
    known = sd.multinom("Species ~ Sepal.Width", data=IRIS)
    np.testing.assert_allclose(model.fit_.bse, known.bse, rtol=1e-8)
    assert "Sepal.Width" in str(model.fit_.summary())
    assert model.coef_.shape == (2, 1)
    np.testing.assert_allclose(
        model.predict_proba(IRIS[["Sepal.Width"]]), known.fitted(), rtol=1e-8
    )
    assert model.predict(IRIS[["Sepal.Width"]]).tolist() == list(known.predict(type="class"))


def test_weights_are_rows_repeated():
    times = np.arange(len(CARS)) % 3
    repeated = CARS.loc[CARS.index.repeat(times)]
    for model, target in ((LinearModel(), "mpg"), (LogisticModel(penalty=0.1), "am")):
        one = model.fit(X_CARS, CARS[target], sample_weight=times).coef_
        other = model.fit(repeated[X_CARS.columns], repeated[target]).coef_
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_grid_search_and_pipelines():
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2), LinearModel(penalty=1.0))
    search = GridSearchCV(pipeline, {"linearmodel__penalty": [0.1, 1.0, 10.0]}, cv=4)
    search.fit(X_CARS, CARS["mpg"])
    assert search.best_params_["linearmodel__penalty"] in (0.1, 1.0, 10.0)
    assert search.best_estimator_[-1].fit_.nobs == 32
    scores = cross_val_score(MLPClassifier(hidden=2, decay=0.1), IRIS.drop(columns="Species"),
                             IRIS["Species"], cv=3)  # fmt: skip
    assert scores.mean() > 0.93


def test_models_can_be_pickled():
    for model in (LinearModel().fit(X_CARS, CARS["mpg"]), MLPRegressor(2).fit(X_CARS, CARS["mpg"])):
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(X_CARS), model.predict(X_CARS))


def test_networks_repeat_with_their_seed():
    one, two, other = (
        MLPRegressor(2, random_state=seed, restarts=1).fit(X_CARS, CARS["mpg"]).fit_.estimate
        for seed in (1, 1, 7)
    )
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert one.specification.plan.seed != other.specification.plan.seed


def test_columns_that_are_not_estimable_count_as_nothing():
    twice = np.column_stack([X_CARS["wt"], 2 * X_CARS["wt"]])
    with pytest.warns(sd.RankWarning):
        model = LinearModel().fit(twice, CARS["mpg"])
    assert model.coef_[1] == 0
    by_hand = model.intercept_ + twice @ model.coef_
    np.testing.assert_allclose(model.predict(twice), by_hand)


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (LogisticModel(), IRIS["Species"], "use SoftmaxModel"),
        (SoftmaxModel(), pd.Series(["a"] * 150), "one class only: 'a'"),
        (LinearModel(penalty=-1.0), IRIS["Sepal.Length"], "0 or more"),
        (LogisticModel(link="log"), IRIS["Species"] == "setosa", "choose one of"),
    ],
)
def test_bad_requests_are_refused(model, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(IRIS[["Sepal.Width"]], y)


def test_statdl_does_not_import_scikit_learn():
    code = "import sys, statdl; statdl.lm; print('sklearn' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"


def test_a_missing_scikit_learn_is_named():
    code = "import sys; sys.modules['sklearn.base'] = None\nimport statdl.sklearn"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'statdl[sklearn]'" in run.stderr


def test_separated_classes_still_predict():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.SeparationWarning)
        model = LogisticModel().fit(CARS[["mpg"]], CARS["mpg"] > 20)
    assert model.score(CARS[["mpg"]], CARS["mpg"] > 20) == 1.0


ADAM = sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=40)
BINARY = IRIS[IRIS["Species"] != "setosa"]
X_IRIS = BINARY.drop(columns="Species")


def test_networks_train_as_mlp_does():
    options = {
        "hidden": (6, 4), "activation": "relu", "normalisation": "layer", "dropout": 0.1,
        "noise": 0.01, "l1": 0.1, "scaling": "minmax", "initial": "he_normal", "method": ADAM,
        "validation": 0.25, "early_stopping": 5, "decay": 0.1, "skip": True, "dtype": "float32",
    }  # fmt: skip
    y = BINARY["Petal.Width"].to_numpy()
    model = MLPRegressor(**options, random_state=3).fit(X_IRIS, y)
    seed = int(np.random.RandomState(3).randint(2**31 - 1))
    net = sd.mlp(X=X_IRIS, y=y, family="gaussian", seed=seed, **options)
    np.testing.assert_allclose(model.predict(X_IRIS), net.predict(X_IRIS), rtol=1e-6)
    assert "validation_loss" in model.fit_.history
    searched = GridSearchCV(MLPClassifier(method=ADAM), {"dropout": [0.0, 0.3]}, cv=2)
    assert searched.fit(X_IRIS, BINARY["Species"]).best_score_ > 0.8


def test_counts_have_a_family():
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 2))
    y = random.poisson(np.exp(X[:, 0]))
    model = MLPRegressor(hidden=2, family="poisson", decay=0.1).fit(X, y)
    assert model.fit_.family.name == "poisson"
    assert (model.predict(X) > 0).all()


@pytest.mark.parametrize(
    "model", [LogisticModel(penalty=1.0), MLPClassifier(hidden=2, decay=0.1), SoftmaxModel(1.0)]
)
def test_weights_of_classes_are_weights_of_their_rows(model):
    y = BINARY["Species"].to_numpy()
    rare = np.r_[np.flatnonzero(y == y[0])[:10], np.flatnonzero(y != y[0])]
    X, y = X_IRIS.iloc[rare], y[rare]
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y)
    by_row = np.where(y == y[0], len(y) / 20, len(y) / 100)
    rows = clone(model).fit(X, y, sample_weight=by_row)
    np.testing.assert_allclose(balanced.predict_proba(X), rows.predict_proba(X), rtol=1e-6)
    assert (
        balanced.predict_proba(X)[:, 0].mean()
        > clone(model).fit(X, y).predict_proba(X)[:, 0].mean()
    )


def test_a_warm_start_goes_on_from_the_fit_before():
    y = BINARY["Petal.Width"].to_numpy()
    warm = MLPRegressor(hidden=4, method=ADAM, warm_start=True).fit(X_IRIS, y)
    first = warm.fit_.history["loss"].iloc[-1]
    assert warm.fit(X_IRIS, y).fit_.history["loss"].iloc[0] < 1.5 * first
    cold = MLPRegressor(hidden=4, method=ADAM).fit(X_IRIS, y)
    assert cold.fit_.history["loss"].iloc[0] > 1.5 * first
