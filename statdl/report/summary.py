"""The contents of ``summary()``: what is said of a fit, and what is said against it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from statdl import report
from statdl.estimate import Estimate, Identification
from statdl.infer.distribution import check_level
from statdl.infer.goodness import Goodness
from statdl.infer.residual import jarque_bera, omnibus, residual_shape
from statdl.infer.wald import Coefficients, coefficients
from statdl.report.format import integer, number, p_value, significant, statistic
from statdl.report.notes import notes
from statdl.report.stopping import stopped
from statdl.report.table import Pairs, Summary, Table

Lines = tuple[tuple[str, str], ...]


def summarise(goodness: Goodness, *, level: float = 0.95, weights: bool = False) -> Summary:
    """Return the summary of a fit, in statsmodels' layout for its kind.

    ``weights`` adds the table of a network's weights.
    """
    check_level(level)
    estimate = goodness.estimate
    if estimate.specification.plan is not None:
        shown = weights and estimate.identification is not Identification.UNEXAMINED
        tables = coefficient_tables(estimate, level) if shown else ()
        return report.network_summary(goodness, level, tables)
    if estimate.family.quadratic:
        return _linear(goodness, level)
    if estimate.family.name == "multinomial":
        return _multinomial(goodness, level)
    return _generalised(goodness, level)


def _linear(goodness: Goodness, level: float) -> Summary:
    estimate = goodness.estimate
    uncentred = "" if estimate.objective.intercept else " (uncentered)"
    head = Pairs(
        left=(
            ("Dep. Variable:", estimate.frame.response.name),
            ("Model:", "Weighted least squares" if _weighted(estimate) else "Linear regression"),
            ("Method:", estimate.convergence.method),
            ("No. Observations:", integer(estimate.nobs)),
            ("Df Residuals:", integer(estimate.df_resid)),
            ("Df Model:", integer(goodness.df_model)),
            ("Covariance Type:", _covariance_type(estimate)),
        ),
        right=(
            (f"R-squared{uncentred}:", number(goodness.rsquared, 3)),
            (f"Adj. R-squared{uncentred}:", number(goodness.rsquared_adj, 3)),
            ("F-statistic:", significant(goodness.fvalue)),
            ("Prob (F-statistic):", p_value(goodness.f_pvalue, scientific=True)),
            ("Log-Likelihood:", significant(goodness.llf, 5)),
            ("AIC:", significant(goodness.aic)),
            ("BIC:", significant(goodness.bic)),
        ),
    )
    table = coefficient_tables(estimate, level)
    return Summary(
        "Linear Regression Results", (head, *table, _diagnostics(goodness)), notes(goodness)
    )


def _diagnostics(goodness: Goodness) -> Pairs:
    shape = residual_shape(goodness.estimate)
    omnibus_statistic, omnibus_p = omnibus(shape)
    jarque_statistic, jarque_p = jarque_bera(shape)
    return Pairs(
        left=(
            ("Omnibus:", statistic(omnibus_statistic)),
            ("Prob(Omnibus):", p_value(omnibus_p)),
            ("Skew:", statistic(shape.skewness)),
            ("Kurtosis:", statistic(shape.kurtosis)),
        ),
        right=(
            ("Durbin-Watson:", statistic(shape.durbin_watson)),
            ("Jarque-Bera (JB):", statistic(jarque_statistic)),
            ("Prob(JB):", p_value(jarque_p)),
            ("Cond. No.", significant(goodness.condition_number, 3)),
        ),
    )


def _generalised(goodness: Goodness, level: float) -> Summary:
    estimate = goodness.estimate
    head = Pairs(
        left=(
            ("Dep. Variable:", estimate.frame.response.name),
            ("Model:", "Generalized linear model"),
            ("Model Family:", estimate.family.name.capitalize()),
            ("Link Function:", estimate.family.link.name),
            *_method(estimate),
            ("No. Observations:", integer(estimate.nobs)),
            ("Covariance Type:", _covariance_type(estimate)),
        ),
        right=(
            ("Df Residuals:", integer(estimate.df_resid)),
            ("Df Model:", integer(goodness.df_model)),
            ("Scale:", significant(estimate.dispersion, 5)),
            ("Log-Likelihood:", significant(goodness.llf, 5)),
            ("Deviance:", significant(estimate.deviance, 5)),
            ("Null deviance:", significant(goodness.null_deviance, 5)),
            ("Pearson chi2:", significant(estimate.pearson, 3)),
            ("Pseudo R-squ. (CS):", number(goodness.cox_snell)),
            ("AIC:", significant(goodness.aic)),
        ),
    )
    tables = coefficient_tables(estimate, level)
    return Summary("Generalized Linear Model Results", (head, *tables), notes(goodness))


def _multinomial(goodness: Goodness, level: float) -> Summary:
    estimate = goodness.estimate
    head = Pairs(
        left=(
            ("Dep. Variable:", estimate.frame.response.name),
            ("Model:", "Multinomial (softmax)"),
            ("Reference:", str(estimate.specification.levels[0])),
            *_method(estimate),
            ("No. Observations:", integer(estimate.nobs)),
            ("Covariance Type:", _covariance_type(estimate)),
        ),
        right=(
            ("Df Residuals:", integer(estimate.df_resid)),
            ("Df Model:", integer(goodness.df_model)),
            ("Pseudo R-squ.:", number(goodness.prsquared)),
            ("Log-Likelihood:", significant(goodness.llf, 5)),
            ("LL-Null:", significant(goodness.llnull, 5)),
            ("LLR p-value:", p_value(goodness.llr_pvalue, scientific=True)),
            ("AIC:", significant(goodness.aic)),
        ),
    )
    tables = coefficient_tables(estimate, level)
    return Summary("Multinomial Regression Results", (head, *tables), notes(goodness))


def _method(estimate: Estimate) -> Lines:
    record = estimate.convergence
    return (
        ("Method:", record.method),
        stopped(record),
        ("No. Iterations:", integer(record.iterations)),
    )


def _weighted(estimate: Estimate) -> bool:
    return estimate.specification.frame.weights is not None


def _covariance_type(estimate: Estimate) -> str:
    if estimate.reported is not None:
        return estimate.reported.kind
    if estimate.selected:
        return "none"
    return "penalised" if estimate.specification.penalty.shrinks else "nonrobust"


def coefficient_tables(estimate: Estimate, level: float) -> list[Table]:
    """Return one table an output: estimate, error, statistic, p-value and interval."""
    table = coefficients(estimate)
    lower, upper = table.interval(level)
    names = estimate.specification.coefficient_names
    heads = _block_heads(estimate)
    return [
        _coefficient_table(table, names, head, k, lower[:, k], upper[:, k], level)
        for k, head in enumerate(heads)
    ]


def _block_heads(estimate: Estimate) -> Sequence[str]:
    if estimate.family.name != "multinomial" or estimate.specification.plan is not None:
        return ("",)
    name = estimate.frame.response.name
    return [f"{name}={level}" for level in estimate.specification.levels[1:]]


def _coefficient_table(
    table: Coefficients,
    names: Sequence[str],
    head: str,
    k: int,
    lower: np.ndarray,
    upper: np.ndarray,
    level: float,
) -> Table:
    letter = "z" if math.isinf(table.df) else "t"
    tail = (1 - level) / 2
    columns = (head, "coef", "std err", letter, f"P>|{letter}|", f"[{tail:.4g}", f"{1 - tail:.4g}]")
    rows = zip(
        names,
        table.estimate[:, k].tolist(),
        table.standard_error[:, k].tolist(),
        table.statistic[:, k].tolist(),
        table.p_value[:, k].tolist(),
        lower.tolist(),
        upper.tolist(),
        strict=True,
    )
    return Table(columns, tuple(_coefficient_row(*row) for row in rows))


def _coefficient_row(
    name: str, value: float, error: float, ratio: float, p: float, low: float, high: float
) -> tuple[str, ...]:
    return (
        name,
        number(value),
        number(error, 3),
        statistic(ratio),
        p_value(p),
        number(low, 3),
        number(high, 3),
    )
