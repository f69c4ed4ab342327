"""Columns whose squares leave the range of their floating-point numbers.

Variances are sums of squares: a column in units of 1e160 has an XᵀX that overflows, and one in
units of 1e−160 an XᵀX of 0. Nothing sound can be said of either in these units, and both are fine
in others, so they are refused before they are taken for constants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from statdl.backend.array import Array, namespace, overflow_allowed
from statdl.backend.linalg import Factor
from statdl.backend.rows import Rows
from statdl.errors import DataError


def refuse_extreme_units(rows: Rows, factor: Factor | None, names: Sequence[str]) -> None:
    """Raise where the squares of a column of X, or of y, over- or underflow.

    The factor's scale, √ of the diagonal of XᵀWX, tells at no cost that all is well.
    """
    smallest, largest = _safe(rows.template)
    if factor is None or not _within(factor.scale, smallest, largest):
        X = rows.representatives().X
        for j, name in enumerate(names):
            _refuse(_size(X[:, j]), f"Column '{name}'", smallest, largest, rows.precision)
    _refuse(rows.largest, "The response", smallest, largest, rows.precision)


def _safe(X: Array) -> tuple[float, float]:
    """Return the range of magnitudes whose squares, and sums of many of them, are normal."""
    limits = namespace(X).finfo(X.dtype)
    root = math.sqrt(float(limits.smallest_normal) / float(limits.eps))
    return root * 16, math.sqrt(float(limits.max)) / 1e5


def _within(scale: Array, smallest: float, largest: float) -> bool:
    xp = namespace(scale)
    return bool(xp.all((scale > 1e3 * smallest) & (scale < largest)))


def _size(column: Array) -> float:
    if not math.prod(column.shape):
        return 0.0
    xp = namespace(column)
    with overflow_allowed():
        return float(xp.max(xp.abs(column)))


def _refuse(size: float, what: str, smallest: float, largest: float, precision: str) -> None:
    if size == 0 or smallest < size < largest or not math.isfinite(size):
        return
    power = math.floor(math.log10(size))
    raise DataError(
        f"{what} has values up to {size:.3g} in size, whose squares leave the range of "
        f"{precision}; measure it in other units, such as "
        f"those of 1e{power:+d} (divide by 1e{power:+d})."
    )
