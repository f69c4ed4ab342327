"""What statdl offers exists, says what it is, and shows how it is used."""

import ast
import copy
import importlib
import inspect
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import statdl

ROOT = Path(statdl.__file__).parent

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


STUBS = sorted(ROOT.rglob("__init__.pyi"))


def names_of(stub):
    """Each public name of a package with its module, from the stub."""
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module, alias


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_a_package_offers_what_its_stub_says(stub):
    package = importlib.import_module(".".join(stub.relative_to(ROOT.parent).parent.parts))
    assert package.__all__ == sorted(alias.name for _, alias in names_of(stub))
    for module, alias in names_of(stub):
        assert alias.asname == alias.name, "a stub re-exports only `X as X`"
        home = importlib.import_module(module)
        assert getattr(package, alias.name) is getattr(home, alias.name)


def test_a_name_is_the_same_object_each_time():
    for name in statdl.__all__:
        assert getattr(statdl, name) is getattr(statdl, name)


def test_dir_lists_public_names_and_no_rooms():
    assert {*statdl.__all__, "__version__", "__doc__"} <= {*dir(statdl)}
    assert not {"model", "solve", "lazy", "lazy_names"} & {*dir(statdl)}


def test_star_import_brings_every_name():
    names = {}
    exec("from statdl import *", names)
    assert {*statdl.__all__} <= names.keys()


def test_a_misspelt_name_is_the_usual_error_with_a_suggestion():
    with pytest.raises(AttributeError, match="module 'statdl' has no attribute 'loglik'"):
        statdl.loglik
    code = "import statdl; statdl.loglik"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.rstrip().endswith("Did you mean: 'logLik'?")
    with pytest.raises(ImportError, match="cannot import name 'loglik' from 'statdl'"):
        from statdl import loglik  # noqa: F401


@pytest.mark.parametrize(
    "first", ["statdl.formula", "statdl.api.verbs", "statdl.estimate.specify", "statdl.cli"]
)
def test_no_room_hides_the_name_it_shares(first):
    code = f"""
import contextlib
with contextlib.suppress(ImportError):
    import {first}
import statdl
from statdl import formula
from statdl.estimate import specify
assert formula is statdl.formula is statdl.api.verbs.formula
assert specify is statdl.estimate.specify and callable(specify)
import statdl.formula, statdl.estimate.specify
assert callable(statdl.formula) and callable(statdl.estimate.specify)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_objects_are_copied_and_pickled():
    for name in statdl.__all__:
        value = getattr(statdl, name)
        if not isinstance(value, ModuleType):
            assert pickle.loads(pickle.dumps(value)) is value
            assert copy.deepcopy(value) is value
    solver = statdl.GradientDescent(statdl.Adam(0.01), batch=32)
    assert pickle.loads(pickle.dumps(solver)) == copy.deepcopy(solver) == solver


def test_vectors_of_a_fit_are_named_for_what_they_are():
    fit = statdl.glm("am ~ wt", data=statdl.datasets.load("mtcars"), family="binomial")
    for attribute in ("resid", "resid_pearson", "resid_deviance", "resid_working"):
        assert getattr(fit, attribute).name == attribute
    assert fit.resid_response.name == "resid"
    assert fit.fittedvalues.name == fit.mu.name == fit.fitted().name == "fitted"
    assert fit.predict().name == "fit"
