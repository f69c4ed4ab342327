"""The middle of a sandwich: what the rows' scores vary by, in coordinates of the bread.

With B Bᵀ = H⁻¹ at unit dispersion and s_i the score of row i, z_i = Bᵀ s_i, and every sandwich is

    cov(θ̂) = B M Bᵀ,     M = Σ_i Σ_j a_ij z_i z_jᵀ,

a_ij saying which rows vary together. In these coordinates M is near φ I where the model is true,
whatever the units and the condition of X. Here are the a_ij of rows that vary each by its own and
of clusters; :mod:`statdl.infer.newey_west` has those of rows in order of time.

References
----------
MacKinnon & White (1985), Journal of Econometrics 29, 305 (HC1, HC2, HC3).
Cribari-Neto (2004), Computational Statistics & Data Analysis 45, 215 (HC4).
Cameron, Gelbach & Miller (2011), Journal of Business & Economic Statistics 29, 238 (clusters).
Zeileis (2006), Journal of Statistical Software 16(9), for the names.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any

from statdl.backend.array import Array, epsilon, like, namespace, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.segments import segment_starts, segment_sums
from statdl.backend.shortage import device_errors
from statdl.errors import DataError, ModelError, NumericalError
from statdl.estimate import Estimate
from statdl.formula import Grouping
from statdl.infer.scores import Scores, bread_root, column_sums, gram, small_sample_factor
from statdl.scan.groups import ColumnGroups

LEVERAGE_KINDS = ("HC2", "HC3", "HC4")


@device_errors()
def heteroskedastic(estimate: Estimate, kind: str = "HC0") -> Any:
    """Return M = Σ f(h_i) z_i z_iᵀ, (r, r), for rows that vary each by its own.

    f is 1 (HC0), n/(n − p) (HC1), 1/(1 − h) (HC2), 1/(1 − h)² (HC3) or (1 − h)^−δ with
    δ = min(4, n h/p) (HC4), h the leverage.
    """
    scores = Scores.of(estimate)
    if kind not in LEVERAGE_KINDS:
        total = to_numpy(scores.sum(lambda rows: gram(scores.z(rows))))
        return total * (small_sample_factor(estimate) if kind == "HC1" else 1.0)
    _refuse_leverage(estimate, kind)
    ratio = estimate.nobs / estimate.rank
    return to_numpy(scores.sum(lambda rows: _inflated(scores, rows, kind, ratio)))


def _inflated(scores: Scores, rows: Rows, kind: str, ratio: float) -> Array:
    z, eta, half = scores.block(rows)
    h = scores.estimate.family.information(eta).diagonal[:, 0] * namespace(z).sum(
        half[:, 0, :] ** 2, axis=1
    )
    h = h if rows.weights is None else h * rows.weights
    free = 1 - h
    _refuse_determined(free, kind)
    return gram(z * (_factor(kind, h, free, ratio) ** 0.5)[:, None])


def _factor(kind: str, h: Array, free: Array, ratio: float) -> Array:
    if kind == "HC2":
        return 1 / free
    if kind == "HC3":
        return 1 / free**2
    xp = namespace(h)
    delta = xp.minimum(h * ratio, xp.full_like(h, 4.0))
    return free**-delta


@device_errors()
def counted(estimate: Estimate) -> Any:
    """Return M = Σ w_i z_i z_iᵀ, (r, r), a row of weight w counted as w observations.

    For families of known dispersion, where M is I of the data written out one by one: of w trials
    with shares y_k, w y_k are of class k.
    """
    if not estimate.objective.rows.has_weights:
        return heteroskedastic(estimate)
    scores = Scores(estimate, estimate.to_device(bread_root(estimate)))
    centre = None
    if estimate.objective.penalised is not None:
        centre = scores.sum(lambda rows: column_sums(scores.z(rows))) / estimate.total_weight
    return to_numpy(scores.sum(lambda rows: reduce(add, _by_outcome(scores, rows, centre))))


def _by_outcome(scores: Scores, rows: Rows, centre: Array | None) -> Iterator[Array]:
    """Yield Σ n_i z_i z_iᵀ of the n_i observations that had each outcome."""
    _, eta, half = scores.block(rows)
    xp = namespace(half)
    for count, y in _outcomes(scores.estimate, rows):
        _, score = scores.estimate.family.loss_and_score(eta, y)
        z = xp.sum(half * score[:, :, None], axis=1)
        z = z if centre is None else z - centre[None, :]
        z = xp.where(count[:, None] > 0, z * count[:, None] ** 0.5, xp.zeros_like(z))
        yield gram(z)


def _outcomes(estimate: Estimate, rows: Rows) -> Iterator[tuple[Array, Array]]:
    """Yield how many observations of each row had an outcome, (b,), and the outcome, (b, q)."""
    xp, weights = namespace(rows.y), rows.weights
    assert weights is not None
    if not estimate.family.has_classes:
        yield weights, rows.y
        return
    none = xp.zeros_like(rows.y)
    rest = 1 - xp.sum(rows.y, axis=1)
    yield weights * xp.where(rest > 0, rest, xp.zeros_like(rest)), none
    for k in range(rows.y.shape[1]):
        y = xp.zeros_like(rows.y)
        y[:, k] = 1.0
        yield weights * rows.y[:, k], y


def _refuse_leverage(estimate: Estimate, kind: str) -> None:
    if estimate.multinomial:
        raise ModelError(
            f"{kind} divides by 1 − leverage, and with several classes a row has a matrix of "
            "leverages and no single one; use HC0, HC1, 'cluster' or 'bootstrap'."
        )
    if not estimate.objective.predictor.linear or estimate.objective.penalised is not None:
        raise ModelError(
            f"{kind} is for regressions without a penalty, whose leverages are those of a "
            "projection; use HC0, HC1, 'cluster' or 'bootstrap'."
        )


def _refuse_determined(free: Array, kind: str) -> None:
    xp = namespace(free)
    held = free <= epsilon(free) ** 0.5
    if bool(xp.any(held)):
        number = int(xp.sum(xp.astype(held, xp.int64)))
        raise NumericalError(
            f"{kind} divides by 1 − leverage, and {number} "
            f"{'row has' if number == 1 else 'rows have'} a leverage of 1: the fitted value "
            "follows the response wherever it goes. Use HC0 or HC1, or leave what only such a row "
            "determines out of the model."
        )


@device_errors()
def clustered(estimate: Estimate, groups: tuple[Any, ...], correction: str) -> Any:
    """Return M = Σ_g z_g z_gᵀ, z_g the sum over a group: rows of one group vary together.

    Two ways a, b add and take off what is in both: M_a + M_b − M_{a:b}. ``correction`` multiplies
    each part by G/(G − 1) ("groups"), and by (n − 1)/(n − p) as well ("full"), or by 1 ("none").
    """
    scores = Scores.of(estimate)
    total = sum(_one_way(scores, group, correction) for group in groups)
    if len(groups) == 1:
        return total
    return total - _one_way(scores, groups[0].crossed(groups[1]), correction)


def _one_way(scores: Scores, group: Grouping | ColumnGroups, correction: str) -> Any:
    estimate = scores.estimate
    count = group_count(estimate, group)
    factor = 1.0
    if correction != "none":
        factor = count / (count - 1)
    if correction == "full":
        factor *= small_sample_factor(estimate) * (estimate.nobs - 1) / estimate.nobs
    return to_numpy(_group_gram(scores, group)) * factor


def group_count(estimate: Estimate, group: Grouping | ColumnGroups) -> int:
    """Return G, the number of groups with rows that count; one is too few."""
    if isinstance(group, ColumnGroups):
        return _at_least_two(group.sums(Scores.of(estimate).z)[1], group.name)
    weights = estimate.objective.rows.weights
    codes = group.codes
    if weights is not None:
        codes = like(codes, weights, namespace(weights).int64)[weights > 0]
    return _at_least_two(int(namespace(codes).unique_values(codes).shape[0]), group.name)


def _at_least_two(count: int, name: str) -> int:
    if count < 2:
        raise DataError(
            f"`{name}` puts all rows in one cluster; what clusters vary by takes two or more."
        )
    return count


def _group_gram(scores: Scores, group: Grouping | ColumnGroups) -> Array:
    """Return Σ_g z_g z_gᵀ with the rows in the order of their groups.

    A group may go on in the next block, so that the last sum of each block is carried over.
    """
    if isinstance(group, ColumnGroups):
        return gram(group.sums(scores.z)[0])
    X = scores.estimate.objective.rows.template
    xp = namespace(X)
    codes = like(group.codes, X, xp.int64)
    order = xp.argsort(codes)
    codes = xp.take(codes, order)
    r, place = scores.root.shape[1], 0
    total = xp.zeros((r, r), dtype=X.dtype, device=X.device)
    carried, of = xp.zeros((1, r), dtype=X.dtype, device=X.device), codes[0]
    for z in scores.blocks(order):
        here = codes[place : place + z.shape[0]]
        place += z.shape[0]
        sums = segment_sums(z, segment_starts(here))
        if bool(here[0] == of):
            sums = xp.concat([sums[:1, :] + carried, sums[1:, :]], axis=0)
        else:
            total = total + gram(carried)
        total = total + gram(sums[:-1, :])
        carried, of = sums[-1:, :], here[-1]
    return total + gram(carried)
