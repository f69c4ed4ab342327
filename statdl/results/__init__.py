"""What users hold: a fit."""

from __future__ import annotations

from statdl.results.fit import Call, Fit
from statdl.results.network import NetworkFit

__all__ = ["Call", "Fit", "NetworkFit"]
