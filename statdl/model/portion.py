"""Training on rows that are read anew for every epoch.

An epoch is one pass. Its rows come in portions, shuffled as far as memory goes
(:meth:`~statdl.backend.rows.Rows.portions`), and a learner of rows in memory walks through the
batches of each. Where all rows fit one portion, training is that of the same rows in memory, step
for step.
"""

from __future__ import annotations

from dataclasses import dataclass

from statdl.backend.array import Array
from statdl.model.learner import DRAWS, Learner
from statdl.model.lesson import Lesson

#: Rows of a batch, other than one of all rows, at most.
LARGEST_BATCH = 32_768


@dataclass(frozen=True)
class PassingLesson(Lesson):
    """A lesson on rows that are read anew for every sum."""

    def learner(self, batch: int, products: str = "full") -> Learner:
        if self.rows.passing:
            return PortionLearner(self, batch)
        return super().learner(batch, products)


class PortionLearner(Learner):
    """Batches of rows that are read anew for every epoch: a learner for each portion of them.

    A batch of more than :data:`LARGEST_BATCH` rows is all of them, and its gradient the mean of
    those of pieces.
    """

    def __init__(self, lesson: Lesson, batch: int) -> None:
        super().__init__(lesson, batch)
        self._piece = min(batch, LARGEST_BATCH)

    def open(self, parameters: Array, seed: int, epoch: int) -> None:
        self._parameters, self._draws = parameters, (seed, epoch, DRAWS)
        self._portions = enumerate(self.lesson.rows.portions(self._piece, seed, epoch))
        self._start = self._stop = 0
        self._seen: list[tuple[float, dict[str, float]]] = []

    def gradient(self, first: int, stop: int) -> Array:
        if stop - first <= self._piece:
            return self._of_piece(first, stop)
        total = 0.0
        for start in range(first, stop, self._piece):
            last = min(start + self._piece, stop)
            total = total + self._of_piece(start, last) * ((last - start) / (stop - first))
        return total

    def seen(self) -> dict[str, float]:
        self._look()
        whole = max(sum(weight for weight, _ in self._seen), 1e-300)
        return {
            name: sum(weight * values[name] for weight, values in self._seen) / whole
            for name in self._seen[0][1]
        }

    def _of_piece(self, first: int, stop: int) -> Array:
        if first == self._stop:
            self._next()
        gradient = self._learner.gradient(first - self._start, stop - self._start)
        self.statistics = self._learner.statistics
        return gradient

    def _next(self) -> None:
        """Go on to the next portion, whose draws are others."""
        if self._stop:
            self._look()
        place, (rows, order) = next(self._portions)
        self._learner = self.lesson.part(rows).learner(self._piece)
        self._learner.statistics = self.statistics
        self._learner.begin(self._parameters, order, (*self._draws, place)[: 3 + (place > 0)])
        self._start, self._stop = self._stop, self._stop + rows.n

    def _look(self) -> None:
        """Remember how the rows of the portion fared."""
        self._seen.append((self._learner.lesson.rows.weight, self._learner.seen()))
