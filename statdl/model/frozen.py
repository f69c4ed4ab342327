"""A predictor with some parameters held at given values.

θ then holds the free parameters only: transfer learning, an output bias of 0, a mask of weights are
all the same predictor seen through fewer coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.model.curvature import RowCurvature
from statdl.model.predictor import Predictor
from statdl.model.training import RunningStatistics, TrainingMode


@dataclass(frozen=True)
class Frozen:
    """``predictor`` as a function of the parameters at positions ``free``."""

    predictor: Predictor
    free: Any  # (P_free,) positions, on the host
    values: Any  # (P,) what the others are held at; anything where free

    @classmethod
    def of(cls, predictor: Predictor, fixed: Any) -> Frozen:
        """Hold parameters where ``fixed`` is a number; NaN leaves them free."""
        fixed = to_numpy(fixed)
        unknown = fixed != fixed
        return cls(predictor, unknown.nonzero()[0], namespace(fixed).where(unknown, 0.0, fixed))

    @property
    def outputs(self) -> int:
        return self.predictor.outputs

    @property
    def linear(self) -> bool:
        return self.predictor.linear

    @property
    def size(self) -> int:
        """The number of free parameters."""
        return len(self.free)

    @property
    def width(self) -> int:
        return self.predictor.width

    def single(self) -> Predictor:
        return self.predictor.single()

    def slopes(self, parameters: Array) -> Array:
        return self._of(self.predictor.slopes(self.full(parameters)))

    def full(self, parameters: Array) -> Array:
        """Return all parameters from the free ones."""
        xp = namespace(parameters)
        is_free, places = self._places(parameters)
        free = xp.take(parameters, places, axis=-1)
        return xp.where(is_free, free, like(self.values, parameters))

    def whole(self, parameters: Array) -> tuple[Predictor, Array]:
        """Return the predictor of all parameters, and these."""
        return self.predictor, self.full(parameters)

    def _places(self, reference: Array) -> tuple[Array, Array]:
        """Return which of all parameters are free, and the place of each among those that are."""
        xp, host = namespace(reference), namespace(self.values)
        is_free = host.zeros(self.values.shape[0], dtype=bool)
        is_free[self.free] = True
        places = host.zeros(self.values.shape[0], dtype=int)
        places[self.free] = host.arange(self.size)
        return like(is_free, reference, xp.bool), like(places, reference, xp.int64)

    def _positions(self, reference: Array) -> Array:
        return like(self.free, reference, namespace(reference).int64)

    def _of(self, vector: Array) -> Array:
        return namespace(vector).take(vector, self._positions(vector), axis=-1)

    def _block(self, matrix: Array) -> Array:
        xp = namespace(matrix)
        chosen = self._positions(matrix)
        return xp.take(xp.take(matrix, chosen, axis=0), chosen, axis=1)

    def eta(self, parameters: Array, X: Array) -> Array:
        return self.predictor.eta(self.full(parameters), X)

    def linearise(self, parameters: Array, X: Array) -> tuple[Array, Callable[[Array], Array]]:
        eta, pullback = self.predictor.linearise(self.full(parameters), X)
        return eta, lambda G: self._of(pullback(G))

    def practise(
        self, parameters: Array, X: Array, training: TrainingMode
    ) -> tuple[Array, Callable[[Array], Array], RunningStatistics | None]:
        """Linearise as in training; see :meth:`Network.practise`."""
        network: Any = self.predictor
        eta, pullback, statistics = network.practise(self.full(parameters), X, training)
        return eta, lambda G: self._of(pullback(G)), statistics

    def jacobian_times(self, parameters: Array, X: Array, V: Array) -> Array:
        xp = namespace(V)
        is_free, places = self._places(V)
        spread = xp.where(is_free[:, None], xp.take(V, places, axis=0), 0 * V[:1, :])
        return self.predictor.jacobian_times(self.full(parameters), X, spread)

    def hessian(
        self, parameters: Array, X: Array, G: Array, H: RowCurvature | None = None
    ) -> Array:
        return self._block(self.predictor.hessian(self.full(parameters), X, G, H))

    def curvature(self, parameters: Array, X: Array, H: RowCurvature) -> Array:
        return self._block(self.predictor.curvature(self.full(parameters), X, H))

    def input_gradient(self, parameters: Array, X: Array, G: Array) -> Array:
        return self.predictor.input_gradient(self.full(parameters), X, G)

    def input_turn(self, parameters: Array, X: Array, G: Array) -> Array:
        turned = self.predictor.input_turn(self.full(parameters), X, G)
        return namespace(turned).take(turned, self._positions(turned), axis=1)
