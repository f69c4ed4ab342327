"""What is said of a path, and of its cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statdl.report.reading.words import Reading, counted, listed, percent, value

#: Columns that are named; of more, how many there are.
MOST = 12


def path_readings(
    strengths: Any,
    counts: Any,
    explained: Any,
    entries: Sequence[str],
    criteria: Mapping[str, int],
) -> tuple[Reading, ...]:
    """Return sentences on where a path begins and ends, who comes in first, and the criteria.

    ``entries`` are columns in the order of their coming, ``criteria`` places of the least by name.
    """
    first, last = value(float(strengths[0])), value(float(strengths[-1]))
    said = [
        Reading(
            "Range",
            f"From lambda {first}, with {counted(int(counts[0]), 'column')} in, to {last}, with "
            f"{counted(int(counts[-1]), 'column')} in and {percent(float(explained[-1]))} of the "
            "null deviance explained.",
        )
    ]
    if entries:
        more = f" and {counted(len(entries) - MOST, 'other')}" if len(entries) > MOST else ""
        said.append(
            Reading(
                "Order of entry",
                f"As the penalty falls, columns come in like this: {', '.join(entries[:MOST])}"
                f"{more}. Of correlated columns one may stand for another: an early entry is no "
                "proof of an effect, and a late one none of its absence.",
            )
        )
    parts = [
        f"{name} at lambda {value(float(strengths[k]))} ({counted(int(counts[k]), 'column')})"
        for name, k in criteria.items()
    ]
    said.append(Reading("Criteria", f"The least values: {listed(parts)}."))
    return tuple(said)


def validation_readings(
    measure: str, folds: int, choices: Sequence[Mapping[str, float]], names: Sequence[Sequence[str]]
) -> tuple[Reading, ...]:
    """Return sentences on the two values of λ that one chooses from.

    A choice has strength, error, spread and count; ``names`` are the columns that are in at each.
    """
    said = []
    reasons = (
        "has the best error",
        "is the largest whose error is within one standard error of that",
    )
    for subject, found, why, own in zip(
        ("lambda_min", "lambda_1se"), choices, reasons, names, strict=True
    ):
        who = f": {', '.join(own)}" if 0 < len(own) <= MOST else ""
        said.append(
            Reading(
                subject,
                f"{value(found['strength'])} {why}, in {folds}-fold cross-validation: "
                f"{measure} {value(found['error'])}, standard error {value(found['spread'])}. "
                f"{counted(int(found['count']), 'column')} in{who}.",
            )
        )
    said.append(
        Reading(
            "What it is worth",
            "The error at lambda_min is a little too good, since lambda was chosen to make it "
            "small; nested_cv() gives an honest one.",
        )
    )
    return tuple(said)
