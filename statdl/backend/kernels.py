"""Kernels of a card that do in one pass what whole-array operations do in many.

Each has its plain twin, which is the oracle of its tests: :class:`~statdl.solve.rule.Adam` here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from statdl.lazy import lazy

cupy = lazy("cupy")


@cache
def adam_kernel() -> Any:
    """Return a step of Adam or AdamW over flat vectors, in place: w, m and s are given last."""
    return cupy.ElementwiseKernel(
        "T g, T decayed, T rate, T beta1, T beta2, T epsilon, T decay",
        "T w, T m, T s",
        """
        w -= decay * decayed * w;
        m = beta1 * m + (T(1) - beta1) * g;
        s = beta2 * s + (T(1) - beta2) * g * g;
        w -= rate * m / (sqrt(s) + epsilon);
        """,
        "statdl_adam",
    )
