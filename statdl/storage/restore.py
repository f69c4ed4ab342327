"""From the document of a file to a fit, each part held against the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from statdl.backend.rows import NoRows
from statdl.errors import DataError
from statdl.estimate import (
    Estimate,
    Identification,
    Plan,
    Specification,
    as_regression,
    objective_of,
)
from statdl.formula import Design, ModelFrame, Response
from statdl.infer.effects import Effects
from statdl.model.categorical import Multinomial
from statdl.storage.document import Document, Findings, Fitted

FINDINGS = tuple(field.name for field in fields(Findings))


def restore(document: Document) -> Estimate:
    """Return the estimate that a document describes.

    Raises
    ------
    DataError
        Where parts do not fit together.
    FormulaError
        Where the formula holds what formulas may not.
    """
    specification = _specification(document)
    null = None
    if document.null is not None:
        null = _estimate(_without_columns(specification), document.null, None)
    return _estimate(specification, document.fitted, null)


def _specification(document: Document) -> Specification:
    design, family, plan = document.design, document.family, document.plan
    _check_design(design)
    if isinstance(family, Multinomial) and family.categories != len(document.levels):
        raise _disagreement("classes")
    if plan is not None:
        _check_plan(plan, design, family.outputs)
    template = np.zeros((0, len(design.names)), dtype=document.precision)
    answer = document.response
    frame = ModelFrame(
        design=design,
        X=template,
        response=Response(answer.name, answer.kind, template[:, :0], answer.levels),
        weights=template[:, :0] if document.weighted else None,
        dropped=document.dropped,
    )
    return Specification(
        frame=frame,
        family=family,
        rows=NoRows(template),
        solver=document.solver,
        penalty=document.penalty,
        levels=document.levels,
        plan=plan,
    )


def _without_columns(specification: Specification) -> Specification:
    """Return the specification of the model with an intercept only."""
    design = replace(specification.frame.design, names=(), terms=())
    return replace(
        as_regression(specification),
        frame=replace(specification.frame, design=design),
        rows=specification.rows.with_columns(()),
    )


def _estimate(specification: Specification, fitted: Fitted, null: Estimate | None) -> Estimate:
    plan = specification.plan
    known = len(specification.frame.design.coefficient_names) if plan is None else plan.network.size
    _check_shape(fitted.kept, (known,), "coefficients", "b")
    kept = tuple(fitted.kept.tolist())
    size = sum(kept) * specification.tables
    if fitted.totals.nobs < 1 or not fitted.totals.weight > 0:
        raise _disagreement("numbers of rows")
    _check_shape(fitted.parameters, (size,), "parameters")
    _check_shape(fitted.root, (size, None), "covariance")
    if fitted.reported is not None:
        _check_shape(fitted.reported.root, (size, None), "covariance")
    unexamined = fitted.identification is Identification.UNEXAMINED
    _check_shape(fitted.information, (0,) if unexamined else (size, size), "information")
    _check_shape(fitted.totals.means, (len(specification.frame.design.names),), "means")
    _check_effects(fitted.findings.effects, specification)
    if fitted.findings.combinations is not None:
        _check_shape(
            fitted.findings.combinations, (sum(kept), known - sum(kept)), "combinations of columns"
        )
    findings = {name: getattr(fitted.findings, name) for name in FINDINGS}
    findings["reported"] = fitted.reported
    return Estimate(
        specification=specification,
        objective=objective_of(specification, kept),
        kept=kept,
        parameters=fitted.parameters,
        information=fitted.information,
        root=fitted.root,
        effective=fitted.effective,
        loss=fitted.loss,
        convergence=fitted.convergence,
        trace=fitted.trace,
        identification=fitted.identification,
        spread=fitted.spread,
        history=fitted.history,
        reported=fitted.reported,
        distance=fitted.distance,
        remembered=replace(fitted.totals, findings=findings),
        null=null,
    )


def _check_design(design: Design) -> None:
    p = len(design.names)
    owned = [column for term in design.terms for column in term.columns]
    if not set(owned) <= set(range(p)):
        raise _disagreement("terms")
    design.recipe.check(design)


def _check_plan(plan: Plan, design: Design, outputs: int) -> None:
    network, p = plan.network, len(design.names)
    if (network.inputs, network.outputs, network.intercept) != (p, outputs, design.intercept):
        raise _disagreement("layers")
    _check_shape(plan.decay, (network.size,), "decay")
    if plan.fixed is not None:
        _check_shape(plan.fixed, (network.size,), "fixed weights")
    if (plan.centre is None) != (plan.spread is None):
        raise _disagreement("scaling")
    for values in (plan.centre, plan.spread):
        if values is not None:
            _check_shape(values, (p,), "scaling")
    for values, maps in _statistics(plan):
        if values is not None:
            _check_shape(values, (1, maps), "running statistics")


def _statistics(plan: Plan) -> Iterator[tuple[Any, int]]:
    known, hidden = plan.network.statistics, plan.network.hidden
    if known is None:
        return
    if not len(known.means) == len(known.variances) == len(hidden):
        raise _disagreement("running statistics")
    for layer, mean, variance in zip(hidden, known.means, known.variances, strict=True):
        yield mean, layer.maps
        yield variance, layer.maps


def _check_effects(effects: Effects | None, specification: Specification) -> None:
    if effects is None:
        return
    names = specification.frame.design.names
    if effects.names != names or len(effects.discrete) != len(names):
        raise _disagreement("effects")
    shape = (len(names), max(1, len(effects.labels)))
    for values in (effects.inference.estimate, effects.inference.standard_error):
        _check_shape(values, shape, "effects")


def _check_shape(values: Any, shape: tuple[int | None, ...], what: str, kind: str = "f") -> None:
    """Raise unless ``values`` are of a shape and of a kind; None stands for any length."""
    good = isinstance(values, np.ndarray) and values.dtype.kind == kind
    good = good and len(values.shape) == len(shape)
    if not good or any(
        want not in (None, have) for have, want in zip(values.shape, shape, strict=True)
    ):
        raise _disagreement(what)


def _disagreement(what: str) -> DataError:
    return DataError(f"its {what} do not fit the rest of it.")
