"""Formulas as tokens, in R's or Python's spelling, and errors that show the place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from statdl.errors import FormulaError

MAX_LENGTH = 100_000

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<quoted>`[^`]+`)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)L?(?![\w.])
      | (?P<name>[^\W\d]\w*(?:\.\w+)*)
      | (?P<operator>%[^%\s]*%|\*\*|==|!=|<=|>=|//|:=|&&|\|\||<-|->|[-+*/^:~|&!<>=(),.\[\]{}@;$?%])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A piece of a formula: its kind, the text as typed, and where it starts."""

    kind: str
    text: str
    start: int

    @property
    def name(self) -> str:
        """The column or function that a name refers to."""
        return self.text[1:-1] if self.kind == "quoted" else self.text

    @property
    def operator(self) -> str:
        """The text of an operator or bracket, empty for other kinds."""
        return self.text if self.kind == "operator" else ""


def scan(formula: str) -> list[Token]:
    """Split ``formula`` into tokens; characters that no formula holds are an error.

    Examples
    --------
    >>> [token.text for token in scan("y ~ log(`my x`)")]
    ['y', '~', 'log', '(', '`my x`', ')']
    """
    if len(formula) > MAX_LENGTH:
        raise FormulaError(
            f"the formula has {len(formula):,} characters, more than {MAX_LENGTH:,}. "
            "Pass the columns as X= and y= instead, or use `.` for all columns."
        )
    tokens: list[Token] = []
    position = 0
    while position < len(formula):
        match = _TOKEN.match(formula, position)
        if match is None:
            raise syntax_error(formula, position, _stray(formula[position]))
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(Token(kind, match.group(kind), position))
        position = match.end()
    return tokens


def _stray(character: str) -> str:
    if character in "\"'`":
        return f"the quote {character} is never closed or quotes nothing"
    if character.isdigit():
        return "a number runs into a name; quote a column such as `1st` with backticks"
    return f"the character {character!r} has no meaning in a formula"


def syntax_error(formula: str, position: int, problem: str) -> FormulaError:
    """Return an error that shows the formula with a mark under the place."""
    start = max(0, position - 60)
    shown = re.sub(r"\s", " ", formula[start : position + 40])
    return FormulaError(
        f"cannot read the formula: {problem}.\n    {shown}\n    {' ' * (position - start)}^"
    )


def split_at(tokens: Sequence[Token], separator: str) -> list[list[Token]]:
    """Split tokens at an operator wherever it stands outside of all brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.operator in ("(", "[")) - (token.operator in (")", "]"))
        if token.operator == separator and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def two_sides(formula: str) -> tuple[list[Token], list[Token]]:
    """Return the tokens left and right of the ``~``."""
    sides = split_at(scan(formula), "~")
    if len(sides) == 1:
        raise no_response(formula)
    if len(sides) > 2:
        raise FormulaError(f"the formula {formula!r} has a second `~`; one is enough.")
    return sides[0], sides[1]


def no_response(formula: str) -> FormulaError:
    """Return the error for a formula that does not say what is modelled."""
    return FormulaError(
        f"the formula {formula!r} has no response: write it as 'response ~ predictors'."
    )


def spelling(tokens: Sequence[Token]) -> str:
    """Return the tokens with uniform spacing, so that ``log( x )`` and ``log(x)`` are one.

    Examples
    --------
    >>> spelling(scan("I(-x^2+ 1)"))
    'I(-x^2 + 1)'
    """
    text, before, tight = "", "(", True
    for token in tokens:
        here = token.operator
        joined = tight or here in (")", "]", ",", "^", ":", "=") or before in ("^", ":", "=")
        call = here in ("(", "[") and not before
        text += token.text if joined or call else " " + token.text
        sign = here in ("-", "+", "!", "~") and before not in ("", ".", ")", "]")
        tight, before = sign or here in ("(", "["), here
    return text
