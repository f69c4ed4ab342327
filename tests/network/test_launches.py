"""Other launches than the usual give its numbers: replayed graphs, and epochs of one launch.

Without a card kernels are compiled for the host from the same source, and graphs are captured and
replayed by pretended streams (tests/namespace). NVRTC compiles for the card, where it is installed.
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
every_launch = pytest.mark.parametrize("launch", ["graph", "epoch"])
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


def trained(place, family, rule, launch, **options):
    X, y = drawn(family)
    kind = "int64" if family == "multinomial" else "float32"
    named = ("schedule", "products", "clip", "batch")
    method = {"batch": 32, "epochs": 10, "launch": launch}
    method |= {one: options.pop(one) for one in named if one in options}
    given = {"hidden": 8, "activation": "tanh", "scaling": "none", "seed": 3} | options
    parts = ("weights", "offset")
    given |= {one: place(given[one], "float32") for one in parts if given.get(one) is not None}
    return sd.mlp(
        X=place(X, "float32"), y=place(y, kind), family=family, dtype="float32",
        method=sd.GradientDescent(rule, **method), **given,
    )  # fmt: skip


def assert_same(ours, theirs):
    for one, other in ((ours.estimate.parameters, theirs.estimate.parameters),
                       (to_numpy(ours.fitted()), to_numpy(theirs.fitted()))):  # fmt: skip
        assert np.abs(one - other).max() <= LIMIT * np.abs(other).max()
    for name, values in theirs.history.items():
        np.testing.assert_allclose(ours.history[name], values, rtol=1e-3, atol=1e-5)


def both(card, launch, family, rule, **options):
    return (trained(card, family, rule, one, **options) for one in (launch, "plain"))


@every_launch
@pytest.mark.parametrize("rule", RULES_TRIED, ids=repr)
def test_every_rule(card, launch, rule):
    assert_same(*both(card, launch, "multinomial", rule))


@every_launch
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity"])
def test_every_head_and_activation(card, launch, family, activation):
    options = {"activation": activation, "hidden": (7, 5)}
    assert_same(*both(card, launch, family, sd.Adam(0.003), **options))


@every_launch
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "options",
    [
        {"weights": np.linspace(0.5, 2.0, 200)},
        {"offset": np.linspace(-1.0, 1.0, 200)},
        {"decay": 0.5},
        {"schedule": sd.Steps()},
        {"intercept": False},
        {"batch": 40},
        {"batch": None},
        {"weights": np.linspace(0.5, 2.0, 200), "decay": 0.5, "hidden": (3, 4, 5)},
    ],
    ids=lambda options: " ".join(options),
)
def test_what_a_fit_may_have(card, launch, family, options):
    if family == "multinomial" and "offset" in options:
        pytest.skip("classes have no offset of one column")
    assert_same(*both(card, launch, family, sd.Adam(0.003), **options))


def test_room_in_the_cards_memory(card, monkeypatch):
    expected = trained(card, "multinomial", sd.Adam(0.003), "epoch")
    monkeypatch.setattr(epoch, "_memory", lambda size, like: (0, card(np.empty(size), "float32")))
    found = trained(card, "multinomial", sd.Adam(0.003), "epoch")
    np.testing.assert_array_equal(found.estimate.parameters, expected.estimate.parameters)


@every_launch
def test_a_run_repeats_to_the_last_bit(card, launch):
    one, other = (trained(card, "multinomial", sd.Adam(0.003), launch) for _ in range(2))
    np.testing.assert_array_equal(one.estimate.parameters, other.estimate.parameters)


def test_any_number_of_threads_will_do(card, monkeypatch):
    """Every sum is one thread's, so that their number changes no bit."""
    found = []
    for threads in (1, 3, 8):
        monkeypatch.setattr(host_kernels, "THREADS", threads)
        monkeypatch.setattr(epoch, "THREADS", 32 * threads)
        found.append(trained(card, "multinomial", sd.Adam(0.003), "epoch").estimate.parameters)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@every_launch
def test_it_agrees_with_the_host(card, launch):
    X, y = drawn("multinomial")
    here = sd.mlp(
        X=X, y=y, family="multinomial", hidden=8, activation="tanh", scaling="none", seed=3,
        dtype="float32", method=sd.GradientDescent(sd.Adam(0.003), batch=32, epochs=10),
    )  # fmt: skip
    assert_same(trained(card, "multinomial", sd.Adam(0.003), launch), here)


@every_launch
@pytest.mark.filterwarnings("ignore::statdl.StatdlWarning")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dropout": 0.1}, "dropout"),
        ({"l1": 0.1}, "L1"),
        ({"activation": "gelu"}, "identity, relu, tanh, sigmoid"),
        ({"normalisation": "batch"}, "normalised"),
        ({"normalisation": "weight"}, "normalised"),
        ({"fixed": {"x1 -> h1": 0.0}}, "fixed"),
        ({"clip": 0.1}, "clipped"),
    ],
)
def test_what_it_cannot_do_is_refused(card, launch, options, said):
    with pytest.raises(sd.ModelError, match=rf"launch='{launch}' cannot be used here: .*{said}"):
        trained(card, "gaussian", sd.Adam(0.003), launch, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden": 60_000}, "more than 65536"),
        ({"skip": True}, "skip"),
        ({"products": "tf32"}, "no products"),
    ],
)
def test_what_an_epoch_in_one_launch_cannot_do_is_refused(card, options, said):
    with pytest.raises(sd.ModelError, match=f"cannot be used here: .*{said}"):
        trained(card, "gaussian", sd.Adam(0.003), "epoch", **options)


OPTIONS = {"launch": "graph"}, {"launch": "epoch"}, {"products": "tf32"}, {"products": "bf16"}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_is_for_a_card_and_networks(card, options):
    X, y = drawn("gaussian")
    method = {"method": sd.GradientDescent(sd.Adam(0.01), batch=20, epochs=1, **options)}
    with pytest.raises(sd.ModelError, match="not on a card"):
        sd.mlp(X=X, y=y, hidden=2, **method)
    with pytest.raises(sd.ModelError, match="for networks"):
        sd.lm(X=X, y=y, **method)
    if options != {"launch": "graph"}:
        with pytest.raises(sd.ModelError, match="single precision"):
            sd.mlp(X=card(X), y=card(y), hidden=2, **method)


@pytest.mark.parametrize("name", ["launch", "products"])
def test_an_unknown_word_is_refused(name):
    with pytest.raises(sd.ModelError, match=f"{name} must be one of .*, not 'fast'"):
        sd.GradientDescent(**{name: "fast"})


# rounded products -----------------------------------------------------------------------------


@pytest.mark.parametrize("launch", ["plain", "graph"])
@pytest.mark.parametrize(
    ("products", "said", "most"), [("tf32", "TF32", 1e-2), ("bf16", "bfloat16", 0.1)]
)
def test_rounded_products_are_told(card, launch, products, said, most):
    options = {"family": "multinomial", "rule": sd.Adam(0.01), "launch": launch}
    rounded, full = (trained(card, products=one, **options) for one in (products, "full"))
    assert f"products in {said}" in str(rounded.numerics)
    assert "products" not in str(full.numerics)
    (note,) = (one for one in rounded.convergence.notes if "Products" in one)
    assert said in note
    share = float(note.split(" by ")[1].split()[0])
    assert 0 < share < most
    assert rounded.estimate.loss != full.estimate.loss
    assert rounded.estimate.loss == pytest.approx(full.estimate.loss, rel=most)
    assert rounded.estimate.parameters.dtype == full.estimate.parameters.dtype


@pytest.mark.parametrize("products", ["tf32", "bf16"])
def test_a_graphs_rounded_products_are_the_plain_ones(card, products):
    options = {"weights": np.linspace(0.5, 2.0, 200), "decay": 0.5, "products": products}
    assert_same(*both(card, "graph", "multinomial", sd.Adam(0.003), **options))


@pytest.mark.parametrize("options", [{"dropout": 0.2}, {"normalisation": "weight"}, {"skip": True}])
def test_rounded_products_of_other_networks(card, options):
    """Nothing is dropped where the effect is worked out."""
    fit = trained(card, "gaussian", sd.Adam(0.003), "plain", products="tf32", **options)
    (note,) = (one for one in fit.convergence.notes if "Products" in one)
    assert 0 < float(note.split(" by ")[1].split()[0]) < 1e-2


@pytest.mark.filterwarnings("ignore::statdl.StatdlWarning")
def test_products_that_cannot_be_rounded_are_refused(card):
    for options in ({"normalisation": "batch"}, {"fixed": {"x1 -> h1": 0.0}}):
        with pytest.raises(sd.ModelError, match=r"products='bf16' cannot be used here: .*full"):
            trained(card, "gaussian", sd.Adam(0.003), "plain", products="bf16", **options)


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
        *(kernels.step_kernel.__wrapped__(rule, 2) for rule in RULES),
        kernels.gather_kernel.__wrapped__(),
        kernels.keep_kernel.__wrapped__(),
        kernels.rounding_kernel.__wrapped__(),
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
