"""The algebra of terms: ``a*b``, ``(a + b)^2``, ``a:b``, ``a/b``, ``b %in% a``, ``-``, ``.``.

The rules are those of Wilkinson and Rogers as R, patsy and formulaic read them. A set of terms
is a dictionary from the factors of a term (unordered: ``a:b`` is ``b:a``) to the same factors in
the order first written; the operators are a few lines each on such dictionaries.

Reference: Wilkinson, G. N. and Rogers, C. E. (1973). Symbolic description of factorial models
for analysis of variance. Applied Statistics 22, 392-399.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from statdl.errors import FormulaError
from statdl.formula.gate import EXPLAINED, admit_function
from statdl.formula.suggest import unknown_column
from statdl.formula.syntax import (
    Expression,
    Token,
    expression,
    no_response,
    scan,
    split_response,
    syntax_error,
)

#: More terms than this are an accident (or an attack) such as ``(a + b + ...)^20``.
MAX_TERMS = 20_000

Terms = dict[frozenset[str], tuple[str, ...]]


@dataclass(frozen=True)
class Parsed:
    """A formula read: what is modelled, by which terms, and the expressions they are made of."""

    response: Expression
    intercept: bool
    terms: tuple[tuple[str, ...], ...]
    factors: dict[str, Expression]
    offsets: tuple[Expression, ...]
    notes: tuple[str, ...] = ()

    @property
    def predictor_columns(self) -> tuple[str, ...]:
        """Columns that the terms and the offsets need, each once, in order of appearance."""
        needed = [self.factors[name] for term in self.terms for name in term]
        return tuple(dict.fromkeys(c for e in (*needed, *self.offsets) for c in e.columns))


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
    left, right = split_response(formula, scan(formula))
    if not left:
        raise no_response(formula)
    known = dict.fromkeys(columns)  # fast to search, in the order of the data
    response = expression(formula, left, known)
    others = tuple(column for column in columns if column not in response.columns)
    reader = Reader(formula, right, known, others)
    terms, notes = reader.read(), reader.notes
    if frozenset([response.text]) in terms:
        terms = {key: term for key, term in terms.items() if response.text not in key}
        notes.append(f"the response `{response.text}` also stands on the right of `~`: left out.")
    plain, offsets = _split_offsets(terms, reader)
    return Parsed(
        response,
        reader.intercept,
        tuple(sorted(plain, key=len)),
        reader.factors,
        tuple(reader.factors[name] for name in offsets),
        tuple(notes),
    )


def _split_offsets(terms: Terms, reader: Reader) -> tuple[list[tuple[str, ...]], list[str]]:
    plain, offsets = [], []
    for term in terms.values():
        marked = [name for name in term if _is_offset(reader.factors[name].tree)]
        if marked and len(term) > 1:
            raise FormulaError(
                f"{marked[0]} cannot be crossed with other terms, in {reader.formula!r}: "
                "an offset is added with `+`."
            )
        if marked:
            offsets.append(marked[0])
        else:
            plain.append(term)
    return plain, offsets


def _is_offset(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Call) and getattr(tree.func, "id", "") == "offset"


class Reader:
    """A recursive-descent parser of the right side, one method for each level of precedence."""

    def __init__(
        self,
        formula: str,
        tokens: Sequence[Token],
        columns: Collection[str],
        others: tuple[str, ...] | None,
    ) -> None:
        self.formula, self.tokens, self.position = formula, tokens, 0
        self.columns, self.others = columns, others
        self.intercept = True
        self.factors: dict[str, Expression] = {}
        self.notes: list[str] = []

    def read(self) -> Terms:
        """Read all tokens as a sum of terms."""
        if not self.tokens:
            raise self._error("nothing stands on the right of `~`; write `1` for an intercept only")
        terms = self._sum()
        if self._peek():
            raise self._error(self._unexpected())
        return terms

    def _sum(self) -> Terms:
        terms: Terms = {}
        first = True
        while first or self._peek() in ("+", "-"):
            sign = self._sign()
            constant = self._constant()
            if constant is not None:
                self.intercept = (constant == 1) == (sign > 0)
            elif sign > 0:
                terms = self._limited({**terms, **_minus(self._product(), terms)})
            else:
                terms = _minus(terms, self._product())
            first = False
        return terms

    def _sign(self) -> int:
        sign = 1
        while self._peek() in ("+", "-"):
            sign *= -1 if self._next().text == "-" else 1
        return sign

    def _constant(self) -> int | None:
        """Take a 0 or 1 that stands for the intercept."""
        if self._kind() != "number" or self._peek(1) not in ("", "+", "-", ")", "|"):
            return None
        token = self._next()
        if token.text not in ("0", "1"):
            raise syntax_error(self.formula, token.start, _NUMBER)
        return int(token.text)

    def _product(self) -> Terms:
        terms = self._nested()
        while self._peek() in ("*", "/"):
            operator = self._next().text
            right = self._nested()
            if operator == "*":
                terms = self._limited({**terms, **right, **self._crossed(terms, right)})
            else:
                whole = dict.fromkeys(name for term in terms.values() for name in term)
                within = {frozenset(whole): tuple(whole)}
                terms = {**terms, **self._crossed(within, right)}
        return terms

    def _nested(self) -> Terms:
        terms = self._interaction()
        while self._peek() == "%in%":
            self._next()
            terms = self._crossed(terms, self._interaction())
        return terms

    def _interaction(self) -> Terms:
        terms = self._power()
        while self._peek() == ":":
            self._next()
            terms = self._crossed(terms, self._power())
        return terms

    def _power(self) -> Terms:
        start = self.position
        terms = self._primary()
        while self._peek() in ("^", "**"):
            operator = self._next()
            if self._kind() != "number" or not self.tokens[self.position].text.isdigit():
                raise self._error("the exponent of crossed terms is a whole number")
            exponent = int(self._next().text)
            if len(terms) == 1 and self.tokens[start].text != "(":
                self._note_square(operator, exponent, terms)
            base, grown = terms, 0
            while exponent > 1 and len(terms) != grown:
                grown, exponent = len(terms), exponent - 1
                crossed = self._crossed(terms, base)
                terms = self._limited({**terms, **_minus(crossed, terms)})
        return terms

    def _note_square(self, operator: Token, exponent: int, terms: Terms) -> None:
        name = ":".join(next(iter(terms.values())))
        self.notes.append(
            f"`{name}{operator.text}{exponent}` crosses {name} with itself, which is {name} again; "
            f"write I({name}^{exponent}) for the power."
        )

    def _primary(self) -> Terms:
        if not self._peek():
            raise self._error("a term is missing at the end")
        token = self.tokens[self.position]
        if token.text == "(" and token.kind == "operator":
            self._next()
            terms = self._sum()
            if self._peek() != ")":
                raise self._error(self._unexpected())
            self._next()
            return terms
        if token.text == "." and token.kind == "operator":
            self._next()
            return self._dot(token)
        if token.kind in ("name", "quoted"):
            return self._factor(token)
        raise self._error(_LITERALS.get(token.kind) or self._unexpected())

    def _dot(self, token: Token) -> Terms:
        if self.others is None:
            return _term(".")
        if not self.others:
            raise syntax_error(
                self.formula, token.start, "`.` stands for all other columns, and there are none"
            )
        for name in self.others:
            if name not in self.factors:
                quoted = Token("quoted", f"`{name}`", token.start)
                self.factors[name] = expression(self.formula, [quoted], self.columns)
        return {frozenset([name]): (name,) for name in self.others}

    def _factor(self, token: Token) -> Terms:
        end = self.position + 1
        if token.kind == "name" and self._peek(1) == "(":
            end = self._closing(self.position + 1) + 1
            admit_function(token.text, self.formula)
        elif token.text in EXPLAINED and token.text not in self.columns:
            raise unknown_column(token.name, self.columns, self.formula)
        tokens = self.tokens[self.position : end]
        read = expression(self.formula, tokens, self.columns)
        # A quoted column is named without its quotes, as everywhere outside of calls.
        name = token.name if len(tokens) == 1 else read.text
        self.factors[name] = read
        self.position = end
        return _term(name)

    def _closing(self, opening: int) -> int:
        depth = 0
        for position in range(opening, len(self.tokens)):
            token = self.tokens[position]
            if token.kind == "operator":
                depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                return position
        raise self._error("`(` is never closed")  # pragma: no cover - scan() checks brackets

    def _crossed(self, left: Terms, right: Terms) -> Terms:
        self._limit(len(left) * len(right))
        out: Terms = {}
        for a in left.values():
            for b in right.values():
                names = tuple(dict.fromkeys(a + b))
                out.setdefault(frozenset(names), names)
        return out

    def _limited(self, terms: Terms) -> Terms:
        self._limit(len(terms))
        return terms

    def _limit(self, count: int) -> None:
        if count > MAX_TERMS:
            raise FormulaError(
                f"the formula {self.formula[:80]!r} expands to more than {MAX_TERMS:,} terms. "
                "Name the interactions that you need."
            )

    def _peek(self, ahead: int = 0) -> str:
        place = self.position + ahead
        if place >= len(self.tokens):
            return ""
        token = self.tokens[place]
        return token.text if token.kind == "operator" else token.kind

    def _kind(self) -> str:
        return self.tokens[self.position].kind if self.position < len(self.tokens) else ""

    def _next(self) -> Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def _unexpected(self) -> str:
        if not self._peek():
            return "the formula ends too early"
        token = self.tokens[self.position]
        if token.text == "|":
            return (
                "`|` has no meaning here; random effects such as (1 | g) belong to mixed models, "
                "which statdl does not fit"
            )
        if token.text == "[":
            return "a subscript is not allowed in a formula"
        if token.text == ".":
            return "attribute access is not allowed in a formula"
        if token.kind == "operator":
            return f"`{token.text}` is not expected here; arithmetic is written inside of I(...)"
        return f"an operator such as `+` is missing before `{token.text}`"

    def _error(self, problem: str) -> FormulaError:
        inside = self.position < len(self.tokens)
        place = self.tokens[self.position].start if inside else len(self.formula)
        return syntax_error(self.formula, place, problem)


_NUMBER = "only 0 and 1 stand for a term, the intercept; write I(2*x) for arithmetic"
_LITERALS = {"number": _NUMBER, "string": "text is not a term; quote a column with backticks"}


def _term(name: str) -> Terms:
    return {frozenset([name]): (name,)}


def _minus(left: Terms, right: Terms) -> Terms:
    return {key: term for key, term in left.items() if key not in right}
