"""From a formula and a frame to the arrays of a fit, and from new data to the same columns."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError, StatdlWarning
from statdl.formula.algebra import Parsed, parse
from statdl.formula.coding import Layout, arrange, check_factors, matrix
from statdl.formula.design import Design, ModelFrame, NewData, Response, Term
from statdl.formula.evaluate import Evaluator, truth
from statdl.formula.frame import Frame, open_frame
from statdl.formula.rows import (
    as_vector,
    check_index,
    check_na_action,
    check_total,
    check_weights,
    complete_rows,
    mask_positions,
    refuse_infinite,
    selected,
)
from statdl.formula.suggest import count, listing, nearest
from statdl.formula.syntax import Expression, expression, scan
from statdl.formula.values import (
    Categorical,
    Logical,
    Matrix,
    Value,
    as_factor,
    finite,
    infinite,
    missing,
    numeric,
    take,
)

CONTRASTS = ("treatment", "sum")


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
        frame = open_frame(new)
        parsed = parse(self.formula, self.columns)
        offsets = self._offsets(parsed)
        needed = dict.fromkeys(
            (*parsed.predictor_columns, *(c for o in offsets for c in o.columns))
        )
        columns = {name: self._column(frame, name) for name in self._present(frame, needed)}
        evaluate = Evaluator(columns, len(frame), self.state, training=False)
        names = dict.fromkeys(name for term in parsed.terms for name in term)
        values = {name: self._matched(name, evaluate(parsed.factors[name])) for name in names}
        offset = _total([numeric(evaluate(o), o.text) for o in offsets])
        _warn(evaluate.notes)
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
                f"the new data lack {_plural('column', absent)}."
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
                f"`{name}` of the new data has {_plural('level', [repr(u) for u in unseen])} that "
                f"the model has not seen; it knows {listing(map(repr, levels))}."
            )
        return as_factor(factor, name, levels)


def model_frame(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
) -> ModelFrame:
    """Return the arrays that ``formula`` asks of ``data``.

    Parameters
    ----------
    formula : text such as ``"mpg ~ wt + factor(cyl)"``
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    weights, offset : a column or expression in quotes, or a vector with one entry a row of
        ``data``. A pandas Series must have the index of ``data``; other vectors match by
        position. Rows that ``subset`` or ``na_action`` leave out are left out of them too.
    subset : mask with one entry a row, or a condition in quotes such as ``"wt > 3 & cyl == 4"``.
        Rows where the condition is missing are not selected.
    na_action : "drop" leaves rows with a missing value out; "raise" refuses them.

    Levels of factors that no used row has are dropped, as R's ``lm`` does. Transforms learn
    from the rows of ``subset``, those with missing values in other columns included (as in R).

    Raises
    ------
    FormulaError
        When the formula cannot be read, names an unknown column, or asks for what is not allowed.
    DataError
        When the data do not fit: types, lengths, infinite values, no rows left, ...

    Examples
    --------
    >>> frame = model_frame("y ~ x + g", {"y": [1, 2, 3], "x": [1, 5, 2], "g": ["u", "v", "u"]})
    >>> frame.design.coefficient_names
    ('Intercept', 'x', 'g[T.v]')
    """
    check_na_action(na_action)
    frame = open_frame(data)
    if not len(frame):
        raise DataError("data have no rows.")
    parsed = parse(formula, frame.names)
    _warn(parsed.notes)
    return _Builder(formula, frame, parsed, na_action).build(weights, offset, subset)


@dataclass
class _Builder:
    """The steps from a frame to a :class:`ModelFrame`, in the order they are taken."""

    formula: str
    frame: Frame
    parsed: Parsed
    na_action: str
    rows: Array | None = None
    raw: dict[str, Value] = field(default_factory=dict)
    state: dict[str, dict[str, Any]] = field(default_factory=dict)

    def build(self, weights: Any, offset: Any, subset: Any) -> ModelFrame:
        n_all = len(self.frame)
        self.rows = self._subset(subset)
        n = n_all if self.rows is None else len(self.rows)
        evaluate = Evaluator(_Columns(self), n, self.state)
        factors = {
            name: evaluate(self.parsed.factors[name])
            for name in dict.fromkeys(name for term in self.parsed.terms for name in term)
        }
        response = self._response(evaluate)
        vectors = self._vectors(evaluate, weights, offset)
        left = {f"the response {name}": value for name, value in response.items()}
        kept = self._kept({**factors, **left, **vectors}, n)
        dropped = 0 if kept is None else n - len(kept)
        rows = kept if self.rows is None else self.rows if kept is None else self.rows[kept]
        factors = {name: _used(take(value, kept)) for name, value in factors.items()}
        response = {name: take(value, kept) for name, value in response.items()}
        vectors = {name: take(value, kept) for name, value in vectors.items()}
        given_weights = vectors.pop("weights", None)
        if given_weights is not None:
            check_total(given_weights)
        n -= dropped
        check_factors(factors)
        recipe = self._recipe(factors, offset)
        design, X, values = encode(recipe, factors, n)
        index = self.frame.index
        return ModelFrame(
            design=design,
            X=X,
            response=_as_response(self.parsed.response.text, response),
            weights=given_weights,
            offset=_total(list(vectors.values())),
            rows=rows,
            index=index if index is None or rows is None else index[rows],
            dropped=dropped,
            source=self.frame.native,
            recoder=_Recoder(recipe, values, n),
        )

    def column(self, name: str) -> Value:
        """Read a column once, for the rows of the subset."""
        if name not in self.raw:
            self.raw[name] = take(self.frame.column(name), self.rows)
        return self.raw[name]

    def _subset(self, subset: Any) -> Array | None:
        if subset is None:
            return None
        n = len(self.frame)
        if not isinstance(subset, str):
            return mask_positions(subset, n, self.frame.index)
        condition = argument(subset, self.frame.names, "subset")
        columns = {name: self.frame.column(name) for name in condition.columns}
        value = Evaluator(columns, n, {})(condition)
        return selected(truth(value, f"subset {subset}", n) == 1)

    def _response(self, evaluate: Evaluator) -> dict[str, Value]:
        """Evaluate the left side: one value, or one for each column of ``cbind``."""
        left = self.parsed.response
        if not left.columns:
            raise FormulaError(f"the response `{left.text}` is a constant; name a column.")
        if isinstance(left.tree, ast.Call) and left.tree.func.id == "cbind":  # type: ignore[attr-defined]
            parts = [replace(left, text=_text(part), tree=part) for part in left.tree.args]
            values = {part.text: numeric(evaluate(part), left.text) for part in parts}
            if len(values) < 2:
                raise FormulaError(f"`{left.text}` needs two or more different columns.")
            return values
        value = evaluate(left)
        if isinstance(value, Matrix):
            raise FormulaError(f"the response `{left.text}` has several columns; use cbind(a, b).")
        return {left.text: value}

    def _vectors(self, evaluate: Evaluator, weights: Any, offset: Any) -> dict[str, Array]:
        out = {e.text: numeric(evaluate(e), e.text) for e in self.parsed.offsets}
        for name, given in (("weights", weights), ("offset", offset)):
            if given is None:
                continue
            out[name] = self._vector(evaluate, name, given)
        if weights is not None:
            check_weights(out["weights"], self.rows)
        return out

    def _vector(self, evaluate: Evaluator, name: str, given: Any) -> Array:
        if isinstance(given, str):
            part = argument(given, self.frame.names, name)
            return numeric(evaluate(part), f"{name}={given}")
        check_index(given, self.frame.index, name)
        values = np.asarray(as_vector(given, len(self.frame), name), dtype=np.float64)
        return take(values, self.rows)

    def _kept(self, parts: Mapping[str, Value], n: int) -> Array | None:
        """Return the positions of complete rows; raise for infinite and undefined values."""
        with np.errstate(all="ignore"):
            unique = {id(value): value for value in (*self.raw.values(), *parts.values())}
            if all(finite(value) for value in unique.values()):
                return None
        absent = _masks(self.raw, missing)
        refuse_infinite(_masks(self.raw, infinite).items(), self.rows)
        refuse_infinite(_masks(parts, infinite).items(), self.rows)
        for name, mask in _masks(parts, missing).items():
            if not any(name == known or name == f"the response {known}" for known in absent):
                self._refuse_undefined(name, mask, absent)
                absent[name] = mask
        return complete_rows(self._relevant(absent, parts), n, self.na_action, self.rows)

    def _relevant(self, absent: dict[str, Array], parts: Mapping[str, Value]) -> dict[str, Array]:
        # A missing value counts where it makes a term missing: TRUE | missing does not.
        gone = list(_masks(parts, missing).values())
        if not gone:
            return {}
        union = np.logical_or.reduce(gone)
        return {name: mask & union for name, mask in absent.items() if (mask & union).any()}

    def _refuse_undefined(self, name: str, mask: Array, absent: Mapping[str, Array]) -> None:
        """Raise where arithmetic on complete rows gave no number, such as log(-1)."""
        whole = np.logical_or.reduce([np.zeros_like(mask), *absent.values()])
        undefined = mask & ~whole
        if not undefined.any() or "lag(" in name or name in ("weights", "offset"):
            return
        first = int(np.argmax(undefined))
        row = first if self.rows is None else int(self.rows[first])
        raise DataError(
            f"`{name}` is not a number in {count(int(undefined.sum()))} although its columns are "
            f"complete, first at row {row}: a logarithm or root of a negative number, or 0/0."
        )

    def _recipe(self, factors: Mapping[str, Value], offset: Any) -> FormulaRecipe:
        levels = {k: v.levels for k, v in factors.items() if isinstance(v, Categorical)}
        argument = offset if isinstance(offset, str) else None
        return FormulaRecipe(
            self.formula,
            self.frame.names,
            {name: _kind(value) for name, value in self.raw.items()},
            levels,
            self.state,
            arrange(self.parsed.terms, frozenset(levels), self.parsed.intercept),
            offset=argument,
        )


class _Columns(Mapping[str, Value]):
    """The columns of the builder's frame, read when asked for."""

    def __init__(self, builder: _Builder) -> None:
        self._builder = builder

    def __getitem__(self, name: str) -> Value:
        return self._builder.column(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._builder.frame.names)

    def __len__(self) -> int:
        return len(self._builder.frame.names)


@dataclass(frozen=True)
class _Recoder:
    recipe: FormulaRecipe
    values: Mapping[str, Value]
    n: int

    def __call__(self, contrast: str) -> tuple[Design, Array]:
        if contrast not in CONTRASTS:
            raise FormulaError(f"contrast={contrast!r} is not known; choose from {CONTRASTS}.")
        recipe = replace(self.recipe, contrast=contrast)
        design, X, _ = encode(recipe, self.values, self.n)
        return design, X


def encode(
    recipe: FormulaRecipe, values: Mapping[str, Value], n: int
) -> tuple[Design, Array, Mapping[str, Value]]:
    """Return the design, X, and the values with numbers replaced by views of X."""
    parsed = parse(recipe.formula, recipe.columns)
    X, names, places = matrix(recipe.layout, values, n, recipe.contrast)
    terms = tuple(
        Term(":".join(term), frozenset(term), place)
        for term, place in zip(parsed.terms, places, strict=True)
    )
    design = Design(
        recipe.formula, parsed.intercept, terms, tuple(names), dict(recipe.levels), recipe
    )
    return design, X, {**values, **_views(terms, values, X)}


def _views(terms: tuple[Term, ...], values: Mapping[str, Value], X: Array) -> dict[str, Value]:
    # What is kept for recoding should not hold the data a second time.
    views: dict[str, Value] = {}
    for term in terms:
        value = values.get(term.name)
        if isinstance(value, np.ndarray):
            views[term.name] = X[:, term.columns[0]]
        elif isinstance(value, Matrix):
            views[term.name] = replace(value, values=X[:, term.columns[0] : term.columns[-1] + 1])
    return views


def _as_response(name: str, parts: Mapping[str, Value]) -> Response:
    if len(parts) > 1:
        return Response(name, "counts", np.column_stack(list(parts.values())), tuple(parts))
    value = next(iter(parts.values()))
    if isinstance(value, Categorical):
        value = value.trimmed()
        return Response(name, "categorical", value.codes, value.levels)
    return Response(name, "numeric", numeric(value, name))


def _used(value: Value) -> Value:
    """Return a predictor as it is coded: truth values are a factor, unused levels are gone."""
    if isinstance(value, Logical):
        return as_factor(value, "").trimmed()
    return value.trimmed() if isinstance(value, Categorical) else value


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
    return expression(text, tokens, columns)


def _masks(values: Mapping[str, Value], test: Any) -> dict[str, Array]:
    found = ((name, test(value)) for name, value in values.items())
    return {name: mask for name, mask in found if mask is not None}


def _kind(value: Value) -> str:
    if isinstance(value, Categorical):
        return "factor"
    return "truth values" if isinstance(value, Logical) else "numbers"


def _total(vectors: list[Array]) -> Array | None:
    return sum(vectors[1:], vectors[0]) if vectors else None


def _plural(noun: str, names: list[str]) -> str:
    shown = listing(name if name.startswith("'") else f"`{name}`" for name in names)
    return f"the {noun}{'s' if len(names) > 1 else ''} {shown}"


def _text(node: ast.expr) -> str:
    return ast.unparse(node).strip("`")


def _warn(notes: Any) -> None:
    for note in notes:
        warnings.warn(note, StatdlWarning, stacklevel=4)
