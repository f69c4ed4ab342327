"""The sentences of a fit."""

from __future__ import annotations

from statdl.infer.distribution import check_level
from statdl.infer.goodness import Goodness
from statdl.report.reading.network import network_readings
from statdl.report.reading.regression import regression_readings
from statdl.report.reading.words import Reading


def fit_readings(goodness: Goodness, level: float = 0.95) -> tuple[Reading, ...]:
    """Return what a fit says, subject by subject, at a confidence level.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> print(fit_readings(fit.goodness)[2].text)
    For each additional unit of wt, the mean of mpg is lower by 5.34 (95 % interval of the
    difference −6.49 to −4.20, p < 0.001).
    """
    check_level(level)
    if goodness.estimate.specification.plan is not None:
        return network_readings(goodness, level)
    return regression_readings(goodness, level)
