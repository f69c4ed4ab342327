"""A covariance matrix of one's own: read by its labels, and refused where it is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.estimate import Estimate, Reported
from statdl.infer.arithmetic import estimable_places, labelled_places
from statdl.infer.covariance import half_root, model_df
from statdl.infer.covariance_choice import KINDS


def given(estimate: Estimate, matrix: Any) -> Reported:
    """Return a covariance matrix of one's own, of all coefficients or of the estimable ones.

    A frame is read by its labels, in whatever order they are.

    Raises
    ------
    ModelError
        When the matrix is not one of the coefficients, or no covariance.
    """
    values = _estimable(estimate, _in_order(estimate, matrix, _numbers(matrix)))
    if values.shape != (estimate.rank, estimate.rank):
        raise ModelError(
            f"vcov= is a matrix of shape {np.shape(matrix)}, and the fit has "
            f"{len(estimable_places(estimate))} coefficients."
        )
    scale = np.sqrt(np.abs(np.diagonal(values)))
    lopsided = np.abs(values - values.T) > 1e-8 * np.outer(scale, scale)
    if lopsided.any() or not np.isfinite(values).all():
        raise ModelError("vcov= must be a symmetric matrix of finite numbers.")
    note = "Standard errors are from the covariance matrix that was given."
    return Reported("given", _root_of(values), model_df(estimate), note)


def _numbers(matrix: Any) -> Any:
    """Return the matrix as an array; anything else is refused with what could be meant."""
    try:
        values = np.asarray(matrix, dtype=float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 2:
        raise ModelError(
            f"vcov={matrix!r} is no covariance; give one of {', '.join(KINDS)}, a formula of "
            "clusters such as '~ firm', a Covariance, or a matrix."
        )
    return values


def _in_order(estimate: Estimate, matrix: Any, values: Any) -> Any:
    """Return the values of a frame in the order of the coefficients, by its labels."""
    if not (hasattr(matrix, "columns") and hasattr(matrix, "index")):
        return values
    rows, columns = (
        labelled_places(estimate, axis, f"The {which} of vcov=", every=False)
        for axis, which in ((matrix.index, "rows"), (matrix.columns, "columns"))
    )
    return values[np.ix_(rows, columns)]


def _estimable(estimate: Estimate, values: Any) -> Any:
    """Return the part of the coefficients that can be estimated."""
    kept = estimable_places(estimate)
    whole = values.shape == (len(kept), len(kept))
    return values[np.ix_(kept, kept)] if whole else values


def _root_of(matrix: Any) -> Any:
    """Return R with R Rᵀ a covariance matrix, worked out in units of its standard deviations."""
    variances = np.diag(matrix)
    scale = np.sqrt(np.where(variances > 0, variances, 1.0))
    unit = matrix / scale / scale[:, None]
    if (np.linalg.eigvalsh(unit) < -1e-9).any():
        raise ModelError(
            "vcov= is no covariance matrix: some combination of the coefficients would have a "
            "negative variance."
        )
    return scale[:, None] * half_root(unit, "given")
