"""Where fits run: what is chosen, what is copied, what is too large, and what is in the way."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import statdl as sd
from statdl.backend import device
from statdl.backend.array import to_numpy
from statdl.backend.gram import blocked_weighted_gram, plain_weighted_gram
from statdl.backend.rows import Rows
from tests.cases import draw_classes
from tests.namespace.models import MODELS, NUMPY, assert_same, case, fit, model
from tests.places import NARROW, NO_CARD, PLACES

STRICT = next(place for place in PLACES if place.name == "device1")
CARS = sd.datasets.load("mtcars")
every_model = pytest.mark.parametrize("name", MODELS)


# which device -------------------------------------------------------------------------------


def test_a_block_chooses_the_device_and_the_innermost_decides(monkeypatch):
    asked = []
    monkeypatch.setattr(device, "_require_cuda", lambda: None)
    monkeypatch.setattr(device, "_to_cuda", lambda values: asked.append("cuda") or values)
    with sd.device("cuda"):
        sd.lm("mpg ~ wt", data=CARS)
        assert asked
        asked.clear()
        with sd.device("cpu"):
            sd.lm("mpg ~ wt", data=CARS)
        sd.lm("mpg ~ wt", data=CARS, device="cpu")
        assert not asked
        sd.lm("mpg ~ wt", data=CARS)
        assert asked
    asked.clear()
    sd.lm("mpg ~ wt", data=CARS)
    assert not asked


def test_cpu_brings_arrays_to_the_host():
    rows = case("gaussian", "identity")
    there = sd.lm(X=STRICT(rows.X), y=STRICT(rows.y), device="cpu")
    assert there.device == "cpu"
    assert isinstance(there.fitted(), np.ndarray)
    with sd.device("cpu"):
        assert sd.lm(X=STRICT(rows.X), y=STRICT(rows.y)).device == "cpu"


def test_an_unknown_device_is_refused():
    for call in (
        lambda: sd.device("tpu").__enter__(),
        lambda: sd.lm("mpg ~ wt", CARS, device="tpu"),
    ):
        with pytest.raises(sd.DeviceError, match="choose 'cpu' or 'cuda'"):
            call()


def test_devices_are_listed_with_what_is_in_the_way():
    table = sd.devices()
    assert table.index[0] == "cpu"
    assert table["usable"][0] == "yes"
    if NO_CARD is not None:
        assert NO_CARD.split()[0] in str(table)


# what is in the way -------------------------------------------------------------------------


class CUDARuntimeError(RuntimeError):
    """CuPy's, by name."""


def pretend(monkeypatch, *, driver=13020, built=13020, count=1, fails=None, installed=True):
    """Let a CuPy be installed that finds this driver and so many cards."""

    def counted():
        if isinstance(count, Exception):
            raise count
        return count

    def arange(_):
        if fails is not None:
            raise fails
        return np.arange(4.0)

    runtime = SimpleNamespace(
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: built,
        getDeviceCount=counted,
        getDeviceProperties=lambda k: {"name": b"NVIDIA H200", "totalGlobalMem": 141 * 10**9},
    )
    fake = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime), arange=arange)
    monkeypatch.setattr(device, "cupy", fake)
    monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: installed or None)
    device._library_obstacle.cache_clear()


@pytest.fixture(autouse=True)
def forget():
    yield
    device._library_obstacle.cache_clear()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"installed": False}, r"CuPy is not installed; .* pip install 'statdl\[gpu\]'"),
        ({"driver": 0}, "no NVIDIA driver; install one"),
        ({"driver": 12040}, r"built for CUDA 13.2 and the driver knows CUDA 12.4; .*cupy-cuda12x"),
        ({"count": 0}, "finds no card; .*CUDA_VISIBLE_DEVICES"),
        ({"count": CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device")}, "no card"),
        ({"count": CUDARuntimeError("cudaErrorUnknown: x")}, "cannot be started: cudaErrorUnknown"),
        (
            {"fails": ImportError('Failure finding "libcublasLt.so.13"\nmore')},
            r"libcublas.*\[ctk\]",
        ),
    ],
)
def test_what_is_in_the_way_is_one_sentence(monkeypatch, found, said):
    pretend(monkeypatch, **found)
    with pytest.raises(sd.DeviceError, match=said) as caught:
        sd.lm("mpg ~ wt", data=CARS, device="cuda")
    assert "\n" not in str(caught.value)
    with pytest.raises(sd.DeviceError, match=said), sd.device("cuda"):
        pass
    assert re.search(said, " ".join(str(sd.devices()).split()))


def test_a_usable_card_is_listed(monkeypatch):
    pretend(monkeypatch)
    assert "NVIDIA H200, 141 GB" in str(sd.devices())


@pytest.mark.skipif("no NVIDIA driver" not in str(NO_CARD), reason="needs CuPy without a driver")
def test_cupy_itself_without_a_driver():
    with pytest.raises(sd.DeviceError, match="no NVIDIA driver"):
        sd.lm("mpg ~ wt", data=CARS, device="cuda")


class OutOfMemoryError(MemoryError):
    """CuPy's, by name and by what it holds."""

    def __init__(self, size):
        super().__init__(f"Out of memory allocating {size} bytes")
        self._size = size


def test_too_little_memory_says_how_much_was_asked_for(monkeypatch):
    def too_much(*_, **__):
        raise OutOfMemoryError(8 * 10**9)

    monkeypatch.setattr("statdl.estimate.regression.begin", too_much)
    with pytest.raises(sd.DeviceError, match=r"for 8 GB more.*float32.*device='cpu'"):
        sd.lm("mpg ~ wt", data=CARS)
    monkeypatch.setattr("statdl.estimate.regression.begin", lambda *_: bytearray(1 << 62))
    with pytest.raises(MemoryError) as caught:  # the host's own is not ours to explain
        sd.lm("mpg ~ wt", data=CARS)
    assert not isinstance(caught.value, sd.DeviceError)


# what is copied -----------------------------------------------------------------------------


class Ledger:
    """What came to the host, in numbers, since the last look."""

    def __init__(self, monkeypatch):
        self.sizes = []
        for module in ("array_api_strict._array_object",):
            kind = __import__(module, fromlist=["Array"]).Array
            for name in ("__float__", "__bool__", "__int__", "__index__"):
                self.watch(monkeypatch, kind, name)
        self.watch(monkeypatch, __import__("array_api_compat"), "to_device")

    def watch(self, monkeypatch, owner, name):
        before = getattr(owner, name)

        def counted(value, *rest, **named):
            self.sizes.append(int(np.prod(value.shape)))
            return before(value, *rest, **named)

        monkeypatch.setattr(owner, name, counted)

    def taken(self):
        sizes, self.sizes = self.sizes, []
        return len(sizes), max(sizes, default=0)


ASKED = {
    "summary": lambda fit: str(fit.summary()),
    "robust errors": lambda fit: fit.vcov("HC1"),
    "effects": lambda fit: fit.effects(),
    "analysis": lambda fit: fit.anova(),
}


@pytest.mark.parametrize("name", ["lm", "logit", "multinom"])
def test_what_comes_to_the_host_does_not_grow_with_the_rows(monkeypatch, name):
    ledger, found = Ledger(monkeypatch), {}
    for n in (2_000, 40_000):
        X, codes = draw_classes(1, n=n, p=4)
        y = {"lm": X[:, 0] + codes, "logit": (codes > 0) * 1.0, "multinom": codes}[name]
        front = {"lm": sd.lm, "logit": sd.glm, "multinom": sd.multinom}[name]
        options = {"family": "binomial"} if name == "logit" else {}
        ledger.taken()
        fitted = front(X=STRICT(X), y=STRICT(y), **options)
        found[n] = {"fit": ledger.taken()}
        for what, verb in ASKED.items():
            verb(fitted)
            found[n][what] = ledger.taken()
    size = fitted.estimate.rank
    for n, taken in found.items():
        for what, (copies, largest) in taken.items():
            assert largest <= 2 * (size + 1) ** 2, f"{what}, {n} rows: {largest} numbers at once"
            assert copies <= 250, f"{what}, {n} rows: {copies} copies"
    iterations = fitted.convergence.iterations
    copies = found[40_000]["fit"][0]
    assert copies <= 60 + 6 * (iterations + 1), f"{copies} copies in {iterations} iterations"


# what is too large --------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """A pretended device that the data do not fit: where "cuda" leads, with little memory."""
    placed = []

    def to_cuda(values):
        placed.append(values.size)
        return STRICT(values, str(values.dtype))

    monkeypatch.setattr(device, "_require_cuda", lambda: None)
    monkeypatch.setattr(device, "_to_cuda", to_cuda)
    monkeypatch.setattr(device, "free_bytes", lambda _: 1000.0)
    monkeypatch.setattr("statdl.backend.rows.block_rows", lambda _, width: 23)
    return placed


@every_model
def test_data_too_large_for_the_card_pass_through_it_in_blocks(name, small):
    here = model(name, NUMPY)
    there = fit(NUMPY, **MODELS[name], device="cuda")
    rows = there.estimate.specification.rows
    assert rows.streamed
    assert isinstance(rows.X, np.ndarray)
    assert STRICT.holds(rows.y)
    assert "device1" in there.device
    assert max(small) == 0  # X went as blocks only
    for verb in ("params", "bse", "llf"):
        assert_same(getattr(there, verb), getattr(here, verb), 1e-9)
    assert str(there.summary()).splitlines()[4:] == str(here.summary()).splitlines()[4:]
    assert_same(there.predict(se_fit=True), here.predict(se_fit=True))
    assert_same(there.residuals("pearson"), here.residuals("pearson"), 1e-9)
    for kind in ("HC0", "HC1"):
        assert_same(there.vcov(kind), here.vcov(kind))
    assert_same(there.vcov(cluster=np.arange(80) % 9), here.vcov(cluster=np.arange(80) % 9))
    assert_same(there.effects(), here.effects(), 1e-9)


def test_streamed_columns_that_are_combinations_are_found(small, monkeypatch):
    X = case("gaussian", "identity").X
    twice = np.column_stack([X, 2 * X[:, 0]])
    with pytest.warns(sd.RankWarning, match="x4"):
        fit(NUMPY, "gaussian", "identity", X=twice, device="cuda")
    near = np.column_stack([X, X[:, 0] + 1e-7 * X[:, 1] ** 2])
    monkeypatch.setattr("statdl.estimate.rank.SMALL_ENTRIES", 0)
    with pytest.raises(sd.DeviceError, match=r"nearly dependent.*device='cpu'"):
        fit(NUMPY, "gaussian", "identity", X=near, device="cuda")


def test_what_fits_is_copied_once(small, monkeypatch):
    monkeypatch.setattr(device, "free_bytes", lambda _: 1e9)
    X = case("gaussian", "identity").X
    there = fit(NUMPY, "gaussian", "identity", device="cuda")
    assert not there.estimate.specification.rows.streamed
    assert small.count(X.size) == 1
    assert_same(there.params, model("lm", NUMPY).params)


def test_rows_bring_X_beside_y():
    X = np.arange(12.0).reshape(6, 2)
    rows = Rows(X.astype(np.float32), STRICT(np.ones((6, 1))), STRICT(np.arange(6.0)))
    assert rows.streamed
    assert rows.template.shape == (0, 2)
    for part in (rows[1:3], rows.take(np.array([2, 0])), rows.thinned(2), *rows.blocks(1)):
        assert STRICT.holds(part.X)
        assert part.X.dtype == part.y.dtype
        assert not part.streamed
    assert_allclose(to_numpy(rows.take(np.array([2, 0])).X), X[[2, 0]])
    assert_allclose(rows.column_means(), X.mean(axis=0))
    assert isinstance(rows.on_host().y, np.ndarray)


# a device without doubles -------------------------------------------------------------------


@every_model
def test_a_device_without_doubles(name):
    rows = case(**MODELS[name])
    data = {part: NARROW(getattr(rows, part), "float32") for part in ("X", "weights", "offset")}
    y = NARROW(rows.y) if name == "multinom" else NARROW(rows.y, "float32")
    there, here = fit(NARROW, **MODELS[name], y=y, **data), model(name, NUMPY)
    assert "no_float64" in there.device
    assert_same(there.params, here.params, 1e-3)
    assert_same(there.bse, here.bse, 1e-3)
    assert_same(there.fitted(), here.fitted(), 1e-3)
    assert "double" not in str(there.summary())


# the Gram matrix of a card ------------------------------------------------------------------


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("n", "p", "q"), [(5_000, 3, 2), (2_000, 4, 1), (900, 0, 2)])
def test_the_blocked_gram_is_the_plain_one(n, p, q, intercept):
    random = np.random.default_rng(2)
    X, d = random.standard_normal((n, p)), random.random((n, q))
    u = random.dirichlet(np.ones(q + 1), n)[:, 1:]
    for diagonal, outer in ((d, None), (u, u), (d, u)):
        ours = blocked_weighted_gram(X, diagonal, outer, intercept=intercept, room=100_000)
        plain = plain_weighted_gram(X, diagonal, outer, intercept=intercept)
        assert_allclose(ours, plain, rtol=1e-12, atol=1e-10)
