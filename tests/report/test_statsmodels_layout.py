"""The layout that statsmodels' users know: the same cells in the same order and columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from statdl.report.format import number, p_value, statistic
from statdl.report.table import Summary, Table

sm = pytest.importorskip("statsmodels.api")


def ours(head: str, letter: str, names: list[str], numbers: Any) -> Table:
    columns = (head, "coef", "std err", letter, f"P>|{letter}|", "[0.025", "0.975]")
    rows = tuple(
        (
            name,
            number(row[0]),
            number(row[1], 3),
            statistic(row[2]),
            p_value(row[3]),
            number(row[4], 3),
            number(row[5], 3),
        )
        for name, row in zip(names, numbers.tolist(), strict=True)
    )
    return Table(columns, rows)


def numbers_of(fit: Any, category: int | None = None) -> Any:
    pick = slice(None) if category is None else (slice(None), category)
    parts = [np.asarray(part)[pick] for part in (fit.params, fit.bse, fit.tvalues, fit.pvalues)]
    interval = np.asarray(fit.conf_int())
    if category is not None:
        interval = interval.reshape(-1, len(parts[0]), 2)[category]
    return np.column_stack([*parts, interval])


def same_cells(one: str, other: str) -> bool:
    """Same text, or the same number where a summary of statsmodels shows fewer digits."""
    if one == other or (one, other) == ("<0.001", "0.000"):
        return True
    try:
        return abs(float(one) - float(other)) <= 0.0051 * abs(float(one)) + 0.0005
    except ValueError:
        return False


def compare(ours_text: str, theirs: str, names: list[str]) -> None:
    starts = (*names, "y=", "coef")
    mine, other = (
        [line.split() for line in text.split("\n") if line.strip().startswith(starts)]
        for text in (ours_text, theirs)
    )
    assert len(mine) == len(other) > len(names)
    for one, two in zip(mine, other, strict=True):
        assert len(one) == len(two)
        assert all(map(same_cells, one, two)), (one, two)


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    generator = np.random.default_rng(7)
    X = sm.add_constant(generator.normal(size=(300, 2)))
    return X, X @ [0.2, 0.4, -0.03] + generator.normal(size=300)


def test_least_squares(data: tuple[Any, Any]) -> None:
    X, y = data
    fit = sm.OLS(y, X).fit()
    names = ["const", "x1", "x2"]
    text = str(Summary("", (ours("", "t", names, numbers_of(fit)),)))
    compare(text, str(fit.summary()), names)
    assert text.split("\n")[0] == "=" * 78


def test_binomial(data: tuple[Any, Any]) -> None:
    X, y = data
    fit = sm.GLM(y > 0, X, family=sm.families.Binomial()).fit()
    names = ["const", "x1", "x2"]
    text = str(Summary("", (ours("", "z", names, numbers_of(fit)),)))
    compare(text, str(fit.summary()), names)


def test_multinomial(data: tuple[Any, Any]) -> None:
    X, y = data
    fit = sm.MNLogit(np.digitize(y, [-0.5, 0.8]), X).fit(disp=0)
    names = ["const", "x1", "x2"]
    tables = tuple(ours(f"y={k + 1}", "z", names, numbers_of(fit, category=k)) for k in range(2))
    text = str(Summary("", tables))
    compare(text, str(fit.summary()), names)
    assert text.count("-" * 78) == str(fit.summary()).count("-" * 78) == 3
