"""How well a model fits: log-likelihood, criteria, R² and the model with an intercept only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from statdl.estimate import Estimate, Identification, null_model
from statdl.infer.covariance import reference_df, score_trace
from statdl.infer.distribution import chi2_tail, f_tail
from statdl.infer.linear_hypothesis import WaldTest, slopes_test


@dataclass(frozen=True)
class LogLikelihood:
    """A log-likelihood as R prints it: its value, its parameters, and the rows behind it.

    Examples
    --------
    >>> print(LogLikelihood(-80.0149, 3, 32))
    'log Lik.' -80.0149 (df=3)
    """

    value: float
    df: float
    nobs: float

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"'log Lik.' {self.value:.7g} (df={self.df:g})"

    __repr__ = __str__


@dataclass(frozen=True)
class Goodness:
    """Measures of fit of an estimate, each computed when asked for.

    Names and conventions are statsmodels': ``aic`` and ``bic`` do not count the dispersion. R's,
    which do, are in :meth:`log_likelihood`.
    """

    estimate: Estimate

    @cached_property
    def llf(self) -> float:
        """Log-likelihood; the dispersion is RSS/n for least squares, Pearson's X²/df otherwise."""
        return self.estimate.log_likelihood(self._dispersion)

    def log_likelihood(self) -> LogLikelihood:
        """Return R's logLik: the dispersion is deviance/n and counts as a parameter.

        The observations of a multinomial model are its trials, as in nnet.
        """
        estimate = self.estimate
        known = estimate.family.dispersion_known
        value = self.llf if known else estimate.log_likelihood(self.mean_deviance)
        trials = estimate.family.name == "multinomial"
        count = estimate.total_weight if trials else estimate.nobs
        return LogLikelihood(value, self.parameters + (not known), count)

    @property
    def parameters(self) -> float:
        """Parameters in effect; NaN for a singular network, whose criteria are not defined.

        The expansion behind AIC and BIC needs an information that can be inverted (Watanabe 2009).
        """
        singular = self.estimate.identification is Identification.SINGULAR
        return math.nan if singular else self.estimate.degrees_of_freedom

    @property
    def mean_deviance(self) -> float:
        """Deviance/n, a dispersion that grows with the weights, so that their unit cancels."""
        return share(self.estimate.deviance, self.estimate.nobs)

    @cached_property
    def aic(self) -> float:
        """−2 llf + 2 p."""
        return -2 * self.llf + 2 * self.parameters

    @cached_property
    def bic(self) -> float:
        """−2 llf + p log n."""
        return -2 * self.llf + math.log(self.estimate.nobs) * self.parameters

    @cached_property
    def nic(self) -> float:
        """−2 llf + 2 tr(J⁻¹ K) (Murata, Yoshizawa & Amari 1994).

        J is the curvature of the penalised −log L and K the covariance of the rows' scores, so that
        it also holds for a model that is not true; for one that is, without a penalty, the trace is
        near p and NIC near AIC (without a penalty it is Takeuchi's 1976 criterion). The dispersion
        is that of ``llf``, and as in ``aic`` it does not count as a parameter. A row of weight w
        counts as w rows where the dispersion is known, as it does in ``llf``.
        """
        if math.isnan(self.parameters) or not self._dispersion > 0:
            return math.nan
        return -2 * self.llf + 2 * score_trace(self.estimate) / self._dispersion

    @property
    def _dispersion(self) -> float:
        """The dispersion of ``llf``."""
        quadratic = self.estimate.family.quadratic
        return self.mean_deviance if quadratic else self.estimate.dispersion

    @property
    def df_model(self) -> float:
        """Parameters in effect besides the intercepts."""
        estimate = self.estimate
        return estimate.degrees_of_freedom - estimate.outputs * estimate.objective.intercept

    @cached_property
    def null(self) -> Goodness:
        """The same model with an intercept only (and the offset)."""
        return Goodness(null_model(self.estimate))

    @property
    def llnull(self) -> float:
        """Log-likelihood of the model with an intercept only.

        The dispersion is the null model's own for least squares, and that of the fit otherwise.
        """
        if self.estimate.family.dispersion_known or self.estimate.family.quadratic:
            return self.null.llf
        return self.null.estimate.log_likelihood(self.estimate.dispersion)

    @property
    def null_deviance(self) -> float:
        """Deviance of the model with an intercept only (without one: of η = offset)."""
        return self.null.estimate.deviance

    @property
    def total_sum_of_squares(self) -> float:
        """Σ w (y − ȳ)² around the weighted mean, or around 0 without an intercept.

        An offset is taken from y first.
        """
        return self.estimate.totals.squares

    @property
    def mean_square(self) -> float:
        """The weighted mean of y², by which rounding is judged."""
        return self.estimate.totals.mean_square

    @property
    def constant_response(self) -> bool:
        """Whether the squares about the mean are no more than rounding leaves of a constant.

        Each of n values, and their mean, is off by at most n ε times its size.
        """
        weight, n = self.estimate.total_weight, self.estimate.nobs
        rounding = (n * np.finfo(float).eps) ** 2 * self.mean_square * weight
        return bool(self.total_sum_of_squares <= rounding)

    @property
    def rsquared(self) -> float:
        """1 − RSS/TSS; NaN of a response that is constant but for rounding."""
        if self.constant_response:
            return math.nan
        return 1 - share(self.estimate.deviance, self.total_sum_of_squares)

    @property
    def rsquared_adj(self) -> float:
        """1 − (RSS/df) / (TSS/df of TSS)."""
        estimate = self.estimate
        total = estimate.nobs - estimate.objective.intercept
        return 1 - share(total, estimate.df_resid) * (1 - self.rsquared)

    @cached_property
    def slopes(self) -> WaldTest:
        """Wald's test of all slopes together, under the covariance that is reported."""
        return slopes_test(self.estimate)

    @property
    def fvalue(self) -> float:
        """F of all slopes together; Wald's, where another covariance is reported."""
        if self.estimate.selected or self.constant_response:
            return math.nan
        if self.estimate.reported is not None:
            return self.slopes.f if self.slopes.df else math.nan
        explained = self.total_sum_of_squares - self.estimate.deviance
        return share(share(explained, self.df_model), self.estimate.dispersion)

    @property
    def f_pvalue(self) -> float:
        """Its p-value."""
        return f_tail(self.fvalue, self.df_model, reference_df(self.estimate))

    @property
    def prsquared(self) -> float:
        """McFadden's pseudo R², 1 − llf/llnull."""
        return 1 - share(self.llf, self.llnull)

    @property
    def cox_snell(self) -> float:
        """Cox and Snell's pseudo R², 1 − (L₀/L)^{2/n}."""
        exponent = 2 * (self.llnull - self.llf) / self.estimate.nobs
        return 1 - math.exp(exponent) if exponent < 700 else -math.inf

    @property
    def llr(self) -> float:
        """Likelihood-ratio statistic against the intercept only."""
        return 2 * (self.llf - self.llnull)

    @property
    def llr_pvalue(self) -> float:
        """Its p-value, χ² with ``df_model`` degrees of freedom."""
        return chi2_tail(self.llr, self.df_model)

    @cached_property
    def condition_number(self) -> float:
        """√(largest/smallest eigenvalue) of XᵀWX, intercept included (least squares only)."""
        if not self.estimate.rank:
            return math.nan
        eigenvalues = np.linalg.eigvalsh(self.estimate.information)
        return math.sqrt(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 0 else math.inf


def share(part: float, whole: float) -> float:
    """Return part/whole, NaN of nothing."""
    return part / whole if whole else math.nan
