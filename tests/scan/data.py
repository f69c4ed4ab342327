"""Rows for fits, and how fits are compared."""

import numpy as np
import pandas as pd


def drawn(n: int, seed: int, missing: bool = True) -> pd.DataFrame:
    """Numbers far from 0, factors, weights, counts and every kind of response."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": rng.standard_normal(n) * 3 + 100,
            "z": rng.exponential(size=n) + 0.1,
            "g": rng.choice(list("abc"), n, p=(0.5, 0.3, 0.2)),
            "h": rng.integers(1, 4, n).astype(float),
            "w": rng.integers(0, 4, n) / 2 + 0.5 * (rng.uniform(size=n) < 0.9),
            "firm": rng.integers(0, 9, n),
        }
    )
    eta = 0.2 * (frame.x - 100) - 0.5 * frame.z + 0.6 * (frame.g == "b")
    frame["y"] = eta + rng.standard_normal(n)
    frame["k"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["c"] = rng.poisson(np.exp(0.3 * eta)).astype(float)
    frame["e"] = rng.gamma(2.0, np.exp(0.2 * eta) / 2) + 1e-3
    frame["f"] = rng.choice(["no", "some", "yes"], n)
    frame["s"] = rng.integers(0, 4, n).astype(float)
    frame["t"] = rng.integers(1, 4, n).astype(float)
    if missing:
        frame.loc[rng.choice(n, max(1, n // 12), replace=False), "x"] = np.nan
        frame.loc[rng.choice(n, max(1, n // 20), replace=False), "g"] = None
    return frame


def assert_same(there, here, tolerance=1e-10, of="params"):
    """Compare numbers, relative to their size or to that of the largest of them."""
    there, here = (np.asarray(one, dtype=float) for one in (there, here))
    assert there.shape == here.shape, of
    scale = np.maximum(np.abs(here), 1e-3 * np.nanmax(np.abs(here), initial=0.0))
    with np.errstate(all="ignore"):
        off = np.where(np.isnan(there) & np.isnan(here), 0.0, np.abs(there - here) / scale)
    off = np.where(there == here, 0.0, off)
    assert np.max(off, initial=0.0) < tolerance, (of, float(np.max(off)))
