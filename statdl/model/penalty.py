"""Penalties added to the negative log-likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from statdl.backend.array import Array, like, namespace
from statdl.errors import ModelError


class Penalty(Protocol):
    """A smooth penalty on the parameters.

    Most are a function of the parameters alone, which ``value`` and ``gradient`` give; ``on`` is
    what the objective asks, and may look at the model as well.
    """

    @property
    def shrinks(self) -> bool:
        """Whether it draws to a place of its own: identifies any columns and biases estimates.

        Where to it may say in words, as ``towards``, which is "0" for those of statdl.
        """
        ...

    def on(self, objective: Any, parameters: Array) -> tuple[float, Array]:
        """Return the penalty of an objective at θ, and its gradient, (P,)."""
        ...

    @property
    def active(self) -> bool:
        """Whether the penalty changes the estimate at all."""
        ...

    def value(self, parameters: Array, penalised: Array) -> Array:
        """Return the penalty; ``penalised`` is 1 where a parameter is penalised, else 0."""
        ...

    def gradient(self, parameters: Array, penalised: Array) -> Array:
        """Return its gradient, (P,)."""
        ...

    def curvature(self, parameters: Array, penalised: Array) -> Array:
        """Return the diagonal of its second derivative, (P,)."""
        ...


class OfParameters:
    """A penalty that looks at the parameters only, those that the objective says it applies to."""

    shrinks: ClassVar[bool] = True
    towards: ClassVar[str] = "0"

    def on(self: Any, objective: Any, parameters: Array) -> tuple[float, Array]:
        penalised = like(objective.penalised, parameters)
        return float(self.value(parameters, penalised)), self.gradient(parameters, penalised)


def shrinkage(penalty: Penalty) -> str:
    """Return in words where a penalty that shrinks draws: one of a user's need not draw to 0.

    Examples
    --------
    >>> shrinkage(Ridge(1.0))
    'shrunk towards 0'
    """
    towards = getattr(penalty, "towards", None)
    if towards is None:
        return "drawn to where their penalty is least"
    return "shrunk towards 0" if towards == "0" else f"drawn towards {towards}"


@dataclass(frozen=True)
class NoPenalty(OfParameters):
    """Maximum likelihood: nothing is added."""

    active = False
    shrinks: ClassVar[bool] = False

    def value(self, parameters: Array, penalised: Array) -> Array:
        return namespace(parameters).sum(penalised) * 0.0

    def gradient(self, parameters: Array, penalised: Array) -> Array:
        return namespace(parameters).zeros_like(parameters)

    def curvature(self, parameters: Array, penalised: Array) -> Array:
        return namespace(parameters).zeros_like(parameters)


@dataclass(frozen=True)
class Ridge(OfParameters):
    """Weight decay ½ λ Σ β², intercepts left alone.

    λ multiplies the sum, not the mean: J(β) = −log L(β) + ½ λ Σ β², the log-density of a
    normal prior with variance 1/λ.

    Parameters
    ----------
    strength : float
        λ ≥ 0; 0 is maximum likelihood.

    See Also
    --------
    path : Lasso, ridge and between, for a grid of λ.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12.

    Examples
    --------
    >>> Ridge(0.5).strength
    0.5
    """

    strength: float

    def __post_init__(self) -> None:
        if not 0 <= self.strength < float("inf"):
            raise ModelError(
                f"A ridge penalty needs a finite strength of 0 or more, not {self.strength!r}."
            )

    @property
    def active(self) -> bool:
        """Whether λ > 0."""
        return self.strength > 0

    def value(self, parameters: Array, penalised: Array) -> Array:
        xp = namespace(parameters)
        return 0.5 * self.strength * xp.sum(penalised * parameters * parameters, axis=-1)

    def gradient(self, parameters: Array, penalised: Array) -> Array:
        return self.strength * penalised * parameters

    def curvature(self, parameters: Array, penalised: Array) -> Array:
        return self.strength * penalised
