"""The front doors ``lm``, ``glm`` and ``multinom``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from statdl.api.data import read
from statdl.api.keywords import front_door
from statdl.api.words import as_family, as_penalty, as_solver
from statdl.estimate import Specification, estimate, specify
from statdl.formula import ModelFrame
from statdl.model.categorical import Multinomial
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.link import Link
from statdl.model.penalty import Penalty
from statdl.results import Call, Fit
from statdl.solve.iterate import Solver
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import Newton

#: Above this many parameters times outputs, L-BFGS passes the data more cheaply than Newton.
NEWTON_SIZE = 200


@front_door
def lm(
    formula: str | None = None,
    data: Any = None,
    *,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    method: str | Solver = "ls",
    penalty: float | Penalty | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Fit:
    """Fit a linear regression: normal errors, by least squares.

    y = Xβ + offset + ε with ε_i ~ N(0, σ²/w_i); β̂ minimises ½ Σ w_i (y_i − η_i)² (+ penalty).

    Parameters
    ----------
    formula : str, optional
        Such as ``"mpg ~ wt + factor(cyl)"``, in R's language.
    data : frame, dict or Scan, optional
        pandas, polars or pyarrow; or rows that are read in blocks, by :func:`scan`.
    X, y : arrays, optional
        (n, p) and (n,) in place of formula and data: NumPy, CuPy or any array API library.
    names : sequence of str, optional
        Names of the columns of X.
    intercept : bool
        Whether a model for arrays has an intercept; formulas say so with ``- 1``.
    weights : column name or (n,) array, optional
        Inverse variances up to a factor (R's prior weights).
    offset : column name or (n,) array, optional
        A part of η with coefficient 1; ``offset(...)`` in the formula adds to it.
    subset : mask or condition, optional
        Rows to use, such as ``"wt > 3 & cyl == 4"``.
    na_action : {"drop", "raise"}
        What to do with rows that have missing values.
    method : str or Solver
        "ls", "newton", "irls", "lbfgs" or "gd", or an object such as
        ``sd.GradientDescent(sd.Adam(0.01), batch=32)``.
    penalty : float or Penalty, optional
        Weight decay: ½ λ Σ β², intercept left alone.
    device : {"cpu", "cuda"}, optional
        Where to compute; by default that of a ``with sd.device(...)`` block, else where the data
        are. Data that are too large for the card pass through it in blocks.
    dtype : {"float32", "float64"}, optional
        Precision of the data; by default as they are. Sums over rows are carried in double.

    Returns
    -------
    Fit

    Raises
    ------
    FormulaError, DataError, ModelError
        When the formula, the data or the combination of arguments make no model.
    DeviceError
        When a device cannot be used, or has too little memory.

    See Also
    --------
    glm : Other distributions.
    mlp : Unknown shapes.
    Fit : What is returned.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> fit = sd.lm("mpg ~ wt + factor(cyl)", data=cars)
    >>> print(fit.params.round(3).to_string())
    Intercept         33.991
    wt                -3.206
    factor(cyl)[T.6]  -4.256
    factor(cyl)[T.8]  -6.071
    """
    arguments = locals()
    frame = read(arguments)
    return fit_regression(Call(lm, arguments), frame, Gaussian(), method, penalty)


@front_door
def glm(
    formula: str | None = None,
    data: Any = None,
    family: str | Family = "gaussian",
    *,
    link: str | Link | None = None,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    reference: Any = None,
    method: str | Solver | None = None,
    penalty: float | Penalty | None = None,
    bias_reduction: bool = False,
    device: str | None = None,
    dtype: str | None = None,
) -> Fit:
    """Fit a generalised linear model by maximum likelihood.

    g(E y) = η = Xβ + offset, with y from the family and g its link. A binomial response may be
    0/1, two categories, ``cbind(successes, failures)`` or proportions. Parameters not listed here,
    what is returned and what is raised are those of :func:`lm`.

    Parameters
    ----------
    family : str or Family
        "gaussian", "binomial" (= "bernoulli"), "poisson" or "gamma", or an object such as
        ``sd.families.Poisson(link=sd.links.Sqrt())``.
    link : str or Link, optional
        binomial: logit, probit, cloglog, cauchit; poisson: log, sqrt, identity; gamma: inverse,
        log, identity; gaussian: identity, log, inverse. The first is the default.
    weights : column name or (n,) array, optional
        Prior weights; for a binomial response of proportions, the numbers of trials.
    reference : optional
        Which of two categories counts as 0.
    method : str or Solver, optional
        "irls" (Fisher scoring, the default), "newton" (observed information), "lbfgs", "gd", or
        "ls" for the gaussian family with the identity link.
    bias_reduction : bool
        Firth's penalised likelihood, ``log L + ½ log |I|``: finite where classes are separated,
        and without the first-order bias. Take limits by ``fit.confint(method="profile")``.

    See Also
    --------
    lm : Least squares.
    multinom : Several classes.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models; Firth (1993), Biometrika 80
    (bias_reduction).

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    >>> print(fit.params.round(3).to_string())
    Intercept    12.040
    wt           -4.024
    """
    arguments = locals()
    chosen = as_family(family, link)
    if method is None:
        method = "ls" if chosen.quadratic else "irls"
    frame = read(arguments, classes=not chosen.quadratic)
    return fit_regression(Call(glm, arguments), frame, chosen, method, penalty)


@front_door
def multinom(
    formula: str | None = None,
    data: Any = None,
    *,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    reference: Any = None,
    method: str | Solver | None = None,
    penalty: float | Penalty | None = None,
    bias_reduction: bool = False,
    device: str | None = None,
    dtype: str | None = None,
) -> Fit:
    """Fit a multinomial (softmax) regression by maximum likelihood.

    P(y = k) = e^{η_k} / (1 + Σ_j e^{η_j}) with η_k = Xβ_k + offset for every class but the
    reference, whose η is 0. The response may be a factor, text, integers, or ``cbind(a, b, c)`` of
    counts. Parameters not listed here, what is returned and what is raised are those of :func:`lm`.

    Parameters
    ----------
    reference : optional
        The class that the others are compared with; by default the first level.
    method : str or Solver, optional
        "newton", "lbfgs" or "gd"; by default Newton's method, or L-BFGS for many parameters.
    bias_reduction : bool
        Firth's penalised likelihood, ``log L + ½ log |I|``: finite where classes are separated,
        and without the first-order bias. Take limits by ``fit.confint(method="profile")``.

    See Also
    --------
    glm : Two classes.

    References
    ----------
    Agresti (2013), Categorical Data Analysis, ch. 8.

    Examples
    --------
    >>> import statdl as sd
    >>> housing = sd.datasets.load("housing")
    >>> fit = sd.multinom("Sat ~ Infl", data=housing, weights="Freq")
    >>> print(fit.params.round(3).to_string())
                    Medium   High
    Intercept       -0.506 -0.477
    Infl[T.Medium]   0.420  0.725
    Infl[T.High]     0.603  1.541
    """
    arguments = locals()
    frame = read(arguments, classes=True)
    return fit_regression(Call(multinom, arguments), frame, Multinomial(), method, penalty)


def fit_regression(
    call: Call,
    frame: ModelFrame,
    family: Family,
    method: str | Solver | None,
    penalty: float | Penalty | None,
) -> Fit:
    """Take the one way from a front door to a fit."""
    arguments = call.arguments or {}
    specification = specify(
        frame,
        family,
        Newton() if method is None else as_solver(method, frame.n),
        penalty=as_penalty(penalty, bool(arguments.get("bias_reduction"))),
        reference=arguments.get("reference"),
        device=arguments["device"],
        dtype=arguments["dtype"],
        sums="float64",
    )
    if method is None:
        specification = replace(specification, solver=LBFGS() if _many(specification) else Newton())
    return Fit(estimate(specification), call)


def _many(specification: Specification) -> bool:
    """Tell whether a curvature costs more than the steps it saves: never where passes cost."""
    rows, q = specification.rows, specification.family.outputs
    size = rows.template.shape[1] * q**2
    return not rows.passing and size > NEWTON_SIZE and rows.n > 10 * size / q
