"""Sums over groups of consecutive rows."""

from __future__ import annotations

import numpy as np

from statdl.backend.array import Array, is_numpy, like, namespace


def segment_starts(codes: Array) -> Array:
    """Return where each run of equal codes begins, for codes (n,) of rows in order of their group.

    Examples
    --------
    >>> segment_starts(np.array([0, 0, 2, 2, 2])).tolist()
    [0, 2]
    """
    xp = namespace(codes)
    changes = xp.nonzero(codes[1:] != codes[:-1])[0] + 1
    return xp.concat([xp.zeros((1,), dtype=changes.dtype, device=codes.device), changes])


def segment_sums(values: Array, starts: Array) -> Array:
    """Return the sums of the rows of values (n, k) from each start to the next, (segments, k).

    Examples
    --------
    >>> segment_sums(np.array([[1.0], [2.0], [4.0]]), np.array([0, 2])).tolist()
    [[3.0], [4.0]]
    """
    if is_numpy(values):
        return np.add.reduceat(values, starts, axis=0)
    return plain_segment_sums(values, starts)


def plain_segment_sums(values: Array, starts: Array) -> Array:
    """Return the same, as differences of running sums."""
    xp = namespace(values)
    running = xp.cumulative_sum(values, axis=0)
    last = xp.concat([starts[1:], like([values.shape[0]], starts)]) - 1
    ends = xp.take(running, last, axis=0)
    before = xp.concat([xp.zeros_like(ends[:1, :]), ends[:-1, :]], axis=0)
    return ends - before
