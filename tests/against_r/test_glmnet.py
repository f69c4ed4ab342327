"""Regularization paths against glmnet at a tight tolerance: ``tests/reference/glmnet.json``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import statdl as sd
from tests.reference import cases

CASES = {case["id"]: case for case in cases("glmnet")}
every_case = pytest.mark.parametrize("name", CASES)

#: glmnet's names and ours.
WORDS = {
    "alpha": "alpha", "weights": "weights", "offset": "offset", "penalty.factor": "penalty_factor",
    "standardize": "standardize", "intercept": "intercept", "lower.limits": "lower",
    "upper.limits": "upper",
}  # fmt: skip


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    cars = sd.datasets.load("mtcars")
    options = dict(case["options"] or {})
    grouped = options.pop("type.multinomial", None) == "grouped"
    words = {WORDS[name]: value for name, value in options.items()}
    y = cars[case["y"]] if isinstance(case["y"], str) else np.asarray(case["y"])
    return {
        "X": cars[case["columns"]], "y": y, "family": case["family"], "grouped": grouped, **words
    }  # fmt: skip


@every_case
def test_coefficients(name):
    case = CASES[name]
    path = sd.path(lambda_=case["lambda"], tolerance=1e-11, **arguments(case))
    expected = np.asarray(case["coefficients"])  # (q, L, p + 1)
    if (case["options"] or {}).get("intercept") is False:
        expected = expected[:, :, 1:]
        ours = path.coef().to_numpy()[None]
    else:
        q = len(expected)
        ours = path.coef().to_numpy().reshape(len(path.lambdas), q, -1).transpose(1, 0, 2)
    assert path.kkt < 1e-10
    scale = np.abs(expected).max(axis=(0, 1))
    assert np.abs(ours - expected).max() <= 1e-5 * max(scale.max(), 1)
    assert np.abs((ours - expected) / np.maximum(scale, 1e-3)).max() <= 1e-5
    assert path.explained == pytest.approx(case["explained"], abs=1e-7)


@every_case
def test_grid(name):
    """λ_max and the steps are those of glmnet, and where it is exact the path ends where it does.

    glmnet's own end depends on its tolerance: for groups of classes its last solutions are far from
    converged, and their gains small.
    """
    case = CASES[name]
    path = sd.path(**arguments(case))
    expected = np.asarray(case["grid"])
    both = min(len(expected), len(path.lambdas))
    np.testing.assert_allclose(path.lambdas[:both], expected[:both], rtol=1e-5)
    if case["family"] in ("gaussian", "binomial"):
        assert abs(len(path.lambdas) - len(expected)) <= 2
