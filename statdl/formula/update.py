"""Changing a formula as R's ``update`` does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from statdl.formula.syntax import Token, spelling, two_sides
from statdl.formula.terms import RightSide


class _Anything(tuple[str, ...]):
    """Columns that are not known yet: every name may be one."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return True


def update_formula(old: str, new: str) -> str:
    """Change a formula as R's ``update``: ``.`` in ``new`` stands for that side of ``old``.

    Examples
    --------
    >>> update_formula("mpg ~ wt", "log(.) ~ . + hp")
    'log(mpg) ~ wt + hp'
    >>> update_formula("mpg ~ wt * hp", "~ . - wt:hp")
    'mpg ~ wt + hp'
    """
    old_left, old_right = two_sides(old)
    new_left, new_right = two_sides(new)
    left = _substituted(new_left, spelling(old_left))
    if any(token.operator == "." for token in old_right):  # known when there are data
        return f"{left} ~ {_substituted(new_right, spelling(old_right))}"
    terms, intercept = _terms(old, old_right)
    right = _substituted(new_right, " + ".join(terms) or "1")
    text = f"{left} ~ {'' if intercept else '-1 + '}{right}"
    terms, intercept = _terms(text, two_sides(text)[1])
    shown = " + ".join(terms)
    if intercept:
        return f"{left} ~ {shown or '1'}"
    return f"{left} ~ {shown} - 1" if shown else f"{left} ~ 0"


def formula_terms(formula: str) -> tuple[tuple[str, ...], ...]:
    """Return the terms on the right of a formula, each as its factors.

    Examples
    --------
    >>> formula_terms("mpg ~ wt * hp")
    (('wt',), ('hp',), ('wt', 'hp'))
    """
    return tuple(RightSide(formula, _Anything(), None).read(two_sides(formula)[1]))


def term_text(factors: Iterable[str]) -> str:
    """Return a term in text that a formula may hold, its odd names in backticks."""
    return ":".join(map(_quoted, factors))


def _substituted(tokens: Sequence[Token], old: str) -> str:
    """Return ``tokens`` with ``old`` for each ``.``; no tokens stand for one."""
    word = re.fullmatch(r"[\w.]+|`[^`]*`", old)
    around = ["+", *(token.operator for token in tokens), "+"]
    out = []
    for token, before, after in zip(tokens, around, around[2:], strict=False):
        free = word or (before in ("+", "(") and after in ("+", "-", ")", ","))
        whole = old if free else f"({old})"
        out.append(Token("name", whole, 0) if token.operator == "." else token)
    return spelling(out) or old


def _terms(formula: str, tokens: Sequence[Token]) -> tuple[list[str], bool]:
    """Return the terms in text that can be read again, and whether there is an intercept."""
    side = RightSide(formula, _Anything(), None)
    terms = [term_text(term) for term in side.read(tokens)]
    return terms, side.intercept


def _quoted(name: str) -> str:
    plain = name.replace(".", "_").isidentifier() or "(" in name or name == "."
    return name if plain else f"`{name}`"
