"""Where the output layer of a network starts, and in which units its response is fitted.

Hidden layers start at random. The output's bias starts at η₀ of the model with an intercept only,
and the weights drawn for the output are multiplied by the spread of η that the response suggests,

    s = √(Σ w r² / Σ w),    r = (y − μ₀) dη/dμ,

the working response about η₀. For normal errors s is the standard deviation of y. Where η is a
logarithm or log-odds, whose unit does not depend on that of y, s is 1 at most. Where η may leave
the domain of the mean, the start is drawn in towards η₀ until every row is inside.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from statdl.backend.array import Array, epsilon, namespace, overflow_allowed, to_numpy
from statdl.backend.rows import Rows
from statdl.estimate.specification import Plan, Practice, Specification
from statdl.estimate.start import null_parameters
from statdl.model.family import Family, total
from statdl.model.frozen import Frozen
from statdl.model.link import Log
from statdl.model.objective import Objective
from statdl.model.one_pass import OnePass
from statdl.model.predictor import Linear
from statdl.model.response_scale import ResponseScale
from statdl.solve.iterate import minimise
from statdl.solve.newton import Newton

#: How often a start outside of the domain is drawn in by half before it is left there.
MOST_HALVINGS = 60


def null_eta(specification: Specification) -> Any:
    """Return η of the model with an intercept only and the offset, less the offset, (q,)."""
    family, rows = specification.family, specification.rows
    if not rows.has_offset:
        return to_numpy(family.start(rows.mean_response(), None))
    if family.quadratic:
        rest = rows.with_response(lambda part: part.y - part.offset)
        return to_numpy(family.start(rest.mean_response(), None))
    objective = Objective(family, Linear(0, family.outputs, True), rows.with_columns(()))
    if rows.passing:
        objective = OnePass.of(objective, expected=True)
    with overflow_allowed():
        found = minimise(objective, Newton(expected=True), null_parameters(objective))
    return to_numpy(found.parameters)


def eta_spread(specification: Specification, null: Any) -> float:
    """Return how far η is to vary at the start, by the working response about ``null``."""
    family, rows = specification.family, specification.rows
    if family.has_classes:
        return 1.0

    def squares(part: Rows) -> tuple[Array]:
        residual = _working_residual(family, part, null)
        return (total(residual * residual, part.weights)[0],)

    mean_square = float(rows.reduce(squares, 8)[0]) / max(rows.weight, 1e-300)
    rounding = 16 * epsilon(rows.template) * (1 + abs(float(null[0])))
    spread = math.sqrt(mean_square) if 0 <= mean_square < math.inf else 1.0
    if spread <= rounding:  # a constant response
        return 1.0
    return min(spread, 1.0) if isinstance(family.link, Log) else spread


def _working_residual(family: Family, rows: Rows, null: Any) -> Array:
    """Return (y − μ) dη/dμ about the null model, (n, 1): score over information."""
    xp = namespace(rows.y)
    eta = xp.zeros_like(rows.y) + float(null[0])
    if rows.offset is not None:
        eta = eta + rows.offset
    with overflow_allowed():
        _, score = family.loss_and_score(eta, rows.y)
        residual = score / family.information(eta).diagonal
    return xp.where(xp.isfinite(residual), residual, xp.zeros_like(residual))


def starting_output(
    specification: Specification,
    objective: Objective,
    draws: list[Any],
    scale: ResponseScale | None = None,
) -> None:
    """Put the output layers of random draws, (P,) on the host, about the null model, in place.

    ``objective`` is that of all parameters, none of them held; ``scale`` knows where the null model
    is, if there is one.
    """
    plan = specification.plan
    assert plan is not None
    if scale is not None:
        null, spread = [scale.centre] if plan.network.intercept else None, scale.spread
    else:
        null = null_eta(specification) if plan.network.intercept else None
        spread = eta_spread(specification, _origin(specification, null))
    for parameters in draws:
        table = plan.network.output.table(parameters)
        table *= spread
        if null is not None:
            table[:, 0] += null
        if _has_edges(specification.family):
            _draw_in(objective, parameters, table, null)


def _origin(specification: Specification, null: Any) -> Any:
    """Return η₀, about which a network without biases varies as well, but for normal errors."""
    if null is not None:
        return null
    if specification.family.quadratic:
        return [0.0]
    return null_eta(specification)


def _has_edges(family: Family) -> bool:
    """Tell whether some η is none of a mean: where neither a logarithm nor classes stretch it."""
    return not (family.quadratic or family.has_classes or isinstance(family.link, Log))


def _draw_in(objective: Objective, parameters: Any, table: Any, null: Any) -> None:
    """Halve the output's way from η₀ until no row is outside of the domain, and once more."""
    for _ in range(MOST_HALVINGS):
        with overflow_allowed():
            inside = math.isfinite(objective.value(parameters))
        table /= 2
        if null is not None:
            table[:, 0] += null / 2
        if inside:
            return


def response_scale(specification: Specification) -> ResponseScale | None:
    """Return the units that a network is fitted in; None for those of the response itself.

    Only least squares is the same problem in other units, and ``scaling="none"`` asks for none.
    """
    plan = specification.plan
    assert plan is not None
    if plan.centre is None or not specification.family.quadratic:
        return None
    null = null_eta(specification) if plan.network.intercept else [0.0]
    centre, spread = float(null[0]), eta_spread(specification, null)
    if not (math.isfinite(centre) and math.isfinite(spread)):
        return None
    return ResponseScale.of(plan.network, centre, spread)


def of_free(plan: Plan, scale: ResponseScale) -> ResponseScale:
    """Return the scale of the parameters that are not held at a value."""
    return scale if plan.fixed is None else scale.at(Frozen.of(plan.network, plan.fixed).free)


def within(specification: Specification, scale: ResponseScale) -> Specification:
    """Return the specification of the same fit in the units of ``scale``."""
    plan = specification.plan
    assert plan is not None
    return replace(
        specification,
        rows=scale.rows(specification.rows),
        plan=_plan_within(plan, scale),
        practice=_practice_within(specification.practice, scale),
    )


def _plan_within(plan: Plan, scale: ResponseScale) -> Plan:
    fixed = None if plan.fixed is None else scale.inside(plan.fixed)
    return replace(plan, decay=scale.squares * plan.decay, fixed=fixed)


def _practice_within(practice: Practice, scale: ResponseScale) -> Practice:
    held_out = None if practice.held_out is None else scale.rows(practice.held_out)
    lasso = None if practice.lasso is None else scale.lengths * practice.lasso
    return replace(practice, held_out=held_out, lasso=lasso)
