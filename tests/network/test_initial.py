"""Initial weights: their variances, bounds, seeds, and what zeros do."""

import numpy as np
import pytest

from statdl.errors import ModelError
from statdl.model.activation import ACTIVATIONS, ReLU, Sigmoid, Tanh
from statdl.model.initial import (
    INITIALS,
    HeAverage,
    HeNormal,
    HeUniform,
    Normal,
    Uniform,
    XavierNormal,
    XavierUniform,
    Zeros,
    default_initial,
)
from statdl.model.layer import Hidden
from statdl.model.network import Network

VARIANCES = [
    (Normal(0.05), 0.0025),
    (Zeros(), 0.0),
    (XavierNormal(), 2 / 150),
    (XavierUniform(), 2 / 150),
    (HeNormal(), 2 / 100),
    (HeUniform(), 2 / 100),
    (HeAverage(), 4 / 150),
    (Uniform(0.7), 0.49 / 3),
]
BOUNDS = [
    (XavierUniform(), np.sqrt(6 / 150)),
    (HeUniform(), np.sqrt(6 / 100)),
    (Uniform(0.7), 0.7),
]


def seeded(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("rule", "variance"), VARIANCES)
def test_variances(rule, variance):
    weights = rule.draw(100, 50, seeded(), (50, 2000))
    assert weights.shape == (50, 2000)
    assert abs(weights.mean()) <= 4 * np.sqrt(variance / weights.size)
    np.testing.assert_allclose(weights.var(), variance, rtol=0.02)


@pytest.mark.parametrize(("rule", "bound"), BOUNDS)
def test_bounds(rule, bound):
    weights = rule.draw(100, 50, seeded(), (50, 2000))
    assert np.abs(weights).max() <= bound
    assert np.abs(weights).max() > 0.999 * bound


@pytest.mark.parametrize("name", INITIALS)
def test_a_seed_repeats(name):
    rule = INITIALS[name]()
    first, again = (rule.draw(5, 4, seeded(3), (4, 5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    if name != "zeros":
        assert (first != rule.draw(5, 4, seeded(4), (4, 5))).all()


def test_defaults_follow_the_activation():
    he = {name for name, make in ACTIVATIONS.items() if default_initial(make()) == HeUniform()}
    assert he == {"relu", "leaky_relu", "elu", "gelu", "silu", "maxout"}
    assert default_initial(Tanh()) == XavierUniform()
    assert default_initial(None) == XavierUniform()


def test_a_network_starts_with_biases_of_zero_and_scales_of_one():
    net = Network(6, (Hidden(5, ReLU(), "layer"), Hidden(4)), 3)
    theta = net.initial(seeded())
    blocks = {(block.layer, block.kind): block.of(theta) for block in net.layout}
    for (_, kind), values in blocks.items():
        if kind in ("bias", "shift"):
            assert (values == 0).all()
        elif kind == "scale":
            assert (values == 1).all()
        else:
            assert (values != 0).all()
    assert np.abs(blocks[0, "weights"]).max() <= np.sqrt(6 / 6)
    assert np.abs(blocks[1, "weights"]).max() <= np.sqrt(6 / 9)
    assert np.abs(blocks[2, "weights"]).max() <= np.sqrt(6 / 7)


def test_nnet_draws_biases_like_weights():
    theta = Network(2, (Hidden(3, Sigmoid()),)).initial(seeded(), Uniform(0.7))
    assert (theta != 0).all()
    assert np.abs(theta).max() <= 0.7


def test_zeros_keep_all_units_alike():
    net = Network(3, (Hidden(4, Sigmoid()),), 2)
    theta = net.initial(seeded(), Zeros())
    X, y = seeded(1).normal(size=(30, 3)), seeded(2).normal(size=(30, 2))
    for _ in range(20):
        theta = theta + 0.1 / 30 * net.pullback(theta, X, y - net.eta(theta, X))
    table = net.layers[0].affine.table(theta)
    assert (table != 0).any()
    np.testing.assert_array_equal(table, np.broadcast_to(table[0], table.shape))


@pytest.mark.parametrize("make", [lambda: Normal(-1.0), lambda: Uniform(float("inf"))])
def test_impossible_ones_are_refused(make):
    with pytest.raises(ModelError, match="not negative"):
        make()
