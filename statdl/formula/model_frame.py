"""From a formula and a frame to the arrays of a fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError, StatdlWarning, warn
from statdl.formula.design import Design, ModelFrame, Response, Term
from statdl.formula.evaluation import Part, condition_rows, evaluated
from statdl.formula.expression import Expression, argument
from statdl.formula.frame import Frame, open_frame
from statdl.formula.recipe import CONTRASTS, FormulaRecipe, design_of, total
from statdl.formula.rows import (
    as_vector,
    check_index,
    check_na_action,
    check_weights,
    complete_rows,
    mask_positions,
    refuse_infinite,
)
from statdl.formula.suggest import listing
from statdl.formula.terms import Parsed, parse
from statdl.formula.values import Column, Factor, Value, as_factor, column, endless


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
        Rows with a missing value in a column of the condition are not selected.
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
    for note in parsed.notes:
        warn(note, StatdlWarning)
    return Builder(formula, frame, parsed, subset).build(weights, offset, na_action)


class Builder:
    """The steps from a frame to a :class:`ModelFrame`, in the order they are taken.

    ``state`` is what the transforms of each expression know already, and where they put the rest.
    """

    def __init__(
        self,
        formula: str,
        frame: Frame,
        parsed: Parsed,
        subset: Any,
        state: dict[str, dict[str, Any]] | None = None,
        contrast: str = "treatment",
    ) -> None:
        self.formula, self.frame, self.parsed = formula, frame, parsed
        self.contrast = contrast
        self.chosen = _chosen(frame, subset)
        self.rows = np.arange(len(frame)) if self.chosen is None else self.chosen
        self.columns: dict[str, Column] = {}
        self.state: dict[str, dict[str, Any]] = {} if state is None else state

    def build(self, weights: Any, offset: Any, na_action: str) -> ModelFrame:
        """Read the columns, choose the rows, evaluate, encode."""
        parsed = self.parsed
        left = parsed.counts or (parsed.response,)
        weighing = self._vector("weights", weights)
        shifts = [*parsed.offsets, *self._vector("offset", offset)]
        self._read([*left, *parsed.predictors.values(), *weighing, *shifts])
        kept = self._complete(na_action)
        rows = self.rows if kept is None else self.rows[kept]
        response = _as_response(parsed.response.text, self._parts(left), kept)
        predictors = {part.text: part.at(kept) for part in self._parts(parsed.predictors.values())}
        values = {name: _predictor(name, value) for name, value in predictors.items()}
        for name in self.frame.names:
            _note_numbers_as_text(name, values.get(name))
        weight = [part.numbers(kept) for part in self._parts(weighing)]
        for vector in weight:
            check_weights(vector, rows)
        shift = [part.numbers(kept) for part in self._parts(shifts)]
        recipe = self._recipe(values, offset)
        design, X = design_of(recipe, values, len(rows))
        whole, index = len(rows) == len(self.frame), self.frame.index
        return ModelFrame(
            design=design,
            X=X,
            response=response,
            weights=total(weight),
            offset=total(shift),
            rows=None if whole else rows,
            index=index if index is None or whole else index[rows],
            dropped=len(self.rows) - len(rows),
            source=self.frame.native,
            recoder=_Recoder(recipe, _owned(values, design.terms, X), len(rows)),
        )

    def _vector(self, name: str, given: Any) -> list[Expression]:
        """Read an argument in quotes, or make a vector a column of its own beside the data's."""
        if given is None:
            return []
        if isinstance(given, str):
            return [argument(given, self.frame.names, name)]
        check_index(given, self.frame.index, name)
        values = np.asarray(as_vector(given, len(self.frame), name), dtype=np.float64)
        self.columns[f"{name}="] = column(values[self.rows])
        return [Expression(name, "_0", (f"{name}=",))]

    def _read(self, expressions: Iterable[Expression]) -> None:
        for name in dict.fromkeys(name for read in expressions for name in read.columns):
            if name not in self.columns:
                found = self.frame.column(name)
                self.columns[name] = found if self.chosen is None else found[self.chosen]

    def _complete(self, na_action: str) -> Array | None:
        """Return the mask of rows without a missing value, None when that is all of them."""
        values = {n: c.value for n, c in self.columns.items() if n != "weights="}
        refuse_infinite(((name, endless(value)) for name, value in values.items()), self.rows)
        absent = {n: c.missing for n, c in self.columns.items() if c.missing is not None}
        return complete_rows(absent, na_action, self.rows)

    def _parts(self, expressions: Iterable[Expression]) -> list[Part]:
        parts = []
        for one in expressions:
            part = evaluated(one, self.columns, self.state.setdefault(one.text, {}))
            if one.code != "_0":
                part.check(self.rows)
            parts.append(part)
        return parts

    def _recipe(self, values: Mapping[str, Value], offset: Any) -> FormulaRecipe:
        return FormulaRecipe(
            self.formula,
            self.frame.names,
            {name: found.kind for name, found in self.columns.items()},
            {name: value.levels for name, value in values.items() if isinstance(value, Factor)},
            self.state,
            offset if isinstance(offset, str) else None,
            self.contrast,
        )


def _chosen(frame: Frame, subset: Any) -> Array | None:
    if subset is None:
        return None
    if isinstance(subset, str):
        return condition_rows(subset, frame)
    return mask_positions(subset, len(frame), frame.index)


def _predictor(name: str, value: Value) -> Value:
    """Return a value as it is coded: truth values are a factor, unused levels are gone."""
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        value = as_factor(value)
    if not isinstance(value, Factor):
        return value
    value = value.trimmed()
    if len(value.levels) < 2:
        only = f"only {value.levels[0]!r}" if value.levels else "no level"
        raise DataError(
            f"the factor `{name}` has {only} in the rows used, and contrasts need 2 or more "
            "levels. Leave it out of the formula."
        )
    return value


def _note_numbers_as_text(name: str, value: Value) -> None:
    """Warn of a column of text that looks like a measurement: numbers, most of them once."""
    if not isinstance(value, Factor) or 2 * len(value.levels) <= max(len(value), 10):
        return
    if not all(isinstance(level, str) and _is_number(level) for level in value.levels):
        return
    warn(
        f"`{name}` is text, and so a factor of {len(value.levels)} levels, and every one reads as "
        "a number; convert the column before the fit if it measures something.",
        StatdlWarning,
    )


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def _as_response(name: str, parts: Sequence[Part], kept: Array | None) -> Response:
    if len(parts) > 1:
        counts = np.column_stack([part.numbers(kept) for part in parts])
        return Response(name, "counts", counts, tuple(part.text for part in parts))
    value = parts[0].at(kept)
    if isinstance(value, Factor):
        value = value.trimmed()
        return Response(name, "categorical", value.codes, value.levels)
    if not isinstance(value, np.ndarray):
        raise FormulaError(f"the response `{name}` has several columns; use cbind(a, b).")
    truth = value.dtype == np.bool_
    return Response(name, "numeric", parts[0].numbers(kept), truth=bool(truth))


def _owned(values: Mapping[str, Value], terms: Sequence[Term], X: Array) -> dict[str, Value]:
    """Return what recoding needs: neither the user's memory nor, where X has it, a second copy."""
    alone = {term.name: X[:, term.columns[0]] for term in terms if len(term.factors) == 1}
    return {
        name: (alone[name] if name in alone else value.copy())
        if isinstance(value, np.ndarray)
        else value
        for name, value in values.items()
    }


@dataclass(frozen=True)
class _Recoder:
    recipe: FormulaRecipe
    values: Mapping[str, Value]
    n: int

    def __call__(self, contrast: str) -> tuple[Design, Array]:
        if contrast not in CONTRASTS:
            choice = listing(CONTRASTS)
            raise FormulaError(f"contrast={contrast!r} is not known; choose from {choice}.")
        return design_of(replace(self.recipe, contrast=contrast), self.values, self.n)
