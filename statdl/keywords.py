"""Keyword arguments that a function does not take: which one may be meant.

Python names the word that it does not know; from 3.13 on it names the nearest as well. Users of
R, statsmodels, scikit-learn and Keras write theirs, of which no spelling is near ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from types import FunctionType, MappingProxyType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_DESCENT = "method=sd.GradientDescent(sd.Adam(0.001), batch=32, epochs=100)"
#: Words of other packages, and ours for them: the first that the function takes.
OURS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("freq_weights", "var_weights", "sample_weight", "w"), ("weights",)),
        **dict.fromkeys(("size", "hidden_layer_sizes", "units"), ("hidden",)),
        **dict.fromkeys(("lambda", "lambd", "lam", "alphas"), ("lambda_", "penalty")),
        **dict.fromkeys(("se", "se.fit", "return_std"), ("se_fit",)),
        **dict.fromkeys(("cov_type", "vcov.", "white_adjust", "robust"), ("vcov",)),
        **dict.fromkeys(("groups", "clusters"), ("cluster",)),
        **dict.fromkeys(("na.action", "missing"), ("na_action",)),
        **dict.fromkeys(("fit_intercept", "hasconst"), ("intercept",)),
        **dict.fromkeys(("type", "typ", "test_type"), ("typ", "type")),
        **dict.fromkeys(("conf_level", "conf.level"), ("level",)),
        **dict.fromkeys(("exog", "newx", "new_data"), ("newdata", "X")),
        **dict.fromkeys(("validation_data", "validation_fraction"), ("validation",)),
        "alpha": ("level", "decay"),
        "df": ("data",),
        "endog": ("y",),
        "parameter": ("parm",),
        "random_state": ("seed",),
        "ref": ("reference",),
        "solver": ("method",),
        "validation_split": ("validation",),
        "weight_decay": ("decay",),
    }
)
#: Words that ask for more than another name: the argument that it takes, and what to write.
WRITTEN: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("batch", "batch_size", "epochs", "max_epochs"), ("hidden", _DESCENT)),
        **dict.fromkeys(("learning_rate", "learning_rate_init", "lr"), ("hidden", _DESCENT)),
        **dict.fromkeys(("optimizer", "optimiser"), ("hidden", _DESCENT)),
        **dict.fromkeys(
            ("maxit", "maxiter", "max_iter", "max_iterations"),
            ("method", "method=, an object such as sd.Newton(max_iterations=100)"),
        ),
        "C": ("penalty", "penalty=1 / C"),
        "callbacks": ("early_stopping", "early_stopping=, checkpoint= and metrics="),
        "class_weight": ("weights", "weights=, one a row (it changes the probabilities, too)"),
        "cov_type": ("weights", "fit.summary(vcov='HC3')"),
        "exposure": ("offset", "its logarithm as an offset, offset='log(exposure)'"),
        "freq_weights": (
            "weights",
            "rows repeated, for rows that stand for several; weights= divides the variance of a "
            "row",
        ),
        "loss": ("family", "family=, whose −log-likelihood is the loss"),
        "patience": ("early_stopping", "early_stopping=10 with validation="),
    }
)


def explained(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function say which keyword may be meant where it does not know one.

    Examples
    --------
    >>> @explained
    ... def lm(formula, *, weights=None):
    ...     return formula
    >>> lm("y ~ x", wieghts=1)
    Traceback (most recent call last):
    TypeError: lm() takes no `wieghts=`; did you mean `weights=`? It takes: formula, weights.
    """
    code = function.__code__
    taken = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    known, complaint = frozenset(taken), _complaint

    @wraps(function)
    def call(*args: P.args, **keywords: P.kwargs) -> T:
        if not keywords.keys() <= known:
            raise TypeError(complaint(function.__name__, keywords, taken))
        return function(*args, **keywords)

    return _at_home(call, function)


def _at_home(call: Any, function: Any) -> Any:
    """Return a wrapper as a function of the module of what it wraps: doctest goes by that."""
    made = FunctionType(call.__code__, function.__globals__, call.__name__, None, call.__closure__)
    return wraps(function)(made)


def _complaint(name: str, keywords: Collection[str], taken: Collection[str]) -> str:
    word = next(one for one in keywords if one not in taken)
    ours = [one for one in taken if one != "self"]
    return f"{name}() takes no `{word}=`{_meant(name, word, ours)} It takes: {', '.join(ours)}."


def _meant(name: str, word: str, ours: Collection[str]) -> str:
    """Return the question which word is meant, or the end of the sentence."""
    if name == "lm" and word in ("family", "link"):
        return "; other distributions than the normal are fitted by glm()."
    argument, written = WRITTEN.get(word, ("", ""))
    if argument in ours:
        return f"; here that is {written}."
    near = [one for one in OURS.get(word, ()) if one in ours]
    near += difflib.get_close_matches(word.lower(), ours, n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}=`?" if near else "."
