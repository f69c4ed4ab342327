"""The table that ``effects()`` returns."""

from __future__ import annotations

import math
from collections.abc import Sequence

from statdl.infer.effects import Effects
from statdl.infer.inputs import InputTest
from statdl.report.table import DataTable

FORMATS = {
    "Effect": "number",
    "Std. Error": "number",
    "t": "statistic",
    "z": "statistic",
    "Pr(>|t|)": "p_value",
    "Pr(>|z|)": "p_value",
    "df": "integer",
    "F": "statistic",
    "Chisq": "statistic",
    "Pr(>F)": "p_value",
    "Pr(>Chisq)": "p_value",
}


def effects_table(effects: Effects, level: float) -> DataTable:
    """Return one row a column of X; with several classes, one a column and class."""
    inference = effects.inference
    lower, upper = inference.interval(level)
    letter = "z" if math.isinf(inference.df) else "t"
    tail = 50 * (1 - level)
    columns = {
        "Effect": inference.estimate,
        "Std. Error": inference.standard_error,
        letter: inference.statistic,
        f"Pr(>|{letter}|)": inference.p_value,
        f"{tail:g} %": lower,
        f"{100 - tail:g} %": upper,
    }
    count = max(1, len(effects.labels))
    words = {"Class": effects.labels * len(effects.names)} if effects.labels else {}
    return DataTable(
        "",
        tuple(name for name in effects.names for _ in range(count)),
        {**words, **{name: values.reshape(-1) for name, values in columns.items()}},
        "Average marginal effects",
        formats={name: style for name, style in FORMATS.items() if name in columns},
        notes=_notes(effects),
    )


def input_table(tests: Sequence[InputTest], reference_df: float) -> DataTable:
    """Return one row a term: F where the dispersion is estimated, else χ²."""
    plain = math.isinf(reference_df)
    letter = "Chisq" if plain else "F"
    divisors = [1 if plain else max(test.df, 1) for test in tests]
    columns = {
        "df": tuple(test.df or None for test in tests),
        letter: tuple(
            test.statistic / divisor if test.df else None
            for test, divisor in zip(tests, divisors, strict=True)
        ),
        f"Pr(>{letter})": tuple(
            None if math.isnan(test.p_value) else test.p_value for test in tests
        ),
    }
    return DataTable(
        "",
        tuple(test.name for test in tests),
        columns,
        "Wald tests of the inputs",
        formats={name: style for name, style in FORMATS.items() if name in columns},
    )


def _notes(effects: Effects) -> tuple[str, ...]:
    changed = [name for name, own in zip(effects.names, effects.discrete, strict=True) if own]
    notes = [f"Change from the reference level: {', '.join(changed)}."] if changed else []
    if not effects.inference.tested:
        notes.append("The fit is not at a minimum, which p-values presume: they are NA.")
    return tuple(notes)
