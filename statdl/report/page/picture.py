"""Pictures for a page: drawn once on light and once on dark paper, as SVG."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from statdl.lazy import lazy
from statdl.report.page.part import Picture
from statdl.report.plot.style import DARK, LIGHT, Paper, off_screen

matplotlib = lazy("matplotlib")


def drawn(draw: Callable[[], Any], alternative: str, caption: str = "") -> Picture:
    """Return what ``draw`` draws: it returns axes, or several of one figure.

    Raises
    ------
    MissingPackageError
        Where matplotlib is not installed.
    """
    light, dark = (_svg(draw, paper) for paper in (LIGHT, DARK))
    return Picture(light, dark, alternative, caption)


def have_matplotlib() -> bool:
    """Tell whether pictures can be drawn."""
    try:
        matplotlib.rcParams
    except ImportError:
        return False
    return True


def _svg(draw: Callable[[], Any], paper: Paper) -> bytes:
    with off_screen(paper):
        axes = draw()
        figure = (axes[0] if isinstance(axes, list) else axes).figure
        buffer = io.BytesIO()
        # no date and no random names: the same fit gives the same picture
        figure.savefig(buffer, format="svg", metadata={"Date": None}, facecolor=paper.colour)
    return buffer.getvalue()


