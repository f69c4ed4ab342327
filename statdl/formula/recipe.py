"""How a formula encoded its data, and how it encodes new data alike."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError, StatdlWarning
from statdl.formula.algebra import Parsed, parse
from statdl.formula.coding import Layout, matrix
from statdl.formula.design import Design, NewData, Term
from statdl.formula.evaluate import Evaluator
from statdl.formula.frame import Frame, open_frame
from statdl.formula.suggest import listing, nearest
from statdl.formula.syntax import Expression, expression, scan
from statdl.formula.values import Categorical, Logical, Matrix, Value, as_factor, numeric, own


@dataclass(frozen=True)
class FormulaRecipe:
    """How a formula encoded its data: enough, with the text, to encode new data alike.

    ``kinds`` tells of each column whether it held numbers, truth values or a factor; ``state``
    what the transforms learned. The text passes the gate again whenever it is used.
    """

    formula: str
    columns: tuple[str, ...]
    kinds: Mapping[str, str]
    levels: Mapping[str, tuple[Any, ...]]
    state: dict[str, dict[str, Any]]
    layout: Layout
    contrast: str = "treatment"
    offset: str | None = None

    def encode(self, new: Any) -> NewData:
        """Return ``new`` in the coding of the training data."""
        frame = open_frame(new, "the new data")
        parsed = parse(self.formula, self.columns)
        offsets = self._offsets(parsed)
        needed = dict.fromkeys(
            (*parsed.predictor_columns, *(c for o in offsets for c in o.columns))
        )
        columns = {name: self._column(frame, name) for name in self._present(frame, needed)}
        evaluate = Evaluator(columns, len(frame), self.state, training=False)
        names = dict.fromkeys(name for term in parsed.terms for name in term)
        values = {name: self._matched(name, evaluate(parsed.factors[name])) for name in names}
        offset = total([numeric(evaluate(o), o.text) for o in offsets])
        warn(evaluate.notes)
        X, _, _ = matrix(self.layout, values, len(frame), self.contrast)
        return NewData(X, offset, frame.index, frame.native)

    def _offsets(self, parsed: Parsed) -> tuple[Expression, ...]:
        if self.offset is None:
            return parsed.offsets
        return (*parsed.offsets, argument(self.offset, self.columns, "offset"))

    def _present(self, frame: Frame, needed: Mapping[str, None]) -> Mapping[str, None]:
        absent = [name for name in needed if name not in frame]
        if absent:
            raise DataError(
                f"the new data lack the columns {listing(f'`{name}`' for name in absent)}."
                f"{nearest(absent[0], frame.names)} They have: {listing(frame.names)}."
            )
        return needed

    def _column(self, frame: Frame, name: str) -> Value:
        value, kind = frame.column(name), self.kinds[name]
        empty = isinstance(value, Categorical) and not value.trimmed().levels
        if kind != "factor" and empty:
            absent = np.full(len(frame), np.nan)
            return absent if kind == "numbers" else Logical(absent)
        if kind == "truth values" and isinstance(value, np.ndarray):
            return _as_logical(value, name)
        if kind == "factor" and not isinstance(value, Categorical):
            return as_factor(value, name)
        if kind != "factor" and isinstance(value, Categorical):
            raise DataError(
                f"column `{name}` of the new data holds text or categories "
                f"({listing(map(repr, value.levels), 3)}), and the model was fitted to {kind}."
            )
        if kind == "numbers":
            return numeric(value, name)
        return value

    def _matched(self, name: str, value: Value) -> Value:
        """Return a factor with the codes of the training levels."""
        if name not in self.levels:
            return value
        factor, levels = as_factor(value, name), self.levels[name]
        if factor.levels == levels:
            return factor
        factor = factor.trimmed()
        unseen = [level for level in factor.levels if level not in levels]
        if unseen:
            raise DataError(
                f"`{name}` of the new data has levels that the model has not seen: "
                f"{listing(map(repr, unseen))}. It knows {listing(map(repr, levels))}."
            )
        return as_factor(factor, name, levels)


def encode(
    recipe: FormulaRecipe, values: Mapping[str, Value], n: int
) -> tuple[Design, Array, Mapping[str, Value]]:
    """Return the design, X, and the values with numbers replaced by views of X."""
    parsed = parse(recipe.formula, recipe.columns)
    X, names, places = matrix(recipe.layout, values, n, recipe.contrast)
    if parsed.intercept and "Intercept" in names:
        raise reserved("Intercept")
    terms = tuple(
        Term(":".join(term), frozenset(term), place)
        for term, place in zip(parsed.terms, places, strict=True)
    )
    design = Design(
        recipe.formula, parsed.intercept, terms, tuple(names), dict(recipe.levels), recipe
    )
    return design, X, _views(terms, values, X)


def _views(terms: tuple[Term, ...], values: Mapping[str, Value], X: Array) -> dict[str, Value]:
    # What is kept for recoding holds neither the data a second time nor the user's memory.
    views: dict[str, Value] = {}
    for term in terms:
        value = values.get(term.name)
        if isinstance(value, np.ndarray):
            views[term.name] = X[:, term.columns[0]]
        elif isinstance(value, Matrix):
            views[term.name] = replace(value, values=X[:, term.columns[0] : term.columns[-1] + 1])
    return {name: views[name] if name in views else own(value) for name, value in values.items()}


def _as_logical(values: Array, name: str) -> Logical:
    if not bool(np.all(np.isnan(values) | (values == 0) | (values == 1))):
        raise DataError(
            f"column `{name}` of the new data holds numbers other than 0 and 1, and the model was "
            "fitted to truth values."
        )
    return Logical(values)


def argument(text: str, columns: tuple[str, ...], name: str) -> Expression:
    """Read an argument in quotes: a column by its name, or an expression over columns."""
    if text in columns:
        return Expression(text, ast.Name(f"`{text}`", ast.Load()), (text,))
    tokens = scan(text)
    if not tokens:
        raise FormulaError(f"{name} is an empty text.")
    try:
        return expression(text, tokens, columns)
    except FormulaError as error:
        raise FormulaError(f"{name}={text!r}: {error}") from None


def reserved(name: str) -> DataError:
    """Return the error for a column whose name belongs to the constant."""
    return DataError(f"the name `{name}` belongs to the constant of the model; rename the column.")


def kind_of(value: Value) -> str:
    """Return what a column holds, in the words of the messages."""
    if isinstance(value, Categorical):
        return "factor"
    return "truth values" if isinstance(value, Logical) else "numbers"


def total(vectors: Sequence[Array]) -> Array | None:
    """Return the sum of the offsets, None when there is none."""
    return sum(vectors[1:], vectors[0]) if vectors else None


def warn(notes: Iterable[str]) -> None:
    """Issue the notes that reading or encoding made."""
    for note in notes:
        warnings.warn(note, StatdlWarning, stacklevel=4)
