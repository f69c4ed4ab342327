"""Values of admitted expressions, computed by formulaic at the rows that have their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError, StatdlError
from statdl.formula.expression import Expression, argument
from statdl.formula.frame import Frame
from statdl.formula.rows import refuse_infinite, selected
from statdl.formula.suggest import count
from statdl.formula.transforms import environment
from statdl.formula.values import Column, Factor, Value, endless, finite, missing, number
from statdl.lazy import lazy

pd = lazy("pandas")
stateful_transforms = lazy("formulaic.utils.stateful_transforms")


def evaluate(expression: Expression, columns: Mapping[str, Value], state: dict[str, Any]) -> Value:
    """Return the value of ``expression``; its transforms keep what they learn in ``state``.

    Raises
    ------
    DataError, FormulaError
        Naming the expression, when it has no value.
    """
    if expression.code == "_0":
        return columns[expression.columns[0]]
    names = {f"_{k}": columns[name] for k, name in enumerate(expression.columns)}
    try:
        with np.errstate(all="ignore"):
            value = stateful_transforms.stateful_eval(
                expression.code, {**environment(), **names}, None, state, None
            )
    except StatdlError as error:
        raise type(error)(f"`{expression.text}` {error}") from None
    except Exception as error:  # whatever a transform says of its arguments
        problem = str(error).rstrip(".")
        _, unknown, word = problem.partition("got an unexpected keyword argument ")
        problem = f"it takes no argument called {word}" if unknown else problem
        raise FormulaError(f"`{expression.text}` cannot be computed: {problem}.") from error
    return _checked(value, expression.text, len(next(iter(names.values()))))


def _checked(value: Any, text: str, n: int) -> Value:
    """Return numbers, truth values, a factor or a frame of numbers, of ``n`` rows."""
    if isinstance(value, Factor):
        return value
    if isinstance(value, dict):
        return pd.DataFrame(dict(value))
    values = np.asarray(value)
    if values.ndim == 0 or len(values) != n or values.dtype.kind not in "fiub":
        raise FormulaError(f"`{text}` does not have one value a row.")
    values = values if values.dtype == np.bool_ else values.astype(np.float64, copy=False)
    if values.ndim == 1:
        return values
    return pd.DataFrame(values, columns=range(1, values.shape[1] + 1))


@dataclass(frozen=True)
class Part:
    """A value at the rows where its columns are present (a mask; None for all rows)."""

    text: str
    value: Value
    present: Array | None = None

    def at(self, kept: Array | None) -> Value:
        """Return the value at the rows of the mask ``kept``, all of them present."""
        if kept is None:
            return self.value
        return self.value[kept if self.present is None else kept[self.present]]

    def numbers(self, kept: Array | None) -> Array:
        """Return the same as numbers, in memory that the user's frame cannot change."""
        try:
            return np.array(number(self.at(kept)))
        except DataError as error:
            raise DataError(f"`{self.text}` {error}") from None

    def check(self, rows: Array) -> None:
        """Refuse infinite numbers, and NaN made of complete ``rows`` of the data."""
        if finite(self.value):
            return
        numbers = rows if self.present is None else rows[self.present]
        refuse_infinite([(self.text, endless(self.value))], numbers)
        undefined = missing(self.value)
        if undefined is not None:
            raise DataError(
                f"`{self.text}` is not a number in {count(int(undefined.sum()))} although its "
                f"columns are complete, first at row {numbers[np.argmax(undefined)]}: a logarithm "
                "or root of a negative number, or 0/0."
            )


def evaluated(expression: Expression, columns: Mapping[str, Column], state: dict[str, Any]) -> Part:
    """Return the value of ``expression`` at the rows where none of its columns is missing."""
    used = {name: columns[name] for name in expression.columns}
    gone = [column.missing for column in used.values() if column.missing is not None]
    present = ~np.logical_or.reduce(gone) if gone else None
    cut = {n: c.value if present is None else c.value[present] for n, c in used.items()}
    return Part(expression.text, evaluate(expression, cut, state), present)


def condition_rows(subset: str, frame: Frame) -> Array:
    """Return the positions of the rows for which a condition in quotes holds."""
    return selected(condition_mask(subset, frame))


def condition_mask(subset: str, frame: Frame) -> Array:
    """Return the mask of the rows for which a condition in quotes holds."""
    condition = argument(subset, frame.names, "subset")
    columns = {name: frame.column(name) for name in condition.columns}
    part = evaluated(condition, columns, {})
    if not isinstance(part.value, np.ndarray) or part.value.dtype != np.bool_:
        raise DataError(
            f"subset={subset!r} needs a condition where it has something else; write comparisons "
            "such as x > 0, and join them with &, | and !."
        )
    mask = np.zeros(len(frame), dtype=bool)
    mask[slice(None) if part.present is None else part.present] = part.value
    return mask
