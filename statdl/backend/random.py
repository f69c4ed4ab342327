"""Random orders of rows that a seed repeats."""

from __future__ import annotations

from typing import Any

import numpy as np

from statdl.errors import ModelError
from statdl.kinds import is_whole


def fresh_seed() -> int:
    """Return a seed from the operating system, for runs that were given none."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def zeros(size: int) -> Any:
    """Return a host vector of zeros."""
    return np.zeros(size)


def generator(seed: Any) -> Any:
    """Return a generator of random numbers on the host.

    Raises
    ------
    ModelError
        For a seed that is no whole number of 0 or more, nor several of them.
    """
    several = seed if isinstance(seed, list | tuple) else [seed]
    if not all(is_whole(one) and one >= 0 for one in several):
        raise ModelError(f"seed={seed!r} must be a whole number of 0 or more.")
    return np.random.default_rng(seed)


def permutation(n: int, seed: int, epoch: int) -> Any:
    """Return the order of n rows in an epoch, as a host array."""
    return np.random.default_rng([seed, epoch]).permutation(n)
