"""The picture of what a classifier decides over two variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from statdl.estimate import Estimate
from statdl.infer.decision import Decision, decision
from statdl.lazy import lazy
from statdl.report.plot.style import Axes, Paper, beside, line_looks, picture

mpl_colors = lazy("matplotlib.colors")

#: Opacity of a region where its class is certain, and where it is as likely as any other.
CERTAIN, DOUBTFUL = 0.42, 0.06
#: More points than this are drawn small.
MANY = 2000


def draw_decision(
    estimate: Estimate, x: str, y: str, at: Mapping[str, Any] | None, points: int, ax: Axes | None
) -> Axes:
    """Return axes with the regions of the classes, their borders, and the rows of the fit."""
    found = decision(estimate, x, y, at, points)
    with picture(ax, (6.6, 4.6)) as (axes, paper):
        colours = [look["color"] for look in line_looks(len(found.labels), paper)]
        _regions(axes, found, colours)
        _borders(axes, paper, found)
        _rows(axes, paper, found, colours)
        axes.set(xlim=(found.x[0], found.x[-1]), ylim=(found.y[0], found.y[-1]))
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.grid(visible=False)
        held = ", other variables held" if found.others else ""
        axes.set_title(f"Decision regions{held}")
        beside(axes, ax is None, estimate.frame.response.name)
    return axes


def _regions(axes: Axes, found: Decision, colours: list[Any]) -> None:
    """Colour each point by its class, the deeper the surer."""
    K = len(found.labels)
    sure = (found.probability.max(axis=0) - 1 / K) / (1 - 1 / K)
    image = np.asarray([mpl_colors.to_rgba(colour) for colour in colours])[found.decided]
    image[..., 3] = DOUBTFUL + (CERTAIN - DOUBTFUL) * sure
    extent = (found.x[0], found.x[-1], found.y[0], found.y[-1])
    axes.imshow(
        image, origin="lower", extent=extent, aspect="auto", interpolation="bilinear", zorder=0
    )


def _borders(axes: Axes, paper: Paper, found: Decision) -> None:
    """Draw where the lead of a class over the others is 0."""
    for k in np.unique(found.decided):
        others = np.delete(found.probability, k, axis=0).max(axis=0)
        lead = found.probability[k] - others
        if lead.min() < 0 < lead.max():
            axes.contour(
                found.x, found.y, lead, levels=[0.0], colors=[paper.ink], linewidths=1.0
            )  # fmt: skip


def _rows(axes: Axes, paper: Paper, found: Decision, colours: list[Any]) -> None:
    x, y, classes = found.seen
    many = len(x) > MANY
    for k, label in enumerate(found.labels):
        axes.plot(
            x[classes == k], y[classes == k], "o", color=colours[k], label=label,
            markersize=2.5 if many else 5, markeredgecolor=paper.colour,
            markeredgewidth=0.2 if many else 0.6, rasterized=many,
        )  # fmt: skip
