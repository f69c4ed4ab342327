"""What the front doors of paths are told: which model, which penalties, which grid of lambda."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from statdl.api.arguments import is_number, truth, whole
from statdl.api.data import read
from statdl.api.words import as_family, is_multinomial
from statdl.backend.array import to_numpy
from statdl.backend.columns import is_sparse
from statdl.errors import DataError, ModelError
from statdl.estimate import Specification, specify
from statdl.estimate.path import Grid
from statdl.estimate.penalties import Penalties
from statdl.formula import ArrayRecipe, Term
from statdl.formula.design import Design
from statdl.formula.suggest import listing
from statdl.lazy import lazy
from statdl.model.categorical import Multinomial
from statdl.model.family import Family
from statdl.results.path_values import check_strength
from statdl.scan.opening import is_lazy
from statdl.solve.newton import Newton

np = lazy("numpy")

#: What is said of a scan with a family whose likelihood sums of products do not tell.
BY_SUMS = (
    "A path of rows that are read in blocks is made of sums of products, which say all for the "
    "gaussian family with the identity link only. For other families pass a frame, such as a "
    "sample of the rows, or fit glm(penalty=) to the scan at one strength."
)


def path_specification(arguments: Mapping[str, Any]) -> tuple[Specification, Any]:
    """Return what is to be fitted; of a sparse X, that beside it."""
    family = _family(arguments["family"])
    if is_sparse(arguments["X"]):
        return _of_sparse(arguments, family)
    if is_lazy(arguments["data"]) and not family.quadratic:
        raise ModelError(BY_SUMS)
    frame = read(arguments)
    if not frame.X.shape[1]:
        raise ModelError("There is no column to penalise; the formula has an intercept only.")
    place = {name: arguments[name] for name in ("device", "dtype")}
    return specify(frame, family, Newton(), **place, sums="float64"), None


def _family(given: Any) -> Family:
    if is_multinomial(given):
        return Multinomial()
    family = as_family(given, None)
    _refuse_bounded(family)
    return family


def _of_sparse(arguments: Mapping[str, Any], family: Family) -> tuple[Specification, Any]:
    """Return the specification of a sparse X, whose frame has no column, and X by columns."""
    X = arguments["X"].tocsr().astype(float)  # a copy
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
    made = specify(frame, family, Newton())
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


def grid_of(arguments: Mapping[str, Any]) -> Grid:
    """Return which λ, and how exactly."""
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


def penalties_of(arguments: Mapping[str, Any], specification: Specification) -> Penalties:
    """Return what is penalised, and how."""
    alpha = arguments["alpha"]
    if not (is_number(alpha) and 0 <= alpha <= 1):
        raise ModelError(f"alpha is between 0 (ridge) and 1 (lasso), not {alpha!r}.")
    factors = _by_column("penalty_factor", arguments, specification, 1.0)
    if factors is not None and (np.isnan(factors).any() or (factors < 0).any()):
        raise ModelError("penalty_factor must be 0 or more, and not missing.")
    lower, upper = _limits(arguments, specification)
    grouped = truth("grouped", arguments["grouped"])
    if grouped and specification.family.name != "multinomial":
        raise ModelError("grouped=True is for family='multinomial'; for columns use groups=.")
    groups = _groups(arguments["groups"], specification)
    if (groups is not None or grouped) and not (lower is None and upper is None):
        raise ModelError("Limits of coefficients do not go with groups; leave one of them out.")
    standardize = truth("standardize", arguments["standardize"])
    return Penalties(float(alpha), standardize, factors, lower, upper, groups, grouped)


def _limits(arguments: Mapping[str, Any], specification: Specification) -> tuple[Any, Any]:
    lower = _by_column("lower", arguments, specification, -math.inf)
    upper = _by_column("upper", arguments, specification, math.inf)
    if lower is not None and not (lower <= 0).all():
        raise ModelError("lower must be 0 or less for every column: 0 is where coefficients start.")
    if upper is not None and not (upper >= 0).all():
        raise ModelError("upper must be 0 or more for every column: 0 is where coefficients start.")
    return lower, upper


def _by_column(
    name: str, arguments: Mapping[str, Any], specification: Specification, default: float
) -> Any:
    """Return a number a column from one number, a sequence, or a mapping from names."""
    given, design = arguments[name], specification.frame.design
    if given is None:
        return None
    if isinstance(given, Mapping):
        return _numbers(name, _spelled_out(name, given, design, default))
    values = _numbers(name, given if is_number(given) else to_numpy(given))
    if values.ndim == 0:
        return np.full(len(design.names), float(values))
    if values.shape != (len(design.names),):
        raise ModelError(
            f"{name} has {values.size} entries, and there are {len(design.names)} columns: "
            f"{listing(design.names, 20)}."
        )
    return values


def _spelled_out(name: str, given: Mapping[str, Any], design: Design, default: float) -> list[Any]:
    """Return the value of each column from names of columns, or of terms, for all of theirs."""
    names = design.names
    terms = {term.name: term.columns for term in design.terms}
    unknown = [key for key in given if key not in names and key not in terms]
    if unknown:
        raise ModelError(
            f"{name} names {unknown[0]!r}, which is no column; there are {listing(names, 20)}."
        )
    of_terms = {names[j]: given[key] for key, at in terms.items() if key in given for j in at}
    of_columns = {key: given[key] for key in given if key in names}
    values = {**of_terms, **of_columns}
    return [values.get(name, default) for name in names]


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
