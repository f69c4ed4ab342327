"""Where model, design and solver meet: a frozen record of what was estimated."""

from __future__ import annotations

from statdl.estimate.fit import estimate, refit
from statdl.estimate.record import Convergence, Estimate, Specification
from statdl.estimate.specify import specify

__all__ = ["Convergence", "Estimate", "Specification", "estimate", "refit", "specify"]
