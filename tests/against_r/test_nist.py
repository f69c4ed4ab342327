"""NIST's certified least squares problems: how many digits are right.

The log relative error (LRE) is the number of right digits. What a method can reach is bounded by
the columns it is given: x², x³, … rounded to doubles are not quite the powers. ``exact`` solves the
problem of the rounded columns by rational arithmetic and so tells that bound: 7.6 digits for Filip,
whose powers up to x¹⁰ have κ = 2e15, and 13 or more for all others.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

import statdl as sd
from tests.agreement import digits, exact_least_squares
from tests.reference import cases, frame

CASES = {case["id"]: case for case in cases("nist")}
every_case = pytest.mark.parametrize("name", CASES)

#: Digits that the worst coefficient and the worst standard error must have right.
PROMISED = 12.0
#: Less where rounding of the columns leaves less.
BOUNDED = {"filip": 7.5}
#: Their points lie on the curve: what is left of σ is rounding, relative to the size of y.
PERFECT = ("wampler1", "wampler2")


@cache
def fitted(name: str) -> sd.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.RankWarning)
        return sd.lm(CASES[name]["formula"], data=frame(CASES[name]))


def exact(name: str) -> np.ndarray:
    fit = fitted(name)
    return exact_least_squares(fit.model_matrix(), frame(CASES[name])["y"])


@every_case
def test_coefficients(name):
    assert digits(fitted(name).params, CASES[name]["estimate"]) >= BOUNDED.get(name, PROMISED)


@every_case
def test_coefficients_are_those_of_the_columns(name):
    # where refinement is on, nothing but the rounding of the columns themselves is left
    if "refined" in fitted(name).numerics.method:
        assert digits(fitted(name).params, exact(name)) >= 13.5


@every_case
def test_no_more_is_claimed_than_is_true(name):
    # of the largest coefficient in the units of its column: what "digits" speaks of
    fit = fitted(name)
    size = np.sqrt((np.asarray(fit.model_matrix()) ** 2).sum(axis=0))
    scaled, certified = fit.params * size, np.asarray(CASES[name]["estimate"]) * size
    error = np.abs(scaled - certified).max() / np.abs(certified).max()
    assert fit.convergence.converged
    assert -np.log10(max(error, 1e-16)) >= fit.convergence.digits - 1.5


def test_filip_is_solved_as_far_as_its_columns_allow():
    reachable = exact("filip")
    assert 7 < digits(reachable, CASES["filip"]["estimate"]) < 8
    assert digits(fitted("filip").params, reachable) >= 11


@pytest.mark.parametrize("name", [name for name in CASES if name not in PERFECT])
def test_standard_errors_and_measures_of_fit(name):
    fit, case = fitted(name), CASES[name]
    needed = BOUNDED.get(name, PROMISED)
    assert digits(fit.bse, case["se"]) >= needed
    assert digits(fit.sigma, case["sigma"]) >= needed
    assert digits(fit.rsquared, case["rsquared"]) >= 11


@pytest.mark.parametrize("name", PERFECT)
def test_a_perfect_fit_has_errors_of_rounding_only(name):
    fit = fitted(name)
    y = frame(CASES[name])["y"]
    assert CASES[name]["sigma"] == 0
    assert fit.bse.max() < 1e-9
    assert fit.sigma < 1e-12 * np.abs(y).max()
    assert fit.rsquared == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(fit.fittedvalues, y, rtol=1e-12, atol=1e-12 * np.abs(y).max())
