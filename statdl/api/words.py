"""Strings become objects here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any, TypeVar

from statdl import model, solve
from statdl.errors import ModelError, unknown_word
from statdl.model.categorical import Binomial
from statdl.model.exponential import Gamma, Gaussian, Poisson
from statdl.model.family import Family
from statdl.model.jeffreys import Jeffreys
from statdl.model.link import (
    Cauchit,
    ComplementaryLogLog,
    Identity,
    Inverse,
    Link,
    Log,
    Logit,
    Probit,
    Sqrt,
)
from statdl.model.penalty import Penalty, Ridge
from statdl.solve.iterate import Solver
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import LeastSquares, Newton

Named = TypeVar("Named")

#: The names of the distribution over several classes, which multinom() fits.
MULTINOMIAL = ("multinomial", "multinoulli", "softmax")

FAMILIES: Mapping[str, Callable[..., Any]] = {
    "gaussian": Gaussian,
    "normal": Gaussian,
    "binomial": Binomial,
    "bernoulli": Binomial,
    "poisson": Poisson,
    "gamma": Gamma,
}
LINKS: Mapping[str, Callable[[], Link]] = {
    "identity": Identity,
    "log": Log,
    "sqrt": Sqrt,
    "inverse": Inverse,
    "logit": Logit,
    "probit": Probit,
    "cauchit": Cauchit,
    "cloglog": ComplementaryLogLog,
}
METHODS: Mapping[str, Callable[[], Solver]] = {
    "ls": LeastSquares,
    "newton": Newton,
    "irls": lambda: Newton(expected=True, tolerance=1e-10),
    "fisher": lambda: Newton(expected=True, tolerance=1e-10),
    "lbfgs": LBFGS,
    "gd": lambda: solve.GradientDescent(),
    "sgd": lambda: solve.GradientDescent(solve.SGD(0.01), batch=32),
    "adam": lambda: solve.GradientDescent(solve.Adam(0.01), batch=32),
}
NETWORK_METHODS: Mapping[str, Callable[[], Solver]] = {
    "newton": lambda: solve.TrustRegion(),
    "gauss-newton": lambda: solve.TrustRegion(expected=True),
    "lbfgs": lambda: LBFGS(preconditioned=False, max_iterations=5000),
    "gd": lambda: solve.GradientDescent(),
    "sgd": lambda: solve.GradientDescent(solve.SGD(0.01), batch=32),
    "adam": lambda: solve.GradientDescent(solve.Adam(0.01), batch=32),
}


def as_family(family: str | Family | type[Family], link: str | Link | type[Link] | None) -> Family:
    """Return the family with its link, or say which links it has.

    A class, such as ``sd.families.Poisson``, stands for what it makes without arguments, and the
    link of a family may be a name too: ``sd.families.Poisson(link="sqrt")``.
    """
    found = _named_family(family) if isinstance(family, str) else family
    if not hasattr(found, "loss_and_score"):
        raise ModelError(
            f"family={family!r} is neither a name ({', '.join(FAMILIES)}) nor a family such as "
            "sd.families.Poisson()."
        )
    found = found() if isinstance(found, type) else found
    chosen = as_link(found.link if link is None else link)
    if not isinstance(chosen, tuple(found.links)):
        known = ", ".join(kind.name for kind in found.links)
        raise ModelError(
            f"The {found.name} family has no {getattr(chosen, 'name', repr(chosen))} link here; "
            f"choose one of {known}."
        )
    if chosen is found.link or len(found.links) == 1:
        return found
    return replace(found, link=chosen)  # type: ignore[type-var]


def is_multinomial(family: Any) -> bool:
    """Tell whether a family is named as the one over several classes."""
    return isinstance(family, str) and family.lower() in MULTINOMIAL


def as_link(link: str | Link | type[Link]) -> Link:
    """Return a link from its name or class, or the one given."""
    if isinstance(link, str):
        return lookup(link, LINKS, "link")()
    return link() if isinstance(link, type) else link


_QUASI = (
    "is no likelihood. Its estimates are those of family={0!r}, and its errors those of "
    "fit.with_covariance(fit.vcov() * fit.pearson_chi2 / fit.df_resid); vcov='HC1' asks for less."
)
_OWN = "is not shipped; a family is one class, which docs/extending/family.md writes."
#: Families that people look for here, and what to do instead.
_ELSEWHERE = {
    **dict.fromkeys(("multinomial", "multinoulli", "softmax"), "is fitted by multinom()."),
    **{f"quasi{name}": _QUASI.format(name) for name in ("poisson", "binomial")},
    **dict.fromkeys(
        ("negativebinomial", "nb", "nbinom", "negbin"),
        "with a known θ is an example of docs/extending/family.md; under-stated errors of counts "
        "are family='poisson' with vcov='HC1'.",
    ),
    **dict.fromkeys(("inversegaussian", "tweedie", "beta", "quasi"), _OWN),
    **dict.fromkeys(
        ("logit", "logistic", "probit", "cloglog"),
        "is a regression of family='binomial', with its link= where it is not the logit.",
    ),
}


def _named_family(name: str) -> Family:
    plain = name.lower().replace("_", "").replace(".", "").replace(" ", "").replace("-", "")
    if plain in _ELSEWHERE:
        raise ModelError(f"family={name!r} {_ELSEWHERE[plain]}")
    return lookup(name.lower(), FAMILIES, "family")()


def as_solver(
    method: str | Solver, rows: int, methods: Mapping[str, Callable[[], Solver]] = METHODS
) -> Solver:
    """Return a solver from its name, whose batches are no more than ``rows``, or the one given."""
    if isinstance(method, str):
        solver = lookup(method, methods, "method")()
        if isinstance(solver, solve.GradientDescent) and (solver.batch or 0) > rows:
            return replace(solver, batch=rows)
        return solver
    if hasattr(method, "move") and hasattr(method, "learning_rate"):
        made = f"sd.{method.__name__}(...)" if isinstance(method, type) else repr(method)
        raise ModelError(
            f"method={made} is a rule of gradient descent; say with it how long and by how many "
            "rows: method=sd.GradientDescent(sd.Adam(0.001), batch=32, epochs=100)."
        )
    if isinstance(method, type) or not hasattr(method, "step"):
        raise ModelError(
            f"method={method!r} is neither a name ({', '.join(methods)}) nor a solver such as "
            "sd.GradientDescent()."
        )
    return method


def as_penalty(penalty: Any, bias_reduction: bool = False) -> Penalty | None:
    """Return a ridge penalty from its strength, or the penalty given, or Firth's."""
    if bias_reduction:
        if penalty is not None:
            raise ModelError("bias_reduction=True is a penalty itself; leave penalty= out.")
        return Jeffreys()
    if isinstance(penalty, Real):
        return Ridge(float(penalty))
    if penalty is not None and not hasattr(penalty, "curvature"):
        raise ModelError(
            f"penalty={penalty!r} is neither a strength such as 1.0 nor a penalty such as "
            "sd.Ridge(1.0)."
        )
    return penalty


def as_activation(activation: str | model.Activation) -> model.Activation:
    """Return an activation from its name, or the one given."""
    if isinstance(activation, str):
        return lookup(activation, model.ACTIVATIONS, "activation")()
    if not hasattr(activation, "affine_maps") or isinstance(activation, type):
        raise ModelError(
            f"activation={activation!r} is neither a name nor an activation of statdl's kind; the "
            f"names are {', '.join(model.ACTIVATIONS)}."
        )
    return activation


def as_initial(initial: str | model.Initial | None) -> model.Initial | None:
    """Return a rule for initial weights from its name, or the one given."""
    if isinstance(initial, str):
        return lookup(initial, model.INITIALS, "initial")()
    if initial is not None and (not hasattr(initial, "draw") or isinstance(initial, type)):
        raise ModelError(f"initial={initial!r} is neither a name nor a rule for initial weights.")
    return initial


def lookup(name: str, table: Mapping[str, Named], what: str) -> Named:
    """Return an entry by name, or list the names with the nearest one."""
    if name in table:
        return table[name]
    raise unknown_word(what, name, tuple(table))
