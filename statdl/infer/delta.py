"""The delta method: errors of what is made of coefficients, by derivatives carried forward.

    se(g(θ̂)) = √(∇gᵀ V ∇g)

∇g comes from dual numbers, a value with its gradient, which every operation and every allowed
function carries along exactly; nothing is evaluated but the tree that was read.

Reference: Griewank & Walther (2008), Evaluating Derivatives, ch. 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.errors import FormulaError, ModelError, NumericalError
from statdl.estimate import Estimate, Identification
from statdl.infer.arithmetic import (
    Arithmetic,
    coefficient_labels,
    estimable_places,
    pieces,
    read,
)
from statdl.infer.covariance import covariance_root, reference_df
from statdl.infer.wald import Coefficients


@dataclass(frozen=True)
class Dual:
    """A value g and its gradient ∇g, (P,)."""

    value: float
    gradient: Any

    def through(self, value: float, slope: float) -> Dual:
        """Return h(g) with h's value and slope at g."""
        return Dual(value, slope * self.gradient)

    def __add__(self, other: Any) -> Dual:
        other = self._like(other)
        return Dual(self.value + other.value, self.gradient + other.gradient)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.gradient)

    def __pos__(self) -> Dual:
        return self

    def __sub__(self, other: Any) -> Dual:
        return self + (-other)

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __mul__(self, other: Any) -> Dual:
        other = self._like(other)
        return Dual(
            self.value * other.value, self.value * other.gradient + other.value * self.gradient
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        other = self._like(other)
        ratio = self.value / other.value
        return Dual(ratio, (self.gradient - ratio * other.gradient) / other.value)

    def __rtruediv__(self, other: Any) -> Dual:
        return self._like(other) / self

    def __pow__(self, other: Any) -> Dual:
        if not isinstance(other, Dual):
            return self.through(_power(self.value, other), other * _power(self.value, other - 1))
        return exp(other * log(self))

    def __rpow__(self, other: Any) -> Dual:
        return exp(self * math.log(other))

    def _like(self, other: Any) -> Dual:
        return other if isinstance(other, Dual) else Dual(float(other), 0 * self.gradient)


def _power(base: float, exponent: float) -> float:
    power = base**exponent
    if isinstance(power, complex):
        raise ValueError("a root of a negative number")
    return float(power)


def _lifted(value: Callable[[float], float], slope: Callable[[float], float]) -> Callable[..., Any]:
    """Return a function of numbers as one of dual numbers too."""

    def lifted(x: Any) -> Any:
        return x.through(value(x.value), slope(x.value)) if isinstance(x, Dual) else value(x)

    return lifted


exp = _lifted(math.exp, math.exp)
log = _lifted(math.log, lambda x: 1 / x)

#: Functions of formulas that have a derivative wherever they have a value.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": exp,
    "log": log,
    "sqrt": _lifted(math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "square": _lifted(lambda x: x * x, lambda x: 2 * x),
    "log2": _lifted(math.log2, lambda x: 1 / (x * math.log(2))),
    "log10": _lifted(math.log10, lambda x: 1 / (x * math.log(10))),
    "log1p": _lifted(math.log1p, lambda x: 1 / (1 + x)),
    "expm1": _lifted(math.expm1, math.exp),
    "sin": _lifted(math.sin, math.cos),
    "cos": _lifted(math.cos, lambda x: -math.sin(x)),
    "tan": _lifted(math.tan, lambda x: 1 + math.tan(x) ** 2),
    "arctan": _lifted(math.atan, lambda x: 1 / (1 + x * x)),
    "sinh": _lifted(math.sinh, math.cosh),
    "cosh": _lifted(math.cosh, math.sinh),
    "tanh": _lifted(math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "abs": _lifted(abs, lambda x: math.copysign(1.0, x)),
}


@dataclass(frozen=True)
class Derived:
    """Quantities made of coefficients, with their inference as arrays of shape (k, 1)."""

    texts: tuple[str, ...]
    inference: Coefficients


def derived(estimate: Estimate, expressions: str | Sequence[str]) -> Derived:
    """Return expressions in the coefficients with their errors.

    Raises
    ------
    FormulaError
        When an expression cannot be read, or calls what is not a listed function.
    NumericalError
        When it has no value, or no slope, at the estimate.
    """
    if estimate.identification is Identification.SINGULAR:
        raise ModelError("The weights of this network are not identified, and neither is this.")
    labels = coefficient_labels(estimate)
    given = [expressions] if isinstance(expressions, str) else list(expressions)
    texts = [one for text in given for one in pieces(text, labels, ",")]
    duals = [_value(estimate, read(text, labels)) for text in texts]
    root = covariance_root(estimate)
    errors = [float(np.sqrt(np.sum((dual.gradient @ root) ** 2))) for dual in duals]
    values = np.array([[dual.value] for dual in duals])
    inference = Coefficients(
        values, np.array(errors)[:, None], reference_df(estimate), estimate.at_minimum
    )
    return Derived(tuple(text.strip() for text in texts), inference)


def _value(estimate: Estimate, expression: Arithmetic) -> Dual:
    kept = estimable_places(estimate)
    places = np.cumsum(kept) - 1
    axes = np.eye(estimate.rank)

    def at(k: int) -> Dual:
        if not kept[k]:
            name = coefficient_labels(estimate)[k]
            raise ModelError(f"{name} is not estimable, being a combination of other columns.")
        return Dual(float(estimate.parameters[places[k]]), axes[places[k]])

    try:
        found = expression.walk(at, FUNCTIONS)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        if isinstance(error, FormulaError | ModelError):
            raise
        raise NumericalError(
            f"`{expression.text}` has no value, or no slope, at the estimate: a logarithm or root "
            "of a number that is not positive, a division by 0, or a number too large."
        ) from None
    if not isinstance(found, Dual):
        raise FormulaError(f"`{expression.text}` has no coefficient in it.")
    return found
