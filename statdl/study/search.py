"""A search over several knobs at once: at random, then finer around the best.

A point of the space is drawn from each range by itself; ranges that span more than a factor of ten
are drawn on a logarithmic scale. After the first part of the trials every range shrinks around the
best point so far, and the rest is drawn there (Bergstra & Bengio 2012 on why random beats a grid).
With halving, all points are first judged on few rows, and the better half goes on to twice as many
(Jamieson & Talwalkar 2016).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from statdl.backend.random import generator
from statdl.errors import DataError, ModelError, StatdlError, StatdlWarning
from statdl.kinds import is_number, is_whole
from statdl.lazy import lazy
from statdl.report import DataTable
from statdl.report.table import Document, Printed
from statdl.solve.progress import shown

pd = lazy("pandas")

#: Share of the trials that is drawn from the whole space.
WIDE = 0.6
#: What the finer part leaves of each range.
NARROWED = 0.25
#: Draws of a point before all are taken to have been tried.
DRAWS = 50
#: Knobs whose range is no range of whole numbers, whatever its ends.
CONTINUOUS = ("decay", "dropout", "l1", "lambda", "learning_rate", "noise", "penalty", "validation")
#: A range that spans more than this factor is drawn on a logarithmic scale.
LOGARITHMIC = 10.0

#: Judges points on a share of the rows: the error of each and its standard error, or what it says
#: if it cannot be fitted.
Judge = Callable[[Sequence[Mapping[str, Any]], float], Iterable[Any]]


@dataclass(frozen=True)
class Range:
    """A knob's range: numbers from ``low`` to ``high``, whole ones where both ends are."""

    low: float
    high: float
    continuous: bool = False

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers."""
        ends = (self.low, self.high)
        return not self.continuous and all(isinstance(end, Integral) for end in ends)

    @property
    def logarithmic(self) -> bool:
        """Whether values are drawn on a logarithmic scale."""
        return self.low > 0 and self.high / self.low > LOGARITHMIC

    def draw(self, random: Any, around: Any = None) -> Any:
        """Return a value, near another one if that is given."""
        low, high = (math.log(end) for end in (self.low, self.high)) if self.logarithmic else (
            float(self.low), float(self.high)
        )  # fmt: skip
        if around is not None:
            centre = math.log(around) if self.logarithmic else float(around)
            reach = NARROWED * (high - low) / 2
            low, high = max(low, centre - reach), min(high, centre + reach)
        value = random.uniform(low, high)
        value = math.exp(value) if self.logarithmic else value
        return int(min(max(round(value), self.low), self.high)) if self.whole else value


@dataclass(frozen=True)
class Choices:
    """A knob's settings to choose from."""

    values: tuple[Any, ...]

    def draw(self, random: Any, around: Any = None) -> Any:
        """Return a setting; near another one it is that one or a neighbour."""
        if around is None:
            return self.values[int(random.integers(len(self.values)))]
        place = self.values.index(around) + int(random.integers(-1, 2))
        return self.values[min(max(place, 0), len(self.values) - 1)]


def as_space(space: Any) -> dict[str, Range | Choices]:
    """Return the space from ranges (low, high) and lists of settings.

    Raises
    ------
    ModelError
        For an empty space, an empty list, or a range upside down.
    """
    if not isinstance(space, Mapping) or not space:
        raise ModelError("The space has no knob; write space={'decay': (1e-4, 1), …}.")
    return {knob: _dimension(knob, given) for knob, given in space.items()}


def _dimension(knob: str, given: Any) -> Range | Choices:
    if isinstance(given, tuple) and len(given) == 2 and all(map(is_number, given)):
        if not all(map(math.isfinite, given)):
            raise ModelError(f"The range of {knob!r} must have finite ends, not {given!r}.")
        if not given[0] < given[1]:
            raise ModelError(
                f"The range of {knob!r} is from {given[0]} to {given[1]}: upside down."
            )
        return Range(*given, continuous=knob in CONTINUOUS)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ModelError(
            f"{knob!r} needs a range (low, high) or a list of settings, not {given!r}."
        )
    values = tuple(given)
    if not values:
        raise ModelError(f"{knob!r} has no setting to choose from.")
    return Choices(values)


@dataclass(frozen=True)
class Trial:
    """A point that was tried: its error on rows held out, and what went wrong, if anything."""

    point: Mapping[str, Any]
    error: float
    standard_error: float
    share: float = 1.0
    failure: str = ""


@dataclass(repr=False)
class SearchResult(Printed):
    """What a search has tried so far; :meth:`more` goes on.

    Attributes
    ----------
    trials : list of Trial
        In the order they were tried.

    Examples
    --------
    >>> import statdl as sd
    >>> line = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    >>> found = sd.search(line, space={"lambda": (1e-3, 1e5)}, n=6)
    >>> found.best_point["lambda"] < 100
    True
    """

    label: str
    space: dict[str, Range | Choices]
    judge: Judge = field(repr=False)
    finish: Callable[[Mapping[str, Any]], Any] = field(repr=False)
    seed: int
    halving: bool = False
    trials: list[Trial] = field(default_factory=list)

    @property
    def best_point(self) -> dict[str, Any]:
        """The settings with the smallest error."""
        return dict(self._leader().point)

    @property
    def best_error(self) -> float:
        """Their error on rows held out; it is a little too good, since it was chosen."""
        return self._leader().error

    @property
    def best(self) -> Any:
        """The fit with these settings to all rows."""
        return self.finish(self.best_point)

    @property
    def table(self) -> DataTable:
        """All trials, the best first."""
        ordered = sorted(self.trials, key=lambda one: (-one.share, _rank(one)))
        columns: dict[str, Any] = {
            knob: [one.point[knob] for one in ordered] for knob in self.space
        }
        columns = {knob: _column(values) for knob, values in columns.items()}
        columns["Validation"] = [one.error for one in ordered]
        columns["Std. Error"] = [one.standard_error for one in ordered]
        if any(one.share < 1 for one in ordered):
            columns["Share of rows"] = [one.share for one in ordered]
        failures = sorted({one.failure for one in ordered if one.failure})
        order = {id(one): str(1 + k) for k, one in enumerate(self.trials)}
        labels = tuple(order[id(one)] for one in ordered)
        return DataTable(
            "Trial", labels, columns, title=f"Search for {self.label}", notes=tuple(failures)
        )

    def to_frame(self) -> Any:
        """Return all trials in their order as a frame."""
        rows = [
            {**one.point, "validation": one.error, "std_error": one.standard_error,
             "share": one.share, "failure": one.failure}
            for one in self.trials
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def more(self, n: int) -> SearchResult:
        """Try n more points, and return the search."""
        if not is_whole(n) or n < 1:
            raise ModelError(f"n must be a whole number of 1 or more points to try, not {n!r}.")
        if self.halving:
            self._halved(int(n))
            return self
        first = math.ceil(WIDE * n)
        wide = self._points(first)
        self._try(wide)
        for _ in shown(range(int(n) - first), "search"):
            point = self._fresh(near=True) if len(wide) == first else None
            if point is None:
                break  # a space of settings only, and all have been tried
            self._try([point])
        return self

    def _points(self, n: int) -> list[dict[str, Any]]:
        """Return n points of the whole space, fewer where all settings have been tried."""
        points: list[dict[str, Any]] = []
        while len(points) < n:
            point = self._fresh(near=False, ahead=len(points), known=points)
            if point is None:
                break
            points.append(point)
        return points

    def objective(self, trial: Any) -> float:
        """Return the error of a point that optuna suggests, as in ``study.optimize(objective)``."""
        point = {knob: _suggested(trial, knob, each) for knob, each in self.space.items()}
        self._try([point])
        return self.trials[-1].error

    def _halved(self, n: int) -> None:
        """Judge n points on few rows, the better half on twice as many, up to all."""
        rounds = max(1, math.ceil(math.log2(n)))
        share = 2.0 ** (1 - rounds)
        points: list[Mapping[str, Any]] = []
        for k in range(n):
            point = self._fresh(near=False, place=k, known=points)
            points += [] if point is None else [point]
        if not points:
            return
        while True:
            found = self._try(points, min(share, 1.0))
            if share >= 1:
                return
            found.sort(key=_rank)
            points = [one.point for one in found[: max(1, math.ceil(len(found) / 2))]]
            share *= 2

    def _fresh(
        self,
        near: bool,
        place: int = 0,
        known: Sequence[Mapping[str, Any]] = (),
        ahead: int = 0,
    ) -> dict[str, Any] | None:
        """Return a point that was not tried before; None where none is found.

        It is the one that is drawn ``ahead`` trials later.
        """
        before = [*known, *(one.point for one in self.trials if one.share >= 1)]
        for k in range(DRAWS):
            point = self._drawn(near and 2 * k < DRAWS, place + 1000 * k, ahead)
            if point not in before:
                return point
        return None

    def _drawn(self, near: bool, place: int, ahead: int) -> dict[str, Any]:
        random = generator((self.seed, len(self.trials) + ahead, place))
        around = self.best_point if near and any(map(_sound, self.trials)) else {}
        return {knob: each.draw(random, around.get(knob)) for knob, each in self.space.items()}

    def _try(self, points: Sequence[Mapping[str, Any]], share: float = 1.0) -> list[Trial]:
        """Judge points, and return their trials."""
        first = len(self.trials)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatdlWarning)
            judged = iter(self.judge(points, share)) if points else iter(())
            for point in shown(points, "search"):
                self.trials.append(self._trial(point, share, next(judged)))
        return self.trials[first:]

    def _trial(self, point: Mapping[str, Any], share: float, judged: Any) -> Trial:
        if not isinstance(judged, StatdlError):
            error, standard_error = judged
            return Trial(point, error, standard_error, share)
        # a point that cannot be fitted is a result, not the end
        if not any(map(_sound, self.trials)) and len(self.trials) > 4:
            raise judged
        return Trial(point, math.nan, math.nan, share, str(judged))

    def _leader(self) -> Trial:
        sound = [one for one in self.trials if _sound(one)]
        if not sound:
            raise ModelError("No point of the space could be fitted: see the notes of its table.")
        most = max(one.share for one in sound)
        return min((one for one in sound if one.share == most), key=_rank)


def trials_of(given: Any, space: Mapping[str, Range | Choices]) -> list[Trial]:
    """Return the trials of an earlier search: another search, or the frame of one.

    Raises
    ------
    DataError
        Where a knob is not in the frame, or a setting not in the space.
    """
    if given is None:
        return []
    if isinstance(given, SearchResult):
        given = given.to_frame()
    table = given
    if not isinstance(given, pd.DataFrame):
        if not hasattr(given, "to_dict"):
            raise DataError(
                f"tried= needs a search or what its to_frame() gave, not {type(given).__name__}."
            )
        table = pd.DataFrame(dict(given.to_dict()))
    lost = [name for name in (*space, "validation", "std_error") if name not in table.columns]
    if lost:
        raise DataError(f"tried= has no column {lost[0]!r}; it is what to_frame() gave.")
    found = []
    for row in table.to_dict("records"):
        point = {knob: _setting(knob, one, row[knob]) for knob, one in space.items()}
        failure = row.get("failure", "")
        found.append(
            Trial(
                point,
                float(row["validation"]),
                float(row["std_error"]),
                float(row.get("share", 1.0)),
                failure if isinstance(failure, str) else "",
            )
        )
    return found


def _setting(knob: str, one: Range | Choices, cell: Any) -> Any:
    """Return a setting as it was before it went through a file."""
    if isinstance(one, Range):
        return int(cell) if one.whole else float(cell)
    for value in one.values:
        if value is cell or str(value) == str(cell):
            return value
    raise DataError(f"tried= has {knob} {cell!r}, which is no setting of the space.")


def _suggested(trial: Any, knob: str, each: Range | Choices) -> Any:
    if isinstance(each, Choices):
        return trial.suggest_categorical(knob, list(each.values))
    if each.whole:
        return trial.suggest_int(knob, each.low, each.high, log=each.logarithmic)
    return trial.suggest_float(knob, each.low, each.high, log=each.logarithmic)


def _sound(trial: Trial) -> bool:
    return math.isfinite(trial.error)


def _rank(trial: Trial) -> float:
    return trial.error if _sound(trial) else math.inf


def _column(values: Sequence[Any]) -> Any:
    """Return values as a column that prints: numbers as they are, all else as text."""
    return values if all(map(is_number, values)) else [str(value) for value in values]
