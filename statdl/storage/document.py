"""What a file holds, as one record: a fit without its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from statdl.backend.array import Array
from statdl.errors import DataError
from statdl.estimate import Convergence, Identification, Plan, Remembered, Reported
from statdl.formula import ArrayRecipe, Design, FormulaRecipe
from statdl.formula.chosen import ChosenRecipe
from statdl.formula.design import Recipe
from statdl.infer.effects import Effects
from statdl.infer.residual import ResidualShape
from statdl.model.activation import ACTIVATIONS, Activation
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.elastic import ElasticNet
from statdl.model.exponential import Gamma, Gaussian, Poisson
from statdl.model.family import Family
from statdl.model.initial import INITIALS, Initial
from statdl.model.jeffreys import Jeffreys
from statdl.model.link import Link, Tolerance
from statdl.model.penalty import NoPenalty, Penalty, Ridge
from statdl.solve.iterate import Problem, State, Trace
from statdl.storage.codec import Codec, Variants

FAMILIES: tuple[type[Family], ...] = (Gaussian, Binomial, Multinomial, Poisson, Gamma)
LINKS = tuple(dict.fromkeys(link for family in (Gaussian, Poisson, Gamma) for link in family.links))


def classes(table: Mapping[str, Callable[..., Any]]) -> tuple[type, ...]:
    """Return the classes of a table of names."""
    return tuple(kind for kind in table.values() if isinstance(kind, type))


#: The classes that a file may name, where more than one can stand.
VARIANTS: Variants = {
    Family: FAMILIES,
    Link: LINKS,
    Tolerance: Binomial.links,
    Penalty: (NoPenalty, Ridge, Jeffreys, ElasticNet),
    Activation: classes(ACTIVATIONS),
    Initial: classes(INITIALS),
    Recipe: (FormulaRecipe, ArrayRecipe, ChosenRecipe),
}
#: Fields that stay behind: what only a new fit would use, and the way of the parameters.
LEFT_OUT: Mapping[type, frozenset[str]] = {
    Plan: frozenset({"start"}),
    Trace: frozenset({"parameters"}),
    Remembered: frozenset({"findings"}),
    Reported: frozenset({"made"}),
}


@dataclass(frozen=True)
class Answered:
    """The response, but for its values."""

    name: str
    kind: Literal["numeric", "categorical", "counts"]
    levels: tuple[Any, ...]


@dataclass(frozen=True)
class PastSolver:
    """What is kept of a solver: its name, and its settings in words."""

    name: str
    settings: str
    max_iterations: int = 0
    averages: bool = False

    def start(self, problem: Problem, parameters: Array) -> State:
        raise DataError("A solver is not part of a saved model; name one with method=.")

    def step(self, problem: Problem, state: State) -> State:
        return state

    def finish(self, problem: Problem, state: State) -> State:
        return state


@dataclass(frozen=True)
class Findings:
    """What the summary and the verbs say of rows, found when there were rows.

    Names are those by which inference recalls them.
    """

    residual_shape: ResidualShape | None
    score_trace: float | None
    effects: Effects | None
    combinations: Any


@dataclass(frozen=True)
class Fitted:
    """An estimate apart from what it is an estimate of; ``kept`` is an array."""

    kept: Any
    parameters: Any
    information: Any
    root: Any
    effective: float
    loss: float
    convergence: Convergence
    trace: Trace
    identification: Identification
    spread: tuple[float, ...]
    history: tuple[Mapping[str, float], ...]
    reported: Reported | None
    distance: float
    totals: Remembered
    findings: Findings


@dataclass(frozen=True)
class Document:
    """A fit, and its model with an intercept only, which measures of fit refer to."""

    front: str
    design: Design
    response: Answered
    weighted: bool
    dropped: int
    precision: Literal["float64", "float32"]
    family: Family
    levels: tuple[Any, ...]
    penalty: Penalty
    solver: PastSolver
    plan: Plan | None
    fitted: Fitted
    null: Fitted | None


def codec(arrays: Mapping[str, Array] | None = None) -> Codec:
    """Return the codec of documents."""
    return Codec(VARIANTS, LEFT_OUT, arrays)
