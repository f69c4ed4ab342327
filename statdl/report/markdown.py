"""Documents as Markdown, with pipe tables as GitHub, pandoc and Quarto read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from statdl.report.block import Document, Pairs, Table, grouped, printable

#: What would be read as markup inside a cell or a line.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")


def escape(text: str) -> str:
    r"""Return ``text`` so that Markdown shows it as it is.

    Examples
    --------
    >>> print(escape("a_b|c*"))
    a\_b\|c\*
    """
    return _SPECIAL.sub(r"\\\1", text)


def render(document: Document) -> str:
    """Return ``document`` as a title, pipe tables, and a list of notes."""
    document = printable(document)
    parts: list[list[str]] = []
    if document.title:
        parts.append([f"**{escape(document.title)}**"])
    if document.heading:
        parts.append([escape(line) + "  " for line in document.heading])  # two blanks end a line
    for group in grouped(document.blocks):
        parts.append(_pairs(group) if isinstance(group, Pairs) else _tables(group))
    if document.notes:
        parts.append([f"{k}. {escape(note)}" for k, note in enumerate(document.notes, start=1)])
    return "\n\n".join("\n".join(lines) for lines in parts)


def _pairs(block: Pairs) -> list[str]:
    lines = [_row((*map(escape, one), *map(escape, other))) for one, other in block.rows()]
    return [_row([""] * 4), "|:---|---:|:---|---:|", *lines]


def _tables(tables: Sequence[Table]) -> list[str]:
    first = tables[0]
    lines = [f"*{escape(first.title)}*", ""] if first.title else []
    lines += [_row(map(escape, first.columns)), "|:---|" + "---:|" * (len(first.columns) - 1)]
    for table in tables:
        if table.columns != first.columns:
            lines.append(_row(f"**{escape(cell)}**" if cell else "" for cell in table.columns))
        lines += [_row(map(escape, row)) for row in table.rows]
    return lines


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
