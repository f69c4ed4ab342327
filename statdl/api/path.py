"""The front doors ``path``, ``cv_path`` and ``nested_cv``."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

from statdl.api.arguments import is_number, truth, whole
from statdl.api.data import read
from statdl.api.keywords import front_door
from statdl.api.words import as_family
from statdl.backend.array import to_numpy
from statdl.backend.columns import is_sparse
from statdl.errors import DataError, ModelError, SeparationWarning
from statdl.estimate import Specification, specify
from statdl.estimate.chosen import separated
from statdl.estimate.path import (
    Grid,
    PathEstimate,
    Penalties,
    estimate_path,
    path_of_sample,
    summed,
)
from statdl.formula import ArrayRecipe, Term
from statdl.formula.design import Design
from statdl.lazy import lazy
from statdl.model.categorical import Multinomial
from statdl.model.family import Family
from statdl.report import DataTable
from statdl.results import Call
from statdl.results.cv_path import CvPath
from statdl.results.path import Path
from statdl.results.path_values import check_strength
from statdl.scan.folds import fold_sums, labels_of
from statdl.scan.opening import is_lazy
from statdl.solve.newton import Newton
from statdl.study.path import (
    MEASURES,
    OF_SUMS,
    check_measure,
    each,
    fold_of_rows,
    measured,
    validate,
    validate_sums,
)

np = lazy("numpy")


BY_SUMS = (
    "A path of rows that are read in blocks is made of sums of products, which say all for the "
    "gaussian family with the identity link only. For other families pass a frame, such as a "
    "sample of the rows, or fit glm(penalty=) to the scan at one strength."
)


@front_door
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
        factor, or a label a column.
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
    return _path(arguments, path)


def _path(arguments: Mapping[str, Any], front: Any) -> Path:
    specification, X = _specification(arguments)
    penalties = _penalties(arguments, specification)
    found = estimate_path(specification, penalties, _grid(arguments), X)
    said = separated(found)
    if said:
        found = replace(found, notes=(*found.notes, said))
        warnings.warn(said, SeparationWarning, stacklevel=3)
    return Path(found, Call(front, dict(arguments)))


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
    specification, _ = _specification(arguments)
    penalties, grid = _penalties(arguments, specification), _grid(arguments)
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
    fold = fold_of_rows(sample, estimate.family, labels, seed, levels)
    names: Sequence[int] = range(int(fold.max()) + 1)

    def judged(name: int) -> tuple[float, float, int]:
        inner = _of(estimate, sample.take(np.flatnonzero(fold != name)))
        found = validate(inner, measure, folds, seed, progress=False)
        place = found.best if rule == "min" else found.simplest
        test = sample.take(np.flatnonzero(fold == name))
        error = float(measured(_only(inner, place), test, measure)[0])
        return error, float(inner.strengths[place]), int(inner.df[place])

    threads = whole("workers", workers, 1)
    errors, chosen, counts = zip(
        *each(judged, names, threads, "outer folds" if progress else ""), strict=True
    )
    spread = float(np.std(errors, ddof=1)) / math.sqrt(len(errors))
    return DataTable(
        "outer fold",
        (*(str(name) for name in names), "mean", "std err"),
        {
            measure: [*errors, float(np.mean(errors)), spread],
            "lambda": [*chosen, None, None],
            "nonzero": [*counts, None, None],
        },
        title="Nested cross-validation",
        notes=("Rows of a fold are predicted by a model whose lambda was chosen without them.",),
    )


def _of(estimate: PathEstimate, sample: Any) -> PathEstimate:
    """Return the path of some rows, on a grid of its own where none was given."""
    one = estimate
    return path_of_sample(one.specification, sample, one.family, one.penalties, one.grid)


def _kept_folds(folds: Any, estimate: PathEstimate) -> Any:
    """Return a number of folds, or those of the rows that are used."""
    if is_number(folds):
        return folds
    given = np.asarray(folds)
    rows = estimate.specification.frame.rows
    if given.ndim != 1:
        raise ModelError(f"folds is a number or a label for every row, not {folds!r}.")
    return given if rows is None or len(given) == len(rows) else given[rows]


def _specification(arguments: Mapping[str, Any]) -> tuple[Specification, Any]:
    """Return what is to be fitted; of a sparse X, that beside it."""
    family = arguments["family"]
    if isinstance(family, str) and family.lower() in ("multinomial", "multinoulli", "softmax"):
        chosen: Any = Multinomial()
    else:
        chosen = as_family(family, None)
        _refuse_bounded(chosen)
    X = arguments["X"]
    if not is_sparse(X):
        if is_lazy(arguments["data"]) and not chosen.quadratic:
            raise ModelError(BY_SUMS)
        frame = read(arguments)
        if not frame.X.shape[1]:
            raise ModelError("There is no column to penalise; the formula has an intercept only.")
        made = specify(
            frame, chosen, Newton(), device=arguments["device"], dtype=arguments["dtype"],
            sums="float64",
        )  # fmt: skip
        return made, None
    X = X.tocsr().astype(float)  # a copy
    X.sum_duplicates()
    if not np.isfinite(X.data).all():
        raise DataError("X has missing or infinite values, and rows of a sparse X are not dropped.")
    stand_in = {**arguments, "X": np.zeros((X.shape[0], 1)), "names": None}
    frame = read(stand_in)
    given = arguments["names"]
    names = tuple(f"x{j}" for j in range(1, X.shape[1] + 1)) if given is None else tuple(given)
    if len(names) != X.shape[1]:
        raise DataError(f"names has {len(names)} entries, and X has {X.shape[1]} columns.")
    terms = tuple(Term(name, frozenset([name]), (j,)) for j, name in enumerate(names))
    design = Design(None, frame.design.intercept, terms, names, {}, ArrayRecipe(names))
    made = specify(frame, chosen, Newton())
    kept = X if frame.rows is None else X[frame.rows]
    return replace(made, frame=replace(made.frame, design=design)), kept.tocsc()


def _refuse_bounded(family: Family) -> None:
    """Refuse a link that has no mean for some η, since on a path η may become anything."""
    with np.errstate(all="ignore"):
        means = family.mean(np.asarray([[-1.0], [0.0], [1.0]]))
    if not np.isfinite(means).all() or not (np.diff(means, axis=0) > 0).all():
        raise ModelError(
            f"A path needs a link that rises from −∞ to ∞, and that of the {family.name} family, "
            f"{family.link.name}, does not; use sd.families.Gamma(sd.links.Log()), for example."
        )


def _grid(arguments: Mapping[str, Any]) -> Grid:
    given = arguments["lambda_"]
    ratio = arguments["lambda_min_ratio"]
    if ratio is not None and not (is_number(ratio) and 0 < ratio < 1):
        raise ModelError(f"lambda_min_ratio is between 0 and 1, not {ratio!r}.")
    tolerance = arguments["tolerance"]
    if not (is_number(tolerance) and 0 < tolerance < 1):
        raise ModelError(f"tolerance is a small positive number, not {tolerance!r}.")
    values = None
    if given is not None:
        values = tuple(check_strength(one) for one in np.atleast_1d(np.asarray(given)).tolist())
        if not values:
            raise ModelError("lambda_ is empty; give one value or more, or leave it out.")
        values = tuple(sorted(set(values), reverse=True))
    return Grid(
        values,
        whole("n_lambda", arguments["n_lambda"], 1),
        ratio,
        truth("early_stop", arguments["early_stop"]),
        float(tolerance),
    )


def _penalties(arguments: Mapping[str, Any], specification: Specification) -> Penalties:
    alpha = arguments["alpha"]
    if not (is_number(alpha) and 0 <= alpha <= 1):
        raise ModelError(f"alpha is between 0 (ridge) and 1 (lasso), not {alpha!r}.")
    names = specification.frame.design.names
    terms = {term.name: term.columns for term in specification.frame.design.terms}
    factors = _by_column("penalty_factor", arguments["penalty_factor"], names, 1.0, terms)
    if factors is not None and (np.isnan(factors).any() or (factors < 0).any()):
        raise ModelError("penalty_factor must be 0 or more, and not missing.")
    lower = _by_column("lower", arguments["lower"], names, -math.inf, terms)
    upper = _by_column("upper", arguments["upper"], names, math.inf, terms)
    if lower is not None and not (lower <= 0).all():
        raise ModelError("lower must be 0 or less for every column: 0 is where coefficients start.")
    if upper is not None and not (upper >= 0).all():
        raise ModelError("upper must be 0 or more for every column: 0 is where coefficients start.")
    grouped = truth("grouped", arguments["grouped"])
    if grouped and specification.family.name != "multinomial":
        raise ModelError("grouped=True is for family='multinomial'; for columns use groups=.")
    groups = _groups(arguments["groups"], specification)
    if (groups is not None or grouped) and not (lower is None and upper is None):
        raise ModelError("Limits of coefficients do not go with groups; leave one of them out.")
    standardize = truth("standardize", arguments["standardize"])
    return Penalties(float(alpha), standardize, factors, lower, upper, groups, grouped)


def _by_column(
    name: str, given: Any, names: Sequence[str], default: float, terms: Mapping[str, Any]
) -> Any:
    """Return a number a column from one number, a sequence, or a mapping from names.

    The name of a term, such as a factor, is for all of its columns.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        unknown = [key for key in given if key not in names and key not in terms]
        if unknown:
            raise ModelError(
                f"{name} names {unknown[0]!r}, which is no column; there are "
                f"{', '.join(names[:20])}{', …' if len(names) > 20 else ''}."
            )
        wide = {names[j]: given[key] for key, at in terms.items() if key in given for j in at}
        own = {**wide, **{key: given[key] for key in given if key in names}}
        return _numbers(name, [own.get(one, default) for one in names])
    values = _numbers(name, given if is_number(given) else to_numpy(given))
    if values.ndim == 0:
        return np.full(len(names), float(values))
    if values.shape != (len(names),):
        raise ModelError(
            f"{name} has {values.size} entries, and there are {len(names)} columns: "
            f"{', '.join(names[:20])}{', …' if len(names) > 20 else ''}."
        )
    return values


def _numbers(name: str, given: Any) -> Any:
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"{name} must be numbers, not {given!r}.") from None


def _groups(given: Any, specification: Specification) -> Any:
    if given is None:
        return None
    design = specification.frame.design
    p = len(design.names)
    if isinstance(given, str):
        if given != "terms":
            raise ModelError(f"groups={given!r} is not known; use 'terms' or a label a column.")
        labels = np.empty(p, dtype=int)
        for k, term in enumerate(design.terms):
            labels[list(term.columns)] = k
        return labels
    values = np.asarray(given)
    if values.shape != (p,):
        raise ModelError(f"groups has {values.size} labels, and there are {p} columns.")
    return np.unique(values, return_inverse=True)[1]


def _only(estimate: PathEstimate, place: int) -> PathEstimate:
    part = slice(place, place + 1)
    return replace(
        estimate,
        strengths=estimate.strengths[part],
        coefficients=estimate.coefficients[part],
        intercepts=estimate.intercepts[part],
    )
