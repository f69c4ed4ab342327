"""Fitting a network: starts, the best of them, and what the data say of its weights.

A network's likelihood has many stationary points, and where units are redundant its information is
singular. So the fit is the best of some random starts, its units in a canonical order, and the
estimate says whether the weights are identified: from the eigenvalues of the exact information,
each parameter scaled to a unit diagonal. Where they are not, covariance lives on the directions
that the data do determine, which is what predictions and effects need.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.linalg import factorise, shrunken_root
from statdl.backend.random import generator
from statdl.errors import ConvergenceWarning, NumericalError
from statdl.estimate.record import (
    Convergence,
    Estimate,
    Identification,
    Plan,
    Practice,
    Specification,
)
from statdl.estimate.restarts import best_of
from statdl.model.frozen import Frozen
from statdl.model.lesson import Lesson
from statdl.model.objective import Objective
from statdl.model.penalty import Ridge
from statdl.model.predictor import Predictor
from statdl.solve.iterate import Minimum
from statdl.solve.training import Course, Training

#: Smallest eigenvalue of the scaled information, relative to the largest, of a direction the data
#: determine.
DETERMINED = 1e-10
#: Above this many free weights the information, with its square of entries, is not worked out.
EXAMINED_WEIGHTS = 5000


def estimate_network(specification: Specification) -> Estimate:
    """Fit a network from its starts and keep the best."""
    plan = specification.plan
    assert plan is not None
    objective = network_objective(specification, plan)
    X = specification.rows.X
    starts = [free_parameters(plan, like(start, X)) for start in starting_values(plan)]
    problem = objective
    if isinstance(specification.solver, Training):
        problem = lesson_of(objective, specification.practice, plan)
    best, losses = best_of(problem, specification.solver, starts)
    if not math.isfinite(best.loss):
        raise NumericalError(
            "The loss is not finite from any start; use a smaller learning rate, scaled inputs "
            "(scaling='standard') or a smaller initial range."
        )
    return network_estimate(specification, plan, objective, best, losses)


def network_objective(specification: Specification, plan: Plan) -> Objective:
    """Return the objective of the free parameters, decay as a penalty by parameter."""
    predictor: Predictor = plan.network
    decay = plan.decay
    if plan.fixed is not None:
        predictor = Frozen.of(plan.network, plan.fixed)
        decay = decay[predictor.free]
    X = specification.rows.template
    penalised = like(decay, X) if (decay > 0).any() else None
    return Objective(specification.family, predictor, specification.rows, Ridge(1.0), penalised)


def lesson_of(objective: Objective, practice: Practice, plan: Plan) -> Lesson:
    """Return the objective as training sees it."""
    lasso = practice.lasso
    if lasso is not None and (lasso > 0).any():
        lasso = like(
            lasso if plan.fixed is None else lasso[plan.fixed != plan.fixed], objective.rows.X
        )
    else:
        lasso = None
    return Lesson(
        objective.family,
        objective.predictor,
        objective.rows,
        objective.penalty,
        objective.penalised,
        held_out=practice.held_out,
        noise=practice.noise,
        lasso=lasso,
        metrics=practice.metrics,
    )


def starting_values(plan: Plan) -> list[Any]:
    """Return the starts: the one given first, then random draws that the seed repeats."""
    random = generator(plan.seed)
    draws = [plan.network.initial(random, plan.initial) for _ in range(plan.restarts)]
    if plan.start is not None:
        draws[0] = plan.start
    return draws


def free_parameters(plan: Plan, parameters: Array) -> Array:
    """Return the parameters that are not held at a value."""
    if plan.fixed is None:
        return parameters
    free = Frozen.of(plan.network, plan.fixed).free
    return namespace(parameters).take(parameters, like(free, parameters, free.dtype))


@dataclass(frozen=True)
class Determined:
    """What the data determine: the information, a covariance root, the verdict."""

    information: Array
    root: Array
    effective: float
    identification: Identification


def network_estimate(
    specification: Specification,
    plan: Plan,
    objective: Objective,
    minimum: Minimum,
    losses: tuple[float, ...],
) -> Estimate:
    """Return the record of a trained network."""
    parameters = minimum.parameters
    course: Course | None = minimum.memory
    statistics = None if course is None else course.statistics
    if statistics is not None:  # the moments belong to the units in the order they have
        objective = lesson_of(objective, Practice(), plan).taught(statistics).objective
        plan = replace(plan, network=replace(plan.network, statistics=statistics))
        specification = replace(specification, plan=plan)
    elif plan.fixed is None:
        parameters = plan.network.canonical(parameters)
    if not minimum.outcome.converged:
        said = f"{minimum.solver}: {minimum.outcome.value} {minimum.note}".rstrip()
        warnings.warn(said, ConvergenceWarning, stacklevel=6)
    convergence = Convergence(
        method=minimum.solver,
        outcome=minimum.outcome,
        iterations=minimum.iterations,
        gradient_norm=minimum.gradient_norm,
        halvings=minimum.halvings,
        seconds=minimum.seconds,
        digits=15.0,
        factorisation="Cholesky",
        notes=(minimum.note,) if minimum.note else (),
    )
    free = [True] * plan.network.size
    if plan.fixed is not None:
        free = [bool(value != value) for value in plan.fixed]
    return NetworkEstimate.later(
        specification=specification,
        objective=objective,
        kept=tuple(free),
        parameters=to_numpy(parameters),
        loss=minimum.loss,
        convergence=convergence,
        trace=minimum.trace,
        spread=losses,
        history=() if course is None else course.history,
    )


class NetworkEstimate(Estimate):
    """An estimate whose information is worked out when it is first asked for.

    Training for prediction never asks, and for a large network it would cost more than training.
    """

    @classmethod
    def later(cls, **known: Any) -> NetworkEstimate:
        """Return the estimate without what follows from the information."""
        estimate = cls(information=None, root=None, effective=math.nan, **known)
        for name in ("information", "root", "effective", "identification"):
            del estimate.__dict__[name]  # found below from now on
        return estimate

    @cached_property
    def _determined(self) -> Determined:
        return determine(self.objective, self.device_parameters)

    @cached_property
    def information(self) -> Any:  # type: ignore[override]
        return to_numpy(self._determined.information)

    @cached_property
    def root(self) -> Any:  # type: ignore[override]
        return to_numpy(self._determined.root)

    @cached_property
    def effective(self) -> float:  # type: ignore[override]
        return self._determined.effective

    @cached_property
    def identification(self) -> Identification:  # type: ignore[override]
        return self._determined.identification


def determine(objective: Objective, parameters: Array, *, expected: bool = False) -> Determined:
    """Return the information at θ̂, exact or expected, and what follows from it."""
    if objective.size > EXAMINED_WEIGHTS:
        return _unexamined(parameters)
    bare = replace(objective, penalised=None)
    information = bare.curvature(parameters, expected=expected)
    if _smallest(information) > DETERMINED and objective.penalised is None:
        factor = factorise(information)
        verdict = Identification.IDENTIFIED
        return Determined(information, factor.inverse_root(), float(objective.size), verdict)
    total = information
    if objective.penalised is not None:
        total = objective.curvature(parameters, expected=expected)
    if _smallest(total) > DETERMINED:
        through = _smallest(information) <= DETERMINED
        root, effective = shrunken_root(factorise(total), information)
        verdict = Identification.THROUGH_PENALTY if through else Identification.IDENTIFIED
        return Determined(information, root, effective, verdict)
    root = determined_root(total)
    return Determined(information, root, float(root.shape[1]), Identification.SINGULAR)


def _unexamined(parameters: Array) -> Determined:
    """Return that nothing is known: no information, and NaN wherever an error would be."""
    xp = namespace(parameters)
    unknown = xp.full_like(parameters, math.nan)
    return Determined(unknown[:0], unknown[:, None], math.nan, Identification.UNEXAMINED)


def _scaled(H: Array) -> tuple[Array, Array]:
    """Return H with a unit diagonal and the square roots of the diagonal it had."""
    xp = namespace(H)
    diagonal = xp.abs(xp.linalg.diagonal(H))
    scale = xp.sqrt(xp.where(diagonal > 0, diagonal, xp.ones_like(diagonal)))
    return H / scale[:, None] / scale[None, :], scale


def _smallest(H: Array) -> float:
    """Return the smallest eigenvalue of the scaled H relative to the largest; −∞ if not finite."""
    xp = namespace(H)
    if H.shape[0] == 0:
        return 1.0
    if not bool(xp.all(xp.isfinite(H))):
        return -math.inf
    values = xp.linalg.eigvalsh(_scaled(H)[0])
    return float(values[0]) / float(values[-1])


def determined_root(H: Array) -> Array:
    """Return B with B Bᵀ the pseudo-inverse of H over the directions that are determined."""
    xp = namespace(H)
    if not bool(xp.all(xp.isfinite(H))):
        return xp.full_like(H, math.nan)
    scaled, scale = _scaled(H)
    values, vectors = xp.linalg.eigh(scaled)
    kept = int(xp.sum(xp.astype(values > DETERMINED * values[-1], xp.int64)))
    first = H.shape[0] - kept
    return vectors[:, first:] / xp.sqrt(values[first:]) / scale[:, None]
