"""Margins and tables of fits whose rows are elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import statdl as sd
from tests.namespace.models import MODELS, NUMPY, model, same_numbers

every_model = pytest.mark.parametrize("name", MODELS)
NEW = np.random.default_rng(5).normal(size=(7, 3))


@every_model
@pytest.mark.parametrize("verb", ["predictions", "avg_predictions"])
@pytest.mark.parametrize("type", ["response", "link"])
def test_predictions(place, name, verb, type):
    same_numbers(name, place, lambda fit: getattr(fit, verb)(type=type), 1e-8)


@every_model
def test_slopes_and_comparisons(place, name):
    # a slope is a difference over 1e-5 of the variable's spread
    same_numbers(name, place, lambda fit: fit.avg_slopes(), 1e-7)
    same_numbers(name, place, lambda fit: fit.slopes("x1"), 1e-7)
    same_numbers(name, place, lambda fit: fit.avg_comparisons({"x1": "sd"}), 1e-8)


@every_model
def test_averages_in_groups_and_robust(place, name):
    same_numbers(name, place, lambda fit: fit.avg_slopes("x1", vcov="HC0"), 1e-7)


def test_new_rows_go_where_the_fit_is(place):
    there, here = model("multinom", place), model("multinom", NUMPY)
    ours, theirs = there.comparisons("x1", place(NEW)), here.comparisons("x1", NEW)
    np.testing.assert_allclose(ours["estimate"], theirs["estimate"], rtol=1e-8)
    np.testing.assert_allclose(ours["std.error"], theirs["std.error"], rtol=1e-7)


@every_model
def test_tables(place, name):
    for verb in ("tidy", "glance", "augment"):
        same_numbers(name, place, lambda fit, verb=verb: getattr(fit, verb)(), 1e-7)


@every_model
def test_other_packages_agree_with_rows_that_are_elsewhere(place, name):
    ours, theirs = sd.validate(model(name, place)), sd.validate(model(name, NUMPY))
    assert ours.index == theirs.index
    assert ours.agrees == theirs.agrees
