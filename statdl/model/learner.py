"""Gradients of the batches of a lesson, one epoch after the other.

:class:`Learner` is the plain path, for every network on any array library; :class:`KernelLearner`
has the same numbers from the kernel (:mod:`statdl.model.kernel`), for the layers that it knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from statdl.backend.array import Array, is_numpy, like, namespace
from statdl.backend.cublas import Products, current_stream
from statdl.backend.random import generator, permutation
from statdl.model.frozen import Frozen
from statdl.model.kernel import Kernel, Masks
from statdl.model.network import Network
from statdl.model.training import RunningStatistics, TrainingMode
from statdl.model.weight_normalisation import pull

if TYPE_CHECKING:
    from statdl.model.lesson import Lesson

#: What tells the seed of an epoch's noise and dropout from that of its order.
DRAWS = 1
#: Bytes of rows that are put in order at once, on the host and on a card.
GATHERED_BYTES, CARD_BYTES = 1 << 20, 1 << 30


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
        training = TrainingMode(masks, self.statistics)
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
