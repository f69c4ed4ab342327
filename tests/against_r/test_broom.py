"""tidy, glance and augment against R's broom: every case of ``tests/reference/broom.json``."""

from __future__ import annotations

import pandas as pd
import pytest

import statdl as sd
from tests.agreement import agree, agree_p
from tests.reference import cases, frame, numbers, without_brackets

CASES = {case["id"]: case for case in cases("broom")}
SCALED = {".resid", ".std.resid", ".cooksd", ".fitted"}


def fitted(case):
    options = {} if case["weights"] is None else {"weights": case["weights"]}
    if case["model"] == "glm":
        options |= {"family": case["family"].lower(), "link": case["link"]}
    front = {"lm": sd.lm, "glm": sd.glm, "multinom": sd.multinom}[case["model"]]
    return front(case["formula"], data=frame(case), **options)


def compare(ours, theirs, rtol):
    for name, values in theirs.items():
        if name in ("term", "y.level"):
            assert [without_brackets(label) for label in ours[name]] == [
                without_brackets(label) for label in values
            ]
        elif name == "p.value":
            agree_p(ours[name], numbers(values), rtol=rtol)
        else:
            scale = max(map(abs, values)) if name in SCALED else 0.0
            agree(ours[name][: len(values)], numbers(values), rtol=rtol, scale=scale)


@pytest.mark.parametrize("name", CASES)
def test_tidy(name):
    case = CASES[name]
    table = fitted(case).tidy(conf_int=True)
    assert list(table.columns) == list(case["result"]["tidy"])
    # nnet stops its search early, and its Hessian is of single precision
    compare(table, case["result"]["tidy"], 1e-4 if case["model"] == "multinom" else 1e-7)


@pytest.mark.parametrize("name", CASES)
def test_glance(name):
    case = CASES[name]
    row = fitted(case).glance()
    theirs = case["result"]["glance"]
    assert set(theirs) <= set(row.columns)
    compare(row, theirs, 1e-8)


@pytest.mark.parametrize("name", [name for name in CASES if name != "multinom"])
def test_augment(name):
    case = CASES[name]
    table = fitted(case).augment(se_fit=True)
    theirs = case["result"]["augment"]
    assert {column for column in table.columns if column.startswith(".")} == set(theirs)
    compare(table.reset_index(drop=True), theirs, 1e-7)


def test_the_columns_stand_in_broom_s_order():
    fit = fitted(CASES["lm"])
    assert list(fit.glance().columns) == list(CASES["lm"]["result"]["glance"])
    assert isinstance(fit.glance(), pd.DataFrame)
