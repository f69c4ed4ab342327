"""Which columns can be estimated, and how well the arithmetic can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from statdl.backend.array import Array, epsilon, namespace, to_numpy
from statdl.backend.linalg import (
    Factor,
    design_matrix,
    independent_columns,
    orthogonal_triangular,
    solve_upper,
)
from statdl.backend.rows import Rows
from statdl.backend.triangle import stacked_factor
from statdl.errors import DataError, RankWarning, warn

#: Relative length below which a column is a combination of those before it, in epsilons.
ALIAS_EPSILONS = 5000
#: Entries of X up to which QR costs less than a millisecond or few.
SMALL_ENTRIES = 200_000
#: A column that keeps less of itself than this costs a Gram matrix digits worth having.
SHARED = 1e-2


def well_conditioned(factor: Factor | None) -> bool:
    """Tell whether a Cholesky factor is good enough to step with.

    The smallest pivot is the share of a column that those before it leave, about 1/κ². Steps take
    their gradients from the data, so each cuts the error by κ² ε; below 1e6 ε that is too little.
    """
    return factor is not None and factor.smallest_pivot() > 1e6 * epsilon(factor.lower)


def firm_volume(factor: Factor | None) -> bool:
    """Tell whether log |XᵀWX|, which rounding moves by κ² ε, is known to nearly all its digits."""
    return factor is not None and factor.smallest_pivot() > 1e-2


def good_enough(factor: Factor | None, rows: Rows) -> bool:
    """Tell whether QR with refinement would give no more digits, or would take noticeable time."""
    exact = factor is not None and factor.smallest_pivot() > SHARED
    return exact or not few_entries(rows)


def few_entries(rows: Rows) -> bool:
    """Tell whether X is so small that a factorisation of it takes no time to speak of."""
    return rows.n * rows.template.shape[1] <= SMALL_ENTRIES


def smallest_pivot(R: Array) -> float:
    """Return min_j R_jj² / ‖column j‖²: the share of the most dependent column that is its own."""
    xp = namespace(R)
    lengths = xp.sqrt(xp.sum(R * R, axis=0))
    return float(xp.min(xp.abs(xp.linalg.diagonal(R)) / lengths)) ** 2


def digits(pivot: float, eps: float) -> float:
    """Return how many digits the coefficients keep when the smallest pivot is about 1/κ²."""
    return max(0.0, -math.log10(eps) + math.log10(max(pivot, 1e-300)) / 2)


def estimable_columns(rows: Rows, intercept: bool) -> tuple[int, ...]:
    """Return the columns of [1 X] that are not combinations of columns before them."""
    R = to_numpy(triangular_factor(rows, intercept))
    return independent_columns(R, ALIAS_EPSILONS * epsilon(R))


def combinations(rows: Rows, intercept: bool, kept: Sequence[int]) -> Array:
    """Return C, (kept, left out), on the host: of [1 X], what was left out is what was kept × C.

    It is that in every row that counts, and says nothing of other rows.
    """
    left = [j for j in range(rows.template.shape[1] + intercept) if j not in set(kept)]
    R = to_numpy(triangular_factor(rows, intercept))
    xp = namespace(R)
    ours, others = (xp.take(R, xp.asarray(places), axis=1) for places in (list(kept), left))
    Q, triangle = orthogonal_triangular(ours)
    return solve_upper(triangle, Q.T @ others)


def triangular_factor(rows: Rows, intercept: bool) -> Array:
    """Return R of the QR factorisation of [1 X], block after block: of R so far and the next rows.

    It takes no copy of X, and is as stable as one factorisation (Demmel, Grigori, Hoemmen &
    Langou 2012).
    """

    def factor(block: Rows) -> Array:
        return orthogonal_triangular(_counted(design_matrix(block.X, intercept), block))[1]

    return rows.reduce(factor, 3 * (rows.template.shape[1] + 1), stacked_factor)


def _counted(A: Array, rows: Rows) -> Array:
    """Return A with the rows of weight 0 emptied: they say nothing about the coefficients."""
    if rows.weights is None:
        return A
    xp = namespace(A)
    return A * xp.astype(rows.weights > 0, A.dtype)[:, None]


def warn_aliased(names: Sequence[str], kept: Sequence[int]) -> None:
    """Name the columns that are combinations of others."""
    aliased = [name for j, name in enumerate(names) if j not in set(kept)]
    if aliased:
        listed = ", ".join(f"'{name}'" for name in aliased)
        plural = len(aliased) > 1
        warn(
            f"{'Columns' if plural else 'Column'} {listed} "
            f"{'are exact combinations' if plural else 'is an exact combination'} of the columns "
            f"before {'them' if plural else 'it'} (or constant); "
            f"{'their coefficients are' if plural else 'its coefficient is'} not estimable and "
            "reported as NA.",
            RankWarning,
        )


def refuse_too_few(nobs: int, columns: int) -> None:
    """Raise when there are fewer rows than coefficients."""
    if nobs < columns:
        raise DataError(
            f"{nobs} row{'s' * (nobs != 1)} cannot determine {columns} coefficients; use fewer "
            "columns, more rows, or a penalty such as penalty=sd.Ridge(1.0)."
        )
