"""Many fits at once are the same fits as one after the other."""

import numpy as np
import pytest

import statdl as sd
from statdl.backend.array import to_numpy
from statdl.backend.rows import Rows
from statdl.backend.stacked import factorise_each
from statdl.model.batch import Batch
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gamma, Gaussian, Poisson
from statdl.model.layer import Hidden
from statdl.model.link import Log
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.penalty import Ridge
from statdl.model.predictor import Linear
from statdl.solve.batched import Together
from statdl.solve.batched_damped import DampedTogether
from statdl.solve.iterate import minimise

FAMILIES = {
    "gaussian": Gaussian(),
    "poisson": Poisson(),
    "gamma": Gamma(link=Log()),
    "binomial": Binomial(),
    "multinomial": Multinomial(3),
}


def problem(family, hidden=(), n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    q = family.outputs
    y = {
        "gaussian": X[:, :1] + rng.normal(size=(n, 1)),
        "poisson": rng.poisson(2.0, size=(n, 1)).astype(float),
        "gamma": rng.gamma(2.0, size=(n, 1)),
        "binomial": rng.integers(0, 2, size=(n, 1)).astype(float),
        "multinomial": np.eye(3)[rng.integers(0, 3, size=n)][:, 1:],
    }[family.name]
    offset = 0.1 * rng.normal(size=(n, 1))
    rows = Rows(X, y, weights=rng.integers(0, 3, size=n).astype(float), offset=offset)
    predictor = Network(3, hidden, q) if hidden else Linear(3, q)
    return Objective(family, predictor, rows, Ridge(1.0), np.full(predictor.size, 0.3))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("hidden", [(), (Hidden(4), Hidden(2))], ids=["linear", "network"])
def test_batch_agrees_with_each_objective(name, hidden):
    objective = problem(FAMILIES[name], hidden)
    rng = np.random.default_rng(1)
    theta = 0.3 * rng.normal(size=(5, objective.size))
    weights = rng.integers(0, 3, size=(5, 60)).astype(float)
    y = np.stack([problem(FAMILIES[name], hidden, seed=k).rows.y for k in range(5)])
    loss, gradient = Batch(objective, weights, y).value_and_gradient(theta)
    for k in range(5):
        rows = Rows(objective.rows.X, y[k], weights[k], objective.rows.offset)
        one = Objective(
            objective.family, objective.predictor, rows, objective.penalty, objective.penalised
        )
        expected = one.value_and_gradient(theta[k])
        assert loss[k] == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(gradient[k], expected[1], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("hidden", [(Hidden(3),), (Hidden(4), Hidden(2))], ids=["one", "two"])
def test_rows_of_their_own(name, hidden):
    """X, responses, weights and offsets of each network: value, slope, both curvatures, batches."""
    each = [problem(FAMILIES[name], hidden, seed=k) for k in range(4)]
    own = {
        part: np.stack([getattr(one.rows, part) for one in each])
        for part in ("X", "y", "weights", "offset")
    }
    batch = Batch(each[0], **own)
    theta = 0.3 * np.random.default_rng(1).normal(size=(4, batch.size))
    loss, gradient = batch.value_and_gradient(theta)
    for expected in (False, True):
        stack = batch.curvature(theta, expected=expected)
        alone = [one.curvature(at, expected=expected) for one, at in zip(each, theta, strict=True)]
        np.testing.assert_allclose(stack, alone, rtol=1e-10, atol=1e-10)
    positions = np.array([[4, 7, 0], [1, 2, 3], [9, 9, 5], [0, 1, 2]])
    steps = batch.mean_gradient(theta, positions)
    for k, one in enumerate(each):
        value, slope = one.value_and_gradient(theta[k])
        assert loss[k] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(gradient[k], slope, rtol=1e-10, atol=1e-12)
        part = one.batch(positions[k])
        mean = part.value_and_gradient(theta[k])[1] / part.total_weight()
        np.testing.assert_allclose(steps[k], mean, rtol=1e-10, atol=1e-12)
        assert batch.take(np.array([k])).value(theta[k : k + 1])[0] == pytest.approx(value)


def test_blocks_change_nothing(monkeypatch):
    objective = problem(Gaussian(), (Hidden(4),), n=3000)
    theta = 0.3 * np.random.default_rng(1).normal(size=(4, objective.size))
    whole = Batch(objective).value_and_gradient(theta)
    monkeypatch.setattr("statdl.backend.array.CACHE_BYTES", 1)
    cut = Batch(objective).value_and_gradient(theta)
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11)


@pytest.mark.parametrize("refresh", [0, 15])
def test_every_problem_reaches_its_own_minimum(refresh):
    objective = problem(Poisson())
    rng = np.random.default_rng(2)
    weights = rng.integers(0, 3, size=(7, 60)).astype(float)
    batch = Batch(objective, weights)
    found = Together(tolerance=1e-7, refresh=refresh).minimise(batch, np.zeros((7, objective.size)))
    assert all(found.converged)
    _, gradient = batch.value_and_gradient(found.parameters)
    assert np.abs(gradient).max() < 1e-5


def test_a_problem_without_a_finite_start_does_not_hold_up_the_others():
    objective = problem(Gaussian())
    start = np.zeros((3, objective.size))
    start[1, 0] = np.nan
    found = Together(tolerance=1e-6).minimise(Batch(objective), start)
    assert found.converged == (True, False, True)
    np.testing.assert_allclose(found.parameters[0], found.parameters[2])


@pytest.mark.parametrize("solver", [sd.TrustRegion(), sd.LBFGS(preconditioned=False)], ids=repr)
def test_steps_of_a_solver_are_taken_on_each_problem(solver):
    """After as many steps as one problem takes, all are where it was."""
    objective = problem(FAMILIES["binomial"], (Hidden(3),))
    starts = 0.5 * np.random.default_rng(2).normal(size=(3, objective.size))
    kind = DampedTogether if isinstance(solver, sd.TrustRegion) else Together
    found = kind.each(solver).minimise(Batch(objective), starts)
    for k in range(3):
        alone = minimise(objective, solver, starts[k])
        assert found.loss[k] == pytest.approx(alone.loss, rel=1e-12)
        np.testing.assert_allclose(found.parameters[k], alone.parameters, atol=1e-6)


@pytest.mark.parametrize("size", [3, 40])
def test_stacks_are_factorised_and_failures_are_values(size):
    rng = np.random.default_rng(0)
    stack = rng.normal(size=(5, size, 2 * size))
    stack = stack @ np.swapaxes(stack, 1, 2)
    stack[1] -= 3 * size * np.eye(size)  # indefinite
    stack[2, 0, 0] = np.nan
    stack[3, :, 1] = stack[3, 1, :] = 2 * stack[3, 0]  # dependent
    stack[3, 1, 1] = 4 * stack[3, 0, 0]
    b = rng.normal(size=(5, size))
    factors = factorise_each(stack)
    assert (factors.pivot > 0).tolist() == [True, False, False, False, True]
    found = factors.solve(b)
    for k in (0, 4):
        np.testing.assert_allclose(found[k], np.linalg.solve(stack[k], b[k]), rtol=1e-8)


def test_iterations_end_at_the_limit():
    objective = problem(Multinomial(3), (Hidden(4),))
    start = np.random.default_rng(0).normal(size=(3, objective.size))
    found = Together(tolerance=1e-9, max_iterations=3).minimise(Batch(objective), start)
    assert found.iterations == 3
    assert not any(found.converged)


def test_restarts_keep_the_best_and_report_the_spread():
    cars = sd.datasets.load("mtcars")
    one = sd.mlp("mpg ~ wt + hp", data=cars, hidden=3, decay=0.05, seed=3)
    many = sd.mlp("mpg ~ wt + hp", data=cars, hidden=3, decay=0.05, seed=3, restarts=12)
    assert len(many.restarts) == 12
    assert min(many.restarts) == many.estimate.loss
    assert many.estimate.loss <= one.estimate.loss + 1e-6
    assert many.converged


def test_restarts_repeat_with_their_seed():
    cars = sd.datasets.load("mtcars")
    fits = [
        sd.mlp("mpg ~ wt", data=cars, hidden=3, decay=0.05, seed=8, restarts=5) for _ in range(2)
    ]
    assert fits[0].restarts == fits[1].restarts


def test_held_weights_stay_held_in_every_start():
    cars = sd.datasets.load("mtcars")
    net = sd.mlp(
        "mpg ~ wt", data=cars, hidden=2, decay=0.05, restarts=4, fixed={"bias -> mpg": 20.0}
    )
    values = dict(
        zip(net.estimate.specification.coefficient_names, net.estimate.all_parameters, strict=True)
    )
    assert values["bias -> mpg"] == 20.0
    assert len(net.restarts) == 4


@pytest.mark.parametrize("hidden", [(), (Hidden(3),)], ids=["linear", "network"])
def test_arrays_of_another_library(hidden):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    objective = problem(Poisson(), hidden)
    start = 0.1 * np.random.default_rng(0).normal(size=(3, objective.size))
    options = {"tolerance": 1e-6, "max_iterations": 40, "refresh": 0 if hidden else 20}
    expected = Together(**options).minimise(Batch(objective), start)

    def there(values):
        return strict.asarray(np.ascontiguousarray(values), device=device)

    rows = objective.rows
    moved = Objective(
        objective.family,
        objective.predictor,
        Rows(there(rows.X), there(rows.y), there(rows.weights), there(rows.offset)),
        objective.penalty,
        there(objective.penalised),
    )
    found = Together(**options).minimise(Batch(moved), there(start))
    assert found.parameters.device == device
    np.testing.assert_allclose(to_numpy(found.loss), expected.loss, rtol=1e-5)
