"""What training does on a card, as far as it can be seen without one."""

import ctypes
import math
import shutil
import subprocess
from functools import partial

import array_api_strict as strict
import numpy as np
import pytest

import statdl as sd
from statdl.backend import kernels, special
from statdl.model.categorical import Multinomial
from statdl.model.kernel import SoftmaxHead, SteadySoftmaxHead
from statdl.solve import mover as movers
from statdl.solve.rule import Adam, AdamW

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


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 7.0)], ids=["even", "weights"])
def test_the_steady_softmax_is_the_softmax(weights):
    random = np.random.default_rng(2)
    eta = np.vstack([random.normal(size=(5, 3)), [[800.0, -800.0, 1.0]]])
    y = np.eye(4)[random.integers(0, 4, size=6)][:, 1:]
    heads = (kind(Multinomial(4), 6, 3, eta) for kind in (SteadySoftmaxHead, SoftmaxHead))
    with np.errstate(over="ignore"):
        one, other = (head(eta.copy(), y, weights) for head in heads)
    np.testing.assert_allclose(one, other, atol=1e-15)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial"])
def test_the_kernel_of_a_card_is_that_of_the_host(monkeypatch, family):
    """The ways that only a card takes, walked on the host."""
    random = np.random.default_rng(3)
    X = random.normal(size=(50, 3))
    y = {"gaussian": X[:, 0], "binomial": 1.0 * (X[:, 0] > 0), "multinomial": (X > 0).sum(axis=1)}
    options = {
        "family": family, "hidden": (4, 3), "activation": ("relu", "tanh"), "scaling": "none",
        "method": sd.GradientDescent(sd.RMSProp(0.01), batch=16, epochs=3), "seed": 2,
        "dropout": 0.2,
    }  # fmt: skip
    here = sd.mlp(X=X, y=y[family], **options)
    for module in ("lesson", "kernel"):
        monkeypatch.setattr(f"statdl.model.{module}.is_numpy", lambda array: False)
    monkeypatch.setattr("statdl.model.kernel.is_cupy", lambda array: True)
    monkeypatch.setattr("statdl.solve.mover.is_numpy", lambda array: False)
    monkeypatch.setattr("statdl.solve.mover.is_cupy", lambda array: True)
    there = sd.mlp(X=X, y=y[family], **options)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-10)


# kernels: their source, compiled for the host -----------------------------------------------


class HostKernel:
    """``cupy.ElementwiseKernel`` by a C compiler: the same source over NumPy arrays."""

    folder = None

    def __init__(self, taken, made, body, name):
        split = partial(map, str.split)
        self.taken = [name for _, name in split(taken.split(","))]
        self.made = [name for _, name in split(made.split(","))]
        rows = [f"const T {name} = {name}_[i * {name}_s];" for name in self.taken]
        refs = [f"T& {name} = {name}_[i];" for name in self.made]
        arguments = [f"const T* {name}_, long {name}_s" for name in self.taken]
        arguments += [f"T* {name}_" for name in self.made]
        source = (
            "#include <cmath>\ntypedef double T;\nusing namespace std;\n"
            f'extern "C" void run(long n, {", ".join(arguments)}) {{\n'
            f"for (long i = 0; i < n; i++) {{ {' '.join(rows + refs)} {body} }}\n}}\n"
        )
        path = HostKernel.folder / f"{name}.cpp"
        path.write_text(source)
        library = path.with_suffix(".so")
        subprocess.run(["c++", "-O1", "-shared", "-fPIC", path, "-o", library], check=True)
        self.run = ctypes.CDLL(str(library)).run

    def __call__(self, *arrays):
        count = len(self.taken)
        taken = [np.ascontiguousarray(one, dtype=float) for one in arrays[:count]]
        made = list(arrays[count:]) or [np.empty_like(taken[0]) for _ in self.made]
        values = [ctypes.c_long(taken[0].size)]
        for one in taken:
            values += [one.ctypes.data_as(ctypes.c_void_p), ctypes.c_long(int(one.size > 1))]
        self.run(*values, *(one.ctypes.data_as(ctypes.c_void_p) for one in made))
        return tuple(made)


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    if shutil.which("c++") is None:
        pytest.skip("there is no C++ compiler")
    HostKernel.folder = tmp_path
    for module in (kernels, special):
        monkeypatch.setattr(module, "cupy", type("cupy", (), {"ElementwiseKernel": HostKernel}))
    made = (kernels.adam_kernel, special._logit_kernel)
    for kernel in made:
        kernel.cache_clear()
    yield
    for kernel in made:
        kernel.cache_clear()


@pytest.mark.parametrize(
    "rule", [Adam(0.01), Adam(0.01, corrected=False), AdamW(0.01, weight_decay=0.3)], ids=repr
)
def test_one_kernel_takes_the_rules_step(compiled, rule):
    random = np.random.default_rng(4)
    w = random.normal(size=7)
    decayed = np.array([0.0, 1, 1, 0, 1, 1, 1])
    here, there = w.copy(), w.copy()
    plain = movers.Mover(rule, rule.begin(w), decayed)
    card = movers.CardAdam(rule, rule.begin(w), decayed)
    for iteration in range(1, 6):
        gradient = random.normal(size=7)
        plain.move(here, gradient.copy(), 0.01, iteration)
        card.move(there, gradient.copy(), 0.01, iteration)
    np.testing.assert_allclose(there, here, rtol=1e-13)
    for ours, theirs in zip(card.memory, plain.memory, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_the_logit_kernel_is_the_plain_one(compiled):
    eta = np.array([-800.0, -3.0, 0.0, 2.0, 800.0])
    y = np.array([0.0, 1.0, 0.5, 1.0, 0.0])
    found = special._logit_kernel()(eta, y)
    for ours, theirs in zip(found, special.plain_logit_loss_and_score(eta, y), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    assert math.isfinite(found[0].sum())
