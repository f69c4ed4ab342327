"""The front doors of many fits: views of the data, the bootstrap, the jackknife, simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statdl.api.network import mlp
from statdl.api.regression import glm, lm, multinom
from statdl.api.verbs import as_fit
from statdl.api.words import is_multinomial
from statdl.backend.array import to_numpy
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer.covariance import clusters
from statdl.infer.covariance_choice import Covariance
from statdl.kinds import is_whole
from statdl.lazy import lazy
from statdl.results import Fit
from statdl.study.bootstrap import (
    case_resamples,
    check_count,
    cluster_resamples,
    own_weights,
    simulated_responses,
    spread_tolerance,
)
from statdl.study.fits import ManyFits, counted_groups
from statdl.study.given import (
    check_counts,
    counted_rows,
    drawn_starts,
    given_starts,
    given_weights,
    labelled,
    responses,
    strengths,
)
from statdl.study.many import TOLERANCE, fit_views
from statdl.study.repeatable import refuse_unbounded, refuse_unrepeatable
from statdl.study.views import LeftOut, Source, Views

pd = lazy("pandas")


def fit_many(
    model: Fit | str,
    data: Any = None,
    *,
    weights: Any = None,
    rows: Any = None,
    y: Any = None,
    penalty: Any = None,
    starts: Any = None,
    seeds: Any = None,
    tolerance: float = TOLERANCE,
    **options: Any,
) -> ManyFits:
    """Fit one model to many views of its data, all at once.

    Whatever is given has a fit along its first axis, B of them; what is not given is the model's.
    Regressions are fitted by Newton's method, one stacked factorisation a step; networks by
    L-BFGS and damped Newton's method. Fits are split into parts that there is room for. One that
    fails is counted and named, and stops no other.

    Parameters
    ----------
    model : Fit or str
        A fit, or a formula, which is fitted to ``data`` first, with ``options``: by
        :func:`mlp` where ``hidden`` is among them, by :func:`multinom` or :func:`glm` where
        ``family`` is, else by :func:`lm`.
    data : frame, optional
        The data of a formula.
    weights : (B, n), optional
        Weights of the rows, in place of the model's.
    rows : (B, m) of int, or B sequences of int, optional
        Which rows each fit sees, counted from 0; a row named twice counts twice.
    y : (B, n), or a frame with a column a response, optional
        Responses, such as those of :func:`simulate`: numbers or classes.
    penalty : (B,), optional
        λ of the ridge penalty ½ λ Σ β²; of a network, the decay of all its weights.
    starts : (B, P), optional
        Where each fit starts; by default at the model's estimate.
    seeds : sequence of B int, optional
        Seeds of random starts of a network.
    tolerance : float
        Distance from its minimum, in standard errors, that a fit may stop at.

    Returns
    -------
    ManyFits
        With ``frame``, ``failures``, ``bse``, ``confint()``, ``losses``, ``plot()``. Fits that
        differ in nothing but penalty or start are no sample: they print their losses or minima,
        and have no errors and no limits.

    Raises
    ------
    ModelError
        When nothing is given to vary, or the model cannot be fitted again.
    DataError
        When what is given has not B fits, or not the model's rows.

    See Also
    --------
    bootstrap, jackknife : With views of their own.
    cv_path, search : Studies that choose.

    Examples
    --------
    >>> import numpy as np
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> fit = sd.glm("am ~ wt", data=cars, family="binomial")
    >>> sd.fit_many(fit, penalty=[0.1, 1.0, 10.0]).frame["wt"].round(3).tolist()
    [-3.431, -1.99, -0.638]
    >>> halves = sd.fit_many("mpg ~ wt", cars, rows=[range(16), range(16, 32)])
    >>> halves.frame["wt"].round(3).tolist()
    [-4.499, -5.842]
    """
    fit = _fitted(model, data, options)
    estimate = fit.estimate
    refuse_unrepeatable(estimate)
    if weights is not None and rows is not None:
        raise ModelError("Give weights= or rows=, which are weights that count, and not both.")
    if starts is not None and seeds is not None:
        raise ModelError("Give starts= or seeds=, which are drawn starts, and not both.")
    counted = counted_rows(estimate, rows)
    views = Views(
        weights=counted if weights is None else given_weights(estimate, weights),
        y=None if y is None else responses(estimate, y),
        strengths=None if penalty is None else strengths(estimate, penalty),
        starts=drawn_starts(estimate, seeds) if starts is None else given_starts(estimate, starts),
    )
    check_counts(views, weights, rows, y, penalty, starts, seeds)
    found = fit_views(estimate, views, tolerance=tolerance, losses=True)
    kind = "views"
    if weights is None and rows is None and y is None:
        kind = "starts" if penalty is None else "penalties"
    return ManyFits(estimate, found, views, kind, fit.label)


def bootstrap(
    fit: Fit,
    B: int = 1000,
    *,
    seed: int = 0,
    scheme: str = "pairs",
    cluster: Any = None,
    tolerance: float | None = None,
) -> ManyFits:
    """Refit a model to B resamples of its data.

    Parameters
    ----------
    fit : Fit
        The model. A network is refitted from its weights, so that units keep their names.
    B : int
        The number of resamples.
    seed : int
        Of the draws; the same seed gives the same resamples on any device.
    scheme : {"pairs", "parametric"}
        Draw rows with replacement, or responses from the fitted model.
    cluster : formula or array, optional
        Groups of rows that are drawn together, as for :meth:`statdl.Fit.vcov`.
    tolerance : float, optional
        Distance from its minimum, in standard errors, that a refit may stop at: 1e-3 of a
        regression and 0.05 of a network, far below the spread.

    Returns
    -------
    ManyFits
        ``confint(method=)`` has percentile, BCa, basic and normal limits.

    Raises
    ------
    ModelError
        When the fit has no maximum, or B is too small.

    See Also
    --------
    Fit.vcov : The covariance alone, ``vcov("bootstrap")``; there also the residual and wild
        schemes of linear regression.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> many = sd.bootstrap(fit, 200, seed=1)
    >>> many.confint(method="basic").shape
    (2, 2)
    """
    estimate = as_fit(fit).estimate
    refuse_unbounded(estimate)
    check_count(B)
    codes = None
    views: Source
    if scheme not in ("pairs", "parametric"):
        raise ModelError(f"scheme={scheme!r} is not known; choose pairs or parametric.")
    if scheme == "parametric":
        if cluster is not None:
            raise ModelError("Responses are drawn row by row; cluster= is for scheme='pairs'.")
        views = simulated_responses(estimate, int(B), seed)
    elif cluster is None:
        views = case_resamples(estimate, B, seed)
    else:
        group = _one_way(estimate, cluster)
        views = cluster_resamples(estimate, B, seed, group)
        codes = to_numpy(group.codes)
    limit = spread_tolerance(estimate) if tolerance is None else tolerance
    found = fit_views(estimate, views, tolerance=limit)
    kind = "parametric" if scheme == "parametric" else "bootstrap"
    return ManyFits(estimate, found, views, kind, fit.label, codes)


def jackknife(fit: Fit, *, cluster: Any = None) -> ManyFits:
    """Refit a model without each row, or without each cluster of rows.

        se² = (g − 1)/g Σ (θ̂_(i) − θ̄_(·))²

    Parameters
    ----------
    fit : Fit
        The model.
    cluster : formula or array, optional
        Groups of rows that are left out together.

    Returns
    -------
    ManyFits
        A fit for each row or group; ``bse`` and ``bias`` are the jackknife's.

    See Also
    --------
    Fit.influence : What one step of Newton's method says of each row, without refits.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 11.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.jackknife(fit).bse.round(3).to_dict()
    {'Intercept': 2.388, 'wt': 0.726}
    """
    estimate = as_fit(fit).estimate
    refuse_unbounded(estimate)
    own = own_weights(estimate)
    named = None if cluster is None else to_numpy(_one_way(estimate, cluster).codes)
    codes = counted_groups(own, named)
    if codes.max() < 1:
        raise DataError("There is one cluster of rows only; none are left without it.")
    views = LeftOut(own, codes)
    found = fit_views(estimate, views)
    return ManyFits(estimate, found, views, "jackknife", fit.label, codes)


def simulate(fit: Fit, nsim: int = 1, *, seed: int = 0) -> Any:
    """Return responses drawn from a fitted model, a column each (R's verb).

    Parameters
    ----------
    fit : Fit
        The model.
    nsim : int
        How many responses to draw.
    seed : int
        Of the draws.

    Returns
    -------
    A frame with the rows of the fit and columns ``sim_1``, ``sim_2``, …: numbers, shares of trials
    or classes.

    See Also
    --------
    fit_many : Fits to all of them: ``fit_many(fit, y=simulate(fit, 200))``.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> drawn = sd.simulate(fit, 3, seed=1)
    >>> drawn.shape
    (32, 3)
    >>> len(sd.fit_many(fit, y=drawn).frame)
    3
    """
    estimate = as_fit(fit).estimate
    refuse_unrepeatable(estimate)
    if not is_whole(nsim) or nsim < 1:
        raise ModelError(f"nsim must be a whole number of 1 or more, not {nsim!r}.")
    drawn = next(simulated_responses(estimate, int(nsim), seed).blocks(int(nsim))).y
    index = estimate.frame.index
    columns = {f"sim_{k + 1}": labelled(estimate, drawn[k]) for k in range(int(nsim))}
    return pd.DataFrame(columns, index=index)


def _fitted(model: Any, data: Any, options: dict[str, Any]) -> Fit:
    if not isinstance(model, str):
        if data is not None or options:
            given = ", ".join(["data"] * (data is not None) + list(options))
            raise ModelError(
                f"A fit has its data and options already; {given} goes with a formula."
            )
        return as_fit(model)
    front: Callable[..., Any] = lm
    if "hidden" in options:
        front = mlp
    elif "family" in options:
        front = multinom if is_multinomial(options["family"]) else glm
    if front is multinom:
        options = {name: value for name, value in options.items() if name != "family"}
    return as_fit(front(model, data, **options))


def _one_way(estimate: Estimate, cluster: Any) -> Any:
    groups = clusters(estimate, Covariance("cluster", cluster).cluster)
    if len(groups) > 1:
        raise ModelError("Rows are drawn or left out by clusters of one way only.")
    return groups[0]
