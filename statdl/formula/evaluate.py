"""Walking an admitted expression over columns.

Nothing is compiled, and nothing is evaluated by Python itself: each kind of node has one small
method, and names are columns.

Missing values follow R: arithmetic and comparisons with a missing value are missing, ``TRUE |
missing`` is true, ``FALSE & missing`` is false.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from statdl.errors import DataError, FormulaError, StatdlError
from statdl.formula.gate import CONTRASTS
from statdl.formula.syntax import Expression
from statdl.formula.transforms import TABLE, Call, contrast, no_level
from statdl.formula.values import Categorical, Logical, Matrix, Value, numeric, vector

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUALITY = (ast.Eq, ast.NotEq)


@dataclass
class Evaluator:
    """Evaluates expressions over ``columns`` of ``n`` rows.

    ``state`` holds what the transforms remember, by the spelling of the call. It is filled
    while ``training`` and only read afterwards.
    """

    columns: Mapping[str, Value]
    n: int
    state: dict[str, dict[str, Any]]
    training: bool = True
    notes: list[str] = field(default_factory=list)

    def __call__(self, expression: Expression) -> Value:
        """Return the value of ``expression``, one entry a row."""
        with np.errstate(all="ignore"):
            value = vector(self._node(expression.tree, expression.text), self.n)
        column = isinstance(value, np.ndarray | Logical | Categorical | Matrix)
        if not column or not expression.columns:
            raise FormulaError(f"`{expression.text}` stands for a constant, not for a column.")
        return value

    def _node(self, node: ast.expr, text: str) -> Value:
        method: Callable[[Any, str], Value] = getattr(self, f"_{type(node).__name__.lower()}")
        return method(node, text)

    def _constant(self, node: ast.Constant, text: str) -> Value:
        return node.value

    def _tuple(self, node: ast.Tuple | ast.List, text: str) -> Value:
        return tuple(self._node(item, text) for item in node.elts)

    _list = _tuple

    def _name(self, node: ast.Name, text: str) -> Value:
        if node.id in CONTRASTS:
            return contrast(node.id, text)
        return self.columns[node.id.strip("`")]

    def _binop(self, node: ast.BinOp, text: str) -> Value:
        left = numeric(self._node(node.left, text), text)
        right = numeric(self._node(node.right, text), text)
        return _ARITHMETIC[type(node.op)](left, right)

    def _unaryop(self, node: ast.UnaryOp, text: str) -> Value:
        value = self._node(node.operand, text)
        if isinstance(node.op, ast.Not):
            return Logical(1.0 - truth(value, text, self.n))
        if isinstance(value, int | float):
            return -value if isinstance(node.op, ast.USub) else value
        number = numeric(value, text)
        return -number if isinstance(node.op, ast.USub) else number

    def _boolop(self, node: ast.BoolOp, text: str) -> Value:
        combine = _either if isinstance(node.op, ast.Or) else _both
        result = truth(self._node(node.values[0], text), text, self.n)
        for other in node.values[1:]:
            result = combine(result, truth(self._node(other, text), text, self.n))
        return Logical(result)

    def _compare(self, node: ast.Compare, text: str) -> Value:
        left, results = self._node(node.left, text), []
        for operation, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._node(right_node, text)
            results.append(self._compared(left, operation, right, text))
            left = right
        whole = results[0]
        for result in results[1:]:
            whole = _both(whole, result)
        return Logical(vector(whole, self.n))

    def _compared(self, left: Value, operation: ast.cmpop, right: Value, text: str) -> Any:
        if isinstance(operation, ast.In | ast.NotIn):
            found = self._member(left, right, text)
            return found if isinstance(operation, ast.In) else 1.0 - found
        if isinstance(left, str) and isinstance(right, Categorical):
            operation = _mirrored(operation)
            left, right = right, left
        if isinstance(left, Categorical) or isinstance(right, str | Categorical):
            return _compare_factor(left, operation, right, text)
        a, b = numeric(left, text), numeric(right, text)
        result = np.asarray(_COMPARISONS[type(operation)](a, b), dtype=float)
        return np.where(np.isnan(a) | np.isnan(b), np.nan, result)

    def _member(self, value: Value, options: Value, text: str) -> Any:
        if not isinstance(options, tuple):
            options = (options,)
        tests = [self._compared(value, ast.Eq(), option, text) for option in options]
        result = np.zeros(self.n) if not tests else tests[0]
        for test in tests[1:]:
            result = _either(result, test)
        return result

    def _call(self, node: ast.Call, text: str) -> Value:
        name = node.func.id  # type: ignore[attr-defined]  # the gate admits calls of names only
        arguments = [self._node(argument, text) for argument in node.args]
        keywords = {str(k.arg): self._node(k.value, text) for k in node.keywords}
        if name in CONTRASTS:
            return contrast(name, text, *arguments, **keywords)
        if name == "cbind":
            raise FormulaError(f"cbind() belongs on the left of `~` and stands alone, in `{text}`.")
        spelled = ast.unparse(node)
        state = self.state.setdefault(spelled, {}) if self.training else self.state.get(spelled, {})
        call = Call(text, self.n, state, self.training, self.notes)
        try:
            return TABLE[name](call, *arguments, **keywords)
        except StatdlError:
            raise
        except (TypeError, ValueError, IndexError) as error:
            raise FormulaError(f"`{text}`: these are not arguments of {name}().") from error


def truth(value: Value, where: str, n: int) -> Any:
    """Return ``value`` as 1, 0 and NaN, or say that ``where`` needs a condition."""
    if isinstance(value, Logical):
        return value.values
    if isinstance(value, bool):
        return np.full(n, float(value))
    raise DataError(
        f"`{where}` needs a condition where it has something else; write comparisons such as "
        "x > 0, and join them with &, | and !."
    )


def _both(a: Any, b: Any) -> Any:
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _either(a: Any, b: Any) -> Any:
    return np.where((a == 1) | (b == 1), 1.0, a + b)


def _mirrored(operation: ast.cmpop) -> ast.cmpop:
    swaps: dict[type[ast.cmpop], type[ast.cmpop]] = {
        ast.Lt: ast.Gt,
        ast.Gt: ast.Lt,
        ast.LtE: ast.GtE,
        ast.GtE: ast.LtE,
    }
    return swaps.get(type(operation), type(operation))()


def _compare_factor(factor: Value, operation: ast.cmpop, other: Value, text: str) -> Any:
    """Compare a factor with a level, or with another factor level by level."""
    if isinstance(other, Categorical) and isinstance(factor, Categorical):
        return _compare_factors(factor, operation, other, text)
    if not isinstance(factor, Categorical) or not isinstance(other, str | int | float):
        raise DataError(f"`{text}` compares a column of numbers with text.")
    if isinstance(operation, _EQUALITY):
        matches = np.array([*(level == other for level in factor.levels), False])
        result = matches[factor.codes] == isinstance(operation, ast.Eq)
    elif not factor.ordered:
        raise DataError(
            f"`{text}` asks for the order of a factor that has none; use ==, != or %in%, or make "
            "the column an ordered categorical."
        )
    elif other not in factor.levels:
        raise no_level(other, factor.levels, text)
    else:
        result = _COMPARISONS[type(operation)](factor.codes, factor.levels.index(other))
    return np.where(factor.codes < 0, np.nan, result.astype(float))


def _compare_factors(a: Categorical, operation: ast.cmpop, b: Categorical, text: str) -> Any:
    if not isinstance(operation, _EQUALITY):
        raise DataError(f"`{text}`: two factors can be compared with == and != only.")
    place = {level: code for code, level in enumerate(a.levels)}
    lookup = np.array([*(place.get(level, -2) for level in b.levels), -1])
    result = _COMPARISONS[type(operation)](a.codes, lookup[b.codes]).astype(float)
    return np.where((a.codes < 0) | (b.codes < 0), np.nan, result)
