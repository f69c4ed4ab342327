"""The sentences of fits side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from statdl.report.reading.words import Reading, listed, value

#: Measures that are small where a fit is good, and what a difference in them is.
CRITERIA = {
    "AIC": "estimates, up to a constant, how badly new data would be predicted",
    "BIC": "approximates, up to a constant, −2 log of the probability of the data under the model",
}


def comparison_readings(
    names: Sequence[str], columns: Mapping[str, Any], comparable: bool
) -> tuple[Reading, ...]:
    """Return which of some fits is best by what, where they can be compared at all.

    Examples
    --------
    >>> found = comparison_readings(("(1)", "(2)"), {"AIC": (164.0, 154.7)}, True)
    >>> print(found[0].text)
    AIC is lowest for (2), 154.7; (1) is higher by 9.30. It estimates, up to a constant, how badly
    new data would be predicted.
    """
    if not comparable:
        return (
            Reading(
                "Comparison",
                "The fits have different rows or different responses, so that their criteria do "
                "not compare, and no sentence ranks them.",
            ),
        )
    found = [
        reading
        for name, meaning in CRITERIA.items()
        for reading in _lowest(names, columns.get(name), name, f" It {meaning}.")
    ]
    validation = " These rows were not fitted to." if "Val. Loss" in columns else ""
    found += _lowest(names, columns.get("Val. Loss"), "The validation loss", validation)
    found.append(
        Reading(
            "How far this goes",
            "Criteria compare fits to the same rows. They rank; they are no tests, and the "
            "intervals of a fit that was chosen by them know nothing of the choice.",
        )
    )
    return tuple(found)


def _lowest(names: Sequence[str], given: Any, what: str, end: str) -> Iterator[Reading]:
    """Yield which fit has the lowest value, and by how much."""
    if given is None or len(names) < 2:
        return
    pairs = list(zip(names, given, strict=True))
    known = sorted((pair for pair in pairs if _finite(pair[1])), key=lambda pair: pair[1])
    if len(known) < 2:
        return
    (best, least), *others = known
    behind = [f"{name} is higher by {value(one - least)}" for name, one in others]
    text = f"{what} is lowest for {best}, {value(least, 4)}; {listed(behind)}."
    without = [name for name, one in pairs if not _finite(one)]
    if without:
        text += f" {listed(without)} {'has' if len(without) == 1 else 'have'} none."
    yield Reading(what.removeprefix("The ").capitalize() if " " in what else what, text + end)


def _finite(x: Any) -> bool:
    return x is not None and math.isfinite(x)
