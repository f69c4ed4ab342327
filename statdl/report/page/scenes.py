"""The pictures of a fit, each with what it shows in words."""

from __future__ import annotations

from collections.abc import Iterator

from statdl.errors import StatdlError
from statdl.estimate import Estimate
from statdl.formula.settable import variables
from statdl.infer.partial import PartialEffect, partial_effect
from statdl.infer.wald import coefficients
from statdl.report import plot
from statdl.report.page.part import Gallery, Part, Picture, Prose
from statdl.report.page.picture import drawn
from statdl.report.reading.outcome import TRAINED, mean
from statdl.report.reading.words import counted, listed, percent, value

#: Variables whose effects are drawn, and the numbers of means to compute that a picture may cost.
MOST_EFFECTS = 8
MOST_WORK = 5e7
#: Inches across.
WIDTH = 4.8
#: Coefficients that fit into a picture.
MOST_COEFFICIENTS = 40


def picture_parts(estimate: Estimate, level: float) -> Iterator[Part]:
    """Yield pictures of what a fit is, and what the mean does by each variable."""
    network = estimate.specification.plan is not None
    if network:
        yield from _network(estimate)
    elif 1 <= len(estimate.frame.design.names) <= MOST_COEFFICIENTS:
        yield from _coefficients(estimate, level)
    yield from _effects(estimate, level)


def _network(estimate: Estimate) -> Iterator[Part]:
    plan = estimate.specification.plan
    assert plan is not None
    layers = " to ".join(
        counted(width, word)
        for width, word in (
            (plan.network.inputs, "input"),
            *((layer.units, f"{layer.activation.name} unit") for layer in plan.network.hidden),
            (plan.network.outputs, "output"),
        )
    )
    yield drawn(
        lambda: plot.draw_network(estimate, None, False, 12),
        f"Drawing of the network: {layers}, joined by lines as wide as the weights are large.",
        "Blue lines are positive weights and vermillion ones negative, in the units of the scaled "
        "inputs; the wider, the larger. Single weights mean little by themselves.",
    )
    losses = [one["loss"] for one in estimate.history if "loss" in one]
    if losses:
        yield drawn(
            lambda: plot.draw_history(estimate, None, None),
            f"Loss by epoch: from {value(losses[0])} to {value(losses[-1])} in "
            f"{counted(len(losses), 'epoch')}.",
            "The loss by epoch, of the rows learned from and, where there are any, of those held "
            "out.",
        )


def _coefficients(estimate: Estimate, level: float) -> Iterator[Part]:
    if not estimate.convergence.converged:
        return
    try:
        table = coefficients(estimate)
        low, high = table.interval(level)
        first = int(estimate.specification.intercept)
        ends = [
            f"{name} {value(low[j, k])} to {value(high[j, k])}"
            for j, name in enumerate(estimate.specification.coefficient_names)
            for k in range(estimate.specification.tables)
            if j >= first and low[j, k] == low[j, k]
        ]
        if not ends:
            return
        yield drawn(
            lambda: plot.draw_coefficients(estimate, level, False, None, None),
            f"Coefficients with their {percent(level)} intervals: {'; '.join(ends)}.",
            f"Coefficients with {percent(level)} intervals, each in the units of its own column; "
            "those that reach across 0 are compatible with 0.",
            1.2 * WIDTH,
        )
    except StatdlError as error:
        yield Prose((f"There is no picture of the coefficients: {error}",))


def _effects(estimate: Estimate, level: float) -> Iterator[Part]:
    """Yield a picture of the mean by each of the first variables."""
    if not estimate.convergence.converged:
        return
    try:
        names = variables(estimate.frame.design)
        work = 50.0 * estimate.nobs * max(1, len(estimate.parameters))
    except StatdlError:
        return
    if work > MOST_WORK:
        yield Prose(("Pictures of the effects in so many rows take a while: plot_effect().",))
        return
    if estimate.remembered is not None:
        yield Prose(("Pictures of effects need rows, which a fit from a file does not hold.",))
        return
    pictures, missing = [], []
    for name in names[:MOST_EFFECTS]:
        try:
            pictures.append(_effect(estimate, partial_effect(estimate, name, level=level)))
        except StatdlError as error:  # not estimable, or the data were changed
            missing.append(f"There is no picture of the effect of {name}: {error}")
    if pictures:
        yield Gallery(tuple(pictures))
    if missing:
        yield Prose(tuple(missing))
    if len(names) > MOST_EFFECTS:
        yield Prose((f"Not drawn: {listed(names[MOST_EFFECTS:])}.",))


def _effect(estimate: Estimate, found: PartialEffect) -> Picture:
    trained = estimate.convergence.outcome in TRAINED
    band = "; limits presume a minimum, where training may not have ended" if trained else ""
    return drawn(
        lambda: plot.draw_effect(estimate, found, None),
        _alternative(estimate, found),
        f"Average prediction over the {counted(found.rows, 'row')}, {found.variable} set to what "
        f"the axis says in all of them and all else as observed; {percent(found.level)} "
        f"limits{band}.",
        WIDTH,
    )


def _alternative(estimate: Estimate, found: PartialEffect) -> str:
    """Return the ends of the curve, or the points, in words."""
    last = len(found.values) - 1
    shown = range(len(found.values))[:8] if found.discrete else (0, last)
    lines = []
    for k, label in enumerate(found.labels or ("",)):
        points = [f"{value(float(found.mean[i, k]))} at {_shown(found.values[i])}" for i in shown]
        of = mean(estimate, label)
        lines.append(f"{of} is on average {listed(points)}")
    return f"Effect of {found.variable}: {'; '.join(lines)}."


def _shown(one: object) -> str:
    return value(one) if isinstance(one, float) else str(one)
