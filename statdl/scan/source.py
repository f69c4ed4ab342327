"""Where rows are that do not fit into memory: a description, from which nothing has been read."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, ClassVar, NamedTuple, Protocol

from statdl.errors import DataError, MissingPackageError
from statdl.formula.frame import kind_of
from statdl.scan.reader import ahead

#: Rows that are read at once.
BLOCK_ROWS = 131_072


class Block(NamedTuple):
    """Some rows as an Arrow table, and where they are from.

    ``part`` numbers the file or partition, and ``first`` the first of these rows within it, however
    they are read: folds and rows held out are drawn by these two.
    """

    table: Any
    origin: str
    part: int = 0
    first: int = 0

    def pieces(self, rows: int) -> Iterator[Block]:
        """Yield the block in pieces of so many rows."""
        for start in range(0, self.table.num_rows, rows):
            table = self.table.slice(start, rows)
            yield Block(table, self.origin, self.part, self.first + start)


class Source(Protocol):
    """Rows in blocks, which can be read again and again.

    ``here`` tells that blocks are read and summed by this process.
    """

    @property
    def here(self) -> bool: ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns there are."""
        ...

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[Block]:
        """Yield the named columns, at most ``rows`` rows at once, in the order of the data."""
        ...

    def mixed(self, columns: Sequence[str], rows: int, rng: Any) -> Iterator[Block]:
        """Yield the same in an order of parts that ``rng`` draws, where there are parts."""
        ...

    def reduce(
        self,
        function: Callable[[Block], Any],
        combine: Callable[[Any, Any], Any],
        columns: Sequence[str],
        rows: int,
    ) -> Any:
        """Return what ``function`` makes of each block, combined; None is nothing to combine."""
        ...


class Read:
    """What sources have in common that are read here, a block after the other."""

    here: ClassVar[bool] = True

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[Block]:
        """Yield the named columns, block by block."""
        raise NotImplementedError

    def mixed(self, columns: Sequence[str], rows: int, rng: Any) -> Iterator[Block]:
        """Yield them as they come: a stream has no parts."""
        return self.blocks(columns, rows)

    def reduce(
        self,
        function: Callable[[Block], Any],
        combine: Callable[[Any, Any], Any],
        columns: Sequence[str],
        rows: int,
    ) -> Any:
        """Combine the blocks while the next one is read."""
        with ahead(self.blocks(columns, rows)) as blocks:
            return combined(map(function, blocks), combine)


def combined(parts: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Return the parts combined, those that are None left out; None where there are none."""
    present = (part for part in parts if part is not None)
    first = next(present, None)
    return first if first is None else reduce(combine, present, first)


@dataclass(frozen=True)
class Scan:
    """A description of rows that are read in blocks, by :func:`statdl.scan`.

    Pass it as ``data=`` to :func:`statdl.lm`, :func:`statdl.glm`, :func:`statdl.multinom`,
    :func:`statdl.mlp`, :func:`statdl.path` and :func:`statdl.cv_path`, and as ``newdata=`` to
    :meth:`Fit.predict`.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.scan(sd.datasets.load("mtcars")).names[:3]
    ('mpg', 'cyl', 'disp')
    """

    source: Source
    levels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    block_rows: int = BLOCK_ROWS

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.source.names

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:6]) + (", …" if len(self.names) > 6 else "")
        return f"<scan of {self.source}: {shown}>"


def required(package: str, use: str, extra: str = "scan") -> None:
    """Raise where a package is missing, with the line that installs it."""
    if importlib.util.find_spec(package) is None:
        raise MissingPackageError(
            f"{use} needs the package {package}; install it with: pip install 'statdl[{extra}]'."
        )


def paths_of(given: Any) -> list[str] | None:
    """Return paths, or patterns of them, from text, a path or a list; None for anything else."""
    if isinstance(given, str | os.PathLike):
        return [os.fspath(given)]
    if isinstance(given, list | tuple) and given and all(
        isinstance(one, str | os.PathLike) for one in given
    ):  # fmt: skip
        return [os.fspath(one) for one in given]
    return None


def unreadable(given: Any) -> DataError:
    """Return the error for something that cannot be scanned."""
    kind = kind_of(given)
    return DataError(
        f"scan() reads paths of Parquet or CSV files, a pyarrow dataset or table, a polars or "
        f"narwhals LazyFrame, a DuckDB relation, a Dask DataFrame, or a function that returns a "
        f"stream of Arrow batches; not {kind}."
    )
