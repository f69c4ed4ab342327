"""Fixtures of all tests."""

import pytest
from hypothesis import settings

from tests.places import NO_CARD, PLACES, Place

# how long an example takes says more of the machine than of statdl
settings.register_profile("statdl", deadline=None)
settings.load_profile("statdl")

#: Scripts that wrote the numbers beside them; what they need is not installed for the tests.
collect_ignore_glob = ["reference/*"]

CARD = pytest.mark.skipif(NO_CARD is not None, reason=str(NO_CARD))


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(place, id=place.name, marks=CARD if place.name == "cupy" else ())
        for place in PLACES
    ],
)
def place(request: pytest.FixtureRequest) -> Place:
    """One of the places on which statdl has to give the same numbers."""
    return request.param
