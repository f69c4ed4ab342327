"""Tail probabilities and quantiles of the reference distributions.

df = ∞ means the normal in place of t and χ²/k in place of F.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.special import host
from statdl.errors import ModelError
from statdl.kinds import is_number


def two_sided(statistic: Any, df: float) -> Any:
    """Return P(|T| ≥ |statistic|) for t with df degrees of freedom."""
    below = -np.abs(statistic)
    if math.isinf(df):
        return 2 * host("ndtr")(below)
    return 2 * host("stdtr")(df, below)


def critical(level: float, df: float) -> float:
    """Return the quantile that makes a two-sided interval of the given level."""
    upper = 0.5 + check_level(level) / 2
    if math.isinf(df):
        return float(host("ndtri")(upper))
    return float(host("stdtrit")(df, upper)) if df > 0 else math.nan


def normal_quantile(share: Any) -> Any:
    """Return Φ⁻¹, −∞ and ∞ at 0 and 1."""
    return host("ndtri")(share)


def normal_cdf(value: Any) -> Any:
    """Return Φ."""
    return host("ndtr")(value)


def chi2_tail(statistic: float, df: float) -> float:
    """Return P(χ² ≥ statistic)."""
    if not df > 0 or math.isnan(statistic):
        return math.nan
    return float(host("chdtrc")(df, max(statistic, 0.0)))


def f_tail(statistic: float, df1: float, df2: float) -> float:
    """Return P(F ≥ statistic)."""
    if not (df1 > 0 and df2 > 0) or math.isnan(statistic):
        return math.nan
    if math.isinf(df2):
        return chi2_tail(statistic * df1, df1)
    return float(host("fdtrc")(df1, df2, max(statistic, 0.0)))


def check_level(level: float) -> float:
    """Return a confidence level, or raise when it is not between 0 and 1."""
    if is_number(level) and 0 < level < 1:
        return float(level)
    given: Any = level
    hint = ""
    if isinstance(given, str) and not given[:1].isdigit():
        hint = f" A coefficient is chosen by parm={given!r}."
    elif is_number(given) and 1 < given < 100:
        hint = f" Write {given / 100:g} for {given:g} %."
    raise ModelError(f"level must lie between 0 and 1, such as 0.95; it is {given!r}.{hint}")
