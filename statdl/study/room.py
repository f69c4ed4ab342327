"""How much of many fits is in memory at once, and up to what size they gain by it."""

from __future__ import annotations

from statdl.backend.array import Array, is_numpy

#: Numbers that views and curvatures of one batch may take up, on the host and on a device.
ROOM, DEVICE_ROOM = 8_000_000, 250_000_000
#: Numbers in X up to which one batch on the host takes less time than a fit after the other.
SMALL = 100_000


def room_of(X: Array) -> int:
    """Return how many numbers may be beside X at once."""
    return ROOM if is_numpy(X) else DEVICE_ROOM
