"""Many networks at once, on views of the rows of one: refits, and fits afresh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from statdl.backend.array import Array, like, namespace
from statdl.backend.linalg import cholesky
from statdl.estimate import (
    Estimate,
    Specification,
    free_parameters,
    network_objective,
    starting_values,
)
from statdl.estimate.response import of_free, response_scale, within
from statdl.estimate.restarts import COMMON_TICKS, NEAR
from statdl.model.batch import Batch
from statdl.model.response_scale import ResponseScale
from statdl.solve.batched import DAMPING, Minima, Status, Together
from statdl.solve.batched_damped import DampedTogether
from statdl.solve.batched_descent import DescentTogether
from statdl.solve.training import Training
from statdl.study.networks import leaders, repeated
from statdl.study.views import Views

#: Most ticks of L-BFGS.
TICKS = 500
#: Networks of more weights than this do without a curvature of each view.
OWN_CURVATURE = 300
#: Ticks after which views look at their curvature again.
REFRESH = 20


def common_root(batch: Batch, views: Views, estimate: Estimate) -> Array | None:
    """Return B with B Bᵀ the inverse of the curvature at the estimate, which views resemble.

    None where they need not: where they start elsewhere, or have penalties of their own.
    """
    if batch.size > OWN_CURVATURE or views.starts is not None or views.strengths is not None:
        return None
    here = estimate.device_parameters[None, :]
    return cholesky(Batch(batch.objective).inverse_curvature(here, DAMPING)[0, ...])


def network(batch: Batch, start: Array, tolerance: float, root: Array | None = None) -> Minima:
    """Walk down by L-BFGS, each view with its own curvature, then square what is left."""
    small = batch.size <= OWN_CURVATURE
    rough = max(tolerance, NEAR) if small else tolerance
    refresh = REFRESH if small else 0
    walk = Together(tolerance=rough, max_iterations=TICKS, refresh=refresh, root=root)
    found = walk.minimise(batch, start)
    if rough == tolerance:
        return found
    polished = DampedTogether(tolerance=tolerance).minimise(batch, found.parameters)
    lost = [one is Status.NON_FINITE for one in found.status]
    status = zip(lost, polished.status, strict=True)
    return replace(
        polished, status=tuple(Status.NON_FINITE if gone else one for gone, one in status)
    )


def from_all_starts(estimate: Estimate, batch: Batch, tolerance: float) -> Minima:
    """Fit every view from all the starts of a network, and keep each view's best."""
    plan = estimate.specification.plan
    assert plan is not None
    X = batch.objective.rows.X
    xp = namespace(X)
    drawn = starting_values(estimate.specification)
    starts = xp.stack([free_parameters(plan, like(one, X)) for one in drawn])
    # far from a minimum a curvature leads to the nearest one, which is seldom the best
    walk = Together(tolerance=NEAR, max_iterations=COMMON_TICKS)
    r, count = starts.shape[0], batch.count(1)
    batch = repeated(batch, r)
    walked = walk.minimise(batch, xp.tile(starts, (count, 1)))
    return leaders(network(batch, walked.parameters, tolerance), r)[0]


def trained(estimate: Estimate, batch: Batch, views: Views) -> Minima:
    """Train every view as the network itself was trained, from its start unless it has its own.

    The unit of the response, which steps are in, is that of the fit.
    """
    specification = estimate.specification
    plan, solver = specification.plan, specification.solver
    assert plan is not None
    assert isinstance(solver, Training)
    X = batch.objective.rows.X
    xp = namespace(X)
    if views.starts is not None:
        starts = like(views.starts, X)
    else:
        start = free_parameters(plan, like(starting_values(specification)[0], X))
        starts = xp.tile(start[None, :], (views.count, 1))
    decayed = batch.objective.slopes(xp.ones_like(starts[0, :]))
    training = DescentTogether(solver.descent, solver.descent.seed or 0)
    scale = response_scale(specification)
    if scale is None:
        return training.minimise(batch, starts, decayed)
    free = of_free(plan, scale)
    inside = _inside(batch, within(specification, scale), free)
    found = training.minimise(inside, free.inside(starts), decayed)
    loss: Any = found.loss
    return replace(found, parameters=free.outside(found.parameters), loss=loss * free.spread**2)


def _inside(batch: Batch, specification: Specification, scale: ResponseScale) -> Batch:
    """Return the same problems in units of the scale, which the specification is in."""
    penalised, plan = batch.penalised, specification.plan
    assert plan is not None
    return replace(
        batch,
        objective=network_objective(specification, plan),
        y=None if batch.y is None else scale.response(batch.y),
        penalised=None if penalised is None else penalised * like(scale.squares, penalised),
    )
