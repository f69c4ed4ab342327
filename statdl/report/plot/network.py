"""The picture of a network: its units and weights.

A weight is a line from unit to unit, blue where it is positive and vermillion where it is negative,
the wider the larger it is. They are those of the inputs in the units the network works in, so that
those of one layer can be compared. Of a large layer the first units and the last are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.lazy import lazy
from statdl.model.network import Network
from statdl.report.format import number
from statdl.report.plot.style import Axes, Paper, picture
from statdl.report.plot.style import shown_names as short

mpl_collections = lazy("matplotlib.collections")
mpl_lines = lazy("matplotlib.lines")

#: Widths in points of a line without weight, and of the largest weight among a few, and among many.
THIN, WIDE, NARROW = 0.3, 4.5, 2.0
#: How many weights are a few.
FEW = 60
#: Diameter of a unit in points.
UNIT = 21
#: Distance of the columns, and between units of the layer that has most of them.
ACROSS, APART = 4.0, 1.0


@dataclass(frozen=True)
class Column:
    """Units below each other: which of a layer are drawn, what they are called, how high.

    ``gap`` is where "… more" stands, None where all are drawn; ``bias`` where the constant is.
    """

    title: str
    count: int
    drawn: tuple[int, ...]
    names: tuple[str, ...]
    heights: Any
    gap: float | None = None
    bias: float | None = None

    @property
    def hidden_count(self) -> int:
        """How many units are not drawn."""
        return self.count - len(self.drawn)


@dataclass(frozen=True)
class Bundle:
    """Weights from the drawn units of one column to those of another, (targets, sources).

    ``bias`` are those of the constant, (targets,); ``around`` tells that they pass by columns.
    """

    source: int
    target: int
    weights: Any
    bias: Any = None
    around: bool = False


# what is drawn --------------------------------------------------------------------------------


def columns_of(estimate: Estimate, most: int, biases: bool) -> list[Column]:
    """Return inputs, hidden layers and outputs."""
    plan = estimate.specification.plan
    assert plan is not None
    network = plan.network
    parts = [("inputs", estimate.frame.design.names)]
    for index, layer in enumerate(network.hidden):
        which = "hidden" if len(network.hidden) == 1 else f"hidden {index + 1}"
        parts.append((f"{which}: {layer.activation.name}", network.unit_names(index)))
    parts.append((_outputs(estimate), estimate.specification.output_names))
    constant = biases and network.intercept
    last = len(parts) - 1
    tallest = max(
        min(len(names), most) + (constant and k < last) for k, (_, names) in enumerate(parts)
    )
    return [
        _column(title, names, most, constant and k < last, tallest)
        for k, (title, names) in enumerate(parts)
    ]


def _outputs(estimate: Estimate) -> str:
    levels = estimate.specification.levels
    if estimate.family.name != "multinomial":
        return "output"
    return f"outputs, against {levels[0]}"


def _column(title: str, names: Any, most: int, constant: bool, tallest: int) -> Column:
    count = len(names)
    whole = count <= most
    drawn = tuple(range(count)) if whole else (*range(most - 2), count - 1)
    slots = len(drawn) + (not whole) + constant
    apart = min(1.4 * APART, APART * max(tallest - 1, 1) / max(slots - 1, 1))
    heights = list(apart * ((slots - 1) / 2 - np.arange(slots)))
    bias = heights.pop(0) if constant else None
    gap = None if whole else heights.pop(-2)
    shown = tuple(short([names[j] for j in drawn]))
    return Column(title, count, drawn, shown, np.asarray(heights), gap, bias)


def bundles_of(estimate: Estimate, columns: list[Column], biases: bool) -> list[Bundle]:
    """Return the weights between the units that are drawn."""
    plan = estimate.specification.plan
    assert plan is not None
    network, theta = plan.network, plan.network.plain(estimate.all_parameters)
    blocks = {(block.layer, block.kind): block for block in network.layout}
    found = []
    for k in range(len(network.hidden) + 1):
        W = _of_units(network, k, blocks[k, "weights"].of(theta))
        own = W[:, : columns[k].count]
        bias = None
        if biases and network.intercept:
            b = _of_units(network, k, blocks[k, "bias"].of(theta)[:, None])
            bias = b[list(columns[k + 1].drawn), 0]
        found.append(Bundle(k, k + 1, _drawn(own, columns[k], columns[k + 1]), bias))
        if network.skip and network.hidden and k == len(network.hidden):
            direct = W[:, columns[k].count :]
            weights = _drawn(direct, columns[0], columns[-1])
            found.append(Bundle(0, len(columns) - 1, weights, around=True))
    return found


def _of_units(network: Network, layer: int, table: Any) -> Any:
    """Return one row a unit: of a unit of several maps the entry of the largest size."""
    if layer == len(network.hidden):
        return table
    pieces = table.reshape(network.hidden[layer].units, -1, table.shape[1])
    largest = np.argmax(np.abs(pieces), axis=1)[:, None, :]
    return np.take_along_axis(pieces, largest, axis=1)[:, 0, :]


def _drawn(table: Any, source: Column, target: Column) -> Any:
    return table[np.ix_(target.drawn, source.drawn)]


# drawing --------------------------------------------------------------------------------------


def draw_network(estimate: Estimate, ax: Axes | None, biases: bool, most: int) -> Axes:
    """Return axes with the units and weights of a fitted network."""
    if most < 3:
        raise ModelError(f"most={most!r} units of a layer are too few; 3 or more can be drawn.")
    columns = columns_of(estimate, most, biases)
    bundles = bundles_of(estimate, columns, biases)
    low, high = _extent(columns, bundles)
    bottom, top = low - 1.5 * APART, high + 1.9 * APART
    with picture(ax, (2.0 + 2.1 * len(columns), 0.43 * (top - bottom))) as (axes, paper):
        widest, largest = _lines(axes, paper, columns, bundles)
        for k, column in enumerate(columns):
            _units(axes, paper, k, column, last=k == len(columns) - 1)
        _titles(axes, paper, columns, high)
        _key(axes, paper, widest, largest)
        axes.set_xlim(-0.3 * ACROSS, (len(columns) - 0.7) * ACROSS)
        axes.set_ylim(bottom, top)
        axes.set_axis_off()
    return axes


def _lines(
    axes: Axes, paper: Paper, columns: list[Column], bundles: list[Bundle]
) -> tuple[float, float]:
    """Draw all weights, the largest above the others; return its width and its size."""
    paths, weights, dashed = [], [], []
    for bundle in bundles:
        for path, weight in _paths(columns, bundle):
            paths.append(path)
            weights.append(weight)
            dashed.append(bundle.around)
    sizes = np.abs(np.asarray(weights, dtype=float))
    largest = float(np.max(sizes, initial=0.0))
    share = sizes / (largest or 1.0)
    order = np.argsort(share, kind="stable")
    widest = max(NARROW, WIDE * min(1.0, (FEW / max(len(share), 1)) ** 0.5))
    lines = mpl_collections.LineCollection(
        [paths[i] for i in order],
        linewidths=THIN + (widest - THIN) * share[order],
        colors=[paper.positive if weights[i] >= 0 else paper.negative for i in order],
        alpha=0.2 + 0.7 * share[order],
        linestyles=["--" if dashed[i] else "-" for i in order],
        zorder=1,
    )
    axes.add_collection(lines)
    return widest, largest


def _paths(columns: list[Column], bundle: Bundle) -> Iterator[tuple[Any, float]]:
    source, target = columns[bundle.source], columns[bundle.target]
    left, right = ACROSS * bundle.source, ACROSS * bundle.target
    edge = max(float(np.max(np.abs(one.heights), initial=0.0)) for one in columns) + 2.0 * APART
    for i, high in enumerate(target.heights):
        for j, low in enumerate(source.heights):
            ends = (left, low), (right, high)
            path = _bow(*ends, edge if low >= 0 else -edge) if bundle.around else ends
            yield path, float(bundle.weights[i, j])
        if bundle.bias is not None and source.bias is not None:
            yield ((left, source.bias), (right, high)), float(bundle.bias[i])


def _bow(start: tuple[float, float], end: tuple[float, float], edge: float) -> Any:
    """Return a curve of Bézier's that passes above or below what is between."""
    t = np.linspace(0, 1, 40)[:, None]
    first, last = np.asarray(start), np.asarray(end)
    width = last[0] - first[0]
    one, two = np.asarray([first[0] + width / 4, edge]), np.asarray([last[0] - width / 4, edge])
    return (
        (1 - t) ** 3 * first + 3 * t * (1 - t) ** 2 * one + 3 * t**2 * (1 - t) * two + t**3 * last
    )


def _extent(columns: list[Column], bundles: list[Bundle]) -> tuple[float, float]:
    """Return the lowest and the highest of what is drawn."""
    heights = [0.0, *(one.bias for one in columns if one.bias is not None)]
    heights += [float(height) for one in columns for height in one.heights]
    for bundle in bundles:
        if bundle.around:
            heights += [float(y) for path, _ in _paths(columns, bundle) for y in path[:, 1]]
    return min(heights), max(heights)


def _units(axes: Axes, paper: Paper, k: int, column: Column, last: bool) -> None:
    x = ACROSS * k
    circle = {"s": UNIT**2, "facecolor": paper.colour, "edgecolor": paper.ink}
    circle |= {"linewidth": 1.2, "clip_on": False}
    axes.scatter(np.full(len(column.heights), x), column.heights, zorder=2, **circle)
    inside = k > 0 and not last
    for height, name in zip(column.heights, column.names, strict=True):
        if inside:
            size = 8 if len(name) <= 3 else 6.5
            axes.text(x, height, name, ha="center", va="center", fontsize=size, zorder=3)
        else:
            _label(axes, x, height, name, left=k == 0)
    if column.bias is not None:
        axes.scatter([x], [column.bias], zorder=2, **{**circle, "edgecolor": paper.faint})
        axes.text(x, column.bias, "1", ha="center", va="center", fontsize=8, zorder=3)
    if column.gap is not None:
        axes.text(
            x, column.gap, f"… {column.hidden_count} more",
            ha="center", va="center", fontsize=8.5, zorder=3,
            bbox={"facecolor": paper.colour, "edgecolor": "none", "pad": 2},
        )  # fmt: skip


def _label(axes: Axes, x: float, height: float, name: str, left: bool) -> None:
    away = UNIT / 2 + 4
    axes.annotate(
        name, (x, height), (-away if left else away, 0), textcoords="offset points",
        ha="right" if left else "left", va="center", fontsize=9.5, zorder=3,
    )  # fmt: skip


def _titles(axes: Axes, paper: Paper, columns: list[Column], top: float) -> None:
    for k, column in enumerate(columns):
        axes.annotate(
            f"{column.title}\n({column.count})", (ACROSS * k, top), (0, UNIT / 2 + 10),
            textcoords="offset points", ha="center", va="bottom", fontsize=9, color=paper.faint,
        )  # fmt: skip


def _key(axes: Axes, paper: Paper, widest: float, largest: float) -> None:
    """Explain colours and widths below the picture."""
    line = mpl_lines.Line2D
    handles = [
        line([], [], color=paper.positive, linewidth=widest, label="positive"),
        line([], [], color=paper.negative, linewidth=widest, label="negative"),
        line([], [], color=paper.faint, linewidth=widest, label=f"|weight| {number(largest, 2)}"),
    ]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=3)
