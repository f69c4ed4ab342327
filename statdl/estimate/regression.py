"""From the specification of a regression to its estimate: rank, start, solution, verdict."""

from __future__ import annotations

from collections.abc import Sequence

from statdl.backend.array import host_zeros, precision, to_numpy
from statdl.backend.rows import Rows
from statdl.estimate.magnitude import refuse_extreme_units
from statdl.estimate.rank import estimable_columns, refuse_too_few, warn_aliased, well_conditioned
from statdl.estimate.record import Convergence, Estimate
from statdl.estimate.solution import Solution, solve
from statdl.estimate.specification import Specification
from statdl.estimate.start import Start, begin
from statdl.estimate.verdict import announce, judge
from statdl.model.objective import Objective
from statdl.model.one_pass import OnePass
from statdl.model.predictor import Linear
from statdl.solve.iterate import Solver
from statdl.solve.newton import Newton


def estimate_regression(specification: Specification) -> Estimate:
    """Fit a regression to its rows.

    The columns that are combinations of others are left out first (with a RankWarning naming
    them); the solver then works on the rest.
    """
    columns = len(specification.coefficient_names)
    objective = regression_objective(specification, range(columns))
    if not specification.penalty.shrinks:
        refuse_too_few(specification.rows.nobs, columns)
    start = begin(objective)
    refuse_extreme_units(specification.rows, start.factor, specification.frame.design.names)
    kept = _estimable(specification, start)
    if len(kept) < columns:
        warn_aliased(specification.coefficient_names, kept)
        objective = regression_objective(specification, kept)
        start = begin(objective)
    solution = solve(objective, specification.solver, start)
    return _record(specification, objective, kept, start, solution)


def _estimable(specification: Specification, start: Start) -> Sequence[int]:
    """Return the places of the coefficients that can be estimated; of penalised fits, of all."""
    if start.certified or specification.penalty.shrinks or well_conditioned(start.factor):
        return range(len(specification.coefficient_names))
    return estimable_columns(specification.rows, specification.intercept)


def regression_objective(specification: Specification, kept: Sequence[int]) -> Objective:
    """Return the objective of the coefficients at the places ``kept``, 0 for the intercept."""
    rows = _kept_columns(specification, kept)
    intercept = specification.intercept and 0 in kept
    X = rows.template
    predictor = Linear(X.shape[1], specification.family.outputs, intercept)
    penalised = None
    if specification.penalty.active:
        penalised = host_zeros(predictor.size, X) + 1  # on the host, as the parameters are
        if intercept and specification.penalty.shrinks:
            penalised[:: predictor.columns] = 0
    objective = Objective(specification.family, predictor, rows, specification.penalty, penalised)
    return _by_fewest_passes(objective, specification.solver) if rows.passing else objective


def _kept_columns(specification: Specification, kept: Sequence[int]) -> Rows:
    """Return the rows with the columns of X that belong to the places ``kept``."""
    if len(kept) == len(specification.coefficient_names):
        return specification.rows
    first = int(specification.intercept)
    return specification.rows.with_columns([j - first for j in kept if j >= first])


def _by_fewest_passes(objective: Objective, solver: Solver) -> Objective:
    """Return the objective of rows that are read anew for every sum, for the fewest passes."""
    if not isinstance(solver, Newton):
        return objective
    return OnePass.of(objective, solver.expected or objective.family.canonical)


def _record(
    specification: Specification,
    objective: Objective,
    kept: Sequence[int],
    start: Start,
    solution: Solution,
) -> Estimate:
    """Assemble the estimate, and say aloud what went wrong."""
    minimum = solution.minimum
    names = [specification.coefficient_names[j] for j in kept]
    outputs = specification.output_names
    part = start.part or objective
    verdict = judge(objective, part, names, outputs, minimum, solution.root, solution.lookout)
    announce(verdict, minimum.solver)
    convergence = Convergence(
        method=minimum.solver,
        outcome=verdict.outcome,
        iterations=minimum.iterations,
        gradient_norm=minimum.gradient_norm,
        halvings=minimum.halvings,
        seconds=minimum.seconds,
        digits=solution.digits,
        factorisation=solution.factorisation,
        notes=(*verdict.notes, *_precision(specification.rows)),
    )
    chosen = set(kept)
    return Estimate(
        specification=specification,
        objective=objective,
        kept=tuple(j in chosen for j in range(len(specification.coefficient_names))),
        parameters=to_numpy(minimum.parameters),
        information=to_numpy(solution.information),
        root=to_numpy(solution.root) * (1.0 if verdict.sound else float("nan")),
        effective=solution.effective,
        loss=minimum.loss,
        convergence=convergence,
        trace=minimum.trace,
    )


def _precision(rows: Rows) -> tuple[str, ...]:
    """Return what is to be said of the precision of the data, if anything."""
    if rows.precision == precision(rows.template.dtype):
        return ()
    return ("Data are in single precision (float32); sums over rows are carried in double.",)
