"""Least squares of rows that are read in blocks: fitted to the triangle of √W [1 X y].

Its p + 2 rows stand for all, since Σ w (y − xβ)² is the same of them for every β. So one pass is
all that a fit takes, and where columns depend so much that the triangle has lost digits, another
refines what was found.
"""

from __future__ import annotations

from dataclasses import replace

from statdl.backend.rows import Rows
from statdl.backend.triangle import REFINED, Triangle, refined
from statdl.estimate.rank import refuse_too_few
from statdl.estimate.record import Estimate
from statdl.estimate.regression import estimate_regression, regression_objective
from statdl.estimate.specification import Specification
from statdl.solve.newton import Newton


def triangle_suffices(specification: Specification) -> bool:
    """Tell whether this is least squares over rows of which one triangle tells all."""
    newton = isinstance(specification.solver, Newton)
    plain = specification.family.quadratic and not specification.penalty.active
    return specification.rows.passing and newton and plain


def estimate_from_triangle(specification: Specification) -> Estimate:
    """Fit least squares to the triangle of the rows, which has the same solution and is small."""
    rows, frame = specification.rows, specification.frame
    names = specification.coefficient_names
    triangle = _triangle(rows, specification.intercept)
    refuse_too_few(rows.nobs, len(names))
    small = replace(
        specification,
        frame=replace(frame, design=replace(frame.design, intercept=False, names=names, terms=())),
        rows=Rows(triangle.R[:, :-1], triangle.R[:, -1:]),
    )
    found = estimate_regression(small)
    kept = [j for j, keep in enumerate(found.kept) if keep]
    objective = regression_objective(specification, kept)
    found = replace(found, specification=specification, objective=objective)
    return found if triangle.pivot > REFINED else _refined(found)


def _triangle(rows: Rows, intercept: bool) -> Triangle:
    """Return R of √W [1 X y], or of √W [X y]."""
    if intercept:
        return rows.triangle
    return rows.triangle.columns(tuple(range(rows.template.shape[1])), intercept=False)


def _refined(found: Estimate) -> Estimate:
    """Return an estimate with coefficients refined from the rows, where their columns depend."""
    rows, intercept = found.objective.rows, found.objective.intercept
    parameters, squares = refined(rows, _triangle(rows, intercept), intercept)
    return replace(found, parameters=parameters, loss=squares / 2)
