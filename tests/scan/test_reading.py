"""What is read and how often: columns, row groups, passes; and what a person sees of it."""

import io
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import statdl as sd
from tests.scan.data import assert_same, drawn
from tests.scan.sources import pandas, partitions

NUMBERS = ["x", "z", "h", "w", "y", "k", "c"]


def ruined(path, group=None, column=None):
    """Overwrite what a file holds of a row group or a column, so that to read it is an error."""
    found = pq.read_metadata(path)
    with path.open("r+b") as file:
        for k in range(found.num_row_groups) if group is None else [group]:
            for j in range(found.num_columns):
                chunk = found.row_group(k).column(j)
                if column is None or chunk.path_in_schema == column:
                    file.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
                    file.write(b"\xff" * chunk.total_compressed_size)


@pytest.fixture
def file(tmp_path):
    """One file of four groups of rows, in the order of h."""
    frame = drawn(400, 2, missing=False)[NUMBERS].assign(h=np.repeat([1.0, 2.0, 3.0, 4.0], 100))
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=100)
    return path, frame


@pytest.mark.parametrize("opened", [str, lambda path: ds.dataset(path)])
def test_row_groups_that_a_filter_leaves_out_are_not_read(file, opened):
    path, frame = file
    ruined(path, group=3)
    with pytest.raises(sd.DataError, match="cannot be read"):
        sd.lm("y ~ x + z", data=sd.scan(opened(path)))
    scan = sd.scan(opened(path), filter=pc.field("h") < 4)
    for model in (
        lambda data: sd.lm("y ~ x + z", data),
        lambda data: sd.glm("c ~ x", data, "poisson"),
    ):
        found = model(scan)
        assert found.nobs == 300
        assert_same(found.params, model(frame[frame.h < 4]).params)


def test_a_filter_within_a_row_group_leaves_rows_out(file):
    path, frame = file
    scan = sd.scan(path, filter=(pc.field("h") == 2) & (pc.field("z") > 0.5))
    assert_same(
        sd.lm("y ~ x", scan).params, sd.lm("y ~ x", frame[(frame.h == 2) & (frame.z > 0.5)]).params
    )


def test_columns_that_no_formula_names_are_not_read(file):
    path, frame = file
    ruined(path, column="w")
    fit = sd.lm("y ~ x + z", data=sd.scan(path))
    assert_same(fit.params, sd.lm("y ~ x + z", data=frame).params)
    written = fit.predict(sd.scan(path), to=path.with_name("p.parquet"))
    assert pq.read_metadata(written).num_rows == 400
    with pytest.raises(sd.DataError, match="cannot be read"):
        sd.lm("y ~ x", data=sd.scan(path), weights="w")


def test_a_source_is_asked_for_the_columns_it_needs():
    asked = []
    frame = drawn(200, 4)
    scan = pandas(frame, None, 50)
    given = scan.source.open

    def opened(columns, rows):
        asked.append(tuple(columns))
        return given(columns, rows)

    object.__setattr__(scan.source, "open", opened)
    sd.glm("k ~ x + log(z)", data=scan, family="binomial", weights="w").vcov(cluster="firm")
    assert {name for one in asked for name in one} == {"k", "x", "z", "w", "firm"}
    assert asked[-1] == ("k", "x", "z", "w", "firm")
    assert "firm" not in asked[0]


def test_a_block_is_no_larger_than_was_asked_for(file):
    path, _ = file
    blocks = list(sd.scan(path).source.blocks(["x"], 30))
    assert max(block.table.num_rows for block in blocks) <= 30
    assert [block.first for block in blocks] == np.cumsum(
        [0, *(block.table.num_rows for block in blocks[:-1])]
    ).tolist()


@pytest.mark.parametrize(
    ("fit", "passes"),
    [
        (lambda scan: sd.lm("y ~ x + z", scan), 1),
        (lambda scan: sd.lm("y ~ x + g", scan), 2),
        (lambda scan: sd.lm("y ~ scale(x) + g", scan), 2),
        (lambda scan: sd.lm("y ~ poly(x, 2)", scan), 3),
        (lambda scan: sd.lm("y ~ poly(scale(x), 2)", scan), 4),
    ],
)
def test_passes(fit, passes):
    assert fit(pandas(drawn(300, 6), None, 70)).convergence.passes == passes


def test_passes_count_what_is_read():
    frame, opened = drawn(300, 6, missing=False), []
    table = pa.Table.from_pandas(frame, preserve_index=False)

    def stream():
        opened.append(1)
        return table.to_reader(max_chunksize=50)

    scan = sd.scan(stream)
    opened.clear()
    fit = sd.glm("k ~ x + z", data=scan, family="binomial")
    assert fit.convergence.passes == len(opened)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def terminal(monkeypatch, patience=0.0):
    """Have a person watch; called by the test itself, since pytest lays stderr anew before it."""
    seen = Terminal()
    assert sd.lm  # loads the module
    monkeypatch.setattr(sys.modules["statdl.scan.passes"], "PATIENCE_SECONDS", patience)
    monkeypatch.setattr(sys, "stderr", seen)
    return seen


def test_each_pass_has_a_bar(monkeypatch):
    seen = terminal(monkeypatch)
    fit = sd.lm("y ~ x + g", data=pandas(drawn(300, 6), None, 70))
    shown = seen.getvalue()
    assert fit.convergence.passes == 2
    assert "pass 1: reading levels and ranges" in shown
    assert "pass 2: sums over rows" in shown
    assert "/300" in shown  # how many there are is known from the first pass
    assert "pass 3" not in shown


def test_nothing_is_shown_where_nobody_waits_or_looks(monkeypatch, tmp_path):
    quick = terminal(monkeypatch, patience=60.0)
    sd.lm("y ~ x", data=pandas(drawn(300, 6), None, 70))
    assert quick.getvalue() == ""
    seen = terminal(monkeypatch)
    sd.lm("y ~ x", data=partitions(drawn(300, 6), tmp_path, 70))  # read elsewhere
    monkeypatch.setattr(seen, "isatty", lambda: False)
    sd.lm("y ~ x", data=pandas(drawn(300, 6), None, 70))
    assert seen.getvalue() == ""


@pytest.mark.parametrize(
    ("ending", "separator"),
    [(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".txt", "|"), (".csv.gz", ";"), (".tab", "\t")],
)
def test_what_separates_columns_of_text_is_seen_in_the_first_line(tmp_path, ending, separator):
    frame = drawn(80, 9, missing=False)[["x", "z", "y", "g"]]
    path = tmp_path / f"rows{ending}"
    frame.to_csv(path, index=False, sep=separator)
    assert_same(
        sd.lm("y ~ x + g", data=sd.scan(path, block_rows=17)).params,
        sd.lm("y ~ x + g", frame).params,
    )
