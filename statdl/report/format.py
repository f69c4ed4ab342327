"""Numbers as the text that people read in a summary.

One rule for what is not a number: ``None`` (not defined here, such as the F of a residual row)
is blank, NaN (not estimable, such as the coefficient of a redundant column) is ``NA``, and an
infinite value says ``inf``. Nothing prints as minus zero, and no p-value prints as a bare zero.

==============  =======================================  ==============================
function        rule                                     examples
==============  =======================================  ==============================
`number`        four decimals; else scientific           ``-3.1814``, ``3.214e-05``
`statistic`     three decimals; else scientific          ``40.527``, ``1.08e+06``
`significant`   a number of significant figures          ``152.5``, ``-71.235``
`integer`       no decimals where it is whole            ``32``, ``4.37``
`p_value`       three decimals; else below a bound       ``0.064``, ``<0.001``
`percent`       a share in hundredths                    ``97.5%``
==============  =======================================  ==============================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor, isfinite, isnan, log10
from typing import SupportsFloat

SMALLEST = 1e-3  # below this, and from LARGEST on, fixed decimals would hide or pad the digits
LARGEST = 1e5
UNDERFLOW = 1e-300  # a p-value that is zero in double precision is only known to be below this

Real = SupportsFloat | None


def number(x: Real, digits: int = 4) -> str:
    """Return a coefficient or standard error with ``digits`` decimals.

    At least two significant figures are shown: more decimals where ``digits`` would leave
    one figure, and scientific notation outside [0.001, 100000).

    Examples
    --------
    >>> number(-3.18140), number(0.0143, digits=3), number(0.00143, digits=3)
    ('-3.1814', '0.014', '0.0014')
    >>> number(3.2141e-5), number(1234567.0), number(-0.0), number(float("nan"))
    ('3.214e-05', '1.235e+06', '0.0000', 'NA')
    """
    if x is None:
        return ""
    x = float(x)
    if not isfinite(x):
        return _not_finite(x)
    size = abs(x)
    if x and not SMALLEST <= size < LARGEST:
        return f"{x:.{max(digits - 1, 0)}e}"
    decimals = max(digits, 1 - floor(log10(size))) if x else digits
    return f"{x:z.{decimals}f}"  # "z" makes a minus zero, which rounding may leave, a zero


def statistic(x: Real) -> str:
    """Return a test statistic or another quantity of ordinary size, with three decimals.

    Examples
    --------
    >>> statistic(-4.4205), statistic(1082345.0), statistic(None)
    ('-4.420', '1.08e+06', '')
    """
    return number(x, digits=3)


def significant(x: Real, figures: int = 4) -> str:
    """Return ``x`` with so many significant figures, whole digits never cut below 10 million.

    Meant for log-likelihoods, AIC, BIC and deviances, whose differences matter.

    Examples
    --------
    >>> significant(152.4699), significant(-71.2349, figures=5), significant(150034.2)
    ('152.5', '-71.235', '150034')
    """
    if x is None:
        return ""
    x = float(x)
    if not isfinite(x):
        return _not_finite(x)
    if x and not 1e-4 <= abs(x) < 1e7:
        return f"{x:.{figures - 1}e}"
    whole = floor(log10(abs(x))) if x else 0
    return f"{x:z.{max(figures - 1 - whole, 0)}f}"


def integer(x: Real) -> str:
    """Return a count or degrees of freedom; effective degrees of freedom keep two decimals.

    Examples
    --------
    >>> integer(32), integer(27.0), integer(4.368)
    ('32', '27', '4.37')
    """
    if x is None:
        return ""
    if isinstance(x, int):
        return str(x)
    x = float(x)
    if not isfinite(x):
        return _not_finite(x)
    return f"{x:z.0f}" if x == floor(x) else f"{x:z.2f}"


def p_value(p: Real, scientific: bool = False) -> str:
    """Return a p-value with three decimals, and a bound or scientific notation below 0.001.

    Examples
    --------
    >>> p_value(0.0634), p_value(1.24e-8), p_value(1.24e-8, scientific=True)
    ('0.063', '<0.001', '1.2e-08')
    >>> p_value(0.0, scientific=True)
    '<1e-300'
    """
    if p is None:
        return ""
    p = float(p)
    if not isfinite(p):
        return _not_finite(p)
    if p >= SMALLEST:
        return f"{p:.3f}"
    if not scientific:
        return "<0.001"
    return f"{p:.1e}" if p >= UNDERFLOW else "<1e-300"


def percent(x: Real, digits: int = 1) -> str:
    """Return a share between 0 and 1 in hundredths.

    Examples
    --------
    >>> percent(0.975), percent(0.95, digits=0)
    ('97.5%', '95%')
    """
    if x is None:
        return ""
    x = float(x)
    if not isfinite(x):
        return _not_finite(x)
    return f"{100 * x:z.{digits}f}%"


def text(x: object) -> str:
    """Return words as they are, and nothing for None."""
    return "" if x is None else str(x)


def automatic(x: object) -> str:
    """Return ``x`` by its type: whole numbers as integers, real ones as numbers, words as words."""
    if x is None or isinstance(x, (str, bool)):
        return text(x)
    if isinstance(x, int):
        return integer(x)
    return number(x) if isinstance(x, SupportsFloat) else str(x)


FORMATS: Mapping[str, Callable[..., str]] = {
    "number": number,
    "statistic": statistic,
    "significant": significant,
    "integer": integer,
    "p_value": p_value,
    "percent": percent,
    "text": text,
    "automatic": automatic,
}


def _not_finite(x: float) -> str:
    if isnan(x):
        return "NA"
    return "inf" if x > 0 else "-inf"
