"""What a fit came to, and whether its standard errors mean anything.

A solver can stop where nothing is wrong with the arithmetic and everything with the model: a
response that predictors separate, a mean at the edge of its domain, batches that ran out before the
maximum. Each is an outcome with a sentence, and a warning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import or_
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.errors import ConvergenceWarning, SeparationWarning, warn
from statdl.estimate.lookout import SMALL_PROGRAMME, Lookout
from statdl.estimate.record import FAR
from statdl.estimate.separation import Separation, can_separate, separation
from statdl.estimate.start import EXTREME_ETA, extreme_eta
from statdl.model.objective import Objective
from statdl.solve.iterate import Minimum, Outcome

#: Rows whose standard errors are looked at when some η is extreme.
LOOKED_AT = 1000
#: A mean this small beside the mean response lies on the edge of its domain.
EDGE = 1e-8


@dataclass(frozen=True)
class Verdict:
    """The outcome, what the summary should say of it, and whether errors are sound.

    ``distance`` is how far the estimate is from the maximum, in standard errors.
    """

    outcome: Outcome
    notes: tuple[str, ...] = ()
    sound: bool = True
    distance: float = 0.0


def judge(
    objective: Objective,
    part: Objective,
    names: Sequence[str],
    outputs: Sequence[str],
    minimum: Minimum,
    root: Array,
    lookout: Lookout | None = None,
) -> Verdict:
    """Judge a minimum; ``part`` is some or all of the rows, enough to rule separation out.

    ``names`` are those of the coefficients of one output, ``outputs`` those of the outputs.
    """
    asked = lookout is not None and lookout.asked
    found = lookout.found if lookout is not None and asked else _separating(part, minimum, root)
    if found is not None:
        note = _separation_note(found, objective, names, outputs)
        return Verdict(Outcome.SEPARATION, (note,), sound=False)
    if _on_the_edge(objective, minimum):
        return Verdict(Outcome.BOUNDARY, sound=False)
    if minimum.outcome in (Outcome.CONVERGED, Outcome.PRECISION):
        return Verdict(minimum.outcome)
    distance = _distance(objective, minimum, root)
    note = f"The estimate is about {distance:.2g} standard errors from the maximum."
    return Verdict(minimum.outcome, (note,) if math.isfinite(distance) else (), True, distance)


def announce(verdict: Verdict, solver: str) -> None:
    """Warn of whatever users should not overlook."""
    if verdict.outcome is Outcome.SEPARATION:
        warn(verdict.notes[0], SeparationWarning)
    elif not verdict.outcome.converged or verdict.distance > FAR:
        text = " ".join((f"{solver}: {verdict.outcome.value}", *verdict.notes))
        warn(text, ConvergenceWarning)


def _separating(objective: Objective, minimum: Minimum, root: Array) -> Separation | None:
    """Return the separation, looked for only where the fit gives reason to."""
    if objective.penalty.active or not can_separate(objective):
        return None
    ran_out = minimum.outcome is Outcome.EPOCHS and objective.size <= SMALL_PROGRAMME
    if ran_out or minimum.outcome is not Outcome.CONVERGED:
        return separation(objective)
    return separation(objective) if _is_lost(objective, minimum.parameters, root) else None


def _is_lost(objective: Objective, parameters: Array, root: Array) -> bool:
    """Tell whether some extreme η has a standard error as large as itself.

    Along a separating direction the information vanishes as fast as η grows, so that a fit which
    has converged there carries errors of e^{|η|/2}.
    """
    if extreme_eta(objective, parameters) <= EXTREME_ETA:
        return False
    theta, root = (like(values, objective.rows.template) for values in (parameters, root))

    def lost(block: Rows) -> bool:
        eta = objective.eta(theta, block)
        xp = namespace(eta)
        order = xp.argsort(-xp.max(xp.abs(eta), axis=1))[: min(LOOKED_AT, block.n)]
        halves = objective.predictor.jacobian_times(theta, block.take(order).X, root)
        errors = xp.sqrt(xp.sum(halves * halves, axis=2))
        far = errors >= xp.abs(xp.take(eta, order, axis=0)) / 2
        return bool(xp.any(far | ~xp.isfinite(errors)))

    return objective.rows.reduce(lost, objective.predictor.width, or_)


def _on_the_edge(objective: Objective, minimum: Minimum) -> bool:
    """Tell whether a mean has run into the end of its domain at a finite η."""
    family = objective.family
    if not family.edged or not math.isfinite(minimum.loss):
        return False

    theta = like(minimum.parameters, objective.rows.template)

    def smallest(rows: Rows) -> float:
        mean = family.mean(objective.eta(theta, rows))[:, 0]
        xp = namespace(mean)
        if rows.weights is not None:
            mean = xp.where(rows.weights > 0, mean, xp.full_like(mean, math.inf))
        return float(xp.min(mean))

    least = objective.rows.reduce(smallest, objective.predictor.width, min)
    return least <= EDGE * float(objective.rows.mean_response()[0, 0])


def _distance(objective: Objective, minimum: Minimum, root: Array) -> float:
    """Return √(gᵀ H⁻¹ g) in standard errors, at the estimate."""
    _, gradient = objective.value_and_gradient(minimum.parameters)
    whitened: Any = to_numpy(root.T @ gradient)
    squared = float(whitened @ whitened)
    return math.sqrt(squared / objective.unit(minimum.loss)) if squared >= 0 else math.nan


def _separation_note(
    found: Separation, objective: Objective, names: Sequence[str], outputs: Sequence[str]
) -> str:
    slopes = [j for j in found.moving if names[j] != "Intercept"] or list(found.moving)
    listed = ", ".join(f"'{names[j]}' ({_towards(found.towards[:, j], outputs)})" for j in slopes)
    firth = objective.family.canonical and objective.family.dispersion_known
    return (
        f"The response is separated {'completely' if found.complete else 'quasi-completely'} by "
        f"{listed}: the likelihood has no finite maximum, so the coefficients are no estimates and "
        f"have no standard errors. Use {'bias_reduction=True, ' if firth else ''}a penalty such as "
        "penalty=sd.Ridge(1.0), or leave the variables out."
    )


def _towards(signs: Any, outputs: Sequence[str]) -> str:
    """Say where a coefficient runs: for several outputs, in which."""
    ends = {1: "to +∞", -1: "to −∞"}
    if len(signs) == 1:
        return ends[int(signs[0])]
    moves = [(ends[int(s)], output) for s, output in zip(signs, outputs, strict=True) if s]
    return ", ".join(f"{end} for {output}" for end, output in moves)
