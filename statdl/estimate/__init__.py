"""Where model, design and solver meet: a frozen record of what was estimated."""

from __future__ import annotations

from statdl.estimate.fit import as_regression, estimate, null_model, objective_of, refit
from statdl.estimate.network import DETERMINED, determine, determined_root
from statdl.estimate.record import Convergence, Estimate, Identification, Plan, Specification
from statdl.estimate.specify import specify
from statdl.estimate.totals import Remembered, ResidualShape, Totals

__all__ = [
    "DETERMINED",
    "Convergence",
    "Estimate",
    "Identification",
    "Plan",
    "Remembered",
    "ResidualShape",
    "Specification",
    "Totals",
    "as_regression",
    "determine",
    "determined_root",
    "estimate",
    "null_model",
    "objective_of",
    "refit",
    "specify",
]
