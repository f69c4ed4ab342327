"""Random orders of rows that a seed repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def fresh_seed() -> int:
    """Return a seed from the operating system, for runs that were given none."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def zeros(size: int) -> Any:
    """Return a host vector of zeros."""
    return np.zeros(size)


def generator(seed: int | Sequence[int]) -> Any:
    """Return a generator of random numbers on the host."""
    return np.random.default_rng(seed)


def permutation(n: int, seed: int, epoch: int) -> Any:
    """Return the order of n rows in an epoch, as a host array."""
    return np.random.default_rng([seed, epoch]).permutation(n)
