"""From a formula and a frame to the arrays of a fit."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError
from statdl.formula.algebra import Parsed, parse
from statdl.formula.coding import arrange, check_factors
from statdl.formula.design import Design, ModelFrame, Response
from statdl.formula.evaluate import Evaluator, truth
from statdl.formula.frame import Frame, open_frame
from statdl.formula.gate import spelled
from statdl.formula.recipe import FormulaRecipe, argument, encode, kind_of, total, warn
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
from statdl.formula.suggest import count
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
    own,
    take,
)

CONTRASTS = ("treatment", "sum")
#: The argument's name among the vectors, which no column's name can be.
_WEIGHTS = "weights="


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
    warn(parsed.notes)
    return _Builder(formula, frame, parsed, subset).build(weights, offset, na_action)


class _Columns(dict[str, Value]):
    """Columns of a frame for the rows of the subset, each read when first asked for."""

    def __init__(self, frame: Frame, rows: Array | None) -> None:
        super().__init__()
        self.frame, self.rows = frame, rows

    def __missing__(self, name: str) -> Value:
        self[name] = take(self.frame.column(name), self.rows)
        return self[name]


@dataclass(frozen=True)
class _Parts:
    """Everything evaluated that has one entry a row."""

    factors: dict[str, Value]
    response: dict[str, Value]
    vectors: dict[str, Array]

    def every(self) -> dict[str, Value]:
        return {**self.factors, **self.response, **self.vectors}

    def taken(self, kept: Array | None) -> _Parts:
        """Return the kept rows. Response, weights and offset no longer share the user's memory."""
        return _Parts(
            {name: _used(take(value, kept)) for name, value in self.factors.items()},
            {name: own(take(value, kept)) for name, value in self.response.items()},
            {name: own(take(value, kept)) for name, value in self.vectors.items()},
        )


class _Builder:
    """The steps from a frame to a :class:`ModelFrame`, in the order they are taken."""

    def __init__(self, formula: str, frame: Frame, parsed: Parsed, subset: Any) -> None:
        self.formula, self.frame, self.parsed = formula, frame, parsed
        self.rows = self._subset(subset)
        self.n = len(frame) if self.rows is None else len(self.rows)
        self.columns = _Columns(frame, self.rows)
        self.evaluate = Evaluator(self.columns, self.n, {})

    def build(self, weights: Any, offset: Any, na_action: str) -> ModelFrame:
        """Evaluate, drop, encode."""
        names = dict.fromkeys(name for term in self.parsed.terms for name in term)
        factors = {name: self.evaluate(self.parsed.factors[name]) for name in names}
        parts = _Parts(factors, self._response(), self._vectors(weights, offset))
        kept = self._kept(parts.every(), na_action)
        parts = parts.taken(kept)
        n = self.n if kept is None else len(kept)
        check_factors(parts.factors)
        recipe = self._recipe(parts.factors, offset)
        design, X, values = encode(recipe, parts.factors, n)
        rows = kept if self.rows is None else take(self.rows, kept)
        index = self.frame.index
        return ModelFrame(
            design=design,
            X=X,
            response=_as_response(self.parsed.response.text, parts.response),
            weights=_weights(parts.vectors),
            offset=total([v for name, v in parts.vectors.items() if name != _WEIGHTS]),
            rows=rows,
            index=index if index is None or rows is None else index[rows],
            dropped=self.n - n,
            source=self.frame.native,
            recoder=_Recoder(recipe, values, n),
        )

    def _subset(self, subset: Any) -> Array | None:
        if subset is None:
            return None
        n = len(self.frame)
        if not isinstance(subset, str):
            return mask_positions(subset, n, self.frame.index)
        condition = argument(subset, self.frame.names, "subset")
        columns = {name: self.frame.column(name) for name in condition.columns}
        value = Evaluator(columns, n, {})(condition)
        return selected(truth(value, f"subset={subset!r}", n) == 1)

    def _response(self) -> dict[str, Value]:
        """Evaluate the left side: one value, or one for each column of ``cbind``."""
        left = self.parsed.response
        if not left.columns:
            raise FormulaError(f"the response `{left.text}` is a constant; name a column.")
        if isinstance(left.tree, ast.Call) and left.tree.func.id == "cbind":  # type: ignore[attr-defined]
            parts = [replace(left, text=_label(part), tree=part) for part in left.tree.args]
            values = {part.text: numeric(self.evaluate(part), left.text) for part in parts}
            if len(values) < 2:
                raise FormulaError(f"`{left.text}` needs two or more different columns.")
            return values
        value = self.evaluate(left)
        if isinstance(value, Matrix):
            raise FormulaError(f"the response `{left.text}` has several columns; use cbind(a, b).")
        return {left.text: value}

    def _vectors(self, weights: Any, offset: Any) -> dict[str, Array]:
        out = {e.text: numeric(self.evaluate(e), e.text) for e in self.parsed.offsets}
        for name, given in (("weights", weights), ("offset", offset)):
            if given is not None:
                out[f"{name}="] = self._vector(name, given)
        if weights is not None:
            check_weights(out[_WEIGHTS], self.rows)
        return out

    def _vector(self, name: str, given: Any) -> Array:
        if isinstance(given, str):
            part = argument(given, self.frame.names, name)
            return numeric(self.evaluate(part), f"{name}={given}")
        check_index(given, self.frame.index, name)
        values = np.asarray(as_vector(given, len(self.frame), name), dtype=np.float64)
        return take(values, self.rows)

    def _kept(self, parts: Mapping[str, Value], na_action: str) -> Array | None:
        """Return the positions of complete rows; raise for infinite and undefined values."""
        with np.errstate(all="ignore"):
            unique = {id(value): value for value in (*self.columns.values(), *parts.values())}
            if all(finite(value) for value in unique.values()):
                return None
        absent = _masks(self.columns, missing)
        refuse_infinite(_masks(self.columns, infinite).items(), self.rows)
        refuse_infinite(_masks(parts, infinite).items(), self.rows)
        for name, mask in _masks(parts, missing).items():
            fresh = mask & ~np.logical_or.reduce([np.zeros_like(mask), *absent.values()])
            if fresh.any():
                self._refuse_undefined(name, fresh)
                absent[name] = mask
        return complete_rows(self._relevant(absent, parts), self.n, na_action, self.rows)

    def _relevant(self, absent: dict[str, Array], parts: Mapping[str, Value]) -> dict[str, Array]:
        # A missing value counts where it makes a term missing: TRUE | missing does not.
        gone = list(_masks(parts, missing).values())
        if not gone:
            return {}
        union = np.logical_or.reduce(gone)
        return {name: mask & union for name, mask in absent.items() if (mask & union).any()}

    def _refuse_undefined(self, name: str, undefined: Array) -> None:
        """Raise where arithmetic on complete rows gave no number, such as log(-1)."""
        if "lag(" in name or name in (_WEIGHTS, "offset="):
            return
        first = int(np.argmax(undefined))
        row = first if self.rows is None else int(self.rows[first])
        raise DataError(
            f"`{name}` is not a number in {count(int(undefined.sum()))} although its columns are "
            f"complete, first at row {row}: a logarithm or root of a negative number, or 0/0."
        )

    def _recipe(self, factors: Mapping[str, Value], offset: Any) -> FormulaRecipe:
        levels = {k: v.levels for k, v in factors.items() if isinstance(v, Categorical)}
        return FormulaRecipe(
            self.formula,
            self.frame.names,
            {name: kind_of(value) for name, value in self.columns.items()},
            levels,
            self.evaluate.state,
            arrange(self.parsed.terms, frozenset(levels), self.parsed.intercept),
            offset=offset if isinstance(offset, str) else None,
        )


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


def _as_response(name: str, parts: Mapping[str, Value]) -> Response:
    if len(parts) > 1:
        return Response(name, "counts", np.column_stack(list(parts.values())), tuple(parts))
    value = next(iter(parts.values()))
    if isinstance(value, Categorical):
        value = value.trimmed()
        return Response(name, "categorical", value.codes, value.levels)
    return Response(name, "numeric", numeric(value, name))


def _weights(vectors: Mapping[str, Array]) -> Array | None:
    weights = vectors.get(_WEIGHTS)
    if weights is not None:
        check_total(weights)
    return weights


def _used(value: Value) -> Value:
    """Return a predictor as it is coded: truth values are a factor, unused levels are gone."""
    if isinstance(value, Logical):
        return as_factor(value, "").trimmed()
    return value.trimmed() if isinstance(value, Categorical) else value


def _masks(values: Mapping[str, Value], test: Any) -> dict[str, Array]:
    found = ((name, test(value)) for name, value in values.items())
    return {name: mask for name, mask in found if mask is not None}


def _label(node: ast.expr) -> str:
    return node.id.strip("`") if isinstance(node, ast.Name) else spelled(node)
