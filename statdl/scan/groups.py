"""Clusters of rows that are read in blocks: sums by label, however the rows are ordered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array, to_numpy
from statdl.backend.rows import Rows
from statdl.errors import DataError
from statdl.formula.groups import ways
from statdl.lazy import lazy
from statdl.scan.labelled import ColumnLabels, reduce_labelled
from statdl.scan.rows import ScannedRows
from statdl.scan.source import Scan

pd = lazy("pandas")

#: What counts the rows of a cluster that have positive weight.
_COUNT = "rows"


@dataclass(frozen=True)
class ColumnGroups:
    """Groups of the rows of a scan, by one column or by several crossed."""

    name: str
    columns: tuple[str, ...]
    rows: ScannedRows

    def crossed(self, other: ColumnGroups) -> ColumnGroups:
        """Return the groups of rows that are together in both."""
        columns = tuple(dict.fromkeys((*self.columns, *other.columns)))
        return ColumnGroups(f"{self.name}:{other.name}", columns, self.rows)

    def sums(self, scores: Callable[[Rows], Array]) -> tuple[Any, int]:
        """Return Σ z of each group with rows of positive weight, (G, r), and G: by one pass."""
        labels = ColumnLabels(self.columns)
        found = reduce_labelled(self.rows, labels, _Grouped(self, scores), _joined)
        counted = found[found[_COUNT] > 0]
        return counted.drop(columns=_COUNT).to_numpy(), len(counted)


@dataclass(frozen=True)
class _Grouped:
    groups: ColumnGroups
    scores: Callable[[Rows], Array]

    def __call__(self, rows: Rows, labels: Sequence[Any]) -> Any:
        for name, values in zip(self.groups.columns, labels, strict=True):
            gone = int(pd.isna(values).sum())
            if gone:
                raise DataError(
                    f"`{name}` is missing in {gone} rows that the fit used, so that their clusters "
                    "are not known. Fill in the values, or leave those rows out with subset=."
                )
        table = pd.DataFrame(to_numpy(self.scores(rows)))
        weights = None if rows.weights is None else to_numpy(rows.weights)
        table[_COUNT] = np.ones(rows.n) if weights is None else (weights > 0).astype(float)
        return table.groupby([np.asarray(one) for one in labels], sort=False).sum()


def _joined(one: Any, other: Any) -> Any:
    both = pd.concat([one, other])
    return both.groupby(level=list(range(both.index.nlevels)), sort=False).sum()


def column_groups(scan: Scan, rows: ScannedRows, by: Any) -> tuple[ColumnGroups, ...]:
    """Return the groups that columns of a scan make.

    Raises
    ------
    DataError
        For an unknown column, or a vector, which would have to fit into memory.
    """
    named = ways(by)
    if named is None:
        raise DataError(
            "Clusters of a scan are columns of it: a name, or a formula such as '~ firm + year'."
        )
    unknown = [name for way in named for name in way if name not in scan.names]
    if unknown:
        raise DataError(
            f"cluster= names the column `{unknown[0]}`, which the scan has not; it has: "
            f"{', '.join(scan.names)}."
        )
    return tuple(ColumnGroups(":".join(way), tuple(way), rows) for way in named)
