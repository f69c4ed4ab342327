"""What statdl offers exists, says what it is, and shows how it is used."""

import inspect
from types import ModuleType

import pytest

import statdl

SHOWN = [
    name
    for name in statdl.__all__
    if inspect.isroutine(getattr(statdl, name, None))
    or inspect.isclass(getattr(statdl, name, None))
    or isinstance(getattr(statdl, name, None), ModuleType)
]


def test_names_are_listed_once():
    assert len(set(statdl.__all__)) == len(statdl.__all__)


@pytest.mark.parametrize("name", statdl.__all__)
def test_name_exists(name):
    assert hasattr(statdl, name)


@pytest.mark.parametrize("name", SHOWN)
def test_name_has_a_docstring(name):
    assert inspect.getdoc(getattr(statdl, name))


def _is_error(name):
    value = getattr(statdl, name)
    return inspect.isclass(value) and issubclass(value, Exception)


@pytest.mark.parametrize("name", [name for name in SHOWN if not _is_error(name)])
def test_docstring_has_a_runnable_example(name):
    text = inspect.getdoc(getattr(statdl, name)) or ""
    _, heading, examples = text.partition("Examples\n--------\n")
    assert heading, f"statdl.{name} needs an Examples section"
    assert ">>> " in examples, f"the Examples of statdl.{name} need a line to run"


def test_a_fit_has_the_names_statsmodels_users_type():
    cars = statdl.datasets.load("mtcars")
    fit = statdl.lm("mpg ~ wt + hp", data=cars)
    assert fit.ssr + fit.ess == pytest.approx(fit.centered_tss)
    assert fit.mse_model / fit.mse_resid == pytest.approx(fit.fvalue)
    assert fit.use_t
    assert fit.cov_type == "nonrobust"
    assert fit.df_null == 31
    assert fit.condition_number > 1
    for name in ("mu", "resid_response", "resid_pearson", "resid_deviance", "resid_working"):
        assert len(getattr(fit, name)) == 32
