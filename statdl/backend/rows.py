"""Rows of data, in memory all at once, and the blocks that every sum over them runs over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, ClassVar

import array_api_compat

from statdl.backend.array import Array, beside, block_bytes, like, namespace, precision, to_numpy
from statdl.backend.random import permutation
from statdl.backend.shortage import told
from statdl.errors import DataError


def added(left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the sum of two tuples of quantities, entry by entry."""
    return tuple(map(add, left, right))


@dataclass(frozen=True)
class Rows:
    """Aligned rows of data: what every sum over observations runs over.

    y and what else has one number a row are where sums are carried, and in their precision. X may
    be elsewhere or narrower: in host memory while y is on a card that is too small for X, or in
    single precision. Each block of rows is brought beside y when it is asked for.

    Shapes
    ------
    X : (n, p), without a column of ones
    y : (n, q), in the coding of the family
    weights : (n,) or None, meaning ones
    offset : (n, 1) or (n, q) or None, meaning zeros
    trials : (n,) or None; the part of the weights that counts trials of a row, where known apart
    """

    X: Array
    y: Array
    weights: Array | None = None
    offset: Array | None = None
    trials: Array | None = None

    #: Whether every sum reads the rows anew, so that passes over them are what costs.
    passing: ClassVar[bool] = False

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def passes(self) -> int:
        """How often all rows have been read: 0, since they are in memory."""
        return 0

    @property
    def triangle(self) -> Any:
        """The triangle of √W [1 X y], of rows that are read anew for every sum."""
        raise NotImplementedError

    @property
    def nobs(self) -> int:
        """Number of rows with positive weight."""
        if self.weights is None:
            return self.n
        xp = namespace(self.weights)
        return int(xp.sum(xp.astype(self.weights > 0, xp.int64)))

    @property
    def has_weights(self) -> bool:
        """Whether there are weights."""
        return self.weights is not None

    @property
    def has_offset(self) -> bool:
        """Whether there is an offset."""
        return self.offset is not None

    @property
    def weight(self) -> float:
        """Σ w."""
        if self.weights is None:
            return float(self.n)
        return float(namespace(self.weights).sum(self.weights))

    @property
    def mean_square(self) -> float:
        """The mean of y²."""
        return float(namespace(self.y).mean(self.y * self.y))

    @property
    def largest(self) -> float:
        """The largest |y|."""
        xp = namespace(self.y)
        return float(xp.max(xp.abs(self.y))) if math.prod(self.y.shape) else 0.0

    @property
    def precision(self) -> str:
        """The precision that the data are in, such as "float64"."""
        return precision(self.X.dtype)

    def mean_response(self) -> Array:
        """Return Σ w y / Σ w, (1, q)."""
        xp = namespace(self.y)
        if self.weights is None:
            return xp.sum(self.y, axis=0)[None, :] / self.n
        return xp.sum(self.weights[:, None] * self.y, axis=0)[None, :] / xp.sum(self.weights)

    @property
    def template(self) -> Array:
        """An array with X's columns, where sums are carried and in their precision."""
        return self.X if beside(self.X, self.y) else like(self.X[:0, ...], self.y)

    @property
    def streamed(self) -> bool:
        """Whether X is elsewhere, and passes through the device in blocks."""
        return array_api_compat.device(self.X) != array_api_compat.device(self.y)

    def with_columns(self, positions: Sequence[int]) -> Rows:
        """Return the rows with some of the columns of X."""
        return replace(self, X=_columns(self.X, positions))

    def __getitem__(self, rows: slice) -> Rows:
        return self._map(lambda array: array[rows, ...]).gathered()

    def take(self, positions: Array) -> Rows:
        """Return the rows at ``positions``, copied together."""

        def take(array: Array) -> Array:
            xp = namespace(array)
            return xp.take(array, like(positions, array, xp.int64), axis=0)

        return self._map(take).gathered()

    def thinned(self, stride: int) -> Rows:
        """Return every ``stride``-th row, copied: a strided view is slow to multiply."""

        def every(array: Array) -> Array:
            return namespace(array).asarray(array[::stride, ...], copy=True)

        return self._map(every).gathered()

    def on_host(self) -> Rows:
        """Return the rows in host memory, in the precision of sums: for few rows."""
        return self._map(to_numpy).gathered()

    def squares(self, intercept: bool) -> float:
        """Return Σ w (y − offset − ȳ)² of one response, ȳ the weighted mean, or 0."""
        xp = namespace(self.y)
        y = self.y if self.offset is None else self.y - self.offset
        w = xp.ones_like(y[:, 0]) if self.weights is None else self.weights
        centre = (w @ y)[0] / xp.sum(w) if intercept else 0.0
        return float(w @ ((y[:, 0] - centre) ** 2))

    def constant(self, function: Callable[[Rows], float], fixed: bool) -> float:
        """Return what a function that adds up over rows makes of all.

        ``fixed`` tells that it is the part of the likelihood that no parameter changes.
        """
        return function(self)

    def with_response(self, change: Callable[[Rows], Array]) -> Rows:
        """Return the rows with another response, which needs no offset."""
        return replace(self, y=change(self), offset=None)

    def require_memory(self) -> None:
        """Raise where the rows are not in memory all at once: for what has an entry a row."""

    def mapped(self, change: Callable[[Rows], Rows], *, response: bool = False) -> Rows:
        """Return the rows with a change made to every block.

        ``response`` tells that the change is of the response too, so that what is known of that
        does not hold any more.
        """
        return change(self)

    def portions(self, size: int, seed: int, epoch: int) -> Iterator[tuple[Rows, Any]]:
        """Yield the rows of an epoch in portions, each with the host order to take its rows in.

        Every portion but the last has a multiple of ``size`` rows; here there is one, of all.
        """
        yield self, permutation(self.n, seed, epoch)

    @property
    def marks(self) -> tuple[Array | None, ...]:
        """What tells these rows from others."""
        return self.X, self.y, self.weights, self.offset

    def representatives(self) -> Rows:
        """Return rows in memory that show how the columns depend on each other: here all."""
        return self

    def reduce(
        self,
        function: Callable[[Rows], Any],
        width: int,
        combine: Callable[[Any, Any], Any] = added,
    ) -> Any:
        """Return what ``function`` makes of each block, combined: the one seam that data pass.

        By default tuples of quantities are added up. ``width`` is as for :meth:`blocks`.
        """
        try:
            return reduce(combine, map(function, self.blocks(width)))
        except MemoryError as error:
            raise told(error) from None

    def stacked(self, function: Callable[[Rows], Array], width: int) -> Array:
        """Return what ``function`` makes of each block, stacked: one entry a row."""
        try:
            parts = [function(block) for block in self.blocks(width)]
            return parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts, axis=0)
        except MemoryError as error:
            raise told(error) from None

    def column_means(self, function: Callable[[Array], Array] = lambda X: X) -> Any:
        """Return the mean of each column of X, or of what a function makes of it, on the host."""
        (sums,) = self.reduce(
            lambda block: (namespace(block.X).sum(function(block.X), axis=0),),
            3 * self.template.shape[1],
        )
        return to_numpy(sums) / self.n

    def blocks(self, width: int) -> Iterator[Rows]:
        """Yield consecutive blocks whose work of ``width`` numbers a row fits the cache."""
        size = block_rows(self.template, width)
        if size >= self.n:
            yield self.gathered()
            return
        for start in range(0, self.n, size):
            yield self[start : min(start + size, self.n)]

    def gathered(self) -> Rows:
        """Return the rows with X beside y."""
        return self if beside(self.X, self.y) else replace(self, X=like(self.X, self.y))

    def _map(self, function: Any) -> Rows:
        parts = (self.X, self.y, self.weights, self.offset, self.trials)
        return Rows(*(None if part is None else function(part) for part in parts))


class NoRows(Rows):
    """Stands where the rows of a fit were: it has their template, and asking for more is an error.

    Examples
    --------
    >>> import numpy as np
    >>> NoRows(np.zeros((0, 3))).template.shape
    (0, 3)
    """

    def __init__(self, template: Array) -> None:
        object.__setattr__(self, "_template", template)

    @property
    def template(self) -> Array:
        """An array without rows, of the library, device, precision and columns of X."""
        return self._template  # type: ignore[attr-defined]

    def with_columns(self, positions: Sequence[int]) -> NoRows:
        return NoRows(_columns(self.template, positions))

    def _gone(self) -> Any:
        raise DataError(
            "This model was loaded from a file, which holds no rows of the data, and what was "
            "asked for needs them. Predictions for newdata=, coefficients, intervals and the "
            "summary are there; for the rest fit the model again."
        )

    def __getitem__(self, rows: slice) -> Rows:
        return self._gone()

    def take(self, positions: Array) -> Rows:
        return self._gone()

    def blocks(self, width: int) -> Iterator[Rows]:
        return self._gone()

    def __repr__(self) -> str:
        return "NoRows()"

    n = property(_gone, doc="Not known any more.")
    X = property(_gone)
    y = property(_gone)
    weights = property(_gone)
    offset = property(_gone)
    trials = property(_gone)


def _columns(X: Array, positions: Sequence[int]) -> Array:
    xp = namespace(X)
    chosen = xp.asarray(list(positions), dtype=xp.int64, device=X.device)
    return xp.take(X, chosen, axis=1)


def block_rows(array: Array, width: int) -> int:
    """Return how many rows of ``width`` numbers one block of rows holds."""
    return max(1024, block_bytes(array) // (8 * max(width, 1)))
