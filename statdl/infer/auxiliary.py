"""Auxiliary regressions: what specification tests are made of.

A weighted fit is a fit of √w y on √w X, and is handed on as that.
"""

from __future__ import annotations

from dataclasses import dataclass

from statdl.backend.array import Array, epsilon, namespace
from statdl.backend.linalg import design_matrix, independent_columns, orthogonal_triangular
from statdl.backend.shortage import device_errors
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate

#: Relative length below which an added column is a combination of the others.
TOLERANCE = 1e-10


@dataclass(frozen=True)
class Regression:
    """Rows of a least-squares fit, with weights and offset multiplied in.

    Shapes: X (n, m) with its constant column, y and residuals (n,).
    """

    X: Array
    y: Array
    residuals: Array
    rank: int

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.y.shape[0])

    @property
    def rss(self) -> float:
        """Residual sum of squares."""
        return float(self.residuals @ self.residuals)

    def take(self, positions: Array) -> Regression:
        """Fit to some of the rows."""
        xp = namespace(self.X)
        return regression(xp.take(self.X, positions, axis=0), xp.take(self.y, positions))

    def with_columns(self, Z: Array) -> Regression:
        """Fit with more columns."""
        return regression(namespace(self.X).concat([self.X, Z], axis=1), self.y)


def regression(X: Array, y: Array) -> Regression:
    """Return the least-squares fit of y on the columns of X, those combined of others left out."""
    xp = namespace(X)
    if X.shape[0] < X.shape[1]:
        raise DataError(
            f"{X.shape[0]} rows cannot determine the {X.shape[1]} coefficients this test fits to "
            "them; use more rows."
        )
    Q, R = orthogonal_triangular(X)
    kept = independent_columns(R, max(TOLERANCE, 1e4 * epsilon(R)))
    if len(kept) < X.shape[1]:
        places = xp.asarray(list(kept), dtype=xp.int64, device=X.device)
        X = xp.take(X, places, axis=1)
        Q, _ = orthogonal_triangular(X)
    residuals = y - Q @ (Q.T @ y)
    residuals = residuals - Q @ (Q.T @ residuals)
    return Regression(X, y, residuals, len(kept))


@device_errors()
def own_regression(estimate: Estimate, test: str, *, weights: bool) -> Regression:
    """Return the fit itself as a regression; refuse what the test is not made for.

    Raises
    ------
    ModelError
        For other models than unpenalised least squares; for weights, where the test has none.
    """
    specification = estimate.specification
    if not specification.least_squares or specification.penalty.active:
        raise ModelError(
            f"{test} is a test of the errors of a linear regression (lm without a penalty)."
        )
    rows = estimate.objective.rows.gathered()
    if rows.weights is not None and not weights:
        raise ModelError(
            f"{test} has its null distribution for equal weights only, and this fit has weights="
            "; take it of a fit to the variables divided by the errors' standard deviations."
        )
    A = design_matrix(rows.X, estimate.objective.intercept)
    y = rows.y[:, 0] if rows.offset is None else (rows.y - rows.offset)[:, 0]
    if rows.weights is not None:
        xp = namespace(A)
        chosen = xp.nonzero(rows.weights > 0)[0]
        root = xp.sqrt(xp.take(rows.weights, chosen))
        A = xp.take(A, chosen, axis=0) * root[:, None]
        y = xp.take(y, chosen) * root
        return regression(A, y)
    residuals = y - A @ estimate.device_parameters
    return Regression(A, y, residuals, estimate.rank)


def standardised(X: Array) -> Array:
    """Return columns of mean 0 and variance 1 (constant ones as they are, less their mean)."""
    xp = namespace(X)
    centred = X - xp.mean(X, axis=0)
    spread = xp.sqrt(xp.mean(centred * centred, axis=0))
    return centred / xp.where(spread > 0, spread, xp.ones_like(spread))
