"""Diagnostics as functions: each calls the method of the fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statdl.api.verbs import as_fit
from statdl.infer.discrimination import Roc
from statdl.report import DataTable
from statdl.report.hypothesis import TestReport
from statdl.report.separation import SeparationReport
from statdl.results import Fit


def influence(fit: Fit) -> Any:
    """Return every measure of every row's influence; see :meth:`statdl.Fit.influence`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.influence(fit).shape
    (32, 9)
    """
    return as_fit(fit).influence()


def hatvalues(fit: Fit) -> Any:
    """Return the diagonal of the hat matrix.

    See Also
    --------
    Fit.hatvalues : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(float(sd.hatvalues(fit).max()), 4)
    0.1953
    """
    return as_fit(fit).hatvalues()


def rstandard(fit: Fit) -> Any:
    """Return residuals divided by their standard deviation.

    See Also
    --------
    Fit.rstandard : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(float(sd.rstandard(fit).max()), 4)
    2.3349
    """
    return as_fit(fit).rstandard()


def rstudent(fit: Fit) -> Any:
    """Return residuals divided by their standard deviation without the row itself.

    See Also
    --------
    Fit.rstudent : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(float(sd.rstudent(fit).max()), 4)
    2.5378
    """
    return as_fit(fit).rstudent()


def cooks_distance(fit: Fit) -> Any:
    """Return how far each row moves the coefficients, all together.

    See Also
    --------
    Fit.cooks_distance : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(float(sd.cooks_distance(fit).max()), 4)
    0.5319
    """
    return as_fit(fit).cooks_distance()


def dffits(fit: Fit) -> Any:
    """Return how far each row moves its own fitted value, in standard errors.

    See Also
    --------
    Fit.dffits : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(float(sd.dffits(fit).max()), 4)
    1.1048
    """
    return as_fit(fit).dffits()


def dfbetas(fit: Fit) -> Any:
    """Return how far each row moves each coefficient, in standard errors.

    See Also
    --------
    Fit.dfbetas : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.dfbetas(fit).shape
    (32, 2)
    """
    return as_fit(fit).dfbetas()


def covratio(fit: Fit) -> Any:
    """Return by what each row multiplies the determinant of the covariance.

    See Also
    --------
    Fit.covratio : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(float(sd.covratio(fit).min()), 4)
    0.7673
    """
    return as_fit(fit).covratio()


def outlier_test(fit: Fit, **options: Any) -> DataTable:
    """Test the largest studentised residuals; see :meth:`statdl.Fit.outlier_test`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.outlier_test(fit).index
    ('Fiat 128',)
    """
    return as_fit(fit).outlier_test(**options)


def vif(fit: Fit) -> DataTable:
    """Return the variance inflation factor of every term, generalised for factors.

    See Also
    --------
    Fit.vif : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    >>> sd.vif(fit)["VIF"].round(4).tolist()
    [1.7666, 1.7666]
    """
    return as_fit(fit).vif()


def separation(fit: Fit) -> SeparationReport:
    """Return whether predictors separate the response; see :meth:`statdl.Fit.separation`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> sd.separation(fit).kind
    'none'
    """
    return as_fit(fit).separation()


def breusch_pagan_test(fit: Fit, **options: Any) -> TestReport:
    """Test whether the variance of the errors depends on the regressors.

    See Also
    --------
    Fit.breusch_pagan_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.breusch_pagan_test(fit).p_value, 4)
    0.8406
    """
    return as_fit(fit).breusch_pagan_test(**options)


def white_test(fit: Fit) -> TestReport:
    """Test whether the variance depends on the regressors, their squares and products.

    See Also
    --------
    Fit.white_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.white_test(fit).p_value, 4)
    0.505
    """
    return as_fit(fit).white_test()


def goldfeld_quandt_test(fit: Fit, **options: Any) -> TestReport:
    """Compare the variances of two parts of the rows.

    See Also
    --------
    Fit.goldfeld_quandt_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.goldfeld_quandt_test(fit, order_by="wt").p_value, 4)
    0.958
    """
    return as_fit(fit).goldfeld_quandt_test(**options)


def reset_test(fit: Fit, **options: Any) -> TestReport:
    """Test whether powers of the fitted values are missing from the model.

    See Also
    --------
    Fit.reset_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.reset_test(fit).p_value, 4)
    0.0126
    """
    return as_fit(fit).reset_test(**options)


def rainbow_test(fit: Fit, **options: Any) -> TestReport:
    """Test whether the middle of the rows is fitted better than all of them.

    See Also
    --------
    Fit.rainbow_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.rainbow_test(fit, order_by="wt").p_value, 4)
    0.1076
    """
    return as_fit(fit).rainbow_test(**options)


def durbin_watson_test(fit: Fit, **options: Any) -> TestReport:
    """Test whether the errors follow those before them.

    See Also
    --------
    Fit.durbin_watson_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.durbin_watson_test(fit).statistic, 4)
    1.2517
    """
    return as_fit(fit).durbin_watson_test(**options)


def breusch_godfrey_test(fit: Fit, **options: Any) -> TestReport:
    """Test for serial correlation up to an order.

    See Also
    --------
    Fit.breusch_godfrey_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.breusch_godfrey_test(fit, order=2).p_value, 4)
    0.0772
    """
    return as_fit(fit).breusch_godfrey_test(**options)


def jarque_bera_test(fit: Fit) -> TestReport:
    """Test whether the errors are normal.

    See Also
    --------
    Fit.jarque_bera_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> round(sd.jarque_bera_test(fit).p_value, 4)
    0.3013
    """
    return as_fit(fit).jarque_bera_test()


def hosmer_lemeshow_test(fit: Fit, **options: Any) -> TestReport:
    """Test whether predicted probabilities are true.

    See Also
    --------
    Fit.hosmer_lemeshow_test : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> round(sd.hosmer_lemeshow_test(fit).p_value, 4)
    0.7983
    """
    return as_fit(fit).hosmer_lemeshow_test(**options)


def calibration(fit: Fit, **options: Any) -> DataTable:
    """Return predicted against observed shares in groups of rows by probability.

    See Also
    --------
    Fit.calibration : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> len(sd.calibration(fit, groups=4))
    4
    """
    return as_fit(fit).calibration(**options)


def roc(fit: Fit, level: float = 0.95, **options: Any) -> Roc:
    """Return the ROC curve with the area under it; see :meth:`statdl.Fit.roc`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> sd.roc(fit)
    AUC 0.9332 (95 % interval 0.8389 to 1.0000, DeLong; 29 thresholds)
    """
    return as_fit(fit).roc(level, **options)


def auc(fit: Fit, level: float = 0.95, **options: Any) -> DataTable:
    """Return the area under the ROC curve of each class; see :meth:`statdl.Fit.auc`.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> fit = sd.glm("am ~ wt", data=cars, family="binomial")
    >>> sd.auc(fit, newdata=cars[cars["cyl"] > 4])["AUC"].round(3).tolist()
    [0.906]
    """
    return as_fit(fit).auc(level, **options)


def confusion(fit: Fit, threshold: float = 0.5, **options: Any) -> DataTable:
    """Return observed classes against predicted ones.

    See Also
    --------
    Fit.confusion : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> sd.confusion(fit)["1"].tolist()
    [1.0, 11.0]
    """
    return as_fit(fit).confusion(threshold, **options)


def pseudo_rsquared(fit: Fit) -> Mapping[str, float]:
    """Return the pseudo R² of a fit by name; see :meth:`statdl.Fit.pseudo_rsquared`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> round(sd.pseudo_rsquared(fit)["Tjur"], 4)
    0.624
    """
    return as_fit(fit).pseudo_rsquared()
