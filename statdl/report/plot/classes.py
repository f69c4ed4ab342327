"""Pictures of predicted classes: calibration, and receiver operating characteristics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from statdl.estimate import Estimate
from statdl.infer.discrimination import Roc, calibrated, curve
from statdl.infer.outcomes import Outcomes, outcomes
from statdl.report.format import percent
from statdl.report.plot.style import Axes, beside, line_looks, picture

#: Both pictures have probabilities on both axes.
SQUARE = (5.2, 4.6)
WIDE = (6.6, 4.6)


def draw_calibration(
    estimate: Estimate,
    groups: int,
    by: str,
    level: float,
    newdata: Any,
    event: Any,
    ax: Axes | None,
) -> Axes:
    """Return axes with observed shares against predicted ones, with Wilson's limits."""
    found = outcomes(estimate, "A calibration curve", newdata)
    chosen = _events(found, event)
    shown = {
        label: calibrated(found.against_rest(label), groups, by, level)
        for label in chosen
    }  # fmt: skip
    with picture(ax, WIDE if len(shown) > 1 else SQUARE) as (axes, paper):
        axes.plot([0, 1], [0, 1], color=paper.faint, linestyle="--", linewidth=1)
        for look, (label, one) in zip(line_looks(len(shown), paper), shown.items(), strict=True):
            reach = np.maximum([one.observed - one.lower, one.upper - one.observed], 0)
            axes.errorbar(
                one.predicted, one.observed, yerr=reach, marker="o", markersize=4.5,
                capsize=2.5, linewidth=1.4, elinewidth=1, label=label, **look,
            )  # fmt: skip
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set_xlabel(f"predicted probability{_of(estimate, chosen)}")
        axes.set_ylabel("observed share")
        axes.set_title(f"Calibration, {percent(level, 0)} limits")
        if len(shown) > 1:
            beside(axes, ax is None, estimate.frame.response.name)
    return axes


def draw_roc(estimate: Estimate, level: float, newdata: Any, event: Any, ax: Axes | None) -> Axes:
    """Return axes with sensitivity over 1 − specificity, one line a class against the rest."""
    found = outcomes(estimate, "A receiver operating characteristic", newdata)
    chosen = _events(found, event)
    shown: Mapping[str, Roc] = {label: curve(found.against_rest(label), level) for label in chosen}
    with picture(ax, WIDE if len(shown) > 1 else SQUARE) as (axes, paper):
        axes.plot([0, 1], [0, 1], color=paper.faint, linestyle="--", linewidth=1)
        for look, (label, one) in zip(line_looks(len(shown), paper), shown.items(), strict=True):
            axes.plot(1 - one.specificity, one.sensitivity, label=f"{label}: {one.auc:.3f}", **look)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set_xlabel("1 − specificity: share of the others taken for it")
        axes.set_ylabel("sensitivity: share that is found")
        only = next(iter(shown.values()))
        area = f"ROC curve: area {only.auc:.3f} ({only.lower:.3f} to {only.upper:.3f})"
        axes.set_title("ROC curves" if len(shown) > 1 else area)
        if len(shown) > 1:
            beside(axes, ax is None, "area, each\nagainst the rest")
    return axes


def _events(found: Outcomes, event: Any) -> tuple[str, ...]:
    """Return the classes to draw: the one asked for, of two the second, of several all."""
    if event is not None:
        return (str(event),)
    return found.labels if len(found.labels) > 2 else found.labels[1:]


def _of(estimate: Estimate, chosen: tuple[str, ...]) -> str:
    if len(chosen) > 1:
        return ""
    return f" of {estimate.frame.response.name} = {chosen[0]}"
