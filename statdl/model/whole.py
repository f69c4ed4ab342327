"""Learners that take whole epochs by themselves, on a card, in place of batches.

What they have no kernels for is said before any epoch (:mod:`statdl.model.launching`), since there
are no batches to fall back on. The plain path is the oracle of their tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from statdl.backend.array import Array, like, namespace
from statdl.backend.epoch import Data, Dense, WholeEpoch
from statdl.backend.random import permutation
from statdl.model.launching import family_name
from statdl.model.network import Network


class WholeLearner:
    """What :class:`~statdl.model.learner.Learner` is, for whole epochs in place of batches."""

    statistics = None
    _eta: Array  # (n, q) of the epoch's rows, in their order, each as it was when it was used

    def __init__(self, lesson: Any) -> None:
        self._lesson = lesson

    def open(self, parameters: Array, seed: int, epoch: int) -> None:
        """Open an epoch on parameters that change in place; its order is all that is drawn."""
        order = permutation(self._lesson.n, seed, epoch)
        self._parameters = parameters
        self._order = like(order, parameters, namespace(parameters).int64)

    def gradient(self, first: int, stop: int) -> Array:
        """Refuse: single batches are not there."""
        raise NotImplementedError

    def whole(self, memory: Sequence[Array], numbers: Any) -> Array:
        """Take all batches of an epoch, and return the gradient of the last.

        ``memory`` is the rule's, which changes in place; ``numbers`` (batches, 7) are those of its
        steps.
        """
        raise NotImplementedError

    def seen(self) -> dict[str, float]:
        """Return mean loss and metrics of the epoch's rows, each as it was when it was used."""
        rows = replace(self._lesson.rows, X=self._lesson.rows.y).take(self._order)
        seen: dict[str, float] = self._lesson.judged(self._eta, rows)
        return seen


class EpochLearner(WholeLearner):
    """Epochs of one launch each, of small dense networks (:mod:`statdl.backend.epoch`)."""

    def __init__(self, lesson: Any, batch: int, rule: str, decayed: Array) -> None:
        super().__init__(lesson)
        family = family_name(lesson.family)
        assert family is not None, lesson.family
        self._epoch = WholeEpoch(
            dense_layers(lesson.predictor),
            lesson.predictor.intercept,
            data_of(lesson),
            batch,
            rule=rule,
            family=family,
            penalty=penalty_of(lesson, decayed),
            decayed=decayed,
        )
        self._eta = self._epoch.eta

    def whole(self, memory: Sequence[Array], numbers: Any) -> Array:
        self._epoch.run(self._parameters, memory, self._order, numbers)
        return self._epoch.gradient + 0.0


def data_of(lesson: Any) -> Data:
    """Return a lesson's rows as kernels read them."""
    rows = lesson.rows
    xp, weights = namespace(rows.X), rows.weights
    if weights is not None:
        weights = weights * (rows.n / max(lesson.total_weight(), 1e-300))
    parts = (rows.X, rows.y, weights, rows.offset)
    return Data(*(None if part is None else xp.ascontiguousarray(part) for part in parts))


def penalty_of(lesson: Any, reference: Array) -> Array | None:
    """Return the penalty's gradient per parameter and unit of weight, or None without one."""
    if lesson.penalised is None:
        return None
    slope = lesson.penalty.gradient(namespace(reference).ones_like(reference), lesson.penalised)
    return slope / lesson.total_weight()


def dense_layers(network: Network) -> list[Dense]:
    """Return the layers as the kernel takes them."""
    hidden = [
        Dense(
            layer.affine.start, layer.affine.inputs, layer.affine.outputs,
            layer.hidden.activation.name,
        )
        for layer in network.layers
    ]  # fmt: skip
    output = network.output
    return [*hidden, Dense(output.start, output.inputs, output.outputs)]
