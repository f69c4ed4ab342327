"""Activations: values, derivatives by complex steps, tails, and the facts the lectures state."""

import warnings

import array_api_strict
import numpy as np
import pytest
from scipy import special, stats

from statdl.errors import ModelError
from statdl.model.activation import (
    ACTIVATIONS,
    GELU,
    SELU,
    Elementwise,
    HardTanh,
    LeakyReLU,
    Maxout,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Step,
    Tanh,
)

STEP = 1e-30
EVERY = [
    *(pytest.param(make(), id=name) for name, make in ACTIVATIONS.items()),
    pytest.param(LeakyReLU(0.1), id="leaky_relu 0.1"),
    pytest.param(Maxout(3), id="maxout 3"),
]
ELEMENTWISE = [case for case in EVERY if isinstance(case.values[0], Elementwise)]
#: Away from the kinks at −1, 0 and 1.
GRID = np.linspace(-7.03, 7.11, 120)
EXTREMES = [-1e30, -1e4, -90.0, 0.0, 90.0, 1e4, 1e30]

REFERENCES = {
    "identity": lambda z: z,
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "softsign": lambda z: z / (1 + abs(z)),
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * (np.exp(z) - 1)),
    "gelu": lambda z: z * stats.norm.cdf(z),
    "silu": lambda z: z * special.expit(z),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "step": lambda z: 1.0 * (z > 0),
}


def draws(activation, rows=9, units=4, seed=0):
    random = np.random.default_rng(seed)
    z = random.normal(0, 2, (rows, units * activation.affine_maps))
    return z, random.normal(size=(rows, units)), random.normal(size=z.shape)


@pytest.mark.parametrize("name", REFERENCES)
def test_values(name):
    np.testing.assert_allclose(ACTIVATIONS[name]().value(GRID), REFERENCES[name](GRID), rtol=1e-13)


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_first_and_second_derivative_by_complex_steps(activation):
    if not isinstance(activation, Step):
        slope = activation.value(GRID + 1j * STEP).imag / STEP
        np.testing.assert_allclose(activation.derivative(GRID), slope, rtol=1e-12, atol=1e-300)
    bend = activation.derivative(GRID + 1j * STEP).imag / STEP
    np.testing.assert_allclose(activation.second(GRID), bend, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_derivative_from_the_value(activation):
    slope = activation.derivative_from_value(activation.value(GRID))
    if slope is None:
        assert isinstance(activation, GELU | SiLU)
    else:
        np.testing.assert_allclose(slope, activation.derivative(GRID), rtol=1e-9, atol=1e-12)
    bend = activation.second_from_value(activation.value(GRID))
    if bend is not None:
        np.testing.assert_allclose(bend, activation.second(GRID), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", EVERY)
def test_push_pull_and_bend_are_derivatives(activation):
    z, g, v = draws(activation)
    a = activation.value(z)
    moved = activation.value(z + 1j * STEP * v)
    if not isinstance(activation, Step):
        np.testing.assert_allclose(activation.push(z, a, v), moved.imag / STEP, atol=1e-13)
    inner = np.sum(g * activation.push(z, a, v))
    np.testing.assert_allclose(np.sum(activation.pull(z, a, g) * v), inner, rtol=1e-12)
    turned = activation.pull(z + 1j * STEP * v, moved, g).imag / STEP
    np.testing.assert_allclose(activation.bend(z, a, g, v), turned, atol=1e-12)


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tails_are_finite_and_keep_the_precision(activation, dtype):
    z = np.asarray(EXTREMES * activation.affine_maps, dtype=dtype)[None, :]
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        a = activation.value(z)
        results = [a, activation.pull(z, a, np.ones_like(a)), activation.push(z, a, z * 0 + 1)]
        results.append(activation.bend(z, a, np.ones_like(a), np.ones_like(z)))
        if isinstance(activation, Elementwise):
            results += [activation.derivative(z), activation.second(z)]
    for result in results:
        assert result.dtype == dtype
        assert np.isfinite(result).all()


@pytest.mark.parametrize("activation", EVERY)
def test_other_array_libraries_give_the_same_numbers(activation):
    host = draws(activation)
    arrays = [array_api_strict.asarray(part) for part in host]
    for (z, g, v), wrap in ((host, np.asarray), (arrays, np.asarray)):
        a = activation.value(z)
        results = [
            wrap(part)
            for part in (
                a,
                activation.push(z, a, v),
                activation.pull(z, a, g),
                activation.bend(z, a, g, v),
            )
        ]
        if z is host[0]:
            expected = results
    for result, number in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, number, rtol=1e-14, atol=1e-16)


def test_largest_derivatives():
    zero = np.zeros(1)
    assert Sigmoid().derivative(zero) == 0.25
    assert Tanh().derivative(zero) == 1.0
    assert np.max(Sigmoid().derivative(GRID)) <= 0.25
    assert np.max(Tanh().derivative(GRID)) <= 1.0


def test_small_tails_keep_their_digits():
    z = np.array([-700.0, -300.0, -50.0])
    np.testing.assert_allclose(Sigmoid().value(z), np.exp(z), rtol=1e-14)
    np.testing.assert_allclose(Softplus().value(z), np.exp(z), rtol=1e-14)
    np.testing.assert_allclose(Tanh().derivative(z / 2), 4 * np.exp(z), rtol=1e-14)


@pytest.mark.parametrize("activation", EVERY)
def test_centres_say_which_signs_can_be_turned(activation):
    if activation.centre is None:
        return
    values = activation.value(GRID)
    np.testing.assert_allclose(activation.value(-GRID), 2 * activation.centre - values, atol=1e-15)


def test_the_symmetric_ones():
    symmetric = {name for name, make in ACTIVATIONS.items() if make().centre is not None}
    assert symmetric == {"identity", "sigmoid", "tanh", "hard_tanh", "softsign"}


def test_softmax_of_the_lectures():
    first = Softmax().value(np.array([[2.20, 1.39, 0.85]]))
    second = Softmax().value(np.array([[0.0, -1.39, -2.20]]))
    np.testing.assert_array_equal(first.round(2), [[0.59, 0.26, 0.15]])
    np.testing.assert_array_equal(second.round(2), [[0.74, 0.18, 0.08]])


def test_maxout_of_two_maps_can_be_a_relu():
    z = GRID[:, None] * np.array([1.0, 0.0])
    np.testing.assert_array_equal(Maxout(2).value(z)[:, 0], ReLU().value(GRID))


def test_maxout_takes_the_maps_unit_by_unit():
    np.testing.assert_array_equal(Maxout(2).value(np.array([[1.0, 5.0, -2.0, -3.0]])), [[5, -2]])


def test_kinks():
    kinks = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(HardTanh().derivative(kinks), [0, 1, 0])
    np.testing.assert_array_equal(ReLU().derivative(kinks), [0, 0, 1])
    np.testing.assert_array_equal(Step().value(kinks), [0, 0, 1])


def test_softsign_is_steepest_at_zero():
    assert Softsign().derivative(np.zeros(1)) == 1.0


def test_selu_is_a_scaled_elu_that_keeps_mean_and_variance():
    random = np.random.default_rng(0)
    a = SELU().value(random.standard_normal(400_000))
    assert abs(a.mean()) < 0.01
    assert abs(a.var() - 1) < 0.01


@pytest.mark.parametrize(
    "make",
    [
        lambda: LeakyReLU(1.0),
        lambda: LeakyReLU(-0.1),
        lambda: LeakyReLU(float("nan")),
        lambda: ACTIVATIONS["elu"](alpha=0.0),
        lambda: Maxout(1),
        lambda: Maxout(2.5),
    ],
)
def test_impossible_ones_are_refused(make):
    with pytest.raises(ModelError, match="not"):
        make()
