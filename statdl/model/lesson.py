"""An objective as gradient descent sees it: batches, noise, dropout, rows held out.

Training minimises the mean loss of batches of rows, whose inputs may get noise, whose units may be
dropped and whose normalised layers use the batch's own moments. :class:`Lesson` adds what belongs
to that to an objective; a learner walks through its batches, by the kernel where there is one
(:mod:`statdl.model.kernel`) and by the plain path, which is its oracle, elsewhere.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from typing import Any

from statdl.backend.array import Array, Rows, is_numpy, like, namespace, to_numpy
from statdl.backend.cublas import Products, current_stream
from statdl.backend.random import generator, permutation
from statdl.model.family import Family
from statdl.model.frozen import Frozen
from statdl.model.kernel import Kernel, Masks, supported
from statdl.model.launching import launch_obstacle, products_obstacle
from statdl.model.metric import METRICS, Metric
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.replay import ReplayLearner
from statdl.model.response_scale import ResponseScale
from statdl.model.training import RunningStatistics, Training
from statdl.model.weight_normalisation import pull
from statdl.model.whole import EpochLearner, WholeLearner

#: What tells the seed of an epoch's noise and dropout from that of its order.
DRAWS = 1
#: Bytes of rows that are put in order at once, on the host and on a card.
GATHERED_BYTES, CARD_BYTES = 1 << 20, 1 << 30


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

    @property
    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to go on, in values that JSON has."""
        network, scale = self.network, self.response
        return {
            "architecture": repr(replace(network, statistics=None)),
            "family": repr(self.family),
            "precision": str(self.rows.template.dtype),
            "number of rows": self.n,
            "number of free weights": self.size,
            "noise": self.noise,
            "decay": _settings_of(self.penalised, None if scale is None else scale.squares),
            "l1": _settings_of(self.lasso, None if scale is None else scale.lengths),
            **self._checksums,
        }

    @cached_property
    def _checksums(self) -> dict[str, str]:
        """Return what tells the rows, and the weights that are held, from others."""
        predictor, held = self.predictor, self.held_out
        parts: dict[str, tuple[Array | None, ...]] = {
            "data": _parts(self.rows),
            "validation data": _parts(held),
            "penalties": (self.penalised, self.lasso),
        }
        if isinstance(predictor, Frozen):
            parts["fixed weights"] = (predictor.free, predictor.values)
        return {f"checksum of the {name}": _checksum(values) for name, values in parts.items()}

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


def _settings_of(strengths: Array | None, factor: Any) -> str:
    """Return the λ of the parameters that have one, in runs, such as ``0.1, 0.2``.

    ``factor`` is what they have been multiplied with for a response in other units.
    """
    given = () if strengths is None else to_numpy(strengths) / (1.0 if factor is None else factor)
    values = [float(value) for value in given]
    runs = [f"{value:g}" for value, _ in groupby(value for value in values if value)]
    return ", ".join(runs) or "0"


def _parts(rows: Rows | None) -> tuple[Array | None, ...]:
    return () if rows is None else rows.marks


def _checksum(parts: Sequence[Array | None]) -> str:
    found = hashlib.sha256()
    for part in parts:
        host = None if part is None else to_numpy(part)
        found.update(b"-" if host is None else repr(host.shape).encode())
        found.update(b"" if host is None else host.tobytes())
    return found.hexdigest()[:16]


def _of_rows(metric: Metric, family: Family, eta: Array, rows: Rows) -> Array:
    return metric.of_rows(family, eta, rows.y)


def _mean(values: Array, weights: Array | None) -> float:
    xp = namespace(values)
    if weights is None:
        return float(xp.mean(values))
    total = xp.sum(xp.where(weights > 0, weights * values, xp.zeros_like(values)))
    return float(total) / max(float(xp.sum(weights)), 1e-300)


class Learner:
    """Gradients of the mean loss of batches, one epoch after the other: the plain path.

    :meth:`open` opens an epoch on parameters that then change in place, :meth:`gradient` is called
    for its batches in order, and :meth:`seen` says how the rows fared on the way.
    ``statistics`` are the moments of normalised layers.
    """

    def __init__(self, lesson: Lesson, batch: int) -> None:
        self.lesson = lesson
        self.batch = batch
        self.statistics: RunningStatistics | None = lesson.network.statistics
        self._dropped = any(hidden.dropout for hidden in lesson.network.hidden)
        self._weight = lesson.total_weight()
        self._relative = lesson.n / max(self._weight, 1e-300)

    def open(self, parameters: Array, seed: int, epoch: int) -> None:
        """Open an epoch, whose order and draws seed and number decide."""
        order = permutation(self.lesson.n, seed, epoch)
        self.begin(parameters, order, (seed, epoch, DRAWS))

    def begin(self, parameters: Array, order: Any, random_seed: tuple[int, ...]) -> None:
        """Open an epoch: rows in the host order given, draws from a generator of this seed."""
        self._parameters = parameters
        X = self.lesson.rows.X
        # where the rows are, by one copy an epoch: a batch then asks the host for nothing
        self._order = like(order, X, namespace(X).int64)
        self._random = generator(random_seed)
        self._etas: list[Array] = []

    def gradient(self, first: int, stop: int) -> Array:
        """Return the gradient of the mean loss of the epoch's rows from ``first`` to ``stop``."""
        rows = self.lesson.rows.take(self._positions(first, stop))
        X = self._noisy(rows.X)
        eta, pullback = self._linearise(X, rows.n)
        if rows.offset is not None:
            eta = eta + rows.offset
        self._etas.append(eta)
        _, score = self.lesson.family.loss_and_score(eta, rows.y)
        if rows.weights is not None:
            score = score * (rows.weights * self._relative)[:, None]
        gradient = -pullback(score) / rows.n
        return gradient if self.lesson.penalised is None else self._decayed(gradient)

    def seen(self) -> dict[str, float]:
        """Return mean loss and metrics of the epoch's rows, each as it was when it was used."""
        rows = replace(self.lesson.rows, X=self.lesson.rows.y)  # of which X is not asked
        rows = rows.take(self._positions(0, self.lesson.n))
        etas = self._etas
        eta = etas[0] if len(etas) == 1 else namespace(etas[0]).concat(etas, axis=0)
        return self.lesson.judged(eta, rows)

    def _positions(self, first: int, stop: int) -> Array:
        return self._order[first:stop]

    def _noisy(self, X: Array) -> Array:
        if not self.lesson.noise:
            return X
        return X + like(self.lesson.noise * self._random.standard_normal(X.shape), X)

    def _linearise(self, X: Array, rows: int) -> tuple[Array, Any]:
        lesson = self.lesson
        if not (self._dropped or lesson.normalises):
            return lesson.predictor.linearise(self._parameters, X)
        masks = lesson.network.training(self._random, rows, X).masks
        training = Training(masks, self.statistics)
        predictor = lesson.predictor
        assert isinstance(predictor, Network | Frozen)
        eta, pullback, self.statistics = predictor.practise(self._parameters, X, training)
        return eta, pullback

    def _decayed(self, gradient: Array) -> Array:
        """Add the gradient of the penalty, per unit of weight."""
        slope = self.lesson.penalty.gradient(self._parameters, self.lesson.penalised)
        return gradient + slope / self._weight


class KernelLearner(Learner):
    """The same by the kernel: rows gathered in portions, gradients in one buffer."""

    def __init__(self, lesson: Lesson, batch: int, products: str = "full") -> None:
        super().__init__(lesson, batch)
        network, rows = lesson.network, lesson.rows
        xp = namespace(rows.X)
        self._buffer = xp.empty((network.size,), dtype=rows.X.dtype)
        sizes = {batch, rows.n % batch} - {0}
        matmul = None if products == "full" else Products(products, current_stream(), rows.X)
        self._kernels = {
            size: Kernel(network, lesson.family, size, self._buffer, matmul) for size in sizes
        }
        self._first = int(network.intercept)
        width = self._first + network.inputs
        room = GATHERED_BYTES if is_numpy(rows.X) else CARD_BYTES
        portion = max(1, room // (width * rows.X.itemsize * batch))
        self._portion = batch * min(portion, -(-rows.n // batch))
        self._drawn = xp.empty((self._portion, network.inputs), dtype=rows.X.dtype)
        self._gathered = xp.ones((self._portion, width), dtype=rows.X.dtype)
        self._eta = xp.empty((rows.n, network.outputs), dtype=rows.X.dtype)
        self._X = xp.ascontiguousarray(rows.X)  # batches draw rows, each from one place
        self._decay = None
        if lesson.penalised is not None:
            slope = lesson.penalty.gradient(xp.ones_like(self._buffer), lesson.penalised)
            self._decay = slope / xp.asarray(self._weight, dtype=slope.dtype)
            self._scratch = xp.empty_like(self._buffer)

    def begin(self, parameters: Array, order: Any, random_seed: tuple[int, ...]) -> None:
        super().begin(parameters, order, random_seed)
        rows, order = self.lesson.rows, self._order
        self._y = rows.y.take(order, axis=0)
        self._offset = None if rows.offset is None else rows.offset.take(order, axis=0)
        self._weights = None
        if rows.weights is not None:
            self._weights = rows.weights.take(order) * self._relative
        self._start = self._stop = 0
        self._plain = parameters
        if self.lesson.network.directed:
            self._plain = namespace(parameters).empty_like(parameters)  # filled by every batch
        for kernel in self._kernels.values():
            kernel.bind(self._plain)

    def gradient(self, first: int, stop: int) -> Array:
        inputs = self._inputs(first, stop)
        masks: Masks | None = None
        if self.lesson.noise:
            inputs[:, self._first :] = self._noisy(inputs[:, self._first :])
        if self._dropped:
            masks = self.lesson.network.training(self._random, stop - first, inputs).masks
        rows = slice(first, stop)
        weights = None if self._weights is None else self._weights[rows]
        offset = None if self._offset is None else self._offset[rows]
        kernel, directed = self._kernels[stop - first], self.lesson.network.directed
        gradient = kernel.run(inputs, self._y[rows], self._eta[rows], weights, offset, masks)
        gradient = pull(directed, self._parameters, gradient)
        if self._decay is not None:
            xp = namespace(gradient)
            xp.multiply(self._decay, self._parameters, out=self._scratch)
            xp.add(gradient, self._scratch, out=gradient)
        return gradient

    def mean_loss(self, parameters: Array) -> float:
        """Return the mean loss of all rows, with nothing dropped, by the products of training."""
        n = self.lesson.n
        self.begin(parameters, namespace(parameters).arange(n), (0,))
        for first in range(0, n, self.batch):
            stop = min(first + self.batch, n)
            rows = slice(first, stop)
            offset = None if self._offset is None else self._offset[rows]
            self._kernels[stop - first].forward(self._inputs(first, stop), self._eta[rows], offset)
        return self.seen()["loss"]

    def _inputs(self, first: int, stop: int) -> Array:
        """Return the rows of a batch with a column of ones, and the weights up to date."""
        if stop > self._stop:
            self._gather(first)
        if self.lesson.network.directed:
            self._plain[...] = self.lesson.network.plain(self._parameters)
        return self._gathered[first - self._start : stop - self._start]

    def seen(self) -> dict[str, float]:
        columns = [values.T.copy().T for values in (self._eta, self._y)]  # as families like them
        rows = replace(
            self.lesson.rows, X=self._eta, y=columns[1], weights=self._weights, offset=self._offset
        )
        return self.lesson.judged(columns[0], rows)

    def _gather(self, first: int) -> None:
        """Put the next rows of the epoch's order side by side."""
        self._start, self._stop = first, min(first + self._portion, self.lesson.n)
        chosen = self._order[self._start : self._stop]
        drawn = self._drawn[: len(chosen)]
        in_place = {"mode": "clip"} if is_numpy(drawn) else {}  # NumPy's "raise" copies first
        self._X.take(chosen, axis=0, out=drawn, **in_place)
        self._gathered[: len(chosen), self._first :] = drawn
