"""Fits of one model that differ in their penalty, or in where they start: as tables.

They are no sample of anything, so that their spread is no standard error, and its quantiles are no
limits of confidence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.report import DataTable

#: Losses that differ by less than this share are of one minimum.
SAME = 1e-7


def table_of_minima(title: str, losses: Any) -> DataTable:
    """Return the minima that starts have come to, the lowest first.

    Losses are (B,), NaN where a start has come to none.

    Examples
    --------
    >>> table = table_of_minima("4 starts", np.asarray([2.0, 1.0, np.nan, 1.0]))
    >>> table.columns["Loss"], table.columns["Starts"], table.columns["Lowest"]
    ((1.0, 2.0), (2, 1), (1, 0))
    """
    order = np.argsort(losses, kind="stable")
    order = order[np.isfinite(losses[order])]
    sorted_losses = losses[order]
    beyond = np.diff(sorted_losses) > SAME * (1 + np.abs(sorted_losses[1:]))
    groups = np.split(order, beyond.nonzero()[0] + 1) if len(order) else []
    columns = {
        "Loss": [float(losses[group].min()) for group in groups],
        "Starts": [len(group) for group in groups],
        "Lowest": [int(group[0]) for group in groups],
    }
    notes = (
        "Loss is the penalised −log-likelihood, at unit dispersion and without constants.",
        "Lowest is the start that came lowest there, counted from 0; that of minimum 1 is best.",
    )
    index = tuple(str(k + 1) for k in range(len(groups)))
    formats = {"Loss": "number", "Starts": "integer", "Lowest": "integer"}
    return DataTable("Minimum", index, columns, title, formats=formats, notes=notes)


def table_of_penalties(title: str, strengths: Any, losses: Any) -> DataTable:
    """Return the loss under each penalty: strengths λ and losses are (B,).

    Examples
    --------
    >>> table_of_penalties("", np.asarray([0.1, 1.0]), np.asarray([2.0, np.nan])).columns["Loss"]
    (2.0, None)
    """
    columns = {
        "λ": [float(one) for one in strengths],
        "Loss": [None if np.isnan(one) else float(one) for one in losses],
    }
    notes = (
        "Loss is the penalised −log-likelihood, at unit dispersion and without constants: it grows "
        "with λ, and chooses none. cv_path() and search() do. frame has the coefficients.",
    )
    index = tuple(map(str, range(len(losses))))
    return DataTable(
        "Fit", index, columns, title, formats=dict.fromkeys(columns, "number"), notes=notes
    )
