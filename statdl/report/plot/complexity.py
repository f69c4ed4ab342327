"""Pictures of under- and overfitting: errors over a knob, and fits beside the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.report.plot.style import BAND, Axes, Paper, beside, line_looks, picture, pictures

#: Errors beyond this multiple of the smallest validation error leave the picture.
TALLEST = 6.0
#: Settings that span more than this are drawn on a logarithmic axis.
WIDE = 100.0


@dataclass(frozen=True)
class Curves:
    """Errors of a study by setting: what the picture shows."""

    knob: str
    values: tuple[Any, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    standard_error: tuple[float, ...]
    test: tuple[float, ...]
    verdicts: tuple[str, ...]
    chosen: int
    title: str
    measure: str


@dataclass(frozen=True)
class Panel:
    """A fit beside the data: the curve, and what is said of it."""

    title: str
    x: Any
    y: Any


def draw_complexity(curves: Curves, ax: Axes | None) -> Axes:
    """Return axes with training, validation and test errors by setting, the choice marked."""
    with picture(ax) as (axes, paper):
        place, logarithmic = _places(curves.values)
        validation, error = np.asarray(curves.validation), np.asarray(curves.standard_error)
        train, held, test = paper.lines[:3]
        axes.plot(place, curves.training, "o-", markersize=4, color=train, label="training")
        axes.plot(place, validation, "o-", markersize=4, color=held, label="validation")
        axes.fill_between(
            place, validation - error, validation + error, color=held, alpha=BAND, linewidth=0
        )
        if any(map(math.isfinite, curves.test)):
            axes.plot(place, curves.test, "s--", markersize=4, color=test, label="test")
        _mark(axes, paper, place[curves.chosen], curves)
        if logarithmic:
            axes.set_xscale("log")
        elif place is not curves.values:
            axes.set_xticks(place, [_said(value) for value in curves.values])
        if _returns(curves):
            axes.set_yscale("log")
            axes.set_ylim(*_wide_limits(curves))
        else:
            axes.set_ylim(*_limits(curves))
        axes.set_xlabel(curves.knob)
        axes.set_ylabel(curves.measure.removesuffix("s"))
        axes.set_title(curves.title)
        beside(axes, ax is None)
    return axes


def _places(values: Sequence[Any]) -> tuple[Sequence[float], bool]:
    """Return where settings are on the axis, and whether it is logarithmic.

    A wide range with a 0 in it has no such axis: its settings stand side by side.
    """
    if not all(isinstance(value, int | float | np.number) for value in values):
        return list(range(len(values))), False
    some = [float(value) for value in values if value > 0]
    wide = len(some) > 0 and max(some) / min(some) > WIDE
    if wide and len(some) < len(values):
        return list(range(len(values))), False
    return values, wide


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _returns(curves: Curves) -> bool:
    """Tell whether validation errors leave a picture of the smallest ones and come back."""
    held = np.asarray(curves.validation, dtype=float)
    wild = ~(held <= TALLEST * np.nanmin(held))
    (places,) = np.nonzero(wild)
    return len(places) > 0 and not bool(wild[places[0] :].all()) and not bool(wild[0])


def _wide_limits(curves: Curves) -> tuple[float, float]:
    """Return limits of a logarithmic axis: errors of nothing are as small as one likes."""
    held = np.asarray(curves.validation, dtype=float)
    held = held[np.isfinite(held) & (held > 0)]
    return float(held.min()) / 30, 2 * float(held.max())


def _mark(axes: Axes, paper: Paper, place: float, curves: Curves) -> None:
    value = curves.values[curves.chosen]
    look = {"color": paper.faint, "linestyle": "--", "linewidth": 1.2}
    axes.axvline(place, label=f"chosen:\n{curves.knob} {value}", **look)


def _limits(curves: Curves) -> tuple[float, float]:
    """Return the errors to show: those of wild candidates would flatten all others."""
    errors = np.asarray([*curves.training, *curves.validation, *curves.test], dtype=float)
    errors = errors[np.isfinite(errors)]
    ceiling = TALLEST * float(np.nanmin(curves.validation))
    inside = errors[errors <= ceiling]
    low, high = float(inside.min()), float(inside.max())
    margin = 0.08 * (high - low or 1.0)
    return max(low - margin, 0.0 if low >= 0 else low - margin), high + margin


def draw_fits(
    x: Any,
    y: Any,
    panels: Sequence[Panel],
    names: tuple[str, str],
    ax: Any,
    levels: Sequence[str] = (),
) -> list[Axes]:
    """Return axes, one a fit, with the data and its curve; of several classes y are codes."""
    if levels:
        return _draw_classes(x, y, panels, names, ax, levels)
    panels = [replace(one, y=one.y if one.y.ndim == 1 else one.y[:, 1]) for one in panels]
    with pictures(ax, len(panels)) as (found, paper):
        low, high = float(np.min(y)), float(np.max(y))
        margin = 0.15 * (high - low or 1.0)
        for axes, panel in zip(found, panels, strict=True):
            axes.plot(x, y, "o", markersize=4, color=paper.faint, alpha=0.7)
            axes.plot(panel.x, panel.y, color=paper.negative)
            axes.set_ylim(low - margin, high + margin)
            axes.set_xlabel(names[0])
            axes.set_ylabel(names[1])
            axes.set_title(panel.title)
    return found


def _draw_classes(
    x: Any, codes: Any, panels: Sequence[Panel], names: tuple[str, str], ax: Any,
    levels: Sequence[str],
) -> list[Axes]:  # fmt: skip
    """Return axes with a curve a class, and the rows of the class as ticks below."""
    with pictures(ax, len(panels)) as (found, paper):
        looks = line_looks(len(levels), paper)
        for axes, panel in zip(found, panels, strict=True):
            for k, level in enumerate(levels):
                axes.plot(panel.x, panel.y[:, k], label=level, **looks[k])
                own = np.asarray(x)[np.asarray(codes) == k]
                below = np.full(len(own), -0.04 * (k + 1))
                axes.plot(own, below, "|", markersize=5, color=looks[k]["color"])
            axes.set_ylim(-0.04 * (len(levels) + 1), 1.02)
            axes.set_xlabel(names[0])
            axes.set_ylabel(names[1])
            axes.set_title(panel.title)
        found[-1].legend(loc="best", fontsize=8)
    return found


def draw_stack(
    knob: str,
    values: Sequence[Any],
    heights: Sequence[Sequence[float]],
    names: Sequence[str],
    title: str,
    ax: Axes | None,
) -> Axes:
    """Return axes with parts of the error on top of each other, by setting."""
    with picture(ax) as (axes, paper):
        place, logarithmic = _places(values)
        order = (paper.faint, paper.lines[0], paper.lines[1])
        axes.stackplot(place, *heights, labels=names, colors=order, alpha=0.75)
        if logarithmic:
            axes.set_xscale("log")
        elif place is not values:
            axes.set_xticks(place, [_said(value) for value in values])
        total = np.sum(heights, axis=0)
        axes.set_ylim(0, min(float(total.max()), TALLEST * float(total.min())) * 1.05)
        axes.set_xlim(min(place), max(place))
        axes.set_xlabel(knob)
        axes.set_ylabel("expected squared error")
        axes.set_title(title)
        beside(axes, ax is None)
    return axes


def draw_learning(
    sizes: Sequence[int],
    training: Sequence[float],
    validation: Sequence[float],
    standard_error: Sequence[float],
    limit: float,
    title: str,
    ax: Axes | None,
) -> Axes:
    """Return axes with errors by the number of rows learnt from."""
    with picture(ax) as (axes, paper):
        held, error = np.asarray(validation), np.asarray(standard_error)
        own, other = paper.lines[:2]
        axes.plot(sizes, training, "o-", markersize=4, color=own, label="training")
        axes.plot(sizes, held, "o-", markersize=4, color=other, label="validation")
        axes.fill_between(sizes, held - error, held + error, color=other, alpha=BAND, linewidth=0)
        axes.axhline(limit, color=paper.faint, linestyle="--", linewidth=1.2, label="endless rows")
        lowest, highest = min(*training, limit), TALLEST * float(held.min())
        top = min(float(np.nanmax([held.max(), max(training)])), highest)
        axes.set_ylim(max(0.0, lowest - 0.1 * (top - lowest)), top + 0.1 * (top - lowest))
        axes.set_xlabel("rows learnt from")
        axes.set_ylabel("mean deviance")
        axes.set_title(title)
        beside(axes, ax is None)
    return axes
