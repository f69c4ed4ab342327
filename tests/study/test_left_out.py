"""Refits under a penalty of a fit that has left columns out: said, since a penalty has them."""

import warnings

import numpy as np
import pytest

import statdl as sd

CARS = sd.datasets.load("mtcars")


@pytest.fixture
def repeated():
    with pytest.warns(sd.RankWarning):
        return sd.lm("mpg ~ wt + hp + I(wt + hp)", data=CARS)


def test_refits_leave_the_same_columns_out_and_say_so(repeated):
    with pytest.warns(sd.StatdlWarning, match=r"would determine 'I\(wt \+ hp\)' too, which the"):
        found = sd.fit_many(repeated, penalty=[1.0])
    alone = sd.lm("mpg ~ wt + hp", data=CARS, penalty=1.0)
    assert np.allclose(found.estimates[0][:3], alone.params, rtol=1e-5)


def test_a_fit_with_a_penalty_has_them(repeated):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        penalised = repeated.update(penalty=2.0)
        found = sd.fit_many(penalised, penalty=[1.0])
        sd.fit_many(sd.lm("mpg ~ wt + hp", data=CARS), penalty=[1.0])
    whole = repeated.update(penalty=1.0)
    assert np.allclose(found.estimates[0], whole.params, rtol=1e-5)
