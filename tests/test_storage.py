"""Fits in files: the same fit comes back, nothing is run, and whatever is wrong is a sentence."""

import contextlib
import io
import json
import os
import pickle
import warnings
import zipfile
from pathlib import Path

import array_api_strict
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import statdl as sd
from statdl.api.words import FAMILIES, LINKS
from statdl.backend.array import to_numpy
from statdl.errors import DataError, ModelError, StatdlError
from statdl.model.activation import ACTIVATIONS, Activation
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.initial import INITIALS, Initial
from statdl.model.link import Link, Tolerance
from statdl.storage import container
from statdl.storage.document import VARIANTS

few = settings(derandomize=True, deadline=None, max_examples=20)
many = settings(derandomize=True, deadline=None, max_examples=150)


def frame(n=60, seed=3):
    """Numbers, a factor, truth values, text, counts and classes."""
    random = np.random.default_rng(seed)
    x, z = random.normal(size=n), random.uniform(0.5, 3, n)
    g = random.choice(["a", "b", "c"], n)
    eta = 0.4 * x - 0.3 * z + 0.5 * (g == "b")
    return pd.DataFrame(
        {
            "y": 2 + eta + random.normal(0, 0.3, n),
            "x": x,
            "z": z,
            "g": g,
            "f": pd.Categorical(random.choice(["u", "v"], n), categories=["v", "u"]),
            "t": random.uniform(size=n) < 0.4,
            "k": random.integers(1, 4, n),
            "w": random.uniform(0.5, 2, n),
            "count": random.poisson(np.exp(0.5 + eta / 2)),
            "yes": np.where(random.uniform(size=n) < 1 / (1 + np.exp(-eta)), "yes", "no"),
            "class": random.choice(["one", "two", "three"], n),
            "rate": random.gamma(5.0, np.exp(0.3 + eta / 2) / 5),
        }
    )


DATA, NEW = frame(), frame(9, seed=8)
NETWORK = {"hidden": 2, "decay": 0.05, "data": DATA}


def _array_fit(**options):
    X = DATA[["x", "z"]].to_numpy()
    return sd.lm(X=X, y=DATA["y"].to_numpy(), **options)


FITS = {
    "lm": lambda: sd.lm("y ~ x + z", DATA),
    "weighted": lambda: sd.lm("y ~ poly(x, 2) + g", DATA, weights="w", subset="z > 0.8"),
    "without intercept": lambda: sd.lm("y ~ x + g - 1", DATA),
    "intercept only": lambda: sd.lm("y ~ 1", DATA),
    "aliased": lambda: sd.lm("y ~ x + I(2 * x) + z", DATA),
    "ridge": lambda: sd.lm("y ~ x + z + g", DATA, penalty=2.0),
    "offsets": lambda: sd.glm("count ~ x + offset(log(z))", DATA, "poisson", offset="w / 10"),
    "logit": lambda: sd.glm("yes ~ x * g", DATA, "binomial"),
    "probit": lambda: sd.glm("yes ~ x + t", DATA, "binomial", link="probit", reference="yes"),
    "gamma": lambda: sd.glm("rate ~ scale(x) + f", DATA, "gamma", link="log", weights="k"),
    "two counts": lambda: sd.glm("cbind(count, k) ~ x", DATA, "binomial"),
    "multinom": lambda: sd.multinom("class ~ x + g", DATA, reference="two"),
    "three counts": lambda: sd.multinom("cbind(k, count, w) ~ x", DATA),
    "descent": lambda: sd.glm("yes ~ x", DATA, "binomial", method=sd.GradientDescent(sd.Adam(0.1))),
    "single precision": lambda: sd.lm("y ~ x + z", DATA, dtype="float32"),
    "arrays": lambda: _array_fit(),
    "named arrays": lambda: _array_fit(names=["one", "other"], intercept=False),
    "network": lambda: sd.mlp("y ~ x + z + g", **NETWORK),
    "network, skip": lambda: sd.mlp(
        "yes ~ x + z", **NETWORK, skip=True, scaling="minmax", restarts=2, activation=sd_elu()
    ),
    "network, held": lambda: sd.mlp(
        "count ~ x", family="poisson", fixed={"bias -> h1": 0.5}, **NETWORK
    ),
    "network, classes": lambda: sd.mlp("class ~ x + offset(w)", scaling="none", **NETWORK),
    "network, none hidden": lambda: sd.mlp("y ~ x + z", DATA, hidden=()),
    "network, directions": lambda: sd.mlp("y ~ x + z", normalisation="weight", **NETWORK),
    "network, normalised": lambda: sd.mlp("y ~ x", normalisation="layer", **NETWORK),
}


def sd_elu():
    return ACTIVATIONS["elu"](1.3)


@pytest.fixture(scope="module")
def fits():
    """Fits by name, each made once."""
    made = {}

    def fit(name):
        if name not in made:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made[name] = FITS[name]()
        return made[name]

    return fit


def again(fit, folder):
    path = Path(folder) / "model.statdl"
    fit.save(path)
    return sd.load(path)


def equal(one, other):
    """Raise unless two results are the same to the last bit."""
    if isinstance(one, pd.DataFrame | pd.Series):
        compare = pd.testing.assert_frame_equal
        if isinstance(one, pd.Series):
            compare = pd.testing.assert_series_equal
        return compare(one, other, check_exact=True)
    if isinstance(one, pl.DataFrame | pl.Series):
        return np.testing.assert_array_equal(one.to_numpy(), other.to_numpy())
    return np.testing.assert_array_equal(to_numpy(one), to_numpy(other))


def predictions(fit, new):
    """Yield every kind of prediction that the fit has, or the error it raises."""
    for kind in ("response", "link", "class", "terms"):
        for errors in (
            {},
            {"se_fit": True},
            {"interval": "confidence"},
            {"interval": "prediction"},
        ):
            try:
                found = fit.predict(new, kind, **errors)
            except StatdlError as error:
                found = np.array(str(error))
            yield f"{kind} {errors}", found


MEASURES = (
    "nobs df_resid df_model scale sigma deviance null_deviance pearson_chi2 llf llnull aic bic "
    "prsquared llr llr_pvalue levels formula converged params bse tvalues pvalues"
).split()
LEAST_SQUARES = "rsquared rsquared_adj fvalue f_pvalue".split()


def assert_same(fit, loaded, new=NEW):
    """Compare everything a loaded fit can tell."""
    assert type(loaded) is type(fit)
    assert repr(loaded) == repr(fit)
    for name in MEASURES + LEAST_SQUARES * fit.family.quadratic:
        one, other = getattr(fit, name), getattr(loaded, name)
        if isinstance(one, pd.DataFrame | pd.Series | float):
            equal(one, other)
        else:
            assert one == other, name
    assert str(loaded.logLik()) == str(fit.logLik())
    np.testing.assert_array_equal(
        [loaded.AIC(), loaded.BIC(), loaded.goodness.nic], [fit.AIC(), fit.BIC(), fit.goodness.nic]
    )
    for limits in (lambda f: f.conf_int(), lambda f: f.confint(0.9), lambda f: f.vcov()):
        equal(limits(fit), limits(loaded))
    equal(fit.effects().to_frame(), loaded.effects().to_frame())
    for level in (0.95, 0.5):
        assert str(loaded.summary(level)) == str(fit.summary(level))
    assert loaded.summary()._repr_html_() == fit.summary()._repr_html_()
    for (name, one), (_, other) in zip(
        predictions(fit, new), predictions(loaded, new), strict=True
    ):
        assert type(one) is type(other), name
        equal(one, other)


# what comes back --------------------------------------------------------------


@pytest.mark.parametrize("name", FITS)
def test_a_loaded_fit_is_the_fit(name, fits, tmp_path):
    new = NEW[["x", "z"]].to_numpy() if "arrays" in name else NEW
    fit = fits(name)
    assert_same(fit, again(fit, tmp_path), new)


@pytest.mark.parametrize("name", FITS)
def test_saving_a_loaded_fit_gives_the_same_file(name, fits, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    fits(name).save(first)
    sd.load(first).save(second)
    assert first.read_bytes() == second.read_bytes()


TERMS = (
    "x",
    "g",
    "t",
    "f",
    "factor(k)",
    "poly(x, 3)",
    "poly(z, 2, raw=True)",
    "bs(z, df=5)",
    "cr(z, df=3)",
    "ns(z, df=3)",
    "scale(x)",
    "center(z)",
    "log(z)",
    "I(x^2)",
    "C(g, contr.sum)",
    "C(k, contr.helmert)",
    "relevel(g, 'b')",
    "x:g",
    "factor(k):z",
    "poly(x, 2):f",
    "offset(w)",
    "I(x > 0 & g == 'a')",
)


@few
@given(
    st.lists(st.sampled_from(TERMS), min_size=1, max_size=4, unique=True),
    st.sampled_from(["lm", "glm", "polars"]),
    st.booleans(),
)
def test_any_formula_comes_back(tmp_path_factory, terms, front, intercept):
    text = " + ".join(terms) + ("" if intercept else " - 1")
    data, new = (pl.from_pandas(f) if front == "polars" else f for f in (DATA, NEW))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if front == "glm":
            fit = sd.glm(f"count ~ {text}", data, "poisson")
        else:
            fit = sd.lm(f"y ~ {text}", data)
        assert_same(fit, again(fit, tmp_path_factory.mktemp("models")), new)


def test_training_comes_back_with_its_history(tmp_path):
    method = sd.GradientDescent(sd.Adam(0.05), batch=10, epochs=5, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sd.mlp("y ~ x + z", DATA, hidden=3, decay=0.1, method=method, validation=0.25)
    loaded = again(fit, tmp_path)
    equal(fit.history, loaded.history)
    assert_same(fit, loaded)


def test_a_network_too_large_to_examine_comes_back(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 100))
    method = sd.GradientDescent(sd.Adam(0.01), batch=20, epochs=1, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sd.mlp(X=X, y=DATA["class"], hidden=60, decay=0.1, method=method, dtype="float32")
    loaded = again(fit, tmp_path)
    equal(fit.predict(X), loaded.predict(X))
    assert str(fit.summary()) == str(loaded.summary())
    assert (tmp_path / "model.statdl").stat().st_size < 30 * loaded.plan.network.size


def test_batch_normalisation_keeps_its_running_statistics(tmp_path):
    method = sd.GradientDescent(sd.Adam(0.05), batch=10, epochs=5, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sd.mlp("y ~ x + z", DATA, hidden=3, decay=0.1, normalisation="batch", method=method)
    loaded = again(fit, tmp_path)
    equal(fit.predict(NEW), loaded.predict(NEW))


def test_what_came_from_another_device_comes_back_on_the_host(tmp_path):
    X = array_api_strict.asarray(
        DATA[["x", "z"]].to_numpy(), device=array_api_strict.Device("device1")
    )
    fit = sd.lm(X=X, y=array_api_strict.asarray(DATA["y"].to_numpy()))
    loaded = again(fit, tmp_path)
    found = loaded.predict(NEW[["x", "z"]].to_numpy(), se_fit=True)
    assert isinstance(found, pd.DataFrame)
    np.testing.assert_allclose(loaded.params, _array_fit().params, rtol=1e-12)


def test_missing_values_and_unseen_levels_are_met_as_before(fits, tmp_path):
    loaded = again(fits("logit"), tmp_path)
    assert np.isnan(loaded.predict({"x": [np.nan], "g": ["a"]})[0])
    with pytest.raises(DataError, match="'d'"):
        loaded.predict({"x": [1.0], "g": ["d"]})


def test_sequential_analysis_of_least_squares_needs_no_rows(fits, tmp_path):
    fit = fits("lm")
    assert str(again(fit, tmp_path).anova()) == str(fit.anova())


def test_names_in_the_tables_are_all_there_are():
    assert set(FAMILIES.values()) <= set(VARIANTS[Family])
    assert {type(make()) for make in LINKS.values()} <= set(VARIANTS[Link]) | set(
        VARIANTS[Tolerance]
    )
    assert set(ACTIVATIONS.values()) == set(VARIANTS[Activation])
    assert set(INITIALS.values()) == set(VARIANTS[Initial])


# what stays behind ------------------------------------------------------------

NEEDS_ROWS = {
    "residuals": lambda fit: fit.residuals(),
    "fitted": lambda fit: fit.fitted(),
    "predict": lambda fit: fit.predict(),
    "leverage": lambda fit: fit.leverage(),
    "Cook's distance": lambda fit: fit.cooks_distance(),
    "model matrix": lambda fit: fit.model_matrix(),
    "sandwich": lambda fit: fit.vcov("sandwich"),
    "Type II": lambda fit: fit.anova(typ=2),
    "comparison": lambda fit: fit.anova(FITS["lm"]()),
    "update": lambda fit: fit.update(". ~ . - x"),
}


@pytest.mark.parametrize("what", NEEDS_ROWS)
@pytest.mark.parametrize("name", ["lm", "arrays", "logit", "network"])
def test_what_needs_rows_says_that_there_are_none(what, name, fits, tmp_path):
    loaded = again(fits(name), tmp_path)
    with pytest.raises(StatdlError) as caught:
        NEEDS_ROWS[what](loaded)
    refused = isinstance(caught.value, ModelError)  # meaningless with rows too
    assert refused or "loaded from a file" in str(caught.value)


def test_a_file_does_not_grow_with_the_data(tmp_path):
    sizes = []
    for n in (101, 4001):
        path = tmp_path / str(n)
        sd.lm("y ~ x + g + bs(z, df=4)", frame(n), weights="w").save(path)
        sizes.append(path.stat().st_size)
        with zipfile.ZipFile(path) as archive:
            arrays = [
                np.load(io.BytesIO(archive.read(m))) for m in archive.namelist() if ".npy" in m
            ]
        assert all(n not in values.shape for values in arrays)
    assert abs(sizes[0] - sizes[1]) < 300


def test_a_regression_takes_kilobytes(tmp_path):
    path = tmp_path / "cars.statdl"
    sd.lm("mpg ~ wt * factor(cyl) + poly(hp, 3)", sd.datasets.load("mtcars")).save(path)
    assert path.stat().st_size < 50_000


def test_parts_of_ones_own_making_cannot_be_saved(tmp_path):
    class Own(Gaussian):
        pass

    fit = sd.glm("y ~ x", DATA, Own())
    with pytest.raises(ModelError, match="Own cannot be saved"):
        fit.save(tmp_path / "own")
    assert not list(tmp_path.iterdir())


# the file ---------------------------------------------------------------------


def test_paths_may_be_text_or_objects_and_files_are_overwritten(fits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fits("lm").save("model.statdl")
    fits("logit").save(Path("model.statdl"))
    assert sd.load("model.statdl").family.name == "binomial"
    assert os.listdir() == ["model.statdl"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file(broken, fits, tmp_path, monkeypatch):
    path = tmp_path / "model.statdl"
    fits("lm").save(path)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(container.os, broken, fail)
    with pytest.raises(OSError, match="no space"):
        fits("logit").save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(fits, tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.touch()
    link.symlink_to(real)
    fits("lm").save(link)
    assert link.is_symlink()
    assert sd.load(real).nobs == len(DATA)


def test_what_is_not_a_path_or_not_there(fits, tmp_path):
    with pytest.raises(ModelError, match="path such as"):
        fits("lm").save(3)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        sd.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        fits("lm").save(tmp_path / "no folder" / "model")


# damage -----------------------------------------------------------------------


class Saved(bytes):
    """The bytes of a file, which no failing test should print."""

    def __repr__(self):
        return f"Saved({len(self)} bytes)"


def test_a_covariance_without_rows_is_refused_with_the_way_to_keep_it(tmp_path):
    fit = sd.mlp("class ~ x + g", **NETWORK)
    fit.save(tmp_path / "plain.statdl")
    loaded = sd.load(tmp_path / "plain.statdl")
    for kind in ("HC0", "hessian", "fisher", "bootstrap"):
        ours = fit.with_covariance(kind)
        if ours.estimate.reported is None:  # the model's own
            continue
        with pytest.raises(sd.DataError, match=rf"Save fit.with_covariance\('{kind}'\)"):
            loaded.vcov(kind)
        ours.save(tmp_path / "kept.statdl")
        kept = sd.load(tmp_path / "kept.statdl")
        np.testing.assert_array_equal(kept.vcov(), ours.vcov())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved regression."""
    path = tmp_path_factory.mktemp("saved") / "model.statdl"
    sd.glm("yes ~ poly(x, 2) + g", DATA, "binomial").save(path)
    return Saved(path.read_bytes())


@pytest.fixture(scope="module")
def saved_network(tmp_path_factory):
    """A saved network."""
    path = tmp_path_factory.mktemp("saved") / "model.statdl"
    sd.mlp("class ~ x + g", **NETWORK, fixed={"bias -> h1": 0.0}).save(path)
    return Saved(path.read_bytes())


def loaded_or_refused(content, folder):
    """Return what loads; anything but our error with our sentence is a failure."""
    try:
        return load_bytes(content, folder)
    except DataError as error:
        message = str(error)
    assert "cannot be loaded" in message
    return None


def load_bytes(content, folder):
    path = folder / "model.statdl"
    path.write_bytes(content)
    return sd.load(path)


@many
@given(st.data())
def test_damage_is_found_or_did_not_matter(saved, tmp_path_factory, data):
    content = bytearray(saved)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    expect_refusal_or(bytes(content), saved, tmp_path_factory.mktemp("damaged"))


@few
@given(st.data())
def test_a_truncated_file_is_refused(saved, tmp_path_factory, data):
    content = saved[: data.draw(st.integers(0, len(saved) - 1))]
    with pytest.raises(DataError, match="cannot be loaded"):
        load_bytes(content, tmp_path_factory.mktemp("truncated"))


def expect_refusal_or(content, original, folder):
    """Accept our error, or a fit that is the original one."""
    loaded = loaded_or_refused(content, folder)
    if loaded is not None:
        loaded.save(folder / "again")
        assert (folder / "again").read_bytes() == original


def test_text_and_other_zips_are_no_models(tmp_path):
    with pytest.raises(DataError, match="no statdl model"):
        load_bytes(b"y ~ x", tmp_path)
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(DataError, match="no statdl model"):
        sd.load(tmp_path / "other.npz")


# forgery: files with checksums that are right ---------------------------------


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(content, change, compression=zipfile.ZIP_STORED, manifest=lambda text: text):
    """Return the file with its parts changed and their checksums made to fit."""
    parts = members(content)
    del parts[container.MANIFEST]
    change(parts)
    listed = {name: container._fingerprint(part) for name, part in parts.items()}
    head = {"format": container.FORMAT, "version": 1, "packages": {}, "members": listed}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(container.MANIFEST, json.dumps(manifest(head)))
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def with_document(content, change):
    """Return the file with its JSON document changed."""

    def apply(parts):
        document = json.loads(parts[container.MODEL])
        change(document)
        parts[container.MODEL] = json.dumps(document).encode()

    return forged(content, apply)


def test_a_forgery_that_changes_nothing_loads(saved, tmp_path):
    assert load_bytes(forged(saved, lambda parts: None), tmp_path).nobs == len(DATA)


class Payload:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


def test_a_pickle_is_refused_and_not_run(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Payload()], dtype=object), allow_pickle=True)

    def smuggle(parts):
        parts["model.fitted.parameters.npy"] = buffer.getvalue()

    def beside(parts):
        parts["payload.pkl"] = pickle.dumps(Payload())

    for change in (smuggle, beside):
        with pytest.raises(DataError, match="cannot be loaded"):
            load_bytes(forged(saved, change), tmp_path)
    assert not Path("executed").exists()


@pytest.mark.parametrize(
    "name", ["../escape.npy", "/tmp/escape.npy", "a/b.npy", "C:\\x.npy", ".npy"]
)
def test_names_that_lead_elsewhere_are_refused(name, saved, tmp_path):
    part = next(iter(v for k, v in members(saved).items() if k.endswith(".npy")))
    with pytest.raises(DataError, match="cannot be loaded"):
        load_bytes(forged(saved, lambda parts: parts.update({name: part})), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.statdl"]


def header(shape, dtype="<f8"):
    buffer = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "part",
    [
        header((10**12,)) + bytes(8),
        header((2**62, 4)) + bytes(8),
        header((-1,)) + bytes(8),
        header((1,) * 30) + bytes(8),
        header((1,), "|O") + bytes(8),
        header((1,), "<U100000000") + bytes(8),
        header((1,), [("a", "<f8")]) + bytes(8),
        header((2,)) + bytes(8),
        header((1,)) + bytes(16),
        b"\x93NUMPY\x03\x00" + bytes(64),
        b"",
    ],
)
def test_arrays_are_what_they_claim(part, saved, tmp_path):
    content = forged(saved, lambda parts: parts.update({"model.fitted.parameters.npy": part}))
    with pytest.raises(DataError, match="cannot be loaded"):
        load_bytes(content, tmp_path)


def test_what_unfolds_is_refused(saved, tmp_path):
    bomb = forged(saved, lambda parts: parts.update({"b.npy": bytes(10**7)}), zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"more than it can|compressed"):
        load_bytes(bomb, tmp_path)
    small = forged(saved, lambda parts: None, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"more than it can|compressed"):
        load_bytes(small, tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_parts_twice_missing_or_unlisted_are_refused(saved, tmp_path):
    def hide(head):
        head["members"].popitem()
        return head

    with pytest.raises(DataError, match="lists"):
        load_bytes(forged(saved, lambda parts: None, manifest=hide), tmp_path)
    with pytest.raises(DataError, match="parts"):
        load_bytes(forged(saved, lambda parts: parts.pop(container.MODEL)), tmp_path)
    twice = io.BytesIO(saved)
    with zipfile.ZipFile(twice, "a") as archive:
        archive.writestr(container.MODEL, members(saved)[container.MODEL])
    with pytest.raises(DataError, match="parts"):
        load_bytes(twice.getvalue(), tmp_path)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (2, "upgrade"),
        (0, "not known"),
        ("1", "not known"),
        (None, "not known"),
        (True, "not known"),
    ],
)
def test_other_versions_of_the_format_are_named(version, sentence, saved, tmp_path):
    content = forged(saved, lambda parts: None, manifest=lambda head: {**head, "version": version})
    with pytest.raises(DataError, match=sentence):
        load_bytes(content, tmp_path)


@pytest.mark.parametrize(
    "formula",
    [
        "yes ~ poly(x, 2) + __import__('os').system('touch executed')",
        "yes ~ poly(x, 2) + (lambda: 1)()",
        "yes ~ poly(x, 2) + I(x.__class__)",
        "yes ~ poly(x, 2) + I(9 ** 9 ** 9)",
        "yes ~ x + g",
    ],
)
def test_formulas_of_files_pass_the_gate(formula, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def change(document):
        document["design"]["formula"] = formula
        document["design"]["recipe"]["formula"] = formula

    with pytest.raises(DataError, match="cannot be loaded"):
        load_bytes(with_document(saved, change), tmp_path)
    assert not Path("executed").exists()


def leaves(document, path=()):
    """Yield the places of everything in a JSON document."""
    yield path
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in pairs:
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


JUNK = (None, True, -1, 0, 7, 10**30, 1.5, "", "nan", "Multinomial", "__import__('os')")
NESTED = ([], [[]], {}, {"is": "Gaussian"}, {"array": "missing"}, {"map": [[1]]}, {"tuple": 3})


@many
@given(st.data(), st.booleans())
def test_documents_of_any_kind_are_read_or_refused(
    saved, saved_network, tmp_path_factory, data, network
):
    """Whatever loads must also predict and print, or say in our words why it does not."""

    def change(document):
        place = data.draw(st.sampled_from([path for path in leaves(document) if path]))
        for key in place[:-1]:
            document = document[key]
        document[place[-1]] = data.draw(st.sampled_from(JUNK + NESTED))

    content = with_document(saved_network if network else saved, change)
    loaded = loaded_or_refused(content, tmp_path_factory.mktemp("forged"))
    if loaded is None:
        return
    acts = (
        lambda: loaded.predict(NEW, se_fit=True),
        lambda: loaded.params,
        lambda: loaded.summary(),
        lambda: repr(loaded),
    )
    for act in acts:
        with contextlib.suppress(StatdlError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            act()


def test_deep_and_broken_texts_are_refused(saved, tmp_path):
    for text in (b"[" * 100_000, b"{", b"\xff\xfe", b"1" * 10_000, b"null", b"NaN"):
        content = forged(saved, lambda parts, text=text: parts.update({container.MODEL: text}))
        with pytest.raises(DataError, match="cannot be loaded"):
            load_bytes(content, tmp_path)


def test_unknown_front_doors_are_refused(saved, tmp_path):
    content = with_document(saved, lambda document: document.update(front="exec"))
    with pytest.raises(DataError, match="'exec' is no model"):
        load_bytes(content, tmp_path)
