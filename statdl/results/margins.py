"""Margins of a fit: predictions, comparisons, slopes and effects; by row, averaged or at a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statdl import study
from statdl.errors import ModelError
from statdl.infer.contrasts import (
    by_name,
    comparison_questions,
    is_logged,
    prediction_questions,
    slope_questions,
)
from statdl.infer.distribution import check_level
from statdl.infer.margins import Question, Scale, margins, scale_of
from statdl.infer.population import Population, datagrid, population
from statdl.lazy import lazy
from statdl.report import DataTable
from statdl.report.margins import margins_frame
from statdl.results.inference import Inference

np = lazy("numpy")
partial = lazy("statdl.infer.partial")
tables = lazy("statdl.report.partial")


class Margins(Inference):
    """What a model says in the units of the response.

    Everything but ``variables`` is shared by the verbs:

    newdata : frame, dict or array, optional
        Rows to ask about; by default those of the fit. "mean" is one row of means and modes,
        "balanced" has every combination of levels. Rows with missing values are left out.
    by : bool, str or sequence of str
        False for an answer of every row, True for their average, or columns of the data to average
        within.
    type : {"response", "link"}
        Means (probabilities of every class) or linear predictors.
    weights : optional
        What rows count for in averages: None for the weights of the fit (1 for new data), False for
        1, a column, or a vector.
    vcov, cluster : optional
        The covariance, as for :meth:`vcov`.
    level : float
        Confidence level.

    Limits are estimate ± c · std.error, with c of t where a dispersion is estimated.
    """

    def predictions(
        self,
        newdata: Any = None,
        *,
        variables: str | Sequence[str] | Mapping[str, Any] | None = None,
        by: Any = False,
        type: str = "response",
        weights: Any = None,
        vcov: Any = None,
        cluster: Any = None,
        level: float = 0.95,
    ) -> Any:
        """Return predictions with standard errors.

        ``variables`` maps names to values that all rows are set to, one after another (None, or a
        name alone, for all levels, or the quartiles of a number). ``by`` may name them: the groups
        are then of the rows as they are set, and what it does not name is averaged over;
        ``by=True`` averages for every value.

        Parameters
        ----------
        newdata : frame, dict or array, optional
            Rows to ask about; by default those of the fit. "mean" is one row of means and modes,
            "balanced" has every combination of levels. Rows with missing values are left out.
        variables : mapping, str or sequence of str, optional
            Names and the values that all rows are set to, as above.
        by : bool, str or sequence of str
            False for an answer of every row, True for their average, or columns to average within.
        type : {"response", "link"}
            Means (probabilities of every class) or linear predictors.
        weights : optional
            What rows count for in averages: None for the weights of the fit (1 for new data), False
            for 1, a column, or a vector.
        vcov, cluster : optional
            The covariance, as for :meth:`vcov`.
        level : float
            Confidence level of the limits.

        References
        ----------
        Arel-Bundock, Greifer & Heiss (2024), Journal of Statistical Software 111(9).

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt * hp", data=sd.datasets.load("mtcars"))
        >>> fit.predictions(variables={"wt": [2, 3, 4]}, by="wt")["estimate"].round(2).tolist()
        [23.93, 19.8, 15.66]
        """
        rows = self._asked(newdata, weights, vcov, cluster)
        names = _names(by)
        questions = prediction_questions(rows, variables, names)
        if names is not None:
            asked = {} if variables is None else by_name(variables)
            by = [name for name in names if name not in asked] or True
        return _answered(rows, questions, scale_of(type), by, level)

    def comparisons(
        self,
        variables: Any = None,
        newdata: Any = None,
        *,
        comparison: str = "difference",
        by: Any = False,
        type: str = "response",
        weights: Any = None,
        vcov: Any = None,
        cluster: Any = None,
        level: float = 0.95,
    ) -> Any:
        """Return how predictions change with a variable, the others as they are.

        Parameters
        ----------
        variables : str, sequence or mapping, optional
            Which variables, by default all; or a mapping to their changes. Numbers change by 1
            (an indicator of 0 and 1 from 0 to 1), by another step, by "sd", "2sd", "iqr", "minmax",
            or (from, to); factors from the first level to each other ("reference"), to the next
            ("sequential"), every two ("pairwise"), or (from, to).
        comparison : {"difference", "ratio", "lnratio", "lift", "lnor"}
            A⁺ − A⁻, A⁺/A⁻, log(A⁺/A⁻), (A⁺ − A⁻)/A⁻ or the log odds ratio, of the predictions
            averaged where these are averaged.
        newdata, by, type, weights, vcov, cluster, level
            As for :meth:`predictions`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> found = fit.comparisons({"hp": 50}, by=True)
        >>> found["estimate"].round(3).tolist()
        [-1.589]
        """
        rows = self._asked(newdata, weights, vcov, cluster)
        questions = comparison_questions(rows, variables, comparison)
        return _answered(rows, questions, scale_of(type), by, level)

    def slopes(
        self,
        variables: Any = None,
        newdata: Any = None,
        *,
        slope: str = "dydx",
        by: Any = False,
        type: str = "response",
        weights: Any = None,
        vcov: Any = None,
        cluster: Any = None,
        level: float = 0.95,
    ) -> Any:
        """Return the derivatives of predictions in the variables; factors are compared by level.

        ``slope`` is "dydx", or an elasticity: "eyex" = ∂log y/∂log x, "eydx" = ∂log y/∂x, "dyex" =
        ∂y/∂log x.

        Parameters
        ----------
        variables : str or sequence of str, optional
            Which variables, by default all.
        slope : {"dydx", "eyex", "eydx", "dyex"}
            As above.
        newdata, by, type, weights, vcov, cluster, level
            As for :meth:`predictions`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.slopes("wt", newdata="mean")["estimate"].round(4).tolist()
        [-0.8249]
        """
        rows = self._asked(newdata, weights, vcov, cluster)
        questions = slope_questions(rows, variables, slope)
        scale = scale_of(type, is_logged(slope))
        return _answered(rows, questions, scale, by, level)

    def avg_predictions(self, newdata: Any = None, *, by: Any = True, **options: Any) -> Any:
        """Return predictions averaged over the rows, or within the groups ``by``.

        Parameters are those of :meth:`predictions`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.avg_predictions(by="wt", newdata={"wt": [2.0, 3.0]})["estimate"].round(2).tolist()
        [26.6, 21.25]
        """
        return self.predictions(newdata, by=by, **options)

    def avg_comparisons(
        self, variables: Any = None, newdata: Any = None, *, by: Any = True, **options: Any
    ) -> Any:
        """Return comparisons averaged over the rows, or within the groups ``by``.

        Parameters are those of :meth:`comparisons`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + factor(cyl)", data=sd.datasets.load("mtcars"))
        >>> fit.avg_comparisons("cyl")["estimate"].round(3).tolist()
        [-4.256, -6.071]
        """
        return self.comparisons(variables, newdata, by=by, **options)

    def avg_slopes(
        self, variables: Any = None, newdata: Any = None, *, by: Any = True, **options: Any
    ) -> Any:
        """Return slopes averaged over the rows, or within the groups ``by``.

        Parameters are those of :meth:`slopes`.

        See Also
        --------
        Fit.effects : The same as a table.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.avg_slopes()["estimate"].round(3).tolist()
        [-0.37]
        """
        return self.slopes(variables, newdata, by=by, **options)

    def partial_effect(
        self,
        variable: str,
        newdata: Any = None,
        *,
        vcov: Any = None,
        cluster: Any = None,
        level: float = 0.95,
        points: int | Sequence[Any] | None = None,
    ) -> DataTable:
        """Return the average mean response by the values of one variable.

            m(v) = Σ_i w_i μ(x_i with the variable at v) / Σ_i w_i

        with everything that the formula makes of the variable following it, such as ``poly(wt, 2)``
        or ``wt:hp``; standard errors are the delta method's, √(gᵀ C g) with g = ∂m(v)/∂θ. Limits
        are made on the scale of the link (the log odds for several classes) and carried back.

        Parameters
        ----------
        variable : str
            A column of the data, as it is called there.
        newdata : frame, dict or array, optional
            Rows to average over, each counted once; by default those of the fit, by weight. Rows
            with missing values are left out.
        vcov, cluster : optional
            The covariance behind the standard errors, as for :meth:`with_covariance`.
        level : float
            Confidence level.
        points : int or sequence, optional
            How many values a number runs through, 50 unless given, from its smallest to its
            largest; or the values themselves. A factor has its levels.

        Returns
        -------
        DataTable with the variable, ``Mean``, ``Std. Error`` and limits; with several classes a
        row for each, named in the column ``Class``.

        Raises
        ------
        ModelError
            For what is no variable of the model, or one whose effect is not estimable.
        DataError
            Where the data were changed since the fit.

        References
        ----------
        Friedman (2001), Greedy function approximation: a gradient boosting machine, Annals of
        Statistics 29, section 8.2; Graubard & Korn (1999), Predictive margins with survey data,
        Biometrics 55.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.partial_effect("wt", points=[2, 3, 4])["Mean"].round(2).tolist()
        [24.81, 20.93, 17.06]
        """
        under = study.under(self.estimate, vcov, cluster)
        found = partial.partial_effect(under, variable, newdata, points=points, level=level)
        return tables.partial_table(found)

    def datagrid(self, grid: str = "mean_or_mode", **values: Any) -> Any:
        """Return rows to predict at: every combination of ``values``, the rest typical.

        Parameters
        ----------
        grid : {"mean_or_mode", "balanced", "counterfactual"}
            Other variables at their mean or most frequent level; factors at every level; or the
            rows of the fit, once for every combination.
        values
            Values of variables by name: one, several, or a function of the column such as
            ``np.median``.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.datagrid(wt=[2.0, 3.0])["wt"].tolist()
        [2.0, 3.0]
        """
        return datagrid(self.estimate, grid, values)

    def _asked(self, newdata: Any, weights: Any, vcov: Any, cluster: Any) -> Population:
        estimate = self.with_covariance(vcov, cluster).estimate
        if isinstance(newdata, str):
            grids = {"mean": "mean_or_mode", "balanced": "balanced"}
            if newdata not in grids:
                raise ModelError(f"newdata={newdata!r} is not known; choose mean or balanced.")
            newdata = datagrid(estimate, grids[newdata], {})
        return population(estimate, newdata).weighted(weights)


def _names(by: Any) -> list[str] | None:
    """Return the columns to average within; None for every row, or one average."""
    if by is None or isinstance(by, bool):
        return None
    return [by] if isinstance(by, str) else list(by)


def _answered(
    rows: Population, questions: Sequence[Question], scale: Scale, by: Any, level: float
) -> Any:
    check_level(level)
    keys: dict[str, Any] = {}
    groups = None
    if by is True:
        groups = np.zeros(rows.n, dtype=np.int64)
    elif (names := _names(by)) is not None:
        groups, keys = rows.grouped(names)
    found = margins(rows, questions, scale, groups)
    return margins_frame(found, rows, questions, keys, level)
