"""Weight normalisation: the plain network in other coordinates, with one known redundancy a unit.

Its derivatives, names and counts are in the shared battery of test_network.py, its training by the
kernel in test_training.py, its files in tests/test_storage.py.
"""

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.estimate import Identification
from statdl.model.initial import Zeros
from statdl.model.layer import Hidden
from statdl.model.network import Network
from tests.agreement import agree
from tests.network.test_inference import draw

FAMILIES = ["gaussian", "binomial", "multinomial"]
KINDS = {
    "one layer": {"hidden": 2},
    "two layers, skip": {"hidden": (2, 2), "skip": True},
    "sigmoid": {"hidden": 2, "activation": "sigmoid"},
}


def pair(family, kind="one layer", decay=0.05, **options):
    """The same minimum of a plain and of a weight-normalised network."""
    options = {"data": draw(family), "family": family, "decay": decay} | KINDS[kind] | options
    plain = sd.mlp("y ~ x + z + g", restarts=3, seed=1, **options)
    return plain, sd.mlp("y ~ x + z + g", start=plain, normalisation="weight", **options)


# the function -----------------------------------------------------------------------------------


def test_it_is_the_plain_network_at_g_v_over_the_length_of_v():
    random = np.random.default_rng(0)
    net = Network(3, (Hidden(4, normalisation="weight"),), 2)
    bare = Network(3, (Hidden(4),), 2)
    theta, X = random.normal(size=net.size), random.normal(size=(7, 3))
    table, g = theta[:16].reshape(4, 4), theta[16:20]
    w = g[:, None] * table[:, 1:] / np.linalg.norm(table[:, 1:], axis=1, keepdims=True)
    plain = np.concatenate([np.column_stack([table[:, :1], w]).ravel(), theta[20:]])
    np.testing.assert_allclose(net.eta(theta, X), bare.eta(plain, X), rtol=1e-13)


def test_the_length_of_a_direction_changes_nothing():
    random = np.random.default_rng(0)
    net = Network(3, (Hidden(4, normalisation="weight"),), 2)
    theta, X, G = random.normal(size=net.size), random.normal(size=(7, 3)), np.ones((7, 2))
    longer = theta.copy()
    net.layers[0].affine.weights(longer)[...] *= np.array([[0.1], [2], [30], [1]])
    np.testing.assert_allclose(net.eta(longer, X), net.eta(theta, X), rtol=1e-13)
    v = net.layers[0].affine.weights(theta)
    slope = net.layers[0].affine.weights(net.pullback(theta, X, G))
    np.testing.assert_allclose(np.sum(v * slope, axis=1), 0, atol=1e-14)


def test_it_starts_as_the_plain_network_does():
    net = Network(3, (Hidden(4, normalisation="weight"), Hidden(2)), 2)
    bare = Network(3, (Hidden(4), Hidden(2)), 2)
    theta, plain = (one.initial(np.random.default_rng(5)) for one in (net, bare))
    X = np.random.default_rng(1).normal(size=(7, 3))
    np.testing.assert_allclose(net.eta(theta, X), bare.eta(plain, X), rtol=1e-13)


def test_a_direction_needs_a_length():
    net = Network(3, (Hidden(4, normalisation="weight"),))
    with pytest.raises(sd.ModelError, match="no direction"):
        net.initial(np.random.default_rng(0), Zeros())
    with pytest.raises(sd.ModelError, match="no direction"):
        sd.mlp("y ~ x + z", draw("gaussian"), normalisation="weight", initial="zeros")
    with pytest.raises(sd.ModelError, match="no direction"):
        sd.mlp("y ~ x + z", draw("gaussian"), normalisation="weight", start={"* -> h1": 0.0})


def test_a_single_weight_cannot_be_made_zero():
    method = sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=2)
    options = {"data": draw("gaussian"), "hidden": 2, "method": method, "normalisation": "weight"}
    with pytest.raises(sd.ModelError, match="use decay="):
        sd.mlp("y ~ x + z", l1=0.1, **options)
    fit = sd.mlp("y ~ x + z", l1=(0.0, 0.1), **options)
    assert np.isfinite(fit.params).all()


# the fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_everything_but_the_coordinates_is_as_without_it(family, kind):
    """Decay counts the scales, Σ g² = Σ w², so that even the penalised likelihood is the same."""
    plain, fit = pair(family, kind)
    assert fit.converged
    assert fit.identification is plain.identification
    agree(fit.estimate.loss, plain.estimate.loss, rtol=1e-9)
    for name in ("llf", "aic", "bic", "nic", "df_resid", "scale"):
        agree(getattr(fit, name), getattr(plain, name), rtol=1e-6, scale=1)
    new = draw(family).head(20)
    for options in ({"interval": "confidence", "se_fit": True}, {"type": "link", "se_fit": True}):
        agree(fit.predict(new, **options), plain.predict(new, **options), rtol=1e-5, scale=1)
    for table in ("effects", "input_tests"):
        one, other = (
            getattr(each, table)().to_frame().select_dtypes("number") for each in (fit, plain)
        )
        agree(one, other, rtol=1e-4, scale=1)


@pytest.mark.parametrize("type", ["hessian", "fisher", "sandwich"])
def test_errors_of_directions_are_the_delta_method_of_the_plain_weights(type):
    """u = w/‖w‖ and g = ‖w‖, whose derivatives are taken by differences here."""
    plain, fit = pair("gaussian", decay=0.0)
    assert fit.identification is plain.identification is Identification.IDENTIFIED

    def directions(params):
        found = params.copy()
        for unit in ("h1", "h2"):
            names = [name for name in params.index if name.endswith(f"-> {unit}")][1:]
            found[names] /= np.linalg.norm(params[names])
            found[f"scale -> {unit}"] = np.linalg.norm(params[names])
        return found.reindex(fit.params.index)

    agree(fit.params, directions(plain.params), rtol=1e-5, scale=1)
    columns = []
    for name in plain.params.index:
        moved = [plain.params.copy(), plain.params.copy()]
        for one, step in zip(moved, (1e-6, -1e-6), strict=True):
            one[name] += step
        columns.append((directions(moved[0]) - directions(moved[1])) / 2e-6)
    D = np.stack(columns, axis=1)
    expected = D @ plain.vcov(type).to_numpy() @ D.T
    root = np.sqrt(np.diag(expected))
    agree(fit.vcov(type), expected, rtol=1e-4, scale=np.outer(root, root))
    agree(fit.bse, np.sqrt(np.diag(fit.vcov())), rtol=1e-9)


def test_the_lengths_are_no_parameters():
    plain, fit = pair("gaussian", decay=0.0)
    assert len(fit.params) == len(plain.params) + 2
    assert fit.estimate.degrees_of_freedom == len(plain.params)
    text = str(fit.summary(weights=True))
    rank = len(plain.params)
    assert f"{rank} of {rank}, condition" in text
    assert f"{rank + 2} ({rank} free)" in text
    assert "scale -> h1" in text
    assert "length 1" in text


def test_directions_have_length_one_and_scales_a_sign():
    fit = pair("gaussian")[1]
    for unit in ("h1", "h2"):
        names = [name for name in fit.params.index if name.endswith(f"-> {unit}")]
        incoming = [name for name in names if name.split(" ->")[0] not in ("bias", "scale")]
        agree(np.linalg.norm(fit.params[incoming]), 1.0, rtol=1e-12)
        assert fit.params[f"scale -> {unit}"] > 0


def test_one_input_leaves_a_direction_nothing_to_be():
    fit = sd.mlp("y ~ x", draw("gaussian"), hidden=1, normalisation="weight", restarts=3)
    plain = sd.mlp("y ~ x", draw("gaussian"), hidden=1, restarts=3)
    assert fit.identification is Identification.IDENTIFIED
    assert abs(fit.params["x -> h1"]) == 1.0
    assert np.isnan(fit.bse["x -> h1"])
    agree(fit.params["scale -> h1"], abs(plain.params["x -> h1"]), rtol=1e-6)
    agree(fit.bse["scale -> h1"], plain.bse["x -> h1"], rtol=1e-5)
    agree(fit.aic, plain.aic)


def test_duplicated_units_are_singular_all_the_same():
    random = np.random.default_rng(8)
    data = pd.DataFrame(random.normal(size=(200, 2)), columns=["x", "z"])
    data["y"] = 2 * np.tanh(data.x + 0.5 * data.z) + 0.2 * random.normal(size=200)
    single = sd.mlp("y ~ x + z", data=data, hidden=1, restarts=3)
    start = {
        name.replace("h1", f"h{k}"): value for k in (1, 2) for name, value in single.params.items()
    }
    start |= {f"h{k} -> y": single.params["h1 -> y"] / 2 for k in (1, 2)}
    fits = [
        sd.mlp("y ~ x + z", data=data, hidden=2, start=start, normalisation=kind)
        for kind in (None, "weight")
    ]
    for fit in fits:
        assert fit.identification is Identification.SINGULAR
        assert fit.bse.isna().all()
    one, other = (fit.effects().to_frame() for fit in fits)
    agree(one, other, rtol=1e-5, scale=1)
    agree(fits[0].estimate.degrees_of_freedom, fits[1].estimate.degrees_of_freedom)


def test_a_unit_that_decay_switches_off_is_no_parameter():
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 2))
    y = np.tanh(X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=80)
    one = sd.mlp(X=X, y=y, hidden=1, decay=0.1)
    off = {**dict(one.params), "* -> h2": 1e-12, "h2 -> y": 0.0}
    two = sd.mlp(X=X, y=y, hidden=2, decay=0.1, normalisation="weight", start=off)
    assert abs(two.params["h2 -> y"]) < 1e-6
    assert abs(two.params["scale -> h2"]) < 1e-6
    assert two.identification is Identification.SINGULAR
    agree(two.estimate.degrees_of_freedom, one.estimate.degrees_of_freedom, rtol=0.01)
    for column in ("Effect", "Std. Error"):
        agree(two.effects()[column], one.effects()[column], rtol=1e-3)


def test_held_entries_may_tell_a_length():
    plain = sd.mlp("y ~ x + z", draw("gaussian"), hidden=1, fixed={"z -> h1": 0.0}, restarts=3)
    masked = sd.mlp(
        "y ~ x + z", draw("gaussian"), hidden=1, fixed={"z -> h1": 0.0}, restarts=3,
        normalisation="weight",
    )  # fmt: skip
    agree(masked.aic, plain.aic, rtol=1e-7)
    agree(masked.effects()["Std. Error"], plain.effects()["Std. Error"], rtol=1e-5, scale=1)
    free = sd.mlp("y ~ x + z", draw("gaussian"), hidden=1, restarts=3)
    told = sd.mlp(
        "y ~ x + z", draw("gaussian"), hidden=1, fixed={"z -> h1": 0.5}, restarts=3,
        normalisation="weight",
    )  # fmt: skip
    assert told.identification is Identification.IDENTIFIED
    agree(told.aic, free.aic, rtol=1e-7)
    agree(told.effects()["Std. Error"], free.effects()["Std. Error"], rtol=1e-4, scale=1)


def test_bootstrap_compares_directions_of_one_length():
    fit = pair("gaussian", decay=0.0)[1]
    spread = pd.Series(np.sqrt(np.diag(fit.vcov("bootstrap", B=200))), fit.params.index)
    incoming = [name for name in fit.params.index if name.startswith(("x", "z", "g", "scale"))]
    # an entry near 1 has no room to vary in proportion to the others
    incoming = [name for name in incoming if "scale" in name or abs(fit.params[name]) < 0.9]
    ratio = spread[incoming] / fit.bse[incoming]
    assert np.all((ratio > 0.5) & (ratio < 2.5))


def test_a_plain_network_starts_from_a_normalised_one():
    plain, fit = pair("gaussian")
    again = sd.mlp("y ~ x + z + g", draw("gaussian"), hidden=2, decay=0.05, start=fit)
    agree(again.params, plain.params, rtol=1e-5, scale=1)
    assert again.convergence.iterations <= 3


def test_decoupled_decay_shrinks_scales_and_not_directions():
    method = sd.GradientDescent(sd.AdamW(1e-3, weight_decay=0.5), batch=40, epochs=3)
    objective = pair("gaussian")[1].estimate.objective
    ones = np.ones(objective.size)
    slopes = objective.slopes(ones)
    names = pair("gaussian")[1].params.index
    shrunk = [name for name, value in zip(names, slopes, strict=True) if value]
    assert shrunk == ["scale -> h1", "scale -> h2", "h1 -> y", "h2 -> y"]
    fit = sd.mlp("y ~ x + z", draw("gaussian"), hidden=2, normalisation="weight", method=method)
    assert np.isfinite(fit.params).all()
