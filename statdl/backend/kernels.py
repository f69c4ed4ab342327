"""Kernels of a card that do in one launch what whole-array operations do in many.

Each is a formula in C, compiled when it is first used, and has its plain twin, which is the oracle
of its tests: the rules of :mod:`statdl.solve.rule`, the units and heads of
:mod:`statdl.model.kernel`. The formulas of rules are those of the kernel of a whole epoch as well
(:mod:`statdl.backend.epoch`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from statdl.lazy import lazy

cupy = lazy("cupy")

#: The numbers of a step of a rule, in the order in which kernels take them.
NUMBERS = ("rate", "keep", "fresh", "keep2", "fresh2", "epsilon", "decay")
#: What a step makes of a parameter w, given its gradient g and the rule's memory m and s.
RULES: Mapping[str, str] = MappingProxyType(
    {
        "sgd": "w -= rate * g;",
        "momentum": "m = keep * m + fresh * g; w -= rate * m;",
        "nesterov": "m = keep * m + fresh * g; w -= keep * m + fresh * g;",
        "scaled": "m = keep * m + fresh * g * g; w -= rate * g / sqrt(m + epsilon);",
        "adam": """
            w -= decay * decayed * w;
            m = keep * m + fresh * g;
            s = keep2 * s + fresh2 * g * g;
            w -= rate * m / (sqrt(s) + epsilon);
        """,
    }
)
#: How a hidden unit's derivative, times g, follows from its value a.
DERIVATIVES: Mapping[str, str] = MappingProxyType(
    {"relu": "a > 0 ? g : T(0)", "tanh": "g * (1 - a * a)", "sigmoid": "g * (a * (1 - a))"}
)
#: How the slope of one row's loss follows from one η and its y.
HEADS: Mapping[str, str] = MappingProxyType(
    {"gaussian": "eta - y", "binomial": "T(0.5) * tanh(T(0.5) * eta) + T(0.5) - y"}
)


@cache
def rule_kernel(name: str, memories: int) -> Any:
    """Return a step of a rule over flat vectors, in place: w and the memory are given last."""
    numbers = ", ".join(f"T {one}" for one in NUMBERS)
    moved = ", ".join(f"T {one}" for one in ("w", "m", "s")[: memories + 1])
    return cupy.ElementwiseKernel(
        f"T g, T decayed, {numbers}", moved, RULES[name], f"statdl_{name}"
    )


@cache
def step_kernel(name: str, memories: int) -> Any:
    """Return the same with numbers that the card finds: those of a step, in a table.

    Given g, decayed, the table (steps, numbers) and the step (1,).
    """
    numbers = ", ".join(f"{one} = numbers[row + {k}]" for k, one in enumerate(NUMBERS))
    moved = ", ".join(f"T {one}" for one in ("w", "m", "s")[: memories + 1])
    return cupy.ElementwiseKernel(
        "T g, T decayed, raw T numbers, raw int32 step",
        moved,
        f"const int row = step[0] * {len(NUMBERS)}; const T {numbers}; {RULES[name]}",
        f"statdl_{name}_step",
    )


@cache
def gather_kernel() -> Any:
    """Return what puts a batch's rows side by side: those of the order from step × batch on.

    Given a table (n, columns), the order (n,), the step (1,), batch and columns; the size of the
    launch is rows × columns.
    """
    return cupy.ElementwiseKernel(
        "raw T table, raw int64 order, raw int32 step, int32 batch, int32 columns",
        "raw T taken",
        """
        const long long row = order[(long long)step[0] * batch + i / columns];
        taken[i] = table[row * columns + i % columns];
        """,
        "statdl_gather",
    )


@cache
def keep_kernel() -> Any:
    """Return what keeps a batch's numbers with those of the epoch: from step × many on."""
    return cupy.ElementwiseKernel(
        "raw T values, raw int32 step, int32 many",
        "raw T kept",
        "kept[(long long)step[0] * many + i] = values[i];",
        "statdl_keep",
    )


@cache
def rounding_kernel() -> Any:
    """Return the 16 bits of the bfloat16 nearest to a number, of two as near the even one."""
    return cupy.ElementwiseKernel(
        "float32 x",
        "uint16 rounded",
        """
        union { float number; unsigned int bits; } held;
        held.number = x;
        const unsigned int even = (held.bits >> 16) & 1;
        rounded = x != x ? 0x7fc0 : (unsigned short)((held.bits + 0x7fff + even) >> 16);
        """,
        "statdl_bfloat16",
    )


@cache
def sigmoid_kernel() -> Any:
    """Return a = 1/(1 + e^−z), where an overflow of e^−z rightly ends as 0."""
    return cupy.ElementwiseKernel("T z", "T a", "a = 1 / (1 + exp(-z));", "statdl_sigmoid")


@cache
def derivative_kernel(name: str) -> Any:
    """Return what turns the gradient g in a unit's value a into that in its score, in place."""
    return cupy.ElementwiseKernel("T a", "T g", f"g = {DERIVATIVES[name]};", f"statdl_{name}_slope")


@cache
def head_kernel(name: str) -> Any:
    """Return ∂(mean loss)/∂η of a head whose η do not meet: from η, y, weight and share."""
    return cupy.ElementwiseKernel(
        "T eta, T y, T weight, T share",
        "T slope",
        f"slope = ({HEADS[name]}) * weight * share;",
        f"statdl_{name}_head",
    )


@cache
def softmax_kernel() -> Any:
    """Return ∂(mean loss)/∂η of the softmax whose reference is 0: a thread goes along a row.

    Given η and y (n, q), weights (n,) or one for all, their stride 1 or 0, share and q; the slope
    is (n, q), and the size of the launch is n.
    """
    return cupy.ElementwiseKernel(
        "raw T eta, raw T y, raw T weight, int32 stride, T share, int32 q",
        "raw T slope",
        """
        const long long row = (long long)i * q;
        const T factor = weight[i * stride] * share;
        T top = 0;
        for (int k = 0; k < q; ++k) top = eta[row + k] > top ? eta[row + k] : top;
        T total = exp(-top);
        for (int k = 0; k < q; ++k) total += exp(eta[row + k] - top);
        for (int k = 0; k < q; ++k)
            slope[row + k] = (exp(eta[row + k] - top) / total - y[row + k]) * factor;
        """,
        "statdl_softmax_head",
    )
