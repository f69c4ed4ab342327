"""What a path penalises, as it is asked for, and as searches work with it.

    λ Σ_u f_u ( α ‖b_u‖ + ½ (1 − α) κ ‖b_u‖² )

Searches work with columns divided by a scale, so that factors, groups and limits are translated
into those of the coefficients b = scale · β.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statdl.errors import DataError
from statdl.lazy import lazy
from statdl.solve.shrinkage import Shrinkage

np = lazy("numpy")


@dataclass(frozen=True)
class Penalties:
    """What is penalised, and how, on p columns; arrays are (p,) and on the host.

    factors  how much of λ each column feels, 0 for none and ∞ for all; scaled to sum to p
    groups   label of the group of each column, None where each is its own
    grouped  whether the coefficients of a column enter for all classes together
    """

    alpha: float = 1.0
    standardize: bool = True
    factors: Any = None
    lower: Any = None
    upper: Any = None
    groups: Any = None
    grouped: bool = False


def unit_of(penalties: Penalties, scale: Any) -> float:
    """Return what λ is divided by where columns are minimised over in a unit of their own.

    λ (α |b| + ½ (1 − α) κ b²) is (λ/u) (α |b'| + ½ (1 − α) (κ/u) b'²) of b' = u b.
    """
    return 1.0 if penalties.standardize else float(scale[0])


def shrinkage_of(
    penalties: Penalties, q: int, scale: Any, constant: Any, ridge_factor: float
) -> Shrinkage:
    """Return the penalty of coefficients (p, q) of columns that are divided by ``scale``, (p,).

    ``constant`` columns, (p,) of bool, are kept at 0.

    Raises
    ------
    DataError
        Where nothing is left to penalise.
    """
    groups = _labels(penalties)
    factors = np.where(constant, np.inf, _factors(penalties, len(scale)))
    factors = factors if groups is None else _of_groups(factors, groups)
    lower, upper = _limits(penalties, q, scale)
    return Shrinkage(
        penalties.alpha,
        np.repeat(factors[:, None], q, axis=1),
        _units(penalties, groups, len(scale), q),
        lower,
        upper,
        ridge_factor,
    )


def _factors(penalties: Penalties, p: int) -> Any:
    """Return the factors of the columns, (p,), of which the finite ones have a mean of 1."""
    factors = np.ones(p) if penalties.factors is None else np.asarray(penalties.factors, float)
    finite = np.isfinite(factors)
    total = float(factors[finite].sum())
    if total <= 0:
        raise DataError(
            "Every penalty factor is 0 (or infinite), so that there is nothing to penalise; fit "
            "the model with lm(), glm() or multinom()."
        )
    return np.where(finite, factors * finite.sum() / total, np.inf)


def _labels(penalties: Penalties) -> Any:
    """Return the number of each column's group, (p,); None where each is its own."""
    if penalties.groups is None:
        return None
    return np.unique(np.asarray(penalties.groups), return_inverse=True)[1]


def _of_groups(factors: Any, groups: Any) -> Any:
    """Return √size times the mean factor of each column's group; ∞ where it is of the column."""
    size = np.bincount(groups)
    finite = np.isfinite(factors)
    mean = np.bincount(groups, weights=np.where(finite, factors, 0.0)) / size
    return np.where(finite, (mean * np.sqrt(size))[groups], np.inf)


def _units(penalties: Penalties, groups: Any, p: int, q: int) -> Any:
    """Return which coefficients enter together, (p, q); None where every one enters alone."""
    if penalties.grouped and q > 1:
        return np.repeat((np.arange(p) if groups is None else groups)[:, None], q, axis=1)
    return None if groups is None else groups[:, None] * q + np.arange(q)


def _limits(penalties: Penalties, q: int, scale: Any) -> tuple[Any, Any]:
    """Return the limits of coefficients of scaled columns, (p, q) each, or None without any."""
    if penalties.lower is None and penalties.upper is None:
        return None, None
    low = -np.inf if penalties.lower is None else penalties.lower
    high = np.inf if penalties.upper is None else penalties.upper
    lower, upper = (
        np.repeat((np.broadcast_to(one, scale.shape) * scale)[:, None], q, axis=1)
        for one in (low, high)
    )
    return lower, upper
