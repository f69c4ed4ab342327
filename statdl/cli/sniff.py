"""What a CSV file does not say of itself: its encoding, its separator, its decimal point."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from statdl.errors import DataError

#: What separates fields, the first where several fit as well.
SEPARATORS = (",", ";", "\t", "|")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", r"\s+": "white space"}
#: Characters and lines that are looked at.
LOOKED_AT = 1 << 16
LINES = 100

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_COMMA_NUMBER = re.compile(r"\s*[-+]?\d+,\d+\s*")
_POINT_NUMBER = re.compile(r"\s*[-+]?\d+\.\d+\s*")


@dataclass(frozen=True)
class Dialect:
    """How a text is cut into fields, and what its decimal point is."""

    separator: str
    decimal: str


def sniff_encoding(raw: bytes) -> str:
    """Return the encoding of a text: by its mark, else UTF-8, Korean or Western European.

    Korean (cp949) is taken where most of its two-byte characters are of the standard KS X 1001; a
    "°C" in a Western European file would be one too, but not of it.

    Examples
    --------
    >>> sniff_encoding("a,나".encode()), sniff_encoding("키,몸무게".encode("cp949"))
    ('utf-8', 'cp949')
    >>> sniff_encoding("temp °C,café".encode("cp1252"))
    'cp1252'
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    if b"\x00" in raw[:LOOKED_AT]:
        even, odd = raw[:LOOKED_AT:2].count(0), raw[1:LOOKED_AT:2].count(0)
        return "utf-16-le" if odd > even else "utf-16-be"
    for name in ("utf-8", "cp949", "cp1252"):
        if _decodes(raw, name) and (name != "cp949" or _korean(raw)):
            return name
    return "latin-1"


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _korean(raw: bytes) -> bool:
    """Tell whether most two-byte characters are of KS X 1001: both bytes from 0xA1 on."""
    words = [one for one in raw.decode("cp949") if ord(one) > 127]
    standard = sum(min(one.encode("cp949")) >= 0xA1 for one in words)
    return 2 * standard > len(words)


def sniff_dialect(text: str, separator: str | None, decimal: str | None) -> Dialect:
    r"""Return separator and decimal point, as given or as the first lines have them.

    Examples
    --------
    >>> sniff_dialect("a;b\n1,5;2\n3,25;4\n", None, None)
    Dialect(separator=';', decimal=',')
    >>> sniff_dialect("a,b\n1.5,2\n", None, None)
    Dialect(separator=',', decimal='.')
    """
    lines = [line for line in text[:LOOKED_AT].splitlines()[: LINES + 1] if line.strip()]
    if len(text) > LOOKED_AT and len(lines) > 1:
        lines = lines[:-1]  # the last may be cut off
    if not lines:
        raise DataError("the data are empty: there is not even a line of column names.")
    chosen = _separator(lines) if separator is None else separator
    return Dialect(chosen, _decimal(lines, chosen) if decimal is None else decimal)


def _separator(lines: Sequence[str]) -> str:
    """Return what cuts most lines into as many fields as the first, more than one."""
    scores = [(_agreement(lines, one), one) for one in SEPARATORS]
    best = max(score for score, _ in scores)
    if best > (0.0, 1):
        return next(one for score, one in scores if score == best)
    widths = {len(line.split()) for line in lines}
    plain = len(widths) == 1 and max(widths) > 1 and len(lines) > 1
    return r"\s+" if plain and not any('"' in line for line in lines) else ","


def _agreement(lines: Sequence[str], separator: str) -> tuple[float, int]:
    """Return the share of rows as wide as the first, and that width; (0, 1) for one field."""
    rows = list(csv.reader(lines, delimiter=separator))
    width = len(rows[0])
    if width < 2:
        return (0.0, 1)
    return (sum(len(row) == width for row in rows) / len(rows), width)


def _decimal(lines: Sequence[str], separator: str) -> str:
    """Return a comma where there are numbers with commas, and none with points."""
    if separator == ",":
        return "."
    if separator == r"\s+":
        fields = [field for line in lines for field in line.split()]
    else:
        fields = [field for row in csv.reader(lines, delimiter=separator) for field in row]
    commas = any(_COMMA_NUMBER.fullmatch(field) for field in fields)
    points = any(_POINT_NUMBER.fullmatch(field) for field in fields)
    return "," if commas and not points else "."
