"""Arguments by a name that a front door has not: which name is meant, in a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")

_DESCENT = "method=sd.GradientDescent(sd.Adam(0.001), batch=32, epochs=100)"
#: What other packages call an argument: the one that it is here, and how it is written.
ELSEWHERE = {
    "alpha": ("decay", "decay=, the λ of ½ λ Σ w²"),
    "batch": ("hidden", _DESCENT),
    "batch_size": ("hidden", _DESCENT),
    "C": ("penalty", "penalty=1 / C"),
    "callbacks": ("early_stopping", "early_stopping=, checkpoint= and metrics="),
    "class_weight": ("weights", "weights=, one a row (it changes the probabilities, too)"),
    "cov_type": ("weights", "fit.summary(vcov='HC3')"),
    "df": ("data", "data="),
    "epochs": ("hidden", _DESCENT),
    "fit_intercept": ("intercept", "intercept=, or '- 1' in a formula"),
    "hidden_layer_sizes": ("hidden", "hidden="),
    "learning_rate": ("hidden", _DESCENT),
    "learning_rate_init": ("hidden", _DESCENT),
    "loss": ("family", "family=, whose −log-likelihood is the loss"),
    "lr": ("hidden", _DESCENT),
    "max_iter": ("method", "method=, an object such as sd.Newton(max_iterations=100)"),
    "optimiser": ("hidden", _DESCENT),
    "optimizer": ("hidden", _DESCENT),
    "patience": ("early_stopping", "early_stopping=10 with validation="),
    "random_state": ("seed", "seed="),
    "sample_weight": ("weights", "weights="),
    "size": ("hidden", "hidden="),
    "solver": ("method", "method="),
    "validation_data": ("validation", "validation="),
    "validation_fraction": ("validation", "validation=0.1"),
    "validation_split": ("validation", "validation=0.25"),
    "weight_decay": ("decay", "decay="),
}


def front_door(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Let a function say which argument is meant by a name that it has not.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.mlp("mpg ~ wt", data=sd.datasets.load("mtcars"), hiden=3)
    Traceback (most recent call last):
    TypeError: mlp() has no argument 'hiden'. Did you mean 'hidden'?
    """
    parameters = signature(function).parameters.values()
    assert all(one.kind is not Parameter.VAR_KEYWORD for one in parameters)
    known, unmeant = tuple(one.name for one in parameters), _unmeant

    @wraps(function)
    def called(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        for name in kwargs:
            if name not in known:
                raise unmeant(function.__name__, name, known)
        return function(*args, **kwargs)

    return _at_home(called, function)


def _at_home(called: Any, function: Any) -> Any:
    """Return a wrapper as a function of the module of what it wraps: doctest goes by that."""
    made = FunctionType(
        called.__code__, function.__globals__, called.__name__, None, called.__closure__
    )
    return wraps(function)(made)


def _unmeant(front: str, name: str, known: tuple[str, ...]) -> TypeError:
    """Return the error for a name that is no argument, with the one that may be meant."""
    target, written = ELSEWHERE.get(name, ("", ""))
    near = difflib.get_close_matches(name, known, n=1)
    if target in known:
        hint = f" Here that is {written}."
    else:
        hint = f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(known)}."
    return TypeError(f"{front}() has no argument {name!r}.{hint}")
