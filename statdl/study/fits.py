"""Many fits of one model as a result: their frame, what failed, errors, limits and a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.distribution import check_level, normal_quantile
from statdl.infer.resampling import Spread, jackknife_bias, jackknife_error
from statdl.lazy import lazy
from statdl.report import DataTable, page, plot
from statdl.report.format import percent
from statdl.report.table import Document, Printed
from statdl.study.bootstrap import own_weights
from statdl.study.many import Many, batch_of, fit_views
from statdl.study.means import means_of
from statdl.study.settings import table_of_minima, table_of_penalties
from statdl.study.views import LeftOut, Source

pd = lazy("pandas")

#: Pictures that are drawn unless names are given.
SHOWN = 9
#: What the fits are called, by their kind.
KINDS = {
    "views": "fits",
    "bootstrap": "bootstrap fits",
    "parametric": "fits to simulated responses",
    "jackknife": "fits, a group of rows left out of each",
    "starts": "starts",
    "penalties": "penalties",
}
#: Kinds that are no sample of what a fit could have been, and why.
NO_SAMPLE = {
    "starts": "in where they start, and end at minima of one likelihood",
    "penalties": "in their penalty",
}


@dataclass(frozen=True, repr=False)
class ManyFits(Printed):
    """Many fits of one model: what :func:`fit_many`, :func:`bootstrap` and :func:`jackknife` give.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> many = sd.bootstrap(fit, 200, seed=1)
    >>> many.frame.shape
    (200, 2)
    >>> many.failures
    {}
    >>> many
                 200 bootstrap fits of lm(mpg ~ wt)
    =============================================================
               Estimate      Bias  Std. Error     2.5 %    97.5 %
    -------------------------------------------------------------
    Intercept   37.2851    0.2966      2.3256   32.8939   42.3137
    wt          -5.3445   -0.1193      0.7120   -7.1396   -4.1430
    =============================================================
    <BLANKLINE>
    Notes:
    [1] Limits of 95% are percentiles of the estimates.
    """

    estimate: Estimate
    found: Many
    views: Source = field(repr=False)
    kind: str
    label: str
    codes: Any = field(default=None, repr=False)  # (n,) the groups that are drawn or left out
    level: float = 0.95

    # the estimates ----------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many fits there are, those that failed included."""
        return self.found.count

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The coefficients, with several classes as ``"b: wt"``."""
        specification = self.estimate.specification
        names = specification.coefficient_names
        if specification.tables == 1:
            return names
        return tuple(f"{output}: {name}" for output in specification.output_names for name in names)

    @cached_property
    def estimates(self) -> Any:
        """The coefficients as an array, a row a fit: NaN where a fit failed or a column is aliased.

        Returns
        -------
        (B, P)
        """
        values = np.where(self.converged[:, None], self.found.parameters, np.nan)
        return self._full(values)

    @property
    def frame(self) -> Any:
        """The coefficients as a pandas frame, a row a fit and a column a coefficient.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> sd.jackknife(fit).frame.columns.tolist()
        ['Intercept', 'wt']
        """
        index = pd.RangeIndex(self.count, name="fit")
        return pd.DataFrame(self.estimates, columns=list(self.names), index=index)

    @property
    def converged(self) -> Any:
        """Which fits have an estimate, (B,)."""
        return self.found.converged

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a fit has none: "separated", "singular", "not converged", "non-finite", or ""."""
        return self.found.reasons

    @property
    def failures(self) -> dict[str, int]:
        """How many fits failed, by their reason.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> sd.bootstrap(fit, 100, seed=2).failures
        {'separated': 8}
        """
        return dict(Counter(reason for reason in self.reasons if reason).most_common())

    @cached_property
    def losses(self) -> Any:
        """The penalised negative log-likelihood of each fit to its own view, (B,).

        At unit dispersion and without constants; NaN where a fit failed.
        """
        values = self.found.loss
        if values is None:
            values = self._losses()
        return np.where(self.converged, values, np.nan)

    @property
    def best(self) -> int:
        """The place of the fit with the smallest loss: of several starts, the one to keep."""
        if not self.converged.any():
            raise ModelError("No fit has an estimate; see failures.")
        return int(np.nanargmin(self.losses))

    # what they say ----------------------------------------------------------------------------

    @property
    def bse(self) -> Any:
        """Standard errors: the spread of the estimates, or the jackknife's, as a series."""
        return pd.Series(self._errors, index=list(self.names))

    @property
    def bias(self) -> Any:
        """The mean of the estimates less the fit's own, or the jackknife's bias, as a series."""
        return pd.Series(self._biases, index=list(self.names))

    def cov(self) -> Any:
        """Return the covariance matrix of the estimates as a frame."""
        self._require_sample()
        drawn = self.estimates[self.converged]
        if self.kind == "jackknife":
            centred = drawn - drawn.mean(axis=0)
            matrix = (len(drawn) - 1) / len(drawn) * (centred.T @ centred)
        else:
            matrix = np.atleast_2d(np.cov(drawn, rowvar=False))
        return pd.DataFrame(matrix, index=list(self.names), columns=list(self.names))

    def confint(self, level: float | None = None, *, method: str | None = None) -> Any:
        """Return confidence limits, in columns such as "2.5 %" and "97.5 %".

        Formulas are those of :mod:`statdl.infer.resampling`.

        Parameters
        ----------
        level : float, optional
            Confidence level, 0.95 unless given.
        method : {"percentile", "bca", "basic", "normal"}, optional
            Quantiles of the estimates, which is usual; with their bias and skewness corrected,
            which takes a fit without each row; mirrored at the fit's estimate; or ± z standard
            errors around it, less the bias: the jackknife has these only.

        Raises
        ------
        ModelError
            For a method that these fits do not have.

        References
        ----------
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 and 14.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> many = sd.bootstrap(fit, 500, seed=1)
        >>> many.confint(method="bca").loc["wt"].round(2).tolist()
        [-6.78, -3.91]
        """
        level = self.level if level is None else level
        lower, upper = self._limits(method or self._usual, level)
        tail = (1 - level) / 2
        columns = {f"{100 * tail:g} %": lower, f"{100 * (1 - tail):g} %": upper}
        return pd.DataFrame(columns, index=list(self.names))

    def predict(self, newdata: Any = None, *, offset: Any = None) -> Any:
        """Return what every fit predicts for rows of the data, (B, n), or (B, n, K) of K classes.

        Parameters
        ----------
        newdata : frame, or array (m, p), optional
            New rows, as for :meth:`statdl.Fit.predict`; by default those of the fit. Of a model
            with a formula an array has its columns as they are coded.
        offset : array (m,), optional
            That of new rows, where the model has one beside its formula.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> net = sd.mlp("mpg ~ wt", data=cars, hidden=2, decay=0.1)
        >>> sd.fit_many(net, seeds=range(5)).predict(cars[:3]).shape
        (5, 3)
        """
        means = means_of(self.estimate, self.found.parameters, newdata, offset)
        means[~self.converged] = np.nan
        return means[:, :, 0] if means.shape[2] == 1 else means

    # how it is seen ---------------------------------------------------------------------------

    @property
    def table(self) -> DataTable:
        """Estimates of the fit with bias, error and limits from the many.

        Of starts it is the minima that they have come to, of penalties the loss under each.
        """
        if self.kind in NO_SAMPLE:
            return self._without_spread()
        method = self._usual
        lower, upper = self._limits(method, self.level)
        tail = (1 - self.level) / 2
        columns = {
            "Estimate": self._full(self.estimate.parameters[None, :])[0],
            "Bias": self._biases,
            "Std. Error": self._errors,
            f"{100 * tail:g} %": lower,
            f"{100 * (1 - tail):g} %": upper,
        }
        return DataTable(
            "",
            self.names,
            {
                name: [None if np.isnan(v) else float(v) for v in col]
                for name, col in columns.items()
            },
            title=self.title,
            formats=dict.fromkeys(columns, "number"),
            notes=self._notes(method),
        )

    @property
    def title(self) -> str:
        """What these fits are, in a line."""
        return f"{self.count:,} {KINDS[self.kind]} of {self.label}"

    def summary(self, level: float = 0.95) -> DataTable:
        """Return the table with limits of another level."""
        changed = ManyFits(
            self.estimate, self.found, self.views, self.kind, self.label, self.codes, level
        )
        return changed.table

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def to_frame(self) -> Any:
        """Return the frame of estimates with a column ``failure``, empty where there is none."""
        return self.frame.assign(failure=list(self.reasons))

    def sections(self) -> tuple[page.Section, ...]:
        """Return the picture."""
        said = f"Histograms of the estimates of {self.title}."
        return (
            page.Section("Distributions", (page.illustrated(lambda: page.drawn(self.plot, said)),)),
        )

    def plot(
        self,
        names: Sequence[str] | None = None,
        *,
        level: float | None = None,
        method: str | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw how the estimates are distributed, with the fit's own and their limits.

        Parameters
        ----------
        names : sequence of str, optional
            Which coefficients; by default the first nine.
        level, method : optional
            Of the limits, as for :meth:`confint`; of starts and penalties there are none.
        ax : matplotlib axes, optional
            As many as names; new ones unless given.

        Returns
        -------
        A list of axes.
        """
        places = self._places(names)
        level = self.level if level is None else level
        method = method or self._usual
        own = self._full(self.estimate.parameters[None, :])[0]
        if self.kind in NO_SAMPLE:
            lower = upper = np.full_like(own, np.nan)
        else:
            lower, upper = self._limits(method, level)
        return plot.draw_distributions(
            [self.names[j] for j in places], self.estimates[:, places], own[places],
            (lower[places], upper[places]), f"{percent(level, 0)} limits ({method})", ax,
        )  # fmt: skip

    # inside -----------------------------------------------------------------------------------

    def _without_spread(self) -> DataTable:
        if self.kind == "starts":
            table = table_of_minima(self.title, self.losses)
        else:
            given = [one.strengths for one in self.views.blocks(self.count)]
            strengths = np.concatenate([to_numpy(one).max(axis=1) for one in given])
            table = table_of_penalties(self.title, strengths, self.losses)
        return replace(table, notes=(*table.notes, *self._failed()))

    def _require_sample(self) -> None:
        """Refuse errors and limits of fits that are no sample.

        Raises
        ------
        ModelError
            With what to do instead.
        """
        if self.kind in NO_SAMPLE:
            raise ModelError(
                f"These fits differ {NO_SAMPLE[self.kind]}, so that their spread is no standard "
                "error; bootstrap(fit) has errors and limits. frame, losses and best are there."
            )

    @property
    def _usual(self) -> str:
        """The method of limits unless one is given."""
        return "normal" if self.kind == "jackknife" else "percentile"

    @cached_property
    def _spread(self) -> Spread:
        self._require_sample()
        estimate = self._full(self.estimate.parameters[None, :])[0]
        return Spread(estimate, self.estimates[self.converged])

    @cached_property
    def _left_out(self) -> Any:
        """The estimates without each row, or each group of rows, (g, P)."""
        own = own_weights(self.estimate)
        codes = counted_groups(own, self.codes)
        found = fit_views(self.estimate, LeftOut(own, codes))
        return self._full(found.parameters[found.converged])

    @property
    def _errors(self) -> Any:
        if self.kind == "jackknife":
            return jackknife_error(self._spread.drawn)
        return self._spread.standard_error

    @property
    def _biases(self) -> Any:
        if self.kind == "jackknife":
            return jackknife_bias(self._spread.estimate, self._spread.drawn)
        return self._spread.bias

    def _limits(self, method: str, level: float) -> tuple[Any, Any]:
        spread = self._spread
        if self.kind == "jackknife":
            if method != "normal":
                raise ModelError("The jackknife has limits by method='normal' only.")
            reach = normal_quantile((1 + check_level(level)) / 2) * self._errors
            centre = spread.estimate - self._biases
            return centre - reach, centre + reach
        if method == "bca":
            if self.kind != "bootstrap":
                raise ModelError(
                    "BCa limits correct a bootstrap of cases or clusters; choose percentile, basic "
                    "or normal."
                )
            spread = Spread(spread.estimate, spread.drawn, self._left_out)
        return spread.limits(method, level)

    def _full(self, values: Any) -> Any:
        """Return parameters (B, P kept) spread over all coefficients, NaN where not estimable."""
        kept = np.asarray(self.estimate.kept * self.estimate.specification.tables, dtype=bool)
        full = np.full((len(values), len(kept)), np.nan)
        full[:, kept] = values
        return full

    def _losses(self) -> Any:
        parts, first = [], 0
        for views in self.views.blocks(max(1, 4_000_000 // self.views.width)):
            theta = self.found.parameters[first : first + views.count]
            batch = batch_of(self.estimate, views)
            parts.append(to_numpy(batch.value(like(theta, batch.objective.rows.X))))
            first += views.count
        return np.concatenate(parts)

    def _places(self, names: Sequence[str] | None) -> list[int]:
        if names is None:
            return list(range(min(len(self.names), SHOWN)))
        names = [names] if isinstance(names, str) else list(names)
        if not names:
            raise ModelError(
                f"names= has no coefficient to draw; there are {', '.join(self.names)}."
            )
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ModelError(
                f"{unknown[0]!r} is no coefficient; there are {', '.join(self.names)}."
            )
        return [self.names.index(name) for name in names]

    def _notes(self, method: str) -> tuple[str, ...]:
        how = {
            "percentile": "percentiles of the estimates",
            "normal": "the estimate less its bias ± z standard errors",
        }[method]
        return (f"Limits of {percent(self.level, 0)} are {how}.", *self._failed())

    def _failed(self) -> tuple[str, ...]:
        """Return a note of the fits that failed, if there are any."""
        lost = self.failures
        if not lost:
            return ()
        named = ", ".join(f"{count} {reason}" for reason, count in lost.items())
        return (f"{sum(lost.values())} of {self.count} fits have no estimate: {named}.",)


def counted_groups(own: Any, codes: Any = None) -> Any:
    """Return the group of each row, (n,), −1 where it has weight 0; of single rows without codes.

    Groups without any weight are none: nothing changes where they are left out.

    Examples
    --------
    >>> counted_groups(np.array([1.0, 0.0, 2.0, 1.0]), np.array([0, 1, 2, 2])).tolist()
    [0, -1, 1, 1]
    """
    counted = own > 0
    groups = np.full(len(own), -1)
    names = np.arange(len(own)) if codes is None else codes
    groups[counted] = np.unique(names[counted], return_inverse=True)[1]
    return groups
