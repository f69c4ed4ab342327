"""What a page is made of: sections, and what stands in them. All text is plain, none is markup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from statdl.report.block import Document, Pair
from statdl.report.reading.words import Reading


@dataclass(frozen=True)
class Prose:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Readings:
    """What results mean: of each subject a sentence or two."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Facts:
    """Labels with short values, such as versions; ``large`` for the few that come first."""

    pairs: tuple[Pair, ...]
    large: bool = False


@dataclass(frozen=True)
class Source:
    """A line or more of code, such as the call of a fit."""

    text: str


@dataclass(frozen=True)
class Shown:
    """A table, as it is printed elsewhere."""

    document: Document


@dataclass(frozen=True)
class Picture:
    """A picture on light and on dark paper, as SVG, and what it shows in words.

    ``alternative`` is for who cannot see it, and ``caption`` for all.
    """

    light: bytes
    dark: bytes
    alternative: str
    caption: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side, as many as there is room for."""

    pictures: tuple[Picture, ...]


Part: TypeAlias = Prose | Readings | Facts | Source | Shown | Picture | Gallery


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Page:
    """A title, a line below it, the main facts, and sections."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    facts: Facts | None = None
