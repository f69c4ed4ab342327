"""Tables people also compute with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from statdl.report.table import DataTable


def test_columns_are_arrays(comparison: DataTable) -> None:
    np.testing.assert_array_equal(comparison["rss"], [278.3219, 160.0665])
    np.testing.assert_array_equal(comparison["F"], [np.nan, 6.6491])
    assert len(comparison) == 2


def test_words_stay_words() -> None:
    table = DataTable("", ("a", "b"), {"hint": ("keep", None)})
    assert table["hint"].tolist() == ["keep", None]
    assert "keep" in str(table)


def test_unknown_column_names_the_columns(comparison: DataTable) -> None:
    with pytest.raises(KeyError, match=r"no column 'f'.*'F'"):
        comparison["f"]


def test_to_frame(comparison: DataTable) -> None:
    frame = comparison.to_frame()
    assert list(frame.columns) == list(comparison.columns)
    assert list(frame.index) == ["1", "2"]
    assert frame.index.name == "Model"
    assert frame["F"].isna().tolist() == [True, False]


def test_to_dict_is_json(comparison: DataTable) -> None:
    assert json.loads(json.dumps(comparison.to_dict()))["df"] == [None, 3]
    assert comparison.to_dict()["Model"] == ["1", "2"]


def test_arrays_are_taken_as_columns() -> None:
    table = DataTable("", ("a", "b"), {"x": np.array([1.5, -0.0])})
    assert table.to_dict() == {"index": ["a", "b"], "x": [1.5, -0.0]}
    assert "-0.0000" not in str(table)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="column 'x' has 1 values for 2 rows"):
        DataTable("", ("a", "b"), {"x": (1.0,)})
    with pytest.raises(ValueError, match="formats names 'y'"):
        DataTable("", ("a",), {"x": (1.0,)}, formats={"y": "number"})
    with pytest.raises(ValueError, match="'money' is not a format"):
        DataTable("", ("a",), {"x": (1.0,)}, formats={"x": "money"})
