"""Training by gradient descent: the fast path against the plain one, runs that stop and go on."""

import json
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import statdl as sd
from statdl.backend.rows import Rows
from statdl.model.activation import ACTIVATIONS
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gaussian, Poisson
from statdl.model.layer import Hidden
from statdl.model.learner import KernelLearner, Learner
from statdl.model.lesson import Lesson
from statdl.model.network import Network
from statdl.model.penalty import Ridge
from statdl.solve.iterate import Outcome, minimise
from statdl.solve.mover import FusedMover, Mover, mover_of
from statdl.solve.rule import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSProp
from statdl.solve.training import Training

RULES = [
    SGD(0.05),
    Momentum(0.02),
    Momentum(0.02, dampened=True),
    Nesterov(0.02),
    AdaGrad(0.05),
    RMSProp(0.01),
    Adam(0.01),
    Adam(0.01, corrected=False),
    AdamW(0.01, weight_decay=0.1),
]
FAMILIES = {
    "gaussian": Gaussian(),
    "binomial": Binomial(),
    "multinomial": Multinomial(3),
    "poisson": Poisson(),
}


def draw(family="multinomial", n=53, p=4, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, p))
    if family == "gaussian":
        return X, random.normal(size=(n, 1))
    if family == "binomial":
        return X, random.integers(0, 2, (n, 1)).astype(float)
    if family == "poisson":
        return X, random.poisson(2.0, (n, 1)).astype(float)
    codes = random.integers(0, 3, n)
    return X, (codes[:, None] == np.arange(1, 3)).astype(float)


def lesson(activation="tanh", family="multinomial", *, units=(5, 3), hidden=None, **options):
    X, y = draw(family)
    network = {name: options.pop(name) for name in ("skip", "intercept") if name in options}
    rows = {name: options.pop(name) for name in ("weights", "offset") if name in options}
    make = ACTIVATIONS[activation]
    layers = tuple(Hidden(count, make(), **(hidden or {})) for count in units)
    net = Network(X.shape[1], layers, y.shape[1], **network)
    for name in ("penalised", "lasso"):
        if name in options:
            options[name] = np.linspace(0.0, options[name], net.size)
    return Lesson(FAMILIES[family], net, Rows(X, y, **rows), Ridge(1.0), **options)


def walk(one, rule, batch=10, epochs=3):
    """The weights after each of the epochs, by the fast path or the plain one."""
    descent = sd.GradientDescent(rule, batch=batch, epochs=epochs, seed=3)
    start = one.network.initial(np.random.default_rng(1))
    return minimise(one, Training(descent), start)


def both(one, rule, **options):
    assert isinstance(one.learner(10), KernelLearner)
    plain = replace(one, fast=False)
    assert type(plain.learner(10)) is Learner
    return walk(one, rule, **options), walk(plain, rule, **options)


# the kernel and the plain path -------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_kernel_and_plain_path_agree_epoch_by_epoch(activation, rule):
    fast, plain = both(lesson(activation), rule)
    assert_allclose(fast.parameters, plain.parameters, rtol=1e-9, atol=1e-10)
    assert_allclose(fast.trace.loss[1:], plain.trace.loss[1:], rtol=1e-10)
    assert_allclose(fast.loss, plain.loss, rtol=1e-10)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_kernel_and_plain_path_agree_step_by_step(activation, family):
    one = lesson(activation, family)
    fast, plain = one.learner(10), replace(one, fast=False).learner(10)
    parameters = one.network.initial(np.random.default_rng(2))
    order = np.random.default_rng(4).permutation(one.n)
    for learner in (fast, plain):
        learner.begin(parameters, order, (0, 0))
    for first in range(0, one.n, 10):
        stop = min(first + 10, one.n)
        expected = plain.gradient(first, stop)
        assert_allclose(fast.gradient(first, stop), expected, rtol=1e-11, atol=1e-13)
        parameters -= 0.01 * expected
    assert_allclose(list(fast.seen().values()), list(plain.seen().values()), rtol=1e-12)


OPTIONS = {
    "dropout": {"hidden": {"dropout": 0.4}},
    "noise": {"noise": 0.3},
    "skip": {"skip": True},
    "no biases": {"intercept": False},
    "no biases, skip, dropout": {"intercept": False, "skip": True, "hidden": {"dropout": 0.2}},
    "weights": {"weights": np.linspace(0.0, 3.0, 53)},
    "offset": {"offset": np.linspace(-1.0, 1.0, 53)[:, None]},
    "decay": {"penalised": 1.0},
    "lasso": {"lasso": 1.0},
    "one layer": {"units": (4,)},
    "weight normalisation": {"hidden": {"normalisation": "weight"}, "penalised": 1.0},
    "three layers": {"units": (4, 3, 2), "hidden": {"dropout": 0.1}},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "maxout", "softmax"])
def test_kernel_serves_every_kind_of_training(activation, options):
    fast, plain = both(lesson(activation, **options), Adam(0.02))
    assert_allclose(fast.parameters, plain.parameters, rtol=1e-9, atol=1e-11)


def test_kernel_keeps_single_precision():
    one = lesson("relu")
    X, y = one.rows.X.astype(np.float32), one.rows.y.astype(np.float32)
    one = replace(one, rows=Rows(X, y))
    learner = one.learner(10)
    start = one.network.initial(np.random.default_rng(1)).astype(np.float32)
    learner.begin(start, np.arange(one.n), (0, 0))
    assert learner.gradient(0, 10).dtype == np.float32


def test_large_log_odds_do_not_overflow():
    one = lesson("relu", units=(5,))
    fast, plain = one.learner(10), replace(one, fast=False).learner(10)
    parameters = 300.0 * one.network.initial(np.random.default_rng(2))
    for learner in (fast, plain):
        learner.begin(parameters, np.arange(one.n), (0, 0))
    with np.errstate(over="ignore", invalid="ignore"):
        found = fast.gradient(0, 10)
    assert np.isfinite(found).all()
    assert_allclose(found, plain.gradient(0, 10), rtol=1e-10)


def test_what_the_kernel_does_not_know_goes_the_plain_way():
    assert type(lesson(hidden={"normalisation": "batch"}).learner(10)) is Learner
    assert type(lesson(hidden={"normalisation": "layer"}).learner(10)) is Learner


@pytest.mark.parametrize("size", [7, 40_000])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_rules_in_place_are_the_rules(rule, size):
    random = np.random.default_rng(0)
    w, decayed = random.normal(size=size), (random.random(size) > 0.3).astype(float)
    mover, v = mover_of(rule, rule.begin(w), decayed), w.copy()
    plain = Mover(rule, rule.begin(w), decayed)
    assert isinstance(mover, FusedMover)
    for iteration in range(1, 6):
        gradient = random.normal(size=size)
        plain.move(w, gradient.copy(), 0.1, iteration)
        mover.move(v, gradient, 0.1, iteration)
        assert_allclose(v, w, rtol=1e-12, atol=1e-14)
    for mine, theirs in zip(mover.memory, plain.memory, strict=True):
        assert_allclose(mine, theirs, rtol=1e-12)


def test_one_epoch_on_all_rows_is_a_step_by_hand():
    one = lesson("tanh", "gaussian")
    start = one.network.initial(np.random.default_rng(1))
    _, gradient = one.value_and_gradient(start)
    found = walk(one, SGD(0.3), batch=one.n, epochs=1).parameters
    assert_allclose(found, start - 0.3 * gradient / one.n, rtol=1e-12, atol=1e-15)


# the front door ----------------------------------------------------------------------------------


def classes(n=160, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    eta = np.column_stack([np.zeros(n), 2 * X[:, 0], X[:, 1] ** 2])
    return X, np.argmax(eta + random.gumbel(size=eta.shape), axis=1)


def train(X=None, y=None, *, epochs=12, rule=None, batch=16, clip=None, **options):
    if X is None:
        X, y = classes()
    method = options.pop("method", None) or sd.GradientDescent(
        rule or sd.Adam(0.01), batch=batch, epochs=epochs, clip=clip
    )
    options = {"family": "multinomial", "hidden": (6,), "activation": "relu", **options}
    return sd.mlp(X=X, y=y, method=method, **options)


def weights(fit):
    return fit.estimate.parameters


def test_history_has_a_row_an_epoch():
    history = train(validation=0.25, hidden=(6, 4)).history
    assert list(history["epoch"]) == list(range(1, 13))
    assert list(history.columns) == [
        "epoch",
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
        "learning_rate",
        "gradient_hidden1",
        "gradient_hidden2",
        "gradient_output",
    ]
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert np.isfinite(history.to_numpy()).all()


def test_history_of_newton_is_its_trace():
    X, y = classes()
    net = sd.mlp(X=X, y=y, family="multinomial", hidden=2, decay=0.5)
    assert len(net.history) == net.convergence.iterations + 1


def test_metrics_by_name():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 2))
    fit = train(X, X[:, 0], family="gaussian", metrics=("mse", "mae"), validation=0.25)
    history = fit.history
    assert_allclose(history["mse"], 2 * history["loss"])
    assert {"mae", "validation_mse", "validation_mae"} <= set(history.columns)


def test_a_seed_repeats_training():
    options = {"hidden": (6,), "noise": 0.1, "dropout": 0.2, "validation": 0.2}
    assert_array_equal(weights(train(seed=5, **options)), weights(train(seed=5, **options)))
    assert np.any(weights(train(seed=5, **options)) != weights(train(seed=6, **options)))


def test_validation_rows_are_the_ones_not_learned_from():
    X, y = classes()
    fit = train(X, y, validation=0.25)
    frame = fit.estimate.frame
    assert frame.X.shape[0] == 160 - len(set(range(160)) - set(frame.rows))
    held = np.setdiff1d(np.arange(160), frame.rows)
    share = np.bincount(y[held], minlength=3) / np.bincount(y, minlength=3)
    assert_allclose(share, 0.25, atol=0.03)
    probability = np.asarray(fit.predict(X[held], type="response"))
    loss = -np.log(probability[np.arange(len(held)), y[held]]).mean()
    assert_allclose(fit.history["validation_loss"].iloc[-1], loss, rtol=1e-10)


def test_validation_data_of_their_own():
    X, y = classes()
    shared = train(X, y, validation=0.25)
    rows = shared.estimate.frame.rows
    held = np.setdiff1d(np.arange(160), rows)
    own = train(X[rows], y[rows], validation=(X[held], y[held]))
    assert_array_equal(weights(own), weights(shared))
    assert_allclose(own.history["validation_loss"], shared.history["validation_loss"])


def test_validation_frame_of_a_formula():
    iris = sd.datasets.load("mtcars")
    method = sd.GradientDescent(sd.Adam(0.01), batch=8, epochs=5)
    net = sd.mlp("mpg ~ wt + factor(cyl)", data=iris, method=method, validation=iris)
    plain = sd.mlp("mpg ~ wt + factor(cyl)", data=iris, method=method)
    assert_array_equal(weights(net), weights(plain))
    error = iris["mpg"].to_numpy() - np.asarray(net.predict(iris))
    assert_allclose(net.history["validation_loss"].iloc[-1], 0.5 * np.mean(error**2))


def test_validation_loss_is_of_named_weights_and_offsets():
    random = np.random.default_rng(0)
    rows = {"x": random.normal(size=90), "w": random.integers(1, 4, 90), "e": random.random(90)}
    rows["y"] = random.poisson(np.exp(rows["e"] + 0.3 * rows["x"]))
    first, last = (
        {name: v[part] for name, v in rows.items()} for part in (slice(60), slice(60, 90))
    )
    method = sd.GradientDescent(sd.Adam(0.01), batch=20, epochs=5)
    options = {"family": "poisson", "hidden": 3, "method": method, "validation": last}
    net = sd.mlp("y ~ x", first, weights="w", offset="e", **options)
    mean = np.asarray(net.predict(last))
    losses = mean - last["y"] * np.log(mean)
    found = net.history["validation_loss"].iloc[-1]
    constant = found - np.average(losses, weights=last["w"])  # log y!, where the loss has it
    whole = [math.lgamma(value + 1) for value in last["y"]]
    assert min(abs(constant), abs(constant - np.average(whole, weights=last["w"]))) < 1e-10
    for name in ("weights", "offset"):
        with pytest.raises(sd.DataError, match=f"{name}= is an array for the rows of the fit"):
            sd.mlp("y ~ x", first, **{name: first["w"]}, **options)


def test_validation_counts_weigh_by_their_trials():
    random = np.random.default_rng(0)
    rows = {"x": random.normal(size=40), "a": random.integers(1, 9, 40)}
    rows["b"] = random.integers(1, 9, 40)
    method = sd.GradientDescent(sd.Adam(0.01), batch=20, epochs=3)
    net = sd.mlp("cbind(a, b) ~ x", rows, hidden=2, method=method, validation=rows)
    p, a, b = np.asarray(net.predict(rows)), rows["a"], rows["b"]
    loss = -(a * np.log(p) + b * np.log(1 - p)).sum() / (a + b).sum()
    assert_allclose(net.history["validation_loss"].iloc[-1], loss, rtol=1e-10)


def test_early_stopping_restores_the_best_weights():
    options = {"validation": 0.3, "rule": sd.Adam(0.05), "hidden": (30,)}
    fit = train(early_stopping=5, epochs=300, **options)
    history = fit.history
    best = int(history["validation_loss"].idxmin()) + 1
    assert fit.convergence.outcome is Outcome.EARLY
    assert len(history) == best + 5
    assert_array_equal(weights(fit), weights(train(epochs=best, **options)))
    assert str(best) in fit.convergence.notes[0]


def test_batch_normalisation_predicts_with_running_moments():
    X, y = classes()
    fit = train(X, y, normalisation="batch", epochs=40, validation=(X, y))
    probability = np.asarray(fit.predict(X, type="response"))
    loss = -np.log(probability[np.arange(len(y)), y]).mean()
    assert_allclose(fit.history["validation_loss"].iloc[-1], loss, rtol=1e-10)
    one_by_one = np.vstack([np.asarray(fit.predict(X[i : i + 1], type="response")) for i in (0, 9)])
    assert_allclose(one_by_one, probability[[0, 9]], rtol=1e-12)
    assert loss < 1.0


def test_l1_makes_weights_exactly_zero_where_the_slope_is_small():
    """At the minimum |∂(−log L)/∂w| = λ where w ≠ 0, and at most λ where w = 0."""
    X, y = classes()
    fit = train(X, y, l1=4.0, rule=sd.SGD(0.2), batch=160, epochs=4000, activation="tanh")
    objective, w = fit.estimate.objective, weights(fit)
    _, slope = objective.value_and_gradient(w)
    penalised = fit.estimate.specification.practice.lasso > 0
    zero = (w == 0) & penalised
    assert zero.sum() > 3
    assert np.all(np.abs(slope[zero]) <= 4.0 + 1e-3)
    assert_allclose(slope[penalised & ~zero], -4.0 * np.sign(w[penalised & ~zero]), atol=2e-2)
    assert_allclose(slope[~penalised], 0.0, atol=2e-2)


@pytest.mark.parametrize("rule", [SGD(0.05), Momentum(0.01), Nesterov(0.01), Adam(0.01)], ids=repr)
def test_every_rule_makes_the_same_weights_zero(rule):
    """A convex case: softmax regression with an L1 penalty."""
    X, y = classes()
    fit = train(X, y, hidden=(), l1=8.0, rule=rule, batch=160, epochs=3000)
    _, slope = fit.estimate.objective.value_and_gradient(weights(fit))
    penalised = fit.estimate.specification.practice.lasso > 0
    zero = (weights(fit) == 0) & penalised
    assert zero.any()
    assert np.all(np.abs(slope[zero]) <= 8.0 + 1e-6)
    used = penalised & ~zero
    assert_allclose(slope[used], -8.0 * np.sign(weights(fit)[used]), atol=0.05)


def test_clipping_shortens_every_gradient():
    free, clipped = train(epochs=1, rule=sd.SGD(0.1)), train(epochs=1, rule=sd.SGD(0.1), clip=1e-6)
    start = train(epochs=1, rule=sd.SGD(1e-12))
    moved = np.linalg.norm(weights(clipped) - weights(start))
    assert moved <= 10 * 0.1 * 1e-6 * 1.01 < np.linalg.norm(weights(free) - weights(start))


def test_held_weights_stay_where_they_are():
    fit = train(fixed={"bias -> h*": 0.5}, epochs=3, hidden=(3,))
    held = [name.startswith("bias -> h") for name in fit.estimate.specification.coefficient_names]
    assert_array_equal(np.asarray(fit.estimate.all_parameters)[held], 0.5)


# runs that stop, and go on -----------------------------------------------------------------------

RESUMED = {
    "plain": {},
    "dropout and noise": {"dropout": 0.3, "noise": 0.1},
    "batch normalisation": {"normalisation": "batch"},
    "early stopping": {"validation": 0.25, "early_stopping": 4, "rule": sd.Adam(0.05)},
    "momentum": {"rule": sd.Momentum(0.05)},
}


@pytest.mark.parametrize("options", RESUMED.values(), ids=RESUMED)
def test_a_resumed_run_ends_like_an_unbroken_one(tmp_path, options):
    path = tmp_path / "run.npz"
    whole = train(epochs=20, **options)
    train(epochs=8, checkpoint=sd.Checkpoint(path, every=3), **options)
    resumed = train(epochs=20, resume=path, **options)
    assert_array_equal(weights(resumed), weights(whole))
    assert resumed.history.equals(whole.history)


def test_a_checkpoint_is_arrays_and_json(tmp_path):
    path = tmp_path / "run.npz"
    train(epochs=3, checkpoint=path)
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(file["facts.json"].tobytes())
        assert file["parameters"].shape == (3 * 6 + 6 + 2 * 7,)
    assert facts["epoch"] == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    path = tmp_path / "run.npz"
    done = train(epochs=5, checkpoint=path)
    assert_array_equal(weights(train(epochs=5, checkpoint=path, resume=True)), weights(done))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hidden": (7,)}, "architecture"),
        ({"activation": "tanh"}, "architecture"),
        ({"batch": 8}, "batch"),
        ({"rule": sd.SGD(0.1)}, "rule"),
        ({"seed": 1}, "seed"),
        ({"dtype": "float32"}, "precision"),
    ],
)
def test_another_run_cannot_be_resumed(tmp_path, change, named):
    path = tmp_path / "run.npz"
    train(epochs=2, checkpoint=path)
    with pytest.raises(sd.ModelError, match=f"its {named} is"):
        train(epochs=4, resume=path, **change)


@pytest.mark.parametrize("part", ["X", "y", "decay", "l1", "validation", "fixed"])
def test_other_data_and_penalties_cannot_be_resumed(tmp_path, part):
    path = tmp_path / "run.npz"
    X, y = classes()
    given = {
        "X": X,
        "y": y,
        "decay": 0.1,
        "l1": 0.1,
        "validation": (X[:9], y[:9]),
        "fixed": {"bias -> h1": 0.0},
    }
    other = {
        "X": X + 0.1 * X**2,
        "y": np.roll(y, 1),
        "decay": (0.1, 0.2),
        "l1": (0.2, 0.1),
        "validation": (X[9:18], y[9:18]),
        "fixed": {"bias -> h1": 1.0},
    }
    train(epochs=2, checkpoint=path, **given)
    with pytest.raises(sd.ModelError, match="cannot be resumed here"):
        train(epochs=4, resume=path, **{**given, part: other[part]})
    assert len(train(epochs=4, resume=path, **given).history) == 4


def test_fewer_epochs_than_were_saved_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    train(epochs=6, checkpoint=path)
    with pytest.raises(sd.ModelError, match="saved after 6 epochs, more than epochs=3"):
        train(epochs=3, resume=path)


def test_files_that_are_no_checkpoint(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(sd.DataError, match="no file"):
        train(resume=path)
    path.write_bytes(b"nonsense")
    with pytest.raises(sd.DataError, match="not a checkpoint"):
        train(resume=path)
    train(epochs=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(sd.DataError, match="damaged"):
        train(resume=path)
    with pytest.raises(sd.DataError, match="no folder"):
        sd.Checkpoint(tmp_path / "nowhere" / "run.npz")
    with pytest.raises(sd.ModelError, match="every"):
        sd.Checkpoint(path, every=0)
    with pytest.raises(sd.ModelError, match="checkpoint="):
        train(resume=True)


def test_an_interrupt_returns_the_model_so_far(monkeypatch):
    calls = []
    original = KernelLearner.seen

    def seen(self):
        calls.append(0)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(KernelLearner, "seen", seen)
    with pytest.warns(sd.ConvergenceWarning, match="Interrupted"):
        fit = train(epochs=50)
    assert fit.convergence.outcome is Outcome.INTERRUPTED
    assert not fit.converged
    assert len(fit.history) == 3
    monkeypatch.undo()
    assert_array_equal(weights(fit), weights(train(epochs=3)))


def test_divergence_names_the_epoch_and_keeps_finite_weights():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 2))
    with pytest.warns(sd.ConvergenceWarning, match=r"in epoch \d+.*smaller learning rate"):
        fit = train(X, 1e3 * X[:, 0], family="gaussian", rule=sd.SGD(10.0), epochs=50)
    assert fit.convergence.outcome is Outcome.NON_FINITE
    assert np.isfinite(weights(fit)).all()
    assert len(fit.history) < 50


# what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["newton", "lbfgs", "gauss-newton", "gd"])
@pytest.mark.parametrize(
    "wish",
    [
        {"dropout": 0.5},
        {"noise": 0.1},
        {"normalisation": "batch"},
        {"l1": 0.1},
        {"validation": 0.2},
        {"checkpoint": "run.npz"},
    ],
    ids=str,
)
def test_wishes_that_need_batches_are_refused_by_other_methods(method, wish):
    with pytest.raises(sd.ModelError, match=r"GradientDescent\(sd.Adam"):
        train(method=method, **wish)


def test_wishes_choose_gradient_descent_where_no_method_is_named():
    X, y = classes(40)
    net = sd.mlp(X=X, y=y, family="multinomial", hidden=2, dropout=0.1)
    assert "Adam" in net.convergence.method


REFUSED = {
    "batch": ({"batch": 161}, sd.DataError, "more than the 160 rows"),
    "share of 0": ({"validation": 0.0}, sd.DataError, "above 0 and below 1"),
    "share of 1": ({"validation": 1.0}, sd.DataError, "above 0 and below 1"),
    "stopping without validation": ({"early_stopping": True}, sd.ModelError, "validation="),
    "negative patience": ({"early_stopping": -1}, sd.ModelError, "early_stopping"),
    "dropout of 1": ({"dropout": 1.0}, sd.ModelError, "below 1"),
    "negative dropout": ({"dropout": -0.1}, sd.ModelError, "at least 0"),
    "negative noise": ({"noise": -1.0}, sd.ModelError, "noise"),
    "negative l1": ({"l1": -1.0}, sd.ModelError, "l1 must be 0 or more"),
    "too many l1": ({"l1": (1, 2, 3)}, sd.ModelError, "3 l1s were given for 2"),
    "unknown metric": ({"metrics": ("accurracy",)}, sd.ModelError, "Did you mean 'accuracy'"),
    "foreign metric": ({"metrics": "mse"}, sd.ModelError, "means nothing"),
    "frame for arrays": ({"validation": {"a": [1]}}, sd.DataError, r"\(X, y\)"),
}


@pytest.mark.parametrize(("options", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(options, error, said):
    with pytest.raises(error, match=said):
        train(**options)


@pytest.mark.parametrize("part", ["training", "validation"])
def test_a_share_that_leaves_a_class_out_is_refused(part):
    X, y = classes(60)
    y = np.array(["a", "b", "c"], dtype=object)[y]
    y[3] = "rare"
    share = 0.9 if part == "training" else 0.1
    with pytest.raises(sd.DataError, match=f"class 'rare', which has 1 row, out of the {part}"):
        train(X, y, validation=share)


def test_classes_unknown_to_the_fit_are_refused():
    X, y = classes()
    with pytest.raises(sd.DataError, match="lack: 7"):
        train(X, y, validation=(X, np.where(y == 2, 7, y)))


def test_a_rule_without_a_rate_needs_a_small_network():
    with pytest.raises(sd.ModelError, match="give one"):
        train(rule=sd.SGD(), hidden=(500,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(rule=sd.SGD(), hidden=(2,))


# the lectures' numbers ---------------------------------------------------------------------------


def judged(fit, X, y):
    probability = np.asarray(fit.predict(X, type="response"))
    loss = -np.log(probability[np.arange(len(y)), y]).mean()
    return loss, np.mean(probability.argmax(axis=1) == y)


DIABETES = sd.GradientDescent(sd.Adam(1e-3), batch=32, epochs=1010)
IRIS = sd.GradientDescent(sd.Adam(1e-3), batch=120, epochs=500)


def diabetes():
    """Rows to learn from and rows to test with: X, X_test, y, y_test."""
    X, y = load_diabetes(return_X_y=True)
    return train_test_split(X, (y >= 140).astype(int), test_size=0.4, random_state=42)


def within(values, printed, margin):
    return min(values) - margin < printed < max(values) + margin


@pytest.mark.parametrize("seed", range(3))
def test_diabetes_network_of_the_lectures(seed):
    """10 → 10 → 5 → 2: train loss 0.5132, accuracy 0.7245; test 0.4408, 0.7853."""
    X, X_test, y, y_test = diabetes()
    options = {"hidden": (10, 5), "activation": "sigmoid", "scaling": "none", "seed": seed}
    fit = train(X, y, method=DIABETES, **options)
    assert_allclose(judged(fit, X, y), (0.5132, 0.7245), atol=0.01)
    assert_allclose(judged(fit, X_test, y_test), (0.4408, 0.7853), atol=0.02)


def overfitted(X, y, seed, iterations=200):
    """10-5 logistic units, α = 0.01, standardised inputs, and scikit-learn's 200 iterations."""
    options = {"hidden": (10, 5), "activation": "sigmoid", "family": "binomial", "decay": 0.01}
    method = sd.LBFGS(max_iterations=iterations)
    with pytest.warns(sd.ConvergenceWarning, match="iteration limit"):
        return sd.mlp(X=X, y=y, method=method, seed=seed, **options)


def test_overfitted_diabetes_network_of_the_lectures():
    """Accuracy 0.9962 train, 0.7119 test: an ordinary value over seeds on standardised inputs."""
    X, X_test, y, y_test = diabetes()
    fits = [overfitted(X, y, seed) for seed in range(8)]
    train_hits, test_hits = (
        [np.mean(np.asarray(fit.predict(a, type="class")) == b) for fit in fits]
        for a, b in ((X, y), (X_test, y_test))
    )
    assert within(train_hits, 0.9962, 0.005)
    assert within(test_hits, 0.7119, 0.05)


def test_decay_is_the_penalty_of_scikit_learn():
    """Its loss of its weights is ours: α/2 Σ w² over n, biases left alone, with λ = α."""
    X, _, y, _ = diabetes()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    options = {"activation": "logistic", "solver": "lbfgs", "alpha": 0.01, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MLPClassifier((10, 5), max_iter=50, **options).fit(Z, y)
    tables = zip(theirs.intercepts_, theirs.coefs_, strict=True)
    theta = np.concatenate([np.column_stack([bias, W.T]).ravel() for bias, W in tables])
    objective = overfitted(X, y, 0, iterations=1).estimate.objective
    assert_allclose(objective.value(theta) / len(y), theirs.loss_, rtol=1e-12)


@pytest.mark.parametrize(
    ("activation", "hidden", "printed"),
    [
        ("sigmoid", (8, 4), (0.8528, 0.7083, 0.8874, 0.6000)),
        ("relu", (10, 10), (0.2703, 0.8917, 0.2630, 0.9000)),
    ],
)
def test_iris_networks_of_the_lectures(activation, hidden, printed):
    """Two hidden layers, 500 epochs, 80/20: over splits and seeds the printed values are ordinary.

    Printed are loss and accuracy in training, then in the test rows.
    """
    X, y = load_iris(return_X_y=True)
    options = {"hidden": hidden, "activation": activation, "scaling": "none"}
    found = []
    for seed in range(8):
        mine, other, y_mine, y_other = train_test_split(X, y, test_size=0.2, random_state=seed)
        fit = train(mine, y_mine, method=IRIS, seed=seed, **options)
        found.append((*judged(fit, mine, y_mine), *judged(fit, other, y_other)))
    for values, value in zip(zip(*found, strict=True), printed, strict=True):
        assert within(values, value, 0.05)


BITS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.mark.parametrize(
    ("truth", "one_layer"),
    [([0, 0, 0, 1], True), ([1, 1, 1, 0], True), ([0, 1, 1, 1], True), ([0, 1, 1, 0], False)],
    ids=["and", "nand", "or", "xor"],
)
def test_gates_are_learned_by_one_layer_but_for_exclusive_or(truth, one_layer):
    """Each row ten times, so that two units' weights are no more than the rows."""
    X, y = np.tile(BITS, (10, 1)), np.tile(truth, 10)
    options = {"X": X, "y": y, "family": "binomial", "decay": 1e-3}

    def learned(fit):
        return np.array_equal(fit.predict(BITS, type="class"), truth)

    assert learned(sd.mlp(hidden=(), **options)) is one_layer
    assert learned(sd.mlp(hidden=2, restarts=8, **options))


def test_layers_of_another_fit_are_kept_and_the_rest_refitted():
    """Transfer: the first layer stays to the last digit, and is no longer counted."""
    X, y = classes(400)
    first, other = slice(0, 300), slice(300, None)
    source = sd.mlp(X=X[first], y=y[first], family="multinomial", hidden=(3, 2), decay=0.1)
    kept = {name: value for name, value in source.params.items() if "-> h1." in name}
    options = {"family": "multinomial", "hidden": (3, 2), "decay": 0.1, "start": source}
    fit = sd.mlp(X=X[other], y=y[other], fixed=kept, **options)
    assert fit.converged
    for name, value in kept.items():
        assert fit.params[name] == value
    assert fit.params["h1.1 -> h2.1"] != source.params["h1.1 -> h2.1"]
    assert fit.estimate.degrees_of_freedom <= len(fit.params) - len(kept)
    assert f"{len(fit.params)} ({len(fit.params) - len(kept)} free)" in str(fit.summary())
    free = sd.mlp(X=X[other], y=y[other], **options)
    assert free.estimate.loss < fit.estimate.loss


def test_inputs_are_scaled_inside_the_model():
    """Standardised or put between 0 and 1 by hand and not scaled further, the fit is the same."""
    X, y = classes()
    X = 50 + 10 * X
    by_hand = {
        "standard": (X.mean(axis=0), X.std(axis=0)),
        "minmax": (X.min(axis=0), X.max(axis=0) - X.min(axis=0)),
    }
    for scaling, (centre, spread) in by_hand.items():
        fit = train(X, y, scaling=scaling, validation=(X[:9], y[:9]))
        hand = train(
            (X - centre) / spread,
            y,
            scaling="none",
            validation=((X[:9] - centre) / spread, y[:9]),
        )
        assert_allclose(weights(fit), weights(hand), rtol=1e-6, atol=1e-9)
        assert_allclose(
            fit.predict(X[:5], type="response"),
            hand.predict(((X - centre) / spread)[:5], type="response"),
            rtol=1e-7,
        )
        assert_allclose(fit.history["validation_loss"], hand.history["validation_loss"], rtol=1e-7)
