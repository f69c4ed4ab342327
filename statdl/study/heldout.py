"""Which rows are held out: learnt from some, judged on others, classes in equal shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.backend.random import generator
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.formula import ModelFrame
from statdl.infer.residual import leverage
from statdl.kinds import is_number, is_whole
from statdl.study.verdict import Vector

SCHEMES = ("kfold", "loo", "split")


@dataclass(frozen=True)
class Scheme:
    """How rows are held out: ``kfold``, ``loo`` (from leverages) or ``split``.

    ``shares`` are those of training, validation and test rows in a split; ``test`` is the share
    that the others keep for a test at the end.
    """

    name: str = "kfold"
    folds: int = 10
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
    test: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.name not in SCHEMES:
            raise ModelError(f"validation={self.name!r} is not known; choose {', '.join(SCHEMES)}.")
        try:
            shares = tuple(float(share) for share in self.shares)
        except (TypeError, ValueError):
            shares = ()
        if len(shares) != 3 or not min(shares) >= 0 or not math.isclose(sum(shares), 1.0):
            raise ModelError(
                f"shares={self.shares!r} must be three shares of rows (training, validation, test) "
                "that add up to 1."
            )
        if not (is_number(self.test) and 0 <= self.test < 1):
            raise ModelError(f"test={self.test!r} is the share of rows kept for the test: 0 to 1.")

    @property
    def words(self) -> str:
        """The scheme in words."""
        if self.name == "split":
            return "split " + "/".join(f"{100 * share:.0f}" for share in self.shares)
        return "leave-one-out" if self.name == "loo" else f"{self.folds}-fold cross-validation"


@dataclass(frozen=True)
class Split:
    """Positions of rows in the data: learnt from, held out in turn, and kept for the test."""

    training: Any
    folds: tuple[Any, ...]  # what is held out, part by part; of a split there is one part
    test: Any


def split_of(frame: ModelFrame, scheme: Scheme) -> Split:
    """Return which rows are learnt from and held out, classes in equal shares.

    Raises
    ------
    DataError
        When there are too few rows, or a class would be lost.
    """
    positions, groups = kept_positions(frame), _groups(frame)
    random = generator(scheme.seed)
    if scheme.name == "split":
        training, validation, test = _shared_out(groups, scheme.shares, random)
        _check_kept(frame, groups, training, "the training rows")
        _check_some(len(positions), {"validation": validation})
        return Split(positions[training], (positions[validation],), positions[test])
    rest, test = _shared_out(groups, (1 - scheme.test, scheme.test), random)
    if scheme.name == "loo":
        return Split(positions[rest], (positions[rest],), positions[test])
    if not is_whole(scheme.folds) or not scheme.folds >= 2:
        raise ModelError(
            f"folds={scheme.folds!r} must be a whole number from 2 to the {len(rest)} rows."
        )
    if scheme.folds > len(rest):
        raise DataError(
            f"{scheme.folds} folds need {scheme.folds} rows or more, and there are {len(rest)}; "
            f"use folds={len(rest)} or fewer."
        )
    dealt = _shared_out(groups[rest], (1 / scheme.folds,) * scheme.folds, random)
    parts = [part for part in dealt if len(part)]  # more folds than rows of a class leave some out
    for part in parts:
        left = np.setdiff1d(np.arange(len(rest)), part)
        _check_kept(frame, groups[rest], left, "the rows outside a fold")
    return Split(
        positions[rest], tuple(positions[rest[np.sort(part)]] for part in parts), positions[test]
    )


def kept_positions(frame: ModelFrame) -> Any:
    """Return where the rows of a frame are in the data it was read from."""
    return np.arange(frame.X.shape[0]) if frame.rows is None else to_numpy(frame.rows)


def _groups(frame: ModelFrame) -> Any:
    """Return the class of each row, of two numbers such as 0 and 1 too; 0 where there is none."""
    values = to_numpy(frame.response.values)
    if frame.response.kind == "categorical":
        return values
    if frame.response.kind == "numeric":
        levels, codes = np.unique(values, return_inverse=True)
        if len(levels) == 2:
            return codes.reshape(-1)
    return np.zeros(len(values), dtype=int)


def targets(frame: ModelFrame, positions: Any) -> Any:
    """Return the class of the rows at some positions of the data."""
    return _groups(frame)[places_of(frame, positions)]


def _shared_out(groups: Any, shares: Sequence[float], random: Any) -> list[Any]:
    """Return rows dealt out by shares, each class by itself, in random order."""
    dealt: list[list[Any]] = [[] for _ in shares]
    ends = np.cumsum(shares)
    for group in np.unique(groups):
        rows = random.permutation((groups == group).nonzero()[0])
        cuts = np.rint(ends * len(rows)).astype(int)
        for part, first, last in zip(dealt, (0, *cuts[:-1]), cuts, strict=True):
            part.append(rows[first:last])
    return [np.sort(np.concatenate(part)) for part in dealt]


def _check_some(n: int, parts: dict[str, Any]) -> None:
    for name, part in parts.items():
        if not len(part):
            raise DataError(f"No row of {n} is left for {name}; give it a larger share.")


def _check_kept(frame: ModelFrame, groups: Any, rows: Any, where: str) -> None:
    """Raise where a class has no row left to learn from."""
    lost = sorted(set(np.unique(groups)) - set(np.unique(groups[rows])))
    if lost and frame.response.kind == "categorical":
        names = ", ".join(str(frame.response.levels[code]) for code in lost)
        raise DataError(
            f"Class {names} of '{frame.response.name}' has no row among {where}; it needs 2 rows "
            "or more, fewer folds, or to be left out."
        )
    if not len(rows):
        raise DataError(f"There is no row among {where}; {len(groups)} rows are too few.")


def places_of(frame: ModelFrame, positions: Any) -> Any:
    """Return where rows at positions of the data are among those of a frame."""
    return np.searchsorted(kept_positions(frame), positions)


def left_out(estimate: Estimate) -> tuple[Vector, Vector]:
    """Return squared errors of rows under least squares without them, (e_i/(1 − h_i))².

    Exact, by the identity of Allen (1974) for PRESS.

    Raises
    ------
    ModelError
        For what is not an unpenalised least-squares fit, and for rows of leverage 1.
    """
    plain = estimate.specification.least_squares and estimate.objective.penalised is None
    if not plain or estimate.specification.plan is not None:
        raise ModelError(
            "validation='loo' is exact for least squares without penalty only; use "
            "validation='kfold' with folds= as many as there are rows."
        )
    rows = estimate.objective.rows
    residual = to_numpy(rows.y - estimate.eta)[:, 0]
    free = 1 - to_numpy(leverage(estimate))
    alone = free < 1e-10
    squares = np.where(alone, math.inf, (residual / np.where(alone, 1.0, free)) ** 2)
    weights = np.ones(len(squares)) if rows.weights is None else to_numpy(rows.weights)
    return squares, weights.astype(float)


def mask(positions: Any, total: int) -> Any:
    """Return which of so many rows are at the positions."""
    chosen = np.zeros(total, dtype=bool)
    chosen[positions] = True
    return chosen
