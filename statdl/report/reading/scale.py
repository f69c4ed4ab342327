"""How a coefficient is read: as a difference of means, as a ratio, or on the scale of the link."""

from __future__ import annotations

import math
from dataclasses import dataclass

from statdl.estimate import Estimate
from statdl.report.reading.outcome import event, mean
from statdl.report.reading.words import compared, factor, interval, p_words, percent


@dataclass(frozen=True)
class Scale:
    """What a coefficient changes, and whether it multiplies it."""

    subject: str
    ratio: bool = False
    plural: bool = False

    @property
    def verb(self) -> str:
        """To be, in the number of the subject."""
        return "are" if self.plural else "is"


@dataclass(frozen=True)
class Slope:
    """A coefficient with its limits and p-value; ``held`` tells of other terms in the model."""

    estimate: float
    low: float
    high: float
    p: float
    held: bool


def scale_of(estimate: Estimate, label: str = "") -> Scale:
    """Return the scale of the coefficients; ``label`` is the class they belong to."""
    family = estimate.family
    if label:
        reference = estimate.specification.levels[0]
        return Scale(f"the odds of {label} rather than {reference}", True, True)
    link = family.link.name
    if (family.name, link) == ("binomial", "logit"):
        return Scale(event(estimate, "the odds"), True, True)
    if (family.name, link) == ("binomial", "cloglog"):
        return Scale(f"−log(1 − p), p being {event(estimate)},", True)
    if link == "log":
        return Scale(mean(estimate), True)
    if link == "identity":
        return Scale(mean(estimate))
    return Scale(f"the {link} of {mean(estimate)}")


def slope_sentence(scale: Scale, when: str, slope: Slope, level: float) -> str:
    """Return what a coefficient says, ``when`` being what changes.

    Examples
    --------
    >>> found = Slope(-0.018, -0.037, 0.001, 0.064, True)
    >>> print(slope_sentence(Scale("the mean of mpg"), "for each unit of hp", found, 0.95))
    For each unit of hp, the other terms held equal, the mean of mpg is estimated to be lower by
    0.0180, but the 95 % interval of the difference, −0.0370 to 0.00100, includes 0 (p = 0.064): at
    the 5 % level the data are compatible with no difference.
    """
    start = f"{when[:1].upper()}{when[1:]}"
    start += ", the other terms held equal," if slope.held else ","
    limits = _limits(scale, slope)
    of = "ratio" if scale.ratio else "difference"
    if slope.p < 1 - level:
        changed = _changed(scale, slope.estimate, scale.verb)
        return (
            f"{start} {scale.subject} {changed} ({percent(level)} interval of the {of} {limits}, "
            f"{p_words(slope.p)})."
        )
    changed = _changed(scale, slope.estimate, f"{scale.verb} estimated to be")
    return (
        f"{start} {scale.subject} {changed}, but the {percent(level)} interval of the {of}, "
        f"{limits}, includes {1 if scale.ratio else 0} ({p_words(slope.p)}): at the "
        f"{percent(1 - level)} level the data are compatible with no difference."
    )


def shrunk_sentence(scale: Scale, when: str, slope: Slope, shrunk: bool = True) -> str:
    """Return what a coefficient without a test says: its direction and size."""
    start = f"{when[:1].upper()}{when[1:]}"
    start += ", the other terms held equal," if slope.held else ","
    if shrunk and slope.estimate == 0:
        same = f"{start} {scale.subject} {scale.verb} the same"
        return f"{same}: the penalty has made the coefficient 0."
    changed = _changed(scale, slope.estimate, scale.verb)
    return f"{start} {scale.subject} {changed}{', after shrinkage' if shrunk else ''}."


def _limits(scale: Scale, slope: Slope) -> str:
    if not scale.ratio:
        return interval(slope.low, slope.high)
    return f"{factor(_power(slope.low))} to {factor(_power(slope.high))}"


def _changed(scale: Scale, change: float, verb: str) -> str:
    if scale.ratio:
        return f"{verb} multiplied by {factor(_power(change))}"
    return f"{verb} {compared(change)}"


def _power(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf
