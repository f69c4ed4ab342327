"""How the tests compare numbers with a reference.

Numbers agree when they do so to 1e-8 relative. What is a difference of large numbers (a residual
near 0, a coefficient far below its standard error) is no more accurate than those, and so is
measured against a ``scale``: it may be off by 1e-9 of it. Tail probabilities magnify the last
digits of the statistic they come from (p falls like exp(−t²/2), so that its relative error is t²
times that of t) and are therefore compared by their logarithms.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

#: Below this a double is no longer normal, and libraries stop at different points.
SMALLEST_P = 1e-300


def agree(actual: Any, expected: Any, *, rtol: float = 1e-8, scale: Any = 0.0) -> None:
    """Assert that numbers agree to ``rtol``, or to 1e-9 of ``scale``; NaN meets NaN."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    allowed = rtol * np.abs(expected) + 1e-9 * np.nan_to_num(np.abs(np.asarray(scale, float)))
    with np.errstate(invalid="ignore"):
        off = (actual != expected) & (np.abs(actual - expected) > allowed)
    assert not off.any(), (
        f"{actual[off]}\nis not\n{expected[off]}\nrelative difference "
        f"{np.max(np.abs(actual - expected)[off] / np.abs(expected[off])):.2g}"
    )


def agree_in_size(actual: Any, expected: Any, *, rtol: float = 1e-8) -> None:
    """Assert that numbers of one array agree to ``rtol``, or to 1e-9 of the largest of them."""
    expected = np.asarray(expected, dtype=float)
    agree(actual, expected, rtol=rtol, scale=np.nanmax(np.abs(expected), initial=0.0))


def agree_p(actual: Any, expected: Any, *, rtol: float = 1e-8) -> None:
    """Assert that p-values agree: log p to ``rtol``, relative, or absolute where p is near 1."""
    ours, theirs = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    log, expected_log = (np.log(np.maximum(p, SMALLEST_P)) for p in (ours, theirs))
    agree(log, expected_log, rtol=rtol, scale=1e9 * rtol)


def digits(actual: Any, expected: Any) -> float:
    """Return the log relative error: how many digits the worst of some numbers has right."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    error = np.abs(actual - expected) / np.where(expected == 0, 1.0, np.abs(expected))
    return float(-np.log10(max(np.max(error), 1e-15)))


def exact_least_squares(A: Any, y: Any) -> np.ndarray:
    """Return argmin ‖y − A β‖ for the doubles in A and y, by rational arithmetic."""
    rows = [[Fraction(float(value)) for value in row] for row in np.column_stack([A, y])]
    columns = list(zip(*rows, strict=True))
    size = len(columns) - 1
    work = [[_dot(one, other) for other in columns] for one in columns[:size]]
    for k in range(size):
        pivot = work[k][k]
        work[k] = [value / pivot for value in work[k]]
        for i in set(range(size)) - {k}:
            factor = work[i][k]
            work[i] = [a - factor * b for a, b in zip(work[i], work[k], strict=True)]
    return np.array([float(row[-1]) for row in work])


def _dot(one: Any, other: Any) -> Fraction:
    return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))
