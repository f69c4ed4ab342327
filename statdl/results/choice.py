"""Terms to leave out and to add."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl import study
from statdl.errors import ModelError
from statdl.keywords import explained
from statdl.report import DataTable
from statdl.report.stepwise import path_table, single_term_table
from statdl.report.table import Document, Printed
from statdl.results.held import Held

DIRECTIONS = ("both", "backward", "forward")


@dataclass(frozen=True, repr=False)
class Stepwise(Printed):
    """What a stepwise search chose, and its way.

    Attributes
    ----------
    fit
        The chosen fit.
    table : DataTable
        The way: what was done, and AIC after it.
    seen : DataTable
        Every model that was looked at, by step.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
    >>> sd.step(fit).fit.formula
    'mpg ~ wt + hp'
    """

    fit: Any
    table: DataTable
    seen: DataTable

    def document(self) -> Document:
        """Return the way, for a renderer."""
        return self.table.document()


class Choice(Held):
    """Models one term away, and searches among them."""

    @explained
    def drop1(
        self, *, test: str | None = None, k: float | str = 2.0, adjust: str | None = None
    ) -> DataTable:
        """Return what each term is worth: the fit without it.

        Parameters
        ----------
        test : {"F", "Chisq" (= "LRT"), "Rao", "none"}, optional
            By default F where the dispersion is estimated, else the likelihood ratio.
        k : float or {"AIC", "BIC"}
            What a parameter costs in the criterion: 2 for AIC, log n for BIC.
        adjust : str, optional
            Adjust the p-values, by a method of :func:`statdl.adjust`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.drop1()["AIC"].round(3).tolist()
        [63.84, 88.427, 73.217]
        """
        study.stepwise.check(self.estimate)
        candidates = study.stepwise.droppable(self.estimate)
        return self._single(candidates, test, k, adjust, "Single terms dropped")

    @explained
    def add1(
        self,
        scope: str | Sequence[str],
        *,
        test: str | None = None,
        k: float | str = 2.0,
        adjust: str | None = None,
    ) -> DataTable:
        """Return what each further term would be worth: the fit with it.

        ``scope`` is the formula of the largest model, such as ``"~ . + qsec + wt:hp"``, or a list
        of terms, such as ``["qsec", "hp"]``; the other parameters are those of :meth:`drop1`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.add1("~ . + hp + qsec")["AIC"].round(3).tolist()
        [73.217, 63.84, 63.908]
        """
        study.stepwise.check(self.estimate)
        candidates = study.stepwise.added(self, scope)
        return self._single(candidates, test, k, adjust, "Single terms added")

    @explained
    def step(
        self,
        scope: Any = None,
        direction: str | None = None,
        *,
        k: float | str = 2.0,
        max_steps: int = 1000,
    ) -> Stepwise:
        """Leave out and add terms while that lowers AIC.

        Parameters
        ----------
        scope : str, list of str or (str, str), optional
            The formula of the largest model, terms that may be added to this one, or the formulas
            of the smallest and the largest model, ``.`` being this one. By default the terms of
            this model may go, and come back.
        direction : {"both", "backward", "forward"}, optional
            By default both, and backward where there is no scope.
        k : float or {"AIC", "BIC"}
            What a parameter costs: 2 for AIC, log n for BIC.
        max_steps : int
            Most steps to take.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> fit.step().table.index
        ('start', '- qsec')
        """
        study.stepwise.check(self.estimate)
        way = direction or ("backward" if scope is None else "both")
        if way not in DIRECTIONS:
            raise ModelError(f"direction={way!r} is not known; choose {', '.join(DIRECTIONS)}.")
        if self.formula is None:
            raise ModelError("A fit to arrays has no formula to step through; fit a frame.")
        allowed = study.stepwise.scope_of(self, scope)
        price = study.stepwise.price(self.estimate, k)
        found = list(study.stepwise.walk(self, allowed, way, price, max_steps))
        moves = [move for j, (_, move) in enumerate(found) if move.change or not j]
        fit = found[-1][0]
        heading = (f"From: {self.describe()}", f"To:   {fit.describe()}")
        name = _criterion_name(price, self.estimate.nobs, k)
        table = path_table(
            study.stepwise.step_of(moves), [move.aic for move in moves], heading, name
        )
        return Stepwise(fit, table, _seen([move for _, move in found], name))

    def _single(
        self, candidates: Any, test: str | None, k: float | str, adjust: str | None, title: str
    ) -> DataTable:
        price = study.stepwise.price(self.estimate, k)
        lines, chosen = study.stepwise.single_terms(self.estimate, candidates, price, test)
        linear = self.estimate.family.quadratic
        name = _criterion_name(price, self.estimate.nobs, k)
        return single_term_table(lines, linear, chosen, title, self.describe(), adjust, name)


def _criterion_name(price: float, n: int, asked: float | str) -> str:
    """Return the name asked for, or that of a price."""
    if isinstance(asked, str):
        return asked
    return "BIC" if math.isclose(price, math.log(n), rel_tol=1e-9) else "AIC"


def _seen(moves: Any, name: str) -> DataTable:
    """Return every model that was looked at, the chosen ones marked."""
    rows = [(k, change, value, change == move.change)
            for k, move in enumerate(moves) for change, value in move.seen]  # fmt: skip
    columns = {
        "Step": [k for k, *_ in rows],
        "Change": [change for _, change, *_ in rows],
        name: [value for *_, value, _ in rows],
    }
    marks = tuple("→" if chosen else "" for *_, chosen in rows)
    return DataTable("", marks, columns, f"Models looked at, by {name}", (), {name: "significant"})
