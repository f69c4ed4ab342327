"""A fit as frames to compute with: ``tidy``, ``glance``, ``augment``."""

from __future__ import annotations

from typing import Any

from statdl.errors import ModelError
from statdl.formula import beside, new_offset, taken
from statdl.formula import like as frame_like
from statdl.infer import predict as prediction
from statdl.infer.effects import own_effects
from statdl.infer.population import encoded
from statdl.keywords import explained
from statdl.report.maketables import PlugIn
from statdl.report.regression import check_what
from statdl.report.tidy import (
    augment_columns,
    check_augment,
    effects_columns,
    glance_columns,
    tidy_columns,
)
from statdl.results.inference import Inference


class Tables(Inference):
    """Tables with broom's columns, the same for every model.

    They are frames of the kind that the data came in, pandas for arrays; docs/columns.md says what
    each column holds.
    """

    @explained
    def tidy(
        self,
        *,
        conf_int: bool = False,
        level: float = 0.95,
        exponentiate: bool = False,
        what: str | None = None,
        vcov: Any = None,
        cluster: Any = None,
    ) -> Any:
        """Return one row a coefficient: term, estimate, std.error, statistic, p.value.

        Parameters
        ----------
        conf_int : bool
            Add conf.low and conf.high, of confidence ``level``.
        exponentiate : bool
            Give estimates and limits as ratios e^β; errors stay on the scale of β.
        what : {"coefficients", "effects"}, optional
            "effects" are average marginal effects, which is what a network is asked for by default:
            its weights mean little one by one.
        vcov, cluster : optional
            The covariance, as for :meth:`vcov`.

        Returns
        -------
        A frame of the kind of the data; with several classes y.level says which.

        References
        ----------
        Robinson (2014), arXiv:1412.3565 (broom).

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> print(fit.tidy().round(3).to_string())
                term  estimate  std.error  statistic  p.value
        0  Intercept    37.285      1.878     19.858      0.0
        1         wt    -5.344      0.559     -9.559      0.0
        """
        fit = self.with_covariance(vcov, cluster)
        network = fit.estimate.specification.plan is not None
        shown = level if conf_int else None
        check_what(what)
        if what == "effects" or (what is None and network):
            if exponentiate:
                raise ModelError("Effects are differences of means, whose e-powers mean nothing.")
            return fit._framed(effects_columns(own_effects(fit.estimate), shown))
        return fit._framed(tidy_columns(fit.estimate, shown, exponentiate))

    @explained
    def glance(self, *, vcov: Any = None, cluster: Any = None) -> Any:
        """Return the fit in one row: how well it fits, and its size.

        AIC, BIC and logLik are R's, which count an estimated dispersion.

        Parameters
        ----------
        vcov, cluster : optional
            The covariance behind ``statistic`` and ``p.value``, as for :meth:`vcov`.

        See Also
        --------
        compare : Several fits side by side.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.glance()[["r.squared", "AIC", "nobs"]].round(3).to_dict("records")
        [{'r.squared': 0.753, 'AIC': 166.029, 'nobs': 32}]
        """
        return self._framed(glance_columns(self.with_covariance(vcov, cluster).goodness))

    @explained
    def augment(
        self,
        newdata: Any = None,
        *,
        type_predict: str | None = None,
        type_residuals: str | None = None,
        se_fit: bool = False,
        interval: str | None = None,
        level: float = 0.95,
        vcov: Any = None,
        cluster: Any = None,
    ) -> Any:
        """Return the rows of the data with what the fit says of each.

        ``.fitted``, ``.se.fit``, ``.lower`` and ``.upper`` where asked for, and for the rows of the
        fit ``.resid``, ``.hat``, ``.sigma``, ``.cooksd`` and ``.std.resid``; for several classes
        ``.class`` and ``.probability``.

        Parameters
        ----------
        newdata : frame, dict or array, optional
            Other rows, which have no residuals.
        type_predict : {"link", "response"}, optional
            The scale of ``.fitted``; by default, as in broom, η for a generalised linear model.
        type_residuals : {"deviance", "pearson", "response", "working"}, optional
            By default deviance residuals for a generalised linear model, else y − μ̂.
        se_fit, interval, level, vcov, cluster
            As for :meth:`predict`.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> rows = fit.augment()
        >>> rows[[".fitted", ".resid", ".cooksd"]].round(3).iloc[0].to_dict()
        {'.fitted': 23.283, '.resid': -2.283, '.cooksd': 0.013}
        """
        estimate = self.with_covariance(vcov, cluster).estimate
        general = not estimate.specification.least_squares and estimate.specification.plan is None
        general = general and estimate.family.name != "multinomial"
        scale = type_predict or ("link" if general else "response")
        check_augment(estimate, scale, se_fit, interval)
        X, offset, index, data = self._shown_rows(newdata)
        found = prediction.predict(
            estimate, X, offset, scale=scale, se_fit=se_fit, interval=interval, level=level,
            weights=None if newdata is not None else estimate.specification.rows.weights,
        )  # fmt: skip
        kind = type_residuals or ("deviance" if general else "response")
        columns = augment_columns(estimate, found, kind, newdata is None)
        if data is None:
            return frame_like(None, columns, index)
        return beside(data, columns)

    def to_maketables(self) -> PlugIn:
        """Return the fit as the package maketables takes it: ``ETable([fit.to_maketables()])``.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> type(fit.to_maketables()).__name__
        'PlugIn'
        """
        return PlugIn(self.goodness)

    def _shown_rows(self, newdata: Any) -> tuple[Any, Any, Any, Any]:
        """Return X, offset, labels and the data of the rows of the fit, or of new ones."""
        specification = self.estimate.specification
        frame, rows = specification.frame, specification.rows
        if newdata is not None:
            new = frame.design.encode(newdata)
            X, _ = encoded(self.estimate, new)
            return X, new_offset(frame, new, None, rows.template), new.index, new.source
        offset = None if rows.offset is None else rows.offset[:, 0]
        source = frame.source
        if source is not None and frame.rows is not None:
            source = taken(source, frame.rows)
        return rows.X, offset, frame.index, source

    def _framed(self, columns: Any) -> Any:
        return frame_like(self.estimate.frame.source, columns)
