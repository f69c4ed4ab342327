"""Every model by every method, at every place, has the numbers that it has on NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import statdl as sd
from statdl.backend.array import namespace, to_numpy
from tests.cases import MODELS as LINKED
from tests.cases import draw_classes
from tests.namespace.models import MODELS, NUMPY, assert_same, case, fit, model

every_model = pytest.mark.parametrize("name", MODELS)
FRONTS = ("lm", "logit", "multinom")
SCALARS = (
    "llf", "aic", "bic", "deviance", "null_deviance", "pearson_chi2", "scale", "df_resid", "nobs",
    "nic",
)  # fmt: skip


def assert_same_fit(there, here, rtol=1e-10):
    for name in ("params", "bse", "tvalues", "pvalues"):
        assert_same(getattr(there, name), getattr(here, name), rtol)
    for name in SCALARS:
        assert_allclose(getattr(there, name), getattr(here, name), rtol=rtol)


@every_model
def test_numbers(place, name):
    assert_same_fit(model(name, place), model(name, NUMPY))


@pytest.mark.parametrize(("family", "link"), LINKED)
def test_every_family_and_link(place, family, link):
    there, here = (fit(at, family, link) for at in (place, NUMPY))
    assert_same_fit(there, here, rtol=1e-9)
    assert_same(there.residuals("deviance"), here.residuals("deviance"), 1e-8)


@pytest.mark.parametrize("method", ["newton", "irls", "lbfgs", "gd"])
@pytest.mark.parametrize("name", FRONTS)
def test_every_method(place, name, method):
    there, here = (fit(at, **MODELS[name], method=method) for at in (place, NUMPY))
    assert there.convergence.method == here.convergence.method
    assert_same_fit(there, here, rtol=1e-7)


@pytest.mark.parametrize(
    "rule",
    [
        sd.SGD(0.1),
        sd.Momentum(0.05),
        sd.Nesterov(0.05),
        sd.AdaGrad(0.1),
        sd.RMSProp(0.05),
        sd.Adam(0.05),
        sd.AdamW(0.05),
    ],
    ids=lambda rule: type(rule).__name__,
)
@pytest.mark.filterwarnings("ignore::statdl.ConvergenceWarning")
def test_batches(place, rule):
    method = sd.GradientDescent(rule, batch=16, epochs=3, clip=5.0, seed=1)
    for name in FRONTS:
        there, here = (fit(at, **MODELS[name], method=method) for at in (place, NUMPY))
        assert_same(there.params, here.params, 1e-9)
        assert_allclose(there.trace.loss, here.trace.loss, rtol=1e-9)


@pytest.mark.parametrize("name", FRONTS)
def test_penalties(place, name):
    there, here = (fit(at, **MODELS[name], penalty=2.0) for at in (place, NUMPY))
    assert_same_fit(there, here, rtol=1e-9)


def test_without_an_intercept_and_by_subset(place):
    rows = case("gaussian", "identity")
    for options in ({"intercept": False}, {"subset": rows.X[:, 0] > 0}):
        there, here = (fit(at, "gaussian", "identity", **options) for at in (place, NUMPY))
        assert_same_fit(there, here)


def test_missing_rows_are_left_out(place):
    holes = case("gaussian", "identity").X.copy()
    holes[[1, 5], 1] = np.nan
    there, here = (fit(at, "gaussian", "identity", X=at(holes)) for at in (place, NUMPY))
    assert there.nobs == 78
    assert_same_fit(there, here)


def test_collinear_columns(place):
    X = case("gaussian", "identity").X
    twice = np.column_stack([X, 2 * X[:, 0]])
    with pytest.warns(sd.RankWarning, match="x4"):
        there = fit(place, "gaussian", "identity", X=place(twice))
    assert np.isnan(there.params["x4"])
    assert_same(there.params[:4], model("lm", NUMPY).params, 1e-10)


@pytest.mark.parametrize("few", [True, False], ids=["few rows", "many rows"])
@pytest.mark.parametrize("method", ["ls", "newton"])
def test_nearly_collinear_columns(place, method, few, monkeypatch):
    if not few:  # as if the rows were too many to be brought to the host
        monkeypatch.setattr("statdl.estimate.rank.SMALL_ENTRIES", 0)
    X = case("gaussian", "identity").X
    near = np.column_stack([X, X[:, 0] + 1e-7 * X[:, 1] ** 2])
    there, here = (
        fit(at, "gaussian", "identity", X=at(near), method=method) for at in (place, NUMPY)
    )
    assert there.convergence.factorisation == here.convergence.factorisation
    assert_same(there.fitted(), here.fitted(), 1e-8)
    assert_allclose(there.llf, here.llf, rtol=1e-8)


def test_separation_is_found(place):
    X = case("gaussian", "identity").X
    with pytest.warns(sd.SeparationWarning, match="x1"):
        there = sd.glm(X=place(X), y=place((X[:, 0] > 0) * 1.0), family="binomial")
    assert np.isnan(there.bse).all()


def test_many_rows(place):
    X, codes = draw_classes(5, n=30_000, p=2)
    there, here = (sd.multinom(X=at(X), y=at(codes)) for at in (place, NUMPY))
    assert_same_fit(there, here, rtol=1e-9)
    assert place.holds(there.fitted())


def test_blocks_of_rows(place, monkeypatch):
    whole = model("logit", NUMPY)
    monkeypatch.setattr("statdl.backend.rows.block_rows", lambda array, width: 17)
    assert_same_fit(fit(place, **MODELS["logit"]), whole)


def test_words_as_classes_and_a_reference(place):
    rows = case("multinomial")
    words = np.array(["ash", "birch", "cedar"])[rows.y]
    options = {"X": rows.X, "weights": rows.weights, "reference": "cedar"}
    here = sd.multinom(y=words, **options)
    there = sd.multinom(y=words, **{**options, "X": place(rows.X), "weights": place(rows.weights)})
    assert_same_fit(there, here)
    by_number = fit(place, "multinomial", reference=2)
    assert_same(by_number.params, here.params)


@pytest.mark.parametrize("name", FRONTS)
def test_single_precision_data_are_summed_in_double(place, name):
    X = case(**MODELS[name]).X.astype(np.float32)
    there = fit(place, **MODELS[name], X=place(X, "float32"))
    assert_same_fit(there, fit(NUMPY, **MODELS[name], X=X.astype(np.float64)))
    fitted = there.fitted()
    assert fitted.dtype == namespace(fitted).float64
    assert "single precision" in str(there.summary())


def test_the_device_is_known(place):
    said = model("lm", place).device
    assert said == "cpu" if place.name == "numpy" else place.name in said or "cuda" in said
    assert to_numpy(model("lm", place).fitted()).shape == (80,)
