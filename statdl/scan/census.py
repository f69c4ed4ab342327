"""What passes over rows tell of all of them, besides what they are for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import namespace, to_numpy
from statdl.backend.rows import Rows


@dataclass(frozen=True)
class Census:
    """What every pass can tell of the rows besides what it is for; two add up."""

    n: int
    nobs: int
    weight: float
    response: Any  # (1, q) Σ w y
    squares: Any  # (q,) Σ y²
    largest: float
    constant: float

    @classmethod
    def of(cls, rows: Rows, constant: Callable[[Rows], float]) -> Census:
        """Return that of rows in memory."""
        xp = namespace(rows.y)
        nobs, weight = rows.nobs, rows.weight
        y = rows.y if rows.weights is None else rows.weights[:, None] * rows.y
        return cls(
            rows.n,
            nobs,
            weight,
            to_numpy(xp.sum(y, axis=0)[None, :]),
            to_numpy(xp.sum(rows.y * rows.y, axis=0)),
            rows.largest,
            constant(rows),
        )

    def __add__(self, other: Census) -> Census:
        return Census(
            self.n + other.n,
            self.nobs + other.nobs,
            self.weight + other.weight,
            self.response + other.response,
            self.squares + other.squares,
            max(self.largest, other.largest),
            self.constant + other.constant,
        )


@dataclass
class Known:
    """What passes have told so far, shared by all rows of one response."""

    n: int | None = None
    nobs: int | None = None
    weight: float | None = None
    census: Census | None = None
