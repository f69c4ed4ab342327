"""Networks fitted at once are those that are fitted one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.api.network import network_specification
from statdl.backend.array import to_numpy
from statdl.estimate import estimate
from statdl.study import networks, room
from statdl.study.crossvalidation import cross_validated_loss, fold_groups
from statdl.study.many import batch_of
from statdl.study.networks import at_once, estimates_of
from statdl.study.refits import refitted

TIGHT = sd.TrustRegion(tolerance=1e-11)
RNG = np.random.default_rng(11)
N = 90
ADAM = sd.GradientDescent(sd.Adam(0.02), batch=16, epochs=4)


@pytest.fixture(scope="module")
def rows():
    x, z = RNG.normal(size=(2, N))
    eta = np.tanh(x) - 0.5 * z
    return pd.DataFrame(
        {
            "x": 40 + 7 * x,
            "z": z,
            "g": np.array(list("abc"))[np.arange(N) % 3],
            "y": 200 + 30 * (eta + 0.5 * RNG.normal(size=N)),
            "b": (RNG.random(N) < 1 / (1 + np.exp(-eta))).astype(int),
            "c": RNG.poisson(np.exp(0.5 * eta)),
            "k": np.array(list("uvw"))[np.digitize(eta + RNG.normal(size=N), [-0.5, 0.5])],
            "w": RNG.uniform(0.5, 2, size=N),
            "o": RNG.normal(size=N) / 5,
        }
    )


#: Calls of mlp beside the data, each with what it tries.
CALLS = {
    "gaussian": {"formula": "y ~ x + z", "hidden": 3},
    "raw": {"formula": "y ~ z", "hidden": 2, "scaling": "none"},
    "weights": {"formula": "y ~ x + z", "hidden": 2, "weights": "w", "offset": "o"},
    "factors": {"formula": "y ~ x + g", "hidden": 2, "skip": True},
    "binomial": {"formula": "b ~ x + z", "family": "binomial", "hidden": 2, "offset": "o"},
    "multinomial": {"formula": "k ~ x + z", "hidden": 2, "weights": "w"},
    "poisson": {"formula": "c ~ x + z", "family": "poisson", "hidden": 2, "offset": "o"},
    "layers": {"formula": "y ~ x + z", "hidden": (3, 2), "scaling": "minmax"},
    "starts": {"formula": "b ~ x + z", "family": "binomial", "hidden": 2, "restarts": 3},
    "learned": {"formula": "y ~ scale(x) + poly(z, 2)", "hidden": 2},
    "no bias": {"formula": "y ~ 0 + x + z", "hidden": 2},
    "gauss-newton": {
        "formula": "y ~ x + z",
        "hidden": 2,
        "method": sd.TrustRegion(expected=True),
    },
    "lbfgs": {
        "formula": "b ~ x + z",
        "family": "binomial",
        "hidden": 2,
        "method": sd.LBFGS(tolerance=1e-12, preconditioned=False),
    },
}


def net_of(rows, name, **options):
    return sd.mlp(data=rows, **{"decay": 1.0, "method": TIGHT, **CALLS[name], **options})


def specified(net, **changes):
    return network_specification({**net.call.arguments, **changes})


def parts(count=3):
    """Rows outside of each fold, one of them one row longer than the others."""
    inside = np.arange(N - 1) % count
    return [np.append(inside != k, k == 0) for k in range(count)]


def in_a_loop(monkeypatch):
    monkeypatch.setattr(networks, "at_once", lambda given: [None] * len(given))


def same_fits(specifications, rtol=1e-10):
    for one, specification in zip(at_once(specifications), specifications, strict=True):
        alone = estimate(specification)
        assert one is not None
        if len(alone.spread) > 1:  # of one start training reports what it saw on the way
            np.testing.assert_allclose(one.spread, alone.spread, rtol=max(rtol, 1e-8))
        np.testing.assert_allclose(one.loss, alone.loss, rtol=rtol)
        eta = [to_numpy(each.eta) for each in (one, alone)]
        np.testing.assert_allclose(*eta, rtol=rtol, atol=rtol * np.abs(eta[1]).max())


@pytest.mark.parametrize("name", CALLS)
def test_folds_and_decays_are_those_of_a_loop(rows, name):
    net = net_of(rows, name)
    slow = name == "gauss-newton"  # the nearer by a factor a step: not to the last digit
    chosen = [specified(net, subset=part, decay=λ) for part in parts() for λ in (1.0, 3.0)]
    same_fits(chosen, 1e-8 if slow else 1e-10)


def test_a_fit_at_once_is_a_fit_like_any_other(rows):
    net = net_of(rows, "starts")
    specification = specified(net, subset=parts()[0])
    one, alone = estimates_of([specification] * 2)[0], estimate(specification)
    assert one.convergence.converged
    assert one.convergence.method == alone.convergence.method
    np.testing.assert_allclose(one.parameters, alone.parameters, rtol=1e-8)
    np.testing.assert_allclose(one.effective, alone.effective, rtol=1e-8)


TRAINED = {
    "adam": {"formula": "y ~ x + z", "hidden": 3, "method": ADAM},
    "sgd": {
        "formula": "k ~ x + g",
        "hidden": 2,
        "weights": "w",
        "method": sd.GradientDescent(sd.SGD(0.3), batch=20, epochs=3),
    },
    "clipped": {
        "formula": "b ~ x + z",
        "family": "binomial",
        "hidden": 2,
        "offset": "o",
        "restarts": 3,
        "method": sd.GradientDescent(sd.AdamW(0.01), batch=30, epochs=3, clip=0.1),
    },
    "all rows": {
        "formula": "c ~ x + z",
        "family": "poisson",
        "hidden": 2,
        "method": sd.GradientDescent(sd.Momentum(0.05), epochs=20),
    },
    "default": {
        "formula": "y ~ x + z",
        "hidden": 2,
        "restarts": 2,
        "method": sd.GradientDescent(batch=16, epochs=4),
    },
}


@pytest.mark.parametrize("name", TRAINED)
def test_training_is_that_of_a_loop(rows, name, monkeypatch):
    monkeypatch.setitem(CALLS, name, TRAINED[name])
    net = net_of(rows, name, **TRAINED[name])
    chosen = [part & (np.arange(N) < N - 1) | (np.arange(N) < 2) for part in parts()]
    same = [{"subset": part, "decay": λ, "seed": s}
            for part in chosen for λ, s in ((0.1, 0), (1.0, 5))]  # fmt: skip
    same_fits([specified(net, **each) for each in same])


def test_rates_are_each_fit_s_own(rows):
    net = net_of(rows, "gaussian", method=ADAM)
    methods = [sd.GradientDescent(sd.Adam(rate), batch=16, epochs=4) for rate in (0.003, 0.05)]
    chosen = [specified(net, method=each, seed=s) for each in methods for s in (0, 1)]
    assert [len(one) for one in networks._groups(chosen)] == [4]
    same_fits(chosen)


def test_a_run_that_has_arrived_stops_while_others_go_on(rows):
    method = sd.GradientDescent(sd.Momentum(0.3), epochs=3000, tolerance=1e-6)
    net = net_of(rows, "binomial", method=method)
    same_fits([specified(net, decay=λ) for λ in (3.0, 30.0)])


# studies -------------------------------------------------------------------------------------


def test_errors_are_those_of_a_loop(rows, monkeypatch):
    net = net_of(rows, "multinomial")
    over, sizes = {"decay": (1.0, 3.0)}, (0.5, 0.7, 1.0)
    at = (sd.complexity(net, over=over, folds=4), sd.learning_curve(net, sizes=sizes, folds=3))
    in_a_loop(monkeypatch)
    alone = (sd.complexity(net, over=over, folds=4), sd.learning_curve(net, sizes=sizes, folds=3))
    for one, other in zip(at[0].candidates, alone[0].candidates, strict=True):
        np.testing.assert_allclose(one.errors.validation, other.errors.validation, rtol=1e-8)
        np.testing.assert_allclose(
            one.errors.validation_error, other.errors.validation_error, rtol=1e-10
        )
    np.testing.assert_allclose(at[1].validation, alone[1].validation, rtol=1e-10)
    np.testing.assert_allclose(at[1].training, alone[1].training, rtol=1e-10)


@pytest.mark.parametrize("halving", [False, True])
def test_a_search_is_that_of_a_loop(rows, halving, monkeypatch):
    net = net_of(rows, "binomial")
    space = {"decay": (1.0, 10.0), "seed": [0, 1], "hidden": [1, 2, ()]}
    options = {"space": space, "n": 5, "folds": 3, "halving": halving, "seed": 3}
    at = sd.search(net, **options).to_frame()
    in_a_loop(monkeypatch)
    alone = sd.search(net, **options).to_frame()
    pd.testing.assert_frame_equal(at, alone, rtol=1e-10)


def test_a_search_trains_all_its_points(rows, monkeypatch):
    net = net_of(rows, "gaussian", method=ADAM)
    options = {"space": {"learning_rate": (1e-3, 0.1), "decay": (0.1, 1.0)}, "n": 4, "folds": 3}
    at = sd.search(net, **options).to_frame()
    in_a_loop(monkeypatch)
    alone = sd.search(net, **options).to_frame()
    np.testing.assert_allclose(at["validation"], alone["validation"], rtol=1e-10)


def test_points_that_are_drawn_ahead_are_those_drawn_in_turn(rows):
    line = sd.lm("y ~ x + z", rows)
    space = {"lambda": (1e-3, 1e3), "intercept": [True, True]}
    many = sd.search(line, space=space, n=10, folds=3, seed=4)
    turns = sd.search(line, space=space, n=1, folds=3, seed=4)
    for _ in range(5):
        turns.more(1)
    assert [one.point for one in many.trials[:6]] == [one.point for one in turns.trials]


def test_a_point_that_cannot_be_fitted_stops_no_other(rows):
    net = net_of(rows, "gaussian", method=ADAM)
    space = {"batch": [16, 80], "decay": [0.1, 1.0]}
    found = sd.search(net, space=space, n=4, folds=3).to_frame()
    failed = found["batch"] == 80  # a fold leaves 60 rows
    assert found.loc[failed, "failure"].str.contains("batch=80 is more than").all()
    assert np.isfinite(found.loc[~failed, "validation"]).all()


def test_what_is_left_out_changes_nothing(rows, monkeypatch):
    """Neither the scaling of inputs nor the unit of the response knows of other rows."""
    monkeypatch.setattr(networks, "_by_itself", lambda specification: None)
    kept = parts()[0]
    odd = rows.copy()
    odd.loc[~kept, ["x", "z", "y"]] *= 1000.0
    found = [
        estimates_of([specified(net_of(data, "gaussian"), subset=kept)] * 2)[0].parameters
        for data in (rows, odd)
    ]
    np.testing.assert_array_equal(*found)


def test_few_at_a_time_changes_nothing(rows, monkeypatch):
    net = net_of(rows, "starts")
    chosen = [specified(net, subset=part, decay=λ) for part in parts() for λ in (1.0, 3.0)]
    whole = [one.loss for one in at_once(chosen)]
    monkeypatch.setattr(room, "ROOM", 2 * networks._numbers(chosen, range(6)))
    assert [len(one) for one in networks._groups(chosen)] == [2, 2, 2]
    np.testing.assert_allclose([one.loss for one in at_once(chosen)], whole, rtol=1e-12)


@pytest.mark.parametrize("name", ["gaussian", "weights", "factors", "multinomial", "layers"])
def test_a_cross_validated_loss_is_that_of_fits_without_the_fold(rows, name):
    """Of inputs scaled by a fold's own rows, and a response in its own unit."""
    net = net_of(rows, name, decay=3.0)
    groups = fold_groups(net.estimate, 3, 0)
    sums = [held_out_loss(net, groups == k) for k in range(3)]
    total, weight = (sum(part) for part in zip(*sums, strict=True))
    assert cross_validated_loss(net.estimate, 3) == pytest.approx(total / weight, rel=1e-8)


def held_out_loss(net, out):
    """−log density of rows under a fit without them, its dispersion included, and their weight."""
    fold, family = estimate(specified(net, subset=~out)), net.estimate.family
    raw = replace(net.estimate.objective.rows, X=net.estimate.frame.X)
    held = fold.specification.plan.scaled_rows(raw.take(out.nonzero()[0]))

    def losses(rows):
        return family.loss_and_score(fold.objective.eta(fold.parameters, rows), rows.y)[0]

    own = np.ones(held.n) if held.weights is None else held.weights
    phi, rows = 1.0, fold.objective.rows
    if family.quadratic:
        weights = np.ones(rows.n) if rows.weights is None else rows.weights
        phi = 2 * float(weights @ losses(rows)) / rows.n
    return float(own @ losses(held)) / phi - family.constant(held, phi), own.sum()


def test_folds_keep_the_scaling_that_a_network_has_from_another(rows):
    whole = net_of(rows, "gaussian")
    net = net_of(rows.iloc[:60], "gaussian", start=whole)
    own = np.where(np.arange(60) < 40, 1.0, 0.0)[None, :]
    found = refitted(net.estimate, own, 1e-10)
    alone = net_of(rows.iloc[:40], "gaussian", start=whole)
    eta = [batch_of(net.estimate).eta(each, net.estimate.objective.rows.X)[0]
           for each in (found.parameters, alone.estimate.parameters[None, :])]  # fmt: skip
    np.testing.assert_allclose(*eta, rtol=1e-7)


# what goes by itself -------------------------------------------------------------------------

ALONE = {
    "dropout": {"dropout": 0.2, "method": ADAM},
    "noise": {"noise": 0.1, "method": ADAM},
    "rows watched": {"validation": 0.2, "early_stopping": True, "method": ADAM},
    "l1": {"l1": 0.1, "method": ADAM},
    "batch normalisation": {"normalisation": "batch", "method": ADAM},
    "its own rate": {"method": "gd"},
    "held weights": {"fixed": {"bias -> y": 0.0}},
    "weight normalisation": {"normalisation": "weight"},
    "few steps": {"method": sd.TrustRegion(max_iterations=2)},
}


@pytest.mark.filterwarnings("ignore::statdl.ConvergenceWarning")
@pytest.mark.parametrize("name", ALONE)
def test_what_is_left_to_a_fit_by_itself(rows, name):
    net = net_of(rows, "gaussian", hidden=1, **ALONE[name])
    chosen = [specified(net)] * 2
    assert at_once(chosen) == [None, None]
    one = estimates_of(chosen)[0]
    np.testing.assert_array_equal(one.parameters, net.estimate.parameters)


def test_large_networks_on_the_host_are_left_to_a_loop(rows, monkeypatch):
    monkeypatch.setattr(networks, "SMALL", 100)
    assert at_once([specified(net_of(rows, "gaussian"))] * 2) == [None, None]


def test_architectures_do_not_mix(rows):
    net = net_of(rows, "gaussian")
    chosen = [specified(net, hidden=units) for units in (2, 3, 2, 3, 4)]
    assert list(networks._groups(chosen)) == [[0, 2], [1, 3]]
    assert at_once(chosen)[4] is None
    tanh, relu = (specified(net, activation=name) for name in ("tanh", "relu"))
    assert not list(networks._groups([tanh, relu]))
