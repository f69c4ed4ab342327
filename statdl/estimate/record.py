"""What an estimate is: a frozen record, and the likelihood quantities that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from statdl.backend.array import Array, namespace, to_numpy
from statdl.estimate.rank import combinations
from statdl.estimate.specification import Specification
from statdl.estimate.totals import Remembered, Summed, Totals
from statdl.formula import ModelFrame
from statdl.model.elastic import ElasticNet
from statdl.model.family import Family
from statdl.model.objective import Objective
from statdl.solve.iterate import Outcome, Trace

#: An estimate this many standard errors from a minimum is announced, and has no p-values.
FAR = 0.5
#: Starts whose log-likelihoods differ by less have found the same maximum.
SAME = 0.01


class Identification(Enum):
    """Whether the data tell a network's weights apart."""

    IDENTIFIED = "identified"
    THROUGH_PENALTY = "identified through the penalty"
    SINGULAR = "singular"
    UNEXAMINED = "not examined: too many weights"


@dataclass(frozen=True)
class Convergence:
    """How the estimate was reached: one record for every solver.

    ``digits`` is how many decimal digits of the coefficients the arithmetic vouches for; ``passes``
    how often all rows of a scan were read, 0 for rows in memory.
    """

    method: str
    outcome: Outcome
    iterations: int
    gradient_norm: float
    halvings: int
    seconds: float
    digits: float
    factorisation: str
    notes: tuple[str, ...] = ()
    passes: int = 0

    @property
    def converged(self) -> bool:
        """Whether the estimate is the minimiser that was asked for."""
        return self.outcome.converged

    @property
    def message(self) -> str:
        """The outcome as a sentence."""
        return self.outcome.value

    def __bool__(self) -> bool:
        return self.converged


@dataclass(frozen=True)
class Reported:
    """A covariance that inference refers to in place of the model's own.

    kind  what it is called, such as "HC3"
    root  (P, r) R with R Rᵀ the covariance of θ̂, the dispersion included
    df    degrees of freedom of the reference t, ∞ for the normal
    note  what a summary says of it
    made  what it was made with, such as the groups of clusters; not kept in files
    """

    kind: str
    root: Any
    df: float
    note: str
    made: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """θ̂ with its information, and everything that verbs ask of it.

    Shapes: m coefficients an output, q outputs, P = q · (kept columns).

    kept         (m,) which coefficients are estimable; the others are combinations of them
    parameters   (P,) estimable coefficients, output-major, on the host
    information  (P, P) at unit dispersion, without the penalty; of a network see ``identify``
    root         (P, r) B with B Bᵀ the covariance at unit dispersion
    effective    parameters in effect: P without a penalty, tr((I + Λ)⁻¹ I) with one
    history      what training saw of every epoch, where there was any
    remembered   totals of the rows, and
    null         the model with an intercept only, of a fit from a file, which has no rows
    reported     the covariance that standard errors and tests are from, None for the model's own
    distance     how far a network is from a minimum, in standard errors; NaN where not known
    """

    specification: Specification
    objective: Objective
    kept: tuple[bool, ...]
    parameters: Any
    information: Any
    root: Any
    effective: float
    loss: float
    convergence: Convergence
    trace: Trace
    identification: Identification = Identification.IDENTIFIED
    spread: tuple[float, ...] = ()
    history: tuple[Mapping[str, float], ...] = ()
    remembered: Remembered | None = None
    null: Estimate | None = None
    reported: Reported | None = None
    distance: float = 0.0

    def reporting(self, reported: Reported | None) -> Estimate:
        """Return the same estimate, its errors and tests from another covariance."""
        other = copy(self)  # what has been computed from the rows comes along
        object.__setattr__(other, "reported", reported)
        return other

    @property
    def family(self) -> Family:
        """The family."""
        return self.specification.family

    @property
    def frame(self) -> ModelFrame:
        """The data of the fit."""
        return self.specification.frame

    @property
    def outputs(self) -> int:
        """q, the number of linear predictors."""
        return self.family.outputs

    @property
    def multinomial(self) -> bool:
        """Whether rows have residuals and leverages by class, two classes included."""
        return self.family.name == "multinomial"

    @property
    def rank(self) -> int:
        """The number of estimated coefficients."""
        return len(self.parameters)

    @cached_property
    def totals(self) -> Totals:
        """Sums over the rows; of a fit from a file, those it remembers."""
        if self.remembered is not None:
            return self.remembered
        rows = self.specification.rows
        return Summed(rows, self.objective, self.device_parameters, self.loss)

    def recall(self, finding: str) -> Any:
        """Return what inference found in the rows of a fit from a file; None where it did not."""
        return None if self.remembered is None else self.remembered.findings.get(finding)

    @cached_property
    def combinations(self) -> Any:
        """C, (kept, left out): the columns of [1 X] left out are, in the data, those kept times C.

        None where every column was kept.
        """
        places = [j for j, keep in enumerate(self.kept) if keep]
        if self.specification.plan is not None or len(places) == len(self.kept):
            return None
        known = self.recall("combinations")
        if known is not None:
            return known
        return combinations(self.specification.rows, self.specification.intercept, places)

    @property
    def at_minimum(self) -> bool:
        """Whether this is no further from a minimum than tests, which presume one, can bear."""
        return not self.distance > FAR

    @property
    def starts_at_best(self) -> int:
        """How many starts ended within :data:`SAME` of the highest log-likelihood of any."""
        losses = [loss for loss in self.spread if math.isfinite(loss)]
        best = min(losses)
        room = SAME * self.family.noise(best / self.total_weight)
        return sum(loss - best <= room + 1e-6 * abs(best) for loss in losses)

    @property
    def nobs(self) -> int:
        """Rows with positive weight."""
        return self.totals.nobs

    @cached_property
    def covariance(self) -> Any:
        """B Bᵀ: the covariance of θ̂ at unit dispersion, (P, P)."""
        return self.root @ self.root.T

    @property
    def degrees_of_freedom(self) -> float:
        """Parameters in effect."""
        return self.effective

    @property
    def selected(self) -> bool:
        """Whether a penalty chose the columns, so that errors and tests of the usual kind fail."""
        penalty = self.specification.penalty
        return isinstance(penalty, ElasticNet) and penalty.alpha > 0

    @property
    def df_resid(self) -> float:
        """Rows less the parameters in effect."""
        return self.nobs - self.degrees_of_freedom

    @cached_property
    def eta(self) -> Array:
        """η̂ of every row, offset included, (n, q)."""
        return self.objective.row_map(self.device_parameters, lambda eta, rows: eta)

    @property
    def all_parameters(self) -> Any:
        """Every parameter of a network, those held at a value included, (P,)."""
        values = self.full(self.parameters)[:, 0]
        plan = self.specification.plan
        if plan is None or plan.fixed is None:
            return values
        return _numpy(values).where(_numpy(values).isnan(plan.fixed), values, plan.fixed)

    @cached_property
    def device_parameters(self) -> Array:
        """θ̂ where the data are."""
        return self.to_device(self.parameters)

    def to_device(self, values: Any) -> Array:
        """Return host values in the library and on the device of the data."""
        X = self.objective.rows.template
        return namespace(X).asarray(values, dtype=X.dtype, device=X.device)

    @property
    def deviance(self) -> float:
        """Σ w d(y, μ̂), at unit dispersion."""
        return self.totals.deviance

    @property
    def pearson(self) -> float:
        """Pearson's X² = Σ w (y − μ̂)² / V(μ̂)."""
        return self.totals.pearson

    @cached_property
    def dispersion(self) -> float:
        """φ̂ = X² / (n − p), or 1 where the family fixes it; NaN without degrees of freedom."""
        if self.family.dispersion_known:
            return 1.0
        return self.pearson / self.df_resid if self.df_resid > 0 else math.nan

    def log_likelihood(self, dispersion: float) -> float:
        """Return the full log-likelihood, constants included, at a dispersion."""
        if not dispersion > 0:
            return math.inf if dispersion == 0 else math.nan
        return -self.totals.kernel / dispersion + self.totals.constant(dispersion)

    @property
    def total_weight(self) -> float:
        """Σ w."""
        return self.totals.weight

    def full(self, values: Any, missing: float = math.nan) -> Any:
        """Spread values of the estimable coefficients over all, (m, q), NaN elsewhere."""
        np = _numpy(values)
        table = np.full((len(self.kept), self.specification.tables), missing)
        kept = np.asarray(self.kept, dtype=bool)
        table[kept] = to_numpy(values).reshape(self.specification.tables, -1).T
        return table


def _numpy(values: Any) -> Any:
    return namespace(to_numpy(values))
