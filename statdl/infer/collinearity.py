"""Variance inflation: how much of a coefficient's variance the other columns are to blame for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.estimate import Estimate


@dataclass(frozen=True)
class Inflation:
    """Generalised variance inflation factors of the terms of a model."""

    terms: tuple[str, ...]
    gvif: Any
    df: Any

    @property
    def per_coefficient(self) -> Any:
        """GVIF^(1/(2 df)), which compares between terms: the widening of an interval."""
        return self.gvif ** (1 / (2 * self.df))


def inflation(estimate: Estimate, covariance: Any) -> Inflation:
    """Return each term's generalised variance inflation factor.

        GVIF = det R₁₁ det R₂₂ / det R,

    with R the correlation matrix of the coefficients without the intercept, R₁₁ that of the term's
    and R₂₂ that of the others (Fox & Monette 1992). For a term of one column it is the VIF,
    1 / (1 − R²) of that column on the others. ``covariance`` is that of the coefficients, (P, P).

    Raises
    ------
    ModelError
        With fewer than two terms, several linear predictors, or aliased coefficients.
    """
    groups = _terms(estimate)
    if estimate.outputs > 1 or estimate.specification.plan is not None:
        raise ModelError("vif() is for models with one linear predictor.")
    if not all(estimate.kept):
        names = estimate.specification.coefficient_names
        aliased = [name for name, kept in zip(names, estimate.kept, strict=True) if not kept]
        raise ModelError(
            f"vif() needs every coefficient to be estimable; {', '.join(aliased)} "
            f"{'are' if len(aliased) > 1 else 'is'} not: leave the column out of the model."
        )
    if len(groups) < 2:
        raise ModelError("vif() compares terms with each other, and the model has fewer than two.")
    first = int(estimate.objective.intercept)
    slopes = covariance[first:, first:]
    errors = np.sqrt(np.diagonal(slopes))
    correlation = slopes / errors[:, None] / errors[None, :]
    names, columns = zip(*groups, strict=True)
    gvif = np.array([_generalised(correlation, list(own)) for own in columns])
    return Inflation(names, gvif, np.array([len(own) for own in columns]))


def _terms(estimate: Estimate) -> list[tuple[str, tuple[int, ...]]]:
    """Return the terms with their columns of X; of arrays, every column."""
    design = estimate.frame.design
    if design.terms:
        return [(term.name, tuple(term.columns)) for term in design.terms]
    return [(name, (j,)) for j, name in enumerate(design.names)]


def _generalised(R: Any, own: list[int]) -> float:
    others = [j for j in range(len(R)) if j not in own]
    logs = (_log_det(R[np.ix_(own, own)]), _log_det(R[np.ix_(others, others)]), _log_det(R))
    return float(np.exp(logs[0] + logs[1] - logs[2]))


def _log_det(R: Any) -> float:
    return float(np.linalg.slogdet(R)[1])
