"""``Fit``, the object users hold: every method is a line into infer or report.

Verbs are R's (``summary``, ``anova``, ``predict``, ``confint``, …); attributes are statsmodels'
(``params``, ``bse``, ``pvalues``, ``conf_int()``, ``llf``, …). Where R and statsmodels differ, the
attribute has statsmodels' value and the verb R's: ``fit.aic`` does not count a dispersion,
``fit.AIC()`` does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl import storage, study
from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.linalg import design_matrix
from statdl.errors import DataError, ModelError
from statdl.formula import like as frame_like
from statdl.formula import update_formula
from statdl.infer import anova as analysis
from statdl.infer import predict as prediction
from statdl.infer import residual
from statdl.infer.aliased import warn_undetermined
from statdl.infer.distribution import check_level
from statdl.infer.effects import average_effects, own_effects
from statdl.infer.goodness import LogLikelihood
from statdl.infer.term_tests import model_tests, term_tests
from statdl.infer.terms import term_contributions
from statdl.lazy import lazy
from statdl.report import DataTable, Summary
from statdl.report.analysis import comparison_table, term_table
from statdl.report.effects import effects_table
from statdl.report.summary import summarise
from statdl.report.wald import adjusted_table, model_test_table, term_test_table
from statdl.results.attributes import Attributes
from statdl.results.choice import Choice
from statdl.results.diagnostics import Diagnostics
from statdl.results.inference import Inference
from statdl.results.margins import Margins
from statdl.results.pictures import Pictures
from statdl.results.reports import Reports
from statdl.results.tables import Tables
from statdl.results.written import AS_THEY_ARE_MADE, write_predictions
from statdl.scan.source import Scan

pd = lazy("pandas")
np = lazy("numpy")


@dataclass(frozen=True, repr=False)
class Fit(Attributes, Margins, Tables, Reports, Inference, Choice, Diagnostics, Pictures):
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

    def fitted(self) -> Any:
        """Return the fitted means, or the probabilities of every class.

        Returns
        -------
        (n,), or a column a class, in the kind of the data.

        See Also
        --------
        Fit.predict : For other rows, with errors and limits.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> round(float(fit.fitted().loc["Mazda RX4"]), 2)
        23.28
        """
        return self._rows(residual.fitted(self.estimate), "fitted")

    def predict(
        self,
        newdata: Any = None,
        type: str = "response",
        *,
        offset: Any = None,
        se_fit: bool = False,
        interval: str | None = None,
        level: float = 0.95,
        vcov: Any = None,
        cluster: Any = None,
        method: str = "delta",
        B: int = 200,
        seed: int = 0,
        folds: int = 10,
        to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Predict the rows of ``newdata``, or those of the fit.

        Parameters
        ----------
        newdata : frame, dict, array or Scan, optional
            Data with the predictor columns. Rows with missing values give NaN; rows in which a
            column without a coefficient is not the combination of others that it was in the data
            are predicted as if its coefficient were 0, with a StatdlWarning.
        type : {"response", "link", "class", "terms"}
            Means (or class probabilities), linear predictors, most probable classes, or what each
            term adds to the linear predictor.
        offset : (m,) array, optional
            Offset of the new rows, beyond ``offset(...)`` in the formula.
        se_fit : bool
            Add standard errors.
        interval : {"confidence", "prediction"}, optional
            Add limits of the mean, or (normal errors) of a new observation.
        level : float
            Confidence level.
        vcov, cluster : optional
            The covariance behind errors and limits, as for :meth:`vcov`.
        method : {"delta", "bootstrap", "conformal", "cv+"}
            Where errors and limits are from: the covariance; the percentiles of B refits to
            resampled rows; or (limits of a new response, whatever the model) split conformal
            prediction, which covers with at least ``level`` in finite samples, or CV+ over
            ``folds``, which uses all rows.
        B, seed, folds : int
            How refits are made.
        to : path, optional
            A Parquet file for the predictions of a :func:`statdl.scan`, written block by block, in
            one piece or not at all; its path is returned.

        Returns
        -------
        A vector for a single prediction; a frame of the kind given with columns ``fit``,
        ``se_fit``, ``lwr``, ``upr`` when errors or limits are asked for (one set a class, as
        ``fit.a``, for several classes).

        Raises
        ------
        DataError
            When new rows lack a column, or have a level that the fit has not seen.
        ModelError
            When the model has no such limits or errors.

        See Also
        --------
        Fit.predictions : With errors, averages and comparisons.
        Fit.augment : Beside the data.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> new = {"wt": [2.0, 3.0]}
        >>> [round(float(value), 2) for value in fit.predict(new)]
        [26.6, 21.25]
        >>> print(fit.predict(new, interval="prediction"))
                 fit        lwr        upr
        0  26.596183  20.128114  33.064252
        1  21.251711  14.929874  27.573549
        """
        if to is not None or isinstance(newdata, Scan):
            asked = {"type": type, "se_fit": se_fit, "interval": interval, "level": level,
                     "method": method, "B": B, "seed": seed, "folds": folds}  # fmt: skip
            return self._written(newdata, to, offset, self.with_covariance(vcov, cluster), asked)
        estimate = self.with_covariance(vcov, cluster).estimate
        resampled = method != "delta"
        shown = None if resampled and interval == "prediction" else interval
        prediction.check(estimate, type, se_fit, shown)
        X, given, index, source = self._inputs(newdata, offset)
        if resampled or type == "terms":
            warn_undetermined(estimate, X)
        if resampled:
            found = study.resampled_prediction(
                estimate, prediction.estimable(estimate, X), given, method,
                study.Resampling(B, seed, folds),
                scale=type, se_fit=se_fit, interval=interval, level=level,
            )  # fmt: skip
            return self._predicted(found, index, source)
        if type == "terms":
            return self._predicted(term_contributions(estimate, X, se_fit=se_fit), index, source)
        scale = "response" if type == "class" else type
        found = prediction.predict(
            estimate, X, given, scale=scale, se_fit=se_fit, interval=interval, level=level
        )
        if type == "class":
            return self._vector(prediction.classes(estimate, found.fit), index, source)
        return self._predicted(found, index, source)

    def effects(
        self, newdata: Any = None, *, level: float = 0.95, vcov: Any = None, cluster: Any = None
    ) -> DataTable:
        """Return the average marginal effect of each column on the mean response.

        Slopes averaged over the rows, by weight, in the column's own units; for the columns of a
        factor coded against a reference level, the average change from that level. With several
        classes, effects are on each class's probability. In a linear regression they are its
        coefficients.

        Parameters
        ----------
        newdata : frame, dict or array, optional
            Rows to average over, each counted once; by default those of the fit. Rows with missing
            values are left out.
        level : float
            Confidence level.
        vcov, cluster : optional
            The covariance behind the standard errors, as for :meth:`vcov`.

        Returns
        -------
        DataTable with the columns ``Effect``, ``Std. Error``, ``t`` or ``z``, its p-value and
        the limits; with several classes a column ``Class`` before them.

        See Also
        --------
        Fit.avg_slopes : The same as a frame, with factors compared by level.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.effects()["Effect"].round(3).tolist()
        [-3.878, -0.032]
        """
        estimate = self.with_covariance(vcov, cluster).estimate
        if newdata is None:
            found = own_effects(estimate)
        else:
            X, offset, _, _ = self._inputs(newdata, None)
            found = average_effects(estimate, *_complete(X, offset))
        return effects_table(found, check_level(level))

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

    def anova(
        self,
        *others: Fit,
        typ: int = 1,
        test: str | None = None,
        vcov: Any = None,
        cluster: Any = None,
        adjust: str | None = None,
        B: int = 99,
        seed: int = 0,
    ) -> DataTable:
        """Return the analysis of variance of this fit, or compare it with others.

        Parameters
        ----------
        others : Fit
            Fits to the same rows, to compare in the order given.
        typ : {1, 2, 3}
            Sequential, each term after those it is not part of, or (sum contrasts) after all.
        test : {"F", "Chisq" (= "LRT"), "Rao"}, optional
            F where the dispersion is estimated, else the likelihood ratio; or Rao's score test.
        vcov, cluster : optional
            Wald tests under another covariance, as for :meth:`vcov`.
        adjust : str, optional
            Adjust the p-values for their number, by a method of :func:`statdl.adjust`.
        B, seed : int
            A network is compared with a smaller model by a parametric bootstrap of B responses.

        Raises
        ------
        ModelError
            When fits are of different rows, responses or families.

        See Also
        --------
        Fit.wald : Any linear hypothesis.
        Fit.drop1 : Terms by AIC.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> table = sd.lm("mpg ~ wt", data=cars).anova(sd.lm("mpg ~ wt + hp", data=cars))
        >>> round(float(table["Pr(>F)"][1]), 5)
        0.00145
        """
        table = self._analysis(others, typ, test, vcov, cluster, B, seed)
        return table if adjust is None else adjusted_table(table, adjust)

    def _analysis(
        self,
        others: Sequence[Fit],
        typ: int,
        test: str | None,
        vcov: Any,
        cluster: Any,
        B: int,
        seed: int,
    ) -> DataTable:
        _refuse_strangers(others)
        fits = [fit.with_covariance(vcov, cluster) for fit in (self, *others)]
        estimates = [fit.estimate for fit in fits]
        chosen = vcov is not None or cluster is not None or estimates[0].reported is not None
        if typ not in (1, 2, 3):
            raise ModelError(f"typ={typ!r} is not known; choose 1, 2 or 3.")
        if others and chosen:
            words = [fit.describe() for fit in fits]
            return model_test_table(estimates, model_tests(estimates), test, words)
        if chosen:
            return term_test_table(estimates[0], term_tests(estimates[0], typ), test, typ)
        if others:
            if any(estimate.specification.plan is not None for estimate in estimates):
                return study.ratio_table(estimates, [fit.label for fit in fits], B, seed)
            compared = analysis.compare(estimates, test)
            return comparison_table(compared, estimates, [fit.describe() for fit in fits])
        if typ == 1:
            return term_table(analysis.sequential(self.estimate, test), self.estimate, 1)
        return term_table(analysis.marginal(self.estimate, typ, test), self.estimate, typ)

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

    def _written(
        self,
        newdata: Any,
        to: str | os.PathLike[str] | None,
        offset: Any,
        fit: Fit,
        asked: dict[str, Any],
    ) -> str:
        """Write the predictions of a scan."""
        if to is None or not isinstance(newdata, Scan) or offset is not None:
            raise ModelError(AS_THEY_ARE_MADE)

        def predict(block: Any) -> Any:
            return fit.predict(block, **asked)

        return write_predictions(predict, self.estimate.frame.design, newdata, to)

    def _inputs(self, newdata: Any, offset: Any) -> tuple[Array, Array | None, Any, Any]:
        specification = self.estimate.specification
        frame, rows = specification.frame, specification.rows
        if newdata is None:
            if offset is not None:
                raise ModelError("offset= belongs to newdata=; the fit's own offset is used.")
            given = None if rows.offset is None else rows.offset[:, 0]
            return rows.X, given, frame.index, frame.source
        new = frame.design.encode(newdata)
        X = specification.inputs(like(new.X, rows.template))
        given = None if new.offset is None else like(new.offset, rows.template)
        if offset is not None:
            extra = like(offset, rows.template)
            if extra.shape != (X.shape[0],):
                raise ModelError(
                    f"offset has the shape {tuple(extra.shape)} for {X.shape[0]} rows."
                )
            given = extra if given is None else given + extra
        return X, given, new.index, new.source

    def _predicted(self, found: prediction.Prediction, index: Any, source: Any) -> Any:
        parts = {
            "fit": found.fit,
            "se_fit": found.standard_error,
            "lwr": found.lower,
            "upr": found.upper,
        }
        present = {name: part for name, part in parts.items() if part is not None}
        if len(present) == 1 and found.fit.shape[1] == 1 and not found.labels:
            return self._vector(found.fit[:, 0], index, source)
        if len(present) == 1 and source is None:
            return found.fit
        columns = {}
        for name, part in present.items():
            for k in range(part.shape[1]):
                label = found.labels[k] if found.labels else ""
                plain = label if len(present) == 1 else ".".join(filter(None, (name, label)))
                columns[plain] = to_numpy(part[:, k])
        frame = frame_like(source, columns, index)
        if found.constant and hasattr(frame, "attrs"):  # pandas carries R's attribute along
            frame.attrs["constant"] = (
                found.constant[0] if len(found.constant) == 1 else found.constant
            )
        return frame


def _refuse_strangers(others: Sequence[Any]) -> None:
    """Raise for what is not a fit, such as a type of test without its name."""
    for other in others:
        if not isinstance(other, Fit):
            raise ModelError(
                f"anova() compares fits, and {other!r} is none; for a type of test write "
                f"typ={other!r}."
            )


def _complete(X: Array, offset: Array | None) -> tuple[Array, Array | None]:
    """Return the rows without missing values."""
    xp = namespace(X)
    whole = xp.all(xp.isfinite(X), axis=1)
    if offset is not None:
        whole = whole & xp.isfinite(offset)
    if not bool(xp.any(whole)):
        raise DataError("Every row of newdata has a missing value; there is nothing to average.")
    chosen = xp.nonzero(whole)[0]
    return xp.take(X, chosen, axis=0), None if offset is None else xp.take(offset, chosen)
