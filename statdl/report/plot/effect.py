"""The picture of a partial effect: a curve with its band, or points with error bars."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.estimate import Estimate
from statdl.infer.partial import PartialEffect
from statdl.report.format import percent
from statdl.report.plot.style import BAND, SIZE, Axes, Paper, beside, line_looks, picture
from statdl.report.plot.style import shown_names as short


def draw_effect(estimate: Estimate, effect: PartialEffect, ax: Axes | None) -> Axes:
    """Return axes with average means over the values of the variable, one line a class."""
    with picture(ax, SIZE) as (axes, paper):
        looks = line_looks(effect.mean.shape[1], paper)
        for k, look in enumerate(looks):
            label = effect.labels[k] if effect.labels else "mean"
            if effect.discrete:
                _points(axes, effect, k, look, label)
            else:
                _curve(axes, effect, k, look, label)
        if effect.discrete:
            _levels(axes, effect)
        else:
            _rug(axes, effect, paper)
        axes.set_xlabel(effect.variable)
        axes.set_ylabel(_response(estimate))
        axes.set_title(_title(effect))
        if effect.labels:
            beside(axes, ax is None, estimate.frame.response.name)
    return axes


def _curve(axes: Axes, effect: PartialEffect, k: int, look: dict[str, Any], label: str) -> None:
    values = np.asarray(effect.values, dtype=float)
    if np.isfinite(effect.lower[:, k]).any():
        axes.fill_between(
            values, effect.lower[:, k], effect.upper[:, k],
            color=look["color"], alpha=BAND if effect.mean.shape[1] == 1 else BAND / 2, linewidth=0,
        )  # fmt: skip
        for limit in (effect.lower[:, k], effect.upper[:, k]):
            axes.plot(values, limit, color=look["color"], linewidth=0.7, alpha=0.6)
    axes.plot(values, effect.mean[:, k], label=label, **look)


def _points(axes: Axes, effect: PartialEffect, k: int, look: dict[str, Any], label: str) -> None:
    """Draw points with error bars, those of several classes side by side."""
    count = effect.mean.shape[1]
    shift = (k - (count - 1) / 2) * min(0.12, 0.6 / count)
    mean = effect.mean[:, k]
    reach = np.stack([mean - effect.lower[:, k], effect.upper[:, k] - mean])
    bars = reach if np.isfinite(reach).any() else None
    axes.errorbar(
        np.arange(len(mean)) + shift, mean, bars,
        fmt="o", markersize=5, capsize=3, color=look["color"], label=label,
    )  # fmt: skip


def _levels(axes: Axes, effect: PartialEffect) -> None:
    names = short([f"{value:g}" if isinstance(value, float) else value for value in effect.values])
    crowded = sum(map(len, names)) > 60
    axes.set_xticks(range(len(names)), names, rotation=30 if crowded else 0)
    if crowded:
        for text in axes.get_xticklabels():
            text.set(horizontalalignment="right", rotation_mode="anchor")
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.grid(visible=False, axis="x")


def _rug(axes: Axes, effect: PartialEffect, paper: Paper) -> None:
    """Mark what was observed, since a curve says little where nothing was."""
    across = axes.get_xaxis_transform()
    axes.vlines(effect.support, 0, 0.025, transform=across, color=paper.faint, linewidth=0.7)


def _response(estimate: Estimate) -> str:
    name, levels = estimate.frame.response.name, estimate.specification.levels
    if estimate.family.name == "multinomial":
        return "average probability"
    if estimate.family.has_classes:
        return f"average probability of {name}" + (f" = {levels[1]}" if len(levels) == 2 else "")
    return f"average predicted {name}"


def _title(effect: PartialEffect) -> str:
    rows = "1 row" if effect.rows == 1 else f"{effect.rows} rows"
    known = np.isfinite(effect.lower).any()
    limits = f", {percent(effect.level, 0 if round(effect.level, 2) == effect.level else 1)} limits"
    return f"Effect of {effect.variable}: average of {rows}{limits if known else ''}"
