"""A name that a front door has not, and the words of other packages."""

import inspect
import pickle

import pytest

import statdl as sd
from statdl.api.keywords import ELSEWHERE
from statdl.results import NetworkFit

CARS = sd.datasets.load("mtcars")
FRONT_DOORS = (sd.lm, sd.glm, sd.multinom, sd.mlp, sd.path)


@pytest.mark.parametrize("front", FRONT_DOORS)
def test_a_slip_of_the_pen(front):
    with pytest.raises(TypeError, match=rf"{front.__name__}\(\) has no .*Did you mean 'weights'\?"):
        front("mpg ~ wt", CARS, wieghts="hp")
    with pytest.raises(TypeError, match="It has: formula, data, "):
        front("mpg ~ wt", CARS, qqq=1)


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("hidden_layer_sizes", "hidden="),
        ("epochs", "GradientDescent"),
        ("learning_rate", "GradientDescent"),
        ("class_weight", "weights=, one a row"),
        ("random_state", "seed="),
        ("validation_split", "validation="),
        ("optimizer", "GradientDescent"),
    ],
)
def test_what_others_call_it(name, here):
    with pytest.raises(
        TypeError, match=f"mlp\\(\\) has no argument {name!r}. Here that is .*{here}"
    ):
        sd.mlp("mpg ~ wt", CARS, **{name: 1})
    assert name not in inspect.signature(sd.mlp).parameters


def test_the_words_of_others_are_not_ours():
    ours = {name for front in FRONT_DOORS for name in inspect.signature(front).parameters}
    assert all(target in ours for target, _ in ELSEWHERE.values())
    assert set(ELSEWHERE) & set(inspect.signature(sd.mlp).parameters) == set()


def test_front_doors_stay_functions_of_their_modules():
    for front in FRONT_DOORS:
        assert pickle.loads(pickle.dumps(front)) is front
        assert front.__module__.startswith("statdl.api.")
        assert list(inspect.signature(front).parameters)[:2] == ["formula", "data"]


def test_editors_know_what_a_network_has():
    assert inspect.signature(sd.mlp).return_annotation == NetworkFit.__name__
