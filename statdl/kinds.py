"""What an argument is, asked before it is used: nobody keeps to annotations in a notebook."""

from __future__ import annotations

from numbers import Real
from typing import Any


def is_number(value: Any) -> bool:
    """Tell whether something is a real number, True and False not counted.

    Examples
    --------
    >>> is_number(0.5), is_number(True), is_number("a")
    (True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Tell whether something is a whole number, such as 3 or 3.0.

    Examples
    --------
    >>> is_whole(3.0), is_whole(2.5), is_whole(None)
    (True, False, False)
    """
    return is_number(value) and float(value).is_integer()


def type_name(value: Any) -> str:
    """Return what the type of something is called, with the package that it is of.

    Examples
    --------
    >>> type_name(3), type_name(Real)
    ('int', 'abc.ABCMeta')
    """
    kind = type(value)
    package = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{package}{kind.__qualname__}"
