"""Messages for names that are not there, with the nearest names that are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from statdl.errors import FormulaError, close_words

SHOWN = 12


def listing(names: Iterable[Any], shown: int = SHOWN) -> str:
    """Return ``names`` in one line, cut after ``shown`` of them."""
    every = [str(name) for name in names]
    more = f", ... ({len(every) - shown} more)" if len(every) > shown else ""
    return ", ".join(every[:shown]) + more


def count(number: int, noun: str = "row") -> str:
    """Return ``number`` with its noun, in the plural where it is one.

    Examples
    --------
    >>> count(1), count(3)
    ('1 row', '3 rows')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")


def nearest(name: str, names: Collection[str]) -> str:
    """Return a question naming the closest of ``names``, or an empty text."""
    found = close_words(name, [str(known) for known in names])
    return f" Did you mean `{found[0]}`?" if found else ""


def unknown_column(name: str, names: Collection[str], where: str) -> FormulaError:
    """Return the error for a column that ``where`` asks for and the data do not have."""
    dotted = ""
    if "." in name and name.split(".")[0] in names:
        dotted = f" (attribute access such as `{name}` is not allowed)"
    spaced = [one for one in map(str, names) if name in one.split() and one in where]
    hint = f" Write `{spaced[0]}` in backticks." if spaced else nearest(name, names)
    return FormulaError(
        f"unknown column `{name}` in {where!r}{dotted}.{hint} The data have: {listing(names)}."
    )
