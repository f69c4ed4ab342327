"""Diagnostics, refinement and Firth's penalty, at every place, as on NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import statdl as sd
from statdl.infer.added_variable import added_variable, component_residual
from statdl.infer.decision import decision

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X.sum(axis=1) + RNG.normal(size=60)
BINARY = np.where(np.arange(60) < 6, Y <= 0, Y > 0).astype(float)
CLASSES = RNG.integers(0, 3, size=60)


def pair(place, front, y, **options):
    """The same fit at a place and on NumPy."""
    return front(X=place(X), y=place(y), **options), front(X=X, y=y, **options)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_influence(place, family):
    there, here = pair(place, sd.glm, Y if family == "gaussian" else BINARY, family=family)
    np.testing.assert_allclose(there.influence(), here.influence(), rtol=1e-6)
    assert there.outlier_test().index == here.outlier_test().index
    np.testing.assert_allclose(there.vif()["VIF"], here.vif()["VIF"], rtol=1e-9)


@pytest.mark.parametrize("test", ["breusch_pagan", "white", "goldfeld_quandt", "reset", "rainbow",
                                  "durbin_watson", "breusch_godfrey", "jarque_bera"])  # fmt: skip
def test_specification(place, test):
    there, here = pair(place, sd.lm, Y)
    found, expected = (getattr(fit, f"{test}_test")().p_value for fit in (there, here))
    assert found == pytest.approx(expected, rel=1e-8)


def test_rows_are_ordered_on_the_device(place):
    there, here = pair(place, sd.lm, Y)
    for order_by in ("mahalanobis", "x2"):
        found, expected = (fit.rainbow_test(order_by=order_by).p_value for fit in (there, here))
        assert found == pytest.approx(expected, rel=1e-8)


def test_probabilities(place):
    there, here = pair(place, sd.glm, BINARY, family="binomial")
    assert there.roc().auc == pytest.approx(here.roc().auc)
    assert there.hosmer_lemeshow_test().p_value == pytest.approx(
        here.hosmer_lemeshow_test().p_value, rel=1e-6
    )


def test_bias_reduction(place):
    there, here = pair(place, sd.glm, BINARY, family="binomial", bias_reduction=True)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-7)
    np.testing.assert_allclose(
        there.confint(method="profile"), here.confint(method="profile"), rtol=1e-7
    )
    there, here = pair(place, sd.multinom, CLASSES, bias_reduction=True)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-6)


def test_refinement(place):
    nearly = X.copy()
    nearly[:, 2] = nearly[:, 1] + 1e-5 * nearly[:, 2]
    there, here = sd.lm(X=place(nearly), y=place(Y)), sd.lm(X=nearly, y=Y)
    assert "refined" in there.numerics.method
    np.testing.assert_allclose(there.params, here.params, rtol=1e-13)
    np.testing.assert_allclose(there.bse, here.bse, rtol=1e-12)


def test_separation_is_found_on_the_way_and_asked_for(place):
    separated = (X[:, 0] > 0.1) * 1.0
    with pytest.warns(sd.SeparationWarning, match="x1"):
        there, here = pair(place, sd.glm, separated, family="binomial")
    assert there.convergence.iterations == here.convergence.iterations < 15
    assert there.llf == pytest.approx(0, abs=1e-5)
    assert there.separation().variables == here.separation().variables
    assert there.separation().kind == "complete"


def test_several_classes_and_new_rows(place):
    there, here = pair(place, sd.multinom, CLASSES)
    np.testing.assert_allclose(there.auc()["AUC"], here.auc()["AUC"], rtol=1e-9)
    found = there.auc(newdata=(place(X[::2]), place(CLASSES[::2])))
    np.testing.assert_allclose(
        found["AUC"], here.auc(newdata=(X[::2], CLASSES[::2]))["AUC"], rtol=1e-9
    )


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_what_pictures_draw(place, family):
    there, here = pair(place, sd.glm, Y if family == "gaussian" else BINARY, family=family)
    for ours, theirs in (
        (added_variable(there.estimate, "x2"), added_variable(here.estimate, "x2")),
        (component_residual(there.estimate, "x2"), component_residual(here.estimate, "x2")),
    ):
        np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-7, atol=1e-9)


def test_decisions(place):
    there, here = pair(place, sd.glm, BINARY, family="binomial")
    ours, theirs = (decision(fit.estimate, "x1", "x2", points=7) for fit in (there, here))
    np.testing.assert_allclose(ours.probability, theirs.probability, rtol=1e-7)
    np.testing.assert_array_equal(ours.seen[2], theirs.seen[2])
