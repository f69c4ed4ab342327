"""What a column or an expression over columns can be worth, one entry a row.

Numbers are a float64 vector, truth values a bool vector, a factor is a :class:`Factor`, and a
transform such as ``poly`` gives a pandas DataFrame of numbers. ``value[mask]`` takes rows of
each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.formula.suggest import listing
from statdl.lazy import lazy

pd = lazy("pandas")

Value = Any


@dataclass(frozen=True)
class Factor:
    """A factor: a pandas Categorical, with a contrast of formulaic where the formula names one."""

    values: Any
    contrast: Any = None

    @property
    def codes(self) -> Array:
        """Places in the levels, -1 where missing."""
        return np.asarray(self.values.codes, dtype=np.int64)

    @cached_property
    def levels(self) -> tuple[Any, ...]:
        """The levels in order, as Python values."""
        return tuple(self.values.categories.tolist())

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Array) -> Factor:
        return replace(self, values=self.values[rows])

    def trimmed(self) -> Factor:
        """Return the factor without the levels that no row has."""
        return replace(self, values=self.values.remove_unused_categories())

    def coded_as(self, levels: tuple[Any, ...], complaint: str) -> Factor:
        """Return the factor with exactly ``levels``; other values are refused with a complaint."""
        if self.levels == levels:
            return self
        unseen = [level for level in self.trimmed().levels if level not in levels]
        if unseen:
            raise DataError(f"{complaint}: {listing(map(repr, unseen))}. {_known(levels)}")
        return replace(self, values=self.values.set_categories(list(levels)))


def _known(levels: tuple[Any, ...]) -> str:
    return f"The levels known are {listing(map(repr, levels))}."


@dataclass(frozen=True)
class Column:
    """A column of the data: its value, and which rows are missing (None when none is)."""

    value: Value
    missing: Array | None = None

    def __getitem__(self, rows: Array) -> Column:
        missing = None if self.missing is None else self.missing[rows]
        missing = missing if missing is not None and missing.any() else None
        return Column(self.value[rows], missing)

    @property
    def floating(self) -> Array:
        """Numbers or truth values as float64, NaN where missing."""
        numbers = np.asarray(self.value, dtype=np.float64)
        return numbers if self.missing is None else np.where(self.missing, np.nan, numbers)

    @property
    def kind(self) -> str:
        """What the column holds, in the words of the messages."""
        if isinstance(self.value, Factor):
            return "factor"
        return "truth values" if self.value.dtype == np.bool_ else "numbers"


def column(value: Value) -> Column:
    """Return ``value`` as a column, with NaN and code -1 as missing."""
    return Column(value, None if finite(value) else missing(value))


def finite(value: Value) -> bool:
    """Tell by one sum that nothing is missing or infinite (a sum may overflow: then no)."""
    if isinstance(value, Factor):
        return not len(value) or int(value.values.codes.min()) >= 0
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.asarray(value).sum()))


def missing(value: Value) -> Array | None:
    """Return the mask of rows that hold NaN or no level, None when none does."""
    absent = value.codes < 0 if isinstance(value, Factor) else _rows(value, np.isnan)
    return absent if absent.any() else None


def endless(value: Value) -> Array | None:
    """Return the mask of rows that hold an infinite number, None when none does."""
    if isinstance(value, Factor) or finite(value):
        return None
    infinite = _rows(value, np.isinf)
    return infinite if infinite.any() else None


def _rows(value: Value, test: Any) -> Array:
    found = test(np.asarray(value))
    return found if found.ndim == 1 else found.any(axis=1)


def number(value: Value) -> Any:
    """Return numbers or truth values as float64, or say that numbers are needed."""
    if isinstance(value, Factor):
        raise DataError(
            "needs numbers, and one of its columns is a factor with the levels "
            f"{listing(value.levels)}."
        )
    if isinstance(value, str | tuple | list | pd.DataFrame) or value is None:
        raise DataError("needs a column of numbers where it has something else.")
    return np.asarray(value, dtype=np.float64) if isinstance(value, np.ndarray) else float(value)


def as_factor(value: Value, levels: tuple[Any, ...] | None = None) -> Factor:
    """Return ``value`` as a factor whose levels are its sorted values, or ``levels``."""
    if isinstance(value, Factor):
        factor = value
    elif isinstance(value, np.ndarray) and value.ndim == 1:
        factor = _from_vector(value)
    else:
        raise DataError("cannot be read as a factor: it needs one column.")
    if levels is None:
        return factor
    return factor.coded_as(levels, "has values that are not among its levels")


def _from_vector(values: Array) -> Factor:
    if values.dtype == np.bool_:
        return Factor(pd.Categorical(values, categories=[False, True]))
    factor = pd.Categorical(values)
    # Columns of integers arrive as floats; their levels still read 4, 6, 8.
    levels = [int(x) if x.is_integer() else x for x in factor.categories.tolist()]
    return Factor(factor.rename_categories(pd.Index(levels, dtype=object)))
