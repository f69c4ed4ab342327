"""How rows lie in files: keys in names of folders, categories, and compressed text."""

import dask.dataframe as dd
import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import statdl as sd
from tests.scan.data import assert_same, drawn


@pytest.fixture
def frame():
    found = drawn(90, 11, missing=False)
    return found.assign(year=[2020, 2021, 2022] * 30, area=["north", "south"] * 45)


def partitioned(frame, folder, keys):
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_to_dataset(table, folder, partition_cols=keys)
    return folder


@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("where", [None, ds.field("year") > 2020])
@pytest.mark.parametrize("opened", ["folder", "pattern", "dataset"])
def test_names_of_folders_are_columns(tmp_path, frame, opened, where, rows):
    folder = partitioned(frame, tmp_path / "rows", ["year", "area"])
    source = {
        "folder": folder,
        "pattern": folder / "*/*/*.parquet",
        "dataset": ds.dataset(folder, partitioning="hive"),
    }[opened]
    kept = frame if where is None else frame[frame.year > 2020]
    for formula in ("y ~ x", "y ~ x + year + area", "y ~ x*area + factor(year)", "year ~ x"):
        there = sd.lm(formula, data=sd.scan(source, filter=where, block_rows=rows))
        here = sd.lm(formula, data=kept)
        assert there.params.index.tolist() == here.params.index.tolist()
        assert_same(there.params, here.params)
        assert_same(there.bse, here.bse)


def test_a_column_that_files_have_is_not_taken_from_folders(tmp_path, frame):
    folder = tmp_path / "year=1999"
    folder.mkdir()
    frame.to_parquet(folder / "a.parquet")
    assert_same(
        sd.lm("y ~ year", data=sd.scan(folder)).params, sd.lm("y ~ year", data=frame).params
    )


def test_a_folder_for_missing_values(tmp_path, frame):
    frame["area"] = frame.area.where(frame.year != 2021)
    folder = partitioned(frame, tmp_path / "rows", ["area"])
    there = sd.lm("y ~ x + area", data=sd.scan(folder))
    assert there.nobs == 60
    assert_same(there.params, sd.lm("y ~ x + area", data=frame).params)


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_categories_in_one_file_and_text_in_another(tmp_path, frame, rows):
    halves = frame[:45], frame[45:]
    kinds = (pd.CategoricalDtype(["c", "b", "a"]), "str"), ("str", pd.CategoricalDtype(list("cab")))
    for number, pair in enumerate(kinds):
        for part, (half, kind) in enumerate(zip(halves, pair, strict=True)):
            half.assign(g=half.g.astype(kind)).to_parquet(tmp_path / f"{number}{part}.parquet")
        scan = sd.scan(tmp_path / f"{number}*.parquet", block_rows=rows)
        assert_same(sd.lm("y ~ g", data=scan).params, sd.lm("y ~ g", data=frame).params)


@pytest.mark.parametrize("levels", [["c", "a", "b"], ["c", "unseen", "b", "a"]])
@pytest.mark.parametrize("ordered", [False, True])
def test_categories_have_their_order(frame, levels, ordered):
    frame["g"] = pd.Categorical(frame.g, levels, ordered=ordered)
    text = ", ".join(f"'{level}'" for level in levels)
    column = f"g::VARCHAR::ENUM({text}) as g"
    sources = {
        "frame": sd.scan(frame, block_rows=7),
        "dask": dd.from_pandas(frame, npartitions=4),
        "duckdb": duckdb.sql(f"select * replace ({column}) from frame"),
    }
    for name, data in sources.items():
        for fitted in (lambda d: sd.lm("y ~ g*x", data=d), lambda d: sd.multinom("g ~ x", data=d)):
            here, there = fitted(frame), fitted(data)
            assert list(there.params.index) == list(here.params.index), name
            assert_same(there.params, here.params)


def test_compressed_text(tmp_path, frame):
    frame.to_csv(tmp_path / "a.csv.gz", index=False)
    expected = sd.lm("y ~ x + area", data=frame).params
    for source in (tmp_path, tmp_path / "a.csv.gz"):
        assert_same(sd.lm("y ~ x + area", data=sd.scan(source)).params, expected)


def ordered(frame, levels):
    return frame.assign(g=pd.Categorical(frame.g, list(levels), ordered=True))


@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("orders", [("cab", "cab"), ("abc", "cba"), ("cab", "dcab")])
def test_files_with_other_orders_of_categories(tmp_path, frame, orders, rows):
    """One order is kept; where there are several the levels are sorted, as where they are text."""
    halves = [ordered(half, to) for half, to in zip((frame[:45], frame[45:]), orders, strict=True)]
    for number, half in enumerate(halves):
        half.to_parquet(tmp_path / f"{number}.parquet")
    scan = sd.scan(tmp_path, block_rows=rows)
    for fitted in (lambda d: sd.lm("y ~ g*x", data=d), lambda d: sd.multinom("g ~ x", data=d)):
        here, there = fitted(pd.concat(halves)), fitted(scan)
        assert list(there.params.index) == list(here.params.index)
        assert_same(there.params, here.params)


def test_categories_that_a_part_of_the_files_has(tmp_path, frame):
    parts = [
        frame[frame.g != gone].assign(g=lambda d: pd.Categorical(d.g, ordered=True))
        for gone in "abc"
    ]
    for number, part in enumerate(parts):
        part.to_parquet(tmp_path / f"{number}.parquet")
    here = sd.lm("y ~ g", data=pd.concat(one.assign(g=one.g.astype(str)) for one in parts))
    assert_same(sd.lm("y ~ g", data=sd.scan(tmp_path, block_rows=7)).params, here.params)


def test_categories_that_dask_does_not_know(frame):
    frame.loc[80:, "g"] = "new"
    partitions = dd.from_pandas(frame, npartitions=3)
    partitions["c"] = partitions.g.astype("category")
    assert_same(sd.lm("y ~ c", data=partitions).params, sd.lm("y ~ g", data=frame).params)


def test_another_type_in_a_partition(frame):
    halves = [frame[:45], frame[45:].assign(x="text")]
    partitions = dd.from_map(lambda number: halves[number], range(2), meta=frame)
    for formula in ("y ~ x", "y ~ x + g"):
        with pytest.raises(sd.DataError, match=r"`x` holds (numbers|text) in some rows"):
            sd.lm(formula, data=partitions)


def test_a_function_that_returns_one_stream_again(frame):
    reader = pa.Table.from_pandas(frame, preserve_index=False).to_reader()
    with pytest.raises(sd.DataError, match="the same stream at every call"):
        sd.lm("y ~ x + g", data=sd.scan(lambda: reader))


def test_columns_of_one_name(frame):
    table = pa.table([frame.x, frame.x, frame.y], names=["x", "x", "y"])
    with pytest.raises(sd.DataError, match="more than one column of the name x"):
        sd.scan(table)


def test_levels_that_no_row_has(frame):
    scan = sd.scan(frame.assign(g=frame.g.astype(str)), levels={"g": ["c", "z", "a", "b"]})
    assert sd.lm("y ~ g", data=scan).params.index.tolist() == ["Intercept", "g[T.a]", "g[T.b]"]


@pytest.mark.parametrize("orders", [("cab", "cab"), ("abc", "cba")])
def test_clusters_by_categories(tmp_path, frame, orders):
    halves = [ordered(half, to) for half, to in zip((frame[:45], frame[45:]), orders, strict=True)]
    for number, half in enumerate(halves):
        half.to_parquet(tmp_path / f"{number}.parquet")
    for formula in ("y ~ x", "y ~ x + area"):
        there = sd.lm(formula, data=sd.scan(tmp_path, block_rows=7)).vcov(cluster="g")
        assert_same(there, sd.lm(formula, data=frame).vcov(cluster="g"), 1e-9)


def test_a_folder_that_the_path_names_is_no_column(tmp_path, frame):
    """Every row has the same value there, and `y ~ .` would take it."""
    folder = tmp_path / "run=3"
    for year in (2020, 2021):
        (folder / f"year={year}").mkdir(parents=True)
        frame.drop(columns="year").to_parquet(folder / f"year={year}" / "a.parquet")
    assert {"year", "run"} & set(sd.scan(folder).names) == {"year"}
    assert {"year", "run"} & set(sd.scan(folder / "year=2020" / "*.parquet").names) == set()
    files = [folder / f"year={year}" / "a.parquet" for year in (2020, 2021)]
    assert {"year", "run"} & set(sd.scan(files).names) == {"year"}
