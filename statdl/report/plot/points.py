"""Points of rows, the most extreme ones named, and the curve through them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from statdl.estimate import Estimate
from statdl.infer.smooth import lowess
from statdl.report.plot.style import Axes, Paper

#: Rows that are named in each picture.
NAMED = 3
#: Height of a name in points.
LINE = 10
#: More rows than this are drawn smaller, and as an image.
MANY = 2000


def row_names(estimate: Estimate, places: Any) -> tuple[str, ...]:
    """Return what rows are called: the labels of the data, or their numbers."""
    index = estimate.frame.index
    return tuple(str(place if index is None else index[place]) for place in places)


def scatter(
    axes: Axes, paper: Paper, names: Sequence[str], x: Any, y: Any, size: Any, colour: str = ""
) -> None:
    """Draw a point a row and name the rows where ``size`` is largest."""
    many = len(x) > MANY
    axes.plot(
        x, y, "o", color=colour or paper.lines[0], markersize=2 if many else 4.5,
        markeredgewidth=0, alpha=0.3 if many else 0.7, rasterized=many,
    )  # fmt: skip
    axes.margins(0.06, 0.1)
    name_rows(axes, paper, names, x, y, size)


def name_rows(axes: Axes, paper: Paper, names: Sequence[str], x: Any, y: Any, size: Any) -> None:
    """Name the rows where ``size`` is largest, names of close points below each other."""
    middle = (np.min(x) + np.max(x)) / 2
    height = 72 * axes.get_window_extent().height / axes.figure.dpi
    scale = 0.8 * height / (float(np.ptp(y)) or 1.0)
    above = {True: math.inf, False: math.inf}
    chosen = np.argsort(-np.abs(size), kind="stable")[:NAMED]
    for i in sorted(chosen, key=lambda i: -y[i]):
        left = bool(x[i] > middle)
        level = min(scale * y[i] + 2, above[left] - LINE)
        above[left] = level
        axes.annotate(
            names[i], (x[i], y[i]), (-5 if left else 5, level - scale * y[i]),
            textcoords="offset points", ha="right" if left else "left", fontsize=8,
            color=paper.ink,
        )  # fmt: skip


def smooth(axes: Axes, colour: str, x: Any, y: Any, resistant: bool, label: str = "") -> None:
    """Draw the curve through points; residuals of other families have no outliers to resist."""
    if len(np.unique(x)) > 3:
        places, curve = lowess(x, y, rounds=3 if resistant else 0)
        axes.plot(places, curve, color=colour, linewidth=1.4, label=label or None)
