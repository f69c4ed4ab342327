"""Fixtures of all tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.namespace import host_kernels
from tests.places import CUPY, NO_CARD, NOT_PRETENDED, PLACES, Place

# how long an example takes says more of the machine than of statdl
settings.register_profile("statdl", deadline=None)
settings.load_profile("statdl")

#: Scripts that wrote the numbers beside them; what they need is not installed for the tests.
collect_ignore_glob = ["reference/*"]

#: Why a place is left out here; None where it is not.
LEFT_OUT = {"cupy": NO_CARD, "pretended": NOT_PRETENDED}


def _marks(place: Place) -> list[pytest.MarkDecorator]:
    reason = LEFT_OUT.get(place.name)
    return [] if reason is None else [pytest.mark.skip(reason=reason)]


def _places(names: tuple[str, ...]) -> list[Any]:
    chosen = [place for place in PLACES if place.name in names]
    return [pytest.param(place, id=place.name, marks=_marks(place)) for place in chosen]


@pytest.fixture(params=_places(tuple(place.name for place in PLACES)))
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One of the places on which statdl has to give the same numbers."""
    with request.param.there():
        yield request.param


@pytest.fixture(params=_places(CUPY))
def card(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place whose arrays are CuPy's, for what only a card does; it compiles kernels."""
    if request.param.name == "pretended" and host_kernels.COMPILER is None:
        pytest.skip("there is no C++ compiler")
    with request.param.there():
        yield request.param
