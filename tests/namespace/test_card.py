"""What only CuPy does or refuses, on the pretended one and on a card."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from statdl.backend.linalg import cholesky, factorise
from statdl.backend.stacked import factorise_each
from statdl.errors import NotPositiveDefiniteError
from tests.conftest import LEFT_OUT
from tests.places import CUPY, PLACES, Place

INDEFINITE = np.array([[1.0, 0.5, 0.9], [0.5, 1.0, -0.9], [0.9, -0.9, 1.0]])


@pytest.fixture(
    params=[
        pytest.param(
            place, id=place.name,
            marks=[pytest.mark.skip(reason=reason)] if (reason := LEFT_OUT[place.name]) else [],
        )
        for place in PLACES
        if place.name in CUPY
    ]
)  # fmt: skip
def card(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place whose arrays are CuPy's."""
    with request.param.there():
        yield request.param


def test_a_failed_factorisation_is_ours(card):
    for A in (INDEFINITE, np.ones((2, 2))):
        with pytest.raises(NotPositiveDefiniteError, match="not positive definite"):
            cholesky(card(A))
        with pytest.raises(NotPositiveDefiniteError):
            factorise(card(A))


def test_failures_in_a_stack_are_values(card):
    good = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 4.0]])
    stack = np.stack([good, INDEFINITE, np.ones((3, 3)), np.full((3, 3), np.nan), 2 * good])
    here, there = factorise_each(stack), factorise_each(card(stack))
    np.testing.assert_allclose(there.pivot.get(), here.pivot, rtol=1e-12)
    assert (here.pivot[[1, 2, 3]] == 0).all()
