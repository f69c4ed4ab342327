"""From a point of a path to an estimate of the package: with the penalty, or without it."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

from statdl.backend.array import like, namespace, to_numpy
from statdl.backend.columns import is_sparse
from statdl.backend.rows import Rows
from statdl.errors import ModelError
from statdl.estimate.effective import effective_df
from statdl.estimate.fit import estimate, objective_of
from statdl.estimate.path import PathEstimate
from statdl.estimate.record import Estimate
from statdl.estimate.sample import Sample
from statdl.estimate.separation import separation
from statdl.estimate.specification import Specification
from statdl.formula.chosen import chosen
from statdl.lazy import lazy
from statdl.model.elastic import ElasticNet
from statdl.model.penalty import NoPenalty, Penalty
from statdl.solve.newton import LeastSquares, Newton

np = lazy("numpy")

#: η beyond this asks for a look whether the response is separated: odds of 1 to 20,000.
FAR = 10.0

AFTER_LASSO = (
    "The columns were chosen by an L1 penalty with the same data, and the coefficients are shrunk: "
    "they have no standard errors of the usual kind. For intervals see debiased() of the path."
)
AFTER_SELECTION = (
    "The columns were chosen by an L1 penalty with the same data. Errors, tests and intervals "
    "ignore that selection, and are too optimistic."
)


def chosen_specification(path: PathEstimate, B: Any) -> tuple[Specification, Any]:
    """Return the specification with the columns that are in, and their positions."""
    (places,) = np.nonzero((B != 0).any(axis=1))
    old = path.specification
    rows = _rows_of(path, places)
    X = rows.template if rows.passing else rows.X
    frame = replace(old.frame, design=chosen(old.frame.design, places.tolist()), X=X, recoder=None)
    solver = LeastSquares() if old.family.quadratic else Newton()
    return replace(old, frame=frame, rows=rows, solver=solver), places


def _rows_of(path: PathEstimate, places: Any) -> Rows:
    """Return the rows with the chosen columns, which a path of a sparse X has beside them."""
    rows: Rows = path.specification.rows
    sample: Any = path.sample
    if rows.passing:
        return rows.with_columns(places.tolist())
    if is_sparse(sample.X):
        X = like(sample.X[:, places].toarray(), sample.y)
    else:
        xp = namespace(sample.X)
        X = xp.take(sample.X, like(places, sample.X, xp.int64), axis=1)
    return Rows(X, rows.y, rows.weights, rows.offset, rows.trials)


def penalised_estimate(path: PathEstimate, strength: float, B: Any, a: Any) -> Estimate:
    """Return the estimate whose penalty is that of the path at λ, coefficients B (p, q), a (q,).

    For several classes the penalty of the classes' own coefficients is, on the coefficients against
    the reference, the linear function whose slope balances the score.
    """
    specification, places = chosen_specification(path, B)
    penalty = _penalty(path, specification, strength, B[places], a, places)
    found = _quietly(replace(specification, penalty=penalty))
    if strength > 0 and (B.shape[1] > 1 or path.penalties.groups is not None):
        found = replace(found, effective=_effective(path, strength, B, a))
    if path.penalties.alpha > 0 and strength > 0:
        notes = (*found.convergence.notes, AFTER_LASSO)
        found = replace(
            found,
            root=found.root * float("nan"),
            convergence=replace(found.convergence, notes=notes),
        )
    return found


def _effective(path: PathEstimate, strength: float, B: Any, a: Any) -> float:
    """Return the effective parameters, intercepts counted: the penalty of the fit has no bends."""
    one = replace(path, strengths=np.asarray([strength]), coefficients=B[None], intercepts=a[None])
    heads = B.shape[1] - (path.family.name == "multinomial")
    return float(effective_df(one)[0]) + path.specification.intercept * heads


def refitted_estimate(path: PathEstimate, B: Any) -> Estimate:
    """Return the maximum likelihood estimate on the columns of B that are not 0."""
    specification, _ = chosen_specification(path, B)
    n, p = specification.rows.n, specification.rows.template.shape[1]
    if p + specification.intercept > n:
        raise ModelError(
            f"{p} columns are in at this lambda, too many for {n} rows to fit without a penalty; "
            "choose a larger lambda."
        )
    found = _quietly(replace(specification, penalty=NoPenalty()))
    notes = (*found.convergence.notes, AFTER_SELECTION)
    return replace(found, convergence=replace(found.convergence, notes=notes))


def separated(path: PathEstimate) -> str:
    """Return a sentence where columns that feel no penalty separate the response; else nothing.

    They are looked at where some η is so far out that the likelihood may have no maximum.
    """
    all_free = path.strengths[-1] == 0
    free = np.full(path.shape[1], True) if all_free else path.factors == 0
    bounded = any(map(math.isfinite, path.specification.family.ends))
    if not (bounded and free.any() and isinstance(path.sample, Sample)):
        return ""
    B, a = path.coefficients[-1], path.intercepts[-1]
    if not (np.abs(to_numpy(path.sample.eta(B, a))) > FAR).any():
        return ""
    specification, _ = chosen_specification(path, B * free[:, None])
    objective = objective_of(specification, [True] * len(specification.coefficient_names))
    if separation(objective) is None:
        return ""
    return (
        f"{'At lambda = 0 columns' if all_free else 'Columns without a penalty'} separate the "
        "response: the likelihood has no finite maximum, and their coefficients are where the "
        "search stopped."
    )


def _quietly(specification: Specification) -> Estimate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)
        return estimate(specification)


def _penalty(
    path: PathEstimate, specification: Specification, strength: float, B: Any, a: Any, places: Any
) -> Penalty:
    total, settings = path.total_weight, path.penalties
    if strength == 0:
        return NoPenalty()
    first = int(specification.intercept)
    if B.shape[1] == 1 and settings.groups is None and settings.lower is settings.upper is None:
        factors = path.factors[places] * total * strength / path.unit
        scale = path.scale[places]
        slopes = settings.alpha * factors * scale * np.sign(B[:, 0])
        bends = (1 - settings.alpha) * path.ridge_factor * factors * scale**2
        pad = [0.0] * first
        return ElasticNet((*pad, *slopes), (*pad, *bends), strength, settings.alpha)
    every = np.zeros((path.shape[1], B.shape[1]))
    every[places] = B
    score = path.sample.score(path.family, every, a)[places]
    if B.shape[1] > 1:
        score = score[:, 1:]
    slopes = np.concatenate([np.zeros((first, score.shape[1])), score]).T.reshape(-1)
    return ElasticNet(tuple(slopes), (0.0,) * len(slopes), strength, settings.alpha)
