"""Nested models compared, against R's ``anova``: every case of ``tests/reference/anova.json``."""

from __future__ import annotations

import pytest

import statdl as sd
from tests.agreement import agree, agree_p
from tests.reference import arguments, cases, frame, numbers

CASES = {f"{case['model']}-{case['id']}-{case['test']}": case for case in cases("anova")}
FRONTS = {"lm": sd.lm, "glm": sd.glm, "multinom": sd.multinom}

#: R's column → the names it has here
COLUMNS = {
    "df_residual": ("Resid. Df",),
    "rss": ("RSS",),
    "residual_deviance": ("Resid. Dev", "RSS"),
    "df": ("Df",),
    "sum_sq": ("Sum Sq",),
    "deviance": ("Deviance", "Sum Sq"),
    "chi2": ("Chisq",),
    "f": ("F",),
}


def fits(case):
    options = arguments(case)
    if case["model"] == "glm":
        options |= {"family": case["family"].lower(), "link": case["link"]}
    front = FRONTS[case["model"]]
    return [front(formula, data=frame(case), **options) for formula in case["formulas"]]


@pytest.mark.parametrize("name", CASES)
def test_comparisons(name):
    case = CASES[name]
    expected = case["result"]
    models = fits(case)
    table = sd.anova(*models, test=case["test"]).to_frame()
    assert len(table) == len(case["formulas"])
    for theirs, names in COLUMNS.items():
        if theirs in expected:
            ours = next(table[column] for column in names if column in table)
            agree(ours, numbers(expected[theirs]))
    agree_p(table[f"Pr(>{case['test']})"], numbers(expected["p"]))
    if "edf" in expected:
        assert [model.logLik().df for model in models] == expected["edf"]


@pytest.mark.parametrize("name", CASES)
def test_the_test_needs_no_name(name):
    case = CASES[name]
    models = fits(case)
    estimated = case["model"] == "lm" or case.get("family") in ("gaussian", "Gamma")
    chosen = sd.anova(*models).to_frame()
    assert ("F" in chosen) == estimated
    assert ("Chisq" in chosen) != estimated
