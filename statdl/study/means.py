"""What many fits of one model predict, of its own rows and of new ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.backend.array import Array, is_array, like, to_numpy
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.formula import new_offset
from statdl.study.many import batch_of


def means_of(estimate: Estimate, parameters: Any, newdata: Any = None, offset: Any = None) -> Any:
    """Return the mean responses under each of (B, P) parameters on the host, (B, m, K).

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> means_of(fit.estimate, np.asarray([[37.0, -5.0]]), {"wt": [1.0, 2.0]})[0, :, 0].tolist()
    [32.0, 27.0]
    """
    X, shift = _inputs(estimate, newdata, offset)
    eta = batch_of(estimate).eta(like(parameters, X), X)
    if shift is not None:
        eta = eta + shift
    return np.stack([to_numpy(estimate.family.mean(eta[b, ...])) for b in range(len(parameters))])


def _inputs(estimate: Estimate, newdata: Any, offset: Any) -> tuple[Array, Array | None]:
    """Return rows in the units of the model, and their offset, (m, 1) or as the model's."""
    rows, specification = estimate.objective.rows, estimate.specification
    if newdata is None:
        if offset is not None:
            raise ModelError("offset= belongs to newdata=; the fit's own offset is used.")
        return rows.X, rows.offset
    frame, template = specification.frame, rows.template
    shift = None
    if frame.design.formula is not None and (is_array(newdata) or isinstance(newdata, list)):
        if offset is not None:
            raise ModelError("offset= goes with a frame; write newdata= as one.")
        coded = like(newdata, template)
        _check_columns(coded, len(frame.design.names))
    else:
        new = frame.design.encode(newdata)
        coded = like(new.X, template)
        shift = new_offset(frame, new, offset, template)
    X = _estimable(estimate, specification.inputs(coded))
    return X, None if shift is None else shift[:, None]


def _estimable(estimate: Estimate, X: Array) -> Array:
    """Return the columns that the model has coefficients of; a network has weights of all."""
    if estimate.specification.plan is not None:
        return X
    first = int(estimate.specification.intercept)
    kept = [j - first for j, keep in enumerate(estimate.kept) if keep and j >= first]
    return X[:, kept] if len(kept) < X.shape[1] else X


def _check_columns(X: Array, columns: int) -> None:
    if X.ndim != 2 or X.shape[1] != columns:
        raise DataError(
            f"newdata has shape {tuple(X.shape)}; the model has {columns} inputs, a column each."
        )
