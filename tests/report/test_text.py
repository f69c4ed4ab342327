"""Documents as text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statdl.report.block import Document, Pairs, Table
from statdl.report.characters import display_width, visible, wrap
from statdl.report.table import DataTable, Summary
from statdl.report.text import render

Golden = Callable[[str, str], None]

names = st.text(max_size=30) | st.sampled_from(["몸무게", "体重計", "weight\n", "é́", "a  b"])
values = st.floats().map(str) | st.sampled_from(["", "NA", "<0.001"])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.integers(1, 7))
    cells = [names, *[values] * (columns - 1)]
    head = st.tuples(*[names] * columns)
    return Table(draw(head), tuple(draw(st.lists(st.tuples(*cells), max_size=5))), draw(names))


@st.composite
def pairs(draw: st.DrawFn) -> Pairs:
    side = st.lists(st.tuples(names, values), max_size=4).map(tuple)
    return Pairs(draw(side), draw(side))


documents = st.builds(
    Document,
    title=names,
    blocks=st.lists(tables() | pairs(), max_size=4).map(tuple),
    notes=st.lists(names, max_size=2).map(tuple),
)


def cells_of(document: Document) -> list[str]:
    cells = [document.title, *document.notes]
    for block in document.blocks:
        if isinstance(block, Table):
            cells += [block.title, *block.columns, *(cell for row in block.rows for cell in row)]
        else:
            cells += [part for pair in (*block.left, *block.right) for part in pair]
    return cells


def test_golden_prints(
    golden: Golden, linear: Summary, multinomial: Summary, comparison: DataTable
) -> None:
    golden("linear.txt", str(linear))
    golden("multinomial.txt", str(multinomial))
    golden("comparison.txt", str(comparison))


@given(documents, st.none() | st.integers(1, 120))
def test_no_cell_is_lost(document: Document, width: int | None) -> None:
    squeezed = "".join(render(document, width).split())
    for cell in cells_of(document):
        assert "".join(visible(cell).split()) in squeezed


@given(documents, st.none() | st.integers(1, 120))
def test_all_between_the_rules_is_as_wide_as_they_are(
    document: Document, width: int | None
) -> None:
    text = render(Document("", document.blocks), width)
    lines = text.split("\n")
    full = display_width(lines[-1])
    assert full >= (width or 0)
    for block in document.blocks:
        if not isinstance(block, Table):
            continue
        for row in (block.columns, *block.rows):
            if row[1:] and row[-1] and row[-1] == row[-1].rstrip():  # blanks at the end are cut
                assert full in {display_width(line) for line in lines if fits(line, row)}


def fits(line: str, row: tuple[str, ...]) -> bool:
    return "".join(line.split()) == "".join("".join(map(visible, row)).split())


def test_width_grows_with_a_long_label(linear: Summary) -> None:
    long = "factor(country)[T.The Former Something of Very Long Name and More of It]"
    head, table, tests = linear.blocks
    assert isinstance(table, Table)
    rows = (*table.rows, (long, *table.rows[-1][1:]))
    lines = str(Summary(linear.title, (head, Table(table.columns, rows), tests))).split("\n")
    assert any(line.startswith(long + "  ") for line in lines)
    assert {display_width(line) for line in lines if set(line) <= set("=-")} == {
        max(map(display_width, lines))
    }


def test_korean_names_are_aligned() -> None:
    table = Table(("", "coef"), (("몸무게", "-3.1814"), ("hp", "-0.0231")))
    lines = render(Document("", (table,)), width=30).split("\n")
    assert [display_width(line) for line in lines] == [30] * len(lines)
    assert len(lines[3]) == 27


def test_decomposed_hangul_takes_the_same_width() -> None:
    import unicodedata

    assert display_width(unicodedata.normalize("NFD", "몸무게")) == display_width("몸무게")


@pytest.mark.parametrize("sign", ["\n", "\x1b[31m", "\u202e", "\r", "\x00", "\u2028"])
def test_signs_that_steer_a_terminal_are_spelt_out(sign: str) -> None:
    text = render(Document("t" + sign, (Table(("a" + sign,), (("b",),)),)))
    assert sign not in text.replace("\n", "" if sign == "\n" else "\n")
    assert "\\" in text


def test_tables_of_one_group_share_columns(multinomial: Summary) -> None:
    lines = str(multinomial).split("\n")
    heads = [line for line in lines if "std err" in line]
    assert len(heads) == 2
    assert heads[0].index("coef") == heads[1].index("coef")
    assert sum(set(line) == {"="} for line in lines) == 3


def test_notes_are_numbered_and_wrapped(linear: Summary) -> None:
    lines = str(linear).split("\n")
    notes = lines[lines.index("Notes:") :]
    assert [line[:4] for line in notes[1:]] == ["[1] ", "    ", "[2] ", "    "]
    assert max(map(len, notes)) <= 78


def test_wrap_keeps_long_words() -> None:
    assert wrap("a " + "b" * 30 + " c", 10, indent=2) == ["a", "  " + "b" * 30, "  c"]


def test_ragged_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="has 1 cells where the header has 2"):
        Table(("a", "b"), (("only",),))
    with pytest.raises(ValueError, match="at least one column"):
        Table((), ())
