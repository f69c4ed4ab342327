"""What is to be fitted, and how: family, data, penalty, solver, and of a network its plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from statdl import model
from statdl.backend.array import Array, namespace
from statdl.backend.rows import Rows
from statdl.formula import ModelFrame
from statdl.model.family import Family
from statdl.model.penalty import NoPenalty, Penalty
from statdl.solve.iterate import Solver


@dataclass(frozen=True)
class Plan:
    """A network to be fitted, and from where.

    decay     (P,) λ of each parameter: the loss gains ½ Σ λ_j θ_j²
    centre    (p,) and spread (p,): inputs are scaled to (x − centre) / spread, None for raw
    fixed     (P,) NaN where a parameter is free, its value where it is held; None for all free
    start     (P,) first starting values, NaN where a random draw is to be had; None for draws
    """

    network: model.Network
    decay: Any
    centre: Any = None
    spread: Any = None
    fixed: Any = None
    start: Any = None
    restarts: int = 1
    seed: int = 0
    initial: model.Initial | None = None

    def scaled(self, X: Array) -> Array:
        """Return inputs in the network's units."""
        if self.centre is None:
            return X
        xp = namespace(X)
        centre, spread = (
            xp.asarray(values, dtype=X.dtype, device=X.device)
            for values in (self.centre, self.spread)
        )
        return (X - centre) / spread

    def scaled_rows(self, rows: Rows) -> Rows:
        """Return rows whose inputs are in the network's units."""
        return rows.mapped(self._scaled_block)

    def _scaled_block(self, rows: Rows) -> Rows:
        return replace(rows, X=self.scaled(rows.X))


@dataclass(frozen=True)
class Practice:
    """What training a network by gradient descent has beside the model.

    held_out  rows that are watched and not learned from, None for none
    noise     standard deviation of what is added to the scaled inputs of every batch
    lasso     (P,) λ of each parameter: the loss gains Σ λ_j |θ_j|; None for none
    metrics   what the history has beside the loss
    """

    held_out: Rows | None = None
    noise: float = 0.0
    lasso: Any = None
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Specification:
    """What is to be fitted, and how: a family, a penalty, a solver, and the data they meet.

    ``levels`` are the classes of a categorical response, the reference first; ``plan`` is a network
    to be fitted, None for a regression.
    """

    frame: ModelFrame
    family: Family
    rows: Rows
    solver: Solver
    penalty: Penalty = field(default_factory=NoPenalty)
    levels: tuple[Any, ...] = ()
    plan: Plan | None = None
    practice: Practice = field(default_factory=Practice)

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.frame.design.intercept

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Names of the coefficients of one output; of a network, of all its weights."""
        if self.plan is None:
            return self.frame.design.coefficient_names
        return self.plan.network.parameter_names(self.frame.design.names, self.output_names)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs: the classes but the reference, or the response."""
        if self.family.name == "multinomial":
            return tuple(str(level) for level in self.levels[1:])
        return (self.frame.response.name,)

    @property
    def tables(self) -> int:
        """How many tables of coefficients there are: one an output, but one for a network."""
        return self.family.outputs if self.plan is None else 1

    @property
    def least_squares(self) -> bool:
        """Whether this is linear regression, with its exact results."""
        return self.family.quadratic and self.plan is None

    def inputs(self, X: Array) -> Array:
        """Return X in the units the predictor works in."""
        return X if self.plan is None else self.plan.scaled(X)
