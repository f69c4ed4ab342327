"""The right side of a formula: formulaic's algebra over factors in the user's spelling.

Each factor, such as ``log(x)``, is one token for formulaic's parser, which crosses and nests
them; the same expressions are translated and admitted here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from statdl.errors import FormulaError
from statdl.formula.expression import Expression, column_expression, expression
from statdl.formula.syntax import Token, no_response, split_at, syntax_error, two_sides
from statdl.lazy import lazy

formulaic_errors = lazy("formulaic.errors")
formulaic_parser = lazy("formulaic.parser")
formulaic_types = lazy("formulaic.parser.types")
formulaic_utils = lazy("formulaic.parser.utils")

#: More products of factors than this are an accident (or an attack) such as ``(a + b + ...)^20``.
MAX_PRODUCTS = 100_000

_OPERATORS = {**{sign: sign for sign in "+-*/:^()"}, "**": "**", "%in%": ":"}
_NUMBER = (
    "only 0 and 1 stand for a term, the intercept, and not inside of brackets; write I(2*x) for "
    "arithmetic"
)
_REFUSED = {
    "|": "`|` has no meaning here; random effects such as (1 | g) belong to mixed models, which "
    "statdl does not fit",
    "[": "a subscript is not allowed in a formula",
}


@dataclass(frozen=True)
class Parsed:
    """A formula read: what is modelled, by which terms, and the expressions they are made of."""

    response: Expression
    counts: tuple[Expression, ...]
    intercept: bool
    terms: tuple[tuple[str, ...], ...]
    factors: dict[str, Expression]
    offsets: tuple[Expression, ...]
    notes: tuple[str, ...] = ()

    @property
    def predictors(self) -> dict[str, Expression]:
        """The expressions of the terms by their text."""
        return {name: self.factors[name] for term in self.terms for name in term}


def parse(formula: str, columns: tuple[str, ...]) -> Parsed:
    """Read ``formula`` for data that have ``columns``.

    Examples
    --------
    >>> parse("y ~ a*b - 1", ("y", "a", "b")).terms
    (('a',), ('b',), ('a', 'b'))

    Raises
    ------
    FormulaError
        For broken syntax, unknown columns and whatever the gate refuses.
    """
    if not isinstance(formula, str):
        raise FormulaError(
            f"a formula is text such as 'y ~ x', not {type(formula).__name__}: {formula!r:.60}."
        )
    return _parse(formula, columns)


@lru_cache(maxsize=256)
def _parse(formula: str, columns: tuple[str, ...]) -> Parsed:
    left, right = two_sides(formula)
    if not left:
        raise no_response(formula)
    known = dict.fromkeys(columns)  # fast to search, in the order of the data
    response = expression(formula, left, known)
    side = RightSide(formula, known, [name for name in columns if name not in response.columns])
    terms = side.read(right)
    offsets = [term for term in terms if any(_calls("offset", side.factors[f]) for f in term)]
    for term in offsets:
        if len(term) > 1:
            raise FormulaError(
                f"an offset cannot be crossed with other terms: `{':'.join(term)}` in "
                f"{formula!r}. It is added with `+`."
            )
    kept = [term for term in terms if term not in offsets]
    if (response.text,) in kept:
        kept = [term for term in kept if response.text not in term]
        side.notes.append(f"the response `{response.text}` is left out on the right of `~`.")
    return Parsed(
        response,
        _counts(formula, left, response, known),
        side.intercept,
        tuple(kept),
        side.factors,
        tuple(side.factors[term[0]] for term in offsets),
        tuple(side.notes),
    )


def _calls(function: str, read: Expression) -> bool:
    return read.code.startswith(function + "(")


def _counts(
    formula: str, left: Sequence[Token], response: Expression, columns: Collection[str]
) -> tuple[Expression, ...]:
    """Return the expressions within ``cbind``."""
    if not _calls("cbind", response):
        return ()
    parts = [expression(formula, part, columns) for part in split_at(left[2:-1], ",") if part]
    if len({part.text for part in parts}) < 2:
        raise FormulaError(f"`{response.text}` needs two or more different columns.")
    return tuple(parts)


class RightSide:
    """Reads the right side of a formula; ``others`` are the columns that ``.`` stands for.

    Afterwards ``intercept`` tells whether there is one, ``factors`` gives the expressions by
    their text, and ``notes`` what the user should be told. None for ``others`` keeps ``.``.
    """

    def __init__(self, formula: str, columns: Collection[str], others: Sequence[str] | None):
        self.formula, self.columns, self.others = formula, columns, others
        self.intercept = True
        self.factors: dict[str, Expression] = {}
        self.notes: list[str] = []

    def read(self, tokens: Sequence[Token]) -> list[tuple[str, ...]]:
        """Return the terms, each as its factors, lower orders first."""
        if not tokens:
            problem = "nothing stands on the right of `~`; write `1` for an intercept only"
            raise syntax_error(self.formula, len(self.formula), problem)
        parser = formulaic_parser.DefaultFormulaParser()
        context = {
            "__formulaic_variables_available__": [_distinct(name) for name in self.others or ()],
            "__formulaic_variables_used_lhs__": (),
        }
        try:
            tree = parser.get_ast_from_tokens(self._translated(tokens), context={})
            self._check_size(tree)
            found = [
                list(term.factors) for term in parser.get_terms_from_ast(tree, context=context)
            ]
        except formulaic_errors.FormulaicError as error:
            problem, _, shown = str(error).partition("\n\n")
            place = shown.find("⧛") if shown else len(self.formula)
            raise syntax_error(self.formula, place, self._reworded(problem, place)) from None
        terms = [tuple(_plain(f.expr) for f in term if f.expr != "1") for term in found]
        self.intercept = () in terms
        for name in dict.fromkeys(name for term in terms for name in term):
            self.factors.setdefault(name, column_expression(name))
        return sorted(filter(None, terms), key=len)

    def _reworded(self, problem: str, place: int) -> str:
        """Return what formulaic's parser found wrong in the words of the other messages."""
        sign, rest = self.formula[place : place + 1], self.formula[place + 1 :].strip(" +-")
        if "context marker" in problem:
            return f"`{sign}` {'is never closed' if sign == '(' else 'closes nothing'}"
        if problem.startswith("Operator"):
            return f"a term is missing {f'beside `{sign}`' if rest else 'at the end'}"
        return problem.rstrip(".")

    def _translated(self, tokens: Sequence[Token]) -> list[Any]:
        """Return formulaic's tokens: an intercept, and the user's tokens with whole factors."""
        out = [self._token("1", "value"), self._token("+", "operator")]
        depth = position = 0
        while position < len(tokens):
            token, end = tokens[position], position + 1
            before = tokens[position - 1].operator if position else "+"
            after = tokens[end].operator or "term" if end < len(tokens) else "+"
            depth += (token.operator == "(") - (token.operator == ")")
            if token.kind in ("name", "quoted"):
                end = _end_of_call(tokens, position) if after == "(" else end
                read = expression(self.formula, tokens[position:end], self.columns)
                self.factors[read.text] = read
                out.append(self._token(_distinct(read.text), "name", token))
            elif token.kind == "number" and before in ("^", "**"):
                out.append(self._token(self._exponent(tokens, position), "value", token))
            elif token.text in ("0", "1") and (after == "|" or _is_added(before, after, depth)):
                out += [self._token("-", "operator")] if token.text == "0" else []
                out.append(self._token("1", "value", token))
            elif token.operator == "." and self.others != []:
                out.append(self._token(".", "name" if self.others is None else "operator", token))
            elif token.operator in _OPERATORS:
                kind = "context" if token.text in "()" else "operator"
                out.append(self._token(_OPERATORS[token.text], kind, token))
            else:
                raise syntax_error(self.formula, token.start, _problem(token))
            position = end
        return list(formulaic_utils.merge_operator_tokens(out, symbols={"+", "-"}))

    def _token(self, text: str, kind: str, origin: Token | None = None) -> Any:
        start = origin.start if origin else None
        end = origin.start + len(origin.text) - 1 if origin else None
        return formulaic_types.Token(
            text, kind=kind, source=self.formula, source_start=start, source_end=end
        )

    def _exponent(self, tokens: Sequence[Token], position: int) -> str:
        """Return an exponent no larger than matters; note where it does not matter at all."""
        base, exponent = tokens[position - 2], tokens[position]
        if base.kind in ("name", "quoted"):
            self.notes.append(
                f"`{base.text}^{exponent.text}` crosses {base.name} with itself, which is "
                f"{base.name} again; write I({base.text}^{exponent.text}) for the power."
            )
        if not exponent.text.isdigit() or int(exponent.text) < 1:
            problem = "the exponent of crossed terms is a whole number from 1"
            raise syntax_error(self.formula, exponent.start, problem)
        return str(min(int(exponent.text), len(tokens) + len(self.others or ())))

    def _check_size(self, tree: Any) -> None:
        """Refuse formulas that expand without end, by a bound on each node of the tree."""
        nodes = [tree]
        for node in nodes:  # grows as it is read
            nodes.extend(getattr(node, "args", ()))
        sizes: dict[int, int] = {}
        for node in reversed(nodes):
            sizes[id(node)] = self._size(node, sizes)
            if sizes[id(node)] > MAX_PRODUCTS:
                raise FormulaError(
                    f"the formula {self.formula[:80]!r} expands to more than {MAX_PRODUCTS:,} "
                    "products. Name the interactions that you need."
                )

    def _size(self, node: Any, sizes: dict[int, int]) -> int:
        symbol = node.operator.symbol if hasattr(node, "args") else ""
        if not symbol:
            return 1
        if symbol == ".":
            return len(self.others or ())
        a, b = [0, *(sizes[id(argument)] for argument in node.args)][-2:]
        if symbol in ("^", "**"):
            power = node.args[1].token if hasattr(node.args[1], "token") else ""
            return int(a ** int(power)) if power.isdigit() else 0
        return {"*": a + b + a * b, ":": a * b}.get(symbol, a + b)


def _distinct(name: str) -> str:
    """Return a name that formulaic cannot take for its intercept."""
    return "`1`" if name == "1" else name


def _plain(name: str) -> str:
    return "1" if name == "`1`" else name


def _is_added(before: str, after: str, depth: int) -> bool:
    return {before, after} <= {"+", "-"} and not depth


def _end_of_call(tokens: Sequence[Token], start: int) -> int:
    depth = 0
    for place in range(start + 1, len(tokens)):
        depth += (tokens[place].operator == "(") - (tokens[place].operator == ")")
        if depth == 0:
            return place + 1
    return len(tokens)


def _problem(token: Token) -> str:
    if token.kind == "string":
        return "text is not a term; quote a column with backticks"
    if token.kind == "number":
        return _NUMBER
    if token.operator == ".":
        return "`.` stands for all other columns, and there are none"
    expected = f"`{token.text}` is not expected here; arithmetic is written inside of I(...)"
    return _REFUSED.get(token.text, expected)
