"""The tables of Wald tests: of hypotheses, of terms, and of what the delta method derives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.adjust import adjusted
from statdl.infer.delta import Derived
from statdl.infer.distribution import check_level, chi2_tail
from statdl.infer.linear_hypothesis import Hypotheses, WaldTest, each, together
from statdl.infer.term_tests import Named, check_test
from statdl.report.table import DataTable

FORMATS = {
    "Estimate": "number",
    "Std. Error": "number",
    "Df": "integer",
    "F": "statistic",
    "Chisq": "statistic",
    "t": "statistic",
    "z": "statistic",
}


def hypothesis_table(
    estimate: Estimate, found: Hypotheses, test: str | None, adjust: str | None
) -> DataTable:
    """Return each hypothesis with its estimate, and all of them together."""
    letter = check_test(estimate, test)
    joint = together(estimate, found)
    values, errors = each(estimate, found)
    df = joint.reference_df
    singles = [
        WaldTest(float(value / error) ** 2, 1, df)
        for value, error in zip(values, errors, strict=True)
    ]
    many = len(singles) > 1
    tests = [*singles, joint] if many else singles
    p = [_p(one, letter) for one in tests]
    if adjust is not None:
        p[: len(singles)] = adjusted(p[: len(singles)], adjust).tolist()
    blank = [None] if many else []
    columns = {
        "Estimate": [*values.tolist(), *blank],
        "Std. Error": [*errors.tolist(), *blank],
        **_tests(tests, letter, p),
    }
    names = (*found.texts, "all together") if many else found.texts
    notes = ("Estimate: left side less right side.", *_adjusted(adjust, "those of single tests"))
    return _table(names, columns, "Wald test of linear hypotheses", estimate, notes)


def term_test_table(
    estimate: Estimate, tests: Sequence[Named], test: str | None, typ: int
) -> DataTable:
    """Return the Wald tests of terms."""
    letter = check_test(estimate, test)
    own = [one.test for one in tests]
    kind = {1: "Type I, sequential", 2: "Type II", 3: "Type III, sum contrasts"}[typ]
    columns = _tests(own, letter, [_p(one, letter) for one in own])
    title = f"Wald tests of terms ({kind})"
    return _table([one.name for one in tests], columns, title, estimate, _untested(tests))


def model_test_table(
    estimates: Sequence[Estimate], tests: Sequence[Named], test: str | None, formulas: Sequence[str]
) -> DataTable:
    """Return the Wald tests of nested models, each against the one before it."""
    largest = max(estimates, key=lambda one: one.rank)
    letter = check_test(largest, test)
    own = [one.test for one in tests]
    columns: dict[str, Any] = {"Resid. Df": [float(one.df_resid) for one in estimates]}
    for name, values in _tests(own, letter, [_p(one, letter) for one in own]).items():
        columns[name] = [None, *values]
    heading = tuple(f"Model {k}: {text}" for k, text in enumerate(formulas, start=1))
    names = [str(k) for k in range(1, len(estimates) + 1)]
    table = _table(names, columns, "Wald tests of nested models", largest, _untested(tests))
    return DataTable(
        "Model", table.index, table.columns, table.title, heading,
        {**table.formats, "Resid. Df": "integer"}, table.notes,
    )  # fmt: skip


def _untested(tests: Sequence[Named]) -> list[str]:
    """Return why tests are NA."""
    return [f"{one.name}: {one.test.note}" for one in tests if one.test.note]


def derived_table(
    estimate: Estimate, found: Derived, level: float, adjust: str | None
) -> DataTable:
    """Return what was derived from coefficients, one row an expression."""
    check_level(level)
    inference = found.inference
    lower, upper = inference.interval(level)
    letter = "z" if math.isinf(inference.df) else "t"
    p = inference.p_value[:, 0]
    tail = 50 * (1 - level)
    columns = {
        "Estimate": inference.estimate[:, 0],
        "Std. Error": inference.standard_error[:, 0],
        letter: inference.statistic[:, 0],
        f"Pr(>|{letter}|)": p if adjust is None else adjusted(p, adjust),
        f"{tail:g} %": lower[:, 0],
        f"{100 - tail:g} %": upper[:, 0],
    }
    notes = _adjusted(adjust, "those of all rows")
    return _table(found.texts, columns, "Delta method", estimate, notes)


def adjusted_table(table: DataTable, method: str) -> DataTable:
    """Return a table with its p-values adjusted for their number."""
    names = [name for name in table.columns if name.startswith("Pr(")]
    if not names:
        raise ModelError("The table has no column of p-values (Pr(…)) to adjust.")
    changed: dict[str, Any] = dict(table.columns)
    for name in names:
        changed[name] = [None if p != p else p for p in adjusted(table[name], method).tolist()]
    return DataTable(
        table.index_name, table.index, changed, table.title, table.heading, table.formats,
        (*table.notes, *_adjusted(method, "")),
    )  # fmt: skip


def _adjusted(method: str | None, which: str) -> tuple[str, ...]:
    if method is None or method == "none":
        return ()
    return (f"p-values are adjusted by {method}{f' ({which})' if which else ''}.",)


def _tests(tests: Sequence[WaldTest], letter: str, p: Sequence[float]) -> dict[str, Any]:
    values = [(one.f if one.df else math.nan) if letter == "F" else one.statistic for one in tests]
    return {
        "Df": [one.df for one in tests],
        letter: [_none(value) for value in values],
        f"Pr(>{letter})": [_none(value) for value in p],
    }


def _p(test: WaldTest, letter: str) -> float:
    if not test.df:
        return math.nan
    return test.p_value if letter == "F" else chi2_tail(test.statistic, test.df)


def _table(
    names: Sequence[str],
    columns: Mapping[str, Any],
    title: str,
    estimate: Estimate,
    notes: Sequence[str] = (),
) -> DataTable:
    formats = {name: FORMATS[name] for name in columns if name in FORMATS}
    formats |= {name: "p_value" for name in columns if name.startswith("Pr(")}
    reported = estimate.reported
    notes = (*notes, reported.note) if reported is not None else tuple(notes)
    return DataTable("", tuple(names), columns, title, (), formats, notes)


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value
