"""Wald inference: standard errors, tests and intervals of single coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from statdl.estimate import Estimate, Identification
from statdl.infer.covariance import covariance_root
from statdl.infer.covariance import reference_df as reference_df
from statdl.infer.distribution import critical, two_sided


@dataclass(frozen=True)
class Coefficients:
    """The coefficient table as arrays of shape (m, q); NaN where not estimable.

    statistic = estimate / standard error, referred to t with ``df`` degrees of freedom where the
    dispersion is estimated, and to the normal (df = ∞) where it is known. There are no p-values
    where the estimate is no minimum, so that the statistic has no such reference.
    """

    estimate: Any
    standard_error: Any
    df: float
    tested: bool = True

    @cached_property
    def statistic(self) -> Any:
        """t or z values."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.estimate / self.standard_error

    @cached_property
    def p_value(self) -> Any:
        """Two-sided p-values."""
        return two_sided(self.statistic, self.df if self.tested else math.nan)

    def interval(self, level: float) -> tuple[Any, Any]:
        """Return lower and upper confidence limits."""
        half = critical(level, self.df) * self.standard_error
        return self.estimate - half, self.estimate + half


def coefficients(estimate: Estimate) -> Coefficients:
    """Return the coefficient table; weights that are not identified have no errors."""
    errors = np.sqrt(np.sum(covariance_root(estimate) ** 2, axis=1))
    errors[~np.any(estimate.root, axis=1)] = math.nan  # nothing to vary: the direction of one input
    if estimate.identification is Identification.SINGULAR:
        errors = np.full_like(errors, math.nan)
    if estimate.specification.plan is not None:  # a network without scatter tells no errors
        errors = np.where(errors > 0, errors, math.nan)
    return Coefficients(
        _values(estimate), estimate.full(errors), reference_df(estimate), estimate.at_minimum
    )


def _values(estimate: Estimate) -> Any:
    """Return every coefficient; a weight that is held has its value, and no error."""
    plan = estimate.specification.plan
    if plan is None or plan.fixed is None:
        return estimate.full(estimate.parameters)
    return estimate.all_parameters[:, None]
