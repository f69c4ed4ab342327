"""Loss, gradient and curvature by one pass, where passes over the rows are what costs.

Solvers ask for the loss and the gradient at a point, and then perhaps for the curvature there. Rows
in memory are cheap to visit twice; rows that are read from a disk, or are spread over machines, are
not, so that all three are taken together and the last ones are remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from statdl.backend.array import Array, namespace, returned
from statdl.backend.rows import Rows
from statdl.model.objective import Objective

#: A step that changes η by less than this share of it changes no digit of the curvature.
UNSEEN = 1e-12


class Seen(NamedTuple):
    """What the last pass told: sums over the rows at θ, without the penalty."""

    parameters: Array
    loss: Array
    score: Array
    curvature: Array


@dataclass(frozen=True)
class OnePass(Objective):
    """An objective whose every pass tells the curvature too, expected or observed."""

    expected: bool = True

    @classmethod
    def of(cls, objective: Objective, expected: bool) -> OnePass:
        """Return an objective as one of these."""
        parts = {one.name: getattr(objective, one.name) for one in fields(objective)}
        return cls(**parts, expected=expected)

    @property
    def curvature_price(self) -> float:
        """Return 0: the curvature comes with the gradient."""
        return 0.0

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        seen = self._at(parameters)
        return self._penalised_gradient(parameters, seen.loss, seen.score)

    def curvature(self, parameters: Array, *, expected: bool = False) -> Array:
        linear = self.predictor.linear  # then the curvature depends on η alone
        if expected != self.expected and not (linear and self.family.canonical):
            return super().curvature(parameters, expected=expected)
        last = self._last()
        near = linear and last is not None and _near(last, parameters)
        seen = last if last is not None and near else self._at(parameters)
        return self.with_curvature_of_penalty(parameters, seen.curvature)

    def _at(self, parameters: Array) -> Seen:
        """Return the sums at exactly these parameters."""
        last, xp = self._last(), namespace(parameters)
        if last is not None and bool(xp.all(last.parameters == parameters)):
            return last
        theta = self._beside_rows(parameters)

        def block(rows: Rows) -> tuple[Array, ...]:
            return (
                *self._loss_and_score(theta, rows),
                self._curvature_of(theta, rows, self.expected),
            )

        seen = Seen(xp.asarray(parameters, copy=True), *returned(parameters, *self._sum(block)))
        object.__setattr__(self, "_seen", seen)
        return seen

    def _last(self) -> Seen | None:
        """Return the last pass; an objective made from this one starts without."""
        return getattr(self, "_seen", None)

    def __getstate__(self) -> Any:
        """Return what travels: not what was seen."""
        return {name: value for name, value in self.__dict__.items() if name != "_seen"}


def _near(last: Seen, parameters: Array) -> bool:
    """Tell whether η differs by rounding only, in the norm of the curvature."""
    step = parameters - last.parameters
    size = float(parameters @ last.curvature @ parameters)
    return float(step @ last.curvature @ step) <= UNSEEN**2 * size
