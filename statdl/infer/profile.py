"""Profile likelihood: limits of a coefficient where the likelihood, not a parabola, says so.

With the other parameters at their best for each b,

    τ(b) = sign(b − b̂) √(2 (J(b) − Ĵ)/φ̂),     J(b) = min over θ with θ_j = b of the loss,

and the limits are where τ = ±c, c the quantile of t where a dispersion is estimated, else of the
normal. τ is nearly a line, with the slope J′(b)/(φ̂ τ), J′ the gradient in θ_j where the others are
at their best, so that Newton's method finds τ = ±c in a few steps, each a short fit. Linear
regression has τ = (b − b̂)/se, whose limits are Wald's.

The fits are in coordinates in which the information at θ̂ is the identity, θ = θ̂ + A (t, γ) with
A Aᵀ = V and A_j = (√V_jj, 0, …, 0): t = (b − b̂)/√V_jj is held, γ is free and near 0 all along the
profile, wherever the columns have their origins and whatever their units.

References
----------
Venables & Ripley (2002), Modern Applied Statistics with S, §8.4.
Venzon & Moolgavkar (1988), Applied Statistics 37, 87.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from statdl.backend.array import overflow_allowed
from statdl.errors import ModelError, StatdlWarning, warn
from statdl.estimate import Estimate, by_output, few_entries, on_basis
from statdl.infer.arithmetic import coefficient_labels, estimable_places
from statdl.infer.covariance import covariance_root, model_df
from statdl.infer.distribution import critical
from statdl.model.coordinates import Plane, Reparametrised
from statdl.model.objective import Objective
from statdl.solve.iterate import Outcome, minimise
from statdl.solve.newton import Newton

#: τ is as good as c when they differ by less.
TOLERANCE = 1e-10
#: Most fits in the search for one limit, and how many standard errors away it is looked for.
MOST_STEPS, FARTHEST = 60, 1e3


class NotFoundError(Exception):
    """A constrained fit, or the search for a limit, has failed; caught in this room."""


@dataclass(frozen=True)
class Point:
    """A place on the profile: b, τ, dτ/db, and γ there."""

    value: float
    tau: float
    slope: float
    rest: Any


@dataclass(frozen=True)
class Profile:
    """The profile of the parameter at ``place`` among the estimable ones."""

    estimate: Estimate
    place: int

    @property
    def centre(self) -> float:
        """b̂."""
        return float(self.estimate.parameters[self.place])

    @property
    def error(self) -> float:
        """The standard error of b̂ by the information."""
        return self._length * math.sqrt(self.estimate.dispersion)

    @property
    def _length(self) -> float:
        """√V_jj."""
        return float(np.linalg.norm(self.estimate.root[self.place]))

    @cached_property
    def _basis(self) -> tuple[Objective, Any]:
        """The objective that is worked with, and R of its parameters R θ; None for θ themselves.

        Orthogonal columns keep digits that columns far from 0 lose; they cost a copy of the rows,
        which is made of few rows, where the fit was made on them too, and for Firth's penalty, the
        logarithm of a determinant.
        """
        objective = self.estimate.objective
        worth = self.estimate.convergence.factorisation == "QR" or few_entries(objective.rows)
        turned = worth or objective.penalty.active
        return on_basis(objective) if turned else (objective, None)

    @property
    def objective(self) -> Objective:
        """J, in given or orthogonal columns."""
        return self._basis[0]

    @cached_property
    def frame(self) -> tuple[Any, Any]:
        """θ̂ (P,) and A (P, P): the root of V, turned until row j is √V_jj and zeros."""
        row = self.estimate.root[self.place]
        turn = np.linalg.qr(row[:, None], mode="complete")[0]
        turn[:, 0] = row / self._length
        axes = self.estimate.root @ turn
        axes[self.place, 1:] = 0.0
        return self._inner(self.estimate.parameters[:, None])[:, 0], self._inner(axes)

    def _inner(self, columns: Any) -> Any:
        R = self._basis[1]
        return columns if R is None else by_output(R, columns, self.estimate.outputs)

    @property
    def start(self) -> Any:
        """γ = 0: where the others are by the information when this one moves."""
        return np.zeros(self.estimate.rank - 1)

    def at(self, value: float, start: Any) -> Point | None:
        """Return the point at b, γ sought from ``start``; None where there is none.

        Raises
        ------
        NotFoundError
            Where the others' best has not been found.
        """
        t, dispersion = (value - self.centre) / self._length, self.estimate.dispersion
        origin, axes = self.frame
        plane = Plane(origin + t * axes[:, 0], axes[:, 1:])
        rest = self._best(plane, start)
        if rest is None or not t:
            return None
        with overflow_allowed():
            loss, gradient = self.objective.value_and_gradient(plane.outer(rest))
        rise = 2 * (float(loss) - self.estimate.loss) / dispersion
        if not math.isfinite(rise):
            return None
        tau = math.copysign(math.sqrt(max(rise, 0.0)), t)
        push = float(gradient @ axes[:, 0]) / self._length / dispersion
        return Point(value, tau, push / tau if tau else 1 / self.error, rest)

    def _best(self, plane: Plane, start: Any) -> Any:
        """Return γ at its best on a plane; None outside of the domain."""
        if not len(start):
            return start
        inner = Reparametrised(self.objective, plane)
        with warnings.catch_warnings(), overflow_allowed():
            warnings.simplefilter("ignore")
            found = minimise(inner, Newton(tolerance=1e-6, max_iterations=500), start)
        if found.outcome is Outcome.NON_FINITE:
            return None
        if not found.outcome.converged:
            raise NotFoundError(found.outcome.value)
        return found.parameters

    def limit(self, target: float) -> float:
        """Return b with τ(b) = target, ±∞ where the likelihood never falls so far.

        NaN, with a warning, where a fit on the way has not converged.
        """
        try:
            return self._limit(target)
        except NotFoundError as reason:
            name = np.asarray(coefficient_labels(self.estimate))[estimable_places(self.estimate)]
            warn(
                f"The {'lower' if target < 0 else 'upper'} limit of {name[self.place]} is NaN: "
                f"with that coefficient held, the others' fit has failed. {reason}",
                StatdlWarning,
            )
            return math.nan

    def _limit(self, target: float) -> float:
        side = math.copysign(1.0, target)
        value, rest = self.centre + target * self.error, self.start
        inside, beyond = self.centre, math.inf * side
        for _ in range(MOST_STEPS):
            point = self.at(value, rest)
            if point is None:  # outside of the domain: half the way back
                beyond = value
                value = (inside + value) / 2
                continue
            if abs(point.tau - target) < TOLERANCE:
                return value
            if abs(point.tau) < abs(target):
                inside = value
            else:
                beyond = value
            if abs(value - self.centre) > FARTHEST * self.error:
                return math.inf * side
            rest, value = point.rest, self._next(point, target, inside, beyond)
            if beyond == inside or value in (inside, beyond):
                return value
        raise NotFoundError(f"The search has not ended after {MOST_STEPS} fits.")

    def _next(self, point: Point, target: float, inside: float, beyond: float) -> float:
        """Return Newton's next value, kept between what is inside and what is beyond."""
        step = (target - point.tau) / point.slope if point.slope > 0 else math.inf
        reach = abs(point.value - self.centre)
        step = math.copysign(min(abs(step), 2 * reach), step) if math.isfinite(step) else 0.0
        value = point.value + step
        low, high = min(inside, beyond), max(inside, beyond)
        if low < value < high:
            return value
        return (
            (inside + beyond) / 2
            if math.isfinite(beyond)
            else point.value + 2 * (point.value - self.centre)
        )

    def curve(self, low: float, high: float, count: int = 20) -> Iterator[Point]:
        """Yield points from b̂ down to low and up to high, as far as there are any."""
        for end in (low, high):
            rest = self.start
            for value in np.linspace(self.centre, end, count + 1)[1:].tolist():
                try:
                    point = self.at(value, rest)
                except NotFoundError:
                    break
                if point is None:
                    break
                yield point
                rest = point.rest


def profile(estimate: Estimate, place: int) -> Profile:
    """Return the profile of one parameter.

    Raises
    ------
    ModelError
        For networks and penalised fits, and where the likelihood has no maximum.
    """
    if estimate.specification.plan is not None:
        raise ModelError(
            "Weights of networks have no profile: their likelihood has many maxima. Limits of "
            "effects are by method='wald', those of predictions also by the bootstrap."
        )
    if estimate.specification.penalty.shrinks:
        raise ModelError(
            "A penalised fit is no maximum of the likelihood, which therefore has no profile "
            "around it; use method='wald'."
        )
    if np.isnan(estimate.root).any():
        raise ModelError(
            f"The fit has no finite maximum to profile from: {estimate.convergence.message}"
        )
    _ = estimate.specification.rows.n  # a fit from a file has no rows, and says so
    return Profile(estimate, place)


def profile_limits(
    estimate: Estimate, level: float, places: Sequence[int] | None = None
) -> tuple[Any, Any]:
    """Return lower and upper limits of the estimable parameters, (P,); NaN for others than places.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> lower, upper = profile_limits(fit.estimate, 0.95)
    >>> [round(float(limit), 3) for limit in (lower[1], upper[1])]
    [-7.699, -1.833]
    """
    c = critical(level, model_df(estimate))
    lower, upper = np.full(estimate.rank, math.nan), np.full(estimate.rank, math.nan)
    for place in range(estimate.rank) if places is None else places:
        if estimate.family.quadratic and not estimate.specification.penalty.active:
            reach = c * float(np.sqrt(np.sum(covariance_root(estimate)[place] ** 2)))
            centre = float(estimate.parameters[place])
            lower[place], upper[place] = centre - reach, centre + reach
            continue
        one = profile(estimate, place)
        lower[place], upper[place] = one.limit(-c), one.limit(c)
    return lower, upper
