"""The picture of coefficients with their limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.predict import output_labels
from statdl.infer.wald import coefficients
from statdl.report.format import percent
from statdl.report.plot.style import Axes, beside, line_looks, picture, shown_names

#: Height of a coefficient in inches, and of what is around them.
ROW, AROUND = 0.32, 1.1


def draw_coefficients(
    estimate: Estimate, level: float, intercept: bool, terms: Sequence[str] | None, ax: Axes | None
) -> Axes:
    """Return axes with a point and its limits a coefficient, those of classes below each other."""
    if estimate.specification.plan is not None:
        raise ModelError(
            "The weights of a network are no coefficients; draw it with plot_network(), and what "
            "its inputs do with plot_effect()."
        )
    names = estimate.specification.coefficient_names
    places = _chosen(names, estimate.specification.intercept and not intercept, terms)
    found = coefficients(estimate)
    lower, upper = found.interval(level)
    labels = output_labels(estimate)
    count = max(1, len(labels))
    height = AROUND + ROW * len(places) * max(1.0, 0.6 * count)
    with picture(ax, (6.4, height)) as (axes, paper):
        rows = np.arange(len(places), dtype=float)
        axes.axvline(0, color=paper.faint, linestyle="--", linewidth=1)
        for k, look in enumerate(line_looks(count, paper)):
            value = found.estimate[places, k]
            reach = np.stack([value - lower[places, k], upper[places, k] - value])
            shift = 0.0 if count == 1 else (k - (count - 1) / 2) * 0.6 / count
            axes.errorbar(
                value, rows + shift, xerr=reach, fmt="o", markersize=5, capsize=3,
                color=look["color"], label=labels[k] if labels else "",
            )  # fmt: skip
        axes.set_yticks(rows, shown_names([names[j] for j in places], 28))
        axes.set_ylim(len(places) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        shown = percent(level, 0 if round(level, 2) == level else 1)
        axes.set_xlabel(f"{_scale(estimate)}, {shown} limits")
        axes.set_title(f"Coefficients: {estimate.frame.response.name}")
        if labels:
            beside(axes, ax is None, f"against {estimate.specification.levels[0]}")
    return axes


def _chosen(names: Sequence[str], without: bool, terms: Sequence[str] | None) -> list[int]:
    """Return the places of the coefficients to draw."""
    if terms is None:
        places = list(range(int(without), len(names)))
    else:
        unknown = [name for name in terms if name not in names]
        if unknown:
            raise ModelError(
                f"There is no coefficient {unknown[0]!r}; there are {', '.join(names)}."
            )
        places = [names.index(name) for name in terms]
    if not places:
        raise ModelError("The model has no coefficient but the intercept; use intercept=True.")
    return places


def _scale(estimate: Estimate) -> str:
    link: Any = estimate.family.link.name
    if estimate.family.name == "multinomial":
        return "coefficient (log odds)"
    plain = {"identity": "", "logit": " (log odds)", "log": " (log of the mean)"}
    return "coefficient" + plain.get(link, f" ({link} of the mean)")
