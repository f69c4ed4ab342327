"""An objective as gradient descent sees it: batches, noise, dropout, rows held out.

Training minimises the mean loss of batches of rows, whose inputs may get noise, whose units may be
dropped and whose normalised layers use the batch's own moments. :class:`Lesson` adds what belongs
to that to an objective, and a learner (:mod:`statdl.model.learner`) walks through its batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.model.family import Family
from statdl.model.fingerprint import fingerprint
from statdl.model.frozen import Frozen
from statdl.model.kernel import supported
from statdl.model.launching import launch_obstacle, products_obstacle
from statdl.model.learner import KernelLearner, Learner
from statdl.model.metric import METRICS, Metric
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.replay import ReplayLearner
from statdl.model.response_scale import ResponseScale
from statdl.model.training import RunningStatistics
from statdl.model.whole import EpochLearner, WholeLearner


@dataclass(frozen=True)
class Lesson(Objective):
    """An objective with what only training has.

    Parameters
    ----------
    held_out : Rows, optional
        Rows that are watched and not learned from.
    noise : float
        Standard deviation of what is added to the inputs of each batch.
    lasso : (P,) or None
        λ of Σ λ_j |θ_j|.
    metrics : tuple of str
        What is reported beside the loss; names of :data:`~statdl.model.metric.METRICS`.
    fast : bool
        Whether the kernel may be used.
    response : ResponseScale, optional
        The units that rows and parameters are in. What is reported of training is in those of the
        response as it was given.
    """

    held_out: Rows | None = None
    noise: float = 0.0
    lasso: Array | None = None
    metrics: tuple[str, ...] = ()
    fast: bool = True
    response: ResponseScale | None = None

    @property
    def objective(self) -> Objective:
        """The objective alone."""
        return Objective(self.family, self.predictor, self.rows, self.penalty, self.penalised)

    @property
    def network(self) -> Network:
        """The network, held parameters included."""
        predictor = self.predictor
        network = predictor.predictor if isinstance(predictor, Frozen) else predictor
        assert isinstance(network, Network)
        return network

    @property
    def stochastic(self) -> bool:
        """Whether a batch's gradient depends on more than its rows."""
        dropped = any(hidden.dropout for hidden in self.network.hidden)
        return self.noise > 0 or dropped or self.normalises

    @property
    def normalises(self) -> bool:
        """Whether a layer learns the moments of its batches."""
        return any(hidden.normalisation == "batch" for hidden in self.network.hidden)

    def learner(self, batch: int, products: str = "full") -> Learner:
        """Return what walks through batches of ``batch`` rows, by products of a precision."""
        if self.quick:
            return KernelLearner(self, batch, products)
        return Learner(self, batch)

    def whole_learner(
        self, launch: str, batch: int, rule: str, decayed: Array, products: str
    ) -> WholeLearner:
        """Return what takes all batches of an epoch by itself, by a rule of kernels."""
        if launch == "epoch":
            return EpochLearner(self, batch, rule, decayed)
        return ReplayLearner(self, batch, rule, decayed, products)

    @property
    def quick(self) -> bool:
        """Whether the kernel serves it."""
        here = self.fast and not self.rows.streamed
        return here and supported(self.predictor, self.rows.X)

    def launch_obstacle(self, launch: str) -> str | None:
        """Return why epochs cannot be launched this way; None where they can."""
        return launch_obstacle(self, launch)

    def products_obstacle(self, launch: str) -> str | None:
        """Return why products cannot be rounded; None where they can."""
        return products_obstacle(self, launch)

    def rounded_by(self, parameters: Array, batch: int, products: str) -> float:
        """Return by what share products of a precision change the loss of all rows."""
        full, rounded = (
            KernelLearner(self, batch, one).mean_loss(parameters) for one in ("full", products)
        )
        return abs(rounded - full) / max(abs(full), 1e-300)

    def taught(self, statistics: RunningStatistics | None) -> Lesson:
        """Return the lesson with the moments that normalised layers have learned."""
        if statistics is None:
            return self
        network = replace(self.network, statistics=statistics)
        predictor = self.predictor
        if isinstance(predictor, Frozen):
            return replace(self, predictor=replace(predictor, predictor=network))
        return replace(self, predictor=network)

    def reached(self, parameters: Array, statistics: RunningStatistics | None) -> float:
        """Return the loss of all rows, penalties included."""
        xp, family = namespace(parameters), self.family
        loss = self.taught(statistics).row_sum(
            parameters, lambda eta, rows: family.loss_and_score(eta, rows.y)[0]
        )
        if self.penalised is not None:
            loss += float(self.penalty.value(parameters, self.penalised))
        if self.lasso is not None:
            loss += float(xp.sum(self.lasso * xp.abs(parameters)))
        return loss * self._spread**2

    def watch(self, parameters: Array, statistics: RunningStatistics | None) -> dict[str, float]:
        """Return mean loss and metrics of the rows held out."""
        if self.held_out is None:
            return {}
        seen, rows = replace(self.taught(statistics), rows=self.held_out), self.held_out
        sums = seen.row_sums(parameters, *(value for value, _ in self._judges.values()))
        return {
            f"validation_{name}": total / max(rows.weight, 1e-300) * self._spread**degree
            for total, (name, (_, degree)) in zip(sums, self._judges.items(), strict=True)
        }

    @property
    def _judges(self) -> dict[str, tuple[Callable[[Array, Rows], Array], int]]:
        """What is reported of a row, from η, and the power of the response's unit it is in."""
        family = self.family
        found: dict[str, tuple[Callable[[Array, Rows], Array], int]] = {
            "loss": (lambda eta, rows: family.loss_and_score(eta, rows.y)[0], 2)
        }
        for name in self.metrics:
            metric = METRICS[name]
            found[name] = partial(_of_rows, metric, family), metric.degree
        return found

    def judged(self, eta: Array, rows: Rows | None = None) -> dict[str, float]:
        """Return the mean loss of rows whose η is given, and the metrics."""
        rows = self.rows if rows is None else rows
        return {
            name: _mean(value(eta, rows), rows.weights) * self._spread**degree
            for name, (value, degree) in self._judges.items()
        }

    def unit(self, loss: float) -> float:
        """Return what one unit of log-likelihood is worth at a loss in the response's own units."""
        return super().unit(loss / self._spread**2)

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        loss, gradient = super().value_and_gradient(parameters)
        return loss * self._spread**2, gradient

    @property
    def _spread(self) -> float:
        return 1.0 if self.response is None else self.response.spread

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, in values that JSON has."""
        return fingerprint(self)

    def pack(self, statistics: RunningStatistics | None) -> dict[str, Array]:
        """Return the moments of normalised layers as named arrays."""
        if statistics is None:
            return {}
        pairs = {"mean": statistics.means, "variance": statistics.variances}
        return {
            f"{kind}.{index}": values
            for kind, layers in pairs.items()
            for index, values in enumerate(layers)
            if values is not None
        }

    def unpack(self, arrays: Mapping[str, Any]) -> RunningStatistics | None:
        """Return the moments from named arrays."""
        layers = range(len(self.network.hidden))
        means = tuple(arrays.get(f"mean.{index}") for index in layers)
        if not any(mean is not None for mean in means):
            return None
        return RunningStatistics(means, tuple(arrays.get(f"variance.{index}") for index in layers))

    def layer_norms(self, gradient: Array) -> dict[str, float]:
        """Return the length of a gradient's part in each layer."""
        host = to_numpy(gradient)
        return {name: math.sqrt(float(host[place] @ host[place])) for name, place in self._places}

    @cached_property
    def _places(self) -> tuple[tuple[str, Any], ...]:
        """Where the parameters of each layer are in the gradient."""
        network = self.network
        parts = [
            (f"hidden{index + 1}", layer.affine.start, layer.stop)
            for index, layer in enumerate(network.layers)
        ]
        parts.append(("output", network.output.start, network.output.stop))
        if not isinstance(self.predictor, Frozen):
            return tuple((name, slice(start, stop)) for name, start, stop in parts)
        free = self.predictor.free
        return tuple((name, (free >= start) & (free < stop)) for name, start, stop in parts)


def _of_rows(metric: Metric, family: Family, eta: Array, rows: Rows) -> Array:
    return metric.of_rows(family, eta, rows.y)


def _mean(values: Array, weights: Array | None) -> float:
    xp = namespace(values)
    if weights is None:
        return float(xp.mean(values))
    total = xp.sum(xp.where(weights > 0, weights * values, xp.zeros_like(values)))
    return float(total) / max(float(xp.sum(weights)), 1e-300)
