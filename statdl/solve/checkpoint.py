"""Checkpoints: a run of training on disk, to be taken up again as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statdl.backend.snapshot import read_snapshot, write_snapshot
from statdl.errors import DataError, ModelError


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often to save a run of training.

    A checkpoint holds weights, the rule's memory, the moments of normalised layers and the history,
    as arrays and JSON. ``resume=`` takes the run up again and ends with the same weights as a run
    that was never interrupted.

    Parameters
    ----------
    path : str or Path
        The file; each checkpoint replaces the one before, at once.
    every : int
        Epochs between two checkpoints. The last epoch is always saved.

    Examples
    --------
    >>> Checkpoint("run.npz", every=5).every
    5
    """

    path: str | Path
    every: int = 1

    def __post_init__(self) -> None:
        if self.every != int(self.every) or self.every < 1:
            raise ModelError(f"every must be a whole number of 1 or more, not {self.every!r}.")
        folder = Path(self.path).resolve().parent
        if not folder.is_dir():
            raise DataError(f"Checkpoint path {str(self.path)!r}: there is no folder {folder}.")

    def due(self, epoch: int, last: bool) -> bool:
        """Tell whether to save after ``epoch`` epochs."""
        return last or epoch % self.every == 0


def save(path: str | Path, arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint."""
    write_snapshot(Path(path), arrays, facts)


def load(path: str | Path, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a checkpoint of a run with these settings.

    Raises
    ------
    DataError
        When the file is none, or is damaged.
    ModelError
        When it belongs to a run with other settings, naming the first that differs.
    """
    arrays, facts = read_snapshot(Path(path))
    saved = facts.get("settings")
    if not isinstance(saved, dict) or "epoch" not in facts or "parameters" not in arrays:
        raise DataError(f"{str(path)!r} is not a checkpoint of training.")
    for name, value in settings.items():
        if saved.get(name) != value:
            raise ModelError(
                f"{str(path)!r} cannot be resumed here: its {name} is {saved.get(name)}, and here "
                f"it is {value}. Resume with the call that made it, or start anew without resume=."
            )
    return arrays, facts
