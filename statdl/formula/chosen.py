"""A design that keeps some columns of another: what is left of it when a penalty has chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from statdl.backend.array import namespace
from statdl.errors import DataError
from statdl.formula.design import Design, NewData, Recipe, Term


@dataclass(frozen=True)
class ChosenRecipe:
    """Encodes new data as the whole design does, and takes the chosen columns."""

    whole: Recipe
    positions: tuple[int, ...]

    def needed(self) -> tuple[str, ...]:
        """Return what the whole design needs."""
        return self.whole.needed()

    def encode(self, new: Any) -> NewData:
        """Return the chosen columns of new data."""
        found = self.whole.encode(new)
        xp = namespace(found.X)
        places = xp.asarray(self.positions, dtype=xp.int64, device=found.X.device)
        return replace(found, X=xp.take(found.X, places, axis=1))

    def check(self, design: Design) -> None:
        """Raise unless there is a position for every column."""
        if len(self.positions) != len(design.names):
            raise DataError("the names of its columns do not fit each other.")


def chosen(design: Design, positions: Sequence[int]) -> Design:
    """Return the design with some of its columns; terms that keep none are gone."""
    place = {column: k for k, column in enumerate(positions)}
    terms = (
        Term(term.name, term.factors, tuple(place[j] for j in term.columns if j in place))
        for term in design.terms
    )
    return replace(
        design,
        names=tuple(design.names[j] for j in positions),
        terms=tuple(term for term in terms if term.columns),
        recipe=ChosenRecipe(design.recipe, tuple(int(j) for j in positions)),
    )
