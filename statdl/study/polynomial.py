"""Polynomials of rising degree beside their data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import DataError, ModelError
from statdl.formula import ModelFrame, beside, taken
from statdl.formula.frame import open_frame
from statdl.formula.settable import term_variables, variables
from statdl.kinds import is_whole
from statdl.lazy import lazy
from statdl.report import page, plot
from statdl.study.complexity import Candidate, Complexity
from statdl.study.heldout import Split, kept_positions

pd = lazy("pandas")

#: Points of a curve.
POINTS = 300


@dataclass(frozen=True, repr=False)
class Polynomial(Complexity):
    """A study of polynomials of rising degree.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> study = sd.polynomial("mpg ~ wt", data=cars, degrees=(1, 2))
    >>> study.coefficients(2).round(2).to_dict()
    {'1': 49.93, 'wt': -13.38, 'wt^2': 1.17}
    """

    variable: str = ""
    frame: ModelFrame | None = field(default=None, repr=False)

    def coefficients(self, degree: int, raw: bool = True) -> Any:
        """Return the coefficients of one degree: of powers of x, or of the orthogonal basis.

        Raw ones are found by interpolating η at Chebyshev points, from which the powers follow
        exactly (of a transformed column, through the rows); other terms are held at a typical
        value, numbers at their mean and factors at their most frequent level.
        """
        fit = self._candidate(degree).fit
        if not raw:
            return fit.params
        if fit.estimate.outputs > 1:
            raise ModelError("Raw coefficients are for models with one linear predictor.")
        low, high = self._range()
        chebyshev = np.polynomial.Chebyshev
        if self._plain:
            series = chebyshev.interpolate(lambda x: self._eta(fit, x), degree, (low, high))
        else:
            eta = np.asarray(fit.predict(self._rows(fit), type="link"), dtype=float)
            series = chebyshev.fit(self._x(), eta, degree, domain=(low, high))
        powers = series.convert(kind=np.polynomial.Polynomial).coef
        powers = np.concatenate([powers, np.zeros(degree + 1 - len(powers))])
        names = ["1", self.variable, *(f"{self.variable}^{j}" for j in range(2, degree + 1))]
        return pd.Series(powers, index=names[: degree + 1], name="coefficients")

    def plot_fits(self, degrees: int | Sequence[int] = (1, 5, 15), ax: Any = None) -> Any:
        """Draw the data and the curves of some degrees side by side, with their verdicts.

        For two classes the curve is the probability of the second one, for more there is a curve a
        class. Other terms are held at a typical value.
        """
        degrees = degrees if isinstance(degrees, Sequence) else tuple(np.atleast_1d(degrees))
        low, high = self._range()
        grid = np.linspace(low, high, POINTS)
        known = [one.value for one in self.candidates]
        panels = [self._panel(known.index(degree), grid) for degree in map(self._known, degrees)]
        assert self.frame is not None
        response = self.frame.response
        name, levels = response.name, tuple(str(level) for level in response.levels)
        several = len(levels) > 2
        if len(levels) == 2:
            name = f"P({name} = {levels[1]})" if response.kind == "categorical" else levels[0]
        elif several:
            name = f"P({name})"
        if len(self.frame.design.terms) > 1:
            name = f"{name}, other terms typical"
        names, y = (self.variable, name), self._codes() if several else self._y()
        return plot.draw_fits(self._x(), y, panels, names, ax, levels if several else ())

    def sections(self) -> tuple[page.Section, ...]:
        """Return the pictures of the errors and of three fits: simplest, chosen, most flexible."""
        degrees = sorted({self.candidates[0].value, self.best_value, self.candidates[-1].value})
        words = f"The data with the polynomials of degree {', '.join(map(str, degrees))}."
        picture = page.illustrated(lambda: page.drawn(lambda: self.plot_fits(degrees), words))
        return (*super().sections(), page.Section("Fits", (picture,)))

    def _panel(self, place: int, grid: Any) -> plot.Panel:
        one = self.candidates[place]
        if self._plain:
            rows, x = self._with(one.fit, {self.variable: grid}), grid
        else:
            rows, x = self._rows(one.fit), self._x()
        mean = np.asarray(one.fit.predict(rows), dtype=float)
        verdict = self.judgements[place].verdict.value
        order = np.argsort(x, kind="stable")
        return plot.Panel(f"degree {one.value}: {verdict}", x[order], mean[order])

    def _known(self, degree: int) -> int:
        return int(self._candidate(degree).value)

    def _candidate(self, degree: int) -> Candidate:
        found = [one for one in self.candidates if one.value == degree]
        if not found:
            tried = ", ".join(str(one.value) for one in self.candidates)
            raise ModelError(f"Degree {degree} was not tried; the study has {tried}.")
        return found[0]

    def _eta(self, fit: Any, x: Any) -> Any:
        rows = self._with(fit, {self.variable: x})
        return np.asarray(fit.predict(rows, type="link"), dtype=float)

    @property
    def _plain(self) -> bool:
        """Whether the variable is a column of the data, and no expression."""
        assert self.frame is not None
        return self.variable in variables(self.frame.design)

    def _rows(self, fit: Any) -> Any:
        """Return the rows of the data with other terms at a typical value."""
        assert self.frame is not None
        design = self.frame.design
        names = [term.name for term in design.terms]
        own = term_variables(design)[names.index(self.variable)]
        source = open_frame(taken(self.frame.source, kept_positions(self.frame)))
        return self._with(fit, {name: source.table[name].to_numpy() for name in own})

    def _with(self, fit: Any, values: Mapping[str, Any]) -> Any:
        """Return rows with these values, the other variables at a typical one."""
        assert self.frame is not None
        count = len(next(iter(values.values())))
        first = taken(self.frame.source, np.zeros(count, dtype=int))
        typical = open_frame(fit.datagrid()).table
        rest = {
            name: np.repeat(typical[name].to_numpy(), count)
            for name in typical.columns
            if name not in values
        }
        own = {name: np.asarray(one, dtype=float) for name, one in values.items()}
        return beside(first, {**rest, **own})

    def _x(self) -> Any:
        assert self.frame is not None
        return column_of(self.frame, self.variable)

    def _y(self) -> Any:
        assert self.frame is not None
        values = to_numpy(self.frame.response.values)
        return values if values.ndim == 1 else values[:, 0] / values.sum(axis=1)

    def _codes(self) -> Any:
        """Return the class of each row."""
        assert self.frame is not None
        values = to_numpy(self.frame.response.values)
        return values if values.ndim == 1 else values.argmax(axis=1)

    def _range(self) -> tuple[float, float]:
        x = self._x()
        return float(x.min()), float(x.max())


def condition_numbers(x: Any, degrees: Sequence[int]) -> tuple[float, ...]:
    """Return the condition numbers of [1, x, …, x^d], columns scaled to length 1."""
    powers = np.asarray(x)[:, None] ** np.arange(max(degrees) + 1)
    lengths = np.linalg.norm(powers, axis=0)
    scaled = powers / np.where(lengths > 0, lengths, 1.0)
    return tuple(float(np.linalg.cond(scaled[:, : degree + 1])) for degree in degrees)


def column_of(frame: ModelFrame, name: str) -> Any:
    """Return the values of a term of one column, (n,)."""
    term = next(term for term in frame.design.terms if term.name == name)
    return to_numpy(frame.X)[:, term.columns[0]].astype(float)


def checked_degrees(degrees: Any) -> list[int]:
    """Return degrees in rising order, each once; raise for what is none."""
    several = isinstance(degrees, Iterable) and not isinstance(degrees, str)
    tried = list(degrees) if several else []
    wrong = [degree for degree in tried if not is_whole(degree) or degree < 1]
    if wrong or not tried:
        named = wrong[0] if wrong else "empty" if several else degrees
        raise ModelError(
            f"degrees must be whole numbers from 1 on, not {named!r}; range(1, 6), for example."
        )
    return sorted({int(degree) for degree in tried})


def check_distinct(
    x: Any, frame: ModelFrame, split: Split, degrees: Sequence[int], name: str
) -> None:
    """Raise where some rows that are learnt from have too few values of x for the degree."""
    high = max(degrees)
    parts = (
        split.folds if len(split.folds) > 1 and len(split.folds[0]) < len(split.training) else ()
    )
    learnt = [split.training, *(np.setdiff1d(split.training, part) for part in parts)]
    for rows in learnt:
        distinct = len(np.unique(among(x, frame, rows)))
        if distinct <= high:
            if distinct == 1:
                raise DataError(f"'{name}' is constant in the rows learnt from: there is no curve.")
            raise DataError(
                f"'{name}' has {distinct} distinct values in the {len(rows)} rows learnt from, "
                f"and degree {high} needs {high + 1} or more; use degrees up to {distinct - 1}, "
                "or more rows."
            )


def among(x: Any, frame: ModelFrame, positions: Any) -> Any:
    """Return the values of the rows at some positions of the data."""
    return x[np.isin(kept_positions(frame), positions)]
