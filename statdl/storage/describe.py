"""From a fit to the document of a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import StatdlError
from statdl.estimate import Estimate, Plan, Remembered, null_model
from statdl.infer.covariance import score_trace
from statdl.infer.effects import affordable, own_effects
from statdl.infer.goodness import Goodness
from statdl.infer.residual import residual_shape
from statdl.model.network import Network
from statdl.solve.iterate import Solver
from statdl.storage.document import Answered, Document, Findings, Fitted, PastSolver

#: Settings of a solver are cut off here: they are for people.
LONGEST_SETTINGS = 1000


def describe(front: str, goodness: Goodness) -> Document:
    """Return what a file holds of a fit."""
    estimate = goodness.estimate
    specification, frame = estimate.specification, estimate.frame
    null = _null(estimate)
    return Document(
        front=front,
        design=frame.design,
        response=Answered(frame.response.name, frame.response.kind, frame.response.levels),  # type: ignore[arg-type]
        weighted=frame.weights is not None,
        dropped=frame.dropped,
        precision=np.dtype(str(specification.rows.template.dtype).split(".")[-1]).name,  # type: ignore[arg-type]
        family=specification.family,
        levels=specification.levels,
        penalty=specification.penalty,
        solver=_past(specification.solver),
        plan=_plan(estimate),
        fitted=_fitted(goodness, [], _findings(goodness)),
        null=None if null is None else _null_fitted(null, estimate.dispersion),
    )


def _past(solver: Solver) -> PastSolver:
    """Return what is said of a solver; where it kept its checkpoints is nobody's business."""
    if isinstance(solver, PastSolver):
        return solver
    if getattr(solver, "checkpoint", None) is not None:
        solver = replace(solver, checkpoint=None)  # type: ignore[type-var]
    return PastSolver(solver.name, repr(solver)[:LONGEST_SETTINGS])


def _null(estimate: Estimate) -> Estimate | None:
    """Return the model with an intercept only; None where it has no estimate."""
    try:
        return null_model(estimate)
    except StatdlError:
        return None


def _null_fitted(null: Estimate, dispersion: float) -> Fitted:
    return _fitted(Goodness(null), [dispersion], Findings(None, None, None, None))


def _plan(estimate: Estimate) -> Plan | None:
    """Return the plan with the network as it was trained."""
    plan = estimate.specification.plan
    if plan is None:
        return None
    predictor = estimate.objective.predictor
    trained = getattr(predictor, "predictor", predictor)  # some weights may be held
    return replace(plan, network=trained) if isinstance(trained, Network) else plan


def _fitted(goodness: Goodness, dispersions: list[float], findings: Findings) -> Fitted:
    estimate = goodness.estimate
    return Fitted(
        kept=np.asarray(estimate.kept, dtype=bool),
        parameters=to_numpy(estimate.parameters),
        information=to_numpy(estimate.information),
        root=to_numpy(estimate.root),
        effective=estimate.effective,
        loss=estimate.loss,
        convergence=estimate.convergence,
        trace=estimate.trace,
        identification=estimate.identification,
        spread=estimate.spread,
        history=estimate.history,
        reported=estimate.reported,
        distance=estimate.distance,
        totals=estimate.remembered or _totals(goodness, dispersions),
        findings=findings,
    )


def _totals(goodness: Goodness, dispersions: list[float]) -> Remembered:
    """Return the totals, with the log-likelihood's constant at every dispersion that is used."""
    estimate, totals = goodness.estimate, goodness.estimate.totals
    used = [estimate.dispersion, goodness.mean_deviance, *dispersions]
    return Remembered(
        nobs=totals.nobs,
        weight=totals.weight,
        deviance=totals.deviance,
        pearson=totals.pearson,
        kernel=totals.kernel,
        squares=totals.squares if estimate.family.quadratic else math.nan,
        mean_square=totals.mean_square,
        means=to_numpy(totals.means),
        constants=tuple((phi, totals.constant(phi)) for phi in dict.fromkeys(used) if phi > 0),
    )


def _findings(goodness: Goodness) -> Findings:
    """Return what the summary says of rows; effects only where the summary has them too."""
    estimate = goodness.estimate
    specification = estimate.specification
    quick = affordable(estimate)
    counted = not math.isnan(goodness.parameters)
    return Findings(
        residual_shape=residual_shape(estimate) if specification.least_squares else None,
        score_trace=_found(
            score_trace, estimate, counted and (quick or specification.plan is not None)
        ),
        effects=_found(own_effects, estimate, quick),
        combinations=estimate.combinations,
    )


def _found(finding: Callable[[Estimate], Any], estimate: Estimate, affordable: bool) -> Any:
    """Return a finding; None where it costs too much or there is none."""
    if not affordable:
        return None
    try:
        return finding(estimate)
    except StatdlError:
        return None
