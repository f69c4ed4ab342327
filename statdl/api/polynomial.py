"""The front door of polynomials of rising degree."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from statdl.api.regression import glm, lm, multinom
from statdl.errors import ModelError
from statdl.formula import model_frame, update_formula
from statdl.formula.settable import term_variables
from statdl.results import Fit
from statdl.study.complexity import study_of
from statdl.study.heldout import Scheme, mask, split_of
from statdl.study.learner import Learner, OneByOne
from statdl.study.polynomial import (
    Polynomial,
    among,
    check_distinct,
    checked_degrees,
    column_of,
    condition_numbers,
)

#: Penalty a row that leaves the fit as it is, and picks one where there are many.
SMALLEST = 1e-8
#: Options that say which rows there are, and what each counts.
READ = ("weights", "offset", "subset", "na_action")


def polynomial(
    formula: str,
    data: Any,
    *,
    degrees: Sequence[int] = range(1, 16),
    variable: str | None = None,
    family: str | None = None,
    validation: str = "kfold",
    folds: int = 10,
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2),
    test: float = 0.0,
    seed: int = 0,
    minimum_norm: bool = False,
    **options: Any,
) -> Polynomial:
    """Study polynomials of rising degree: too simple, right, too flexible.

    η = β_0 + Σ_j β_j P_j(x) with polynomials P_j that are orthogonal on the rows learnt from
    (``poly(x, d)``), so that degree 15 is as accurate as degree 1.

    Parameters
    ----------
    formula : str
        Such as ``"y ~ x"``; more terms may stand beside x, which ``variable`` then names.
    data : frame or dict
        The rows.
    degrees : sequence of int
        Degrees to try.
    variable : str, optional
        The numeric column to take powers of; by default the only term.
    family : str, optional
        As for :func:`glm` or "multinomial"; by default normal errors and least squares.
    validation, folds, shares, test, seed
        How rows are held out, as for :func:`complexity`.
    minimum_norm : bool
        Of the polynomials that fit equally well take the one with the smallest coefficients in
        Legendre's basis (``legendre(x, d)``, by a penalty of 1e-8 a row), so that degrees beyond
        the number of rows have a fit. Their error rises to the number of rows and may fall again
        after it: double descent (Belkin, Hsu, Ma & Mandal 2019).
    **options
        For :func:`lm`, :func:`glm` or :func:`multinom`, such as ``weights``.

    Returns
    -------
    Polynomial
        A :class:`Complexity` with ``plot_fits(degrees=(1, 5, 15))`` and ``coefficients(degree)``.

    Raises
    ------
    DataError
        Where the column has too few distinct values for a degree, or a part of the rows too few.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> study = sd.polynomial("mpg ~ wt", data=cars, degrees=range(1, 7))
    >>> study.best_value
    2
    """
    scheme = Scheme(validation, folds, shares, test, seed)
    read = {name: options[name] for name in READ if name in options}
    frame = model_frame(formula, data, **read)
    options.pop("subset", None)  # the frame has read it
    name = _variable(frame, variable)
    tried = checked_degrees(degrees)
    split = split_of(frame, scheme)
    x = column_of(frame, name)
    front, extra = _front(family)
    basis = f"poly({name}, {{}})"
    if minimum_norm:  # on one range for all parts: beyond it high degrees explode
        basis = f"legendre({name}, {{}}, {float(x.min())!r}, {float(x.max())!r})"
        extra["penalty"] = SMALLEST * len(split.training)
    else:
        check_distinct(x, frame, split, tried, name)
    source = frame.source
    total = len(source)

    @cache
    def of_degree(degree: int) -> str:
        return update_formula(formula, f". ~ . - {name} + {basis.format(degree)}")

    def fit(degree: int, positions: Any) -> Fit:
        rows = mask(positions, total)
        return front(of_degree(degree), data=source, subset=rows, **extra, **options)

    learners = [Learner(OneByOne(fit), degree, frame, source) for degree in tried]
    studied = study_of("degree", tried, learners, scheme, split, tried)
    conditions = condition_numbers(among(x, frame, split.training), tried)
    return Polynomial(
        "degree",
        f"{frame.response.name} on a polynomial in {name}",
        scheme,
        studied,
        (("Condition (raw)", conditions),),
        name,
        frame,
    )


def _front(family: str | None) -> tuple[Any, dict[str, Any]]:
    if family is None or family == "gaussian":
        return lm, {}
    return (multinom, {}) if family == "multinomial" else (glm, {"family": family})


def _variable(frame: Any, variable: str | None) -> str:
    """Return the column to take powers of."""
    names = [term.name for term in frame.design.terms]
    if variable is None:
        if len(names) != 1:
            raise ModelError(
                f"The formula has the terms {', '.join(names) or '(none)'}; say with variable= "
                "which one to take powers of."
            )
        variable = names[0]
    if variable not in names:
        raise ModelError(
            f"variable={variable!r} is no term of the formula, which has {', '.join(names)}."
        )
    term = frame.design.terms[names.index(variable)]
    made = term_variables(frame.design)
    own = made[names.index(variable)]
    shared = [
        name for name, parts in zip(names, made, strict=True) if name != variable and parts & own
    ]
    if shared:
        raise ModelError(
            f"'{variable}' is in the term {shared[0]} as well, which would stand beside its "
            "powers; leave that term out."
        )
    if len(term.columns) != 1 or variable in frame.design.levels:
        raise ModelError(f"'{variable}' is not a numeric column, which powers can be taken of.")
    return variable
