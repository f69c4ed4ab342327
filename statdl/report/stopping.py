"""Where a fit stopped, in the words of a summary, and what that leaves of its tests."""

from __future__ import annotations

import math

from statdl.estimate import Convergence, Estimate
from statdl.report.format import significant
from statdl.solve.iterate import Outcome

#: What a summary says of runs that ended where they were told to, and of no minimum.
TOLD = {Outcome.EPOCHS: "epochs done", Outcome.EARLY: "early stopping"}


def stopped(record: Convergence) -> tuple[str, str]:
    """Return the line of a summary that says whether a fit converged, or where it was stopped."""
    if record.outcome in TOLD:
        epochs = f" at epoch {record.iterations}" if record.outcome is Outcome.EARLY else ""
        return ("Stopped:", TOLD[record.outcome] + epochs)
    return ("Converged:", "yes" if record.converged else "NO")


def stopping_notes(estimate: Estimate) -> list[str]:
    """Return what is to be said of a network whose run did not end at a minimum."""
    record = estimate.convergence
    if record.outcome.at_minimum:
        return []
    if record.outcome is Outcome.SEPARATION:
        return []  # its note says so
    said = f"{record.method}: {record.message}"
    if math.isnan(estimate.distance):
        return [
            f"{said} How far the weights are from a minimum, which errors and tests presume, is "
            "not known."
        ]
    away = f"The weights are about {significant(estimate.distance, 2)} standard errors"
    if estimate.at_minimum:
        return [f"{said} {away} from a minimum, which errors and tests presume."]
    return [
        f"{said} {away} from a minimum. Errors, tests and the verdict on the weights presume one, "
        "and are not to be relied on here; p-values are NA. Predictions and effects are those of "
        "the weights as they are."
    ]
