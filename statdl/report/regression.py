"""Fits side by side as papers print them: coefficients over their errors, measures of fit below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from statdl.errors import ModelError, unknown_word
from statdl.estimate import Estimate
from statdl.infer.distribution import check_level
from statdl.infer.effects import at_hand, own_effects
from statdl.infer.predict import output_labels
from statdl.infer.wald import coefficients
from statdl.report import reading
from statdl.report.block import Document, Table
from statdl.report.format import FORMATS, number, p_value, statistic
from statdl.report.table import DataTable

EFFECTS = (
    "Rows are average marginal effects on the mean response, the coefficients where it is linear: "
    "the same quantity of every model."
)
RATIOS = "Rows are ratios e^β; their standard errors are e^β times those of β, tests are of β = 0."
#: p-values below which an estimate gets a mark, where marks are asked for.
STARS = {"*": 0.05, "**": 0.01, "***": 0.001}
SHOWN = ("coefficients", "effects")
BELOW = ("std.error", "statistic", "p.value", "conf.int", "nothing")


@dataclass(frozen=True, repr=False)
class RegressionTable(DataTable):
    """Measures of fit, one row a fit, that print below the coefficients of the fits.

    ``terms`` are the rows of coefficients, ``cells`` by fit what stands there: an estimate and what
    is below it, or nothing. ``comparable`` tells whether all are fits of one response to as many
    rows.
    """

    terms: tuple[str, ...] = ()
    cells: tuple[Mapping[str, tuple[str, str]], ...] = field(default_factory=tuple)
    comparable: bool = True

    def readings(self) -> tuple[reading.Reading, ...]:
        """Return which fit is best by what, where they compare."""
        return reading.comparison_readings(self.index, self.columns, self.comparable)

    def document(self) -> Document:
        """Return the fits in columns."""
        head = ("", *self.index)
        blocks = [Table(head, tuple(row for term in self.terms for row in self._rows(term)))]
        measures = tuple(
            (name, *map(FORMATS[self.formats.get(name, "automatic")], values))
            for name, values in self.columns.items()
        )
        blocks.append(Table(head, measures))
        return Document(
            self.title, tuple(block for block in blocks if block.rows), self.notes, self.heading
        )

    def _rows(self, term: str) -> list[tuple[str, ...]]:
        found = [one.get(term, ("", "")) for one in self.cells]
        above = (term, *(cell[0] for cell in found))
        below = ("", *(cell[1] for cell in found))
        return [above, below] if any(below) else [above]


def check_what(what: str | None) -> None:
    """Refuse another word than those for coefficients and effects."""
    if what is not None and what not in SHOWN:
        raise unknown_word("what", what, SHOWN)


def chosen_rows(what: str | None, estimates: Sequence[Estimate]) -> str:
    """Return what the rows are: effects, which every model has, where one fit is a network.

    Raises
    ------
    ModelError
        For another word.
    """
    check_what(what)
    if what is not None:
        return what
    networks = any(one.specification.plan is not None for one in estimates)
    return "effects" if networks and all(map(at_hand, estimates)) else "coefficients"


def regression_cells(
    estimate: Estimate,
    what: str = "coefficients",
    *,
    below: str,
    stars: Mapping[str, float],
    level: float,
    exponentiate: bool,
) -> dict[str, tuple[str, str]]:
    """Return an estimate and what stands below it, by term; no coefficients of a network.

    Terms of several classes are named after their class. The standard error of e^β is e^β times
    that of β (the delta method); statistics and p-values are those of β = 0.
    """
    if what == "effects":
        effects = own_effects(estimate)
        found, names, labels = effects.inference, effects.names, effects.labels
    elif estimate.specification.plan is not None:
        return {}
    else:
        names = estimate.specification.coefficient_names
        found, labels = coefficients(estimate), output_labels(estimate)
    limits = found.interval(check_level(level))
    cells = {}
    for k, output in enumerate(labels or ("",)):
        for j, name in enumerate(names):
            at = (j, k)
            values = [one[at] for one in (found.estimate, *limits)]
            value, *ends = np.exp(values) if exponentiate else values
            error = found.standard_error[at] * (value if exponentiate else 1)
            under = {
                "std.error": number(error, 3),
                "statistic": statistic(found.statistic[at]),
                "p.value": p_value(found.p_value[at]),
                "conf.int": ", ".join(number(end, 3) for end in ends),
                "nothing": "",
            }[below]
            mark = _mark(float(found.p_value[at]), stars)
            label = f"{output}: {name}" if output else name
            cells[label] = (number(value) + mark, f"({under})" if under else "")
    return cells


def _mark(p: float, stars: Mapping[str, float]) -> str:
    """Return the mark of the smallest bound that a p-value is below."""
    reached = [(bound, mark) for mark, bound in stars.items() if p < bound]
    return min(reached)[1] if reached else ""


def as_stars(stars: Any) -> Mapping[str, float]:
    """Return marks with their bounds: none, the usual ones, or one's own."""
    if isinstance(stars, bool):
        return STARS if stars else {}
    if not isinstance(stars, Mapping) or not all(0 < bound < 1 for bound in stars.values()):
        raise ModelError(f"stars={stars!r}: give True, or marks with bounds such as {STARS}.")
    return stars


def check_below(below: str) -> None:
    """Refuse what cannot stand below an estimate."""
    if below not in BELOW:
        raise unknown_word("below", below, BELOW)


def regression_notes(
    estimates: Sequence[Estimate],
    what: str,
    heads: Sequence[str],
    below: str,
    stars: Mapping[str, float],
    level: float,
    exponentiate: bool = False,
) -> list[str]:
    """Return what the cells are, and which covariance they are from."""
    words = {
        "std.error": "standard errors",
        "statistic": "t or z values",
        "p.value": "p-values",
        "conf.int": f"{100 * level:g} % confidence limits",
    }
    notes = [EFFECTS] if what == "effects" else [RATIOS] if exponentiate else []
    notes += [f"In parentheses: {words[below]}."] if below in words else []
    if stars:
        marks = sorted(stars.items(), key=lambda pair: -pair[1])
        notes.append(", ".join(f"{mark} p < {bound:g}" for mark, bound in marks) + ".")
    robust = [one.reported.note if one.reported is not None else "" for one in estimates]
    if len(set(robust)) == 1:
        return notes + [note for note in robust[:1] if note]
    return notes + [f"{head} {note}" for head, note in zip(heads, robust, strict=True) if note]


def column_names(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Return the heads of the columns: (1), (2), … unless named."""
    if names is None:
        return tuple(f"({k})" for k in range(1, count + 1))
    if len(names) != count or len(set(names)) != count:
        raise ModelError(f"names= needs {count} different names, one for each fit.")
    return tuple(str(name) for name in names)


def all_terms(cells: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the terms of all fits, in the order in which they first appear."""
    return tuple(dict.fromkeys(term for one in cells for term in one))
