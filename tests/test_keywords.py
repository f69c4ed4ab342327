"""Keywords that a front door has not, and the words of other packages for ours."""

import inspect
import pickle

import pytest

import statdl as sd
from statdl.keywords import OURS, WRITTEN
from statdl.results import NetworkFit

CARS = sd.datasets.load("mtcars")
FRONT_DOORS = (sd.lm, sd.glm, sd.multinom, sd.mlp, sd.path)


@pytest.mark.parametrize("front", FRONT_DOORS)
def test_a_slip_of_the_pen(front):
    words = rf"{front.__name__}\(\) takes no `wieghts=`; did you mean `weights=`\?"
    with pytest.raises(TypeError, match=words):
        front("mpg ~ wt", CARS, wieghts="hp")
    with pytest.raises(TypeError, match=r"takes no `qqq=`\. It takes: formula, data, "):
        front("mpg ~ wt", CARS, qqq=1)


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("hidden_layer_sizes", "did you mean `hidden=`"),
        ("epochs", "here that is method=sd.GradientDescent"),
        ("learning_rate", "here that is method=sd.GradientDescent"),
        ("class_weight", "here that is weights=, one a row"),
        ("random_state", "did you mean `seed=`"),
        ("validation_split", "did you mean `validation=`"),
        ("weight_decay", "did you mean `decay=`"),
        ("alpha", "did you mean `decay=`"),
        ("max_iter", "here that is method=, an object"),
    ],
)
def test_what_others_call_it(name, here):
    with pytest.raises(TypeError) as caught:
        sd.mlp("mpg ~ wt", CARS, **{name: 1})
    assert f"mlp() takes no `{name}=`; {here}" in str(caught.value)


def test_what_is_written_here_is_taken_somewhere():
    taken = {name for front in FRONT_DOORS for name in inspect.signature(front).parameters}
    assert all(argument in taken for argument, _ in WRITTEN.values())
    assert set(WRITTEN) & set(inspect.signature(sd.mlp).parameters) == set()
    assert all(ours and isinstance(ours, tuple) for ours in OURS.values())


def test_front_doors_stay_functions_of_their_modules():
    for front in FRONT_DOORS:
        assert pickle.loads(pickle.dumps(front)) is front
        assert front.__module__.startswith("statdl.api.")
        assert front.__globals__["__name__"] == front.__module__  # doctest looks there
        assert list(inspect.signature(front).parameters)[:2] == ["formula", "data"]
    with pytest.raises(TypeError, match="positional"):
        sd.lm("mpg ~ wt", CARS, "binomial")


def test_editors_know_what_a_network_has():
    assert inspect.signature(sd.mlp).return_annotation == NetworkFit.__name__
