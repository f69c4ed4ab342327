"""How many hidden units, and which inputs: a search that starts at the regression.

In bulk: fit every number of hidden units with all inputs, then drop inputs one after the other
while that lowers the criterion. Then stepwise: one unit more or fewer, one input out or back in,
whichever lowers the criterion most, until nothing does. 0 units is the regression itself, so that a
hidden layer has to earn its place.

Reference: McInerney & Burke (2024), A statistical modelling approach to feedforward neural network
model selection, Statistical Modelling; the idea of its two phases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from statdl.errors import ModelError
from statdl.kinds import is_number, is_whole
from statdl.report import DataTable
from statdl.report.table import Document, Printed

CRITERIA = ("bic", "aic", "nic", "cv")

#: A candidate: hidden units, and the input terms.
Candidate = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class Visit:
    """A candidate that was looked at: the phase of the search, its criterion, and its size."""

    phase: str
    units: int
    terms: tuple[str, ...]
    criterion: float
    df: float
    converged: bool = True


@dataclass(frozen=True, repr=False)
class Selection(Printed):
    """What a search chose, and everything it looked at.

    Attributes
    ----------
    fit
        The chosen fit.
    hidden : int
        Its hidden units; 0 is the regression.
    terms : tuple of str
        Its inputs.
    table : DataTable
        The candidates in the order they were looked at.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> found = sd.select_hidden("mpg ~ wt", data=cars, hidden=(0, 1), decay=0.1, restarts=2)
    >>> len(found.table), found.terms
    (2, ('wt',))
    """

    fit: Any
    hidden: int
    terms: tuple[str, ...]
    table: DataTable

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()


@dataclass
class Search:
    """A search over candidates; ``evaluate`` fits one and returns the fit, criterion and df."""

    evaluate: Callable[[int, tuple[str, ...]], tuple[Any, float, float]]
    phase: str = "hidden units"
    seen: dict[Candidate, float] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    best: tuple[Candidate, float, Any] | None = None

    def look(self, candidate: Candidate) -> float:
        """Return the criterion of a candidate, fitting it the first time."""
        if candidate not in self.seen:
            fit, value, df = self.evaluate(*candidate)
            value = value if math.isfinite(value) else math.inf
            self.seen[candidate] = value
            converged = bool(getattr(fit, "converged", True))
            self.visits.append(Visit(self.phase, *candidate, value, df, converged))
            if self.best is None or value < self.best[1]:
                self.best = (candidate, value, fit)
        return self.seen[candidate]

    def improve(self, candidate: Candidate, others: Callable[[Candidate], Any]) -> Candidate:
        """Move to the best of the neighbours while it is better."""
        while True:
            neighbours = list(others(candidate))
            if not neighbours:
                return candidate
            leader = min(neighbours, key=self.look)
            if not self.look(leader) < self.look(candidate):
                return candidate
            candidate = leader


def select(
    search: Search,
    hidden: Sequence[int],
    terms: tuple[str, ...],
    inputs: bool,
    marginal: Callable[[str, tuple[str, ...]], bool],
) -> Candidate:
    """Return the best candidate; ``marginal`` says that a term is part of another of some terms."""
    units = checked(hidden)

    def fewer(candidate: Candidate) -> Iterator[Candidate]:
        count, kept = candidate
        for name in kept:
            if len(kept) > 1 and not marginal(name, kept):
                yield count, tuple(term for term in kept if term != name)

    def around(candidate: Candidate) -> Iterator[Candidate]:
        count, kept = candidate
        place = units.index(count)
        for other in units[max(place - 1, 0) : place + 2]:
            if other != count:
                yield other, kept
        yield from fewer(candidate) if inputs else ()
        for name in terms if inputs else ():
            if name not in kept:
                yield count, tuple(term for term in terms if term in (*kept, name))

    chosen = min(((count, terms) for count in units), key=search.look)
    if inputs:
        search.phase = "inputs"
        chosen = search.improve(chosen, fewer)
    search.phase = "stepwise"
    return search.improve(chosen, around)


def checked(hidden: Sequence[int]) -> list[int]:
    """Return the numbers of hidden units in order.

    Raises
    ------
    ModelError
        When there are none, or one is no number of units.
    """
    given = [] if is_number(hidden) else list(hidden)
    sound = all(is_whole(count) and count >= 0 for count in given)
    if not given or not sound:
        raise ModelError(
            f"hidden={hidden!r} must hold whole numbers of 0 or more, such as range(0, 10)."
        )
    return sorted({int(count) for count in given})


def selection_table(search: Search, chosen: Candidate, criterion: str) -> DataTable:
    """Return the candidates in the order they were looked at, the chosen one marked."""
    visits = search.visits
    name = "CV loss" if criterion == "cv" else criterion.upper()
    columns: dict[str, list[Any]] = {
        "Phase": [visit.phase for visit in visits],
        "Hidden": [visit.units for visit in visits],
        "Inputs": [", ".join(visit.terms) for visit in visits],
        "Eff. df": [visit.df for visit in visits],
        name: [visit.criterion for visit in visits],
    }
    marks = tuple("→" if (visit.units, visit.terms) == chosen else "" for visit in visits)
    notes = ["→ is the chosen model; 0 hidden units are the regression."]
    if any(math.isinf(visit.criterion) for visit in visits):
        notes.append(
            "Where the criterion is inf the weights are not identified, and it is not defined; "
            "decay= would identify them."
        )
    lost = sum(not visit.converged for visit in visits)
    if lost:
        notes.append(
            f"{lost} of {len(visits)} candidates did not converge: their criteria are those of "
            "where they stopped."
        )
    formats = {"Hidden": "integer", "Eff. df": "integer", name: "significant"}
    return DataTable("", marks, columns, f"Selection by {name}", (), formats, tuple(notes))
