"""What a formula may contain, and the check that nothing else gets in.

formulaic evaluates expressions with ``eval``, and formulas come from users and from saved model
files. So each expression is parsed with :mod:`ast` first, and every node is compared with the
lists below; what is not on a list is refused with a sentence.
"""

from __future__ import annotations

import ast

from statdl.errors import FormulaError

#: Functions of one number, applied to every row; also written ``np.<name>``.
ELEMENTWISE = frozenset(
    "log log2 log10 log1p exp exp2 expm1 sqrt cbrt square abs fabs sign floor ceil trunc "
    "sin cos tan arcsin arccos arctan sinh cosh tanh".split()
)
#: Functions of two numbers, applied to every row.
PAIRWISE = frozenset("maximum minimum power".split())
#: Transforms that remember the data they were fitted to: formulaic's, and ``ns``.
SPLINES = frozenset("bs ns cr cc cs".split())
STATEFUL = SPLINES | frozenset("poly center scale standardize".split())
#: Functions whose second argument is a number of columns.
BASES = SPLINES | {"poly", "legendre"}
#: R's names of functions that are listed here under another name.
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
_NUMPY = frozenset(f"np.{name}" for name in ELEMENTWISE | PAIRWISE)
_OTHERS = frozenset("C factor relevel I c cbind offset round numeric legendre".split())
FUNCTIONS = ELEMENTWISE | PAIRWISE | STATEFUL | _NUMPY | CONTRASTS | _OTHERS | frozenset(R_NAMES)

_SPLINE = "ns(x, df=4) or bs(x, df=5) is a spline with fixed knots"
_SMOOTH = f"random effects and smooth terms are outside of statdl's models; {_SPLINE}"
#: Words that R users may write and that need an answer rather than "unknown function".
EXPLAINED = {
    **dict.fromkeys(("s", "te", "ti", "lo"), _SMOOTH),
    "Error": "strata of error are not available; fit the blocks as a factor instead",
    "strata": "stratified models are not available; fit the strata as a factor instead",
    "cluster": "ask for clustered standard errors where the covariance is chosen",
    "cut": "cut the column before the fit, so that the limits are in your data",
    "ifelse": "write the comparison itself, such as I(x > 3), or make the column before the fit",
    "lag": "make the lagged column before the fit, where the order of the rows is known",
    "hashed": "hashed factors are not available; use factor(x)",
    "Q": "quote the column with backticks instead",
}

#: Above these a power of constants, or a basis, can only be an accident or an attack.
MAX_EXPONENT = 64
MAX_BASIS = 1000

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
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
    ast.IfExp: "a conditional",
    ast.Starred: "an unpacked argument",
}


def admit(tree: ast.expr, text: str, columns: frozenset[str] = frozenset()) -> None:
    """Refuse ``tree`` with a :class:`FormulaError` unless every node of it is on the lists.

    ``columns`` are the names that stand for columns; ``text`` is the user's spelling.

    Examples
    --------
    >>> admit(ast.parse("log(_0) + 1", mode="eval").body, "log(x) + 1", frozenset({"_0"}))
    >>> admit(ast.parse("log[0]", mode="eval").body, "log[0]")
    Traceback (most recent call last):
        ...
    statdl.errors.FormulaError: a subscript is not allowed in a formula: `log[0]`. ...
    """
    for node in ast.walk(tree):
        problem = _problem(node, columns)
        if problem:
            raise FormulaError(
                f"{problem} is not allowed in a formula: `{text}`. Formulas may hold columns, "
                "numbers, arithmetic, comparisons and the listed transforms."
            )


def _problem(node: ast.AST, columns: frozenset[str]) -> str:
    """Return what is wrong with one node, empty if nothing is."""
    if not isinstance(node, _ADMITTED):
        return _REFUSED.get(type(node), f"the construct {type(node).__name__}")
    if isinstance(node, ast.Name) and node.id not in columns | _IDENTIFIERS:
        return f"the name `{node.id}`"
    if isinstance(node, ast.Constant) and not isinstance(
        node.value, bool | int | float | str | None
    ):
        return f"the constant {node.value!r}"
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id in columns:
            return "a call of something that is not a name of a transform"
        if any(keyword.arg is None for keyword in node.keywords):
            return "an unpacked argument"
        sizes = [*node.args[1:2], *(k.value for k in node.keywords if k.arg in ("df", "degree"))]
        if node.func.id in BASES and any(_largest(size) > MAX_BASIS for size in sizes):
            return f"a basis of more than {MAX_BASIS} columns"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        tower = any(isinstance(part, ast.Pow) for part in ast.walk(node.right))
        if tower or _largest(node.right) > MAX_EXPONENT:
            return f"a power above {MAX_EXPONENT} or a tower of powers"
    return ""


def _largest(tree: ast.expr) -> float:
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return max((v for v in values if isinstance(v, int | float)), default=0)


def identifier(function: str) -> str:
    """Return the Python name of a function or contrast of formulas."""
    return function.removeprefix("np.").replace(".", "_")


_IDENTIFIERS = frozenset(identifier(name) for name in FUNCTIONS)


def admit_function(name: str, text: str) -> None:
    """Refuse a call of ``name`` unless it is an allowed transform."""
    if name in FUNCTIONS:
        return
    if name in EXPLAINED:
        raise FormulaError(f"{name}() is not available in `{text}`: {EXPLAINED[name]}.")
    if "." in name:
        raise FormulaError(
            f"attribute access is not allowed in a formula: `{name}(...)` in `{text}`. "
            "np.<function> works for " + ", ".join(sorted(ELEMENTWISE)) + "."
        )
    raise FormulaError(
        f"{name}() is not a transform that formulas may call, in `{text}`. Available: "
        + ", ".join(sorted(FUNCTIONS - CONTRASTS - _NUMPY))
        + ". Anything else: compute the column before the fit."
    )
