"""R's verbs as functions: each calls the method of the fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from statdl.errors import ModelError
from statdl.infer.goodness import LogLikelihood
from statdl.lazy import lazy
from statdl.report import DataTable, Summary
from statdl.results import Fit

pd = lazy("pandas")


def as_fit(fit: Any) -> Fit:
    """Return a fit, or say that something else was given."""
    if not isinstance(fit, Fit):
        raise ModelError(f"A fitted model is needed here, and {type(fit).__name__} is none.")
    return fit


def summary(fit: Fit, level: float = 0.95, **options: Any) -> Summary:
    """Return the summary of a fit; of a network with its weights by ``weights=True``.

    See Also
    --------
    Fit.summary : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.summary(fit).title
    'Linear Regression Results'
    """
    return as_fit(fit).summary(level, **options)


def anova(
    fit: Fit,
    *others: Fit,
    typ: int = 1,
    test: str | None = None,
    B: int = 99,
    seed: int = 0,
    **options: Any,
) -> DataTable:
    """Return the analysis of variance of a fit, or compare fits to the same rows.

    ``vcov=`` or ``cluster=`` make Wald tests under another covariance, ``adjust=`` adjusts p-values
    for their number; see :meth:`statdl.Fit.anova`.

    Between a regression and a network the p-value is from B responses simulated from the smaller
    model: the likelihood ratio has no χ² distribution there.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> table = sd.anova(sd.lm("mpg ~ wt", data=cars), sd.lm("mpg ~ wt + hp", data=cars))
    >>> round(float(table["F"][1]), 3)
    12.381
    """
    return as_fit(fit).anova(*others, typ=typ, test=test, B=B, seed=seed, **options)


def predict(fit: Fit, newdata: Any = None, type: str = "response", **options: Any) -> Any:
    """Predict new rows; see :meth:`statdl.Fit.predict`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> [round(float(value), 2) for value in sd.predict(fit, {"wt": [3.0]})]
    [21.25]
    """
    return as_fit(fit).predict(newdata, type, **options)


def coef(fit: Fit) -> Any:
    """Return the coefficients.

    See Also
    --------
    Fit.coef : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> round(float(sd.coef(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))["wt"]), 4)
    -5.3445
    """
    return as_fit(fit).coef()


def confint(fit: Fit, level: float = 0.95, **options: Any) -> Any:
    """Return confidence limits of the coefficients; of a network those of its effects.

    See Also
    --------
    Fit.confint : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> limits = sd.confint(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    >>> limits.loc["wt"].round(3).to_dict()
    {'2.5 %': -6.486, '97.5 %': -4.203}
    """
    return as_fit(fit).confint(level, **options)


def vcov(fit: Fit, type: str | None = None, **options: Any) -> Any:
    """Return the covariance of the coefficients, of a type that :meth:`statdl.Fit.vcov` knows.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.vcov(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).shape
    (2, 2)
    """
    return as_fit(fit).vcov(type, **options)


def effects(fit: Fit, newdata: Any = None, **options: Any) -> DataTable:
    """Return the average marginal effects of the inputs; see :meth:`statdl.Fit.effects`.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt + hp", data=sd.datasets.load("mtcars"), family="binomial")
    >>> sd.effects(fit)["Effect"].round(4).tolist()
    [-0.3596, 0.0016]
    """
    return as_fit(fit).effects(newdata, **options)


def residuals(fit: Fit, type: str = "response") -> Any:
    """Return residuals: "response", "pearson", "deviance" or "working".

    See Also
    --------
    Fit.residuals : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> round(float(sd.residuals(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).iloc[0]), 4)
    -2.2826
    """
    return as_fit(fit).residuals(type)


def fitted(fit: Fit) -> Any:
    """Return the fitted means.

    See Also
    --------
    Fit.fitted : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> round(float(sd.fitted(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).iloc[0]), 4)
    23.2826
    """
    return as_fit(fit).fitted()


def deviance(fit: Fit) -> float:
    """Return the deviance.

    See Also
    --------
    Fit.deviance : The attribute.

    Examples
    --------
    >>> import statdl as sd
    >>> round(sd.deviance(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))), 3)
    278.322
    """
    return as_fit(fit).deviance


def logLik(fit: Fit) -> LogLikelihood:
    """Return R's log-likelihood with its degrees of freedom.

    See Also
    --------
    Fit.logLik : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.logLik(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    'log Lik.' -80.01471 (df=3)
    """
    return as_fit(fit).logLik()


def AIC(fit: Fit, *others: Fit, k: float = 2.0) -> Any:
    """Return R's AIC; of several fits a frame with their degrees of freedom.

    See Also
    --------
    Fit.AIC : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> round(sd.AIC(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))), 3)
    166.029
    """
    return _criterion("AIC", fit, others, lambda each: each.AIC(k))


def BIC(fit: Fit, *others: Fit) -> Any:
    """Return R's BIC; of several fits a frame with their degrees of freedom.

    See Also
    --------
    Fit.BIC : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> round(sd.BIC(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))), 3)
    170.427
    """
    return _criterion("BIC", fit, others, lambda each: each.BIC())


def _criterion(name: str, fit: Fit, others: Sequence[Fit], value: Callable[[Fit], float]) -> Any:
    if not others:
        return value(as_fit(fit))
    fits = [as_fit(each) for each in (fit, *others)]
    columns = {"df": [each.logLik().df for each in fits], name: [value(each) for each in fits]}
    return pd.DataFrame(columns, index=[each.describe() for each in fits])


def nobs(fit: Fit) -> int:
    """Return the number of rows with positive weight.

    See Also
    --------
    Fit.nobs : The attribute.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.nobs(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    32
    """
    return as_fit(fit).nobs


def df_residual(fit: Fit) -> float:
    """Return the residual degrees of freedom.

    See Also
    --------
    Fit.df_residual : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.df_residual(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    30.0
    """
    return as_fit(fit).df_residual()


def formula(fit: Fit) -> str | None:
    """Return the formula of a fit.

    See Also
    --------
    Fit.formula : The attribute.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.formula(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")))
    'mpg ~ wt'
    """
    return as_fit(fit).formula


def model_matrix(fit: Fit) -> Any:
    """Return the design matrix, intercept included.

    See Also
    --------
    Fit.model_matrix : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.model_matrix(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).shape
    (32, 2)
    """
    return as_fit(fit).model_matrix()


def update(fit: Fit, formula: str | None = None, **changes: Any) -> Fit:
    """Fit again with another formula, data, weights or method.

    See Also
    --------
    Fit.update : The method, with its parameters.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> sd.formula(sd.update(fit, ". ~ . + hp"))
    'mpg ~ wt + hp'
    """
    return as_fit(fit).update(formula, **changes)
