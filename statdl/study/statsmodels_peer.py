"""A regression fitted again by statsmodels, to be compared with.

Least squares by OLS or WLS (of y less the offset), other families by GLM, started again until it
does not move, several classes by MNLogit, which takes weights that are counts as repeated rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.estimate import Estimate, Reported
from statdl.infer.covariance import reference_df
from statdl.lazy import lazy

sm = lazy("statsmodels.api")

#: Our links, families and robust covariances under statsmodels' names.
LINKS = {
    "identity": "Identity",
    "log": "Log",
    "inverse": "InversePower",
    "sqrt": "Sqrt",
    "logit": "Logit",
    "probit": "Probit",
    "cauchit": "Cauchy",
    "cloglog": "CLogLog",
}
FAMILIES = {"gaussian": "Gaussian", "binomial": "Binomial", "poisson": "Poisson", "gamma": "Gamma"}
ROBUST = {"HC0": "HC0", "sandwich": "HC0", "HC1": "HC1", "HC2": "HC2", "HC3": "HC3"}
#: More rows than this are not made of weights that are counts.
MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Peer:
    """What another package says: values by quantity, and sentences on what it cannot say."""

    name: str
    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostRows:
    """The rows with positive weight on the host: X with the intercept, y, weights, offset, trials.

    ``used`` are their positions among the rows of the fit.
    """

    X: Any
    y: Any
    weights: Any
    offset: Any
    trials: Any
    used: Any

    @property
    def weighted(self) -> bool:
        """Whether some row counts for more than another."""
        return bool(np.any(self.weights != 1))

    @property
    def prior_weights(self) -> Any:
        """The weights of rows, each of several trials or of one."""
        return self.weights if self.trials is None else self.weights / self.trials

    @property
    def shifted(self) -> bool:
        """Whether there is an offset."""
        return bool(np.any(self.offset != 0))


def host_rows(estimate: Estimate) -> HostRows:
    """Return the rows of a fit on the host, with the columns that were estimated."""
    rows = estimate.objective.rows
    n = rows.n
    weights = np.ones(n) if rows.weights is None else to_numpy(rows.weights).astype(float)
    offset = np.zeros(n) if rows.offset is None else to_numpy(rows.offset)[:, 0].astype(float)
    used = np.flatnonzero(weights > 0)
    X = to_numpy(rows.X).astype(float)[used]
    if estimate.objective.intercept:
        X = np.column_stack([np.ones(len(used)), X])
    trials = None if rows.trials is None else to_numpy(rows.trials).astype(float)[used]
    y = to_numpy(rows.y).astype(float)[used]
    return HostRows(X, y, weights[used], offset[used], trials, used)


def statsmodels_peer(estimate: Estimate) -> Peer:
    """Return what statsmodels finds for the same rows."""
    penalty = estimate.specification.penalty
    if penalty.active:
        return _nothing("statsmodels has no inference under such a penalty")
    rows = host_rows(estimate)
    with _quiet():
        if estimate.family.name == "multinomial":
            return _multinomial(estimate, rows)
        if estimate.family.quadratic:
            return _linear(estimate, rows)
        return _generalised(estimate, rows)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _covariance_options(
    estimate: Estimate, rows: HostRows
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return statsmodels' name of the covariance reported, or a sentence that it has none."""
    reported = estimate.reported
    if reported is None:
        return {}, ()
    why = _no_such_covariance(estimate, reported, rows)
    if why:
        return {}, (
            f"The covariance {reported.kind!r} is not compared, nor errors, tests and limits, "
            f"which follow it: {why}.",
        )
    corrected = reported.made.get("correction") == "full"
    if reported.kind == "cluster":
        [group] = reported.made["groups"]
        codes = to_numpy(group.codes)[rows.used]
        return _robust("cluster", groups=codes, use_correction=corrected), ()
    if reported.kind == "HAC":
        lags = reported.made["maxlags"]
        return _robust("HAC", maxlags=lags, use_correction=corrected), ()
    return {"cov_type": ROBUST[reported.kind]}, ()


def _robust(kind: str, **options: Any) -> dict[str, Any]:
    return {"cov_type": kind, "cov_kwds": options}


def _no_such_covariance(estimate: Estimate, reported: Reported, rows: HostRows) -> str:
    """Return why statsmodels has not the covariance reported, nothing where it has."""
    kind, made = reported.kind, reported.made
    if estimate.family.name == "multinomial" or kind not in (*ROBUST, "cluster", "HAC"):
        return "statsmodels has none such for this model"
    if kind == "cluster" and len(made["groups"]) > 1:
        return "only clusters of one way are compared"
    if kind == "cluster" and made["correction"] == "groups":
        return "statsmodels has not its correction"
    if kind == "HAC" and len(rows.used) < estimate.objective.rows.n:
        return "rows of weight 0 are times here, which statsmodels would not see"
    if estimate.family.quadratic:
        return ""
    if kind in ("HC1", "HC2", "HC3"):
        return "statsmodels has it for linear regression only"
    if not estimate.family.canonical:
        link = estimate.family.link.name
        return f"with the {link} link statsmodels takes the observed information for its bread"
    return "statsmodels does not take weights into it" if np.any(rows.prior_weights != 1) else ""


def _coefficient_values(found: Any, covered: bool) -> dict[str, Any]:
    """Return the coefficient table, output after output."""
    values = {"Coefficients": _flat(found.params)}
    if covered:
        limits = np.asarray(found.conf_int(0.05), dtype=float)
        values |= {
            "Standard errors": _flat(found.bse),
            "t or z values": _flat(found.tvalues),
            "p-values": _flat(found.pvalues),
            "Lower limits, 95 %": limits[..., 0].reshape(-1),
            "Upper limits, 95 %": limits[..., 1].reshape(-1),
        }
    return values


def _flat(table: Any) -> Any:
    return np.asarray(table, dtype=float).T.reshape(-1)


def _linear(estimate: Estimate, rows: HostRows) -> Peer:
    options, notes = _covariance_options(estimate, rows)
    y = rows.y[:, 0] - rows.offset
    constant = {"hasconst": bool(estimate.objective.intercept)}
    if rows.weighted:
        model = sm.WLS(y, rows.X, weights=rows.weights, **constant)
    else:
        model = sm.OLS(y, rows.X, **constant)
    found = model.fit(use_t=True, **options)
    values = _coefficient_values(found, not notes) | {
        "Residual variance": found.scale,
        "Residual sum of squares": found.ssr,
        "R-squared": found.rsquared,
        "Adj. R-squared": found.rsquared_adj,
        "Log-likelihood": found.llf,
        "AIC": found.aic,
        "BIC": found.bic,
        "Fitted values": found.fittedvalues + rows.offset,
        "Residuals": found.resid,
    }
    if not options and not notes and len(found.params) > constant["hasconst"]:
        values["F statistic"] = found.fvalue
    return Peer("statsmodels", values, notes)


def _generalised(estimate: Estimate, rows: HostRows) -> Peer:
    options, notes = _covariance_options(estimate, rows)
    link = getattr(sm.families.links, LINKS[estimate.family.link.name])()
    family = getattr(sm.families, FAMILIES[estimate.family.name])(link)
    y = rows.y[:, 0]
    if rows.trials is not None:
        y = np.column_stack([rows.trials * y, rows.trials * (1 - y)])
    model = sm.GLM(y, rows.X, family, offset=rows.offset, var_weights=rows.prior_weights)
    found = _settled(model, not np.isinf(reference_df(estimate)), options)
    values = _coefficient_values(found, not notes) | {
        "Dispersion": found.scale,
        "Deviance": found.deviance,
        "Pearson chi-squared": found.pearson_chi2,
        "Log-likelihood": found.llf,
        "AIC": found.aic,
        "BIC": found.bic_llf,
        "Fitted values": found.fittedvalues,
        "Pearson residuals": found.resid_pearson,
    }
    return Peer("statsmodels", values, notes)


def _settled(model: Any, use_t: bool, options: Mapping[str, Any]) -> Any:
    """Return a fit whose last step changes no coefficient by 1e-13 standard errors."""
    start = None
    if model.family.link.__class__.__name__ == "Identity":  # a start inside the domain
        y = model.endog if model.endog.ndim == 1 else model.endog[:, 0]
        start = np.linalg.lstsq(model.exog, y, rcond=None)[0]
    tight = {"tol": 1e-15, "tol_criterion": "params", "use_t": use_t, **options}
    found = model.fit(start_params=start, maxiter=50, **tight)
    for _ in range(20):
        again = model.fit(start_params=found.params, maxiter=10, **tight)
        moved = np.max(np.abs(again.params - found.params) / again.bse, initial=0.0)
        found = again
        if moved < 1e-13:
            break
    return found


def _multinomial(estimate: Estimate, rows: HostRows) -> Peer:
    _, notes = _covariance_options(estimate, rows)
    counts = _counts(rows)
    if rows.shifted:
        return _nothing("statsmodels' MNLogit has no offset")
    if counts is None:
        return _nothing("statsmodels' MNLogit has no weights, and these are not counts of rows")
    each, classes = np.nonzero(counts)
    times = counts[each, classes].astype(int)
    codes, X = np.repeat(classes, times), np.repeat(rows.X[each], times, axis=0)
    found = sm.MNLogit(codes, X).fit(method="newton", maxiter=200, disp=0, tol=1e-14)
    values = _coefficient_values(found, not notes)
    limits = np.asarray(found.conf_int(0.05), dtype=float)
    if "Standard errors" in values:
        values["Lower limits, 95 %"] = limits[..., 0].reshape(-1)
        values["Upper limits, 95 %"] = limits[..., 1].reshape(-1)
    values["Fitted values"] = found.model.predict(found.params, rows.X)
    if rows.trials is None:
        values |= {"Log-likelihood": found.llf, "AIC": found.aic}
    else:
        notes += ("Log-likelihood and AIC of counts have multinomial coefficients here only.",)
    if rows.weighted:
        notes += ("statsmodels was given rows of weight k as k rows; its BIC counts those.",)
    else:
        values["BIC"] = found.bic
    return Peer("statsmodels", values, notes)


def _counts(rows: HostRows) -> Any:
    """Return how often each row is of each class, (n, K); None where that is no whole number."""
    shares = np.column_stack([1 - rows.y.sum(axis=1), rows.y])
    counts = np.round(rows.weights[:, None] * shares, 9)
    whole = np.all(counts == np.round(counts)) and counts.sum() <= MOST_ROWS
    return counts if whole else None


def _nothing(reason: str) -> Peer:
    return Peer("statsmodels", {}, (f"{reason}, so that nothing is compared with it.",))
