"""The front doors of studies: fits compared, tested, and chosen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from statdl.api.network import mlp
from statdl.api.verbs import as_fit
from statdl.api.words import lookup
from statdl.errors import ConvergenceWarning, ModelError, StatdlWarning, warn
from statdl.formula import Term, update_formula
from statdl.infer.covariance_choice import Covariance
from statdl.report import DataTable
from statdl.report.regression import RegressionTable
from statdl.results import Fit
from statdl.study.compare import comparison
from statdl.study.crossvalidation import cross_validated_loss
from statdl.study.neglected import score_table, score_test
from statdl.study.parity import Parity, parity
from statdl.study.selection import CRITERIA, Search, Selection, select, selection_table
from statdl.study.validation import new_rows


def compare(
    *fits: Fit,
    data: Any = None,
    names: Sequence[str] | None = None,
    vcov: Any = None,
    cluster: Any = None,
    what: str | None = None,
    below: str = "std.error",
    stars: bool | Mapping[str, float] = False,
    level: float = 0.95,
    exponentiate: bool = False,
) -> RegressionTable:
    """Return fits side by side: estimates over their standard errors, and measures of fit.

    AIC = −2 log L + 2 df, BIC = −2 log L + df log n, NIC = −2 log L + 2 tr(J⁻¹ K) (Murata 1994);
    the loss is −log L / Σw of the training rows, and of the rows of ``data``, which no fit should
    have seen.

    Parameters
    ----------
    fits : Fit
        Any fits of one response.
    data : frame, or (X, y) for fits to arrays, optional
        Validation data with the response; by default the rows that a network held out itself.
    names : sequence of str, optional
        What the columns are called, by default (1), (2), …
    vcov, cluster : optional
        The covariance of all fits, as for :meth:`statdl.Fit.vcov`; a list in ``vcov`` has one for
        each fit.
    what : {"coefficients", "effects"}, optional
        What the rows are. A network has no coefficients, but average marginal effects, as every
        model has: with a network among the fits these are shown, of all of them.
    below : {"std.error", "statistic", "p.value", "conf.int", "nothing"}
        What stands below an estimate.
    stars : bool or mapping
        Whether to mark p-values below 0.05, 0.01 and 0.001, or marks with their bounds.
    level : float
        Confidence level of "conf.int".
    exponentiate : bool
        Show e^β, odds ratios or rate ratios, with standard errors by the delta method.

    Returns
    -------
    RegressionTable
        Prints as text, ``to_html()``, ``to_latex()``, ``to_markdown()``, ``to_great_tables()``;
        ``table["AIC"]`` has the measures of all fits.

    Raises
    ------
    ModelError
        When something is no fit.
    DataError
        When ``data`` lack a column, or have classes that a fit does not know.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> line, both = sd.lm("mpg ~ wt", data=cars), sd.lm("mpg ~ wt + hp", data=cars)
    >>> table = sd.compare(line, both, stars=True)
    >>> table.terms
    ('Intercept', 'wt', 'hp')
    >>> bool(table["Loss"][1] < table["Loss"][0])
    True
    """
    for fit in fits:
        if not isinstance(fit, Fit):
            raise ModelError(
                f"compare() takes fits, and {type(fit).__name__} is none; data go to data=, and "
                "titles to names=."
            )
    if not fits:
        raise ModelError("compare() needs one fit or more.")
    rows = None if data is None else [new_rows(fit.estimate, data) for fit in fits]
    return comparison(
        [
            fit.with_covariance(one, cluster).estimate
            for fit, one in zip(fits, _one_each(vcov, len(fits)), strict=True)
        ],
        [fit.label for fit in fits],
        rows,
        names=names,
        what=what,
        below=below,
        stars=stars,
        level=level,
        exponentiate=exponentiate,
    )


def _one_each(vcov: Any, count: int) -> Sequence[Any]:
    """Return the covariance of each fit: those of a list, or the same for all."""
    several = isinstance(vcov, list | tuple) and all(
        one is None or isinstance(one, str | Covariance) or len(getattr(one, "shape", ())) == 2
        for one in vcov
    )
    if not several:
        return [vcov] * count
    if len(vcov) != count:
        raise ModelError(
            f"vcov= is a list of {len(vcov)} covariances for {count} fits; give each one."
        )
    return vcov


def validate(
    fit: Fit, packages: str | Sequence[str] | None = None, *, vcov: Any = None, cluster: Any = None
) -> Parity:
    """Fit again with statsmodels (and scikit-learn) and compare every quantity.

    The table has one row a quantity: how many values were compared, the two that differ most, their
    relative difference, and a verdict. What a package cannot say is in the notes: weights, offsets
    or covariances that it does not have.

    Parameters
    ----------
    fit : Fit
        An lm, glm or multinom.
    packages : {"statsmodels", "scikit-learn"} or both, optional
        What to compare with; by default statsmodels, and scikit-learn where it is installed.
    vcov, cluster : optional
        The covariance, as for :meth:`statdl.Fit.vcov`.

    Returns
    -------
    Parity
        With ``agrees`` and ``largest``, the largest relative difference.

    Raises
    ------
    ModelError
        For a network, for a fit without a maximum, and where statsmodels is not installed.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> found = sd.validate(fit, vcov="HC0")
    >>> found.agrees, found.largest < 1e-5
    (True, True)
    """
    return parity(as_fit(fit).with_covariance(vcov, cluster).estimate, packages)


def hidden_layer_test(
    fit: Fit,
    *,
    method: str = "terasvirta",
    test: str | None = None,
    degree: int = 3,
    units: int = 10,
    components: int = 2,
    seed: int = 0,
) -> DataTable:
    """Test whether a regression needs a hidden layer, without fitting one.

    The score test gᵀ I⁻¹ g / φ̂ of columns added to the regression: all products of two and three
    predictors (Teräsvirta, Lin & Granger 1993), or random logistic units (White 1989).

    Parameters
    ----------
    fit : Fit
        An lm, glm or multinom without penalty.
    method : {"terasvirta", "white"}
        Which columns are added.
    test : {"F", "Chisq"}, optional
        F where the dispersion is estimated, else χ².
    degree : {2, 3}
        Highest degree of Teräsvirta's products.
    units, components : int
        White's random units, and how many of their principal components, after the first, are used.
    seed : int
        Seed of White's units.

    Raises
    ------
    ModelError
        For networks, penalised fits, and more columns than the rows can bear.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> sd.hidden_layer_test(sd.lm("mpg ~ wt", data=cars))["Pr(>F)"].round(4).tolist()
    [0.0126]
    """
    options = {"degree": degree, "units": units, "components": components, "seed": seed}
    found = score_test(fit.estimate, method=method, test=test, **options)
    return score_table(found, fit.label)


def select_hidden(
    formula: str | None = None,
    data: Any = None,
    *,
    hidden: Sequence[int] = range(10),
    criterion: str = "bic",
    inputs: bool = False,
    restarts: int = 5,
    decay: float = 0.0,
    folds: int = 10,
    seed: int = 0,
    **options: Any,
) -> Selection:
    """Choose the number of hidden units, and the inputs, of a network with one hidden layer.

    Every number of units is fitted; with ``inputs=True`` inputs are then dropped while that lowers
    the criterion; then one unit or input more or fewer is tried until nothing helps. 0 units is
    the regression, without decay.

    Parameters
    ----------
    hidden : sequence of int
        Numbers of units to choose from.
    criterion : {"bic", "aic", "nic", "cv"}
        What is to be small; "cv" is the mean loss of ``folds``-fold cross-validation.
    inputs : bool
        Whether to choose inputs as well (for a formula).
    restarts, decay, seed, **options
        As for :func:`mlp`.

    Returns
    -------
    Selection
        With ``fit``, ``hidden``, ``terms`` and ``table``.

    Notes
    -----
    Standard errors of the chosen fit know nothing of the choice.

    References
    ----------
    McInerney & Burke (2024), Statistical Modelling.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> found = sd.select_hidden("mpg ~ wt", data=cars, hidden=range(3), decay=0.1)
    >>> found.hidden
    1
    """
    if criterion not in CRITERIA:
        lookup(criterion, dict.fromkeys(CRITERIA), "criterion")
    if inputs and formula is None:
        raise ModelError("inputs=True chooses terms of a formula; give formula and data=.")
    shared = {"data": data, "restarts": restarts, "seed": seed, **options}
    full = _fitted(formula, 0, decay, shared)
    terms = {term.name: term for term in full.estimate.frame.design.terms}
    ends = "" if full.estimate.frame.design.intercept else " - 1"

    def evaluate(units: int, chosen: tuple[str, ...]) -> tuple[Fit, float, float]:
        text = formula
        if formula is not None and len(chosen) < len(terms):
            text = update_formula(formula, f". ~ {' + '.join(chosen)}{ends}")
        fit = _fitted(text, units, decay, shared)
        return fit, _criterion(fit, criterion, folds, seed), fit.goodness.parameters

    def marginal(name: str, kept: tuple[str, ...]) -> bool:
        return any(_within(terms[name], terms[other]) for other in kept if other != name)

    search = Search(evaluate)
    chosen = select(search, hidden, tuple(terms), inputs, marginal)
    table = selection_table(search, chosen, criterion)
    assert search.best is not None
    fit = search.best[2]
    _warn_unconverged(fit)
    return Selection(fit, *chosen, table)


def _warn_unconverged(fit: Fit) -> None:
    """Say of the chosen fit what its own warning, in the search, would have said."""
    record = fit.convergence
    if not record.converged:
        said = " ".join((f"{record.method}: {record.message}", *record.notes))
        warn(f"The chosen fit: {said}", ConvergenceWarning)


def _within(term: Term, other: Term) -> bool:
    return term.factors < other.factors


def _fitted(formula: str | None, units: int, decay: float, shared: dict[str, Any]) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatdlWarning)  # the table says what came of a candidate
        options = {"hidden": (units,) if units else (), "decay": decay if units else 0.0}
        return mlp(formula, **{**shared, **options})


def _criterion(fit: Fit, criterion: str, folds: int, seed: int) -> float:
    if criterion == "cv":
        return cross_validated_loss(fit.estimate, folds, seed)
    return {"aic": fit.aic, "bic": fit.bic, "nic": fit.goodness.nic}[criterion]
