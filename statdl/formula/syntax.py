"""Reading formulas: tokens, and expressions in R's or Python's spelling.

``I(x^2)``, ``!am``, ``a & b``, ``cyl %in% c(4, 6)``, ``TRUE`` and ``Sepal.Length`` become a
Python syntax tree with the same meaning; the gate admits or refuses that tree. Names are kept
in the tree as the user's columns, whatever characters they hold, because the tree is walked
and never compiled.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from statdl.errors import FormulaError
from statdl.formula.gate import CONTRASTS, admit
from statdl.formula.suggest import unknown_column

MAX_LENGTH = 100_000
MAX_DEPTH = 50

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
#: Operators whose R spelling differs from Python's.
_PYTHON = {
    "^": "**",
    "&": "and",
    "|": "or",
    "&&": "and",
    "||": "or",
    "~": "not",
    "!": "not",
    "%in%": "in",
    "%%": "%",
    "%/%": "//",
    "TRUE": "True",
    "FALSE": "False",
    "NULL": "None",
    "T": "True",
    "F": "False",
}
_PYTHON_WORDS = frozenset({"and", "or", "not", "in", "True", "False", "None"})
_TIGHT = frozenset({"^", ":"})


@dataclass(frozen=True)
class Token:
    """A piece of a formula: its kind, the text as typed, and where it starts."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The place right after the token."""
        return self.start + len(self.text)

    @property
    def name(self) -> str:
        """The column or function that a name token refers to."""
        return self.text[1:-1] if self.kind == "quoted" else self.text


@dataclass(frozen=True)
class Expression:
    """An admitted expression: the user's spelling, the tree, and the columns it needs."""

    text: str
    tree: ast.expr
    columns: tuple[str, ...]


def scan(formula: str) -> list[Token]:
    """Split ``formula`` into tokens; characters that no formula holds are an error."""
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
            raise syntax_error(formula, position, _stray(formula, position))
        kind = str(match.lastgroup)
        if kind == "string" and tokens and (tokens[-1].kind, tokens[-1].end) == ("name", position):
            raise syntax_error(formula, position, "an f-string is not allowed in a formula")
        if kind != "space":
            tokens.append(Token(kind, match.group(kind), position))
        position = match.end()
    _check_brackets(formula, tokens)
    return tokens


def syntax_error(formula: str, position: int, problem: str) -> FormulaError:
    """Return an error that shows the formula with a mark under the place."""
    start = max(0, position - 60)
    shown = re.sub(r"\s", " ", formula[start : position + 40])
    return FormulaError(
        f"cannot read the formula: {problem}.\n    {shown}\n    {' ' * (position - start)}^"
    )


def no_response(formula: str) -> FormulaError:
    """Return the error for a formula that does not say what is modelled."""
    return FormulaError(
        f"the formula {formula!r} has no response: write it as 'response ~ predictors'."
    )


def split_response(formula: str, tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """Return the tokens left and right of the ``~`` that is outside of all brackets."""
    depth, places = 0, []
    for position, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")") if token.kind == "operator" else 0
        if token.text == "~" and depth == 0:
            places.append(position)
    if not places:
        raise no_response(formula)
    if len(places) > 1:
        second = tokens[places[1]].start
        raise syntax_error(formula, second, "a formula has one `~`, and this is a second one")
    place = places[0]
    return list(tokens[:place]), list(tokens[place + 1 :])


def expression(formula: str, tokens: Sequence[Token], columns: Collection[str]) -> Expression:
    """Translate ``tokens`` to an admitted expression over ``columns``.

    Raises
    ------
    FormulaError
        For broken syntax, for anything the gate refuses, and for unknown columns.
    """
    text = spelling(tokens)
    names: dict[str, str] = {}
    pieces, used = [], dict[str, None]()
    _check_words(formula, tokens, columns)
    for position, token in enumerate(tokens):
        following = tokens[position + 1].text if position + 1 < len(tokens) else ""
        role = _role(token, following, columns)
        if role == "column":
            _check_column(formula, token, columns)
            used[token.name] = None
        pieces.append(_python(formula, token, role, names))
    tree = _parse(formula, tokens, pieces, text)
    tree = _Renamed(names).visit(tree)
    admit(tree, text)
    return Expression(text, tree, tuple(used))


def spelling(tokens: Sequence[Token]) -> str:
    """Return the tokens with uniform spacing, so that ``log( x )`` and ``log(x)`` are one."""
    text, previous = "", None
    for token in tokens:
        text += _gap(previous, token) + token.text
        previous = token
        if _is_unary(token, text):
            previous = Token("prefix", token.text, token.start)
    return text


def _gap(previous: Token | None, token: Token) -> str:
    if previous is None or previous.kind == "prefix" or previous.text in ("(", "["):
        return ""
    if token.text in (")", "]", ",", "(") or token.text in _TIGHT or previous.text in _TIGHT:
        return " " if token.text == "(" and previous.kind == "operator" else ""
    if "=" in (token.text, previous.text):
        return ""
    return " "


def _is_unary(token: Token, text: str) -> bool:
    if token.text not in ("-", "+", "!", "~"):
        return False
    before = text[: -len(token.text)].rstrip()
    return not before or before[-1] in "([,=<>+-*/^:&|~!%"


def _role(token: Token, following: str, columns: Collection[str]) -> str:
    if token.kind == "quoted":
        return "column"
    if token.kind != "name":
        return "other"
    if following == "(" and token.text not in ("in", "and", "or", "not"):
        return "function"
    if following == "=":
        return "keyword"
    if token.text in columns and token.text not in _PYTHON_WORDS:
        return "column"
    if token.text in CONTRASTS or token.text in _PYTHON or token.text in _PYTHON_WORDS:
        return "word"
    return "column"


def _python(formula: str, token: Token, role: str, names: dict[str, str]) -> str:
    if role in ("column", "function") or (role == "word" and token.text in CONTRASTS):
        # A stand-in keeps any spelling (dots, spaces, keywords) out of Python's parser.
        stand_in = f"_{len(names)}"
        shown = f"`{token.name}`" if role == "column" else token.name
        names[stand_in] = shown
        return stand_in
    if token.text in (":", ":=", "<-", "->", ";", "@", "$", "?", "{", "}"):
        raise syntax_error(formula, token.start, _misplaced(token.text))
    if token.kind in ("operator", "name") and role != "keyword":
        return _PYTHON.get(token.text, token.text)
    return token.text


def _misplaced(operator: str) -> str:
    if operator == ":":
        return "`:` crosses terms and has no meaning inside of an expression"
    if operator in (":=", "<-", "->"):
        return f"an assignment (`{operator}`) is not allowed in a formula"
    return f"`{operator}` has no meaning in a formula"


def _check_words(formula: str, tokens: Sequence[Token], columns: Collection[str]) -> None:
    """Refuse Python's keywords (``lambda``, ``for``, ...) that are not columns of the data."""
    for token in tokens:
        word = token.kind == "name" and keyword.iskeyword(token.text)
        if word and token.text not in _PYTHON_WORDS and token.text not in columns:
            raise syntax_error(formula, token.start, f"`{token.text}` is not allowed in a formula")


def _check_column(formula: str, token: Token, columns: Collection[str]) -> None:
    name = token.name
    if name in columns:
        return
    raise unknown_column(name, columns, where=formula)


def _parse(formula: str, tokens: Sequence[Token], pieces: list[str], text: str) -> ast.expr:
    source = " ".join(pieces)
    try:
        return ast.parse(source, mode="eval").body
    except (RecursionError, MemoryError):
        raise FormulaError(f"the expression `{text[:60]}...` is nested too deeply.") from None
    except SyntaxError as error:
        # Python reports an early end of the text as offset 0.
        token = _token_at(error.offset - 1, tokens, pieces) if error.offset else tokens[-1]
        problem = f"`{text}` is not a complete expression"
        if token.text in ("[", "]"):
            problem = "a subscript is not allowed in a formula"
        raise syntax_error(formula, token.start, problem) from None


def _token_at(offset: int, tokens: Sequence[Token], pieces: list[str]) -> Token:
    reached = 0
    for token, piece in zip(tokens, pieces, strict=True):
        reached += len(piece) + 1
        if offset < reached:
            return token
    return tokens[-1]


def _check_brackets(formula: str, tokens: Sequence[Token]) -> None:
    closing, opened = {")": "(", "]": "[", "}": "{"}, list[Token]()
    for token in tokens:
        if token.kind != "operator":
            continue
        opener = closing.get(token.text)
        if token.text in closing.values():
            opened.append(token)
        elif opener and (not opened or opened.pop().text != opener):
            raise syntax_error(formula, token.start, f"`{token.text}` closes nothing")
        if len(opened) > MAX_DEPTH:
            raise syntax_error(formula, token.start, f"more than {MAX_DEPTH} nested brackets")
    if opened:
        raise syntax_error(formula, opened[-1].start, f"`{opened[-1].text}` is never closed")


def _stray(formula: str, position: int) -> str:
    character = formula[position]
    if character in "\"'`":
        return (
            f"the quote {character} is never closed"
            if character != "`"
            else ("the backtick is never closed or quotes nothing")
        )
    if character.isdigit():
        return "a number runs into a name; quote a column such as `1st` with backticks"
    return f"the character {character!r} has no meaning in a formula"


class _Renamed(ast.NodeTransformer):
    """Put the user's names back in place of the stand-ins."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)
