"""The elastic net as it acts at its solution: on columns that are in, with the signs they have.

    λ Σ_j ( l_j |β_j| + ½ r_j β_j² )

There |β_j| is s_j β_j, a linear function, and the penalised likelihood is smooth: its maximum is
the solution of the elastic net, and ridge's covariance and effective degrees of freedom are what
they are without the columns that are out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from statdl.backend.array import Array, namespace
from statdl.errors import ModelError
from statdl.model.penalty import OfParameters


@dataclass(frozen=True)
class ElasticNet(OfParameters):
    """Slopes s_j l_j and curvatures r_j of the penalty, one a parameter, 0 for intercepts."""

    slopes: tuple[float, ...]
    bends: tuple[float, ...]
    strength: float
    alpha: float

    active: ClassVar[bool] = True

    @property
    def heads(self) -> int:
        """How many parameters are not penalised."""
        pairs = zip(self.slopes, self.bends, strict=True)
        return sum(slope == 0 and bend == 0 for slope, bend in pairs)

    def _arrays(self, like: Array) -> tuple[Array, Array]:
        xp = namespace(like)
        kind = {"dtype": like.dtype, "device": like.device}
        size = like.shape[-1]
        if size < len(self.slopes):
            if size > self.heads:
                raise ModelError(
                    "The elastic net's penalty belongs to all the columns that it chose, and says "
                    "nothing of fits to some of them; see sd.path() with other columns."
                )
            return xp.zeros(size, **kind), xp.zeros(size, **kind)  # an intercept only
        return xp.asarray(self.slopes, **kind), xp.asarray(self.bends, **kind)

    def value(self, parameters: Array, penalised: Array) -> Array:
        slopes, bends = self._arrays(parameters)
        each = slopes * parameters + 0.5 * bends * parameters * parameters
        return namespace(parameters).sum(each, axis=-1)

    def gradient(self, parameters: Array, penalised: Array) -> Array:
        slopes, bends = self._arrays(parameters)
        return slopes + bends * parameters

    def curvature(self, parameters: Array, penalised: Array) -> Array:
        return self._arrays(penalised)[1]
