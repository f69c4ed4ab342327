"""What users hold: a fit."""

from __future__ import annotations

from statdl.results.fit import Fit
from statdl.results.held import Call
from statdl.results.network import NetworkFit

__all__ = ["Call", "Fit", "NetworkFit"]
