"""The parametric bootstrap of a likelihood ratio: what it would be if the smaller model were true.

    T = 2 (log L_large − log L_small)

Under the smaller model some weights of a network are not identified (a hidden unit whose output
weight is 0 may have any input weights), so that T has no χ² distribution, with any degrees of
freedom (Davies 1977; White 1989). Responses simulated from the smaller fit show which distribution
it has: both models are fitted to each, with the starts of the fits themselves, and

    p = (1 + #{T_b ≥ T}) / (1 + B).

References: Davies (1977), Biometrika 64, 247; Davison & Hinkley (1997), §4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.backend.random import generator
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer.goodness import Goodness
from statdl.kinds import is_whole
from statdl.report import DataTable
from statdl.study.many import ROUGH, Many, fit_views
from statdl.study.repeatable import refuse_unbounded
from statdl.study.views import Views

NOTE = (
    "Pr(>LR) is from {B} responses simulated from the smaller model, both models fitted to each. "
    "Under the smaller model the weights of a network's hidden units are not identified, so that "
    "the likelihood ratio has no χ² distribution."
)


@dataclass(frozen=True)
class RatioTest:
    """T of the data, T of each simulated response (NaN where a fit failed), and the p-value."""

    statistic: float
    simulated: Any

    @property
    def p_value(self) -> float:
        """(1 + #{T_b ≥ T}) / (1 + B)."""
        sound = self.simulated[np.isfinite(self.simulated)]
        return float((1 + np.sum(sound >= self.statistic - 1e-9)) / (1 + len(sound)))


def simulated_responses(estimate: Estimate, B: int, seed: int) -> Any:
    """Return B responses drawn from a fit, (B, n, q)."""
    rng, rows = generator(seed), estimate.objective.rows
    eta, phi = to_numpy(estimate.eta), estimate.dispersion
    return np.stack([estimate.family.simulate(eta, rows, phi, rng) for _ in range(B)])


def ratio_test(small: Estimate, large: Estimate, B: int = 99, seed: int = 0) -> RatioTest:
    """Test a fit against a larger one of the same rows.

    Raises
    ------
    ModelError, DataError
        When the fits are not of one family, response and set of rows.
    """
    _refuse_incomparable(small, large)
    if not is_whole(B) or B < 1:
        raise ModelError(f"B must be a whole number of 1 or more simulated responses, not {B!r}.")
    # the response itself is fitted again with the others, so that all come as near their maxima
    own = to_numpy(small.objective.rows.y)[None, :, :]
    y = np.concatenate([own, simulated_responses(small, int(B), seed)])
    for each in (small, large):
        refuse_unbounded(each)
    fits = (
        fit_views(each, Views(y=y), afresh=True, tolerance=ROUGH, losses=True)
        for each in (small, large)
    )
    kernels = [_kernels(each, found) for each, found in zip((small, large), fits, strict=True)]
    ratios = _ratio(small, *kernels)
    return RatioTest(float(ratios[0]), ratios[1:])


def _kernels(estimate: Estimate, found: Many) -> Any:
    """Return Σ w ℓ of every refit, (B,): its loss without the penalty."""
    objective = estimate.objective
    if objective.penalised is None:
        return found.loss
    theta = like(found.parameters, objective.rows.X)
    penalty = to_numpy(objective.penalty.value(theta, objective.penalised))
    return found.loss - penalty


def _ratio(estimate: Estimate, small: Any, large: Any) -> Any:
    """Return T: n log(RSS₀/RSS₁) where the dispersion is estimated with the mean, as in lm."""
    if estimate.family.dispersion_known:
        return 2 * (small - large)
    if estimate.family.quadratic:
        with np.errstate(divide="ignore", invalid="ignore"):
            return estimate.nobs * np.log(small / large)
    return 2 * (small - large) / estimate.dispersion


def ratio_table(fits: Sequence[Estimate], names: Sequence[str], B: int, seed: int) -> DataTable:
    """Return the table that compares a fit with a larger network."""
    if len(fits) != 2:
        raise ModelError("A network is compared with one smaller fit at a time.")
    test = ratio_test(fits[0], fits[1], B, seed)
    columns = {
        "Eff. df": [Goodness(fit).parameters for fit in fits],
        "Resid. Dev": [fit.deviance for fit in fits],
        "LR": [None, test.statistic],
        "Pr(>LR)": [None, test.p_value],
    }
    lost = int(np.sum(~np.isfinite(test.simulated)))
    notes: tuple[str, ...] = (NOTE.format(B=len(test.simulated) - lost),)
    if lost:
        notes = (*notes, f"{lost} more had no finite maximum and are left out.")
    return DataTable(
        "Model",
        ("1", "2"),
        columns,
        "Likelihood ratio, parametric bootstrap",
        tuple(f"Model {k}: {name}" for k, name in enumerate(names, start=1)),
        {
            "Eff. df": "integer",
            "Resid. Dev": "number",
            "LR": "statistic",
            "Pr(>LR)": "p_value",
        },
        notes,
    )


def _refuse_incomparable(small: Estimate, large: Estimate) -> None:
    for what, name in (("family", "name"), ("link", "link.name")):
        ours, theirs = (_attribute(fit.family, name) for fit in (small, large))
        if ours != theirs:
            raise ModelError(
                f"Models with different {what} ({ours} and {theirs}) are not nested; see compare()."
            )
    if small.degrees_of_freedom > large.degrees_of_freedom:
        raise ModelError("Give the smaller model first: responses are simulated from it.")
    unknown = set(small.frame.design.names) - set(large.frame.design.names)
    if unknown:
        raise ModelError(
            f"The models are not nested: the smaller one has {', '.join(sorted(unknown))}, which "
            "the larger one has not; see compare()."
        )
    one, other = small.objective.rows, large.objective.rows
    if one.n != other.n or not np.array_equal(to_numpy(one.y), to_numpy(other.y)):
        raise DataError(
            f"The models were fitted to different rows or responses ({one.n} and {other.n} rows); "
            "fit them to the same data."
        )
    for what, ours, theirs, unless in (
        ("weights", one.weights, other.weights, 1.0),
        ("offsets", one.offset, other.offset, 0.0),
    ):
        if not _same(ours, theirs, unless):
            raise DataError(
                f"The models have different {what}, so that neither is a part of the other; fit "
                "them with the same."
            )


def _same(one: Any, other: Any, unless: float) -> bool:
    """Tell whether vectors are the same; None is a vector of what is there ``unless`` given."""
    if one is None and other is None:
        return True
    ours, theirs = (unless if each is None else to_numpy(each) for each in (one, other))
    return bool(np.all(ours == theirs))


def _attribute(thing: Any, path: str) -> Any:
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing
