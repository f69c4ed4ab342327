"""Pictures of a path: coefficients against λ, and the cross-validated error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.report.plot.style import Axes, line_looks, picture, shown_names

#: How many lines have their name beside them.
NAMED = 10


def draw_path(
    strengths: Any,
    coefficients: Any,
    names: Sequence[str],
    counts: Any,
    marks: Sequence[tuple[str, float]],
    title: str,
    xvar: str,
    explained: Any,
    ax: Axes | None,
    words: tuple[str, str] = ("log10 lambda", "coefficient"),
) -> Axes:
    """Return axes with a line a coefficient; coefficients are (L, p), counts and strengths (L,).

    ``words`` are what stands beside the axes.
    """
    places, label = _abscissa(strengths, coefficients, explained, xvar)
    (used,) = np.nonzero(np.any(coefficients != 0, axis=0))
    order = used[np.argsort(-np.abs(coefficients[-1, used]), kind="stable")]
    with picture(ax) as (axes, paper):
        looks = line_looks(len(order), paper)
        axes.axhline(0, color=paper.faint, linewidth=1)
        for rank, j in reversed(list(enumerate(order.tolist()))):
            if rank < NAMED:
                _named_line(axes, places, coefficients[:, j], looks[rank], names[j])
            else:
                _line(axes, places, coefficients[:, j], linewidth=0.8, alpha=0.6, color=paper.faint)
        if xvar == "lambda":
            axes.invert_xaxis()
            for name, value in marks:
                _mark(axes, name, value, paper)
        _count_axis(axes, places, counts, paper)
        axes.set_xlabel(words[0] if xvar == "lambda" else label)
        axes.set_ylabel(words[1])
        axes.set_title(title)
    return axes


def _line(axes: Axes, places: Any, values: Any, **look: Any) -> None:
    axes.plot(places, values, marker="o" if len(places) == 1 else "", **look)


def _named_line(axes: Axes, places: Any, values: Any, look: Any, name: str) -> None:
    """Draw a line with its name beside its end."""
    _line(axes, places, values, linewidth=1.8, **look)
    axes.annotate(
        shown_names([name])[0], (places[-1], values[-1]), xytext=(4, 0),
        textcoords="offset points", va="center", fontsize=8, color=look["color"],
    )  # fmt: skip


def _mark(axes: Axes, name: str, value: float, paper: Any) -> None:
    """Draw where a λ is; λ = 0 has no place on a logarithmic axis."""
    if value > 0:
        axes.axvline(np.log10(value), color=paper.faint, linestyle="--", linewidth=1)
        axes.annotate(
            name, (np.log10(value), 1), xycoords=("data", "axes fraction"), xytext=(3, -10),
            textcoords="offset points", fontsize=8, color=paper.faint,
        )  # fmt: skip


def _abscissa(strengths: Any, coefficients: Any, explained: Any, xvar: str) -> tuple[Any, str]:
    """Return where the points of a path are, and what stands below them."""
    if xvar == "lambda":
        return _log10(strengths, strengths), "log10 lambda"
    if xvar == "norm":
        return np.abs(coefficients).sum(axis=1), "sum of |coefficients|"
    if xvar == "deviance":
        return explained, "share of deviance explained"
    raise ModelError(f"xvar={xvar!r} is not known; choose 'lambda', 'norm' or 'deviance'.")


def _log10(values: Any, strengths: Any) -> Any:
    """Return log10 of values of λ, where 0 is a tenth of the smallest of ``strengths`` above it."""
    floor = strengths[strengths > 0].min() if np.any(strengths > 0) else 1.0
    return np.log10(np.maximum(values, floor / 10))


def _count_axis(axes: Axes, places: Any, counts: Any, paper: Any) -> None:
    """Write above the axes how many coefficients are in."""
    chosen = np.unique(np.linspace(0, len(places) - 1, 7).round().astype(int))
    for k in chosen.tolist():
        axes.annotate(
            f"{counts[k]:.0f}", (places[k], 1), xycoords=("data", "axes fraction"),
            xytext=(0, 2), textcoords="offset points", ha="center", fontsize=7, color=paper.faint,
        )  # fmt: skip


def draw_validation(
    strengths: Any, mean: Any, error: Any, counts: Any, marks: Sequence[tuple[str, float]],
    measure: str, title: str, ax: Axes | None,
) -> Axes:  # fmt: skip
    """Return axes with the cross-validated error and its standard error against λ."""
    places = _log10(strengths, strengths)
    with picture(ax) as (axes, paper):
        axes.fill_between(places, mean - error, mean + error, color=paper.lines[0], alpha=0.2)
        axes.plot(places, mean, color=paper.lines[0])
        for (name, value), colour in zip(marks, paper.lines[1:], strict=False):
            place = _log10(value, strengths)
            axes.axvline(place, color=colour, linestyle="--", linewidth=1.2, label=name)
        _count_axis(axes, places, counts, paper)
        axes.invert_xaxis()
        axes.legend(loc="best")
        axes.set_xlabel("log10 lambda")
        axes.set_ylabel(measure)
        axes.set_title(title)
    return axes
