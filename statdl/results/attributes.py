"""statsmodels' names, with statsmodels' values."""

from __future__ import annotations

import math
from typing import Any

from statdl.infer import residual
from statdl.infer.goodness import Goodness
from statdl.results.held import Held


class Attributes(Held):
    """What tools that know statsmodels' results look for on a fit."""

    @property
    def params(self) -> Any:
        """Coefficients: a Series, or a frame with a column a class; NaN where not estimable.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.params.round(4).to_dict()
        {'Intercept': 37.2851, 'wt': -5.3445}
        """
        return self._named(self.coefficients.estimate)

    @property
    def bse(self) -> Any:
        """Standard errors, √ of the diagonal of the covariance; they follow ``with_covariance``.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.bse.round(4).to_dict()
        {'Intercept': 1.8776, 'wt': 0.5591}
        """
        return self._named(self.coefficients.standard_error)

    @property
    def tvalues(self) -> Any:
        """t values, estimate / standard error (z values where the dispersion is known)."""
        return self._named(self.coefficients.statistic)

    @property
    def pvalues(self) -> Any:
        """Two-sided p-values of the hypothesis that a coefficient is 0."""
        return self._named(self.coefficients.p_value)

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Return confidence limits of level 1 − alpha, in columns 0 and 1 (statsmodels).

        See Also
        --------
        Fit.confint : R's verb, with profiles and a choice of coefficients.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.conf_int(alpha=0.1).round(3).loc["wt"].tolist()
        [-6.293, -4.396]
        """
        return self._limits(1 - alpha, (0, 1))

    @property
    def nobs(self) -> int:
        """Rows with positive weight."""
        return self.estimate.nobs

    @property
    def df_resid(self) -> float:
        """Residual degrees of freedom: rows − estimable coefficients (in effect, if penalised)."""
        return self.estimate.df_resid

    @property
    def df_model(self) -> float:
        """Coefficients besides the intercepts."""
        return self.goodness.df_model

    @property
    def scale(self) -> float:
        """The dispersion φ̂ = X²/(n − p), the residual variance of the normal; 1 where known."""
        return self.estimate.dispersion

    @property
    def sigma(self) -> float:
        """√φ̂, R's residual standard error."""
        return math.sqrt(self.scale)

    @property
    def deviance(self) -> float:
        """The deviance, 2 (log L of a saturated model − log L) φ; for the normal Σ w (y − μ̂)²."""
        return self.estimate.deviance

    @property
    def null_deviance(self) -> float:
        """The deviance of the model with an intercept only."""
        return self.goodness.null_deviance

    @property
    def pearson_chi2(self) -> float:
        """Pearson's X² = Σ w (y − μ̂)² / V(μ̂)."""
        return self.estimate.pearson

    @property
    def llf(self) -> float:
        """The log-likelihood (statsmodels' dispersion)."""
        return self.goodness.llf

    @property
    def llnull(self) -> float:
        """The log-likelihood of the model with an intercept only."""
        return self.goodness.llnull

    @property
    def aic(self) -> float:
        """−2 llf + 2 p, without counting a dispersion (statsmodels)."""
        return self.goodness.aic

    @property
    def bic(self) -> float:
        """−2 llf + p log n, without counting a dispersion (statsmodels)."""
        return self.goodness.bic

    @property
    def nic(self) -> float:
        """−2 llf + 2 tr(J⁻¹ K), which also holds for a model that is not true (Murata 1994).

        References
        ----------
        Murata, Yoshizawa & Amari (1994), IEEE Transactions on Neural Networks 5.
        """
        return self.goodness.nic

    @property
    def rsquared(self) -> float:
        """R² = 1 − ssr / centered_tss (least squares)."""
        return self._least_squares("rsquared").rsquared

    @property
    def rsquared_adj(self) -> float:
        """Adjusted R², 1 − (1 − R²) (n − 1)/(n − p), n if no intercept (least squares)."""
        return self._least_squares("rsquared_adj").rsquared_adj

    @property
    def fvalue(self) -> float:
        """F statistic of all slopes together, mse_model / mse_resid (least squares)."""
        return self._least_squares("fvalue").fvalue

    @property
    def f_pvalue(self) -> float:
        """p-value of the F statistic (least squares)."""
        return self._least_squares("f_pvalue").f_pvalue

    @property
    def prsquared(self) -> float:
        """McFadden's pseudo R², 1 − llf / llnull.

        See Also
        --------
        Fit.pseudo_rsquared : The others.
        """
        return self.goodness.prsquared

    @property
    def llr(self) -> float:
        """Likelihood-ratio statistic against the intercept only, 2 (llf − llnull)."""
        return self.goodness.llr

    @property
    def llr_pvalue(self) -> float:
        """p-value of the likelihood-ratio statistic, χ² with df_model degrees of freedom."""
        return self.goodness.llr_pvalue

    @property
    def ssr(self) -> float:
        """Σ w (y − μ̂)², the residual sum of squares (least squares)."""
        self._least_squares("ssr")
        return self.estimate.deviance

    @property
    def ess(self) -> float:
        """The sum of squares that the model explains (least squares)."""
        return self._least_squares("ess").total_sum_of_squares - self.estimate.deviance

    @property
    def centered_tss(self) -> float:
        """Σ w (y − ȳ)², or around 0 without an intercept (least squares)."""
        return self._least_squares("centered_tss").total_sum_of_squares

    @property
    def mse_resid(self) -> float:
        """ssr / df_resid (least squares)."""
        return self.ssr / self.df_resid if self.df_resid > 0 else math.nan

    @property
    def mse_model(self) -> float:
        """ess / df_model (least squares)."""
        return self.ess / self.df_model if self.df_model > 0 else math.nan

    @property
    def condition_number(self) -> float:
        """√(largest/smallest eigenvalue) of XᵀWX (least squares)."""
        return self._least_squares("condition_number").condition_number

    @property
    def df_null(self) -> float:
        """Residual degrees of freedom of the model with an intercept only."""
        return self.nobs - self.estimate.outputs * self.estimate.objective.intercept

    @property
    def use_t(self) -> bool:
        """Whether tests refer to t and not to the normal."""
        return not math.isinf(self.coefficients.df)

    @property
    def cov_type(self) -> str:
        """The kind of covariance behind the standard errors."""
        if self.estimate.reported is not None:
            return self.estimate.reported.kind
        return "penalised" if self.estimate.specification.penalty.shrinks else "nonrobust"

    @property
    def fittedvalues(self) -> Any:
        """The fitted means, (n,), or the probability of every class, (n, K)."""
        return self._rows(residual.fitted(self.estimate), "fitted")

    @property
    def mu(self) -> Any:
        """The fitted means."""
        return self.fittedvalues

    @property
    def resid(self) -> Any:
        """Response residuals y − μ̂."""
        return self._rows(residual.residuals(self.estimate, "response"), "resid")

    @property
    def resid_response(self) -> Any:
        """Response residuals."""
        return self.resid

    @property
    def resid_pearson(self) -> Any:
        """Pearson residuals (y − μ̂) √(w/V(μ̂))."""
        return self._rows(residual.residuals(self.estimate, "pearson"), "resid_pearson")

    @property
    def resid_deviance(self) -> Any:
        """Deviance residuals: the signed root of what a row adds to the deviance."""
        return self._rows(residual.residuals(self.estimate, "deviance"), "resid_deviance")

    @property
    def resid_working(self) -> Any:
        """Working residuals (y − μ̂)/(dμ/dη)."""
        return self._rows(residual.residuals(self.estimate, "working"), "resid_working")

    def _least_squares(self, what: str) -> Goodness:
        if not self.estimate.family.quadratic:
            raise AttributeError(f"{what} is for least squares; use prsquared, llf or deviance.")
        return self.goodness
