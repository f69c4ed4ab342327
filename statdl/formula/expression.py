"""Expressions over columns: from tokens through the gate to code for formulaic.

``I(x^2)``, ``!am``, ``a & b``, ``cyl %in% c(4, 6)``, ``TRUE`` and ``Sepal.Length`` become Python
with the same meaning, in which columns have stand-ins ``_0``, ``_1``, ... : a column may then have
any name, also that of a transform, and no name of Python's means anything.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from statdl.errors import FormulaError
from statdl.formula.gate import CONTRASTS, admit, admit_function, identifier
from statdl.formula.suggest import listing, nearest, unknown_column
from statdl.formula.syntax import Token, scan, spelling, syntax_error

#: Operators and words whose R spelling differs from Python's.
_PYTHON = {
    **{"^": "**", "%in%": "in", "%%": "%", "%/%": "//"},
    **{"&": "and", "&&": "and", "|": "or", "||": "or", "!": "not", "~": "not"},
    **{"TRUE": "True", "FALSE": "False", "T": "True", "F": "False", "NULL": "None"},
}
_WORDS = frozenset({"and", "or", "not", "in", "True", "False", "None"})
_CROSSES = "`:` crosses terms and has no meaning inside of an expression"
_MEANINGLESS = frozenset("; @ $ ? { } := <- ->".split())


@dataclass(frozen=True)
class Expression:
    """An admitted expression: the user's spelling, the code to evaluate, the columns it needs."""

    text: str
    code: str
    columns: tuple[str, ...]


def column_expression(name: str) -> Expression:
    """Return the expression that is just a column."""
    return Expression(name, "_0", (name,))


def expression(formula: str, tokens: Sequence[Token], columns: Collection[str]) -> Expression:
    """Translate ``tokens`` to an admitted expression over ``columns``.

    Raises
    ------
    FormulaError
        For broken syntax, for anything the gate refuses, and for unknown columns.
    """
    text, stand_ins = spelling(tokens), dict[str, str]()
    following = [*(token.text for token in tokens[1:]), ""]
    pieces = [
        _python(formula, token, after, columns, stand_ins)
        for token, after in zip(tokens, following, strict=True)
    ]
    try:
        tree = ast.parse(" ".join(pieces), mode="eval").body
    except (RecursionError, MemoryError):
        raise FormulaError(f"the expression `{text[:60]}...` is nested too deeply.") from None
    except SyntaxError:
        raise syntax_error(formula, tokens[0].start, f"`{text}` is not complete") from None
    admit(tree, text, frozenset(stand_ins.values()))
    if not stand_ins:
        raise FormulaError(f"`{text}` stands for a constant, not for a column.")
    code = ast.unparse(ast.fix_missing_locations(_Operators().visit(tree)))
    # Outside of calls a quoted column is named without its quotes.
    return Expression(tokens[0].name if len(tokens) == 1 else text, code, tuple(stand_ins))


def argument(text: str, columns: tuple[str, ...], name: str) -> Expression:
    """Read an argument in quotes: a column by its name, or an expression over columns."""
    if text in columns:
        return column_expression(text)
    try:
        tokens = scan(text)
        if not tokens:
            raise FormulaError("the text is empty.")
        return expression(text, tokens, columns)
    except FormulaError as error:
        raise FormulaError(f"{name}={text!r}: {error}") from None


def _python(
    formula: str, token: Token, after: str, columns: Collection[str], stand_ins: dict[str, str]
) -> str:
    """Return one token in Python's spelling."""
    if token.kind == "operator":
        if token.text == ":" or token.text in _MEANINGLESS:
            problem = _CROSSES if token.text == ":" else f"`{token.text}` has no meaning"
            raise syntax_error(formula, token.start, problem)
        return _PYTHON.get(token.text, token.text)
    if token.kind not in ("name", "quoted"):
        return token.text
    known = token.kind == "quoted" or (token.text in columns and token.text not in _WORDS)
    if token.kind == "name" and after == "(" and token.text not in _WORDS:
        admit_function(token.text, formula)
        return identifier(token.text)
    if token.kind == "name" and after == "=":
        return token.text
    if not known and token.text in CONTRASTS:
        return identifier(token.text)
    if not known and (token.text in _WORDS or token.text in _PYTHON):
        return _PYTHON.get(token.text, token.text)
    if not known and keyword.iskeyword(token.text):
        raise syntax_error(formula, token.start, f"`{token.text}` is not allowed in a formula")
    if token.name not in columns:
        if token.name.startswith("contr."):
            raise FormulaError(
                f"unknown contrast `{token.name}` in {formula!r}.{nearest(token.name, CONTRASTS)} "
                f"There are: {listing(sorted(CONTRASTS))}."
            )
        raise unknown_column(token.name, columns, formula)
    return stand_ins.setdefault(token.name, f"_{len(stand_ins)}")


#: Comparisons by their names in the module operator.
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}


class _Operators(ast.NodeTransformer):
    """Write operators as calls of functions that know vectors, factors and truth values."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return ast.BinOp(_call("_number", node.left), node.op, _call("_number", node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return _call("_not", node.operand)
        if isinstance(node.operand, ast.Constant):
            return node
        return ast.UnaryOp(node.op, _call("_number", node.operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        return _call("_both" if isinstance(node.op, ast.And) else "_either", *node.values)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        pairs = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
        return _call("_both", *(_comparison(left, op, right) for left, op, right in pairs))


def _comparison(left: ast.expr, operation: ast.cmpop, right: ast.expr) -> ast.expr:
    if isinstance(operation, ast.In):
        return _call("_within", left, right)
    if isinstance(operation, ast.NotIn):
        return _call("_not", _call("_within", left, right))
    return _call("_compared", ast.Constant(_COMPARISONS[type(operation)]), left, right)


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
