"""Profile likelihood: limits of a coefficient where the likelihood, not a parabola, says so.

With the other parameters at their best for each b,

    τ(b) = sign(b − b̂) √(2 (J(b) − Ĵ)/φ̂),     J(b) = min over θ with θ_j = b of the loss,

and the limits are where τ = ±c, c the quantile of t where a dispersion is estimated, else of the
normal. τ is nearly a line, with the slope J′(b)/(φ̂ τ), J′ the gradient in θ_j where the others are
at their best, so that Newton's method finds τ = ±c in a few steps, each a short fit. Linear
regression has τ = (b − b̂)/se, whose limits are Wald's.

References
----------
Venables & Ripley (2002), Modern Applied Statistics with S, §8.4.
Venzon & Moolgavkar (1988), Applied Statistics 37, 87.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl import model
from statdl.backend.array import like, overflow_allowed, to_numpy
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.covariance import covariance_root, model_df
from statdl.infer.distribution import critical
from statdl.model.objective import Objective
from statdl.solve.iterate import minimise
from statdl.solve.newton import Newton

#: τ is as good as c when they differ by less.
TOLERANCE = 1e-10
#: Most fits in the search for one limit, and how many standard errors away it is looked for.
MOST_STEPS, FARTHEST = 60, 1e3


@dataclass(frozen=True)
class Point:
    """A place on the profile: b, τ, dτ/db, and θ there."""

    value: float
    tau: float
    slope: float
    parameters: Any


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
        variance = float(np.sum(self.estimate.root[self.place] ** 2)) * self.estimate.dispersion
        return math.sqrt(variance)

    @property
    def direction(self) -> Any:
        """How the other parameters follow b, to first order: V e_j / V_jj, (P,)."""
        column = self.estimate.root @ self.estimate.root[self.place]
        return column / column[self.place]

    def at(self, value: float, start: Any) -> Point | None:
        """Return the point at b, the others sought from ``start``; None where there is none."""
        estimate, objective = self.estimate, self.estimate.objective
        start = start.copy()
        start[self.place] = value
        theta = self._best(objective, start)
        with overflow_allowed():
            loss, gradient = objective.value_and_gradient(estimate.to_device(theta))
        rise = 2 * (float(loss) - estimate.loss) / estimate.dispersion
        if not math.isfinite(rise) or value == self.centre:
            return None
        tau = math.copysign(math.sqrt(max(rise, 0.0)), value - self.centre)
        push = float(to_numpy(gradient)[self.place]) / estimate.dispersion
        return Point(value, tau, push / tau if tau else 1 / self.error, theta)

    def _best(self, objective: Objective, start: Any) -> Any:
        """Return θ at its best with one parameter held."""
        if len(start) == 1:
            return start
        held = np.full(len(start), math.nan)
        held[self.place] = start[self.place]
        frozen = model.Frozen.of(objective.predictor, held)
        inner = replace(objective, predictor=frozen)
        free = like(start[frozen.free], self.estimate.device_parameters)
        with warnings.catch_warnings(), overflow_allowed():
            warnings.simplefilter("ignore")
            found = minimise(inner, Newton(tolerance=1e-7, max_iterations=50), free)
        theta = start.copy()
        theta[frozen.free] = to_numpy(found.parameters)
        return theta

    def limit(self, target: float) -> float:
        """Return b with τ(b) = target, ±∞ where the likelihood never falls so far."""
        side = math.copysign(1.0, target)
        value = self.centre + target * self.error
        theta = self.estimate.parameters + (value - self.centre) * self.direction
        inside, beyond = self.centre, math.inf * side
        for _ in range(MOST_STEPS):
            point = self.at(value, theta)
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
            theta, value = point.parameters, self._next(point, target, inside, beyond)
            if beyond == inside or value in (inside, beyond):
                return value
        return math.nan

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
            theta, before = self.estimate.parameters, self.centre
            for value in np.linspace(self.centre, end, count + 1)[1:].tolist():
                point = self.at(value, theta + (value - before) * self.direction)
                if point is None:
                    break
                yield point
                theta, before = point.parameters, value


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
