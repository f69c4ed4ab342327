"""A bar for a person who has to wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from statdl.lazy import lazy

tqdm = lazy("tqdm")

#: Seconds after which a bar appears.
PATIENCE_SECONDS = 1.0

Item = TypeVar("Item")


def shown(items: Sequence[Item], name: str) -> Iterator[Item]:
    """Yield items; in a terminal a bar counts them once they take longer than a moment.

    Examples
    --------
    >>> list(shown([1, 2], "refits"))
    [1, 2]
    """
    begun = time.perf_counter()
    bar: Any = None
    for done, item in enumerate(items):
        if bar is None and time.perf_counter() - begun > PATIENCE_SECONDS and sys.stderr.isatty():
            bar = tqdm.tqdm(desc=name, total=len(items), initial=done, leave=False)
        yield item
        if bar is not None:
            bar.update(1)
    if bar is not None:
        bar.close()
