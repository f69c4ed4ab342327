"""Inference on a fit: covariances, intervals, tests of hypotheses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from statdl import study
from statdl.errors import ModelError, unknown_word
from statdl.infer.arithmetic import coefficient_labels, estimable_places
from statdl.infer.covariance import covariance
from statdl.infer.covariance_choice import Covariance
from statdl.infer.delta import derived
from statdl.infer.distribution import check_level
from statdl.infer.linear_hypothesis import hypotheses as linear
from statdl.infer.profile import profile_limits
from statdl.keywords import explained
from statdl.lazy import lazy
from statdl.report import DataTable, plot
from statdl.report.wald import derived_table, hypothesis_table
from statdl.results.held import Held

pd = lazy("pandas")
np = lazy("numpy")

Self = TypeVar("Self", bound="Inference")


class Inference(Held):
    """What is asked of the uncertainty of a fit.

    Wherever a method takes ``vcov=`` and ``cluster=``, the first is a name that :meth:`vcov` knows,
    a formula of clusters ("~ firm"), a :class:`statdl.Covariance` with its options, or a matrix;
    ``cluster`` alone means ``vcov="cluster"``.
    """

    def with_covariance(self: Self, vcov: Any = None, cluster: Any = None) -> Self:
        """Return the fit with another covariance behind its errors, tests and intervals.

        Estimates, likelihood and residuals are the same; ``bse``, ``pvalues``, ``summary()`` and
        everything else that speaks of uncertainty follow the covariance.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.with_covariance("HC3").bse.round(4).to_dict()
        {'Intercept': 2.4268, 'wt': 0.7381}
        """
        if vcov is None and cluster is None:
            return self
        return replace(self, estimate=study.under(self.estimate, vcov, cluster))

    @explained
    def vcov(
        self,
        type: Any = None,
        *,
        cluster: Any = None,
        correction: str | None = None,
        maxlags: int | str | None = None,
        scheme: str | None = None,
        B: int = 200,
        seed: int = 0,
    ) -> Any:
        """Return the covariance matrix of the coefficients as a frame; NaN where not estimable.

        Parameters
        ----------
        type : str, optional
            "classical" (the default), "hessian" or "fisher" (from the exact second derivatives or
            the expected information); "HC0" (= "sandwich") to "HC4" for rows of unequal variance;
            "cluster"; "HAC" (Newey-West); "bootstrap". A :class:`statdl.Covariance` brings its
            options with it.
        cluster, correction, maxlags, scheme, B, seed : optional
            As for :class:`statdl.Covariance`.

        See Also
        --------
        Fit.with_covariance : The fit with it behind all tests and intervals.

        References
        ----------
        Huber (1967); White (1980), Econometrica 48; MacKinnon & White (1985), Journal of
        Econometrics 29; Cribari-Neto (2004), Computational Statistics & Data Analysis 45 (HC4);
        Newey & West (1987), Econometrica 55; Cameron, Gelbach & Miller (2011), Journal of Business
        & Economic Statistics 29.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> float(fit.vcov(cluster="gear").loc["wt", "wt"].round(4))
        0.9693
        """
        if type is None and cluster is not None:
            type = "cluster"
        if isinstance(type, str) and not type.lstrip().startswith("~"):
            type = Covariance(type, cluster, correction, maxlags, scheme, B, seed)
            cluster = None
        return self._square(covariance(study.under(self.estimate, type, cluster)))

    @explained
    def confint(
        self,
        level: float = 0.95,
        *,
        parm: str | Sequence[str] | None = None,
        method: str = "wald",
        vcov: Any = None,
        cluster: Any = None,
    ) -> Any:
        """Return confidence limits, in columns such as "2.5 %" and "97.5 %" (R).

        Parameters
        ----------
        level : float
            Confidence level.
        parm : str or sequence of str, optional
            Which coefficients; with several classes they are called ``"b: wt"``. By default all.
        method : {"wald", "profile"}
            Estimate ± c · standard error; or where the profile likelihood has fallen by c²/2, ±∞
            where it never does. In linear regression they are the same.
        vcov, cluster : optional
            The covariance of Wald's limits, as for :meth:`vcov`.

        See Also
        --------
        Fit.conf_int : statsmodels' name, and columns 0 and 1.
        Fit.plot_profile : A picture of the profile.

        References
        ----------
        Venzon & Moolgavkar (1988), Applied Statistics 37 (profile likelihood).

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.confint(method="profile").loc["wt"].round(3).to_dict()
        {'2.5 %': -7.699, '97.5 %': -1.833}
        """
        fit = self.with_covariance(vcov, cluster)
        places = fit._places(parm)
        tail = (1 - check_level(level)) / 2
        columns = (f"{100 * tail:g} %", f"{100 * (1 - tail):g} %")
        if method == "wald":
            return fit._limits(level, columns).iloc[places]
        if method != "profile":
            raise unknown_word("method", method, ("wald", "profile"))
        if fit.estimate.reported is not None:
            raise ModelError(
                "The profile likelihood has no covariance to choose; use method='wald' with vcov=."
            )
        return fit._profile_limits(level, columns, places)

    def plot_profile(self, parm: str | None = None, *, level: float = 0.95, ax: Any = None) -> Any:
        """Draw the profile likelihood of a coefficient, with the parabola that Wald's limits take.

        Parameters
        ----------
        parm : str, optional
            Which coefficient; by default the first slope.
        level : float
            Confidence level of the limits.
        ax : matplotlib axes, optional
            Where to draw; new axes unless given.

        Returns
        -------
        The axes.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> axes = fit.plot_profile("wt")
        >>> axes.get_xlabel()
        'wt'
        """
        labels = coefficient_labels(self.estimate)
        first = int(self.estimate.specification.intercept and len(labels) > 1)
        [place] = self._places(labels[first] if parm is None else parm)
        kept = estimable_places(self.estimate)
        if not kept[place]:
            raise ModelError(f"{labels[place]} is not estimable, and has no profile.")
        return plot.draw_profile(self.estimate, int(kept[:place].sum()), labels[place], level, ax)

    def _places(self, parm: str | Sequence[str] | None) -> list[int]:
        """Return where all coefficients have those that are named."""
        labels = coefficient_labels(self.estimate)
        if parm is None:
            return list(range(len(labels)))
        given: Any = parm
        names = (
            [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        )
        for name in names:
            if name not in labels:
                raise ModelError(f"parm={name!r} is no coefficient; there are {', '.join(labels)}.")
        return [labels.index(name) for name in names]

    def _profile_limits(self, level: float, columns: Any, places: list[int]) -> Any:
        kept = estimable_places(self.estimate)
        order = np.cumsum(kept) - 1
        lower, upper = profile_limits(
            self.estimate, level, [int(order[place]) for place in places if kept[place]]
        )
        table = np.full((len(kept), 2), math.nan)
        table[kept] = np.column_stack([lower, upper])
        return pd.DataFrame(table, index=self._labels(), columns=list(columns)).iloc[places]

    @explained
    def wald(
        self,
        hypotheses: Any,
        r: Any = None,
        *,
        test: str | None = None,
        vcov: Any = None,
        cluster: Any = None,
        adjust: str | None = None,
    ) -> DataTable:
        """Test linear hypotheses, each and all together.

        W = (Rθ̂ − r)ᵀ (R V Rᵀ)⁻¹ (Rθ̂ − r); F = W / rank R where errors refer to t.

        Parameters
        ----------
        hypotheses : str, sequence of str, or matrix
            Such as ``"wt = 0, hp = 2*wt"``; a side that is not written is 0, and ``a = b = c`` are
            two. With several classes coefficients are called ``"b: wt"``. Or R, with a column for
            every coefficient, for R θ = r.
        r : vector, optional
            The right side where R is a matrix; by default 0.
        test : {"F", "Chisq"}, optional
            By default F where errors refer to t.
        vcov, cluster : optional
            The covariance, as for :meth:`vcov`.
        adjust : str, optional
            Adjust the p-values of the single tests, by a method of :func:`statdl.adjust`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.wald("wt = 100*hp")["F"].round(3).tolist()
        [0.249]
        """
        estimate = self.with_covariance(vcov, cluster).estimate
        return hypothesis_table(estimate, linear(estimate, hypotheses, r), test, adjust)

    def delta(
        self,
        expressions: str | Sequence[str],
        *,
        level: float = 0.95,
        vcov: Any = None,
        cluster: Any = None,
        adjust: str | None = None,
    ) -> DataTable:
        """Return what is made of coefficients, with errors and limits by the delta method.

        se² = gᵀ V g with g the derivative of the expression, exact and not by differences.

        Parameters
        ----------
        expressions : str or sequence of str
            Arithmetic in the coefficients' names, such as ``"wt/hp, exp(wt)"``; with several
            classes these are called ``"b: wt"``.
        level : float
            Confidence level.
        vcov, cluster : optional
            The covariance, as for :meth:`vcov`.
        adjust : str, optional
            Adjust the p-values, by a method of :func:`statdl.adjust`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.delta("wt/hp")["Std. Error"].round(3).tolist()
        [50.097]
        """
        estimate = self.with_covariance(vcov, cluster).estimate
        return derived_table(estimate, derived(estimate, expressions), level, adjust)

    def cov_params(self) -> Any:
        """Return the covariance matrix of the coefficients.

        See Also
        --------
        Fit.vcov : Of any type.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.cov_params().equals(fit.vcov())
        True
        """
        return self.vcov()

    def _square(self, matrix: Any) -> Any:
        """Return a matrix of the estimable coefficients as a frame of all."""
        labels = self._labels()
        kept = np.asarray(self.estimate.kept * self.estimate.specification.tables, dtype=bool)
        full = np.full((len(labels), len(labels)), math.nan)
        full[np.ix_(kept, kept)] = matrix
        return pd.DataFrame(full, index=labels, columns=labels)
