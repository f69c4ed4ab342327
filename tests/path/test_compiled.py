"""The compiled loops say what their plain twins say; without numba nothing changes but time."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import statdl as sd
from statdl.solve import column_descent, gram
from statdl.solve import compiled as compiler
from statdl.solve.compiled import available, compiled

TIGHT = 1e-11


@pytest.fixture
def without(monkeypatch):
    """Call a function as if numba were not installed."""

    def call(function):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "numba", None)
            return function()

    return call


@pytest.fixture
def numba():
    return pytest.importorskip("numba")


def drawn(family: str, n: int, p: int):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, p)) + 0.3 * rng.standard_normal((n, 1))
    eta = X[:, 0] - X[:, 1] + 0.5 * X[:, 2]
    if family == "gaussian":
        return X, eta + rng.standard_normal(n)
    if family == "binomial":
        return X, (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    if family == "poisson":
        return X, rng.poisson(np.exp(eta / 3)).astype(float)
    return X, np.digitize(eta + rng.logistic(size=n), [-1.0, 1.0])


CASES = {
    "gaussian": ("gaussian", 80, 20, {}),
    "gaussian, elastic net": ("gaussian", 80, 20, {"alpha": 0.4}),
    "gaussian, ridge": ("gaussian", 80, 20, {"alpha": 0.0}),
    "gaussian, limits": ("gaussian", 80, 20, {"lower": -0.1, "upper": 0.3}),
    "gaussian, factors": ("gaussian", 80, 20, {"penalty_factor": [0, np.inf, *[1] * 18]}),
    "gaussian, no intercept": ("gaussian", 80, 20, {"intercept": False, "standardize": False}),
    "binomial": ("binomial", 60, 90, {}),
    "binomial, elastic net": ("binomial", 60, 90, {"alpha": 0.5}),
    "binomial, limits": ("binomial", 60, 90, {"lower": 0.0}),
    "binomial, factors": ("binomial", 60, 90, {"penalty_factor": [0, np.inf, *[1] * 88]}),
    "binomial, no intercept": ("binomial", 60, 90, {"intercept": False}),
    "poisson": ("poisson", 60, 90, {}),
    "multinomial": ("multinomial", 60, 90, {}),
    "multinomial, elastic net": ("multinomial", 60, 90, {"alpha": 0.7}),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_compiled_and_plain_agree(numba, without, case, weighted):
    family, n, p, options = CASES[case]
    X, y = drawn(family, n, p)
    if weighted:
        rng = np.random.default_rng(5)
        options = {**options, "weights": rng.uniform(0.5, 2, n), "offset": rng.normal(0, 0.2, n)}
        if family == "multinomial":
            del options["offset"]

    def solved():
        given = {"lambda_min_ratio": 0.05, "n_lambda": 12, "tolerance": TIGHT, **options}
        return sd.path(X=X, y=y, family=family, **given).estimate

    fast, plain = solved(), without(solved)
    np.testing.assert_allclose(fast.strengths, plain.strengths, rtol=1e-13)
    np.testing.assert_allclose(fast.coefficients, plain.coefficients, rtol=0, atol=1e-8)
    np.testing.assert_allclose(fast.intercepts, plain.intercepts, rtol=0, atol=1e-8)
    np.testing.assert_allclose(fast.losses, plain.losses, rtol=1e-10)
    assert fast.violations.max() <= 1.01 * TIGHT


def test_each_loop_is_used_where_it_serves(numba, monkeypatch):
    used = []
    for module, name in ((gram, "follow_gram"), (column_descent, "descend_columns")):
        loop = getattr(module.loops, name)
        monkeypatch.setattr(
            module.loops, name, lambda *a, loop=loop, name=name: used.append(name) or loop(*a)
        )
    sd.path(X=drawn("gaussian", 80, 20)[0], y=drawn("gaussian", 80, 20)[1], n_lambda=5)
    assert set(used) == {"follow_gram"}
    used.clear()
    X, y = drawn("binomial", 60, 90)
    sd.path(X=X, y=y, family="binomial", n_lambda=5)
    assert set(used) == {"descend_columns"}
    used.clear()
    sd.path(X=X, y=y, family="binomial", n_lambda=5, groups=[j // 2 for j in range(90)])
    assert not used  # groups have no compiled loop


def test_a_loop_that_does_not_end_leaves_it_to_its_twin(numba, without, monkeypatch):
    X, y = drawn("gaussian", 80, 20)
    X[:, 5] = X[:, 4] + 1e-6 * X[:, 6]

    def solved():
        return sd.path(X=X, y=y, lambda_=[0.1, 1e-3, 0.0]).estimate

    monkeypatch.setattr(gram, "SWEEPS", 2)
    np.testing.assert_allclose(solved().losses, without(solved).losses, rtol=1e-9)


def test_nobody_hears_of_numba(without, capfd):
    X, y = drawn("binomial", 60, 90)
    without(lambda: sd.path(X=X, y=y, family="binomial", n_lambda=5))
    assert capfd.readouterr() == ("", "")


def test_small_fits_do_not_load_numba():
    code = (
        "import sys, statdl as sd; sd.path('mpg ~ wt + hp', data=sd.datasets.load('mtcars')); "
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_that_cannot_be_written_costs_the_cache_only(numba, monkeypatch):
    asked = []
    real = numba.njit

    def njit(*, cache=False, **options):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function 'twice': no locator available")
        return real(**options)

    monkeypatch.setattr(compiler.numba, "njit", njit)
    assert compiled(lambda x: 2.0 * x)(4.0) == 8.0
    assert asked == [True, False]


def test_arrays_that_the_loops_do_not_read(numba):
    assert available(np.zeros((2, 2)), 1e9)
    assert not available(np.zeros((2, 2), np.float32), 1e9)
    assert not available(np.zeros((2, 3)).T, 1e9)


def test_a_loop_is_what_python_makes_of_it(numba):
    loops = gram.loops
    H = np.array([[2.0, 0.5], [0.5, 1.0]])
    found = []
    for loop in (loops.descend_gram, loops.descend_gram.py_func):
        b, g = np.zeros(2), np.array([-3.0, 0.4])
        zero, wide = np.zeros(2), np.full(2, np.inf)
        assert loop(H, g, b, np.ones(2), zero, -wide, wide, 1e-13, 100)
        found.append(b)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-14)
    np.testing.assert_allclose(found[0], [1.0, 0.0])
