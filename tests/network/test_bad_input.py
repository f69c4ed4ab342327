"""What is no network, or cannot be fitted: sentences that name the argument and what to do."""

import warnings

import numpy as np
import pytest

import statdl as sd

CARS = sd.datasets.load("mtcars")


def fit(**options):
    return sd.mlp("mpg ~ wt + hp", CARS, **{"hidden": 2, **options})


UNITS = r"hidden=.*: each hidden layer needs a whole number of units, 1 or more"
REFUSED = {
    "no units": ({"hidden": 0}, UNITS),
    "negative units": ({"hidden": -3}, UNITS),
    "a layer without units": ({"hidden": (3, 0)}, UNITS),
    "more than fits": ({"hidden": 10**12}, r"hidden= makes 4,000,.* weights, .* fewer units"),
    "half a unit": ({"hidden": 2.5}, UNITS),
    "units as text": ({"hidden": "8"}, UNITS),
    "a layer as text": ({"hidden": (8, "a")}, UNITS),
    "None for units": ({"hidden": None}, UNITS),
    "True for units": ({"hidden": True}, UNITS),
    "unknown activation": ({"activation": "rellu"}, r"activation='rellu' .* mean 'relu'\?"),
    "activation of no kind": ({"activation": 3}, "activation=3 is neither a name nor"),
    "activations of no kind": ({"activation": ["tanh", 3], "hidden": (2, 2)}, "activation=3"),
    "activation as a class": ({"activation": [type]}, "neither a name nor an activation"),
    "too many activations": ({"activation": ("tanh", "relu")}, "2 activations .* for 1 hidden"),
    "dropout of 1": ({"dropout": 1.0}, "dropout is .* at least 0 and below 1, not 1.0"),
    "negative dropout": ({"dropout": -0.1}, "dropout is .* not -0.1"),
    "dropout as text": ({"dropout": "a"}, "dropout must be a finite number, not 'a'"),
    "unknown normalisation": ({"normalisation": "group"}, "choose batch, layer or weight"),
    "unknown scaling": ({"scaling": "max"}, "choose one of standard, minmax, none"),
    "unknown initial": ({"initial": "xaver"}, "choose one of normal, zeros, xavier_normal"),
    "initial of no kind": ({"initial": 3}, "neither a name nor a rule for initial weights"),
    "negative decay": ({"decay": -1}, "decay must be 0 or more, one number or one for each"),
    "decay that is no number": ({"decay": float("nan")}, "decay must be 0 or more"),
    "decay as text": ({"decay": "a"}, "decay must be 0 or more"),
    "too many decays": ({"decay": (1, 2, 3)}, "3 decays were given for 2 layers of weights"),
    "no restarts": ({"restarts": 0}, "restarts must be a whole number of 1 or more, not 0"),
    "restarts as text": ({"restarts": "3"}, "restarts must be a whole number"),
    "negative seed": ({"seed": -1}, "seed must be a whole number of 0 or more, not -1"),
    "skip as text": ({"skip": "no"}, "skip must be True or False, not 'no'"),
    "unknown method": ({"method": "newtn"}, r"method='newtn' .* mean 'newton'\?"),
    "method of no kind": ({"method": 3}, "method=3 is neither a name"),
    "a rule for a method": ({"method": sd.Adam(0.01)}, "is a rule of gradient .*GradientDescent"),
    "a rule's class": ({"method": sd.SGD}, r"method=sd.SGD\(...\) is a rule of gradient descent"),
    "activation as a function": ({"activation": np.tanh}, "nor an activation .* the names are"),
    "noise as text": ({"noise": "a"}, "noise must be a finite number"),
    "patience as text": ({"validation": 0.2, "early_stopping": "yes"}, "True, False or a number"),
    "metrics of no kind": ({"validation": 0.2, "metrics": 3}, "metrics=3 must be names"),
    "checkpoint of no kind": ({"checkpoint": 3}, "checkpoint=3 is neither a path nor"),
    "unknown held weight": ({"fixed": {"bais -> h1": 0.0}}, r"'bais -> h1' .* 'bias -> h1'\?"),
    "held weight of no unit": ({"fixed": {"bias -> h9": 0.0}}, "weight='bias -> h9' is not known"),
    "no weight like it": ({"fixed": {"disp -> *": 0.0}}, r"weight='disp -> \*' is not known"),
    "held at infinity": ({"fixed": {"wt -> h1": float("inf")}}, r"fixed\['wt -> h1'\] must be a f"),
    "held at no number": ({"fixed": {"wt -> h1": "x"}}, r"fixed\['wt -> h1'\] must be a finite"),
    "held without values": ({"fixed": ["wt -> h1"]}, "fixed= names .* where start= has them"),
    "held where nothing starts": (
        {"fixed": ["wt -> *"], "start": {"wt -> h1": 1.0}},
        "start= does not name it",
    ),
    "held by a number": ({"fixed": [3], "start": {"wt -> h1": 1.0}}, "must be names of weights"),
    "everything held": ({"fixed": {"*": 0.0}}, "leaves nothing to fit"),
    "start from nowhere": ({"start": {"nope": 1.0}}, "weight='nope' is not known"),
    "start at no number": ({"start": {"wt -> h1": float("nan")}}, r"start\['wt -> h1'\] must be"),
    "start of no kind": ({"start": 3}, "start= names weights and their values"),
    "start of another model": ({"start": sd.lm("mpg ~ disp", CARS)}, "shares no weight names"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_network_is_refused(options, said):
    with pytest.raises(sd.ModelError, match=said):
        fit(**options)


def test_numbers_of_any_library_are_numbers():
    assert fit(hidden=np.int64(2), decay=np.float32(0.5), restarts=np.int32(1)).converged


def test_a_batch_larger_than_the_data_is_refused():
    method = sd.GradientDescent(sd.Adam(0.01), batch=64, epochs=2)
    with pytest.raises(sd.DataError, match="batch=64 is more than the 32 rows there are to learn"):
        fit(method=method)
    with pytest.raises(sd.DataError, match="batch=64 is more than the 24 rows there are to learn"):
        fit(method=method, validation=0.25)


def test_more_weights_than_rows_warn_unless_something_holds_them():
    few = sd.GradientDescent(sd.Adam(0.01), batch=32, epochs=2)
    with pytest.warns(sd.StatdlWarning, match="41 weights for 32 rows and no decay.*decay=, such"):
        fit(hidden=10, method=few)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(hidden=10, method=few, decay=0.01)
        fit(hidden=10, method=few, fixed={"* -> h*": 0.1})
        fit(hidden=7, method=few)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_a_learning_rate_that_diverges_stops_and_says_so(activation):
    method = sd.GradientDescent(sd.SGD(50.0), batch=8, epochs=100)
    with pytest.warns(sd.ConvergenceWarning) as caught:
        net = fit(method=method, activation=activation, scaling="none")
    said = str(caught[0].message)
    assert "in epoch" in said
    assert "smaller learning rate, clip=, or scaled inputs" in said
    assert not net.converged
    assert np.isfinite(net.params).all()
    assert np.isfinite(net.estimate.loss)
    assert len(net.history) < 100
    assert "not to be relied on" in " ".join(net.summary().notes)


def test_a_run_of_another_architecture_is_not_resumed(tmp_path):
    path = tmp_path / "run.npz"
    method = sd.GradientDescent(sd.Adam(0.01), batch=8, epochs=2)
    fit(method=method, checkpoint=path)
    for change in ({"hidden": 3}, {"normalisation": "weight"}, {"skip": True}):
        with pytest.raises(sd.ModelError, match="its architecture is"):
            fit(method=method, resume=path, **change)


NAMES = {
    "response as a unit": ("h1 ~ wt", {}),
    "input as a bias": ("mpg ~ bias + hp", {}),
    "skipping input as a unit": ("mpg ~ h1 + wt", {"skip": True}),
}


@pytest.mark.parametrize(("formula", "options"), NAMES.values(), ids=NAMES)
def test_columns_with_the_name_of_a_unit_or_bias_are_refused(formula, options):
    cars = CARS.assign(h1=CARS["qsec"], bias=CARS["drat"])
    with pytest.raises(sd.ModelError, match=r"two weights would be '.*'; give the column another"):
        sd.mlp(formula, cars, hidden=1, decay=0.1, **options)
    names = sd.mlp("mpg ~ h1 + wt", cars, hidden=1, decay=0.1).params.index
    assert names.is_unique


WITHOUT_LAYERS = {
    "dropout": ({"dropout": 0.3}, "dropout=0.3 is for hidden layers"),
    "normalisation": ({"normalisation": "batch"}, "normalisation='batch' is for hidden layers"),
    "unknown activation": ({"activation": "foo"}, "activation='foo' is not known"),
    "activations": ({"activation": ["tanh"]}, "is for hidden layers, and hidden=\\(\\) has none"),
    "unknown initial": ({"initial": "foo"}, "initial"),
    "two decays": ({"decay": (1.0, 2.0)}, "2 decays were given for 1 layer"),
}


@pytest.mark.parametrize(("options", "said"), WITHOUT_LAYERS.values(), ids=WITHOUT_LAYERS)
def test_what_is_for_hidden_layers_is_refused_without(options, said):
    with pytest.raises(sd.ModelError, match=said):
        fit(**{**options, "hidden": ()})


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_decay_without_layers_is_the_ridge_whichever_way_it_is_fitted(scaling):
    ridge = sd.lm("mpg ~ wt + hp", CARS, penalty=10.0)
    plain = fit(hidden=(), decay=10.0, scaling=scaling)
    np.testing.assert_allclose(plain.params, ridge.params, rtol=1e-12)
    # held at its own best value, so that the network's path finds the same line
    predicted = np.asarray(ridge.predict())
    start = fit(hidden=(), decay=10.0, scaling=scaling, fixed={"wt -> mpg": 0.0})
    without = sd.lm("mpg ~ hp", CARS, penalty=10.0)
    np.testing.assert_allclose(start.predict(), without.predict(), rtol=1e-7)
    np.testing.assert_allclose(plain.predict(), predicted, rtol=1e-12)


RAW = {
    "limits of no input": (lambda net: net.confint(parm="foo"), "parm='foo' is no input"),
    "units no sequence": (
        lambda net: sd.select_hidden("mpg ~ wt", CARS, hidden=3),
        "hidden=3 must hold whole numbers",
    ),
    "units as text": (
        lambda net: sd.select_hidden("mpg ~ wt", CARS, hidden=["a"]),
        "must hold whole numbers",
    ),
    "level as text": (lambda net: net.effects(level="a"), "level must lie between 0 and 1"),
    "rate as text": (lambda net: sd.Adam("a"), "learning rate must be a number above 0"),
    "share as text": (lambda net: sd.Adam(0.1, beta1="a"), "beta1 must be at least 0"),
    "a metric for axes": (lambda net: net.plot_history("accuracy"), "ax='accuracy' is no matpl"),
}


@pytest.mark.parametrize(("ask", "said"), RAW.values(), ids=RAW)
def test_questions_of_a_network_that_make_no_sense(ask, said):
    with pytest.raises(sd.ModelError, match=said):
        ask(fit(decay=0.1))


def test_a_network_needs_an_input():
    with pytest.raises(sd.ModelError, match=r"needs an input, .* hidden=\(\) is the intercept"):
        sd.mlp("mpg ~ 1", CARS, hidden=2)
    assert sd.mlp("mpg ~ 1", CARS, hidden=()).nobs == 32


def test_several_numbers_a_row_are_no_counts():
    X = CARS[["wt", "hp"]].to_numpy()
    with pytest.raises(sd.DataError, match="counts of classes; of several numbers, fit a model to"):
        sd.mlp(X=X, y=-X, hidden=2)


def test_tensors_that_know_their_gradient():
    torch = pytest.importorskip("torch")
    X, y = CARS[["wt", "hp"]].to_numpy(), CARS["mpg"].to_numpy()
    tensors = {"X": torch.tensor(X, requires_grad=True), "y": torch.tensor(y, requires_grad=True)}
    of_tensors = sd.mlp(**tensors, hidden=2, decay=0.1)
    of_arrays = sd.mlp(X=X, y=y, hidden=2, decay=0.1)
    np.testing.assert_allclose(of_tensors.params, of_arrays.params, rtol=1e-6)
    np.testing.assert_allclose(of_tensors.predict(tensors["X"]), of_arrays.predict(X), rtol=1e-8)


def test_pictures_of_residuals_are_not_those_of_networks():
    with pytest.raises(sd.ModelError, match=r"pictures of a network are plot_history\(\)"):
        fit(decay=0.1).plot()
