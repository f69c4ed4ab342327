"""Columns that were left out as combinations of others, in rows where they may be none.

With [1 X] = (A, B), A the columns kept and B = A C those left out, the data tell A (β_A + C β_B)
and no more: η is determined in rows with b = a C, and in others only by the convention that β_B is
0, which R has too. What rests on a coefficient left out is NA, as that coefficient is.
"""

from __future__ import annotations

from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.linalg import design_matrix
from statdl.errors import StatdlWarning, warn
from statdl.estimate import Estimate

#: A departure from b = a C counts beyond this share of what it is the difference of: in rows, and
#: in what a change of a variable, however small, makes of them.
IN_ROWS, IN_CHANGES = 1e-6, 1e-3


def warn_undetermined(estimate: Estimate, X: Array) -> None:
    """Warn of rows X (m, p) in which columns left out are not the combinations they were."""
    if estimate.combinations is None:
        return
    away = to_numpy(_away(estimate, design_matrix(X, estimate.specification.intercept), IN_ROWS))
    names = estimate.specification.coefficient_names
    left = [name for name, keep in zip(names, estimate.kept, strict=True) if not keep]
    told = [f"'{name}'" for name, some in zip(left, away.any(axis=0).tolist(), strict=True) if some]
    if told:
        rows = int(away.any(axis=1).sum())
        verb = "are not the combinations" if len(told) > 1 else "is not the combination"
        warn(
            f"The data do not determine {rows} of the {len(away)} predictions: there "
            f"{', '.join(told)} {verb} of other columns that the fit had, and the coefficient NA "
            "counts as 0.",
            StatdlWarning,
        )


def resting_on_aliased(estimate: Estimate, after: Array, before: Array) -> Any:
    """Return for rows changed from before to after, (m, p), whether that moves a column left out.

    A column that goes along with those it is a combination of needs no coefficient of its own.
    (m,), on the host.
    """
    xp = namespace(after)
    change = after - before
    if estimate.specification.intercept:
        change = xp.concat([0 * change[:, :1], change], axis=1)
    _, left = _places(estimate, change)
    moved = xp.take(change, left, axis=1) != 0
    return to_numpy(xp.any(moved & _away(estimate, change, IN_CHANGES), axis=1))


def _away(estimate: Estimate, A: Array, share: float) -> Array:
    """Tell where b is not a C, (m, left out), for rows (a, b) of all columns."""
    xp = namespace(A)
    kept, left = _places(estimate, A)
    C = like(estimate.combinations, A)
    a, b = xp.take(A, kept, axis=1), xp.take(A, left, axis=1)
    return xp.abs(b - a @ C) > share * (xp.abs(b) + xp.abs(a) @ xp.abs(C))


def _places(estimate: Estimate, A: Array) -> tuple[Array, Array]:
    xp = namespace(A)
    kept, left = (
        [j for j, keep in enumerate(estimate.kept) if keep is which] for which in (True, False)
    )
    return tuple(xp.asarray(one, dtype=xp.int64, device=A.device) for one in (kept, left))
