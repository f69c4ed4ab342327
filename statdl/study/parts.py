"""Fits of a model to parts of its rows, all at once: what cross-validation learns from.

A fit to some rows may differ from the model's in more than its rows: transforms learn from them,
and so do levels. Where nothing is learned, a part is a vector of weights, 0 for the rows that are
not in it, and one batch of :mod:`statdl.study.many` has all parts. That is so for regressions whose
formula learns nothing, or (without a penalty) what only turns the columns' space, as ``poly`` does.
A part of which that is not known, and a fit of the batch that fails, is left to a fit by itself,
which says in words what is wrong; so are all parts of more rows than a fit by itself is slow with.
Networks standardise by their own rows and share no columns: :mod:`statdl.study.networks` has those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import is_numpy, like, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.estimate import Estimate
from statdl.formula import learned
from statdl.model.penalty import NoPenalty, Ridge
from statdl.study.bootstrap import own_weights
from statdl.study.many import fit_views
from statdl.study.repeatable import plain_linear
from statdl.study.room import SMALL
from statdl.study.views import Views


@dataclass(frozen=True)
class Parts:
    """Weights of rows that are in a part of them, 0 for the others.

    Examples
    --------
    >>> block = next(Parts(np.ones(3), [np.array([0, 2]), np.array([1])]).blocks(2))
    >>> block.weights.tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """

    own: Any
    places: Sequence[Any]

    @property
    def count(self) -> int:
        """The number of parts."""
        return len(self.places)

    @property
    def width(self) -> int:
        """n."""
        return len(self.own)

    def blocks(self, size: int) -> Iterator[Views]:
        for first in range(0, self.count, size):
            some = self.places[first : first + size]
            weights = np.zeros((len(some), self.width))
            for row, places in zip(weights, some, strict=True):
                row[places] = self.own[places]
            yield Views(weights=weights)


def fits_to_parts(estimate: Estimate, parts: Sequence[Any]) -> list[Any]:
    """Return the coefficients of fits to parts of a model's rows, (P,); None where not known.

    ``parts`` are places among the rows of the model. The fits are what the model's front door would
    have found with these rows alone.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> fits_to_parts(fit.estimate, [np.arange(16), np.arange(16, 32)])[0].round(3).tolist()
    [34.221, -4.499]
    """
    if not shares_columns(estimate):
        return [None] * len(parts)
    known = [_codes(estimate, term) for term in _coded_terms(estimate)]
    sound = [k for k, places in enumerate(parts) if _enough(estimate, places, known)]
    found: list[Any] = [None] * len(parts)
    if sound:
        many = fit_views(estimate, Parts(own_weights(estimate), [parts[k] for k in sound]))
        for k, theta, there in zip(sound, many.parameters, many.converged, strict=True):
            found[k] = theta if there else None
    return found


def shares_columns(estimate: Estimate) -> bool:
    """Tell whether fits to parts of the rows have the same columns, are minima, and are small."""
    specification, objective = estimate.specification, estimate.objective
    if estimate.remembered is not None or not isinstance(objective.rows, Rows):
        return False
    if specification.plan is not None or not plain_linear(objective):
        return False
    if specification.solver.averages or objective.n != specification.frame.n:
        return False
    if not isinstance(objective.penalty, NoPenalty | Ridge):
        return False
    X = objective.rows.X
    if is_numpy(X) and X.size > SMALL:
        return False
    free = objective.penalised is None
    return not learned(specification.frame.design, but_space=free)


def _coded_terms(estimate: Estimate) -> list[Any]:
    """Return terms that show all levels of the factors whose coding a penalty would feel."""
    design = estimate.frame.design
    if estimate.objective.penalised is None:
        return []
    coded = [term for term in design.terms if term.factors & set(design.levels)]
    main = [term for term in coded if len(term.factors) == 1]
    shown = {name for term in main for name in term.factors}
    return main if set(design.levels) <= shown else coded


def _codes(estimate: Estimate, term: Any) -> Any:
    """Return the number of each row's pattern in the columns of a term, (n,)."""
    columns = to_numpy(estimate.frame.X)[:, list(term.columns)]
    return np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)


def _enough(estimate: Estimate, places: Any, codes: Sequence[Any]) -> bool:
    """Tell whether rows are more than the parameters, and have every level of the factors."""
    if len(places) <= estimate.objective.size:
        return False
    return all(len(np.unique(one[places])) == one.max() + 1 for one in codes)


def with_penalty(estimate: Estimate, strength: float) -> Estimate:
    """Return the estimate's model with another ridge penalty: what it is, not a fit of it."""
    objective = estimate.objective
    if not strength > 0:
        changed = replace(objective, penalty=NoPenalty(), penalised=None)
    else:
        mask = objective.predictor.slopes(np.ones(objective.size))
        changed = replace(objective, penalty=Ridge(strength), penalised=mask)
    return replace(estimate, objective=changed)


def unit_deviances(estimate: Estimate, theta: Any, places: Any) -> tuple[Any, Any]:
    """Return unit deviances of some of the model's rows under coefficients, and their weights."""
    objective = estimate.objective
    xp = namespace(objective.rows.X)
    rows = objective.rows.take(like(places, objective.rows.X, xp.int64))
    eta = objective.eta(theta, rows)
    unit = to_numpy(objective.family.unit_deviance(eta, rows.y)).astype(float)
    return unit, own_weights(estimate)[places].astype(float)
