"""Numbers, p-values and intervals as parts of a sentence.

What may be said of a test at level 1 − α: where p < α, that the data speak against the hypothesis;
else, that they are compatible with it, which is not that it holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from statdl.report.format import significant


@dataclass(frozen=True)
class Reading:
    """What is said of a subject, such as a variable."""

    subject: str
    text: str


def value(x: float, figures: int = 3) -> str:
    """Return a number with a true minus sign.

    Examples
    --------
    >>> value(-3.87831), value(0.00012345), value(152340.7)
    ('−3.88', '0.000123', '152341')
    """
    return significant(x, figures).replace("-", "−")


def factor(x: float) -> str:
    """Return a ratio with enough digits to tell it from 1.

    Examples
    --------
    >>> factor(1.00587), factor(0.9993), factor(4.9351), factor(0.000309)
    ('1.0059', '0.99930', '4.94', '0.000309')
    """
    if not 0.5 < x < 2 or x == 1:
        return value(x)
    return f"{x:.{min(8, max(2 + (x < 1), 1 - math.floor(math.log10(abs(x - 1)))))}f}"


def percent(share: float) -> str:
    """Return a share in hundredths.

    Examples
    --------
    >>> percent(0.95), percent(0.8267)
    ('95 %', '82.7 %')
    """
    return f"{100 * share:.3g} %"


def p_words(p: float) -> str:
    """Return a p-value with its sign.

    Examples
    --------
    >>> p_words(0.0123), p_words(1e-9), p_words(0.4999)
    ('p = 0.012', 'p < 0.001', 'p = 0.50')
    """
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.2f}" if p >= 0.0995 else f"p = {p:.3f}"


def interval(low: float, high: float) -> str:
    """Return two limits.

    Examples
    --------
    >>> interval(-5.172, -2.584)
    '−5.17 to −2.58'
    """
    return f"{value(low)} to {value(high)}"


def degrees(*df: float) -> str:
    """Return degrees of freedom, effective ones with their decimals.

    Examples
    --------
    >>> degrees(2, 29.0), degrees(3.4567)
    ('2, 29', '3.46')
    """
    return ", ".join(f"{one:.0f}" if one == round(one) else f"{one:.2f}" for one in df)


def listed(words: Sequence[object], last: str = "and") -> str:
    """Return words with commas, and a word before the last.

    Examples
    --------
    >>> listed(["wt"]), listed(["wt", "hp", "cyl"])
    ('wt', 'wt, hp and cyl')
    """
    texts = [str(word) for word in words]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def counted(count: float, singular: str, plural: str = "") -> str:
    """Return a number of things.

    Examples
    --------
    >>> counted(1, "row"), counted(1681, "row")
    ('1 row', '1,681 rows')
    """
    word = singular if count == 1 else plural or f"{singular}s"
    return f"{count:,g} {word}" if count != round(count) else f"{count:,.0f} {word}"


def compared(change: float) -> str:
    """Return which way and how far something differs.

    Examples
    --------
    >>> compared(-3.878), compared(0.5), compared(0.0)
    ('lower by 3.88', 'higher by 0.500', 'the same')
    """
    if change == 0:
        return "the same"
    return f"{'lower' if change < 0 else 'higher'} by {value(abs(change))}"


def against(p: float, level: float, hypothesis: str) -> str:
    """Return what a test says of a hypothesis, a clause that begins with "that".

    Examples
    --------
    >>> against(0.001, 0.95, "that the slope is 0")
    'the data speak against the hypothesis that the slope is 0'
    >>> against(0.2, 0.95, "that the slope is 0")
    'at the 5 % level the data are compatible with the hypothesis that the slope is 0'
    """
    if math.isnan(p):
        return f"there is no test of the hypothesis {hypothesis}"
    if p < 1 - level:
        return f"the data speak against the hypothesis {hypothesis}"
    return (
        f"at the {percent(1 - level)} level the data are compatible with the hypothesis "
        f"{hypothesis}"
    )


def sentence(text: str) -> str:
    """Return text that begins with a capital letter."""
    return text[:1].upper() + text[1:]
