"""Families: the likelihood of a response, written once, stably, in η.

Conventions, for every family
-----------------------------
* η and y have the same shape (n, q); weights w have shape (n,).
* ``loss`` is the part of −log-density that depends on η, at unit dispersion; with weights and
  dispersion φ the full log-likelihood is  −Σ w·loss/φ + ``constant(rows, φ)``.
* ``score`` is −∂loss/∂η, (n, q); ``information`` is E[−∂²log-density/∂η∂ηᵀ], a
  :class:`~statdl.model.curvature.RowCurvature`, and ``observed`` the same without the expectation.
* Weights are R's prior weights: the variance of a row is φ V(μ) / w, and for the binomial w counts
  trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from statdl.backend.array import Array, namespace
from statdl.backend.rows import Rows
from statdl.errors import DataError
from statdl.model.curvature import RowCurvature
from statdl.model.link import Link


@dataclass(frozen=True)
class Encoded:
    """A response in a family's coding: y (n, q), weights (n,) or None, and the class labels.

    Weights hold the trials of a row of counts, times its prior weight; ``trials`` are the first
    factor alone.
    """

    y: Array
    weights: Array | None
    levels: tuple[Any, ...] = ()
    trials: Array | None = None


class Family(Protocol):
    """What fitting and inference ask of a likelihood."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def link(self) -> Link:
        """The link from the mean to η."""
        ...

    @property
    def links(self) -> tuple[type[Link], ...]:
        """The links it can have, its default first."""
        ...

    @property
    def dispersion_known(self) -> bool:
        """Whether φ = 1, so that tests refer to the normal and not to t."""
        ...

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the mean that lie at η = ∓∞; a response there can be separated."""
        ...

    @property
    def edged(self) -> bool:
        """Whether some finite η leads out of the domain of the mean."""
        ...

    @property
    def has_classes(self) -> bool:
        """Whether the response is one of some classes, which predictors may separate."""
        ...

    @property
    def quadratic(self) -> bool:
        """Whether the loss is quadratic in η: one curvature serves every step."""
        ...

    @property
    def outputs(self) -> int:
        """q, the number of columns of η."""
        ...

    @property
    def canonical(self) -> bool:
        """Whether observed and expected information coincide."""
        ...

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        """Return the loss, (n,), and the score, (n, q)."""
        ...

    def information(self, eta: Array) -> RowCurvature:
        """Return the expected information of each row."""
        ...

    def observed(self, eta: Array, y: Array) -> RowCurvature:
        """Return the observed information of each row."""
        ...

    def information_turn(self, eta: Array, S: Array) -> Array:
        """Return Σ_ab S_ab ∂H_ab/∂η_k of the information H, (n, q), for S (n, q, q).

        Only where the link is canonical, so that the turn is the third cumulant.
        """
        ...

    def mean(self, eta: Array) -> Array:
        """Return the mean response: (n, 1), or (n, K) probabilities."""
        ...

    def variance(self, eta: Array) -> Array:
        """Return V(μ), the variance at unit dispersion and weight, in ``mean``'s shape."""
        ...

    def unit_deviance(self, eta: Array, y: Array) -> Array:
        """Return 2 (log-density of a saturated model − log-density), at φ = 1, (n,)."""
        ...

    def constant(self, rows: Rows, dispersion: float) -> float:
        """Return the part of the log-likelihood that does not depend on η."""
        ...

    def noise(self, mean_loss: float) -> float:
        """Return the loss worth one unit of log-likelihood: φ where the loss tells it, else 1."""
        ...

    def start(self, y: Array, weights: Array | None) -> Array:
        """Return η of the model with an intercept only, (q,), on the host."""
        ...

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        """Code a response, or raise a DataError that names what does not fit."""
        ...

    def for_levels(self, levels: tuple[Any, ...]) -> Family:
        """Return the family for a response with these classes."""
        ...

    def simulate(self, eta: Any, rows: Rows, dispersion: float, rng: Any) -> Any:
        """Return a response of the rows drawn at η, in this family's coding, on the host."""
        ...


def score_and_curvature(family: Family, eta: Array, y: Array) -> tuple[Array, RowCurvature]:
    """Return the score of each row, (n, q), and a curvature of its loss that is not negative.

    That is the information where the link is canonical. Elsewhere it is the observed information,
    which Newton's method converges fast by, but the expected one in rows where that is negative.
    A family may have a method of this name that shares the work of both.
    """
    shared = getattr(family, "score_and_curvature", None)
    if shared is not None:
        found: tuple[Array, RowCurvature] = shared(eta, y)
        return found
    _, score = family.loss_and_score(eta, y)
    expected = family.information(eta)
    if family.canonical or expected.outer is not None:
        return score, expected
    observed = family.observed(eta, y).diagonal
    xp = namespace(eta)
    return score, RowCurvature(xp.where(observed > 0, observed, expected.diagonal))


def total(values: Array, weights: Array | None) -> Array:
    """Return Σ w·values over the rows of (n,) or (n, q)."""
    xp = namespace(values)
    if weights is None:
        return xp.sum(values, axis=0)
    weighted = weights * values if values.ndim == 1 else weights[:, None] * values
    return xp.sum(weighted, axis=0)


def weighted_mean(values: Array, weights: Array | None) -> Array:
    """Return Σ w·values / Σ w over the rows of (n,) or (n, q)."""
    count = values.shape[0] if weights is None else namespace(values).sum(weights)
    return total(values, weights) / count


def ones_like_rows(y: Array) -> Array:
    """Return unit weights for the rows of y."""
    return namespace(y).ones_like(y[:, 0])


def numeric_response(family: str, kind: str, values: Array) -> Array:
    """Return a numeric response as (n, 1), or say what other model its kind belongs to."""
    if kind == "categorical":
        raise DataError(
            f"The {family} family needs a numeric response, and this one has text or categories; "
            "use family='binomial' for two categories or multinom() for more, and convert numbers "
            "that were read as text."
        )
    if kind == "counts":
        raise DataError(
            f"The {family} family needs one response column; several columns of counts belong "
            "to family='binomial' (two columns) or multinom()."
        )
    return values[:, None]


def refuse(bad: Array, y: Array, family: str, domain: str) -> None:
    """Raise a DataError when any entry of ``bad`` is true, naming the count and the first row."""
    xp = namespace(bad)
    count = int(xp.sum(xp.astype(bad, xp.int64)))
    if count:
        row = int(xp.argmax(xp.astype(bad[:, 0], xp.int8)))
        raise DataError(
            f"The {family} family needs a response {domain}; {count} of {bad.shape[0]} values are "
            f"not, the first being {float(y[row, 0]):g} in row {row}."
        )
