"""The summary of a network: what it is, how it was found, what the data say of its inputs.

Rows are inputs and not weights: a network's weights are parameters of a basis, while its average
marginal effects and the tests of its inputs answer what a regression's table answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from statdl.estimate import Estimate, Identification, Plan
from statdl.infer.effects import Effects, affordable, own_effects
from statdl.infer.goodness import Goodness
from statdl.infer.inputs import InputTest, input_tests
from statdl.infer.spectrum import Spectrum, lengths, spectrum
from statdl.model.network import Network
from statdl.report.format import integer, number, p_value, significant, statistic
from statdl.report.network_notes import convergence_notes, identification_notes, input_notes
from statdl.report.stopping import stopped
from statdl.report.table import Pairs, Summary, Table

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
    notes = [*convergence_notes(estimate), *identification_notes(estimate, found, bool(weights))]
    tables: list[Table] = []
    examined = known or estimate.identification is Identification.SINGULAR
    if examined and affordable(estimate):
        tests, effects = input_tests(estimate), own_effects(estimate)
        tables = _tables(estimate, effects, tests, level)
        notes += input_notes(effects, tests)
    elif examined:
        notes.append("The effects of so many inputs take a while: ask for them by effects().")
    shown = list(weights) if known else []
    return Summary(
        "Neural Network Results", (_head(goodness, plan, found), *tables, *shown), tuple(notes)
    )


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
