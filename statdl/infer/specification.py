"""Tests of the variance and of the form of a linear regression.

Each is an auxiliary regression: does something that should be noise follow from something known?
e are the residuals, k the coefficients, RSS the residual sum of squares.

References
----------
Breusch & Pagan (1979), Econometrica 47; Koenker (1981), J. Econometrics 17 (the studentised form).
White (1980), Econometrica 48. Goldfeld & Quandt (1965), JASA 60. Ramsey (1969), JRSS B 31.
Utts (1982), The rainbow test for lack of fit in regression, Comm. Statist. A 11.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from statdl.backend.array import Array, namespace
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer import residual
from statdl.infer.auxiliary import Regression, own_regression, regression, standardised
from statdl.infer.distribution import chi2_tail, f_tail
from statdl.infer.hypothesis import HypothesisTest
from statdl.kinds import is_whole

CONSTANT = "the variance of the errors is the same for all rows"
ALTERNATIVES = ("greater", "less", "two.sided")


def breusch_pagan(estimate: Estimate, studentised: bool = True) -> HypothesisTest:
    """Return n R² of the regression of e² on X (Koenker), or half its explained sum of squares.

    The first holds for errors that are not normal; the second, Breusch and Pagan's own, is
    ½ Σ ĝ² with ĝ the fitted values of e²/σ̂² − 1 and σ̂² = RSS/n.
    """
    own = own_regression(estimate, "The Breusch-Pagan test", weights=False)
    statistic, df = _spread(own, own.X, studentised)
    return HypothesisTest(
        f"{'Studentised ' if studentised else ''}Breusch-Pagan test",
        "BP",
        statistic,
        {"df": df},
        chi2_tail(statistic, df),
        f"{CONSTANT}, whatever the regressors.",
    )


def white(estimate: Estimate) -> HypothesisTest:
    """Return n R² of the regression of e² on X, its squares and its products."""
    own = own_regression(estimate, "White's test", weights=False)
    X = standardised(own.X)  # what squares and products span is the same, and better conditioned
    xp = namespace(X)
    ones = xp.ones_like(X[:, :1])
    columns = [j for j in range(X.shape[1]) if bool(xp.any(X[:, j] != 0))]
    products = [X[:, j] * X[:, k] for i, j in enumerate(columns) for k in columns[i:]]
    parts = [ones, X, *(product[:, None] for product in products)]
    statistic, df = _spread(own, xp.concat(parts, axis=1), studentised=True)
    return HypothesisTest(
        "White test",
        "W",
        statistic,
        {"df": df},
        chi2_tail(statistic, df),
        f"{CONSTANT}, whatever the regressors, their squares and products.",
    )


def _spread(own: Regression, Z: Array, studentised: bool) -> tuple[float, int]:
    """Return the statistic of e² on Z, and its degrees of freedom."""
    xp = namespace(Z)
    squares = own.residuals * own.residuals
    relative = squares / (float(xp.mean(squares)) or math.nan) - 1
    fitted = regression(Z, relative)
    explained = float(relative @ relative) - fitted.rss
    if studentised:
        return own.n * explained / float(relative @ relative), fitted.rank - 1
    return explained / 2, fitted.rank - 1


def goldfeld_quandt(
    estimate: Estimate,
    order_by: Any = None,
    point: float = 0.5,
    fraction: float = 0.0,
    alternative: str = "greater",
) -> HypothesisTest:
    """Return the ratio of the variances of two parts of the rows, fitted apart.

    The rows are split at ``point`` (a share, or a row number) in their order or in that of
    ``order_by``, and ``fraction`` of them (a share, or a number) are left out in the middle. Under
    the null the ratio has an F distribution.
    """
    own = own_regression(estimate, "The Goldfeld-Quandt test", weights=True)
    own = _ordered(own, _values(estimate, order_by))
    n = own.n
    middle = point if point <= 1 else point / n
    half = (fraction if fraction < 1 else fraction / n) / 2
    first = own.take(_range(own, 0, math.floor((middle - half) * n + 1e-9)))
    second = own.take(_range(own, math.floor((middle + half) * n + 1e-9), n))
    df = (second.n - second.rank, first.n - first.rank)
    if min(df) < 1:
        raise DataError(
            f"The parts have {first.n} and {second.n} rows for {own.rank} coefficients; move "
            "point= or lower fraction=."
        )
    statistic = (second.rss / df[0]) / (first.rss / df[1])
    return HypothesisTest(
        "Goldfeld-Quandt test",
        "GQ",
        statistic,
        {"df1": df[0], "df2": df[1]},
        _f_probability(statistic, df, alternative),
        "the variance of the errors is the same in both parts of the rows.",
    )


def _range(own: Regression, first: int, end: int) -> Array:
    xp = namespace(own.X)
    return xp.arange(first, end, dtype=xp.int64, device=own.X.device)


def _f_probability(statistic: float, df: tuple[int, int], alternative: str) -> float:
    if alternative not in ALTERNATIVES:
        raise ModelError(
            f"alternative={alternative!r} is not known; choose one of {', '.join(ALTERNATIVES)}."
        )
    above = f_tail(statistic, *df)
    below = f_tail(1 / statistic, *df[::-1])
    return {"greater": above, "less": below, "two.sided": 2 * min(above, below)}[alternative]


def _ordered(own: Regression, values: Array | None) -> Regression:
    """Return the regression with its rows in the order of some values, of a row each."""
    if values is None:
        return own
    xp = namespace(own.X)
    order = xp.argsort(values, stable=True)
    return Regression(
        xp.take(own.X, order, axis=0),
        xp.take(own.y, order),
        xp.take(own.residuals, order),
        own.rank,
    )


def _values(estimate: Estimate, order_by: Any) -> Array | None:
    """Return what rows of positive weight are ordered by."""
    if order_by is None:
        return None
    values = estimate.to_device(_column(estimate, order_by))
    weights = estimate.objective.rows.weights
    if weights is None:
        return values
    xp = namespace(values)
    return xp.take(values, xp.nonzero(weights > 0)[0])


def _column(estimate: Estimate, order_by: Any) -> Any:
    """Return the values of a column of the model matrix by name, or n values as they are."""
    if not isinstance(order_by, str):
        size = order_by.shape[0] if hasattr(order_by, "shape") else len(order_by)
        if size != estimate.objective.rows.n:
            raise DataError(
                f"order_by has {size} values for the {estimate.objective.rows.n} rows of the fit."
            )
        return order_by
    names = estimate.frame.design.names
    if order_by not in names:
        raise DataError(
            f"order_by={order_by!r} is no column of the model; they are {', '.join(names)}. "
            "Values of another variable can be given as an array."
        )
    return estimate.specification.rows.gathered().X[:, names.index(order_by)]


def reset(
    estimate: Estimate, powers: int | Sequence[int] = (2, 3), type: str = "fitted"
) -> HypothesisTest:
    """Return F of powers of the fitted values, or of the regressors, added to the model (RESET)."""
    own = own_regression(estimate, "RESET", weights=True)
    exponents, basis = _exponents(powers), _basis(estimate, type)
    xp = namespace(basis)
    added = xp.concat([basis**power for power in exponents], axis=1)
    larger = own.with_columns(_weighted(added, estimate))
    df = (larger.rank - own.rank, own.n - larger.rank)
    if min(df) < 1:
        raise DataError(
            "The powers are combinations of the columns of the model (as those of 0/1 columns "
            "are), or there are no rows left to judge them by."
        )
    null = "the mean is linear in the columns of the model."
    return _f_test("RESET test", "RESET", own.rss, larger.rss, df, null)


def _exponents(powers: int | Sequence[int]) -> list[int]:
    given = list(powers) if isinstance(powers, Iterable) else [powers]
    if not given or not all(is_whole(power) and power >= 2 for power in given):
        raise ModelError(f"powers={powers!r} must be whole numbers from 2 on, such as (2, 3).")
    return given


def _basis(estimate: Estimate, type: str) -> Array:
    """Return what is raised to powers, in units in which no power overflows, (n, k)."""
    rows = estimate.objective.rows
    if type == "fitted":
        basis = residual.fitted(estimate)
        basis = basis if rows.offset is None else basis - rows.offset
    elif type == "regressor":
        basis = rows.gathered().X
    else:
        raise ModelError(f"type={type!r} is not known; choose fitted or regressor.")
    if estimate.objective.intercept:
        return standardised(basis)
    xp = namespace(basis)
    return basis / xp.max(xp.abs(basis), axis=0)


def _f_test(
    method: str, symbol: str, small: float, large: float, df: tuple[int, int], null: str
) -> HypothesisTest:
    """Return F = ((RSS₀ − RSS₁)/df₁) / (RSS₁/df₂) of a fit and a more flexible one."""
    statistic = ((small - large) / df[0]) / (large / df[1])
    parameters = {"df1": df[0], "df2": df[1]}
    return HypothesisTest(method, symbol, statistic, parameters, f_tail(statistic, *df), null)


def _weighted(Z: Array, estimate: Estimate) -> Array:
    """Return the rows of positive weight, times its root."""
    weights = estimate.objective.rows.weights
    if weights is None:
        return Z
    xp = namespace(Z)
    chosen = xp.nonzero(weights > 0)[0]
    return xp.take(Z, chosen, axis=0) * xp.sqrt(xp.take(weights, chosen))[:, None]


def rainbow(
    estimate: Estimate, fraction: float = 0.5, order_by: Any = None, center: float = 0.5
) -> HypothesisTest:
    """Return F of the fit to all rows against one to the middle of them (rainbow test).

    A curve is nearly straight in the middle of the data, so that the fit there leaves less. The
    middle is that of the rows in their order, in the order of ``order_by``, or, with
    order_by="mahalanobis", the rows nearest to the centre of the regressors.
    """
    own = own_regression(estimate, "The rainbow test", weights=True)
    nearest = isinstance(order_by, str) and order_by == "mahalanobis"
    own = _ordered(own, _distances(own) if nearest else _values(estimate, order_by))
    n, size = own.n, math.floor(fraction * own.n)
    first = 0 if nearest else math.ceil((n - 1) * (center - fraction / 2) + 1 - 1e-9) - 1
    if not 0 <= first <= first + size <= n:
        raise ModelError(
            f"fraction={fraction:g} around center={center:g} leaves the rows; lower fraction=."
        )
    middle = own.take(_range(own, first, first + size))
    df = (n - middle.n, middle.n - middle.rank)
    if min(df) < 1:
        raise DataError(f"{middle.n} rows in the middle are too few; raise fraction=.")
    null = "the fit to the middle of the rows is the fit to all of them."
    return _f_test("Rainbow test", "Rain", own.rss, middle.rss, df, null)


def _distances(own: Regression) -> Array:
    """Return (x − x̄)ᵀ (XᵀX)⁻¹ (x − x̄) of every row."""
    xp = namespace(own.X)
    reduced = regression(own.X, own.y).X
    _, R = xp.linalg.qr(reduced, mode="reduced")
    half = xp.linalg.solve(R.T, (reduced - xp.mean(reduced, axis=0)).T)
    return xp.sum(half * half, axis=0)


def jarque_bera(estimate: Estimate) -> HypothesisTest:
    """Return n/6 (S² + (K − 3)²/4) of the residuals' skewness S and kurtosis K."""
    own_regression(estimate, "The Jarque-Bera test", weights=True)
    shape = residual.residual_shape(estimate)
    statistic, p_value = residual.jarque_bera(shape)
    return HypothesisTest(
        "Jarque-Bera test",
        "JB",
        statistic,
        {"df": 2},
        p_value,
        "the errors are normal.",
        estimates={"skewness": shape.skewness, "kurtosis": shape.kurtosis},
    )
