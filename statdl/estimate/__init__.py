"""Where model, design and solver meet: a frozen record of what was estimated."""

from __future__ import annotations

from statdl.estimate.fit import estimate, refit
from statdl.estimate.record import Convergence, Estimate, Identification, Plan, Specification
from statdl.estimate.specify import specify

__all__ = [
    "Convergence",
    "Estimate",
    "Identification",
    "Plan",
    "Specification",
    "estimate",
    "refit",
    "specify",
]
