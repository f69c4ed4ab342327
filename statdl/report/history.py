"""The course of a fit as a frame: a row an epoch, or an iteration."""

from __future__ import annotations

from typing import Any

from statdl.estimate import Estimate
from statdl.lazy import lazy
from statdl.solve.iterate import Outcome
from statdl.solve.training import Training

pd = lazy("pandas")


def history_frame(estimate: Estimate) -> Any:
    """Return what training saw of every epoch; else the trace of the solver.

    The trace begins with the start, iteration 0; its loss is J/Σw, penalties included.
    """
    if estimate.history:
        frame = pd.DataFrame([dict(record) for record in estimate.history])
        return frame.astype({"epoch": "int64"})
    trace = estimate.trace
    return pd.DataFrame(
        {
            "iteration": range(len(trace)),
            "loss": trace.loss,
            "gradient_norm": trace.gradient_norm,
            "step": trace.step,
        }
    )


def best_epoch(estimate: Estimate) -> int | None:
    """Return the epoch whose weights were kept by early stopping; None where none was chosen."""
    solver = estimate.specification.solver
    if not isinstance(solver, Training) or solver.patience is None:
        return None
    if estimate.convergence.outcome is Outcome.NON_FINITE:  # then those before it blew up
        return None
    watched = [record for record in estimate.history if "validation_loss" in record]
    best = min(watched, key=lambda record: record["validation_loss"], default=None)
    return None if best is None else int(best["epoch"])
