"""Analysis of variance and of deviance: sequential, Type II, Type III, and fits compared.

A row compares two nested models by the fall Δ in deviance (for the normal, in the residual sum of
squares) over Δdf degrees of freedom:

    F = (Δ/Δdf) / φ̂     where the dispersion is estimated,
    χ² = Δ              where it is known (a likelihood-ratio test),
    χ² = S / φ̂          by Rao's score test, S of :mod:`statdl.infer.score`.

φ̂ is that of the largest model of the table.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from statdl.backend.array import like, namespace
from statdl.backend.linalg import design_matrix, factorise, orthogonal_triangular
from statdl.backend.rows import Rows
from statdl.errors import DataError, ModelError, NotPositiveDefiniteError, unknown_word
from statdl.estimate import Estimate, estimate, refit
from statdl.formula import ModelFrame, Term
from statdl.infer.distribution import chi2_tail, f_tail
from statdl.infer.score import score_statistic
from statdl.scan.frame import ScanFrame
from statdl.scan.rows import ScannedRows

TESTS = ("F", "Chisq", "LRT", "Rao")
PENALISED = (
    "A penalised fit is no maximum of the likelihood, so that its deviances have no F or χ² test; "
    "compare predictions."
)


@dataclass(frozen=True)
class Step:
    """One row: what is tested, its degrees of freedom and deviance, and what is left after it.

    ``score`` is Rao's statistic at unit dispersion, where that is the test.
    """

    name: str
    df: float
    deviance: float
    residual_df: float
    residual_deviance: float
    score: float = math.nan


@dataclass(frozen=True)
class Analysis:
    """The rows of a table with their tests.

    ``test`` is "F", "Chisq" or "Rao"; ``dispersion`` and ``dispersion_df`` belong to the largest
    model.
    """

    steps: tuple[Step, ...]
    test: str
    dispersion: float
    dispersion_df: float
    heading: tuple[str, ...] = ()

    def statistic(self, step: Step) -> float:
        """Return F or χ² of a row, NaN where there is nothing to test."""
        change = step.score if self.test == "Rao" else step.deviance
        if not step.df or math.isnan(step.df) or math.isnan(change):
            return math.nan
        fall = change if self.test == "Rao" else math.copysign(change, change * step.df)
        if not self.dispersion > 0:
            return math.inf if fall > 0 else math.nan
        return fall / self.dispersion / (abs(step.df) if self.test == "F" else 1.0)

    def p_value(self, step: Step) -> float:
        """Return its p-value."""
        statistic = self.statistic(step)
        if self.test == "F":
            return f_tail(statistic, abs(step.df), self.dispersion_df)
        return chi2_tail(statistic, abs(step.df))


def choose_test(fit: Estimate, test: str | None) -> str:
    """Return the test that fits the family unless one is asked for."""
    if test is None:
        return "Chisq" if fit.family.dispersion_known else "F"
    if test not in (*TESTS, "LR"):
        raise unknown_word("test", test, TESTS)
    if test == "F" and fit.family.dispersion_known:
        raise ModelError(
            f"An F test needs an estimated dispersion, and the {fit.family.name} family has none "
            "to estimate; use test='Chisq'."
        )
    return "Chisq" if test in ("LR", "LRT") else test


def sequential(fit: Estimate, test: str | None = None) -> Analysis:
    """Return the Type I table: each term after those before it."""
    refuse_untestable(fit)
    test = choose_test(fit, test)
    terms = estimable_terms(fit)
    if test == "Rao":
        return _sequential_scores(fit, terms)
    falls = _effects(fit, terms) if fit.family.quadratic else None
    deviances, dfs = _falling(fit, terms) if falls is None else falls
    steps = [
        Step(term.name, before_df - after_df, before - after, after_df, after)
        for term, before, after, before_df, after_df in zip(
            terms, deviances, deviances[1:], dfs, dfs[1:], strict=False
        )
    ]
    null = Step("NULL", math.nan, math.nan, dfs[0], deviances[0])
    return Analysis((null, *steps), test, fit.dispersion, fit.df_resid)


def _sequential_scores(fit: Estimate, terms: list[Term]) -> Analysis:
    models = [refit(fit, _columns(terms[:k])) for k in range(len(terms))] + [fit]
    steps = [
        between(term.name, small, large, "Rao")
        for term, (small, large) in zip(terms, pairwise(models), strict=True)
    ]
    first = models[0]
    null = Step("NULL", math.nan, math.nan, float(first.df_resid), first.deviance)
    return Analysis((null, *steps), "Rao", fit.dispersion, fit.df_resid)


def refuse_untestable(fit: Estimate) -> None:
    """Raise for fits whose terms have no sums of squares of their own."""
    if fit.specification.plan is not None:
        raise ModelError(
            "A network has no sequence of terms; compare it with another fit, or see the tests of "
            "its inputs in summary()."
        )
    if fit.specification.penalty.active:
        raise ModelError(PENALISED)


def estimable_terms(fit: Estimate) -> list[Term]:
    """Return the terms that own at least one estimable column, as R's anova shows them."""
    first = int(fit.specification.intercept)
    return [
        term for term in fit.frame.design.terms if any(fit.kept[j + first] for j in term.columns)
    ]


def _effects(fit: Estimate, terms: list[Term]) -> tuple[list[float], list[float]] | None:
    """Return residual sums of squares along the sequence, from one triangular factor.

    With XᵀWX = RᵀR the vector R β̂ holds the effects: its squares are the sequential sums of
    squares of the columns, in their order. None where the factor cannot be had.
    """
    try:
        factor = factorise(fit.information)
    except NotPositiveDefiniteError:
        return None
    if factor.smallest_pivot() < 1e-9:
        return None
    effects = factor.lower.T @ (factor.scale * fit.parameters)
    first = int(fit.specification.intercept)
    place = np.cumsum(fit.kept) - 1
    sums = [
        float(sum(effects[place[j + first]] ** 2 for j in term.columns if fit.kept[j + first]))
        for term in terms
    ]
    counts = [sum(fit.kept[j + first] for j in term.columns) for term in terms]
    deviances = [fit.deviance + sum(sums[k:]) for k in range(len(terms) + 1)]
    dfs = [float(fit.df_resid + sum(counts[k:])) for k in range(len(terms) + 1)]
    return deviances, dfs


def _falling(fit: Estimate, terms: list[Term]) -> tuple[list[float], list[float]]:
    """Return residual deviances along the sequence, by fitting each model."""
    models = [refit(fit, _columns(terms[:k])) for k in range(len(terms))] + [fit]
    return [model.deviance for model in models], [float(model.df_resid) for model in models]


def _columns(terms: Sequence[Term]) -> list[int]:
    return [j for term in terms for j in term.columns]


def marginal(fit: Estimate, typ: int, test: str | None = None) -> Analysis:
    """Return the Type II or Type III table.

    Type II tests each term after all others but those that contain it; Type III each term after
    all others, with factors coded by contrasts that sum to zero.
    """
    refuse_untestable(fit)
    test = choose_test(fit, test)
    if typ == 3:
        return _type_three(fit, test)
    terms = list(fit.frame.design.terms)
    steps = []
    for term in terms:
        others = [other for other in terms if not term.factors <= other.factors]
        without = refit(fit, _columns(others))
        with_it = refit(fit, sorted(_columns([*others, term])))
        steps.append(between(term.name, without, with_it, test))
    return Analysis((*steps, _residual(fit)), test, fit.dispersion, fit.df_resid)


def _type_three(fit: Estimate, test: str) -> Analysis:
    if not all(fit.kept):
        raise ModelError(
            "Type III tests need every coefficient to be estimable, and some columns are "
            "combinations of others; use typ=2."
        )
    full = recoded(fit)
    terms = list(full.frame.design.terms)
    steps = []
    if fit.family.quadratic and fit.specification.intercept:
        steps.append(_intercept_step(full))
    for term in terms:
        others = [other for other in terms if other is not term]
        steps.append(between(term.name, refit(full, _columns(others)), full, test))
    return Analysis((*steps, _residual(fit)), test, fit.dispersion, fit.df_resid)


def recoded(fit: Estimate) -> Estimate:
    """Return the same model with sum contrasts."""
    specification = fit.specification
    frame = specification.frame.recode("sum")
    rows = _recoded_rows(fit, frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit itself has said what there is to say
        return estimate(replace(specification, frame=frame, rows=rows))


def _recoded_rows(fit: Estimate, frame: ModelFrame) -> Rows:
    """Return the rows of a fit as another frame of the same rows codes them."""
    rows = fit.specification.rows
    if isinstance(frame, ScanFrame):
        assert isinstance(rows, ScannedRows)
        return frame.rows_like(rows)
    return replace(rows, X=fit.to_device(frame.X)) if frame.X is not fit.frame.X else rows


def _intercept_step(fit: Estimate) -> Step:
    """Return the test of the intercept: its t value, squared."""
    fall = float(fit.parameters[0] ** 2 / fit.covariance[0, 0])
    return Step("Intercept", 1.0, fall, fit.df_resid + 1, fit.deviance + fall)


def between(name: str, small: Estimate, large: Estimate, test: str) -> Step:
    """Return the row that compares a model with a smaller one nested in it."""
    df = float(small.df_resid - large.df_resid)
    fall = small.deviance - large.deviance if df else math.nan
    score = score_statistic(small, large) if df and test == "Rao" else math.nan
    return Step(name, df, fall, float(large.df_resid), large.deviance, score)


def _residual(fit: Estimate) -> Step:
    return Step("Residuals", math.nan, math.nan, float(fit.df_resid), fit.deviance)


def compare(fits: Sequence[Estimate], test: str | None = None) -> Analysis:
    """Compare fits to the same data in the order given, each with the one before it."""
    largest = min(fits, key=lambda fit: fit.df_resid)
    test = choose_test(largest, test)
    for one, other in pairwise(fits):
        refuse_uncomparable(one, other)
    steps = [Step("1", math.nan, math.nan, float(fits[0].df_resid), fits[0].deviance)]
    for k, (one, other) in enumerate(pairwise(fits), start=2):
        df = float(one.df_resid - other.df_resid)
        fall = one.deviance - other.deviance
        score = math.nan
        if test == "Rao" and df:
            score = score_statistic(*sorted((one, other), key=lambda fit: fit.rank))
        steps.append(Step(str(k), df, fall, float(other.df_resid), other.deviance, score))
    return Analysis(tuple(steps), test, largest.dispersion, largest.df_resid)


def refuse_uncomparable(one: Estimate, other: Estimate) -> None:
    """Raise unless two fits are of one response, one of them nested in the other."""
    _refuse_incomparable(one, other)
    small, large = sorted((one, other), key=lambda fit: fit.rank)
    _refuse_unnested(small, large)


def _refuse_incomparable(one: Estimate, other: Estimate) -> None:
    """Raise unless both models are of one family and one response."""
    if one.specification.plan is not None or other.specification.plan is not None:
        raise ModelError(
            "Under the smaller model the weights of a network are not identified, so that the "
            "likelihood ratio has no χ² distribution."
        )
    if one.family.name != other.family.name:
        raise ModelError(
            f"A {one.family.name} and a {other.family.name} model cannot be compared by a "
            "likelihood-ratio test; compare their AIC."
        )
    if one.specification.penalty.active or other.specification.penalty.active:
        raise ModelError(PENALISED)
    if one.nobs != other.nobs:
        raise DataError(
            f"The models were fitted to different rows ({one.nobs} and {other.nobs}), perhaps "
            "because of missing values; fit them to the same rows."
        )
    if one.objective.rows.passing and other.objective.rows.passing:
        _refuse_other_sums(one, other)
        return
    for name in ("y", "weights"):
        rows = (fit.objective.rows.representatives() for fit in (one, other))
        ours, theirs = (getattr(each, name) for each in rows)
        if not _same(ours, theirs):
            what = "responses" if name == "y" else "weights"
            raise DataError(f"The models have different {what} and cannot be compared.")


def _refuse_other_sums(one: Estimate, other: Estimate) -> None:
    """Raise where rows that are read in blocks have other weights, or another response, in sum."""
    ours, theirs = (fit.objective.rows.census for fit in (one, other))  # type: ignore[attr-defined]
    if not math.isclose(ours.weight, theirs.weight, rel_tol=1e-9):
        raise DataError("The models have different weights and cannot be compared.")
    sums = np.concatenate([ours.response[0] - theirs.response[0], ours.squares - theirs.squares])
    size = np.concatenate([np.sqrt(ours.n * ours.squares), ours.squares])
    if (np.abs(sums) > 1e-9 * size).any():
        raise DataError("The models have different responses and cannot be compared.")


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:  # no weights are weights of 1
        given = one if other is None else other
        return given is None or bool(namespace(given).all(given == 1))
    if tuple(one.shape) != tuple(other.shape):
        return False
    return bool(namespace(one).all(one == like(other, one)))  # where they are: they may be long


def _refuse_unnested(small: Estimate, large: Estimate) -> None:
    """Raise unless the columns of the smaller model lie in the space of the larger one's."""
    if small.family.link.name != large.family.link.name:
        raise ModelError("Models with different links are not nested; compare their AIC.")
    if small.objective.rows.passing:
        _refuse_other_names(small, large)
        return
    Q, _ = orthogonal_triangular(_space(large))
    xp = namespace(Q)
    ours = xp.concat([_space(small), _offset(small) - _offset(large)], axis=1)
    rest = ours - Q @ (Q.T @ ours)
    lengths = xp.sqrt(xp.sum(ours * ours, axis=0))
    left = xp.sqrt(xp.sum(rest * rest, axis=0))
    if bool(xp.any(left > 1e-7 * lengths)):
        raise ModelError(
            "The models are not nested: the smaller one has columns, or an offset, that are no "
            "combination of the larger one's, so that there is no test between them; compare their "
            "AIC."
        )


def _refuse_other_names(small: Estimate, large: Estimate) -> None:
    """Raise where a model of a scan has a column, or an offset, that the larger one has not."""
    names = [
        name
        for name, keep in zip(small.specification.coefficient_names, small.kept, strict=True)
        if keep and name not in large.specification.coefficient_names
    ]
    requests = [fit.frame.encoder.request for fit in (small, large)]  # type: ignore[attr-defined]
    offsets = [(one.offset, sorted(e.text for e in one.parsed.offsets)) for one in requests]
    if not names and offsets[0] == offsets[1]:
        return
    what = f"the column '{names[0]}'" if names else "an offset"
    raise ModelError(
        f"The smaller model has {what}, which the larger one has not. Models of rows that are read "
        "in blocks are compared by the names of their columns, which must be among those of the "
        "larger one; otherwise compare their AIC."
    )


def _space(fit: Estimate) -> Any:
    return design_matrix(fit.objective.rows.representatives().X, fit.objective.intercept)


def _offset(fit: Estimate) -> Any:
    """Return the offset as a column, zeros where there is none."""
    rows = fit.objective.rows.representatives()
    return namespace(rows.X).zeros_like(rows.y[:, :1]) if rows.offset is None else rows.offset
