"""The functions that formulas may call: the whole environment of their evaluation.

``poly``, ``bs``, ``cr``, ``scale`` and their relatives are formulaic's, ``ns`` is ours; they learn
a state from the data they are fitted to and encode new data with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import numpy as np

from statdl.errors import DataError, FormulaError, StatdlWarning, warn
from statdl.formula.gate import ELEMENTWISE, PAIRWISE, R_NAMES, SPLINES, STATEFUL, identifier
from statdl.formula.natural import natural_spline
from statdl.formula.suggest import listing
from statdl.formula.values import Factor, Value, as_factor, number
from statdl.lazy import lazy

formulaic_transforms = lazy("formulaic.transforms")


@cache
def environment() -> dict[str, Any]:
    """Return every name that an expression may use besides its columns."""
    functions = {
        **{name: _of_one(getattr(np, name)) for name in ELEMENTWISE},
        **{name: _of_two(getattr(np, name)) for name in PAIRWISE},
        **{name: _remembering(name) for name in STATEFUL},
        "log": _log,
        "legendre": _legendre(),
        "round": lambda x, digits=0: np.round(number(x), int(digits)),
        "I": lambda x: x,
        "c": lambda *values: values,
        "cbind": _misplaced_cbind,
        "offset": number,
        "numeric": number,
        "C": _categorical,
        "factor": _factor,
        "relevel": _relevel,
        **_contrasts(),
    }
    functions |= {alias: functions[name] for alias, name in R_NAMES.items()}
    return {identifier(name): function for name, function in functions.items()} | OPERATORS


# A further argument of a NumPy function would be where to write: into the user's data.


def _of_one(function: Callable[..., Any]) -> Callable[..., Value]:
    return lambda x: function(number(x))


def _of_two(function: Callable[..., Any]) -> Callable[..., Value]:
    return lambda x, y: function(number(x), number(y))


def _log(x: Value, base: Value = np.e) -> Value:
    logarithm = np.log(number(x))
    return logarithm if base is np.e else logarithm / np.log(number(base))


def _misplaced_cbind(*columns: Value) -> Value:
    raise FormulaError("is not a term: cbind() belongs on the left of `~` and stands alone.")


def _contrasts() -> dict[str, Any]:
    registry = formulaic_transforms.ContrastsRegistry
    kinds = ("sum", "helmert", "poly", "diff", "SAS", "custom")
    return {
        "contr.treatment": _treatment,
        "Treatment": _treatment,
        **{f"contr.{kind}": getattr(registry, kind) for kind in kinds},
        **{kind: getattr(registry, kind.lower()) for kind in ("Sum", "Helmert", "Poly", "Diff")},
    }


def _treatment(base: Any = None, *, reference: Any = None) -> Any:
    level = reference if base is None else base
    treatment = formulaic_transforms.ContrastsRegistry.treatment
    return treatment() if level is None else treatment(base=level)


def _categorical(x: Value, contrasts: Any = None, *, levels: Any = None) -> Factor:
    order = levels if levels is None or isinstance(levels, tuple | list) else (levels,)
    factor = as_factor(x, None if order is None else tuple(order))
    return factor if contrasts is None else Factor(factor.values, _contrast(contrasts))


def _factor(x: Value, levels: Any = None, **keywords: Any) -> Factor:
    # R's factor(x, levels); a contrast in that place is formulaic's C(x, contrasts).
    if levels is None or isinstance(levels, tuple | list | str | int | float):
        return _categorical(x, levels=levels, **keywords)
    return _categorical(x, levels, **keywords)


def _contrast(given: Any) -> Any:
    if isinstance(given, list | tuple):
        given = formulaic_transforms.ContrastsRegistry.custom(given)
    elif callable(given):
        given = given()
    if not hasattr(given, "get_coding_matrix"):
        raise FormulaError(
            "has no contrast where it needs one: its second argument is a contrast, such as "
            "contr.treatment('level'), contr.sum or contr.helmert."
        )
    return given


def _relevel(x: Value, ref: Any) -> Factor:
    factor = as_factor(x)
    _check_level(ref, factor)
    return as_factor(factor, (ref, *(level for level in factor.levels if level != ref)))


def _check_level(level: Any, factor: Factor) -> None:
    if level not in factor.levels:
        twin = [one for one in factor.levels if str(one) == str(level)]
        hint = f" Levels keep their type: write {twin[0]!r}." if twin else ""
        raise FormulaError(
            f"asks for {level!r} among the levels {listing(map(repr, factor.levels))}.{hint}"
        )


def _remembering(name: str) -> Callable[..., Value]:
    """Return a transform behind checks of its arguments."""
    transform = natural_spline if name == "ns" else formulaic_transforms.TRANSFORMS[name]

    def apply(x: Value, *arguments: Any, _state: dict[str, Any], **keywords: Any) -> Value:
        x = number(x)
        if name == "poly":
            _check_degree(x, not _state, *arguments, **keywords)
        if "intercept" in keywords:  # R's name
            keywords["include_intercept"] = keywords.pop("intercept")
        if name in SPLINES and _state and "extrapolation" not in keywords:
            if name != "ns":
                keywords["extrapolation"] = "extend"  # as R does
            _note_outside(name, x, _state["lower_bound"], _state["upper_bound"])
        return transform(x, *arguments, _state=_state, **keywords)

    remembering: Callable[..., Value] = formulaic_transforms.stateful_transform(apply)
    return remembering


def _check_degree(x: Any, learning: bool, degree: Any = 1, raw: bool = False, **_: Any) -> None:
    if not isinstance(degree, int) or degree < 1:
        raise FormulaError(f"needs as its degree a whole number from 1, not {degree!r}.")
    distinct = len(np.unique(x)) if learning and not raw else degree + 1
    if degree >= distinct:
        raise DataError(
            f"needs a degree less than the number of distinct values, and there are {distinct}."
        )


def _legendre() -> Callable[..., Value]:
    """Return Legendre polynomials of degrees 1 to d on a range, or on the one that was seen.

    Scaled to a mean square of 1 over the range, and so comparable in size whatever the degree;
    unlike ``poly`` they exist for degrees beyond the number of distinct values.
    """

    def apply(
        x: Value, degree: Any = 1, low: Any = None, high: Any = None, *, _state: dict[str, Any]
    ) -> Value:
        if not isinstance(degree, int) or degree < 1:
            raise FormulaError(f"needs as its degree a whole number from 1, not {degree!r}.")
        x = number(x)
        low = _state.setdefault("low", float(np.min(x) if low is None else low))
        high = _state.setdefault("high", float(np.max(x) if high is None else high))
        if not low < high:
            raise DataError(f"needs a range, and it is from {low:g} to {high:g}.")
        inside = (2 * np.asarray(x, dtype=float) - low - high) / (high - low)
        sizes = np.sqrt(2 * np.arange(1, degree + 1) + 1)
        return np.polynomial.legendre.legvander(inside, degree)[:, 1:] * sizes

    remembering: Callable[..., Value] = formulaic_transforms.stateful_transform(apply)
    return remembering


def _note_outside(name: str, x: Any, low: float, high: float) -> None:
    outside = int(np.sum((x < low) | (x > high)))
    if outside:
        warn(
            f"{outside} of the new values lie outside of the training range [{low:g}, {high:g}] "
            f"of {name}(), where the spline is an extrapolation.",
            StatdlWarning,
        )


# Operators. Conditions on numbers and factors; what is missing never reaches them.


def _truth(value: Value) -> Any:
    if isinstance(value, bool) or (isinstance(value, np.ndarray) and value.dtype == np.bool_):
        return value
    raise DataError(
        "needs a condition where it has something else; write comparisons such as x > 0, and "
        "join them with &, | and !."
    )


def _both(*conditions: Value) -> Any:
    return reduce(np.logical_and, map(_truth, conditions))


def _either(*conditions: Value) -> Any:
    return reduce(np.logical_or, map(_truth, conditions))


def _compared(sign: str, a: Value, b: Value) -> Any:
    factors = [value for value in (a, b) if isinstance(value, Factor)]
    if not factors and (isinstance(a, str) or isinstance(b, str)):
        raise DataError("compares a column of numbers with text.")
    if len(factors) == 1 and factors[0].values.ordered and sign not in ("eq", "ne"):
        _check_level(b if factors[0] is a else a, factors[0])
    a, b = (value.values if isinstance(value, Factor) else value for value in (a, b))
    return getattr(operator, sign)(a, b)


def _within(value: Value, options: Value) -> Any:
    options = options if isinstance(options, tuple | list) else (options,)
    return _either(False, *(_compared("eq", value, option) for option in options))


#: What the operators of a formula become; no user can name these.
OPERATORS: dict[str, Callable[..., Any]] = {
    "_number": number,
    "_both": _both,
    "_either": _either,
    "_not": lambda condition: np.logical_not(_truth(condition)),
    "_compared": _compared,
    "_within": _within,
}
