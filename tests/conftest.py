"""Fixtures of all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.places import NO_CARD, NOT_PRETENDED, PLACES, Place

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


@pytest.fixture(
    params=[pytest.param(place, id=place.name, marks=_marks(place)) for place in PLACES]
)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One of the places on which statdl has to give the same numbers."""
    with request.param.there():
        yield request.param
