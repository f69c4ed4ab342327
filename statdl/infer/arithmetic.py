"""Arithmetic that users write in coefficients' names: read, checked, and walked without eval.

Coefficients have names such as ``wt``, ``factor(cyl)[T.6]``, ``wt:hp`` and, with several classes,
``b: wt``. A text is searched for these names first, the longest first and with any spacing; each
becomes a stand-in, what is left is parsed and has to pass the gate of formulas, and the tree is
walked with whatever numbers the caller has: affine forms for hypotheses, dual numbers for the delta
method. Backticks around a name say that it is one.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.errors import FormulaError, ModelError
from statdl.estimate import Estimate
from statdl.formula.gate import admit
from statdl.formula.suggest import listing, nearest

_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_WORD = re.compile(r"[^\W\d][\w.]*")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def coefficient_labels(estimate: Estimate) -> tuple[str, ...]:
    """Return a name for every coefficient, output-major: ``b: wt`` where there are several tables.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.multinom("Species ~ Sepal.Width", data=sd.datasets.load("iris"))
    >>> coefficient_labels(fit.estimate)[1]
    'versicolor: Sepal.Width'
    """
    specification = estimate.specification
    names = specification.coefficient_names
    if specification.family.name != "multinomial" or specification.plan is not None:
        return names
    return tuple(f"{output}: {name}" for output in specification.output_names for name in names)


def labelled_places(estimate: Estimate, labels: Any, what: str, every: bool = True) -> list[int]:
    """Return where each coefficient is among the labels of something given, in any order.

    Labels are names of all coefficients, or (``every=False``) of the estimable ones; a pair is a
    class and a name. Numbers from 0 on are no labels: what they stand beside is in our order.
    """
    given = [": ".join(map(str, one)) if isinstance(one, tuple) else one for one in labels]
    if given == list(range(len(given))):
        return given
    names = np.asarray(coefficient_labels(estimate), dtype=object)
    kept = names[estimable_places(estimate)]
    wanted = kept.tolist() if not every and len(given) == len(kept) else names.tolist()
    if sorted(map(str, given)) != sorted(wanted):
        strange = [str(one) for one in given if one not in wanted]
        absent = [one for one in wanted if one not in given]
        raise ModelError(
            f"{what} must be labelled by the coefficients, each once: {listing(wanted)}."
            + (f" Not one of them: {listing(strange)}." if strange else "")
            + (f" Missing: {listing(absent)}." if absent else "")
        )
    return [given.index(name) for name in wanted]


def estimable_places(estimate: Estimate) -> Any:
    """Return which of all coefficients are estimable, (m q,)."""
    return np.asarray(estimate.kept * estimate.specification.tables, dtype=bool)


@dataclass(frozen=True)
class Arithmetic:
    """A parsed expression: as typed, its tree, and which coefficient each stand-in is."""

    text: str
    tree: ast.expr
    places: Mapping[str, int]

    def walk(self, values: Callable[[int], Any], functions: Mapping[str, Any]) -> Any:
        """Return the value of the expression, given those of the coefficients by place.

        Raises
        ------
        FormulaError
            For a function that is not among ``functions``, or an operation that has no meaning.
        """
        return self._at(self.tree, values, functions)

    def _at(self, node: ast.expr, values: Callable[[int], Any], functions: Any) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name) and node.id in self.places:
            return values(self.places[node.id])
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            left, right = (self._at(side, values, functions) for side in (node.left, node.right))
            return _OPERATIONS[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATIONS:
            return _OPERATIONS[type(node.op)](self._at(node.operand, values, functions))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._called(node, values, functions)
        raise FormulaError(
            f"`{self.text}` must be made of coefficients, numbers, + - * / ^ and parentheses."
        )

    def _called(self, node: ast.Call, values: Callable[[int], Any], functions: Any) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in functions or len(node.args) != 1 or node.keywords:
            known = f"; there are {listing(functions)}, each of one number" if functions else ""
            raise FormulaError(f"`{self.text}` cannot call {name}(){known}.")
        return functions[name](self._at(node.args[0], values, functions))


def read(text: str, labels: Sequence[str]) -> Arithmetic:
    """Read an expression in coefficients.

    Raises
    ------
    FormulaError
        For broken syntax, an unknown coefficient, or what formulas may not hold.
    """
    code, places = _stand_ins(text, labels)
    try:
        tree = ast.parse(code.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(f"cannot read `{text.strip()[:80]}`: it is not complete.") from None
    admit(tree, text.strip(), frozenset(places))
    return Arithmetic(text.strip(), tree, places)


def pieces(text: str, labels: Sequence[str], separator: str) -> list[str]:
    """Split a text at a separator outside of names and parentheses."""
    found, depth, start, place = [], 0, 0, 0
    names = _patterns(labels)
    while place < len(text):
        name = _name_at(text, place, names)
        if name is not None:
            place = name[1]
            continue
        depth += (text[place] == "(") - (text[place] == ")")
        if text[place] == separator and depth == 0:
            found.append(text[start:place])
            start = place + 1
        place += 1
    return [*found, text[start:]]


def _stand_ins(text: str, labels: Sequence[str]) -> tuple[str, dict[str, int]]:
    """Return the text with ``_0``, ``_1``, … for coefficients, and Python's power."""
    names, places, code, place = _patterns(labels), {}, "", 0
    while place < len(text):
        name = _name_at(text, place, names)
        if name is not None:
            places[f"_{name[0]}"] = name[0]
            code += f" _{name[0]} "
            place = name[1]
            continue
        number = _NUMBER.match(text, place)
        if number is not None:
            code, place = code + number.group(), number.end()
            continue
        word = _WORD.match(text, place)
        if word is not None:
            if not text[word.end() :].lstrip().startswith("("):
                raise _unknown(word.group(), text, labels)
            code, place = code + word.group(), word.end()
            continue
        if text[place] == "`":
            raise _unknown(text[place + 1 :].partition("`")[0], text, labels)
        code += "**" if text[place] == "^" else text[place]
        place += 1
    return code, places


def _patterns(labels: Sequence[str]) -> list[tuple[int, re.Pattern[str]]]:
    """Return a pattern for every name, the longest first, that any spacing matches."""
    order = sorted(range(len(labels)), key=lambda k: -len(labels[k]))
    return [(k, _pattern(labels[k])) for k in order]


def _pattern(label: str) -> re.Pattern[str]:
    parts = re.findall(r"\w+|[^\w\s]", label)
    spaced = r"\s*".join(map(re.escape, parts))
    end = r"(?![\w.]|\s*\()" if re.match(r"\w", label[-1:]) else ""
    return re.compile(f"`{re.escape(label)}`|{spaced}{end}")


def _name_at(
    text: str, place: int, names: Sequence[tuple[int, re.Pattern[str]]]
) -> tuple[int, int] | None:
    """Return the coefficient that is named at a place, and where its name ends."""
    before = text[place - 1 : place]
    if before and re.match(r"[\w.]", before) and re.match(r"\w", text[place]):
        return None
    for k, pattern in names:
        found = pattern.match(text, place)
        if found is not None:
            return k, found.end()
    return None


def _unknown(word: str, text: str, labels: Sequence[str]) -> FormulaError:
    start = f"no coefficient is called `{word}` in {text.strip()!r}."
    parts = [one for one in labels if word in re.split(r"[^\w.]+", one)]
    if parts:  # a term of several, or an input of a network
        whole = " anova() tests the term as a whole." if "[" in parts[0] else ""
        return FormulaError(f"{start} Those of `{word}` are: {listing(parts)}.{whole}")
    return FormulaError(f"{start}{nearest(word, labels)} There are: {listing(labels)}.")
