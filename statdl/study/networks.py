"""Networks of one architecture, fitted all at once: folds, decays, learning rates, random starts.

Each is the fit that its front door makes of its rows alone. It standardises by them, is fitted in
the unit of its own response, starts from the draws of its seed and takes the steps of its solver:
those of the trust region, of L-BFGS, or of gradient descent by batches. So the rows of each are its
own, (k, n, p), and nothing is known to it of rows that it leaves out; to as many rows as the
longest has, copies of a row are added with weight 0, which add 0 to every sum.

A fit by itself is left what does not go together with others: networks with held or normalised
weights, training with dropout, noise, early stopping, an L1 penalty or a rate that it finds itself,
rows of a scan, and on the host what is large enough that a fit is all arithmetic. So is a fit that
ends without a minimum: by itself it says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from statdl.backend.array import Array, is_numpy, like, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.backend.threads import one_thread
from statdl.errors import StatdlError
from statdl.estimate import Begun, Estimate, Specification, estimate
from statdl.estimate.restarts import COMMON_TICKS, NEAR
from statdl.model.batch import OWN_ROWS, Batch
from statdl.model.penalty import Ridge
from statdl.solve.batched import Minima, Status, Together
from statdl.solve.batched_damped import DampedTogether
from statdl.solve.batched_descent import DescentTogether
from statdl.solve.descent import GradientDescent
from statdl.solve.iterate import Minimum, Outcome, Solver, Trace
from statdl.solve.lbfgs import LBFGS
from statdl.solve.mover import KERNELS
from statdl.solve.training import Training
from statdl.solve.trust import TrustRegion
from statdl.study.repeatable import peculiarities
from statdl.study.room import SMALL, room_of

#: Sizes of parts that are fitted together differ by this factor at most.
ALIKE = 1.25


def estimates_of(specifications: Sequence[Specification]) -> list[Estimate | StatdlError]:
    """Return the fit of each specification, or what it says if it fails.

    Examples
    --------
    >>> import statdl as sd
    >>> net = sd.mlp("mpg ~ wt", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
    >>> one, other = estimates_of([net.estimate.specification] * 2)
    >>> bool(abs(one.loss - net.estimate.loss) < 1e-10)
    True
    """
    found = at_once(specifications)
    return [
        _by_itself(specification) if one is None else one
        for specification, one in zip(specifications, found, strict=True)
    ]


def _by_itself(specification: Specification) -> Estimate | StatdlError:
    try:
        return estimate(specification)
    except StatdlError as said:
        return said


@device_errors()
def at_once(specifications: Sequence[Specification]) -> list[Estimate | None]:
    """Return the fits of those that go together with others; None in place of the rest."""
    found: list[Estimate | None] = [None] * len(specifications)
    for places in _groups(specifications):
        begun = {j: one for j in places if (one := _begun(specifications[j])) is not None}
        fits = _fitted(list(begun.values())) if begun else []
        for j, fit in zip(begun, fits, strict=True):
            found[j] = fit
    return found


def _begun(specification: Specification) -> Begun | None:
    """Return what is about to be fitted; None where its start says that it cannot be."""
    try:
        return Begun.of(specification)
    except StatdlError:
        return None


# what goes together --------------------------------------------------------------------------


def _groups(specifications: Sequence[Specification]) -> Iterator[list[int]]:
    """Yield the places of specifications that go together, two or more, as there is room for."""
    kinds: list[tuple[Any, list[int]]] = []
    for j, one in enumerate(specifications):
        kind = _kind(one)
        if kind is None:
            continue
        known = next((places for other, places in kinds if other == kind), None)
        if known is None:
            kinds.append((kind, [j]))
        else:
            known.append(j)
    for _, places in kinds:
        size = max(1, room_of(specifications[places[0]].rows.X) // _numbers(specifications, places))
        for first in range(0, len(places), size):
            some = places[first : first + size]
            if len(some) > 1:
                yield some


def _kind(specification: Specification) -> Any:
    """Return what fits have in common that go together; None where it goes with no other."""
    plan, rows = specification.plan, specification.rows
    if plan is None or plan.fixed is not None or not plan.network.stackable:
        return None
    if rows.passing or rows.template is not rows.X or not rows.n:  # X elsewhere, or narrower
        return None
    if is_numpy(rows.X) and rows.X.size > SMALL:
        return None
    solver = _solver(specification)
    if solver is None:
        return None
    # batches are cut from as many rows; else sizes are alike
    size = rows.n if isinstance(solver, Training) else int(math.log(rows.n, ALIKE))
    optional = tuple(
        None if part is None else tuple(part.shape[1:]) for part in (rows.weights, rows.offset)
    )
    places = str(rows.X.dtype), str(rows.X.device)
    return plan.network, specification.family, solver, plan.restarts, size, optional, places


def _solver(specification: Specification) -> Solver | None:
    """Return the solver but for what each fit may have of its own; None where it goes alone."""
    solver = specification.solver
    if isinstance(solver, TrustRegion):
        return solver
    if isinstance(solver, LBFGS):
        return solver if solver.preconditioned is False else None
    if isinstance(solver, Training) and _plain(solver, specification):
        return replace(solver, descent=_without_own(solver.descent))
    return None


def _without_own(descent: GradientDescent) -> GradientDescent:
    rule: Any = descent.rule and replace(descent.rule, learning_rate=1.0)  # type: ignore[type-var]
    return replace(descent, rule=rule, seed=0)


def _plain(training: Training, specification: Specification) -> bool:
    """Tell whether training is steps along the gradients of batches, at a rate that is given."""
    descent = training.descent
    usual = descent.launch == "plain" and descent.products == "full"
    return usual and not (
        any((training.patience, training.checkpoint, training.resume))
        or peculiarities(specification)
        or type(descent.used_rule) not in KERNELS
        or descent.seed is None
        or (descent.batch or 1) > specification.rows.n
    )


def _numbers(specifications: Sequence[Specification], places: Sequence[int]) -> int:
    """Return how many numbers a fit of some takes up, with its starts and curvatures."""
    one = max((specifications[j] for j in places), key=lambda each: each.rows.n)
    plan = one.plan
    assert plan is not None
    size, solver = plan.network.size, one.solver
    pairs = 2 * solver.memory if isinstance(solver, LBFGS) else 20
    own = one.rows.n * (one.rows.X.shape[1] + one.family.outputs + 2) + (pairs + 10) * size
    return plan.restarts * own + 3 * size**2 * isinstance(solver, TrustRegion)


# how they are fitted -------------------------------------------------------------------------


def _fitted(begun: Sequence[Begun]) -> list[Estimate | None]:
    """Return the fits of a group; None where one has no minimum."""
    with one_thread():  # stacks are of small products
        found, losses = _minima(begun, _stacked(begun))
    return [
        _ended(one, found, losses, j) if found.status[j] is Status.CONVERGED else None
        for j, one in enumerate(begun)
    ]


def _ended(begun: Begun, found: Minima, losses: Any, j: int) -> Estimate:
    """Return the record of one of them."""
    trained = isinstance(begun.specification.solver, Training)
    # where training is said to report in the response's units
    unit = begun.scale.spread**2 if trained and begun.scale is not None else 1.0
    assert found.loss is not None
    minimum = Minimum(
        parameters=found.parameters[j, :],
        loss=float(found.loss[j]) * unit,
        gradient_norm=float("nan"),
        outcome=Outcome.EPOCHS if trained else Outcome.CONVERGED,
        iterations=found.iterations,
        halvings=0,
        seconds=0.0,
        solver=begun.specification.solver.name,
        trace=Trace(),
    )
    return begun.ended(minimum, tuple(losses[j] * unit))


def _stacked(begun: Sequence[Begun]) -> Batch:
    """Return the objectives of a group as a batch, each with its own rows and decay."""
    rows = [one.inside.rows for one in begun]
    most = max(one.n for one in rows)
    longest = begun[[one.n for one in rows].index(most)].objective
    if any(one.n < most for one in rows):
        rows = [_counted(one) for one in rows]
    xp = namespace(longest.rows.X)
    own = {
        name: xp.stack([_filled(getattr(one, name), most) for one in rows])
        for name in OWN_ROWS
        if getattr(rows[0], name) is not None
    }
    own["weights"] = _emptied(own.get("weights"), [one.n for one in rows])
    decays = np.stack([one.inside.plan.decay for one in begun if one.inside.plan is not None])
    penalised = like(decays, longest.rows.X) if (decays > 0).any() else None
    return Batch(replace(longest, penalty=Ridge(1.0), penalised=None), penalised=penalised, **own)


def _counted(rows: Rows) -> Rows:
    """Return rows with weights."""
    if rows.weights is not None:
        return rows
    xp = namespace(rows.y)
    return replace(rows, weights=xp.ones_like(rows.y[:, 0]))


def _filled(part: Array, n: int) -> Array:
    """Return what rows have, (n, …), with copies of the first row at the end."""
    xp, missing = namespace(part), n - part.shape[0]
    if not missing:
        return part
    copies = xp.broadcast_to(part[:1, ...], (missing, *part.shape[1:]))
    return xp.concat([part, copies], axis=0)


def _emptied(weights: Array | None, counts: Sequence[int]) -> Array | None:
    """Return weights, (k, n), that are 0 behind the rows that each has."""
    if weights is None or min(counts) == weights.shape[1]:
        return weights
    xp = namespace(weights)
    place = xp.arange(weights.shape[1], device=weights.device)
    there = place[None, :] < like(np.asarray(counts), weights, xp.int64)[:, None]
    return xp.where(there, weights, xp.zeros_like(weights))


def _minima(begun: Sequence[Begun], batch: Batch) -> tuple[Minima, Any]:
    """Return the best minimum of each, and the losses of all starts, (k, r), on the host."""
    solver, r = begun[0].specification.solver, len(begun[0].starts)
    xp = namespace(begun[0].starts[0])
    starts = xp.stack([start for one in begun for start in one.starts])
    if isinstance(solver, Training):
        return leaders(_trained(begun, repeated(batch, r), starts, r), r)
    if r == 1:
        found = _each(solver).minimise(batch, starts)
        return found, to_numpy(found.loss)[:, None]
    common = Together(tolerance=NEAR, max_iterations=COMMON_TICKS)
    walked, losses = leaders(common.minimise(repeated(batch, r), starts), r)
    found = _each(solver).minimise(batch, walked.parameters)
    losses[np.arange(len(begun)), _smallest(losses)] = to_numpy(found.loss)
    return found, losses


def _each(solver: Solver) -> Together | DampedTogether:
    """Return what takes the steps of a solver on each problem."""
    if isinstance(solver, LBFGS):
        return Together.each(solver)
    assert isinstance(solver, TrustRegion)
    return DampedTogether.each(solver)


def _trained(begun: Sequence[Begun], batch: Batch, starts: Array, r: int) -> Minima:
    """Train all, each at its own rate and in the order of its own seed."""
    solvers: list[Any] = [one.specification.solver for one in begun]
    descents = [solver.descent for solver in solvers]
    seeds = [one.seed for one in descents for _ in range(r)]
    rates = np.repeat([float(one.used_rule.learning_rate) for one in descents], r)
    decayed = batch.objective.slopes(namespace(starts).ones_like(starts[0, :]))
    return DescentTogether(descents[0], seeds, rates).minimise(batch, starts, decayed)


def repeated(batch: Batch, r: int) -> Batch:
    """Return a batch with every problem r times in a row."""
    if r == 1:
        return batch
    X = batch.objective.rows.X
    return batch.take(like(np.repeat(np.arange(batch.count(1)), r), X, namespace(X).int64))


def leaders(found: Minima, r: int) -> tuple[Minima, Any]:
    """Return the best of every r problems in a row, and the losses of all, (k, r), on the host."""
    losses = to_numpy(found.loss).reshape(-1, r)
    places = np.arange(len(losses)) * r + _smallest(losses)
    xp = namespace(found.parameters)
    chosen = like(places, found.parameters, xp.int64)
    best = Minima(
        xp.take(found.parameters, chosen, axis=0),
        xp.take(found.loss, chosen, axis=0),
        tuple(found.status[j] for j in places),
        found.iterations,
    )
    return best, losses


def _smallest(losses: Any) -> Any:
    """Return where the smallest loss of each row is; one that is not a number never is."""
    return np.argmin(np.where(np.isnan(losses), np.inf, losses), axis=1)
