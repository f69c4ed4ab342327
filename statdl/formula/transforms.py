"""The functions that formulas may call.

``poly``, ``bs``, ``cr``, ``scale`` and their relatives are formulaic's; they learn a state from
the data they are fitted to and encode new data with it. They see the rows without missing
values, so that one missing value costs one row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError
from statdl.formula.gate import ELEMENTWISE, PAIRWISE, R_NAMES, STATEFUL
from statdl.formula.suggest import listing
from statdl.formula.values import Categorical, Matrix, Value, as_factor, numeric, vector
from statdl.lazy import lazy

formulaic_transforms = lazy("formulaic.transforms")

#: Bounds that keep a basis from filling the memory by a slip of the pen.
MAX_DEGREE = 100
MAX_DF = 1000

_SPLINES = ("bs", "cr", "cc", "cs")


@dataclass(frozen=True)
class Call:
    """Where a transform is called: its spelling, the number of rows, and what it remembers."""

    text: str
    n: int
    state: dict[str, Any]
    training: bool
    notes: list[str] = field(default_factory=list)


def _elementwise(function: Callable[..., Any]) -> Callable[..., Value]:
    def apply(call: Call, x: Value) -> Value:
        return function(numeric(x, call.text))

    return apply


def _pairwise(function: Callable[..., Any]) -> Callable[..., Value]:
    def apply(call: Call, x: Value, y: Value) -> Value:
        return function(numeric(x, call.text), numeric(y, call.text))

    return apply


def _log(call: Call, x: Value, base: Value = None) -> Value:
    logarithm = np.log(numeric(x, call.text))
    return logarithm if base is None else logarithm / np.log(numeric(base, call.text))


def _round(call: Call, x: Value, digits: int = 0) -> Value:
    return np.round(numeric(x, call.text), int(digits))


def _identity(call: Call, x: Value) -> Value:
    return x


def _numeric(call: Call, x: Value) -> Value:
    return numeric(x, call.text)


def _constants(call: Call, *values: Value) -> Value:
    return tuple(values)


def _lag(call: Call, x: Value, k: int = 1) -> Value:
    shifted = np.full(call.n, np.nan)
    values, k = vector(numeric(x, call.text), call.n), int(k)
    if abs(k) < call.n:
        shifted[max(k, 0) : call.n + min(k, 0)] = values[max(-k, 0) : call.n - max(k, 0)]
    return shifted


def _categorical(call: Call, x: Value, contrasts: Any = None, *, levels: Any = None) -> Categorical:
    order = levels if levels is None or isinstance(levels, tuple) else (levels,)
    factor = as_factor(vector(x, call.n), call.text, order)
    if contrasts is None:
        return factor
    if isinstance(contrasts, tuple):
        contrasts = contrast("contr.custom", call.text, contrasts)
    if not _is_contrast(contrasts):
        raise FormulaError(
            f"`{call.text}`: the second argument is a contrast, such as contr.treatment('level'), "
            "contr.sum or contr.helmert."
        )
    return replace(factor, contrast=contrasts)


def _factor(call: Call, x: Value, levels: Any = None, **keywords: Any) -> Categorical:
    # R's factor(x, levels); contrasts in that place are formulaic's C(x, contrasts).
    if _is_contrast(levels):
        return _categorical(call, x, levels, **keywords)
    return _categorical(call, x, levels=levels, **keywords)


def _is_contrast(value: Any) -> bool:
    return hasattr(value, "get_coding_matrix")


def _relevel(call: Call, x: Value, ref: Any) -> Categorical:
    factor = as_factor(x, call.text)
    if ref not in factor.levels:
        raise no_level(ref, factor.levels, call.text)
    rest = tuple(level for level in factor.levels if level != ref)
    return as_factor(factor, call.text, (ref, *rest))


def no_level(level: Any, levels: tuple[Any, ...], where: str) -> FormulaError:
    """Return the error for a level that a factor does not have."""
    return FormulaError(f"`{where}`: {level!r} is not a level; the levels are {listing(levels)}.")


def contrast(name: str, text: str, *arguments: Any, **keywords: Any) -> Any:
    """Return a contrast of formulaic from R's or patsy's name for it."""
    registry = formulaic_transforms.ContrastsRegistry
    kind = name.removeprefix("contr.").lower()
    classes = {"sas": registry.SAS, **{k: getattr(registry, k) for k in _CONTRAST_KINDS}}
    if kind == "treatment" and "reference" in keywords:
        keywords["base"] = keywords.pop("reference")
    try:
        return classes[kind](*arguments, **keywords)
    except (TypeError, ValueError, IndexError):
        raise FormulaError(f"`{text}`: {name}() does not take these arguments.") from None


_CONTRAST_KINDS = ("treatment", "sum", "helmert", "poly", "diff", "custom")


def _remembering(name: str) -> Callable[..., Value]:
    def apply(call: Call, x: Value, *arguments: Any, **keywords: Any) -> Value:
        values = vector(numeric(x, call.text), call.n)
        present = np.isfinite(values)
        complete = bool(present.all())
        used = values if complete else values[present]
        _check(name, call, used, arguments, keywords)
        if name == "bs" and "intercept" in keywords:
            keywords["include_intercept"] = keywords.pop("intercept")
        if name in _SPLINES:
            _extend(call, used, keywords)
        transform = getattr(formulaic_transforms, _FORMULAIC.get(name, name), None)
        transform = transform or formulaic_transforms.TRANSFORMS[name]
        try:
            made = transform(used, *arguments, _state=call.state, **keywords)
        except TypeError as error:
            raise FormulaError(f"`{call.text}`: these are not arguments of {name}().") from error
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise FormulaError(
                f"`{call.text}` cannot be computed from {len(used)} values with these arguments; "
                f"{_ADVICE.get(name, 'check them')}."
            ) from error
        return _scattered(made, None if complete else present, call.n)

    return apply


_FORMULAIC = {
    "bs": "basis_spline",
    "cr": "natural_cubic_spline",
    "cs": "natural_cubic_spline",
    "cc": "cyclic_cubic_spline",
}
_ADVICE = {
    "bs": "df is at least degree (3 unless given), and knots lie inside the data",
    "cr": "df is at least 2, and knots lie inside the data",
    "cs": "df is at least 2, and knots lie inside the data",
    "cc": "df is at least 2, and knots lie inside the data",
}


def _check(
    name: str, call: Call, values: Array, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Refuse what the basis cannot mean, before it is tried."""
    if call.training and not len(values):
        raise DataError(f"`{call.text}` has no values to learn from: all are missing.")
    first = arguments[0] if arguments else None
    if name == "poly":
        degree = keywords.get("degree", first if first is not None else 1)
        _whole(call, "the degree", degree, MAX_DEGREE)
        raw = keywords.get("raw", arguments[1] if len(arguments) > 1 else False)
        distinct = len(np.unique(values)) if call.training and not raw else degree + 1
        if degree >= distinct:
            raise DataError(
                f"`{call.text}`: the degree must be less than the number of distinct values, "
                f"and there are {distinct}."
            )
    elif name in _SPLINES:
        df = keywords.get("df", first)
        if df is not None:
            _whole(call, "df", df, MAX_DF)
        _whole(call, "the degree", keywords.get("degree", 3), MAX_DEGREE)


def _whole(call: Call, what: str, number: Any, limit: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= limit:
        raise FormulaError(
            f"`{call.text}`: {what} is a whole number from 1 to {limit}, not {number!r}."
        )


def _extend(call: Call, values: Array, keywords: dict[str, Any]) -> None:
    """Continue a spline outside of its training data, as R does, and say so."""
    if "extrapolation" in keywords or call.training:
        return
    keywords["extrapolation"] = "extend"
    low, high = call.state.get("lower_bound"), call.state.get("upper_bound")
    if low is None or high is None:
        return
    outside = int(np.sum((values < low) | (values > high)))
    if outside:
        call.notes.append(
            f"`{call.text}`: {outside} of the new values lie outside of the training range "
            f"[{low:g}, {high:g}], where the spline is an extrapolation."
        )


def _scattered(made: Any, present: Array | None, n: int) -> Value:
    """Return what formulaic made as a vector or a matrix, NaN where the input was missing."""
    metadata = getattr(made, "__formulaic_metadata__", None)
    if isinstance(made, dict):
        columns = {key: value for key, value in made.items() if not str(key).startswith("__")}
        names: tuple[Any, ...] = tuple(columns)
        values = np.stack([np.asarray(column, dtype=float) for column in columns.values()], axis=1)
    else:
        values = np.asarray(getattr(made, "__wrapped__", made), dtype=float)
        names = tuple(getattr(metadata, "column_names", None) or ())
    if present is not None:
        full = np.full((n, *values.shape[1:]), np.nan)
        full[present] = values
        values = full
    if values.ndim == 1:
        return values
    names = names or tuple(range(1, values.shape[1] + 1))
    return Matrix(values, tuple(f"[{name}]" for name in names))


#: The functions by name; each takes the :class:`Call` and then the arguments in the formula.
TABLE: dict[str, Callable[..., Value]] = {
    **{name: _elementwise(getattr(np, name)) for name in ELEMENTWISE},
    **{name: _pairwise(getattr(np, name)) for name in PAIRWISE},
    **{name: _remembering(name) for name in STATEFUL},
    "log": _log,
    "round": _round,
    "lag": _lag,
    "I": _identity,
    "offset": _numeric,
    "numeric": _numeric,
    "c": _constants,
    "C": _categorical,
    "factor": _factor,
    "relevel": _relevel,
}
TABLE |= {f"np.{name}": TABLE[name] for name in ELEMENTWISE | PAIRWISE}
TABLE |= {spelled: TABLE[name] for spelled, name in R_NAMES.items()}
