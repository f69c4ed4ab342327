"""The sentences beneath the tables of a network: how it was trained, what the data determine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from statdl.estimate import EXAMINED_WEIGHTS, Estimate, Identification
from statdl.infer.effects import Effects
from statdl.infer.inputs import InputTest
from statdl.infer.spectrum import Spectrum
from statdl.model.network import Network
from statdl.report.notes import missing_notes
from statdl.report.stopping import stopping_notes
from statdl.solve.iterate import Outcome


def convergence_notes(estimate: Estimate) -> list[str]:
    """Say how the run ended, where errors are from, and which rows were left out."""
    reported = [] if estimate.reported is None else [estimate.reported.note]
    return [
        *estimate.convergence.notes,
        *reported,
        *stopping_notes(estimate),
        *missing_notes(estimate),
    ]


def identification_notes(estimate: Estimate, found: Spectrum, weights: bool) -> list[str]:
    """Say what the data determine; ``weights`` tells whether a table of weights was asked for."""
    plan = estimate.specification.plan
    assert plan is not None
    return [
        *_unexamined_notes(estimate),
        *_direction_notes(plan.network),
        *_singular_notes(estimate, plan.network, found, weights),
        *_penalty_notes(estimate, plan.network),
        *_scale_notes(estimate),
    ]


def _unexamined_notes(estimate: Estimate) -> list[str]:
    if estimate.identification is not Identification.UNEXAMINED:
        return []
    return [
        f"{len(estimate.parameters)} weights are too many for their information to be examined "
        f"(more than {EXAMINED_WEIGHTS}): there are no standard errors and no criteria."
    ]


def _direction_notes(network: Network) -> list[str]:
    if not network.directed:
        return []
    return [
        "Weight normalisation: weights into hidden units are a direction of length 1 times a "
        "scale; the length is no parameter."
    ]


def _singular_notes(
    estimate: Estimate, network: Network, found: Spectrum, weights: bool
) -> list[str]:
    """Say which directions of the weights are not determined, and what would settle them."""
    separated = estimate.convergence.outcome is Outcome.SEPARATION  # its note says what helps
    if estimate.identification is not Identification.SINGULAR or separated:
        return []
    shrunk = estimate.objective.penalised is not None
    return [
        f"The data determine {found.rank} of {found.size} directions of the weights: "
        f"{undetermined(network, found, shrunk)} Weights have no standard errors, p-values"
        f"{' or table' if weights else ''}, and AIC, NIC and BIC are not defined. Predictions "
        "and effects keep their errors, along what is determined. "
        + _remedy(network, found, shrunk)
    ]


def _penalty_notes(estimate: Estimate, network: Network) -> list[str]:
    """Say what decay does to the weights, their errors and the degrees of freedom."""
    found = []
    if estimate.identification is Identification.THROUGH_PENALTY:
        found.append(
            "Without its decay the network would not be identified: what is said of single "
            "weights depends on the penalty as much as on the data."
            + (f" {_scales(network)}" if homogeneous_units(network) else "")
        )
    examined = estimate.identification is not Identification.UNEXAMINED
    if estimate.objective.penalised is not None and examined:
        found.append(_decay_note(estimate))
    return found


def _scale_notes(estimate: Estimate) -> list[str]:
    """Say where nothing is left to estimate the scale from."""
    if estimate.dispersion == 0:
        return [
            "The network fits every row exactly: the scale is 0, and errors, tests, intervals and "
            "criteria are not defined."
        ]
    if not estimate.family.dispersion_known and estimate.df_resid <= 0:
        return [
            "There are as many parameters in effect as rows: no degrees of freedom are left for "
            "the scale, and errors, tests and intervals are not defined."
        ]
    return []


def undetermined(network: Network, found: Spectrum, shrunk: bool) -> str:
    """Return why directions of the weights are not determined, as far as their number tells."""
    reasons = []
    units = homogeneous_units(network)
    if units and not shrunk:
        reasons.append(_scales(network))
    if shrunk or found.size - found.rank > units:
        more = "More units" if reasons else "Units"
        reasons.append(f"{more} are redundant or inputs dependent.")
    return reasons[0][0].lower() + " ".join(reasons)[1:]


def homogeneous_units(network: Network) -> int:
    """Return how many hidden units have a scale that can move to the weights that leave them."""
    return sum(layer.units for layer in network.hidden if layer.activation.homogeneous)


def _scales(network: Network) -> str:
    kinds = {layer.activation.name for layer in network.hidden if layer.activation.homogeneous}
    return (
        f"The scale of a {' or '.join(sorted(kinds))} unit can move from the weights into it to "
        "those out of it, so that no data tell it."
    )


def _remedy(network: Network, found: Spectrum, shrunk: bool) -> str:
    if shrunk:
        return "Fewer units help."
    scale_only = found.size - found.rank <= homogeneous_units(network)
    return "decay= settles the scales." if scale_only else "Fewer units or decay= help."


def _decay_note(estimate: Estimate) -> str:
    """Return the formulas behind errors and degrees of freedom under decay."""
    note = "Decay: with I the expected information and P the decay, "
    if estimate.reported is None:
        scale = "" if estimate.family.dispersion_known else "the scale times "
        note += f"the covariance is {scale}(I + P)⁻¹ I (I + P)⁻¹ and "
    return note + (
        "degrees of freedom are effective ones, tr((I + P)⁻¹ I). Errors, p-values and intervals "
        "ignore the bias of shrinkage."
    )


def input_notes(effects: Effects, tests: Sequence[InputTest]) -> list[str]:
    """Say what effects are of, and what the tests beside them presume."""
    of = "each class's probability" if effects.labels else "the mean response"
    notes = [
        f"effect: average marginal effect on {of} in the rows of the fit, in units of the input; "
        "errors by the delta method."
    ]
    changed = [name for name, own in zip(effects.names, effects.discrete, strict=True) if own]
    if changed:
        notes.append(f"{', '.join(changed)}: change from the reference level.")
    if any(not math.isnan(test.p_value) for test in tests):
        notes.append(
            "Wald: all weights that leave the input are 0. It presumes that the hidden units are "
            "identified without the input (White 1989); where a unit is driven by it alone, the "
            "p-value is a guide only."
        )
    elif any(test.df for test in tests):
        notes.append(
            "Wald: all weights that leave the input are 0. Without its only input the network's "
            "hidden units would not be identified, so the statistic has no reference distribution."
        )
    return notes
