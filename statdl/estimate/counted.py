"""What only the passes over the rows of a scan could tell of a fit."""

from __future__ import annotations

from dataclasses import replace

from statdl.estimate.specification import Specification
from statdl.scan.frame import ScanFrame
from statdl.scan.rows import ScannedRows


def counted(specification: Specification) -> Specification:
    """Return a specification whose frame knows how many rows were left out."""
    rows, frame = specification.rows, specification.frame
    if not (isinstance(rows, ScannedRows) and isinstance(frame, ScanFrame)):
        return specification
    return replace(specification, frame=frame.counted(rows))
