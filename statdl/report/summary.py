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
from statdl.model.penalty import shrinkage
from statdl.report.format import integer, number, p_value, significant, statistic
from statdl.report.stopping import stopped
from statdl.report.table import Pairs, Summary, Table
from statdl.solve.iterate import Outcome

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


def notes(goodness: Goodness) -> tuple[str, ...]:
    """Return the sentences beneath the table: conventions first, then everything that is amiss."""
    estimate = goodness.estimate
    found = [*_convergence_notes(estimate)]
    if estimate.reported is not None:
        found.append(estimate.reported.note)
        if estimate.specification.least_squares and goodness.slopes.note:
            found.append(f"F-statistic: {goodness.slopes.note}")
    aliased = [
        name
        for name, keep in zip(estimate.specification.coefficient_names, estimate.kept, strict=True)
        if not keep
    ]
    if aliased:
        found.append(
            f"NA: not estimable, since {_listed(aliased)} "
            f"{'are' if len(aliased) > 1 else 'is'} a combination of the other columns."
        )
    if estimate.frame.dropped:
        rows = "row was" if estimate.frame.dropped == 1 else "rows were"
        found.append(f"{estimate.frame.dropped} {rows} dropped because of missing values.")
    penalty = estimate.specification.penalty
    if penalty.active and not penalty.shrinks:
        found.append(
            "Bias-reduced (Firth 1993): the estimates maximise log L + ½ log |I|. Wald intervals "
            "are poor where classes are separated; take confint(method='profile')."
        )
    if estimate.selected:
        found.append(f"Degrees of freedom are effective ones ({estimate.degrees_of_freedom:.4g}).")
    elif penalty.shrinks:
        found.append(
            f"Penalised fit: estimates are {shrinkage(penalty)}, the penalised covariance is "
            "(I + Λ)⁻¹ I (I + Λ)⁻¹, and degrees of freedom are effective ones "
            f"({estimate.degrees_of_freedom:.4g}). p-values and intervals ignore the bias."
        )
    if not estimate.family.dispersion_known and not estimate.df_resid > 0:
        found.append(
            "There are as many coefficients as rows: the fit is exact and leaves nothing to "
            "estimate standard errors from."
        )
    if _exact(goodness):
        found.append(
            "The fit is essentially perfect: what is left is rounding, and so are the tests."
        )
    if estimate.convergence.digits < 6 and estimate.convergence.outcome is not Outcome.SEPARATION:
        found.append(
            "The columns are nearly dependent: the coefficients are good for about "
            f"{estimate.convergence.digits:.0f} digits ({estimate.convergence.factorisation})."
        )
    return tuple(found)


def _exact(goodness: Goodness) -> bool:
    """Tell whether least squares leaves no more than rounding, as R warns."""
    estimate = goodness.estimate
    if not estimate.specification.least_squares or not estimate.df_resid > 0:
        return False
    return estimate.deviance <= 1e-28 * estimate.nobs * goodness.mean_square


def _convergence_notes(estimate: Estimate) -> Sequence[str]:
    record = estimate.convergence
    if record.outcome is Outcome.SEPARATION:
        return record.notes
    if record.outcome is Outcome.EPOCHS or not record.converged:
        return (" ".join((f"{record.method}: {record.message}", *record.notes)),)
    return record.notes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
