"""The names of the columns that tables for computing have: one word, one meaning, for every model.

They are broom's (Robinson, Hayes & Couch), so that code that reads its tables reads ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What each column holds; docs/columns.md shows the same table.
VOCABULARY: Mapping[str, str] = {
    # one row a coefficient, an effect or a prediction
    "term": "the coefficient, or the variable that is changed",
    "y.level": "the class of the response that a coefficient belongs to",
    "group": "the class of the response whose probability is meant",
    "contrast": "how the variable is changed: dY/dX, or what with what is compared",
    "rowid": "the row of the data, counted from 0",
    "estimate": "the estimated value",
    "std.error": "its standard error",
    "statistic": "estimate / standard error; of a whole fit the F statistic of all slopes",
    "p.value": "the two-sided p-value of the statistic",
    "conf.low": "the lower confidence limit",
    "conf.high": "the upper confidence limit",
    # one row a fit
    "r.squared": "the share of the variance explained",
    "adj.r.squared": "the same, adjusted for the number of coefficients",
    "sigma": "the residual standard error, √(RSS / residual degrees of freedom)",
    "df": "degrees of freedom of the F statistic's numerator",
    "edf": "coefficients in effect: their number, or less under a penalty",
    "logLik": "the log-likelihood, constants included (as R's logLik)",
    "AIC": "−2 logLik + 2 df, an estimated dispersion counted (as R's AIC)",
    "BIC": "−2 logLik + df log n, an estimated dispersion counted (as R's BIC)",
    "null.deviance": "the deviance of the model with an intercept only",
    "df.null": "its residual degrees of freedom",
    "deviance": "the deviance; for least squares the residual sum of squares",
    "df.residual": "residual degrees of freedom",
    "nobs": "rows with positive weight",
    # one row a row of the data
    ".fitted": "the fitted value; for several classes the probability of the class observed",
    ".se.fit": "its standard error",
    ".lower": "the lower limit of the interval asked for",
    ".upper": "the upper limit of the interval asked for",
    ".class": "the most probable class",
    ".probability": "its probability",
    ".resid": "the residual; for several classes 1 − .fitted",
    ".hat": "the leverage: the diagonal of the hat matrix",
    ".sigma": "the residual standard error without the row",
    ".cooksd": "Cook's distance",
    ".std.resid": "the residual divided by its standard error",
}


def vetted(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns whose names are all in the vocabulary.

    Raises
    ------
    ValueError
        For a name that is not: add it, with its meaning, or use one that is there.
    """
    unknown = [name for name in columns if name not in VOCABULARY]
    if unknown:
        raise ValueError(f"{unknown} are not in the vocabulary of columns")
    return dict(columns)


def documented() -> str:
    """Return the vocabulary as the Markdown table of docs/columns.md."""
    lines = (f"| `{name}` | {meaning} |" for name, meaning in VOCABULARY.items())
    return "\n".join(["| column | meaning |", "|---|---|", *lines])
