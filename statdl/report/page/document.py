"""Pages as HTML: one file without scripts, fonts or pictures from elsewhere.

The file forbids itself to load anything (its Content-Security-Policy), so that opening a report
never tells anybody. Every text is escaped here and nowhere else.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape

from statdl.files import write_whole
from statdl.report import html
from statdl.report.characters import visible
from statdl.report.page.part import (
    Facts,
    Gallery,
    Page,
    Part,
    Picture,
    Prose,
    Readings,
    Section,
    Shown,
    Source,
)
from statdl.report.page.style import STYLE

#: Spaces at which a line would break a number from its sign.
_GLUED = re.compile(r" (?=%)|(?<=[\w)]) (?=[=<] [\d−])|(?<=[=<]) (?=[\d−])")

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_page(path: str | os.PathLike[str], page: Page) -> None:
    """Write a page to a file, in one piece or not at all."""
    write_whole(path, render_page(page).encode("utf-8", "backslashreplace"))


def render_page(page: Page) -> str:
    """Return a page as an HTML document."""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="generator" content="statdl">',
        f"<title>{_text(page.title)}</title>",
        '<link rel="icon" href="data:,">',
        f"<style>\n{html.STYLE}\n{STYLE}\n</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#content">Skip to the content</a>',
        *_header(page),
        *_contents(page.sections),
        '<main id="content" tabindex="-1">',
        *(line for k, one in enumerate(page.sections, start=1) for line in _section(k, one)),
        "</main>",
        "<footer><p>Made by statdl. Everything on this page is in this one file.</p></footer>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    return escape(visible(text))


def _glued(text: str) -> str:
    return _text(_GLUED.sub("\u00a0", text))


def _header(page: Page) -> list[str]:
    lines = ["<header>", f"<h1>{_text(page.title)}</h1>"]
    if page.subtitle:
        lines.append(f'<p class="subtitle">{_text(page.subtitle)}</p>')
    if page.facts is not None:
        lines += _part(page.facts)
    return [*lines, "</header>"]


def _contents(sections: tuple[Section, ...]) -> list[str]:
    if len(sections) < 2:
        return []
    items = (
        f'<li><a href="#section-{k}">{_text(one.title)}</a></li>'
        for k, one in enumerate(sections, start=1)
    )
    return ['<nav aria-label="Contents">', "<ol>", *items, "</ol>", "</nav>"]


def _section(number: int, section: Section) -> Iterator[str]:
    name = f"section-{number}"
    yield f'<section id="{name}" aria-labelledby="{name}-title">'
    yield f'<h2 id="{name}-title">{_text(section.title)}</h2>'
    for part in section.parts:
        yield from _part(part)
    yield "</section>"


def _part(part: Part) -> list[str]:
    return RENDERERS[type(part)](part)


def _prose(part: Prose) -> list[str]:
    return [f"<p>{_text(one)}</p>" for one in part.paragraphs]


def _readings(part: Readings) -> list[str]:
    """Return a list of subjects with what is said of them."""
    lines = ['<dl class="readings">']
    for one in part.readings:
        lines.append(f"<div><dt>{_text(one.subject)}</dt><dd>{_glued(one.text)}</dd></div>")
    return [*lines, "</dl>"]


def _facts(part: Facts) -> list[str]:
    kind = "facts large" if part.large else "facts"
    items = (
        f"<div><dt>{_text(label)}</dt><dd>{_text(value)}</dd></div>" for label, value in part.pairs
    )
    return [f'<dl class="{kind}">', *items, "</dl>"]


def _source(part: Source) -> list[str]:
    # line breaks are layout here; all other characters that do not print are spelt out
    text = "\n".join(map(visible, part.text.split("\n")))
    return [f'<pre role="region" aria-label="Code" tabindex="0"><code>{escape(text)}</code></pre>']


def _shown(part: Shown) -> list[str]:
    return [html.fragment(part.document)]


def _picture(part: Picture) -> list[str]:
    lines = [
        "<figure>",
        # style shows one of them, and print the light one: <picture> would keep that of the screen
        f'<img class="light" src="{_data(part.light)}" alt="{_text(part.alternative)}">',
        f'<img class="dark" src="{_data(part.dark)}" alt="{_text(part.alternative)}">',
    ]
    if part.caption:
        lines.append(f"<figcaption>{_text(part.caption)}</figcaption>")
    return [*lines, "</figure>"]


def _gallery(part: Gallery) -> list[str]:
    figures = (line for one in part.pictures for line in _picture(one))
    return ['<div class="gallery">', *figures, "</div>"]


def _data(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


RENDERERS: Mapping[type, Callable[..., list[str]]] = {
    Prose: _prose,
    Readings: _readings,
    Facts: _facts,
    Source: _source,
    Shown: _shown,
    Picture: _picture,
    Gallery: _gallery,
}
