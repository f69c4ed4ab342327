"""What the summary of a network looks like, under each verdict on its weights.

How the minimum was found differs in the last digits between machines: gradients are left out.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

import statdl as sd
from statdl.estimate import Identification

CARS = sd.datasets.load("mtcars")


def identified() -> Any:
    return sd.mlp("mpg ~ wt + factor(am)", CARS, hidden=1, restarts=5)


def through_penalty() -> Any:
    """A column twice: decay shares the weight between the two, and nothing else would."""
    return sd.mlp("mpg ~ wt + I(2 * wt)", CARS, hidden=1, decay=0.1, restarts=5)


def singular() -> Any:
    """A unit twice."""
    one = sd.mlp("mpg ~ wt + hp", CARS, hidden=1, restarts=5).params
    start = {name.replace("h1", f"h{k}"): value for k in (1, 2) for name, value in one.items()}
    start |= {f"h{k} -> mpg": one["h1 -> mpg"] / 2 for k in (1, 2)}
    return sd.mlp("mpg ~ wt + hp", CARS, hidden=2, start=start)


def normalised() -> Any:
    start = sd.mlp("mpg ~ wt + hp", CARS, hidden=1, restarts=5)
    return sd.mlp("mpg ~ wt + hp", CARS, hidden=1, start=start, normalisation="weight")


PRINTS = {
    "network_identified": (identified, Identification.IDENTIFIED),
    "network_penalised": (through_penalty, Identification.THROUGH_PENALTY),
    "network_singular": (singular, Identification.SINGULAR),
    "network_normalised": (normalised, Identification.IDENTIFIED),
}


def settled(text: str) -> str:
    """Leave out what is not the same everywhere."""
    text = re.sub(r"(Gradient: *)(\S+)", lambda found: found[1] + "*" * len(found[2]), text)
    text = re.sub(r"(condition )(\S+)", lambda found: found[1] + "*" * len(found[2]), text)
    return re.sub(r"(Iterations: *)(\d+)", lambda found: found[1] + "*" * len(found[2]), text)


@pytest.mark.parametrize("name", PRINTS)
def test_golden_prints(name: str, golden: Callable[[str, str], None]) -> None:
    make, verdict = PRINTS[name]
    fit = make()
    assert fit.identification is verdict
    golden(f"{name}.txt", settled(str(fit.summary(weights=True))))
