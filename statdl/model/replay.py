"""Epochs of a step that is captured once and replayed for every batch.

A step is what :class:`~statdl.model.lesson.KernelLearner` and a mover do for one batch: rows are
gathered, the :class:`~statdl.model.kernel.Kernel` goes forwards and backwards, and the rule moves
the weights. Here all of it is on arrays that stay where they are from the first epoch to the last,
and the card itself counts the batches, so that a graph of one step serves them all
(:mod:`statdl.backend.graph`): the step's rows are found in the epoch's order, and its numbers in
the epoch's table, at the place that the counter says. The host sends an order and a table an epoch,
and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, like, namespace
from statdl.backend.cublas import Products
from statdl.backend.epoch import Data
from statdl.backend.graph import Replay
from statdl.backend.kernels import NUMBERS, gather_kernel, keep_kernel, step_kernel
from statdl.model.kernel import Kernel
from statdl.model.whole import WholeLearner, data_of, penalty_of


@dataclass(frozen=True)
class Store:
    """What steps read and write: arrays that stay where they are while there is a graph.

    parameters  (P,)
    gradient    (P,), that of the last batch
    decayed     (P,), 1 where the rule's own weight decay acts, else 0
    penalty     (P,), the penalty's gradient per parameter and unit of weight, or None
    slope       (P,), room for the penalty's gradient
    order       (n,), the rows of the epoch
    numbers     (batches, 7), those of the steps of the epoch
    step        (1,), how many of its batches are done
    eta         (n, q), in the order of the epoch
    """

    data: Data
    parameters: Array
    gradient: Array
    decayed: Array
    penalty: Array | None
    slope: Array
    order: Array
    numbers: Array
    step: Array
    eta: Array

    @classmethod
    def of(cls, lesson: Any, batch: int, decayed: Array) -> Store:
        """Make room for a lesson."""
        xp, data, kind = namespace(decayed), data_of(lesson), decayed.dtype
        n, outputs = lesson.n, lesson.predictor.outputs
        return cls(
            data=data,
            parameters=xp.empty_like(decayed),
            gradient=xp.empty_like(decayed),
            decayed=decayed,
            penalty=penalty_of(lesson, decayed),
            slope=xp.empty_like(decayed),
            order=xp.zeros((n,), dtype=xp.int64),
            numbers=xp.empty((-(-n // batch), len(NUMBERS)), dtype=kind),
            step=xp.zeros((1,), dtype=xp.int32),
            eta=xp.empty((n, outputs), dtype=kind),
        )


class Step:
    """A batch of ``rows`` rows, from its place in the order to the weights that it moves.

    ``batch`` is how many rows the batches before it have.
    """

    def __init__(
        self, lesson: Any, store: Store, rows: int, batch: int, products: Products
    ) -> None:
        network, data = lesson.predictor, store.data
        xp, kind = namespace(store.eta), store.eta.dtype
        self._store, self._rows, self._batch, self._xp = store, rows, batch, xp
        first = int(network.intercept)
        self._kernel = Kernel(network, lesson.family, rows, store.gradient, products)
        self._kernel.bind(store.parameters)
        self._inputs = xp.ones((rows, first + network.inputs), dtype=kind)
        self._y = xp.empty((rows, network.outputs), dtype=kind)
        self._eta = xp.empty_like(self._y)
        self._weights = None if data.weights is None else xp.empty((rows,), dtype=kind)
        self._offset = None
        if data.offset is not None:
            self._offset = xp.empty((rows, data.offset.shape[1]), dtype=kind)
        self._gathered = (
            (data.X, self._inputs[:, first:]),
            (data.y, self._y),
            (data.weights, self._weights),
            (data.offset, self._offset),
        )

    def take(self, rule: Any, memory: Sequence[Array]) -> None:
        """Take the step by a rule's kernel, and count it."""
        store, xp = self._store, self._xp
        for table, taken in self._gathered:
            if table is not None:
                self._gather(table, taken)
        self._kernel.run(self._inputs, self._y, self._eta, self._weights, self._offset)
        if store.penalty is not None:
            xp.multiply(store.penalty, store.parameters, out=store.slope)
            xp.add(store.gradient, store.slope, out=store.gradient)
        rule(store.gradient, store.decayed, store.numbers, store.step, store.parameters, *memory)
        numbers = self._batch * self._eta.shape[1]
        keep_kernel()(self._eta, store.step, numbers, store.eta, size=self._eta.size)
        xp.add(store.step, 1, out=store.step)

    def _gather(self, table: Array, taken: Array) -> None:
        columns = taken.size // self._rows
        store = self._store
        gather_kernel()(
            table, store.order, store.step, self._batch, columns, taken, size=taken.size
        )


class ReplayLearner(WholeLearner):
    """Epochs whose full batches are replays of one graph; what is left of the rows is not.

    ``products`` names the precision of products.
    """

    def __init__(self, lesson: Any, batch: int, rule: str, decayed: Array, products: str) -> None:
        super().__init__(lesson)
        self._rule = rule
        self._memory: Sequence[Array] | None = None
        self._store = Store.of(lesson, batch, decayed)
        self._eta = self._store.eta
        self._full, rest = divmod(lesson.n, batch)
        self._replay = Replay()
        made = Products(products, self._replay.stream, decayed)
        self._step = Step(lesson, self._store, batch, batch, made)
        self._rest = Step(lesson, self._store, rest, batch, made) if rest else None

    def whole(self, memory: Sequence[Array], numbers: Any) -> Array:
        """Take all batches, full ones by the graph, and what is left after them.

        The memory has to be the same arrays in every epoch: the graph holds them.
        """
        assert self._memory is None or self._memory is memory
        self._memory = memory
        store, rule = self._store, step_kernel(self._rule, len(memory))
        store.parameters[...] = self._parameters
        store.order[...] = self._order
        store.numbers[...] = like(numbers, store.numbers)
        store.step[...] = 0
        with self._replay.beside():
            self._replay.run(lambda: self._step.take(rule, memory), self._full)
            if self._rest is not None:
                self._rest.take(rule, memory)
        self._parameters[...] = store.parameters
        return store.gradient + 0.0
