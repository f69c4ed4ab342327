"""Margins: what a model predicts, how that differs when a variable is changed, how steeply it runs.

A margin is made of means of the predictions s(η_i) (a mean, a probability, η itself) in rows that
are as they are or have a variable set, with weights w_i that sum to W in every group g of rows,

    A_k(g) = (1/W) Σ_{i ∈ g} w_i s_k(η_i),      ∂A_k/∂θ = (1/W) Σ w_i Σ_c (∂s_k/∂η_c) ∂η_ic/∂θ.

* predictions   A, of each row or averaged;
* comparisons   f(A⁺, A⁻) for two settings of a variable: A⁺ − A⁻, A⁺/A⁻, log(A⁺/A⁻), …;
* slopes        (A⁺ − A⁻) / 2h with the variable moved by ±h, the central difference. Its h of
  ε^{1/3} times the variable's spread leaves ten digits; elasticities are made of x_i and log s.

Standard errors are the delta method's: with R Rᵀ the covariance of θ̂ they are the length of
(∂f/∂θ)ᵀ R. The rows are taken as given.

Rows are worked through in blocks, and of a block only sums are kept (or, where each row is asked
about, its K estimates and errors), so that memory does not grow with rows × classes × parameters.

References
----------
Arel-Bundock, Greifer & Heiss (2024), How to interpret statistical models using marginaleffects for
R and Python, Journal of Statistical Software 111(9). Their names are used here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from statdl.backend.array import Array, like, namespace, overflow_allowed, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.shortage import device_errors
from statdl.errors import DataError, unknown_word
from statdl.estimate import Estimate
from statdl.infer.aliased import resting_on_aliased, warn_undetermined
from statdl.infer.covariance import covariance_root, reference_df
from statdl.infer.effects import Averages
from statdl.infer.mean import mean_jacobian
from statdl.infer.population import Population
from statdl.infer.predict import class_labels, output_labels
from statdl.infer.wald import Coefficients

TYPES = ("response", "link")
#: Numbers that the derivatives of a block of rows may take up.
LARGEST = 4_000_000

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Scale:
    """What is predicted: s(η), (n, K), with ∂s_k/∂η_c, (n, K, q), and the labels of the K."""

    type: str
    logged: bool = False

    def of(self, estimate: Estimate, eta: Array) -> tuple[Array, Array]:
        """Return s(η) and its derivatives."""
        xp = namespace(eta)
        if self.type == "link":
            one = xp.eye(eta.shape[1], dtype=eta.dtype, device=eta.device)
            value, slope = eta, xp.broadcast_to(one, (*eta.shape, eta.shape[1]))
        else:
            value, slope = estimate.family.mean(eta), mean_jacobian(estimate.family, eta)
        return (xp.log(value), slope / value[:, :, None]) if self.logged else (value, slope)

    def labels(self, estimate: Estimate) -> tuple[str, ...]:
        """Return the labels of the columns of s: the classes, or none."""
        return output_labels(estimate) if self.type == "link" else class_labels(estimate)


def scale_of(type: str, logged: bool = False) -> Scale:
    """Return the scale asked for."""
    if type not in TYPES:
        raise unknown_word("type", type, TYPES)
    return Scale(type, logged)


@dataclass(frozen=True)
class Combination:
    """A function of the averages under two settings, its derivatives in both, and how it reads."""

    value: Callable[[Array, Array], Array]
    slopes: Callable[[Array, Array], tuple[Array, Array]]
    label: str


def _log(values: Array) -> Array:
    return namespace(values).log(values)


def _share(values: Array) -> Array:
    return 1 / (values * (1 - values))


COMBINATIONS: Mapping[str, Combination] = {
    "difference": Combination(lambda a, b: a - b, lambda a, b: (0 * a + 1, 0 * b - 1), "{} - {}"),
    "ratio": Combination(lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2), "{} / {}"),
    "lnratio": Combination(lambda a, b: _log(a / b), lambda a, b: (1 / a, -1 / b), "ln({} / {})"),
    "lift": Combination(lambda a, b: (a - b) / b, lambda a, b: (1 / b, -a / b**2), "lift({}, {})"),
    "lnor": Combination(
        lambda a, b: _log(a / (1 - a)) - _log(b / (1 - b)),
        lambda a, b: (_share(a), -_share(b)),
        "ln(odds({}) / odds({}))",
    ),
}


@dataclass(frozen=True)
class Question:
    """One question to the rows: how it reads, and the settings that answer it.

    ``shown`` are the cells that tell it from others, such as term and contrast. ``settings`` are
    one (a prediction), two (after, before), or any number that "mean" averages; what they give is
    divided by ``divisor``. ``factor`` multiplies rows, (n,), as x_i does in an elasticity.
    """

    shown: Mapping[str, Any]
    settings: tuple[Changes, ...]
    combination: str = "difference"
    divisor: float = 1.0
    factor: Any = None


@dataclass(frozen=True)
class Margins:
    """Answers: arrays of m rows each, in order of question, class and row or group.

    ``questions`` are their places among the questions, ``labels`` the classes (() for one mean),
    ``places`` the rows (None where averaged), ``groups`` the groups (None where not).
    """

    questions: tuple[int, ...]
    labels: tuple[str, ...]
    places: Any
    groups: Any
    inference: Coefficients


@device_errors()
def margins(
    rows: Population, questions: Sequence[Question], scale: Scale, groups: Any = None
) -> Margins:
    """Return the answers for every row (``groups`` None) or averaged in each group.

    ``groups`` are codes 0 … G − 1 of the rows, (n,), on the host; zeros for one average.
    """
    estimate = rows.estimate
    root = covariance_root(estimate)
    found = [
        _each_row(rows, question, scale, root)
        if groups is None
        else _each_group(rows, question, scale, root, groups)
        for question in questions
    ]
    if estimate.combinations is not None:
        for question, answer in zip(questions, found, strict=True):
            lost = _undetermined(rows, question, groups)
            for numbers in answer:
                numbers[:, lost] = np.nan
    labels = scale.labels(estimate)
    K, m = found[0][0].shape
    values, errors = (np.concatenate([one[j].reshape(-1) for one in found]) for j in (0, 1))
    places = np.tile(np.arange(m), K * len(found))
    return Margins(
        tuple(k for k in range(len(questions)) for _ in range(K * m)),
        tuple(label for _ in questions for label in labels for _ in range(m)),
        places if groups is None else None,
        None if groups is None else places,
        Coefficients(values, errors, reference_df(estimate), estimate.at_minimum),
    )


def _undetermined(rows: Population, question: Question, groups: Any) -> Any:
    """Tell which rows, or groups, have an answer that rests on a coefficient that is NA.

    Predictions have one by convention, with a warning.
    """
    compared = question.combination != "mean" and len(question.settings) == 2
    lost = np.zeros(rows.n, dtype=bool)
    for part in rows.blocks():
        X = [rows.encoded(part, changes)[0] for changes in question.settings]
        if compared:
            lost[part] = resting_on_aliased(rows.estimate, X[0], X[1])
        else:
            warn_undetermined(rows.estimate, namespace(X[0]).concat(X, axis=0))
    return lost if groups is None else np.bincount(groups, lost) > 0


def _finished(
    question: Question, values: Sequence[Array], halves: Sequence[Array]
) -> tuple[Array, Array]:
    """Return f(A) and the length of its derivative times R, in A's shape."""
    xp = namespace(values[0])
    if question.combination == "mean" or len(values) == 1:
        value, half = reduce(add, values) / len(values), reduce(add, halves) / len(halves)
    else:
        combination = COMBINATIONS[question.combination]
        with overflow_allowed():
            value = combination.value(values[0], values[1])
            after, before = combination.slopes(values[0], values[1])
            half = after[..., None] * halves[0] + before[..., None] * halves[1]
    error = xp.sqrt(xp.sum(half * half, axis=-1))
    return value / question.divisor, error / question.divisor


# averages in groups ---------------------------------------------------------------------------


def _each_group(
    rows: Population, question: Question, scale: Scale, root: Any, groups: Any
) -> tuple[Any, Any]:
    """Return estimates and errors, (K, groups), on the host."""
    weights = np.ones(rows.n) if rows.weights is None else rows.weights
    totals = np.bincount(groups, weights=weights)
    if not np.all(totals > 0):
        raise DataError("Rows that are to be averaged over have no weight.")
    factor, settings = question.factor, question.settings
    sums = [_group_sums(rows, changes, scale, factor, groups) for changes in settings]
    found = []
    for g, total in enumerate(totals):
        values = [to_numpy(one[g].values) / total for one in sums]
        halves = [to_numpy(one[g].gradients) @ root / total for one in sums]
        found.append(_finished(question, values, halves))
    return np.stack([one[0] for one in found], 1), np.stack([one[1] for one in found], 1)


def _group_sums(
    rows: Population, changes: Changes, scale: Scale, factor: Any, groups: Any
) -> dict[int, Averages]:
    """Return Σ w_i s_k(η_i) over every group, with its derivatives."""
    estimate = rows.estimate
    width = estimate.objective.predictor.width + estimate.outputs * (estimate.outputs + 3)
    sums: dict[int, Averages] = {}
    for part in rows.blocks():
        encoded = rows.rows(part, changes)
        if factor is not None:
            weights = encoded.weights * like(factor[part], encoded.X)
            encoded = replace(encoded, weights=weights)
        for g, chosen in _of_groups(encoded, groups[part]):
            found = reduce(add, (_sum(estimate, block, scale) for block in chosen.blocks(width)))
            sums[g] = sums[g] + found if g in sums else found
    return sums


def _of_groups(rows: Rows, groups: Any) -> Iterator[tuple[int, Rows]]:
    """Yield the rows of every group that there is among them."""
    present = np.unique(groups)
    if len(present) == 1:
        yield int(present[0]), rows
        return
    xp = namespace(rows.X)
    for g in present:
        yield int(g), rows.take(like(np.flatnonzero(groups == g), rows.X, xp.int64))


def _sum(estimate: Estimate, rows: Rows, scale: Scale) -> Averages:
    """Return Σ_i w_i s_k(η_i), (K,), with its derivatives, (K, P)."""
    predictor, theta = estimate.objective.predictor, estimate.device_parameters
    eta, pullback = predictor.linearise(theta, rows.X)
    eta = eta if rows.offset is None else eta + rows.offset
    xp = namespace(eta)
    value, slope = scale.of(estimate, eta)
    assert rows.weights is not None
    weights = rows.weights[:, None]
    gradients = [pullback(slope[:, k, :] * weights) for k in range(value.shape[1])]
    return Averages(xp.sum(value * weights, axis=0), xp.stack(gradients))


# every row ------------------------------------------------------------------------------------


def _each_row(rows: Population, question: Question, scale: Scale, root: Any) -> tuple[Any, Any]:
    """Return estimates and errors, (K, n), block by block, on the host."""
    device = rows.estimate.to_device(root)
    found = [_of_block(rows, question, scale, device, part) for part in _small(rows, root)]
    return (
        np.concatenate([one[0] for one in found], axis=1),
        np.concatenate([one[1] for one in found], axis=1),
    )


def _small(rows: Population, root: Any) -> Iterator[slice]:
    """Yield blocks with room for K derivatives times the columns of R in every row."""
    size = max(256, LARGEST // ((rows.estimate.outputs + 1) * max(1, root.shape[1])))
    for part in rows.blocks():
        for first in range(part.start, part.stop, size):
            yield slice(first, min(first + size, part.stop))


def _of_block(
    rows: Population, question: Question, scale: Scale, root: Array, part: slice
) -> tuple[Any, Any]:
    values, halves = [], []
    for changes in question.settings:
        encoded = rows.rows(part, changes)
        value, half = _of_rows(rows.estimate, encoded, scale, root)
        if question.factor is not None:
            by = like(question.factor[part], value)
            value, half = value * by[:, None], half * by[:, None, None]
        values.append(value)
        halves.append(half)
    value, error = _finished(question, values, halves)
    return to_numpy(value).T, to_numpy(error).T


def _of_rows(estimate: Estimate, rows: Rows, scale: Scale, root: Array) -> tuple[Array, Array]:
    """Return s(η), (n, K), and (∂s/∂θ) R of every row, (n, K, r)."""
    theta = estimate.device_parameters
    eta = estimate.objective.eta(theta, rows)
    value, slope = scale.of(estimate, eta)
    half = estimate.objective.predictor.jacobian_times(theta, rows.X, root)
    return value, namespace(eta).matmul(slope, half)
