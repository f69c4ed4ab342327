"""``Fit``, the object users hold: what people ask of it is in one file a theme.

Verbs are R's (``summary``, ``anova``, ``predict``, ``confint``, …); attributes are statsmodels'
(``params``, ``bse``, ``pvalues``, ``conf_int()``, ``llf``, …). Where R and statsmodels differ, the
attribute has statsmodels' value and the verb R's: ``fit.aic`` does not count a dispersion,
``fit.AIC()`` does.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

from statdl import storage
from statdl.backend.array import to_numpy
from statdl.backend.linalg import design_matrix
from statdl.errors import ModelError
from statdl.formula import like as frame_like
from statdl.formula import update_formula
from statdl.infer.goodness import LogLikelihood
from statdl.keywords import explained
from statdl.report import Summary
from statdl.report.summary import summarise
from statdl.results.analysis import Analysis
from statdl.results.attributes import Attributes
from statdl.results.choice import Choice
from statdl.results.diagnostics import Diagnostics
from statdl.results.margins import Margins
from statdl.results.pictures import Pictures
from statdl.results.prediction import Predictions
from statdl.results.reports import Reports
from statdl.results.tables import Tables


@dataclass(frozen=True, repr=False)
class Fit(
    Attributes, Predictions, Margins, Tables, Reports, Analysis, Choice, Diagnostics, Pictures
):
    """A fitted model.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> fit.params.round(4).to_dict()
    {'Intercept': 37.2851, 'wt': -5.3445}
    >>> round(fit.rsquared, 4)
    0.7528
    """

    def model_matrix(self) -> Any:
        """Return the design matrix, intercept included: a frame for formulas, else an array.

        Returns
        -------
        (n, p): rows of the fit, a column a coefficient.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.model_matrix().columns.tolist()
        ['Intercept', 'wt']
        """
        frame = self.estimate.frame
        _ = self.estimate.specification.rows.n  # a fit from a file has no rows, and says so
        self.estimate.specification.rows.require_memory()
        X = design_matrix(frame.X, frame.design.intercept)
        if frame.source is None:
            return X
        columns = {name: to_numpy(X[:, j]) for j, name in enumerate(frame.design.coefficient_names)}
        return frame_like(frame.source, columns, frame.index)

    def coef(self) -> Any:
        """Return the coefficients.

        See Also
        --------
        Fit.params : The same.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.coef().round(3).to_dict()
        {'Intercept': 37.285, 'wt': -5.344}
        """
        return self.params

    def logLik(self) -> LogLikelihood:
        """Return R's log-likelihood, whose degrees of freedom count the dispersion.

        See Also
        --------
        Fit.llf : statsmodels' value, which differs for some families.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.logLik()
        'log Lik.' -80.01471 (df=3)
        """
        return self.goodness.log_likelihood()

    def AIC(self, k: float = 2.0) -> float:
        """Return R's AIC: −2 logLik + k df, the dispersion counted.

        Parameters
        ----------
        k : float
            What a parameter costs: 2 for AIC, log n for BIC.

        See Also
        --------
        Fit.aic : statsmodels' value, which does not count a dispersion.

        References
        ----------
        Akaike (1974), IEEE Transactions on Automatic Control 19.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(fit.AIC(), 3), round(fit.aic, 3)
        (166.029, 164.029)
        """
        found = self.logLik()
        return -2 * found.value + k * found.df

    def BIC(self) -> float:
        """Return R's BIC, the dispersion counted.

        −2 logLik + df log n.

        See Also
        --------
        Fit.bic : statsmodels' value, which does not count a dispersion.

        References
        ----------
        Schwarz (1978), Annals of Statistics 6.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(fit.BIC(), 3)
        170.427
        """
        return self.AIC(k=math.log(self.logLik().nobs))

    def df_residual(self) -> float:
        """Return the residual degrees of freedom.

        n − p, with rows of positive weight and estimable coefficients; n − tr of the hat matrix
        under a penalty.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.df_residual()
        30.0
        """
        return self.df_resid

    @explained
    def summary(self, level: float = 0.95, *, vcov: Any = None, cluster: Any = None) -> Summary:
        """Return the summary: prints in a terminal, shows as HTML in a notebook.

        ``vcov`` and ``cluster`` choose the covariance, as for :meth:`vcov`.

        Parameters
        ----------
        level : float
            Of the confidence limits.
        vcov, cluster : optional
            The covariance, as for :meth:`vcov`.

        See Also
        --------
        Fit.tidy : The coefficients as a frame.
        Fit.glance : The measures of fit as a frame.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.summary().title
        'Linear Regression Results'
        """
        return summarise(self.with_covariance(vcov, cluster).goodness, level=level)

    def update(self, formula: str | None = None, **changes: Any) -> Fit:
        """Fit again with another formula, data, weights or method.

        A dot in the formula is what stood there: ``fit.update(". ~ . + hp")``. Other changes are
        arguments of the front door, by name.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.update(". ~ . + hp").params.index.tolist()
        ['Intercept', 'wt', 'hp']
        """
        if formula is not None:
            if self.formula is None:
                raise ModelError("A fit to arrays has no formula to update; pass X= and y=.")
            changes["formula"] = update_formula(self.formula, formula)
        return self.call.again(changes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fit to a file that :func:`statdl.load` reads.

        The file is a zip of JSON and arrays, without pickle. It holds what the model is and what
        was estimated, and no rows of the data: the loaded fit predicts and prints the same, and
        says so where rows are asked for, as by ``residuals()``. It is written in one piece or not
        at all.

        Raises
        ------
        ModelError
            Where the fit has parts of your own making, such as a family.
        OSError
            Where the file cannot be written; an older one is then as it was.

        See Also
        --------
        load : Reads the file.

        Examples
        --------
        >>> import statdl as sd
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "cars.statdl"
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.save(path)
        >>> sd.load(path).params.equals(fit.params)
        True
        """
        storage.write_fit(path, self.call.front.__name__, self.goodness)
