"""The picture of how a network was fitted: loss or a metric by epoch, or by iteration."""

from __future__ import annotations

from typing import Any

from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.report.history import best_epoch, history_frame
from statdl.report.plot.style import Axes, Paper, beside, picture, whole_numbers

#: What a column of the history is called beside its line.
ROWS = {"": "training", "validation_": "validation"}


def draw_history(estimate: Estimate, metric: str | None, ax: Axes | None) -> Axes:
    """Return axes with the loss, or a metric, of the rows learned from and of those held out."""
    frame = history_frame(estimate)
    trained = "epoch" in frame
    shown = "loss" if metric is None else metric
    known = _known(frame, trained)
    if shown not in known:
        raise ModelError(
            f"metric={metric!r} is not in the history of this fit, which has {', '.join(known)}."
        )
    with picture(ax) as (axes, paper):
        time = frame["epoch" if trained else "iteration"].to_numpy()
        mark = {"marker": "o", "markersize": 3.5} if len(time) <= 30 else {}
        columns = [prefix for prefix in ROWS if f"{prefix}{shown}" in frame]
        for prefix, colour in zip(columns, paper.lines, strict=False):
            values = frame[f"{prefix}{shown}"].to_numpy()
            axes.plot(time, values, color=colour, label=ROWS[prefix], **mark)
        kept = best_epoch(estimate)
        if kept is not None:
            _mark(axes, paper, kept)
        axes.set_xlabel("epoch" if trained else "iteration")
        axes.set_ylabel(_meaning(shown, trained))
        axes.set_title(estimate.convergence.method)
        whole_numbers(axes.xaxis)
        axes.ticklabel_format(axis="y", useOffset=False)
        if len(columns) > 1 or kept is not None:
            beside(axes, ax is None)
    return axes


def _known(frame: Any, trained: bool) -> list[str]:
    if not trained:
        return ["loss"]
    other = ("epoch", "learning_rate")
    return [
        name
        for name in frame.columns
        if name not in other and not name.startswith(("validation_", "gradient_"))
    ]


def _mark(axes: Axes, paper: Paper, epoch: int) -> None:
    """Mark the epoch whose weights the fit has."""
    look = {"color": paper.faint, "linestyle": "--", "linewidth": 1.2}
    axes.axvline(epoch, label=f"weights kept:\nepoch {epoch}", **look)


def _meaning(shown: str, trained: bool) -> str:
    if shown != "loss":
        return shown
    return "loss: mean −log-likelihood" if trained else "loss: mean −log-likelihood + penalty"
