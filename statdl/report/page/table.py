"""A table as a page of its own."""

from __future__ import annotations

from statdl.report.block import Document
from statdl.report.page.part import Page, Part, Readings, Section, Shown
from statdl.report.page.session import session
from statdl.report.reading.words import Reading


def table_page(
    document: Document,
    readings: tuple[Reading, ...] = (),
    *,
    title: str | None = None,
    further: tuple[Section, ...] = (),
) -> Page:
    """Return a page with a table, what it says, and further sections before the session."""
    name = document.title or "Table"
    table = Document("", document.blocks, document.notes, document.heading)
    sections = [Section(name, (Shown(table),))]
    if readings:
        parts: tuple[Part, ...] = (Readings(readings),)
        sections.append(Section("What it says", parts))
    return Page(title or name, "", (*sections, *further, session()))
