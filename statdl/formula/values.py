"""What an expression over columns can be worth.

A number a row is a float64 vector with NaN where it is missing; truth values and factors have
a class each, because models code them differently; a transform such as ``poly`` gives a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.formula.suggest import listing

#: A float64 vector, one of the classes below, or a constant of the formula.
Value = Any


@dataclass(frozen=True)
class Logical:
    """Truth values as 1.0, 0.0 and NaN (missing)."""

    values: Array


@dataclass(frozen=True)
class Matrix:
    """Several columns from one transform, with the ending of each name, as ``[1]``."""

    values: Array
    endings: tuple[str, ...]


@dataclass(frozen=True)
class Categorical:
    """A factor: codes into ``levels``, -1 where missing.

    ``contrast`` is a contrast of formulaic when the formula asks for one.
    """

    codes: Array
    levels: tuple[Any, ...]
    ordered: bool = False
    contrast: Any = None

    def trimmed(self) -> Categorical:
        """Return the factor without the levels that no row has."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))
        present = np.flatnonzero(counts)
        if len(present) == len(self.levels):
            return self
        place = np.full(len(self.levels) + 1, -1)
        place[present] = np.arange(len(present))
        levels = tuple(self.levels[k] for k in present)
        return replace(self, codes=place[self.codes], levels=levels)


def numeric(value: Value, where: str) -> Any:
    """Return ``value`` as float64 numbers, or say that ``where`` needs them."""
    if isinstance(value, Logical):
        return value.values
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, bool | int | float):
        return np.float64(value)
    if isinstance(value, Categorical):
        raise DataError(
            f"`{where}` needs numbers, and one of its columns is a factor with the levels "
            f"{listing(value.levels)}."
        )
    what = "several columns" if isinstance(value, Matrix) else repr(value)
    raise DataError(f"`{where}` needs a column of numbers, not {what}.")


def vector(value: Value, n: int) -> Value:
    """Return ``value`` with one entry a row: constants are repeated."""
    if isinstance(value, bool | int | float | np.generic | np.ndarray) and np.ndim(value) == 0:
        return np.full(n, float(value))
    return value


def take(value: Value, rows: Array | None) -> Value:
    """Return the rows at the positions ``rows`` (all when None)."""
    if rows is None:
        return value
    if isinstance(value, np.ndarray):
        return value[rows]
    if isinstance(value, Categorical):
        return replace(value, codes=value.codes[rows])
    return replace(value, values=value.values[rows])


def own(value: Value) -> Value:
    """Return ``value`` in memory that the user's frame cannot change."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    return (
        value if isinstance(value, Categorical) else replace(value, values=np.array(value.values))
    )


def finite(value: Value) -> bool:
    """Tell by one sum that nothing is missing or infinite (a sum may overflow: then no)."""
    if isinstance(value, Categorical):
        return not len(value.codes) or int(value.codes.min()) >= 0
    numbers = value if isinstance(value, np.ndarray) else value.values
    return bool(np.isfinite(numbers.sum()))


def missing(value: Value) -> Array | None:
    """Return which rows are missing, or None when none is."""
    absent = value.codes < 0 if isinstance(value, Categorical) else _rows(value, np.isnan)
    return absent if absent.any() else None


def infinite(value: Value) -> Array | None:
    """Return which rows hold an infinite number, or None when none does."""
    if isinstance(value, Categorical):
        return None
    endless = _rows(value, np.isinf)
    return endless if endless.any() else None


def _rows(value: Value, test: Any) -> Array:
    found = test(value if isinstance(value, np.ndarray) else value.values)
    return found if found.ndim == 1 else found.any(axis=1)


def as_factor(value: Value, where: str, levels: tuple[Any, ...] | None = None) -> Categorical:
    """Return ``value`` as a factor whose levels are its sorted values, or ``levels``."""
    if isinstance(value, Logical):
        codes = np.where(np.isnan(value.values), -1, value.values).astype(np.int64)
        factor = Categorical(codes, (False, True))
    elif isinstance(value, Categorical):
        factor = value
    elif isinstance(value, np.ndarray) and value.ndim == 1:
        factor = _from_numbers(value)
    else:
        raise DataError(f"`{where}` cannot be read as a factor: it needs one column.")
    return factor if levels is None else _relevelled(factor, levels, where)


def _from_numbers(values: Array) -> Categorical:
    absent = np.isnan(values)
    unique, inverse = np.unique(values[~absent], return_inverse=True)
    codes = np.full(values.shape, -1, dtype=np.int64)
    codes[~absent] = inverse
    return Categorical(codes, tuple(_plain(number) for number in unique.tolist()))


def _plain(number: float) -> float | int:
    # Missing values turn columns of integers into floats; their levels still read 4, 6, 8.
    return int(number) if number.is_integer() else number


def _relevelled(factor: Categorical, levels: tuple[Any, ...], where: str) -> Categorical:
    absent = [level for level in factor.trimmed().levels if level not in levels]
    if absent:
        raise DataError(
            f"`{where}` names the levels {listing(levels)}, and the data also have "
            f"{listing(map(repr, absent))}. Name every level, or leave those rows out with subset."
        )
    place = {level: code for code, level in enumerate(levels)}
    lookup = np.array([*(place.get(level, -1) for level in factor.levels), -1])
    return replace(factor, codes=lookup[factor.codes], levels=tuple(levels))
