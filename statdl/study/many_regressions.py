"""Many regressions at once: Newton's method in one basis, or a view after the other.

A linear predictor without a penalty is fitted in an orthonormal basis of its columns, so that no
view loses digits that the fit itself has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.linalg import design_matrix, orthogonal_triangular
from statdl.estimate import Estimate
from statdl.estimate.separation import can_separate, separation
from statdl.estimate.start import null_parameters
from statdl.model.batch import Batch
from statdl.model.objective import Objective
from statdl.model.predictor import Linear
from statdl.solve.batched import Minima, Status
from statdl.solve.batched_newton import NewtonTogether
from statdl.solve.iterate import Outcome, minimise
from statdl.solve.newton import Newton
from statdl.solve.progress import shown
from statdl.study.repeatable import has_maximum, plain_linear
from statdl.study.separated import unpenalised
from statdl.study.views import Views

OUTCOMES = {
    Outcome.CONVERGED: Status.CONVERGED,
    Outcome.PRECISION: Status.CONVERGED,
    Outcome.NON_FINITE: Status.NON_FINITE,
    Outcome.SEPARATION: Status.SEPARATED,
    Outcome.STALLED: Status.STALLED,
}


class Regressions:
    """Newton's method in a basis of the columns, which is made once."""

    def __init__(self, estimate: Estimate, tolerance: float) -> None:
        self.estimate, self.tolerance = estimate, tolerance
        self._basis: tuple[Array, Array] | None = None

    def __call__(self, batch: Batch, views: Views) -> Minima:
        family = batch.objective.family
        penalised = batch.penalised is not None or batch.objective.penalised is not None
        solver = NewtonTogether(
            tolerance=self.tolerance,
            exact=family.canonical,
            scaled=not family.dispersion_known and family.noise(1.0) != 1.0,
        )
        free = unpenalised(batch, views.count)
        if can_separate(batch.objective) and free.any():
            solver = replace(
                solver, separated=lambda j: free[j] and separation(batch.one(j)) is not None
            )
        common = views.starts is None
        start = starts_of(self.estimate, batch, views)
        if penalised:
            return solver.minimise(batch, start, common=common)
        Q, R = self._columns(batch.objective)
        inner = replace(batch, objective=_on_basis(batch.objective, Q), _shared=self._shared)
        found = solver.minimise(inner, _turned(start, R), common=common)
        return replace(found, parameters=_turned_back(found.parameters, R))

    def _columns(self, objective: Objective) -> tuple[Array, Array]:
        if self._basis is None:
            A = design_matrix(objective.rows.X, objective.intercept)
            self._basis = orthogonal_triangular(A)
            self._shared: list[Any] = []
        return self._basis


def _on_basis(objective: Objective, Q: Array) -> Objective:
    predictor = Linear(int(Q.shape[1]), objective.predictor.outputs, False)
    return replace(objective, predictor=predictor, rows=replace(objective.rows, X=Q))


def _turned(theta: Array, R: Array) -> Array:
    """Return γ = R θ of each output, (k, P)."""
    xp = namespace(theta)
    table = xp.reshape(theta, (-1, R.shape[0]))
    return xp.reshape(table @ R.T, theta.shape)


def _turned_back(gamma: Array, R: Array) -> Array:
    xp = namespace(gamma)
    table = xp.reshape(gamma, (-1, R.shape[0]))
    return xp.reshape(xp.linalg.solve(R, table.T).T, gamma.shape)


def starts_of(estimate: Estimate, batch: Batch, views: Views) -> Array:
    """Return where each view starts, (k, P): where it says, else at the estimate."""
    X = batch.objective.rows.X
    xp = namespace(X)
    if views.starts is not None:
        return like(views.starts, X)
    theta = estimate.device_parameters
    if plain_linear(batch.objective) and not has_maximum(estimate):
        theta = like(null_parameters(batch.objective), X)
    start = xp.broadcast_to(theta[None, :], (views.count, theta.shape[0]))
    return xp.asarray(start, copy=True)


def one_by_one(estimate: Estimate, batch: Batch, views: Views, tolerance: float) -> Minima:
    """Fit one view after the other, as the fit itself was fitted."""
    X = batch.objective.rows.X
    solver = estimate.specification.solver
    if isinstance(solver, Newton):
        solver = replace(solver, first_factor=None)
    starts = to_numpy(starts_of(estimate, batch, views))
    minima = [minimise(batch.one(j), solver, starts[j]) for j in shown(range(len(starts)), "fits")]
    return Minima(
        like(np.stack([to_numpy(one.parameters) for one in minima]), X),
        like(np.asarray([one.loss for one in minima]), X),
        tuple(OUTCOMES.get(one.outcome, Status.RUNNING) for one in minima),
        max(one.iterations for one in minima),
    )
