"""What only CuPy does or refuses, on the pretended one and on a card."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.backend import device
from statdl.backend.array import is_cupy
from statdl.backend.linalg import cholesky, factorise
from statdl.backend.stacked import factorise_each
from statdl.errors import NotPositiveDefiniteError
from statdl.infer.added_variable import added_variable
from statdl.lazy import lazy
from tests.cases import draw_classes
from tests.namespace import host_kernels, pretended_cupy
from tests.namespace.models import MODELS, NUMPY, assert_same, case, fit, model
from tests.namespace.pretended_cupy import LEDGER
from tests.places import NOT_PRETENDED, PLACES, Place

wrapped = lazy("statdl.sklearn")
every_model = pytest.mark.parametrize("name", MODELS)
INDEFINITE = np.array([[1.0, 0.5, 0.9], [0.5, 1.0, -0.9], [0.9, -0.9, 1.0]])


def test_a_failed_factorisation_is_ours(card):
    for A in (INDEFINITE, np.ones((2, 2))):
        with pytest.raises(NotPositiveDefiniteError, match="not positive definite"):
            cholesky(card(A))
        with pytest.raises(NotPositiveDefiniteError):
            factorise(card(A))


def test_failures_in_a_stack_are_values(card):
    good = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 4.0]])
    stack = np.stack([good, INDEFINITE, np.ones((3, 3)), np.full((3, 3), np.nan), 2 * good])
    here, there = factorise_each(stack), factorise_each(card(stack))
    np.testing.assert_allclose(there.pivot.get(), here.pivot, rtol=1e-12)
    assert (here.pivot[[1, 2, 3]] == 0).all()


# what crosses, and what is waited for ---------------------------------------------------------


@pytest.fixture
def pretended() -> Iterator[Place]:
    """The pretended CuPy, which counts."""
    if NOT_PRETENDED is not None or host_kernels.COMPILER is None:
        pytest.skip(NOT_PRETENDED or "there is no C++ compiler")
    place = next(one for one in PLACES if one.name == "pretended")
    with place.there():
        LEDGER.taken()
        yield place


FRONTS = {
    "lm": lambda X, codes, **options: sd.lm(X=X, y=codes, **options),
    "logit": lambda X, codes, **options: sd.glm(X=X, y=codes, family="binomial", **options),
    "multinom": lambda X, codes, **options: sd.multinom(X=X, y=codes, **options),
}


def drawn(name, n):
    X, codes = draw_classes(1, n=n, p=4)
    return X, {"lm": X[:, 0] + codes, "logit": (codes > 0) * 1.0, "multinom": codes}[name]


@pytest.mark.parametrize("name", FRONTS)
def test_a_step_waits_for_a_few_numbers_only(pretended, name):
    """Of a step the host asks the loss, the gradient and the information, and no row."""
    X, y = (pretended(part) for part in drawn(name, 40_000))
    LEDGER.taken()
    fitted = FRONTS[name](X, y)
    _ = fitted.pvalues, fitted.conf_int(), fitted.vcov()
    ledger = LEDGER.taken()
    rank, steps = fitted.estimate.rank, fitted.convergence.iterations
    assert max(ledger.down) <= (rank + 1) ** 2
    assert max(ledger.up) <= (rank + 1) ** 2
    assert ledger.stops <= 24 + 4 * steps, f"{ledger.stops} waits in {steps} steps"
    assert ledger.launches <= 300 + 100 * steps


def test_a_small_fit_is_few_launches(pretended):
    X, y = (pretended(part) for part in drawn("logit", 2_000))
    LEDGER.taken()
    FRONTS["logit"](X, y)
    assert LEDGER.taken().launches <= 400


@every_model
def test_a_frame_is_copied_once(pretended, name):
    X = case(**MODELS[name]).X
    there = fit(NUMPY, **MODELS[name], device="cuda")
    assert LEDGER.taken().up.count(X.size) == 1
    assert there.device == "cuda:0 Pretended"
    assert_same(there.params, model(name, NUMPY).params, 1e-9)
    for verb in ("bse", "pvalues", "llf"):
        assert_same(getattr(there, verb), getattr(model(name, NUMPY), verb), 1e-9)
    _ = there.summary(), there.vcov("HC1"), there.effects()
    assert X.size not in LEDGER.taken().up


@every_model
def test_data_larger_than_the_memory_pass_in_blocks(pretended, monkeypatch, name):
    monkeypatch.setattr(device, "free_bytes", lambda _: 1000.0)
    monkeypatch.setattr("statdl.backend.rows.block_rows", lambda _, width: 23)
    there, here = fit(NUMPY, **MODELS[name], device="cuda"), model(name, NUMPY)
    rows = there.estimate.specification.rows
    assert rows.streamed
    assert isinstance(rows.X, np.ndarray)
    assert is_cupy(rows.y)
    assert max(LEDGER.taken().up) < rows.X.size
    for verb in ("params", "bse", "llf"):
        assert_same(getattr(there, verb), getattr(here, verb), 1e-9)
    assert_same(there.predict(), here.predict())


def epochs(place, batch, rule, **options):
    """What two epochs of a network cost."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(96, 3)), random.integers(0, 3, size=96)
    there = place(X, "float32"), place(y)
    method = sd.GradientDescent(rule, batch=batch, epochs=2, clip=options.pop("clip", None))
    LEDGER.taken()
    sd.mlp(
        X=there[0], y=there[1], family="multinomial", hidden=4, scaling="none", method=method,
        seed=1, dtype="float32", **options,
    )  # fmt: skip
    return LEDGER.taken()


@pytest.mark.parametrize("options", [{}, {"clip": 0.1}, {"decay": 0.1}], ids=str)
@pytest.mark.parametrize(
    "rule", [sd.Adam(0.01), sd.Momentum(0.01)], ids=lambda one: type(one).__name__
)
def test_within_an_epoch_nothing_is_sent_or_waited_for(pretended, rule, options):
    few, many = (epochs(pretended, batch, rule, **options) for batch in (48, 8))
    assert many.stops == few.stops
    assert len(many.up) == len(few.up)
    each = (many.launches - few.launches) / 20  # 2 epochs of 12 batches, not of 2
    assert each <= (16 if options else 11), f"{each} launches a batch"


TRAINED = sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=3, seed=1)
STREAMED = {
    "Breusch-Pagan": lambda at: sd.lm(**at("lm")).breusch_pagan_test().p_value,
    "White": lambda at: sd.lm(**at("lm")).white_test().p_value,
    "RESET": lambda at: sd.lm(**at("lm")).reset_test(type="regressor").p_value,
    "rainbow": lambda at: sd.lm(**at("lm")).rainbow_test(order_by="x2").p_value,
    "terms": lambda at: sd.lm(**at("lm")).predict(type="terms"),
    "HC3": lambda at: sd.lm(**at("lm")).vcov("HC3"),
    "influence": lambda at: sd.lm(**at("lm")).cooks_distance(),
    "bootstrap": lambda at: sd.bootstrap(sd.lm(**at("lm")), 5, seed=1).estimates,
    "margins": lambda at: sd.glm(**at("logit"), family="binomial").avg_slopes(),
    "Rao": lambda at: sd.glm(**at("logit"), family="binomial").anova(test="Rao"),
    "added variable": lambda at: added_variable(sd.lm(**at("lm")).estimate, "x2").y,
    "network": lambda at: sd.mlp(**at("lm"), hidden=2, decay=1.0, seed=1).predict(),
    "training": lambda at: sd.mlp(**at("lm"), hidden=2, seed=1, method=TRAINED).predict(),
    "training, l1": lambda at: sd.mlp(
        **at("lm"), hidden=2, seed=1, l1=0.1, method=TRAINED, validation=0.2
    ).predict(),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::statdl.StatdlWarning")
@pytest.mark.parametrize("what", STREAMED)
def test_verbs_of_data_larger_than_the_memory(pretended, monkeypatch, what):
    monkeypatch.setattr(device, "free_bytes", lambda _: 1000.0)
    monkeypatch.setattr("statdl.backend.rows.block_rows", lambda _, width: 70)

    def at(name, device):
        return dict(zip("Xy", drawn(name, 200), strict=True)) | {"device": device}

    there, here = (STREAMED[what](partial(at, device=where)) for where in ("cuda", "cpu"))
    assert_same(there, here, 1e-7)


# frames, from where R's and statsmodels' users begin ------------------------------------------


def frame():
    random = np.random.default_rng(0)
    values = pd.DataFrame(random.normal(size=(120, 3)), columns=list("abc"))
    values["g"] = random.choice(list("xyz"), 120)
    values["y"] = values["a"] + random.normal(size=120)
    values["z"] = (values["y"] > 0) * 1
    values["k"] = random.choice(list("uvw"), 120)
    return values


FORMULA = "y ~ a + b + g"
FRAMES = {
    "step": lambda data: sd.step(sd.lm(FORMULA, data)).fit.params,
    "predict": lambda data: sd.lm(FORMULA, data).predict(data[:5], interval="prediction"),
    "margins": lambda data: sd.glm("z ~ a + g", data, "binomial").avg_slopes(by="g"),
    "classes": lambda data: sd.multinom("k ~ a + b", data).confusion().to_frame(),
    "path": lambda data: sd.path("z ~ a + b + c", data, family="binomial").explained,
    "share": lambda data: sd.mlp(
        "y ~ a + b", data, hidden=2, seed=1, method=TRAINED, validation=0.2
    ).predict(),
    "other data": lambda data: sd.mlp(
        "y ~ a + b", data[:90], hidden=2, seed=1, method=TRAINED, validation=data[90:]
    ).predict(),
    "classes held out": lambda data: sd.mlp(
        "k ~ a + b", data, family="multinomial", hidden=2, seed=1, method=TRAINED, validation=0.2
    ).predict(),
    "scikit-learn": lambda data: (
        wrapped.LogisticModel().fit(data[["a", "b"]], data["z"]).predict_proba(data[["a", "b"]])
    ),
}


@pytest.mark.filterwarnings("ignore::statdl.StatdlWarning")
@pytest.mark.parametrize("what", FRAMES)
def test_frames_on_a_card(pretended, what):
    if what == "scikit-learn":
        pytest.importorskip("sklearn")
    here = FRAMES[what](frame())
    with sd.device("cuda"):
        there = FRAMES[what](frame())
    assert_same(there, here, 1e-7)


# too little memory ----------------------------------------------------------------------------


ASKED = {
    "fit": lambda fitted, X, y: sd.lm(X=X, y=y),
    "network": lambda fitted, X, y: sd.mlp(X=X, y=y, hidden=2, scaling="none"),
    "prediction": lambda fitted, X, y: fitted.predict(interval="confidence"),
    "residuals": lambda fitted, X, y: fitted.residuals(),
    "influence": lambda fitted, X, y: fitted.cooks_distance(),
    "covariance": lambda fitted, X, y: fitted.vcov("HC3"),
    "clusters": lambda fitted, X, y: fitted.vcov(cluster=np.arange(2_000) % 7),
    "many fits": lambda fitted, X, y: sd.bootstrap(fitted, 20).estimates,
}


@pytest.mark.parametrize("what", ASKED)
def test_wherever_memory_ends_it_is_said(pretended, monkeypatch, what):
    X, y = (pretended(part) for part in drawn("lm", 2_000))
    fitted = sd.lm(X=X, y=y)
    monkeypatch.setattr(pretended_cupy.ROOM, "largest", 8_000)
    with pytest.raises(sd.DeviceError, match=r"for [\d.e-]+ GB more.*device='cpu'"):
        ASKED[what](fitted, X, y)


def test_a_card_that_is_not_the_current_one_is_refused(pretended, monkeypatch):
    X, y = (pretended(part) for part in drawn("lm", 100))
    monkeypatch.setattr(pretended_cupy.ndarray, "device", pretended_cupy.Device(1))
    with pytest.raises(sd.DeviceError, match=r"on card 1.*card 0.*cupy.cuda.Device\(1\)"):
        sd.lm(X=X, y=y)
