"""What a fit says of rows: fitted means, predictions with errors and limits, average effects."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from statdl import study
from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.errors import DataError, ModelError, StatdlWarning, warn
from statdl.formula import NewData, new_offset, new_weights
from statdl.formula import like as frame_like
from statdl.infer import predict as prediction
from statdl.infer import residual
from statdl.infer.aliased import warn_undetermined
from statdl.infer.distribution import check_level
from statdl.infer.effects import average_effects, own_effects
from statdl.infer.terms import term_contributions
from statdl.keywords import explained
from statdl.report import DataTable
from statdl.report.effects import effects_table
from statdl.results.inference import Inference
from statdl.results.written import destined, streamed, write_predictions


class Predictions(Inference):
    """Rows of the fit, and new ones."""

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

    @explained
    def predict(
        self,
        newdata: Any = None,
        type: str = "response",
        *,
        offset: Any = None,
        weights: Any = None,
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
            Data with the predictor columns; with ``to`` also paths, a LazyFrame, a DuckDB relation
            or a Dask DataFrame. Rows with missing values give NaN; rows in which a
            column without a coefficient is not the combination of others that it was in the data
            are predicted as if its coefficient were 0, with a StatdlWarning.
        type : {"response", "link", "class", "terms"}
            Means (or class probabilities), linear predictors, most probable classes, or what each
            term adds to the linear predictor.
        offset : column name, number or (m,) array, optional
            Offset of the new rows, beyond ``offset(...)`` in the formula and a column named by
            ``offset=`` in the fit. New rows have to bring along one that was given as numbers: a
            StatdlWarning says where they do not.
        weights : column name, number or (m,) array, optional
            Weights of new observations, for ``interval="prediction"``: their variance is φ / w.
            Rows of the fit have theirs; new rows have 1, with a StatdlWarning where the fit was
            weighted.
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
            A file for the predictions, Parquet or as it ends (``.csv``, ``.arrow``), written block
            by block, all of them or nothing; its path is returned.

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
        if streamed(newdata, to):
            asked: dict[str, Any] = {
                "type": type, "se_fit": se_fit, "interval": interval, "level": level,
                "method": method, "B": B, "seed": seed, "folds": folds,
            }  # fmt: skip
            fit = self.with_covariance(vcov, cluster)
            scan, path = destined(newdata, to, offset if weights is None else weights)
            design = self.estimate.frame.design
            return write_predictions(partial(fit.predict, **asked), design, scan, path)
        estimate = self.with_covariance(vcov, cluster).estimate
        resampled = method != "delta"
        shown = None if resampled and interval == "prediction" else interval
        prediction.check(estimate, type, se_fit, shown)
        X, given, index, source = self._inputs(newdata, offset)
        new = None if newdata is None else NewData(X, None, index, source)
        own = self._weights(new, weights, interval, method)
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
            estimate, X, given, scale=scale, se_fit=se_fit, interval=interval, level=level,
            weights=own,
        )  # fmt: skip
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
        return X, new_offset(frame, new, offset, rows.template), new.index, new.source

    def _weights(self, new: NewData | None, given: Any, interval: str | None, method: str) -> Any:
        """Return the weights of rows whose observations are predicted, None for 1."""
        if given is not None and (new is None or interval != "prediction" or method != "delta"):
            raise ModelError(
                "weights= are those of new rows in interval='prediction'; the rows of the fit have "
                "their own, and other methods than 'delta' take 1."
            )
        if interval != "prediction" or method != "delta":
            return None
        if new is None:
            return self.estimate.specification.rows.weights
        if given is not None:
            return new_weights(given, new)
        if self.estimate.frame.weights is not None:
            warn(
                "The limits are those of new observations of weight 1, and the rows of the fit "
                "have weights; give theirs by weights= (1 says that it is meant).",
                StatdlWarning,
            )
        return None

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
