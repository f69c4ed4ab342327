"""What tells one training run from another: a checkpoint goes on only where all of it is the same.

Settings are written out, so that a refusal can name the one that differs; rows, held weights and
penalties, which are many numbers, are told apart by checksums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from statdl.backend.array import Array, to_numpy
from statdl.backend.rows import Rows
from statdl.model.frozen import Frozen

if TYPE_CHECKING:
    from statdl.model.lesson import Lesson


def fingerprint(lesson: Lesson) -> dict[str, Any]:
    """Return what must be the same for a run to go on, in values that JSON has.

    λ is given as it was asked for, in the units of the response.
    """
    scale = lesson.response
    return {
        "architecture": repr(replace(lesson.network, statistics=None)),
        "family": repr(lesson.family),
        "precision": str(lesson.rows.template.dtype),
        "number of rows": lesson.n,
        "number of free weights": lesson.size,
        "noise": lesson.noise,
        "decay": _strengths(lesson.penalised, None if scale is None else scale.squares),
        "l1": _strengths(lesson.lasso, None if scale is None else scale.lengths),
        **_checksums(lesson),
    }


def _checksums(lesson: Lesson) -> dict[str, str]:
    """Return what tells the rows, the penalties and the weights that are held from others."""
    predictor = lesson.predictor
    parts: dict[str, tuple[Array | None, ...]] = {
        "data": _parts(lesson.rows),
        "validation data": _parts(lesson.held_out),
        "penalties": (lesson.penalised, lesson.lasso),
    }
    if isinstance(predictor, Frozen):
        parts["fixed weights"] = (predictor.free, predictor.values)
    return {f"checksum of the {name}": _checksum(values) for name, values in parts.items()}


def _strengths(strengths: Array | None, factor: Any) -> str:
    """Return the λ of the parameters that have one, in runs, such as ``0.1, 0.2``.

    ``factor`` is what they have been multiplied with for a response in other units.
    """
    given = () if strengths is None else to_numpy(strengths) / (1.0 if factor is None else factor)
    values = [float(value) for value in given]
    runs = [f"{value:g}" for value, _ in groupby(value for value in values if value)]
    return ", ".join(runs) or "0"


def _parts(rows: Rows | None) -> tuple[Array | None, ...]:
    return () if rows is None else rows.marks


def _checksum(parts: Sequence[Array | None]) -> str:
    found = hashlib.sha256()
    for part in parts:
        host = None if part is None else to_numpy(part)
        found.update(b"-" if host is None else repr(host.shape).encode())
        found.update(b"" if host is None else host.tobytes())
    return found.hexdigest()[:16]
