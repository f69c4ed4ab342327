"""``Path``, what ``sd.path`` returns: the solutions for a grid of λ, and models among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from statdl.errors import ModelError
from statdl.estimate.chosen import penalised_estimate, refitted_estimate
from statdl.estimate.knots import knots
from statdl.estimate.relaxed import relaxed
from statdl.infer.debiased import debiased
from statdl.infer.distribution import check_level, critical, two_sided
from statdl.infer.path import Criteria, criteria
from statdl.kinds import is_number
from statdl.lazy import lazy
from statdl.report import DataTable, Printed, page
from statdl.report.block import Document
from statdl.report.path import path_table
from statdl.report.plot.path import draw_path
from statdl.report.reading.path import path_readings
from statdl.report.reading.words import Reading
from statdl.results.fit import Fit
from statdl.results.path_values import PathValues

np = lazy("numpy")

CRITERIA = ("aic", "bic", "ebic", "gcv")


@dataclass(frozen=True, repr=False)
class Path(PathValues, Printed):
    """The solutions of a penalised regression for all λ of a grid.

    Examples
    --------
    >>> import statdl as sd
    >>> path = sd.path("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    >>> path.df[:8].tolist()
    [0, 1, 1, 1, 2, 2, 2, 2]
    """

    @property
    def df(self) -> Any:
        """How many columns have a coefficient that is not 0, (L,)."""
        return self.estimate.df

    @property
    def explained(self) -> Any:
        """The share of the null deviance that is explained, (L,): R² for the gaussian."""
        return self.estimate.explained

    @property
    def passes(self) -> int:
        """How often all rows of a scan were read so far; 0 for rows in memory."""
        return self.estimate.specification.rows.passes

    @property
    def kkt(self) -> float:
        """The largest violation of an optimality condition along the path, as a share of λ_max."""
        return float(self.estimate.violations.max(initial=0.0))

    @cached_property
    def criteria(self) -> Criteria:
        """Effective degrees of freedom, log-likelihood, AIC, BIC, EBIC and GCV, each (L,)."""
        return criteria(self.estimate)

    @cached_property
    def table(self) -> DataTable:
        """One line a λ: non-zero columns, effective df, deviance explained, AIC, BIC, EBIC, GCV."""
        return path_table(self.estimate, self.criteria, self._title)

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def readings(self) -> tuple[Reading, ...]:
        """Return what a report says: the range, the order of entry, and the criteria."""
        used = np.any(self.estimate.coefficients != 0, axis=2)
        first = np.where(used.any(axis=0), used.argmax(axis=0), len(used))
        order = np.argsort(first, kind="stable")
        entries = [self.names[j] for j in order.tolist() if first[j] < len(used)]
        places = {name.upper(): self.criteria.least(name) for name in CRITERIA}
        return path_readings(self.lambdas, self.df, self.explained, entries, places)

    def sections(self) -> tuple[page.Section, ...]:
        """Return the picture of the coefficients."""
        return (page.Section("Coefficients", (page.illustrated(self.picture),)),)

    def picture(self) -> page.Picture:
        """Return the picture of a report, with what it shows in words."""
        return page.drawn(
            lambda: self.plot(standardized=True),
            f"Coefficients of {len(self.names)} columns, in units of their standard deviations, "
            f"against log lambda: {int(self.df[0])} in at the left, where the penalty is "
            f"strongest, and {int(self.df[-1])} at the right.",
            "Coefficients for columns divided by their standard deviations. Numbers above: how "
            "many columns are in.",
        )

    @cached_property
    def knots(self) -> DataTable:
        """Every λ at which a column comes in or leaves (gaussian lasso), with the coefficients.

        Between knots coefficients are linear in λ. Columns of the table are ``lambda``, then those
        that are ever in.

        Raises
        ------
        ModelError
            For other families, α below 1, groups and relaxed paths.

        References
        ----------
        Efron, Hastie, Johnstone and Tibshirani (2004), Least angle regression, Annals of Statistics
        32; Osborne, Presnell and Turlach (2000), IMA Journal of Numerical Analysis 20.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.knots["lambda"].round(3).tolist()[:2]
        [5.147, 3.557]
        """
        self._refuse_relaxed("knots")
        smallest = float(self.lambdas[-1])
        strengths, B = knots(self.estimate, smallest)
        (used,) = np.nonzero(np.any(B != 0, axis=0))
        columns = {"lambda": strengths} | {self.names[j]: B[:, j] for j in used.tolist()}
        labels = tuple(str(k) for k in range(len(strengths)))
        return DataTable("", labels, columns, title="Knots of the lasso path")

    def fit(self, lambda_: float) -> Fit:
        """Return the model at λ as a :class:`Fit` of the columns that are in.

        Its penalty is that of the path. With α = 0 its covariance and degrees of freedom are those
        of ridge regression; with an L1 part it has no standard errors, for they would ignore what
        the data have chosen. Of a path that is relaxed all the way it is :meth:`refit`.

        Parameters
        ----------
        lambda_ : float
            0 or more; where it is not of the grid the model is solved there.

        Raises
        ------
        ModelError
            For a path that is relaxed part of the way, which no likelihood has as its maximum.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.fit(2.0).params.round(3).to_dict()
        {'Intercept': 30.578, 'wt': -2.626, 'hp': -0.014}
        """
        if self.lasso is not None:
            if self.gamma > 0:
                raise ModelError(
                    f"A relaxed model with gamma={self.gamma:g} is no maximum of a likelihood, and "
                    "no fit; use coef() and predict(), or relax() all the way with gamma=0."
                )
            return self.refit(lambda_)
        B, a = self._at(lambda_, exact=lambda_ not in self.lambdas)
        return Fit(penalised_estimate(self.estimate, float(lambda_), B, a), self.call)

    def refit(self, lambda_: float) -> Fit:
        """Return the unpenalised fit to the columns that are in at λ (the post-lasso).

        Its summary says that its errors ignore the selection.

        Raises
        ------
        ModelError
            Where more columns are in than there are rows.

        See Also
        --------
        Path.debiased : Intervals that hold after the selection.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.refit(2.0).params.round(3).to_dict()
        {'Intercept': 37.227, 'wt': -3.878, 'hp': -0.032}
        """
        B, _ = self._lasso._at(lambda_, exact=lambda_ not in self.lambdas)
        return Fit(refitted_estimate(self.estimate, B), self.call)

    def relax(self, gamma: float = 0.0) -> Path:
        """Return the relaxed path: γ times the coefficients plus 1 − γ times those of refits.

        At every λ the model is fitted without a penalty to the columns that are in, as in glmnet
        with ``relax=TRUE``. λ whose columns are too many to refit are left out.

        Parameters
        ----------
        gamma : float
            From 0 (refits) to 1 (the path as it is).

        References
        ----------
        Meinshausen (2007), Relaxed Lasso, Computational Statistics & Data Analysis 52.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.relax().coef(2.0).round(3).to_dict()
        {'Intercept': 37.227, 'wt': -3.878, 'hp': -0.032, 'qsec': 0.0}
        """
        if not (is_number(gamma) and 0 <= gamma <= 1):
            raise ModelError(f"gamma is between 0 (refits) and 1 (as it is), not {gamma!r}.")
        lasso = self._lasso.estimate
        return replace(self, estimate=relaxed(lasso, gamma), lasso=lasso, gamma=float(gamma))

    def best(self, criterion: str = "bic") -> Fit:
        """Return the fit at the λ with the least criterion.

        Parameters
        ----------
        criterion : {"bic", "aic", "ebic", "gcv"}
            As for :meth:`lambda_by`.

        See Also
        --------
        cv_path : Choose by cross-validation.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.best("aic").params.round(2).to_dict()
        {'Intercept': 27.89, 'wt': -4.32, 'hp': -0.02, 'qsec': 0.49}
        """
        return self.fit(self.lambda_by(criterion))

    def lambda_by(self, criterion: str) -> float:
        """Return the λ with the least AIC, BIC, EBIC or GCV.

        With k effective parameters (intercepts and an estimated noise counted) and j of p columns
        in: −2 log L + 2 k; −2 log L + k log n; that + 2 log C(p, j); and D/n / (1 − k'/n)² with the
        deviance D and k' without the noise.

        Where the noise is estimated, λ at which more than half of the rows are used up by
        parameters do not come into question: the residual variance there goes to 0, and takes every
        criterion with it.

        Parameters
        ----------
        criterion : {"aic", "bic", "ebic", "gcv"}
            Which.

        References
        ----------
        Zou, Hastie and Tibshirani (2007), On the degrees of freedom of the lasso, Annals of
        Statistics 35; Chen and Chen (2008), Extended Bayesian information criteria, Biometrika 95.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.lambda_by("aic") <= path.lambda_by("bic")
        True
        """
        if str(criterion).lower() not in CRITERIA:
            raise ModelError(f"criterion={criterion!r} is not known; choose from {CRITERIA}.")
        return float(self.lambdas[self.criteria.least(criterion.lower())])

    def debiased(
        self,
        lambda_: float,
        columns: Sequence[str] | None = None,
        *,
        level: float = 0.95,
        node_lambda: float | None = None,
    ) -> DataTable:
        """Return de-biased lasso estimates with intervals.

        b + Θ Xᵀ W (y − μ̂) / n, with Θ an approximate inverse of the information from a lasso of
        each column on the others. The intervals are valid though the lasso has chosen, also for
        columns that it left out, where few coefficients matter.

        Parameters
        ----------
        lambda_ : float
            The λ whose lasso is corrected.
        columns : sequence of str, optional
            Names of those that are wanted; by default all.
        level : float
            Of the intervals, one coefficient at a time.
        node_lambda : float, optional
            λ of the lasso of a column on the others, for columns divided by their standard
            deviations; by default ½ √(2 log p / n).

        Returns
        -------
        DataTable with ``coef``, ``std err``, ``z``, its p-value and the limits.

        References
        ----------
        van de Geer, Bühlmann, Ritov and Dezeure (2014), On asymptotically optimal confidence
        regions and tests for high-dimensional models, Annals of Statistics 42.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.debiased(0.5).index
        ('wt', 'hp', 'qsec')
        """
        check_level(level)
        self._refuse_relaxed("debiased()")
        B, a = self._at(lambda_, exact=lambda_ not in self.lambdas)
        columns = [columns] if isinstance(columns, str) else columns
        places = None if columns is None else [self._place(name) for name in columns]
        found = debiased(self.estimate, B, a, places, node_lambda)
        statistic = found.estimate / found.standard_error
        half = critical(level, np.inf) * found.standard_error
        table = {
            "coef": found.estimate,
            "std err": found.standard_error,
            "z": statistic,
            "P>|z|": two_sided(statistic, np.inf),
            f"[{(1 - level) / 2:.3f}": found.estimate - half,
            f"{(1 + level) / 2:.3f}]": found.estimate + half,
        }
        notes = (
            "Intervals are asymptotic, for one coefficient at a time, and valid after selection "
            "where few coefficients matter.",
        )
        labels = tuple(self.names[j] for j in found.places)
        return DataTable("", labels, table, title="De-biased lasso", notes=notes)

    def plot(
        self,
        xvar: str = "lambda",
        *,
        category: Any = None,
        ax: Any = None,
        standardized: bool = False,
    ) -> Any:
        """Draw the coefficients against λ, their norm or the deviance explained; returns axes.

        Parameters
        ----------
        xvar : {"lambda", "norm", "deviance"}
            What is across.
        category : optional
            The class to draw, by default the last.
        ax : matplotlib axes, optional
            Where to draw.
        standardized : bool
            Draw them for columns divided by their standard deviations.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.plot().get_xlabel() != ""
        True
        """
        estimate, k = self.estimate, -1
        if category is not None:
            labels = [str(level) for level in self.levels]
            if str(category) not in labels:
                raise ModelError(f"category={category!r} is no class; there are {labels}.")
            k = labels.index(str(category))
        values = estimate.coefficients[:, :, k] * (estimate.spread if standardized else 1.0)
        return draw_path(
            self.lambdas, values, self.names, self.df, (), self._title, xvar, self.explained, ax
        )

    @property
    def _title(self) -> str:
        kinds = {1.0: "Lasso", 0.0: "Ridge"}
        kind = kinds.get(self.estimate.penalties.alpha, "Elastic net")
        if self.lasso is not None:
            kind = f"Relaxed {kind.lower()}"
        return f"{kind} path, {self.estimate.family.name}"

    def __repr__(self) -> str:
        return self.to_text()

    def _refuse_relaxed(self, what: str) -> None:
        if self.lasso is not None:
            raise ModelError(f"{what} is of the path before relax(); ask that one.")

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise ModelError(
                f"There is no column {name!r}; there are {', '.join(self.names[:20])}."
            )
        return self.names.index(name)
