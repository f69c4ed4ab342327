"""Documents to render, and golden files to compare them with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from statdl.report.format import integer, number, p_value, significant, statistic
from statdl.report.table import DataTable, Pairs, Summary, Table

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare text with a golden file; STATDL_GOLDEN=write rewrites the files instead."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("STATDL_GOLDEN") == "write":
            path.write_text(text + "\n", encoding="utf-8")
        assert text + "\n" == path.read_text(encoding="utf-8")

    return check


def coefficient_table(head: str, rows: Mapping[str, tuple[float, ...]], letter: str) -> Table:
    columns = (head, "coef", "std err", letter, f"P>|{letter}|", "[0.025", "0.975]")
    return Table(
        columns,
        tuple(
            (
                name,
                number(coef),
                number(error, 3),
                statistic(ratio),
                p_value(p),
                number(low, 3),
                number(high, 3),
            )
            for name, (coef, error, ratio, p, low, high) in rows.items()
        ),
    )


@pytest.fixture
def linear() -> Summary:
    """mpg ~ factor(cyl) + wt + hp on mtcars."""
    rows = {
        "Intercept": (35.84600, 2.041, 17.563, 2.7e-16, 31.658, 40.034),
        "factor(cyl)[T.6]": (-3.35902, 1.402, -2.396, 0.0238, -6.235, -0.483),
        "factor(cyl)[T.8]": (-3.18588, 2.170, -1.468, 0.1537, -7.639, 1.268),
        "wt": (-3.18140, 0.720, -4.421, 1.4e-4, -4.658, -1.705),
        "hp": (-0.02312, 0.01195, -1.934, 0.0636, -0.0476, 0.00140),
    }
    left = (
        ("Dep. Variable:", "mpg"),
        ("Model:", "lm"),
        ("Method:", "Least Squares"),
        ("No. Observations:", integer(32)),
        ("Df Residuals:", integer(27)),
        ("Df Model:", integer(4)),
        ("Covariance Type:", "nonrobust"),
    )
    right = (
        ("R-squared:", statistic(0.8572)),
        ("Adj. R-squared:", statistic(0.8361)),
        ("F-statistic:", significant(40.527)),
        ("Prob (F-statistic):", p_value(4.87e-11, scientific=True)),
        ("Log-Likelihood:", significant(-71.2349, figures=5)),
        ("AIC:", significant(152.47)),
    )
    tests = Pairs(
        (("Omnibus:", "2.972"), ("Skew:", "0.569")),
        (("Durbin-Watson:", "1.790"), ("Cond. No.", "1.08e+03")),
    )
    notes = (
        "Standard errors assume that the errors have one variance and are uncorrelated.",
        "The condition number is large, 1.08e+03. This might indicate strong "
        "multicollinearity, or columns of very different scale.",
    )
    blocks = (Pairs(left, right), coefficient_table("", rows, "t"), tests)
    return Summary("Linear Model Results", blocks, notes)


@pytest.fixture
def multinomial() -> Summary:
    """One coefficient table a category."""
    first = {
        "Intercept": (18.69037, 34.97, 0.534, 0.593, -49.85, 87.24),
        "Sepal.Length": (-5.458424, 89.89, -0.061, 0.952, -181.6, 170.7),
    }
    second = {
        "Intercept": (-23.83628, 35.77, -0.666, 0.505, -93.94, 46.27),
        "Sepal.Length": (-7.923634, 89.91, -0.088, 0.930, -184.1, 168.3),
    }
    head = Pairs(
        (("Dep. Variable:", "Species"), ("Model:", "multinom")),
        (("No. Observations:", "150"), ("Log-Likelihood:", "-5.9493")),
    )
    tables = (
        coefficient_table("Species=versicolor", first, "z"),
        coefficient_table("Species=virginica", second, "z"),
    )
    return Summary("Multinomial Model Results", (head, *tables))


@pytest.fixture
def comparison() -> DataTable:
    """Two nested linear models."""
    return DataTable(
        index_name="Model",
        index=("1", "2"),
        columns={
            "df_resid": (30, 27),
            "rss": (278.3219, 160.0665),
            "df": (None, 3),
            "sum_sq": (None, 118.2554),
            "F": (None, 6.6491),
            "Pr(>F)": (None, 0.0016405),
        },
        title="Analysis of Variance",
        heading=("Model 1: mpg ~ wt", "Model 2: mpg ~ wt + hp + factor(cyl)"),
        formats={"df_resid": "integer", "df": "integer", "F": "statistic", "Pr(>F)": "p_value"},
    )


HOSTILE = "<script>alert('x')</script> 50% a_b & #{c}\\d \"q\" $x^2~y--z"


@pytest.fixture
def hostile() -> Summary:
    """Names that HTML and LaTeX would read as their own."""
    head = Pairs(((HOSTILE, HOSTILE),), ((HOSTILE, HOSTILE),))
    table = Table((HOSTILE, HOSTILE), ((HOSTILE, HOSTILE), ("[1]", "*")), title=HOSTILE)
    return Summary(HOSTILE, (head, table), (HOSTILE,))
