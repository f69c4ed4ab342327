"""The shipped data sets, and the reference numbers that the other tests rely on."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from statdl import datasets
from statdl.errors import DataError
from tests.reference import KINDS, cases, frame

FOLDER = Path(datasets.__file__).parent


def test_every_file_has_provenance_and_every_provenance_a_file():
    files = {path.stem for path in (FOLDER / "data").glob("*.csv")}
    assert files == set(datasets.names())


@pytest.mark.parametrize("name", datasets.names())
def test_columns_levels_and_terms_are_complete(name):
    entry = datasets._entry(name)
    data = datasets.load(name)
    assert list(data.columns) == list(entry["columns"])
    assert {"title", "source", "via", "license"} <= set(entry)
    for column, order in entry.get("levels", {}).items():
        assert list(data[column].cat.categories) == order
        assert set(data[column]) == set(order)
    for column in set(data.columns) - set(entry.get("levels", {})):
        assert pd.api.types.is_numeric_dtype(data[column])


def test_shapes_are_those_of_the_sources():
    shapes = {
        "anscombe": (11, 8),
        "infert": (248, 8),
        "iris": (150, 5),
        "longley": (16, 7),
        "mtcars": (32, 11),
        "stackloss": (21, 4),
        "swiss": (47, 6),
        "warpbreaks": (54, 3),
    }
    assert {name: datasets.load(name).shape for name in shapes} == shapes


def test_known_values_and_labels():
    cars = datasets.load("mtcars")
    assert cars.loc["Fiat 128", "mpg"] == 32.4
    assert cars.index.name == "model"
    assert datasets.load("housing")["Freq"].sum() == 1681
    assert datasets.load("airquality")["Ozone"].isna().sum() == 37
    assert list(datasets.load("hours")["score"]) == [11, 22, 33, 44, 53, 66, 77, 87, 95]


def test_a_loaded_frame_is_the_callers_own():
    changed = datasets.load("mtcars")
    changed["mpg"] = 0.0
    assert datasets.load("mtcars")["mpg"].min() == 10.4


@pytest.mark.parametrize(("wrong", "right"), [("Mtcars", "mtcars"), ("warpbreak", "warpbreaks")])
def test_an_unknown_name_suggests_a_known_one(wrong, right):
    with pytest.raises(DataError, match=rf"Did you mean '{right}'.*anscombe.*iris"):
        datasets.load(wrong)


def test_an_unknown_name_unlike_any_lists_all():
    with pytest.raises(DataError, match=r"no data set 'zzz'\. The data sets are: airquality"):
        datasets.describe("zzz")


@pytest.mark.parametrize("name", datasets.names())
def test_descriptions_fit_the_page_and_name_every_column(name):
    text = datasets.describe(name)
    assert text.startswith(f"{name}: ")
    assert max(map(len, text.splitlines())) <= 100
    assert all(column in text for column in datasets.load(name).columns)


@pytest.mark.parametrize("kind", KINDS)
def test_reference_cases_are_named_once_and_have_data(kind):
    names = [(case.get("model"), case["id"]) for case in cases(kind)]
    assert len(set(names)) == len(names)
    assert all(len(frame(case)) for case in cases(kind))


# NIST certifies 15 digits. Rational arithmetic has no rounding at all, so the certified values,
# the data as shipped and the formula are right together or not at all.


def _rational_columns(case: dict) -> tuple[list[list[Fraction]], list[Fraction]]:
    path = FOLDER / "data" / f"{case['data']}.csv"
    header, *lines = (line.split(",") for line in path.read_text().split())
    table = [dict(zip(header, map(Fraction, line), strict=True)) for line in lines]
    right = case["formula"].split("~")[1]
    powers = right.count("I(") + 1
    if powers > 1:
        rows = [[row["x"] ** power for power in range(1, powers + 1)] for row in table]
    else:
        rows = [[row[name] for name in header[1:]] for row in table]
    ones = [] if "- 1" in right else [Fraction(1)]
    return [ones + row for row in rows], [row["y"] for row in table]


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    size = len(matrix)
    work = [row + [Fraction(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    for k in range(size):
        pivot = next(i for i in range(k, size) if work[i][k] != 0)
        work[k], work[pivot] = work[pivot], work[k]
        work[k] = [value / work[k][k] for value in work[k]]
        for i in set(range(size)) - {k}:
            factor = work[i][k]
            work[i] = [a - factor * b for a, b in zip(work[i], work[k], strict=True)]
    return [row[size:] for row in work]


def _dot(a: list[Fraction], b: list[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _root(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).sqrt()


@pytest.mark.parametrize("case", cases("nist"), ids=lambda case: case["id"])
def test_certified_values_are_those_of_exact_arithmetic(case):
    X, y = _rational_columns(case)
    columns = [list(column) for column in zip(*X, strict=True)]
    inverse = _inverse([[_dot(a, b) for b in columns] for a in columns])
    beta = [_dot(row, [_dot(column, y) for column in columns]) for row in inverse]
    rss = sum((value - _dot(row, beta)) ** 2 for row, value in zip(X, y, strict=True))
    variance = rss / (len(y) - len(beta))
    centre = Fraction(0) if "- 1" in case["formula"] else sum(y) / len(y)
    total = sum((value - centre) ** 2 for value in y)
    with localcontext(prec=40):
        se = [float(_root(variance * inverse[i][i])) for i in range(len(beta))]
        sigma = float(_root(variance))
    assert [float(b) for b in beta] == _to_15_digits(case["estimate"])
    assert se == _to_15_digits(case["se"])
    assert sigma == _to_15_digits(case["sigma"])
    assert float(1 - rss / total) == _to_15_digits(case["rsquared"])


def _to_15_digits(certified: Any) -> Any:
    return pytest.approx(certified, rel=6e-15, abs=0)
