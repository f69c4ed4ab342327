"""Paths of networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.solve.proximal import minimise_proximal


@pytest.fixture(scope="module")
def net():
    rng = np.random.default_rng(0)
    data = {f"x{k}": rng.normal(size=150) for k in range(4)}
    data["y"] = np.sin(2 * data["x0"]) + 0.7 * data["x1"] + 0.1 * rng.normal(size=150)
    return sd.mlp("y ~ x0 + x1 + x2 + x3", data=data, hidden=4, decay=0.05, restarts=2)


def test_a_network_of_the_decay_path_is_the_fit_of_its_decay(net):
    path = sd.decay_path(net, [1.0, 0.05], held_out=0)
    again = net.call.again({"decay": 0.05, "start": path.fit(1), "restarts": 1})
    loss = path.found.estimates[1].loss
    assert loss == pytest.approx(again.estimate.loss, rel=1e-6)
    assert path.decays.tolist() == [1.0, 0.05]


def test_less_decay_fits_better_with_more_parameters(net):
    path = sd.decay_path(net, [100, 10, 1, 0.1], held_out=0.3)
    assert (np.diff(path.found.loss) < 0).all()
    assert (np.diff(path.found.effective) > 0).all()
    assert path.best().estimate.loss == path.found.estimates[path.found.validation.argmin()].loss
    assert "validation" in path.table.columns
    assert path.plot().lines


def test_inputs_that_do_nothing_leave_first(net):
    path = sd.input_path(net)
    assert {name for name, _ in path.order[:2]} == {"x2", "x3"}
    assert len(path.order) == 4
    assert (np.diff((path.found.lengths > 0).astype(int), axis=0) <= 0).all()
    assert path.table["inputs"][-1] == 0
    assert path.plot().lines


def test_the_end_of_the_input_path_is_the_mean():
    """Without inputs what is left is the loss around the mean response."""
    rng = np.random.default_rng(1)
    data = {"x": rng.normal(size=80)}
    data["y"] = np.tanh(data["x"]) + 0.1 * rng.normal(size=80)
    path = sd.input_path(sd.mlp("y ~ x", data=data, hidden=2, decay=0.01))
    assert path.found.loss[-1] == pytest.approx(np.var(data["y"]) / 2, rel=1e-3)


def test_proximal_descent_is_the_group_lasso():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(50, 6)), rng.normal(size=50)
    y = y + 2 * X[:, 0] - X[:, 1]
    groups = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]

    def smooth(b):
        rest = y - X @ b
        return rest @ rest / 100, -X.T @ rest / 50

    found = minimise_proximal(
        smooth, lambda b: X.T @ X / 50, groups, 0.3 * 2**0.5, np.zeros(6), tolerance=1e-9
    )
    path = sd.path(
        X=X, y=y, intercept=False, standardize=False, groups=[0, 0, 1, 1, 2, 2], lambda_=[0.3]
    )
    np.testing.assert_allclose(found.parameters, path.coef(0.3), atol=1e-6)
    assert found.converged


def test_bad_input(net):
    with pytest.raises(sd.ModelError, match="for networks"):
        sd.decay_path(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    with pytest.raises(sd.ModelError, match="0 or more"):
        sd.decay_path(net, [-1])
    with pytest.raises(sd.ModelError, match="share of the rows"):
        sd.decay_path(net, held_out=1)
    free = sd.mlp("mpg ~ wt", data=sd.datasets.load("mtcars"), hidden=1)
    with pytest.raises(sd.ModelError, match="needs a network with decay"):
        sd.input_path(free)
    with pytest.raises(sd.ModelError, match="between 0 and 1"):
        sd.input_path(net, ratio=3)


def test_networks_settle_while_inputs_shrink():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.standard_normal((120, 2)), columns=["a", "b"])
    rows["y"] = rows.a - rows.b + rng.standard_normal(120)
    net = sd.mlp("y ~ a + b", rows, hidden=2, decay=0.1)
    found = sd.input_path(net, n=10, progress=False).found
    assert found.converged.mean() > 0.8  # with one damping for all parameters a quarter does
