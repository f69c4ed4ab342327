"""What users give for many fits, as views of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import replace
from typing import Any

import numpy as np

from statdl.backend.array import is_array, to_numpy
from statdl.errors import DataError, ModelError, StatdlWarning, warn
from statdl.estimate import Estimate, free_parameters, starting_values
from statdl.formula.suggest import listing
from statdl.kinds import is_whole
from statdl.model.predictor import Linear
from statdl.study.bootstrap import own_weights
from statdl.study.views import Views


def given_weights(estimate: Estimate, weights: Any) -> Any:
    """Return weights of the model's rows, (B, n)."""
    table = _table(estimate, weights, "weights")
    if not np.isfinite(table).all() or (table < 0).any():
        raise DataError("weights must be finite numbers of 0 or more.")
    if not (table > 0).any(axis=1).all():
        raise DataError("weights has a fit without any row of positive weight.")
    return table


def _table(estimate: Estimate, values: Any, what: str, dtype: Any = float) -> Any:
    """Return (B, n) values of the model's rows from those, or from those of all its data."""
    table = _array(values, dtype)
    if table is None:
        raise DataError(f"{what} must be numbers, as many of them for each fit.")
    if table.ndim != 2:
        raise DataError(f"{what} needs a row for each fit and a column for each row of the data.")
    n, rows = estimate.objective.n, estimate.frame.rows
    if table.shape[1] != n and rows is not None and table.shape[1] > to_numpy(rows).max():
        table = table[:, to_numpy(rows)]
    if table.shape[1] != n:
        raise DataError(f"{what} has {table.shape[1]} columns, and the model has {n} rows.")
    return table


def _array(values: Any, dtype: Any = float) -> Any:
    """Return values as an array, None where lengths differ or something is no number."""
    try:
        return np.asarray(to_numpy(values) if is_array(values) else values, dtype=dtype)
    except (TypeError, ValueError):
        return None


def counted_rows(estimate: Estimate, rows: Any) -> Any:
    """Return weights (B, n): how often each row is named, times its own weight."""
    if rows is None:
        return None
    own = own_weights(estimate)
    kept = estimate.frame.rows
    places = np.arange(len(own)) if kept is None else to_numpy(kept)
    total = max(int(places.max()) + 1, _rows_given(estimate))
    rows = _listed(rows, "rows", "sequences of whole numbers")
    counts = np.zeros((len(rows), len(own)))
    for b, chosen in enumerate(rows):
        named = np.asarray(to_numpy(chosen) if is_array(chosen) else _listed(chosen, f"rows[{b}]"))
        if named.dtype.kind not in "iu" or (len(named) and not named.min() >= 0):
            raise DataError(f"rows[{b}] must hold whole numbers of 0 or more, a row each.")
        if len(named) and named.max() >= total:
            raise DataError(f"rows[{b}] names row {named.max()}; the last one is {total - 1}.")
        counts[b] = np.bincount(named, minlength=total)[places] * own
    if not (counts > 0).any(axis=1).all():
        raise DataError("rows has a fit without any row of the model.")
    return counts


def _rows_given(estimate: Estimate) -> int:
    """Return how many rows the data have, those included that the fit left out at their end."""
    frame = estimate.frame
    if isinstance(frame.source, Sized):
        return len(frame.source)
    return frame.n + frame.dropped


def _listed(values: Any, what: str, of: str = "whole numbers of 0 or more, a row each") -> Any:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DataError(f"{what} must hold {of}, not {values!r}.")
    return list(values)


def responses(estimate: Estimate, y: Any) -> Any:
    """Return responses in the coding of the family, (B, n, q)."""
    levels, q = estimate.specification.levels, estimate.family.outputs
    if hasattr(y, "columns") and hasattr(y, "to_numpy"):  # a frame of pandas or polars
        y = y.to_numpy().T
    values = _array(y, None)
    if values is None:
        raise DataError("y must have as many responses for each fit.")
    if values.ndim == 3:
        return values.astype(float)
    classes = estimate.family.has_classes and not _numeric(values, levels)
    if not classes and estimate.family.name != "multinomial":
        table = _table(estimate, values, "y")
        _refuse_outside(estimate, table)
        return table[:, :, None]
    labels = _table(estimate, values, "y", values.dtype)
    known = list(levels)
    codes = np.full(labels.shape, -1)
    for code, level in enumerate(known):
        codes[labels == level] = code
    if (codes < 0).any():
        raise DataError(
            f"y has the class {str(labels[codes < 0][0])!r}, which the model does not know; it has "
            f"{', '.join(map(str, known))}."
        )
    return np.stack([codes == code for code in range(1, q + 1)], axis=-1).astype(float)


def _numeric(values: Any, levels: Sequence[Any]) -> bool:
    return values.dtype.kind in "fiub" and all(not isinstance(level, str) for level in levels)


def _refuse_outside(estimate: Estimate, table: Any) -> None:
    """Refuse responses that the family does not have, in the family's own words."""
    if not np.isfinite(table).all():
        raise DataError(f"y has {int((~np.isfinite(table)).sum())} values that are not finite.")
    family = estimate.family
    if not family.has_classes:
        family.encode("numeric", table.reshape(-1), (), None)
    elif table.min() < 0 or table.max() > 1:
        raise DataError("y must be 0/1 or proportions between them.")


def strengths(estimate: Estimate, penalty: Any) -> Any:
    """Return λ of each parameter, (B, P): the penalised ones of a fit, λ or as given."""
    values = _array(penalty)
    if (
        values is None
        or values.ndim not in (1, 2)
        or not np.isfinite(values).all()
        or (values < 0).any()
    ):
        raise ModelError("penalty needs a finite number of 0 or more for each fit.")
    objective = estimate.objective
    if objective.penalty.active and not objective.penalty.shrinks:
        raise ModelError("penalty= is the ridge's, and this fit has bias_reduction=True.")
    _warn_left_out(estimate, bool((values > 0).any()))
    if values.ndim == 2:
        if values.shape[1] != objective.size:
            raise ModelError(
                f"penalty has {values.shape[1]} columns for {objective.size} parameters."
            )
        return values
    mask = to_numpy(objective.predictor.slopes(np.ones(objective.size)))
    return values[:, None] * mask


def _warn_left_out(estimate: Estimate, shrinks: bool) -> None:
    """Warn where a penalty would determine columns that the fit has left out."""
    if estimate.specification.plan is not None:
        return
    names = estimate.specification.coefficient_names
    lost = [name for name, kept in zip(names, estimate.kept, strict=True) if not kept]
    if lost and shrinks:
        warn(
            f"penalty= would determine {listing(map(repr, lost))} too, which the fit without it "
            "has left out; the refits leave the same out. To have them in start from a fit with a "
            "penalty, such as fit.update(penalty=1.0).",
            StatdlWarning,
        )


def given_starts(estimate: Estimate, starts: Any) -> Any:
    """Return starts of the parameters that are free, (B, P)."""
    values = _array(starts)
    if values is None or not np.isfinite(values).all():
        raise ModelError("starts must be finite numbers, a row for each fit.")
    plan, size = estimate.specification.plan, estimate.objective.size
    if values.ndim == 2 and plan is not None and values.shape[1] == plan.network.size != size:
        values = np.stack([free_parameters(plan, one) for one in values])
    if values.ndim != 2 or values.shape[1] != size:
        raise ModelError(f"starts needs a row for each fit, with {size} parameters.")
    return values


def drawn_starts(estimate: Estimate, seeds: Any) -> Any:
    """Return the random starts of a network, one for each seed, (B, P)."""
    if seeds is None:
        return None
    plan = estimate.specification.plan
    if plan is None or isinstance(estimate.objective.predictor, Linear):
        raise ModelError("seeds= draws starts of a network; a regression has one maximum.")
    seeds = _listed(seeds, "seeds")
    for seed in seeds:
        if not is_whole(seed):
            raise ModelError(f"seeds must hold whole numbers of 0 or more, not {seed!r}.")
    plans = (replace(plan, seed=int(seed), restarts=1, start=None) for seed in seeds)
    drawn = (starting_values(replace(estimate.specification, plan=each)) for each in plans)
    return np.stack([free_parameters(plan, one) for [one] in drawn])


def check_counts(views: Views, *given: Any) -> None:
    """Refuse views that do not vary, or are not of the same number."""
    names = ("weights", "rows", "y", "penalty", "starts", "seeds")
    if not views.parts:
        raise ModelError(f"Nothing varies between the fits; give one of {', '.join(names)}.")
    if not min(len(part) for part in views.parts):
        raise DataError("What is given has no fit: it needs one or more along its first axis.")
    counts = {len(part) for part in views.parts}
    if len(counts) > 1:
        said = [name for name, one in zip(names, given, strict=True) if one is not None]
        raise DataError(
            f"{', '.join(said)} must have the same number of fits; they have "
            f"{', '.join(str(len(part)) for part in views.parts)}."
        )


def labelled(estimate: Estimate, y: Any) -> Any:
    """Return a drawn response, (n, q), as the data have it: numbers or classes."""
    levels = estimate.specification.levels
    single = estimate.family.name != "multinomial"
    if single and not any(isinstance(level, str) for level in levels):
        return y[:, 0]
    if not ((y == 0) | (y == 1)).all():
        raise ModelError(
            "Counts of classes are drawn as shares, which are no classes; use "
            "bootstrap(scheme='parametric') to fit to them."
        )
    codes = (y * np.arange(1, y.shape[1] + 1)).sum(axis=1).astype(int)
    return np.asarray(levels, dtype=object)[codes]
