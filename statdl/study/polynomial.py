"""Polynomials of rising degree beside their data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import DataError, ModelError
from statdl.formula import ModelFrame, beside, taken
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
        exactly; other terms are held at their values in the first row.
        """
        fit = self._candidate(degree).fit
        if not raw:
            return fit.params
        if fit.estimate.outputs > 1:
            raise ModelError("Raw coefficients are for models with one linear predictor.")
        low, high = self._range()
        chebyshev = np.polynomial.Chebyshev
        series = chebyshev.interpolate(lambda x: self._eta(fit, x), degree, (low, high))
        powers = series.convert(kind=np.polynomial.Polynomial).coef
        powers = np.concatenate([powers, np.zeros(degree + 1 - len(powers))])
        names = ["1", self.variable, *(f"{self.variable}^{j}" for j in range(2, degree + 1))]
        return pd.Series(powers, index=names[: degree + 1], name="coefficients")

    def plot_fits(self, degrees: Sequence[int] = (1, 5, 15), ax: Any = None) -> Any:
        """Draw the data and the curves of some degrees side by side, with their verdicts.

        For classes the curve is the probability of the second one.
        """
        low, high = self._range()
        grid = np.linspace(low, high, POINTS)
        known = [one.value for one in self.candidates]
        panels = [self._panel(known.index(degree), grid) for degree in map(self._known, degrees)]
        assert self.frame is not None
        names = (self.variable, self.frame.response.name)
        return plot.draw_fits(self._x(), self._y(), panels, names, ax)

    def sections(self) -> tuple[page.Section, ...]:
        """Return the pictures of the errors and of three fits: simplest, chosen, most flexible."""
        degrees = sorted({self.candidates[0].value, self.best_value, self.candidates[-1].value})
        words = f"The data with the polynomials of degree {', '.join(map(str, degrees))}."
        picture = page.illustrated(lambda: page.drawn(lambda: self.plot_fits(degrees), words))
        return (*super().sections(), page.Section("Fits", (picture,)))

    def _panel(self, place: int, grid: Any) -> plot.Panel:
        one = self.candidates[place]
        mean = np.asarray(one.fit.predict(self._with(grid)), dtype=float)
        curve = mean if mean.ndim == 1 else mean[:, 1]
        verdict = self.judgements[place].verdict.value
        return plot.Panel(f"degree {one.value}: {verdict}", grid, curve)

    def _known(self, degree: int) -> int:
        return int(self._candidate(degree).value)

    def _candidate(self, degree: int) -> Candidate:
        found = [one for one in self.candidates if one.value == degree]
        if not found:
            tried = ", ".join(str(one.value) for one in self.candidates)
            raise ModelError(f"Degree {degree} was not tried; the study has {tried}.")
        return found[0]

    def _eta(self, fit: Any, x: Any) -> Any:
        return np.asarray(fit.predict(self._with(x), type="link"), dtype=float)

    def _with(self, values: Any) -> Any:
        """Return the first row of the data, once for each value of x."""
        assert self.frame is not None
        first = taken(self.frame.source, np.zeros(len(values), dtype=int))
        return beside(first, {self.variable: np.asarray(values, dtype=float)})

    def _x(self) -> Any:
        assert self.frame is not None
        return column_of(self.frame, self.variable)

    def _y(self) -> Any:
        assert self.frame is not None
        values = to_numpy(self.frame.response.values)
        return values if values.ndim == 1 else values[:, 0] / values.sum(axis=1)

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


def checked_degrees(degrees: Sequence[int]) -> list[int]:
    """Return degrees in rising order, each once; raise for what is none."""
    tried = list(degrees)
    wrong = [degree for degree in tried if int(degree) != degree or degree < 1]
    if wrong or not tried:
        raise ModelError(
            f"degrees must be whole numbers from 1 on, not {wrong[0] if wrong else 'empty'!r}."
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
