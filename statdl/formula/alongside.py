"""Vectors that go with new rows: a column or expression in quotes, or a number a row.

Offsets are such vectors, and the weights of new observations.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace
from statdl.errors import DataError, ModelError, StatdlWarning, warn
from statdl.formula.arrays import ArrayRecipe
from statdl.formula.design import ModelFrame, NewData
from statdl.formula.evaluation import evaluated
from statdl.formula.expression import argument
from statdl.formula.frame import open_frame
from statdl.formula.rows import as_vector, check_index


def alongside(given: Any, name: str, new: NewData) -> Array:
    """Return the vector ``given`` as ``name=`` beside new rows, (m,).

    Text is a column of the new data or an expression over them, NaN where one is missing; a
    single number is that of every row; a pandas Series must have the labels of the rows.

    Examples
    --------
    >>> frame = {"n": [1.0, 10.0]}
    >>> alongside("log10(n)", "offset", NewData(np.ones((2, 1)), source=frame)).tolist()
    [0.0, 1.0]
    >>> alongside(0, "offset", NewData(np.ones((2, 1)))).tolist()
    [0.0, 0.0]
    """
    n = int(new.X.shape[0])
    if isinstance(given, str):
        return _expressed(given, name, new)
    if np.ndim(given) == 0 and isinstance(given, int | float | np.number):
        return np.full(n, float(given))
    check_index(given, new.index, name)
    return as_vector(given, n, name)


def _expressed(text: str, name: str, new: NewData) -> Array:
    if new.source is None:
        raise DataError(
            f"{name}={text!r} names a column, and the new rows are arrays without names; pass a "
            "number a row."
        )
    frame = open_frame(new.source, "the new data")
    one = argument(text, frame.names, name)
    part = evaluated(one, {column: frame.column(column) for column in one.columns}, {})
    part.check(np.arange(len(frame)))
    values = np.full(len(frame), np.nan)
    values[slice(None) if part.present is None else part.present] = part.numbers(None)
    return values


def new_weights(given: Any, new: NewData) -> Array:
    """Return weights of new observations, above 0 or NaN."""
    values = alongside(given, "weights", new)
    xp = namespace(values)
    wrong = (values <= 0) | xp.isinf(values)
    if bool(xp.any(wrong)):
        row = int(xp.argmax(xp.astype(wrong, xp.int8)))
        raise DataError(
            f"weights must be positive and finite for a new observation to have limits, and row "
            f"{row} has {float(values[row]):g}."
        )
    return values


def offset_alone(frame: ModelFrame) -> bool:
    """Tell whether a model had an offset as numbers, which new data do not bring along."""
    if isinstance(frame.design.recipe, ArrayRecipe):
        return frame.offset is not None
    return "offset=" in getattr(frame.design.recipe, "kinds", {})


def new_offset(frame: ModelFrame, new: NewData, given: Any, template: Array) -> Array | None:
    """Return the offset of new rows like ``template``: the formula's, and what is ``given``.

    Where the model had one as numbers and none is given, a StatdlWarning says so.
    """
    own = None if new.offset is None else like(new.offset, template)
    if given is None:
        warn_without_offset(frame)
        return own
    if isinstance(given, str) and given == getattr(frame.design.recipe, "offset", None):
        raise ModelError(
            f"offset={given!r} was given to the fit and comes along with new rows by itself; "
            "predict() takes what is beyond it."
        )
    extra = like(alongside(given, "offset", new), template)
    return extra if own is None else own + extra


def warn_without_offset(frame: ModelFrame) -> None:
    """Warn of new rows for a model whose offset they do not bring along."""
    if not offset_alone(frame):
        return
    warn(
        "The model was fitted with offset= as numbers, which new rows do not bring along: they "
        "are predicted with 0 in its place. Give predict() theirs, offset=... (0 says that it is "
        "meant), or fit with the offset as a column, offset='name'.",
        StatdlWarning,
    )
