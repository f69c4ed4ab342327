"""Diagnostics, refinement and Firth's penalty on array-api-strict's pretended device."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pytest

import statdl as sd

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X.sum(axis=1) + RNG.normal(size=60)
BINARY = np.where(np.arange(60) < 6, Y <= 0, Y > 0).astype(float)
CLASSES = RNG.integers(0, 3, size=60)


def on(values):
    return strict.asarray(values, device=strict.Device("device1"))


def pair(front, y, **options):
    """The same fit on the device and on NumPy."""
    return front(X=on(X), y=on(y), **options), front(X=X, y=y, **options)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_influence(family):
    there, here = pair(sd.glm, Y if family == "gaussian" else BINARY, family=family)
    np.testing.assert_allclose(there.influence(), here.influence(), rtol=1e-6)
    assert there.outlier_test().index == here.outlier_test().index
    np.testing.assert_allclose(there.vif()["VIF"], here.vif()["VIF"], rtol=1e-9)


@pytest.mark.parametrize("test", ["breusch_pagan", "white", "goldfeld_quandt", "reset", "rainbow",
                                  "durbin_watson", "breusch_godfrey", "jarque_bera"])  # fmt: skip
def test_specification(test):
    there, here = pair(sd.lm, Y)
    found, expected = (getattr(fit, f"{test}_test")().p_value for fit in (there, here))
    assert found == pytest.approx(expected, rel=1e-8)


def test_rows_are_ordered_on_the_device():
    there, here = pair(sd.lm, Y)
    for order_by in ("mahalanobis", "x2"):
        found, expected = (fit.rainbow_test(order_by=order_by).p_value for fit in (there, here))
        assert found == pytest.approx(expected, rel=1e-8)


def test_probabilities():
    there, here = pair(sd.glm, BINARY, family="binomial")
    assert there.roc().auc == pytest.approx(here.roc().auc)
    assert there.hosmer_lemeshow_test().p_value == pytest.approx(
        here.hosmer_lemeshow_test().p_value, rel=1e-6
    )


def test_bias_reduction():
    there, here = pair(sd.glm, BINARY, family="binomial", bias_reduction=True)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-7)
    np.testing.assert_allclose(
        there.confint(method="profile"), here.confint(method="profile"), rtol=1e-7
    )
    there, here = pair(sd.multinom, CLASSES, bias_reduction=True)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-6)


def test_refinement():
    nearly = X.copy()
    nearly[:, 2] = nearly[:, 1] + 1e-5 * nearly[:, 2]
    there, here = sd.lm(X=on(nearly), y=on(Y)), sd.lm(X=nearly, y=Y)
    assert "refined" in there.numerics.method
    np.testing.assert_allclose(there.params, here.params, rtol=1e-13)
    np.testing.assert_allclose(there.bse, here.bse, rtol=1e-12)
