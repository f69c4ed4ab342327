"""Wald tests of linear hypotheses R θ = r, under any covariance.

    W = (R θ̂ − r)ᵀ (R V Rᵀ)⁻¹ (R θ̂ − r),

referred to χ² with as many degrees of freedom as there are hypotheses, k, or W/k to F where errors
refer to t. With the model's own covariance of a linear regression W/k is the F test of the residual
sums of squares with and without the hypotheses.

Reference: Wald (1943), Transactions of the American Mathematical Society 54, 426.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from statdl.errors import FormulaError, ModelError, NumericalError
from statdl.estimate import Estimate, Identification
from statdl.infer.arithmetic import (
    coefficient_labels,
    estimable_places,
    labelled_places,
    pieces,
    read,
)
from statdl.infer.covariance import covariance_root, reference_df
from statdl.infer.distribution import f_tail
from statdl.solve.iterate import Outcome

#: Share of its largest singular value below which a direction of a matrix counts as none.
RANK_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Hypotheses:
    """R θ = r over all coefficients: R (k, m q), r (k,), and each hypothesis in words."""

    matrix: Any
    value: Any
    texts: tuple[str, ...]


@dataclass(frozen=True)
class WaldTest:
    """χ² statistic of k hypotheses together, its k and the reference's degrees of freedom.

    ``note`` says why there is none, where the covariance has too few directions; else it is empty.
    """

    statistic: float
    df: int
    reference_df: float
    note: str = ""

    @property
    def f(self) -> float:
        """W/k."""
        return self.statistic / self.df

    @property
    def p_value(self) -> float:
        """P(F ≥ W/k), or P(χ² ≥ W) where errors refer to the normal."""
        return f_tail(self.f, self.df, self.reference_df)


@dataclass(frozen=True)
class Affine:
    """c + a·θ: what linear hypotheses are made of."""

    constant: float
    slopes: Any

    def __add__(self, other: Any) -> Affine:
        other = _affine(other, self.slopes)
        return Affine(self.constant + other.constant, self.slopes + other.slopes)

    __radd__ = __add__

    def __neg__(self) -> Affine:
        return Affine(-self.constant, -self.slopes)

    def __pos__(self) -> Affine:
        return self

    def __sub__(self, other: Any) -> Affine:
        return self + (-other)

    def __rsub__(self, other: Any) -> Affine:
        return -self + other

    def __mul__(self, other: Any) -> Affine:
        if isinstance(other, Affine):
            raise FormulaError("a product of coefficients is not linear in them; use delta().")
        return Affine(self.constant * other, self.slopes * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Affine:
        if isinstance(other, Affine):
            raise FormulaError("a ratio of coefficients is not linear in them; use delta().")
        if other == 0:
            raise FormulaError("a hypothesis divides by 0.")
        return self * (1 / other)

    def __rtruediv__(self, other: Any) -> Affine:
        raise FormulaError("a ratio of coefficients is not linear in them; use delta().")

    def __pow__(self, other: Any) -> Affine:
        raise FormulaError("a power of a coefficient is not linear in it; use delta().")

    __rpow__ = __pow__


def _affine(value: Any, slopes: Any) -> Affine:
    return value if isinstance(value, Affine) else Affine(float(value), 0 * slopes)


def hypotheses(estimate: Estimate, given: Any, value: Any = None) -> Hypotheses:
    """Return hypotheses from text, such as ``"wt = 0, hp = 2*wt"``, or from R and r.

    Raises
    ------
    FormulaError
        When the text cannot be read, or is not linear in the coefficients.
    ModelError
        When R and r do not have the shape of the coefficients, or a hypothesis names one that is
        not estimable.
    """
    labels = coefficient_labels(estimate)
    texts = [given] if isinstance(given, str) else given
    if not hasattr(given, "columns") and _are_words(texts):
        if value is not None:
            raise ModelError("The right-hand sides of hypotheses in words are in the words.")
        found = _read([one for text in texts for one in pieces(text, labels, ",")], labels)
    else:
        found = _from_matrix(_in_our_order(estimate, given), value, labels)
    return _checked(estimate, found, labels)


def _are_words(texts: Any) -> bool:
    sized = isinstance(texts, Iterable) and isinstance(texts, Sized)
    return sized and len(texts) > 0 and all(isinstance(text, str) for text in texts)


def _read(texts: Sequence[str], labels: Sequence[str]) -> Hypotheses:
    rows, values, words = [], [], []
    for text in texts:
        sides = [_form(side, labels) for side in pieces(text, labels, "=")]
        sides = sides if len(sides) > 1 else [*sides, _affine(0.0, np.zeros(len(labels)))]
        for left, right in pairwise(sides):
            rows.append(left.slopes - right.slopes)
            values.append(right.constant - left.constant)
            words.append(_in_words(rows[-1], values[-1], labels))
            if not rows[-1].any():
                raise FormulaError(f"the hypothesis `{text.strip()}` has no coefficient in it.")
    return Hypotheses(np.array(rows), np.array(values), tuple(words))


def _form(text: str, labels: Sequence[str]) -> Affine:
    axes = np.eye(len(labels))
    value = read(text, labels).walk(lambda k: Affine(0.0, axes[k]), {})
    return _affine(value, axes[0])


def _in_words(row: Any, value: float, labels: Sequence[str]) -> str:
    """Return a hypothesis with its coefficients on the left: ``hp - 2 wt = 0``."""
    text = ""
    for k in np.flatnonzero(row).tolist():
        size = "" if abs(row[k]) == 1 else f"{abs(row[k]):.6g} "
        sign = ("- " if row[k] < 0 else "+ ") if text else ("-" if row[k] < 0 else "")
        text += f"{' ' if text else ''}{sign}{size}{labels[k]}"
    return f"{text} = {value + 0.0:.6g}"


def _in_our_order(estimate: Estimate, given: Any) -> Any:
    """Return R as an array; the columns of a frame are read by their names."""
    names = getattr(given, "columns", None)
    if names is None:
        return given
    values = np.asarray(given, dtype=float)
    return values[:, labelled_places(estimate, names, "The columns of R")]


def _from_matrix(given: Any, value: Any, labels: Sequence[str]) -> Hypotheses:
    matrix, right = _numbers(given), None if value is None else _numbers(value)
    if not matrix.ndim or not matrix.size:
        raise ModelError(
            f"hypotheses={given!r}: give them in words, such as '{labels[-1]} = 0', or as a matrix "
            f"R with a column for each of the {len(labels)} coefficients ({', '.join(labels)})."
        )
    matrix = np.atleast_2d(matrix)
    if matrix.ndim != 2 or matrix.shape[1] != len(labels) or not np.isfinite(matrix).all():
        raise ModelError(
            f"R has the shape {np.shape(given)}; it needs a column for each of the {len(labels)} "
            "coefficients, and finite numbers."
        )
    right = np.zeros(len(matrix)) if right is None else np.atleast_1d(right)
    if right.shape != (len(matrix),):
        raise ModelError(f"r has {right.size} values for the {len(matrix)} rows of R.")
    if not np.isfinite(right).all():
        raise ModelError(f"r={value!r} has values that are no finite numbers.")
    words = (_in_words(row, one, labels) for row, one in zip(matrix, right, strict=True))
    return Hypotheses(matrix, right, tuple(words))


def _numbers(given: Any) -> Any:
    """Return an array of numbers; an empty one where something else was given."""
    try:
        return np.asarray(given, dtype=float) if given is not None else np.empty(0)
    except (TypeError, ValueError):
        return np.empty(0)


def _checked(estimate: Estimate, found: Hypotheses, labels: Sequence[str]) -> Hypotheses:
    kept = estimable_places(estimate)
    gone = [labels[k] for k in np.flatnonzero(found.matrix.any(axis=0)).tolist() if not kept[k]]
    if gone:
        raise ModelError(
            f"{', '.join(gone)} cannot be tested: not estimable, being a combination of other "
            "columns."
        )
    return found


def each(estimate: Estimate, found: Hypotheses) -> tuple[Any, Any]:
    """Return R θ̂ − r and its standard errors, (k,)."""
    values, half = _halves(estimate, found)
    return values, np.sqrt(np.sum(half * half, axis=1))


def together(estimate: Estimate, found: Hypotheses) -> WaldTest:
    """Return the joint test.

    Raises
    ------
    ModelError
        When hypotheses follow from one another, or contradict.
    NumericalError
        When the covariance has fewer directions than there are hypotheses.
    """
    if len(found.texts) > 1 and _rank(found.matrix) < len(found.texts):
        raise ModelError(
            "Some hypotheses follow from the others, or contradict them; leave them out: "
            f"{'; '.join(found.texts)}."
        )
    values, half = _halves(estimate, found)
    test = joint(values, half, reference_df(estimate))
    if test.note:
        raise NumericalError(test.note)
    return test


def joint(values: Any, half: Any, df: float) -> WaldTest:
    """Return the test that values with the covariance H Hᵀ are 0: values (k,), H (k, r).

    Its statistic is NaN, and its note says why, where the covariance has fewer directions than k.
    """
    lengths = np.sqrt(np.sum(half * half, axis=1))
    if not np.isfinite(lengths).all():
        return WaldTest(math.nan, len(values), df)
    if not (lengths > 0).all() or _rank(half) < len(values):
        note = (
            f"The covariance has fewer than {len(values)} directions, so that {len(values)} "
            "hypotheses cannot be tested together; there are too few clusters or refits for them."
        )
        return WaldTest(math.nan, len(values), df, note)
    z = np.linalg.lstsq(half / lengths[:, None], values / lengths, rcond=None)[0]
    return WaldTest(float(z @ z), len(values), df)


def _rank(matrix: Any) -> int:
    lengths = np.sqrt(np.sum(matrix * matrix, axis=1))
    scaled = matrix / np.where(lengths > 0, lengths, 1.0)[:, None]
    return int(np.linalg.matrix_rank(scaled, tol=RANK_TOLERANCE * len(matrix)))


def _halves(estimate: Estimate, found: Hypotheses) -> tuple[Any, Any]:
    if estimate.identification is Identification.SINGULAR:
        raise ModelError(
            "The weights of this network are not identified, so that there is no test of them."
        )
    if estimate.convergence.outcome is Outcome.SEPARATION:
        raise ModelError(f"There is no test of the weights. {estimate.convergence.notes[0]}")
    if not estimate.at_minimum:
        raise ModelError(
            f"The weights of this network are about {estimate.distance:.2g} standard errors from a "
            "minimum, which tests of them presume; train for longer, or use method='newton'."
        )
    R = found.matrix[:, estimable_places(estimate)]
    return R @ estimate.parameters - found.value, R @ covariance_root(estimate)


def slopes_test(estimate: Estimate) -> WaldTest:
    """Return the test that all slopes are 0."""
    first = int(estimate.objective.intercept)
    places = np.arange(estimate.rank).reshape(estimate.outputs, -1)[:, first:].reshape(-1)
    if not len(places):
        return WaldTest(math.nan, 0, reference_df(estimate))
    half = covariance_root(estimate)[places, :]
    return joint(estimate.parameters[places], half, reference_df(estimate))
