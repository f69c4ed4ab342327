"""Many fits of one model, to many views of its rows: what all studies of many fits run on.

A view differs from the fit in weights, responses, penalty or start (:mod:`statdl.study.views`).
Views are fitted together, as many at a time as there is room for:

    a linear predictor   Newton's method, one stacked factorisation a step
    a network            L-BFGS with each view's own curvature, then damped Newton's method; the
                         steps of gradient descent where that is how it was trained
    Firth's penalty      one view after the other: it is no function of the weights alone

A linear predictor without a penalty is fitted in an orthonormal basis of its columns, so that no
view loses digits that the fit itself has. How each fit ended is a value: none of them stops the
others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array, is_numpy, like, namespace, to_numpy
from statdl.backend.linalg import cholesky, design_matrix, orthogonal_triangular
from statdl.backend.shortage import device_errors
from statdl.backend.threads import FEW_ENTRIES, one_thread
from statdl.errors import DataError, ModelError
from statdl.estimate import (
    Estimate,
    Identification,
    Specification,
    free_parameters,
    network_objective,
    starting_values,
)
from statdl.estimate.response import of_free, response_scale, within
from statdl.estimate.restarts import COMMON_TICKS, NEAR
from statdl.estimate.separation import can_separate, separation
from statdl.estimate.start import null_parameters
from statdl.kinds import is_number
from statdl.model.batch import Batch
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.penalty import Ridge
from statdl.model.predictor import Linear
from statdl.model.response_scale import ResponseScale
from statdl.model.weight_normalisation import polar
from statdl.solve.batched import DAMPING, Minima, Status, Together
from statdl.solve.batched_damped import DampedTogether
from statdl.solve.batched_descent import DescentTogether
from statdl.solve.batched_newton import NewtonTogether
from statdl.solve.descent import GradientDescent
from statdl.solve.iterate import Outcome, minimise
from statdl.solve.newton import Newton
from statdl.solve.progress import shown
from statdl.solve.training import Training
from statdl.study.views import Source, Views

#: Distance from its minimum, in standard errors, that a fit may stop at.
TOLERANCE = 1e-10
#: The same for a spread over refits, of a regression and of a network: far below its noise.
FINE, ROUGH = 1e-3, 0.05
#: Most ticks of L-BFGS.
TICKS = 500
#: Networks of more weights than this do without a curvature of each view.
OWN_CURVATURE = 300
#: Ticks after which views look at their curvature again.
REFRESH = 20
#: Numbers that views and curvatures of one batch may take up, on the host and on a device.
ROOM, DEVICE_ROOM = 8_000_000, 250_000_000

#: What is said of a fit that has no estimate.
REASONS = {
    Status.CONVERGED: "",
    Status.RUNNING: "not converged",
    Status.STALLED: "not converged",
    Status.NON_FINITE: "non-finite",
    Status.SINGULAR: "singular",
    Status.SEPARATED: "separated",
}
OUTCOMES = {
    Outcome.CONVERGED: Status.CONVERGED,
    Outcome.PRECISION: Status.CONVERGED,
    Outcome.NON_FINITE: Status.NON_FINITE,
    Outcome.SEPARATION: Status.SEPARATED,
    Outcome.STALLED: Status.STALLED,
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
        best, so that a fit knows nothing of the rows it leaves out. A regression has one maximum.
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
    room = ROOM if is_numpy(X) else DEVICE_ROOM
    together = max(1, room // ((views.width + 3 * size**2) * starts))
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
    status = _without_maximum(batch, minima)
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


def _without_maximum(batch: Batch, minima: Minima) -> tuple[Status, ...]:
    """Name the separation behind fits that ended with dependent columns, or nowhere."""
    status = list(minima.status)
    if not can_separate(batch.objective) or not plain_linear(batch.objective):
        return tuple(status)
    free = _unpenalised(batch, len(status))
    doubtful = (Status.SINGULAR, Status.STALLED, Status.RUNNING, Status.NON_FINITE)
    for j, one in enumerate(status):
        if one in doubtful and free[j] and separation(batch.one(j)) is not None:
            status[j] = Status.SEPARATED
    for j in _one_sided(batch, len(status)).nonzero()[0]:
        status[j] = Status.SEPARATED
    return tuple(status)


def _one_sided(batch: Batch, count: int) -> Any:
    """Tell which problems lack a class, so that an intercept without penalty has no end, (k,).

    Of counts, those that are all 0.
    """
    objective = batch.objective
    if not objective.intercept or (objective.penalty.active and not objective.penalty.shrinks):
        return np.zeros(count, dtype=bool)
    strengths = objective.penalised if batch.penalised is None else batch.penalised
    bound = np.zeros(1, dtype=bool)
    if strengths is not None:
        kept = to_numpy(objective.predictor.slopes(np.ones(objective.size))) == 0
        bound = (to_numpy(strengths).reshape(-1, objective.size)[:, kept] > 0).any(axis=1)
    return ~bound & np.broadcast_to(to_numpy(_lacks_a_class(batch)), (count,))


def _lacks_a_class(batch: Batch) -> Array:
    rows, (lower, upper) = batch.objective.rows, batch.objective.family.ends
    y = rows.y[None, ...] if batch.y is None else batch.y
    weights = rows.weights if batch.weights is None else batch.weights
    xp = namespace(y)
    first = xp.sum(y, axis=2) < upper - 1e-12
    there = xp.astype(xp.concat([first[:, :, None], y > lower + 1e-12], axis=2), y.dtype)
    if weights is None:
        total = xp.sum(there, axis=1)
    elif batch.y is None:
        total = xp.reshape(weights, (-1, rows.n)) @ there[0, ...]
    else:
        total = (xp.reshape(weights, (-1, 1, rows.n)) @ there)[:, 0, :]
    return ~xp.all(total > 0, axis=1)


def _unpenalised(batch: Batch, count: int) -> Any:
    """Tell which problems have no penalty, (k,): of a view with λ = 0 no more than of none."""
    if batch.objective.penalty.active and not batch.objective.penalty.shrinks:
        return np.zeros(count, dtype=bool)
    if batch.penalised is not None:
        return (to_numpy(batch.penalised) == 0).all(axis=1)
    bare = batch.objective.penalised is None and not batch.objective.penalty.active
    return np.full(count, bare)


# how a block is fitted -----------------------------------------------------------------------


def _runner(estimate: Estimate, afresh: bool, tolerance: float) -> Run:
    objective = estimate.objective
    if objective.penalty.active and not objective.penalty.shrinks:
        return lambda batch, views: _one_by_one(estimate, batch, views, tolerance)
    if plain_linear(objective):
        return _Linear(estimate, tolerance)
    if is_trained(estimate):
        return lambda batch, views: _trained(estimate, batch, views)
    if afresh and estimate.specification.plan is not None:
        return lambda batch, views: _from_all_starts(estimate, batch, tolerance)
    return lambda batch, views: _network(
        batch, _starts(estimate, batch, views), tolerance, _common_root(batch, views, estimate)
    )


def plain_linear(objective: Objective) -> bool:
    """Tell whether η is X θ, with θ as :class:`~statdl.model.predictor.Linear` has it."""
    predictor = objective.predictor
    return isinstance(predictor, Linear) or (
        isinstance(predictor, Network) and not predictor.hidden
    )


class _Linear:
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
        free = _unpenalised(batch, views.count)
        if can_separate(batch.objective) and free.any():
            solver = replace(
                solver, separated=lambda j: free[j] and separation(batch.one(j)) is not None
            )
        common = views.starts is None
        start = _starts(self.estimate, batch, views)
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


def _starts(estimate: Estimate, batch: Batch, views: Views) -> Array:
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


def _common_root(batch: Batch, views: Views, estimate: Estimate) -> Array | None:
    """Return B with B Bᵀ the inverse of the curvature at the estimate, which views resemble.

    None where they need not: where they start elsewhere, or have penalties of their own.
    """
    if batch.size > OWN_CURVATURE or views.starts is not None or views.strengths is not None:
        return None
    here = estimate.device_parameters[None, :]
    return cholesky(Batch(batch.objective).inverse_curvature(here, DAMPING)[0, ...])


def _network(batch: Batch, start: Array, tolerance: float, root: Array | None = None) -> Minima:
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


def _from_all_starts(estimate: Estimate, batch: Batch, tolerance: float) -> Minima:
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
    repeated = like(np.repeat(np.arange(count), r), X, xp.int64)
    batch = batch.take(repeated)
    walked = walk.minimise(batch, xp.tile(starts, (count, 1)))
    found = _network(batch, walked.parameters, tolerance)
    losses = to_numpy(found.loss).reshape(count, r)
    best = np.argmin(np.where(np.isfinite(losses), losses, np.inf), axis=1)
    chosen = np.arange(count) * r + best
    places = like(chosen, X, xp.int64)
    return Minima(
        xp.take(found.parameters, places, axis=0),
        xp.take(found.loss, places, axis=0),
        tuple(found.status[j] for j in chosen),
        found.iterations,
    )


def _trained(estimate: Estimate, batch: Batch, views: Views) -> Minima:
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


def is_trained(estimate: Estimate) -> bool:
    """Tell whether the fit is a network trained by gradient descent."""
    specification = estimate.specification
    trained = isinstance(specification.solver, GradientDescent | Training)
    return trained and specification.plan is not None


def _refuse_chance(estimate: Estimate) -> None:
    """Refuse training that is more than steps along the gradients of batches."""
    specification = estimate.specification
    solver, practice, plan = specification.solver, specification.practice, specification.plan
    descent = solver.descent if isinstance(solver, Training) else solver
    assert isinstance(descent, GradientDescent)
    assert plan is not None
    hidden = plan.network.hidden
    reasons = {
        "early stopping or rows held out": practice.held_out is not None,
        "noise": practice.noise > 0,
        "dropout": any(one.dropout for one in hidden),
        "batch normalisation": any(one.normalisation == "batch" for one in hidden),
        "an L1 penalty": practice.lasso is not None and bool((practice.lasso > 0).any()),
        "several starts": plan.restarts > 1,
        "a learning rate of its own": descent.used_rule.learning_rate is None,
    }
    found = [name for name, there in reasons.items() if there]
    if found:
        raise ModelError(
            f"Many networks are trained at once by plain gradient descent, and this one has "
            f"{' and '.join(found)}; fit it with method='newton' or 'lbfgs', or train it without."
        )


def _one_by_one(estimate: Estimate, batch: Batch, views: Views, tolerance: float) -> Minima:
    """Fit one view after the other, as the fit itself was fitted."""
    X = batch.objective.rows.X
    solver = estimate.specification.solver
    if isinstance(solver, Newton):
        solver = replace(solver, first_factor=None)
    starts = to_numpy(_starts(estimate, batch, views))
    minima = [minimise(batch.one(j), solver, starts[j]) for j in shown(range(len(starts)), "fits")]
    return Minima(
        like(np.stack([to_numpy(one.parameters) for one in minima]), X),
        like(np.asarray([one.loss for one in minima]), X),
        tuple(OUTCOMES.get(one.outcome, Status.RUNNING) for one in minima),
        max(one.iterations for one in minima),
    )


def _of_length_one(estimate: Estimate, parameters: Any) -> Any:
    """Return parameters (B, P) whose directions are as long as the estimate's: that of one."""
    plan = estimate.specification.plan
    if plan is not None and plan.fixed is None:
        for layer in plan.network.directed:
            layer.affine.weights(parameters)[...] = polar(layer, parameters).unit
    return parameters


def has_maximum(estimate: Estimate) -> bool:
    """Tell whether the fit has a finite maximum to start from."""
    known = (Identification.SINGULAR, Identification.UNEXAMINED)  # NaN for reasons of their own
    return estimate.identification in known or not bool(np.isnan(estimate.root).any())


def refuse_unbounded(estimate: Estimate) -> None:
    """Refuse a fit without a finite maximum, around which refits would have to vary."""
    refuse_unrepeatable(estimate)
    if is_trained(estimate):
        raise ModelError(
            "Refits go to the minimum of the loss, and a network trained by gradient descent need "
            "not be there; fit it with method='newton' or 'lbfgs'."
        )
    if not has_maximum(estimate):
        raise ModelError(
            "The fit has no finite maximum to start from, so that refits have none either: "
            f"{estimate.convergence.message}"
        )


def refuse_unrepeatable(estimate: Estimate) -> None:
    """Refuse a model that cannot be fitted again."""
    if estimate.remembered is not None:
        raise DataError(
            "A model loaded from a file has no rows to fit again; fit it to its data first."
        )
    if is_trained(estimate):
        _refuse_chance(estimate)
