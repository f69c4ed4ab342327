"""Several random starts of a network, and the best of them.

All starts walk down together by L-BFGS (:mod:`statdl.solve.batched`) until each is near a minimum
or the common part is over; then the method asked for takes the best one to its tolerance. Gradient
descent, whose path is part of the model (noise, early stopping), runs each start by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from statdl.backend.array import Array, namespace, to_numpy
from statdl.model.batch import Batch
from statdl.model.objective import Objective
from statdl.solve.batched import Together
from statdl.solve.iterate import Minimum, Outcome, Solver, interrupted, minimise
from statdl.solve.lbfgs import LBFGS
from statdl.solve.trust import TrustRegion

#: How near its minimum, in standard errors, a start is before it waits for the others.
NEAR = 1e-2
#: Ticks of the common part: enough to see which start leads, less than one fit by itself takes.
COMMON_TICKS = 300


def best_of(
    objective: Objective, solver: Solver, starts: Sequence[Array]
) -> tuple[Minimum, tuple[float, ...]]:
    """Return the best minimum, and the loss that each start ended with.

    After a KeyboardInterrupt that is the best so far, as an interrupted run, of the starts that
    had been begun.
    """
    if len(starts) > 1 and isinstance(solver, TrustRegion | LBFGS):
        return _together(objective, solver, namespace(starts[0]).stack(list(starts)))
    minima: list[Minimum] = []
    for start in starts:
        minima.append(minimise(objective, solver, start))
        if minima[-1].outcome is Outcome.INTERRUPTED:
            break
    losses = tuple(minimum.loss for minimum in minima)
    best = minima[_smallest(losses)]
    if len(starts) > 1 and minima[-1].outcome is Outcome.INTERRUPTED:
        note = f"Start {len(minima)} of {len(starts)} was on its way; this is the best so far."
        best = replace(best, outcome=Outcome.INTERRUPTED, note=note)
    return best, losses


def _together(
    objective: Objective, solver: Solver, starts: Array
) -> tuple[Minimum, tuple[float, ...]]:
    common = Together(tolerance=NEAR, max_iterations=COMMON_TICKS, interruptible=True)
    count = starts.shape[0]
    try:
        found = common.minimise(Batch(objective), starts)
    except KeyboardInterrupt:  # before there was anything to choose by
        note = f"None of the {count} starts had taken a step."
        minimum = interrupted(objective, solver, starts[0, :], note)
        return minimum, (minimum.loss,)
    losses = [float(loss) for loss in to_numpy(found.loss)]
    leader = _smallest(losses)
    if found.interrupted:
        note = f"The {count} starts had taken {found.iterations} steps; this is the best of them."
        minimum = interrupted(objective, solver, found.parameters[leader, :], note)
        minimum = replace(minimum, iterations=found.iterations)
    else:
        minimum = minimise(objective, solver, found.parameters[leader, :])
    losses[leader] = minimum.loss
    return minimum, tuple(losses)


def _smallest(losses: Sequence[float]) -> int:
    """Return where the smallest loss is; one that is not a number is never the smallest."""
    return min(range(len(losses)), key=lambda j: losses[j] if losses[j] == losses[j] else math.inf)
