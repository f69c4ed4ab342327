"""Pictures for a page: drawn once on light and once on dark paper, as SVG."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from statdl.lazy import lazy
from statdl.report.page.part import Gallery, Picture, Prose
from statdl.report.plot.style import DARK, LIGHT, Paper, off_screen

matplotlib = lazy("matplotlib")

#: What is said in place of pictures.
NO_PICTURES = (
    "This report has no pictures, since matplotlib is not installed where it was made: "
    "pip install 'statdl[plot]' brings them."
)


def drawn(
    draw: Callable[[], Any], alternative: str, caption: str = "", width: float | None = None
) -> Picture:
    """Return what ``draw`` draws: it returns axes, or several of one figure.

    ``width`` in inches makes the picture smaller, and so its letters larger on a narrow screen.

    Raises
    ------
    MissingPackageError
        Where matplotlib is not installed.
    """
    light, dark = (_svg(draw, paper, width) for paper in (LIGHT, DARK))
    return Picture(light, dark, alternative, caption)


def illustrated(*made: Callable[[], Picture]) -> Gallery | Prose:
    """Return pictures side by side, or a sentence where matplotlib is not installed.

    Each is a function without arguments that returns a picture, by :func:`drawn`.
    """
    if not have_matplotlib():
        return Prose((NO_PICTURES,))
    return Gallery(tuple(make() for make in made))


def have_matplotlib() -> bool:
    """Tell whether pictures can be drawn."""
    try:
        matplotlib.rcParams  # noqa: B018  # what loads it
    except ImportError:
        return False
    return True


def _svg(draw: Callable[[], Any], paper: Paper, width: float | None) -> bytes:
    with off_screen(paper):
        axes = draw()
        figure = (axes[0] if isinstance(axes, list) else axes).figure
        if width is not None:
            across, up = figure.get_size_inches()
            figure.set_size_inches(width, max(up * width / across, min(up, 2.0)))
        buffer = io.BytesIO()
        # no date and no random names: the same fit gives the same picture
        figure.savefig(buffer, format="svg", metadata={"Date": None}, facecolor=paper.colour)
    return buffer.getvalue()
