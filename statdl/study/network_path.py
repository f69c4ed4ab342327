"""Paths of networks: weight decay with warm starts, and a penalty that lets inputs go.

The loss of a network is not convex. A path of decay starts at the strongest, where there is little
to choose; every fit starts where the one before ended, and once afresh, for under strong decay a
network may be nothing at all, from where no start leads away, and the better stays. A path of
inputs starts at a fitted network and raises μ in J(θ) + μ Σ_j ‖w_j‖, w_j all weights that leave
input j, from warm starts: what is found is a path of local minima, continuous where the network
allows.

Reference of the group penalty: Scardapane, Comminiello, Hussain and Uncini (2017), Neurocomputing
241, 81.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import like, namespace, to_numpy
from statdl.backend.random import generator
from statdl.backend.rows import Rows
from statdl.errors import ModelError, StatdlWarning
from statdl.estimate import Estimate, estimate_network, objective_of
from statdl.infer.inputs import leaving
from statdl.model.penalty import NoPenalty, Ridge
from statdl.solve.progress import shown
from statdl.solve.proximal import minimise_proximal


@dataclass(frozen=True)
class DecayPath:
    """Fits along decreasing decay: ``lengths`` (D, T) are norms of the weights leaving terms."""

    decays: Any
    estimates: tuple[Estimate, ...]
    loss: Any
    validation: Any
    effective: Any
    lengths: Any
    terms: tuple[str, ...]


def decay_path(
    fit: Estimate, pattern: Any, decays: Sequence[float], held_out: float, seed: int, progress: bool
) -> DecayPath:
    """Return fits to all but a share ``held_out`` of the rows, for decreasing decay.

    ``pattern`` (P,) is what the decay of each parameter is a multiple of.
    """
    plan = fit.specification.plan
    assert plan is not None
    train, test = _parts(fit.specification.rows, held_out, seed)
    specification = replace(fit.specification, rows=train)
    found: list[Estimate] = []
    losses, out = [], []
    start = None if plan.start is None else plan.start
    for decay in shown(list(decays), "decays") if progress else decays:
        restarts = plan.restarts if not found else 2
        chosen = replace(plan, decay=decay * pattern, start=start, restarts=restarts)
        penalty: Any = Ridge(1.0) if decay > 0 else NoPenalty()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatdlWarning)  # the table says what has converged
            one = estimate_network(replace(specification, plan=chosen, penalty=penalty))
        found.append(one)
        start = np.asarray(one.all_parameters, dtype=float)
        losses.append(mean_loss(one, train))
        out.append(mean_loss(one, test) if test is not None else float("nan"))
    terms = fit.frame.design.terms
    lengths = [[_length(one, leaving(plan.network, term)) for term in terms] for one in found]
    return DecayPath(
        np.asarray(list(decays)), tuple(found), np.asarray(losses), np.asarray(out),
        np.asarray([one.effective for one in found]), np.asarray(lengths),
        tuple(term.name for term in terms),
    )  # fmt: skip


def _parts(rows: Rows, share: float, seed: int) -> tuple[Rows, Rows | None]:
    """Return the rows that are learned from, and those that are not."""
    if share == 0:
        return rows, None
    n = rows.n
    out = round(share * n)
    if not 0 < out < n:
        raise ModelError(f"held_out={share!r} of {n} rows leaves no rows on one of the sides.")
    order = generator(seed).permutation(n)
    xp = namespace(rows.y)
    chosen = (like(np.sort(part), rows.y, xp.int64) for part in (order[out:], order[:out]))
    train, test = (rows.take(part) for part in chosen)
    return train, test


def mean_loss(one: Estimate, rows: Rows) -> float:
    """Return the mean loss of rows, without the penalty."""
    objective = replace(one.objective, rows=rows, penalised=None)
    total = objective.total_weight()
    value, _ = objective.value_and_gradient(np.asarray(one.parameters, dtype=float))
    return value / total


def _length(one: Estimate, places: Sequence[int]) -> float:
    values = np.asarray(one.all_parameters, dtype=float)[list(places)]
    return float(np.sqrt(values @ values))


@dataclass(frozen=True)
class InputPath:
    """Networks along increasing μ: parameters (M, P), mean losses, lengths (M, T) of terms."""

    strengths: Any
    parameters: Any
    loss: Any
    lengths: Any
    terms: tuple[str, ...]
    converged: Any

    @property
    def order(self) -> tuple[tuple[str, float], ...]:
        """The inputs in the order in which they leave, each with the μ at which it is out."""
        left = []
        for k, term in enumerate(self.terms):
            inside = np.flatnonzero(self.lengths[:, k] > 0)
            last = int(inside[-1]) + 1 if len(inside) else 0
            if last < len(self.strengths):
                left.append((last, term, float(self.strengths[last])))
        return tuple((term, strength) for _, term, strength in sorted(left))


def input_path(
    fit: Estimate, count: int, ratio: float, strengths: Sequence[float] | None, progress: bool
) -> InputPath:
    """Return networks along increasing μ, from a fitted one until every input is out.

    μ is of the mean loss. Without ``strengths`` there are up to ``count`` values in equal steps of
    log μ, from ``ratio`` times the μ at which no input could stay at its present length.
    """
    plan = fit.specification.plan
    assert plan is not None
    if plan.fixed is not None or any(plan.network.directed):
        raise ModelError("input_path() is for networks without held or normalised weights.")
    if not (np.asarray(plan.decay) > 0).any():
        raise ModelError(
            "input_path() needs a network with decay: without it the weights behind the first "
            "layer grow as those of inputs shrink, and inputs never leave. Fit it with decay=0.01."
        )
    objective = objective_of(fit.specification, fit.kept)
    total = objective.total_weight()
    terms = fit.frame.design.terms
    groups = [np.asarray(leaving(plan.network, term)) for term in terms]

    def smooth(theta: Any) -> tuple[float, Any]:
        value, slope = objective.value_and_gradient(theta)
        return value / total, to_numpy(slope) / total

    def curvature(theta: Any) -> Any:
        return to_numpy(objective.curvature(theta, expected=True)) / total

    theta = np.asarray(fit.parameters, dtype=float)
    grid = _strengths(smooth, theta, groups, count, ratio) if strengths is None else strengths
    parameters, losses, lengths, settled, used = [], [], [], [], []
    for strength in shown(list(grid), "inputs") if progress else grid:
        found = minimise_proximal(smooth, curvature, groups, strength, theta)
        theta = found.parameters
        parameters.append(theta)
        losses.append(smooth(theta)[0])
        lengths.append([float(np.sqrt(theta[places] @ theta[places])) for places in groups])
        settled.append(found.converged)
        used.append(float(strength))
        if not any(lengths[-1]):
            break
    return InputPath(
        np.asarray(used), np.asarray(parameters), np.asarray(losses), np.asarray(lengths),
        tuple(term.name for term in terms), np.asarray(settled),
    )  # fmt: skip


def _strengths(smooth: Any, theta: Any, groups: Sequence[Any], count: int, ratio: float) -> Any:
    """Return μ from a small share of what no input survives; the path ends when all are out.

    An input of length l that is worth Δ of the loss is gone at μ = Δ / l at the latest.
    """
    value, _ = smooth(theta)
    top = 0.0
    for places in groups:
        without = theta.copy()
        without[places] = 0.0
        length = float(np.sqrt(theta[places] @ theta[places]))
        if length > 0:
            top = max(top, (smooth(without)[0] - value) / length)
    top = max(top, 1e-8)
    return top * ratio ** (1 - np.arange(2 * count) / (count - 1))
