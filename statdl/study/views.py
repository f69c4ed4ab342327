"""Views of the same rows: what one of many fits sees of the data.

A view has weights of the rows, responses, strengths of the penalty or a start of its own, whichever
are given; what is not given is the fit's. Views come in blocks, so that those that are drawn need
not all be in memory, and in order, so that the block's size changes no draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from statdl.backend.random import generator

#: Draws that are made at once, within the cache.
DRAWN = 200_000


@dataclass(frozen=True)
class Views:
    """Views that are in memory, on the host.

    Shapes
    ------
    weights : (B, n)
    y : (B, n, q), in the coding of the family
    strengths : (B, P), λ of each parameter
    starts : (B, P)
    """

    weights: Any = None
    y: Any = None
    strengths: Any = None
    starts: Any = None

    @property
    def parts(self) -> tuple[Any, ...]:
        """What is given."""
        return tuple(
            part for part in (self.weights, self.y, self.strengths, self.starts) if part is not None
        )

    @property
    def count(self) -> int:
        """B, the number of views."""
        return int(self.parts[0].shape[0])

    @property
    def width(self) -> int:
        """Numbers that a view takes up."""
        return sum(int(np.prod(part.shape[1:])) for part in self.parts)

    def blocks(self, size: int) -> Iterator[Views]:
        """Yield the views, so many at a time."""
        for first in range(0, self.count, size):
            yield self.take(slice(first, first + size))

    def take(self, places: Any) -> Views:
        """Return some of the views."""
        parts = (self.weights, self.y, self.strengths, self.starts)
        return Views(*(None if part is None else part[places] for part in parts))


class Source(Protocol):
    """Views in order."""

    @property
    def count(self) -> int:
        """B, the number of views."""
        ...

    @property
    def width(self) -> int:
        """Numbers that a view takes up."""
        ...

    def blocks(self, size: int) -> Iterator[Views]:
        """Yield the views, so many at a time."""
        ...


@dataclass(frozen=True)
class Resamples:
    """Rows drawn with replacement, or clusters with all their rows: the bootstrap.

    Parameters
    ----------
    own : (n,)
        Weights of the rows; those of weight 0 are not drawn.
    count : int
        B.
    seed : int
        Of the draws.
    codes : (n,) of int, optional
        The cluster of each row.

    Examples
    --------
    >>> block = next(Resamples(np.ones(5), 3, seed=0).blocks(3))
    >>> block.weights.sum(axis=1).tolist()
    [5.0, 5.0, 5.0]
    """

    own: Any
    count: int
    seed: int = 0
    codes: Any = None

    @property
    def width(self) -> int:
        """n."""
        return len(self.own)

    def blocks(self, size: int) -> Iterator[Views]:
        random = generator(self.seed)
        counted = self.own > 0
        drawn = counted.nonzero()[0] if self.codes is None else np.unique(self.codes[counted])
        for first in range(0, self.count, size):
            counts = _counts(random, min(size, self.count - first), len(drawn))
            yield Views(weights=self._weights(counts, drawn))

    def _weights(self, counts: Any, drawn: Any) -> Any:
        """Return the weights of all rows from how often each of what is drawn was, (views, n)."""
        if self.codes is not None:
            counts = _spread(counts, drawn, int(self.codes.max()) + 1)[:, self.codes]
        elif len(drawn) < len(self.own):
            counts = _spread(counts, drawn, len(self.own))
        even = bool((self.own == 1).all())  # then nothing needs multiplying
        return counts if even else counts * self.own


def _spread(counts: Any, places: Any, n: int) -> Any:
    """Return counts at their places among n, 0 elsewhere, (views, n)."""
    spread = np.zeros((len(counts), n))
    spread[:, places] = counts
    return spread


def _counts(random: Any, views: int, n: int) -> Any:
    """Return how often each of n things is drawn in n draws, (views, n), view after view."""
    counts = np.empty((views, n))
    size = max(1, DRAWN // max(n, 1))
    kind = np.uint16 if n <= 1 << 16 else np.int64
    for first in range(0, views, size):
        some = counts[first : first + size]
        drawn = random.integers(0, n, size=some.shape, dtype=kind)
        places = drawn.astype(np.int64, copy=False)
        places += n * np.arange(len(some))[:, None]
        some[...] = np.bincount(places.reshape(-1), minlength=some.size).reshape(some.shape)
    return counts


@dataclass(frozen=True)
class LeftOut:
    """Each group of rows left out once, in turn: of single rows, the jackknife.

    Parameters
    ----------
    own : (n,)
        Weights of the rows.
    codes : (n,) of int
        The group of each row, from 0; of −1 it is never left out.
    """

    own: Any
    codes: Any

    @property
    def count(self) -> int:
        """The number of groups."""
        return int(self.codes.max()) + 1

    @property
    def width(self) -> int:
        """n."""
        return len(self.own)

    def blocks(self, size: int) -> Iterator[Views]:
        for first in range(0, self.count, size):
            names = np.arange(first, min(first + size, self.count))
            yield Views(weights=np.where(self.codes == names[:, None], 0.0, self.own))


@dataclass(frozen=True)
class Simulated:
    """Responses drawn from a fitted model: the parametric bootstrap.

    Parameters
    ----------
    draw : function
        Draws a response, (n, q), with a generator.
    count : int
        B.
    width : int
        n q.
    seed : int
        Of the draws.
    """

    draw: Callable[[Any], Any]
    count: int
    width: int
    seed: int = 0

    def blocks(self, size: int) -> Iterator[Views]:
        random = generator(self.seed)
        for first in range(0, self.count, size):
            some = range(first, min(first + size, self.count))
            yield Views(y=np.stack([self.draw(random) for _ in some]))
