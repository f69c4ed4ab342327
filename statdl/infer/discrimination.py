"""How well predicted probabilities tell classes apart, and how true they are.

Of several classes one is set against the rest, or every two against each other (Hand & Till). Rows
of counts are as many single trials: a row with s successes and f failures has weight s among the
cases and f among the controls.

References
----------
DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver
operating characteristic curves, Biometrics 44. Hosmer & Lemeshow (1980), Comm. Statist. A 9.
Hand & Till (2001), A simple generalisation of the area under the ROC curve for multiple class
classification problems, Machine Learning 45. Wilson (1927), Probable inference, the law of
succession, and statistical inference, JASA 22.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer.distribution import chi2_tail, critical
from statdl.infer.hypothesis import HypothesisTest
from statdl.infer.outcomes import Outcomes, Trials, outcomes, trials


@dataclass(frozen=True, repr=False)
class Roc:
    """A receiver operating characteristic: of all thresholds, from the highest to the lowest.

    Shapes: (t + 1,) each, beginning with the threshold that calls nothing a case.
    """

    threshold: Any
    sensitivity: Any
    specificity: Any
    auc: float
    standard_error: float
    level: float
    lower: float
    upper: float

    def __repr__(self) -> str:
        return (
            f"AUC {self.auc:.4f} ({100 * self.level:g} % interval {self.lower:.4f} to "
            f"{self.upper:.4f}, DeLong; {len(self.threshold) - 1} thresholds)"
        )


def roc(estimate: Estimate, level: float = 0.95, newdata: Any = None, event: Any = None) -> Roc:
    """Return the curve of one class against the rest, the area under it, and DeLong's interval."""
    found = trials(estimate, "A receiver operating characteristic", newdata, event)
    return curve(found, level)


def curve(found: Trials, level: float) -> Roc:
    """Return the curve of probabilities, the area under it, and DeLong's interval.

    AUC = P(probability of a case > that of a control) + ½ P(equal). With V₁₀ of a case the share of
    controls below it, and V₀₁ of a control the share of cases above it, Var AUC = s²(V₁₀)/m +
    s²(V₀₁)/n.
    """
    if not (found.successes.sum() > 0 and found.failures.sum() > 0):
        raise DataError("All rows are of one class, so that there is nothing to tell apart.")
    values, place = np.unique(found.probability, return_inverse=True)
    cases = np.bincount(place, found.successes)
    controls = np.bincount(place, found.failures)
    m, n = cases.sum(), controls.sum()
    below = (np.cumsum(controls) - controls / 2) / n  # V₁₀ of a case at each value
    above = (m - np.cumsum(cases) + cases / 2) / m  # V₀₁ of a control
    auc = float(cases @ below / m)
    variance = _variance(below, cases, auc) / m + _variance(above, controls, auc) / n
    error = math.sqrt(float(variance))
    half = critical(level, math.inf) * error
    sensitivity = np.concatenate([[0.0], np.cumsum(cases[::-1]) / m])
    specificity = np.concatenate([[1.0], 1 - np.cumsum(controls[::-1]) / n])
    return Roc(
        np.concatenate([[np.inf], values[::-1]]),
        sensitivity,
        specificity,
        auc,
        error,
        level,
        max(0.0, float(auc - half)),
        min(1.0, float(auc + half)),
    )


def _variance(values: Any, counts: Any, mean: float) -> float:
    """Return the sample variance of values that occur ``counts`` times."""
    total = counts.sum()
    return float(counts @ (values - mean) ** 2) / (total - 1) if total > 1 else math.nan


@dataclass(frozen=True)
class Areas:
    """The area under the curve of each class against the rest, and of all of them together.

    ``together`` is Hand and Till's M; of two classes it is the area itself.
    """

    labels: tuple[str, ...]
    curves: tuple[Roc, ...]
    together: float


def areas(estimate: Estimate, level: float = 0.95, newdata: Any = None) -> Areas:
    """Return the area of each class against the rest (of two, of the second), and M.

    M = 2 / (K (K − 1)) Σ_{i<j} (A(i|j) + A(j|i)) / 2 with A(i|j) the area under the curve of the
    probability of class i among the rows of the classes i and j.
    """
    found = outcomes(estimate, "An area under a curve", newdata)
    labels = found.labels if len(found.labels) > 2 else found.labels[1:]
    curves = tuple(curve(found.against_rest(label), level) for label in labels)
    return Areas(labels, curves, _hand_till(found))


def _hand_till(found: Outcomes) -> float:
    """Return the mean area over every two classes that were observed."""
    seen = [k for k in range(len(found.labels)) if found.counts[:, k].sum() > 0]
    pairs = [
        curve(Trials(found.probability[:, one], *found.counts[:, [one, other]].T), 0.95).auc
        for pair in combinations(seen, 2)
        for one, other in (pair, pair[::-1])
    ]
    return float(np.mean(pairs))


@dataclass(frozen=True)
class Calibration:
    """Groups of rows by predicted probability: what was predicted, and what happened.

    lower and upper are Wilson's limits of the observed share.
    """

    label: tuple[str, ...]
    n: Any
    predicted: Any
    observed: Any
    lower: Any
    upper: Any


def calibration(
    estimate: Estimate,
    groups: int = 10,
    by: str = "quantile",
    level: float = 0.95,
    newdata: Any = None,
    event: Any = None,
) -> Calibration:
    """Return predicted against observed shares in groups of equal size, or of equal width."""
    return calibrated(trials(estimate, "Calibration", newdata, event), groups, by, level)


def calibrated(found: Trials, groups: int, by: str, level: float) -> Calibration:
    """Return predicted against observed shares of one class in groups by its probability."""
    if by not in ("quantile", "uniform"):
        raise ModelError(f"by={by!r} is not known; choose quantile or uniform.")
    cuts = _cuts(found.probability, groups) if by == "quantile" else np.linspace(0, 1, groups + 1)
    cases, controls, expected = _grouped(found, cuts)
    n = cases + controls
    some = n > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        observed, predicted = cases / n, expected / n
        lower, upper = _wilson(observed, n, critical(level, math.inf))
    labels = [
        f"{'[' if k == 0 else '('}{a:.4g}, {b:.4g}]" for k, (a, b) in enumerate(pairwise(cuts))
    ]
    return Calibration(
        tuple(label for label, kept in zip(labels, some, strict=True) if kept),
        n[some],
        predicted[some],
        observed[some],
        lower[some],
        upper[some],
    )


def hosmer_lemeshow(
    estimate: Estimate, groups: int = 10, newdata: Any = None, event: Any = None
) -> HypothesisTest:
    """Return Σ (observed − expected)²/expected over cases and controls of groups by probability.

    Groups are cut at the quantiles of the probabilities; χ² with groups − 2 degrees of freedom in
    the rows of the fit, and with as many as groups in new ones (Hosmer, Lemeshow & Sturdivant 2013,
    section 5.2.2).
    """
    found = trials(estimate, "The Hosmer-Lemeshow test", newdata, event)
    cuts = _cuts(found.probability, groups)
    if groups > len(found.probability):
        raise ModelError(
            f"groups={groups} is more than the {len(found.probability)} rows there are to group; "
            "each should hold several (10 groups are usual)."
        )
    if len(cuts) < 4:
        raise DataError(
            f"The fitted probabilities take so few values that they make {len(cuts) - 1} groups; "
            "the test needs 3 at least."
        )
    cases, controls, expected = _grouped(found, cuts)
    unexpected = cases + controls - expected
    statistic = float(
        np.sum((cases - expected) ** 2 / expected) + np.sum((cases - expected) ** 2 / unexpected)
    )
    df = len(cuts) - (3 if newdata is None else 1)
    notes = () if len(cuts) == groups + 1 else (f"Ties leave {len(cuts) - 1} groups.",)
    return HypothesisTest(
        "Hosmer-Lemeshow test",
        "X-squared",
        statistic,
        {"df": df},
        chi2_tail(statistic, df),
        "the probabilities are those the model says.",
        notes,
    )


def _cuts(probability: Any, groups: int) -> Any:
    if groups < 3 or groups != int(groups):
        raise ModelError(f"groups={groups!r} must be a whole number from 3 on.")
    cuts = np.unique(np.quantile(probability, np.linspace(0, 1, int(groups) + 1)))
    filled = np.unique(_places(probability, cuts)) if len(cuts) > 1 else np.arange(0)
    return cuts[[0, *(filled + 1)]]  # between tied probabilities there may be a group of no row


def _places(probability: Any, cuts: Any) -> Any:
    """Return in which of the groups (a, b] rows are, the first with its a."""
    return np.clip(np.searchsorted(cuts, probability, side="left") - 1, 0, len(cuts) - 2)


def _grouped(found: Trials, cuts: Any) -> tuple[Any, Any, Any]:
    """Return cases, controls and expected cases of the groups."""
    place = _places(found.probability, cuts)
    size, total = len(cuts) - 1, found.successes + found.failures
    sums = (found.successes, found.failures, total * found.probability)
    cases, controls, expected = (np.bincount(place, each, minlength=size) for each in sums)
    return cases, controls, expected


def _wilson(share: Any, n: Any, z: float) -> tuple[Any, Any]:
    """Return Wilson's score limits of a binomial share."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


@dataclass(frozen=True)
class Confusion:
    """Observed classes against predicted ones: counts (K, K), rows observed."""

    labels: tuple[str, ...]
    counts: Any

    @property
    def accuracy(self) -> float:
        """The share that is predicted right."""
        return float(np.trace(self.counts) / self.counts.sum())

    @property
    def recall(self) -> Any:
        """Of each class, the share that is found: of two classes specificity and sensitivity."""
        return _shares(np.diagonal(self.counts), self.counts.sum(axis=1))

    @property
    def precision(self) -> Any:
        """Of what is predicted to be a class, the share that is."""
        return _shares(np.diagonal(self.counts), self.counts.sum(axis=0))


def _shares(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def confusion(estimate: Estimate, threshold: float = 0.5, newdata: Any = None) -> Confusion:
    """Return how often each class was observed where each was predicted.

    Of two classes the second is predicted where its probability is above ``threshold``; of
    several the most probable one.
    """
    found = outcomes(estimate, "A confusion table", newdata)
    mean, K = found.probability, len(found.labels)
    predicted = (mean[:, -1] > threshold).astype(int) if K == 2 else mean.argmax(axis=1)
    counts = np.stack([np.bincount(predicted, found.counts[:, k], minlength=K) for k in range(K)])
    return Confusion(found.labels, counts)
