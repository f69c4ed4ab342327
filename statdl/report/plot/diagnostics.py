"""R's six pictures of a regression's residuals and of the influence of its rows.

1  residuals against fitted values (a bend: the mean is not right)
2  quantiles of standardised residuals against those of the normal
3  √|standardised residual| against fitted values (a slope: the variance is not constant)
4  Cook's distance of each row
5  standardised residuals against leverage, with the contours of Cook's distance ½ and 1
6  Cook's distance against leverage h, on the scale h / (1 − h)

Residuals of generalised linear models are Pearson's, and their fitted values those of η. A row of
weight 0, and one of leverage 1, is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.backend.special import host
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer import influence
from statdl.infer.residual import residuals, standardised
from statdl.report.plot.points import name_rows, row_names, scatter, smooth
from statdl.report.plot.style import Axes, Paper, pictures

#: Contours of Cook's distance.
CONTOURS = (0.5, 1.0)


@dataclass(frozen=True)
class Seen:
    """What is drawn of each row, (n,) on the host; ``rank`` is the number of coefficients."""

    names: tuple[str, ...]
    numbers: Any
    fitted: Any
    residual: Any
    standardised: Any
    leverage: Any
    cook: Any
    rank: int
    linear: bool


def seen(estimate: Estimate) -> Seen:
    """Return residuals and influence of the rows that count."""
    influence.check(estimate)
    linear = estimate.family.quadratic
    kind = "response" if linear else "pearson"
    hat, cook = to_numpy(influence.influence(estimate, ("hat", "cooks.distance"), dfbetas=False))
    weights = estimate.objective.rows.weights
    counts = np.isfinite(cook) if weights is None else np.isfinite(cook) & (to_numpy(weights) > 0)
    numbers = np.flatnonzero(counts)
    if not len(numbers):
        raise ModelError(f"There are no residuals to draw: {_why_none(estimate)}")
    return Seen(
        names=row_names(estimate, numbers),
        numbers=numbers,
        fitted=to_numpy(estimate.eta)[counts, 0],
        residual=to_numpy(residuals(estimate, kind))[counts, 0],
        standardised=to_numpy(standardised(estimate, "pearson"))[counts],
        leverage=hat[counts],
        cook=cook[counts],
        rank=estimate.rank,
        linear=linear,
    )


def _why_none(estimate: Estimate) -> str:
    """Return why no row has a standardised residual."""
    if not np.isfinite(estimate.root).all():
        return f"{estimate.convergence.message}"
    if estimate.df_resid > 0:
        return "the fit is exact."
    return (
        f"{estimate.rank} coefficients for {estimate.nobs} rows leave nothing of them over; fit "
        "fewer terms, or more rows."
    )


def draw_diagnostics(estimate: Estimate, which: int | Sequence[int], ax: Any) -> Any:
    """Return the axes of the pictures asked for: one, or a list of them."""
    chosen = [which] if isinstance(which, int) else list(which)
    wrong = [k for k in chosen if k not in PICTURES]
    if wrong or not chosen:
        raise ModelError(f"which={which!r} must name some of the pictures 1 to {len(PICTURES)}.")
    rows = seen(estimate)
    with pictures(ax, len(chosen)) as (axes, paper):
        for one, k in zip(axes, chosen, strict=True):
            PICTURES[k](one, paper, rows)
    return axes[0] if isinstance(which, int) else axes


def _residuals(axes: Axes, paper: Paper, rows: Seen) -> None:
    _scatter(axes, paper, rows, rows.fitted, rows.residual, rows.residual)
    axes.axhline(0, color=paper.faint, linestyle=":", linewidth=1)
    _smooth(axes, paper, rows, rows.fitted, rows.residual)
    axes.set(xlabel=_fitted(rows), ylabel="residual" if rows.linear else "Pearson residual")
    axes.set_title("Residuals against fitted")


def _quantiles(axes: Axes, paper: Paper, rows: Seen) -> None:
    n = len(rows.standardised)
    order = np.argsort(rows.standardised, kind="stable")
    shift = 3 / 8 if n <= 10 else 0.5
    normal = np.empty(n)
    normal[order] = host("ndtri")((np.arange(1, n + 1) - shift) / (n + 1 - 2 * shift))
    _scatter(axes, paper, rows, normal, rows.standardised, rows.standardised)
    low, high = np.quantile(rows.standardised, [0.25, 0.75])
    reach = float(host("ndtri")(0.75))
    slope = (high - low) / (2 * reach)
    axes.axline((0, (low + high) / 2), slope=slope, color=paper.faint, linestyle="--", linewidth=1)
    axes.set(xlabel="quantile of the normal", ylabel=_standardised(rows))
    axes.set_title("Normal quantiles")


def _spread(axes: Axes, paper: Paper, rows: Seen) -> None:
    root = np.sqrt(np.abs(rows.standardised))
    _scatter(axes, paper, rows, rows.fitted, root, root)
    _smooth(axes, paper, rows, rows.fitted, root)
    axes.set(xlabel=_fitted(rows), ylabel=f"√|{_standardised(rows)}|")
    axes.set_ylim(bottom=0)
    axes.set_title("Scale against fitted")


def _cook(axes: Axes, paper: Paper, rows: Seen) -> None:
    axes.vlines(rows.numbers, 0, rows.cook, color=paper.lines[0], linewidth=1.4)
    name_rows(axes, paper, rows.names, rows.numbers, rows.cook, rows.cook)
    axes.set(xlabel="row", ylabel="Cook's distance")
    axes.set_ylim(bottom=0)
    axes.set_title("Cook's distance")


def _leverage(axes: Axes, paper: Paper, rows: Seen) -> None:
    _scatter(axes, paper, rows, rows.leverage, rows.standardised, rows.cook)
    axes.axhline(0, color=paper.faint, linestyle=":", linewidth=1)
    _smooth(axes, paper, rows, rows.leverage, rows.standardised)
    low, high = axes.get_ylim()
    right = min(1.12 * float(rows.leverage.max()), 0.999)
    h = np.linspace(right / 200, right, 200)
    for level in CONTOURS:
        edge = np.sqrt(level * rows.rank * (1 - h) / h)
        for side in (edge, -edge):
            axes.plot(h, side, color=paper.lines[1], linestyle="--", linewidth=0.9)
        for end in (edge[-1], -edge[-1]):
            if low < end < high:
                axes.annotate(
                    f"{level:g}", (right, end), (2, 0), textcoords="offset points",
                    color=paper.lines[1], fontsize=8, va="center",
                )  # fmt: skip
    axes.set(xlim=(0, right), ylim=(low, high), ylabel=_standardised(rows))
    axes.set_xlabel(f"leverage; dashed: Cook's distance {CONTOURS[0]:g}, {CONTOURS[1]:g}")
    axes.set_title("Residuals against leverage")


def _cook_leverage(axes: Axes, paper: Paper, rows: Seen) -> None:
    odds = rows.leverage / (1 - rows.leverage)
    _scatter(axes, paper, rows, odds, rows.cook, rows.cook)
    right, top = 1.08 * float(odds.max()), 1.12 * float(rows.cook.max())
    for size in _sizes(rows):
        slope = size * size / rows.rank
        end = min(right, top / slope)
        axes.plot([0, end], [0, slope * end], color=paper.faint, linestyle="--", linewidth=0.8)
        axes.annotate(
            f"{size:g}", (end, slope * end), (2, 1) if end == right else (3, -9),
            textcoords="offset points", fontsize=8, color=paper.faint,
        )  # fmt: skip
    axes.set(xlim=(0, right), ylim=(0, top), ylabel="Cook's distance")
    axes.set_xlabel("leverage h, at h / (1 − h); lines: |standardised residual|")
    ticks = [h for h in _steps(float(rows.leverage.max())) if h < 1 and h / (1 - h) <= right]
    axes.set_xticks([h / (1 - h) for h in ticks], [f"{h:g}" for h in ticks])
    axes.set_title("Cook's distance against leverage")


PICTURES: dict[int, Callable[[Axes, Paper, Seen], None]] = {
    1: _residuals,
    2: _quantiles,
    3: _spread,
    4: _cook,
    5: _leverage,
    6: _cook_leverage,
}


# parts ----------------------------------------------------------------------------------------


def _scatter(axes: Axes, paper: Paper, rows: Seen, x: Any, y: Any, size: Any) -> None:
    scatter(axes, paper, rows.names, x, y, size)


def _smooth(axes: Axes, paper: Paper, rows: Seen, x: Any, y: Any) -> None:
    smooth(axes, paper.lines[1], x, y, rows.linear)


def _sizes(rows: Seen) -> list[float]:
    """Return sizes of standardised residuals whose lines cross the picture."""
    steepest = math.sqrt(float(np.max(rows.cook * rows.rank * (1 - rows.leverage) / rows.leverage)))
    return [size for size in _steps(steepest) if size > 0]


def _steps(most: float) -> list[float]:
    """Return round numbers from 0 on, about five."""
    if not most > 0 or not math.isfinite(most):
        return [0.0]
    power = 10.0 ** math.floor(math.log10(most / 4))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if most / (power * k) <= 5)
    return [round(k * step, 12) for k in range(int(most / step) + 2)]


def _fitted(rows: Seen) -> str:
    return "fitted value" if rows.linear else "linear predictor"


def _standardised(rows: Seen) -> str:
    return "standardised residual" if rows.linear else "standardised Pearson residual"
