"""New data with their response, in the coding of a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.backend.rows import Rows
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.formula import Response, array_frame, model_frame, update_formula


def new_rows(estimate: Estimate, data: Any) -> Rows:
    """Return rows of new data as the fit codes them; those with missing values are left out.

    ``data`` is a frame with the columns of the formula, or (X, y) for a fit to arrays.

    Raises
    ------
    DataError
        For a missing column, or a class that the fit does not know.
    """
    design = estimate.frame.design
    if design.formula is None:
        if not isinstance(data, tuple) or len(data) != 2:
            raise ModelError("Validation data for a fit to arrays are a pair (X, y).")
        inputs, frame = data[0], array_frame(*data, na_action="drop")
    else:
        inputs, frame = data, model_frame(update_formula(design.formula, ". ~ 1"), data)
    new = design.encode(inputs)
    kept = np.arange(len(new.X)) if frame.rows is None else to_numpy(frame.rows)
    X = to_numpy(new.X)[kept]
    offset = None if new.offset is None else to_numpy(new.offset)[kept]
    y, trials = _response(estimate, frame.response)
    known = np.isfinite(X).all(axis=1)
    if offset is not None:
        known &= np.isfinite(offset)
    if not known.any():
        raise DataError("No row of the validation data is complete.")
    template = estimate.objective.rows.template
    specification = estimate.specification
    return Rows(
        X=specification.inputs(like(_estimable(estimate, X[known]), template)),
        y=like(y[known], template),
        weights=None if trials is None else like(trials[known], template),
        offset=None if offset is None else like(offset[known], template)[:, None],
        trials=None if trials is None else like(trials[known], template),
    )


def _estimable(estimate: Estimate, X: Any) -> Any:
    """Return the columns that the fit kept."""
    if estimate.specification.plan is not None:
        return X
    first = int(estimate.specification.intercept)
    return X[:, [j - first for j, keep in enumerate(estimate.kept) if keep and j >= first]]


def _response(estimate: Estimate, response: Response) -> tuple[Any, Any]:
    """Return y in the coding of the fit, (n, q), and trials or None."""
    family, levels = estimate.family, estimate.specification.levels
    values = to_numpy(response.values)
    if response.kind == "counts":
        encoded = family.encode(response.kind, values, response.levels, None)
        return to_numpy(encoded.y), encoded.weights
    if response.kind == "numeric" and not (family.has_classes and family.name != "binomial"):
        return values[:, None].astype(float), None
    labels = [response.levels[code] for code in values] if response.kind != "numeric" else values
    places = {_key(level): k for k, level in enumerate(levels)}
    unknown = sorted({str(label) for label in labels if _key(label) not in places})
    if unknown:
        raise DataError(
            f"The validation data have classes of '{response.name}' that the fit does not know: "
            f"{', '.join(unknown)}; it knows {', '.join(map(str, levels))}."
        )
    codes = np.asarray([places[_key(label)] for label in labels])
    return (codes[:, None] == np.arange(1, len(levels))).astype(float), None


def _key(label: Any) -> Any:
    """Return a label as it compares: numbers by value, all else by text."""
    try:
        return float(label)
    except (TypeError, ValueError):
        return str(label)
