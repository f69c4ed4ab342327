"""Predictions go from wherever rows are to a file, and effects are those of rows in memory."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pytest

import statdl as sd
from tests.scan.data import assert_same, drawn

FRAME = drawn(300, 3, missing=False)[["x", "z", "y", "h"]]
FIT = sd.lm("y ~ x + factor(h)", data=sd.scan(FRAME))


def dask(frame, path):
    return pytest.importorskip("dask.dataframe").from_pandas(frame, npartitions=3, sort=False)


KINDS = {
    "path": lambda frame, path: path,
    "text": lambda frame, path: str(path),
    "scan": lambda frame, path: sd.scan(path),
    "lazy polars": lambda frame, path: pl.scan_parquet(path),
    "relation": lambda frame, path: duckdb.sql(f"select * from '{path}'"),
    "dask": dask,
    "pandas": lambda frame, path: frame,
    "polars": lambda frame, path: pl.from_pandas(frame),
    "arrow": lambda frame, path: pa.Table.from_pandas(frame),
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.parquet"
    FRAME.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_of_rows_wherever_they_are(kind, file, tmp_path):
    written = FIT.predict(newdata=KINDS[kind](FRAME, file), to=tmp_path / "p.parquet")
    assert_same(pd.read_parquet(written)["fit"], sd.lm("y ~ x + factor(h)", FRAME).predict(FRAME))


@pytest.mark.parametrize("kind", ["scan", "lazy polars", "relation", "dask"])
def test_rows_that_are_not_in_memory_need_a_file(kind, file):
    with pytest.raises(sd.ModelError, match=r"to='predictions.parquet'\).*bring them there first"):
        FIT.predict(newdata=KINDS[kind](FRAME, file))


def test_the_file_is_what_its_name_says(tmp_path):
    readers = {
        ".parquet": pd.read_parquet,
        ".csv": pd.read_csv,
        ".arrow": lambda path: feather.read_table(path).to_pandas(),
        "": pd.read_parquet,
    }
    asked = {"interval": "confidence"}
    for ending, read in readers.items():
        path = FIT.predict(FRAME, to=tmp_path / f"p{ending}", **asked)
        assert_same(read(path), FIT.predict(FRAME, **asked))
    with pytest.raises(sd.ModelError, match=r"ends with .xlsx; predictions are written as"):
        FIT.predict(FRAME, to=tmp_path / "p.xlsx")


def test_a_fit_to_arrays_predicts_files_by_the_names_of_its_columns(file, tmp_path):
    fit = sd.lm(X=FRAME[["x", "z"]], y=FRAME["y"])
    written = fit.predict(newdata=file, to=tmp_path / "p.parquet")
    assert_same(pd.read_parquet(written)["fit"], fit.predict(FRAME))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"to": "p.parquet"}, "say by newdata= where they are"),
        ({"newdata": FRAME, "to": "p.parquet", "offset": np.ones(300)}, "offset= is one vector"),
        ({"newdata": {"x": [1.0]}, "to": "p.parquet"}, "newdata= is a dict"),
        ({"newdata": FRAME, "to": 3}, "to=3 is the path of a file"),
    ],
)
def test_what_cannot_be_written(wrong, message):
    with pytest.raises(sd.ModelError, match=message):
        FIT.predict(**wrong)


def test_effects_of_a_part_of_the_rows():
    """A fit to rows in blocks takes what it needs to know of a variable from the rows given."""
    memory = sd.lm("y ~ x + factor(h)", FRAME)
    for ask in (sd.avg_slopes, sd.avg_comparisons, sd.avg_predictions):
        ours, theirs = ask(FIT, newdata=FRAME), ask(memory, newdata=FRAME)
        for column in ("estimate", "std.error"):
            np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-7)
    assert FIT.plot_effect("x", newdata=FRAME) is not None
    with pytest.raises(sd.ModelError, match="pass such a part as newdata="):
        sd.avg_slopes(FIT)


@pytest.mark.parametrize(
    "study", [lambda fit: sd.complexity(fit, over={"decay": [0.1, 1]}), sd.learning_curve]
)
def test_studies_say_that_they_need_the_rows(study, tmp_path):
    net = sd.mlp("y ~ x", data=sd.scan(FRAME), hidden=1, decay=0.1)
    with pytest.raises(sd.ModelError, match="all rows of the fit in memory"):
        study(net)
    net.save(tmp_path / "net.statdl")
    with pytest.raises(sd.DataError, match="holds no data to fit again"):
        study(sd.load(tmp_path / "net.statdl"))


def test_a_path_is_no_frame():
    with pytest.raises(sd.DataError, match=r"'rows.csv' is a path .* sd.scan"):
        sd.lm("y ~ x", data="rows.csv")
