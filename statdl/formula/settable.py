"""Rows of data whose variables can be set to other values and encoded again.

What a model says of a variable shows when it is set to some value in rows that are otherwise as
they were: everything that the formula makes of it, such as ``poly(wt, 2)`` or ``wt:hp``, follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.errors import DataError, ModelError
from statdl.formula.design import Design, NewData
from statdl.formula.frame import open_frame
from statdl.formula.recipe import FormulaRecipe
from statdl.formula.suggest import listing, nearest
from statdl.formula.terms import parse
from statdl.formula.values import Column, Factor
from statdl.lazy import lazy

pd = lazy("pandas")


@dataclass(frozen=True)
class Observed:
    """What a variable was seen to be.

    ``values`` are numbers, (n,); or ``levels`` are all the values there are, in order.
    """

    values: Any = None
    levels: tuple[Any, ...] = ()


class Settable(Protocol):
    """Complete rows of data, to be encoded as they are or with a variable set."""

    @property
    def n(self) -> int:
        """The number of rows."""
        ...

    def observed(self, variable: str) -> Observed:
        """Return what the variable is in these rows."""
        ...

    def encode(self, rows: slice, variable: str = "", values: Sequence[Any] = ()) -> NewData:
        """Return some rows in the coding of the design.

        With m ``values`` the rows come m times, one block a value, which the variable then has.
        """
        ...

    def values(self, variable: str) -> Any:
        """Return what the variable is in every row, (n,), on the host."""
        ...

    def changed(self, rows: slice, values: Mapping[str, Any]) -> NewData:
        """Return some rows in the coding of the design, with variables at other values.

        A value is one for all these rows, or a vector with one of each row.
        """
        ...


def variables(design: Design) -> tuple[str, ...]:
    """Return the columns of the data that the right side of a model is made of.

    Examples
    --------
    >>> from statdl.formula import model_frame
    >>> data = {"y": [1.0, 2.0, 4.0], "a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 1.0]}
    >>> variables(model_frame("y ~ log(a) + a:b", data).design)
    ('a', 'b')
    """
    recipe = design.recipe
    if not isinstance(recipe, FormulaRecipe):
        return design.names
    return tuple(dict.fromkeys(name for read in recipe.expressions() for name in read.columns))


def columns_of(design: Design, variable: str) -> tuple[int, ...]:
    """Return the columns of X that are made of a variable.

    Raises
    ------
    ModelError
        When there is no such variable.
    """
    check_variable(design, variable)
    recipe = design.recipe
    if not isinstance(recipe, FormulaRecipe):
        return (design.names.index(variable),)
    made = _made_of(recipe, variable)
    return tuple(j for term in design.terms if term.factors & made for j in term.columns)


def term_variables(design: Design) -> tuple[frozenset[str], ...]:
    """Return the columns of the data that each term is made of.

    Examples
    --------
    >>> from statdl.formula import model_frame
    >>> data = {"y": [1.0, 2.0, 4.0], "a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 1.0]}
    >>> [sorted(one) for one in term_variables(model_frame("y ~ log(a) + a:b", data).design)]
    [['a'], ['a', 'b']]
    """
    recipe = design.recipe
    if not isinstance(recipe, FormulaRecipe):
        return tuple(frozenset({term.name}) for term in design.terms)
    predictors = parse(recipe.formula, recipe.columns).predictors
    read = {text: frozenset(one.columns) for text, one in predictors.items()}
    return tuple(frozenset().union(*(read[one] for one in t.factors)) for t in design.terms)


def check_variable(design: Design, variable: str) -> None:
    """Refuse what is no variable of the model."""
    known = variables(design)
    if variable not in known:
        raise ModelError(
            f"{variable!r} is no variable of the model.{nearest(str(variable), known)} "
            f"Its variables are: {listing(known) or 'none'}."
        )


def settable(design: Design, data: Any, rows: Any = None) -> Settable:
    """Return the complete rows of ``data``, or those of them at the positions ``rows``.

    ``data`` is a frame, or an array for designs of arrays.

    Raises
    ------
    DataError
        For a missing column, or when no row is complete.
    """
    recipe = design.recipe
    if isinstance(recipe, FormulaRecipe):
        return _formula_rows(design, recipe, data, rows)
    X = data if rows is not None else design.encode(data).X
    xp = namespace(X)
    whole = xp.all(xp.isfinite(X), axis=1)
    if not bool(xp.all(whole)):
        X = xp.take(X, xp.nonzero(whole)[0], axis=0)
    if not X.shape[0]:
        raise _nothing()
    return ArrayRows(design, X)


def complete_rows(design: Design, data: Any) -> Array:
    """Return the positions of the rows of ``data`` that have every variable of the model.

    Raises
    ------
    DataError
        For a missing column, or when no row is complete.
    """
    recipe = design.recipe
    if isinstance(recipe, FormulaRecipe):
        columns = recipe.read(open_frame(data, "the new data")).values()
        gone = [column.missing for column in columns if column.missing is not None]
        n = len(open_frame(data))
        complete = ~np.logical_or.reduce([np.zeros(n, dtype=bool), *gone])
    else:
        X = design.encode(data).X
        complete = to_numpy(namespace(X).all(namespace(X).isfinite(X), axis=1))
    if not complete.any():
        raise _nothing()
    return np.flatnonzero(complete)


def _formula_rows(design: Design, recipe: FormulaRecipe, data: Any, rows: Any) -> FormulaRows:
    columns = recipe.read(open_frame(data, "the new data"))
    if not columns:
        raise ModelError("The model has no variables that could be set.")
    kept = slice(None) if rows is None else rows
    columns = {name: column[kept] for name, column in columns.items()}
    gone = [column.missing for column in columns.values() if column.missing is not None]
    if gone:
        complete = np.flatnonzero(~np.logical_or.reduce(gone))
        columns = {name: column[complete] for name, column in columns.items()}
    table = pd.DataFrame({name: _plain(column) for name, column in columns.items()})
    if not len(table):
        raise _nothing()
    return FormulaRows(design, recipe, columns, table)


def _plain(column: Column) -> Any:
    return column.value.values if isinstance(column.value, Factor) else column.value


def _nothing() -> DataError:
    return DataError("Every row of newdata has a missing value; there is nothing to average.")


def _made_of(recipe: FormulaRecipe, variable: str) -> set[str]:
    """Return the parts of the terms that are made of a variable."""
    predictors = parse(recipe.formula, recipe.columns).predictors
    return {text for text, read in predictors.items() if variable in read.columns}


@dataclass(frozen=True)
class FormulaRows:
    """Rows of a frame, with the columns that the right side of a formula is made of."""

    design: Design
    recipe: FormulaRecipe
    columns: dict[str, Column]
    table: Any

    @property
    def n(self) -> int:
        return len(self.table)

    def observed(self, variable: str) -> Observed:
        """Return numbers, or levels where the formula tells all values of the variable apart."""
        check_variable(self.design, variable)
        value = self.columns[variable].value
        if isinstance(value, Factor):
            return Observed(levels=self.recipe.levels.get(variable) or value.trimmed().levels)
        if value.dtype == np.bool_:
            return Observed(levels=(False, True))
        made = _made_of(self.recipe, variable)
        coded = [len(held) for text, held in self.recipe.levels.items() if text in made]
        levels = np.unique(value)
        if coded and max(coded) >= len(levels):
            return Observed(levels=tuple(_whole(level) for level in levels.tolist()))
        return Observed(value)

    def encode(self, rows: slice, variable: str = "", values: Sequence[Any] = ()) -> NewData:
        block = self.table.iloc[rows]
        if not variable:
            return self.design.encode(block)
        n = len(block)
        block = block.iloc[np.tile(np.arange(n), len(values))].reset_index(drop=True)
        block[variable] = self._repeated(variable, values, n)
        return self.design.encode(block)

    def values(self, variable: str) -> Any:
        check_variable(self.design, variable)
        return self.table[variable].to_numpy()

    def changed(self, rows: slice, values: Mapping[str, Any]) -> NewData:
        block = self.table.iloc[rows]
        n = len(block)
        vectors = {
            name: self._repeated(name, [value], n) if np.ndim(value) == 0 else np.asarray(value)
            for name, value in values.items()
        }
        return self.design.encode(block.assign(**vectors))

    def _repeated(self, variable: str, values: Sequence[Any], n: int) -> Any:
        value = self.columns[variable].value
        if not isinstance(value, Factor):
            return np.repeat(np.asarray(values, dtype=value.dtype), n)
        levels = list(self.recipe.levels.get(variable, value.levels))
        return pd.Categorical(np.repeat(np.asarray(values, dtype=object), n), categories=levels)


@dataclass(frozen=True)
class ArrayRows:
    """Rows of a matrix whose columns are the variables."""

    design: Design
    X: Array

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    def observed(self, variable: str) -> Observed:
        return Observed(to_numpy(self.X[:, self._place(variable)]))

    def encode(self, rows: slice, variable: str = "", values: Sequence[Any] = ()) -> NewData:
        block = self.X[rows, :]
        if not variable:
            return NewData(block)
        xp = namespace(block)
        n = block.shape[0]
        block = xp.concat([block] * len(values), axis=0)
        block[:, self._place(variable)] = like(np.repeat(np.asarray(values, dtype=float), n), block)
        return NewData(block)

    def values(self, variable: str) -> Any:
        return to_numpy(self.X[:, self._place(variable)])

    def changed(self, rows: slice, values: Mapping[str, Any]) -> NewData:
        block = namespace(self.X).asarray(self.X[rows, :], copy=True)
        for name, value in values.items():
            block[:, self._place(name)] = like(value, block)
        return NewData(block)

    def _place(self, variable: str) -> int:
        check_variable(self.design, variable)
        return self.design.names.index(variable)


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value
