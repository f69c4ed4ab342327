"""The categorical families: Bernoulli/binomial and multinoulli/multinomial."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from statdl.backend.array import Array, namespace, supports, to_numpy
from statdl.backend.rows import Rows
from statdl.backend.special import (
    between,
    gammaln,
    log_sum_exp,
    logistic,
    softmax_and_log_sum,
    xlogy,
)
from statdl.errors import DataError
from statdl.model.curvature import RowCurvature
from statdl.model.family import Encoded, refuse, total, weighted_mean
from statdl.model.link import Cauchit, ComplementaryLogLog, Logit, Probit, Tolerance

#: Whole numbers in a range of so many are looked for one by one.
FEW_CLASSES = 64


@dataclass(frozen=True)
class Binomial:
    """Successes among trials; with one trial a row, the Bernoulli.

    Domain: 0/1, two categories, proportions with weights (the trials), or two columns of counts.
    Links: logit, probit, cauchit, cloglog.  Density: C(w, wy) μ^{wy} (1 − μ)^{w(1−y)}.
    Loss −y log μ − (1 − y) log(1 − μ); the score and the information follow from the hazards of
    :class:`~statdl.model.link.Tolerance`.  Reference: normal.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> fit = sd.glm("am ~ wt", data=cars, family=sd.families.Binomial(link="probit"))
    >>> fit.params.round(3).to_dict()
    {'Intercept': 6.726, 'wt': -2.258}
    """

    link: Tolerance = field(default_factory=Logit)

    name: ClassVar[str] = "binomial"
    links: ClassVar[tuple[type[Tolerance], ...]] = (Logit, Probit, Cauchit, ComplementaryLogLog)
    canonical_link: ClassVar[type[Tolerance]] = Logit
    dispersion_known: ClassVar[bool] = True
    has_classes: ClassVar[bool] = True
    ends: ClassVar[tuple[float, float]] = (0.0, 1.0)
    quadratic: ClassVar[bool] = False
    edged: ClassVar[bool] = False
    outputs: ClassVar[int] = 1

    @property
    def canonical(self) -> bool:
        """Whether the link is the logit."""
        return isinstance(self.link, Logit)

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        loss, score = self.link.loss_and_score(eta, y)
        return loss[:, 0], score

    def score_and_curvature(self, eta: Array, y: Array) -> tuple[Array, RowCurvature]:
        """Return score and information; of the logit by one exponential."""
        if self.canonical:
            mean, variance = logistic(eta)
            return y - mean, RowCurvature(variance)
        xp, expected = namespace(eta), self.link.expected(eta)
        observed = self.link.observed(eta, y)
        curvature = xp.where(observed > 0, observed, expected)
        return self.link.loss_and_score(eta, y)[1], RowCurvature(curvature)

    def information(self, eta: Array) -> RowCurvature:
        return RowCurvature(self.link.expected(eta))

    def observed(self, eta: Array, y: Array) -> RowCurvature:
        return RowCurvature(self.link.observed(eta, y))

    def information_turn(self, eta: Array, S: Array) -> Array:
        """Return S μ(1 − μ)(1 − 2μ)."""
        mean = self.link.mean(eta)
        return S[:, :, 0] * self.variance(eta) * (1 - 2 * mean)

    def mean(self, eta: Array) -> Array:
        return self.link.mean(eta)

    def variance(self, eta: Array) -> Array:
        xp = namespace(eta)
        return xp.exp(self.link.log_mean(eta) + self.link.log_complement(eta))

    def unit_deviance(self, eta: Array, y: Array) -> Array:
        saturated = xlogy(y, y) + xlogy(1 - y, 1 - y)
        return 2 * (saturated[:, 0] + self.link.loss_and_score(eta, y)[0][:, 0])

    def constant(self, rows: Rows, dispersion: float) -> float:
        """Return Σ log C(m, my) for m trials, which is 0 for single trials.

        Without counts the weights are the trials, as in R; with them, prior weights multiply.
        """
        trials = rows.weights if rows.trials is None else rows.trials
        if trials is None:
            return 0.0
        successes = trials * rows.y[:, 0]
        choose = gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)
        return float(total(choose, _prior(rows)))

    def start(self, y: Array, weights: Array | None) -> Array:
        return self.link.link(_inside(to_numpy(weighted_mean(y, weights))))

    def for_levels(self, levels: tuple[Any, ...]) -> Binomial:
        return self

    def noise(self, mean_loss: float) -> float:
        return 1.0

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        if kind == "counts":
            return _success_counts(values, levels, weights)
        if kind == "categorical":
            y = _second_of_two(values, levels, weights)
        else:
            y = values[:, None]
            wrong = (y < 0) | (y > 1)
            refuse(wrong, y, self.name, "of 0/1, proportions, or two categories (as factor(y))")
            levels = (0, 1)
        _refuse_one_class(y, weights)
        return Encoded(y, weights, tuple(levels))

    def simulate(self, eta: Any, rows: Rows, dispersion: float, rng: Any) -> Any:
        trials = _whole_trials(rows)
        drawn = rng.binomial(trials, self.mean(to_numpy(eta))[:, 0])
        return (drawn / namespace(trials).maximum(trials, 1))[:, None]


@dataclass(frozen=True)
class Multinomial:
    """One of K categories, or counts of each: softmax regression, reference coding.

    η holds the K − 1 log-odds against the first category, whose own η is 0.

    Domain: categories, integers, or K columns of counts.  Link: logit (softmax).
    Density: multinomial with probabilities e^{η_k} / (1 + Σ e^{η_j}).
    Loss log(1 + Σ e^{η_j}) − Σ y_k η_k, score y − μ, information diag(μ) − μ μᵀ.
    Reference: normal.

    Examples
    --------
    >>> import statdl as sd
    >>> iris = sd.datasets.load("iris")
    >>> family = sd.families.Multinomial()
    >>> net = sd.mlp("Species ~ .", data=iris, family=family, hidden=1, decay=0.1)
    >>> net.family.name
    'multinomial'
    """

    categories: int = 2

    name: ClassVar[str] = "multinomial"
    dispersion_known: ClassVar[bool] = True
    has_classes: ClassVar[bool] = True
    ends: ClassVar[tuple[float, float]] = (0.0, 1.0)
    quadratic: ClassVar[bool] = False
    edged: ClassVar[bool] = False
    canonical: ClassVar[bool] = True
    link: ClassVar[Logit] = Logit()
    links: ClassVar[tuple[type[Logit], ...]] = (Logit,)

    @property
    def outputs(self) -> int:
        """q = K − 1."""
        return self.categories - 1

    def loss_and_score(self, eta: Array, y: Array) -> tuple[Array, Array]:
        mean, log_sum = softmax_and_log_sum(eta)
        return log_sum[:, 0] - namespace(eta).sum(y * eta, axis=1), y - mean

    def score_and_curvature(self, eta: Array, y: Array) -> tuple[Array, RowCurvature]:
        """Return score and information by one softmax."""
        mean, _ = softmax_and_log_sum(eta)
        return y - mean, RowCurvature(diagonal=mean, outer=mean)

    def information(self, eta: Array) -> RowCurvature:
        mean, _ = softmax_and_log_sum(eta)
        return RowCurvature(diagonal=mean, outer=mean)

    def observed(self, eta: Array, y: Array) -> RowCurvature:
        return self.information(eta)

    def information_turn(self, eta: Array, S: Array) -> Array:
        """Return μ_k (S_kk − Σ_a μ_a S_aa − 2 (Sμ)_k + 2 μᵀSμ), with the third cumulants of μ."""
        xp = namespace(eta)
        mean, _ = softmax_and_log_sum(eta)
        own = xp.linalg.diagonal(S)
        turned = xp.sum(S * mean[:, None, :], axis=2)
        twice = xp.sum(mean * turned, axis=1, keepdims=True)
        return mean * (own - xp.sum(mean * own, axis=1, keepdims=True) - 2 * turned + 2 * twice)

    def mean(self, eta: Array) -> Array:
        """Return all K probabilities, the reference category's first."""
        xp = namespace(eta)
        mean, log_sum = softmax_and_log_sum(eta)
        return xp.concat([xp.exp(-log_sum), mean], axis=1)

    def variance(self, eta: Array) -> Array:
        mean = self.mean(eta)
        return mean * (1 - mean)

    def unit_deviance(self, eta: Array, y: Array) -> Array:
        xp = namespace(eta)
        rest = _reference_share(y)
        saturated = xp.sum(xlogy(y, y), axis=1) + xlogy(rest, rest)
        return 2 * (saturated + log_sum_exp(eta)[:, 0] - xp.sum(y * eta, axis=1))

    def constant(self, rows: Rows, dispersion: float) -> float:
        """Return Σ log of the multinomial coefficients, which are 1 for single trials."""
        trials = rows.weights if rows.trials is None else rows.trials
        if trials is None:
            return 0.0
        xp = namespace(rows.y)
        counts = trials[:, None] * rows.y
        rest = trials * _reference_share(rows.y)
        ways = gammaln(trials + 1) - xp.sum(gammaln(counts + 1), axis=1) - gammaln(rest + 1)
        return float(total(ways, _prior(rows)))

    def start(self, y: Array, weights: Array | None) -> Array:
        mean = _inside(to_numpy(weighted_mean(y, weights)))
        xp = namespace(mean)
        reference = _inside(1 - xp.sum(mean, keepdims=True))
        return xp.log(mean) - xp.log(reference)

    def for_levels(self, levels: tuple[Any, ...]) -> Multinomial:
        return replace(self, categories=len(levels))

    def noise(self, mean_loss: float) -> float:
        return 1.0

    def encode(
        self, kind: str, values: Array, levels: tuple[Any, ...], weights: Array | None
    ) -> Encoded:
        if kind == "counts":
            shares, trials = _shares(values)
            both = trials if weights is None else weights * trials
            return Encoded(shares[:, 1:], both, levels, trials)
        if kind == "numeric":
            values, levels = _integer_levels(values)
        if len(levels) < 2:
            raise DataError(
                f"The response has one class only ({levels[0]!r}); there is nothing to tell apart."
            )
        return Encoded(_indicators(values, len(levels)), weights, tuple(levels))

    def simulate(self, eta: Any, rows: Rows, dispersion: float, rng: Any) -> Any:
        trials = _whole_trials(rows)
        drawn = rng.multinomial(trials, self.mean(to_numpy(eta)))
        return drawn[:, 1:] / namespace(trials).maximum(trials, 1)[:, None]


def _prior(rows: Rows) -> Array | None:
    """Return the weights without the trials; None where the weights are the trials."""
    if rows.trials is None or rows.weights is None:
        return None
    xp = namespace(rows.trials)
    some = rows.trials > 0
    ratio = rows.weights / xp.where(some, rows.trials, xp.ones_like(rows.trials))
    return xp.where(some, ratio, xp.zeros_like(ratio))


def _whole_trials(rows: Rows) -> Any:
    """Return the trials of each row, on the host: whole numbers, by which classes are drawn."""
    y = to_numpy(rows.y)
    xp = namespace(y)
    given = rows.weights if rows.trials is None else rows.trials
    trials = xp.ones((y.shape[0],)) if given is None else to_numpy(given)
    if bool(xp.any(xp.round(trials) != trials)):
        raise DataError(
            "Classes are drawn trial by trial, and some weights are no whole numbers of trials."
        )
    return xp.astype(trials, xp.int64)


def _inside(mean: Array) -> Array:
    """Move a share off 0 and 1, where its log-odds would be infinite."""
    return between(mean, 1e-6, 1 - 1e-6)


def _reference_share(y: Array) -> Array:
    """Return 1 − Σ y_k, cleared of the rounding that could make it negative."""
    xp = namespace(y)
    return between(1 - xp.sum(y, axis=1), 0.0, 1.0)


def _shares(counts: Array) -> tuple[Array, Array]:
    """Return each row's shares and its total; a row without trials has shares of 0."""
    xp = namespace(counts)
    negative = xp.any(counts < 0, axis=1)
    if bool(xp.any(negative)):
        row = int(xp.argmax(xp.astype(negative, xp.int8)))
        raise DataError(
            f"Counts of a response must be 0 or more; row {row} has a negative count "
            f"({int(xp.sum(xp.astype(negative, xp.int64)))} such rows). A response of several "
            "columns is counts of classes; of several numbers, fit a model to each."
        )
    trials = xp.sum(counts, axis=1)
    divisor = xp.where(trials > 0, trials, xp.ones_like(trials))
    return counts / divisor[:, None], trials


def _success_counts(counts: Array, levels: tuple[Any, ...], weights: Array | None) -> Encoded:
    """Code columns (successes, failures) as a proportion with the trials as weights."""
    if counts.shape[1] != 2:
        raise DataError(
            "A binomial response of counts has two columns, successes and failures; this one has "
            f"{counts.shape[1]}. Use multinom() for more than two categories."
        )
    shares, trials = _shares(counts)
    both = trials if weights is None else weights * trials
    y = shares[:, :1]
    _refuse_one_class(y, both)
    return Encoded(y, both, (levels[1], levels[0]), trials)


def _second_of_two(codes: Array, levels: tuple[Any, ...], weights: Array | None) -> Array:
    """Return the indicator of the second of two categories, as R codes a factor."""
    if len(levels) != 2:
        named = ", ".join(map(str, levels[:6])) + (", …" if len(levels) > 6 else "")
        advice = (
            "use multinom() for more." if len(levels) > 2 else "there is nothing to tell apart."
        )
        raise DataError(
            f"The binomial family needs two categories; the response has {len(levels)} "
            f"({named}); {advice}"
        )
    return _indicators(codes, 2)


def _refuse_one_class(y: Array, weights: Array | None) -> None:
    share = float(weighted_mean(y, weights)[0])
    if share in (0.0, 1.0):
        raise DataError(
            f"Every response is {share:g}: one class only, so that there is nothing to tell apart."
        )


def _integer_levels(values: Array) -> tuple[Array, tuple[int, ...]]:
    """Return codes and levels of a numeric response that holds integers."""
    xp = namespace(values)
    whole = values == xp.round(values)
    if not bool(xp.all(whole)):
        row = int(xp.argmin(xp.astype(whole, xp.int8)))
        raise DataError(
            "The multinomial family needs categories or integers; the response has "
            f"{float(values[row]):g} in row {row}. Make it a string or factor if it names "
            "categories."
        )
    levels = _present(values)
    codes = xp.astype(xp.searchsorted(levels, values), xp.int64)
    return codes, tuple(int(level) for level in to_numpy(levels).tolist())


def _present(values: Array) -> Array:
    """Return the distinct values of whole numbers, in order; few candidates need no sorting."""
    xp = namespace(values)
    lowest, highest = float(xp.min(values)), float(xp.max(values))
    if highest - lowest >= FEW_CLASSES:
        return xp.sort(xp.unique_values(values))
    kind = {"dtype": values.dtype, "device": values.device}
    candidates = xp.arange(lowest, highest + 1, **kind)
    found = xp.any(values[None, :] == candidates[:, None], axis=1)
    return xp.take(candidates, xp.nonzero(found)[0])


def _indicators(codes: Array, categories: int) -> Array:
    """Return the (n, K − 1) indicators of every category but the first."""
    xp = namespace(codes)
    labels = xp.arange(1, categories, dtype=codes.dtype, device=codes.device)
    # (K − 1, n) in memory, as η is
    kind = xp.float64 if supports(codes, "float64") else xp.float32
    return xp.astype(labels[:, None] == codes[None, :], kind).T
