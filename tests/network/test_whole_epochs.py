"""Epochs of one launch are the usual ones: the kernel of epoch.cu beside the plain path.

Without a card the same source is compiled for the host (tests/namespace/host_kernels.py), and by
NVRTC for the card, where that is installed.
"""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

import statdl as sd
from statdl.backend import epoch, kernels, special
from statdl.backend.array import to_numpy
from statdl.backend.kernels import RULES
from tests.namespace import host_kernels, nvrtc

RULES_TRIED = (
    sd.SGD(0.05), sd.Momentum(0.02), sd.Momentum(0.05, dampened=True), sd.Nesterov(0.02),
    sd.AdaGrad(0.01), sd.RMSProp(0.001), sd.Adam(0.003), sd.AdamW(0.003, weight_decay=0.1),
)  # fmt: skip
FAMILIES = ("gaussian", "binomial", "multinomial")
LIMIT = 1e-5


def drawn(family, n=200, p=6):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, p)).astype("float32")
    eta = X[:, :3] + random.gumbel(size=(n, 3)).astype("float32")
    y = {
        "gaussian": eta[:, 0],
        "binomial": (eta[:, 0] > 0) * 1.0,
        "multinomial": eta.argmax(axis=1),
    }
    return X, y[family]


def trained(place, family, rule, fused, **options):
    X, y = drawn(family)
    kind = "int64" if family == "multinomial" else "float32"
    method = {"batch": 32, "epochs": 10, "schedule": options.pop("schedule", None)}
    given = {"hidden": 8, "activation": "tanh", "scaling": "none", "seed": 3} | options
    parts = ("weights", "offset")
    given |= {one: place(given[one], "float32") for one in parts if given.get(one) is not None}
    return sd.mlp(
        X=place(X, "float32"), y=place(y, kind), family=family, dtype="float32",
        method=sd.GradientDescent(rule, fused=fused, **method), **given,
    )  # fmt: skip


def assert_same(ours, theirs):
    for one, other in ((ours.estimate.parameters, theirs.estimate.parameters),
                       (to_numpy(ours.fitted()), to_numpy(theirs.fitted()))):  # fmt: skip
        assert np.abs(one - other).max() <= LIMIT * np.abs(other).max()
    for name, values in theirs.history.items():
        np.testing.assert_allclose(ours.history[name], values, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rule", RULES_TRIED, ids=repr)
def test_every_rule(card, rule):
    ours, theirs = (trained(card, "multinomial", rule, fused) for fused in (True, False))
    assert_same(ours, theirs)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity"])
def test_every_head_and_activation(card, family, activation):
    options = {"activation": activation, "hidden": (7, 5)}
    ours, theirs = (
        trained(card, family, sd.Adam(0.003), fused, **options) for fused in (True, False)
    )
    assert_same(ours, theirs)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "options",
    [
        {"weights": np.linspace(0.5, 2.0, 200)},
        {"offset": np.linspace(-1.0, 1.0, 200)},
        {"decay": 0.5},
        {"schedule": sd.Steps()},
        {"intercept": False},
        {"weights": np.linspace(0.5, 2.0, 200), "decay": 0.5, "hidden": (3, 4, 5)},
    ],
    ids=lambda options: " ".join(options),
)
def test_what_a_fit_may_have(card, family, options):
    if family == "multinomial" and "offset" in options:
        pytest.skip("classes have no offset of one column")
    ours, theirs = (
        trained(card, family, sd.Adam(0.003), fused, **options) for fused in (True, False)
    )
    assert_same(ours, theirs)


def test_room_in_the_cards_memory(card, monkeypatch):
    expected = trained(card, "multinomial", sd.Adam(0.003), True)
    monkeypatch.setattr(epoch, "_memory", lambda size, like: (0, card(np.empty(size), "float32")))
    found = trained(card, "multinomial", sd.Adam(0.003), True)
    np.testing.assert_array_equal(found.estimate.parameters, expected.estimate.parameters)


def test_a_run_repeats_to_the_last_bit(card):
    one, other = (trained(card, "multinomial", sd.Adam(0.003), True) for _ in range(2))
    np.testing.assert_array_equal(one.estimate.parameters, other.estimate.parameters)


def test_any_number_of_threads_will_do(card, monkeypatch):
    """Every sum is one thread's, so that their number changes no bit."""
    found = []
    for threads in (1, 3, 8):
        monkeypatch.setattr(host_kernels, "THREADS", threads)
        monkeypatch.setattr(epoch, "THREADS", 32 * threads)
        found.append(trained(card, "multinomial", sd.Adam(0.003), True).estimate.parameters)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_it_agrees_with_the_host(card):
    X, y = drawn("multinomial")
    here = sd.mlp(
        X=X, y=y, family="multinomial", hidden=8, activation="tanh", scaling="none", seed=3,
        dtype="float32", method=sd.GradientDescent(sd.Adam(0.003), batch=32, epochs=10),
    )  # fmt: skip
    assert_same(trained(card, "multinomial", sd.Adam(0.003), True), here)


@pytest.mark.filterwarnings("ignore::statdl.StatdlWarning")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dropout": 0.1}, "dropout"),
        ({"l1": 0.1}, "L1"),
        ({"activation": "gelu"}, "identity, relu, tanh, sigmoid"),
        ({"normalisation": "batch"}, "normalised"),
        ({"hidden": 60_000}, "more than 65536"),
        ({"fixed": {"x1 -> h1": 0.0}}, "fixed"),
    ],
)
def test_what_it_cannot_do_is_refused(card, options, said):
    with pytest.raises(sd.ModelError, match=rf"fused=True cannot be used here: .*{said}"):
        trained(card, "gaussian", sd.Adam(0.003), True, **options)


def test_it_is_for_a_card_single_precision_and_networks(card):
    X, y = drawn("gaussian")
    whole = {"method": sd.GradientDescent(sd.Adam(0.01), batch=20, epochs=1, fused=True)}
    for method in (whole, {"method": sd.GradientDescent(sd.Adam(0.01), batch=20, tf32=True)}):
        with pytest.raises(sd.ModelError, match="not on a card"):
            sd.mlp(X=X, y=y, hidden=2, **method)
        with pytest.raises(sd.ModelError, match="single precision"):
            sd.mlp(X=card(X), y=card(y), hidden=2, **method)
        with pytest.raises(sd.ModelError, match="for networks"):
            sd.lm(X=X, y=y, **method)


# rounded products -----------------------------------------------------------------------------


def test_rounded_products_are_told(card):
    X, y = drawn("multinomial")
    options = {"family": "multinomial", "hidden": 8, "scaling": "none", "dtype": "float32"}

    def fit(**named):
        method = sd.GradientDescent(sd.Adam(0.01), batch=32, epochs=5, **named)
        return sd.mlp(X=card(X, "float32"), y=card(y), seed=1, method=method, **options)

    rounded, full = fit(tf32=True), fit()
    assert "products in TF32" in str(rounded.numerics)
    assert "TF32" not in str(full.numerics)
    (note,) = (one for one in rounded.convergence.notes if "TF32" in one)
    share = float(note.split(" by ")[1].split()[0])
    assert 0 < share < 1e-2
    assert rounded.estimate.loss != full.estimate.loss
    assert rounded.estimate.loss == pytest.approx(full.estimate.loss, rel=1e-2)


# the source ------------------------------------------------------------------------------------


@pytest.fixture
def compiler():
    """NVIDIA's."""
    found = nvrtc.library()
    if found is None:
        pytest.skip("NVRTC is not installed (pip install nvidia-cuda-nvrtc)")
    return found


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("family", epoch.FAMILIES)
def test_the_source_compiles_for_a_card(compiler, rule, family):
    assert ".entry statdl_epoch" in compiler.ptx(epoch.source_of(rule, family), epoch.OPTIONS)


@pytest.mark.parametrize("kind", ["float", "double"])
def test_elementwise_kernels_compile_for_a_card(compiler, kind, monkeypatch):
    for module in (kernels, special):
        named = {"ElementwiseKernel": host_kernels.Elementwise}
        monkeypatch.setattr(module, "cupy", SimpleNamespace(**named))
    made = [
        *(kernels.rule_kernel.__wrapped__(rule, 2) for rule in RULES),
        *(kernels.derivative_kernel.__wrapped__(name) for name in kernels.DERIVATIVES),
        *(kernels.head_kernel.__wrapped__(name) for name in kernels.HEADS),
        kernels.sigmoid_kernel.__wrapped__(),
        kernels.softmax_kernel.__wrapped__(),
        special._logit_kernel.__wrapped__(),
    ]
    for kernel in made:
        assert ".entry run" in compiler.ptx(kernel.source(kind, host_kernels.ELEMENTWISE_CARD))


def test_no_thread_reads_what_another_writes(tmp_path):
    """The compiler's detector of races, over a network of three layers and a rest of rows."""
    if host_kernels.COMPILER is None:
        pytest.skip("there is no C++ compiler")
    n, p, batch = 70, 5, 16
    layers = [
        epoch.Dense(0, p, 6, "tanh"), epoch.Dense(36, 6, 4, "relu"), epoch.Dense(64, 4, 3)
    ]  # fmt: skip
    size = 79
    table, _ = epoch.room_of(layers, size, batch)
    zeros, ones = (np.full(n * p, one, "float32") for one in (0, 1))
    random = np.random.default_rng(0).normal(size=n * p).astype("float32")
    numbers = np.tile(np.float32([0.01, 0.9, 0.1, 0.999, 0.001, 1e-8, 0.0]), 5)
    counts = (3, 1, size, n, batch, 0)
    arguments = [
        random, zeros, zeros, zeros, random, ones, ones, None, np.arange(n), ones, ones, numbers,
        zeros, None, np.int32(table), *map(np.int32, counts),
    ]  # fmt: skip
    source = epoch.source_of("adam", "multinomial")
    try:
        found = host_kernels.races(source, epoch.NAME, arguments, tmp_path)
    except subprocess.CalledProcessError:
        pytest.skip("the compiler has no detector of races")
    assert found == ""
    broken = source.replace("        __syncthreads();\n\n        // forwards", "// forwards")
    assert broken != source
    assert "data race" in host_kernels.races(broken, epoch.NAME, arguments, tmp_path)
