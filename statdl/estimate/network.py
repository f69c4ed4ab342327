"""Fitting a network: starts, the best of them, and what the data say of its weights.

A network's likelihood has many stationary points, and where units are redundant its information is
singular. So the fit is the best of some random starts, its units in a canonical order, and the
estimate says whether the weights are identified (:mod:`statdl.estimate.identify`).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from functools import cached_property
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.random import generator
from statdl.errors import ConvergenceWarning, NumericalError
from statdl.estimate.distance import standard_errors_away
from statdl.estimate.identify import Determined, determine
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


def estimate_network(specification: Specification) -> Estimate:
    """Fit a network from its starts and keep the best."""
    plan = specification.plan
    assert plan is not None
    objective = network_objective(specification, plan)
    X = specification.rows.X
    starts = [free_parameters(plan, like(start, X)) for start in starting_values(plan)]
    problem, solver = objective, specification.solver
    if isinstance(solver, Training):
        problem = lesson_of(objective, specification.practice, plan)
        solver = replace(solver, exact=len(starts) > 1)  # starts are compared by it
    best, losses = best_of(problem, solver, starts)
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
    xp = namespace(parameters)
    return xp.take(parameters, like(free, parameters, xp.int64))


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
    trained = isinstance(specification.solver, Training)
    statistics = None if course is None else course.statistics
    if statistics is not None:  # the moments belong to the units in the order they have
        objective = lesson_of(objective, Practice(), plan).taught(statistics).objective
        plan = replace(plan, network=replace(plan.network, statistics=statistics))
        specification = replace(specification, plan=plan)
    elif plan.fixed is None and plan.network.hidden:
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
        loss=None if trained else minimum.loss,
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
        later = ("information", "root", "effective", "identification", "distance")
        for name in later if known["loss"] is not None else (*later, "loss"):
            del estimate.__dict__[name]  # found below from now on
        return estimate

    @cached_property
    def _determined(self) -> Determined:
        return determine(self.objective, self.device_parameters)

    @cached_property
    def loss(self) -> float:
        """J at the estimate, of all rows the fit was to."""
        plan = self.specification.plan
        assert plan is not None
        lesson = lesson_of(self.objective, self.specification.practice, plan)
        return lesson.reached(self.device_parameters, None)

    @cached_property
    def distance(self) -> float:
        """How far the weights are from a minimum, in standard errors; 0 where one was reached."""
        if self.convergence.outcome.at_minimum:
            return 0.0
        if self.identification is Identification.UNEXAMINED:
            return math.nan
        plan = self.specification.plan
        assert plan is not None
        lasso = lesson_of(self.objective, self.specification.practice, plan).lasso
        return standard_errors_away(self.objective, self.device_parameters, self.loss, lasso)

    @cached_property
    def information(self) -> Any:
        return to_numpy(self._determined.information)

    @cached_property
    def root(self) -> Any:
        return to_numpy(self._determined.root)

    @cached_property
    def effective(self) -> float:
        return self._determined.effective

    @cached_property
    def identification(self) -> Identification:
        return self._determined.identification
