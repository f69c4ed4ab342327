"""Numbers as text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statdl.report.format import (
    FORMATS,
    automatic,
    integer,
    number,
    p_value,
    percent,
    significant,
    statistic,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
NUMERIC = [number, statistic, significant, integer, percent]


@pytest.mark.parametrize(
    ("x", "digits", "expected"),
    [
        (35.846, 4, "35.8460"),
        (-3.1814, 4, "-3.1814"),
        (0.001, 4, "0.0010"),
        (0.0009999, 4, "9.999e-04"),
        (99999.0, 4, "99999.0000"),
        (100000.0, 4, "1.000e+05"),
        (-5.344e-07, 4, "-5.344e-07"),
        (0.0, 4, "0.0000"),
        (-0.0, 4, "0.0000"),
        (0.01195, 3, "0.012"),
        (0.0014, 3, "0.0014"),
        (5.59e-08, 3, "5.59e-08"),
    ],
)
def test_number(x: float, digits: int, expected: str) -> None:
    assert number(x, digits) == expected


@pytest.mark.parametrize(
    ("x", "figures", "expected"),
    [
        (152.4699, 4, "152.5"),
        (-71.2349, 5, "-71.235"),
        (19.176, 5, "19.176"),
        (150034.2, 4, "150034"),
        (-1.23456e8, 5, "-1.2346e+08"),
        (0.0, 4, "0.000"),
        (0.00001234, 4, "1.234e-05"),
    ],
)
def test_significant(x: float, figures: int, expected: str) -> None:
    assert significant(x, figures) == expected


@pytest.mark.parametrize(
    ("p", "plain", "scientific"),
    [
        (0.0634, "0.063", "0.063"),
        (0.001, "0.001", "0.001"),
        (0.00099, "<0.001", "9.9e-04"),
        (4.87e-11, "<0.001", "4.9e-11"),
        (0.0, "<0.001", "<1e-300"),
        (5e-324, "<0.001", "<1e-300"),
        (1.0, "1.000", "1.000"),
        (math.nan, "NA", "NA"),
        (None, "", ""),
    ],
)
def test_p_value(p: float | None, plain: str, scientific: str) -> None:
    assert p_value(p) == plain
    assert p_value(p, scientific=True) == scientific


@given(st.floats(0, 1), st.booleans())
def test_a_p_value_is_never_a_bare_zero(p: float, scientific: bool) -> None:
    text = p_value(p, scientific)
    assert text.startswith("<") or float(text) > 0


@given(st.floats(-1e300, 1e300).filter(bool))
def test_a_number_keeps_two_figures(x: float) -> None:
    for text in (number(x), statistic(x)):
        assert math.isclose(float(text), x, rel_tol=0.051)


@given(finite, st.sampled_from(NUMERIC))
def test_no_minus_zero(x: float, write: object) -> None:
    text = write(x)  # type: ignore[operator]
    assert not (text.startswith("-") and float(text.rstrip("%")) == 0)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "text"])
def test_what_is_not_a_number(name: str) -> None:
    write = FORMATS[name]
    assert write(None) == ""
    assert write(math.nan) == "NA"
    if name != "p_value":
        assert (write(math.inf), write(-math.inf)) == ("inf", "-inf")


def test_integer_and_percent() -> None:
    assert [integer(x) for x in (32, 27.0, 4.368, -0.0)] == ["32", "27", "4.37", "0"]
    assert [percent(0.975), percent(0.95, 0), percent(-1e-9)] == ["97.5%", "95%", "0.0%"]


def test_automatic_goes_by_type() -> None:
    values = ["a", 3, 2.5, np.float64(2.5), None]
    assert [automatic(x) for x in values] == ["a", "3", "2.5000", "2.5000", ""]


def test_numpy_scalars() -> None:
    assert number(np.float32(0.5)) == "0.5000"
    assert integer(np.int64(7)) == "7"
