"""What verbs ask of the rows of a fit, summed up.

The deviance, Pearson's X² and the rest are sums over rows. A fit computes each when it is asked
for; a fit from a file has no rows and remembers their totals instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from statdl.backend.array import Array, namespace
from statdl.backend.rows import Rows
from statdl.errors import DataError
from statdl.model.objective import Objective


class Totals(Protocol):
    """Sums over the rows, with weights w."""

    @property
    def nobs(self) -> int:
        """Rows with positive weight."""
        ...

    @property
    def weight(self) -> float:
        """Σ w."""
        ...

    @property
    def deviance(self) -> float:
        """Σ w d(y, μ̂), at unit dispersion."""
        ...

    @property
    def pearson(self) -> float:
        """Pearson's X² = Σ w (y − μ̂)² / V(μ̂)."""
        ...

    @property
    def kernel(self) -> float:
        """Σ w ℓ(η̂, y): the loss without the penalty."""
        ...

    @property
    def squares(self) -> float:
        """Σ w (y − offset − ȳ)², ȳ the weighted mean, or 0 without an intercept."""
        ...

    @property
    def mean_square(self) -> float:
        """The mean of y²."""
        ...

    @property
    def means(self) -> Array:
        """The mean of each column of X, (p,)."""
        ...

    def constant(self, dispersion: float) -> float:
        """Return the part of the log-likelihood that does not depend on η."""
        ...


@dataclass(frozen=True)
class Summed:
    """Totals summed from the rows, each when it is asked for.

    ``rows`` have all columns, those of ``objective`` only the estimable ones; ``parameters`` are
    where the rows are.
    """

    rows: Rows
    objective: Objective
    parameters: Array
    loss: float

    @cached_property
    def nobs(self) -> int:
        return self.rows.nobs

    @cached_property
    def weight(self) -> float:
        return self.objective.total_weight()

    @cached_property
    def deviance(self) -> float:
        family = self.objective.family
        if family.quadratic and self._unpenalised:
            return 2.0 * self.loss
        return self._both[0] if self.rows.passing else self._row_sum(self._deviance_rows)

    @cached_property
    def pearson(self) -> float:
        if self.objective.family.quadratic:
            return self.deviance
        return self._both[1] if self.rows.passing else self._row_sum(self._pearson_rows)

    @cached_property
    def _both(self) -> tuple[float, float]:
        """Deviance and X² by one pass over the rows."""
        deviance, pearson = self.objective.row_sums(
            self.parameters, self._deviance_rows, self._pearson_rows
        )
        return deviance, pearson

    def _row_sum(self, function: Callable[[Array, Rows], Array]) -> float:
        return self.objective.row_sums(self.parameters, function)[0]

    def _deviance_rows(self, eta: Array, rows: Rows) -> Array:
        return self.objective.family.unit_deviance(eta, rows.y)

    def _pearson_rows(self, eta: Array, rows: Rows) -> Array:
        """(y − μ)² / V(μ), or Σ (y_k − μ_k)² / μ_k over all classes, the reference included."""
        xp, family = namespace(eta), self.objective.family
        y, mean, variance = rows.y, family.mean(eta), family.variance(eta)
        if mean.shape[1] > y.shape[1]:
            y, variance = xp.concat([1 - xp.sum(y, axis=1, keepdims=True), y], axis=1), mean
        squares, possible = (y - mean) ** 2, variance > 0
        ratio = squares / xp.where(possible, variance, xp.ones_like(variance))
        # a fitted probability of 0 or 1 is exactly right or infinitely wrong
        certain = xp.where(squares > 0, xp.full_like(squares, math.inf), squares)
        return xp.sum(xp.where(possible, ratio, certain), axis=1)

    @cached_property
    def kernel(self) -> float:
        if self._unpenalised:
            return self.loss
        family = self.objective.family
        return self.objective.row_sum(
            self.parameters, lambda eta, rows: family.loss_and_score(eta, rows.y)[0]
        )

    @cached_property
    def squares(self) -> float:
        return self.rows.squares(self.objective.intercept)

    @cached_property
    def mean_square(self) -> float:
        return self.rows.mean_square

    @cached_property
    def means(self) -> Array:
        return self.rows.column_means()

    def constant(self, dispersion: float) -> float:
        family = self.objective.family
        return self.objective.rows.constant(
            lambda rows: family.constant(rows, dispersion), family.dispersion_known
        )

    @property
    def _unpenalised(self) -> bool:
        return self.objective.penalised is None


@dataclass(frozen=True)
class Remembered:
    """Totals of rows that are gone, by number.

    ``constants`` has a pair (φ, constant) for every dispersion that the measures of fit use;
    ``findings`` are what else inference found in the rows, by the names it gave them.
    """

    nobs: int
    weight: float
    deviance: float
    pearson: float
    kernel: float
    squares: float
    mean_square: float
    means: Any
    constants: tuple[tuple[float, float], ...]
    findings: Mapping[str, Any] = field(default_factory=dict)

    def constant(self, dispersion: float) -> float:
        for known, value in self.constants:
            if known == dispersion:
                return value
        raise DataError(
            f"The log-likelihood at a dispersion of {dispersion:g} needs the rows of the data, "
            "and a model loaded from a file has none."
        )
