"""The sentences of a network: whether its weights are known, and what goes with its inputs.

Weights are not read. What is read are average marginal effects, and the tests of inputs; neither
where the network was not trained to a minimum, nor as tests where weights are shrunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from statdl.estimate import Estimate, Identification
from statdl.infer.effects import Effects, affordable, own_effects
from statdl.infer.goodness import Goodness
from statdl.infer.inputs import InputTest, input_tests
from statdl.infer.spectrum import spectrum
from statdl.report.network import architecture
from statdl.report.network_notes import undetermined
from statdl.report.reading.outcome import TRAINED, mean, method, unreadable
from statdl.report.reading.words import (
    Reading,
    against,
    compared,
    counted,
    degrees,
    interval,
    p_words,
    percent,
    sentence,
    value,
)

#: Sentences on effects; of more there is the table.
MOST = 40


def network_readings(goodness: Goodness, level: float) -> tuple[Reading, ...]:
    """Return the sentences of a network at a confidence level."""
    estimate = goodness.estimate
    stopped = unreadable(estimate)
    if stopped is not None:
        return (_opening(estimate), stopped)
    found = [_opening(estimate), *_ending(estimate), *_identified(estimate), *_decay(estimate)]
    if not affordable(estimate):
        said = "The effects of so many inputs take a while and are left out: ask for effects()."
        return (*found, Reading("Inputs", said))
    effects = own_effects(estimate)
    singles = list(_effects(estimate, effects, level))
    tests = list(_tests(estimate, input_tests(estimate), level)) if _exact(estimate) else []
    return (*found, *singles[:MOST], *tests, *_closing(singles))


def _opening(estimate: Estimate) -> Reading:
    plan = estimate.specification.plan
    assert plan is not None
    of = _subject(estimate)
    text = (
        f"A network {architecture(plan.network)}, with {counted(plan.network.size, 'weight')}, for "
        f"{of}, fitted to {counted(estimate.nobs, 'row')} by {method(estimate)}."
    )
    if estimate.frame.dropped:
        were = "was" if estimate.frame.dropped == 1 else "were"
        text += f" {counted(estimate.frame.dropped, 'row')} {were} left out for missing values."
    return Reading("Model", text)


def _subject(estimate: Estimate) -> str:
    if estimate.family.name == "multinomial":
        return f"the probabilities of the classes of {estimate.frame.response.name}"
    return mean(estimate)


def _ending(estimate: Estimate) -> Iterator[Reading]:
    """Yield how training ended, and what other starts came to."""
    record = estimate.convergence
    if record.outcome in TRAINED:
        yield Reading(
            "Training",
            f"{record.message} That is not a minimum of the loss, which standard errors and tests "
            "presume, so that effects are given without them here.",
        )
    losses = sorted(loss for loss in estimate.spread if math.isfinite(loss))
    if len(estimate.spread) < 2 or not losses:
        yield Reading(
            "Starts",
            "The fit is from one random start; the loss of a network has several minima, and "
            "another start may find a lower one.",
        )
        return
    yield Reading(
        "Starts",
        f"Of {len(estimate.spread)} random starts {estimate.starts_at_best} ended at the lowest "
        f"loss, {value(losses[0], 5)}; that it is the lowest of all is not known.",
    )


def _identified(estimate: Estimate) -> Iterator[Reading]:
    verdict = estimate.identification
    if verdict is Identification.IDENTIFIED:
        text = (
            "The data tell all weights apart (up to the order and the signs of units, which mean "
            "nothing)."
        )
    elif verdict is Identification.THROUGH_PENALTY:
        text = (
            "The data by themselves do not tell all weights apart; their decay does, so that what "
            "is said of single weights depends on it as much as on the data."
        )
    elif verdict is Identification.SINGULAR:
        found, plan = spectrum(estimate), estimate.specification.plan
        assert plan is not None
        why = undetermined(plan.network, found, estimate.objective.penalised is not None)
        text = (
            f"The data determine {found.rank} of {found.size} directions of the weights: {why} "
            "Weights are not read, and AIC and BIC are not defined; predictions and effects are "
            "along what is determined."
        )
    else:
        text = "The weights are too many to be examined: there are no standard errors."
    yield Reading("Weights", text)


def _decay(estimate: Estimate) -> Iterator[Reading]:
    if estimate.specification.penalty.active:
        yield Reading(
            "Decay",
            "Weights are shrunk towards 0, and with them the effects. Intervals know nothing of "
            "this bias, so that they are given and no tests are read.",
        )


def _exact(estimate: Estimate) -> bool:
    """Tell whether tests mean what they say: at a minimum, without shrinkage."""
    trained = estimate.convergence.outcome in TRAINED
    return not trained and not estimate.specification.penalty.active


def _effects(estimate: Estimate, effects: Effects, level: float) -> Iterator[Reading]:
    low, high = effects.inference.interval(level)
    table = effects.inference
    for j, name in enumerate(effects.names):
        for k, label in enumerate(effects.labels or ("",)):
            limits = (float(low[j, k]), float(high[j, k]))
            when = (
                f"changed from its reference level to {name}" if effects.discrete[j]
                else f"for each additional unit of {name}"
            )  # fmt: skip
            text = (
                f"On average over the rows, {when}, {mean(estimate, label)} is "
                f"{compared(float(table.estimate[j, k]))}"
            )
            text += _certainty(estimate, limits, float(table.p_value[j, k]), level)
            yield Reading(f"{name}, {label}" if label else name, text)


def _certainty(estimate: Estimate, limits: tuple[float, float], p: float, level: float) -> str:
    """Return the end of the sentence on an effect: how well it is known."""
    if not math.isfinite(limits[0]) or estimate.convergence.outcome in TRAINED:
        return "."
    words = f"{percent(level)} interval {interval(*limits)}"
    if not _exact(estimate):
        return f" ({words}, without the bias of shrinkage)."
    if p < 1 - level:
        return f" ({words}, {p_words(p)})."
    return (
        f", but the {words} includes 0 ({p_words(p)}): at the {percent(1 - level)} level the data "
        "are compatible with an average effect of 0, which a rise here and a fall there also make."
    )


def _tests(estimate: Estimate, tests: tuple[InputTest, ...], level: float) -> Iterator[Reading]:
    """Yield what the data say of each input as a whole."""
    for test in tests:
        if not test.df or math.isnan(test.p_value):
            continue
        hypothesis = f"that {test.name} does not enter, all weights that leave it being 0"
        said = against(test.p_value, level, hypothesis)
        yield Reading(
            f"{test.name} as a whole",
            f"{sentence(said)} (Wald test, {_statistic(estimate, test)}, "
            f"{p_words(test.p_value)}). The test presumes that the hidden units are identified "
            f"without {test.name}; where a unit is driven by it alone, the p-value is a guide.",
        )


def _statistic(estimate: Estimate, test: InputTest) -> str:
    if estimate.family.dispersion_known:
        return f"χ²({test.df}) = {value(test.statistic)}"
    return f"F({degrees(test.df, estimate.df_resid)}) = {value(test.statistic / test.df)}"


def _closing(singles: list[Reading]) -> Iterator[Reading]:
    if not singles:
        return
    text = (
        "Effects are averages over the rows of the fit, and differ from row to row: the pictures "
        "show how. None of these sentences says that one thing causes another."
    )
    if len(singles) > MOST:
        text += f" {counted(len(singles) - MOST, 'further effect')} are left to the table."
    yield Reading("How far this goes", text)
