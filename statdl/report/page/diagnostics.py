"""What tells whether a fit can be believed: pictures of its residuals, tests, and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress

from statdl.errors import StatdlError
from statdl.estimate import Estimate
from statdl.infer import discrimination, specification
from statdl.infer.collinearity import inflation
from statdl.infer.covariance import covariance
from statdl.infer.hypothesis import HypothesisTest
from statdl.report import plot
from statdl.report.diagnostics import confusion_table, inflation_table
from statdl.report.page.part import Gallery, Part, Picture, Prose, Readings, Shown
from statdl.report.page.picture import drawn
from statdl.report.plot.diagnostics import seen
from statdl.report.plot.points import NAMED
from statdl.report.reading.hypothesis import read_test
from statdl.report.reading.words import Reading, listed, percent, value

#: What each picture shows when something is amiss.
PICTURES = {
    1: "A bend says that the mean is not right.",
    2: "Points off the line say that residuals are not normal.",
    3: "A slope says that the variance is not constant.",
    5: "A row far to the right and far from 0 moves the fit.",
}
#: Rows above which tests find what nobody would mind, and pictures are a cloud.
MANY_ROWS = 1_000_000


def diagnostic_parts(estimate: Estimate, level: float, drawing: bool) -> Iterator[Part]:
    """Yield the diagnostics that there are for the kind of model."""
    if estimate.remembered is not None:
        yield Prose(("The fit was loaded from a file, which holds no rows to look at.",))
        return
    if not estimate.convergence.converged or estimate.nobs > MANY_ROWS:
        return
    plain = estimate.specification.plan is None and not estimate.specification.penalty.active
    if drawing and plain and not estimate.multinomial:
        yield from _residuals(estimate)
    found = [*_tests(estimate, level), *_others(estimate)] if plain else []
    if estimate.family.name == "binomial":
        found += _curve(estimate, level)
    if found:
        yield Readings(tuple(found))
    yield from _tables(estimate, plain)


def _residuals(estimate: Estimate) -> Iterator[Part]:
    try:
        yield Gallery(tuple(_residual_picture(estimate, which) for which in PICTURES))
    except StatdlError as error:
        yield Prose((f"There are no pictures of residuals: {error}",))


def _residual_picture(estimate: Estimate, which: int) -> Picture:
    alternative = {1: _largest, 2: _largest, 3: _largest, 5: _influential}[which](estimate)
    name = {
        1: "Residuals against fitted values",
        2: "Residuals against normal quantiles",
        3: "Square roots of residuals against fitted values",
        5: "Residuals against leverage",
    }[which]
    return drawn(
        lambda: plot.draw_diagnostics(estimate, which, None),
        f"{name}. {alternative}",
        f"{PICTURES[which]} The most extreme rows are named.",
    )


def _largest(estimate: Estimate) -> str:
    rows = seen(estimate)
    order = sorted(range(len(rows.names)), key=lambda i: -abs(float(rows.standardised[i])))
    extreme = [f"{rows.names[i]} ({value(float(rows.standardised[i]))})" for i in order[:NAMED]]
    return f"The largest standardised residuals are those of {listed(extreme)}."


def _influential(estimate: Estimate) -> str:
    rows = seen(estimate)
    most = max(range(len(rows.names)), key=lambda i: float(rows.cook[i]))
    cook = value(float(rows.cook[most]))
    return f"The largest Cook's distance, {cook}, is that of {rows.names[most]}."


def _tests(estimate: Estimate, level: float) -> list[Reading]:
    """Return the sentences of the tests that there are for the model; others are passed over."""
    tests: list[Callable[[], HypothesisTest]] = []
    if estimate.specification.least_squares:
        tests = [
            lambda: specification.reset(estimate),
            lambda: specification.breusch_pagan(estimate),
            lambda: specification.jarque_bera(estimate),
        ]
    elif estimate.family.name == "binomial":
        tests = [lambda: discrimination.hosmer_lemeshow(estimate)]
    found = []
    for test in tests:
        try:
            found.append(read_test(test(), level))
        except StatdlError:
            continue
    return found


def _others(estimate: Estimate) -> Iterator[Reading]:
    """Yield what is no test: the spread of counts."""
    if estimate.family.name == "poisson" and estimate.df_resid > 0:
        ratio = estimate.pearson / estimate.df_resid
        text = (
            f"Pearson's X² over its degrees of freedom is {value(ratio)}; near 1 is what Poisson "
            "counts give where means are not small."
        )
        if ratio > 1.5:
            text += " Counts that vary more than that have larger errors than are given here."
        yield Reading("Dispersion", text)


def _curve(estimate: Estimate, level: float) -> Iterator[Reading]:
    try:
        found = discrimination.roc(estimate, level)
    except StatdlError:
        return
    if not math.isfinite(found.auc):
        return
    yield Reading(
        "ROC curve",
        f"The area under the curve is {value(found.auc)} ({percent(level)} interval "
        f"{value(found.lower)} to {value(found.upper)}, DeLong): of two rows that differ in the "
        "response, the chance that the prediction is higher for the right one. It is that of the "
        "rows of the fit, which flatters it.",
    )


def _tables(estimate: Estimate, plain: bool) -> Iterator[Part]:
    """Yield the tables that there are for the model; others are passed over."""
    if estimate.family.has_classes:
        with suppress(StatdlError):
            yield Shown(confusion_table(discrimination.confusion(estimate, 0.5)).document())
    if plain and not estimate.multinomial and len(estimate.frame.design.terms) > 1:
        with suppress(StatdlError):
            yield Shown(inflation_table(inflation(estimate, covariance(estimate))).document())
