"""Many fits at once are the fits one after the other, wherever the data are."""

import numpy as np
import pytest

import statdl as sd
from statdl.api.network import network_specification
from statdl.backend.array import to_numpy
from statdl.estimate import estimate, starting_values
from statdl.study.networks import at_once
from statdl.study.parts import fits_to_parts
from tests.namespace.models import MODELS, NUMPY, assert_same, case, fit, model

#: Fits of each model.
B = 4


def drawn_weights(n):
    return np.random.default_rng(3).integers(0, 4, size=(B, n)).astype(float)


def one_by_one(name, **changes):
    """The parameters of single fits on NumPy, each with its own part of the changes."""
    exact = {} if name == "lm" else {"method": sd.Newton(tolerance=1e-11)}
    fits = [
        fit(NUMPY, **MODELS[name], **exact, **{what: values[b] for what, values in changes.items()})
        for b in range(B)
    ]
    return np.stack([one.estimate.parameters for one in fits])


@pytest.mark.parametrize("name", MODELS)
def test_weights(place, name):
    weights = drawn_weights(len(case(**MODELS[name]).y))
    many = sd.fit_many(model(name, place), weights=weights)
    assert many.failures == {}
    assert_same(many.estimates, one_by_one(name, weights=weights))


@pytest.mark.parametrize("name", MODELS)
def test_responses(place, name):
    base = model(name, NUMPY)
    y = sd.simulate(base, B, seed=4).to_numpy().T if name != "multinom" else drawn_classes()
    many = sd.fit_many(model(name, place), y=y)
    assert many.failures == {}
    assert_same(many.estimates, one_by_one(name, y=list(y)))


def drawn_classes():
    return np.random.default_rng(5).integers(0, 3, size=(B, 80))


@pytest.mark.parametrize("name", MODELS)
def test_penalties(place, name):
    strengths = [0.1, 1.0, 10.0, 100.0]
    many = sd.fit_many(model(name, place), penalty=strengths)
    assert many.failures == {}
    assert_same(many.estimates, one_by_one(name, penalty=strengths))


@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial"])
def test_networks(place, family):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.digitize(X[:, 0] + 0.5 * rng.normal(size=60), [-0.5, 0.5]).astype(float)
    if family == "binomial":
        y = (y > 0).astype(float)
    y = y.astype(int) if family == "multinomial" else y
    options = {
        "family": family,
        "hidden": 1 if family == "binomial" else 2,
        "decay": 0.3,
        "scaling": "none",
        "method": "newton",
    }
    net = sd.mlp(X=place(X), y=place(y), **options)
    weights = drawn_weights(60) + 0.5
    many = sd.fit_many(net, weights=weights)
    assert many.failures == {}
    here = sd.mlp(X=X, y=y, **options)
    one_at_a_time = [sd.fit_many(here, weights=own[None, :]).estimates[0] for own in weights]
    assert_same(many.estimates, np.stack(one_at_a_time))
    options["method"] = sd.TrustRegion(tolerance=1e-11)
    singly = [sd.mlp(X=X, y=y, weights=own, start=here, **options) for own in weights]
    assert_same(many.predict(), np.stack([to_numpy(one.fitted()) for one in singly]))


@pytest.mark.parametrize("rule", [sd.Adam(0.02), sd.Momentum(0.05)], ids=repr)
@pytest.mark.parametrize("clip", [None, 0.2])
def test_trained_networks(place, rule, clip):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = rng.integers(0, 3, size=60)
    options = {
        "family": "multinomial", "hidden": 3, "decay": 0.3, "scaling": "none", "seed": 1,
        "method": sd.GradientDescent(rule, batch=16, epochs=5, clip=clip, seed=7),
    }  # fmt: skip
    net = sd.mlp(X=place(X), y=place(y), **options)
    weights = drawn_weights(60) + 0.5
    many = sd.fit_many(net, weights=weights)
    names = net.estimate.specification.coefficient_names
    start = dict(zip(names, starting_values(net.estimate.specification)[0], strict=True))
    singly = [sd.mlp(X=X, y=y, weights=own, start=start, **options) for own in weights]
    assert_same(many.predict(), np.stack([to_numpy(one.fitted()) for one in singly]))


def test_trained_networks_have_the_unit_of_the_fit_s_response():
    """Resampled responses that have its mean and spread are trained as the response itself."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), 200 + 30 * rng.normal(size=60)
    method = sd.GradientDescent(sd.Adam(0.02), batch=16, epochs=5, seed=7)
    options = {"hidden": 3, "decay": 0.3, "method": method, "fixed": {"x1 -> h1": 0.5}}
    orders = np.stack([y, y[::-1], np.roll(y, 7)])
    many = sd.fit_many(sd.mlp(X=X, y=y, **options), y=orders)
    singly = [sd.mlp(X=X, y=own, **options) for own in orders]
    assert_same(many.predict(), np.stack([to_numpy(one.fitted()) for one in singly]))


def networks_of(at, family, weighted, **options):
    """What mlp fits to each of three parts of 60 rows with each of two decays, at a place."""
    rng = np.random.default_rng(0)
    X, places = 3 + rng.normal(size=(60, 2)), np.arange(60)
    signal = X[:, 0] - 3 + 0.5 * rng.normal(size=60)
    y = {
        "gaussian": 100 + 20 * signal,
        "binomial": (signal > 0).astype(float),
        "multinomial": np.digitize(signal, [-0.5, 0.5]),
        "poisson": np.floor(np.exp(np.abs(signal))),
    }[family]
    rows = {"X": at(X), "y": at(y)}
    if weighted:
        rows |= {"weights": at(rng.uniform(0.5, 2, size=60)), "offset": at(X[:, 1] / 20)}
    rows["offset"] = rows.get("offset") if family != "multinomial" else None
    known = {"family": family, "hidden": 2, "method": sd.TrustRegion(tolerance=1e-11), **options}
    net = sd.mlp(**rows, **known, decay=1.0)
    return [
        network_specification(
            {**net.call.arguments, "subset": (places % 3 != k) | (places == 59), "decay": decay}
        )
        for k in range(3)
        for decay in (1.0, 3.0)
    ]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial", "poisson"])
def test_networks_of_folds_and_decays(place, family, weighted):
    """Each has the rows, the scaling and the start of a fit by itself."""
    there, here = (networks_of(at, family, weighted, skip=weighted) for at in (place, NUMPY))
    for one, alone in zip(at_once(there), map(estimate, here), strict=True):
        assert_same(one.eta, alone.eta)
        assert place.holds(one.eta)


@pytest.mark.parametrize("restarts", [1, 2])
def test_networks_that_are_trained_at_rates_of_their_own(place, restarts):
    methods = [sd.GradientDescent(sd.Adam(rate), batch=16, epochs=4) for rate in (0.01, 0.05)]
    there, here = (
        [
            one
            for method in methods
            for seed in (0, 3)
            for one in networks_of(
                at, "multinomial", False, method=method, seed=seed, restarts=restarts
            )
        ]
        for at in (place, NUMPY)
    )
    for one, alone in zip(at_once(there), map(estimate, here), strict=True):
        assert_same(one.eta, alone.eta)


@pytest.mark.parametrize("name", MODELS)
def test_parts(place, name):
    """Fits to parts of the rows are those of the rows alone."""
    rows, parts = case(**MODELS[name]), [np.arange(60), np.arange(20, 80), np.arange(0, 80, 2)]
    found = np.stack(fits_to_parts(model(name, place).estimate, parts))
    exact = {} if name == "lm" else {"method": sd.Newton(tolerance=1e-11)}
    for theta, part in zip(found, parts, strict=True):
        data = {
            what: None if values is None else values[part]
            for what in ("X", "y", "weights", "offset")
            for values in [getattr(rows, what)]
        }
        assert_same(theta, fit(NUMPY, **MODELS[name], **exact, **data).estimate.parameters)


@pytest.mark.parametrize("alpha", [1.0, 0.0])
@pytest.mark.parametrize("shape", [(80, 3), (20, 30)])
def test_paths_without_some_rows(place, alpha, shape):
    rng = np.random.default_rng(1)
    X = rng.normal(size=shape)
    y = X[:, 0] + rng.normal(size=shape[0])
    options = {"folds": 4, "n_lambda": 10, "alpha": alpha, "progress": False, "tolerance": 1e-11}
    there, here = (sd.cv_path(X=at(X), y=at(y), **options).validation for at in (place, NUMPY))
    assert_same(there.by_fold, here.by_fold, 1e-9)


@pytest.mark.parametrize("name", ["lm", "logit", "multinom"])
def test_resamples_are_the_same_everywhere(place, name):
    there, here = (sd.bootstrap(model(name, at), 20, seed=2) for at in (place, NUMPY))
    assert there.reasons == here.reasons
    assert_same(there.estimates[there.converged], here.estimates[here.converged])


def test_where_the_rows_stay(place):
    from statdl.study.many import batch_of
    from statdl.study.views import Views

    estimate = model("logit", place).estimate
    batch = batch_of(estimate, Views(weights=drawn_weights(80)))
    gradient, curvature = batch.gradient_and_curvature(
        place(np.stack([to_numpy(estimate.parameters)] * B))
    )
    assert all(map(place.holds, (batch.weights, gradient, curvature)))
