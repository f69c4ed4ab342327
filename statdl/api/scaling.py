"""How a network's inputs are scaled: by the rows that count, or as those of another network."""

from __future__ import annotations

from typing import Any, NamedTuple

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.errors import ModelError
from statdl.estimate import Specification
from statdl.model.family import weighted_mean
from statdl.results import Fit

SCALINGS = ("standard", "minmax", "none")


def input_scaling(specification: Specification, scaling: str | None, start: Any) -> tuple[Any, Any]:
    """Return centre and spread of each column, (p,), on the host; None for inputs as given.

    A network that starts from another has that one's where they share a column: its weights are
    those of inputs so scaled, and would be another function of others.

    Raises
    ------
    ModelError
        Where the other network has scaled inputs and ``scaling`` asks for none.
    """
    own = _of_rows(specification.rows, scaling)
    plan = start.estimate.specification.plan if isinstance(start, Fit) else None
    if plan is None or not specification.rows.template.shape[1]:
        return own
    if scaling in (None, "none") and plan.centre is not None:
        raise ModelError(
            f"scaling={scaling!r} does not go with start=, a network with scaled inputs: its "
            "weights would mean something else. Leave scaling= out, and its scaling is used."
        )
    return _inherited(specification, start.estimate.specification, own)


class Moments(NamedTuple):
    """Weighted mean and variance of each column of some rows, and their weight."""

    weight: float
    mean: Array
    variance: Array

    @classmethod
    def of(cls, rows: Rows) -> Moments:
        """Return those of rows in memory."""
        weight, xp = rows.weight, namespace(rows.X)
        if not weight > 0:
            nothing = xp.zeros_like(xp.sum(rows.X, axis=0))
            return cls(0.0, nothing, nothing)
        mean = weighted_mean(rows.X, rows.weights)
        return cls(weight, mean, weighted_mean((rows.X - mean) ** 2, rows.weights))

    def with_more(self, other: Moments) -> Moments:
        """Return those of both (Chan, Golub & LeVeque 1983)."""
        if not (self.weight > 0 and other.weight > 0):
            return self if self.weight > 0 else other
        weight = self.weight + other.weight
        share, gap = other.weight / weight, other.mean - self.mean
        variance = (1 - share) * self.variance + share * (other.variance + (1 - share) * gap**2)
        return Moments(weight, self.mean + share * gap, variance)


def _of_rows(rows: Rows, scaling: str | None) -> tuple[Any, Any]:
    """Return them from the rows, by their weights; a constant column has spread 1."""
    p = rows.template.shape[1]
    if scaling in (None, "none") or p == 0:
        return None, None
    if scaling == "minmax":
        low, high = (to_numpy(end) for end in rows.reduce(_ends, 3 * p, _wider))
        centre, spread = low, high - low
    else:
        found = rows.reduce(Moments.of, 3 * p, Moments.with_more)
        centre, spread = to_numpy(found.mean), to_numpy(found.variance) ** 0.5
    spread[spread == 0] = 1.0
    return centre, spread


def _ends(rows: Rows) -> tuple[Array, Array]:
    """Return the smallest and the largest value of each column, of rows that count."""
    X, xp = rows.X, namespace(rows.X)
    low, high = (_counted(X, rows.weights, end) for end in (xp.inf, -xp.inf))
    return xp.min(low, axis=0), xp.max(high, axis=0)


def _wider(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    xp = namespace(one[0])
    return xp.minimum(one[0], other[0]), xp.maximum(one[1], other[1])


def _counted(X: Array, weights: Array | None, other: float) -> Array:
    """Return X with ``other`` in rows of weight 0, which are no observations."""
    if weights is None:
        return X
    xp = namespace(X)
    return xp.where(weights[:, None] > 0, X, xp.asarray(other, dtype=X.dtype, device=X.device))


def _inherited(specification: Specification, other: Specification, own: tuple[Any, Any]) -> Any:
    """Return the other network's centre and spread where it has the column, else the own."""
    assert other.plan is not None
    names = specification.frame.design.names
    theirs = {name: j for j, name in enumerate(other.frame.design.names)}
    if own[0] is None or (other.plan.centre is None and theirs.keys() >= set(names)):
        return None, None
    centre, spread = own
    for j, name in enumerate(names):
        if name in theirs:
            k = theirs[name]
            plan = other.plan
            centre[j] = 0.0 if plan.centre is None else plan.centre[k]
            spread[j] = 1.0 if plan.centre is None else plan.spread[k]
    return centre, spread
