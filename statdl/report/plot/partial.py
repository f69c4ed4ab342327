"""Pictures of one column, and of one term, among the others: added variable, and component."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.estimate import Estimate
from statdl.infer import residual
from statdl.infer.added_variable import ComponentResidual, added_variable, component_residual
from statdl.report.plot.points import row_names, scatter, smooth
from statdl.report.plot.style import SIZE, Axes, Paper, beside, picture, shown_names


def draw_added_variable(estimate: Estimate, name: str, ax: Axes | None) -> Axes:
    """Return axes with the response against a column, each without what the others say of it."""
    found = added_variable(estimate, name)
    fit = to_numpy(residual.residuals(estimate, "pearson"))[found.places, 0]
    response = estimate.frame.response.name
    with picture(ax, SIZE) as (axes, paper):
        names = row_names(estimate, found.places)
        scatter(axes, paper, names, found.x, found.y, fit)
        ends = np.array([found.x.min(), found.x.max()])
        axes.plot(ends, found.slope * ends, color=paper.lines[1])
        axes.axhline(0, color=paper.faint, linestyle=":", linewidth=1)
        axes.set_xlabel(f"{name} | others")
        linear = estimate.family.quadratic
        axes.set_ylabel(f"{response} | others" if linear else f"Pearson residual of {response}")
        slope = f"{found.slope:.4g}".replace("-", "−")
        axes.set_title(f"Added variable: {name}, slope {slope}")
    return axes


def draw_component_residual(estimate: Estimate, variable: str, ax: Axes | None) -> Axes:
    """Return axes with what a term adds and the residuals around it, over its variable."""
    found = component_residual(estimate, variable)
    with picture(ax, SIZE) as (axes, paper):
        if found.levels:
            _levels(axes, paper, found)
        else:
            _curve(axes, paper, estimate, found)
        axes.set_xlabel(found.variable)
        linear = estimate.family.quadratic
        axes.set_ylabel(f"{found.term} + {'residual' if linear else 'working residual'}")
        axes.set_title(f"Component plus residual: {found.term}")
        beside(axes, ax is None)
    return axes


def _curve(axes: Axes, paper: Paper, estimate: Estimate, found: ComponentResidual) -> None:
    names = row_names(estimate, found.places)
    scatter(axes, paper, names, found.x, found.y, found.y - found.component)
    order = np.argsort(found.x, kind="stable")
    smooth(axes, paper.lines[1], found.x, found.y, estimate.family.quadratic, "locally weighted")
    axes.plot(
        found.x[order], found.component[order],
        color=paper.ink, linestyle="--", linewidth=1.4, label="component",
    )  # fmt: skip


def _levels(axes: Axes, paper: Paper, found: ComponentResidual) -> None:
    """Draw points side by side at each level, with a bar where the component is."""
    places = found.x + _shifts(found)
    axes.plot(places, found.y, "o", color=paper.lines[0], markersize=4.5, alpha=0.7, mew=0)
    for k in range(len(found.levels)):
        here = found.x == k
        if here.any():
            value = found.component[here][0]
            label = None if k else "component"
            look: dict[str, Any] = {"color": paper.ink, "linestyle": "--", "linewidth": 1.6}
            axes.plot([k - 0.3, k + 0.3], [value, value], label=label, **look)
    axes.set_xticks(range(len(found.levels)), shown_names(found.levels))
    axes.set_xlim(-0.5, len(found.levels) - 0.5)
    axes.grid(visible=False, axis="x")


def _shifts(found: ComponentResidual) -> Any:
    """Return how far points of a level stand beside each other, in the order of the rows."""
    shift = np.zeros(len(found.x))
    for k in range(len(found.levels)):
        here = np.flatnonzero(found.x == k)
        shift[here] = np.linspace(-0.2, 0.2, len(here)) if len(here) > 1 else 0.0
    return shift
