"""A network fitted again to some of its rows, which knows nothing of the others.

Each standardises its inputs by its own rows, z' = (x − m')/s', and is fitted in these units from
the random starts of the fit; what comes out is of the fit's units, z = (x − m)/s, in which many
share their inputs:

    W = W' s/s',    b = b' + W' (m − m')/s'
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from statdl.backend.array import like, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.errors import DataError, ModelError, NumericalError, StatdlError, StatdlWarning
from statdl.estimate import Estimate, Plan, Practice, Specification
from statdl.estimate import estimate as fitted
from statdl.estimate.scaling import scaling_of
from statdl.solve.batched import Status
from statdl.study.many import Many, fit_views
from statdl.study.networks import estimates_of
from statdl.study.repeatable import is_trained, refuse_remembered, refuse_unbounded
from statdl.study.views import Views


def refitted(estimate: Estimate, weights: Any, tolerance: float) -> Many:
    """Return fits of a model to some of its rows each, afresh, in the coordinates of the estimate.

    ``weights`` is (K, n), 0 for rows that are left out; ``tolerance`` is that of fits which share
    their scaling, as regressions do.

    Examples
    --------
    >>> import statdl as sd
    >>> net = sd.mlp("mpg ~ wt", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
    >>> halves = np.arange(32) % 2 == np.arange(2)[:, None]
    >>> refitted(net.estimate, halves.astype(float), 1e-8).parameters.shape
    (2, 7)
    """
    if not _by_their_own_rows(estimate):
        many = fit_views(estimate, Views(weights=weights), afresh=True, tolerance=tolerance)
        return _with_the_rest(estimate, weights, many)
    raw = _raw(estimate)
    kind = _scaling_kind(estimate, raw)
    chosen = [_outside(estimate, raw, kind, own) for own in weights]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatdlWarning)
        found = [_sound(one) for one in estimates_of(chosen)]
    parameters = np.stack([_moved(estimate, one) for one in found])
    return Many(parameters, tuple(_status(one) for one in found))


def _sound(found: Estimate | StatdlError) -> Estimate:
    """Return a fit; what is held out cannot be judged without one.

    Raises
    ------
    NumericalError
        With what the fit said.
    """
    if isinstance(found, StatdlError):
        raise NumericalError(f"A fit without some of the rows has failed: {found}") from found
    return found


def _with_the_rest(estimate: Estimate, weights: Any, found: Many) -> Many:
    """Return refits with those of regressions that failed made by themselves.

    A view whose columns depend on each other stays where it started, which is the fit to all rows,
    those left out among them. By itself it leaves columns out, and their coefficients are 0 here.
    """
    specification = estimate.specification
    lost = [] if specification.plan is not None else (~found.converged).nonzero()[0].tolist()
    if not lost:
        return found
    if specification.rows.passing:
        raise DataError(
            f"Without some of the rows the fit has no estimate ({found.reasons[lost[0]]}): use "
            "fewer folds, or leave out columns that few rows tell apart."
        )
    parameters = np.array(found.parameters)
    for j in lost:
        parameters[j] = _by_itself(estimate, weights[j], parameters[j], found.status[j])
    return replace(found, parameters=parameters)


def _by_itself(estimate: Estimate, weights: Any, ended: Any, status: Status) -> Any:
    """Return coefficients of a fit to the rows of positive weight, 0 where it has none, (P,).

    Where a class is not among them, they are where the view ended.
    """
    specification = estimate.specification
    template = specification.rows.template
    places = like((weights > 0).nonzero()[0], template, namespace(template).int64)
    some = replace(specification, rows=specification.rows.take(places))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatdlWarning)
            own = fitted(some)
    except StatdlError:
        if status is Status.SEPARATED:
            return ended
        raise
    full = np.zeros(len(estimate.kept) * specification.tables)
    full[list(own.kept * specification.tables)] = to_numpy(own.parameters)
    return full[list(estimate.kept * specification.tables)]


def refuse_unlearnable(estimate: Estimate) -> None:
    """Refuse a model that cannot be learnt again from some of its rows.

    A minimum is asked of a fit that was to find one. What was trained by gradient descent is
    trained again, wherever that ends.

    Raises
    ------
    ModelError, DataError
        When it has no rows, or no minimum, or a network's refits have no units in common.
    """
    if not is_trained(estimate):
        refuse_unbounded(estimate)
        return
    refuse_remembered(estimate)
    if not _by_their_own_rows(estimate):
        raise ModelError(
            "A network trained by gradient descent is trained again without some of its rows, and "
            "this one has normalised layers, held weights, or scaled inputs and no biases; train "
            "it without, or fit it with method='newton' or 'lbfgs'."
        )


def _by_their_own_rows(estimate: Estimate) -> bool:
    """Tell whether it is a network whose refits can be in units of their own rows."""
    specification, plan = estimate.specification, estimate.specification.plan
    if plan is None or plan.fixed is not None:
        return False
    known = specification.frame.n == specification.rows.n and not specification.rows.passing
    movable = plan.centre is None or plan.network.intercept  # by the biases
    return known and plan.network.stackable and movable


def _raw(estimate: Estimate) -> Rows:
    """Return the rows with their inputs as given, where the fit has them."""
    specification = estimate.specification
    return replace(specification.rows, X=like(specification.frame.X, specification.rows.X))


def _scaling_kind(estimate: Estimate, raw: Rows) -> str | None:
    """Return how the fit has scaled its inputs by its rows; None where it has not."""
    plan = estimate.specification.plan
    assert plan is not None
    kinds = () if plan.centre is None else ("standard", "minmax")
    return next((one for one in kinds if _is_of(plan, scaling_of(raw, one))), None)


def _outside(estimate: Estimate, raw: Rows, kind: str | None, weights: Any) -> Specification:
    """Return the specification of the fit to the rows of positive weight alone."""
    specification, plan = estimate.specification, estimate.specification.plan
    assert plan is not None
    kept = like((weights > 0).nonzero()[0], raw.template, namespace(raw.template).int64)
    some = raw.take(kept)
    if kind is None:
        return replace(specification, rows=plan.scaled_rows(some))
    centre, spread = scaling_of(some, kind)
    own = replace(plan, centre=centre, spread=spread)
    practice = _practised(specification.practice, plan, own)
    return replace(specification, rows=own.scaled_rows(some), plan=own, practice=practice)


def _practised(practice: Practice, plan: Plan, own: Plan) -> Practice:
    """Return what training has besides, with the rows that it watches in a refit's own units."""
    if practice.held_out is None:
        return practice

    def block(rows: Rows) -> Rows:
        centre, spread = (like(values, rows.X) for values in (plan.centre, plan.spread))
        return replace(rows, X=own.scaled(rows.X * spread + centre))

    return replace(practice, held_out=practice.held_out.mapped(block))


def _is_of(plan: Plan, scaling: tuple[Any, Any]) -> bool:
    """Tell whether that is the plan's scaling; one of another network, or given, is kept."""
    pairs = zip((plan.centre, plan.spread), scaling, strict=True)
    return all(bool((abs(own - other) <= 1e-6 * plan.spread).all()) for own, other in pairs)


def _moved(estimate: Estimate, found: Estimate) -> Any:
    """Return parameters in the units of the estimate's inputs, (P,)."""
    plan = estimate.specification.plan
    assert plan is not None
    other, network = found.specification.plan, plan.network
    assert other is not None
    theta = np.array(to_numpy(found.parameters), dtype=float)
    if plan.centre is None:
        return theta
    shift, stretch = (plan.centre - other.centre) / other.spread, plan.spread / other.spread
    tables = [(network.layers[0].affine, 0)]
    tables += [(network.output, network.hidden[-1].units)] if network.skip else []
    for affine, first in tables:
        inputs = affine.weights(theta)[:, first:]
        affine.table(theta)[:, 0] += inputs @ shift
        inputs *= stretch
    return theta


def _status(found: Estimate) -> Status:
    return Status.CONVERGED if found.convergence.converged else Status.RUNNING
