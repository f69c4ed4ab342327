"""From a specification to an estimate, and to those of models beside it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import statdl.estimate
from statdl import solve
from statdl.backend.shortage import device_errors
from statdl.estimate.counted import counted
from statdl.estimate.from_triangle import estimate_from_triangle, triangle_suffices
from statdl.estimate.record import Estimate
from statdl.estimate.regression import estimate_regression, regression_objective
from statdl.estimate.specification import Specification
from statdl.model.objective import Objective
from statdl.model.penalty import NoPenalty
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import LeastSquares, Newton


@device_errors()
def estimate(specification: Specification) -> Estimate:
    """Fit a specification: a network, or a regression by the rows or by what one pass tells."""
    if specification.plan is not None:  # by the package, so that regressions load no networks
        return statdl.estimate.estimate_network(specification)
    if triangle_suffices(specification):
        found = estimate_from_triangle(specification)
    else:
        found = estimate_regression(specification)
    return _counted(found) if specification.rows.passing else found


def _counted(found: Estimate) -> Estimate:
    """Return an estimate with what only the passes over a scan could tell."""
    record = replace(found.convergence, passes=found.specification.rows.passes)
    return replace(found, specification=counted(found.specification), convergence=record)


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
    return regression_objective(specification, [j for j, keep in enumerate(kept) if keep])


def as_regression(specification: Specification) -> Specification:
    """Return the regression on a network's inputs: what it is compared with."""
    if specification.plan is None:
        return specification
    solver = LeastSquares() if specification.family.quadratic else Newton(expected=True)
    return replace(specification, plan=None, penalty=NoPenalty(), solver=solver)
