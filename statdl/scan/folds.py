"""Folds of rows that are read in blocks, and sums of products for each of them by one pass.

Which fold a row is in follows from its number alone, whatever the size of the blocks: of every
``count`` consecutive rows each goes to another fold, in an order that is drawn. Numbers are those
of the rows as they are read, before any is left out, within their file or partition, each of which
has its own draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.random import generator
from statdl.backend.rows import Rows
from statdl.backend.triangle import Centred, Centring
from statdl.errors import DataError, ModelError
from statdl.formula.suggest import count as counted
from statdl.kinds import is_number, is_whole
from statdl.lazy import lazy
from statdl.scan.block import Encoder
from statdl.scan.labelled import ColumnLabels, Labels, reduce_labelled
from statdl.scan.rows import ScannedRows
from statdl.scan.source import Block

pd = lazy("pandas")

#: How often each fold comes in what is drawn at once.
TURNS = 250
#: More folds than this would each keep a matrix of products, and are surely a mistake.
MOST_FOLDS = 1000


def fold_numbers(first: int, n: int, count: int, seed: int, part: int = 0) -> Any:
    """Return the folds of the rows first, first + 1, …, numbered from 0, (n,).

    Examples
    --------
    >>> sorted(fold_numbers(0, 4, 4, seed=0).tolist())
    [0, 1, 2, 3]
    >>> bool((fold_numbers(0, 90, 4, 0)[70:] == fold_numbers(70, 20, 4, 0)).all())
    True
    """
    size = TURNS * count
    start, end = first // size, -(-(first + n) // size)
    drawn = [generator([seed, part, k]).random((TURNS, count)) for k in range(start, end)]
    every = np.argsort(np.concatenate(drawn), axis=1).reshape(-1)
    return every[first - start * size :][:n]


@dataclass(frozen=True)
class DrawnFolds:
    """Folds by the number of a row in its file or partition, drawn with a seed."""

    count: int
    seed: int
    columns: tuple[str, ...] = ()

    def of(self, block: Block, encoder: Encoder) -> list[Any]:
        """Return the fold of each row of a block."""
        n = block.table.num_rows
        return [fold_numbers(block.first, n, self.count, self.seed, block.part)]


@dataclass(frozen=True)
class FoldSums:
    """Sums about the means of each fold of a block, as a function of its rows and their folds."""

    centring: Centring

    def __call__(self, rows: Rows, labels: list[Any]) -> dict[Any, Centred]:
        """Return the sums by fold."""
        [fold] = labels
        gone = int(pd.isna(fold).sum())
        if gone:
            raise DataError(
                f"folds= names a column that is missing in {counted(gone)} that the fit used; fill "
                "it in, or leave those rows out with subset=."
            )
        codes, names = pd.factorize(fold)
        if len(names) > MOST_FOLDS:
            raise _too_many()
        places = (np.flatnonzero(codes == k) for k in range(len(names)))
        return {
            name: self.centring(rows.take(place)) for name, place in zip(names, places, strict=True)
        }


def merged(one: Mapping[Any, Centred], other: Mapping[Any, Centred]) -> dict[Any, Centred]:
    """Return the sums of both, fold by fold."""
    both = {name: one[name] + other[name] for name in one.keys() & other.keys()}
    found = {**one, **other, **both}
    if len(found) > MOST_FOLDS:
        raise _too_many()
    return found


def _too_many() -> ModelError:
    return ModelError(f"folds= makes more than {MOST_FOLDS} folds; use fewer.")


def labels_of(folds: Any, seed: int, names: tuple[str, ...]) -> Labels:
    """Return what tells the folds: a number of them to be drawn, or a column.

    Raises
    ------
    ModelError, DataError
        Where ``folds`` is neither.
    """
    if isinstance(folds, str):
        if folds not in names:
            raise DataError(
                f"folds= names the column `{folds}`, which the scan has not; it has: "
                f"{', '.join(names)}."
            )
        return ColumnLabels((folds,))
    if not is_number(folds):
        raise ModelError(
            "folds= of a scan is a number, or the name of a column with the fold of each row; a "
            "vector would have to fit into memory."
        )
    if not is_whole(folds) or not 2 <= folds <= MOST_FOLDS:
        raise ModelError(f"folds must be a whole number from 2 to {MOST_FOLDS}, not {folds!r}.")
    generator(seed)  # refuses what is no seed
    return DrawnFolds(int(folds), seed)


def fold_sums(rows: ScannedRows, labels: Labels) -> dict[Any, Centred]:
    """Return the sums about the means of every fold, on the host, by one pass.

    Raises
    ------
    DataError
        Where there is one fold only, or one without a row of positive weight.
    """
    found = reduce_labelled(rows, labels, FoldSums(Centring(rows.middle)), merged)
    sums = {name: found[name].on_host() for name in sorted(found, key=_order)}
    sums = {name: one for name, one in sums.items() if one.weight > 0}
    wanted = labels.count if isinstance(labels, DrawnFolds) else len(found)
    if len(sums) < max(wanted, 2):
        raise DataError(
            f"Only {len(sums)} of {max(wanted, 2)} folds have a row of positive weight that the "
            "model uses; use fewer folds, of more rows."
        )
    return sums


def _order(name: Any) -> tuple[str, Any]:
    """Sort numbers as numbers and text as text."""
    return ("", name) if isinstance(name, int | float | np.number) else ("text", str(name))
