"""Terms left out and added, one at a time or until nothing helps (R's drop1, add1 and step).

Terms come and go whole, with all columns of a factor, and with respect for marginality: none is
left out while it is part of another, and none is added before its parts are in.

    AIC = n log(RSS/n) + k p           in linear regression (Akaike's but for a constant, as R),
    AIC = −2 log L + k df              elsewhere, a dispersion counted.

k = 2 is AIC, k = log n is BIC. Each model has its own maximum of the likelihood, over the
dispersion too. An F test divides by the larger model's mean deviance, D/(n − p), as R's does:

    F = ((D₀ − D₁) / Δdf) / (D₁ / (n − p₁)).

References: Venables & Ripley (2002), Modern Applied Statistics with S, §6.8. That errors and tests
of a chosen model know nothing of the choice: Berk et al. (2013), Annals of Statistics 41, 802.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate, refit
from statdl.formula.update import formula_terms, term_text, update_formula
from statdl.infer.anova import Analysis, Step, between, choose_test, refuse_untestable
from statdl.infer.goodness import Goodness
from statdl.kinds import is_number
from statdl.report.stepwise import Line

Factors = frozenset[str]


@dataclass(frozen=True)
class Candidate:
    """A model one term away: the change in words, its factors in order, and the estimate."""

    sign: str
    factors: tuple[str, ...]
    estimate: Estimate

    @property
    def change(self) -> str:
        """What is done, such as ``- wt``."""
        return f"{self.sign} {':'.join(self.factors)}"

    @property
    def update(self) -> str:
        """The same as an update of the formula."""
        return f". ~ . {self.sign} {term_text(self.factors)}"


@dataclass(frozen=True)
class Scope:
    """The terms that may not go, and those that may come (factors in the order as written)."""

    lower: frozenset[Factors]
    upper: tuple[tuple[str, ...], ...]


def criterion(estimate: Estimate, k: float) -> tuple[float, float]:
    """Return the parameters that count, and AIC with k for each."""
    if estimate.specification.least_squares:
        n, p = estimate.nobs, estimate.degrees_of_freedom
        rss = estimate.deviance
        return p, n * math.log(rss / n) + k * p if rss > 0 else -math.inf
    found = Goodness(estimate).log_likelihood()
    return found.df, -2 * found.value + k * found.df


def price(estimate: Estimate, k: Any) -> float:
    """Return what a parameter costs: a number, 2 for "AIC", log n for "BIC"."""
    if isinstance(k, str) and k in ("AIC", "BIC"):
        return 2.0 if k == "AIC" else math.log(Goodness(estimate).log_likelihood().nobs)
    if not is_number(k) or not 0 <= k < math.inf:
        raise ModelError(
            f"k={k!r} is no price of a parameter; give a number, such as 2 or log n, or 'AIC' or "
            "'BIC'."
        )
    return float(k)


def check(estimate: Estimate) -> None:
    """Refuse fits that terms cannot be taken from."""
    refuse_untestable(estimate)
    _ = estimate.specification.rows.n  # a fit from a file has no rows, and says so


def droppable(estimate: Estimate, lower: frozenset[Factors] = frozenset()) -> list[Candidate]:
    """Return the models with a term less."""
    terms = estimate.frame.design.terms
    found = []
    for term in terms:
        part = any(term.factors < other.factors for other in terms)
        if part or term.factors in lower:
            continue
        columns = [j for other in terms if other is not term for j in other.columns]
        found.append(Candidate("-", _factors(term), refit(estimate, columns)))
    return found


def _factors(term: Any) -> tuple[str, ...]:
    """Return the factors of a term in the order of its name."""
    return tuple(sorted(term.factors, key=lambda factor: term.name.find(factor)))


def addable(fit: Any, upper: Sequence[tuple[str, ...]]) -> list[Candidate]:
    """Return the models with a term more, out of those that may come."""
    present = {term.factors for term in fit.estimate.frame.design.terms}
    known = {frozenset(factors) for factors in upper}
    found = []
    for factors in upper:
        own = frozenset(factors)
        parts = {other for other in known if other < own}
        if own in present or not parts <= present:
            continue
        larger = fit.update(f". ~ . + {term_text(factors)}").estimate
        _refuse_other_rows(fit.estimate, larger, factors)
        found.append(Candidate("+", factors, larger))
    return found


def _refuse_other_rows(small: Estimate, large: Estimate, factors: Sequence[str]) -> None:
    if small.nobs != large.nobs:
        raise DataError(
            f"With `{':'.join(factors)}` the model has {large.nobs} rows and not {small.nobs}, "
            "since values are missing; models are compared on the same rows. Drop those rows "
            "before the fit."
        )


def added(fit: Any, scope: Any) -> list[Candidate]:
    """Return the models with a term more: out of a formula, or each of the terms in a list."""
    texts = named_terms(scope)
    if texts is None:
        return addable(fit, scope_of(fit, scope).upper)
    found = []
    for text in texts:
        larger = addable(fit, _terms(fit, f"~ {text}"))
        if not larger:
            raise ModelError(f"scope= names `{text}`, which has nothing that the model lacks.")
        found += larger
    return found


def named_terms(scope: Any) -> list[str] | None:
    """Return the terms of a list, None where a scope is none or holds formulas."""
    if not isinstance(scope, tuple | list) or not all(isinstance(one, str) for one in scope):
        return None
    return None if any("~" in one for one in scope) else list(scope)


def scope_of(fit: Any, scope: Any) -> Scope:
    """Return the terms between which to move: of a formula (the largest model), or of two.

    A list of terms stands for those of the model and these.
    """
    own = tuple(_factors(term) for term in fit.estimate.frame.design.terms)
    if scope is None:
        return Scope(frozenset(), own)
    texts = named_terms(scope)
    if texts is not None:
        scope = " + ".join(["~ .", *texts])
    pair = scope if isinstance(scope, tuple | list) else ("~ 1", scope)
    if len(pair) != 2 or not all(isinstance(one, str) for one in pair):
        raise ModelError(
            "scope= is the formula of the largest model, such as '~ . + hp', a list of terms to "
            "add, such as ['hp', 'qsec'], or a pair of formulas: the smallest model and the "
            f"largest. It is {scope!r}."
        )
    lower, upper = (_terms(fit, text) for text in pair)
    return Scope(frozenset(map(frozenset, lower)), upper)


def _terms(fit: Any, text: str) -> tuple[tuple[str, ...], ...]:
    if fit.formula is None:
        raise ModelError("A fit to arrays has no formula to add terms to; fit a frame.")
    own = [_factors(term) for term in fit.estimate.frame.design.terms]
    old = f"y ~ {' + '.join(map(term_text, own)) or '1'}"
    text = text if "~" in text else f"~ {text}"
    return tuple(one for one in formula_terms(update_formula(old, text)) if one != ("1",))


def line(one: Candidate, from_: Estimate, k: float, test: str | None) -> Line:
    """Return what a table says of a candidate."""
    small, large = (one.estimate, from_) if one.sign == "-" else (from_, one.estimate)
    step = between(one.change, small, large, test or "")
    _, aic = criterion(one.estimate, k)
    statistic, p = math.nan, math.nan
    if test is not None:
        dispersion = _mean_deviance(large) if test == "F" else large.dispersion
        analysis = Analysis((step,), test, dispersion, large.df_resid)
        statistic, p = analysis.statistic(step), analysis.p_value(step)
    name = ":".join(one.factors)
    deviance = one.estimate.deviance
    return Line(name, step.df, step.deviance, deviance, aic, step.score, statistic, p)


def _mean_deviance(estimate: Estimate) -> float:
    n_less_p = estimate.df_resid
    return estimate.deviance / n_less_p if n_less_p > 0 else estimate.dispersion


def single_terms(
    estimate: Estimate, candidates: Sequence[Candidate], k: float, test: str | None
) -> tuple[list[Line], str | None]:
    """Return the lines of drop1 or add1, the model as it is first, and the test they have."""
    chosen = None if test == "none" else choose_test(estimate, test)
    nothing = math.nan
    own = Line(
        "<none>", nothing, nothing, estimate.deviance, criterion(estimate, k)[1],
        nothing, nothing, nothing,
    )  # fmt: skip
    return [own, *(line(one, estimate, k, chosen) for one in candidates)], chosen


@dataclass(frozen=True)
class Move:
    """A step of the way: what was done, the model after it, and what else was looked at."""

    change: str
    estimate: Estimate
    aic: float
    seen: tuple[tuple[str, float], ...] = ()


def walk(fit: Any, scope: Scope, direction: str, k: float, most: int) -> Iterator[tuple[Any, Move]]:
    """Yield fits, each the best of those one term away from the one before it.

    Terms that add no column of their own go first, the last of them before the others, as in R:
    without them the criterion is the same, and none of those that they repeat could ever go.
    """
    aic = criterion(fit.estimate, k)[1]
    yield fit, Move("", fit.estimate, aic)
    for _ in range(most):
        candidates = []
        if direction in ("backward", "both"):
            candidates += droppable(fit.estimate, scope.lower)
        if direction in ("forward", "both"):
            candidates += addable(fit, scope.upper)
        found = [(criterion(one.estimate, k)[1], one) for one in candidates]
        best, chosen = min(found, key=lambda pair: pair[0], default=(aic, None))
        seen = tuple((one.change, value) for value, one in found)
        idle = [one for one in candidates if one.sign == "-" and _same_span(one, fit.estimate)]
        if idle:
            chosen = idle[-1]
        elif chosen is None or not best < aic - 1e-7:
            yield fit, Move("", fit.estimate, aic, seen)
            return
        fit = fit.update(chosen.update)
        aic = criterion(fit.estimate, k)[1]
        yield fit, Move(chosen.change, fit.estimate, aic, seen)


def _same_span(one: Candidate, from_: Estimate) -> bool:
    """Tell whether a model with a term less has all the columns that were estimated."""
    return one.estimate.df_resid == from_.df_resid


def step_of(moves: Sequence[Move]) -> list[Step]:
    """Return the way as rows of an analysis of deviance."""
    rows, before = [], None
    for move in moves:
        own = move.estimate
        df = math.nan if before is None else float(own.df_resid - before.df_resid)
        fall = math.nan if before is None else abs(own.deviance - before.deviance)
        fall = 0.0 if df == 0 else fall  # and not rounding
        rows.append(Step(move.change, df, fall, float(own.df_resid), own.deviance))
        before = own
    return rows
