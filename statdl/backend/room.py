"""Arrays that grow: room is doubled, so that growing costs a copy of each number or two in all."""

from __future__ import annotations

from typing import Any

from statdl.backend.array import namespace


def roomy(held: Any, used: tuple[int, ...], wanted: tuple[int, ...], like: Any) -> Any:
    """Return an array of at least the shape ``wanted`` that begins with what is used of ``held``.

    ``held`` itself where it has the room; a new one is twice as large along what it lacked. The
    first, where ``held`` is None, is as large as it must be, and like ``like``.

    Examples
    --------
    >>> import numpy as np
    >>> roomy(np.ones((2, 3)), (2, 3), (3, 3), np.ones(1)).shape
    (6, 3)
    """
    if held is None:
        return namespace(like).empty(wanted, dtype=like.dtype, device=like.device)
    shape = tuple(a if a >= b else 2 * b for a, b in zip(held.shape, wanted, strict=True))
    if shape == held.shape:
        return held
    room = namespace(like).empty(shape, dtype=like.dtype, device=like.device)
    part = tuple(slice(0, size) for size in used)
    room[part] = held[part]
    return room
