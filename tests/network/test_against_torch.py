"""The same network written in PyTorch: the same loss in every epoch, to the last digits."""

import numpy as np
import pytest

import statdl as sd

torch = pytest.importorskip("torch")
F = torch.nn.functional

RANDOM = np.random.default_rng(0)
N, P, HIDDEN, EPOCHS = 200, 4, (4, 3), 15
X = RANDOM.normal(size=(N, P))
ETA = np.sin(X[:, 0]) + X[:, 1] / 2
DEVIATE = ETA + 0.3 * RANDOM.normal(size=N)
#: A response and its loss as PyTorch writes it; numbers are standardised, as fits are inside.
PROBLEMS = {
    "gaussian": (
        (DEVIATE - DEVIATE.mean()) / DEVIATE.std(),
        lambda eta, y: 0.5 * F.mse_loss(eta[:, 0], y),
    ),
    "binomial": (
        (DEVIATE > 0).astype(float),
        lambda eta, y: F.binary_cross_entropy_with_logits(eta[:, 0], y),
    ),
    "poisson": (
        RANDOM.poisson(np.exp(ETA / 2)).astype(float),
        lambda eta, y: F.poisson_nll_loss(eta[:, 0], y),
    ),
    "multinomial": (
        np.digitize(DEVIATE, [-0.4, 0.6]),
        lambda eta, y: F.cross_entropy(torch.cat([torch.zeros(N, 1), eta], dim=1), y.long()),
    ),
}
UNITS = {
    "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid,
    "gelu": torch.nn.GELU, "silu": torch.nn.SiLU, "elu": torch.nn.ELU, "selu": torch.nn.SELU,
    "softplus": torch.nn.Softplus, "leaky_relu": torch.nn.LeakyReLU,
    "softsign": torch.nn.Softsign, "hard_tanh": torch.nn.Hardtanh,
}  # fmt: skip
RULES = {
    "sgd": (sd.SGD(0.05), lambda ws: torch.optim.SGD(ws, 0.05)),
    "momentum": (sd.Momentum(0.02, 0.9), lambda ws: torch.optim.SGD(ws, 0.02, momentum=0.9)),
    "nesterov": (
        sd.Nesterov(0.02, 0.9),
        lambda ws: torch.optim.SGD(ws, 0.02, momentum=0.9, nesterov=True),
    ),
    "adam": (sd.Adam(0.01), lambda ws: torch.optim.Adam(ws, 0.01)),
    "rmsprop": (sd.RMSProp(0.01, 0.99), lambda ws: torch.optim.RMSprop(ws, 0.01)),
    "adagrad": (sd.AdaGrad(0.05), lambda ws: torch.optim.Adagrad(ws, 0.05)),
    "adamw": (sd.AdamW(0.01), lambda ws: torch.optim.AdamW(ws, 0.01)),
}


def trained(family, activation, rule, **options):
    method = sd.GradientDescent(RULES[rule][0], batch=None, epochs=EPOCHS)
    y = PROBLEMS[family][0]
    return sd.mlp(
        X=X, y=y, family=family, hidden=HIDDEN, activation=activation, scaling="none",
        method=method, seed=3, **options,
    )  # fmt: skip


def written_in_torch(net, activation):
    """The network at the weights that training started from, with its own names of weights."""
    start = dict(zip(net.params.index, net.trace.parameters[0], strict=True))
    units = [[f"h{layer + 1}.{unit + 1}" for unit in range(n)] for layer, n in enumerate(HIDDEN)]
    inputs = [f"x{j + 1}" for j in range(P)]
    outputs = [name.split(" -> ")[1] for name in start if name.startswith("h2.1 -> ")]
    layers = []
    for below, above in zip([inputs, *units], [*units, outputs], strict=True):
        layer = torch.nn.Linear(len(below), len(above)).double()
        with torch.no_grad():
            table = [[start[f"{one} -> {unit}"] for one in below] for unit in above]
            layer.weight[:] = torch.tensor(table)
            layer.bias[:] = torch.tensor([start[f"bias -> {unit}"] for unit in above])
        layers += [layer, UNITS[activation]()]
    return torch.nn.Sequential(*layers[:-1])


def losses(net, family, activation, optimiser, penalty=0.0):
    y, loss = PROBLEMS[family]
    model, seen = written_in_torch(net, activation), []
    rows, answers = torch.tensor(X), torch.tensor(y, dtype=torch.float64)
    walk = optimiser(model.parameters())
    for _ in range(EPOCHS):
        walk.zero_grad()
        own = loss(model(rows), answers)
        seen.append(own.item())
        weights = sum((one.weight**2).sum() for one in model if hasattr(one, "weight"))
        (own + penalty / 2 / N * weights).backward()
        walk.step()
    return seen


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("family", PROBLEMS)
def test_every_loss_under_the_rules_that_are_the_same(family, rule):
    net = trained(family, "tanh", rule)
    theirs = losses(net, family, "tanh", RULES[rule][1])
    np.testing.assert_allclose(net.history["loss"], theirs, rtol=1e-12)


@pytest.mark.parametrize("activation", UNITS)
def test_every_activation(activation):
    net = trained("multinomial", activation, "adam")
    theirs = losses(net, "multinomial", activation, RULES["adam"][1])
    np.testing.assert_allclose(net.history["loss"], theirs, rtol=1e-12)


@pytest.mark.parametrize(("rule", "tolerance"), [("rmsprop", 1e-3), ("adagrad", 1e-5)])
def test_rules_whose_epsilon_is_elsewhere(rule, tolerance):
    """g/√(s + ε) here, as in the papers, and g/(√s + ε) there."""
    net = trained("binomial", "tanh", rule)
    theirs = losses(net, "binomial", "tanh", RULES[rule][1])
    np.testing.assert_allclose(net.history["loss"], theirs, rtol=tolerance)


def test_decay_is_that_of_weights_and_a_sum_over_rows():
    net = trained("binomial", "tanh", "adam", decay=2.0)
    theirs = losses(net, "binomial", "tanh", RULES["adam"][1], penalty=2.0)
    np.testing.assert_allclose(net.history["loss"], theirs, rtol=1e-12)


def test_decoupled_decay_leaves_biases_alone():
    def without_biases(parameters):
        every = list(parameters)
        groups = [
            {"params": [one for one in every if one.ndim == 2]},
            {"params": [one for one in every if one.ndim == 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, 0.01)

    net = trained("binomial", "tanh", "adamw")
    theirs = losses(net, "binomial", "tanh", without_biases)
    np.testing.assert_allclose(net.history["loss"], theirs, rtol=1e-12)


@pytest.mark.parametrize("warmup", [0, 3])
def test_the_cosine_schedule(warmup):
    schedule = sd.Cosine(EPOCHS, least=0.1, warmup=warmup)
    method = sd.GradientDescent(sd.Adam(0.01), batch=None, epochs=EPOCHS, schedule=schedule)
    net = sd.mlp(X=X, y=PROBLEMS["binomial"][0], family="binomial", hidden=2, method=method)
    walk = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.01)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(walk, EPOCHS - warmup, eta_min=0.001)
    rates = [0.01 * (epoch + 1) / (warmup + 1) for epoch in range(warmup)]
    for _ in range(EPOCHS - warmup):
        rates.append(walk.param_groups[0]["lr"])
        walk.step()
        fall.step()
    np.testing.assert_allclose(net.history["learning_rate"], rates, rtol=1e-12)
