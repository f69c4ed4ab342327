"""Where a path begins: the search that suits its loss, its size and its penalty."""

from __future__ import annotations

from statdl.errors import NumericalError
from statdl.solve.column_descent import ColumnDescent
from statdl.solve.gram import Gram
from statdl.solve.proximal_newton import ProximalNewton
from statdl.solve.ridge import Ridge
from statdl.solve.screening import Problem, State

#: From this tolerance on, sweeps end before a Gram matrix of as many columns is worth its price.
LOOSE = 1e-5


def begin(problem: Problem, count: int = 1, tolerance: float = 0.0) -> State:
    """Return the start of a path of ``count`` values of λ: what is not penalised is fitted."""
    if Ridge.suits(problem):
        return begun(Ridge(problem))
    if problem.loss.quadratic and tolerance < LOOSE:
        return begun(Gram(problem))
    if ColumnDescent.suits(problem, count):
        try:
            return begun(ColumnDescent(problem))
        except NumericalError:  # what is not penalised is too nearly collinear
            pass
    return begun((Gram if problem.loss.quadratic else ProximalNewton)(problem))


def begun(state: State) -> State:
    """Return a search that knows λ_max."""
    state.begin()
    return state
