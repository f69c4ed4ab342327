"""Numbers behind the pictures of one column, and of one term, among the others.

Added variable (Mosteller & Tukey 1977; Wang 1985 for generalised linear models). From the model
without column j, with working weights W there,

    x* = (I − H) √W x_j,   y* = √W (z − η) = Pearson's residuals,

H being the projection on √W times the other columns. The slope of y* on x* through 0 is what one
step of scoring from β_j = 0 gives; in linear regression that is β̂_j, with the residuals of the fit.

Component plus residual (Ezekiel 1924; Larsen & McCleary 1972): the working residuals with what the
term adds to η, centred, against the variable that it is made of.

References
----------
Wang (1985), Adding a variable in generalized linear models, Technometrics 27. Larsen & McCleary
(1972), The use of partial residual plots in regression analysis, Technometrics 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.linalg import design_matrix
from statdl.errors import ModelError
from statdl.estimate import Estimate, refit
from statdl.formula.design import Design
from statdl.formula.settable import term_variables, variables
from statdl.formula.suggest import listing, nearest
from statdl.infer import residual
from statdl.infer.auxiliary import regression
from statdl.infer.population import population
from statdl.infer.terms import term_contributions


@dataclass(frozen=True)
class AddedVariable:
    """x* and y* of the rows that count, (n,) on the host, their places, and the slope."""

    name: str
    x: Any
    y: Any
    places: Any
    slope: float


def added_variable(estimate: Estimate, name: str) -> AddedVariable:
    """Return a column and the response, each without what the other columns say of it.

    Raises
    ------
    ModelError
        For networks, several classes and penalised fits; for what is no column of the model.
    """
    _check(estimate, "An added-variable picture")
    if estimate.specification.penalty.active:
        raise ModelError(
            "An added-variable picture is of a fit by maximum likelihood: without its penalty "
            "another fit would remain."
        )
    column = _column(estimate, name)
    design = estimate.frame.design
    first = int(design.intercept)
    kept = [j for j in range(len(design.names)) if estimate.kept[j + first]]
    others = [j for j in kept if j != column]
    without = refit(estimate, others)
    rows = without.objective.rows.gathered()
    weight = without.family.information(without.eta).diagonal[:, 0]
    weight = weight if rows.weights is None else weight * rows.weights
    xp = namespace(weight)
    root = xp.sqrt(weight)
    x = root * like(estimate.specification.rows.X[:, column], root)
    A = design_matrix(rows.X, without.objective.intercept)
    if A.shape[1]:
        x = regression(A * root[:, None], x).residuals
    y = residual.residuals(without, "pearson")[:, 0]
    counts = np.flatnonzero(to_numpy(root) > 0)
    x, y = to_numpy(x)[counts], to_numpy(y)[counts]
    return AddedVariable(name, x, y, counts, float(x @ y / (x @ x)))


@dataclass(frozen=True)
class ComponentResidual:
    """Of each row the variable behind a term, what the term adds, and that plus the residual.

    ``levels`` are those of a factor, whose ``x`` are places among them; () for a number.
    """

    term: str
    variable: str
    levels: tuple[Any, ...]
    x: Any
    component: Any
    y: Any
    places: Any


def component_residual(estimate: Estimate, variable: str) -> ComponentResidual:
    """Return the partial residuals of the term that a variable is in.

    ``variable`` names a variable of the data, or a term such as ``log(wt)`` or ``poly(wt, 2)``;
    where the term is one column, that is what it is drawn against.

    Raises
    ------
    ModelError
        For networks and several classes; for variables that are in no term or in several, and
        terms of several variables, which have no picture of one.
    """
    _check(estimate, "A component-plus-residual picture")
    k = _term(estimate, variable)
    design = estimate.frame.design
    term = design.terms[k]
    X = estimate.specification.rows.X
    component = term_contributions(estimate, X, se_fit=False).fit[:, k]
    working = residual.residuals(estimate, "working")[:, 0]
    weights = estimate.objective.rows.weights
    counts = np.arange(X.shape[0])
    if weights is not None:
        counts = np.flatnonzero(to_numpy(weights) > 0)
    levels, shown, x = _behind(estimate, k, X)
    return ComponentResidual(
        term.name,
        shown,
        levels,
        np.asarray(x)[counts],
        to_numpy(component)[counts],
        to_numpy(component + working)[counts],
        counts,
    )


def _check(estimate: Estimate, what: str) -> None:
    if estimate.specification.plan is not None:
        raise ModelError(f"{what} is of a linear predictor; see plot_effect() for a network.")
    if estimate.multinomial:
        raise ModelError(f"{what} is of one linear predictor; see plot_effect() for classes.")


def _column(estimate: Estimate, name: str) -> int:
    """Return the place of an estimated column of X."""
    design = estimate.frame.design
    if name in design.names:
        column = design.names.index(name)
        if estimate.kept[column + int(design.intercept)]:
            return column
        raise ModelError(f"{name!r} is a combination of the columns before it, and not estimated.")
    of_term = [one for term in design.terms if term.name == name for one in term.columns]
    if of_term:
        columns = listing([repr(design.names[j]) for j in of_term])
        raise ModelError(f"{name!r} has {len(of_term)} columns; ask for one of them: {columns}.")
    raise ModelError(
        f"{name!r} is no column of the model.{nearest(str(name), design.names)} "
        f"Its columns are: {listing(design.names) or 'none'}."
    )


def _term(estimate: Estimate, name: str) -> int:
    """Return the place of the one term that a variable is in, or that is called so."""
    design = estimate.frame.design
    made_of = term_variables(design)
    found = [k for k, term in enumerate(design.terms) if term.name == name]
    found = found or [k for k, read in enumerate(made_of) if name in read]
    if not found:
        known = [*variables(design), *(term.name for term in design.terms)]
        raise ModelError(
            f"{name!r} is no variable and no term of the model.{nearest(str(name), known)} "
            f"Its terms are: {listing([term.name for term in design.terms]) or 'none'}."
        )
    _refuse_several(design, name, found)
    _refuse_interactions(design, name, found[0])
    return found[0]


def _refuse_several(design: Design, name: str, found: Sequence[int]) -> None:
    """Raise where a variable is in several terms, none of which is all that it does."""
    if len(found) == 1:
        return
    terms = listing([repr(design.terms[k].name) for k in found])
    together = any(len(term_variables(design)[k]) > 1 for k in found)
    raise ModelError(
        f"{name!r} is in several terms ({terms}), whose components are no picture of it; "
        + ("see plot_effect()." if together else "name one of them.")
    )


def _refuse_interactions(design: Design, name: str, k: int) -> None:
    """Raise where a term is of several variables, or its variable in another such term."""
    made_of = term_variables(design)
    if len(made_of[k]) > 1:
        raise ModelError(
            f"The term {design.terms[k].name!r} is made of several variables; its component "
            "is no picture of one. See plot_effect()."
        )
    shares = [j for j, read in enumerate(made_of) if read & made_of[k] and len(read) > 1]
    if shares:
        raise ModelError(
            f"{name!r} is in the interaction {design.terms[shares[0]].name!r} as well, so that its "
            "own component is only a part of what it does; see plot_effect()."
        )


def _behind(estimate: Estimate, k: int, X: Array) -> tuple[tuple[Any, ...], str, Any]:
    """Return the levels of a factor or (), the name of what a term is made of, and its values."""
    design = estimate.frame.design
    term = design.terms[k]
    (name,) = term_variables(design)[k]
    single = len(term.columns) == 1
    if term.name in design.levels or any(one in design.levels for one in term.factors):
        own = population(estimate)
        levels = tuple(next(design.levels[one] for one in term.factors if one in design.levels))
        place = {str(level): j for j, level in enumerate(levels)}
        return levels, name, np.asarray([place[str(value)] for value in own.column(name)])
    if single:
        return (), term.name, to_numpy(X[:, term.columns[0]])
    return (), name, np.asarray(population(estimate).column(name), dtype=float)
