"""A card that runs out of memory, in one sentence of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from statdl.errors import DeviceError

#: What CuPy calls a card that ran out of memory.
OUT_OF_MEMORY = "OutOfMemoryError"


@contextmanager
def device_errors() -> Iterator[None]:
    """Let what runs out of a card's memory, in a block or a function, say so in our words."""
    try:
        yield
    except MemoryError as error:
        raise told(error) from None


def told(error: MemoryError) -> Exception:
    """Return CuPy's error about memory as ours, with the size that was asked for.

    The host's own is returned as it is: it is not ours to explain.
    """
    if type(error).__name__ != OUT_OF_MEMORY:
        return error
    size = getattr(error, "_size", None)
    asked = "" if size is None else f" for {size / 1e9:.3g} GB more"
    return DeviceError(
        f"The card has no memory left{asked}. Keep the data in host memory (NumPy arrays or a "
        "frame with device='cuda'), from where they go to the card in blocks; pass "
        "dtype='float32'; or use device='cpu'."
    )
