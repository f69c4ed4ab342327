"""The middle of a sandwich: what the rows' scores vary by, in coordinates of the bread.

With B Bᵀ = H⁻¹ at unit dispersion and s_i the score of row i, z_i = Bᵀ s_i, and every sandwich is

    cov(θ̂) = B M Bᵀ,     M = Σ_i Σ_j a_ij z_i z_jᵀ,

a_ij saying which rows vary together. In these coordinates M is near φ I where the model is true,
whatever the units and the condition of X. Scores come block by block, (b, r), and no array of all
rows' scores is ever made. Under a penalty scores are taken about their mean, which is then not 0.

References
----------
MacKinnon & White (1985), Journal of Econometrics 29, 305 (HC1, HC2, HC3).
Cribari-Neto (2004), Computational Statistics & Data Analysis 45, 215 (HC4).
Cameron, Gelbach & Miller (2011), Journal of Business & Economic Statistics 29, 238 (clusters).
Newey & West (1987), Econometrica 55, 703; (1994), Review of Economic Studies 61, 631 (HAC).
Zeileis (2006), Journal of Statistical Software 16(9), for the names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from statdl.backend.array import Array, epsilon, like, namespace, to_numpy
from statdl.backend.linalg import factorise
from statdl.backend.rows import Rows, block_rows
from statdl.backend.segments import segment_starts, segment_sums
from statdl.backend.shortage import device_errors
from statdl.errors import DataError, ModelError, NumericalError
from statdl.estimate import Estimate, determined_root
from statdl.formula import Grouping
from statdl.scan.groups import ColumnGroups

LEVERAGE_KINDS = ("HC2", "HC3", "HC4")


def bread_root(estimate: Estimate) -> Any:
    """Return B with B Bᵀ = H⁻¹, the penalty in H, on the host.

    A regression's H has all its directions, however far the columns are from 0 or near each other;
    a network's has those that are determined.
    """
    objective = estimate.objective
    if objective.penalised is None or not estimate.specification.penalty.shrinks:
        return estimate.root
    expected = objective.predictor.linear
    if expected:
        return factorise(objective.curvature(estimate.parameters, expected=True)).inverse_root()
    H = objective.curvature(estimate.device_parameters)
    return to_numpy(determined_root(objective.predictor, estimate.device_parameters, H))


@dataclass(frozen=True)
class Scores:
    """The rows' scores of an estimate in the coordinates of ``root``, (P, r), on the device.

    ``centre`` is their mean, taken from every row; None where it is 0.
    """

    estimate: Estimate
    root: Array
    centre: Array | None = None

    @classmethod
    def of(cls, estimate: Estimate) -> Scores:
        """Return the scores of an estimate, about their mean where a penalty moves it from 0."""
        own = cls(estimate, estimate.to_device(bread_root(estimate)))
        if estimate.objective.penalised is None:
            return own
        total = own.sum(lambda rows: _column_sums(own.z(rows)))
        return cls(estimate, own.root, total / estimate.nobs)

    def blocks(self, order: Array | None = None) -> Iterator[Array]:
        """Yield z of blocks of rows, (b, r), in an order if one is given."""
        return (self.block(rows)[0] for rows in self.rows(order))

    def block(self, rows: Rows) -> tuple[Array, Array, Array]:
        """Return z (b, r), η (b, q) and J B (b, q, r) of some rows."""
        objective, theta = self.estimate.objective, self.estimate.device_parameters
        xp = namespace(rows.X)
        eta = objective.eta(theta, rows)
        _, score = objective.family.loss_and_score(eta, rows.y)
        if rows.weights is not None:
            some = rows.weights[:, None] > 0
            score = xp.where(some, score * rows.weights[:, None], xp.zeros_like(score))
        half = objective.predictor.jacobian_times(theta, rows.X, self.root)
        z = xp.sum(half * score[:, :, None], axis=1)
        if self.centre is not None:
            counted = xp.ones_like(z[:, 0]) if rows.weights is None else rows.weights > 0
            z = z - xp.astype(counted, z.dtype)[:, None] * self.centre[None, :]
        return z, eta, half

    @property
    def width(self) -> int:
        """Numbers of working memory that a row needs."""
        objective = self.estimate.objective
        return objective.predictor.outputs * (objective.size + self.root.shape[1])

    def z(self, rows: Rows) -> Array:
        """Return z of some rows, (b, r)."""
        return self.block(rows)[0]

    def sum(self, function: Callable[[Rows], Array]) -> Array:
        """Return the sum of what a function makes of each block of rows."""
        rows = self.estimate.objective.rows
        return rows.reduce(lambda block: (function(block),), self.width)[0]

    def rows(self, order: Array | None = None) -> Iterator[Rows]:
        """Yield blocks of rows, in an order if one is given."""
        rows = self.estimate.objective.rows
        if order is None:
            yield from rows.blocks(self.width)
            return
        size = block_rows(rows.template, self.width)
        for start in range(0, rows.n, size):
            yield rows.take(order[start : min(start + size, rows.n)])


def _gram(z: Array) -> Array:
    return z.T @ z


def _column_sums(z: Array) -> Array:
    return namespace(z).sum(z, axis=0)


@device_errors()
def heteroskedastic(estimate: Estimate, kind: str = "HC0") -> Any:
    """Return M = Σ f(h_i) z_i z_iᵀ, (r, r), for rows that vary each by its own.

    f is 1 (HC0), n/(n − p) (HC1), 1/(1 − h) (HC2), 1/(1 − h)² (HC3) or (1 − h)^−δ with
    δ = min(4, n h/p) (HC4), h the leverage.
    """
    scores = Scores.of(estimate)
    if kind not in LEVERAGE_KINDS:
        total = to_numpy(scores.sum(lambda rows: _gram(scores.z(rows))))
        return total * (_degrees(estimate) if kind == "HC1" else 1.0)
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
    return _gram(z * (_factor(kind, h, free, ratio) ** 0.5)[:, None])


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
        centre = scores.sum(lambda rows: _column_sums(scores.z(rows))) / estimate.total_weight
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
        yield _gram(z)


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


def _degrees(estimate: Estimate) -> float:
    """Return n/(n − p)."""
    if not estimate.df_resid > 0:
        raise NumericalError("There are no residual degrees of freedom to correct for; use HC0.")
    return float(estimate.nobs / estimate.df_resid)


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
        factor *= _degrees(estimate) * (estimate.nobs - 1) / estimate.nobs
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
        return _gram(group.sums(scores.z)[0])
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
            total = total + _gram(carried)
        total = total + _gram(sums[:-1, :])
        carried, of = sums[-1:, :], here[-1]
    return total + _gram(carried)


@device_errors()
def autocorrelated(estimate: Estimate, lags: int, correct: bool) -> Any:
    """Return M = Γ_0 + Σ_l (1 − l/(L + 1)) (Γ_l + Γ_lᵀ), Γ_l = Σ_t z_t z_{t−l}ᵀ, up to L lags.

    Rows are in the order of the data; Bartlett's weights keep M from being indefinite.
    """
    scores = Scores.of(estimate)
    parts = (_gram(z) + _lagged(z, past, lags) for z, past in _with_past(scores, lags))
    total = to_numpy(reduce(add, parts))
    return total * (_degrees(estimate) if correct else 1.0)


def _with_past(scores: Scores, lags: int) -> Iterator[tuple[Array, Array]]:
    """Yield z of each block after the rows before it, as many as there are lags (zeros first)."""
    X = scores.estimate.objective.rows.template
    xp = namespace(X)
    past = xp.zeros((lags, scores.root.shape[1]), dtype=X.dtype, device=X.device)
    for z in scores.blocks():
        together = xp.concat([past, z], axis=0)
        yield z, together
        past = together[together.shape[0] - lags :, :]


def _lagged(z: Array, together: Array, lags: int) -> Array:
    """Return zᵀ u + uᵀ z with u_t the weighted sum of the z before t."""
    if not lags:
        return 0 * _gram(z)
    n = z.shape[0]
    u = reduce(
        add,
        (
            (1 - lag / (lags + 1)) * together[lags - lag : lags - lag + n, :]
            for lag in range(1, lags + 1)
        ),
    )
    product = z.T @ u
    return product + product.T


def usual_lags(n: int) -> int:
    """Return ⌊4 (n/100)^{2/9}⌋ lags, Newey and West's (1994) rule of thumb."""
    return int(4 * (n / 100) ** (2 / 9))


def chosen_lags(estimate: Estimate) -> int:
    """Return the lags that Newey and West (1994) choose from the data, without prewhitening.

    With c_l the autocovariances of Σ_j s_tj over the slopes j, up to ⌊4 (n/100)^{2/9}⌋ lags,
    s_0 = c_0 + 2 Σ c_l and s_1 = 2 Σ l c_l, it is ⌊1.1447 (n s_1²/s_0²)^{1/3}⌋.
    """
    scores = Scores.of(estimate)
    wide = usual_lags(estimate.objective.n)
    direction = scores.estimate.to_device(_slopes(estimate))
    xp = namespace(direction)
    raw = _unwhitened(scores, direction)
    v = xp.concat([z @ raw for z in scores.blocks()])
    n = v.shape[0]
    c = [float(v[lag:] @ v[: n - lag]) / n for lag in range(wide + 1)]
    s0 = c[0] + 2 * sum(c[1:])
    s1 = 2 * sum(lag * one for lag, one in enumerate(c))
    return min(int(1.1447 * (n * (s1 / s0) ** 2) ** (1 / 3)), n - 1)


def _slopes(estimate: Estimate) -> Any:
    """Return 1 for every slope and 0 for every intercept, (P,)."""
    ones = to_numpy(estimate.parameters) * 0 + 1
    device = estimate.objective.slopes(estimate.to_device(ones))
    return to_numpy(device if estimate.rank > estimate.outputs else estimate.to_device(ones))


def _unwhitened(scores: Scores, direction: Array) -> Array:
    """Return v with zᵀ v = sᵀ direction: v = B⁻¹ direction."""
    root = to_numpy(scores.root)  # small: no reason to factorise it on a device
    inverse = namespace(root).linalg.pinv(root)
    return like(inverse @ to_numpy(direction), direction)
