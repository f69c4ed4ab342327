"""Margins as frames, in the columns of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from statdl.formula import joined, like, taken
from statdl.infer.margins import Margins, Question
from statdl.infer.population import Population
from statdl.report.vocabulary import vetted


def margins_frame(
    margins: Margins,
    rows: Population,
    questions: Sequence[Question],
    keys: Mapping[str, Sequence[Any]],
    level: float,
) -> Any:
    """Return one row an estimate, as a frame of the user's kind.

    First what it is of (``rowid``, the variables set, ``term``, ``contrast``, ``group`` for a
    class, the columns of ``by``), then the estimate, its error, test and limits; then, where every
    row has its own, the data of the row.
    """
    columns: dict[str, Any] = {}
    if margins.places is not None:
        columns |= vetted({"rowid": rows.places[margins.places]})
    for name in questions[0].shown:
        columns[name] = [questions[k].shown[name] for k in margins.questions]
    if margins.labels:
        columns |= vetted({"group": list(margins.labels)})
    for name, values in keys.items():
        columns[name] = [values[g] for g in margins.groups]
    columns |= inference_columns(margins.inference, level)
    source = rows.estimate.frame.source if rows.frame is None else rows.frame
    frame = like(source, columns)
    if margins.places is None:
        return frame
    return joined(frame, taken(rows.shown, np.asarray(margins.places)))


def inference_columns(inference: Any, level: float | None) -> dict[str, Any]:
    """Return estimate, error, test and, with a level, the limits, as columns."""
    columns = {
        "estimate": inference.estimate,
        "std.error": inference.standard_error,
        "statistic": inference.statistic,
        "p.value": inference.p_value,
    }
    if level is not None:
        columns["conf.low"], columns["conf.high"] = inference.interval(level)
    return vetted({name: np.asarray(values).reshape(-1) for name, values in columns.items()})
