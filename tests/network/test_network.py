"""The network as a predictor: derivatives, layouts, symmetries, training, the lectures' numbers."""

from dataclasses import replace

import array_api_strict
import numpy as np
import pytest

from statdl.backend.array import to_numpy
from statdl.errors import ModelError
from statdl.model.activation import (
    ACTIVATIONS,
    Identity,
    Maxout,
    ReLU,
    Sigmoid,
    Softplus,
    Step,
    Tanh,
)
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.curvature import RowCurvature
from statdl.model.exponential import Gamma, Gaussian, Poisson
from statdl.model.layer import Hidden
from statdl.model.link import Log, Probit
from statdl.model.network import Network
from statdl.model.predictor import Linear
from statdl.model.training import RunningStatistics

STEP = 1e-30
ROWS = 7
KINDS = {
    "plain": {},
    "skip": {"skip": True},
    "without biases": {"intercept": False, "skip": True},
    "layer normalised": {"normalisation": "layer"},
    "batch normalised": {"normalisation": "batch", "skip": True},
    "weight normalised": {"normalisation": "weight", "skip": True},
}
CASES = [
    pytest.param(make(), kind, id=f"{name}, {kind}")
    for name, make in ACTIVATIONS.items()
    for kind in KINDS
]
CURVATURES = {
    "diagonal": lambda d, u: RowCurvature(d),
    "softmax": lambda d, u: RowCurvature(d, u),
    "indefinite": lambda d, u: RowCurvature(d - 0.5),
}


def network(activation, kind="plain", units=(4, 2), outputs=2):
    """Three inputs, two hidden layers; batch normalisation with statistics of its own."""
    options = dict(KINDS[kind])
    normalisation = options.pop("normalisation", None)
    hidden = tuple(Hidden(count, activation, normalisation) for count in units)
    net = Network(3, hidden, outputs, **options)
    if normalisation != "batch":
        return net
    random = np.random.default_rng(5)
    means = tuple(random.normal(size=(1, one.maps)) for one in hidden)
    variances = tuple(random.uniform(0.5, 2, (1, one.maps)) for one in hidden)
    return replace(net, statistics=RunningStatistics(means, variances))


def draws(net, seed=0):
    """θ, X and a matrix in the shape of η."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(ROWS, net.inputs))
    return random.normal(size=net.size), X, random.normal(size=(ROWS, net.outputs))


def complex_step(function, theta):
    """∂f/∂θ, its new axis last."""
    directions = STEP * 1j * np.eye(len(theta))
    return np.stack([function(theta + h).imag / STEP for h in directions], axis=-1)


# derivatives ---------------------------------------------------------------


@pytest.mark.parametrize(("activation", "kind"), CASES)
def test_first_derivatives(activation, kind):
    net = network(activation, kind)
    theta, X, G = draws(net)
    V = np.random.default_rng(1).normal(size=(3, net.size))
    J = complex_step(lambda t: net.eta(t, X), theta)
    np.testing.assert_allclose(net.jacobian(theta, X), J, atol=1e-12)
    pulled = np.einsum("iqp,iq->p", J, G)
    np.testing.assert_allclose(net.pullback(theta, X, G), pulled, atol=1e-11)
    pushed = np.einsum("iqp,mp->miq", J, V)
    np.testing.assert_allclose(net.pushforward(theta, X, V), pushed, atol=1e-11)
    np.testing.assert_allclose(net.pushforward(theta, X, V[0]), pushed[0], atol=1e-11)


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("kind", KINDS)
def test_gauss_newton(kind, curvature):
    net = network(Tanh(), kind)
    theta, X, _ = draws(net)
    random = np.random.default_rng(2)
    d = random.uniform(0.1, 1, (ROWS, 2))
    H = CURVATURES[curvature](d, np.sqrt(d) * random.uniform(0.1, 0.6, (ROWS, 2)))
    J = net.jacobian(theta, X)
    expected = np.einsum("iap,iab,ibr->pr", J, H.dense(), J)
    np.testing.assert_allclose(net.curvature(theta, X, H), expected, atol=1e-12)


def test_gauss_newton_of_rows_that_count_for_nothing():
    net = network(Tanh())
    theta, X, _ = draws(net)
    eta = net.eta(theta, X)
    H = Multinomial(3).information(eta).weighted(np.array([1.0, 0, 2, 0, 0, 3, 1]))
    J = net.jacobian(theta, X)
    expected = np.einsum("iap,iab,ibr->pr", J, H.dense(), J)
    np.testing.assert_allclose(net.curvature(theta, X, H), expected, atol=1e-13)


@pytest.mark.parametrize(("activation", "kind"), CASES)
def test_second_derivatives(activation, kind):
    net = network(activation, kind)
    theta, X, S = draws(net)
    V = np.random.default_rng(1).normal(size=(3, net.size))
    H = complex_step(lambda t: net.pullback(t, X, S), theta)
    np.testing.assert_allclose(net.hessian(theta, X, S), H, atol=1e-10)
    np.testing.assert_allclose(net.plain_hessian(theta, X, S), H, atol=1e-10)
    np.testing.assert_allclose(net.hessian_vector(theta, X, S, V), V @ H, atol=1e-10)
    bend = RowCurvature(S * S, 0.5 * S)
    both = H + net.curvature(theta, X, bend)
    np.testing.assert_allclose(net.hessian(theta, X, S, bend), both, atol=1e-10)
    np.testing.assert_allclose(net.plain_hessian(theta, X, S, bend), both, atol=1e-10)


@pytest.mark.parametrize(("activation", "kind"), CASES)
def test_derivatives_in_the_inputs(activation, kind):
    net = network(activation, kind)
    theta, X, G = draws(net)
    U = np.random.default_rng(1).normal(size=X.shape)
    moved = X + 1j * STEP * U
    pushed = net.eta(theta, moved).imag / STEP
    np.testing.assert_allclose(net.pushforward(theta, X, None, U), pushed, atol=1e-11)
    slope = net.input_gradient(theta, X, G)
    np.testing.assert_allclose(np.sum(slope * U), np.sum(G * pushed), atol=1e-11)
    turned = net.pullback(theta, moved, G).imag / STEP
    np.testing.assert_allclose(net.hessian_vector(theta, X, G, None, U), turned, atol=1e-10)


@pytest.mark.parametrize(
    ("family", "outputs"),
    [
        (Gaussian(), 1),
        (Gaussian(Log()), 1),
        (Binomial(), 1),
        (Binomial(Probit()), 1),
        (Poisson(), 1),
        (Gamma(Log()), 1),
        (Multinomial(3), 2),
    ],
    ids=lambda value: f"{value.name} {value.link.name}" if hasattr(value, "link") else "",
)
@pytest.mark.parametrize("activation", [Tanh(), Sigmoid(), Softplus(), Maxout(2)])
def test_hessian_of_a_loss_is_the_change_of_its_gradient(family, outputs, activation):
    net = network(activation, outputs=outputs)
    theta, X, _ = draws(net)
    theta = 0.4 * theta
    y = np.random.default_rng(3).integers(0, 2, (ROWS, outputs)).astype(float)
    y = y + 0.5 * (family.name == "gamma")
    if family.name == "multinomial":
        y[:, 1] *= 1 - y[:, 0]

    def gradient(t):
        return -net.pullback(t, X, family.loss_and_score(net.eta(t, X), y)[1])

    eta = net.eta(theta, X)
    score = family.loss_and_score(eta, y)[1]
    H = net.hessian(theta, X, -score, family.observed(eta, y))
    step = 1e-3 * np.eye(net.size)
    differences = [
        (
            8 * (gradient(theta + h) - gradient(theta - h))
            - gradient(theta + 2 * h)
            + gradient(theta - 2 * h)
        )
        / 12e-3
        for h in step
    ]
    np.testing.assert_allclose(H, np.array(differences), atol=2e-8, rtol=1e-7)


def test_long_data_are_cut_into_blocks_of_rows():
    net = Network(2, (Hidden(60),), 3)
    random = np.random.default_rng(0)
    X, S = random.normal(size=(4000, 2)), random.normal(size=(4000, 3))
    theta = random.normal(size=net.size)
    whole = net.curvature(theta, X, RowCurvature(S * S))
    halves = sum(
        net.curvature(theta, X[rows], RowCurvature(S[rows] ** 2))
        for rows in (slice(0, 1999), slice(1999, None))
    )
    np.testing.assert_allclose(whole, halves, rtol=1e-9, atol=1e-9)
    halves = net.hessian(theta, X[:1999], S[:1999]) + net.hessian(theta, X[1999:], S[1999:])
    np.testing.assert_allclose(net.hessian(theta, X, S), halves, rtol=1e-9, atol=1e-9)


# many networks at once ---------------------------------------------------------------


@pytest.mark.parametrize("kind", [*KINDS, "linear"])
@pytest.mark.parametrize("activation", [Tanh(), Maxout(2)])
def test_several_parameter_vectors_at_once(activation, kind):
    net = Network(3, (), 2) if kind == "linear" else network(activation, kind)
    random = np.random.default_rng(4)
    theta, X = random.normal(size=(3, net.size)), random.normal(size=(ROWS, 3))
    S, d = random.normal(size=(3, ROWS, 2)), random.uniform(0.1, 1, (3, ROWS, 2))
    V = random.normal(size=(4, 3, net.size))
    each = range(3)

    def same(together, one_by_one):
        np.testing.assert_allclose(together, np.stack(one_by_one), atol=1e-11)

    same(net.eta(theta, X), [net.eta(theta[k], X) for k in each])
    same(net.pullback(theta, X, S), [net.pullback(theta[k], X, S[k]) for k in each])
    same(net.pullback(theta, X, S[0]), [net.pullback(theta[k], X, S[0]) for k in each])
    same(net.jacobian(theta, X), [net.jacobian(theta[k], X) for k in each])
    same(net.input_gradient(theta, X, S), [net.input_gradient(theta[k], X, S[k]) for k in each])
    same(
        net.curvature(theta, X, RowCurvature(d)),
        [net.curvature(theta[k], X, RowCurvature(d[k])) for k in each],
    )
    pushed = [net.pushforward(theta[k], X, V[:, k]) for k in each]
    same(net.pushforward(theta, X, V).swapaxes(0, 1), pushed)
    turned = [net.hessian_vector(theta[k], X, S[k], V[:, k]) for k in each]
    same(net.hessian_vector(theta, X, S, V).swapaxes(0, 1), turned)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", [Sigmoid(), ReLU(), Maxout(2)])
def test_other_array_libraries_give_the_same_numbers(activation, kind):
    net = network(activation, kind)
    xp, device = array_api_strict, array_api_strict.Device("device1")

    def there(values):
        return xp.asarray(values, device=device)

    def answers(net, theta, X, S):
        yield net.eta(theta, X)
        yield net.pullback(theta, X, S)
        yield net.curvature(theta, X, RowCurvature(S * S, 0.5 * S))
        yield net.hessian(theta, X, S, RowCurvature(S * S, 0.5 * S))
        yield net.jacobian(theta, X)
        yield net.layout[0].of(theta)
        yield net.canonical(theta)
        training = net.training(np.random.default_rng(0), ROWS, X)
        yield net.backward(theta, net.forward(theta, X, training), S)

    net = replace(net, hidden=tuple(replace(one, dropout=0.4) for one in net.hidden))
    host = draws(net)
    moved = net
    if net.statistics is not None:
        means, variances = (
            tuple(map(there, part)) for part in (net.statistics.means, net.statistics.variances)
        )
        moved = replace(net, statistics=RunningStatistics(means, variances))
    pairs = zip(answers(net, *host), answers(moved, *map(there, host)), strict=True)
    for expected, answer in pairs:
        assert answer.device == device
        np.testing.assert_allclose(to_numpy(answer), expected, atol=1e-11)


@pytest.mark.parametrize("activation", [ReLU(), Tanh(), Sigmoid(), Maxout(2)])
def test_single_precision_stays_single(activation):
    net = network(activation)
    theta, X, S = (part.astype(np.float32) for part in draws(net))
    for answer in (
        net.eta(theta, X),
        net.pullback(theta, X, S),
        net.curvature(theta, X, RowCurvature(S * S)),
        net.hessian(theta, X, S),
        net.hessian_vector(theta, X, S, theta),
    ):
        assert answer.dtype == np.float32


# the same thing as a regression ---------------------------------------------------------------


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("outputs", [1, 3])
def test_without_hidden_layers_it_is_linear_to_the_last_digit(outputs, intercept):
    net, linear = Network(4, (), outputs, intercept), Linear(4, outputs, intercept)
    theta, X, G = draws(net)
    assert net.size == linear.size
    H = RowCurvature(G * G)
    np.testing.assert_array_equal(net.eta(theta, X), linear.eta(theta, X))
    np.testing.assert_array_equal(net.pullback(theta, X, G), linear.pullback(theta, X, G))
    np.testing.assert_array_equal(net.curvature(theta, X, H), linear.curvature(theta, X, H))
    assert not net.hessian(theta, X, G).any()
    np.testing.assert_array_equal(net.forward(theta, X).eta, linear.eta(theta, X))
    gradient = net.backward(theta, net.forward(theta, X), G)
    np.testing.assert_allclose(gradient, linear.pullback(theta, X, G), rtol=1e-14)


def test_identity_units_make_a_linear_model():
    net = Network(3, (Hidden(2, Identity()), Hidden(4, Identity())), 2)
    theta, X, _ = draws(net)
    W1, W2, W3 = (block.of(theta) for block in net.layout if block.kind == "weights")
    eta = net.eta(theta, X)
    np.testing.assert_allclose(eta[1:] - eta[:1], (X[1:] - X[:1]) @ (W3 @ W2 @ W1).T, atol=1e-12)


def test_skip_adds_a_linear_predictor():
    net, bare = Network(3, (Hidden(4),), 2, skip=True), Network(3, (Hidden(4),), 2)
    theta, X, _ = draws(net)
    table = net.output.table(theta)
    hidden = np.concatenate([theta[: net.output.start], table[:, :5].ravel()])
    expected = bare.eta(hidden, X) + X @ table[:, 5:].T
    np.testing.assert_allclose(net.eta(theta, X), expected, atol=1e-13)


# parameters ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "counts"),
    [
        (Network(30), (31,)),
        (Network(30, (Hidden(10),)), (310, 11)),
        (Network(10, (Hidden(10, Sigmoid()), Hidden(5, Sigmoid())), 2), (110, 55, 12)),
        (Network(784, (Hidden(512, ReLU()),), 10), (401_920, 5_130)),
        (Network(3, (Hidden(4, Maxout(3)),)), (48, 5)),
        (Network(3, (Hidden(4, Tanh(), "batch"),), skip=True), (24, 8)),
        (Network(3, (Hidden(4, Tanh(), "weight"),)), (20, 5)),
    ],
)
def test_parameter_counts_of_the_lectures(net, counts):
    table = net.table()
    assert tuple(row.parameters for row in table) == counts
    assert sum(counts) == net.size
    outputs = (*(hidden.units for hidden in net.hidden), net.outputs)
    assert tuple(row.output for row in table) == outputs


def test_names_of_one_hidden_layer():
    names = Network(2, (Hidden(2),), skip=True).parameter_names(["wt", "hp"], ["mpg"])
    assert names == (
        "bias -> h1",
        "wt -> h1",
        "hp -> h1",
        "bias -> h2",
        "wt -> h2",
        "hp -> h2",
        "bias -> mpg",
        "h1 -> mpg",
        "h2 -> mpg",
        "wt -> mpg",
        "hp -> mpg",
    )


def test_names_of_more_layers():
    net = Network(1, (Hidden(1, Maxout(2), "layer"), Hidden(2)), 2)
    assert net.parameter_names(["x"], ["a", "b"]) == (
        "bias -> h1.1[1]",
        "x -> h1.1[1]",
        "bias -> h1.1[2]",
        "x -> h1.1[2]",
        "scale -> h1.1[1]",
        "scale -> h1.1[2]",
        "shift -> h1.1[1]",
        "shift -> h1.1[2]",
        "bias -> h2.1",
        "h1.1 -> h2.1",
        "bias -> h2.2",
        "h1.1 -> h2.2",
        "bias -> a",
        "h2.1 -> a",
        "h2.2 -> a",
        "bias -> b",
        "h2.1 -> b",
        "h2.2 -> b",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_cover_the_parameters_once(kind):
    net = network(Maxout(2), kind)
    positions = [place for block in net.layout for place in block.positions]
    assert sorted(positions) == list(range(net.size))
    names = net.parameter_names(["a", "b", "c"], ["u", "v"])
    assert len(set(names)) == net.size
    for block in net.layout:
        word = {"bias": "bias", "scale": "scale", "shift": "shift"}.get(block.kind)
        starts = {names[place].split(" -> ")[0] for place in block.positions}
        assert starts == {word} if word else not starts & {"bias", "scale", "shift"}
    theta = np.stack([np.arange(net.size), -np.arange(net.size)])
    first = net.layout[0]
    np.testing.assert_array_equal(first.of(theta)[1], -first.of(theta[0]))


# symmetry ---------------------------------------------------------------


def shuffled(net, theta, seed, turn=True):
    """The same function: hidden units in another order and, where allowed, of other signs."""
    random = np.random.default_rng(seed)
    theta = theta.copy()
    followers = [*(layer.affine for layer in net.layers[1:]), net.output]
    for layer, follower in zip(net.layers, followers, strict=True):
        units, pieces = layer.hidden.units, layer.hidden.activation.affine_maps
        table, outgoing = layer.affine.table(theta), follower.weights(theta)[:, :units]
        order = random.permutation(units)
        maps = (order[:, None] * pieces + np.arange(pieces)[::-1]).ravel()
        table[...] = table[maps]
        outgoing[...] = outgoing[:, order]
        for place in (layer.scale_slice, layer.shift_slice)[
            : 2 * layer.normalised + layer.directed
        ]:
            theta[place] = theta[place][maps]
        centre = layer.hidden.activation.centre
        if centre is None or not turn:
            continue
        turned = random.random(units) < 0.5
        if layer.normalised:
            theta[layer.scale_slice][turned] *= -1
            theta[layer.shift_slice][turned] *= -1
        else:
            table[turned] *= -1
        if centre:
            leaving = follower.weights(net.plain(theta))[:, :units]
            follower.table(theta)[:, 0] += 2 * centre * leaving[:, turned].sum(axis=1)
        outgoing[:, turned] *= -1
    return theta


@pytest.mark.parametrize("kind", ["plain", "skip", "layer normalised", "weight normalised"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_permuted_and_turned_networks_have_one_canonical_form(name, kind):
    net = network(ACTIVATIONS[name](), kind, units=(5, 4))
    theta, X, _ = draws(net)
    canonical = net.canonical(theta)
    np.testing.assert_allclose(net.eta(canonical, X), net.eta(theta, X), atol=1e-12)
    np.testing.assert_array_equal(net.canonical(canonical), canonical)
    exact = net.hidden[0].activation.centre in (None, 0.0)
    for seed in range(4):
        other = shuffled(net, theta, seed)
        assert (other != theta).any()
        np.testing.assert_allclose(net.eta(other, X), net.eta(theta, X), atol=1e-12)
        found = net.canonical(other)
        if exact:
            np.testing.assert_array_equal(found, canonical)
        np.testing.assert_allclose(found, canonical, atol=1e-13)


def test_canonical_numbers_units_by_what_leaves_them():
    net = Network(2, (Hidden(6),), 3)
    canonical = net.canonical(draws(net)[0])
    lengths = np.linalg.norm(net.output.weights(canonical), axis=0)
    assert (np.diff(lengths) <= 0).all()
    incoming = net.layers[0].affine.weights(canonical)
    leading = incoming[np.arange(6), np.abs(incoming).argmax(axis=1)]
    assert (leading > 0).all()


def test_batch_normalised_units_keep_their_places():
    net = network(Tanh(), "batch normalised")
    theta, X, _ = draws(net)
    canonical = net.canonical(theta)
    np.testing.assert_allclose(net.eta(canonical, X), net.eta(theta, X), atol=1e-13)
    np.testing.assert_array_equal(
        net.layers[0].affine.table(canonical)[:, 0], net.layers[0].affine.table(theta)[:, 0]
    )
    assert (canonical[net.layers[0].scale_slice] > 0).all()


# training ---------------------------------------------------------------


@pytest.mark.parametrize("normalisation", [None, "layer", "batch", "weight"])
def test_gradient_in_training(normalisation):
    net = Network(3, tuple(Hidden(n, Tanh(), normalisation, 0.3) for n in (5, 4)), 2, skip=True)
    theta, X, G = draws(net)
    training = net.training(np.random.default_rng(0), ROWS, X)
    J = complex_step(lambda t: net.forward(t, X, training).eta, theta)
    found = net.backward(theta, net.forward(theta, X, training), G)
    np.testing.assert_allclose(found, np.einsum("iqp,iq->p", J, G), atol=1e-11)


def test_dropout_drops_its_share_and_keeps_the_mean():
    net = Network(3, (Hidden(200, dropout=0.3), Hidden(50)), 2)
    theta, X, _ = draws(net)
    training = net.training(np.random.default_rng(0), 500, X)
    mask, none = training.masks
    assert none is None
    assert set(np.unique(mask)) == {0.0, 1 / 0.7}
    np.testing.assert_allclose((mask == 0).mean(), 0.3, atol=0.01)
    bare = Network(3, (Hidden(200), Hidden(50)), 2)
    np.testing.assert_array_equal(net.eta(theta, X), bare.eta(theta, X))
    again = net.training(np.random.default_rng(0), 500, X)
    np.testing.assert_array_equal(again.masks[0], mask)


def test_batch_normalisation_uses_the_batch_in_training_and_the_running_statistics_after():
    net = Network(3, (Hidden(4, Tanh(), "batch"), Hidden(3)), 1)
    theta = net.initial(np.random.default_rng(0))
    X = np.random.default_rng(1).normal(3, 2, (500, 3))
    passed = net.forward(theta, X, net.training(np.random.default_rng(0), 500, X))
    seen = passed.layers[0].standardised.values
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(seen.var(axis=0), 1, atol=1e-4)

    z = net.layers[0].affine.value(theta, X)
    mean, variance = passed.statistics.of(0)
    np.testing.assert_allclose(mean[0], 0.1 * z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance[0], 0.9 + 0.1 * z.var(axis=0, ddof=1), rtol=1e-12)
    assert passed.statistics.of(1) is None

    statistics = None
    for _ in range(200):
        training = net.training(None, 500, X, statistics)
        statistics = net.forward(theta, X, training).statistics
    after = replace(net, statistics=statistics)
    np.testing.assert_allclose(after.eta(theta, X), passed.eta, atol=1e-3)
    # a single row is predicted as it is among others
    np.testing.assert_allclose(after.eta(theta, X[:1]), after.eta(theta, X)[:1], rtol=1e-12)


def test_layer_normalisation_is_the_same_in_training():
    net = Network(3, (Hidden(4, Tanh(), "layer"),))
    theta, X, _ = draws(net)
    passed = net.forward(theta, X, net.training(np.random.default_rng(0), ROWS, X))
    np.testing.assert_array_equal(passed.eta, net.eta(theta, X))
    assert passed.statistics is None


# the lectures' numbers ---------------------------------------------------------------


def test_one_step_of_backpropagation():
    net = Network(2, (Hidden(2, Sigmoid()),), 2, intercept=False)
    theta = np.array([0.3, 0.25, 0.4, 0.35, 0.45, 0.4, 0.7, 0.6])
    X, target = np.array([[0.1, 0.2]]), np.array([[0.4, 0.6]])
    passed = net.forward(theta, X)
    o = Sigmoid().value(passed.eta)
    errors = 0.5 * (target - o) ** 2
    np.testing.assert_array_equal(passed.last.round(8), [[0.51998934, 0.52747230]])
    np.testing.assert_array_equal(o.round(8), [[0.60944600, 0.66384491]])
    np.testing.assert_array_equal(errors.round(8), [[0.02193381, 0.00203809]])
    assert round(errors.sum(), 8) == 0.02397190

    gradient = net.backward(theta, passed, Sigmoid().pull(passed.eta, o, o - target))
    theta = theta - 0.5 * gradient
    np.testing.assert_array_equal(
        theta.round(8),
        [
            0.29959556,
            0.24919112,
            0.39964496,
            0.34928991,
            0.43703857,
            0.38685205,
            0.69629578,
            0.59624247,
        ],
    )
    o = Sigmoid().value(net.eta(theta, X))
    np.testing.assert_array_equal(o.round(8), [[0.60617688, 0.66295848]])
    assert round(0.5 * ((target - o) ** 2).sum(), 8) == 0.02323634


def test_dosage():
    net = Network(1, (Hidden(2, Softplus()),))
    theta = np.array([2.14, -34.4, 1.29, -2.52, -0.58, -1.30, 2.28])
    dose = np.array([[0.0], [0.5], [1.0]])
    passed = net.forward(theta, dose)
    assert passed.last[0, 0].round(2) == 2.25
    h1, h2 = np.log1p(np.exp(-34.4 * dose + 2.14)), np.log1p(np.exp(-2.52 * dose + 1.29))
    np.testing.assert_allclose(passed.eta, -1.30 * h1 + 2.28 * h2 - 0.58, rtol=1e-12)


BITS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.mark.parametrize(
    ("unit", "truth"),
    [((-1.5, 1, 1), [0, 0, 0, 1]), ((1.5, -1, -1), [1, 1, 1, 0]), ((-0.5, 1, 1), [0, 1, 1, 1])],
    ids=["and", "nand", "or"],
)
def test_one_perceptron(unit, truth):
    net = Network(2, (Hidden(1, Step()),), intercept=True)
    np.testing.assert_array_equal(net.eta(np.array([*unit, 0.0, 1.0]), BITS)[:, 0], truth)


def test_two_layers_of_perceptrons_make_exclusive_or():
    net = Network(2, (Hidden(2, Step()), Hidden(1, Step())))
    theta = np.array([1.5, -1, -1, -0.5, 1, 1, -1.5, 1, 1, 0.0, 1.0])  # NAND and OR, then AND
    np.testing.assert_array_equal(net.eta(theta, BITS)[:, 0], [0, 1, 1, 0])


def test_gradients_vanish_through_sigmoids_and_not_through_relus():
    sizes = {}
    for activation in (Sigmoid(), ReLU()):
        net = Network(10, tuple(Hidden(10, activation) for _ in range(8)))
        theta = net.initial(np.random.default_rng(0))
        X = np.random.default_rng(1).normal(size=(50, 10))
        gradient = net.pullback(theta, X, np.ones((50, 1)))
        blocks = [block.of(gradient) for block in net.layout if block.kind == "weights"]
        sizes[activation.name] = np.linalg.norm(blocks[0]) / np.linalg.norm(blocks[-2])
    assert sizes["sigmoid"] < 1e-3
    assert sizes["relu"] > 0.1


# refusals ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hidden(0), "one unit or more"),
        (lambda: Hidden(-3), "one unit or more"),
        (lambda: Hidden(2.5), "one unit or more"),
        (lambda: Hidden(True), "one unit or more"),
        (lambda: Hidden(3, dropout=1.0), "below 1"),
        (lambda: Hidden(3, dropout=-0.1), "below 1"),
        (lambda: Hidden(3, normalisation="group"), "'batch', 'layer'"),
        (lambda: Network(3, (), 0), "outputs must be a whole number of 1"),
        (lambda: Network(-1), "inputs must be a whole number of 0"),
        (
            lambda: Network(3, (Hidden(2),)).pushforward(np.zeros(11), np.zeros((1, 3)), None),
            "needs a direction",
        ),
    ],
)
def test_impossible_networks_are_refused(make, message):
    with pytest.raises(ModelError, match=message):
        make()
