"""What can go wrong with rows that are read in blocks: each a sentence that names the file."""

import os
import resource
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import statdl as sd
from tests.scan.data import assert_same, drawn
from tests.scan.sources import pandas


@pytest.fixture
def parts(tmp_path):
    """Three files."""
    frame = drawn(300, 1, missing=False)
    for k in range(3):
        frame[k * 100 : (k + 1) * 100].to_parquet(tmp_path / f"{k}.parquet", index=False)
    return tmp_path


def rewritten(path, **columns):
    pd.read_parquet(path).assign(**columns).to_parquet(path, index=False)


def test_no_such_file(tmp_path):
    with pytest.raises(sd.DataError, match=r"there is no file '.*nothing\*\.parquet'"):
        sd.scan(tmp_path / "nothing*.parquet")


def test_a_truncated_file_is_named(parts):
    whole = (parts / "2.parquet").read_bytes()
    (parts / "2.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(sd.DataError, match=r"2\.parquet' cannot be read: it is damaged"):
        sd.lm("y ~ x", data=sd.scan(parts / "*.parquet"))


def test_a_file_that_changes_is_named(parts):
    scan = sd.scan(parts / "*.parquet")
    fit = sd.lm("y ~ x", data=scan)
    rewritten(parts / "1.parquet", y=0.0)
    with pytest.raises(sd.DataError, match=r"1\.parquet' has changed since it was scanned"):
        fit.summary()


def test_a_query_that_changes_is_noticed():
    frame = drawn(300, 1, missing=False)
    tables = [pa.Table.from_pandas(frame[:n], preserve_index=False) for n in (300, 300, 280)]

    def opened():
        return (tables.pop(0) if len(tables) > 1 else tables[0]).to_reader()

    with pytest.raises(sd.DataError, match="had 300 rows in its first pass and 280 now"):
        sd.glm("k ~ x", data=sd.scan(opened), family="binomial")


def test_a_column_of_another_type_is_named(parts):
    rewritten(parts / "1.parquet", x="high")
    words = r"`x` holds text in the file '.*1\.parquet' and numbers in '.*0\.parquet'"
    with pytest.raises(sd.DataError, match=words):
        sd.lm("y ~ x", data=sd.scan(parts / "*.parquet"))


def test_whole_numbers_and_decimals_are_both_numbers(parts):
    rewritten(parts / "0.parquet", h=2)
    frame = pd.concat(pd.read_parquet(parts / f"{k}.parquet") for k in range(3))
    here = sd.lm("y ~ h", data=frame)
    assert_same(sd.lm("y ~ h", data=sd.scan(parts)).params, here.params)


def test_a_missing_column_is_named(parts):
    frame = pd.read_parquet(parts / "2.parquet").drop(columns="x")
    frame.to_parquet(parts / "2.parquet", index=False)
    with pytest.raises(sd.DataError, match=r"2\.parquet' has no column `x`"):
        sd.lm("y ~ x", data=sd.scan(parts / "*.parquet"))
    with pytest.raises(sd.FormulaError, match="unknown column `nothing`"):
        sd.lm("y ~ nothing", data=sd.scan(parts / "*.parquet"))


def test_a_level_first_seen_in_the_last_file_is_learned(parts):
    rewritten(parts / "2.parquet", g="new")
    frame = pd.concat(pd.read_parquet(parts / f"{k}.parquet") for k in range(3))
    fit = sd.lm("y ~ g", data=sd.scan(parts / "*.parquet"))
    assert "g[T.new]" in fit.params.index
    assert_same(fit.params, sd.lm("y ~ g", data=frame).params)


def test_a_level_that_was_not_given_is_named(parts):
    rewritten(parts / "2.parquet", g="new")
    scan = sd.scan(parts / "*.parquet", levels={"g": ["c", "b", "a"]})
    with pytest.raises(sd.DataError, match=r"2\.parquet: the column `g` has the levels 'new'"):
        sd.lm("y ~ g", data=scan)


def test_levels_that_are_given_are_in_their_order(parts):
    scan = sd.scan(parts / "*.parquet", levels={"g": ["c", "b", "a"]})
    assert sd.lm("y ~ g", data=scan).params.index.tolist() == ["Intercept", "g[T.b]", "g[T.a]"]


def test_empty_files_have_nothing_to_say(parts):
    frame = pd.read_parquet(parts / "1.parquet")
    frame[:0].to_parquet(parts / "1.parquet", index=False)
    rest = pd.concat(pd.read_parquet(parts / f"{k}.parquet") for k in (0, 2))
    assert_same(sd.lm("y ~ x", data=sd.scan(parts)).params, sd.lm("y ~ x", data=rest).params)


def test_no_rows(parts):
    for k in range(3):
        pd.read_parquet(parts / f"{k}.parquet")[:0].to_parquet(parts / f"{k}.parquet")
    for formula, family in (("y ~ x", "gaussian"), ("k ~ x", "binomial")):
        with pytest.raises(sd.DataError, match="no rows"):
            sd.glm(formula, data=sd.scan(parts), family=family)


def test_only_rows_with_missing_values():
    frame = drawn(40, 2).assign(x=np.nan)
    with pytest.raises(sd.DataError, match="no row is left: all 40 rows"):
        sd.glm("k ~ x", data=pandas(frame, None, 7), family="binomial")


def test_missing_values_that_are_refused_name_the_block(parts):
    rewritten(parts / "2.parquet", x=np.nan)
    with pytest.raises(sd.DataError, match=r"2\.parquet: missing values: `x`"):
        sd.lm("y ~ x", data=sd.scan(parts), na_action="raise")


def test_numbers_that_are_infinite_name_the_block(parts):
    rewritten(parts / "1.parquet", x=np.inf)
    with pytest.raises(sd.DataError, match=r"1\.parquet: `x` is infinite"):
        sd.lm("y ~ x", data=sd.scan(parts))


def test_one_class_only(parts):
    with pytest.raises(sd.DataError, match="one class only"):
        sd.glm("k ~ x", data=sd.scan(parts), family="binomial", subset="k == 1")


def test_vectors_do_not_go_with_a_scan():
    frame = drawn(50, 3)
    with pytest.raises(sd.DataError, match="weights= of a scan is a column"):
        sd.lm("y ~ x", data=pandas(frame, None, 10), weights=frame.w)
    fit = sd.lm("y ~ x", data=pandas(frame, None, 10))
    with pytest.raises(sd.DataError, match="Clusters of a scan are columns"):
        fit.vcov(cluster=frame.firm)
    with pytest.raises(sd.DataError, match="names the column `nobody`"):
        fit.vcov(cluster="nobody")


@pytest.mark.parametrize(
    "verb", ["fitted", "resid", "influence", "cooks_distance", "predict", "model_matrix"]
)
def test_what_needs_all_rows_says_what_to_do(verb):
    fit = sd.lm("y ~ x", data=pandas(drawn(50, 4), None, 10))
    with pytest.raises(sd.ModelError, match="predict\\(newdata=scan, to="):
        fit.__getattribute__(verb)()


def test_studies_that_take_no_scan_say_so():
    scan = pandas(drawn(50, 4, missing=False), None, 10)
    with pytest.raises(sd.ModelError, match="use cv_path\\(\\) of the scan"):
        sd.nested_cv("y ~ x", data=scan)
    with pytest.raises(sd.ModelError, match="in memory at once"):
        sd.decay_path(sd.mlp("y ~ x", data=scan, hidden=1, decay=1.0), [1.0])
    method = sd.GradientDescent(sd.Adam(0.01), 10, epochs=1, launch="epoch")
    with pytest.raises(
        sd.ModelError, match="launch='epoch' cannot be used here: rows that are read"
    ):
        sd.mlp("y ~ x", data=scan, hidden=1, method=method)


def test_sources_that_cannot_be_scanned():
    with pytest.raises(sd.DataError, match=r"not int"):
        sd.scan(3)
    reader = pa.table({"x": [1.0]}).to_reader()
    with pytest.raises(sd.ModelError, match="used up by one pass"):
        sd.scan(reader)
    with pytest.raises(sd.ModelError, match="block_rows must be a whole number"):
        sd.scan(pa.table({"x": [1.0]}), block_rows=0)


def test_predictions_are_those_in_memory(tmp_path):
    frame = drawn(200, 5)
    frame["g"] = frame.g.fillna("a")
    fit = sd.multinom("f ~ x + g", data=frame)
    path = fit.predict(pandas(frame, None, 33), to=tmp_path / "p.parquet")
    assert_same(pd.read_parquet(path), fit.predict(frame))
    assert os.listdir(tmp_path) == ["p.parquet"]


def test_nothing_half_written_is_left(tmp_path):
    frame = drawn(90, 6)
    fit = sd.lm("y ~ g", data=frame)
    frame.loc[80, "g"] = "unseen"
    with pytest.raises(sd.DataError, match=r"batch 1: `g` of the new data has levels"):
        fit.predict(pandas(frame, None, 30), to=tmp_path / "p.parquet")
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the disk: writing fails in the middle."""
    pq.write_table(pa.table({"x": np.arange(400_000.0), "y": np.zeros(400_000)}), tmp_path / "d")
    code = f"""
        import os, resource, signal
        import statdl as sd
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        scan = sd.scan(r"{tmp_path}/d", format="parquet", block_rows=20_000)
        fit = sd.lm("x ~ y - 1", data={{"x": [1.0, 2, 3], "y": [1.0, 2, 4]}}).update("x ~ y")
        fit = sd.lm("y ~ x", data={{"x": [1.0, 2, 3], "y": [1.0, 2, 4]}})
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        try:
            fit.predict(scan, to=r"{tmp_path}/out.parquet", se_fit=True)
        except OSError as error:
            print(error)
    """
    assert resource.RLIMIT_FSIZE is not None
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "could not be written, and nothing of them is left" in run.stdout, run.stderr
    assert "out.parquet" in run.stdout
    assert sorted(os.listdir(tmp_path)) == ["d"]


def test_predictions_are_not_written_over_the_rows_they_are_of(parts):
    before = (parts / "0.parquet").read_bytes()
    scan = sd.scan(parts)
    fit = sd.lm("y ~ x", data=scan)
    with pytest.raises(sd.DataError, match=r"is one of the files that newdata= reads"):
        fit.predict(newdata=scan, to=parts / "0.parquet")
    assert (parts / "0.parquet").read_bytes() == before


@pytest.mark.parametrize("wrong", ["x > 0", [("x", ">", 0)]])
def test_a_filter_is_an_expression(parts, wrong):
    with pytest.raises(sd.ModelError, match="filter= is an expression of pyarrow"):
        sd.scan(parts, filter=wrong)


@pytest.mark.parametrize("column", ["nobody", "g"])
def test_a_filter_goes_with_the_columns(parts, column):
    with pytest.raises(sd.DataError, match=r"filter= cannot be applied to the columns"):
        sd.scan(parts, filter=ds.field(column) > 3)


def test_arguments_of_a_scan_that_mean_nothing(parts):
    with pytest.raises(sd.ModelError, match="format must be 'parquet', 'csv' or 'ipc'"):
        sd.scan(parts / "0.parquet", format="xls")
    with pytest.raises(sd.ModelError, match="levels= of `g` names a level twice"):
        sd.scan(parts, levels={"g": ["a", "b", "a"]})
