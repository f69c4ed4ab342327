"""What a path says at one λ, or at every λ of its grid: coefficients and predictions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Self

from statdl.backend.array import like, to_numpy
from statdl.backend.columns import is_sparse
from statdl.errors import ModelError, unknown_word
from statdl.estimate.path import PathEstimate, class_offset, path_of_sample
from statdl.estimate.relaxed import relaxed
from statdl.formula import NewData, new_offset
from statdl.formula import like as frame_like
from statdl.keywords import explained
from statdl.lazy import lazy
from statdl.results.held import Call
from statdl.results.lacking import OF_PATHS, Lacking
from statdl.results.written import destined, streamed, write_predictions

np = lazy("numpy")
pd = lazy("pandas")


@dataclass(frozen=True, repr=False)
class PathValues(Lacking):
    """An estimated path and the call that made it; ``lasso`` is what a relaxed path was before."""

    _elsewhere: ClassVar[Mapping[str, str]] = OF_PATHS

    estimate: PathEstimate
    call: Call
    lasso: PathEstimate | None = field(default=None, repr=False)
    gamma: float = 1.0

    @property
    def lambdas(self) -> Any:
        """λ of the grid, decreasing, (L,)."""
        return self.estimate.strengths

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.estimate.specification.frame.design.names

    @property
    def levels(self) -> tuple[Any, ...]:
        """The classes of the response; empty for a numeric one."""
        return self.estimate.specification.levels

    def coef(self, lambda_: float | None = None, *, exact: bool = False) -> Any:
        """Return the coefficients, at one λ or (None) with a row for every λ of the grid.

        Between values of the grid they are interpolated linearly in λ; with ``exact``, and beyond
        the ends of the grid, the model is solved at λ itself.

        Returns
        -------
        A series at one λ, a frame for all; for classes a column, or a set of them, a class.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> path.coef(2.0, exact=True).round(3).to_dict()
        {'Intercept': 30.578, 'wt': -2.626, 'hp': -0.014, 'qsec': 0.0}
        """
        if lambda_ is None:
            return self._all_coefficients()
        B, a = self._at(lambda_, exact)
        table = np.concatenate([a[None, :], B]) if self._intercept else B
        names = self.estimate.specification.coefficient_names
        if B.shape[1] == 1:
            return pd.Series(table[:, 0], index=list(names))
        return pd.DataFrame(table, index=list(names), columns=[str(level) for level in self.levels])

    @explained
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
        """Predict the rows of ``newdata``, or those of the path, at one λ or at all of them.

        Parameters
        ----------
        newdata : frame, dict, array, sparse matrix or Scan, optional
            Data with the columns of the path.
        lambda_ : float, optional
            Without it the prediction has a column for every λ (a single response only).
        type : {"response", "link", "class"}
            Means (probabilities of every class), linear predictors, or most probable classes.
        offset : column name, number or (m,) array, optional
            Offset of the new rows, as for :meth:`Fit.predict`.
        exact : bool
            Solve at λ itself, as for :meth:`coef`.
        to : path, optional
            A file for the predictions, as of :meth:`Fit.predict`, whose path is returned.

        Examples
        --------
        >>> import statdl as sd
        >>> path = sd.path("mpg ~ wt + hp + qsec", data=sd.datasets.load("mtcars"))
        >>> new = {"wt": [3.0], "hp": [110.0], "qsec": [17.0]}
        >>> round(float(path.predict(new, 1.0)[0]), 2)
        21.64
        """
        if streamed(newdata, to):
            asked: dict[str, Any] = {"lambda_": lambda_, "type": type, "exact": exact}
            scan, path = destined(newdata, to, offset)
            if lambda_ is None:
                raise ModelError("Predictions of a scan are those at one λ; say which by lambda_=.")
            design = self.estimate.specification.frame.design
            return write_predictions(partial(self.predict, **asked), design, scan, path)
        if type not in ("response", "link", "class"):
            raise unknown_word("type", type, ("response", "link", "class"))
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

    @property
    def _intercept(self) -> bool:
        return self.estimate.specification.intercept

    @property
    def _lasso(self) -> Self:
        """The path before it was relaxed."""
        if self.lasso is None:
            return self
        return replace(self, estimate=self.lasso, lasso=None, gamma=1.0)

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
            new = NewData(newdata.tocsr())
        else:
            new = frame.design.encode(newdata)
            new = replace(new, X=like(new.X, template))
        shift = new_offset(frame, new, offset, template)
        shift = None if shift is None else shift[:, None]
        if len(self.estimate.intercepts[0]) > 1:
            shift = class_offset(shift, len(self.estimate.intercepts[0]))
        return new.X, shift, new.index, new.source

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
