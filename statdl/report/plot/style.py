"""The look of all pictures, and the axes they are drawn on.

Colours are those of Okabe and Ito (2008), which people with any colour vision tell apart, in an
order for light paper and one for dark. The paper is that of the axes given, or of the style in use
(``matplotlib.style.use("dark_background")``). Settings hold while a picture is drawn, and
matplotlib's own are then as they were.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from statdl.errors import MissingPackageError, ModelError
from statdl.lazy import lazy

matplotlib = lazy("matplotlib")
mpl_backends = lazy("matplotlib.backends.backend_agg")
mpl_colors = lazy("matplotlib.colors")
mpl_figure = lazy("matplotlib.figure")
mpl_ticker = lazy("matplotlib.ticker")
pyplot = lazy("matplotlib.pyplot")

#: Axes of matplotlib.
Axes = Any

#: How lines differ once there are more of them than colours.
DASHES = ("-", "--", ":", "-.")
#: Opacity of a confidence band.
BAND = 0.2
#: Width and height of a picture in inches.
SIZE = (6.4, 4.0)


@dataclass(frozen=True)
class Paper:
    """What is drawn on a paper, and with what: text, what is to be seen less, and lines in turn."""

    colour: str
    ink: str
    faint: str
    grid: str
    lines: tuple[str, ...]
    graded: tuple[float, float]

    @property
    def positive(self) -> str:
        """The colour of positive numbers."""
        return self.lines[0]

    @property
    def negative(self) -> str:
        """The colour of negative numbers."""
        return self.lines[1]


LIGHT = Paper(
    "#FFFFFF", "#24292F", "#6E7781", "#E4E7EB",
    ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F"),
    (0.0, 0.82),
)  # fmt: skip
DARK = Paper(
    "#14181D", "#E6EAEE", "#98A2AD", "#2C333B",
    ("#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#999999"),
    (0.3, 1.0),
)  # fmt: skip


_off_screen: ContextVar[bool] = ContextVar("pictures for a file", default=False)


@contextmanager
def off_screen(paper: Paper) -> Iterator[None]:
    """Let what is drawn inside be on a paper of one's choice, for a file, and be shown nowhere.

    Raises
    ------
    MissingPackageError
        Where matplotlib is not installed.
    """
    token = _off_screen.set(True)
    try:
        with matplotlib.rc_context({**_settings(paper), "svg.hashsalt": "statdl"}):
            yield
    except ModuleNotFoundError as error:
        raise _missing() if error.name == "matplotlib" else error from None
    finally:
        _off_screen.reset(token)


@contextmanager
def picture(ax: Axes | None, size: tuple[float, float] = SIZE) -> Iterator[tuple[Axes, Paper]]:
    """Yield the axes to draw on, new ones unless given, and the paper below them.

    Raises
    ------
    MissingPackageError
        Where matplotlib is not installed.
    """
    if ax is not None and not hasattr(ax, "figure"):
        raise ModelError(f"ax={ax!r} is no matplotlib axes; give other arguments by their names.")
    with _drawing(ax) as paper:
        yield (_figure(size).subplots() if ax is None else ax), paper


@contextmanager
def pictures(
    ax: Any, count: int, size: tuple[float, float] = (4.6, 3.8)
) -> Iterator[tuple[list[Axes], Paper]]:
    """Yield so many axes, those given or new ones side by side, and the paper below them."""
    given = None if ax is None else _flat(ax)
    if given is not None and len(given) != count:
        raise ModelError(f"There are {count} pictures to draw, and ax= has {len(given)} axes.")
    with _drawing(None if given is None else given[0]) as paper:
        if given is None:
            columns = 1 if count == 1 else 2 if count in (2, 4) else 3
            rows = -(-count // columns)
            figure = _figure((size[0] * columns, size[1] * rows))
            given = _flat(figure.subplots(rows, columns))
            for spare in given[count:]:
                spare.remove()
        yield given[:count], paper


def _flat(ax: Any) -> list[Axes]:
    """Return one axes, or a sequence or array of them, as a list."""
    if hasattr(ax, "flat"):
        return list(ax.flat)
    return [ax] if hasattr(ax, "plot") else list(ax)


@contextmanager
def _drawing(ax: Axes | None) -> Iterator[Paper]:
    """Set the style for what is drawn inside, and yield the paper."""
    try:
        paper = _paper(matplotlib.rcParams["figure.facecolor"]) if ax is None else _below(ax)
    except ImportError:
        raise _missing() from None
    with _settled(_settings(paper)):
        yield paper


@contextmanager
def _settled(settings: dict[str, Any]) -> Iterator[None]:
    """Hold settings inside, and no others.

    The first figure of a notebook switches on that figures are shown (``interactive``), which
    ``matplotlib.rc_context`` would switch off again at its end.
    """
    before = {name: matplotlib.rcParams[name] for name in settings}
    matplotlib.rcParams.update(settings)
    try:
        yield
    finally:
        matplotlib.rcParams.update(before)


def _missing() -> MissingPackageError:
    return MissingPackageError(
        "Pictures need matplotlib; install it with: pip install 'statdl[plot]'."
    )


def _figure(size: tuple[float, float]) -> Any:
    """Return a new figure: one of pyplot's where a notebook or script would show that.

    Elsewhere a figure of its own needs no display, and goes when nothing refers to it any more.
    """
    if not _off_screen.get() and {"ipykernel", "matplotlib.pyplot"} & sys.modules.keys():
        return pyplot.figure(figsize=size)
    figure = mpl_figure.Figure(figsize=size)
    mpl_backends.FigureCanvasAgg(figure)
    return figure


def _below(ax: Axes) -> Paper:
    """Return the paper that axes are on, in the colour it has there."""
    colours = (mpl_colors.to_rgba(one.get_facecolor()) for one in (ax, ax.figure))
    seen = next((colour for colour in colours if colour[3] > 0), (1.0, 1.0, 1.0, 1.0))
    return replace(_paper(seen), colour=mpl_colors.to_hex(seen))


def _paper(colour: Any) -> Paper:
    """Return the paper whose ink is seen on a colour."""
    red, green, blue, opacity = mpl_colors.to_rgba(colour)
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    return DARK if opacity > 0 and brightness < 0.5 else LIGHT


def _settings(paper: Paper) -> dict[str, Any]:
    return {
        "figure.facecolor": paper.colour,
        "figure.dpi": 110,
        "figure.constrained_layout.use": True,
        "savefig.facecolor": paper.colour,
        "font.size": 10,
        "text.color": paper.ink,
        "axes.facecolor": paper.colour,
        "axes.edgecolor": paper.faint,
        "axes.labelcolor": paper.ink,
        "axes.titlecolor": paper.ink,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": paper.grid,
        "grid.linewidth": 0.8,
        "xtick.color": paper.faint,
        "ytick.color": paper.faint,
        "xtick.labelcolor": paper.ink,
        "ytick.labelcolor": paper.ink,
        "lines.linewidth": 1.8,
        "legend.edgecolor": "none",
        "legend.facecolor": paper.colour,
        "legend.framealpha": 0.85,
        "legend.fontsize": 9,
    }


def line_looks(count: int, paper: Paper) -> list[dict[str, Any]]:
    """Return colour and dashes of so many lines."""
    colours = paper.lines
    return [
        {
            "color": colours[k % len(colours)],
            "linestyle": DASHES[k // len(colours) % len(DASHES)],
        }
        for k in range(count)
    ]


def graded(count: int, paper: Paper) -> list[Any]:
    """Return colours in an order that is seen, from the first to the last."""
    low, high = paper.graded
    steps = [low + (high - low) * k / max(count - 1, 1) for k in range(count)]
    return [tuple(colour) for colour in matplotlib.colormaps["viridis"](steps)]


def beside(ax: Axes, own: bool, title: str = "") -> None:
    """Add the legend: beside axes of ours, where there is room, and within axes that were given."""
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if own else {"loc": "best"}
    legend = ax.legend(title=title or None, **place)
    legend.set_alignment("left")


def whole_numbers(axis: Any) -> None:
    """Let an axis of counts have whole numbers only."""
    axis.set_major_locator(mpl_ticker.MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def shown_names(names: Sequence[Any], most: int = 18) -> list[str]:
    """Return names short enough to stand beside each other."""
    texts = [str(name) for name in names]
    return [text if len(text) <= most else f"{text[: most - 1]}…" for text in texts]
