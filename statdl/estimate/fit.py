"""From a specification to an estimate: rank, start, solver, information, honest outcome."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import statdl.estimate
from statdl import solve
from statdl.backend.array import (
    Array,
    epsilon,
    host_zeros,
    namespace,
    overflow_allowed,
    precision,
    to_numpy,
)
from statdl.backend.linalg import (
    Factor,
    design_matrix,
    refined_inverse,
    refined_least_squares,
    shrunken_root,
    solve_upper,
)
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.backend.triangle import REFINED, Triangle, refined
from statdl.estimate.basis import in_one_piece, on_basis
from statdl.estimate.counted import counted
from statdl.estimate.lookout import Lookout, lookout, settled
from statdl.estimate.magnitude import refuse_extreme_units
from statdl.estimate.rank import (
    digits,
    estimable_columns,
    firm_volume,
    good_enough,
    refuse_too_few,
    smallest_pivot,
    warn_aliased,
    well_conditioned,
)
from statdl.estimate.record import Convergence, Estimate, Specification
from statdl.estimate.start import (
    Start,
    begin,
    factor_or_none,
)
from statdl.estimate.verdict import announce, judge
from statdl.model.coordinates import Reparametrised, Standardised
from statdl.model.objective import Objective
from statdl.model.penalty import NoPenalty
from statdl.model.predictor import Linear
from statdl.model.together import Together
from statdl.solve.iterate import Minimum, Outcome, Solver, minimise
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import LeastSquares, Newton

#: Digits that plain arithmetic must leave the standard errors; below, they are refined.
PLAIN_DIGITS = 13.0


@dataclass(frozen=True)
class Solution:
    """A minimum with the information at it, and a root B of its inverse, B Bᵀ.

    ``lookout`` is who watched for separation on the way; None where nobody has.
    """

    minimum: Minimum
    information: Array
    root: Array
    effective: float
    factorisation: str
    digits: float
    lookout: Lookout | None = None


def estimate(specification: Specification) -> Estimate:
    """Fit a specification.

    The columns that are combinations of others are left out first (with a RankWarning naming
    them); the solver then works on the rest.
    """
    if specification.plan is not None:
        with device_errors():
            return statdl.estimate.estimate_network(specification)
    if _sums_suffice(specification):
        return _counted(estimate_from_triangle(specification))
    with device_errors():
        objective = _objective(specification, specification.rows)
        columns = len(specification.coefficient_names)
        shrunk = specification.penalty.shrinks
        if not shrunk:
            refuse_too_few(specification.rows.nobs, columns)
        start = begin(objective)
        names = specification.coefficient_names[columns - specification.rows.template.shape[1] :]
        refuse_extreme_units(specification.rows, start.factor, names)
        kept: Sequence[int] = range(columns)
        if not (start.certified or shrunk or well_conditioned(start.factor)):
            kept = estimable_columns(specification.rows, specification.intercept)
            if len(kept) < columns:
                warn_aliased(specification.coefficient_names, kept)
                objective = _objective(specification, _restricted(specification, kept), kept)
                start = begin(objective)
        solution = _solve(objective, specification.solver, start)
        found = _record(specification, objective, kept, start, solution)
    return _counted(found) if specification.rows.passing else found


def _counted(found: Estimate) -> Estimate:
    """Return an estimate with what only the passes over a scan could tell."""
    record = replace(found.convergence, passes=found.specification.rows.passes)
    return replace(found, specification=counted(found.specification), convergence=record)


def _sums_suffice(specification: Specification) -> bool:
    """Tell whether this is least squares over rows of which one triangle tells all."""
    newton = isinstance(specification.solver, Newton)
    plain = specification.family.quadratic and not specification.penalty.active
    return specification.rows.passing and newton and plain


def estimate_from_triangle(specification: Specification) -> Estimate:
    """Fit least squares to the triangle of the rows, which has the same solution and is small.

    R of √W [1 X y] is p + 2 rows that stand for all: Σ w (y − xβ)² is the same for every β.
    """
    rows, frame = specification.rows, specification.frame
    names = specification.coefficient_names
    triangle = rows.triangle if specification.intercept else _without_ones(rows)
    refuse_too_few(rows.nobs, len(names))
    small = replace(
        specification,
        frame=replace(frame, design=replace(frame.design, intercept=False, names=names, terms=())),
        rows=Rows(triangle.R[:, :-1], triangle.R[:, -1:]),
    )
    found = estimate(small)
    kept = [j for j, keep in enumerate(found.kept) if keep]
    objective = _objective(specification, _restricted(specification, kept), kept)
    found = replace(found, specification=specification, objective=objective)
    return found if triangle.pivot > REFINED else _refined(found)


def _refined(found: Estimate) -> Estimate:
    """Return an estimate with coefficients refined from the rows, where their columns depend."""
    rows, intercept = found.objective.rows, found.objective.intercept
    triangle = rows.triangle
    if not intercept:
        triangle = triangle.columns(tuple(range(rows.template.shape[1])), intercept=False)
    parameters, squares = refined(rows, triangle, intercept)
    return replace(found, parameters=parameters, loss=squares / 2)


def _without_ones(rows: Rows) -> Triangle:
    return rows.triangle.columns(tuple(range(rows.template.shape[1])), intercept=False)


def refit(parent: Estimate, columns: Sequence[int]) -> Estimate:
    """Fit the same model with some of the columns of X only, by a deterministic method."""
    specification = as_regression(parent.specification)
    frame = specification.frame
    names = tuple(frame.design.names[j] for j in columns)
    design = replace(frame.design, names=names, terms=())
    rows = specification.rows.with_columns(columns)
    solver = specification.solver
    if isinstance(solver, solve.GradientDescent):
        solver = LBFGS()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parent has reported rank and separation already
        return estimate(
            replace(specification, frame=replace(frame, design=design), rows=rows, solver=solver)
        )


def null_model(fit: Estimate) -> Estimate:
    """Return the same model with an intercept only (and the offset)."""
    return refit(fit, ()) if fit.null is None else fit.null


def objective_of(specification: Specification, kept: Sequence[bool]) -> Objective:
    """Return the objective of a fit, given which of its coefficients are estimable."""
    if specification.plan is not None:
        return statdl.estimate.network_objective(specification, specification.plan)
    places = [j for j, keep in enumerate(kept) if keep]
    return _objective(specification, _restricted(specification, places), places)


def as_regression(specification: Specification) -> Specification:
    """Return the regression on a network's inputs: what it is compared with."""
    if specification.plan is None:
        return specification
    solver = LeastSquares() if specification.family.quadratic else Newton(expected=True)
    return replace(specification, plan=None, penalty=NoPenalty(), solver=solver)


def _objective(
    specification: Specification, rows: Rows, kept: Sequence[int] | None = None
) -> Objective:
    """Return the objective of rows whose columns are the kept ones."""
    intercept = specification.intercept and (kept is None or 0 in kept)
    X = rows.template
    predictor = Linear(X.shape[1], specification.family.outputs, intercept)
    penalised = None
    if specification.penalty.active:
        penalised = host_zeros(predictor.size, X) + 1  # on the host, as the parameters are
        if intercept and specification.penalty.shrinks:
            penalised[:: predictor.columns] = 0
    objective = Objective(specification.family, predictor, rows, specification.penalty, penalised)
    return _passing(objective, specification.solver) if rows.passing else objective


def _passing(objective: Objective, solver: Solver) -> Objective:
    """Return the objective of rows that are read anew for every sum: the fewest passes."""
    if not isinstance(solver, Newton):
        return objective
    return Together.of(objective, solver.expected or objective.family.canonical)


def _restricted(specification: Specification, kept: Sequence[int]) -> Rows:
    """Return the rows with the kept columns only."""
    first = int(specification.intercept)
    return specification.rows.with_columns([j - first for j in kept if j >= first])


def _solve(objective: Objective, solver: Solver, start: Start) -> Solution:
    """Run the solver where the arithmetic is sound: on the columns, or on a basis of them."""
    sound = objective.penalty.shrinks or start.certified or _sound(objective, start.factor)
    plain_least_squares = isinstance(solver, LeastSquares) and not objective.penalty.active
    if plain_least_squares and not (sound and good_enough(start.factor, objective.rows)):
        return _solve_by_qr(objective)
    return (
        _solve_directly(objective, solver, start) if sound else _solve_on_basis(objective, solver)
    )


def _sound(objective: Objective, factor: Factor | None) -> bool:
    """Tell whether steps, and the determinant of Firth's penalty, keep their digits as it is."""
    if not well_conditioned(factor):
        return False
    return not objective.penalty.active or firm_volume(factor)


def _solve_directly(objective: Objective, solver: Solver, start: Start) -> Solution:
    watch = None if start.certified else lookout(objective, solver)
    minimum = _minimise(objective, solver, start, watch)
    if objective.family.quadratic and start.curvature is not None:
        curvature, factor = start.curvature, start.factor
    else:
        with overflow_allowed():  # what is not finite has no factor
            curvature = objective.curvature(minimum.parameters, expected=True)
        factor = factor_or_none(curvature)
    pivot = factor.smallest_pivot() if factor is not None else 0.0
    vouched = digits(pivot, epsilon(curvature))
    if objective.penalised is not None and factor is not None:
        bare = replace(objective, penalised=None)
        information = bare.curvature(minimum.parameters, expected=True)
        root, effective = shrunken_root(factor, information)
        return Solution(minimum, information, root, effective, "Cholesky", vouched)
    root = factor.inverse_root() if factor is not None else curvature * float("nan")
    return Solution(minimum, curvature, root, float(objective.size), "Cholesky", vouched, watch)


def _minimise(
    objective: Objective, solver: Solver, start: Start, watch: Lookout | None = None
) -> Minimum:
    if isinstance(solver, Newton | LBFGS) and not isinstance(objective, Together):
        solver = replace(solver, first_factor=start.factor)
    if _descends(solver) and solver.scale:
        coordinates = Standardised.of(_linear(objective), objective.rows)
        inner = Reparametrised(objective, coordinates)
        minimum = minimise(inner, solver, coordinates.inner(start.parameters))
        minimum = _translated(minimum, coordinates.outer)
    else:
        minimum = minimise(objective, solver, start.parameters, watch)
    if watch is not None and watch.found is not None:
        return settled(objective, minimum, watch.found)
    if minimum.outcome is Outcome.NON_FINITE:  # the trace shows where it went; it is no estimate
        nothing = float("nan")
        return replace(minimum, parameters=minimum.parameters * nothing, loss=nothing)
    return minimum


def _descends(solver: Solver) -> TypeGuard[solve.GradientDescent]:
    """Tell whether this is gradient descent, without loading that for the other solvers."""
    if isinstance(solver, LeastSquares | Newton | LBFGS):
        return False
    return isinstance(solver, solve.GradientDescent)


def _translated(minimum: Minimum, outer: Callable[[Array], Array]) -> Minimum:
    """Return a minimum, and the way to it, in the coordinates of the columns as given."""
    with overflow_allowed():
        walk = [outer(step) for step in minimum.trace.parameters]
        return replace(
            minimum,
            parameters=outer(minimum.parameters),
            trace=replace(minimum.trace, parameters=walk),
        )


def _linear(objective: Objective) -> Linear:
    predictor = objective.predictor
    assert isinstance(predictor, Linear)
    return predictor


def _solve_by_qr(objective: Objective) -> Solution:
    """Solve least squares by QR of √W [1 X] with refinement, where a Gram matrix will not do."""
    rows = in_one_piece(objective.rows)
    objective = replace(objective, rows=rows)
    xp = namespace(rows.X)
    A = design_matrix(rows.X, objective.intercept)
    y = rows.y[:, 0] if rows.offset is None else (rows.y - rows.offset)[:, 0]
    if rows.weights is not None:
        root = xp.sqrt(rows.weights)
        A, y = A * root[:, None], y * root
    found = refined_least_squares(A, y)
    parameters = to_numpy(found.parameters)
    minimum = minimise(objective, LeastSquares(max_iterations=0), parameters)
    loss = 0.5 * float(found.residuals @ found.residuals)  # β as rounded has a larger one
    R = found.triangle
    trusted = digits(smallest_pivot(R), epsilon(R))
    root = refined_inverse(A, R) if trusted < PLAIN_DIGITS else _inverse(R)
    return Solution(
        replace(minimum, parameters=parameters, loss=loss, outcome=Outcome.CONVERGED),
        to_numpy(R.T @ R),
        to_numpy(root),
        float(R.shape[0]),
        "QR, refined",
        trusted,
    )


def _solve_on_basis(objective: Objective, solver: Solver) -> Solution:
    """Fit on an orthogonal basis of ill-conditioned columns."""
    basis, R = on_basis(objective)
    q = objective.predictor.outputs
    solution = _solve_directly(basis, solver, begin(basis))

    def outer(gamma: Array) -> Array:
        xp = namespace(gamma)
        return xp.reshape(solve_upper(R, xp.reshape(gamma, (q, -1)).T).T, (-1,))

    return Solution(
        _translated(solution.minimum, outer),
        _congruent(solution.information, R.T, q),
        from_left(_inverse(R), solution.root, q),
        solution.effective,
        "QR",
        digits(smallest_pivot(R), epsilon(R)),
        _unnamed(solution.lookout),
    )


def _unnamed(watch: Lookout | None) -> Lookout | None:
    """Return what a lookout said of columns of a basis, whose separation names no variables."""
    return None if watch is None or watch.found is not None else watch


def _precision(rows: Rows) -> tuple[str, ...]:
    """Return what is to be said of the precision of the data, if anything."""
    if rows.precision == precision(rows.template.dtype):
        return ()
    return ("Data are in single precision (float32); sums over rows are carried in double.",)


def _inverse(R: Array) -> Array:
    return solve_upper(R, namespace(R).eye(R.shape[0], dtype=R.dtype, device=R.device))


def from_left(B: Array, A: Array, q: int) -> Array:
    """Return (I_q ⊗ B) A."""
    xp = namespace(A)
    blocks = xp.reshape(A, (q, B.shape[0], -1))
    return xp.reshape(xp.matmul(B[None, :, :], blocks), (q * B.shape[0], -1))


def _congruent(A: Array, B: Array, q: int) -> Array:
    """Return (I_q ⊗ B) A (I_q ⊗ B)ᵀ."""
    half = from_left(B, A, q)
    return from_left(B, half.T, q)


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
