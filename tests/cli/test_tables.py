"""What the command line makes of files it is given."""

from __future__ import annotations

import click
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import statdl as sd
from statdl.cli.outcome import INTERNAL, run
from statdl.cli.sniff import Dialect, sniff_dialect, sniff_encoding
from statdl.cli.table import read_table, write_table


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(separator):
    text = "a,b,c\n1,2,3\n4,5,6\n".replace(",", separator)
    assert sniff_dialect(text, None, None).separator == separator


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1,5;2\n", Dialect(";", ",")),
        ("a;b\n1.5;2\n", Dialect(";", ".")),
        ("a;b\n1,5;2.5\n", Dialect(";", ".")),  # both: the comma is no decimal point
        ('name,"a;b"\n"x;y",1\n', Dialect(",", ".")),
        ("name\nJohn Smith\nJane Doe Jr\n", Dialect(",", ".")),
        ("a b c\n1 2 3\n4  5 6\n", Dialect(r"\s+", ".")),
        ("a\n1\n2\n", Dialect(",", ".")),
        ('a,b\n"1,2",3\n"4,5",6\n', Dialect(",", ".")),
    ],
)
def test_dialects(text, expected):
    assert sniff_dialect(text, None, None) == expected


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("키,몸무게\n남,65", "utf-8", "utf-8"),
        ("키,몸무게\n남,65", "utf-8-sig", "utf-8-sig"),
        ("키,몸무게\n남,65", "cp949", "cp949"),
        ("키,몸무게\n남,65", "utf-16", "utf-16"),
        ("a,b\n1,2", "utf-16-le", "utf-16-le"),
        ("température °C,größe\nété,2", "cp1252", "cp1252"),
        ("weight µm,b\n1,2", "cp1252", "cp1252"),
    ],
)
def test_encodings(text, encoding, found, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode(encoding))
    assert sniff_encoding(path.read_bytes()) == found
    assert list(read_table(str(path)).columns) == text.split("\n")[0].split(",")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_survive_the_way_through_a_file(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("round") / "data.csv"
    write_table(pd.DataFrame({"a": values}), str(path))
    assert read_table(str(path))["a"].astype(float).tolist() == pytest.approx(values, rel=1e-15)


def test_names_of_rows_stand_below_a_blank(tmp_path):
    cars = sd.datasets.load("mtcars").rename_axis(None)
    cars.to_csv(tmp_path / "cars.csv")
    found = read_table(str(tmp_path / "cars.csv"))
    assert found.index[0] == "Mazda RX4"
    assert list(found.columns) == list(cars.columns)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty: there is not even a line"),
        (b"a,b\n", "column names and no rows"),
        (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, where lines before it have 2"),
        (b"PAR1 and no more", "damaged Parquet"),
        (b"a,b\n\xff,1\n", "data.csv is not utf-8 text: see line 2; give --encoding"),
    ],
)
def test_bad_files(content, words, tmp_path, monkeypatch):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    encoding = "utf-8" if b"\xff" in content else None
    with pytest.raises(sd.DataError, match=words.replace("(", r"\(")):
        read_table("data.csv", encoding=encoding)


def test_a_fault_of_ours_has_one_line_and_its_own_code(capsys, monkeypatch):
    @click.command()
    def broken():
        raise TypeError("two\nlines \x1b[31m")

    monkeypatch.delenv("STATDL_TRACEBACK", raising=False)
    assert run(broken, []) == INTERNAL
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said
    assert "TypeError: two lines" in said
    monkeypatch.setenv("STATDL_TRACEBACK", "1")
    with pytest.raises(TypeError, match="two"):
        run(broken, [])
