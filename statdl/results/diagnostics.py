"""Diagnostics of a fit: how it was computed, its residuals, influence and tests."""

from __future__ import annotations

from typing import Any

from statdl.backend.array import to_numpy
from statdl.formula import like as frame_like
from statdl.infer import influence, residual
from statdl.infer.arithmetic import coefficient_labels, estimable_places
from statdl.infer.collinearity import inflation
from statdl.infer.numerics import Numerics, numerics
from statdl.infer.separation import separation
from statdl.infer.terms import term_contributions
from statdl.lazy import lazy
from statdl.report import DataTable
from statdl.report.diagnostics import inflation_table, outlier_table
from statdl.report.separation import SeparationReport, separation_report
from statdl.results.specification_tests import SpecificationTests

pd = lazy("pandas")


class Diagnostics(SpecificationTests):
    """What tells whether a fit can be believed."""

    @property
    def numerics(self) -> Numerics:
        """The condition of the columns, the method, and how many digits the arithmetic trusts.

        Examples
        --------
        >>> import statdl as sd
        >>> sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")).numerics
        Cholesky; condition 6.8; 15.1 digits trusted (float64)
        """
        return numerics(self.estimate)

    def residuals(self, type: str = "response") -> Any:
        """Return residuals.

        With e = y − μ̂ these are e; e √(w/V(μ̂)); sign(e) √(w d) with the unit deviance d; and
        e/(dμ/dη).

        Parameters
        ----------
        type : str
            "response", "pearson", "deviance", "working"; "standardised" and "studentised" (R's
            rstandard and rstudent); "partial", the working residuals with each term added back, a
            column a term (centred, as R does).

        Returns
        -------
        A vector as long as the rows of the fit; a column a class for several classes.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> print(fit.residuals("deviance").head(2).round(3).to_string())
        model
        Mazda RX4        0.635
        Mazda RX4 Wag    0.985
        """
        if type == "partial":
            return self._partial_residuals()
        if str(type).replace("ized", "ised") in ("standardised", "studentised"):
            return self._measure("rstandard" if type.startswith("standard") else "rstudent")
        return self._rows(
            residual.residuals(self.estimate, type),
            "resid" if type == "response" else f"resid_{type}",
        )

    def leverage(self) -> Any:
        """Return the diagonal of the hat matrix.

        h_i is how much the fitted value of a row moves with its own response; their sum is the
        number of coefficients. With several classes it is the trace of the row's leverages.

        See Also
        --------
        Fit.hatvalues : R's name for it.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(float(fit.leverage().sum()), 6)
        2.0
        """
        if self.estimate.multinomial:
            return self._measure("hat", "leverage")
        return self._rows(residual.leverage(self.estimate)[:, None], "leverage")

    def hatvalues(self) -> Any:
        """Return the diagonal of the hat matrix (R's name).

        See Also
        --------
        Fit.leverage : The same.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.hatvalues().idxmax()
        'Lincoln Continental'
        """
        return self.leverage()

    def rstandard(self, type: str = "deviance") -> Any:
        """Return residuals divided by their standard deviation, "deviance" or "pearson" (R).

        e_i / (σ̂ √(1 − h_i)), with deviance or Pearson residuals for e.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(float(fit.rstandard().loc["Fiat 128"]), 3)
        2.335
        """
        influence.check(self.estimate)
        return self._rows(residual.standardised(self.estimate, type)[:, None], "rstandard")

    def rstudent(self) -> Any:
        """Return residuals divided by their standard deviation without the row itself (R).

        e_i / (σ̂_{(i)} √(1 − h_i)): t with n − p − 1 degrees of freedom in linear regression.

        See Also
        --------
        Fit.outlier_test : Which of them are too large.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(float(fit.rstudent().loc["Fiat 128"]), 3)
        2.538
        """
        return self._measure("rstudent")

    def cooks_distance(self) -> Any:
        """Return Cook's distance: how far each row moves the coefficients, all together.

        D_i = (e_i² / (p φ̂)) h_i/(1 − h_i)², with Pearson residuals.

        References
        ----------
        Cook (1977), Technometrics 19.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.cooks_distance().idxmax()
        'Chrysler Imperial'
        """
        if self.estimate.multinomial:
            return self._measure("cooks.distance", "cooks_distance")
        return self._rows(residual.cooks_distance(self.estimate)[:, None], "cooks_distance")

    def dffits(self) -> Any:
        """Return how far each row moves its own fitted value, in standard errors.

        rstudent_i √(h_i/(1 − h_i)).

        References
        ----------
        Belsley, Kuh & Welsch (1980), Regression Diagnostics, ch. 2.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(float(fit.dffits().loc["Fiat 128"]), 3)
        0.675
        """
        return self._measure("dffits")

    def covratio(self) -> Any:
        """Return by what each row multiplies the determinant of the covariance when left out.

        Above 1 a row makes estimates more precise.

        References
        ----------
        Belsley, Kuh & Welsch (1980), Regression Diagnostics, ch. 2.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(float(fit.covratio().loc["Fiat 128"]), 3)
        0.767
        """
        return self._measure("covratio")

    def dfbetas(self) -> Any:
        """Return how far each row moves each coefficient, in standard errors; a column each.

        References
        ----------
        Belsley, Kuh & Welsch (1980), Regression Diagnostics, ch. 2.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.dfbetas().loc["Fiat 128"].round(3).to_dict()
        {'Intercept': 0.603, 'wt': -0.49}
        """
        found = influence.influence(self.estimate, (), dfbetas=True)
        return self._columns(found, self._influenced())

    def influence(self) -> Any:
        """Return every measure of every row's influence, as a frame (R's influence.measures).

        Columns: hat, sigma (σ̂ without the row), rstandard, rstudent, dffits, covratio,
        cooks.distance, and ``dfb.`` with each coefficient's name. Formulas are in
        :mod:`statdl.infer.influence`. For least squares they are what a fit without the row gives,
        for other families one step of scoring towards it. With several classes there are hat,
        cooks.distance and dfb., of all classes together (:mod:`statdl.infer.several`).

        Raises
        ------
        ModelError
            For networks and penalised fits.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.influence().loc["Chrysler Imperial", ["hat", "rstudent"]].round(3).to_dict()
        {'hat': 0.184, 'rstudent': 2.328}
        """
        measures = influence.measures_of(self.estimate)
        found = influence.influence(self.estimate, measures, dfbetas=True)
        names = [f"dfb.{name}" for name in self._influenced()]
        return self._columns(found, [*measures, *names])

    def outlier_test(self, cutoff: float = 0.05, most: int = 10) -> DataTable:
        """Return the rows whose studentised residuals are too large for n of them (Bonferroni).

        As car's outlierTest: rows with a Bonferroni p-value up to ``cutoff``, at most ``most``, or
        the largest of all where there is none.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.outlier_test().index
        ('Fiat 128',)
        """
        found = influence.outliers(self.estimate, cutoff, most)
        index = self.estimate.frame.index
        labels = [str(row if index is None else index[row]) for row in found.row.tolist()]
        return outlier_table(found, labels, cutoff)

    def vif(self) -> DataTable:
        """Return the variance inflation factor of every term, generalised for factors (car's vif).

        1/(1 − R²) of a column on the others; for a term of several columns det R_1 det R_2 / det R
        of the correlations of the estimates, and GVIF^(1/(2 df)) to compare terms by.

        References
        ----------
        Fox & Monette (1992), Journal of the American Statistical Association 87.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.vif()["VIF"].round(3).tolist()
        [1.767, 1.767]
        """
        return inflation_table(inflation(self.estimate, self.estimate.covariance))

    def separation(self) -> SeparationReport:
        """Return whether predictors separate the response, and where each coefficient then runs.

        Separation is complete where a direction in the predictors tells every row apart, and
        quasi-complete where some rows lie on the border. Found by linear programming, for classes
        and for counts with a log link; penalties play no part in it. It is true where there is
        separation, and has ``kind``, ``variables`` and ``table``.

        Raises
        ------
        ModelError
            For other families, and networks.

        References
        ----------
        Albert & Anderson (1984), Biometrika 71; Konis (2007), Linear programming algorithms for
        detecting separated data in binary logistic regression models, Oxford.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> fit = sd.glm("am ~ wt + qsec", data=cars, family="binomial", bias_reduction=True)
        >>> fit.separation()
        Separation: complete
        am ~ wt + qsec
        ===================
                         am
        -------------------
        Intercept        +∞
        wt               −∞
        qsec             −∞
        ===================
        <BLANKLINE>
        Notes:
        [1] A direction in the predictors tells the response apart in every row: the
            likelihood has no maximum, and coefficients at ±∞ have no estimate.
        """
        specification = self.estimate.specification
        return separation_report(
            separation(self.estimate),
            self._estimated_names(),
            specification.output_names,
            self.describe(),
        )

    def _influenced(self) -> list[str]:
        labels = coefficient_labels(self.estimate)
        places = estimable_places(self.estimate).nonzero()[0]
        return [labels[place] for place in places]

    def _estimated_names(self) -> list[str]:
        names = self.estimate.specification.coefficient_names
        return [name for name, kept in zip(names, self.estimate.kept, strict=True) if kept]

    def _measure(self, measure: str, name: str | None = None) -> Any:
        found = influence.influence(self.estimate, (measure,), dfbetas=False)
        return self._rows(found.T, name or measure)

    def _columns(self, values: Any, names: list[str]) -> Any:
        """Return (k, n) values as a frame of the data's kind with k columns."""
        frame = self.estimate.frame
        host = to_numpy(values)
        if frame.source is None or isinstance(frame.source, pd.DataFrame):
            return pd.DataFrame(host.T, index=frame.index, columns=names, copy=False)
        return frame_like(frame.source, dict(zip(names, host, strict=True)), frame.index)

    def _partial_residuals(self) -> Any:
        """Return working residuals with each term's contribution added back."""
        working = residual.residuals(self.estimate, "working")
        terms = term_contributions(self.estimate, self.estimate.specification.rows.X, se_fit=False)
        return self._columns((working + terms.fit).T, list(terms.labels))
