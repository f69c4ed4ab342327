"""``Path``, what ``sd.path`` returns, and ``CvPath``, what ``sd.cv_path`` returns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from statdl.backend.array import like, to_numpy
from statdl.backend.columns import is_sparse
from statdl.errors import DataError, ModelError
from statdl.estimate.chosen import penalised_estimate, refitted_estimate
from statdl.estimate.knots import knots
from statdl.estimate.path import PathEstimate, class_offset, path_of_sample
from statdl.formula import like as frame_like
from statdl.infer.debiased import debiased
from statdl.infer.distribution import check_level, critical, two_sided
from statdl.infer.path import Criteria, criteria
from statdl.kinds import is_number
from statdl.lazy import lazy
from statdl.report import DataTable, Printed, page
from statdl.report.block import Document
from statdl.report.path import path_table
from statdl.report.plot.path import draw_path, draw_validation
from statdl.report.reading.path import path_readings, validation_readings
from statdl.report.reading.words import Reading
from statdl.results.fit import Fit
from statdl.results.held import Call
from statdl.results.written import AS_THEY_ARE_MADE, write_predictions
from statdl.scan.source import Scan
from statdl.study.path import Validation

np = lazy("numpy")
pd = lazy("pandas")

CRITERIA = ("aic", "bic", "ebic", "gcv")
#: Violation that a refit without a penalty may have: little is gained by less than the optimum.
REFIT = 1e-11


@dataclass(frozen=True, repr=False)
class Path(Printed):
    """The solutions of a penalised regression for all λ of a grid.

    Examples
    --------
    >>> import statdl as sd
    >>> path = sd.path("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
    >>> path.df[:8].tolist()
    [0, 1, 1, 1, 2, 2, 2, 2]
    """

    estimate: PathEstimate
    call: Call
    lasso: PathEstimate | None = field(default=None, repr=False)  # that of a relaxed path
    gamma: float = 1.0

    @property
    def lambdas(self) -> Any:
        """λ of the grid, decreasing, (L,)."""
        return self.estimate.strengths

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

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.estimate.specification.frame.design.names

    @property
    def levels(self) -> tuple[Any, ...]:
        """The classes of the response; empty for a numeric one."""
        return self.estimate.specification.levels

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
        """
        self._refuse_relaxed("knots")
        smallest = float(self.lambdas[-1])
        strengths, B = knots(self.estimate, smallest)
        (used,) = np.nonzero(np.any(B != 0, axis=0))
        columns = {"lambda": strengths} | {self.names[j]: B[:, j] for j in used.tolist()}
        labels = tuple(str(k) for k in range(len(strengths)))
        return DataTable("", labels, columns, title="Knots of the lasso path")

    def coef(self, lambda_: float | None = None, *, exact: bool = False) -> Any:
        """Return the coefficients, at one λ or (None) with a row for every λ of the grid.

        Between values of the grid they are interpolated linearly in λ; with ``exact``, and beyond
        the ends of the grid, the model is solved at λ itself. For classes: a frame with a column a
        class.
        """
        if lambda_ is None:
            return self._all_coefficients()
        B, a = self._at(lambda_, exact)
        table = np.concatenate([a[None, :], B]) if self._intercept else B
        names = self.estimate.specification.coefficient_names
        if B.shape[1] == 1:
            return pd.Series(table[:, 0], index=list(names))
        return pd.DataFrame(table, index=list(names), columns=[str(level) for level in self.levels])

    def predict(
        self,
        newdata: Any = None,
        lambda_: float | None = None,
        type: str = "response",
        *,
        offset: Any = None,
        exact: bool = False,
        to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Predict the rows of ``newdata``, or those of the path, at one λ.

        ``type`` is "response" (means, or the probabilities of every class), "link" or "class".
        Without ``lambda_`` the prediction has a column for every λ (a single response only). Those
        of a :func:`statdl.scan` are written to the Parquet file ``to``, whose path is returned.
        """
        if to is not None or isinstance(newdata, Scan):
            asked = {"lambda_": lambda_, "type": type, "exact": exact}
            return self._written(newdata, to, offset, asked)
        if type not in ("response", "link", "class"):
            raise ModelError(f"type={type!r} is not known; choose 'response', 'link' or 'class'.")
        X, shift, index, source = self._inputs(newdata, offset)
        template = self.estimate.sample.template
        if lambda_ is None:
            if self.estimate.coefficients.shape[2] > 1:
                raise ModelError("For several classes predict() needs lambda_=.")
            B, a = self.estimate.coefficients[:, :, 0].T, self.estimate.intercepts[:, 0]
        else:
            B, a = self._at(lambda_, exact)
        eta = X @ B + a if is_sparse(X) else X @ like(B, template) + like(a, template)
        eta = eta if shift is None else eta + shift
        return self._shaped(eta, type, index, source, lambda_ is None)

    def fit(self, lambda_: float) -> Fit:
        """Return the model at λ as a :class:`Fit` of the columns that are in.

        Its penalty is that of the path. With α = 0 its covariance and degrees of freedom are those
        of ridge regression; with an L1 part it has no standard errors, for they would ignore what
        the data have chosen. Of a path that is relaxed all the way it is :meth:`refit`.
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
        """
        B, _ = self._lasso._at(lambda_, exact=lambda_ not in self.lambdas)
        return Fit(refitted_estimate(self.estimate, B), self.call)

    def relax(self, gamma: float = 0.0) -> Path:
        """Return the relaxed path: γ times the coefficients plus 1 − γ times those of refits.

        At every λ the model is fitted without a penalty to the columns that are in (Meinshausen
        2007, as in glmnet with ``relax=TRUE``). λ whose columns are too many to refit are left out.
        """
        if not (is_number(gamma) and 0 <= gamma <= 1):
            raise ModelError(f"gamma is between 0 (refits) and 1 (as it is), not {gamma!r}.")
        lasso = self._lasso.estimate
        return replace(self, estimate=relaxed(lasso, gamma), lasso=lasso, gamma=float(gamma))

    def best(self, criterion: str = "bic") -> Fit:
        """Return the fit at the λ with the least AIC, BIC, EBIC or GCV."""
        return self.fit(self.lambda_by(criterion))

    def lambda_by(self, criterion: str) -> float:
        """Return the λ with the least "aic", "bic", "ebic" or "gcv".

        Where the noise is estimated, λ at which more than half of the rows are used up by
        parameters do not come into question: the residual variance there goes to 0, and takes every
        criterion with it.
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
        """Return de-biased lasso estimates with intervals (van de Geer et al. 2014).

        They are valid though the lasso has chosen, also for columns that it left out, where few
        coefficients matter. ``columns`` names those that are wanted, by default all.
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

        ``standardized`` draws them for columns divided by their standard deviations; ``category``
        is the class to draw, by default the last.
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
    def _intercept(self) -> bool:
        return self.estimate.specification.intercept

    @property
    def _title(self) -> str:
        kinds = {1.0: "Lasso", 0.0: "Ridge"}
        kind = kinds.get(self.estimate.penalties.alpha, "Elastic net")
        if self.lasso is not None:
            kind = f"Relaxed {kind.lower()}"
        return f"{kind} path, {self.estimate.family.name}"

    def __repr__(self) -> str:
        return self.to_text()

    @property
    def _lasso(self) -> Path:
        """The path before it was relaxed."""
        return self if self.lasso is None else Path(self.lasso, self.call)

    def _refuse_relaxed(self, what: str) -> None:
        if self.lasso is not None:
            raise ModelError(f"{what} is of the path before relax(); ask that one.")

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise ModelError(
                f"There is no column {name!r}; there are {', '.join(self.names[:20])}."
            )
        return self.names.index(name)

    def _all_coefficients(self) -> Any:
        index = pd.Index(self.lambdas, name="lambda")
        tables = []
        names = list(self.estimate.specification.coefficient_names)
        for k in range(self.estimate.coefficients.shape[2]):
            B = self.estimate.coefficients[:, :, k]
            values = np.column_stack([self.estimate.intercepts[:, k], B]) if self._intercept else B
            tables.append(pd.DataFrame(values, index=index, columns=names))
        if len(tables) == 1:
            return tables[0]
        return pd.concat(tables, axis=1, keys=[str(level) for level in self.levels])

    def _at(self, lambda_: float, exact: bool) -> tuple[Any, Any]:
        """Return coefficients (p, q) and intercepts (q,) at λ."""
        strength = check_strength(lambda_)
        grid = self.lambdas
        (same,) = np.nonzero(grid == strength)
        if len(same):
            return self.estimate.coefficients[same[0]], self.estimate.intercepts[same[0]]
        if exact or not grid[-1] < strength < grid[0]:
            return self._solved(strength)
        k = int(np.flatnonzero(grid > strength)[-1])
        high, low = grid[k], grid[k + 1]
        share = (strength - low) / (high - low)
        B, a = self.estimate.coefficients, self.estimate.intercepts
        return share * B[k] + (1 - share) * B[k + 1], share * a[k] + (1 - share) * a[k + 1]

    def _written(
        self, newdata: Any, to: str | os.PathLike[str] | None, offset: Any, asked: dict[str, Any]
    ) -> str:
        """Write the predictions of a scan at one λ."""
        if to is None or not isinstance(newdata, Scan) or offset is not None:
            raise ModelError(AS_THEY_ARE_MADE)
        if asked["lambda_"] is None:
            raise ModelError("Predictions of a scan are those at one λ; say which by lambda_=.")

        def predict(block: Any) -> Any:
            return self.predict(block, **asked)

        return write_predictions(predict, self.estimate.specification.frame.design, newdata, to)

    def _solved(self, strength: float) -> tuple[Any, Any]:
        """Return coefficients and intercepts at a λ that is not of the grid."""
        one = self._lasso.estimate
        larger = one.strengths[one.strengths > strength]
        given = replace(one.grid, given=(*larger.tolist(), strength))
        found = path_of_sample(one.specification, one.sample, one.family, one.penalties, given)
        last = found.at(len(found.strengths) - 1)
        if self.lasso is not None:
            last = relaxed(last, self.gamma)
            if not len(last.strengths):  # as many columns as rows
                raise ModelError(
                    f"At lambda = {strength:.6g} more columns are in than {one.shape[0]} rows can "
                    "be refitted to; choose a larger lambda."
                )
        return last.coefficients[0], last.intercepts[0]

    def _inputs(self, newdata: Any, offset: Any) -> tuple[Any, Any, Any, Any]:
        specification = self.estimate.specification
        template, frame = self.estimate.sample.template, specification.frame
        if newdata is None:
            if offset is not None:
                raise ModelError("offset= belongs to newdata=; the path's own offset is used.")
            specification.rows.require_memory()
            sample: Any = self.estimate.sample
            return sample.X, sample.offset, frame.index, frame.source
        if is_sparse(newdata):
            if newdata.shape[1] != len(self.names):
                raise ModelError(
                    f"newdata has {newdata.shape[1]} columns, and the path has {len(self.names)}."
                )
            X, own, index, source = newdata.tocsr(), None, None, None
        else:
            new = frame.design.encode(newdata)
            X, own, index, source = like(new.X, template), new.offset, new.index, new.source
        if offset is not None:
            offset = _checked_offset(offset, int(X.shape[0]))
        parts = [like(part, template)[:, None] for part in (own, offset) if part is not None]
        shift = sum(parts[1:], parts[0]) if parts else None
        if len(self.estimate.intercepts[0]) > 1:
            shift = class_offset(shift, len(self.estimate.intercepts[0]))
        return X, shift, index, source

    def _shaped(self, eta: Any, type: str, index: Any, source: Any, every: bool) -> Any:
        family = self.estimate.family
        if type == "class":
            if not self.levels:
                raise ModelError("type='class' needs a response of classes.")
            host = to_numpy(eta)
            codes = (host > 0).astype(int) if host.shape[1] == 1 or every else None
            codes = host.argmax(axis=1)[:, None] if codes is None else codes
            values = np.asarray(self.levels, dtype=object)[codes]
        else:
            values = eta if type == "link" else family.mean(eta)
        if every:
            return values
        if values.shape[1] == 1:
            column = values[:, 0]
            if source is None:
                return column
            return frame_like(source, {"fit": _host(column)}, index)["fit"]
        if source is None:
            return values
        labels = [str(level) for level in self.levels]
        columns = {label: _host(values[:, k]) for k, label in enumerate(labels)}
        return frame_like(source, columns, index)


def _checked_offset(offset: Any, n: int) -> Any:
    try:
        values = np.asarray(to_numpy(offset), dtype=float).reshape(-1)
    except (TypeError, ValueError):
        raise DataError(f"offset must be a number a row, not {offset!r}.") from None
    if len(values) != n:
        raise DataError(f"offset has {len(values)} entries, and newdata has {n} rows.")
    return values


def _host(values: Any) -> Any:
    return values.tolist() if values.dtype == object else to_numpy(values)


def check_strength(lambda_: Any) -> float:
    """Return λ, or say why it is none."""
    try:
        strength = float(lambda_)
    except (TypeError, ValueError):
        raise ModelError(f"lambda_ must be a number, not {lambda_!r}.") from None
    if not 0 <= strength < float("inf"):
        raise ModelError(f"lambda_ must be 0 or more and finite, not {lambda_!r}.")
    return strength


def relaxed(path: PathEstimate, gamma: float) -> PathEstimate:
    """Return the path with coefficients between the penalised and those of refits."""
    full = path.shape[0] - path.specification.intercept
    active = np.any(path.coefficients != 0, axis=2)
    (many,) = np.nonzero(active.sum(axis=1) >= max(full, 1))
    count = int(many[0]) if len(many) else len(active)
    refits: dict[bytes, tuple[Any, Any]] = {}
    for k, used in enumerate(active[:count]):
        if used.tobytes() not in refits:
            own = (path.coefficients[k], path.intercepts[k])
            refits[used.tobytes()] = _unpenalised(path, used) if used.any() else own
    chosen = [refits[used.tobytes()] for used in active[:count]]
    share, rest = gamma * path.coefficients[:count], gamma * path.intercepts[:count]
    if chosen:
        share = share + (1 - gamma) * np.stack([one[0] for one in chosen])
        rest = rest + (1 - gamma) * np.stack([one[1] for one in chosen])
    return replace(
        path,
        strengths=path.strengths[:count],
        coefficients=share,
        intercepts=rest,
        losses=path.sample.losses(path.family, share, rest),
        violations=path.violations[:count],
        notes=(*path.notes, f"Relaxed: gamma = {gamma:g}; conditions are those before refits."),
    )


def _unpenalised(path: PathEstimate, used: Any) -> tuple[Any, Any]:
    """Return coefficients and intercepts of the fit to some columns without a penalty."""
    factors = np.where(used, 1.0, np.inf)
    settings = replace(path.penalties, alpha=0.0, factors=factors, groups=None)
    grid = replace(path.grid, given=(0.0,), tolerance=min(path.grid.tolerance, REFIT))
    one = path_of_sample(path.specification, path.sample, path.family, settings, grid)
    return one.coefficients[0], one.intercepts[0]


@dataclass(frozen=True, repr=False)
class CvPath(Printed):
    """A path with the cross-validated error of every λ.

    Examples
    --------
    >>> import statdl as sd
    >>> cv = sd.cv_path("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), folds=4)
    >>> list(cv.best().params.index)
    ['Intercept', 'wt', 'hp']
    """

    path: Path
    validation: Validation

    @property
    def lambda_min(self) -> float:
        """The λ with the least error."""
        return float(self.path.lambdas[self.validation.best])

    @property
    def lambda_1se(self) -> float:
        """The largest λ whose error is within one standard error of the least."""
        return float(self.path.lambdas[self.validation.simplest])

    @property
    def folds(self) -> Any:
        """The fold of each row; None for rows of a scan."""
        return self.validation.fold

    @cached_property
    def table(self) -> DataTable:
        """The two values of λ that one chooses from, with their errors."""
        found, places = self.validation, (self.validation.best, self.validation.simplest)
        columns: Mapping[str, Any] = {
            "lambda": [float(self.path.lambdas[k]) for k in places],
            found.measure: [float(found.mean[k]) for k in places],
            "std err": [float(found.standard_error[k]) for k in places],
            "nonzero": [int(self.path.df[k]) for k in places],
            "explained": [float(self.path.explained[k]) for k in places],
        }
        count = len(found.by_fold)
        return DataTable(
            "", ("min", "1se"), columns, title=f"{self.path._title}: {count}-fold cross-validation"
        )

    def curve(self) -> DataTable:
        """Return the error of every λ."""
        found = self.validation
        columns = {
            "lambda": self.path.lambdas,
            found.measure: found.mean,
            "std err": found.standard_error,
            "nonzero": self.path.df.tolist(),
        }
        labels = tuple(str(k) for k in range(len(self.path.lambdas)))
        return DataTable("", labels, columns, title="Cross-validated error")

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def readings(self) -> tuple[Reading, ...]:
        """Return what a report says of the two choices."""
        found, places = self.validation, (self.validation.best, self.validation.simplest)
        chosen, names = [], []
        for k in places:
            row = (self.path.lambdas[k], found.mean[k], found.standard_error[k], self.path.df[k])
            chosen.append(
                dict(zip(("strength", "error", "spread", "count"), map(float, row), strict=True))
            )
            used = np.any(self.path.estimate.coefficients[k] != 0, axis=1)
            names.append([self.path.names[j] for j in np.flatnonzero(used).tolist()])
        return validation_readings(found.measure, len(found.by_fold), chosen, names)

    def sections(self) -> tuple[page.Section, ...]:
        """Return the pictures of error and coefficients, and the path."""
        pictures = page.illustrated(self.picture, self.path.picture)
        return (
            page.Section("Error and coefficients", (pictures,)),
            page.Section("Path", (page.Shown(self.path.document()),)),
        )

    def picture(self) -> page.Picture:
        """Return the picture of the error, with what it shows in words."""
        return page.drawn(
            self.plot,
            f"Cross-validated {self.validation.measure} against log lambda with its standard "
            f"error; it is best at lambda {self.lambda_min:.3g}, and {self.lambda_1se:.3g} is the "
            "largest within one standard error.",
            "Band: one standard error of the mean over folds. Numbers above: how many columns are "
            "in.",
        )

    def lambda_(self, rule: str = "min") -> float:
        """Return λ by a rule: "min" or "1se"."""
        if rule not in ("min", "1se"):
            raise ModelError(f"rule={rule!r} is not known; choose 'min' or '1se'.")
        return self.lambda_min if rule == "min" else self.lambda_1se

    def best(self, rule: str = "1se") -> Fit:
        """Return the model at the chosen λ as a :class:`Fit` (see :meth:`Path.fit`).

        ``rule`` is "1se", as for :meth:`coef` and :meth:`predict`, or "min".
        """
        return self.path.fit(self.lambda_(rule))

    def coef(self, rule: str = "1se") -> Any:
        """Return the coefficients at the chosen λ."""
        return self.path.coef(self.lambda_(rule))

    def predict(self, newdata: Any = None, rule: str = "1se", **options: Any) -> Any:
        """Predict at the chosen λ."""
        return self.path.predict(newdata, self.lambda_(rule), **options)

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the cross-validated error against λ, with both choices; returns axes."""
        found = self.validation
        marks = (("min", self.lambda_min), ("1se", self.lambda_1se))
        title = f"{self.path._title}, cross-validated"
        return draw_validation(
            self.path.lambdas, found.mean, found.standard_error, self.path.df, marks,
            found.measure, title, ax,
        )  # fmt: skip
