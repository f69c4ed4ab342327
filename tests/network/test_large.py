"""Networks whose weights are too many to be examined: what they still say, quickly."""

import time

import numpy as np
import pytest

import statdl as sd
from statdl.estimate import Identification

EPOCH = sd.GradientDescent(sd.Adam(1e-3), batch=256, epochs=1)


@pytest.fixture(scope="module")
def digits():
    """784-512-10 on 2,000 rows of noise, as the pictures of digits would be."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(2000, 784)), random.integers(0, 10, 2000)
    options = {"family": "multinomial", "hidden": 512, "activation": "relu", "dtype": "float32"}
    return X, sd.mlp(X=X, y=y, decay=1e-3, method=EPOCH, **options)


@pytest.fixture(scope="module")
def regression():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 20))
    y = X[:, 0] + 0.1 * random.normal(size=60)
    return X, sd.mlp(X=X, y=y, hidden=300, decay=0.5, method="lbfgs")


def quick(fit, function):
    """Call a function that must take a second of this process's own time, or a few trainings.

    What would examine the weights takes hundreds of times as long. A busy machine slows the
    training, too, and the time of other processes does not count.
    """
    begun = time.process_time()
    found = function()
    assert time.process_time() - begun < max(1.0, 4 * fit.convergence.seconds)
    return found


def test_the_summary_is_quick_and_honest(digits):
    _, fit = digits
    assert fit.identification is Identification.UNEXAMINED
    summary = quick(fit, lambda: fit.summary(weights=True))
    text = str(summary)
    assert "not examined: too many weights" in text
    assert text.count("not defined") == 4
    unwrapped = " ".join(text.split())
    assert "406537 weights are too many for their information to be examined" in unwrapped
    assert "x1 -> h1" not in text
    assert "nan" not in text


def test_a_file_of_it_is_quick_and_says_the_same(digits, tmp_path):
    X, fit = digits
    quick(fit, lambda: fit.save(tmp_path / "model.statdl"))
    loaded = quick(fit, lambda: sd.load(tmp_path / "model.statdl"))
    assert loaded.identification is Identification.UNEXAMINED
    assert str(loaded.summary()) == str(fit.summary())
    np.testing.assert_array_equal(loaded.predict(X[:9]), fit.predict(X[:9]))


@pytest.mark.parametrize("kind", [None, "hessian", "fisher", "sandwich", "HC1", "bootstrap", "HAC"])
def test_there_is_no_covariance_of_any_kind(digits, kind):
    with pytest.raises(sd.NumericalError, match=r"406537 weights are too many .* smaller network"):
        digits[1].vcov(kind)


@pytest.mark.parametrize("wish", [{"interval": "confidence"}, {"se_fit": True}], ids=str)
def test_predictions_come_without_errors_and_say_why(digits, wish):
    X, fit = digits
    with pytest.warns(sd.StatdlWarning, match="406537 weights are too many for standard errors"):
        found = quick(fit, lambda: fit.predict(X, **wish))
    means = found.filter(like="fit.").loc[:, lambda frame: ~frame.columns.str.startswith("se")]
    np.testing.assert_allclose(means, fit.predict(X), rtol=1e-6)
    assert found.drop(columns=means.columns).isna().all(axis=None)


def test_effects_come_without_errors(digits):
    X, fit = digits
    table = fit.effects().to_frame()
    assert len(table) == 7840
    assert table["Std. Error"].isna().all()
    moved = X.copy()
    moved[:, 0] += 0.5
    back = X.copy()
    back[:, 0] -= 0.5
    change = (np.asarray(fit.predict(moved)) - np.asarray(fit.predict(back))).mean(axis=0)
    np.testing.assert_allclose(table["Effect"][:10], change, atol=3e-3)
    assert fit.confint().isna().all(axis=None)


def test_everything_else_about_weights_is_missing(digits):
    fit = digits[1]
    for name in ("bse", "tvalues", "pvalues"):
        assert getattr(fit, name).isna().all(), name
    assert fit.conf_int().isna().all(axis=None)
    assert np.isnan([fit.aic, fit.bic, fit.nic, fit.AIC(), fit.BIC()]).all()
    assert np.isnan(fit.input_tests()["Chisq"]).all()
    assert np.isfinite(fit.llf)


def test_a_regression_has_no_scale_and_says_so(regression):
    X, fit = regression
    text = str(fit.summary())
    assert fit.identification is Identification.UNEXAMINED
    assert "too many" in text
    assert "nan" not in text.lower()
    with pytest.warns(sd.StatdlWarning, match="method='conformal' does without"):
        assert fit.predict(X[:3], interval="prediction")["lwr"].isna().all()


def test_conformal_limits_need_no_errors(regression):
    X, fit = regression
    limits = fit.predict(X[:5], interval="prediction", method="conformal", level=0.8)
    assert (limits["lwr"] < limits["upr"]).all()
