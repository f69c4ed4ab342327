"""The reports that verbs return: they print as text, and know HTML, LaTeX and frames."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from statdl.errors import ModelError
from statdl.lazy import lazy
from statdl.report import html, latex, markdown, page, reading, text
from statdl.report.block import Document, Pairs, Table
from statdl.report.format import FORMATS

pd = lazy("pandas")
great_tables = lazy("great_tables")

__all__ = ["DataTable", "Document", "Pairs", "Printed", "Summary", "Table"]

Value: TypeAlias = float | str | None


class Printed(ABC):
    """Anything that prints as a document: text in a terminal, HTML in a notebook."""

    @abstractmethod
    def document(self) -> Document:
        """Return what is to be printed."""

    def to_text(self, width: int | None = None) -> str:
        """Return the report as text at least ``width`` columns wide."""
        return text.render(self.document(), width)

    def to_html(self) -> str:
        """Return the report as an HTML fragment that carries its own style."""
        return html.render(self.document())

    def to_latex(self, label: str = "") -> str:
        r"""Return the report as a LaTeX table (booktabs) that ``\ref{label}`` can refer to."""
        return latex.render(self.document(), label)

    def to_markdown(self) -> str:
        """Return the report as Markdown with pipe tables."""
        return markdown.render(self.document())

    def report(
        self, path: str | os.PathLike[str] | None = None, *, title: str | None = None
    ) -> Printed | None:
        """Write a report: one HTML file with this, what it says, and the versions behind it.

        The file opens anywhere and needs no other; it is written in one piece or not at all.
        Without a path the table and the sentences are returned, and print.

        Raises
        ------
        OSError
            Where the file cannot be written; an older one is then as it was.
        """
        if path is None:
            shown, said = self.document(), self.readings()
            told = tuple(f"{one.subject}: {one.text}" for one in said)
            return Told(replace(shown, title=title or shown.title, notes=(*shown.notes, *told)))
        written = page.table_page(
            self.document(), self.readings(), title=title, further=self.sections()
        )
        page.write_page(path, written)
        return None

    def readings(self) -> tuple[reading.Reading, ...]:
        """Return what a report says of this, subject by subject."""
        return ()

    def sections(self) -> tuple[page.Section, ...]:
        """Return what a report has beside this and its sentences, such as pictures."""
        return ()

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()


@dataclass(frozen=True, repr=False)
class Told(Printed):
    """A document as it is."""

    told: Document

    def document(self) -> Document:
        """Return it."""
        return self.told


@dataclass(frozen=True, repr=False)
class Summary(Printed):
    """The summary of a fit, in statsmodels' layout.

    Examples
    --------
    >>> head = Pairs((("No. Observations:", "32"),), (("R-squared:", "0.753"),))
    >>> print(Summary("Linear model", (head,)).to_text(width=44))
                    Linear model
    ============================================
    No. Observations: 32   R-squared:      0.753
    ============================================
    """

    title: str
    blocks: tuple[Pairs | Table, ...]
    notes: tuple[str, ...] = ()

    def document(self) -> Document:
        """Return the summary without its methods, for a renderer."""
        return Document(self.title, self.blocks, self.notes)

    def to_text(self, width: int | None = text.USUAL) -> str:
        """Return the summary as text at least ``width`` columns wide."""
        return super().to_text(width)


@dataclass(frozen=True, repr=False)
class DataTable(Printed):
    """A table of numbers to read and to compute with, such as an analysis of variance.

    Parameters
    ----------
    index_name, index
        The head of the column of row labels, and the labels.
    columns
        Values by column, one a row (sequences or arrays); None where a value is not defined.
    title, heading, notes
        What is printed above and below; ``heading`` names, say, the models compared.
    formats
        How a column's values print, by the names in :data:`statdl.report.format.FORMATS`;
        by their type where not given.

    Raises
    ------
    ValueError
        A column does not have one value a row, or a format or its column is unknown.

    Examples
    --------
    >>> table = DataTable("", ("wt", "Residuals"), {"df": (1, 30), "F": (91.375, None)})
    >>> table
    =============================
                      df        F
    -----------------------------
    wt                 1  91.3750
    Residuals         30
    =============================
    >>> table["F"]
    array([91.375,    nan])
    """

    index_name: str
    index: tuple[str, ...]
    columns: Mapping[str, Any]
    title: str = ""
    heading: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        columns = {name: _plain(values) for name, values in self.columns.items()}
        object.__setattr__(self, "columns", columns)
        for name, values in columns.items():
            if len(values) != len(self.index):
                raise ValueError(
                    f"column {name!r} has {len(values)} values for {len(self.index)} rows"
                )
        for name, style in self.formats.items():
            if name not in columns:
                raise ValueError(f"formats names {name!r}; the columns are {list(columns)}")
            if style not in FORMATS:
                raise ValueError(f"{style!r} is not a format; there are {list(FORMATS)}")

    def __getitem__(self, column: str) -> Any:
        """Return a column as an array: float with NaN for None, or objects where it holds words."""
        try:
            return _array(self.columns[column])
        except KeyError:
            raise KeyError(f"no column {column!r}; there are {list(self.columns)}") from None

    def __len__(self) -> int:
        return len(self.index)

    def document(self) -> Document:
        """Return the table with its values formatted, for a renderer."""
        cells = [self._formatted(name) for name in self.columns]
        rows = tuple(zip(self.index, *cells, strict=True))
        table = Table((self.index_name, *self.columns), rows)
        return Document(self.title, (table,), self.notes, self.heading)

    def to_dict(self) -> dict[str, list[Value]]:
        """Return the row labels and the raw columns as lists.

        The labels are under ``index_name``, or under "index" where they have no name.
        """
        labels: dict[str, list[Value]] = {self.index_name or "index": list(self.index)}
        return labels | {name: list(values) for name, values in self.columns.items()}

    def to_frame(self) -> Any:
        """Return a pandas DataFrame of the raw values, indexed by the row labels."""
        index = pd.Index(list(self.index), name=self.index_name or None)
        return pd.DataFrame({name: self[name] for name in self.columns}, index=index)

    def to_great_tables(self) -> Any:
        """Return the table as it prints, as a ``great_tables.GT`` for further styling.

        Raises
        ------
        ModelError
            When the package great_tables is not installed.
        """
        document = self.document()
        tables = [block for block in document.blocks if isinstance(block, Table)]
        head = tables[0].columns
        rows = [row for table in tables for row in table.rows]
        labels = ["label", *head[1:]]
        frame = pd.DataFrame(rows, columns=labels)
        try:
            shown = great_tables.GT(frame, rowname_col="label")
        except ImportError as error:
            raise ModelError(
                "to_great_tables() needs the package great_tables; install it with: "
                "pip install 'statdl[tables]'."
            ) from error
        shown = shown.tab_header(document.title) if document.title else shown
        for note in document.notes:
            shown = shown.tab_source_note(note)
        return shown.cols_align("right", columns=labels[1:])

    def _formatted(self, name: str) -> list[str]:
        return list(map(FORMATS[self.formats.get(name, "automatic")], self.columns[name]))


def _plain(values: Any) -> tuple[Value, ...]:
    """Return an array, series or sequence as a tuple of Python's own numbers and strings."""
    return tuple(values.tolist() if hasattr(values, "tolist") else values)


def _array(values: Sequence[Value]) -> Any:
    if any(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    return np.array([np.nan if value is None else value for value in values], dtype=float)
