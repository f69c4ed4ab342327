"""Documents as text for a terminal, in the layout that statsmodels made familiar.

Everything between two rules is as wide as the rules. A document is at least as wide as asked
and grows to its widest block, long row labels included; numbers are never cut.
"""

from __future__ import annotations

from collections.abc import Sequence

from statdl.report.block import Document, Pair, Pairs, Table, grouped, printable
from statdl.report.characters import centre, display_width, left, right, wrap

USUAL = 78  # the width of a summary
GAP = 2  # blanks at least, before a value
MIDDLE = 3  # blanks between the two columns of pairs
ROOMY = 12  # no column of numbers is stretched further than this
COMFORTABLE = 10  # the width of such a column where the document's own width is free


def render(document: Document, width: int | None = None) -> str:
    """Return ``document`` as lines of text, at least ``width`` columns wide.

    Without a width the document is as wide as its blocks need, with some air.
    """
    document = printable(document)
    groups = grouped(document.blocks)
    halves = _halves([group for group in groups if isinstance(group, Pairs)])
    full = max(width or 0, _least_width(groups, halves, least=0 if width else COMFORTABLE))
    lines = _title_lines(document, full)
    for group in groups:
        lines.append("=" * full)
        if isinstance(group, Pairs):
            lines += _pair_lines(group, halves, full)
        else:
            lines += _table_lines(group, full)
    lines.append("=" * full)
    lines += _note_lines(document.notes, full if width else max(full, USUAL))
    return "\n".join(map(str.rstrip, lines))


def _title_lines(document: Document, full: int) -> list[str]:
    if not document.title:
        return list(document.heading)
    if document.heading:  # lines that belong together stand flush left
        return [document.title, *document.heading]
    return [centre(document.title, full)]


def _least_width(
    groups: Sequence[Pairs | tuple[Table, ...]], halves: tuple[int, int], least: int
) -> int:
    tables = [sum(_column_widths(group, least)) for group in groups if isinstance(group, tuple)]
    return max([sum(halves) + MIDDLE if any(halves) else 0, *tables])


# Pairs: the label flush left and the value flush right in each half of the line.


def _halves(blocks: Sequence[Pairs]) -> tuple[int, int]:
    """Return the least widths of both halves, common to all pairs in the document."""
    return (
        max((_pair_width(pair) for block in blocks for pair in block.left), default=0),
        max((_pair_width(pair) for block in blocks for pair in block.right), default=0),
    )


def _pair_width(pair: Pair) -> int:
    return display_width(pair[0]) + GAP + display_width(pair[1])


def _pair_lines(block: Pairs, halves: tuple[int, int], full: int) -> list[str]:
    room = full - MIDDLE
    first = max(halves[0], min(room // 2, room - halves[1]))
    return [
        _pair_text(one, first) + " " * MIDDLE + _pair_text(other, room - first)
        for one, other in block.rows()
    ]


def _pair_text(pair: Pair, width: int) -> str:
    label, value = pair
    return label + right(value, width - display_width(label))


# Tables: a column of labels flush left, then columns of equal width while they fit.


def _table_lines(tables: Sequence[Table], full: int) -> list[str]:
    widths = _stretched(tables, full)
    lines: list[str] = []
    for table in tables:
        if lines:
            lines.append("-" * full)
        if table.title:
            lines += [centre(table.title, full), "-" * full]
        if table is tables[0] or table.columns != tables[0].columns:
            lines += [_row_text(table.columns, widths), "-" * full]
        lines += [_row_text(row, widths) for row in table.rows]
    return lines


def _stretched(tables: Sequence[Table], full: int) -> list[int]:
    """Return widths that add up to ``full``: columns up to roomy, labels take what is left."""
    least = next(
        (pitch for pitch in range(ROOMY, 0, -1) if sum(_column_widths(tables, pitch)) <= full), 0
    )
    columns = _column_widths(tables, least)[1:]
    return [full - sum(columns), *columns]


def _column_widths(tables: Sequence[Table], least: int) -> list[int]:
    rows = [row for table in tables for row in (table.columns, *table.rows)]
    widths = [max(map(display_width, cells)) for cells in zip(*rows, strict=True)]
    return [*widths[:1], *(max(width + GAP, least) for width in widths[1:])]


def _row_text(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [right(cell, width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return left(row[0], widths[0]) + "".join(cells)


def _note_lines(notes: Sequence[str], full: int) -> list[str]:
    if not notes:
        return []
    lines = ["", "Notes:"]
    for position, note in enumerate(notes, start=1):
        label = f"[{position}] "
        lines += wrap(label + note, full, indent=len(label))
    return lines
