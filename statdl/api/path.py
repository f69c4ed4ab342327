"""The front doors ``path``, ``cv_path`` and ``nested_cv``."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

from statdl.api.arguments import is_number, whole
from statdl.api.path_arguments import grid_of, path_specification, penalties_of
from statdl.errors import ModelError, SeparationWarning
from statdl.estimate.chosen import separated
from statdl.estimate.path import PathEstimate, estimate_path, path_of_sample, summed
from statdl.keywords import explained
from statdl.lazy import lazy
from statdl.model.family import Family
from statdl.report import DataTable
from statdl.results import Call
from statdl.results.cv_path import CvPath
from statdl.results.path import Path
from statdl.scan.folds import fold_sums, labels_of
from statdl.scan.opening import is_lazy
from statdl.study.nested import nested_table
from statdl.study.path import (
    MEASURES,
    OF_SUMS,
    check_measure,
    fold_of_rows,
    validate,
    validate_sums,
)

np = lazy("numpy")


@explained
def path(
    formula: str | None = None,
    data: Any = None,
    family: str | Family = "gaussian",
    *,
    alpha: float = 1.0,
    lambda_: float | Sequence[float] | None = None,
    n_lambda: int = 100,
    lambda_min_ratio: float | None = None,
    standardize: bool = True,
    penalty_factor: Sequence[float] | Mapping[str, float] | None = None,
    lower: Any = None,
    upper: Any = None,
    groups: str | Sequence[Any] | None = None,
    grouped: bool = False,
    early_stop: bool = True,
    tolerance: float = 1e-7,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    device: str | None = None,
    dtype: str | None = None,
) -> Path:
    """Fit a penalised regression for a whole grid of λ: lasso, ridge or between.

    min  Σ w_i ℓ_i / Σ w + λ Σ_j f_j ( α |β_j| + ½ (1 − α) β_j² ), with ℓ = −log-likelihood (for the
    gaussian ½ (y − η)²) and intercepts left alone: glmnet's objective, and its λ. For the gaussian
    β_j² is divided by the standard deviation of y, as in glmnet, so that the units of y do not
    matter.

    Parameters
    ----------
    formula, data, X, y, names, intercept, weights, offset, subset, na_action, device, dtype
        As for :func:`statdl.lm`. X may be a sparse matrix of SciPy's, and stays sparse. Of a
        :func:`statdl.scan` (gaussian family) the products of all columns are summed up by one pass,
        and the path is made of them.
    family : str or Family
        "gaussian", "binomial", "poisson" or "multinomial", or a family object. The multinomial has
        coefficients for every class.
    alpha : float
        1 for the lasso, 0 for ridge, between for the elastic net.
    lambda_ : float or sequence, optional
        Values of λ, 0 or more; by default ``n_lambda`` values from λ_max, where everything is 0,
        down to ``lambda_min_ratio`` times it (1e-4, or 1e-2 with fewer rows than columns) in equal
        steps of log λ.
    standardize : bool
        Penalise coefficients of columns divided by their standard deviation. Coefficients are
        reported in the columns' own units either way.
    penalty_factor : sequence or mapping from column or term to factor, optional
        f, 1 unless given: 0 leaves a column unpenalised, ∞ leaves it out. Scaled to a mean of 1
        over the columns that are not left out (glmnet counts those as 1).
    lower, upper : float, sequence or mapping, optional
        Limits of the coefficients: lower ≤ 0 ≤ upper.
    groups : "terms" or sequence, optional
        Columns that enter together (the group lasso, Yuan and Lin 2006), the penalty of a group
        being √size ‖β_g‖: "terms" for those of each term of the formula, as the columns of a
        factor, or a label a column. ‖β_g‖ of a factor is another number with another reference
        level or other contrasts, and so are the estimates, as those of the lasso are.
    grouped : bool
        For the multinomial: a column enters for all classes together.
    early_stop : bool
        End a default grid where over 0.999 of the deviance is explained, or a step explains less
        than 1e-5 more, as glmnet does.
    tolerance : float
        How far a condition of the optimum may be violated, as a share of λ_max.

    Returns
    -------
    Path

    Raises
    ------
    FormulaError, DataError, ModelError
        When the formula, the data or the arguments make no path.

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), J. Stat. Softw. 33(1); Tibshirani et al. (2012),
    J. R. Stat. Soc. B 74, 245.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> path = sd.path("mpg ~ wt + hp + qsec", data=cars)
    >>> path.coef(lambda_=1.0).round(3).to_dict()
    {'Intercept': 33.903, 'wt': -3.252, 'hp': -0.023, 'qsec': 0.0}
    >>> path.kkt < 1e-7
    True
    """
    arguments = locals()
    specification, X = path_specification(arguments)
    penalties = penalties_of(arguments, specification)
    found = estimate_path(specification, penalties, grid_of(arguments), X)
    said = separated(found)
    if said:
        found = replace(found, notes=(*found.notes, said))
        warnings.warn(said, SeparationWarning, stacklevel=2)
    return Path(found, Call(path, arguments))


def cv_path(
    formula: str | None = None,
    data: Any = None,
    family: str | Family = "gaussian",
    *,
    folds: int | Sequence[Any] = 10,
    measure: str = "deviance",
    seed: int = 0,
    progress: bool = True,
    workers: int = 1,
    **arguments: Any,
) -> CvPath:
    """Choose λ by cross-validation.

    Parameters
    ----------
    folds : int or (n,) labels
        How many parts of equal size, drawn with ``seed``, or the part of each row. Of a scan: a
        number or a column. Of every so many consecutive rows each goes to another part then, in an
        order that is drawn, whatever the size of blocks; products are summed up for each part, and
        one pass is all that path and validation take.
    measure : {"deviance", "mse", "mae", "class", "auc"}
        What a fold is judged by: mean deviance, squared or absolute error of the mean (of the
        second of two classes, where glmnet sums over both; of more classes their sum), share of
        wrong classes, or the area under the ROC curve. Of a scan: "deviance" or "mse".
    progress : bool
        Show a bar in a terminal.
    workers : int
        How many folds run at a time, in threads; the numbers are the same. The linear algebra
        library then has one thread for each. More than 1 pays where cores are idle.
    arguments
        All those of :func:`path`.

    Returns
    -------
    CvPath, with ``lambda_min``, ``lambda_1se``, ``best()`` and ``plot()``.

    Examples
    --------
    >>> import statdl as sd
    >>> cv = sd.cv_path("mpg ~ wt + hp + qsec + drat", data=sd.datasets.load("mtcars"), folds=5)
    >>> cv.lambda_min <= cv.lambda_1se
    True
    """
    threads = whole("workers", workers, 1)
    if is_lazy(data):
        bound = inspect.signature(path).bind(formula, data, family, **arguments)
        bound.apply_defaults()
        return _validated_by_sums(dict(bound.arguments), folds, measure, seed)
    whole_path = path(formula, data, family, **arguments)
    estimate = whole_path.estimate
    kept = _kept_folds(folds, estimate)
    return CvPath(whole_path, validate(estimate, measure, kept, seed, progress, threads))


def _validated_by_sums(arguments: Mapping[str, Any], folds: Any, measure: str, seed: int) -> CvPath:
    """Return the path of a scan and its cross-validation, by one pass for both."""
    if measure in MEASURES and measure not in OF_SUMS:
        raise ModelError(
            f"measure={measure!r} has to look at every row again; rows of a scan are judged by "
            f"{' or '.join(map(repr, OF_SUMS))}, which sums of products tell."
        )
    check_measure(measure, "gaussian")
    specification, _ = path_specification(arguments)
    penalties, grid = penalties_of(arguments, specification), grid_of(arguments)
    rows: Any = specification.rows
    labels = labels_of(folds, seed, rows.held.scan.names)
    parts = list(fold_sums(rows, labels).values())
    sample = summed(rows, reduce(add, parts))
    found = path_of_sample(specification, sample, specification.family, penalties, grid)
    return CvPath(Path(found, Call(path, arguments)), validate_sums(found, parts, measure))


def nested_cv(
    formula: str | None = None,
    data: Any = None,
    family: str | Family = "gaussian",
    *,
    outer: int | Sequence[Any] = 5,
    folds: int = 10,
    rule: str = "min",
    measure: str = "deviance",
    seed: int = 0,
    progress: bool = True,
    workers: int = 1,
    **arguments: Any,
) -> DataTable:
    """Return an honest estimate of the error of a model whose λ is chosen by cross-validation.

    The least cross-validated error is too good, for λ was chosen to make it small. Here each of
    ``outer`` parts is predicted by a model that has not seen it, λ included: that is chosen by
    ``folds``-fold cross-validation within the other rows (Varma and Simon 2006).

    The other parameters are those of :func:`cv_path`; ``rule`` is "min" or "1se", and ``workers``
    is how many outer parts run at a time.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> found = sd.nested_cv("mpg ~ wt + hp", data=cars, outer=4, folds=4)
    >>> list(found.columns)
    ['deviance', 'lambda', 'nonzero']
    """
    if rule not in ("min", "1se"):
        raise ModelError(f"rule={rule!r} is not known; choose 'min' or '1se'.")
    if is_lazy(data):
        raise ModelError(
            "nested_cv() goes through rows in memory; use cv_path() of the scan, or a frame with a "
            "sample of the rows."
        )
    estimate = path(formula, data, family, **arguments).estimate
    sample: Any = estimate.sample
    labels, levels = _kept_folds(outer, estimate), estimate.specification.levels
    return nested_table(
        estimate,
        fold_of_rows(sample, estimate.family, labels, seed, levels),
        folds=folds,
        rule=rule,
        measure=measure,
        seed=seed,
        progress=progress,
        workers=whole("workers", workers, 1),
    )


def _kept_folds(folds: Any, estimate: PathEstimate) -> Any:
    """Return a number of folds, or those of the rows that are used."""
    if is_number(folds):
        return folds
    given = np.asarray(folds)
    rows = estimate.specification.frame.rows
    if given.ndim != 1:
        raise ModelError(f"folds is a number or a label for every row, not {folds!r}.")
    return given if rows is None or len(given) == len(rows) else given[rows]
