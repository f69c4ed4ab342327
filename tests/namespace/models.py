"""The models that every verb is tried on, at any place."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.testing import assert_allclose

import statdl as sd
from statdl.backend.array import is_array, to_numpy
from tests.cases import Case, draw, draw_classes
from tests.places import PLACES, Place

NUMPY = PLACES[0]
#: One fit of each kind of model; the options are those of :func:`fit`.
MODELS: dict[str, dict[str, Any]] = {
    "lm": {"family": "gaussian", "link": "identity"},
    "logit": {"family": "binomial", "link": "logit"},
    "probit": {"family": "binomial", "link": "probit"},
    "poisson": {"family": "poisson", "link": "log"},
    "gamma": {"family": "gamma", "link": "log"},
    "multinom": {"family": "multinomial"},
}
#: Rows that vary together, in tests of covariances.
GROUPS = np.arange(80) % 9


@cache
def case(family: str, link: str = "logit") -> Case:
    """The data of a model: 80 rows, three columns, weights and an offset."""
    if family != "multinomial":
        return draw(family, link, 4)
    X, codes = draw_classes(3, n=80, p=3)
    return Case(family, link, X, codes, np.linspace(0.5, 2.0, 80), None)


def fit(at: Place, family: str, link: str = "logit", **options: Any) -> Any:
    """Fit at a place."""
    rows = case(family, link)
    data = {
        name: options.pop(name) if name in options else at(getattr(rows, name))
        for name in ("X", "y", "weights", "offset")
    }
    if family == "multinomial":
        return sd.multinom(**data, **options)
    if (family, link) == ("gaussian", "identity"):
        return sd.lm(**data, **options)
    return sd.glm(**data, family=family, link=link, **options)


@cache
def model(name: str, at: Place) -> Any:
    """The fit of a model at a place, made once."""
    return fit(at, **MODELS[name])


def assert_same(there: Any, here: Any, rtol: float = 1e-10, scale: float | None = None) -> None:
    """Assert that numbers agree, relative to themselves or to the largest of them.

    What cancels (a residual, a coefficient far below its error) is as accurate as what it is the
    difference of, which ``scale`` says; by default the largest entry.
    """
    ours, theirs = _host(there), _host(here)
    assert ours.shape == theirs.shape
    if ours.dtype.kind not in "fc":
        np.testing.assert_array_equal(ours, theirs)
        return
    size = float(np.nanmax(np.abs(theirs), initial=0.0)) if scale is None else scale
    assert_allclose(ours, theirs, rtol=rtol, atol=rtol * size if np.isfinite(size) else 0.0)


def same_numbers(name: str, at: Place, verb: Callable[[Any], Any], rtol: float = 1e-10) -> None:
    """Assert that a verb says the same of a model at a place as on NumPy."""
    assert_same(verb(model(name, at)), verb(model(name, NUMPY)), rtol)


def _host(values: Any) -> Any:
    if is_array(values):
        return to_numpy(values)
    if hasattr(values, "to_frame") and not hasattr(values, "to_numpy"):
        values = values.to_frame()
    if hasattr(values, "select_dtypes"):
        values = values.select_dtypes("number")
    return np.asarray(values)
