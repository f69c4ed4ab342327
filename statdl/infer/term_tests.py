"""Wald tests of terms and of nested models, under any covariance.

A term T is tested given that others, S, are not in the model, though they were estimated with it:

    W = W(θ_T = 0 and θ_S = 0) − W(θ_S = 0),

which is the Wald statistic of θ_T after the adjustment that θ_S = 0 makes. S are the terms after T
(Type I), those that contain T (II), or none, with factors coded to sum to zero (III). With the
model's own covariance of a linear regression these are the F tests of the usual tables.

Nested models: the columns of the smaller one are X C, and it is the hypothesis Nᵀ β = 0 with N an
orthonormal basis of what is orthogonal to C.

Reference: Fox (2016), Applied Regression Analysis and Generalized Linear Models, §9.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.backend.linalg import design_matrix, orthogonal_triangular, solve_upper
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.formula import Term
from statdl.infer.anova import estimable_terms, recoded, refuse_uncomparable, refuse_untestable
from statdl.infer.covariance import covariance_root, reference_df
from statdl.infer.linear_hypothesis import WaldTest, joint

TESTS = ("F", "Chisq")


@dataclass(frozen=True)
class Named:
    """A test and what it is of."""

    name: str
    test: WaldTest


def check_test(estimate: Estimate, test: str | None) -> str:
    """Return F where errors refer to t, else χ², unless one is asked for."""
    if test is None:
        return "Chisq" if math.isinf(reference_df(estimate)) else "F"
    if test not in TESTS:
        raise ModelError(
            f"test={test!r} is not known for Wald tests, as they are under a covariance of one's "
            f"choice; choose {' or '.join(TESTS)}."
        )
    return test


def term_tests(estimate: Estimate, typ: int) -> tuple[Named, ...]:
    """Return the Wald test of every term, of Type I, II or III."""
    refuse_untestable(estimate)
    values, root, terms = np.asarray(estimate.parameters), covariance_root(estimate), None
    if typ == 3:
        values, root, terms = _recoded(estimate, root)
    terms = estimable_terms(estimate) if terms is None else terms
    df = reference_df(estimate)
    found = []
    for term, others in zip(terms, _beside(terms, typ), strict=True):
        own = _places(estimate, [term])
        beside = _places(estimate, others)
        found.append(Named(term.name, _given(values, root, own, beside, df)))
    return tuple(found)


def _beside(terms: Sequence[Term], typ: int) -> Iterator[list[Term]]:
    for k, term in enumerate(terms):
        if typ == 1:
            yield list(terms[k + 1 :])
        elif typ == 2:
            yield [one for one in terms if one is not term and term.factors <= one.factors]
        else:
            yield []


def _given(values: Any, root: Any, own: Any, beside: Any, df: float) -> WaldTest:
    """Return W(own and beside) − W(beside), with as many degrees of freedom as own has."""
    both = np.concatenate([own, beside])
    whole = joint(values[both], root[both, :], df)
    if not len(beside):
        return whole
    rest = joint(values[beside], root[beside, :], df)
    return WaldTest(whole.statistic - rest.statistic, len(own), df, whole.note)


def _places(estimate: Estimate, terms: Sequence[Term]) -> Any:
    """Return where θ has the coefficients of terms, of all outputs."""
    first = int(estimate.specification.intercept)
    order = np.cumsum(estimate.kept) - 1
    columns = [j + first for term in terms for j in term.columns if estimate.kept[j + first]]
    each = order[columns] if columns else np.zeros(0, dtype=int)
    width = sum(estimate.kept)
    return np.concatenate([each + k * width for k in range(estimate.outputs)])


def _recoded(estimate: Estimate, root: Any) -> tuple[Any, Any, list[Term]]:
    """Return θ, R and the terms with factors coded to sum to zero: X β = X₀ (A β)."""
    other = recoded(estimate)
    A = to_numpy(_coordinates(_space(other), _space(estimate)))
    move = np.kron(np.eye(estimate.outputs), A)
    return move @ estimate.parameters, move @ root, list(other.frame.design.terms)


def _space(estimate: Estimate) -> Any:
    return design_matrix(estimate.objective.rows.representatives().X, estimate.objective.intercept)


def _coordinates(wide: Any, narrow: Any) -> Any:
    """Return C with narrow = wide C."""
    Q, R = orthogonal_triangular(wide)
    return solve_upper(R, Q.T @ narrow)


def model_tests(fits: Sequence[Estimate]) -> tuple[Named, ...]:
    """Return the Wald test of each fit against the one before it, by the larger one's covariance.

    Raises
    ------
    ModelError, DataError
        When two fits are not of one response and nested.
    """
    found = []
    for k, (one, other) in enumerate(pairwise(fits), start=2):
        refuse_uncomparable(one, other)
        small, large = sorted((one, other), key=lambda fit: fit.rank)
        found.append(Named(str(k), _nested(small, large)))
    return tuple(found)


def _nested(small: Estimate, large: Estimate) -> WaldTest:
    C = to_numpy(_coordinates(_space(large), _space(small)))
    free = C.shape[0] - C.shape[1]
    df = reference_df(large)
    if not free:
        return WaldTest(math.nan, 0, df)
    # in units of standard errors, so that the columns' units do not decide what rounding is
    unit = np.sqrt(np.sum(large.root**2, axis=1))[: C.shape[0]]
    N = np.linalg.qr(C / unit[:, None], mode="complete")[0][:, C.shape[1] :] / unit[:, None]
    move = np.kron(np.eye(large.outputs), N.T)
    return joint(move @ large.parameters, move @ covariance_root(large), df)
