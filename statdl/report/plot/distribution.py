"""Pictures of how estimates vary over many fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from statdl.report.plot.style import Axes, pictures, shown_names

#: Bins of a histogram at most.
MOST_BINS = 50


def draw_distributions(
    names: Sequence[str],
    drawn: Any,
    estimate: Any,
    limits: tuple[Any, Any],
    label: str,
    ax: Any = None,
) -> list[Axes]:
    """Return axes with a histogram a coefficient, the fit's own estimate and limits marked.

    Shapes: drawn (B, P), estimate and limits (P,).
    """
    with pictures(ax, len(names), (3.6, 2.8)) as (axes, paper):
        for k, (one, name) in enumerate(zip(axes, shown_names(names, 26), strict=True)):
            values = drawn[np.isfinite(drawn[:, k]), k]
            one.hist(values, bins=_bins(values), color=paper.lines[0], alpha=0.6, linewidth=0)
            one.axvline(estimate[k], color=paper.ink, linewidth=1.4, label="fit")
            for which, place in enumerate((limits[0][k], limits[1][k])):
                if np.isfinite(place):
                    said = label if which == 0 else None
                    one.axvline(place, color=paper.lines[1], linestyle="--", label=said)
            one.set_title(name)
            one.set_yticks([])
            one.grid(visible=False, axis="y")
        handles, said = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(handles, said, loc="outside lower center", ncols=len(said))
    return axes


def _bins(values: Any) -> Any:
    """Return the edges of bins by the rule of Freedman and Diaconis, so many at most."""
    if len(values) < 2 or not np.ptp(values) > 0:
        return 10
    edges = np.histogram_bin_edges(values, "fd")
    return edges if len(edges) <= MOST_BINS else MOST_BINS
