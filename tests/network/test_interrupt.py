"""Ctrl-C anywhere in a fit returns the best so far, and says that it is no more than that."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import statdl as sd
from statdl.model.batch import Batch
from statdl.model.learner import Learner
from statdl.model.objective import Objective
from statdl.solve.iterate import Outcome

METHODS = {
    "newton": "newton",
    "gauss-newton": "gauss-newton",
    "lbfgs": "lbfgs",
    "gd": "gd",
    "adam": sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=12),
    "sgd, its own rate": sd.GradientDescent(sd.SGD(), batch=16, epochs=12),
}
PATCHED = (
    (Objective, "value_and_gradient"),
    (Objective, "curvature"),
    (Batch, "value_and_gradient"),
    (Learner, "begin"),
)


def draw():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 2))
    return X, np.sin(2 * X[:, 0]) + 0.2 * random.normal(size=60)


def break_off_at(monkeypatch, place):
    """Press Ctrl-C at the evaluation of that place, counted from 0 over all kinds of them."""
    calls = []

    def patched(original):
        def evaluation(*arguments, **options):
            calls.append(0)
            if len(calls) == place + 1:
                raise KeyboardInterrupt
            return original(*arguments, **options)

        return evaluation

    for owner, name in PATCHED:
        monkeypatch.setattr(owner, name, patched(getattr(owner, name)))
    return calls


def fit(**options):
    X, y = draw()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = sd.mlp(X=X, y=y, **{"hidden": 3, "decay": 0.01, **options})
    return found, [str(one.message) for one in caught if one.category is sd.ConvergenceWarning]


@pytest.mark.parametrize("restarts", [1, 4])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("place", [0, 1, 2, 3, 5, 8, 9])
def test_an_interrupt_anywhere_returns_the_best_so_far(monkeypatch, method, restarts, place):
    calls = break_off_at(monkeypatch, place)
    found, said = fit(method=method, restarts=restarts)
    assert len(calls) > place
    assert found.convergence.outcome is Outcome.INTERRUPTED
    assert not found.converged
    assert len(said) == 1
    assert "Interrupted" in said[0]
    assert np.isfinite(np.asarray(found.predict())).all()
    monkeypatch.undo()
    assert "Interrupted" in str(found.summary())


@pytest.mark.parametrize("method", ["newton", "lbfgs"])
@pytest.mark.parametrize("place", [30, 60])
def test_what_is_kept_of_several_starts_is_the_best_of_them(monkeypatch, method, place):
    break_off_at(monkeypatch, place)
    found, _ = fit(method=method, restarts=6)
    monkeypatch.undo()
    assert len(found.restarts) == 6
    assert found.estimate.loss == pytest.approx(min(found.restarts), rel=1e-12)
    whole, _ = fit(method=method, restarts=6)
    start, _ = fit(method=sd.LBFGS(max_iterations=1))
    assert whole.estimate.loss <= found.estimate.loss < start.estimate.loss


def test_later_starts_of_gradient_descent_are_not_begun(monkeypatch):
    method = sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=20)
    first, _ = fit(method=method)
    break_off_at(monkeypatch, 30)
    found, said = fit(method=method, restarts=5)
    monkeypatch.undo()
    assert len(found.restarts) == 2
    assert "Start 2 of 5" in said[0]
    assert found.estimate.loss <= first.estimate.loss + 1e-12


def test_interrupted_batch_normalisation_predicts(monkeypatch):
    method = sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=20)
    break_off_at(monkeypatch, 0)
    found, said = fit(method=method, normalisation="batch")
    assert said
    assert np.isfinite(np.asarray(found.predict())).all()


def test_an_interrupt_ends_a_study_of_many_fits(monkeypatch):
    """What a bootstrap has so far is no bootstrap."""
    found, _ = fit()
    break_off_at(monkeypatch, 20)
    with pytest.raises(KeyboardInterrupt):
        found.vcov("bootstrap")


def test_an_interrupted_regression_says_so(monkeypatch):
    X, y = draw()
    break_off_at(monkeypatch, 4)
    with pytest.warns(sd.ConvergenceWarning, match="Interrupted"):
        found = sd.glm(X=X, y=(y > 0).astype(float), family="binomial")
    assert not found.converged
