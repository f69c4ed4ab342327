"""Every covariance, test, prediction, residual and effect, at every place, as on NumPy."""

import numpy as np
import pytest

import statdl as sd
from statdl.backend.array import to_numpy
from tests.namespace.models import (
    GROUPS,
    MODELS,
    NUMPY,
    assert_same,
    case,
    fit,
    model,
    same_numbers,
)

every_model = pytest.mark.parametrize("name", MODELS)
SINGLE = [name for name in MODELS if name != "multinom"]
DATED = ("Time:", "Date:")


@every_model
@pytest.mark.parametrize("kind", ["classical", "hessian", "fisher", "HC0", "HC1", "HAC"])
def test_covariances(place, name, kind):
    same_numbers(name, place, lambda fit: fit.vcov(kind))


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("kind", ["HC2", "HC3", "HC4"])
def test_covariances_with_leverage(place, name, kind):
    same_numbers(name, place, lambda fit: fit.vcov(kind))


@every_model
def test_clustered_covariance(place, name):
    same_numbers(name, place, lambda fit: fit.vcov(cluster=GROUPS))


@every_model
def test_a_reported_covariance_reaches_the_errors(place, name):
    same_numbers(name, place, lambda fit: fit.with_covariance("HC1").bse)


@every_model
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_limits_of_coefficients(place, name, level):
    same_numbers(name, place, lambda fit: fit.confint(level))


@every_model
def test_wald_tests(place, name):
    hypothesis = "x1 = 0" if name != "multinom" else None
    if hypothesis is None:
        R = np.zeros((1, 8))
        R[0, 1] = 1.0
        hypothesis = R
    same_numbers(name, place, lambda fit: fit.wald(hypothesis), rtol=1e-9)


@every_model
@pytest.mark.parametrize("typ", [1, 2, 3])
def test_analysis_of_variance(place, name, typ):
    assert str(model(name, place).anova(typ=typ)) == str(model(name, NUMPY).anova(typ=typ))


@every_model
def test_comparison_of_two_fits(place, name):
    def compare(at):
        smaller = fit(at, **MODELS[name], X=at(case(**MODELS[name]).X[:, :1]))
        return str(sd.anova(smaller, model(name, at)))

    assert compare(place) == compare(NUMPY)


@every_model
def test_summary(place, name):
    ours, theirs = (
        [line for line in str(model(name, at).summary()).splitlines() if not line.startswith(DATED)]
        for at in (place, NUMPY)
    )
    assert ours == theirs


PREDICTIONS = [
    {},
    {"se_fit": True},
    {"interval": "confidence"},
    {"interval": "confidence", "level": 0.5},
    {"type": "link"},
    {"type": "link", "interval": "confidence", "se_fit": True},
]


@every_model
@pytest.mark.parametrize("options", PREDICTIONS, ids=str)
def test_predictions(place, name, options):
    new = case(**MODELS[name]).X[:7] / 2
    there, here = model(name, place), model(name, NUMPY)
    for data in (place(new), new):
        assert_same(there.predict(data, **options), here.predict(new, **options))
    assert_same(there.predict(**options), here.predict(**options))


def test_prediction_intervals_and_terms(place):
    new = case(**MODELS["lm"]).X[:7] / 2
    for options in (
        {"interval": "prediction"},
        {"type": "terms"},
        {"type": "terms", "se_fit": True},
    ):
        there, here = model("lm", place), model("lm", NUMPY)
        assert_same(there.predict(place(new), **options), here.predict(new, **options))


@pytest.mark.parametrize("name", ["logit", "probit", "multinom"])
def test_predicted_classes(place, name):
    new = case(**MODELS[name]).X[:7] / 2
    ours, theirs = (model(name, at).predict(at(new), type="class") for at in (place, NUMPY))
    assert list(np.asarray(ours)) == list(theirs)


@pytest.mark.parametrize("name", SINGLE)
def test_predictions_with_an_offset(place, name):
    new, shift = case(**MODELS[name]).X[:7] / 2, np.full(7, 0.25)
    moved = model(name, place).predict(place(new), offset=place(shift))
    assert_same(moved, model(name, NUMPY).predict(new, offset=shift))


@every_model
def test_predictions_of_long_data_are_made_in_blocks(place, name, monkeypatch):
    here = model(name, NUMPY).predict(se_fit=True)
    monkeypatch.setattr("statdl.backend.rows.block_rows", lambda array, width: 11)
    assert_same(model(name, place).predict(se_fit=True), here)


@every_model
@pytest.mark.parametrize("kind", ["response", "pearson", "deviance", "working"])
def test_residuals(place, name, kind):
    if name == "multinom" and kind in ("deviance", "working"):
        with pytest.raises(sd.ModelError, match="several classes"):
            model(name, place).residuals(kind)
        return
    same_numbers(name, place, lambda fit: fit.residuals(kind), rtol=1e-9)


INFLUENCE = ("leverage", "cooks_distance", "rstandard", "rstudent", "dffits", "dfbetas", "covratio")


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("what", INFLUENCE)
def test_influence(place, name, what):
    same_numbers(name, place, lambda fit: getattr(fit, what)(), rtol=1e-8)


@every_model
def test_rows_stay_where_the_data_are(place, name):
    there = model(name, place)
    found = [there.fitted(), there.predict(), there.residuals(), there.residuals("pearson")]
    found += [there.predict(type="link"), there.model_matrix()]
    if name != "multinom":
        found += [there.leverage(), there.cooks_distance()]
    assert all(place.holds(array) for array in found)
    assert_same(there.model_matrix(), model(name, NUMPY).model_matrix())


@every_model
@pytest.mark.parametrize("kind", [None, "HC1"])
def test_effects(place, name, kind):
    same_numbers(name, place, lambda fit: fit.effects(vcov=kind), rtol=1e-9)


@every_model
def test_effects_in_new_rows(place, name):
    new = case(**MODELS[name]).X[:7] / 2
    ours, theirs = (model(name, at).effects(at(new)) for at in (place, NUMPY))
    assert_same(ours, theirs, 1e-9)


@every_model
@pytest.mark.parametrize("verb", ["avg_slopes", "avg_predictions"])
def test_margins(place, name, verb):
    same_numbers(name, place, lambda fit: getattr(fit, verb)(), rtol=1e-8)


def test_a_saved_fit_is_on_the_host(place, tmp_path):
    there = model("logit", place)
    there.save(tmp_path / "fit.zip")
    loaded = sd.load(tmp_path / "fit.zip")
    new = case(**MODELS["logit"]).X[:5]
    assert loaded.device == "cpu"
    assert_same(loaded.predict(new), to_numpy(there.predict(place(new))))
