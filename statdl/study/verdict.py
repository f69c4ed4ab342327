"""Too simple or too flexible: what errors on training rows and on rows held out tell.

With T_k the mean deviance of a candidate's training rows, V_k that of rows held out, p_k its
effective parameters and φ the noise of a row, both errors estimate noise + bias² + variance, but
T_k sees the variance with the other sign (Mallows 1973, Efron 2004): T_k + φ p_k/n ≈ noise + bias².

The chosen candidate c is the simplest whose validation error is within one standard error of the
smallest, V_*. The excess of any other comes apart,

    V_k − V_*  =  [ (T_k + φ p_k/n) − (T_c + φ p_c/n) ]  +  rest,

a part that shows in training already (bias) and the rest, which shows on new rows only (variance).
A candidate is worse than the best where the excess is two standard errors from 0, or one and also
a good part of V_*. Then a share of bias above a third counts as high bias, a share of variance
above a third as high variance. What is simpler than the chosen candidate and fits its own rows
worse is never overfitting by itself. In the words of errors,

    training low,    validation low     low bias and low variance
    training medium, validation medium  underfitting (high bias)
    training low,    validation medium  overfitting (high variance)
    training medium, validation high    high bias and high variance
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from statdl.errors import ModelError

#: A share of the excess above this is a part of its own.
LARGE = 1 / 3
#: An excess below this share of the best error is none, however many rows tell it from 0.
NEGLIGIBLE = 0.01
#: An excess above this share counts from one standard error on, others from two.
NOTABLE = 0.15

#: Why a candidate is too simple although its training error does not say it alone.
SIMPLER = "it is simpler than the one chosen and fits its own rows worse: it is too simple."

Vector = npt.NDArray[np.float64]


class Verdict(Enum):
    """What a candidate suffers from; values are the words for it."""

    NEITHER = "low bias, low variance"
    UNDERFITTING = "underfitting (high bias)"
    OVERFITTING = "overfitting (high variance)"
    BOTH = "high bias and high variance"


@dataclass(frozen=True)
class Errors:
    """What is known of a candidate: errors by row, and its size.

    Shapes
    ------
    training : (n,) unit deviances of the rows it was fitted to
    validation : (m,) of rows held out, the same rows for every candidate
    training_weights, validation_weights : (n,) and (m,)
    """

    training: Vector
    validation: Vector
    training_weights: Vector
    validation_weights: Vector
    df: float

    @property
    def training_error(self) -> float:
        """T, the mean deviance of a training row."""
        return mean(self.training, self.training_weights)

    @property
    def validation_error(self) -> float:
        """V, the mean deviance of a row held out."""
        return mean(self.validation, self.validation_weights)

    @property
    def standard_error(self) -> float:
        """The standard error of V."""
        return mean_error(self.validation, self.validation_weights)


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reasons.

    ``excess`` is V_k − V_*, with its standard error from the differences of the same rows;
    ``bias`` and ``variance`` are its two parts.
    """

    verdict: Verdict
    excess: float
    excess_error: float
    bias: float
    variance: float
    reason: str

    @property
    def good(self) -> bool:
        """Whether it is as good as the best candidate."""
        return self.verdict is Verdict.NEITHER


@dataclass(frozen=True)
class Judged:
    """The verdict on every candidate, which is chosen, and which has the smallest error."""

    judgements: tuple[Judgement, ...]
    chosen: int
    lowest: int


def judge(
    candidates: Sequence[Errors],
    sizes: Sequence[float],
    noise: float | None = None,
    rounding: float = 0.0,
) -> Judged:
    """Return the verdict on every candidate, and the choice.

    Parameters
    ----------
    candidates : sequence of Errors
        Errors by row.
    sizes : sequence of float
        What makes one candidate simpler than another.
    noise : float, optional
        φ where the family knows it (1 for counts and classes); else the best validation error
        stands for it.
    rounding : float
        An error of no more than this is none.

    Raises
    ------
    ModelError
        Where no candidate has a finite error on rows held out.

    Examples
    --------
    >>> def errors(training, validation, df):
    ...     each = np.ones(50), np.ones(50)
    ...     return Errors(training * each[0], validation * each[0], *each, df)
    >>> found = judge([errors(2.0, 2.1, 1), errors(1.0, 1.1, 3), errors(0.5, 3.0, 20)], (1, 3, 20))
    >>> [one.verdict.name for one in found.judgements]
    ['UNDERFITTING', 'NEITHER', 'OVERFITTING']
    """
    lowest = least(candidates)
    best = candidates[lowest]
    if not math.isfinite(best.validation_error):
        raise ModelError(
            "No setting has a finite error on rows held out: what the fits predict there is no "
            "mean of the family. Use a link whose means are all possible, such as link='log', or "
            "other inputs."
        )
    excesses = [_excess(one, best, rounding) for one in candidates]
    chosen = simplest(sizes, [excess.none for excess in excesses])
    phi = best.validation_error if noise is None else noise
    judgements = tuple(
        _judgement(one, excess, best, candidates[chosen], phi, size < sizes[chosen])
        for one, excess, size in zip(candidates, excesses, sizes, strict=True)
    )
    return Judged(judgements, chosen, lowest)


def least(candidates: Sequence[Errors]) -> int:
    """Return which candidate has the smallest validation error that is a number."""
    errors = [one.validation_error for one in candidates]
    return min(range(len(errors)), key=lambda k: errors[k] if errors[k] == errors[k] else math.inf)


def simplest(sizes: Sequence[float], good: Sequence[bool]) -> int:
    """Return the candidate of the smallest size among those as good as the best.

    Reference: the one-standard-error rule of Breiman, Friedman, Olshen & Stone (1984), §3.4.3,
    with the standard error of the difference.
    """
    return min((k for k, one in enumerate(good) if one), key=lambda k: (sizes[k], k))


@dataclass(frozen=True)
class Excess:
    """How far a validation error is above the best, with the standard error of that."""

    value: float
    error: float
    share: float  # of the best error

    @property
    def none(self) -> bool:
        """Whether it is within one standard error of nothing."""
        return self.value <= self.error or self.share <= NEGLIGIBLE

    @property
    def clear(self) -> bool:
        """Whether the candidate is worse than the best."""
        doubt = 1.0 if self.share > NOTABLE else 2.0
        return not self.none and not self.value <= doubt * self.error


def _excess(one: Errors, best: Errors, rounding: float) -> Excess:
    if one.validation_error <= rounding:
        return Excess(0.0, 0.0, 0.0)
    value = one.validation_error - best.validation_error
    with np.errstate(invalid="ignore", over="ignore"):
        error = mean_error(one.validation - best.validation, one.validation_weights)
    share = value / best.validation_error if best.validation_error > 0 else math.inf
    return Excess(value, error, 0.0 if value == 0 else share)


def _judgement(
    one: Errors, excess: Excess, best: Errors, chosen: Errors, phi: float, simpler: bool
) -> Judgement:
    value, error = excess.value, excess.error
    if not math.isfinite(value):
        reason = "Its errors on rows held out are beyond all bounds."
        return Judgement(Verdict.OVERFITTING, math.inf, math.nan, 0.0, math.inf, reason)
    if not excess.clear:
        return Judgement(Verdict.NEITHER, value, error, 0.0, 0.0, _as_good(one, best, excess))
    bias = min(max(_corrected(one, phi) - _corrected(chosen, phi), 0.0), value)
    if one.training_error <= chosen.training_error:
        bias = 0.0  # what fits its own rows better than the chosen one is not too simple
    share = bias / value
    if simpler and share < LARGE and one.training_error > chosen.training_error:
        # rows held out are few, or odd: what is simpler and fits worse does not follow the noise
        reason = f"{_told(one, value, error)}; {SIMPLER}"
        return Judgement(Verdict.UNDERFITTING, value, error, bias, value - bias, reason)
    reason = _reason(one, value, error, share)
    return Judgement(_verdict(share), value, error, bias, value - bias, reason)


def _corrected(one: Errors, phi: float) -> float:
    """Return T + φ p/n: noise + bias². Unknown parameters correct nothing."""
    optimism = phi * one.df / len(one.training) if math.isfinite(one.df) else 0.0
    return one.training_error + optimism


def _verdict(share: float) -> Verdict:
    if share > 1 - LARGE:
        return Verdict.UNDERFITTING
    return Verdict.OVERFITTING if share < LARGE else Verdict.BOTH


def _as_good(one: Errors, best: Errors, excess: Excess) -> str:
    if one is best:
        return "The smallest error on rows held out."
    near = "Within one standard error of" if excess.none else "Not clearly above"
    return f"{near} the best on rows held out ({excess.value:+.3g})."


def _told(one: Errors, excess: float, error: float) -> str:
    far = f"{excess / error:.1f} standard errors" if error > 0 else "without any doubt"
    return (
        f"On rows held out its error is {one.validation_error:.3g}, {excess:.2g} above the best "
        f"({far})"
    )


def _reason(one: Errors, excess: float, error: float, share: float) -> str:
    told = _told(one, excess, error)
    if share > 1 - LARGE:
        return f"{told}; {share:.0%} of that shows in training already: it is too simple."
    if share < LARGE:
        return f"{told}; its training error is only {one.training_error:.3g}: it follows the noise."
    return f"{told}; {share:.0%} of that shows in training, the rest on new rows only."


def mean(values: Vector, weights: Vector) -> float:
    """Return the weighted mean."""
    with np.errstate(invalid="ignore", over="ignore"):
        return float(weights @ values / weights.sum())


def mean_error(values: Vector, weights: Vector) -> float:
    """Return the standard error of a weighted mean of independent values."""
    if len(values) < 2:
        return math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        centred = weights * (values - mean(values, weights))
        square = float(centred @ centred)
    rows = len(values)
    return float(math.sqrt(rows / (rows - 1) * square) / weights.sum())
