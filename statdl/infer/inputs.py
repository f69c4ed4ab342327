"""Joint Wald tests of what leaves an input of a network.

An input whose weights into the first layer (and, where it skips, into the output) are all 0 does
not enter the model: W = θ_Sᵀ C_SS⁻¹ θ_S, referred to χ² with as many degrees of freedom as there
are weights, or W/df to F where the dispersion is estimated.

The reference presumes that the other weights are identified without the input. White (1989) tells
the two hypotheses apart: that an input is irrelevant leaves the hidden units identified as long as
other inputs drive them, and the usual theory holds; that a hidden unit is irrelevant does not. A
unit that this input alone drives becomes a constant under the hypothesis, and then the p-value is a
guide only. Where there is no other input, every unit does, and there is no p-value.

References
----------
White (1989), Learning in artificial neural networks: a statistical perspective, Neural Computation.
Anders & Korn (1999), Model selection in neural networks, Neural Networks 12.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl import model
from statdl.estimate import Estimate, Identification
from statdl.formula import Term
from statdl.infer.covariance import covariance_root
from statdl.infer.distribution import f_tail
from statdl.infer.wald import reference_df


@dataclass(frozen=True)
class InputTest:
    """The test of a term: χ² with ``df`` degrees of freedom, NaN where there is no test."""

    name: str
    statistic: float
    df: int
    p_value: float


def input_tests(estimate: Estimate, kind: str | None = None) -> tuple[InputTest, ...]:
    """Return the test of every term of the formula, in its order."""
    plan = estimate.specification.plan
    terms = estimate.frame.design.terms
    known = (Identification.IDENTIFIED, Identification.THROUGH_PENALTY)
    if plan is None or estimate.identification not in known:
        return tuple(InputTest(term.name, math.nan, 0, math.nan) for term in terms)
    values, root = weights_of(estimate, covariance_root(estimate, kind))
    free = set(np.flatnonzero(estimate.kept).tolist())
    found = []
    for term in terms:
        weights = [place for place in leaving(plan.network, term) if place in free]
        statistic, df = wald(values[weights], root[weights, :])
        alone = all(set(other.columns) <= set(term.columns) for other in terms)
        tested = df and not alone and estimate.at_minimum
        p = f_tail(statistic / df, df, reference_df(estimate)) if tested else math.nan
        found.append(InputTest(term.name, statistic, df, p))
    return tuple(found)


def weights_of(estimate: Estimate, root: Any) -> tuple[Any, Any]:
    """Return all parameters, (P,), and a root of their covariance, weights g v/‖v‖ in place of v.

    Of a layer with weight normalisation the hypothesis is about g v/‖v‖, as it is of any other.
    """
    network = estimate.specification.plan.network  # type: ignore[union-attr]
    full = np.zeros((len(estimate.kept), root.shape[1]))
    full[np.asarray(estimate.kept, dtype=bool)] = root
    theta = np.asarray(estimate.all_parameters, dtype=float)
    moved = network.plain_change(theta, full.T)
    assert moved is not None
    return network.plain(theta), moved.T


def leaving(network: model.Network, term: Term) -> tuple[int, ...]:
    """Return where θ has the weights that leave a term's columns."""
    first, *_, last = (block for block in network.layout if block.kind == "weights")
    places = _columns_of(first, term.columns)
    if network.skip and network.hidden:
        units = network.hidden[-1].units
        places += _columns_of(last, [units + j for j in term.columns])
    return places


def _columns_of(block: Any, columns: Any) -> tuple[int, ...]:
    rows = range(block.shape[0])
    return tuple(block.start + row * block.stride + j for row in rows for j in columns)


def wald(values: Any, root: Any) -> tuple[float, int]:
    """Return vᵀ (R Rᵀ)⁺ v and the rank of R, (|S|, r).

    With a unit diagonal first: R = D U, so that units do not decide what counts as rank.
    """
    lengths = np.sqrt(np.sum(root * root, axis=1))
    if not len(values) or not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
        return math.nan, 0
    z, _, rank, _ = np.linalg.lstsq(root / lengths[:, None], values / lengths, rcond=1e-8)
    return float(z @ z), int(rank)
