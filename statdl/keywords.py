"""Keyword arguments that a function does not take: which one may be meant.

Python names the word that it does not know; from 3.13 on it names the nearest as well. Users of
R, statsmodels and scikit-learn write theirs, of which no spelling is near ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Words of other packages, and ours for them: the first that the function takes.
ELSEWHERE = {
    **dict.fromkeys(("freq_weights", "var_weights", "sample_weight", "w"), ("weights",)),
    **dict.fromkeys(("size", "hidden_layer_sizes", "units"), ("hidden",)),
    **dict.fromkeys(("lambda", "lambd", "lam", "alphas"), ("lambda_", "penalty")),
    **dict.fromkeys(("se", "se.fit", "return_std"), ("se_fit",)),
    **dict.fromkeys(("cov_type", "vcov.", "white_adjust", "robust"), ("vcov",)),
    **dict.fromkeys(("groups", "clusters"), ("cluster",)),
    **dict.fromkeys(("solver", "optimizer", "optimiser"), ("method",)),
    **dict.fromkeys(("maxit", "maxiter", "max_iter"), ("max_iterations", "epochs", "method")),
    **dict.fromkeys(("na.action", "missing"), ("na_action",)),
    **dict.fromkeys(("fit_intercept", "hasconst"), ("intercept",)),
    **dict.fromkeys(("type", "typ", "test_type"), ("typ", "type")),
    **dict.fromkeys(("conf_level", "conf.level", "alpha"), ("level",)),
    **dict.fromkeys(("exog", "newx", "new_data"), ("newdata", "X")),
    **dict.fromkeys(("endog",), ("y",)),
    "exposure": ("offset",),
    "ref": ("reference",),
    "parameter": ("parm",),
}


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
    known = frozenset(taken)

    @wraps(function)
    def call(*args: P.args, **keywords: P.kwargs) -> T:
        if not keywords.keys() <= known:
            raise TypeError(_complaint(function.__name__, keywords, taken))
        return function(*args, **keywords)

    return call


def _complaint(name: str, keywords: Collection[str], taken: Collection[str]) -> str:
    word = next(one for one in keywords if one not in taken)
    ours = [one for one in taken if one != "self"]
    return f"{name}() takes no `{word}=`{_meant(name, word, ours)} It takes: {', '.join(ours)}."


def _meant(name: str, word: str, ours: Collection[str]) -> str:
    """Return the question which word is meant, or the end of the sentence."""
    if name == "lm" and word in ("family", "link"):
        return "; other distributions than the normal are fitted by glm()."
    if word == "freq_weights":
        return "; repeat rows that stand for several. `weights=` divides the variance of a row."
    if word == "exposure":
        return "; its logarithm is an offset, offset='log(exposure)'."
    near = [one for one in ELSEWHERE.get(word, ()) if one in ours]
    near += difflib.get_close_matches(word.lower(), ours, n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}=`?" if near else "."
