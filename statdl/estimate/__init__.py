"""Where model, design and solver meet: a frozen record of what was estimated."""

from __future__ import annotations

from statdl.estimate.fit import as_regression, estimate, null_model, objective_of, refit
from statdl.estimate.identify import (
    DETERMINED,
    EXAMINED_WEIGHTS,
    determine,
    determined_root,
    scaled,
)
from statdl.estimate.network import (
    free_parameters,
    starting_values,
)
from statdl.estimate.record import (
    Convergence,
    Estimate,
    Identification,
    Plan,
    Practice,
    Specification,
)
from statdl.estimate.specify import specify
from statdl.estimate.totals import Remembered, Totals

__all__ = [
    "DETERMINED",
    "EXAMINED_WEIGHTS",
    "Convergence",
    "Estimate",
    "Identification",
    "Plan",
    "Practice",
    "Remembered",
    "Specification",
    "Totals",
    "as_regression",
    "determine",
    "determined_root",
    "estimate",
    "free_parameters",
    "null_model",
    "objective_of",
    "refit",
    "scaled",
    "specify",
    "starting_values",
]
