"""Rows that a model is asked about: those of the fit or new ones, as they are or with changes.

A question such as "what if x were 1 in all of them" sets a column of the data and encodes it
through the design, so that everything the formula makes of it follows. Rows are encoded block by
block, and whatever is asked is asked of a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.rows import Rows, block_rows
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.formula import NewData, beside, taken, warn_without_offset
from statdl.formula import like as like_frame
from statdl.formula.frame import is_pandas, open_frame
from statdl.formula.settable import (
    Observed,
    Settable,
    columns_of,
    complete_rows,
    settable,
    variables,
)
from statdl.infer.predict import estimable
from statdl.lazy import lazy

pd = lazy("pandas")

#: Rows are encoded in blocks of at least so many: reading a formula costs what 1,000 rows do.
LEAST_ROWS = 16_384


@dataclass(frozen=True)
class Population:
    """Complete rows to average or to predict over.

    weights   (n,) on the host, what each row counts for; None for 1 each
    offset    (n,) on the device, beyond the offsets of the formula; None for 0
    frame     the columns of the data of these rows, a frame of the user's kind; None for arrays
    places    (n,) the positions of these rows in the data that were given
    """

    estimate: Estimate
    data: Settable
    weights: Any = None
    offset: Array | None = None
    frame: Any = None
    places: Any = None

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.data.n

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that the model is made of."""
        return variables(self.estimate.frame.design)

    def blocks(self) -> Iterator[slice]:
        """Yield consecutive rows, as many as are encoded at once."""
        template = self.estimate.specification.rows.template
        size = max(LEAST_ROWS, block_rows(template, 4 * max(1, template.shape[1])))
        return (slice(first, min(first + size, self.n)) for first in range(0, self.n, size))

    def rows(self, part: slice, changes: Mapping[str, Any] | None = None) -> Rows:
        """Return some rows where the fit is and in its units, some variables changed.

        A change is a value, or a vector with one value a row of the population. y is empty.
        """
        X, offset = self.encoded(part, changes)
        X = estimable(self.estimate, X)
        extra = None if self.offset is None else self.offset[part]
        if offset is not None and extra is not None:
            extra = extra + offset
        shift = offset if extra is None else extra
        return Rows(X, X[:, :0], self._weights(part, X), None if shift is None else shift[:, None])

    def encoded(
        self, part: slice, changes: Mapping[str, Any] | None = None
    ) -> tuple[Array, Array | None]:
        """Return all columns of some rows where the fit is, and the offset of the formula."""
        now = {
            name: value if np.ndim(value) == 0 else value[part]
            for name, value in (changes or {}).items()
        }
        new = self.data.changed(part, now) if now else self.data.encode(part)
        return encoded(self.estimate, new)

    def _weights(self, part: slice, X: Array) -> Array:
        if self.weights is None:
            return namespace(X).ones((X.shape[0],), dtype=X.dtype, device=X.device)
        return like(self.weights[part], X)

    def column(self, name: str) -> Any:
        """Return a column of the data at these rows, on the host."""
        if self.frame is None:
            if name not in self.variables:
                raise DataError(f"The data of this fit are an array and have no column {name!r}.")
            return self.data.values(name)
        source = open_frame(self.frame)
        source.check_has([name], "the data")
        label = source.labels[name]
        whole = source.native if is_pandas(source.native) else source.table
        return whole[label].to_numpy()

    def grouped(self, by: Sequence[str]) -> tuple[Any, dict[str, list[Any]]]:
        """Return the group of each row, (n,), and what the columns ``by`` are in every group."""
        table = pd.DataFrame({name: self._ordered(name) for name in by})
        codes = table.groupby(list(by), sort=True, dropna=False, observed=True).ngroup().to_numpy()
        first = np.unique(codes, return_index=True)[1]
        return codes, {name: table[name].astype(object).iloc[first].tolist() for name in by}

    def _ordered(self, name: str) -> Any:
        """Return a column, with the levels of a factor of the model in their order."""
        values = self.column(name)
        levels = self.data.observed(name).levels if name in self.variables else ()
        return pd.Categorical(values, categories=list(levels)) if levels else values

    @cached_property
    def shown(self) -> Any:
        """The data of these rows as a frame, made of the variables where they are an array."""
        if self.frame is not None:
            return self.frame
        return like_frame(None, {name: self.column(name) for name in self.variables})

    def weighted(self, weights: Any) -> Population:
        """Return the rows with weights: None for the fit's, False for none, a column, a vector."""
        if weights is None or weights is True:
            return self
        if weights is False:
            return replace(self, weights=None)
        values = self.column(weights) if isinstance(weights, str) else np.asarray(weights)
        if values.shape != (self.n,) and self.places is not None and values.ndim == 1:
            values = values[self.places] if len(values) > max(self.places) else values
        if values.shape != (self.n,) or not np.all(np.asarray(values, dtype=float) >= 0):
            raise DataError(f"weights= needs one number of 0 or more for each of {self.n} rows.")
        return replace(self, weights=np.asarray(values, dtype=float))


def population(estimate: Estimate, newdata: Any = None) -> Population:
    """Return the rows of the fit, by their weights, or the complete rows of new data."""
    if newdata is not None:
        return _new_rows(estimate, newdata)
    specification = estimate.specification
    frame, rows = specification.frame, specification.rows
    _ = rows.n  # a fit from a file has no rows, and says so
    rows.require_memory()
    weights = None if rows.weights is None else to_numpy(rows.weights)
    if frame.design.formula is None:
        data = settable(frame.design, frame.X, slice(None))
        offset = None if rows.offset is None else rows.offset[:, 0]
        source = None if frame.source is None else _taken(frame.source, frame.rows)
        return Population(estimate, data, weights, offset, source, np.arange(rows.n))
    data = settable(frame.design, frame.source, frame.rows)
    own = Population(estimate, data, weights, None, _taken(frame.source, frame.rows))
    return replace(own, offset=_beyond(own), places=np.arange(rows.n))


def _taken(source: Any, rows: Any) -> Any:
    return source if rows is None else taken(source, rows)


def _new_rows(estimate: Estimate, newdata: Any) -> Population:
    design = estimate.frame.design
    warn_without_offset(estimate.frame)
    if design.formula is None:
        new = design.encode(newdata)
        source = new.source
        data, places = new.X, complete_rows(design, new.X)
        data = namespace(data).take(data, like(places, data, namespace(data).int64), axis=0)
        found = settable(design, data, slice(None))
    else:
        source, places = open_frame(newdata, "newdata").native, complete_rows(design, newdata)
        found = settable(design, source, places)
    frame = None if source is None else taken(source, places)
    return Population(estimate, found, None, None, frame, places)


def _beyond(own: Population) -> Array | None:
    """Return what the offsets of the fit have beyond the formula's, which may follow a variable.

    The rows are seen to be what they were on the way.
    """
    estimate, rows = own.estimate, own.estimate.specification.rows
    xp = namespace(rows.X)
    if own.n != rows.n:
        raise _changed()
    extra = []
    for part in own.blocks():
        X, formula = encoded(estimate, own.data.encode(part))
        known = rows[part]
        if not bool(xp.all(xp.abs(X - known.X) <= 1e-6 * (1 + xp.abs(known.X)))):
            raise _changed()
        if known.offset is not None:
            shift = known.offset[:, 0]
            extra.append(shift if formula is None else shift - formula)
    return xp.concat(extra) if extra else None


def _changed() -> DataError:
    return DataError(
        "The data are no longer what they were when the model was fitted to them: the frame was "
        "changed. Pass the rows as newdata=, or fit again."
    )


def encoded(estimate: Estimate, new: NewData) -> tuple[Array, Array | None]:
    """Return rows where the fit is and in its units, and the offset of the formula."""
    specification = estimate.specification
    template = specification.rows.template
    X = specification.inputs(like(new.X, template))
    return X, None if new.offset is None else like(new.offset, template)


def check_estimable(estimate: Estimate, variable: str) -> None:
    """Refuse a variable with a column that is a combination of columns before it."""
    design = estimate.frame.design
    columns = columns_of(design, variable)
    if estimate.specification.plan is not None:
        return
    first = int(design.intercept)
    lost = [design.names[j] for j in columns if not estimate.kept[j + first]]
    if lost:
        raise ModelError(
            f"The effect of {variable!r} is not estimable: {', '.join(lost)} cannot be told from "
            "the columns before. Leave what is redundant out of the formula."
        )


def observed(estimate: Estimate, variable: str, given: Population | None = None) -> Observed:
    """Return what a variable was in the rows of the fit; without them here, in those given."""
    frame = estimate.frame
    if estimate.remembered is not None:
        if given is None:
            raise DataError("A model loaded from a file has no rows; pass newdata=.")
        return given.data.observed(variable)
    if estimate.specification.rows.passing:
        if given is None:
            estimate.specification.rows.require_memory()
        assert given is not None
        return given.data.observed(variable)
    own = frame.X if frame.design.formula is None else frame.source
    rows = slice(None) if frame.design.formula is None or frame.rows is None else frame.rows
    return settable(frame.design, own, rows).observed(variable)


def datagrid(estimate: Estimate, grid: str, values: Mapping[str, Any]) -> Any:
    """Return a frame with every combination of values, the other variables at a typical one.

    ``grid`` says what is typical: "mean_or_mode"; "balanced", which has all levels of every factor;
    "counterfactual", the rows of the fit once for every combination.
    """
    known = variables(estimate.frame.design)
    unknown = [name for name in values if name not in known]
    if unknown:
        raise ModelError(f"{unknown[0]!r} is no variable of the model; it has {', '.join(known)}.")
    if grid not in ("mean_or_mode", "balanced", "counterfactual"):
        raise ModelError(
            f"grid={grid!r} is not known; choose mean_or_mode, balanced or counterfactual."
        )
    own = population(estimate)
    chosen = {name: _wanted(value, own.column(name)) for name, value in values.items()}
    if grid == "counterfactual":
        return own.shown if not chosen else _repeated(own.shown, own.n, _crossed(chosen))
    typical = {name: _typical(own, name, grid) for name in known}
    return _framed(estimate, _crossed({**typical, **chosen}))


def _wanted(value: Any, column: Any) -> list[Any]:
    """Return the values asked for: one, several, or what a function makes of the column."""
    if callable(value):
        value = value(column)
    return [value] if np.ndim(value) == 0 else list(_plain(value))


def _plain(values: Any) -> Any:
    return values.tolist() if hasattr(values, "tolist") else values


def _typical(own: Population, name: str, grid: str) -> list[Any]:
    """Return the mean of numbers, the most frequent level of a factor (the first of equals)."""
    levels = list(own.data.observed(name).levels)
    column = own.column(name)
    if not levels:
        return [float(np.mean(column))]
    if grid == "balanced":
        return levels
    counts = pd.Series(column).value_counts()
    return [max(levels, key=lambda level: counts.get(level, 0))]


def _crossed(values: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return every combination, the last variable running fastest."""
    rows = list(product(*values.values()))
    return {name: [row[j] for row in rows] for j, name in enumerate(values)}


def _repeated(source: Any, n: int, combinations: Mapping[str, list[Any]]) -> Any:
    m = len(next(iter(combinations.values())))
    whole = taken(source, np.tile(np.arange(n), m))
    return beside(
        whole,
        {name: [v for v in column for _ in range(n)] for name, column in combinations.items()},
    )


def _framed(estimate: Estimate, columns: Mapping[str, list[Any]]) -> Any:
    source = None if estimate.remembered is not None else estimate.frame.source
    return like_frame(source, columns)
