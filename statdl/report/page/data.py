"""What went into a fit: its variables, and what they are in its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import StatdlError
from statdl.estimate import Estimate
from statdl.infer.population import population
from statdl.report.block import Document, Table
from statdl.report.format import number
from statdl.report.page.part import Part, Prose, Shown

#: Levels of a factor that are counted one by one, and variables that are shown.
MOST_LEVELS = 8
MOST_VARIABLES = 60

Cells = tuple[str, ...]


def data_parts(estimate: Estimate) -> Iterator[Part]:
    """Yield the table of the variables, or why there is none."""
    try:
        rows = list(_rows(estimate))
    except StatdlError as error:
        yield Prose((str(error),))
        return
    columns = ("", "role", "mean", "std. dev.", "min", "median", "max", "levels (rows)")
    filled = [k for k in range(len(columns)) if any(row[k] for row in rows)]
    notes = [] if len(rows) <= MOST_VARIABLES else [f"{len(rows) - MOST_VARIABLES} more variables."]
    if estimate.frame.dropped:
        notes.append(f"{estimate.frame.dropped} rows with missing values are left out.")
    shown = tuple(tuple(row[k] for k in filled) for row in rows[:MOST_VARIABLES])
    table = Table(tuple(columns[k] for k in filled), shown)
    yield Shown(Document("Variables", (table,), tuple(notes)))


def _rows(estimate: Estimate) -> Iterator[Cells]:
    given = population(estimate)  # a fit from a file has no rows, and says so
    answered = estimate.frame.response
    values = to_numpy(answered.values)
    if answered.kind == "numeric":
        yield _described(answered.name, "response", values)
    elif answered.kind == "counts":
        totals = zip(answered.levels, values.sum(axis=0), strict=True)
        levels = ", ".join(f"{level} ({count:g})" for level, count in totals)
        yield (answered.name, "response", *("",) * 5, levels)
    else:
        counts = np.bincount(values.astype(int), minlength=len(answered.levels))
        yield _counted(answered.name, "response", zip(answered.levels, counts, strict=True))
    for name in given.variables:
        values = given.column(name)
        if given.data.observed(name).levels:
            values = np.asarray(values).astype(str)
        yield _described(name, "predictor", values)


def _described(name: str, role: str, values: Any) -> Cells:
    """Return a row of the table: moments of numbers, counts of levels."""
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        levels, counts = np.unique(values.astype(str), return_counts=True)
        return _counted(name, role, zip(levels, counts, strict=True))
    found = values.astype(float)
    numbers = (found.mean(), _spread(found), found.min(), np.median(found), found.max())
    return (name, role, *(number(float(one), 3) for one in numbers), "")


def _spread(values: Any) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _counted(name: str, role: str, counts: Any) -> Cells:
    pairs = [(str(level), int(count)) for level, count in counts]
    shown = ", ".join(f"{level} ({count})" for level, count in pairs[:MOST_LEVELS])
    more = f", … {len(pairs) - MOST_LEVELS} more" if len(pairs) > MOST_LEVELS else ""
    return (name, role, *("",) * 5, shown + more)
