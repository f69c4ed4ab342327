"""Many fits of one model: to other weights of the same rows, or to other responses.

``near`` starts every refit at the estimate; ``afresh`` starts a network as the fit itself was
started, from its random draws, so that a refit knows nothing of the rows it leaves out. A
regression has one maximum, and both find it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import like, namespace, to_numpy
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate, Identification, free_parameters, starting_values
from statdl.estimate.restarts import COMMON_TICKS, NEAR
from statdl.model.batch import Batch
from statdl.model.weight_normalisation import polar
from statdl.solve.batched import Minima, Together
from statdl.solve.descent import GradientDescent
from statdl.solve.progress import shown
from statdl.solve.training import Training

#: Distance from its maximum, in standard errors, that a refit may stop at: far below its noise.
TOLERANCE = 0.05
#: Most ticks of a batch of refits.
TICKS = 200
#: Networks of more weights than this do without a curvature of each refit.
OWN_CURVATURE = 300
#: Ticks after which refits look at their curvature again.
REFRESH = 20
#: Numbers that the weights, responses or curvatures of one batch may take up.
ROOM = 8_000_000


@dataclass(frozen=True)
class Refits:
    """B fits on the host: θ of each (B, P), its loss (B,), and whether it converged (B,)."""

    parameters: Any
    loss: Any
    converged: Any

    @property
    def count(self) -> int:
        """B, the number of fits."""
        return int(self.parameters.shape[0])


def near(
    estimate: Estimate,
    weights: Any = None,
    y: Any = None,
    tolerance: float = TOLERANCE,
    ticks: int = TICKS,
) -> Refits:
    """Refit from the estimate: ``weights`` (B, n) or ``y`` (B, n, q) on the host."""
    _refuse(estimate)
    solver = _solver(estimate, tolerance, ticks)
    xp = namespace(estimate.objective.rows.X)
    theta = estimate.device_parameters

    def run(batch: Batch, count: int) -> Minima:
        start = xp.broadcast_to(theta[None, :], (count, theta.shape[0]))
        return solver.minimise(batch, xp.asarray(start, copy=True))

    return _in_chunks(estimate, weights, y, 1, run)


def afresh(
    estimate: Estimate,
    weights: Any = None,
    y: Any = None,
    tolerance: float = TOLERANCE,
    ticks: int = TICKS,
) -> Refits:
    """Refit as the estimate was fitted: a network from all its starts, keeping each refit's best.

    Raises
    ------
    ModelError
        When the fit has no maximum.
    """
    plan = estimate.specification.plan
    if plan is None:
        return near(estimate, weights, y, tolerance, ticks)
    _refuse(estimate)
    X = estimate.objective.rows.X
    xp = namespace(X)
    drawn = starting_values(estimate.specification)
    starts = xp.stack([free_parameters(plan, like(start, X)) for start in drawn])
    # far from a minimum a curvature leads to the nearest one, which is seldom the best
    walk = Together(tolerance=NEAR, max_iterations=COMMON_TICKS)
    polish = _solver(estimate, tolerance, ticks)

    def run(batch: Batch, count: int) -> Minima:
        r = starts.shape[0]
        repeated = like([j for j in range(count) for _ in range(r)], X, xp.int64)
        batch = batch.take(repeated)
        walked = walk.minimise(batch, xp.tile(starts, (count, 1)))
        found = polish.minimise(batch, walked.parameters)
        losses = to_numpy(found.loss).reshape(count, r)
        best = np.argmin(np.where(np.isfinite(losses), losses, np.inf), axis=1)
        chosen = [int(j * r + best[j]) for j in range(count)]
        places = like(chosen, X, xp.int64)
        return Minima(
            xp.take(found.parameters, places, axis=0),
            xp.take(found.loss, places, axis=0),
            tuple(found.converged[j] for j in chosen),
            found.iterations,
        )

    return _in_chunks(estimate, weights, y, len(starts), run)


def batch_of(estimate: Estimate, weights: Any = None, y: Any = None) -> Batch:
    """Return the likelihoods of an estimate's model with other weights or responses."""
    X = estimate.objective.rows.X
    return Batch(
        estimate.objective,
        None if weights is None else like(weights, X),
        None if y is None else like(y, X),
    )


def _in_chunks(estimate: Estimate, weights: Any, y: Any, each: int, run: Any) -> Refits:
    """Run as many refits together as there is room for their data."""
    given = weights if weights is not None else y
    size = estimate.objective.size
    count, wide = given.shape[0], int(np.prod(given.shape[1:])) + min(size, OWN_CURVATURE) ** 2
    together = max(1, ROOM // (wide * each))
    found = []
    for first in shown(range(0, count, together), "refits"):
        rows = slice(first, min(first + together, count))
        parts = (None if part is None else part[rows] for part in (weights, y))
        found.append(run(batch_of(estimate, *parts), rows.stop - rows.start))
    return Refits(
        _of_length_one(estimate, np.concatenate([to_numpy(one.parameters) for one in found])),
        np.concatenate([to_numpy(one.loss) for one in found]),
        np.concatenate([np.asarray(one.converged, dtype=bool) for one in found]),
    )


def _of_length_one(estimate: Estimate, parameters: Any) -> Any:
    """Return parameters (B, P) whose directions are as long as the estimate's: that of one."""
    plan = estimate.specification.plan
    if plan is not None and plan.fixed is None:
        for layer in plan.network.directed:
            layer.affine.weights(parameters)[...] = polar(layer, parameters).unit
    return parameters


def _solver(estimate: Estimate, tolerance: float, ticks: int) -> Together:
    """Aim with the information where it serves all refits, else with each refit's own curvature."""
    solver = Together(tolerance=tolerance, max_iterations=ticks)
    objective = estimate.objective
    if objective.predictor.linear and objective.penalised is None:
        return replace(solver, root=estimate.to_device(estimate.root))
    return replace(solver, refresh=REFRESH if objective.size <= OWN_CURVATURE else 0)


def _refuse(estimate: Estimate) -> None:
    if estimate.remembered is not None:
        raise DataError(
            "A model loaded from a file has no rows to fit again; fit it to its data first."
        )
    trained = isinstance(estimate.specification.solver, GradientDescent | Training)
    if trained and estimate.specification.plan is not None:
        raise ModelError(
            "Refits go to the minimum of the loss, and a network trained by gradient descent need "
            "not be there; fit it with method='newton' or 'lbfgs'."
        )
    known = (Identification.SINGULAR, Identification.UNEXAMINED)  # NaN for reasons of their own
    if estimate.identification not in known and np.isnan(estimate.root).any():
        raise ModelError(
            "The fit has no finite maximum to start from, so that refits have none either: "
            f"{estimate.convergence.message}"
        )
