"""Questions to a model: what is changed in the rows, and how what it predicts is compared.

Numbers are changed by a step (1 unless asked), a standard deviation or two around the mean, over
the middle half or the whole range, or from one value to another; factors from level to level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np

from statdl.backend.array import epsilon
from statdl.errors import ModelError
from statdl.formula import FormulaRecipe
from statdl.formula.settable import Observed, columns_of
from statdl.infer.margins import COMBINATIONS, Question
from statdl.infer.population import Population, observed

SLOPES = {"dydx": "dY/dX", "eyex": "eY/eX", "eydx": "eY/dX", "dyex": "dY/eX"}
_PAIRS: Mapping[str, Callable[[Sequence[Any]], list[tuple[Any, Any]]]] = {
    "reference": lambda levels: [(level, levels[0]) for level in levels[1:]],
    "sequential": lambda levels: [(after, before) for before, after in pairwise(levels)],
    "pairwise": lambda levels: [(after, before) for before, after in combinations(levels, 2)],
}
Spec = Any


def prediction_questions(
    rows: Population, variables: Any, by: Sequence[str] | None = None
) -> list[Question]:
    """Return one question for every combination of the values given; for none, the rows as is.

    ``variables`` is a mapping of names to values, or names, for all levels or the range of each.
    Where answers are averaged ``by`` columns, variables that are not among these are averaged over.
    """
    asked = {} if variables is None else by_name(variables)
    wanted = {name: _listed(value, _seen(rows, name)) for name, value in asked.items()}
    if not wanted:
        return [Question({}, ({},))]
    told = {name: values for name, values in wanted.items() if by is None or name in by}
    rest = {name: values for name, values in wanted.items() if name not in told}
    return [
        Question(one, tuple({**one, **other} for other in _crossed(rest)), "mean")
        for one in _crossed(told)
    ]


def _crossed(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination."""
    return [dict(zip(values, row, strict=True)) for row in product(*values.values())]


def comparison_questions(
    rows: Population, variables: Any, comparison: str = "difference"
) -> list[Question]:
    """Return the questions how predictions compare when one variable after another is changed.

    ``variables`` are names, or a mapping of names to changes: a number (a step), "sd", "2sd",
    "iqr", "minmax", or (from, to); of factors "reference", "sequential", "pairwise" or (from, to).
    """
    if comparison not in COMBINATIONS:
        raise ModelError(
            f"comparison={comparison!r} is not known; choose one of {', '.join(COMBINATIONS)}."
        )
    return [
        question
        for name, change in _named(rows, variables).items()
        for question in _compared(rows, name, change, comparison)
    ]


def slope_questions(rows: Population, variables: Any, slope: str = "dydx") -> list[Question]:
    """Return the questions how steeply predictions run along variables; factors are compared."""
    if slope not in SLOPES:
        raise ModelError(f"slope={slope!r} is not known; choose one of {', '.join(SLOPES)}.")
    found = []
    for name in _named(rows, variables):
        seen = _seen(rows, name)
        if seen.levels and slope != "dydx":
            if variables is not None:
                raise ModelError(f"slope={slope!r} is for numbers, and {name!r} is a factor.")
        elif seen.levels:
            found += list(_compared(rows, name, None, "difference"))
        else:
            found.append(_slope(rows, name, seen, slope))
    return found


def is_logged(slope: str) -> bool:
    """Tell whether a slope is of the logarithm of what is predicted."""
    return slope.startswith("ey")


def _named(rows: Population, variables: Any) -> dict[str, Spec]:
    """Return the changes by variable: those given, or the usual one for every variable."""
    design = rows.estimate.frame.design
    if variables is None:
        names = [name for name in rows.variables if columns_of(design, name)]
        if not names:
            raise ModelError("The model has no variables that could be changed.")
        return dict.fromkeys(names)
    chosen = by_name(variables)
    for name in chosen:
        columns_of(design, name)  # refuses what is no variable of the model
    return chosen


def by_name(variables: Any) -> dict[str, Spec]:
    """Return what is asked of variables by name, None where there are only names."""
    if isinstance(variables, Mapping):
        return dict(variables)
    plain = isinstance(variables, str) or not isinstance(variables, Iterable)
    names = [variables] if plain else list(variables)
    if not all(isinstance(name, str) for name in names):
        raise ModelError(
            f"variables={variables!r}: give names of variables, or a mapping of them, such as "
            "'wt', ['wt', 'hp'] or {'wt': [2, 3]}."
        )
    return dict.fromkeys(names)


def _seen(rows: Population, name: str) -> Observed:
    return observed(rows.estimate, name, rows)


def _listed(value: Any, seen: Observed) -> list[Any]:
    """Return values of a variable: those given, all levels, or the five numbers of its range."""
    if value is None:
        return list(seen.levels or np.quantile(seen.values, (0, 0.25, 0.5, 0.75, 1)).tolist())
    if np.ndim(value) == 0:
        return [value]
    return list(value.tolist() if hasattr(value, "tolist") else value)


# comparisons ----------------------------------------------------------------------------------


def _compared(rows: Population, name: str, change: Spec, comparison: str) -> Iterator[Question]:
    seen = _seen(rows, name)
    pairs = (
        _of_levels(name, change, seen) if seen.levels else [_of_numbers(rows, name, change, seen)]
    )
    for after, before, label in pairs:
        text = label or COMBINATIONS[comparison].label.format(_shown(after), _shown(before))
        settings = ({name: after}, {name: before})
        yield Question({"term": name, "contrast": text}, settings, comparison)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of_levels(name: str, change: Spec, seen: Observed) -> list[tuple[Any, Any, str]]:
    """Return pairs (after, before) of levels."""
    if change is None or isinstance(change, str):
        if (change or "reference") not in _PAIRS:
            raise ModelError(
                f"variables={{{name!r}: {change!r}}}: a factor changes by {', '.join(_PAIRS)}, or "
                "from one level to another as in ('a', 'b')."
            )
        return [(*pair, "") for pair in _PAIRS[change or "reference"](seen.levels)]
    pair = list(change) if isinstance(change, Sequence | np.ndarray) else [change]
    unknown = [level for level in pair if level not in seen.levels]
    if len(pair) != 2 or unknown:
        raise ModelError(
            f"variables={{{name!r}: {change!r}}}: give two of its levels, from and to: "
            f"{', '.join(map(repr, seen.levels))}."
        )
    return [(pair[1], pair[0], "")]


def _of_numbers(rows: Population, name: str, change: Spec, seen: Observed) -> tuple[Any, Any, str]:
    """Return (after, before) of numbers, and what the change is called where that is not plain."""
    now, held = _current(rows, name), seen.values
    if change is None and set(np.unique(held[:10_000]).tolist()) <= {0.0, 1.0}:
        change = (0, 1)  # an indicator is on or off
    if change is None or (isinstance(change, int | float) and not isinstance(change, bool)):
        step = 1 if change is None else change
        return now + step, now, f"{step:+g}"
    if isinstance(change, str):
        return _spread(name, change, now, held)
    pair = list(change)
    if len(pair) != 2 or not all(isinstance(value, int | float | np.number) for value in pair):
        raise ModelError(
            f"variables={{{name!r}: {change!r}}}: a number changes by a step such as 1, by 'sd', "
            "'2sd', 'iqr' or 'minmax', or from one value to another as in (2, 3)."
        )
    return float(pair[1]), float(pair[0]), ""


def _spread(name: str, change: str, now: Any, held: Any) -> tuple[Any, Any, str]:
    if change in ("sd", "2sd"):
        half, text = float(np.std(held, ddof=1)), "sd"
        if change == "sd":
            half, text = half / 2, "sd/2"
        return now + half, now - half, f"(x+{text}) - (x-{text})"
    if change == "iqr":
        low, high = np.quantile(held, (0.25, 0.75)).tolist()
        return high, low, "Q3 - Q1"
    if change == "minmax":
        return float(held.max()), float(held.min()), "Max - Min"
    raise ModelError(
        f"variables={{{name!r}: {change!r}}}: a number changes by a step such as 1, by 'sd', "
        "'2sd', 'iqr' or 'minmax', or from one value to another as in (2, 3)."
    )


# slopes ---------------------------------------------------------------------------------------


def _slope(rows: Population, name: str, seen: Observed, slope: str) -> Question:
    spread = float(np.std(seen.values))
    if not spread > 0:
        raise ModelError(f"{name!r} is the same in every row, so that nothing is known of a slope.")
    # a power of two, so that adding it to whole and short decimal numbers makes no rounding error
    root = epsilon(rows.estimate.specification.rows.template) ** (1 / 3)
    h = 2.0 ** round(math.log2(root * spread))
    now = _current(rows, name)
    centre = now if _is_plain(rows, name) else _within(now, seen.values, h)
    return Question(
        {"term": name, "contrast": SLOPES[slope]},
        ({name: centre + h}, {name: centre - h}),
        divisor=2 * h,
        factor=now if slope.endswith("ex") else None,
    )


def _current(rows: Population, name: str) -> Any:
    return np.asarray(rows.data.values(name), dtype=float)


def _is_plain(rows: Population, name: str) -> bool:
    """Tell whether the formula has the variable itself only, and no function of it."""
    recipe = rows.estimate.frame.design.recipe
    if not isinstance(recipe, FormulaRecipe):
        return True
    return all(read.code == "_0" for read in recipe.expressions() if name in read.columns)


def _within(now: Any, held: Any, h: float) -> Any:
    """Return values moved by h at most, so that a spline is not asked about what is outside."""
    low, high = float(held.min()) + h, float(held.max()) - h
    inside = (now >= low - h) & (now <= high + h) & (low <= high)
    return np.where(inside, np.clip(now, low, high), now) if low <= high else now
