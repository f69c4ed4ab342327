"""What a path asks of its rows: of rows in memory, or of sums over rows that are read in blocks.

With least squares the sums say all. If TᵀT are the products of [X y] about their means, the p + 1
rows of T stand for all rows: every loss, gradient and Gram matrix is the same (as the triangle of
:mod:`statdl.backend.triangle` stands for them in a regression).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.columns import Columns, DenseColumns, is_sparse, moments, standardised
from statdl.backend.linalg import factorise
from statdl.backend.rows import Rows
from statdl.backend.triangle import Centred
from statdl.errors import NotPositiveDefiniteError
from statdl.lazy import lazy
from statdl.model.family import score_and_curvature

np = lazy("numpy")


@dataclass(frozen=True)
class MeanLoss:
    """The mean loss of rows; ``weights`` sum to 1, ``even`` is what they all are, if they are."""

    family: Any
    y: Array
    weights: Array
    even: float | None

    @property
    def quadratic(self) -> bool:
        """Whether the loss is ½ (y − η)²."""
        return bool(self.family.quadratic)

    def value_and_score(self, eta: Array) -> tuple[float, Array]:
        loss, score = self.family.loss_and_score(eta, self.y)
        xp = namespace(loss)
        if self.even is not None:
            return float(xp.sum(loss)) * self.even, score * self.even
        loss = xp.where(self.weights > 0, loss, xp.zeros_like(loss))
        return float(self.weights @ loss), score * self.weights[:, None]

    def curvature(self, eta: Array) -> tuple[Array, Array | None]:
        family = self.family
        if family.outputs > 1 or family.canonical:
            H = family.information(eta).weighted(self.weights)
        else:  # the expected one may be far from the second derivative, and steps then crawl
            H = score_and_curvature(family, eta, self.y)[1].weighted(self.weights)
        return H.diagonal, H.outer

    def saturated(self, eta: Array) -> float:
        """Return the loss of a model that fits every row."""
        loss, _ = self.family.loss_and_score(eta, self.y)
        return float(self.weights @ (loss - 0.5 * self.family.unit_deviance(eta, self.y)))


class PathSample(Protocol):
    """What a path asks of its rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of columns."""
        ...

    @property
    def nobs(self) -> int:
        """The number of rows of positive weight."""
        ...

    @property
    def weight(self) -> float:
        """Σ w."""
        ...

    @property
    def template(self) -> Array:
        """An array where predictions are made."""
        ...

    @property
    def level(self) -> Any:
        """What intercepts are counted from, (q,) or a number."""
        ...

    def moments(self) -> tuple[Any, Any]:
        """Return the means and standard deviations of the columns, (p,) on the host."""
        ...

    def spread(self, intercept: bool) -> float:
        """Return the mean square of the response less the offset, about its mean or about 0."""
        ...

    def only_value(self, shifted: bool) -> float | None:
        """Return the response that all rows have, if they do; less the offset where ``shifted``."""
        ...

    def heads(self, intercept: bool) -> bool:
        """Tell whether a search has to look for the intercept."""
        ...

    def smooth(
        self, family: Any, centre: Any, scale: Any, intercept: bool
    ) -> tuple[Columns, MeanLoss, Array | None]:
        """Return the columns (x − centre) / scale, the loss, and the offset."""
        ...

    def losses(self, family: Any, B: Any, a: Any) -> Any:
        """Return the mean losses at coefficients B (L, p, q) and intercepts a (L, q), (L,)."""
        ...

    def score(self, family: Any, B: Any, a: Any) -> Any:
        """Return Xᵀ W (y − μ) at B (p, q), a (q,): (p, q) on the host."""
        ...

    def constant(self, family: Any, rows: Rows, dispersion: float) -> float:
        """Return the part of the log-likelihood that no coefficient changes."""
        ...


@dataclass(frozen=True)
class Sample:
    """The rows of a path: X (n, p) may be sparse; y (n, q) in the coding of the loss."""

    X: Any
    y: Array
    weights: Array
    offset: Array | None = None

    level = 0.0

    def take(self, positions: Any) -> Sample:
        """Return some rows."""
        xp = namespace(self.y)
        there = like(positions, self.y, xp.int64)
        X = self.X[positions] if is_sparse(self.X) else xp.take(self.X, there, axis=0)
        offset = None if self.offset is None else xp.take(self.offset, there, axis=0)
        return Sample(X, xp.take(self.y, there, axis=0), xp.take(self.weights, there), offset)

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.X.shape[0]), int(self.X.shape[1])

    @property
    def nobs(self) -> int:
        xp = namespace(self.weights)
        return int(xp.sum(xp.astype(self.weights > 0, xp.int64)))

    @property
    def weight(self) -> float:
        return float(namespace(self.weights).sum(self.weights))

    @property
    def template(self) -> Array:
        return self.y

    @cached_property
    def shares(self) -> Array:
        """The weights, summing to 1."""
        return self.weights / namespace(self.weights).sum(self.weights)

    def moments(self) -> tuple[Any, Any]:
        return moments(self.X, to_numpy(self.shares) if is_sparse(self.X) else self.shares)

    def spread(self, intercept: bool) -> float:
        target = self.y if self.offset is None else self.y - self.offset
        values, weights = to_numpy(target)[:, 0], to_numpy(self.shares)
        return float(weights @ (values - intercept * float(weights @ values)) ** 2)

    def only_value(self, shifted: bool) -> float | None:
        if self.offset is not None and not shifted:
            return None
        values = to_numpy(self.y if self.offset is None else self.y - self.offset)[:, 0]
        values = values[to_numpy(self.weights) > 0]
        same = float(np.ptp(values)) <= 1e-13 * float(np.abs(values).max())
        return float(values[0]) if same else None

    def heads(self, intercept: bool) -> bool:
        return intercept

    def smooth(
        self, family: Any, centre: Any, scale: Any, intercept: bool
    ) -> tuple[Columns, MeanLoss, Array | None]:
        host = to_numpy(self.shares)
        even = float(host[0]) if bool((host == host[0]).all()) else None
        columns = standardised(self.X, centre, scale)
        return columns, MeanLoss(family, self.y, self.shares, even), self.offset

    def eta(self, B: Any, a: Any) -> Array:
        """Return η at B (p, q), a (q,): (n, q)."""
        if not is_sparse(self.X):
            B, a = like(B, self.y), like(a, self.y)
        eta = self.X @ B + a
        return eta if self.offset is None else eta + self.offset

    def losses(self, family: Any, B: Any, a: Any) -> Any:
        found = []
        for one, head in zip(B, a, strict=True):
            loss, _ = family.loss_and_score(self.eta(one, head), self.y)
            found.append(float(self.shares @ loss))
        return np.asarray(found)

    def score(self, family: Any, B: Any, a: Any) -> Any:
        _, score = family.loss_and_score(self.eta(B, a), self.y)
        return to_numpy(self.X.T @ (score * self.weights[:, None]))

    def constant(self, family: Any, rows: Rows, dispersion: float) -> float:
        return float(family.constant(rows, dispersion))


@dataclass(frozen=True)
class SummedSample:
    """Sums of products of [X y − offset] about their means: all that least squares asks."""

    sums: Centred
    n: int
    nobs: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.n, len(self.sums.mean) - 1

    @property
    def weight(self) -> float:
        return float(self.sums.weight)

    @property
    def template(self) -> Array:
        return np.zeros((0, 1))

    @property
    def level(self) -> Any:
        return self.sums.means[-1:]

    def moments(self) -> tuple[Any, Any]:
        squares = np.diagonal(self.sums.products)[:-1]
        return self.sums.means[:-1], np.sqrt(squares / self.weight)

    def spread(self, intercept: bool) -> float:
        about = float(self.sums.products[-1, -1]) / self.weight
        return about if intercept else about + float(self.sums.means[-1]) ** 2

    def only_value(self, shifted: bool) -> float | None:
        value = float(self.sums.means[-1])
        about = float(self.sums.products[-1, -1]) / self.weight
        return value if about <= (1e-13 * value) ** 2 else None

    def heads(self, intercept: bool) -> bool:
        return False  # about the means it is 0

    def smooth(
        self, family: Any, centre: Any, scale: Any, intercept: bool
    ) -> tuple[Columns, MeanLoss, Array | None]:
        T = self._root
        if not intercept:
            T = np.concatenate([self.sums.means[None, :] * self.weight**0.5, T])
        columns = DenseColumns(np.ascontiguousarray((T[:, :-1] / scale).T))
        even = 1 / self.weight
        loss = MeanLoss(family, T[:, -1:].copy(), np.full(len(T), even), even)
        return columns, loss, None

    @cached_property
    def _root(self) -> Any:
        """T with TᵀT the products, (p + 1, p + 1)."""
        products = self.sums.products
        try:
            factor = factorise(products)
            return factor.lower.T * factor.scale[None, :]
        except NotPositiveDefiniteError:  # columns that are constant, or combinations of others
            size = np.sqrt(np.diagonal(products))
            scale = np.where(size > 0, size, 1.0)
            values, vectors = np.linalg.eigh(products / scale[:, None] / scale[None, :])
            return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T * scale[None, :]

    def mean_squares(self, B: Any, a: Any) -> Any:
        """Return the mean of (y − a − x b)² at B (L, p), a (L,): (L,)."""
        v = np.concatenate([-B, np.ones((len(B), 1))], axis=1)
        about = np.einsum("li,ij,lj->l", v, self.sums.products, v, optimize=True) / self.weight
        return np.maximum(about, 0.0) + (v @ self.sums.means - a) ** 2

    def losses(self, family: Any, B: Any, a: Any) -> Any:
        return 0.5 * self.mean_squares(B[:, :, 0], a[:, 0])

    def score(self, family: Any, B: Any, a: Any) -> Any:
        v = np.concatenate([-B, np.ones((1, 1))])
        off = self.sums.means @ v - a
        return self.sums.products[:-1] @ v + self.weight * self.sums.means[:-1, None] * off

    def constant(self, family: Any, rows: Rows, dispersion: float) -> float:
        """Return that of the normal, from what the passes told."""
        found = rows.constant(lambda part: family.constant(part, 1.0), True)
        return found - 0.5 * self.nobs * float(np.log(dispersion))
