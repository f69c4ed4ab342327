"""Documents as HTML."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from statdl.report.block import Document, Table
from statdl.report.characters import visible
from statdl.report.html import render
from statdl.report.table import DataTable, Summary
from tests.report.html_reader import Reader


def test_golden(golden: Callable[[str, str], None], linear: Summary, comparison: DataTable) -> None:
    golden("linear.html", linear.to_html())
    golden("comparison.html", comparison.to_html())


def test_header_cells_have_a_scope(multinomial: Summary) -> None:
    seen = Reader(multinomial.to_html()).seen
    scopes = [attributes.get("scope") for tag, attributes in seen if tag == "th"]
    assert set(scopes) == {"row", "col"}
    tags = [tag for tag, _ in seen]
    assert tags.count("caption") == 1
    assert tags.count("thead") == 1
    assert tags.count("table") == 2  # the head, and one for both categories


def test_nothing_from_data_becomes_markup(hostile: Summary) -> None:
    reader = Reader(hostile.to_html())
    allowed = {"div", "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "ol"}
    assert {tag for tag, _ in reader.seen} <= allowed | {"li", "br"}
    assert reader.text.count(hostile.title) == 11
    assert reader.seen[0][1]["aria-label"] == hostile.title


@given(st.text(), st.text())
def test_any_text_is_well_formed_and_kept(name: str, cell: str) -> None:
    table = Table((name, "x"), ((name, cell),), title=name)
    reader = Reader(render(Document(name, (table,), (cell,))))
    assert visible(name) in reader.text
    assert visible(cell) in reader.text


def test_a_document_without_tables_keeps_its_words() -> None:
    reader = Reader(render(Document("title", (), ("note",), ("line",))))
    assert all(word in reader.text for word in ("title", "note", "line"))


def test_notebooks_get_html(linear: Summary) -> None:
    assert linear._repr_html_() == linear.to_html()
    assert "<0.001" not in linear.to_html()
    assert "&lt;0.001" in linear.to_html()


def test_no_colour_of_its_own(linear: Summary) -> None:
    style = linear.to_html().split("<style>")[1].split("</style>")[0]
    assert "#" not in style
    assert all(line.startswith(".statdl-report") for line in style.strip().split("\n"))
