"""Where a fit starts, and with which curvature.

A convex likelihood has one maximum, so the start decides only how many passes over the data are
needed. Where rows abound a fit to every k-th row costs next to nothing and lands within a few
hundredths of the estimate; its curvature then aims the first steps on all rows. It also certifies
the rank: columns that are independent in some rows are independent in all. And it is a witness of
separation: what separates all rows separates these, so that η runs away in them too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from statdl.backend.array import Array, host_zeros, like, namespace, overflow_allowed, to_numpy
from statdl.backend.linalg import Factor, factorise
from statdl.backend.rows import Rows
from statdl.errors import NotPositiveDefiniteError
from statdl.estimate.rank import well_conditioned
from statdl.model.exponential import Gaussian
from statdl.model.objective import Objective
from statdl.solve.iterate import Outcome, minimise
from statdl.solve.lbfgs import LBFGS

#: Rows a column gets in the fit to a part of the data, and the fewest such rows.
ROWS_A_COLUMN = 40
FEWEST_ROWS = 4000
#: At least one row in so many: a larger part aims better, and is still cheap.
LARGEST_STRIDE = 25
#: How many times more rows there must be for such a fit to be worth it.
WORTH = 3
#: Distance, in standard errors of the part, that its fit may stop at: the rest is sampling noise.
PART_TOLERANCE = 0.01
#: A linear predictor beyond this is a fitted probability of 1 in three million: suspicious.
EXTREME_ETA = 15.0


@dataclass(frozen=True)
class Start:
    """Starting values, a curvature factor for the first steps (None: too ill-conditioned).

    ``part`` is the objective on a part of the rows that has shown full rank, if there is one.
    """

    parameters: Array
    factor: Factor | None
    curvature: Array | None = None
    part: Objective | None = None

    @property
    def certified(self) -> bool:
        """Whether the columns are known to be independent."""
        return self.part is not None


def begin(objective: Objective) -> Start:
    """Return the best start that is cheap."""
    columns = objective.size // objective.predictor.outputs
    rows = max(FEWEST_ROWS, ROWS_A_COLUMN * columns, objective.n // LARGEST_STRIDE)
    with overflow_allowed():  # a start that is not finite is passed over
        if objective.n >= WORTH * rows and not objective.family.quadratic:
            stride = 1 if objective.rows.passing else objective.n // rows  # of a scan: its sample
            start = _from_part(objective, stride)
            if start is not None:
                return start
        return _from_null(objective)


def _from_null(objective: Objective) -> Start:
    parameters = null_parameters(objective)
    curvature = _null_curvature(objective, parameters)
    return Start(parameters, factor_or_none(curvature), curvature)


def _null_curvature(objective: Objective, parameters: Array) -> Array:
    """Return the curvature at the null parameters.

    There every row has the same η, hence the same H, and Σ w_i H ⊗ x_i x_iᵀ = H ⊗ XᵀWX: one Gram
    matrix serves all pairs of outputs.
    """
    rows, q = objective.rows, objective.predictor.outputs
    if q == 1 or rows.passing or rows.has_offset or objective.penalised is not None:
        return objective.curvature(parameters, expected=True)
    eta = objective.eta(like(parameters, rows.template), rows[:1])
    H = to_numpy(objective.family.information(eta).dense()[0, :, :])
    one = replace(objective, family=Gaussian(), predictor=objective.predictor.single())
    gram = one.curvature(parameters[: one.size])
    m = gram.shape[0]
    return namespace(gram).reshape(H[:, None, :, None] * gram[None, :, None, :], (q * m, q * m))


def _from_part(objective: Objective, stride: int) -> Start | None:
    """Fit every ``stride``-th row; None where that shows any difficulty."""
    part = replace(objective, rows=objective.rows.thinned(stride))
    if not part.total_weight() > 0:
        return None
    start = _from_null(part)
    if not well_conditioned(start.factor):
        return None
    solver = LBFGS(first_factor=start.factor, max_iterations=50, tolerance=PART_TOLERANCE)
    minimum = minimise(part, solver, start.parameters)
    if minimum.outcome is not Outcome.CONVERGED or extreme_eta(part, minimum.parameters) > 30:
        return None
    factor = factor_or_none(part.curvature(minimum.parameters, expected=True))
    if not well_conditioned(factor):
        return None
    share = part.total_weight() / objective.total_weight()
    scaled = factor.scaled(1 / share) if factor is not None else None
    return Start(minimum.parameters, scaled, part=part)


def extreme_eta(objective: Objective, parameters: Array) -> float:
    """Return how far η goes towards the ends of the mean that lie at infinity."""
    theta = like(parameters, objective.rows.template)

    def ends(rows: Rows) -> tuple[float, float]:
        eta = objective.eta(theta, rows)
        xp = namespace(eta)
        return float(xp.min(eta)), float(xp.max(eta))

    lowest, highest = objective.rows.reduce(ends, objective.predictor.width, _wider)
    lower, upper = objective.family.ends
    down = -lowest if math.isfinite(lower) else 0.0
    return max(down, highest if math.isfinite(upper) else 0.0)


def _wider(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return min(one[0], other[0]), max(one[1], other[1])


def factor_or_none(curvature: Array) -> Factor | None:
    """Return the Cholesky factor where there is one."""
    try:
        return factorise(curvature)
    except NotPositiveDefiniteError:
        return None


def null_parameters(objective: Objective) -> Array:
    """Return θ of the model with an intercept only, or of a least-squares fit to link(y).

    It is on the host, where solvers do their arithmetic of few numbers. The second is for links
    whose η must not be 0, in models without an intercept.
    """
    rows = objective.rows
    parameters = host_zeros(objective.size, rows.template)
    if objective.intercept:
        each = objective.size // objective.predictor.outputs
        parameters[::each] = objective.family.start(rows.mean_response(), None)
        parameters = _past_offset(objective, parameters, each)
    if objective.intercept and not rows.has_offset:
        return parameters
    if objective.family.quadratic or math.isfinite(objective.value(parameters)):
        return parameters
    return _working_start(objective)


def _past_offset(objective: Objective, parameters: Array, each: int) -> Array:
    """Take the offset's mean off the intercepts where the likelihood is higher there."""
    rows = objective.rows
    if rows.passing or rows.offset is None:
        return parameters
    xp, offset = namespace(rows.offset), rows.offset
    weights = xp.ones_like(offset) if rows.weights is None else rows.weights[:, None]
    centre = to_numpy(xp.sum(weights * offset, axis=0) / xp.sum(weights))
    moved = namespace(parameters).asarray(parameters, copy=True)
    moved[::each] -= like(centre, moved)
    before, after = objective.value(parameters), objective.value(moved)
    better = math.isfinite(after) and not before <= after
    return moved if better else parameters


def _working_start(objective: Objective) -> Array:
    """Regress link((y + ȳ)/2) − offset on X by least squares (the usual first IRLS step)."""
    mean, link = objective.rows.mean_response(), objective.family.link

    def working(rows: Rows) -> Array:
        found = link.link((rows.y + like(mean, rows.y)) / 2)
        return found if rows.offset is None else found - rows.offset

    return objective.least_squares(working)
