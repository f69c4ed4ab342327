"""The table that ``partial_effect()`` returns."""

from __future__ import annotations

from statdl.infer.partial import PartialEffect
from statdl.report.table import DataTable

FORMATS = {"Mean": "number", "Std. Error": "number"}


def partial_table(effect: PartialEffect) -> DataTable:
    """Return one row a value of the variable; with several classes, one a value and class."""
    count = effect.mean.shape[1]
    tail = 50 * (1 - effect.level)
    words = {"Class": effect.labels * len(effect.values)} if effect.labels else {}
    numbers = {
        "Mean": effect.mean,
        "Std. Error": effect.standard_error,
        f"{tail:g} %": effect.lower,
        f"{100 - tail:g} %": effect.upper,
    }
    values = tuple(_shown(value) for value in effect.values for _ in range(count))
    return DataTable(
        "",
        tuple(str(k + 1) for k in range(len(values))),
        {
            effect.variable: values,
            **words,
            **{name: column.reshape(-1) for name, column in numbers.items()},
        },
        f"Average means by {effect.variable}",
        formats=FORMATS,
        notes=(f"Averages of {effect.rows} row{'' if effect.rows == 1 else 's'}.",),
    )


def _shown(value: object) -> float | str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return int(value) if float(value).is_integer() else value
