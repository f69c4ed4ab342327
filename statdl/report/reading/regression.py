"""The sentences of a regression: what it is, how well it fits, and what goes with each variable.

A coefficient is read by itself where it stands for its variable alone: a variable of one column,
or of indicators against a reference level, that no other term is made of. Where several columns
belong to a variable (a polynomial, an interaction) no coefficient says what goes with the variable,
and all of them are tested together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from statdl.errors import StatdlError
from statdl.estimate import Estimate
from statdl.formula import Term
from statdl.formula.settable import columns_of, term_variables, variables
from statdl.infer.covariance import covariance_root
from statdl.infer.goodness import Goodness
from statdl.infer.linear_hypothesis import WaldTest, joint, slopes_test
from statdl.infer.wald import Coefficients, coefficients, reference_df
from statdl.model.penalty import shrinkage
from statdl.report.reading.outcome import mean, opening, response, unreadable
from statdl.report.reading.scale import Slope, scale_of, shrunk_sentence, slope_sentence
from statdl.report.reading.words import (
    Reading,
    against,
    counted,
    degrees,
    listed,
    p_words,
    percent,
    sentence,
    value,
)

#: Sentences on single coefficients; of more there is the table.
MOST = 40


def regression_readings(goodness: Goodness, level: float) -> tuple[Reading, ...]:
    """Return the sentences of a regression at a confidence level."""
    estimate = goodness.estimate
    stopped = unreadable(estimate)
    if stopped is not None:
        return (opening(estimate), stopped)
    found = [opening(estimate), *_fit(goodness), *_errors(estimate), *_together(goodness, level)]
    found += _missing(estimate)
    singles = list(_variables(estimate, level))
    return (*found, *singles[:MOST], *_closing(estimate, singles))


# the whole fit --------------------------------------------------------------------------------


def _fit(goodness: Goodness) -> Iterator[Reading]:
    estimate = goodness.estimate
    if estimate.specification.penalty.shrinks:
        yield Reading(
            "Penalty",
            f"Coefficients are {shrinkage(estimate.specification.penalty)}, which is a bias that "
            "errors, intervals and p-values know nothing of; so only directions and sizes are "
            "read. The fit has "
            f"{value(estimate.degrees_of_freedom)} effective degrees of freedom.",
        )
    elif estimate.specification.penalty.active:
        yield Reading(
            "Bias reduction",
            "The estimates are Firth's, of a likelihood with a penalty for bias. Wald intervals "
            "and p-values are poor where classes are nearly separated; profile limits are better.",
        )
    if estimate.specification.least_squares:
        yield from _variance(goodness)
    elif not estimate.specification.penalty.active:
        yield from _deviance(goodness)


def _variance(goodness: Goodness) -> Iterator[Reading]:
    estimate = goodness.estimate
    if not estimate.df_resid > 0:
        yield Reading("Fit", "There are as many coefficients as rows: nothing is left to judge by.")
        return
    if not len(estimate.frame.design.names):
        return
    about = "variance" if estimate.objective.intercept else "sum of squares about 0"
    left = (
        f"what is left has a standard deviation of {value(math.sqrt(estimate.dispersion))}, in "
        f"the units of {response(estimate)}."
    )
    if estimate.frame.weights is not None:
        left = f"what is left has a standard deviation of {value(math.sqrt(estimate.dispersion))}"
        left += f" where the weight is 1, in the units of {response(estimate)}."
    yield Reading(
        "Fit",
        f"The model explains {percent(goodness.rsquared)} of the {about} of {response(estimate)} "
        f"in these rows (adjusted for its size {percent(goodness.rsquared_adj)}); {left}",
    )


def _deviance(goodness: Goodness) -> Iterator[Reading]:
    if not len(goodness.estimate.frame.design.names):
        return
    try:
        null, share = goodness.null_deviance, goodness.prsquared
    except StatdlError:
        return
    if not math.isfinite(null):
        return
    text = (
        f"The deviance is {value(goodness.estimate.deviance, 4)}, where that of the intercept "
        f"alone is {value(null, 4)}."
    )
    if math.isfinite(share):
        text += (
            f" McFadden's pseudo R² is {value(share)}; it is no share of variance, and compares "
            "models of the same response only."
        )
    yield Reading("Fit", text)


def _errors(estimate: Estimate) -> Iterator[Reading]:
    if estimate.reported is not None:
        yield Reading("Standard errors", estimate.reported.note)


def _together(goodness: Goodness, level: float) -> Iterator[Reading]:
    """Yield the test of all slopes, where there is more than one and they can be tested."""
    estimate = goodness.estimate
    if not _testable(estimate) or len(estimate.frame.design.names) < 2:
        return
    hypothesis = f"that {_independent(estimate)} on any of the terms"
    try:
        wald = slopes_test(estimate)
        ratio = goodness.llr_pvalue if _has_ratio(estimate) else math.nan
    except StatdlError:
        return
    if math.isfinite(ratio):
        yield Reading("All terms", _ratio(goodness, ratio, level, hypothesis))
        known = math.isfinite(wald.statistic)
        if known and (ratio < 1 - level) != (wald.p_value < 1 - level):
            yield Reading("Wald tests", _disagreement(wald))
    elif wald.df > 1 and math.isfinite(wald.statistic):
        yield Reading("All terms", _tested(wald, level, hypothesis))


def _has_ratio(estimate: Estimate) -> bool:
    """Tell whether likelihoods say what the covariance says: it is the model's own."""
    return estimate.family.dispersion_known and estimate.reported is None


def _ratio(goodness: Goodness, p: float, level: float, hypothesis: str) -> str:
    return (
        f"{sentence(against(p, level, hypothesis))} (likelihood ratio, "
        f"χ²({degrees(goodness.df_model)}) = {value(goodness.llr)}, {p_words(p)})."
    )


def _disagreement(wald: WaldTest) -> str:
    return (
        f"The Wald test of the same hypothesis says otherwise ({_statistic(wald)}, "
        f"{p_words(wald.p_value)}). Where estimates are large, as with probabilities near 0 and 1, "
        "Wald tests lose power (Hauck & Donner 1977): those of single variables below are to be "
        "taken with care, and confint(method='profile') has better limits."
    )


def _independent(estimate: Estimate) -> str:
    if estimate.family.name == "multinomial":
        return f"the probabilities of the classes of {response(estimate)} do not depend"
    return f"{mean(estimate)} does not depend"


def _testable(estimate: Estimate) -> bool:
    """Tell whether tests mean what they say."""
    known = estimate.family.dispersion_known or estimate.df_resid > 0
    return known and not estimate.specification.penalty.active


def _tested(test: WaldTest, level: float, hypothesis: str) -> str:
    said = against(test.p_value, level, hypothesis)
    return f"{sentence(said)} (Wald test, {_statistic(test)}, {p_words(test.p_value)})."


def _statistic(test: WaldTest) -> str:
    if math.isinf(test.reference_df):
        return f"χ²({degrees(test.df)}) = {value(test.statistic)}"
    return f"F({degrees(test.df, test.reference_df)}) = {value(test.f)}"


def _missing(estimate: Estimate) -> Iterator[Reading]:
    pairs = zip(estimate.specification.coefficient_names, estimate.kept, strict=True)
    gone = [name for name, kept in pairs if not kept]
    if gone:
        are = "is a combination" if len(gone) == 1 else "are combinations"
        yield Reading(
            "Not estimable",
            f"{listed(gone)} {are} of the other columns, so that the data cannot tell what goes "
            "with it and what goes with them.",
        )


# variables ------------------------------------------------------------------------------------


def _variables(estimate: Estimate, level: float) -> Iterator[Reading]:
    """Yield what goes with each variable of the model."""
    design = estimate.frame.design
    made = list(zip(design.terms, term_variables(design), strict=True))
    for variable in variables(design):
        own = [(term, of) for term, of in made if variable in of]
        if not own:
            yield Reading(variable, "An offset: its coefficient is 1 and was not estimated.")
        elif len(own) == 1 and own[0][1] == {variable} and _alone(estimate, own[0][0]):
            yield from _coefficients(estimate, own[0][0], level, len(made) > 1)
        else:
            yield from _jointly(estimate, variable, [term for term, _ in own], level)


def _alone(estimate: Estimate, term: Term) -> bool:
    """Tell whether the coefficients of a term are each read by themselves."""
    return len(term.columns) == 1 or _indicators(estimate, term)


def _indicators(estimate: Estimate, term: Term) -> bool:
    names = [estimate.frame.design.names[j].removeprefix(term.name) for j in term.columns]
    return all(name.startswith("[T.") and name.endswith("]") for name in names)


def _coefficients(estimate: Estimate, term: Term, level: float, others: bool) -> Iterator[Reading]:
    table = coefficients(estimate)
    low, high = table.interval(level)
    first = int(estimate.specification.intercept)
    labels = _labels(estimate)
    if len(term.columns) > 1 and _testable(estimate):
        yield from _factor(estimate, term, level)
    for j in term.columns:
        if not estimate.kept[j + first]:
            continue
        name = estimate.frame.design.names[j]
        for k, label in enumerate(labels):
            text = _coefficient(
                estimate, table, (j + first, k), (low, high), _when(estimate, term, name), label,
                level, others or len(term.columns) > 1,
            )  # fmt: skip
            yield Reading(f"{name}, {label}" if label else name, text)


def _labels(estimate: Estimate) -> tuple[str, ...]:
    if estimate.family.name != "multinomial":
        return ("",)
    return tuple(map(str, estimate.specification.levels[1:]))


def _coefficient(
    estimate: Estimate,
    table: Coefficients,
    at: tuple[int, int],
    limits: tuple[np.ndarray, np.ndarray],
    when: str,
    label: str,
    level: float,
    held: bool,
) -> str:
    slope = Slope(
        float(table.estimate[at]), float(limits[0][at]), float(limits[1][at]),
        float(table.p_value[at]), held,
    )  # fmt: skip
    scale = scale_of(estimate, label)
    if estimate.specification.penalty.shrinks or not math.isfinite(slope.p):
        return shrunk_sentence(scale, when, slope, estimate.specification.penalty.shrinks)
    return slope_sentence(scale, when, slope, level)


def _when(estimate: Estimate, term: Term, name: str) -> str:
    """Return what it is that changes: a unit, or a level."""
    if not _indicators(estimate, term):
        return f"for each additional unit of {name}"
    chosen = name.removeprefix(term.name)[3:-1]
    given = {estimate.frame.design.names[j].removeprefix(term.name)[3:-1] for j in term.columns}
    reference = [
        str(one) for one in estimate.frame.design.levels.get(term.name, ()) if str(one) not in given
    ]
    rather = f" rather than {reference[0]}" if len(reference) == 1 else ""
    return f"where {term.name} is {chosen}{rather}"


def _factor(estimate: Estimate, term: Term, level: float) -> Iterator[Reading]:
    """Yield the test of a factor as a whole, which its levels one by one do not make."""
    test = _joint(estimate, term.columns)
    if test is not None:
        yield Reading(
            term.name,
            _tested(test, level, f"that {_independent(estimate)} on {term.name} at all"),
        )


def _jointly(
    estimate: Estimate, variable: str, terms: list[Term], level: float
) -> Iterator[Reading]:
    """Yield the test of all columns that are made of a variable."""
    columns = columns_of(estimate.frame.design, variable)
    names = listed([term.name for term in terms])
    shape = (
        f"{variable} enters by {names}, {counted(len(columns), 'column')}: no coefficient by "
        f"itself says what goes with {variable}, and its picture shows it."
    )
    test = _joint(estimate, columns) if _testable(estimate) else None
    if test is None:
        yield Reading(variable, shape)
        return
    tested = _tested(test, level, f"that {_independent(estimate)} on {variable} at all")
    yield Reading(variable, f"{shape} {tested}")


def _joint(estimate: Estimate, columns: tuple[int, ...]) -> WaldTest | None:
    """Return the Wald test that the coefficients of some columns are all 0, of all outputs."""
    first = int(estimate.specification.intercept)
    order = np.cumsum(estimate.kept) - 1
    each = [int(order[j + first]) for j in columns if estimate.kept[j + first]]
    width = sum(estimate.kept)
    places = [place + k * width for k in range(estimate.outputs) for place in each]
    if not places:
        return None
    try:
        half = covariance_root(estimate)[places, :]
        test = joint(np.asarray(estimate.parameters)[places], half, reference_df(estimate))
    except StatdlError:
        return None
    return test if math.isfinite(test.statistic) else None


# the end --------------------------------------------------------------------------------------


def _closing(estimate: Estimate, singles: list[Reading]) -> Iterator[Reading]:
    if not singles:
        return
    text = (
        "These sentences describe what goes with what in these data, if the model is right; none "
        "of them says that one thing causes another."
    )
    if len(singles) > 1 and _testable(estimate):
        text += " Intervals and p-values are each for themselves, not adjusted for their number."
    if len(singles) > MOST:
        text += f" {counted(len(singles) - MOST, 'further sentence')} are left to the table."
    yield Reading("How far this goes", text)
