"""Documents as HTML for notebooks and pages.

The result is a fragment that carries its own few rules of style, all under one class. Colours
are the page's own (``currentColor``), so that it is legible on light and on dark pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from statdl.report.block import Document, Pair, Pairs, Table, grouped, printable

STYLE = """\
.statdl-report{display:inline-block;max-width:100%;overflow-x:auto;line-height:1.4}
.statdl-report table{width:100%;margin:0;border:0;border-top:2px solid;border-collapse:collapse;\
table-layout:auto;font-variant-numeric:tabular-nums;color:inherit}
.statdl-report table:last-of-type{border-bottom:2px solid}
.statdl-report caption{padding:.3em;font-weight:600;text-align:center;color:inherit}
.statdl-report caption span{display:block;font-weight:400;text-align:left}
.statdl-report th,.statdl-report td{padding:.15em .6em;border:0;text-align:right;white-space:pre}
.statdl-report th[scope=row]{font-weight:400;text-align:left}
.statdl-report th[scope=col]{font-weight:600;border-bottom:1px solid}
.statdl-report th[scope=col]:first-child{text-align:left}
.statdl-report td+th[scope=row]{padding-left:2em}
.statdl-report tbody+tbody tr:first-child>*{border-top:1px solid}
.statdl-report p,.statdl-report ol{margin:.5em 0;padding-left:0;font-size:.9em}
.statdl-report ol{padding-left:1.6em;width:0;min-width:100%;box-sizing:border-box}"""

END = ("</tbody>", "</table>")


def render(document: Document) -> str:
    """Return ``document`` as one ``<div class="statdl-report">``, all text escaped."""
    return fragment(document, f"<style>\n{STYLE}\n</style>")


def fragment(document: Document, *start: str) -> str:
    """Return ``document`` as :func:`render` does, for a page that has :data:`STYLE` in its head."""
    document = printable(document)
    label = escape(document.title or "Table")
    lines = [
        # a region that scrolls sideways must be reachable from the keyboard, and have a name
        f'<div class="statdl-report" role="region" aria-label="{label}" tabindex="0">',
        *start,
    ]
    caption = _caption(document)
    for group in grouped(document.blocks):
        lines += _pairs(group, caption) if isinstance(group, Pairs) else _tables(group, caption)
        caption = ""
    if caption:  # no table took it
        lines.append(f"<p>{caption}</p>")
    lines += _notes(document.notes)
    return "\n".join([*lines, "</div>"])


def _caption(document: Document) -> str:
    """Return the title, with the lines of the heading below it."""
    lines = (f"<span>{escape(line)}</span>" for line in document.heading)
    return escape(document.title) + "".join(lines)


def _pairs(block: Pairs, caption: str) -> list[str]:
    rows = (_pair(one) + _pair(other) for one, other in block.rows())
    lines = [f"<tr>{row}</tr>" for row in rows]
    return [*_start("statdl-pairs", caption), "<tbody>", *lines, *END]


def _pair(pair: Pair) -> str:
    label, value = map(escape, pair)
    return f'<th scope="row">{label}</th><td>{value}</td>' if label else "<td></td><td></td>"


def _tables(tables: Sequence[Table], caption: str) -> list[str]:
    first, *others = tables
    captions = [part for part in (caption, escape(first.title)) if part]
    lines = _start("statdl-table", "<br>".join(captions))
    lines += ["<thead>", _header(first), "</thead>", "<tbody>", *map(_row, first.rows)]
    for table in others:
        again = [_header(table)] if table.columns != first.columns else []
        lines += ["</tbody>", "<tbody>", *again, *map(_row, table.rows)]
    return [*lines, *END]


def _start(name: str, caption: str) -> list[str]:
    start = f'<table class="{name}">'
    return [start, f"<caption>{caption}</caption>"] if caption else [start]


def _header(table: Table) -> str:
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.columns)
    return f"<tr>{cells}</tr>"


def _row(row: Sequence[str]) -> str:
    label, *cells = map(escape, row)
    values = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{label}</th>{values}</tr>'


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    items = [f"<li>{escape(note)}</li>" for note in notes]
    return ["<p>Notes:</p>", '<ol class="statdl-notes">', *items, "</ol>"]
