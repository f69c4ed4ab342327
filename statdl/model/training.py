"""What is different while a network trains: dropout, and batches that standardise themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, like, namespace
from statdl.model.layer import Hidden, Layer, LayerPass

#: How much of a batch's mean and variance enters the running ones.
MOMENTUM = 0.1


@dataclass(frozen=True)
class RunningStatistics:
    """Means and variances of batch-normalised layers, (…, 1, maps); None for other layers."""

    means: tuple[Array | None, ...]
    variances: tuple[Array | None, ...]

    def of(self, index: int) -> tuple[Array, Array] | None:
        """Return a layer's mean and variance, or None where there are none."""
        mean = self.means[index]
        return None if mean is None else (mean, self.variances[index])


@dataclass(frozen=True)
class TrainingMode:
    """Dropout masks, one a layer or None, and the running statistics before the batch."""

    masks: tuple[Array | None, ...]
    statistics: RunningStatistics | None = None

    def updated(
        self, layers: Sequence[Layer], passed: Sequence[LayerPass]
    ) -> RunningStatistics | None:
        """Return the running statistics after a batch; None where no layer has any."""
        if not any(layer.hidden.normalisation == "batch" for layer in layers):
            return None
        pairs = [
            self._moments(index, one) if layer.hidden.normalisation == "batch" else (None, None)
            for index, (layer, one) in enumerate(zip(layers, passed, strict=True))
        ]
        return RunningStatistics(
            tuple(mean for mean, _ in pairs), tuple(variance for _, variance in pairs)
        )

    def _moments(self, index: int, passed: LayerPass) -> tuple[Array, Array]:
        """Move a layer's statistics towards the batch's; its variance is taken without bias."""
        n = passed.scores.shape[-2]
        batch = passed.standardised
        assert batch is not None
        before = None if self.statistics is None else self.statistics.of(index)
        mean, variance = before or (0.0, 1.0)
        mean = mean + MOMENTUM * (batch.mean - mean)
        variance = variance + MOMENTUM * (batch.variance * (n / max(n - 1, 1)) - variance)
        return mean, variance


def dropout_masks(
    hidden: Sequence[Hidden], rng: Any, rows: int, reference: Array
) -> tuple[Array | None, ...]:
    """Return masks of 0 with probability p and 1/(1 − p) otherwise, drawn on the host."""
    return tuple(
        like((rng.random((rows, one.units)) >= one.dropout) / (1 - one.dropout), reference)
        if one.dropout
        else None
        for one in hidden
    )


def prediction_moments(
    layer: Layer, index: int, statistics: RunningStatistics | None, reference: Array
) -> tuple[Array, Array] | None:
    """Return the mean and variance a batch-normalised layer uses at prediction."""
    if layer.hidden.normalisation != "batch":
        return None
    known = None if statistics is None else statistics.of(index)
    if known is not None:
        return known
    xp = namespace(reference)
    zeros = xp.zeros((1, layer.hidden.maps), dtype=reference.dtype, device=reference.device)
    return zeros, xp.ones_like(zeros)
