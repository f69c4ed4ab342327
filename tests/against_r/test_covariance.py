"""Robust covariances against R's sandwich: every case of tests/reference/covariance.json."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import statdl as sd
from statdl.infer.newey_west import chosen_lags
from tests.agreement import agree, agree_in_size
from tests.reference import arguments, cases, frame, numbers

CASES = {case["id"]: case for case in cases("covariance")}
FRONTS = {"lm": sd.lm, "glm": sd.glm, "multinom": sd.multinom}
NEWEY_WEST = {
    "lag3": {"maxlags": 3},
    "lag3_adjusted": {"maxlags": 3, "correction": "full"},
    "lag0": {"maxlags": 0},
}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    """A fit, its case, and R's results."""
    case = CASES[request.param]
    options = arguments(case)
    if case["model"] == "glm":
        options |= {"family": case["family"].lower(), "link": case["link"]}
    fit = FRONTS[case["model"]](case["formula"], data=frame(case), **options)
    return fit, case, case["result"]


def test_rows_of_unequal_variance(pair):
    fit, _, expected = pair
    for kind, matrix in expected["hc"].items():
        agree_in_size(fit.vcov(kind), numbers(matrix))
    agree(fit.with_covariance("HC0").bse, fit.with_covariance("sandwich").bse)


@pytest.mark.parametrize("correction", ["none", "groups", "full"])
def test_clusters(pair, correction):
    fit, case, expected = pair
    found = fit.vcov("cluster", cluster=case["clusters"][0], correction=correction)
    agree_in_size(found, numbers(expected["cluster"][correction]))


def test_two_ways_of_clusters(pair):
    fit, case, expected = pair
    if "two" not in expected["cluster"]:
        pytest.skip("one way")
    matrix = numbers(expected["cluster"]["two"])
    if np.linalg.eigvalsh(matrix)[0] < 0:
        with pytest.warns(sd.StatdlWarning, match="negative variance"):
            found = fit.vcov("cluster", cluster=case["clusters"])
        assert np.linalg.eigvalsh(found)[0] >= -1e-12 * np.linalg.eigvalsh(matrix)[-1]
        return
    agree_in_size(fit.vcov("cluster", cluster=case["clusters"]), matrix)


@pytest.mark.parametrize("lags", NEWEY_WEST)
def test_newey_west(pair, lags):
    fit, _, expected = pair
    agree_in_size(fit.vcov("HAC", **NEWEY_WEST[lags]), numbers(expected["newey_west"][lags]))


def test_lags_chosen_from_the_data(pair):
    fit, _, expected = pair
    if "bandwidth" not in expected:
        pytest.skip("sandwich chooses them for lm and glm")
    assert chosen_lags(fit.estimate) == int(expected["bandwidth"])


def test_all_slopes_together(pair):
    fit, _, expected = pair
    if "wald" not in expected:
        pytest.skip("car tests lm and glm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agree(fit.with_covariance("HC3").goodness.fvalue, expected["wald"])
