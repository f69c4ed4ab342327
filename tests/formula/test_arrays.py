"""Arrays at the front door: shapes, types, devices, missing values, and no copies."""

import pickle

import array_api_strict as strict
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from statdl.errors import DataError
from statdl.formula import array_frame

RNG = np.random.default_rng(5)
X = RNG.normal(size=(10, 3))
Y = RNG.normal(size=10)
WEIGHTS = np.arange(1.0, 11.0)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floating_arrays_are_not_copied(order, dtype):
    given_X = np.array(X, dtype=dtype, order=order)
    frame = array_frame(given_X, Y.astype(dtype))
    assert frame.X is given_X
    assert frame.response.values.dtype == dtype
    assert frame.rows is None
    assert frame.dropped == 0


def test_the_design_names_columns_and_adds_none():
    frame = array_frame(X, Y)
    assert frame.design.names == ("x1", "x2", "x3")
    assert frame.design.coefficient_names == ("Intercept", "x1", "x2", "x3")
    assert [term.columns for term in frame.design.terms] == [(0,), (1,), (2,)]
    assert frame.X.shape == (10, 3)
    assert array_frame(X, Y, intercept=False).design.coefficient_names == ("x1", "x2", "x3")
    assert array_frame(X, Y, names=["a", "b", "c"]).design.names == ("a", "b", "c")
    assert frame.design.formula is None
    assert frame.source is None
    assert frame.recode("sum") is frame


def test_precisions_are_as_given():
    single = array_frame(X.astype("f4"), Y, weights=WEIGHTS)
    assert single.X.dtype == np.float32
    assert single.weights.dtype == np.float64
    assert array_frame(np.eye(3, dtype=int), [1, 2, 3]).X.dtype == np.float64
    assert array_frame(np.eye(3, dtype=bool), [1, 2, 3]).response.values.dtype == np.float64


def test_other_containers():
    expected = array_frame(X, Y)
    for given_X in (X.tolist(), pd.DataFrame(X), pl.DataFrame(X), pa.table(pd.DataFrame(X))):
        for given_y in (Y.tolist(), Y[:, None], pd.Series(Y), pl.Series(Y), pa.chunked_array([Y])):
            frame = array_frame(given_X, given_y)
            np.testing.assert_array_equal(frame.X, expected.X)
            np.testing.assert_array_equal(frame.response.values, Y)
    assert array_frame(X[:, 0], Y).X.shape == (10, 1)
    assert array_frame(pd.Series(Y, name="wt"), Y).design.names == ("wt",)


def test_frames_bring_names_labels_and_themselves():
    table = pd.DataFrame(X, columns=["a", "b", "c"], index=list("qrstuvwxyz"))
    frame = array_frame(table, pd.Series(Y, index=table.index, name="mpg"), subset="a > 0")
    assert frame.design.names == ("a", "b", "c")
    assert frame.response.name == "mpg"
    assert frame.source is table
    assert list(frame.index) == list(table.index[table["a"] > 0])
    with pytest.raises(DataError, match="index of y differs"):
        array_frame(table, pd.Series(Y))


@pytest.mark.parametrize(
    "labels",
    [
        ["v", "u"] * 5,
        np.array(["v", "u"] * 5),
        np.array(["v", "u"] * 5, dtype=object),
        pd.Series(["v", "u"] * 5),
        pd.Categorical(["v", "u"] * 5),
        pl.Series(["v", "u"] * 5),
        pl.Series(["v", "u"] * 5, dtype=pl.Categorical),
        pd.DataFrame({"kind": ["v", "u"] * 5}),
    ],
)
def test_text_is_a_categorical_response(labels):
    response = array_frame(X, labels).response
    assert (response.kind, response.levels) == ("categorical", ("u", "v"))
    assert response.values.tolist() == [1, 0] * 5


def test_numbers_stay_numbers_and_matrices_are_counts():
    assert array_frame(X, np.arange(10)).response.kind == "numeric"
    assert array_frame(X, Y > 0).response.kind == "numeric"
    counts = array_frame(X, np.abs(np.column_stack([Y, Y, Y]))).response
    assert (counts.kind, counts.levels) == ("counts", ("y1", "y2", "y3"))
    named = array_frame(X, pd.DataFrame({"win": WEIGHTS, "loss": WEIGHTS})).response
    assert named.levels == ("win", "loss")
    unused = pd.Categorical(["v", "u"] * 5, categories=["z", "v", "u"])
    assert array_frame(X, unused).response.levels == ("v", "u")
    kept = array_frame(X, ["v", "u", "w"] + ["u", "v"] * 3 + ["u"], subset=np.arange(10) != 2)
    assert kept.response.levels == ("u", "v")


def test_missing_values_are_dropped_or_refused_together():
    bad = X.copy()
    bad[[1, 2], 0] = np.nan
    bad[2, 2] = np.nan
    y, weights = Y.copy(), WEIGHTS.copy()
    y[3], weights[4] = np.nan, np.nan
    frame = array_frame(bad, y, weights=weights, offset=y * 0)
    assert frame.rows.tolist() == [0, 5, 6, 7, 8, 9]
    assert frame.dropped == 4
    np.testing.assert_array_equal(frame.X, X[frame.rows])
    np.testing.assert_array_equal(frame.weights, WEIGHTS[frame.rows])
    with pytest.raises(DataError, match=r"`x1` in 2 rows, `x3` in 1 row.*first is at row 1"):
        array_frame(bad, Y, na_action="raise")
    with pytest.raises(DataError, match="`y` in 1 row"):
        array_frame(X, [None, *["u", "v"] * 4, "u"], na_action="raise")
    with pytest.raises(DataError, match="all 10 rows have a missing value"):
        array_frame(X * np.nan, Y)
    both = array_frame(bad, Y, subset=np.arange(10) > 1)
    assert both.rows.tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert both.dropped == 1


def test_infinite_values_are_always_refused():
    bad = X.copy()
    bad[4, 1] = -np.inf
    bad[0, 1] = np.nan
    for action in ("drop", "raise"):
        with pytest.raises(DataError, match="`x2` is infinite in 1 row, first at row 4"):
            array_frame(bad, Y, na_action=action)
    with pytest.raises(DataError, match="`y` is infinite in 10 rows"):
        array_frame(X, Y * np.inf)
    with pytest.raises(DataError, match="first at row 4"):
        array_frame(bad, Y, subset=np.arange(10) > 2)


def test_sums_that_overflow_are_not_mistaken_for_infinite_values():
    large = np.full((4, 2), 1e308)
    large[0] = -1e307
    assert array_frame(large, [1.0, 2.0, 3.0, 4.0]).X is large


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"X": X.astype(complex)}, "X is complex"),
        ({"y": Y.astype(complex)}, "y is complex"),
        ({"X": X.astype(object)}, "X must be made of numbers; it has dtype object"),
        ({"X": X.astype(object)}, r"become numbers by astype\(float\)"),
        ({"X": X.astype(str)}, "X must be made of numbers.*Text is coded by a formula"),
        ({"X": scipy.sparse.csr_array(X)}, r"X is a sparse matrix, .*path\(\).*pass toarray\(\)"),
        ({"y": np.array([1, "a"] * 5, dtype=object)}, "`y` has object dtype and holds int .*str"),
        ({"y": np.array(["2020-01-01"] * 10, dtype="M8[D]")}, "y must be made of numbers"),
        ({"y": pd.Series(pd.to_datetime(["2020-01-01"] * 10))}, "days since a date"),
        ({"y": Y[:4]}, "y has 4 rows, and X has 10"),
        ({"y": ["u"] * 4}, "y has 4 rows, and X has 10"),
        ({"y": None}, "y is missing"),
        ({"y": np.ones((10, 2, 2))}, "a vector or a matrix of counts"),
        ({"X": np.ones((2, 2, 2))}, r"rows and columns, not the shape \(2, 2, 2\)"),
        ({"X": 3.0}, r"not the shape \(\)"),
        ({"X": X[:0], "y": Y[:0]}, "X has no rows"),
        ({"X": [[1.0], [1.0, 2.0]]}, "rows of X differ in length"),
        ({"X": pd.DataFrame({"a": ["u"] * 10})}, "column `a` of X is not numeric .*formula"),
        ({"X": pl.DataFrame(X).lazy()}, "collect"),
        ({"names": ["a"]}, "names has 1 name, and X has 3 columns"),
        ({"names": ["a", "b", "a"]}, "names repeats a"),
        ({"names": ["a", "b", "Intercept"]}, "belongs to the constant"),
        ({"weights": np.ones(3)}, "weights has length 3, and the data have 10 rows"),
        (
            {"weights": -WEIGHTS},
            r"be negative, and 10 rows are: the first is row 0 \(-1\)",
        ),
        ({"weights": WEIGHTS * np.inf}, "must not be infinite"),
        ({"weights": WEIGHTS * 0}, "all zero"),
        ({"weights": "w"}, "weights='w': without a formula"),
        ({"offset": np.ones((10, 2))}, r"one vector, not an array of shape \(10, 2\)"),
        ({"offset": Y * np.inf}, "`offset` is infinite"),
        ({"subset": [0, 1]}, "mask of true and false"),
        ({"subset": np.ones(4, bool)}, "and the data have 10 rows"),
        ({"subset": np.zeros(10, bool)}, "selects none of the 10 rows"),
        ({"subset": "x1 > 0"}, "subset as text needs a frame"),
        ({"na_action": "keep"}, "na_action='keep' is not known"),
    ],
)
def test_bad_input_is_named(arguments, words):
    arguments = {"X": X, "y": Y, **arguments}
    with pytest.raises(DataError, match=words):
        array_frame(arguments.pop("X"), arguments.pop("y"), **arguments)


def test_new_data_for_arrays():
    design = array_frame(X, Y, names=["a", "b", "c"]).design
    assert design.encode(X).X is X
    mixed = pl.DataFrame(X, schema=["a", "b", "c"]).select("c", "a", "b")
    np.testing.assert_array_equal(design.encode(mixed).X, X)
    np.testing.assert_array_equal(design.encode({"c": 3, "b": 2, "a": 1}).X, [[1, 2, 3]])
    assert np.isnan(design.encode(X * np.nan).X).all()
    assert array_frame(X[:, 0], Y).design.encode(Y).X.shape == (10, 1)
    again = pickle.loads(pickle.dumps(design))
    np.testing.assert_array_equal(again.encode(X).X, X)
    with pytest.raises(DataError, match="have 2 columns, and the model was fitted to 3: a, b, c"):
        design.encode(X[:, :2])
    with pytest.raises(DataError, match=r"shape \(3,\). Use reshape\(1, -1\) for one row"):
        design.encode(X[0])
    with pytest.raises(DataError, match="lack the columns `c`"):
        design.encode({"a": [1.0], "b": [2.0]})
    with pytest.raises(DataError, match="not numeric"):
        design.encode({"a": ["u"], "b": [2.0], "c": [1.0]})


@pytest.mark.parametrize("device", ["CPU_DEVICE", "device1"])
def test_arrays_stay_in_their_library_and_on_their_device(device):
    place = strict.Device(device)
    bad = X.copy()
    bad[2, 0] = np.nan
    frame = array_frame(
        strict.asarray(bad, device=place),
        strict.asarray(Y, device=place),
        weights=strict.asarray(WEIGHTS, device=place),
        offset=WEIGHTS,
        subset=np.arange(10) > 0,
    )
    for array in (frame.X, frame.response.values, frame.weights, frame.offset):
        assert array.device == place
        assert array.shape[0] == 8
    assert frame.rows.tolist() == [1, 3, 4, 5, 6, 7, 8, 9]
    labels = array_frame(strict.asarray(X, device=place), ["u", "v"] * 5).response
    assert labels.values.device == place
    whole = strict.asarray(X, device=place)
    assert array_frame(whole, Y).X is whole
    assert frame.design.encode(whole).X is whole


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=8))
def test_the_rows_kept_are_those_without_nan(places):
    table = np.column_stack([X, Y, WEIGHTS])
    for row, column in places:
        table[row, column] = np.nan
    complete = np.flatnonzero(~np.isnan(table).any(axis=1))
    if not len(complete):
        return
    frame = array_frame(table[:, :3], table[:, 3], weights=table[:, 4])
    rows = np.arange(10) if frame.rows is None else frame.rows
    assert rows.tolist() == complete.tolist()
    assert frame.dropped == 10 - len(complete)
    np.testing.assert_array_equal(frame.X, table[complete, :3])
    np.testing.assert_array_equal(frame.response.values, table[complete, 3])
    np.testing.assert_array_equal(frame.weights, table[complete, 4])
