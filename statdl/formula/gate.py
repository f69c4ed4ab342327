"""What a formula may contain, and the check that nothing else gets in.

Formulas arrive from users and from saved model files. Each expression in them is parsed with
:mod:`ast` and every node is compared with the lists below; what is not on a list is refused
with a sentence. Nothing is ever passed to ``eval``: :mod:`statdl.formula.evaluate` walks the
admitted tree itself, so a name can only mean a column and a call only a transform listed here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from statdl.errors import FormulaError

#: Functions of one number, applied to every row; also written ``np.<name>``.
ELEMENTWISE = frozenset(
    "log log2 log10 log1p exp exp2 expm1 sqrt cbrt square abs fabs sign floor ceil trunc "
    "sin cos tan arcsin arccos arctan sinh cosh tanh".split()
)
#: Functions of two numbers, applied to every row.
PAIRWISE = frozenset("maximum minimum power".split())
#: Transforms that remember the data they were fitted to.
STATEFUL = frozenset("poly bs cr cc cs center scale standardize".split())
#: Functions that make or change a factor.
FACTORS = frozenset("C factor relevel".split())
#: R's names of functions that are listed above or below under another name.
R_NAMES = {
    "as.factor": "factor",
    "as.numeric": "numeric",
    "pmax": "maximum",
    "pmin": "minimum",
    "ceiling": "ceil",
}
#: Contrasts, in R's and in patsy's spelling, for the second argument of ``C``.
CONTRASTS = frozenset(
    "contr.treatment contr.sum contr.helmert contr.poly contr.diff contr.SAS contr.custom "
    "Treatment Sum Helmert Poly Diff".split()
)
STRUCTURE = frozenset("I c cbind offset lag round numeric".split())

FUNCTIONS = (
    ELEMENTWISE
    | PAIRWISE
    | STATEFUL
    | FACTORS
    | CONTRASTS
    | STRUCTURE
    | frozenset(R_NAMES)
    | frozenset(f"np.{name}" for name in ELEMENTWISE | PAIRWISE)
)

_MIXED = "random effects and smooth terms are outside of statdl's models"
#: Words that R users may write and that need an answer rather than "unknown function".
EXPLAINED = {
    "s": f"{_MIXED}; bs(x, df=5) or cr(x, df=5) is a spline with fixed knots",
    "te": f"{_MIXED}; bs(x, df=5):bs(z, df=5) is a tensor product of splines with fixed knots",
    "ti": f"{_MIXED}; bs(x, df=5):bs(z, df=5) is a tensor product of splines with fixed knots",
    "lo": f"{_MIXED}; bs(x, df=5) or cr(x, df=5) is a spline with fixed knots",
    "ns": "write cr(x, df=5) for a natural cubic spline, or bs(x, df=5) for a B-spline",
    "Error": "strata of error are not available; fit the blocks as a factor instead",
    "strata": "stratified models are not available; fit the strata as a factor instead",
    "cluster": "ask for clustered standard errors where the covariance is chosen",
    "cut": "cut the column before the fit, so that the limits are in your data",
    "ifelse": "write the comparison itself, such as I(x > 3), or make the column before the fit",
    "hashed": "hashed factors are not available; use factor(x)",
    "Q": "quote the column with backticks instead",
    "contr": "write contr.treatment('level'), contr.sum, contr.helmert, contr.poly or contr.diff",
}

#: Above this size a power of two constants can only be an accident or an attack.
MAX_EXPONENT = 64

_ADMITTED: tuple[type[ast.AST], ...] = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.keyword),
    *(ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd),
    *(ast.And, ast.Or, ast.Not, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    *(ast.In, ast.NotIn),
)
_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "attribute access",
    ast.Lambda: "lambda",
    ast.Subscript: "a subscript",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
    ast.IfExp: "a conditional",
    ast.Starred: "an unpacked argument",
    ast.Is: "the operator `is`",
    ast.IsNot: "the operator `is not`",
}


def admit(tree: ast.expr, text: str) -> None:
    """Refuse ``tree`` with a :class:`FormulaError` unless every node of it is on the lists.

    ``text`` is the user's spelling, quoted in the message.

    Examples
    --------
    >>> admit(ast.parse("log(x) + 1", mode="eval").body, "log(x) + 1")
    >>> admit(ast.parse("x[0]", mode="eval").body, "x[0]")
    Traceback (most recent call last):
        ...
    statdl.errors.FormulaError: a subscript is not allowed in a formula: `x[0]` ...
    """
    for node, piece in _walk(tree):
        if not isinstance(node, _ADMITTED):
            what = _REFUSED.get(type(node), f"the construct {type(node).__name__}")
            raise FormulaError(
                f"{what} is not allowed in a formula: `{piece}` in `{text}`. Formulas may hold "
                "columns, numbers, arithmetic, comparisons and the listed transforms."
            )
        if isinstance(node, ast.Name):
            _admit_name(node.id, text)
        elif isinstance(node, ast.Constant):
            _admit_constant(node.value, text)
        elif isinstance(node, ast.Call):
            _admit_call(node, piece, text)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            _admit_power(node, piece)


def spelled(node: ast.expr) -> str:
    """Return ``node`` as text, with backticks only where a column's name needs them."""
    return re.sub(r"`([A-Za-z_][\w.]*)`", r"\1", ast.unparse(node))


def admit_function(name: str, text: str) -> None:
    """Refuse a call of ``name`` unless it is an allowed transform."""
    if name in FUNCTIONS:
        return
    _admit_name(name, text)
    if name in EXPLAINED:
        raise FormulaError(f"{name}() is not available in `{text}`: {EXPLAINED[name]}.")
    if "." in name:
        raise FormulaError(
            f"attribute access is not allowed in a formula: `{name}(...)` in `{text}`. "
            "np.<function> works for " + ", ".join(sorted(ELEMENTWISE)) + "."
        )
    known = ", ".join(sorted(FUNCTIONS - CONTRASTS - {f"np.{f}" for f in ELEMENTWISE | PAIRWISE}))
    raise FormulaError(
        f"{name}() is not a transform that formulas may call, in `{text}`. Available: {known}. "
        "Anything else: compute the column before the fit."
    )


def _walk(tree: ast.expr) -> Iterator[tuple[ast.AST, str]]:
    # The callee of a call is judged with the call, not as a column.
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node, _shown(node)
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            children.remove(node.func)
        todo.extend(children)


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.expr):
        piece = spelled(node)
        return piece if len(piece) <= 60 else piece[:57] + "..."
    return type(node).__name__


def _admit_name(name: str, text: str) -> None:
    if name.startswith("__") or ".__" in name:
        raise FormulaError(
            f"the name `{name}` is not allowed in a formula, in `{text}`: names with two leading "
            "underscores belong to Python. Quote a column of that name with backticks."
        )


def _admit_constant(value: object, text: str) -> None:
    if not (value is None or isinstance(value, bool | int | float | str)):
        raise FormulaError(
            f"the constant {value!r} is not allowed in a formula, in `{text}`: "
            "only real numbers and text are."
        )


def _admit_call(node: ast.Call, piece: str, text: str) -> None:
    if not isinstance(node.func, ast.Name):
        what = _REFUSED.get(type(node.func), "a call of something that is not a name")
        raise FormulaError(f"{what} is not allowed in a formula: `{piece}` in `{text}`.")
    admit_function(node.func.id, text)
    if any(keyword.arg is None for keyword in node.keywords):
        raise FormulaError(f"an unpacked argument is not allowed in a formula: `{piece}`.")


def _admit_power(node: ast.BinOp, piece: str) -> None:
    """Refuse powers of constants whose evaluation could take the machine down."""
    right = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
    tower = any(
        isinstance(part, ast.BinOp) and isinstance(part.op, ast.Pow) for part in ast.walk(right)
    )
    value = right.value if isinstance(right, ast.Constant) else 0
    if tower or (isinstance(value, int | float) and value > MAX_EXPONENT):
        raise FormulaError(
            f"the power `{piece}` is not allowed in a formula: an exponent is a plain number of "
            f"at most {MAX_EXPONENT}, not a tower of powers."
        )
