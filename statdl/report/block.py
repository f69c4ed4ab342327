"""What a printed report is made of, whatever it is printed as.

A document has a title, lines of heading, blocks and notes. A block is either pairs of labels
and values in two columns, or a table with a header. All cells are text that is already
formatted (:mod:`statdl.report.format`); how they are laid out is the renderers' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from statdl.report.characters import visible

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Pairs:
    """Labels and values side by side in two columns: the head of a summary."""

    left: tuple[Pair, ...]
    right: tuple[Pair, ...] = ()

    def rows(self) -> list[tuple[Pair, Pair]]:
        """Return one (left, right) a line; the shorter side ends in blank pairs."""
        length = max(len(self.left), len(self.right))
        blank = ("", "")
        left = (*self.left, *[blank] * (length - len(self.left)))
        right = (*self.right, *[blank] * (length - len(self.right)))
        return list(zip(left, right, strict=True))


@dataclass(frozen=True)
class Table:
    """A header and rows; the first cell of each row is its label.

    Raises
    ------
    ValueError
        There is no column, or a row has more or fewer cells than the header.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("a table needs at least one column, for the labels of its rows")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"the row {row[:1]} has {len(row)} cells where the header has "
                    f"{len(self.columns)}: give one cell for each of {self.columns}"
                )


Block: TypeAlias = Pairs | Table


@dataclass(frozen=True)
class Document:
    """A title, lines of heading, blocks and notes, ready for any renderer."""

    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()
    heading: tuple[str, ...] = ()


def printable(document: Document) -> Document:
    """Return ``document`` without characters that would break its layout."""
    return Document(
        visible(document.title),
        tuple(map(_printable_block, document.blocks)),
        _printable_row(document.notes),
        _printable_row(document.heading),
    )


def grouped(blocks: Iterable[Block]) -> list[Pairs | tuple[Table, ...]]:
    """Put tables that follow each other under the same header into one group.

    Such tables (one for each category of a multinomial response) differ in the first cell of
    the header only, and share the widths of their columns.
    """
    groups: list[Pairs | tuple[Table, ...]] = []
    for block in blocks:
        last = groups[-1] if groups else None
        if isinstance(block, Pairs):
            groups.append(block)
        elif isinstance(last, tuple) and _continues(last[-1], block):
            groups[-1] = (*last, block)
        else:
            groups.append((block,))
    return groups


def _continues(before: Table, table: Table) -> bool:
    return before.columns[1:] == table.columns[1:] and not table.title


def _printable_block(block: Block) -> Block:
    if isinstance(block, Pairs):
        return Pairs(_printable_pairs(block.left), _printable_pairs(block.right))
    rows = tuple(map(_printable_row, block.rows))
    return Table(_printable_row(block.columns), rows, visible(block.title))


def _printable_pairs(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    return tuple((visible(label), visible(value)) for label, value in pairs)


def _printable_row(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(visible, row))
