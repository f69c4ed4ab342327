"""Tests of what a model assumes, and of the probabilities it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statdl.infer import discrimination, serial, specification
from statdl.infer.discrimination import Roc
from statdl.infer.hypothesis import HypothesisTest
from statdl.infer.pseudo import pseudo_rsquared
from statdl.report import DataTable
from statdl.report.diagnostics import areas_table, calibration_table, confusion_table
from statdl.report.hypothesis import TestReport
from statdl.results.held import Held


class SpecificationTests(Held):
    """Tests print like R's htest, with the null hypothesis; p_value, statistic and df are fields.

    The tests of linear regressions follow R's package lmtest; where a test is not made for weights
    or another family it says so.
    """

    def breusch_pagan_test(self, studentised: bool = True) -> TestReport:
        """Test whether the variance of the errors depends on the regressors (lmtest's bptest).

        Squared residuals e² are regressed on the regressors: n R² of that regression is χ² with as
        many degrees of freedom as slopes (Koenker). Without ``studentised`` half the explained sum
        of squares of e²/σ̂² is, which needs normal errors.

        Parameters
        ----------
        studentised : bool
            Koenker's version, which does not need normal errors; lmtest's default too.

        Raises
        ------
        ModelError
            For other models than linear regressions without a penalty, and for weights.

        References
        ----------
        Breusch & Pagan (1979), Econometrica 47; Koenker (1981), Journal of Econometrics 17.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> round(fit.breusch_pagan_test().p_value, 4)
        0.6438
        """
        return self._report(specification.breusch_pagan(self.estimate, studentised))

    def white_test(self) -> TestReport:
        """Test whether the variance depends on the regressors, their squares and products.

        n R² of e² on the regressors, their squares and their products is χ²; columns that repeat
        others are left out.

        References
        ----------
        White (1980), Econometrica 48.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> round(fit.white_test().p_value, 4)
        0.2569
        """
        return self._report(specification.white(self.estimate))

    def goldfeld_quandt_test(
        self,
        order_by: Any = None,
        point: float = 0.5,
        fraction: float = 0.0,
        alternative: str = "greater",
    ) -> TestReport:
        """Compare the variances of two parts of the rows (lmtest's gqtest).

        ``order_by`` is a column of the model by name, or n values; ``point`` where to split;
        ``fraction`` what to leave out between; ``alternative`` "greater" (the variance rises),
        "less" or "two.sided".

        References
        ----------
        Goldfeld & Quandt (1965), Journal of the American Statistical Association 60.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> round(fit.goldfeld_quandt_test(order_by="hp").p_value, 4)
        0.8169
        """
        return self._report(
            specification.goldfeld_quandt(self.estimate, order_by, point, fraction, alternative)
        )

    def reset_test(self, powers: int | Sequence[int] = (2, 3), type: str = "fitted") -> TestReport:
        """Test whether powers of the fitted values, or of the regressors, are missing (RESET).

        The F test of the powers, added to the model.

        Parameters
        ----------
        powers : int or sequence of int
            Which powers, from 2.
        type : {"fitted", "regressor"}
            Of what: the fitted values, or every regressor.

        References
        ----------
        Ramsey (1969), Journal of the Royal Statistical Society B 31.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> round(fit.reset_test().p_value, 4)
        0.003
        """
        return self._report(specification.reset(self.estimate, powers, type))

    def rainbow_test(
        self, fraction: float = 0.5, order_by: Any = None, center: float = 0.5
    ) -> TestReport:
        """Test whether the middle of the rows is fitted better than all (lmtest's raintest).

        ``order_by`` is a column by name, n values, or "mahalanobis" for the rows nearest to the
        centre of the regressors.

        F = ((RSS − RSS_m)/(n − m)) / (RSS_m/(m − p)) with the m rows in the middle.

        References
        ----------
        Utts (1982), Communications in Statistics: Theory and Methods 11.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> round(fit.rainbow_test().p_value, 4)
        0.9771
        """
        return self._report(specification.rainbow(self.estimate, fraction, order_by, center))

    def durbin_watson_test(
        self, alternative: str = "greater", exact: bool | None = None
    ) -> TestReport:
        """Test whether the errors follow those before them (lmtest's dwtest).

        The p-value is exact below 100 rows, or where ``exact`` asks for it.

        d = Σ (e_t − e_{t−1})² / Σ e_t², about 2 where there is no correlation and 0 where it is
        perfect.

        Parameters
        ----------
        alternative : {"greater", "two.sided", "less"}
            "greater" is positive correlation.
        exact : bool, optional
            Whether the p-value is that of the quadratic form itself, and not of its normal
            approximation.

        References
        ----------
        Durbin & Watson (1950), Biometrika 37.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> test = fit.durbin_watson_test()
        >>> round(test.statistic, 3), round(test.p_value, 4)
        (1.362, 0.0206)
        """
        return self._report(serial.durbin_watson(self.estimate, alternative, exact))

    def breusch_godfrey_test(
        self, order: int = 1, type: str = "Chisq", fill: float = 0.0
    ) -> TestReport:
        """Test for serial correlation up to an order, by "Chisq" or "F" (lmtest's bgtest).

        Residuals are regressed on the regressors and on their own lags up to ``order``: n R² is χ²
        with ``order`` degrees of freedom, or the lags are tested by F. Lags before the first row
        are ``fill``.

        References
        ----------
        Breusch (1978), Australian Economic Papers 17; Godfrey (1978), Econometrica 46.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> round(fit.breusch_godfrey_test(order=2).p_value, 4)
        0.1709
        """
        return self._report(serial.breusch_godfrey(self.estimate, order, type, fill))

    def jarque_bera_test(self) -> TestReport:
        """Test whether the errors are normal, by their skewness and kurtosis.

        JB = n/6 (S² + (K − 3)²/4) is χ² with 2 degrees of freedom; it needs some hundred rows to
        hold its level.

        References
        ----------
        Jarque & Bera (1980), Economics Letters 6.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> round(fit.jarque_bera_test().statistic, 3)
        4.046
        """
        return self._report(specification.jarque_bera(self.estimate))

    def hosmer_lemeshow_test(
        self, groups: int = 10, *, newdata: Any = None, event: Any = None
    ) -> TestReport:
        """Test whether predicted probabilities are true, in groups of rows by probability.

        ``newdata`` and ``event`` are those of :meth:`calibration`.

        References
        ----------
        Hosmer & Lemeshow (1980), Communications in Statistics: Theory and Methods 9.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> round(fit.hosmer_lemeshow_test(groups=5).p_value, 3)
        0.957
        """
        found = discrimination.hosmer_lemeshow(self.estimate, groups, newdata, event)
        return self._report(found)

    def calibration(
        self,
        groups: int = 10,
        by: str = "quantile",
        level: float = 0.95,
        *,
        newdata: Any = None,
        event: Any = None,
    ) -> DataTable:
        """Return predicted against observed shares in groups by probability: the curve as a table.

        Groups are cut at quantiles of the probabilities, or "uniform"; limits are Wilson's.

        Parameters
        ----------
        newdata : frame, or (X, y) for a fit to arrays, optional
            Other rows, with their response; by default those of the fit, which flatter it.
        event : optional
            The class whose probability is judged; of two classes the second unless given.

        References
        ----------
        Wilson (1927), Journal of the American Statistical Association 22.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.calibration(groups=3)["Observed"].round(3).tolist()
        [0.091, 0.2, 0.909]
        """
        found = discrimination.calibration(self.estimate, groups, by, level, newdata, event)
        return calibration_table(found)

    def roc(self, level: float = 0.95, *, newdata: Any = None, event: Any = None) -> Roc:
        """Return the ROC curve, the area under it (``auc``) and DeLong's interval of it.

        ``newdata`` and ``event`` are those of :meth:`calibration`: of several classes, one is set
        against the rest.

        References
        ----------
        DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> round(fit.roc().auc, 3)
        0.933
        """
        return discrimination.roc(self.estimate, level, newdata, event)

    def auc(self, level: float = 0.95, *, newdata: Any = None) -> DataTable:
        """Return the area under the ROC curve of each class against the rest, with its limits.

        Of several classes the last row is Hand and Till's M, the mean area of every two classes:
        the chance that of a row of one and a row of the other each is told for what it is.

        References
        ----------
        Hand & Till (2001), Machine Learning 45.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.multinom("Species ~ Sepal.Width", data=sd.datasets.load("iris"))
        >>> fit.auc()["AUC"].round(3).tolist()
        [0.88, 0.794, 0.638, 0.771]
        """
        return areas_table(discrimination.areas(self.estimate, level, newdata))

    def confusion(self, threshold: float = 0.5, *, newdata: Any = None) -> DataTable:
        """Return observed classes against predicted ones, with accuracy, recall and precision.

        ``newdata`` is that of :meth:`calibration`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.confusion()["1"].tolist()
        [1.0, 11.0]
        """
        return confusion_table(discrimination.confusion(self.estimate, threshold, newdata))

    def pseudo_rsquared(self) -> Mapping[str, float]:
        """Return McFadden's, Cox and Snell's, Nagelkerke's, Tjur's, Efron's … pseudo R² by name.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> round(fit.pseudo_rsquared()["Nagelkerke"], 4)
        0.7131
        """
        return pseudo_rsquared(self.goodness)

    def _report(self, found: HypothesisTest) -> TestReport:
        return TestReport(found, self.describe())
