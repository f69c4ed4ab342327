"""The summary of a network: what it is, how it was found, what the data say of its inputs.

Rows are inputs and not weights: a network's weights are parameters of a basis, while its average
marginal effects and the tests of its inputs answer what a regression's table answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from statdl.estimate import EXAMINED_WEIGHTS, Estimate, Identification, Plan
from statdl.infer.effects import Effects, affordable, own_effects
from statdl.infer.goodness import Goodness
from statdl.infer.inputs import InputTest, input_tests
from statdl.infer.spectrum import Spectrum, lengths, spectrum
from statdl.model.network import Network
from statdl.report.format import integer, number, p_value, significant, statistic
from statdl.report.stopping import stopped, stopping_notes
from statdl.report.table import Pairs, Summary, Table
from statdl.solve.iterate import Outcome

#: Verdicts under which weights have errors of their own.
KNOWN = (Identification.IDENTIFIED, Identification.THROUGH_PENALTY)

Cells = tuple[str, ...]


def network_summary(goodness: Goodness, level: float, weights: Sequence[Table] = ()) -> Summary:
    """Return the summary; ``weights`` are the tables of the weights, shown where identified."""
    estimate = goodness.estimate
    plan = estimate.specification.plan
    assert plan is not None
    found = spectrum(estimate)
    known = estimate.identification in KNOWN
    blocks = [_head(goodness, plan, found)]
    notes = [*_convergence_notes(estimate), *_identification_notes(estimate, found, bool(weights))]
    if not known and estimate.identification is not Identification.SINGULAR:
        tables = []
    elif affordable(estimate):
        tests = input_tests(estimate)
        effects = own_effects(estimate)
        tables = _tables(estimate, effects, tests, level)
        notes += _input_notes(effects, tests)
    else:
        tables = []
        notes.append("The effects of so many inputs take a while: ask for them by effects().")
    shown = list(weights) if known else []
    return Summary("Neural Network Results", (*blocks, *tables, *shown), tuple(notes))


def _head(goodness: Goodness, plan: Plan, found: Spectrum) -> Pairs:
    estimate = goodness.estimate
    record = estimate.convergence
    defined = estimate.identification in KNOWN
    free = len(estimate.parameters) - lengths(estimate)
    held = "" if free == plan.network.size else f" ({free} free)"
    return Pairs(
        left=(
            ("Dep. Variable:", estimate.frame.response.name),
            ("Network:", architecture(plan.network)),
            ("Model Family:", estimate.family.name.capitalize()),
            ("Link Function:", estimate.family.link.name),
            *_scale(estimate),
            ("Method:", record.method),
            stopped(record),
            ("No. Iterations:", integer(record.iterations)),
            ("Gradient:", f"{record.gradient_norm:.1e}"),
            *_starts(estimate),
        ),
        right=(
            ("No. Observations:", integer(estimate.nobs)),
            ("Weights:", f"{plan.network.size}{held}"),
            ("Information:", estimate.identification.value),
            *_rank(found),
            ("Effective df:", number(goodness.parameters, 2) if defined else "not defined"),
            ("Log-Likelihood:", significant(goodness.llf, 5)),
            ("AIC:", _criterion(goodness.aic)),
            ("NIC:", _criterion(goodness.nic)),
            ("BIC:", _criterion(goodness.bic)),
        ),
    )


def _rank(found: Spectrum) -> tuple[tuple[str, str], ...]:
    """Return the rank and condition of an information that was examined."""
    if not found.size:
        return ()
    condition = "inf" if math.isinf(found.condition) else f"{found.condition:.2g}"
    return (("Rank:", f"{found.rank} of {found.size}, condition {condition}"),)


def architecture(network: Network) -> str:
    """Return the layers in one line, such as ``2 → 3 tanh → 1``.

    Examples
    --------
    >>> from statdl.model.activation import Tanh
    >>> from statdl.model.layer import Hidden
    >>> architecture(Network(2, (Hidden(3, Tanh()),), skip=True))
    '2 → 3 tanh → 1, skip'
    """
    hidden = [f"{layer.units} {layer.activation.name}" for layer in network.hidden]
    line = " → ".join([str(network.inputs), *hidden, str(network.outputs)])
    return line + (", skip" if network.skip else "")


def _scale(estimate: Estimate) -> tuple[tuple[str, str], ...]:
    if estimate.family.dispersion_known:
        return ()
    return (("Scale:", significant(estimate.dispersion, 5)),)


def _starts(estimate: Estimate) -> tuple[tuple[str, str], ...]:
    """Return how many starts there were, and the losses they ended with."""
    losses = sorted(loss for loss in estimate.spread if math.isfinite(loss))
    if len(estimate.spread) < 2 or not losses:
        return ()
    return (
        ("Starts:", f"{len(estimate.spread)}, {estimate.starts_at_best} at the best"),
        ("Losses:", f"{losses[0]:.5g} to {losses[-1]:.5g}"),
    )


def _criterion(value: float) -> str:
    return "not defined" if math.isnan(value) else significant(value)


# inputs ---------------------------------------------------------------------------------------


def _tables(
    estimate: Estimate, effects: Effects, tests: Sequence[InputTest], level: float
) -> list[Table]:
    """Return one table for one mean, tests beside effects; else one a class, and the tests."""
    rows = [_effect_rows(effects, k, level) for k in range(max(1, len(effects.labels)))]
    tested = any(test.df for test in tests)
    header = _test_header(effects) if tested else ()
    cells = [_test_cells(test, effects) if tested else () for test in tests]
    if len(rows) == 1:
        return [
            Table(
                ("", *_effect_header(effects, level), *header),
                tuple(_beside(estimate, rows[0], cells)),
            )
        ]
    name = estimate.frame.response.name
    tables = [
        Table((f"{name}={label}", *_effect_header(effects, level)), tuple(each))
        for label, each in zip(effects.labels, rows, strict=True)
    ]
    if not tested:
        return tables
    named = tuple((test.name, *own) for test, own in zip(tests, cells, strict=True))
    return [*tables, Table(("All weights of", *header), named)]


def _effect_header(effects: Effects, level: float) -> Cells:
    letter = "z" if math.isinf(effects.inference.df) else "t"
    tail = (1 - level) / 2
    return ("effect", "std err", letter, f"P>|{letter}|", f"[{tail:.4g}", f"{1 - tail:.4g}]")


def _effect_rows(effects: Effects, k: int, level: float) -> list[Cells]:
    found = effects.inference
    lower, upper = found.interval(level)
    return [
        (
            name,
            number(found.estimate[j, k]),
            number(found.standard_error[j, k], 3),
            statistic(found.statistic[j, k]),
            p_value(found.p_value[j, k]),
            number(lower[j, k], 3),
            number(upper[j, k], 3),
        )
        for j, name in enumerate(effects.names)
    ]


def _test_header(effects: Effects) -> Cells:
    letter = "X2" if math.isinf(effects.inference.df) else "F"
    return (f"Wald {letter}", "df", f"P>{letter}")


def _test_cells(test: InputTest, effects: Effects) -> Cells:
    """Return a test's cells, blank where there is none."""
    if not test.df:
        return ("", "", "")
    value = test.statistic if math.isinf(effects.inference.df) else test.statistic / test.df
    p = "" if math.isnan(test.p_value) else p_value(test.p_value)
    return statistic(value), integer(test.df), p


def _beside(estimate: Estimate, rows: Sequence[Cells], tests: Sequence[Cells]) -> list[Cells]:
    """Return rows of effects with each term's test: in its own row, or above its columns."""
    found: list[Cells] = []
    for term, test in zip(estimate.frame.design.terms, tests, strict=True):
        if len(term.columns) == 1:
            found.append((*rows[term.columns[0]], *test))
            continue
        found.append((term.name, *("",) * 6, *test))
        found += [(*rows[j], *("",) * len(test)) for j in term.columns]
    return found


# notes ----------------------------------------------------------------------------------------


def _convergence_notes(estimate: Estimate) -> list[str]:
    record = estimate.convergence
    notes = list(record.notes)
    if estimate.reported is not None:
        notes.append(estimate.reported.note)
    notes += stopping_notes(estimate)
    if estimate.frame.dropped:
        rows = "row was" if estimate.frame.dropped == 1 else "rows were"
        notes.append(f"{estimate.frame.dropped} {rows} dropped because of missing values.")
    return notes


def _identification_notes(estimate: Estimate, found: Spectrum, weights: bool) -> list[str]:
    notes = []
    plan = estimate.specification.plan
    assert plan is not None
    if estimate.identification is Identification.UNEXAMINED:
        notes.append(
            f"{len(estimate.parameters)} weights are too many for their information to be examined "
            f"(more than {EXAMINED_WEIGHTS}): there are no standard errors and no criteria."
        )
    if plan.network.directed:
        notes.append(
            "Weight normalisation: weights into hidden units are a direction of length 1 times a "
            "scale; the length is no parameter."
        )
    shrunk = estimate.objective.penalised is not None
    separated = estimate.convergence.outcome is Outcome.SEPARATION  # its note says what helps
    if estimate.identification is Identification.SINGULAR and not separated:
        notes.append(
            f"The data determine {found.rank} of {found.size} directions of the weights: "
            f"{undetermined(plan.network, found, shrunk)} Weights have no standard errors, p-values"
            f"{' or table' if weights else ''}, and AIC, NIC and BIC are not defined. Predictions "
            "and effects keep their errors, along what is determined. "
            + _remedy(plan.network, found, shrunk)
        )
    if estimate.identification is Identification.THROUGH_PENALTY:
        scales = [_scales(plan.network)] if homogeneous_units(plan.network) else []
        notes.append(
            " ".join([
                "Without its decay the network would not be identified: what is said of single "
                "weights depends on the penalty as much as on the data.",
                *scales,
            ])
        )  # fmt: skip
    if shrunk and estimate.identification is not Identification.UNEXAMINED:
        notes.append(_decay_note(estimate))
    if estimate.dispersion == 0:
        notes.append(
            "The network fits every row exactly: the scale is 0, and errors, tests, intervals and "
            "criteria are not defined."
        )
    elif not estimate.family.dispersion_known and estimate.df_resid <= 0:
        notes.append(
            "There are as many parameters in effect as rows: no degrees of freedom are left for "
            "the scale, and errors, tests and intervals are not defined."
        )
    return notes


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


def _input_notes(effects: Effects, tests: Sequence[InputTest]) -> list[str]:
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
