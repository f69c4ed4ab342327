"""Fitting a network: starts, the best of them, and what the data say of its weights.

A network's likelihood has many stationary points, and where units are redundant its information is
singular. So the fit is the best of some random starts, its units in a canonical order, and the
estimate says whether the weights are identified (:mod:`statdl.estimate.identify`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.random import generator
from statdl.errors import ConvergenceWarning, NumericalError, SeparationWarning, warn
from statdl.estimate.counted import counted
from statdl.estimate.distance import standard_errors_away
from statdl.estimate.identify import Determined, determine
from statdl.estimate.record import Convergence, Estimate, Identification
from statdl.estimate.response import of_free, response_scale, starting_output, within
from statdl.estimate.restarts import best_of
from statdl.estimate.saturation import separated_by_units
from statdl.estimate.specification import Plan, Practice, Specification
from statdl.model.frozen import Frozen
from statdl.model.lesson import Lesson
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.one_pass import OnePass
from statdl.model.penalty import Ridge
from statdl.model.portion import PassingLesson
from statdl.model.predictor import Predictor
from statdl.model.response_scale import ResponseScale
from statdl.solve.course import Course
from statdl.solve.iterate import Minimum, Outcome, Solver
from statdl.solve.training import Training
from statdl.solve.trust import TrustRegion


@dataclass(frozen=True)
class Begun:
    """A network about to be fitted, in the units of its response's scale if it has one.

    specification  what was asked for
    inside         the same in the units that it is fitted in
    scale          of the free parameters; None where these are the response's own units
    starts         free parameters in these units, (P,) each
    """

    specification: Specification
    inside: Specification
    scale: ResponseScale | None
    starts: tuple[Array, ...]

    @classmethod
    def of(cls, specification: Specification) -> Begun:
        """Draw the starts, and choose the units."""
        plan = specification.plan
        assert plan is not None
        scale, inside = response_scale(specification), specification
        drawn = starting_values(specification, scale)
        if scale is not None:
            inside, drawn = within(specification, scale), [scale.inside(one) for one in drawn]
            scale = of_free(plan, scale)
        X = specification.rows.template
        starts = tuple(free_parameters(plan, like(one, X)) for one in drawn)
        return cls(specification, inside, scale, starts)

    @property
    def objective(self) -> Objective:
        """What is minimised."""
        plan = self.inside.plan
        assert plan is not None
        return network_objective(self.inside, plan)

    def ended(self, best: Minimum, losses: tuple[float, ...]) -> Estimate:
        """Return the record of the best minimum; ``losses`` are those of every start.

        Raises
        ------
        NumericalError
            When the loss is not finite.
        """
        specification, scale = self.specification, self.scale
        assert specification.plan is not None
        if scale is not None:
            # a lesson reports in the response's units
            unit = 1.0 if isinstance(specification.solver, Training) else scale.spread**2
            best, losses = _outside(best, scale, unit), tuple(loss * unit for loss in losses)
        if not math.isfinite(best.loss):
            raise NumericalError(
                "The loss is not finite from any start; use a smaller learning rate, scaled inputs "
                "(scaling='standard') or a smaller initial range."
            )
        objective = network_objective(specification, specification.plan)
        return network_estimate(specification, specification.plan, objective, best, losses)


def estimate_network(specification: Specification) -> Estimate:
    """Fit a network from its starts and keep the best."""
    begun = Begun.of(specification)
    return begun.ended(*_best(begun))


def _best(begun: Begun) -> tuple[Minimum, tuple[float, ...]]:
    """Return the best minimum and every start's loss."""
    inside, solver, starts = begun.inside, begun.inside.solver, begun.starts
    assert inside.plan is not None
    problem = _problem(inside, inside.plan)
    if isinstance(solver, Training):
        problem = lesson_of(problem, inside.practice, inside.plan, begun.scale)
        solver = replace(solver, exact=len(starts) > 1)  # starts are compared by it
    return best_of(problem, solver, starts)


def _problem(specification: Specification, plan: Plan) -> Objective:
    """Return what is minimised: of rows that are read anew for every sum, by the fewest passes."""
    objective, solver = network_objective(specification, plan), specification.solver
    if specification.rows.passing and isinstance(solver, TrustRegion):
        return OnePass.of(objective, solver.expected)
    return objective


def _outside(minimum: Minimum, scale: ResponseScale, unit: float) -> Minimum:
    """Return a minimum with its parameters as those of the response itself."""
    trace = minimum.trace
    return replace(
        minimum,
        parameters=scale.outside(minimum.parameters),
        loss=minimum.loss * unit,
        gradient_norm=minimum.gradient_norm * scale.spread**2,
        trace=replace(
            trace,
            loss=[loss * unit for loss in trace.loss],
            gradient_norm=[size * scale.spread**2 for size in trace.gradient_norm],
            parameters=[scale.outside(theta) for theta in trace.parameters],
        ),
    )


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


def lesson_of(
    objective: Objective, practice: Practice, plan: Plan, scale: ResponseScale | None = None
) -> Lesson:
    """Return the objective as training sees it."""
    lasso = practice.lasso
    if lasso is not None and (lasso > 0).any():
        free = lasso if plan.fixed is None else lasso[plan.fixed != plan.fixed]
        lasso = like(free, objective.rows.template)
    else:
        lasso = None
    kind = PassingLesson if objective.rows.passing else Lesson
    return kind(
        objective.family,
        objective.predictor,
        objective.rows,
        objective.penalty,
        objective.penalised,
        held_out=practice.held_out,
        noise=practice.noise,
        lasso=lasso,
        metrics=practice.metrics,
        response=scale,
    )


def starting_values(specification: Specification, scale: ResponseScale | None = None) -> list[Any]:
    """Return the starts: the one given first, then random draws that the seed repeats.

    What the given one does not say, it has from the first draw; ``scale`` is that of the response,
    if it has one.
    """
    plan = specification.plan
    assert plan is not None
    random, network = generator(plan.seed), plan.network
    draws = [network.initial(random, plan.initial) for _ in range(plan.restarts)]
    bare = Objective(specification.family, network, specification.rows)
    starting_output(specification, bare, draws, scale)
    if plan.start is not None:
        draws[0] = _completed(network, plan.start, draws[0])
    return draws


def _completed(network: Network, start: Any, draw: Any) -> Any:
    """Return a start, NaN where it is not given, completed from a draw.

    Scales that are not given are the lengths of their weights.
    """
    where, given = namespace(draw).where, start == start
    return where(given, start, network.with_scales(where(given, start, draw)))


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
    course: Course | None = minimum.memory
    trained = isinstance(specification.solver, Training)
    outcome, note = _ending(specification, plan, objective, minimum)
    parameters = minimum.parameters
    statistics = None if course is None else course.statistics
    if statistics is not None:  # the moments belong to the units in the order they have
        objective = lesson_of(objective, Practice(), plan).taught(statistics).objective
        plan = replace(plan, network=replace(plan.network, statistics=statistics))
        specification = replace(specification, plan=plan)
    elif plan.fixed is None and plan.network.hidden:
        parameters = plan.network.canonical(parameters)
    specification = counted(specification)
    _announce(minimum.solver, outcome, note)
    return NetworkEstimate.later(
        specification=specification,
        objective=objective,
        kept=_free(plan),
        parameters=to_numpy(parameters),
        loss=None if trained else minimum.loss,
        convergence=_convergence(minimum, outcome, note, specification.rows.passes),
        trace=minimum.trace,
        spread=losses,
        history=() if course is None else course.history,
    )


def _ending(
    specification: Specification, plan: Plan, objective: Objective, minimum: Minimum
) -> tuple[Outcome, str]:
    """Return why the run ended, and what is to be said of it besides."""
    if plan.network.hidden and not isinstance(specification.solver, Training):
        separated = separated_by_units(objective, minimum.parameters, plan.fixed)
        if separated is not None:
            return Outcome.SEPARATION, separated
    if minimum.outcome.converged:
        return minimum.outcome, minimum.note
    kinks = _kinks(plan.network, specification.solver)
    return minimum.outcome, f"{minimum.note} {kinks}".strip()


def _convergence(minimum: Minimum, outcome: Outcome, note: str, passes: int) -> Convergence:
    return Convergence(
        method=minimum.solver,
        outcome=outcome,
        iterations=minimum.iterations,
        gradient_norm=minimum.gradient_norm,
        halvings=minimum.halvings,
        seconds=minimum.seconds,
        digits=15.0,
        factorisation="Cholesky",
        notes=(note,) if note else (),
        passes=passes,
    )


def _free(plan: Plan) -> tuple[bool, ...]:
    """Return which parameters are not held at a value."""
    if plan.fixed is None:
        return (True,) * plan.network.size
    return tuple(bool(value != value) for value in plan.fixed)


def _kinks(network: Network, solver: Solver) -> str:
    """Return why a curvature may not lead to a minimum that gradient descent would approach."""
    names = {hidden.activation.name for hidden in network.hidden if hidden.activation.kinked}
    if isinstance(solver, Training) or not names:
        return ""
    return (
        f"The loss has kinks where {' or '.join(sorted(names))} units turn, and a minimum on one "
        "has no gradient of 0; a smooth activation such as 'softplus' has none."
    )


def _announce(solver: str, outcome: Outcome, note: str) -> None:
    """Warn of a run that has not ended as it was asked to."""
    if outcome is Outcome.SEPARATION:
        warn(note, SeparationWarning)
    elif not outcome.converged:
        said = f"{solver}: {outcome.value} {note}".rstrip()
        warn(said, ConvergenceWarning)


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
        if self.convergence.outcome is Outcome.SEPARATION:
            return math.inf
        if self.identification is Identification.UNEXAMINED:
            return math.nan
        plan = self.specification.plan
        assert plan is not None
        lasso = lesson_of(self.objective, self.specification.practice, plan).lasso
        return standard_errors_away(
            self.objective, self.device_parameters, self.loss, lasso, self._determined.expected
        )

    @cached_property
    def information(self) -> Any:
        return to_numpy(self._determined.information)

    @cached_property
    def root(self) -> Any:
        root = to_numpy(self._determined.root)
        # where the likelihood has no maximum its curvature tells nothing of errors
        return root * math.nan if self.convergence.outcome is Outcome.SEPARATION else root

    @cached_property
    def effective(self) -> float:
        return self._determined.effective

    @cached_property
    def identification(self) -> Identification:
        return self._determined.identification
