"""Changing a formula as R's ``update`` does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from statdl.formula.algebra import Reader
from statdl.formula.syntax import Token, scan, spelling, split_response


def update_formula(old: str, new: str) -> str:
    """Change a formula as R's ``update``: ``.`` in ``new`` stands for that side of ``old``.

    Examples
    --------
    >>> update_formula("mpg ~ wt", "log(.) ~ . + hp")
    'log(mpg) ~ wt + hp'
    >>> update_formula("mpg ~ wt * hp", "~ . - wt:hp")
    'mpg ~ wt + hp'
    """
    old_left, old_right = split_response(old, scan(old))
    new_left, new_right = split_response(new, scan(new))
    left = _substituted(new_left, old_left) if new_left else old_left
    right = _substituted(new_right, old_right) if new_right else old_right
    text = f"{spelling(left)} ~ {spelling(right)}"
    keeps_dot = any(token.text == "." for token in old_right)
    return text if keeps_dot else _simplified(text)


def _substituted(tokens: Sequence[Token], old: Sequence[Token]) -> list[Token]:
    out: list[Token] = []
    for token in tokens:
        if token.kind == "operator" and token.text == ".":
            simple = len(old) == 1 or len(tokens) == 1
            out += old if simple else [_bracket("("), *old, _bracket(")")]
        else:
            out.append(token)
    return out


def _bracket(text: str) -> Token:
    return Token("operator", text, 0)


def _simplified(text: str) -> str:
    left, right = split_response(text, scan(text))
    reader = Reader(text, right, _Anything(), None)
    terms = sorted(reader.read().values(), key=len)
    shown = [":".join(_quoted(name) for name in term) for term in terms]
    shown += [] if reader.intercept else ["-1" if shown else "0"]
    return f"{spelling(left)} ~ {_sum_of(shown)}"


def _sum_of(terms: Sequence[str]) -> str:
    return " + ".join(terms).replace("+ -1", "- 1") or "1"


def _quoted(name: str) -> str:
    plain = name.replace(".", "_").isidentifier() or "(" in name
    return name if plain else f"`{name}`"


class _Anything(Collection[str]):
    """Columns that are not known yet: every name may be one."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
