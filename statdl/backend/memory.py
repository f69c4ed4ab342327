"""Memory that is freed is kept for the next temporary array.

The C library of Linux takes blocks of more than 128 KiB from the system and hands them back when
they are freed, so that every temporary array of that size is paid for again in page faults: a tenth
of the time of a small network's fit, and up to half of that of its Hessian. The limit adapts: it
rises to the size of the largest such block that was freed (mallopt(3), M_MMAP_THRESHOLD). Freeing
one block that was never touched costs microseconds and raises it at once. Where another C library
allocates, it does nothing.
"""

from __future__ import annotations

import numpy as np

#: Larger blocks still come from the system, aligned for its huge pages.
LARGEST = 4 * 1024 * 1024


def keep_freed_memory() -> None:
    """Have freed blocks of up to 4 MiB kept by the process."""
    np.empty(LARGEST, dtype=np.uint8)
