"""The page of a fit: what was asked, what came out, what it means, and whether to believe it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from statdl.errors import StatdlError
from statdl.infer.goodness import Goodness
from statdl.report.format import integer, number, significant
from statdl.report.page.data import data_parts
from statdl.report.page.diagnostics import diagnostic_parts
from statdl.report.page.part import Facts, Page, Part, Prose, Readings, Section, Shown, Source
from statdl.report.page.picture import NO_PICTURES, have_matplotlib
from statdl.report.page.scenes import picture_parts
from statdl.report.page.session import session
from statdl.report.reading.fit import fit_readings
from statdl.report.reading.outcome import kind, response
from statdl.report.summary import summarise


def fit_page(
    goodness: Goodness,
    model: str,
    call: str,
    *,
    title: str | None = None,
    level: float = 0.95,
    device: str = "",
    further: tuple[Section, ...] = (),
) -> Page:
    """Return the page of a fit.

    Parameters
    ----------
    goodness
        The fit, with the covariance that is to be behind its tests.
    model, call
        The model in a line, and the code that made it.
    title
        By default the kind of model, and the response.
    further
        Sections to stand before that of the session, such as a table of parity.
    """
    summary = summarise(goodness, level=level)
    sections = [
        Section("Data and call", (Source(call), *data_parts(goodness.estimate))),
        Section("What it says", (Readings(fit_readings(goodness, level)),)),
        Section("Summary", (Shown(summary.document()),)),
        *_drawn(goodness, level),
        *further,
        session(device),
    ]
    return Page(title or _title(goodness), model, tuple(sections), Facts(_facts(goodness), True))


def _title(goodness: Goodness) -> str:
    estimate = goodness.estimate
    network = estimate.specification.plan is not None
    words = "neural network" if network else kind(estimate)
    return f"{words[:1].upper()}{words[1:]}: {response(estimate)}"


def _drawn(goodness: Goodness, level: float) -> Iterator[Section]:
    """Yield pictures of what goes with what, and diagnostics."""
    estimate = goodness.estimate
    possible = have_matplotlib()
    pictures = tuple(picture_parts(estimate, level)) if possible else (Prose((NO_PICTURES,)),)
    if pictures:
        yield Section("Pictures", pictures)
    checks: tuple[Part, ...] = tuple(diagnostic_parts(estimate, level, possible))
    if checks:
        yield Section("Diagnostics", checks)


def _facts(goodness: Goodness) -> tuple[tuple[str, str], ...]:
    """Return the few numbers that come first."""
    estimate = goodness.estimate
    pairs = [("Rows", integer(estimate.nobs))]
    try:
        if estimate.specification.least_squares:
            pairs.append(("R²", number(goodness.rsquared, 3)))
            pairs.append(("Residual s.d.", significant(math.sqrt(estimate.dispersion), 3)))
        else:
            pairs.append(("Deviance", significant(estimate.deviance)))
        pairs.append(("Parameters", integer(estimate.degrees_of_freedom)))
        pairs.append(("AIC", significant(goodness.aic)))
    except (StatdlError, ValueError):  # a number that a fit does not have is no fact
        pass
    return tuple((name, value) for name, value in pairs if value not in ("NA", "inf"))
