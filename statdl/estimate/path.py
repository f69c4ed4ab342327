"""A family, columns and a penalty to a regularization path: the record, and how it is made.

    min  Σ w_i ℓ(η_i, y_i) / Σ w + λ Σ_u f_u ( α ‖β_u‖ + ½ (1 − α) κ ‖β_u‖² )

The loss is a mean, as in glmnet, so that λ means the same for any number of rows; with
``standardize`` the penalty is on coefficients of columns divided by their standard deviation (that
with 1/n), and coefficients are reported in the columns' own units. κ is 1, but for the gaussian one
over the standard deviation of the response (around the offset), as in glmnet: with λ in the units
of y, both parts of the penalty then are, and a path does not depend on the units of y.

The grid of λ is glmnet's: from λ_max, the smallest λ at which everything penalised is 0, computed
from the gradient there (for α < 0.001 as if α were 0.001), down to λ_max times 1e-4, or 1e-2 where
there are fewer rows than columns, in equal steps of log λ. A path on a grid of its own choice ends
early, as glmnet's does, where the share of explained deviance exceeds 0.999 or grows by less than
1e-5 (of itself for the gaussian; for counts by 1e-4 of itself in four steps), after five values at
least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from statdl.backend.array import Array, namespace
from statdl.backend.rows import Rows
from statdl.backend.threads import FEW_ENTRIES, one_thread
from statdl.backend.triangle import Centred
from statdl.errors import DataError
from statdl.estimate.penalties import Penalties, shrinkage_of, unit_of
from statdl.estimate.sample import MeanLoss, PathSample, Sample, SummedSample
from statdl.estimate.specification import Specification
from statdl.lazy import lazy
from statdl.model.symmetric import SymmetricMultinomial
from statdl.scan.rows import ScannedRows
from statdl.solve.path import begin
from statdl.solve.screening import Problem, Solution, State, follow
from statdl.solve.shrinkage import Shrinkage

np = lazy("numpy")

#: Where a path on a grid of its own ends: the share explained, the gain of a step, values at least.
ENOUGH_EXPLAINED, SMALL_GAIN, AT_LEAST = 0.999, 1e-5, 5


@dataclass(frozen=True)
class Grid:
    """Which λ: those given, or so many from λ_max down to a share of it."""

    given: tuple[float, ...] | None = None
    count: int = 100
    ratio: float | None = None
    early_stop: bool = True
    tolerance: float = 1e-7

    def values(self, top: float, n: int, p: int) -> Any:
        """Return the values of λ, decreasing."""
        if self.given is not None:
            return np.sort(np.asarray(self.given, dtype=float))[::-1]
        ratio = self.ratio if self.ratio is not None else (1e-2 if n < p else 1e-4)
        if self.count == 1:
            return np.asarray([top])
        return top * ratio ** (np.arange(self.count) / (self.count - 1))


@dataclass(frozen=True)
class PathEstimate:
    """The solutions along a path, in the columns' own units, on the host.

    strengths (L,) λ; coefficients (L, p, q); intercepts (L, q); losses (L,) mean losses;
    violations (L,) of the conditions of an optimum, largest first in units of λ_max;
    null and saturated are the mean losses of those models; scale (p,) of the columns, and the
    factors (p,) and the ridge_factor κ of the penalty as they were used.
    """

    specification: Specification
    sample: PathSample
    family: Any
    penalties: Penalties
    grid: Grid
    strengths: Any
    coefficients: Any
    intercepts: Any
    losses: Any
    violations: Any
    null: float
    saturated: float
    scale: Any
    factors: Any
    ridge_factor: float
    steps: int
    notes: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> tuple[int, int]:
        """n and p."""
        return self.sample.shape

    @property
    def spread(self) -> Any:
        """The standard deviations of the columns, (p,)."""
        return self.sample.moments()[1]

    @property
    def unit(self) -> float:
        """What λ is divided by where the penalty is in units of ``scale``."""
        return unit_of(self.penalties, self.scale)

    @property
    def total_weight(self) -> float:
        """Σ w, by which the mean loss divides."""
        return self.sample.weight

    @property
    def df(self) -> Any:
        """How many columns have a coefficient that is not 0, (L,)."""
        return np.sum(np.any(self.coefficients != 0, axis=2), axis=1)

    @property
    def explained(self) -> Any:
        """The share of the null deviance that is explained, (L,)."""
        whole = self.null - self.saturated
        return (self.null - self.losses) / whole if whole > 0 else np.zeros(len(self.losses))

    def at(self, place: int) -> PathEstimate:
        """Return the path of one λ only."""
        part = slice(place, place + 1)
        names = ("strengths", "coefficients", "intercepts", "losses", "violations")
        return replace(self, **{name: getattr(self, name)[part] for name in names})


def sample_of(specification: Specification, X: Any = None) -> tuple[PathSample, Any]:
    """Return the rows of a specification with the family of the path's loss."""
    rows: Rows = specification.rows
    family: Any = specification.family
    if isinstance(rows, ScannedRows):
        return summed(rows, rows.centred), family
    y, xp, offset = rows.y, namespace(rows.y), rows.offset
    if family.name == "multinomial":
        y = xp.concat([1 - xp.sum(y, axis=1, keepdims=True), y], axis=1)
        family = SymmetricMultinomial(y.shape[1])
        offset = class_offset(offset, y.shape[1])
    weights = xp.ones_like(y[:, 0]) if rows.weights is None else rows.weights
    return Sample(rows.gathered().X if X is None else X, y, weights, offset), family


def class_offset(offset: Array | None, classes: int) -> Array | None:
    """Return the offset (n, K) of every class from that of all but the first, (n, 1)."""
    if offset is None:
        return None
    xp = namespace(offset)
    return xp.concat([xp.zeros_like(offset), *[offset] * (classes - 1)], axis=1)


def summed(rows: ScannedRows, sums: Centred) -> SummedSample:
    """Return what sums over rows of a scan say of them."""
    return SummedSample(sums, rows.n, rows.nobs)


def estimate_path(
    specification: Specification, penalties: Penalties, grid: Grid, X: Any = None
) -> PathEstimate:
    """Return the path of a specification; a sparse X comes beside it."""
    sample, family = sample_of(specification, X)
    return path_of_sample(specification, sample, family, penalties, grid)


def path_of_sample(
    specification: Specification, sample: PathSample, family: Any, penalties: Penalties, grid: Grid
) -> PathEstimate:
    """Return the path of some rows."""
    scaled = _scaled(specification, sample, family, penalties)
    if grid.given is None:
        _refuse_constant(sample, family)
    problem, unit = scaled.problem, unit_of(penalties, scaled.scale)
    state = begin(problem, grid.count, grid.tolerance)
    null = _null_loss(problem, state)
    saturated = scaled.loss.saturated(problem.template * 0.0)
    strengths = grid.values(state.top * unit, *sample.shape) / unit
    if grid.given is None and state.top <= 10 * state.rounding:
        strengths = strengths[:1]  # nothing that is penalised has anything to tell
    with one_thread(state.piecemeal and math.prod(sample.shape) <= FEW_ENTRIES):
        found = follow(state, strengths, grid.tolerance, _end(grid, family, null, saturated))
    coefficients, intercepts = _in_own_units(found, scaled, specification, sample, penalties)
    return PathEstimate(
        specification,
        sample,
        family,
        penalties,
        grid,
        strengths=np.asarray([one.strength for one in found]) * unit,
        coefficients=coefficients,
        intercepts=intercepts,
        losses=np.asarray([one.loss for one in found]),
        violations=np.asarray([one.violation for one in found]) / (state.top or 1.0),
        null=null,
        saturated=saturated,
        scale=scaled.scale,
        factors=problem.shrinkage.factors[:, 0],
        ridge_factor=problem.shrinkage.ridge_factor,
        steps=sum(one.steps for one in found),
        notes=scaled.notes + _coding_note(specification, penalties),
    )


def _null_loss(problem: Problem, state: State) -> float:
    """Return the mean loss with intercepts only, where a path with no free columns begins."""
    shrinkage = problem.shrinkage
    if not shrinkage.free.any():
        return state.value
    nothing = Shrinkage(shrinkage.alpha, np.full_like(shrinkage.factors, np.inf))
    return begin(replace(problem, shrinkage=nothing)).value


def _end(grid: Grid, family: Any, null: float, saturated: float) -> Callable[..., bool]:
    """Return what tells of the solutions so far that they are enough."""
    if grid.given is not None or not grid.early_stop:
        return lambda found: False
    whole, counts = max(null - saturated, 1e-300), family.name == "poisson"
    back = AT_LEAST if counts else 2

    def enough(found: Sequence[Solution]) -> bool:
        if len(found) < AT_LEAST:
            return False
        now, before = (null - found[-1].loss) / whole, (null - found[-back].loss) / whole
        small = SMALL_GAIN * (now if family.quadratic else 10 * now if counts else 1)
        return bool(now > ENOUGH_EXPLAINED or now - before < small)

    return enough


def _in_own_units(
    found: Sequence[Solution],
    scaled: Scaled,
    specification: Specification,
    sample: PathSample,
    penalties: Penalties,
) -> tuple[Any, Any]:
    """Return coefficients (L, p, q) and intercepts (L, q) of the columns as given."""
    classes = specification.family.name == "multinomial"
    coefficients = np.stack([one.coefficients for one in found])
    if classes:
        coefficients = _centred(coefficients, penalties)
    coefficients = coefficients / scaled.scale[:, None]
    intercepts = np.stack([one.intercept for one in found])
    if specification.intercept:
        means = np.einsum("lpq,p->lq", coefficients, scaled.centre)
        intercepts = sample.level + intercepts - means
        if classes:
            intercepts = intercepts - intercepts.mean(axis=1, keepdims=True)
    return coefficients, intercepts


def _coding_note(specification: Specification, penalties: Penalties) -> tuple[str, ...]:
    """Return that ‖β_g‖ of a factor is another number in another coding."""
    if penalties.groups is None:
        return ()
    design, groups = specification.frame.design, np.asarray(penalties.groups)
    for term in design.terms:
        together = len(term.columns) > 1 and len(np.unique(groups[list(term.columns)])) == 1
        if together and term.factors & set(design.levels):
            return (
                f"How much the group of {term.name} is shrunk depends on how it is coded: with "
                "another reference level, or other contrasts, the numbers differ.",
            )
    return ()


@dataclass(frozen=True)
class Scaled:
    """What is minimised: of columns (x − centre) / scale; and what is to be said of them."""

    problem: Problem
    loss: MeanLoss
    centre: Any
    scale: Any
    notes: tuple[str, ...]


def _scaled(
    specification: Specification, sample: PathSample, family: Any, penalties: Penalties
) -> Scaled:
    intercept, names = specification.intercept, specification.frame.design.names
    mean, spread = sample.moments()
    constant = spread <= 1e-13 * np.maximum(np.abs(mean), np.sqrt(mean**2 + spread**2))
    notes = _constant_note(constant, names) if intercept else ()
    centre = mean if intercept else np.zeros_like(mean)
    used = np.where(constant | (spread == 0), 1.0, spread)
    scale = used if penalties.standardize else np.full_like(mean, _unit(used, family))
    columns, loss, offset = sample.smooth(family, centre, scale, intercept)
    kappa = _inverse_spread(sample, intercept) if family.quadratic else 1.0
    kappa /= unit_of(penalties, scale)
    shrinkage = shrinkage_of(penalties, family.outputs, scale, constant & intercept, kappa)
    heads = sample.heads(intercept)
    problem = Problem(columns, loss, shrinkage, family.outputs, heads, loss.y, offset)
    return Scaled(problem, loss, centre, scale, notes)


def _unit(spread: Any, family: Any) -> float:
    """Return a power of 2 in which columns that are not standardised are of size 1.

    Intercepts and coefficients are then of one size, which iterations ask for; least squares has
    none.
    """
    return 1.0 if family.quadratic else float(2.0 ** np.round(np.mean(np.log2(spread))))


def _refuse_constant(sample: PathSample, family: Any) -> None:
    """Refuse a response that all rows have: no λ is the first at which anything helps."""
    value = sample.only_value(family.quadratic) if family.outputs == 1 else None
    if value is not None:
        raise DataError(
            f"The response is {value:g} in every row, so that there is nothing to explain and no "
            "grid of lambda."
        )


def _inverse_spread(sample: PathSample, intercept: bool) -> float:
    """Return one over the standard deviation of the response."""
    spread = sample.spread(intercept)
    return spread**-0.5 if spread > 0 else 1.0


def _constant_note(constant: Any, names: Sequence[str]) -> tuple[str, ...]:
    if not constant.any():
        return ()
    named = [names[int(j)] for j in np.flatnonzero(constant)]
    shown = ", ".join(named[:5]) + (", …" if len(named) > 5 else "")
    return (f"Constant columns stay at 0: {shown}.",)


def _centred(coefficients: Any, penalties: Penalties) -> Any:
    """Return coefficients (L, p, K) of classes with the one shift that the penalty leaves open.

    With α = 1 the sum of |β_k − t| over classes is least at the median t, and where that is an
    interval its middle is taken, as glmnet does. With α < 1 the minimum is unique. Those of a
    column without a penalty sum to 0.
    """
    if penalties.lower is not None or penalties.upper is not None:
        return coefficients
    free = np.zeros(coefficients.shape[1], dtype=bool)
    if penalties.factors is not None:
        free = np.asarray(penalties.factors) == 0
    middle = np.where(free[:, None], coefficients.mean(axis=2, keepdims=True), 0.0)
    if penalties.alpha == 1 and not penalties.grouped and penalties.groups is None:
        median = np.median(coefficients, axis=2, keepdims=True)
        middle = np.where(free[:, None], middle, median)
    return coefficients - middle


def scaled_problem(path: PathEstimate) -> Scaled:
    """Return what a path minimises."""
    return _scaled(path.specification, path.sample, path.family, path.penalties)


def starting_point(path: PathEstimate) -> State:
    """Return the search of a path before its first λ."""
    return begin(scaled_problem(path).problem)
