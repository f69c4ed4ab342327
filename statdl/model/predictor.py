"""Predictors: how parameters θ and inputs X produce η of shape (n, q).

A predictor answers a few questions, which are all that fitting and inference ask of it:

    eta(θ, X)            η                  (n, q)
    linearise(θ, X)      η, G ↦ Σ_i J_iᵀ G_i  (P,)      J_i = ∂η_i/∂θ
    curvature(θ, X, H)   Σ_i J_iᵀ H_i J_i   (P, P)      H_i = diag(d_i) − u_i u_iᵀ
    jacobian_times(θ, X, V) J_i V              (n, q, r)   for the columns of V, (P, r)
    second(θ, X, S)      Σ_i Σ_k S_ik ∇²η_ik  (P, P)    0 where η is linear in θ
    input_gradient(θ, X, G)  (∂η_i/∂x_i)ᵀ G_i  (n, p)   how η changes with the inputs
    input_turn(θ, X, G)  Σ_i G_iᵀ ∂²η_i/∂x_j∂θ  (p, P)  how that changes with θ

For :class:`Linear` J is the design itself, so that iteratively reweighted least squares and
backpropagation are the same calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Protocol

from statdl.backend.array import Array, namespace
from statdl.backend.gram import gram, weighted_gram
from statdl.model.curvature import RowCurvature


class Predictor(Protocol):
    """What the objective needs of a map from parameters and inputs to η."""

    @property
    def outputs(self) -> int:
        """q, the number of columns of η."""
        ...

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        ...

    @property
    def linear(self) -> bool:
        """Whether η is linear in θ, so that its second derivatives vanish."""
        ...

    @property
    def width(self) -> int:
        """Numbers of working memory a row needs, by which blocks of rows are cut."""
        ...

    def single(self) -> Predictor:
        """Return the same predictor with one output."""
        ...

    def slopes(self, parameters: Array) -> Array:
        """Return the parameters with every intercept at 0: what weight decay acts on."""
        ...

    def whole(self, parameters: Array) -> tuple[Predictor, Array]:
        """Return the predictor with no parameter held at a value, and all its parameters."""
        ...

    def eta(self, parameters: Array, X: Array) -> Array:
        """Return η, (n, q)."""
        ...

    def linearise(self, parameters: Array, X: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Return η and its pullback: G of shape (n, q) ↦ Σ_i J_iᵀ G_i, (P,)."""
        ...

    def jacobian_times(self, parameters: Array, X: Array, V: Array) -> Array:
        """Return J_i V, (n, q, r), for V of shape (P, r)."""
        ...

    def curvature(self, parameters: Array, X: Array, H: RowCurvature) -> Array:
        """Return Σ_i J_iᵀ H_i J_i, (P, P)."""
        ...

    def hessian(
        self, parameters: Array, X: Array, G: Array, H: RowCurvature | None = None
    ) -> Array:
        """Return Σ_i J_iᵀ H_i J_i + Σ_i Σ_k G_ik ∂²η_ik/∂θ∂θᵀ, (P, P).

        With G = ∂loss/∂η, (n, q), and H = ∂²loss/∂η² it is the loss's own; H is 0 if not given.
        """
        ...

    def input_gradient(self, parameters: Array, X: Array, G: Array) -> Array:
        """Return (∂η_i/∂x_i)ᵀ G_i of each row, (n, p), for G of shape (n, q)."""
        ...

    def input_turn(self, parameters: Array, X: Array, G: Array) -> Array:
        """Return Σ_i Σ_k G_ik ∂²η_ik/∂x_j∂θ for every column j of X, (p, P)."""
        ...


@dataclass(frozen=True)
class Linear:
    """η_k = b_k + X w_k: one linear predictor an output.

    θ is flat and output-major, (b_1, w_1, b_2, w_2, …); the intercepts are implicit, so X never
    carries a column of ones and is never copied to get one.
    """

    inputs: int
    outputs: int = 1
    intercept: bool = True

    linear: ClassVar[bool] = True

    @property
    def columns(self) -> int:
        """Parameters an output: p, and one more for the intercept."""
        return self.inputs + self.intercept

    @property
    def size(self) -> int:
        """P = q (p + 1), or q p without intercept."""
        return self.outputs * self.columns

    @property
    def width(self) -> int:
        """A row of X, of η and of what the family makes of it."""
        return self.inputs + 4 * self.outputs

    def single(self) -> Linear:
        return replace(self, outputs=1)

    def whole(self, parameters: Array) -> tuple[Linear, Array]:
        return self, parameters

    def slopes(self, parameters: Array) -> Array:
        if not self.intercept:
            return parameters
        xp = namespace(parameters)
        table = xp.reshape(parameters, (self.outputs, self.columns))
        return xp.reshape(xp.concat([0 * table[:, :1], table[:, 1:]], axis=1), (-1,))

    def eta(self, parameters: Array, X: Array) -> Array:
        xp = namespace(X)
        table = xp.reshape(parameters, (self.outputs, self.columns))
        # (q, n) in memory: sums over the few outputs then run along the many rows
        if not self.intercept:
            return (table @ X.T).T
        return (table[:, 1:] @ X.T + table[:, :1]).T

    def pullback(self, parameters: Array, X: Array, G: Array) -> Array:
        """Return Σ_i J_iᵀ G_i, (P,)."""
        xp = namespace(X)
        slopes = G.T @ X
        if not self.intercept:
            return xp.reshape(slopes, (-1,))
        return xp.reshape(xp.concat([xp.sum(G, axis=0)[:, None], slopes], axis=1), (-1,))

    def linearise(self, parameters: Array, X: Array) -> tuple[Array, Callable[[Array], Array]]:
        return self.eta(parameters, X), partial(self.pullback, parameters, X)

    def jacobian_times(self, parameters: Array, X: Array, V: Array) -> Array:
        xp = namespace(X)
        table = xp.reshape(V, (self.outputs, self.columns, V.shape[1]))
        moved = [self._times(X, table[k, :, :]) for k in range(self.outputs)]
        return xp.stack(moved, axis=1)

    def _times(self, X: Array, V: Array) -> Array:
        """Return [1 X] V for V of shape (m, r)."""
        return X @ V[1:, :] + V[:1, :] if self.intercept else X @ V

    def curvature(self, parameters: Array, X: Array, H: RowCurvature) -> Array:
        """Return Σ_i (diag(d_i) − u_i u_iᵀ) ⊗ x_i x_iᵀ with x_i = (1, X_i)."""
        if H.unit:
            return gram(X, intercept=self.intercept)
        return weighted_gram(X, H.diagonal, H.outer, intercept=self.intercept)

    def hessian(
        self, parameters: Array, X: Array, G: Array, H: RowCurvature | None = None
    ) -> Array:
        if H is None:
            return namespace(X).zeros((self.size, self.size), dtype=X.dtype, device=X.device)
        return self.curvature(parameters, X, H)

    def input_gradient(self, parameters: Array, X: Array, G: Array) -> Array:
        table = namespace(X).reshape(parameters, (self.outputs, self.columns))
        return G @ table[:, int(self.intercept) :]

    def input_turn(self, parameters: Array, X: Array, G: Array) -> Array:
        """Return Σ_i G_ik where θ holds the slope of column j in output k, and 0 elsewhere."""
        xp = namespace(X)
        places = xp.eye(self.columns, dtype=X.dtype, device=X.device)[int(self.intercept) :, :]
        turned = xp.sum(G, axis=0)[None, :, None] * places[:, None, :]
        return xp.reshape(turned, (self.inputs, self.size))
