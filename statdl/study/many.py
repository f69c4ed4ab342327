"""Many fits of one model, to many views of its rows: what all studies of many fits run on.

A view differs from the fit in weights, responses, penalty or start (:mod:`statdl.study.views`).
Views are fitted together, as many at a time as there is room for:

    a linear predictor   Newton's method, one stacked factorisation a step
    a network            L-BFGS with each view's own curvature, then damped Newton's method; the
                         steps of gradient descent where that is how it was trained
    Firth's penalty      one view after the other: it is no function of the weights alone

How each fit ended is a value: none of them stops the others. Networks that are to standardise by
their own rows share none: :mod:`statdl.study.networks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.backend.shortage import device_errors
from statdl.backend.threads import FEW_ENTRIES, one_thread
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.kinds import is_number
from statdl.model.batch import Batch
from statdl.model.penalty import Ridge
from statdl.model.weight_normalisation import polar
from statdl.solve.batched import Minima, Status
from statdl.solve.progress import shown
from statdl.study.many_networks import (
    OWN_CURVATURE,
    common_root,
    from_all_starts,
    network,
    trained,
)
from statdl.study.many_regressions import Regressions, one_by_one, starts_of
from statdl.study.repeatable import is_trained, plain_linear, refuse_unrepeatable
from statdl.study.room import room_of
from statdl.study.separated import without_maximum
from statdl.study.views import Source, Views

#: Distance from its minimum, in standard errors, that a fit may stop at.
TOLERANCE = 1e-10
#: The same for a spread over refits, of a regression and of a network: far below its noise.
FINE, ROUGH = 1e-3, 0.05
#: What is said of a fit that has no estimate.
REASONS = {
    Status.CONVERGED: "",
    Status.RUNNING: "not converged",
    Status.STALLED: "not converged",
    Status.NON_FINITE: "non-finite",
    Status.SINGULAR: "singular",
    Status.SEPARATED: "separated",
}


@dataclass(frozen=True)
class Many:
    """B fits on the host.

    Shapes
    ------
    parameters : (B, P), where each ended, of whatever use that is
    status : B of :class:`~statdl.solve.batched.Status`
    loss : (B,), or None where it was not asked for
    """

    parameters: Any
    status: tuple[Status, ...]
    loss: Any = None

    @property
    def count(self) -> int:
        """B, the number of fits."""
        return int(self.parameters.shape[0])

    @property
    def converged(self) -> Any:
        """Which fits reached their minimum, (B,)."""
        return np.asarray([one is Status.CONVERGED for one in self.status], dtype=bool)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a fit has no estimate; empty where it has one."""
        return tuple(REASONS[one] for one in self.status)


@device_errors()
def fit_views(
    estimate: Estimate,
    views: Source,
    *,
    afresh: bool = False,
    tolerance: float = TOLERANCE,
    losses: bool = False,
) -> Many:
    """Fit a model to every view, from the estimate or from the view's own start.

    Parameters
    ----------
    estimate : Estimate
        The model, and a fit of it.
    views : Source
        What each fit sees.
    afresh : bool
        Start a network as the fit itself was started, from its random draws, and keep each view's
        best, so that a fit knows no more of the rows it leaves out than the scaling of the inputs
        and where it starts. A regression has one maximum.
    tolerance : float
        Distance from its minimum, in standard errors, that a fit may stop at.
    losses : bool
        Whether the loss of each is wanted.

    Raises
    ------
    ModelError, DataError
        When the model cannot be fitted again: it has no rows, or was trained by gradient descent.

    Examples
    --------
    >>> import statdl as sd
    >>> from statdl.study.views import Resamples
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> fit_views(fit.estimate, Resamples(np.ones(32), 50)).parameters.shape
    (50, 2)
    """
    refuse_unrepeatable(estimate)
    if not (is_number(tolerance) and tolerance >= 0):
        raise ModelError(f"tolerance={tolerance!r} must be a number of standard errors, 0 or more.")
    run = _runner(estimate, afresh, tolerance)
    starts = 1
    if afresh and estimate.specification.plan is not None:
        starts = estimate.specification.plan.restarts
    size = min(estimate.objective.size, OWN_CURVATURE)
    X = estimate.objective.rows.X
    together = max(1, room_of(X) // ((views.width + 3 * size**2) * starts))
    blocks = range(-(-views.count // together))
    source = views.blocks(together)
    with one_thread(X.size <= FEW_ENTRIES):  # stacks are of small products
        found = [_one_block(estimate, next(source), run, losses) for _ in shown(blocks, "fits")]
    parameters = np.concatenate([one.parameters for one in found])
    return Many(
        _of_length_one(estimate, parameters),
        tuple(status for one in found for status in one.status),
        np.concatenate([one.loss for one in found]) if losses else None,
    )


Run = Callable[[Batch, Views], Minima]


def _one_block(estimate: Estimate, views: Views, run: Run, losses: bool) -> Many:
    batch = batch_of(estimate, views)
    minima = run(batch, views)
    status = without_maximum(batch, minima)
    loss = None
    if losses:
        loss = batch.value(minima.parameters) if minima.loss is None else minima.loss
    return Many(to_numpy(minima.parameters), status, None if loss is None else to_numpy(loss))


def batch_of(estimate: Estimate, views: Views | None = None) -> Batch:
    """Return the likelihoods of an estimate's model on some views."""
    objective = replace(estimate.objective, rows=estimate.objective.rows.gathered())
    if views is None:
        return Batch(objective)
    X = objective.rows.X
    if views.strengths is not None:  # which are all of λ, whatever the fit's was
        objective = replace(objective, penalty=Ridge(1.0))
    weights, y, strengths = (
        None if part is None else like(part, X)
        for part in (views.weights, views.y, views.strengths)
    )
    return Batch(objective, weights, y, strengths)


def _runner(estimate: Estimate, afresh: bool, tolerance: float) -> Run:
    objective = estimate.objective
    if objective.penalty.active and not objective.penalty.shrinks:
        return lambda batch, views: one_by_one(estimate, batch, views, tolerance)
    if plain_linear(objective):
        return Regressions(estimate, tolerance)
    if is_trained(estimate):
        return lambda batch, views: trained(estimate, batch, views)
    if afresh and estimate.specification.plan is not None:
        return lambda batch, views: from_all_starts(estimate, batch, tolerance)
    return lambda batch, views: network(
        batch, starts_of(estimate, batch, views), tolerance, common_root(batch, views, estimate)
    )


def _of_length_one(estimate: Estimate, parameters: Any) -> Any:
    """Return parameters (B, P) whose directions are as long as the estimate's: that of one."""
    plan = estimate.specification.plan
    if plan is not None and plan.fixed is None:
        for layer in plan.network.directed:
            layer.affine.weights(parameters)[...] = polar(layer, parameters).unit
    return parameters
