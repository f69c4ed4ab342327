"""How wide characters stand in a terminal, and which of them may be printed at all.

Column names come from people's data: they may be Korean, hold combining accents, or hold a
newline or a terminal's escape code that would break a table (or worse) when printed.
"""

from __future__ import annotations

from unicodedata import category, combining, east_asian_width

JOINERS = "\u200c\u200d"  # no width of their own, but the letters around them need them
HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, bidirectional marks, unassigned …


def visible(text: str) -> str:
    r"""Return ``text`` with every character that would not print spelt out.

    Examples
    --------
    >>> print(visible("two\nlines"))
    two\nlines
    """
    return text if text.isprintable() else "".join(map(_spelt_out, text))


def display_width(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes.

    East Asian wide characters take two (Unicode Standard Annex 11), combining marks none.

    Examples
    --------
    >>> display_width("weight"), display_width("몸무게")
    (6, 6)
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def left(text: str, width: int) -> str:
    """Return ``text`` flush left in ``width`` columns."""
    return text + " " * (width - display_width(text))


def right(text: str, width: int) -> str:
    """Return ``text`` flush right in ``width`` columns."""
    return " " * (width - display_width(text)) + text


def centre(text: str, width: int) -> str:
    """Return ``text`` in the middle of ``width`` columns, with nothing after it."""
    return " " * ((width - display_width(text)) // 2) + text


def wrap(text: str, width: int, indent: int = 0) -> list[str]:
    """Break ``text`` between words into lines of ``width`` columns, later ones indented.

    A word longer than a line, such as a column's name, stays whole.

    Examples
    --------
    >>> wrap("[1] The errors are normal.", 16, indent=4)
    ['[1] The errors', '    are normal.']
    """
    lines: list[str] = []
    line, used = "", 0
    for word in text.split():
        needed = display_width(word)
        if line.strip() and used + 1 + needed > width:
            lines.append(line)
            line, used = " " * indent + word, indent + needed
        else:
            separator = " " if line else ""
            line, used = line + separator + word, used + len(separator) + needed
    return [*lines, line] if line else lines


def _spelt_out(character: str) -> str:
    if character in JOINERS or category(character) not in HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _columns(character: str) -> int:
    if combining(character) or character in JOINERS or category(character) in ("Mn", "Me"):
        return 0
    if "\u1160" <= character <= "\u11ff":  # vowels and finals that join the Hangul initial before
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
