"""Which public names a line of the reference stands for."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

import statdl


def matched(lines: Iterable[str]) -> list[str]:
    """Return the names of some lines, in their order; ``Fit.plot*`` stands for all that match.

    Examples
    --------
    >>> matched(["lm", "", "avg_*"])
    ['lm', 'avg_comparisons', 'avg_predictions', 'avg_slopes']
    """
    names: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        owner, dot, last = line.rpartition(".")
        known = sorted(dir(found(owner))) if "*" in last else [last]
        names += [owner + dot + name for name in known if fnmatchcase(name, last)]
    return names


def found(name: str) -> Any:
    """Return what a name of statdl is, such as ``Fit.summary``; statdl itself for ""."""
    return reduce(getattr, name.split(".") if name else [], statdl)
