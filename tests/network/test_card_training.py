"""What training does on a card, as far as it can be seen without one."""

import math

import array_api_strict as strict
import numpy as np
import pytest

import statdl as sd
from statdl.backend import special
from statdl.backend.array import to_numpy
from statdl.model.activation import ReLU, Sigmoid, Tanh
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gaussian
from statdl.model.kernel import CARD_UNITS, UNITS, AnyHead, head_of
from statdl.solve import mover as movers
from statdl.solve.rule import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSProp

DEVICE = strict.Device("device1")
NETS = {
    "plain": {},
    "clipped": {"clip": 0.1},
    "decayed": {"decay": 0.1},
}


class Ledger:
    """How often something came to a pretended device from the host, or left it."""

    def __init__(self, monkeypatch):
        self.count = 0
        kind = type(strict.asarray(0.0))
        for name in ("__float__", "__bool__", "__int__", "__index__", "__array__", "to_device"):
            self.watch(monkeypatch, kind, name, lambda value: True)
        self.watch(monkeypatch, strict, "asarray", lambda value: not isinstance(value, kind))

    def watch(self, monkeypatch, owner, name, crosses):
        before = getattr(owner, name)

        def counted(value, *rest, **named):
            self.count += crosses(value)
            return before(value, *rest, **named)

        monkeypatch.setattr(owner, name, counted)


def crossings(ledger, batch, net):
    """What crosses in a fit of two epochs."""
    random = np.random.default_rng(0)
    X = random.normal(size=(96, 3))
    y = random.integers(0, 3, size=96)
    decay = net.get("decay", 0.0)
    method = sd.GradientDescent(sd.Adam(0.01), batch=batch, epochs=2, clip=net.get("clip"))
    there = [strict.asarray(part, device=DEVICE) for part in (X, y)]
    before = ledger.count
    sd.mlp(
        X=there[0], y=there[1], family="multinomial", hidden=4, decay=decay, method=method,
        scaling="none", seed=1,
    )  # fmt: skip
    return ledger.count - before


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_nothing_crosses_within_an_epoch(monkeypatch, net):
    ledger = Ledger(monkeypatch)
    few, many = (crossings(ledger, batch, net) for batch in (48, 8))
    assert few > 0
    assert many == few


def test_a_clipped_gradient_is_the_same_on_a_device():
    random = np.random.default_rng(1)
    X, y = random.normal(size=(40, 2)), random.normal(size=40)
    method = sd.GradientDescent(sd.SGD(0.5), batch=10, epochs=3, clip=0.05)
    options = {"hidden": 2, "method": method, "scaling": "none", "seed": 1}
    here = sd.mlp(X=X, y=y, **options)
    there = sd.mlp(
        X=strict.asarray(X, device=DEVICE), y=strict.asarray(y, device=DEVICE), **options
    )
    np.testing.assert_allclose(there.params, here.params, rtol=1e-10)


# kernels: their source, compiled for the host or on a card -------------------------------------

WEIGHTS = pytest.mark.parametrize("weights", [None, np.arange(1.0, 7.0)], ids=["even", "weights"])
PRECISIONS = pytest.mark.parametrize("dtype", ["float32", "float64"])


def near(ours, theirs, dtype):
    limit = 1e-13 if dtype == "float64" else 2e-6
    np.testing.assert_allclose(to_numpy(ours), theirs, rtol=limit, atol=limit)


@WEIGHTS
@PRECISIONS
@pytest.mark.parametrize("family", [Gaussian(), Binomial(), Multinomial(4)], ids=repr)
def test_a_heads_kernel_is_the_familys_score(card, family, weights, dtype):
    random = np.random.default_rng(2)
    q = 3 if isinstance(family, Multinomial) else 1
    eta = np.vstack([random.normal(size=(5, q)), [[80.0, -80.0, 1.0][:q]]])
    y = np.eye(4)[random.integers(0, 4, size=6)][:, 1 : q + 1]
    plain = AnyHead(family, 6, q, eta)(eta, y, weights)
    there = [card(part, dtype) for part in (eta, y, weights)]
    near(head_of(family, 6, q, there[0])(*there), plain, dtype)


@PRECISIONS
@pytest.mark.parametrize("activation", [ReLU(), Tanh(), Sigmoid()], ids=repr)
def test_a_units_kernel_is_the_activation(card, activation, dtype):
    z, g = np.linspace(-30, 30, 12).reshape(4, 3), np.arange(12.0).reshape(4, 3)
    plain = UNITS[type(activation)](activation, np)
    there, slope = card(z, dtype), card(g, dtype)
    values, expected = card(np.empty((4, 3)), dtype), np.empty((4, 3))
    unit = CARD_UNITS[type(activation)](activation, __import__("array_api_compat").cupy)
    unit.forward(there, values)
    plain.forward(z.copy(), expected)
    near(values, activation.value(z), dtype)
    near(unit.backward(there, values, slope), activation.pull(z, expected, g), dtype)


@PRECISIONS
@pytest.mark.parametrize(
    "rule",
    [
        SGD(0.01), Momentum(0.01), Momentum(0.01, dampened=True), Nesterov(0.01), AdaGrad(0.01),
        RMSProp(0.01), Adam(0.01), Adam(0.01, corrected=False), AdamW(0.01, weight_decay=0.3),
    ],
    ids=repr,
)  # fmt: skip
def test_one_kernel_takes_the_rules_step(card, rule, dtype):
    random = np.random.default_rng(4)
    w = random.normal(size=7)
    decayed = np.array([0.0, 1, 1, 0, 1, 1, 1])
    here, there = w.copy(), card(w.copy(), dtype)
    plain = movers.Mover(rule, rule.begin(here), decayed)
    moved = movers.mover_of(rule, rule.begin(there), card(decayed, dtype))
    assert isinstance(moved, movers.CardMover)
    for iteration in range(1, 6):
        gradient = random.normal(size=7)
        plain.move(here, gradient.copy(), 0.01, iteration)
        moved.move(there, card(gradient, dtype), 0.01, iteration)
    near(there, here, dtype)
    for ours, theirs in zip(moved.memory, plain.memory, strict=True):
        near(ours, theirs, dtype)


def test_the_logit_kernel_is_the_plain_one(card):
    eta = np.array([-800.0, -3.0, 0.0, 2.0, 800.0])
    y = np.array([0.0, 1.0, 0.5, 1.0, 0.0])
    found = special.logit_loss_and_score(card(eta), card(y))
    for ours, theirs in zip(found, special.plain_logit_loss_and_score(eta, y), strict=True):
        np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-14)
    assert math.isfinite(float(found[0].sum()))


@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_cards_training_is_the_hosts(card, family, weighted):
    random = np.random.default_rng(3)
    X = random.normal(size=(50, 3))
    y = {"gaussian": X[:, 0], "binomial": 1.0 * (X[:, 0] > 0), "multinomial": (X > 0).sum(axis=1)}
    weights = random.random(50) + 0.5 if weighted else None
    options = {
        "family": family, "hidden": (4, 3), "activation": ("relu", "tanh"), "scaling": "none",
        "method": sd.GradientDescent(sd.RMSProp(0.01), batch=16, epochs=3), "seed": 2,
        "dropout": 0.2,
    }  # fmt: skip
    here = sd.mlp(X=X, y=y[family], weights=weights, **options)
    there = sd.mlp(X=card(X), y=card(y[family]), weights=card(weights), **options)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-9)
