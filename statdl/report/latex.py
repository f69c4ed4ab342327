r"""Documents as LaTeX tables, for papers.

The preamble needs ``\usepackage{booktabs}``; names in scripts such as Korean need an engine
and fonts that know them (XeLaTeX or LuaLaTeX).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from statdl.report.block import Document, Pairs, Table, grouped, printable

ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"$\sim$",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "|": "$|$",
        '"': "''",
        **{character: "\\" + character for character in "{}$&#_%"},
    }
)
#: Signs of titles and notes that only XeLaTeX and LuaLaTeX would know, as mathematics.
SIGNS = dict(
    zip(
        "αβγδεηθκλμπρστφχψωΓΔΘΛΣΦΨΩ∞√≤≥≠≈‖∂→",
        "alpha beta gamma delta varepsilon eta theta kappa lambda mu pi rho sigma tau varphi chi "
        "psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega infty surd le ge ne approx | "
        "partial to".split(),
        strict=True,
    )
)
MATHEMATICS = str.maketrans({"−": "$-$", **{sign: rf"$\{name}$" for sign, name in SIGNS.items()}})
#: Runs of raised signs, as in XᵀX or H⁻¹, and what they are on the line.
RAISING = re.compile("[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ]+")
LEVEL = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ", "-+0123456789T")
DASHES = re.compile("-(?=-)")  # two hyphens would join into a dash
NUMBER = re.compile(r"([<>]?)(-?)(\d+(?:\.\d*)?|inf)(?:e([+-]\d+))?(%?)")
ENTRY = re.compile(r"(\(?)([^()*]*)(\**)(\)?)")  # a number in parentheses, or with stars


def escape(text: str) -> str:
    r"""Return ``text`` so that LaTeX prints it as it is, with any engine but for scripts.

    Examples
    --------
    >>> print(escape("50% of a_b & c"))
    50\% of a\_b \& c
    """
    text = DASHES.sub("-{}", text.translate(ESCAPES).translate(MATHEMATICS))
    return RAISING.sub(lambda run: f"$^{{{run[0].translate(LEVEL)}}}$", text)


def value(text: str) -> str:
    r"""Return a formatted number with a true minus sign and power of ten; other text escaped.

    Examples
    --------
    >>> print(value("-3.359"), value("<0.001"), value("1.2e-08"))
    $-$3.359 $<$0.001 $1.2\times10^{-8}$
    """
    match = NUMBER.fullmatch(text)
    if match is None:
        return _entry(text)
    relation, sign, digits, power, percent = match.groups()
    tail = r"\%" if percent else ""
    if power is not None:
        return rf"${relation}{sign}{digits}\times10^{{{int(power)}}}${tail}"
    before = "".join(f"${mark}$" for mark in (relation, sign) if mark)
    return before + digits + tail


def _entry(text: str) -> str:
    """Return an entry of a regression table: -1.2**, (0.3) or (0.1, 0.5); other text escaped."""
    match = ENTRY.fullmatch(text)
    if match is None or not any(match.group(1, 3, 4)):
        return escape(text)
    before, inside, stars, after = match.groups()
    numbers = inside.split(", ")
    if not all(map(NUMBER.fullmatch, numbers)):
        return escape(text)
    marks = f"$^{{{stars}}}$" if stars else ""
    return before + ", ".join(map(value, numbers)) + marks + (after or "")


def render(document: Document, label: str = "") -> str:
    r"""Return ``document`` as a ``table`` with one booktabs ``tabular`` a block.

    ``label`` is what ``\ref`` will refer to.
    """
    document = printable(document)
    lines = [r"\begin{table}[htbp]", r"\centering"]
    if document.title:
        lines.append(rf"\caption{{{escape(document.title)}}}")
    if label:
        lines.append(rf"\label{{{label}}}")
    lines += [escape(line) + r"\par" for line in document.heading]
    for group in grouped(document.blocks):
        lines += _pairs(group) if isinstance(group, Pairs) else _tables(group)
    lines += _notes(document.notes)
    return "\n".join([*lines, r"\end{table}"])


def _pairs(block: Pairs) -> list[str]:
    rows = [
        [escape(one[0]), value(one[1]), escape(other[0]), value(other[1])]
        for one, other in block.rows()
    ]
    return _tabular("lrlr", map(_row, rows))


def _tables(tables: Sequence[Table]) -> list[str]:
    columns = len(tables[0].columns)
    lines: list[str] = []
    for table in tables:
        if lines:
            lines.append(r"\midrule")
        if table.title:
            lines += [_row([_across(columns, table.title)]), r"\midrule"]
        if table is tables[0] or table.columns != tables[0].columns:
            lines += [_row(map(escape, table.columns)), r"\midrule"]
        lines += [_row([escape(row[0]), *map(value, row[1:])]) for row in table.rows]
    return _tabular("l" + "r" * (columns - 1), lines)


def _across(columns: int, title: str) -> str:
    return rf"\multicolumn{{{columns}}}{{c}}{{{escape(title)}}}"


def _tabular(alignment: str, lines: Iterable[str]) -> list[str]:
    start = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    return [*start, *lines, r"\bottomrule", r"\end{tabular}\par\smallskip"]


def _row(cells: Iterable[str]) -> str:
    line = " & ".join(cells)
    # after the end of a row, a bracket or star would be read as its option
    return ("{}" if line[:1] in ("[", "*") else "") + line + r" \\"


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    lines = [f"[{position}] {escape(note)}\\par" for position, note in enumerate(notes, start=1)]
    return [r"\begin{minipage}{\linewidth}\footnotesize", *lines, r"\end{minipage}"]
