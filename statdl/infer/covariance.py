"""Covariance matrices of the estimated parameters, by what one is ready to assume.

With I the information, Λ the curvature of the penalty, H the exact second derivative of the
penalised −log L at θ̂, φ the dispersion and s_i the score of row i:

    hessian    φ (I + Λ)⁻¹ I (I + Λ)⁻¹, I the exact second derivative of −log L
    fisher     φ (I + Λ)⁻¹ I (I + Λ)⁻¹, I the expected information (Gauss-Newton): never negative
    classical  the one of these that a fit has by default
    sandwich   H⁻¹ (Σ s_i s_iᵀ) H⁻¹, which holds when the variance is misspecified (White 1982)
    HC0-HC4    the same, with corrections for what a row does to its own fitted value
    cluster    H⁻¹ (Σ_g s_g s_gᵀ) H⁻¹, s_g the sum over a cluster, whose rows vary together
    HAC        H⁻¹ (Σ_t Σ_u k(t − u) s_t s_uᵀ) H⁻¹ for rows in order of time (Newey & West 1987)
    bootstrap  the spread of refits (statdl.study)

Without a penalty the first two are φ I⁻¹. By default regressions have the expected information, as
in R, and networks the exact one, but under decay the expected one: the gradient of −log L is not 0
there, so that its exact second derivative has curvature along directions in which the fit does not
change (:mod:`statdl.estimate.identify`), and may have negative curvature; asked for all the same,
directions of negative curvature count as 0, and the note says how many. The sandwiches' bread is
that of the equations θ̂ solves: exact for networks, with or without decay, expected for regressions,
so that R's ``sandwich`` agrees. Prior weights enter a score once: a row of weight 2 is one
observation here and not two.

Each comes as a root R with R Rᵀ the covariance, which is all that a standard error asks for.

References
----------
White (1982), Maximum likelihood estimation of misspecified models, Econometrica 50.
:mod:`statdl.infer.meat` and :mod:`statdl.infer.newey_west` have those of the others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import DataError, ModelError, NumericalError, StatdlWarning, warn
from statdl.estimate import (
    EXAMINED_WEIGHTS,
    Determined,
    Estimate,
    Identification,
    Reported,
    determine,
)
from statdl.formula import Grouping, groupings
from statdl.infer import meat, newey_west
from statdl.infer.arithmetic import coefficient_labels, estimable_places
from statdl.infer.covariance_choice import MODEL_KINDS, ROBUST_KINDS, Covariance
from statdl.infer.scores import bread_root
from statdl.scan.groups import column_groups
from statdl.scan.rows import ScannedRows


def covariance_root(estimate: Estimate, kind: str | None = None) -> Any:
    """Return R, (P, r), with R Rᵀ the covariance of θ̂, of a kind or the one that is reported."""
    if kind is None:
        reported = estimate.reported
        if reported is not None:
            return reported.root
        return estimate.root * math.sqrt(estimate.dispersion)
    found = report(estimate, Covariance(kind))
    return estimate.root * math.sqrt(estimate.dispersion) if found is None else found.root


def covariance(estimate: Estimate, kind: str | None = None) -> Any:
    """Return the covariance of the estimable coefficients, (P, P).

    It is NaN where the weights are not identified: there is no such matrix, though what the network
    predicts has its errors.
    """
    refuse_unexamined(estimate)
    root = covariance_root(estimate, kind)
    matrix = root @ root.T
    singular = estimate.identification is Identification.SINGULAR
    return np.full_like(matrix, math.nan) if singular else matrix


def refuse_unexamined(estimate: Estimate) -> None:
    """Raise NumericalError where a network has too many weights for a matrix of their size."""
    if estimate.identification is Identification.UNEXAMINED:
        raise NumericalError(
            f"{len(estimate.parameters)} weights are too many for their covariance matrix "
            f"(more than {EXAMINED_WEIGHTS}); fit a smaller network."
        )


def refuse_rowless(estimate: Estimate, kind: str) -> None:
    """Raise DataError where a fit is from a file, and its rows are not there to sum over."""
    if estimate.remembered is not None:
        asked = "cluster=…" if kind == "cluster" else repr(kind)
        raise DataError(
            f"The covariance {kind!r} is made of the rows, and this model was loaded from a file, "
            f"which holds no rows of the data. Save fit.with_covariance({asked}), whose errors, "
            "tests and intervals come with the file, or fit the model again."
        )


def model_df(estimate: Estimate) -> float:
    """Return the residual degrees of freedom where the dispersion is estimated, else ∞."""
    return math.inf if estimate.family.dispersion_known else estimate.df_resid


def reference_df(estimate: Estimate) -> float:
    """Return the degrees of freedom of the reference t, ∞ for the normal."""
    return model_df(estimate) if estimate.reported is None else estimate.reported.df


def report(estimate: Estimate, choice: Covariance) -> Reported | None:
    """Return a covariance that the rows, but no refits, tell; None for the model's own.

    Raises
    ------
    ModelError, DataError, NumericalError
        Where the fit has no covariance of this kind.
    """
    if choice.type in MODEL_KINDS:
        return _of_model(estimate, choice.type)
    refuse_rowless(estimate, choice.type)
    _refuse_unsound(estimate)
    if choice.type in ROBUST_KINDS:
        return _heteroskedastic(estimate, choice.type)
    if choice.type == "HAC":
        return _autocorrelated(estimate, choice)
    if choice.type == "cluster":
        return _clustered(estimate, choice)
    raise ModelError("The bootstrap is not available here; use vcov('bootstrap').")


def _of_model(estimate: Estimate, kind: str) -> Reported | None:
    if kind == "classical" or _is_own(estimate, kind):
        return None
    refuse_rowless(estimate, kind)
    found = determine(estimate.objective, estimate.device_parameters, expected=kind == "fisher")
    root = to_numpy(found.root) * math.sqrt(estimate.dispersion)
    return Reported(kind, root, model_df(estimate), _information_note(estimate, kind, found))


def _information_note(estimate: Estimate, kind: str, found: Determined) -> str:
    """Return the formula of a covariance, and what was done where it is none."""
    penalised = estimate.objective.penalised is not None
    letter = {"hessian": "H", "fisher": "I"}[kind]
    which = {"hessian": "observed", "fisher": "expected"}[kind]
    note = f"Standard errors are from the {which} information"
    if penalised:
        note += f" {letter}, ({letter} + P)⁻¹ {letter} ({letter} + P)⁻¹ with P the decay"
    note += "."
    if found.negative:
        note += (
            f" Of its eigenvalues{', with respect to H + P,' if penalised else ''} "
            f"{found.negative} {'is' if found.negative == 1 else 'are'} negative, which no "
            "covariance has, and set to 0."
        )
    return note


def _is_own(estimate: Estimate, kind: str) -> bool:
    """Tell whether a kind is what the estimate has: all are one where η and the link are plain."""
    if estimate.objective.predictor.linear:
        return kind == "fisher" or estimate.family.canonical
    if estimate.objective.penalised is not None:
        return kind == "fisher"
    return kind == "hessian" and estimate.identification is Identification.IDENTIFIED


def _refuse_unsound(estimate: Estimate) -> None:
    refuse_unexamined(estimate)
    if np.isnan(estimate.root).any():
        raise ModelError(
            "The fit has no finite maximum, so that there is no covariance around it: "
            f"{estimate.convergence.message}"
        )


def _heteroskedastic(estimate: Estimate, kind: str) -> Reported:
    squares = meat.heteroskedastic(estimate, "HC0" if kind == "sandwich" else kind)
    df = model_df(estimate)
    note = f"Standard errors are heteroskedasticity-robust ({kind}){_referring(df)}."
    return Reported(kind, _sandwiched(estimate, squares, kind), df, note)


def _autocorrelated(estimate: Estimate, choice: Covariance) -> Reported:
    lags, n = choice.maxlags, estimate.objective.n
    if lags == "auto":
        lags = newey_west.chosen_lags(estimate)
    elif lags is None:
        lags = newey_west.usual_lags(n)
    if int(lags) >= n:
        raise ModelError(f"maxlags={lags} is not below the {n} rows of the fit.")
    squares = newey_west.autocorrelated(estimate, int(lags), choice.correction == "full")
    df = model_df(estimate)
    note = (
        "Standard errors are robust to heteroskedasticity and to autocorrelation over "
        f"{int(lags)} {'lag' if lags == 1 else 'lags'} (Newey-West){_referring(df)}."
    )
    made = {"maxlags": int(lags), "correction": choice.correction or "none"}
    return Reported("HAC", _sandwiched(estimate, squares, "HAC"), df, note, made)


def _clustered(estimate: Estimate, choice: Covariance) -> Reported:
    groups = clusters(estimate, choice.cluster)
    correction = choice.correction or "full"
    squares = meat.clustered(estimate, groups, correction)
    counts = [meat.group_count(estimate, group) for group in groups]
    df = cluster_df(estimate, counts)
    note = (
        f"Standard errors are robust to correlation within {_counted(groups, counts)}"
        f"{_referring(df)}."
    )
    root = _sandwiched(estimate, squares, "cluster")
    _warn_of_nothing(estimate, root, groups)
    return Reported("cluster", root, df, note, {"groups": groups, "correction": correction})


def _warn_of_nothing(estimate: Estimate, root: Any, groups: tuple[Grouping, ...]) -> None:
    """Warn of coefficients whose scores add up to 0 in every cluster."""
    ours, own = (np.sum(half * half, axis=1) for half in (root, estimate.root))
    names = np.asarray(coefficient_labels(estimate))[estimable_places(estimate)]
    nothing = names[ours < 1e-20 * own * max(estimate.dispersion, 1e-300)].tolist()
    if nothing:
        warn(
            f"The scores of {', '.join(nothing)} add up to 0 in every cluster of "
            f"`{groups[0].name}`, which the model has indicators of: these errors are rounding.",
            StatdlWarning,
        )


def clusters(estimate: Estimate, by: Any) -> tuple[Any, ...]:
    """Return the groups of the rows of a fit, in one or two ways."""
    rows = estimate.objective.rows
    if isinstance(rows, ScannedRows):
        scan = estimate.frame.scan  # type: ignore[attr-defined]
        groups: tuple[Any, ...] = column_groups(scan, rows, by)
    else:
        groups = groupings(estimate.frame, by)
    if len(groups) > 2:
        raise ModelError(f"Clusters have one way or two, and cluster= has {len(groups)}.")
    return groups


def cluster_df(estimate: Estimate, counts: list[int]) -> float:
    """Return G − 1 where tests refer to t, G the smaller of two; ∞ where they refer to z."""
    return math.inf if math.isinf(model_df(estimate)) else float(min(counts) - 1)


def _counted(groups: tuple[Grouping, ...], counts: list[int]) -> str:
    ways = [f"{count} clusters of `{one.name}`" for one, count in zip(groups, counts, strict=True)]
    return " and ".join(ways)


def _referring(df: float) -> str:
    reference = "the normal" if math.isinf(df) else f"t with {df:.6g} degrees of freedom"
    return f"; tests refer to {reference}"


def _sandwiched(estimate: Estimate, squares: Any, kind: str) -> Any:
    """Return R with R Rᵀ = B M Bᵀ."""
    return bread_root(estimate) @ half_root(squares, kind)


def half_root(matrix: Any, kind: str) -> Any:
    """Return R with R Rᵀ a symmetric matrix; what is negative in it counts as 0, with a warning.

    The difference that makes a covariance of two-way clusters need not be positive; its negative
    eigenvalues are set to 0 as by Cameron, Gelbach & Miller (2011).
    """
    values, vectors = np.linalg.eigh(matrix)
    if values.size and values[0] < -1e-9 * max(values[-1], 0.0):
        warn(
            f"The {kind} covariance has a negative variance in some direction, which is set to 0; "
            "there are few clusters for two ways.",
            StatdlWarning,
        )
    return vectors * np.sqrt(np.maximum(values, 0.0))


def score_trace(estimate: Estimate) -> float:
    """Return tr(H⁻¹ Σ s_i s_iᵀ) at unit dispersion: the parameters that the scores count.

    Where the dispersion is known a row of weight w is w observations.
    """
    known = estimate.recall("score_trace")
    if known is not None:
        return known
    known_dispersion = estimate.family.dispersion_known
    squares = meat.counted(estimate) if known_dispersion else meat.heteroskedastic(estimate)
    return float(np.trace(squares))
