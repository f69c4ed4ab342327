"""Arguments that are numbers: refused with their name and what they must be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

from statdl.errors import ModelError


def is_number(value: Any) -> bool:
    """Tell whether something is a real number of any library, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number of ``least`` or more.

    Examples
    --------
    >>> whole("restarts", 3.0, 1)
    3
    """
    if not is_number(value) or not math.isfinite(value) or value % 1 or value < least:
        raise ModelError(f"{name} must be a whole number of {least} or more, not {value!r}.")
    return int(value)


def finite(name: str, value: Any) -> float:
    """Return a finite number."""
    if not is_number(value) or not math.isfinite(value):
        raise ModelError(f"{name} must be a finite number, not {value!r}.")
    return float(value)


def truth(name: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise ModelError(f"{name} must be True or False, not {value!r}.")
    return value


def layer_sizes(hidden: Any) -> tuple[int, ...]:
    """Return the units of each hidden layer."""
    given = (hidden,) if isinstance(hidden, Integral | str) or hidden is None else hidden
    units = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(is_number(one) and one % 1 == 0 and one >= 1 for one in units):
        raise ModelError(
            f"hidden={hidden!r}: each hidden layer needs a whole number of units, 1 or more; () is "
            "the regression without hidden layers."
        )
    return tuple(int(one) for one in units)


def strengths(name: str, given: Any) -> tuple[float, ...]:
    """Return one λ ≥ 0, or those of the layers."""
    values = (
        tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    )
    for value in values:
        if not is_number(value) or not 0 <= value < math.inf:
            raise ModelError(
                f"{name} must be 0 or more, one number or one for each layer of weights, not "
                f"{given!r}."
            )
    return tuple(float(value) for value in values)


def several_names(name: str, given: Any) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    found = (given,) if isinstance(given, str) else given
    if not isinstance(found, Iterable) or not all(isinstance(one, str) for one in (*found,)):
        raise ModelError(f"{name}={given!r} must be names of weights, such as ['* -> h1'].")
    return tuple(found)


def weights_by_name(name: str, given: Any) -> dict[str, float]:
    """Return named weights with finite values."""
    if not isinstance(given, Mapping):
        raise ModelError(
            f"{name}= names weights and their values, such as {{'bias -> y': 0.0}}; not {given!r}."
            + (" Names alone hold weights where start= has them." if name == "fixed" else "")
        )
    return {str(key): finite(f"{name}[{key!r}]", value) for key, value in given.items()}
