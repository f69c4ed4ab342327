"""A learner whose epochs are one launch each: small dense networks on a card.

:mod:`statdl.backend.epoch` has the kernel. What it cannot do is said before any epoch
(:func:`obstacle`), since a batch of its own is not there to fall back on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from statdl.backend.array import Array, is_cupy, like, namespace, precision
from statdl.backend.epoch import ACTIVATIONS, MOST_PARAMETERS, Data, Dense, WholeEpoch
from statdl.backend.random import permutation
from statdl.model.activation import Identity, ReLU, Sigmoid, Tanh
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.network import Network


def obstacle(lesson: Any) -> str | None:
    """Return why a lesson's epochs cannot be one launch each, or None where they can.

    ``lesson`` is a :class:`~statdl.model.lesson.Lesson`.
    """
    rows, network = lesson.rows, lesson.predictor
    if rows.passing:
        return "rows that are read in blocks are not all on the card"
    if not is_cupy(rows.X):
        return "the data are not on a card"
    if {precision(part.dtype) for part in (rows.X, rows.y)} != {"float32"}:
        return "the data are not in single precision (dtype='float32')"
    if not isinstance(network, Network):
        return "some weights are fixed"
    if not network.hidden:
        return "there is no hidden layer"
    if network.size > MOST_PARAMETERS:
        return f"{network.size} weights are more than {MOST_PARAMETERS}"
    if lesson.noise or network.skip or lesson.lasso is not None:
        return "noise, skip connections and an L1 penalty are left to the usual way"
    if any(one.dropout or one.normalisation for one in network.hidden):
        return "dropout and normalised layers are left to the usual way"
    if not all(type(one.activation) in (Identity, ReLU, Tanh, Sigmoid) for one in network.hidden):
        return f"activations are to be of {', '.join(ACTIVATIONS)}"
    if _head(lesson.family) is None:
        return "the family is to be gaussian, binomial (logit) or multinomial"
    return None


def _head(family: Family) -> str | None:
    """Return the kernel's name of a family, or None where it has none."""
    if isinstance(family, Multinomial):
        return "multinomial"
    if isinstance(family, Gaussian | Binomial) and family.canonical:
        return "gaussian" if isinstance(family, Gaussian) else "binomial"
    return None


class WholeLearner:
    """What :class:`~statdl.model.learner.Learner` is, for whole epochs in place of batches."""

    statistics = None

    def __init__(self, lesson: Any, batch: int, rule: str, decayed: Array) -> None:
        xp, rows = namespace(lesson.rows.X), lesson.rows
        family = _head(lesson.family)
        assert family is not None, obstacle(lesson)
        weight = lesson.total_weight()
        weights = None if rows.weights is None else rows.weights * (rows.n / max(weight, 1e-300))
        penalty = None
        if lesson.penalised is not None:
            penalty = lesson.penalty.gradient(xp.ones_like(decayed), lesson.penalised) / weight
        parts = (rows.X, rows.y, weights, rows.offset)
        self._lesson = lesson
        self._epoch = WholeEpoch(
            dense_layers(lesson.predictor),
            lesson.predictor.intercept,
            Data(*(None if part is None else xp.ascontiguousarray(part) for part in parts)),
            batch,
            rule=rule,
            family=family,
            penalty=penalty,
            decayed=decayed,
        )

    def open(self, parameters: Array, seed: int, epoch: int) -> None:
        """Open an epoch on parameters that change in place; its order is all that is drawn."""
        order = permutation(self._lesson.n, seed, epoch)
        self._parameters = parameters
        self._order = like(order, parameters, namespace(parameters).int64)

    def gradient(self, first: int, stop: int) -> Array:
        """Refuse: single batches are not there."""
        raise NotImplementedError

    def whole(self, memory: Sequence[Array], numbers: Any) -> Array:
        """Take all batches of an epoch, and return the gradient of the last."""
        self._epoch.run(self._parameters, memory, self._order, numbers)
        return self._epoch.gradient + 0.0

    def seen(self) -> dict[str, float]:
        """Return mean loss and metrics of the epoch's rows, each as it was when it was used."""
        rows = replace(self._lesson.rows, X=self._lesson.rows.y).take(self._order)
        seen: dict[str, float] = self._lesson.judged(self._epoch.eta, rows)
        return seen


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
