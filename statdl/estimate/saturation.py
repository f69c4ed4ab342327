"""Separation of the classes by the last hidden layer of a network.

Given its last hidden values, and the inputs beside them where they skip, a network is a regression,
and where these separate the response its likelihood has no maximum: the weights that leave the
units grow without end (:mod:`statdl.estimate.separation`). As in a regression it is looked for
where a run has ended with some η that only such a fit has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from statdl.backend.array import Array, like
from statdl.estimate.identify import EXAMINED_WEIGHTS
from statdl.estimate.separation import can_separate, separation
from statdl.estimate.start import extreme_eta
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.predictor import Linear

#: A fitted probability of 1 in three thousand is reason to ask; the programme decides.
SUSPICIOUS_ETA = 8.0


def separated_by_units(objective: Objective, parameters: Array, fixed: Any) -> str | None:
    """Return what is to be said where the last layer's units separate the classes, else None.

    ``fixed`` is (P,), NaN where a parameter is free, or None where all are. An output layer that is
    held cannot grow.
    """
    if objective.penalised is not None or not can_separate(objective):
        return None
    if objective.size > EXAMINED_WEIGHTS or extreme_eta(objective, parameters) <= SUSPICIOUS_ETA:
        return None
    network, theta = objective.predictor.whole(parameters)
    assert isinstance(network, Network)
    if fixed is not None and (network.output.table(fixed) == network.output.table(fixed)).any():
        return None
    theta = like(theta, objective.rows.template)
    units = objective.rows.mapped(lambda rows: replace(rows, X=network.forward(theta, rows.X).last))
    predictor = Linear(units.template.shape[1], network.outputs, network.intercept)
    regression = replace(objective, predictor=predictor, rows=units)
    found = separation(regression)
    if found is None:
        return None
    return (
        f"The units of the last layer separate the response "
        f"{'completely' if found.complete else 'quasi-completely'}: the likelihood has no finite "
        "maximum, so the weights are no estimates and nothing has standard errors. Use decay=, "
        "such as 0.01, or fewer units."
    )
