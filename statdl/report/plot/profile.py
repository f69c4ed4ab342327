"""The picture of a profile likelihood: the drop of 2 log L beside the parabola of Wald's limits."""

from __future__ import annotations

import math

import numpy as np

from statdl.estimate import Estimate
from statdl.infer.covariance import model_df
from statdl.infer.distribution import critical
from statdl.infer.profile import Profile, profile, profile_limits
from statdl.report.format import percent
from statdl.report.plot.style import SIZE, Axes, beside, picture


def draw_profile(estimate: Estimate, place: int, name: str, level: float, ax: Axes | None) -> Axes:
    """Return axes with τ² of one parameter over its values, and the limits at a level."""
    one = profile(estimate, place)
    c = critical(level, model_df(estimate))
    lower, upper = (float(limits[place]) for limits in profile_limits(estimate, level, [place]))
    points = list(one.curve(*_ends(one, lower, upper, c)))
    values = np.array([*(point.value for point in points), one.centre])
    drops = np.array([*(point.tau**2 for point in points), 0.0])
    order = np.argsort(values)
    with picture(ax, SIZE) as (axes, paper):
        axes.plot(values[order], drops[order], color=paper.lines[0], label="profile")
        grid = np.linspace(values.min(), values.max(), 101)
        parabola = ((grid - one.centre) / one.error) ** 2
        axes.plot(grid, parabola, color=paper.lines[1], linestyle="--", label="Wald")
        axes.axhline(c * c, color=paper.faint, linewidth=1.0)
        for limit in (lower, upper):
            if math.isfinite(limit):
                axes.vlines(limit, 0, c * c, color=paper.lines[0], linewidth=1.0, linestyle=":")
        axes.axvline(one.centre, color=paper.faint, linewidth=1.0)
        axes.set_ylim(0, 1.5 * c * c)
        axes.set_xlabel(name)
        axes.set_ylabel("2 (log L̂ − log L)")
        axes.set_title(f"Profile of {name}: {percent(level, 0)} limits")
        beside(axes, ax is None)
    return axes


def _ends(one: Profile, lower: float, upper: float, c: float) -> tuple[float, float]:
    """Return values a little beyond the limits, or of Wald's where the profile has none."""
    low = lower if math.isfinite(lower) else one.centre - 2 * c * one.error
    high = upper if math.isfinite(upper) else one.centre + 2 * c * one.error
    return one.centre + 1.2 * (low - one.centre), one.centre + 1.2 * (high - one.centre)
