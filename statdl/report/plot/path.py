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
    places, label, reversed_ = _abscissa(strengths, coefficients, explained, xvar)
    (used,) = np.nonzero(np.any(coefficients != 0, axis=0))
    order = used[np.argsort(-np.abs(coefficients[-1, used]), kind="stable")]
    with picture(ax) as (axes, paper):
        looks = line_looks(len(order), paper)
        axes.axhline(0, color=paper.faint, linewidth=1)
        for rank, j in reversed(list(enumerate(order.tolist()))):
            look = looks[rank] if rank < NAMED else {"color": paper.faint}
            axes.plot(
                places, coefficients[:, j], linewidth=1.8 if rank < NAMED else 0.8,
                alpha=1.0 if rank < NAMED else 0.6, marker="o" if len(places) == 1 else "", **look,
            )  # fmt: skip
            if rank < NAMED:
                axes.annotate(
                    shown_names([names[j]])[0], (places[-1], coefficients[-1, j]),
                    xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
                    color=look["color"],
                )  # fmt: skip
        if reversed_:
            axes.invert_xaxis()
            for name, value in marks:
                if value > 0:
                    axes.axvline(np.log10(value), color=paper.faint, linestyle="--", linewidth=1)
                    axes.annotate(
                        name, (np.log10(value), 1), xycoords=("data", "axes fraction"),
                        xytext=(3, -10), textcoords="offset points", fontsize=8,
                        color=paper.faint,
                    )  # fmt: skip
        _count_axis(axes, places, counts, paper)
        axes.set_xlabel(words[0] if reversed_ else label)
        axes.set_ylabel(words[1])
        axes.set_title(title)
    return axes


def _abscissa(
    strengths: Any, coefficients: Any, explained: Any, xvar: str
) -> tuple[Any, str, bool]:
    if xvar == "lambda":
        floor = strengths[strengths > 0].min() if np.any(strengths > 0) else 1.0
        return np.log10(np.maximum(strengths, floor / 10)), "log10 lambda", True
    if xvar == "norm":
        return np.abs(coefficients).sum(axis=1), "sum of |coefficients|", False
    if xvar == "deviance":
        return explained, "share of deviance explained", False
    raise ModelError(f"xvar={xvar!r} is not known; choose 'lambda', 'norm' or 'deviance'.")


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
    floor = strengths[strengths > 0].min() if np.any(strengths > 0) else 1.0
    places = np.log10(np.maximum(strengths, floor / 10))
    with picture(ax) as (axes, paper):
        axes.fill_between(places, mean - error, mean + error, color=paper.lines[0], alpha=0.2)
        axes.plot(places, mean, color=paper.lines[0])
        for (name, value), colour in zip(marks, paper.lines[1:], strict=False):
            place = np.log10(max(value, floor / 10))
            axes.axvline(place, color=colour, linestyle="--", linewidth=1.2, label=name)
        _count_axis(axes, places, counts, paper)
        axes.invert_xaxis()
        axes.legend(loc="best")
        axes.set_xlabel("log10 lambda")
        axes.set_ylabel(measure)
        axes.set_title(title)
    return axes
