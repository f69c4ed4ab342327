"""Solving a regression where the arithmetic is sound: on its columns, by QR, or on a basis.

Steps of a solver keep their digits while the columns are well conditioned. Where they are not,
plain least squares is solved by QR with refinement, and everything else on an orthogonal basis of
the columns, whose solution is then taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeGuard

from statdl import solve as solvers
from statdl.backend.array import Array, epsilon, namespace, overflow_allowed, to_numpy
from statdl.backend.linalg import (
    Factor,
    design_matrix,
    refined_inverse,
    refined_least_squares,
    shrunken_root,
    solve_upper,
)
from statdl.estimate.basis import by_output, congruent_by_output, in_one_piece, on_basis
from statdl.estimate.lookout import Lookout, lookout, settled
from statdl.estimate.rank import digits, firm_volume, good_enough, smallest_pivot, well_conditioned
from statdl.estimate.start import Start, begin, factor_or_none
from statdl.model.coordinates import Reparametrised, Standardised
from statdl.model.objective import Objective
from statdl.model.one_pass import OnePass
from statdl.model.predictor import Linear
from statdl.solve.iterate import Minimum, Outcome, Solver, minimise
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import LeastSquares, Newton

#: Digits that plain arithmetic must leave the standard errors; below, they are refined.
PLAIN_DIGITS = 13.0


@dataclass(frozen=True)
class Solution:
    """A minimum with the information at it, and a root B of the covariance, B Bᵀ.

    ``effective`` is the number of parameters in effect, ``digits`` how many of the coefficients the
    arithmetic vouches for; ``lookout`` watched for separation on the way, None where nobody has.
    """

    minimum: Minimum
    information: Array
    root: Array
    effective: float
    factorisation: str
    digits: float
    lookout: Lookout | None = None


def solve(objective: Objective, solver: Solver, start: Start) -> Solution:
    """Return the solution of a regression, by the way that keeps the digits."""
    sound = objective.penalty.shrinks or start.certified or _sound(objective, start.factor)
    plain_least_squares = isinstance(solver, LeastSquares) and not objective.penalty.active
    if plain_least_squares and not (sound and good_enough(start.factor, objective.rows)):
        return _solve_by_qr(objective)
    if not sound:
        return _solve_on_basis(objective, solver)
    return _solve_directly(objective, solver, start)


def _sound(objective: Objective, factor: Factor | None) -> bool:
    """Tell whether steps, and the determinant of Firth's penalty, keep their digits as they are."""
    if not well_conditioned(factor):
        return False
    return not objective.penalty.active or firm_volume(factor)


def _solve_directly(objective: Objective, solver: Solver, start: Start) -> Solution:
    """Run the solver on the columns as they are; errors are from a Cholesky factor."""
    watch = None if start.certified else lookout(objective, solver)
    minimum = _minimise(objective, solver, start, watch)
    curvature, factor = _curvature_at(objective, minimum, start)
    information, effective = curvature, float(objective.size)
    if factor is None:
        root = curvature * float("nan")
    elif objective.penalised is None:
        root = factor.inverse_root()
    else:
        bare = replace(objective, penalised=None)
        information = bare.curvature(minimum.parameters, expected=True)
        root, effective = shrunken_root(factor, information)
    return Solution(
        minimum,
        information,
        root,
        effective,
        factorisation="Cholesky",
        digits=digits(0.0 if factor is None else factor.smallest_pivot(), epsilon(curvature)),
        lookout=watch,
    )


def _curvature_at(
    objective: Objective, minimum: Minimum, start: Start
) -> tuple[Array, Factor | None]:
    """Return the expected curvature at a minimum and its factor, where it has one."""
    if objective.family.quadratic and start.curvature is not None:
        return start.curvature, start.factor  # it is the same everywhere
    with overflow_allowed():  # what is not finite has no factor
        curvature = objective.curvature(minimum.parameters, expected=True)
    return curvature, factor_or_none(curvature)


def _minimise(
    objective: Objective, solver: Solver, start: Start, watch: Lookout | None = None
) -> Minimum:
    """Run the solver: gradient descent on standardised columns, if it asks for them."""
    if isinstance(solver, Newton | LBFGS) and not isinstance(objective, OnePass):
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


def _descends(solver: Solver) -> TypeGuard[solvers.GradientDescent]:
    """Tell whether this is gradient descent, without loading that for the other solvers."""
    if isinstance(solver, LeastSquares | Newton | LBFGS):
        return False
    return isinstance(solver, solvers.GradientDescent)


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
        information=to_numpy(R.T @ R),
        root=to_numpy(root),
        effective=float(R.shape[0]),
        factorisation="QR, refined",
        digits=trusted,
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
        information=congruent_by_output(solution.information, R.T, q),
        root=by_output(_inverse(R), solution.root, q),
        effective=solution.effective,
        factorisation="QR",
        digits=digits(smallest_pivot(R), epsilon(R)),
        lookout=_unnamed(solution.lookout),
    )


def _unnamed(watch: Lookout | None) -> Lookout | None:
    """Return None where columns of a basis separate: their names say nothing to anybody."""
    return None if watch is None or watch.found is not None else watch


def _inverse(R: Array) -> Array:
    return solve_upper(R, namespace(R).eye(R.shape[0], dtype=R.dtype, device=R.device))
