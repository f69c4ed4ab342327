"""From a formula and a frame to the arrays of a fit: types, rows, weights, and bad input."""

import datetime
import decimal
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from statdl.errors import DataError, FormulaError
from statdl.formula import like, model_frame

N = 12
LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "dict": lambda frame: {name: frame[name].tolist() for name in frame.columns},
}


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "x": rng.normal(size=N),
            "z": rng.uniform(1, 2, N),
            "n": np.arange(1, N + 1),
            "a": list("uvw") * 4,
            "t": [True, False] * 6,
            "w": np.arange(N, dtype=float),
            "my col": np.arange(N) ** 2.0,
        },
        index=[f"r{i}" for i in range(N)],
    )


def message(error, formula, data, **arguments):
    with pytest.raises(error) as caught:
        model_frame(formula, data, **arguments)
    return str(caught.value)


# Frames of every library


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_gives_the_same_arrays(data, library):
    formula = "y ~ x*a + t + log(n) + `my col` + offset(z)"
    expected = model_frame(formula, data, weights="w", subset="x < 1")
    found = model_frame(formula, LIBRARIES[library](data), weights="w", subset="x < 1")
    assert found.design.names == expected.design.names
    np.testing.assert_array_equal(found.X, expected.X)
    np.testing.assert_array_equal(found.response.values, expected.response.values)
    np.testing.assert_array_equal(found.weights, expected.weights)
    np.testing.assert_array_equal(found.offset, expected.offset)
    np.testing.assert_array_equal(found.rows, expected.rows)


def test_the_frame_given_and_its_labels_are_kept(data):
    frame = model_frame("y ~ x", data, subset="n > 9")
    assert frame.source is data
    assert list(frame.index) == ["r9", "r10", "r11"]
    assert model_frame("y ~ x", pl.from_pandas(data)).index is None


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_like_returns_a_frame_of_the_same_library(data, library):
    source = LIBRARIES[library](data)
    made = like(source, {"fit": np.arange(3.0)})
    assert type(made) is type(source)
    assert len(made) == 3


def test_like_is_pandas_without_a_source_and_keeps_labels():
    made = like(None, {"fit": [1.0, 2.0]}, index=["p", "q"])
    assert list(made.index) == ["p", "q"]
    assert isinstance(like({"a": [1]}, {"fit": [1.0]}), pd.DataFrame)


def test_encoding_accepts_a_frame_of_another_library(data):
    design = model_frame("y ~ x*a + t", data).design
    expected = design.encode(data).X
    for convert in LIBRARIES.values():
        np.testing.assert_array_equal(design.encode(convert(data)).X, expected)
    rows = data.to_dict("records")
    np.testing.assert_array_equal(design.encode(rows).X, expected)
    np.testing.assert_array_equal(design.encode(rows[0]).X, expected[:1])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (pl.LazyFrame({"y": [1.0]}), "lazy .*LazyFrame.*collect"),
        (np.zeros((3, 2)), "X= and y="),
        (3, "must be a pandas or polars DataFrame.*not int"),
        (None, "not NoneType"),
        ("mtcars", "'mtcars' is a path or a text, and no frame; read the file first"),
        (pd.Series([1.0]), "not pandas"),
        ([1, 2], "not list"),
        ({"y": [1.0, 2.0], "x": [1.0]}, "differ in length: y has 2, x has 1"),
        (pd.DataFrame(np.zeros((2, 2)), columns=["y", "y"]), "y is repeated"),
        (pd.DataFrame(np.zeros((2, 2)), columns=[1, "1"]), "1 is repeated"),
    ],
)
def test_what_is_not_a_frame_is_refused(wrong, words):
    assert re.search(words, message(DataError, "y ~ x", wrong))


def test_only_the_needed_columns_are_read(data):
    data["when"] = pd.Timestamp("2020-01-01")
    assert model_frame("y ~ x", data).X.shape == (N, 1)


def test_names_that_are_numbers_are_quoted():
    data = pd.DataFrame(np.arange(8.0).reshape(4, 2) ** 2)
    frame = model_frame("`0` ~ `1`", data)
    assert frame.design.names == ("1",)
    np.testing.assert_array_equal(frame.X[:, 0], data[1])


# Types of columns


NUMBERS = {
    "int8": np.array([1, 2, 3], dtype="i1"),
    "uint64": np.array([1, 2, 3], dtype="u8"),
    "float32": np.array([1, 2, 3], dtype="f4"),
    "float16": np.array([1, 2, 3], dtype="f2"),
    "Int64": pd.array([1, 2, 3], dtype="Int64"),
    "Float64": pd.array([1, 2, 3], dtype="Float64"),
    "arrow": pd.array([1, 2, 3], dtype="int64[pyarrow]"),
    "decimal": [decimal.Decimal(k) for k in (1, 2, 3)],
    "object": np.array([1, 2.0, 3], dtype=object),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_any_type_are_float64(kind):
    frame = model_frame("y ~ v", {"y": [1.0, 2.0, 4.0], "v": NUMBERS[kind]})
    assert frame.X.dtype == np.float64
    np.testing.assert_array_equal(frame.X[:, 0], [1, 2, 3])


@pytest.mark.parametrize("kind", ["Int64", "Float64", "int64[pyarrow]"])
def test_missing_numbers_of_nullable_types_are_missing(kind):
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "v": pd.array([1, None, 3], dtype=kind)})
    frame = model_frame("y ~ v", data)
    assert frame.rows.tolist() == [0, 2]
    assert frame.dropped == 1


TEXT = ["q", "p", None, "q"]


@pytest.mark.parametrize(
    "column",
    [
        TEXT,
        np.array(TEXT, dtype=object),
        pd.array(TEXT, dtype="string"),
        pd.array(TEXT, dtype="string[pyarrow]"),
        pd.Categorical(TEXT),
    ],
)
def test_text_is_a_factor_with_sorted_levels(column):
    frame = model_frame("y ~ v", pd.DataFrame({"y": [1.0, 2, 3, 5], "v": column}))
    assert frame.design.levels == {"v": ("p", "q")}
    assert frame.dropped == 1
    np.testing.assert_array_equal(frame.X[:, 0], [1, 0, 1])


def test_text_of_polars_and_arrow_is_a_factor():
    for column in (pl.Series(TEXT), pl.Series(TEXT, dtype=pl.Categorical)):
        frame = model_frame("y ~ v", pl.DataFrame({"y": [1.0, 2, 3, 5], "v": column}))
        assert frame.design.levels == {"v": ("p", "q")}
    table = pa.table({"y": [1.0, 2, 3, 5], "v": pa.array(TEXT).dictionary_encode()})
    assert model_frame("y ~ v", table).design.levels == {"v": ("p", "q")}


def test_categories_keep_their_order():
    order = ["mid", "lo", "hi"]
    column = pd.Categorical(["lo", "mid", "hi"] * 2, categories=order, ordered=True)
    frame = model_frame("y ~ v", pd.DataFrame({"y": np.arange(6.0), "v": column}))
    assert frame.design.names == ("v[T.lo]", "v[T.hi]")
    enum = pl.DataFrame({"y": np.arange(6.0), "v": list(column)}).with_columns(
        pl.col("v").cast(pl.Enum(order))
    )
    assert model_frame("y ~ v", enum).design.names == ("v[T.lo]", "v[T.hi]")


def arrow_dictionary(order, *, ordered):
    """A column of two chunks, with one missing value, whose dictionary has the order given."""
    codes = ([1, 0, None, 2], [1, 0])
    chunks = [
        pa.DictionaryArray.from_arrays(pa.array(part), pa.array(order), ordered=ordered)
        for part in codes
    ]
    return pa.chunked_array(chunks)


@pytest.mark.parametrize("library", ["pyarrow", "pandas"])
@pytest.mark.parametrize(
    ("ordered", "levels"),
    [(True, ("mid", "lo", "hi")), (False, ("hi", "lo", "mid"))],
)
def test_a_dictionary_of_arrow_keeps_the_order_that_it_says_it_has(library, ordered, levels):
    column = arrow_dictionary(["mid", "lo", "hi"], ordered=ordered)
    table = pa.table({"y": np.arange(6.0), "v": column})
    data = table if library == "pyarrow" else table.to_pandas(types_mapper=pd.ArrowDtype)
    frame = model_frame("y ~ v", data)
    assert frame.design.levels == {"v": levels}
    assert frame.dropped == 1
    words = ["lo", "mid", "hi", "lo", "mid"]
    expected = [[float(word == level) for level in levels[1:]] for word in words]
    np.testing.assert_array_equal(frame.X, expected)
    np.testing.assert_array_equal(frame.design.encode({"v": words}).X, expected)


@pytest.mark.parametrize("subset", [None, "n > 2"])
def test_levels_that_no_row_has_are_dropped(subset):
    data = pd.DataFrame(
        {
            "y": np.arange(6.0),
            "n": range(6),
            "v": pd.Categorical(list("ccabab"), categories=["z", "c", "a", "b"]),
            "r": pd.Categorical(list("ccabab"), categories=["z", "c", "a", "b"]),
        }
    )
    frame = model_frame("r ~ v", data, subset=subset)
    expected = ("c", "a", "b") if subset is None else ("a", "b")
    assert frame.design.levels["v"] == frame.response.levels == expected
    assert frame.response.values.max() == len(expected) - 1


BAD_COLUMNS = {
    "date": (pd.to_datetime(["2020-01-01"] * 3), "datetime64.*days since a date"),
    "duration": (pd.to_timedelta([1, 2, 3]), "timedelta64.*Convert it to a number"),
    "python dates": (np.array([datetime.date(2020, 1, 1)] * 3, object), "holds date .3 rows"),
    "complex": ([1j, 2, 3], "complex numbers"),
    "mixed": (np.array(["p", 1, 2.5], object), r"object dtype.*str \(1 row, first at row 0\), int"),
    "truth and text": (np.array(["p", True, None], object), "str .*bool"),
    "lists": ([[1], [2], [3]], "holds list"),
    "bytes": (np.array([b"a", b"b", b"c"], object), "holds bytes"),
}


@pytest.mark.parametrize("kind", BAD_COLUMNS)
def test_columns_that_models_cannot_use_are_named(kind):
    column, words = BAD_COLUMNS[kind]
    data = pd.DataFrame({"y": [1.0, 2.0, 3.0], "v": column})
    assert re.search(f"column `v` .*{words}", message(DataError, "y ~ v", data))


def test_columns_of_polars_that_models_cannot_use_are_named():
    data = pl.DataFrame(
        {"y": [1.0], "d": [datetime.datetime(2020, 1, 1)], "l": [[1]], "s": [{"k": 1}]}
    )
    assert "days since a date" in message(DataError, "y ~ d", data)
    assert "column `l` holds List" in message(DataError, "y ~ l", data)
    assert "column `s` holds Struct" in message(DataError, "y ~ s", data)


# The response


def test_kinds_of_response(data):
    def response(left, **arguments):
        return model_frame(f"{left} ~ x", data, **arguments).response

    assert response("y").kind == "numeric"
    assert response("log(n)").name == "log(n)"
    np.testing.assert_allclose(response("log(n)").values, np.log(data["n"]))
    np.testing.assert_allclose(response("n/w", subset="w > 0").values, (data.n / data.w)[1:])
    np.testing.assert_array_equal(response("t").values, data["t"].astype(float))
    np.testing.assert_array_equal(response("a == 'u'").values, data["a"] == "u")
    text = response("a")
    assert (text.kind, text.levels) == ("categorical", ("u", "v", "w"))
    np.testing.assert_array_equal(np.array(text.levels)[text.values], data["a"])
    assert response("factor(t)").levels == (False, True)
    assert response("factor(n > 3)").kind == "categorical"
    assert response("factor(n)").levels == tuple(range(1, 13))
    counts = response("cbind(n, w, n - 1)")
    assert (counts.kind, counts.levels) == ("counts", ("n", "w", "n - 1"))
    np.testing.assert_array_equal(counts.values, np.column_stack([data.n, data.w, data.n - 1]))


def test_responses_that_are_none(data):
    assert "several columns; use cbind" in message(FormulaError, "poly(y, 2) ~ x", data)
    assert "two or more different columns" in message(FormulaError, "cbind(y) ~ x", data)
    assert "stands for a constant" in message(FormulaError, "1 ~ x", data)
    assert "cbind() belongs on the left" in message(FormulaError, "y ~ cbind(x, z)", data)
    assert "cbind() belongs on the left" in message(FormulaError, "log(cbind(x, z)) ~ y", data)
    assert "needs numbers" in message(DataError, "cbind(a, n) ~ x", data)
    assert "needs numbers" in message(DataError, "log(a) ~ x", data)


def test_the_response_does_not_share_memory_with_the_data(data):
    frame = model_frame("y ~ x", data)
    before = frame.response.values.copy()
    data.loc["r0", "y"] = 99.0
    np.testing.assert_array_equal(frame.response.values, before)


# Missing and infinite values


def test_rows_with_missing_values_are_dropped_together(data):
    data.loc["r1", "x"] = np.nan
    data.loc["r2", "y"] = np.nan
    data.loc["r3", "a"] = None
    weights = data["w"].to_numpy(copy=True) + 1
    weights[4] = np.nan
    offset = np.arange(N, dtype=float)
    offset[5] = np.nan
    frame = model_frame("y ~ x + a", data, weights=weights, offset=offset)
    assert frame.rows.tolist() == [0, 6, 7, 8, 9, 10, 11]
    assert frame.dropped == 5
    assert list(frame.index) == [f"r{k}" for k in frame.rows]
    np.testing.assert_array_equal(frame.weights, weights[frame.rows])
    np.testing.assert_array_equal(frame.offset, offset[frame.rows])
    np.testing.assert_array_equal(frame.X[:, 0], data["x"].to_numpy()[frame.rows])


def test_raise_names_every_column_and_its_count(data):
    data.loc[["r1", "r2"], "x"] = np.nan
    data.loc["r2", "a"] = None
    text = message(DataError, "y ~ x + a", data, na_action="raise")
    assert "`x` in 2 rows" in text
    assert "`a` in 1 row;" in text
    assert "first is at row 1" in text
    assert model_frame("y ~ z", data, na_action="raise").dropped == 0
    text = message(DataError, "y ~ z", data, weights="x**2", na_action="raise")
    assert "`x` in 2 rows" in text
    assert "na_action='omit'" in message(DataError, "y ~ z", data, na_action="omit")


def test_infinite_values_are_refused_whatever_the_action(data):
    data.loc["r3", "x"] = np.inf
    data.loc["r4", "y"] = -np.inf
    for action in ("drop", "raise"):
        text = message(DataError, "z ~ x", data, na_action=action)
        assert "`x` is infinite in 1 row, first at row 3" in text
    assert "`y` is infinite in 1 row, first at row 4" in message(DataError, "y ~ z", data)
    assert "first at row 3" in message(DataError, "z ~ x", data, subset="n > 2")
    assert model_frame("z ~ x", data, subset="n > 5").X.shape == (7, 1)
    assert "`log(w)` is infinite in 1 row" in message(DataError, "z ~ log(w)", data)
    assert "`log(w)` is infinite in 1 row" in message(DataError, "log(w) ~ z", data)


def test_undefined_arithmetic_is_an_error_and_not_a_dropped_row(data):
    text = message(DataError, "z ~ log(x)", data)
    assert f"`log(x)` is not a number in {int((data.x < 0).sum())} rows" in text
    assert "`sqrt(x)` is not a number" in message(DataError, "sqrt(x) ~ z", data)
    assert "0/0" in message(DataError, "z ~ I(w/w)", data)


def test_nothing_left_is_told_apart(data):
    assert "data have no rows" in message(DataError, "y ~ x", data.iloc[:0])
    assert "selects none of the 12 rows" in message(DataError, "y ~ x", data, subset="x > 99")
    data["x"] = np.nan
    text = message(DataError, "y ~ x", data)
    assert "all 12 rows have a missing value (`x` in 12 rows)" in text


def test_a_factor_is_missing_where_one_of_its_columns_is(data):
    data.loc[["r0", "r1"], "x"] = np.nan
    assert model_frame("y ~ I(x > 0 | n < 2)", data).rows.tolist() == list(range(2, N))
    assert model_frame("y ~ I(x > 0)", data).dropped == 2


def test_transforms_learn_around_missing_values(data):
    data.loc["r3", "x"] = np.nan
    complete = data.drop(index="r3")
    for formula in ("y ~ poly(x, 3)", "y ~ bs(x, df=4)", "y ~ ns(x, 3)", "y ~ scale(x)"):
        frame = model_frame(formula, data)
        np.testing.assert_allclose(frame.X, model_frame(formula, complete).X)
        encoded = frame.design.encode(data).X
        assert np.isnan(encoded[3]).all()
        np.testing.assert_allclose(np.delete(encoded, 3, axis=0), frame.X)


def test_no_warning_of_numpy_reaches_the_user(data):
    data.loc["r3", "x"] = np.nan
    data["big"] = 1e308
    data.loc["r0", "big"] = 1e307
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model_frame("y ~ poly(x, 2) + big + I(exp(x)) + bs(z, df=4)", data).design.encode(data)


# subset


def test_subset_as_mask_or_condition(data):
    expected = np.flatnonzero((data.x > 0) & (data.a == "u"))
    mask = ((data.x > 0) & (data.a == "u")).to_numpy()
    ways = [
        mask,
        mask.tolist(),
        pd.Series(mask, index=data.index),
        pl.Series(mask),
        "x > 0 & a == 'u'",
        "(x > 0) & (a == 'u')",
        "x > 0 and a == 'u'",
        "!(x <= 0 | a != 'u')",
        "0 < x & a %in% c('u')",
        "x > 0 & a in ('u', 'none')",
    ]
    for way in ways:
        assert model_frame("y ~ z", data, subset=way).rows.tolist() == expected.tolist()


def test_subset_does_not_select_what_is_missing(data):
    data.loc["r0", "x"] = np.nan
    for condition in ("x != 0", "!(x == 0)", "x > -99"):
        assert model_frame("y ~ z", data, subset=condition).rows.tolist() == list(range(1, N))
    mask = pd.array([None] + [True] * (N - 1), dtype="boolean")
    assert model_frame("y ~ z", data, subset=mask).rows.tolist() == list(range(1, N))


@pytest.mark.parametrize(
    ("subset", "words"),
    [
        ([0, 1, 2], "mask of true and false .* not int64 values"),
        (np.ones(3, bool), r"shape \(3,\), and the data have 12 rows"),
        (np.ones((N, 1), bool), r"shape \(12, 1\)"),
        (slice(3), "mask of true and false"),
        ("x", "needs a condition"),
        ("nope > 3", "subset='nope > 3': unknown column `nope`"),
        ("x >", "is not complete"),
        ("", "empty"),
        ("a > 'u'", "can only compare equality"),
        ("x > 'u'", "compares a column of numbers with text"),
        (pd.Series([True] * N), "index of subset differs"),
    ],
)
def test_subsets_that_are_none(data, subset, words):
    with pytest.raises((DataError, FormulaError), match=words):
        model_frame("y ~ z", data, subset=subset)


def test_ordered_factors_can_be_compared(data):
    data["o"] = pd.Categorical(["lo", "mid", "hi"] * 4, ["lo", "mid", "hi"], ordered=True)
    assert model_frame("y ~ x", data, subset="o >= 'mid'").rows.tolist() == [
        row for row in range(N) if row % 3
    ]
    assert model_frame("y ~ x", data, subset="'mid' <= o").X.shape == (8, 1)
    with pytest.raises(FormulaError, match="asks for 'top' among the levels 'lo', 'mid', 'hi'"):
        model_frame("y ~ x", data, subset="o > 'top'")


# weights and offset


def test_weights_and_offset_in_every_form(data):
    ways = ["w", data["w"], data["w"].to_numpy(), data["w"].tolist(), pl.Series(data["w"].tolist())]
    for way in ways:
        frame = model_frame("y ~ x", data, weights=way, offset=way, subset="n > 3")
        np.testing.assert_array_equal(frame.weights, data["w"].to_numpy()[3:])
        np.testing.assert_array_equal(frame.offset, data["w"].to_numpy()[3:])
    assert model_frame("y ~ x", data).weights is None
    assert model_frame("y ~ x", data).offset is None
    np.testing.assert_allclose(model_frame("y ~ x", data, weights="1/z").weights, 1 / data["z"])
    np.testing.assert_array_equal(
        model_frame("y ~ x", data, weights="my col").weights, data["my col"]
    )


def test_offsets_add_up(data):
    frame = model_frame("y ~ x + offset(log(n)) + offset(z)", data, offset="w")
    np.testing.assert_allclose(frame.offset, np.log(data.n) + data.z + data.w)
    np.testing.assert_allclose(frame.design.encode(data).offset, frame.offset)
    with pytest.raises(DataError, match="the new data lack the columns `w`"):
        frame.design.encode(data.drop(columns="w"))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(3), "weights has length 3, and the data have 12 rows"),
        (np.ones((N, 2)), r"one vector, not an array of shape \(12, 2\)"),
        (-np.arange(N), r"must not be negative, and 11 rows are: the first is row 1 \(-1\)"),
        (np.r_[np.inf, np.ones(N - 1)], r"must not be infinite, and 1 row is: the first is row 0"),
        (np.zeros(N), "all zero"),
        (["heavy"] * N, "must be made of numbers"),
        (np.ones(N) * 1j, "complex"),
        (3.0, r"one vector, not an array of shape \(\)"),
        ("nope", "weights='nope': unknown column `nope`"),
        ("a", "needs numbers"),
        (pd.Series(np.ones(N)), "index of weights differs.*to_numpy"),
        ({"w": 1}, "must be made of numbers|one vector"),
    ],
)
def test_weights_that_are_none(data, weights, words):
    with pytest.raises((DataError, FormulaError), match=words):
        model_frame("y ~ x", data, weights=weights)


def test_weights_are_judged_by_the_rows_used(data):
    weights = np.r_[-1.0, np.ones(N - 1)]
    assert model_frame("y ~ x", data, weights=weights, subset="n > 1").weights.sum() == N - 1
    text = message(DataError, "y ~ x", data, weights=-weights, subset="n > 1")
    assert "the first is row 1 (-1)" in text


def test_offsets_that_are_none(data):
    assert "offset has length 2" in message(DataError, "y ~ x", data, offset=[1.0, 2.0])
    assert "infinite" in message(DataError, "y ~ x", data, offset="log(w)")
    assert "needs numbers" in message(DataError, "y ~ x + offset(a)", data)


# Transforms


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("poly(n, 12)", "less than the number of distinct values, and there are 12"),
        ("poly(x, 0)", "whole number from 1, not 0"),
        ("poly(x, 2.5)", "whole number"),
        ("poly(x, foo=2)", "takes no argument called 'foo'"),
        ("ns(x, foo=2)", "takes no argument called 'foo'"),
        ("ns(x, 0)", "as its df a whole number from 1, not 0"),
        ("ns(x, knots=(99,))", "needs knots that differ, within its bounds"),
        ("ns(I(x * 0 + 2), 2)", "needs a range, and it is from 2 to 2"),
        ("poly()", "stands for a constant"),
        ("poly(a, 2)", "needs numbers"),
        ("bs(x, df=2)", "`df` must be greater"),
        ("bs(x, df=5, knots=[1])", "cannot be computed"),
        ("cr(x, df=1)", "greater than or equal to 2"),
        ("scale(I(n > 99))", "is not a number"),
        ("log(x, y, z)", "takes from 1 to 2"),
        ("log(x, 'y')", "needs a column of numbers"),
        ("log('x')", "stands for a constant"),
        ("I('x')", "stands for a constant"),
        ("I(2)", "stands for a constant"),
        ("c(1, 2)", "stands for a constant"),
        ("contr.sum", "stands for a constant"),
        ("I(a + x)", "needs numbers"),
        ("I(x & t)", "needs a condition"),
        ("relevel(a, 'no')", "asks for 'no' among the levels 'u', 'v', 'w'"),
        ("factor(a, x)", "its second argument is a contrast"),
        ("factor(poly(x, 2))", "needs one column"),
    ],
)
def test_calls_that_cannot_be_are_named(data, term, words):
    with pytest.raises((DataError, FormulaError), match=re.escape(term) + ".*" + words):
        model_frame(f"y ~ {term}", data)


def test_functions_of_r(data):
    frame = model_frame("y ~ pmax(x, 0) + round(z, 1) + as.numeric(t) + log(z, 2)", data)
    expected = [np.maximum(data.x, 0), data.z.round(1), data.t.astype(float), np.log2(data.z)]
    np.testing.assert_allclose(frame.X, np.column_stack(expected))
    frame = model_frame("y ~ I(n %% 3) + I(n %/% 3) + I(-x^2) + ceiling(z)", data)
    expected = [data.n % 3, data.n // 3, -(data.x**2), np.ceil(data.z)]
    np.testing.assert_allclose(frame.X, np.column_stack(expected))
    frame = model_frame(
        "y ~ poly(x, degree = 2, raw = TRUE) + bs(z, df = 5, intercept = TRUE)", data
    )
    np.testing.assert_allclose(frame.X[:, :2], np.column_stack([data.x, data.x**2]))
    np.testing.assert_allclose(frame.X[:, 2:].sum(axis=1), 1.0)


def test_columns_named_like_transforms(data):
    data = data.rename(columns={"z": "log", "a": "C", "x": "scale"})
    frame = model_frame("y ~ log + log(log) + C + C(C, contr.sum) + scale + scale(scale)", data)
    np.testing.assert_allclose(frame.X[:, 1], np.log(data["log"]))
    assert frame.design.names[0] == "log"


# New data


def test_new_data_need_the_predictors_only(data):
    design = model_frame("y ~ x + a", data, weights="w").design
    assert design.encode(data[["x", "a"]]).X.shape == (N, 3)
    assert design.encode(data[["x", "a"]]).offset is None
    assert list(design.encode(data[["x", "a"]]).index) == list(data.index)


def test_new_data_that_do_not_fit_are_named(data):
    design = model_frame("y ~ x + a + t + factor(n)", data).design
    new = data[["x", "a", "t", "n"]]

    def refused(frame):
        with pytest.raises(DataError) as caught:
            design.encode(frame)
        return str(caught.value)

    text = refused(new.drop(columns=["x", "t"]))
    assert "lack the columns `x`, `t`" in text
    assert "They have: a, n" in text
    text = refused(new.assign(a="zz"))
    assert "`a` of the new data has levels that the model has not seen: 'zz'" in text
    assert "'u', 'v', 'w'" in text
    assert "`factor(n)` of the new data has levels" in refused(new.assign(n=99))
    assert "column `x` of the new data holds text" in refused(new.assign(x="high"))
    assert "other than 0 and 1" in refused(new.assign(t=3))
    assert "lazy" in refused(pl.from_pandas(new).lazy())
    assert "the new data must be" in refused(3)


def test_new_data_of_a_kindred_type_are_read(data):
    design = model_frame("y ~ x + a + t + factor(n)", data).design
    new = data[["x", "a", "t", "n"]].copy()
    expected = design.encode(new).X
    kin = new.assign(a=pd.Categorical(new["a"], ["w", "v", "u", "spare"]), t=new.t.astype(int))
    np.testing.assert_array_equal(design.encode(kin).X, expected)
    np.testing.assert_array_equal(design.encode(new.assign(n=new.n.astype(float))).X, expected)
    few = design.encode(new.iloc[[1, 4]]).X
    np.testing.assert_array_equal(few, expected[[1, 4]])


def test_missing_values_in_new_data_give_missing_rows(data):
    design = model_frame("y ~ x + a + bs(z, df=4) + t", data).design
    new = data.copy()
    new.loc["r0", "x"] = np.nan
    new.loc["r1", "a"] = None
    new.loc["r2", "z"] = np.nan
    encoded = design.encode(new).X
    assert np.isnan(encoded).any(axis=1).tolist() == [True] * 3 + [False] * (N - 3)
    nothing = dict.fromkeys(("x", "a", "z", "t"))
    assert np.isnan(design.encode(nothing).X).all()


def test_no_rows_give_no_rows(data):
    design = model_frame("y ~ poly(x, 2) + a + bs(z, df=4) + t + offset(w)", data).design
    encoded = design.encode(data.iloc[:0])
    assert encoded.X.shape == (0, 9)
    assert encoded.offset.shape == (0,)


def test_splines_outside_of_their_data_say_so(data):
    design = model_frame("y ~ bs(z, df=4)", data).design
    with pytest.warns(UserWarning, match="1 of the new values lie.* outside of the training range"):
        design.encode(data.assign(z=[9.0, *data["z"][1:]]))


def test_splines_continue_as_those_of_r_do():
    # library(splines); x <- seq(0, 1, length = 11)^1.3
    # round(predict(bs(x, df = 5), c(-0.2, 0.5, 1.3)), 6)
    expected = [
        [-6.311975, 1.229099, -0.056258, 0, 0],
        [0.006141, 0.387370, 0.520115, 0.086375, 0],
        [0, -0.086914, 1.282964, -5.403516, 5.207466],
    ]
    x = np.linspace(0, 1, 11) ** 1.3
    design = model_frame("y ~ bs(x, df=5)", {"y": np.arange(11.0), "x": x}).design
    with pytest.warns(UserWarning, match="2 of the new values"):
        encoded = design.encode({"x": [-0.2, 0.5, 1.3]})
    np.testing.assert_allclose(encoded.X, expected, atol=5e-7)


def test_a_whole_frame_can_be_pickled(data):
    frame = model_frame("y ~ x*a + poly(z, 2)", data)
    again = pickle.loads(pickle.dumps(frame))
    np.testing.assert_array_equal(again.recode("sum").X, frame.recode("sum").X)


def test_transforms_keep_their_training_state(data):
    for formula in (
        "y ~ poly(x, 2)",
        "y ~ scale(x)",
        "y ~ center(x)",
        "y ~ cr(x, df=3)",
        "y ~ ns(x, 3)",
    ):
        frame = model_frame(formula, data)
        np.testing.assert_allclose(frame.design.encode(data.iloc[3:5]).X, frame.X[3:5])
